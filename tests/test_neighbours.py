"""The neighbours' figures: their numbers, and how they count."""

import numpy as np
import pytest

from simcore import Outcome, neighbour_presets, neighbours, presets, simulate
from simcore.figures import gaps, panels


@pytest.mark.parametrize("figure", neighbours.ALL, ids=lambda figure: figure.name)
def test_a_figure_says_what_it_needs_to(figure):
    assert figure.seen
    assert figure.convention.sentence
    assert figure.runs
    assert figure.pictures or figure.together
    for picture in figure.pictures:
        assert picture.panel in panels.PANELS or picture.panel == "maps"
    for preset in figure.runs:
        assert preset.expected
        assert preset.source


def test_rates_without_the_half_are_half_of_eta():
    assert "η here is twice their learning rate" in neighbours.SHI.sentence
    shi = presets.BY_NAME["tree-7"].experiment.dynamics.step_size
    assert shi == pytest.approx(neighbours.SHI.factor * 0.01)  # their published rate


def test_the_race_ends_where_the_exact_flow_does_and_not_where_euler_steps_do():
    """SCIENCE-2, 8; the flow's own ends are the presets' numbers."""
    assert neighbour_presets.race_end(13)[0] == pytest.approx(8.6171, abs=5e-5)
    p, depth = np.array(neighbour_presets.RACE_START), 13
    strengths = np.zeros(2)
    for _ in range(10_000):  # their dt, their steps
        widths = np.hypot(1.0, p) ** (depth - 1)
        strengths = p * widths
        p = p + 1e-3 * widths * (neighbour_presets.RACE_TARGET - strengths.sum())
    assert strengths[0] == pytest.approx(8.5074, abs=5e-5)
    said = neighbours.BY_NAME["shi-plane"].convention.sentence
    assert "8.5074 instead of 8.6171" in said


@pytest.mark.parametrize("depth", [2, 3, 8, 13])
def test_an_equal_start_of_the_race_ends_equal(depth, monkeypatch):
    monkeypatch.setattr(neighbour_presets, "RACE_START", (0.07, 0.07))
    assert neighbour_presets.race_end(depth) == pytest.approx((5.0, 5.0))


def test_gfs_sharpness_never_rises():
    (preset,) = neighbours.BY_NAME["kreisler"].runs
    run = simulate(preset.experiment)
    for expected in preset.expected:
        assert expected.holds(run), (expected.label, expected.measure(run))


@pytest.mark.parametrize("preset", neighbour_presets.GAPS, ids=lambda preset: preset.name)
def test_the_gap_by_its_law_is_the_one_of_the_layers(preset):
    run = simulate(preset.experiment)
    first, second = 2.6, 1.2
    for _ in range(run.steps[-1]):
        pull = run.experiment.dynamics.step_size * (first * second - 5.0)
        first, second = first - pull * second, second - pull * first
    assert neighbour_presets.gaps(run)[-1] == pytest.approx(first**2 - second**2, abs=1e-9)
    drawn = gaps.balancing_gaps([("a", run.steps, neighbour_presets.gaps(run))])
    assert drawn.runs[0].columns["gap"][0] == pytest.approx(2.6**2 - 1.2**2)


@pytest.mark.parametrize("a", [0.5, 0.8, 1.1, 1.9])
def test_a_total_of_depth_two_is_the_cubic_map(a):
    (preset,) = (p for p in neighbour_presets.CUBIC if p.name == "cubic-periodic")
    experiment = preset.experiment
    run = simulate(
        type(experiment)(
            task=experiment.task,
            network=experiment.network,
            start=experiment.start,
            dynamics=type(experiment.dynamics)(step_size=a, steps=40),
            record=experiment.record,
        )
    )
    z = a * (run.strengths[:, :, 0].sum(axis=1) - 1)
    np.testing.assert_allclose(
        z[1:], z[:-1] ** 3 + (a - 2) * z[:-1] ** 2 + (1 - 2 * a) * z[:-1], atol=1e-12
    )


def test_past_two_the_cubic_map_diverges():
    run = simulate(neighbour_presets.DIVERGENT.experiment)
    assert run.outcome is Outcome.DIVERGED
    assert all(expected.holds(run) for expected in neighbour_presets.DIVERGENT.expected)
