"""The trust horizon: which iterates depend on rounding, measured against runs done twice here."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from simcore import (
    Balanced,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Record,
    Spectrum,
    horizon,
    presets,
    regimes,
    simulate,
    variations,
)
from simcore.horizon import PIXEL

MEDIUM = presets.MEDIUM.experiment


def medium(step_size: float, **changes):
    return simulate(replace(variations.with_step_size(MEDIUM, step_size), **changes))


def apart(run) -> np.ndarray:
    """The steps, every one of them recorded, at which the run and its twin differ by a pixel."""
    every = replace(run.experiment, record=Record(every=1, sharpness=False))
    one, two = simulate(every), simulate(horizon.twin(every))
    targets = np.array(every.task.singular_values)
    return one.steps[(np.abs(one.strengths - two.strengths) > PIXEL * targets).any(axis=(1, 2))]


def test_a_twin_differs_in_the_last_bit_of_every_layer():
    task = Spectrum(singular_values=(1.0,))
    scales = ((0.5, 0.5, 0.3), (0.0, -0.2))
    start = LayerScales(scales=scales)
    layered = replace(MEDIUM, task=task, network=Network(depths=(3, 2)), start=start)
    moved = horizon.twin(layered).start.scales
    for row, before in zip(moved, scales, strict=True):
        for x, y in zip(row, before, strict=True):
            assert Fraction(x) - Fraction(y) == (Fraction(np.spacing(abs(y))) if y else 0)
    assert moved[1][0] == 0.0  # zero stays: from there a pathway may never move


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
    one, two = simulate(MEDIUM), simulate(horizon.twin(MEDIUM))
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
    """Held against the twin's own run: verdicts, and ends or bands of 400 further steps."""
    told = 0
    for step_size in np.linspace(0.14, 0.3, 25).tolist():
        run = medium(step_size)
        found = horizon.horizon(run)
        if found is None:
            continue
        twin = simulate(horizon.twin(run.experiment))
        assert found.same_verdict == (regimes.classify(run) is regimes.classify(twin))
        if found.same_end:
            longer = [
                simulate(variations.with_steps(each.experiment, 1050)).strengths[-400:, :, 0]
                for each in (run, twin)
            ]
            ends = [each.sum(axis=1) for each in longer]
            swing = max(np.ptp(end) for end in ends)
            for of in (np.min, np.max):
                assert abs(of(ends[0]) - of(ends[1])) <= max(0.05, 0.2 * swing), step_size
            told += 1
    assert told >= 5


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
