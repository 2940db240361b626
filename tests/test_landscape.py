"""Behind the plane: its sharpness is that of the whole network, its lines are those of the flow."""

import naive
import numpy as np
import pytest
from strategies import refused

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    LayerScales,
    Network,
    Spectrum,
    landscape,
    prospects,
    simulate,
    theory,
)

CASES = [((2, 2), 1.0), ((3, 3), 0.7), ((4, 4), 1.3), ((3, 5), 1.0), ((1, 3), 1.0), ((2, 4), 2.0)]


def at(sigma, depths, target, width=1):
    return Experiment(
        task=Spectrum(singular_values=(target,)),
        network=Network(depths=depths, width=width),
        start=Balanced(scales=tuple(sigma)),
        dynamics=Descent(step_size=0.1, steps=1),
    )


def dense(sigma, depths, target, width):
    """The largest eigenvalue of the dense Hessian at balanced strengths, negative ones included."""
    experiment = at(np.abs(sigma), depths, target, width)
    scales = [
        np.full((depth, 1), np.sign(s) * abs(s) ** (1 / depth))
        for s, depth in zip(sigma, depths, strict=True)
    ]
    return naive.spectrum(experiment, naive.aligned(experiment, scales))[0]


@pytest.mark.parametrize(("depths", "target"), CASES)
@pytest.mark.parametrize("width", [1, 2])
def test_sharpness_is_that_of_the_dense_hessian_at_every_point(depths, target, width):
    rng = np.random.default_rng(sum(depths))
    odd = np.array(depths) % 2 == 1
    for _ in range(6):
        sigma = rng.uniform(np.where(odd, -0.5, 0.0), 1.6) * target
        expected = dense(sigma, depths, target, width)
        found = landscape.sharpness(sigma, depths, target)
        assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("depths", [(1, 1), (2, 3), (5, 4), (3, 3, 3)])
@pytest.mark.parametrize("size", [1e100, 1e200, 1e308])
def test_where_numbers_end_the_sharpness_is_beyond_them_and_nobody_is_warned(depths, size):
    strengths = np.array([0.5, size, 0.1][: len(depths)])
    found = landscape.sharpness([strengths, strengths[::-1], 0 * strengths], depths, 1.0)
    grown = (2 - 2 / depths[1]) * np.log10(size)
    assert not np.isnan(found).any()
    assert np.isfinite(found[2])
    assert np.isinf(found[0]) == (grown > 308)


def test_sharpness_of_a_minimum_is_the_closed_form_and_nothing_is_said_below_zero():
    split = np.array([0.7, 0.3])
    assert landscape.sharpness(split, (20, 20), 1.0) == pytest.approx(
        float(theory.mode_sharpness(split, (20, 20)))
    )
    assert np.isnan(landscape.sharpness([[-0.1, 0.5]], (2, 3), 1.0)).all()
    with refused("one entry per pathway"):
        landscape.sharpness([0.1, 0.2, 0.3], (2, 2), 1.0)


@pytest.mark.parametrize(("depths", "target"), CASES)
def test_along_a_line_the_invariant_of_the_flow_stays_and_the_end_is_a_minimum(depths, target):
    for pair in landscape.streams(2 * target, 5, depths, target):
        for line in pair:
            assert line[-1].sum() == pytest.approx(target)
            phi = theory.flow_invariants(line[(line > 0.05 * target).all(axis=1)], depths)
            assert np.abs(phi[:, 0] - phi[:, 1] - (phi[-1, 0] - phi[-1, 1])).max(initial=0) < 1e-4
        below, above = pair
        assert below.sum(axis=1).max() <= target + 1e-9 <= above.sum(axis=1).min() + 2e-9


@pytest.mark.parametrize("depths", [(2, 2), (3, 5), (1, 4), (13, 13)])
def test_a_line_of_layers_apart_is_the_one_that_gradient_flow_takes(depths):
    """From random aligned starts: the flow's strengths lie on the line through its end."""
    rng = np.random.default_rng(sum(depths))
    scales = tuple(tuple(rng.uniform(0.75, 1.25, depth).tolist()) for depth in depths)
    run = simulate(
        Experiment(
            task=Spectrum(singular_values=(3.0,)),
            network=Network(depths=depths),
            start=LayerScales(scales=scales),
            dynamics=Flow(duration=40.0, rtol=1e-10),
        )
    )
    gaps = prospects.kept_gaps(run.experiment)
    path = run.strengths[:, :, 0]
    sign = np.sign(path[0].sum() - 3.0)
    (line,) = landscape._lines(path[-1:], sign, 6.0, gaps)
    order = np.argsort(line[:, 0])
    within = path[(path <= 6.0).all(axis=1)]
    assert len(within) > 10
    found = np.interp(within[:, 0], line[order, 0], line[order, 1])
    assert found == pytest.approx(within[:, 1], abs=2e-3)


def test_pathways_with_layers_apart_have_a_separatrix_where_they_are_alike():
    alike = [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    np.testing.assert_array_equal(landscape.divide(2.0, (3, 3), gaps=alike), [[0, 0], [2, 2]])
    assert landscape.divide(2.0, (3, 3), gaps=[[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]) is None
    plain = landscape.divide(2.0, (3, 4), gaps=[[0.0] * 3, [0.0] * 4])
    np.testing.assert_array_equal(plain, landscape.divide(2.0, (3, 4)))


@pytest.mark.parametrize("depths", [(3, 3), (3, 5), (5, 4)])
def test_a_start_beside_the_separatrix_ends_with_the_pathway_on_its_side(depths):
    line = landscape.divide(1.0, depths)[1:]
    low = line[np.argmax(line.min(axis=1) > 1e-3)]
    for side, start in ((0, low * [1.5, 1]), (1, low / [1.5, 1])):
        end = theory.flow_end_split(start, depths, 1e4)  # far away the winner has it all
        assert np.argmax(end) == side
    phi = theory.flow_invariants(line, depths)
    assert phi[:, 0] == pytest.approx(phi[:, 1])


def test_shallow_pathways_have_no_separatrix():
    assert landscape.divide(1.0, (2, 5)) is None
