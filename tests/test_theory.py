"""The closed forms against their defining properties, slow twins and the published numbers."""

from __future__ import annotations

import decimal
from dataclasses import replace
from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import minimize
from scipy.stats import ortho_group

from simcore import theory
from simcore.experiment import Balanced, Descent, Experiment, Flow, Gaussian, LayerScales, Network
from simcore.tasks import Dataset, Spectrum

PAPER_START = (0.002, 0.0017)
PAPER_DEPTHS = (20, 20)

DEPTHS = [
    (1,),
    (2,),
    (7,),
    (1, 1),
    (1, 2),
    (2, 2),
    (1, 4),
    (2, 3),
    (2, 20),
    (3, 5),
    (3, 3, 3),
    (20, 20),
    (1, 2, 3, 4),
    (2, 2, 6, 9),
    (3, 4, 30),
]

# --- A network in plain numpy, right by inspection ---------------------------------------------


def end_to_end(layers):
    product = layers[0]
    for layer in layers[1:]:
        product = layer @ product
    return product


def loss(network, target):
    residual = sum(end_to_end(layers) for layers in network) - target
    return (residual**2).sum() / 2


def gradient(network, target):
    """d loss / d W_l = (W_L ... W_{l+1})^T (M - M*) (W_{l-1} ... W_1)^T, flat."""
    residual = sum(end_to_end(layers) for layers in network) - target
    parts = []
    for layers in network:
        for index, layer in enumerate(layers):
            after = end_to_end([np.eye(layer.shape[0]), *layers[index + 1 :]])
            before = end_to_end([np.eye(layers[0].shape[1]), *layers[:index]])
            parts.append((after.T @ residual @ before.T).ravel())
    return np.concatenate(parts)


def flat(network):
    return np.concatenate([layer.ravel() for layers in network for layer in layers])


def unflat(theta, network):
    cuts = np.cumsum([layer.size for layers in network for layer in layers])[:-1]
    pieces = iter(np.split(theta, cuts))
    return [[next(pieces).reshape(layer.shape) for layer in layers] for layers in network]


def complex_step(function, theta):
    """Jacobian (..., N) of an analytic function, exact to rounding."""
    steps = 1e-30j * np.eye(len(theta))
    return np.stack([function(theta + step).imag for step in steps], axis=-1) / 1e-30


def aligned_minimum(strengths, depths, n_out, n_in, width):
    """Weights whose pathway h carries strengths[h, i] on mode i, balanced, and their sum M*."""
    modes = strengths.shape[1]
    left = ortho_group.rvs(n_out, random_state=1)[:, :modes] if n_out > 1 else np.eye(1)
    right = ortho_group.rvs(n_in, random_state=2)[:, :modes] if n_in > 1 else np.eye(1)
    network = []
    for sigma, depth in zip(strengths, depths, strict=True):
        scale = np.sign(sigma) * np.abs(sigma) ** (1 / depth)
        widths = [modes] + [width] * (depth - 1) + [modes]
        layers = []
        for cols, rows in pairwise(widths):
            layer = np.zeros((rows, cols))
            layer[np.arange(modes), np.arange(modes)] = scale
            layers.append(layer)
        layers[0] = layers[0] @ right.T
        layers[-1] = left @ layers[-1]
        network.append(layers)
    return network, sum(end_to_end(layers) for layers in network)


MINIMA = [
    # depths, strengths (H, R), n_out, n_in, width
    ((4,), [[2.0, 1.1, 0.6]], 3, 3, 3),
    ((1,), [[2.0, 0.5]], 2, 3, 2),
    ((2, 2), [[0.7, 0.2], [0.3, 0.4]], 2, 2, 3),
    ((3, 5), [[0.7, 0.2], [0.3, 0.4]], 3, 2, 2),
    ((1, 3), [[0.5, -0.3], [0.6, 0.9]], 2, 4, 3),
    ((3, 3), [[-0.3, 0.8], [1.3, 0.1]], 2, 2, 2),
    ((1, 2, 4), [[0.1, 0.2], [0.5, 0.0], [0.6, 0.3]], 3, 3, 3),
    ((2, 3), [[0.4, 0.0], [0.5, 0.0]], 2, 2, 2),
    ((6, 4), [[0.4], [0.5]], 1, 1, 1),
]


@pytest.fixture(params=MINIMA, ids=lambda case: str(case[0]))
def minimum(request):
    depths, strengths, n_out, n_in, width = request.param
    strengths = np.array(strengths)
    network, target = aligned_minimum(strengths, depths, n_out, n_in, width)
    hessian = complex_step(lambda x: gradient(unflat(x, network), target), flat(network))
    return depths, strengths, target, np.linalg.eigvalsh(hessian)[::-1]


def test_the_naive_gradient_is_the_derivative_of_the_naive_loss():
    network, target = aligned_minimum(np.array([[0.7, 0.2], [0.3, 0.4]]), (3, 2), 3, 2, 2)
    target = target + 0.3
    derivative = complex_step(lambda x: loss(unflat(x, network), target), flat(network))
    np.testing.assert_allclose(gradient(network, target), derivative, atol=1e-14)


# --- Sharpness of a minimum --------------------------------------------------------------------


