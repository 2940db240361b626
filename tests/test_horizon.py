"""The trust horizon: which iterates depend on rounding, measured against runs done twice here."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Record,
    Spectrum,
    horizon,
    presets,
    prospects,
    regimes,
    simulate,
    theory,
    variations,
)
from simcore.horizon import PIXEL

MEDIUM = presets.MEDIUM.experiment


def medium(step_size: float, **changes):
    return simulate(replace(variations.with_step_size(MEDIUM, step_size), **changes))


def moved(experiment, bits):
    """The experiment with each layer scale of a pathway so many numbers further on, one by one."""
    rows = []
    for row, count in zip(
        experiment.start.layer_scales(experiment.network.depths), bits, strict=True
    ):
        for _ in range(abs(count)):
            row = tuple(math.nextafter(x, math.copysign(math.inf, count)) for x in row)
        rows.append(row)
    return replace(experiment, start=LayerScales(scales=tuple(rows)))


def twins(experiment):
    return [moved(experiment, bits) for bits in horizon.bits(experiment.network.pathways).tolist()]


def apart(run) -> np.ndarray:
    """The steps, every one of them recorded, at which the run and a twin differ by a pixel."""
    every = replace(run.experiment, record=Record(every=1, sharpness=False))
    one, others = simulate(every), [simulate(twin) for twin in twins(every)]
    off = np.max([np.abs(one.strengths - other.strengths) for other in others], axis=0)
    return one.steps[(off > PIXEL * np.array(every.task.singular_values)).any(axis=(1, 2))]


def test_twins_differ_in_the_last_bits_of_every_layer():
    x = np.array([[0.5, 0.3], [0.0, -0.2], [0.7, 2.0]])
    count = np.array([[1, -3], [8, 2], [-1, 0]])
    there = horizon._moved(x, count)
    for new, old, bits in zip(there.flat, x.flat, count.flat, strict=True):
        away = Fraction(float(new)) - Fraction(float(old))
        assert away == bits * Fraction(float(np.spacing(abs(old)))) * bool(old)
    assert there[1, 0] == 0.0  # zero stays: from there a pathway may never move
    for pathways in (1, 2, 5):
        bits = horizon.bits(pathways)
        assert len({tuple(of) for of in bits.tolist()}) == len(bits) >= 7
        assert (bits != 0).all()
        assert np.abs(bits).max() <= horizon.MOST_BITS


@pytest.mark.parametrize(
    ("step_size", "first", "last"),
    [(2 / 13, (150, 165), (450, 475)), (0.2, None, None), (0.23, (415, 435), (650, 650))],
)
def test_the_runs_of_the_issue(step_size, first, last):
    """From 156 to 461 of the medium run, never at .2, from 424 on at .23; measured here: 158 to
    462, never, from 426 on (which bits are turned moves it by a few steps)."""
    found = horizon.horizon(medium(step_size))
    if first is None:
        assert found is None
    else:
        assert first[0] <= found.first <= first[1]
        assert last[0] <= found.last <= last[1]
        assert found.ends_the_run == (found.last == 650)


def test_the_end_of_the_medium_run_can_be_believed():
    one, two = simulate(MEDIUM), simulate(twins(MEDIUM)[0])
    assert 1e-6 < np.abs(one.strengths[-1] - two.strengths[-1]).max() < 1e-4
    found = horizon.horizon(one)
    assert (found.same_verdict, found.same_end) == (True, True)
    assert found.sentence == (
        f"From step {found.first} to {found.last} single iterates depend on rounding; ends, bands "
        "and verdict do not."
    )
    assert found.words.startswith(f"From here to step {found.last} single iterates")
    assert regimes.describe(one).endswith(found.sentence)


@pytest.mark.parametrize("step_size", [0.05, 2 / 13, 0.2, 0.24, 0.25, 0.3, 0.5])
def test_it_is_that_of_two_runs(step_size):
    run = medium(step_size)
    found, seen = horizon.horizon(run), apart(run)
    if len(seen) == 0:
        assert found is None
        assert not horizon.depends(run).any()
    else:
        assert (found.first, found.last) == (seen[0], seen[-1])
        assert (run.steps[horizon.depends(run)][[0, -1]] == seen[[0, -1]]).all()


def test_what_is_said_not_to_depend_on_rounding_does_not():
    """Held against runs of other bits: verdicts, and ends or bands of 400 further steps."""
    told = 0
    for step_size in np.linspace(0.14, 0.3, 25).tolist():
        run = medium(step_size)
        found = horizon.horizon(run)
        if found is None:
            continue
        others = [simulate(moved(run.experiment, bits)) for bits in ((1, 1), (-5, 9), (11, -2))]
        if found.same_verdict:
            assert {regimes.classify(other) for other in others} == {regimes.classify(run)}
        if found.same_end:
            longer = [
                simulate(variations.with_steps(each.experiment, 1050)).strengths[-400:, :, 0]
                for each in (run, *others)
            ]
            ends = [each.sum(axis=1) for each in longer]
            swing = max(np.ptp(end) for end in ends)
            for of in (np.min, np.max):
                assert np.ptp([of(end) for end in ends]) <= max(0.05, 0.2 * swing), step_size
            told += 1
    assert told >= 5


def drawn(count: int, seed: int):
    """Random small starts of depths 3 to 20, from the edge of a single pathway to 3 times it."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        depth, pathways = int(draw.choice([3, 5, 10, 20])), int(draw.integers(1, 4))
        unit = 2 / theory.single_path_sharpness(1.0, depth)
        yield presets.two_pathways(
            Descent(
                step_size=float(draw.uniform(1, 3) * unit),
                steps=int(draw.choice([600, 2000])),
            ),
            (depth,) * pathways,
            tuple((0.002 * draw.uniform(0.5, 1, pathways)).tolist()),
        )


