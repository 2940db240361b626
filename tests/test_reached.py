"""The regimes that a network reaches: those of single runs, one after the other."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from simcore import (
    Flow,
    Freeze,
    Gaussian,
    LayerScales,
    Network,
    Ramp,
    StepSize,
    presets,
    regimes,
    simulate,
    variations,
)
from simcore.figures import ruler
from simcore.studies import reached

MEDIUM = presets.MEDIUM.experiment


@pytest.mark.parametrize(
    "experiment",
    [
        MEDIUM,
        variations.with_step_size(variations.with_depths(MEDIUM, (3, 5)), 0.5),
        replace(
            MEDIUM,
            network=Network(depths=(2, 3)),
            start=LayerScales(scales=((0.5, 0.9), (0.4, 0.4, 0.9))),
        ),
    ],
    ids=["medium", "unequal depths", "layers"],
)
def test_each_regime_is_that_of_a_run_there(experiment):
    low, high = ruler.span(experiment)
    parts = reached.regimes(experiment, low, high, most_seconds=0.0)
    assert (parts[0].low, parts[-1].high) == pytest.approx((low, high))
    assert [part.high for part in parts[:-1]] == [part.low for part in parts[1:]]
    assert all(one.regime is not two.regime for one, two in itertools.pairwise(parts))
    edges = np.geomspace(low, high, reached.FEWEST + 1)
    for eta in np.sqrt(edges[1:] * edges[:-1])[::7].tolist():
        (part,) = [part for part in parts if part.low < eta < part.high]
        assert part.regime is regimes.classify(simulate(variations.with_step_size(experiment, eta)))


def test_it_does_not_depend_on_the_step_size_nor_on_the_records():
    moved = variations.with_every(variations.with_step_size(MEDIUM, 0.07), 9)
    assert reached.origin(moved) == reached.origin(MEDIUM)
    assert reached.origin(variations.with_steps(MEDIUM, 651)) != reached.origin(MEDIUM)


def test_it_is_that_of_the_run_without_its_events_but_with_its_warm_up():
    freeze = Freeze(pathway=0, start=0, stop=200)
    warm = Ramp(start=0, stop=200, value=2 / 13, begin=0)
    late = StepSize(at=300, value=0.05)

    def origin(*events, words):
        changed = replace(MEDIUM, dynamics=replace(MEDIUM.dynamics, events=events))
        (drawn,) = ruler.data(changed, reached=[("cycle", 0.1, 0.2)])["reached"]
        assert drawn["words"].startswith(f"This network, run for 650 steps{words}: cycle")
        return reached.origin(changed)

    assert origin(words="") == reached.origin(MEDIUM)
    assert origin(freeze, late, words=" without its events") == reached.origin(MEDIUM)
    warmed = origin(warm, words=" with its warm-up")
    assert warmed.dynamics.events == (replace(warm, value=1.0),)
    assert origin(warm, late, words=" with its warm-up, without its other events") == warmed


def test_slices_change_nothing_and_may_be_stopped(monkeypatch):
    whole = reached.regimes(MEDIUM, 0.05, 0.4, 0.0)
    monkeypatch.setattr(reached, "SLICE", 1e-9)
    calls = []
    assert reached.regimes(MEDIUM, 0.05, 0.4, 0.0, lambda: calls.append(1)) == whole
    assert len(calls) == reached.FEWEST / reached.WIDE_LANES

    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        reached.regimes(MEDIUM, 0.05, 0.4, 0.0, stop)


def test_more_runs_where_they_are_cheap():
    coarse, fine = (reached.regimes(MEDIUM, 0.1, 0.11, each) for each in (0.0, 10.0))
    assert coarse[0].regime is fine[0].regime
    cell = np.log(0.11 / 0.1)
    for parts, cells in ((coarse, reached.FEWEST), (fine, reached.CELLS)):
        places = [np.log(part.high / 0.1) / cell * cells for part in parts]
        assert places == pytest.approx(np.round(places), abs=1e-6)


def test_runs_that_cannot_go_side_by_side_have_none():
    drawn = replace(MEDIUM, network=Network(depths=(2, 2)), start=Gaussian(std=0.1))
    for experiment in (
        drawn,
        replace(MEDIUM, dynamics=Flow(duration=9.0)),
        replace(MEDIUM, engine="matrices"),
    ):
        assert reached.origin(experiment) is None