def test_minimum_spectrum_is_the_dense_hessians(minimum):
    depths, strengths, target, eigenvalues = minimum
    spectrum = theory.minimum_spectrum(strengths, depths, *target.shape)
    assert spectrum.shape == (target.size,)
    padded = np.append(spectrum, np.zeros(len(eigenvalues) - target.size))
    np.testing.assert_allclose(eigenvalues, padded, atol=1e-13)


def test_the_top_eigenvalue_is_the_sharpest_mode(minimum):
    depths, strengths, _, eigenvalues = minimum
    assert theory.mode_sharpness(strengths.T, depths).max() == pytest.approx(eigenvalues[0])


def test_published_hessian_spectrum():
    # SCIENCE 4, case 4
    spectrum = theory.minimum_spectrum([[2, 1.1, 0.6]], (4,), 3, 3)
    published = [11.313708, *[7.63537] * 2, *[5.69091] * 2, 4.61476, *[3.09979] * 2, 1.85903]
    np.testing.assert_allclose(spectrum, published, atol=6e-6)


def test_pairs_with_a_zero_mode_keep_only_the_outer_layers():
    sigma, zero, depths = np.array([0.7, 0.4, 0.9]), np.zeros(3), (1, 2, 5)
    ends = 1 + 0.4 + 0.9 ** (8 / 5)
    assert theory.pair_sharpness(sigma, zero, depths) == pytest.approx(ends)
    assert theory.pair_sharpness(zero, sigma, depths) == pytest.approx(ends)
    assert theory.pair_sharpness(zero, zero, depths) == 1


@pytest.mark.parametrize("depths", DEPTHS)
def test_a_mode_paired_with_itself_is_mode_sharpness(depths):
    strengths = np.random.default_rng(0).uniform(-1, 2, (4, 3, len(depths)))
    np.testing.assert_allclose(
        theory.pair_sharpness(strengths, strengths, depths),
        theory.mode_sharpness(strengths, depths),
    )


@pytest.mark.parametrize("depth", [1, 2, 3, 20])
def test_one_pathway_alone_has_the_single_path_sharpness(depth):
    for target in (0.0, 0.3, 2.5):
        single = theory.single_path_sharpness(target, depth)
        assert single == theory.mode_sharpness([target], (depth,))
        assert single == pytest.approx(theory.balanced_sharpness(target, (depth,)))
    assert theory.single_path_sharpness(0.0, depth) == (depth == 1)
    assert theory.single_path_sharpness(1.0, depth) == depth


def test_sharpness_lets_a_diverged_record_through():
    rows = theory.mode_sharpness([[0.5, 0.5], [np.inf, 0.1], [np.nan, 0.1]], (3, 3))
    assert np.isfinite(rows[0])
    assert np.isinf(rows[1])
    assert np.isnan(rows[2])


# --- The flattest minimum ----------------------------------------------------------------------