def test_no_last_bits_break_a_promise():
    """Ten draws of up to five last bits for each pathway: none has another verdict, and nothing is
    promised where theory says what may happen."""
    draw, promised, hedged = np.random.default_rng(0), 0, 0
    for experiment in drawn(150, 6):
        run = simulate(replace(experiment, record=Record(frames=2, sharpness=False)))
        found = horizon.horizon(run)
        if found is None:
            continue
        if "may" in prospects.zone(experiment).sentence:
            assert not found.same_verdict
            hedged += 1
        if not found.same_verdict:
            continue
        promised += 1
        pathways = experiment.network.pathways
        bits = draw.choice([-1, 1], (10, pathways)) * draw.integers(1, 6, (10, pathways))
        others = [simulate(moved(run.experiment, of)) for of in bits.tolist()]
        assert {regimes.classify(other) for other in others} == {regimes.classify(run)}, experiment
    assert promised > 25
    assert hedged > 10


def test_a_verdict_that_depends_on_rounding_is_not_vouched_for():
    found = horizon.horizon(medium(0.23))  # chaos that finds a cycle sooner or later
    assert not found.same_verdict
    assert found.sentence.endswith(
        "on single iterates depend on rounding, and so may the way it ends."
    )


def test_each_mode_is_seen_on_the_scale_of_its_own_target():
    two = replace(MEDIUM, task=Spectrum(singular_values=(1.0, 0.98)))
    run = simulate(two)
    found, seen = horizon.horizon(run), apart(run)
    assert (found.first, found.last) == (seen[0], seen[-1])


def test_nobody_knows_of_flows_full_weights_and_runs_that_were_cancelled():
    flow = simulate(replace(MEDIUM, dynamics=Flow(duration=20.0), record=Record(frames=9)))
    drawn = replace(
        MEDIUM, network=Network(depths=(2, 2)), start=Gaussian(std=0.1), record=Record(frames=9)
    )
    cancelled = simulate(MEDIUM, on_progress=lambda fraction: False)
    for run in (flow, simulate(drawn), cancelled):
        assert horizon.horizon(run) is None
        assert not horizon.depends(run).any()


def test_rounding_is_not_asked_of_a_start_that_stays():
    still = replace(MEDIUM, start=Balanced(scales=(0.0, 0.0)))
    assert horizon.horizon(simulate(still)) is None


def test_what_is_too_dear_or_has_no_target_is_not_asked(monkeypatch):
    run = simulate(
        Experiment(
            task=Spectrum(singular_values=(0.0,)),
            network=Network(depths=(4, 4)),
            start=Balanced(scales=(0.3, 0.2)),
            dynamics=Descent(step_size=0.3, steps=50),
        )
    )
    assert horizon.horizon(run) is None
    assert "rounding" not in regimes.describe(run)
    wide = Experiment(
        task=Spectrum(singular_values=tuple(np.linspace(1.0, 0.5, 64).tolist())),
        network=Network(depths=(20,) * 8),
        start=Balanced(scales=(0.01,) * 8),
        dynamics=Descent(step_size=0.15, steps=50_000),
        record=Record(frames=2, sharpness=False),
    )
    dear = simulate(wide)
    monkeypatch.setattr(horizon, "kernels", None)  # nothing is stepped
    assert horizon.horizon(dear) is None