@pytest.mark.parametrize("depths", DEPTHS)
@pytest.mark.parametrize("target", [0.05, 1.0, 6.0])
def test_flattest_split_is_what_an_optimiser_finds(depths, target):
    split = theory.flattest_split(target, depths)
    assert split.sum() == pytest.approx(target, rel=1e-14)
    assert (split >= 0).all()
    found = minimize(
        lambda x: theory.mode_sharpness(x, depths),
        np.full(len(depths), target / len(depths)),
        method="SLSQP",
        bounds=[(0, target)] * len(depths),
        constraints={"type": "eq", "fun": lambda x: x.sum() - target},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert theory.balanced_sharpness(target, depths) <= found.fun * (1 + 1e-12)
    assert theory.balanced_sharpness(target, depths) == pytest.approx(found.fun, rel=1e-6)


@pytest.mark.parametrize("depths", DEPTHS)
@pytest.mark.parametrize("target", [0.05, 1.0, 6.0])
def test_no_minimum_is_flatter_than_the_flattest(depths, target):
    others = target * np.random.default_rng(3).dirichlet(np.ones(len(depths)), 2000)
    split = theory.flattest_split(target, depths)
    near = split + 1e-4 * (others - split)
    lowest = theory.balanced_sharpness(target, depths)
    for splits in (others, near):
        assert theory.mode_sharpness(splits, depths).min() >= lowest * (1 - 1e-14)


@pytest.mark.parametrize("pathways", [1, 2, 5])
@pytest.mark.parametrize("depth", [2, 3, 8, 20])
def test_equal_depths_share_equally(depth, pathways):
    depths = (depth,) * pathways
    np.testing.assert_allclose(theory.flattest_split(0.7, depths), 0.7 / pathways, rtol=1e-14)
    formula = theory.single_path_sharpness(0.7, depth) * pathways ** (2 / depth - 1)
    assert theory.balanced_sharpness(0.7, depths) == pytest.approx(formula, rel=1e-14)


def test_unequal_depths_share_at_one_slope():
    depths = np.array([3, 4, 30])
    split = theory.flattest_split(0.8, depths)
    slope = (depths - 1) * split ** (1 - 2 / depths)
    np.testing.assert_allclose(slope, slope[0], rtol=1e-13)


def test_published_flattest_minima():
    # SCIENCE 4, cases 2 and 5
    assert theory.balanced_sharpness(1, (3, 5)) == pytest.approx(2.587189, abs=5e-7)
    assert theory.flattest_split(1, (3, 5))[0] == pytest.approx(0.73462, abs=5e-6)
    gain = theory.balanced_sharpness(1, (20, 20)) / theory.single_path_sharpness(1, 20)
    assert gain == pytest.approx(0.5358867, abs=5e-8)


def test_nothing_to_share():
    for depths in DEPTHS:
        np.testing.assert_array_equal(theory.flattest_split(0.0, depths), np.zeros(len(depths)))
        assert theory.balanced_sharpness(0.0, depths) == depths.count(1)


# --- The minima line ---------------------------------------------------------------------------


def test_minima_line_holds_minima_from_end_to_end():
    line = theory.minima_line(0.7, points=11)
    np.testing.assert_allclose(line.sum(axis=1), 0.7, rtol=1e-15)
    np.testing.assert_array_equal(line[[0, -1]], [[0, 0.7], [0.7, 0]])


def test_edge_split_of_the_papers_medium_run():
    # SCIENCE 4, case 8: where the central flow comes to rest
    splits = theory.edge_splits(1.0, PAPER_DEPTHS, 2 / 13)
    np.testing.assert_allclose(splits, [[0.25077, 0.74923], [0.74923, 0.25077]], atol=5e-6)


@pytest.mark.parametrize("depths", [(1, 2), (1, 4), (2, 3), (2, 20), (3, 5), (20, 20)])
def test_edge_splits_are_all_the_crossings_of_the_line(depths):
    target = 1.3
    line = theory.minima_line(target, 4001)
    sharpness = theory.mode_sharpness(line, depths)
    low, high = theory.balanced_sharpness(target, depths), sharpness.max()
    between = low + (high - low) * np.array([0.00011, 0.0123, 0.317, 0.807])
    for edge in (0.9 * low, *between, 1.1 * high):
        splits = theory.edge_splits(target, depths, 2 / edge)
        crossings = np.flatnonzero(np.diff(np.sign(sharpness - edge)))
        assert len(splits) == len(crossings)
        assert (np.diff(splits[:, 0]) > 0).all()
        np.testing.assert_allclose(theory.mode_sharpness(splits, depths), edge, rtol=1e-13)
        np.testing.assert_allclose(splits.sum(axis=1), target, rtol=1e-15)
        np.testing.assert_allclose(splits[:, 0], line[crossings, 0], atol=target / 4000)


@pytest.mark.parametrize("depth", [1, 2])
def test_a_flat_line_has_no_edge_split(depth):
    sharpness = theory.mode_sharpness(theory.minima_line(1.3), (depth, depth))
    np.testing.assert_allclose(sharpness, sharpness[0], rtol=1e-15)
    for edge in sharpness[0] * np.array([0.5, 1.0, 2.0]):
        assert theory.edge_splits(1.3, (depth, depth), 2 / edge).shape == (0, 2)


def test_at_the_flattest_edge_there_is_one_split():
    lowest = theory.balanced_sharpness(1.3, (3, 5))
    (split,) = theory.edge_splits(1.3, (3, 5), 2 / lowest)
    np.testing.assert_allclose(split, theory.flattest_split(1.3, (3, 5)))


# --- Gradient flow -----------------------------------------------------------------------------


def precise_flow_end(start, depths, target):
    """A slow twin of flow_end_split: plain bisection for tau with 70 digits."""
    context = decimal.Context(prec=70, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
    with decimal.localcontext(context):
        return _precise_flow_end([Decimal(float(s)) for s in start], depths, Decimal(target))


def _precise_flow_end(start, depths, target):
    def horizon(sigma, depth):
        return sigma ** (Decimal(2) / depth - 1) / (depth - 2)

    def strength(sigma, depth, tau):
        if depth == 1:
            return sigma + tau
        if sigma == 0:
            return sigma
        if depth == 2:
            return sigma * (2 * tau).exp()
        rest = (depth - 2) * (horizon(sigma, depth) - tau)
        return rest ** (-Decimal(depth) / (depth - 2))

    def strengths(tau):
        return [strength(sigma, depth, tau) for sigma, depth in zip(start, depths, strict=True)]

    low, high = Decimal(-1), Decimal(1)
    while sum(strengths(low)) > target:
        low *= 2
    blow_ups = [horizon(s, d) for s, d in zip(start, depths, strict=True) if d > 2 and s > 0]
    # Other pathways may get there first: exp of a whole horizon is too large even for Decimal.
    cap = min(blow_ups, default=Decimal("Infinity"))
    while high < cap and sum(strengths(high)) < target:
        high *= 2
    high = min(high, cap)
    for _ in range(210):
        middle = (low + high) / 2
        if sum(strengths(middle)) < target:
            low = middle
        else:
            high = middle
    return np.array([float(s) for s in strengths(low)])


@st.composite
def flow_starts(draw):
    depths = tuple(draw(st.lists(st.sampled_from([1, 2, 3, 4, 5, 20]), min_size=1, max_size=3)))
    exponents = st.floats(-12, 0.5)
    start = [10 ** draw(exponents) for _ in depths]
    if len(start) > 1 and draw(st.booleans()):
        start[1] = start[0] * (1 + draw(st.sampled_from([1e-15, 1e-12, 1e-6, -1e-9])))
    return tuple(start), depths, draw(st.sampled_from([0.01, 0.3, 1.0, 4.0]))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(flow_starts())
def test_flow_end_has_all_its_digits(case):
    start, depths, target = case
    end = theory.flow_end_split(start, depths, target)
    rounding = 1e-15 * (target + sum(start))
    np.testing.assert_allclose(
        end, precise_flow_end(start, depths, target), rtol=2e-12, atol=rounding
    )


@pytest.mark.parametrize("gap", [0.0, 3e-16, 1e-14, 1e-11, 1e-8, 1e-3])
@pytest.mark.parametrize("depths", [(20, 20), (3, 3), (100, 100), (20, 2), (1, 20), (20, 20, 20)])
def test_flow_end_from_tiny_and_nearly_tied_starts(depths, gap):
    start = 1e-12 * np.array([1.0, 1.0 + gap, 0.5])[: len(depths)]
    end = theory.flow_end_split(start, depths, 1.0)
    np.testing.assert_allclose(end, precise_flow_end(start, depths, 1.0), rtol=2e-13)
    assert end.sum() == pytest.approx(1.0, rel=1e-13)


@pytest.mark.parametrize("depths", DEPTHS)
@pytest.mark.parametrize("scale", [0.05, 2.0])
def test_flow_end_is_where_the_flow_goes(depths, scale):
    start = scale * np.array([1.0, 0.8, 0.9, 0.3])[: len(depths)]
    powers = np.array(depths)

    def velocity(_, w):
        return -(w ** (powers - 1)) * ((w**powers).sum() - 1.0)

    flow = solve_ivp(velocity, (0, 200), start ** (1 / powers), "LSODA", rtol=1e-10, atol=1e-12)
    end = theory.flow_end_split(start, depths, 1.0)
    np.testing.assert_allclose(end, flow.y[:, -1] ** powers, atol=1e-7)


@pytest.mark.parametrize("depths", DEPTHS)
def test_the_flow_keeps_the_differences_of_its_invariants(depths):
    start = 0.2 * np.array([1.0, 0.8, 0.9, 0.3])[: len(depths)]
    end = theory.flow_end_split(start, depths, 1.0)
    before, after = (theory.flow_invariants(split, depths) for split in (start, end))
    np.testing.assert_allclose(np.diff(after), np.diff(before), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("depths", DEPTHS)
def test_invariants_have_the_slope_of_the_flow(depths):
    # d phi_L / d w = w^{1-L}
    w = np.random.default_rng(5).uniform(0.5, 1.5, (6, len(depths)))
    powers, step = np.array(depths), 1e-6
    above, below = (theory.flow_invariants((w + h) ** powers, depths) for h in (step, -step))
    slope = (above - below) / (2 * step)
    np.testing.assert_allclose(slope, w ** (1.0 - powers), rtol=1e-7)


def test_published_flow_end():
    # SCIENCE 4, case 3
    end = theory.flow_end_split(PAPER_START, PAPER_DEPTHS, 1.0)
    np.testing.assert_allclose(end, (0.984812, 0.015188), atol=5e-7)
    assert theory.mode_sharpness(end, PAPER_DEPTHS) == pytest.approx(19.4338, abs=5e-5)


def test_flow_ends_known_by_hand():
    np.testing.assert_allclose(theory.flow_end_split((0.1, 0.3), (1, 1), 1.0), (0.4, 0.6))
    np.testing.assert_allclose(theory.flow_end_split((0.1, 0.3), (2, 2), 1.0), (0.25, 0.75))
    np.testing.assert_allclose(theory.flow_end_split((0.1, 0.1), (5, 5), 1.0), (0.5, 0.5))
    # w_1 + 1/w_2 is kept: the pathway of depth 1 is pushed below zero
    linear, cubic = theory.flow_end_split((0.001, 0.5), (1, 3), 0.1)
    assert linear < 0
    assert linear + cubic == pytest.approx(0.1)
    assert linear + cubic ** (-1 / 3) == pytest.approx(0.001 + 0.5 ** (-1 / 3))


@pytest.mark.parametrize("depths", [(2, 20), (20, 2), (5, 5), (2, 2)])
def test_a_dead_pathway_stays_dead(depths):
    np.testing.assert_allclose(theory.flow_end_split((0.0, 0.1), depths, 1.0), (0, 1), rtol=1e-14)
    np.testing.assert_array_equal(theory.flow_end_split((0.0, 0.0), depths, 1.0), (0, 0))
    np.testing.assert_array_equal(theory.flow_end_split((0.3, 0.1), depths, 0.0), (0, 0))


def test_a_pathway_without_hidden_layer_leaves_zero():
    np.testing.assert_allclose(theory.flow_end_split((0.0, 0.0), (1, 3), 1.0), (1, 0), rtol=1e-14)


def test_a_minimum_does_not_move():
    for depths in DEPTHS:
        split = np.full(len(depths), 1.0 / len(depths))
        np.testing.assert_allclose(theory.flow_end_split(split, depths, 1.0), split, rtol=1e-13)


@pytest.mark.parametrize("depths", DEPTHS)
def test_rows_and_modes_broadcast(depths):
    rng = np.random.default_rng(7)
    starts, targets = rng.uniform(0, 1, (5, 3, len(depths))), np.array([1.5, 0.4, 0.0])
    ends = theory.flow_end_split(starts, depths, targets)
    sharpness = theory.gfs_sharpness(starts, depths, targets)
    assert ends.shape == starts.shape
    assert sharpness.shape == starts.shape[:-1]
    for row in range(5):
        for mode, target in enumerate(targets):
            one = theory.flow_end_split(starts[row, mode], depths, target)
            np.testing.assert_array_equal(ends[row, mode], one)
            assert sharpness[row, mode] == theory.mode_sharpness(one, depths)


def test_pathways_may_be_listed_in_any_order():
    start, depths = np.array([0.01, 0.02, 0.03, 0.015]), np.array([2, 20, 1, 5])
    end, flattest = theory.flow_end_split(start, depths, 1.0), theory.flattest_split(1.0, depths)
    order = [2, 0, 3, 1]
    np.testing.assert_allclose(theory.flow_end_split(start[order], depths[order], 1), end[order])
    np.testing.assert_allclose(theory.flattest_split(1, depths[order]), flattest[order])


def descend(start, depths, target, step_size, steps):
    """The recursion of SCIENCE 2 for one mode; strengths (steps + 1, H)."""
    powers = np.array(depths)
    w = [np.array(start) ** (1 / powers)]
    for _ in range(steps):
        residual = (w[-1] ** powers).sum() - target
        w.append(w[-1] - step_size * w[-1] ** (powers - 1) * residual)
    return np.array(w) ** powers


@pytest.mark.parametrize("step_size", [0.05, 2 / 13])
def test_gfs_sharpness_falls_along_gradient_descent(step_size):
    strengths = descend(PAPER_START, PAPER_DEPTHS, 1.0, step_size, 650)
    gfs = theory.gfs_sharpness(strengths, PAPER_DEPTHS, 1.0)
    assert gfs[0] == pytest.approx(19.4338, abs=5e-5)
    assert (np.diff(gfs) <= 1e-12 * gfs[0]).all()
    last = theory.mode_sharpness(strengths[-1], PAPER_DEPTHS)
    assert gfs[-1] == pytest.approx(last, rel=1e-3)


def test_gfs_sharpness_is_nan_where_the_flow_reaches_no_minimum():
    rows = [[0.0, 0.0], [-0.1, 0.5], [np.nan, 0.5], [np.inf, 0.5], [0.1, 0.2]]
    assert np.isnan(theory.gfs_sharpness(rows, (3, 3), 1.0)).tolist() == [True] * 4 + [False]
    assert theory.gfs_sharpness([0.0, 0.0], (3, 3), 0.0) == 0
    assert np.isfinite(theory.gfs_sharpness([-0.1, 0.5], (1, 3), 1.0))


# --- Gradient descent of one pathway -----------------------------------------------------------


def chain(w, depth, target, step_size):
    return w - step_size * w ** (depth - 1) * (w**depth - target)


def test_published_wcr_gammas():
    # SCIENCE 3.8
    assert theory.wcr_gamma(2) == pytest.approx(3 * 3**0.5 - 2, rel=1e-14)
    assert theory.wcr_gamma(5) == pytest.approx(4.2245, abs=5e-5)


@pytest.mark.parametrize("depth", [2, 3, 4, 5, 20, 100])
def test_wcr_gamma_is_the_smallest_with_an_overshoot_to_zero(depth):
    x = np.linspace(0, 1, 20001)[1:-1] ** (1 / depth)
    gamma = theory.wcr_gamma(depth)

    def lands_at(gamma):
        return chain(chain(x, depth, 1.0, gamma / depth), depth, 1.0, gamma / depth).min()

    assert lands_at(gamma * (1 + 1e-6)) <= 0
    assert all(lands_at(part * gamma) > 0 for part in np.linspace(0.01, 1 - 1e-6, 300))


@pytest.mark.parametrize("depth", [2, 3, 4, 7, 20, 100])
@pytest.mark.parametrize("gamma", [2 + 1e-9, 2.01, 2.3, 3.0, 4.5])
@pytest.mark.parametrize("target", [0.02, 1.0, 7.0])
def test_two_cycle_comes_back_after_two_steps(depth, gamma, target):
    step_size = gamma / theory.single_path_sharpness(target, depth)
    low, high = np.array(theory.two_cycle(target, depth, step_size)) ** (1 / depth)
    assert 0 < low < target ** (1 / depth) < high
    assert chain(low, depth, target, step_size) == pytest.approx(high, rel=1e-12)
    assert chain(high, depth, target, step_size) == pytest.approx(low, rel=1e-12)


@pytest.mark.parametrize("depth", [2, 3, 20])
def test_gradient_descent_past_the_edge_settles_on_the_two_cycle(depth):
    step_size = 2.2 / theory.single_path_sharpness(0.7, depth)
    strengths = descend((0.3,), (depth,), 0.7, step_size, 2000)[-2:, 0]
    expected = theory.two_cycle(0.7, depth, step_size)
    np.testing.assert_allclose(sorted(strengths), expected, rtol=1e-12)


@pytest.mark.parametrize("depth", [2, 3, 5, 20])
def test_the_two_cycle_is_the_only_one(depth):
    # Two steps that cancel, scanned evenly in strength.
    x = np.linspace(0, 1, 200001)[1:-1] ** (1 / depth)

    def push(x):
        return x ** (depth - 1) * (1 - x**depth)

    for gamma in (2.05, 2.5, 3.0):
        both = push(x) + push(chain(x, depth, 1.0, gamma / depth))
        (crossing,) = np.flatnonzero(np.diff(np.sign(both)))
        low, _ = theory.two_cycle(1.0, depth, gamma / depth)
        assert x[crossing] ** depth == pytest.approx(low, abs=1e-5)


def test_published_two_cycle():
    # SCIENCE 4, case 6
    assert theory.two_cycle(1.0, 2, 1.1) == pytest.approx((0.6634944, 1.2455966), abs=5e-8)


def test_the_two_cycle_needs_a_step_size_past_the_edge():
    for depth in (1, 2, 3, 20):
        edge = 2 / theory.single_path_sharpness(0.7, depth)
        assert np.isnan(theory.two_cycle(0.7, depth, 0.99 * edge)).all()
        assert np.isnan(theory.two_cycle(0.7, depth, 1.01 * edge)).all() == (depth == 1)
    assert np.isnan(theory.two_cycle(0.0, 3, 1.0)).all()


# --- Step sizes --------------------------------------------------------------------------------

PAPER = Experiment(
    task=Spectrum(singular_values=(1.0,)),
    network=Network(depths=PAPER_DEPTHS),
    start=Balanced(scales=PAPER_START),
    dynamics=Descent(step_size=2 / 13, steps=650),
)


def marks(**changes):
    return theory.step_size_marks(replace(PAPER, **changes))


def test_marks_of_the_papers_main_figure():
    found = marks()
    assert found.flow_edge == pytest.approx(2 / 19.4338, rel=5e-6)
    assert found.single_path == pytest.approx(2 / 20)
    assert found.balanced == pytest.approx(2 / (20 * 0.5358867), rel=1e-7)
    assert found.wcr == pytest.approx(theory.wcr_gamma(20) / 20)
    assert found.single_path < found.flow_edge < found.balanced < found.trap < found.wcr


@pytest.mark.parametrize(("steps", "gamma"), [(650, 4.6513), (2000, 4.7638), (20_000, 4.9499)])
def test_the_trap_is_that_of_the_run_s_own_steps(steps, gamma):
    """SCIENCE-2 section 5; without steps, or with unequal depths, there is none."""
    assert marks(dynamics=Descent(step_size=0.1, steps=steps)).trap * 20 == pytest.approx(
        gamma, abs=2e-4
    )
    assert np.isnan(marks(dynamics=Flow(duration=1.0)).trap)
    assert np.isnan(marks(network=Network(depths=(3, 5))).trap)


def test_marks_are_those_of_the_sharpest_mode():
    more = marks(task=Spectrum(singular_values=(1.0, 0.7, 0.4), n_in=5, n_out=4))
    np.testing.assert_allclose(more, marks())


@pytest.mark.parametrize("depths", [(20, 20), (2, 2), (1, 5), (3, 7)])
@pytest.mark.parametrize("start", [(0.01, 0.02), (0.6, 0.5), (2.0, 1.0)])
def test_lambda_gf_is_the_largest_over_the_modes(depths, start):
    values = (1.0, 0.99, 0.3, 0.0)
    ends = theory.flow_end_split([start] * len(values), depths, values)
    found = marks(
        task=Spectrum(singular_values=values),
        network=Network(depths=depths),
        start=Balanced(scales=start),
    )
    assert found.flow_edge == pytest.approx(2 / theory.mode_sharpness(ends, depths).max())


def test_marks_of_unequal_depths_take_the_sharpest_single_pathway():
    for value in (0.05, 1.0, 3.0):
        found = marks(
            task=Spectrum(singular_values=(value,)),
            network=Network(depths=(3, 5)),
            start=Balanced(scales=(0.002, 0.002)),
        )
        singles = [theory.single_path_sharpness(value, depth) for depth in (3, 5)]
        assert found.single_path == min(2 / single for single in singles)
        assert found.balanced == 2 / theory.balanced_sharpness(value, (3, 5))
        assert np.isnan(found.wcr)
        assert np.isfinite(found.flow_edge)


@pytest.mark.parametrize(
    "start",
    [
        Gaussian(std=0.1),
        LayerScales(scales=((0.1, 0.2, 0.3), (0.1, 0.1, 0.1))),
        LayerScales(scales=((-0.1, -0.1, -0.1), (0.1, 0.1, 0.1))),
        Balanced(scales=(0.0, 0.0)),
    ],
)
def test_without_a_balanced_flow_only_its_mark_is_missing(start):
    found = marks(network=Network(depths=(3, 3)), start=start)
    assert np.isnan(found).tolist() == [True, False, False, False, False]


def test_equal_layer_scales_are_a_balanced_start():
    depths = (3, 4)
    scales = ((0.3,) * 3, (0.2,) * 4)
    layers = marks(network=Network(depths=depths), start=LayerScales(scales=scales))
    strengths = tuple(row[0] ** depth for row, depth in zip(scales, depths, strict=True))
    balanced = marks(network=Network(depths=depths), start=Balanced(scales=strengths))
    np.testing.assert_allclose(layers, balanced, rtol=1e-12)


def test_no_marks_without_a_target_or_whitened_inputs():
    assert np.isnan(marks(task=Spectrum(singular_values=(0.0, 0.0)))).all()
    inputs = np.random.default_rng(0).normal(size=(20, 2)) * (1, 3)
    raw = Dataset(inputs=inputs, outputs=inputs, whiten=False)
    assert np.isnan(marks(task=raw, network=Network(depths=(2, 3)), start=Gaussian(std=0.1))).all()


@pytest.mark.parametrize("value", [1e-100, 1e100])
@pytest.mark.parametrize("depths", [(20, 20), (2, 2), (1, 3), (3, 7)])
def test_marks_of_extreme_targets_do_not_break(value, depths):
    found = np.array(marks(task=Spectrum(singular_values=(value,)), network=Network(depths=depths)))
    assert (np.isnan(found) | (found >= 0)).all()


def test_depth_one_and_two_have_marks_too():
    linear = marks(network=Network(depths=(1, 1)))
    assert linear[:3] == pytest.approx((1.0, 2.0, 1.0))
    assert np.isnan(linear.wcr)
    bilinear = marks(network=Network(depths=(2, 2)))
    assert bilinear[:4] == pytest.approx((1.0, 1.0, 1.0, (3 * 3**0.5 - 2) / 2))
    assert np.isnan(bilinear.trap)  # coming back never takes long


# --- Words for bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.single_path_sharpness(-1.0, 3), "singular_value needs finite values >= 0"),
        (lambda: theory.single_path_sharpness(np.nan, 3), "singular_value needs finite"),
        (lambda: theory.single_path_sharpness((1.0, 2.0), 3), "singular_value needs a single"),
        (lambda: theory.single_path_sharpness(1.0, 0), "depth needs a whole number of at least 1"),
        (lambda: theory.single_path_sharpness(1.0, 2.5), "depth needs a whole number.*got 2.5"),
        (lambda: theory.mode_sharpness((0.1, 0.2, 0.3), (3, 5)), "strengths needs a last axis"),
        (lambda: theory.mode_sharpness(0.1, (3,)), r"strengths needs a last axis.*got shape \(\)"),
        (lambda: theory.mode_sharpness((0.1,), ()), r"depths needs one whole number.*got \(\)"),
        (lambda: theory.mode_sharpness((0.1,), 3), "depths needs one whole number.*got 3"),
        (lambda: theory.mode_sharpness((0.1, 0.2), (3, True)), "depths needs one whole number"),
        (lambda: theory.balanced_sharpness(-1.0, (3, 5)), "singular_value needs finite values"),
        (lambda: theory.flattest_split(1.0, (3, 0)), "depths needs one whole number >= 1"),
        (lambda: theory.flow_end_split((-0.1, 0.2), (3, 3), 1.0), "start_strengths.*-0.1"),
        (lambda: theory.flow_end_split((np.inf, 0.2), (3, 3), 1.0), "start_strengths.*inf"),
        (lambda: theory.flow_end_split((0.1, 0.2), (3, 3), -1.0), "singular_value needs finite"),
        (lambda: theory.minimum_spectrum((0.1, 0.2), (3, 3), 2, 2), r"as \(H, R\)"),
        (lambda: theory.minimum_spectrum([[0.1, 0.2]], (3,), 1, 2), "at most min"),
        (lambda: theory.wcr_gamma(1), "depth needs a whole number of at least 2, got 1"),
        (lambda: theory.two_cycle(1.0, 3, 0.0), "step_size needs one positive finite number"),
        (lambda: theory.edge_splits(1.0, (3, 3, 3), 0.1), "depths needs two pathways.*got 3"),
        (lambda: theory.edge_splits(1.0, (3, 3), np.inf), "step_size needs one positive"),
        (lambda: theory.minima_line(1.0, 1), "points needs a whole number of at least 2, got 1"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, words):
    with pytest.raises(ValueError, match=words) as refusal:
        call()
    assert "\n" not in str(refusal.value)


# --- The way back from near zero ---------------------------------------------------------------


def steps_back(depth, gamma):
    """Counted: from the lowest point of the worst overshoot up to half of the target."""
    x = np.linspace(0, 1, 200_001)
    w, steps = theory.chain(theory.chain(x, depth, gamma).max(), depth, gamma), 0
    while w**depth < 0.5:
        w, steps = theory.chain(w, depth, gamma), steps + 1
    return steps


@pytest.mark.parametrize(("gamma", "steps"), [(4.4, 93), (4.6, 415), (4.8, 2990), (5.0, 41_912)])
def test_return_time_is_what_counting_gives(gamma, steps):
    """SCIENCE-2, section 5: counted by independent code."""
    assert theory.return_time(20, gamma) == pytest.approx(steps, abs=8)
    if steps < 3000:
        assert steps_back(20, gamma) == pytest.approx(steps, abs=2)


@pytest.mark.parametrize("depth", [3, 5, 10, 50])
@pytest.mark.parametrize("share", [0.9, 0.97, 0.999])
def test_return_time_is_about_what_counting_gives(depth, share):
    gamma = 2 + share * (theory.wcr_gamma(depth) - 2)
    if theory.return_time(depth, gamma) > 20_000:
        return
    counted = steps_back(depth, gamma)
    assert theory.return_time(depth, gamma) == pytest.approx(counted, abs=8, rel=0.05)


def test_beyond_the_threshold_there_is_no_way_back():
    for depth in (3, 5, 20):
        wcr = theory.wcr_gamma(depth)
        assert theory.return_time(depth, wcr * 1.0001) == np.inf
        assert 0 < theory.return_time(depth, wcr * 0.9) < np.inf
        assert theory.return_time(depth, 3.0, scale=0.0) == np.inf
        assert theory.return_time(depth, 3.0, scale=-0.1) == np.inf
    assert theory.return_time(3, 3.0, scale=1e-3) == pytest.approx(1000, rel=1e-12)


TRAPS = [  # depth, then gamma_ret for N = 650, 2000, 4000, 20,000, 200,000
    (3, 3.6599, 3.6606, 3.6608, 3.6610, 3.6610),
    (4, 3.9516, 3.9633, 3.9678, 3.9738, 3.9771),
    (5, 4.1360, 4.1644, 4.1771, 4.1970, 4.2118),
    (20, 4.6513, 4.7638, 4.8254, 4.9499, 5.0940),
]


@pytest.mark.parametrize(("depth", "gammas"), [(depth, gammas) for depth, *gammas in TRAPS])
def test_published_trap_gammas(depth, gammas):
    for steps, gamma in zip((650, 2000, 4000, 20_000, 200_000), gammas, strict=True):
        assert theory.trap_gamma(depth, steps) == pytest.approx(gamma, abs=2e-4)


@pytest.mark.parametrize("depth", [3, 4, 7, 20, 50])
def test_the_trap_is_where_the_return_takes_as_long_as_the_run(depth):
    gammas = [theory.trap_gamma(depth, steps) for steps in (10, 100, 1000, 10_000)]
    assert gammas == sorted(gammas)
    assert gammas[-1] < theory.wcr_gamma(depth)
    for gamma, steps in zip(gammas, (10, 100, 1000, 10_000), strict=True):
        assert theory.return_time(depth, gamma) == pytest.approx(steps, rel=1e-6)
    assert theory.trap_gamma(depth, 1e300) == pytest.approx(theory.wcr_gamma(depth), rel=0.2)
    assert np.isnan(theory.trap_gamma(2, 1000))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.return_time(1, 3.0), "depth needs a whole number of at least 2"),
        (lambda: theory.return_time(3, 0.0), "gamma needs a positive number"),
        (lambda: theory.trap_gamma(3, 0), "steps needs a number of at least 1"),
    ],
)
def test_a_return_needs_sense(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# --- The 2-cycle, digit by digit ---------------------------------------------------------------


def exact_two_cycle(depth, excess):
    """(low, high) at gamma = 2 + excess to 60 digits: bisection of k over decimals."""
    with localcontext() as context:
        context.prec = 80
        gamma, inverse = 2 + Decimal(excess), 1 / Decimal(depth)

        def share(k):
            return (1 + k ** (depth - 1)) / (1 + k ** (2 * depth - 1))

        def gamma_of(k):
            x = share(k)
            return depth * (k - 1) * x ** (2 * inverse - 1) / (1 - x)

        low, high = Decimal(1) + Decimal(10) ** -30, Decimal(3)
        for _ in range(240):
            middle = (low + high) / 2
            low, high = (middle, high) if gamma_of(middle) < gamma else (low, middle)
        return float(share(low) - 1), float(share(low) * low**depth - 1)


@pytest.mark.parametrize("depth", [2, 3, 5, 20])
@pytest.mark.parametrize("excess", [2.0**-50, 1e-14, 1e-10, 1e-7, 1e-4, 0.1])
def test_the_two_cycle_keeps_its_digits_down_to_gamma_two(depth, excess):
    """The distance from the minimum, ~ sqrt(gamma - 2), to the digits that gamma - 2 has."""
    sharpness = theory.single_path_sharpness(1.0, depth)
    step_size = (2 + excess) / sharpness
    real = Decimal(step_size) * Decimal(sharpness) - 2  # what the rounded step size stands for
    low, high = theory.two_cycle(1.0, depth, step_size)
    expected = exact_two_cycle(depth, float(real))
    # gamma is rounded to 4e-16 in forming eta S, the distance to half of that relative to excess
    slack = 1e-11 + 4.5e-16 / excess
    assert low - 1 == pytest.approx(expected[0], rel=slack, abs=3e-16)
    assert high - 1 == pytest.approx(expected[1], rel=slack, abs=3e-16)
