"""Closed forms: overlays for the charts, oracles for the tests.

Loss 1/2 ||M - M*||_F^2 with whitened inputs, aligned and balanced pathways: pathway h carries the
strength sigma_h = w_h^{L_h} of a mode, and gradient flow (GF) moves all layers of it alike,
dw_h/dt = -w_h^{L_h-1} r with r = sum_h sigma_h - sigma*. Strengths are end-to-end, step sizes are
eta of plain gradient descent (GD). Throughout 0^0 = 1, so a pathway of depth 1 always adds 1 to the
sharpness. Sources, in the docstrings by name and year: Kim and Lee, ICML 2026 (arXiv 2606.05219);
Saxe et al., ICLR 2014; Shi et al., NeurIPS 2022; Kreisler et al., ICML 2023; Chen et al. 2024
(phases of the cubic map). The tests check each formula against a dense Hessian or an integration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from simcore.experiment import Dynamics, Experiment, Start
from simcore.tasks import Task

__all__ = [
    "StepSizeMarks",
    "balanced_sharpness",
    "chain",
    "decay_shortfall",
    "decays_away",
    "edge_splits",
    "flattest_split",
    "flow_end_split",
    "flow_invariants",
    "gfs_sharpness",
    "half_time",
    "label_noise_drift",
    "minima_line",
    "minimum_spectrum",
    "mode_sharpness",
    "pair_sharpness",
    "participation",
    "plateau_time",
    "return_time",
    "shares",
    "sharpest_mode",
    "sharpest_target",
    "single_path_sharpness",
    "step_size_marks",
    "task_sharpness",
    "trap_gamma",
    "two_cycle",
    "unit_step_size",
    "wcr_gamma",
]

_FLOAT = np.finfo(np.float64)


# --- Sharpness of a minimum --------------------------------------------------------------------


def single_path_sharpness(singular_value: float, depth: int) -> float:
    """S = L sigma*^{2-2/L}: sharpness of one mode carried by one pathway (Kim and Lee 2026).

    GD is stable there for eta < 2/S. ValueError unless `singular_value` >= 0 and `depth` >= 1.
    """
    target, layers = _target(singular_value), _depth(depth)
    return float(mode_sharpness([target], (layers,)))


def mode_sharpness(strengths: ArrayLike, depths: Sequence[int]) -> np.ndarray:
    """Lambda_ii = sum_h L_h |sigma_h|^{2-2/L_h}: what one mode adds to the spectrum.

    Source: Kim and Lee 2026. `strengths` (..., H) -> (...). The top Hessian eigenvalue of an
    aligned, balanced minimum is the largest Lambda_ii of its modes. The sign of a strength does
    not matter (the Jacobian enters
    squared); nan stays nan. ValueError if the last axis does not match `depths`.
    """
    layers = _depths(depths)
    sigma = np.abs(_strengths(strengths, layers))
    with np.errstate(over="ignore"):
        return (layers * sigma ** (2 - 2 / layers)).sum(axis=-1)


def pair_sharpness(
    strengths_i: ArrayLike, strengths_j: ArrayLike, depths: Sequence[int]
) -> np.ndarray:
    """Lambda_ij = sum_{h,l} |sigma_{h,i}|^{2(L_h-l)/L_h} |sigma_{h,j}|^{2(l-1)/L_h}, l = 1..L_h.

    The Hessian eigenvalue of output mode i and input mode j at an aligned, balanced minimum
    (Kim and Lee 2026). `strengths_i`, `strengths_j` (..., H), broadcast -> (...). ValueError if a
    last axis does not match `depths`.
    """
    layers = _depths(depths)
    sigma_i, sigma_j = (np.abs(_strengths(s, layers)) for s in (strengths_i, strengths_j))
    total = np.zeros(np.broadcast_shapes(sigma_i.shape, sigma_j.shape)[:-1])
    for h, depth in enumerate(layers):
        before = 2 * np.arange(depth) / depth  # 2(l-1)/L
        after = before[::-1]  # 2(L-l)/L
        total += (sigma_i[..., h, None] ** after * sigma_j[..., h, None] ** before).sum(axis=-1)
    return total


def minimum_spectrum(
    strengths: ArrayLike, depths: Sequence[int], n_out: int, n_in: int
) -> np.ndarray:
    """Eigenvalues Lambda_ij of the Hessian at an aligned, balanced minimum (Kim and Lee 2026).

    `strengths` (H, R) with R <= min(n_out, n_in) -> (n_out * n_in,), descending: one value per
    ordered pair of an output and an input mode, modes beyond R carrying nothing. The remaining
    eigenvalues of the full Hessian (number of weights minus n_out * n_in) are zero.
    ValueError if the shape does not fit.
    """
    layers = _depths(depths)
    sigma = np.asarray(strengths, dtype=np.float64)
    n_out, n_in = _depth(n_out, "n_out"), _depth(n_in, "n_in")
    _require(
        sigma.ndim == 2 and len(sigma) == len(layers) and sigma.shape[1] <= min(n_out, n_in),
        f"strengths needs one row per pathway and at most min(n_out, n_in) = {min(n_out, n_in)} "
        f"modes, got shape {sigma.shape} for {len(layers)} pathways: give the array as (H, R)",
    )
    outputs = np.zeros((n_out, 1, len(layers)))
    inputs = np.zeros((1, n_in, len(layers)))
    outputs[: sigma.shape[1], 0] = inputs[0, : sigma.shape[1]] = sigma.T
    return np.sort(pair_sharpness(outputs, inputs, depths), axis=None)[::-1]


def task_sharpness(task: Task, depth: int, pathways: int = 1) -> float:
    """Sharpness of the balanced minimum M* = U S V^T of a task, for inputs of any moments.

    The Gauss-Newton operator of one pathway is sum_{l=1..L} (U S^{2(L-l)/L} U^T) (x) (C^{1/2} V
    S^{2(l-1)/L} V^T C^{1/2}), C = Sigma_xx, where the outer factors of l = 1 and l = L are the
    identity. All terms share the eigenvectors U and grow with S, so the largest eigenvalue is that
    of the first output mode alone, of a matrix (n_in, n_in). H pathways that share M* equally have
    it times H^{2/L-1}. With whitened inputs this is L H^{2/L-1} sigma*_1^{2-2/L}. 0 for M* = 0 and
    L > 1. ValueError unless depth and pathways are at least 1.
    """
    layers, count = _depth(depth), _depth(pathways, "pathways")
    largest = max(task.singular_values)
    shared = float(count) ** (2 / layers - 1)
    if task.whitened:
        return shared * single_path_sharpness(largest, layers)
    if largest == 0 and layers > 1:
        return 0.0
    covariance, right = task.moments()[0], task.bases()[1]
    values = np.array(task.singular_values) / largest if largest else np.zeros(right.shape[1])
    inner = np.eye(len(covariance))  # of l = 1
    for before in range(1, layers):
        weight = values ** (2 * before / layers)
        inner += (right * weight) @ right.T
    root = _root(covariance)
    top = float(np.linalg.eigvalsh(root @ inner @ root.T)[-1])
    return shared * top * largest ** (2 - 2 / layers)


def _root(covariance: np.ndarray) -> np.ndarray:
    """B with B^T B = Sigma_xx, (n_in, n_in)."""
    values, vectors = np.linalg.eigh(covariance)
    return np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T


# --- The flattest minimum ----------------------------------------------------------------------


def balanced_sharpness(singular_value: float, depths: Sequence[int]) -> float:
    """lambda^min = min sum_h L_h sigma_h^{2-2/L_h} over the minima of one mode (Kim and Lee 2026).

    L H^{2/L-1} sigma*^{2-2/L} for equal depths. ValueError as `flattest_split`.
    """
    return float(mode_sharpness(flattest_split(singular_value, depths), depths))


def flattest_split(singular_value: float, depths: Sequence[int]) -> np.ndarray:
    """The split (H,) of sigma* over the pathways with the smallest Lambda_ii (Kim and Lee 2026).

    Minimises the convex sum_h L_h s_h^{2-2/L_h} over s >= 0, sum_h s_h = sigma*. Half the slope of
    a term is (L_h-1) s_h^{1-2/L_h}: 0 for depth 1, 1 for depth 2, and growing from 0 for deeper
    pathways. So pathways of depth 1 take everything where there are any; otherwise the deeper ones
    fill up at one common slope, and those of depth 2 take what is left once that slope is 1. Where
    the optimum is not unique (several pathways of depth 1, or of depth 2) they share equally.
    ValueError for a negative or non-finite `singular_value` or for depths < 1.
    """
    target, layers = _target(singular_value), _depths(depths)
    if (layers == 1).any():
        return _share(target, layers == 1)
    shallow, deep = layers == 2, layers > 2
    if not deep.any():
        return _share(target, shallow)
    power = 1 - 2 / layers[deep]

    def at_slope(slope: np.ndarray) -> np.ndarray:
        return (slope / (layers[deep] - 1)) ** (1 / power)

    split = np.zeros(len(layers))
    if shallow.any() and (carried := at_slope(np.ones(1))).sum() <= target:
        split[deep] = carried
        return split + _share(target - carried.sum(), shallow)
    # at this slope one pathway alone would carry all of sigma*
    steepest = ((layers[deep] - 1) * target**power).min()
    slope = _bisect(lambda x: at_slope(x).sum() < target, np.zeros(1), steepest.reshape(1))
    split[deep] = at_slope(slope)
    return split * (target / split.sum()) if target > 0 else split


def minima_line(singular_value: float, points: int = 201) -> np.ndarray:
    """Minima of one mode of two pathways: `points` splits (points, 2), each summing to sigma*.

    Evenly spaced from (0, sigma*) to (sigma*, 0). ValueError for fewer than 2 points.
    """
    target = _target(singular_value)
    _require(
        _is_whole(points) and points >= 2,
        f"points needs a whole number of at least 2, got {points}: ask for more points",
    )
    first = np.linspace(0.0, target, points)
    return np.stack([first, first[::-1]], axis=-1)


def edge_splits(singular_value: float, depths: Sequence[int], step_size: float) -> np.ndarray:
    """Splits of two pathways on the minima line where Lambda_ii = 2/eta, (K, 2) with K = 0, 1, 2.

    Lambda_ii is convex along sigma_1 + sigma_2 = sigma*, so each side of the flattest split meets
    the edge at most once; rows come in the order of growing sigma_1. Re-balancing stops about
    there (Kim and Lee 2026). None if the line is flat (two pathways of depth 2, or of depth 1),
    flatter than the edge, or sharper; one where the edge touches the flattest split. ValueError
    unless there are two depths and `step_size` > 0.
    """
    target, layers = _target(singular_value), _depths(depths)
    _require(
        len(layers) == 2,
        f"depths needs two pathways for the minima line, got {len(layers)}: give e.g. (20, 20)",
    )
    edge = 2 / _step_size(step_size)
    flattest = flattest_split(target, depths)
    lowest = mode_sharpness(flattest, depths)

    def splits(lesser: np.ndarray) -> np.ndarray:
        """Those in which pathway h carries `lesser` (2,) in row h."""
        greater = target - lesser
        return np.array([[lesser[0], greater[0]], [greater[1], lesser[1]]])

    flat_line = target == 0 or (layers[0] == layers[1] and layers[0] <= 2)
    if flat_line or lowest > edge * (1 + 4 * _FLOAT.eps):
        return np.empty((0, 2))
    if lowest >= edge * (1 - 4 * _FLOAT.eps):
        return flattest[None]
    # from nothing to what it carries at the flattest split, Lambda_ii falls
    meets = ~(mode_sharpness(splits(np.zeros(2)), depths) < edge)
    lesser = _bisect(lambda x: mode_sharpness(splits(x), depths) > edge, np.zeros(2), flattest)
    return splits(lesser)[meets]


# --- Gradient flow -----------------------------------------------------------------------------


def flow_invariants(strengths: ArrayLike, depths: Sequence[int]) -> np.ndarray:
    """phi_{L_h}(w_h), whose differences between pathways GF keeps (Shi et al. 2022).

    phi_1 = w, phi_2 = ln w, phi_L = -w^{2-L}/(L-2), with w_h = sigma_h^{1/L_h}. `strengths`
    (..., H) -> (..., H): -inf where a pathway of depth >= 2 is at zero, nan where one is negative.
    ValueError if the last axis does not match `depths`.
    """
    layers = _depths(depths)
    sigma = _strengths(strengths, layers)
    linear, exponential, deep = _columns(layers)
    phi = np.empty(sigma.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        phi[..., linear] = sigma[..., linear]
        phi[..., exponential] = np.log(sigma[..., exponential]) / 2
        phi[..., deep] = -(sigma[..., deep] ** (2 / layers[deep] - 1)) / (layers[deep] - 2)
    return phi


def flow_end_split(
    start_strengths: ArrayLike, depths: Sequence[int], singular_value: ArrayLike
) -> np.ndarray:
    """Where GF of one mode ends: the split with sum_h sigma_h = sigma* on its orbit.

    GF moves every phi_{L_h}(w_h) forward by one common amount tau = -int r dt, so the strengths
    grow with tau and the end is the one root of their sum. `start_strengths` (..., H) and
    `singular_value` (...), broadcast -> (..., H).

    A pathway of depth >= 2 at zero stays there (so does anything below 2.3e-308); if all are, the
    saddle at zero is returned. A pathway of depth 1 may start or end below zero. ValueError for a
    deeper pathway below zero, for anything not finite, or if shapes do not match.
    """
    layers = _depths(depths)
    start, target = _flowing(start_strengths, layers), _targets(singular_value)
    if start.ndim == 1 and target.ndim == 0:
        return _flow_end_of(tuple(start.tolist()), tuple(layers.tolist()), float(target)).copy()
    return _flow_end(start, layers, target)


def _flowing(start_strengths: ArrayLike, layers: np.ndarray) -> np.ndarray:
    """Strengths that GF can start from."""
    start = _strengths(start_strengths, layers)
    refused = start[~_can_flow(start, layers)]
    _require(
        refused.size == 0,
        "start_strengths needs finite values, not below zero where depth >= 2, got "
        f"{refused[:1]}: start each such pathway at zero or above",
    )
    return start


@lru_cache(maxsize=256)  # a page asks for few of them, again and again
def _flow_end_of(
    start: tuple[float, ...], depths: tuple[int, ...], singular_value: float
) -> np.ndarray:
    return _flow_end(np.array(start), np.array(depths), np.array(singular_value))


def _flow_end(start: np.ndarray, layers: np.ndarray, target: np.ndarray) -> np.ndarray:
    rows = np.broadcast_shapes(start.shape[:-1], target.shape)
    start = np.broadcast_to(start, (*rows, len(layers)))

    linear, exponential, deep = _columns(layers)
    beyond_two = layers[deep] - 2
    power = -layers[deep] / beyond_two

    def strengths(tau: np.ndarray, left: np.ndarray) -> np.ndarray:
        if deep.all():
            return (beyond_two * (lag + left[..., None])) ** power
        sigma = np.empty(start.shape)
        sigma[..., linear] = start[..., linear] + tau[..., None]
        w = np.sqrt(start[..., exponential])
        sigma[..., exponential] = np.where(w > 0, w * np.exp(tau)[..., None], 0.0) ** 2
        sigma[..., deep] = (beyond_two * (lag + left[..., None])) ** power
        return sigma

    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        first, lag = _blow_up(start, layers)
        # Close to the blow-up the time left to it is the unknown: tau itself would lose digits.
        half = first / 2
        late = np.isfinite(first) & (strengths(half, half).sum(axis=-1) < target)

        def clock(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return np.where(late, first + x, x), np.where(late, -x, first - x)

        x = _bisect(
            lambda x: strengths(*clock(x)).sum(axis=-1) < target,
            np.where(late, -half, -_FLOAT.max),
            np.where(late, 0.0, np.minimum(half, _FLOAT.max)),
        )
        return strengths(*clock(x))


def gfs_sharpness(
    strengths: ArrayLike, depths: Sequence[int], singular_value: ArrayLike
) -> np.ndarray:
    """Sharpness of the minimum GF would reach from here, for one mode (Kreisler et al. 2023).

    `strengths` (..., H) and `singular_value` (...), broadcast -> (...). It was never seen to rise
    along GD. nan where there is no such minimum: all pathways stuck at zero, one of depth >= 2
    below zero, or not finite. ValueError if shapes do not match.
    """
    layers = _depths(depths)
    start, target = _strengths(strengths, layers), _targets(singular_value)
    flows = np.asarray(_can_flow(start, layers).all(axis=-1))
    end = flow_end_split(np.where(flows[..., None], start, 0.0), depths, target)
    arrives = flows & ((end.sum(axis=-1) > 0) | (target == 0))
    return np.where(arrives, mode_sharpness(end, depths), np.nan)[()]


def plateau_time(singular_value: float, depth: int, scale: float, pathways: int = 1) -> float:
    """The time t that GF of one mode needs to half its target, from a balanced start (Saxe et al.
    2014).

    int_alpha^{sigma*/2} dsigma / (L sigma^{2-2/L} (sigma* - sigma)) for one pathway that starts at
    alpha = `scale`; H pathways that start there and stay equal move as one with L H^{2/L-1} for L,
    from H alpha. Leading, alpha^{-(1-2/L)} / ((L-2) sigma*), or ln(sigma*/alpha) / (2 sigma*) at
    L = 2. 0 for a start beyond the half, inf for one at zero (of depth >= 2) or a target of zero.
    ValueError unless sigma* and alpha are >= 0 and finite, depth and pathways at least 1.
    """
    target, layers = _target(singular_value), _depth(depth)
    count, begin = _depth(pathways, "pathways"), _target(scale)
    if target > 0 and count * begin >= target / 2:
        return 0.0
    return half_time((begin,) * count, (layers,) * count, target)


def half_time(start_strengths: ArrayLike, depths: Sequence[int], singular_value: float) -> float:
    """The time t that GF of one mode needs until its sum s is within half of the target, from
    balanced pathways of any strengths (H,).

    int |ds| / (|sigma* - s| sum_h L_h sigma_h^{2-2/L_h}) from the start to sigma*/2, or to
    3 sigma*/2 from above, with the strengths where their orbit has the sum s (`flow_end_split`).
    0 within the half; inf for a target of zero or where no pathway can leave zero, as there. So is
    ValueError.
    """
    target, layers = _target(singular_value), _depths(depths)
    start = _flowing(start_strengths, layers)
    begin = float(start.sum())
    end = target / 2 if begin < target else 1.5 * target
    if target == 0 or not ((np.abs(start) >= _FLOAT.tiny) | (layers == 1)).any():
        return np.inf
    if abs(begin - target) <= target / 2:
        return 0.0
    return _time_between(tuple(start.tolist()), tuple(layers.tolist()), begin, end, target)


_HALVINGS = 7  # at most, which takes some ten milliseconds


@lru_cache(maxsize=1024)  # several runs on one task ask for all its modes
def _time_between(
    start: tuple[float, ...], depths: tuple[int, ...], begin: float, end: float, target: float
) -> float:
    # in ln s the integrand is smooth but where a deep pathway falls fast beside a shallow one:
    # Gauss's rule on pieces of less than one unit, and on halves of them until nothing changes
    first, last = (math.log(begin), math.log(end)) if begin > 0 else (begin, end)
    nodes, weights = np.polynomial.legendre.leggauss(16)
    layers, pieces, time = np.array(depths), 5 + int(abs(last - first) if begin > 0 else 0), np.nan
    for _ in range(_HALVINGS):
        ends, before = np.linspace(first, last, pieces + 1), time
        width = np.diff(ends)[:, None] / 2
        x = ends[:-1, None] + width * (1 + nodes)
        sums, unit = (np.exp(x), np.exp(x)) if begin > 0 else (x, np.ones_like(x))
        slopes = np.abs(_flow_end(np.array(start), layers, sums)) ** (1 - 1 / layers)
        # divided before it is squared, so that the smallest starts do not underflow
        speed = (layers * slopes * (slopes / unit[..., None])).sum(axis=-1) * np.abs(target - sums)
        time, pieces = float((weights * np.abs(width) / speed).sum()), 2 * pieces
        if abs(time - before) <= 1e-9 * time or not math.isfinite(time):
            break
    return time


# --- Gradient descent of one pathway -----------------------------------------------------------


def wcr_gamma(depth: int) -> float:
    """gamma_WCR(L): smallest gamma = eta S at which an overshoot can reach zero (Kim and Lee 2026).

    The root of g(max_{0<x<1} g(x)) = 0 for g(x) = x - (gamma/L) x^{L-1} (x^L - 1), the one-pathway
    chain in units of its minimum; 3 sqrt 3 - 2 at L = 2. ValueError for depth < 2, where the chain
    is linear.
    """
    layers = _depth(depth, least=2)

    def reaches_zero(x: np.ndarray) -> np.ndarray:
        peak = _peak(layers, x)
        return peak ** (layers - 2) * (peak**layers - 1) > _layers_over_gamma(layers, x)

    with np.errstate(over="ignore", divide="ignore"):
        top = _bisect(reaches_zero, _infinite_gamma(layers), np.ones(1))
        return float(layers / _layers_over_gamma(layers, top)[0])


def _layers_over_gamma(layers: int, x: np.ndarray) -> np.ndarray:
    """L/gamma of the chain with its maximum at x, from g'(x) = 0; grows with x."""
    return (2 * layers - 1) * x ** (2 * layers - 2) - (layers - 1) * x ** (layers - 2)


def _infinite_gamma(layers: int) -> np.ndarray:
    """The x at which the chain's maximum lies for gamma -> infinity."""
    return np.array([((layers - 1) / (2 * layers - 1)) ** (1 / layers)])


def _peak(layers: int, x: np.ndarray) -> np.ndarray:
    """max g of the chain that has its maximum at x."""
    return x + x ** (layers - 1) * (1 - x**layers) / _layers_over_gamma(layers, x)


def return_time(depth: int, gamma: float, scale: float | None = None) -> float:
    """T_ret(gamma): about how many steps the one-pathway chain takes to grow back from near zero.

    (L/gamma) x^{-(L-2)}/(L-2), the time that w' = (gamma/L) w^{L-1} needs from x to infinity; x is
    `scale`, or the lowest point g(max_{0<x<1} g(x)) to which the worst overshoot throws it, in
    units of the minimum as in `chain`. Counted, the steps are those to within six (L = 20,
    gamma = 4.4 to 5). inf at or beyond gamma_WCR, where that point is no longer positive, and for a
    scale that is not. At L = 2 the time grows only like the logarithm: (2/gamma) ln(1/x).
    ValueError for depth < 2 or gamma <= 0.
    """
    layers = _depth(depth, least=2)
    _require(
        bool(np.isfinite(gamma)) and gamma > 0,
        f"gamma needs a positive number, got {gamma!r}: use eta S_1, e.g. 4.5",
    )
    x = _lowest(layers, float(gamma)) if scale is None else float(scale)
    if not x > 0:
        return np.inf
    if layers == 2:
        return max(0.0, float(-2 / gamma * np.log(x)))
    with np.errstate(over="ignore"):
        return float(layers / gamma * np.float64(x) ** (2 - layers) / (layers - 2))


def _lowest(layers: int, gamma: float) -> float:
    """g(max_{0<x<1} g(x)) of the chain; 1 where it does not overshoot."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        top = _bisect(
            lambda x: _layers_over_gamma(layers, x) * gamma < layers,
            _infinite_gamma(layers),
            np.ones(1),
        )
        peak = max(1.0, float(_peak(layers, top)[0]))
        return float(chain(peak, layers, gamma))


def trap_gamma(depth: int, steps: float) -> float:
    """gamma_ret(L, N): smallest gamma = eta S_1 at which an overshoot may land so near zero that it
    takes more than N = `steps` steps to return (`return_time`).

    It grows with N, to gamma_WCR. nan at L = 2, where coming back never takes long. ValueError for
    depth < 2 or steps < 1.
    """
    layers = _depth(depth, least=2)
    _require(bool(steps >= 1), f"steps needs a number of at least 1, got {steps!r}: use e.g. 2000")
    if layers == 2:
        return np.nan

    def stays(x: np.ndarray) -> np.ndarray:
        peak, rest = _peak(layers, x), _layers_over_gamma(layers, x)
        low = peak - peak ** (layers - 1) * (peak**layers - 1) / rest
        takes = rest * np.maximum(low, 0) ** float(2 - layers) / (layers - 2)
        return ~(takes <= steps)

    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        top = _bisect(stays, _infinite_gamma(layers), np.ones(1))
        return float(layers / _layers_over_gamma(layers, top)[0])


def chain(x: ArrayLike, depth: int, gamma: float) -> np.ndarray:
    """g(x) = x - (gamma/L) x^{L-1} (x^L - 1): one step of the one-pathway chain (Kim and Lee 2026).

    x = w / sigma*^{1/L} is the layer scale in units of its target and gamma = eta S_1. Where
    g(x) <= 0 the step crosses zero.
    """
    layers, x = _depth(depth), np.asarray(x, dtype=float)
    return x - gamma / layers * x ** (layers - 1) * (x**layers - 1)


def two_cycle(singular_value: float, depth: int, step_size: float) -> tuple[float, float]:
    """The 2-cycle (low, high) of w <- w - eta w^{L-1} (w^L - sigma*), as strengths w^L > 0.

    At L = 2 sigma* [a+1 -+ sqrt((a-1)(a+3))]/(2a), a = eta sigma* (Chen et al. 2024). For any L the
    ratio k = e^{2u} of its two w obeys (w_low^L)/sigma* = e^{-Lu} c/d and
    gamma = eta S = 2 L sinh(u)/sinh(Lu) c^{2/L-1} d^{2-2/L} with c = cosh((L-1)u) and
    d = cosh((2L-1)u), which grows with u from gamma = 2. It exists for every eta > 2/S and attracts
    only just above it (at L = 2 up to a = sqrt 5 - 1); (nan, nan) where it does not exist:
    eta <= 2/S, depth 1, or sigma* = 0. ValueError for values out of range.
    """
    target, layers, eta = _target(singular_value), _depth(depth), _step_size(step_size)
    gamma = eta * single_path_sharpness(target, layers)
    if layers == 1 or not 2 < gamma < np.inf:
        return np.nan, np.nan
    if layers == 2:
        a = eta * target
        high = target * (a + 1 + np.sqrt((a - 1) * (a + 3))) / (2 * a)
        return float(1 / (eta**2 * high)), float(high)

    def log_ratio(u: np.ndarray) -> np.ndarray:
        """ln(gamma/2), to the last digits also where it is small."""
        return (
            _log_sinhc(u)
            - _log_sinhc(layers * u)
            + (2 / layers - 1) * _log_cosh((layers - 1) * u)
            + (2 - 2 / layers) * _log_cosh((2 * layers - 1) * u)
        )

    wanted = np.log1p((gamma - 2) / 2)
    highest = np.array([(np.log(gamma) / (layers - 1) + 1) / 2])  # gamma > k^{L-1}
    u = _bisect(lambda u: log_ratio(u) < wanted, np.zeros(1), highest)[0]
    share = _log_cosh((layers - 1) * u) - _log_cosh((2 * layers - 1) * u)
    low, high = (float(target * np.exp(share + side * layers * u)) for side in (-1, 1))
    return low, high


def _log_cosh(z: ArrayLike) -> np.ndarray:
    """ln cosh z for z >= 0."""
    z = np.asarray(z, dtype=float)
    near = np.log1p(2 * np.sinh(np.minimum(z, 1) / 2) ** 2)
    return np.where(z < 1, near, z - np.log(2) + np.log1p(np.exp(-2 * z)))


def _log_sinhc(z: ArrayLike) -> np.ndarray:
    """ln(sinh(z) / z) for z >= 0."""
    z = np.asarray(z, dtype=float)
    square, term, excess = np.minimum(z, 1) ** 2, 1.0, 0.0
    for n in range(1, 11):  # sinh(z)/z - 1 = sum_n z^{2n} / (2n+1)!
        term = term * square / (2 * n * (2 * n + 1))
        excess = excess + term
    far = np.maximum(z, 1)
    beyond = far - np.log(2) + np.log1p(-np.exp(-2 * far)) - np.log(far)
    return np.where(z < 1, np.log1p(excess), beyond)


# --- Step sizes --------------------------------------------------------------------------------


class StepSizeMarks(NamedTuple):
    """Step sizes between the regimes of GD (Kim and Lee 2026); nan where not defined."""

    flow_edge: float  # 2/lambda_GF, the edge at the GF end point
    single_path: float  # 2/S_1
    balanced: float  # 2/lambda_1^min
    wcr: float  # gamma_WCR(L)/S_1
    trap: float = np.nan  # gamma_ret(L, N)/S_1 of `trap_gamma`, N the run's own steps


def sharpest_mode(experiment: Experiment) -> int:
    """The mode (from 0) that meets the edge first: with the largest sharpness where GF ends.

    Modes that start alike move along one orbit, the largest furthest, so it is mode 0 of a uniform
    start; and of any that has no closed form.
    """
    start, values = experiment.start, experiment.task.singular_values
    if start.uniform or not (start.balanced and experiment.task.whitened):
        return 0
    return _sharpest_mode(start, experiment.network.depths, values)


@lru_cache(maxsize=256)  # everybody asks
def _sharpest_mode(start: Start, depths: tuple[int, ...], values: tuple[float, ...]) -> int:
    starts = [start.strengths(mode) for mode in range(len(values))]
    sharpness = np.nan_to_num(gfs_sharpness(starts, depths, values))
    return int(np.argmax(sharpness >= sharpness.max() * (1 - 1e-9)))


def sharpest_target(experiment: Experiment) -> float:
    """sigma* of the sharpest mode."""
    return experiment.task.singular_values[sharpest_mode(experiment)]


def step_size_marks(experiment: Experiment) -> StepSizeMarks:
    """2/lambda_GF, 2/S_1, 2/lambda_1^min, eta_WCR and the trap of the sharpest mode.

    lambda_GF is the sharpness where GF from the experiment's start ends, in the mode where it is
    largest (`sharpest_mode`; 1 here stands for it). nan for a start that is not balanced, or that
    GF never leaves. S_1 is that of one pathway alone, for unequal depths the largest of them, so
    that 2/S_1 is the smallest such step size. eta_WCR needs equal depths >= 2, and the trap equal
    depths > 2 and a number of steps. Pathways that never leave their start do not count, unless
    none does. For inputs that are not whitened, S_1 and lambda_1^min are those of
    `task_sharpness`, for pathways of one depth; the others are nan. All are nan if the target is
    zero or the pathways not linear.

    For 2/lambda stands the step size that has its edge at lambda (`Dynamics.at_edge`), as momentum
    and weight decay move it. eta_WCR and the trap are those of descent without momentum; with it
    they are nan.
    """
    mode = sharpest_mode(experiment)
    target, dynamics = experiment.task.singular_values[mode], experiment.dynamics
    if target == 0 or not experiment.network.linear:
        return StepSizeMarks(np.nan, np.nan, np.nan, np.nan)
    if experiment.task.whitened:
        steps = getattr(dynamics, "steps", None)
        marks = _marks(experiment.start, experiment.network.depths, mode, target, steps)
    else:
        marks = _marks_of_moments(experiment)
    return marks if dynamics.plain else _moved(marks, dynamics)


def _moved(marks: StepSizeMarks, dynamics: Dynamics) -> StepSizeMarks:
    """Each 2/lambda where these dynamics have their edge at lambda."""
    edges = {name: getattr(marks, name) for name in ("flow_edge", "single_path", "balanced")}
    moved = {name: dynamics.at_edge(2 / mark) for name, mark in edges.items()}
    overshoots = {} if dynamics.momentum == 0 else {"wcr": np.nan, "trap": np.nan}
    return marks._replace(**moved, **overshoots)


@lru_cache(maxsize=256)  # a page asks several times, and each is a few bisections
def _marks(
    start: Start, depths: tuple[int, ...], mode: int, sharpest: float, steps: int | None
) -> StepSizeMarks:
    alive = start.alive(depths, mode)
    moving = tuple(depth for depth, moves in zip(depths, alive, strict=True) if moves) or depths
    flow_edge = _step_size_at(_flow_sharpness(start, depths, mode, sharpest))
    return _marks_of_any_start(moving, sharpest, steps)._replace(flow_edge=flow_edge)


@lru_cache(maxsize=256)  # all starts of a map share them
def _marks_of_any_start(
    moving: tuple[int, ...], sharpest: float, steps: int | None
) -> StepSizeMarks:
    """Those that depend on which pathways move, but not on where they start."""
    single = max(single_path_sharpness(sharpest, depth) for depth in moving)
    one_depth = len(set(moving)) == 1 and moving[0] >= 2
    return StepSizeMarks(
        flow_edge=np.nan,
        single_path=_step_size_at(single),
        balanced=_step_size_at(balanced_sharpness(sharpest, moving)),
        wcr=_step_size_at(single, wcr_gamma(moving[0])) if one_depth else np.nan,
        trap=_step_size_at(single, trap_gamma(moving[0], steps)) if one_depth and steps else np.nan,
    )


def _marks_of_moments(experiment: Experiment) -> StepSizeMarks:
    """Those of inputs that are not whitened, which mix the modes."""
    task, depths = experiment.task, experiment.network.depths
    if len(set(depths)) > 1:
        return StepSizeMarks(np.nan, np.nan, np.nan, np.nan)
    single, equal = (task_sharpness(task, depths[0], count) for count in (1, len(depths)))
    return StepSizeMarks(np.nan, _step_size_at(single), _step_size_at(equal), np.nan)


def unit_step_size(experiment: Experiment) -> float:
    """2/S_1, the unit of the step size; 1 for a target of zero. S_1 as in `step_size_marks`, for
    any start and data."""
    depths = set(experiment.network.depths)
    sharpest = max(task_sharpness(experiment.task, depth) for depth in depths)
    return 2 / sharpest if sharpest > 0 else 1.0


def _step_size_at(sharpness: float, gamma: float = 2.0) -> float:
    """eta = gamma/lambda; nan for a sharpness of nothing, which includes one that underflows."""
    return gamma / sharpness if sharpness > 0 else np.nan


def _flow_sharpness(start: Start, depths: Sequence[int], mode: int, target: float) -> float:
    if not start.balanced:
        return np.nan
    return float(gfs_sharpness(start.strengths(mode), depths, target))


# --- Weight decay and label noise ----------------------------------------------------------------


def decay_shortfall(strengths: ArrayLike, depths: Sequence[int], weight_decay: float) -> np.ndarray:
    """sigma* - sum_h sigma_h where weight decay mu balances the pull of the target.

    The sum stands still where sum_h L_h (r sigma_h^{2-2/L_h} + mu sigma_h) = 0, so the shortfall -r
    is mu sum_h L_h sigma_h / Lambda_ii; mu at depth 2, where the penalty is mu times the nuclear
    norm. `strengths` (..., H) -> (...), 0 where there are none. ValueError if the last axis does
    not match `depths`.
    """
    layers, sigma = _depths(depths), np.abs(np.asarray(strengths, dtype=float))
    sharpness = mode_sharpness(sigma, depths)
    pull = weight_decay * (layers * sigma).sum(axis=-1)
    return np.divide(pull, sharpness, out=np.zeros(np.shape(pull)), where=sharpness > 0)


def decays_away(
    start_strengths: ArrayLike, depths: Sequence[int], singular_value: float, weight_decay: float
) -> bool:
    """Whether a balanced mode that starts below its target is sure to decay to zero: no pathway has
    (sigma* - alpha) alpha^{1-2/L} > mu at any alpha up to where it starts.

    The left is what pulls at it where it is alone, the most that may. It grows up to
    alpha = sigma* (L-2) / (2L-2), so of a start beyond that the top counts. A pathway of depth 1
    always grows. ValueError if shapes do not match.
    """
    layers, start = _depths(depths), _strengths(start_strengths, _depths(depths))
    target = _target(singular_value)
    if weight_decay == 0 or start.sum() >= target or (layers == 1).any() or not (start >= 0).all():
        return False
    steepest = np.minimum(start, target * (layers - 2) / (2 * layers - 2))
    return not bool(((target - steepest) * steepest ** (1 - 2 / layers) > weight_decay).any())


def label_noise_drift(
    split: ArrayLike,
    depths: Sequence[int],
    singular_value: float,
    step_size: float,
    label_noise: float,
    steps: ArrayLike,
) -> np.ndarray:
    """Strengths (K, H) of one mode after `steps` (K,) of GD with label noise, from a minimum.

    On average every step moves the invariants phi_h of `flow_invariants` by
    -1/4 eta^2 V dlambda/dsigma_h + c, with lambda = sum_h L_h sigma_h^{2-2/L_h}, the mean square
    V = 2 delta^2/(2 - eta lambda) of the noisy residual, and the c that keeps the sum at sigma*
    (Damian et al. 2021 for one network; here per pathway). So mass leaves the pathway whose
    sharpness rises fastest, at any step size. With m_h = L_h sigma_h^{2-2/L_h},

        d sigma_h / d step = -1/4 eta^2 V m_h (dlambda/dsigma_h - mean of those weighted by m),

    integrated by Runge-Kutta steps of order 4. `split` (H,) must sum to about sigma*; it is scaled
    to. nan where lambda >= 2/eta, as no residual stays bounded there. ValueError for step sizes,
    noise or steps below zero, steps that decrease, or shapes that do not match.
    """
    layers, target, eta = _depths(depths), _target(singular_value), _step_size(step_size)
    sigma, at = _strengths(split, layers), np.asarray(steps, dtype=float)
    _require(
        sigma.ndim == 1 and bool((sigma >= 0).all()) and sigma.sum() > 0,
        f"split needs one strength per pathway, none negative, got {split!r}: give a minimum",
    )
    _require(
        at.ndim == 1 and bool((at >= 0).all() and (np.diff(at) >= 0).all()),
        "steps needs numbers that do not decrease, from 0 on: sort them",
    )
    _require(
        bool(np.isfinite(label_noise)) and label_noise >= 0,
        f"label_noise needs a number from 0 on, got {label_noise!r}: use e.g. 0.1",
    )

    def velocity(sigma: np.ndarray) -> np.ndarray:
        lead = layers * sigma ** (2 - 2 / layers)
        left = 2 - eta * lead.sum()
        if left <= 0:
            return np.full(sigma.shape, np.nan)
        slope = (2 * layers - 2) * sigma ** (1 - 2 / layers)
        rate = 0.5 * (eta * label_noise) ** 2 / left
        return -rate * lead * (slope - (lead * slope).sum() / lead.sum())

    found, sigma, now = np.empty((len(at), len(layers))), sigma * target / sigma.sum(), 0.0
    for k, goal in enumerate(at):
        # the fastest of the modes of decay has about this rate, and a step may take 2.7 of it
        fastest = np.abs(velocity(sigma)) / np.maximum(sigma * (1 - sigma / target), 1e-9 * target)
        count = max(1, int(np.ceil((goal - now) * np.nan_to_num(fastest.max()) * 10)))
        for _ in range(count if goal > now else 0):
            step = (goal - now) / count
            k1 = velocity(sigma)
            k2 = velocity(sigma + step / 2 * k1)
            k3 = velocity(sigma + step / 2 * k2)
            k4 = velocity(sigma + step * k3)
            sigma = np.maximum(sigma + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4), 0.0)
        found[k], now = sigma, goal
    return found


# --- How a mode is shared ------------------------------------------------------------------------


def shares(strengths: ArrayLike) -> np.ndarray:
    """q_h = |sigma_h| / sum_g |sigma_g|, the part of a mode that each pathway carries.

    `strengths` (..., H) -> (..., H); equal shares where all strengths are zero.
    """
    sizes = np.abs(np.asarray(strengths, dtype=float))
    total = sizes.sum(axis=-1, keepdims=True)
    equal = np.full(sizes.shape, 1 / sizes.shape[-1])
    return np.divide(sizes, total, out=equal, where=total > 0)


def participation(strengths: ArrayLike) -> np.ndarray:
    """1 / sum_h q_h^2: how many pathways share a mode, from 1 (winner takes all) to H.

    `strengths` (..., H) -> (...).
    """
    return 1 / (shares(strengths) ** 2).sum(axis=-1)


# --- Parts of the above ------------------------------------------------------------------------


def _columns(layers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pathways that GF moves linearly, exponentially, and to a blow-up: depth 1, 2 and more."""
    return layers == 1, layers == 2, layers > 2


def _can_flow(start: np.ndarray, layers: np.ndarray) -> np.ndarray:
    return np.isfinite(start) & ((start >= 0) | (layers == 1))


def _blow_up(start: np.ndarray, layers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first (...), lag (..., D)) with T = first + lag, when each of the D deep pathways blows up.

    T = sigma^{-(1-2/L)}/(L-2) = -phi_L is the tau at which sigma(tau) is infinite. inf: never.
    """
    *_, deep = _columns(layers)
    sigma, depth = start[..., deep], layers[deep]
    if not deep.any():
        return np.full(start.shape[:-1], np.inf), sigma
    alive = sigma >= _FLOAT.tiny
    sigma = np.where(alive, sigma, 1.0)
    power, rate = 1 - 2 / depth, depth - 2.0

    def log_ratio(leader: np.ndarray) -> np.ndarray:
        """ln(T / T_leader), to the last digit for equal depths however close the strengths."""
        ahead = np.take_along_axis(sigma, leader, axis=-1)
        change = (sigma - ahead) / ahead
        grown = np.where(change > -0.5, np.log1p(np.maximum(change, -0.5)), np.log(sigma / ahead))
        across = (power - power[leader]) * np.log(ahead) + np.log(rate / rate[leader])
        return np.where(alive, -power * grown - across, np.inf)

    leader = np.where(alive, -power * np.log(sigma) - np.log(rate), np.inf).argmin(-1)[..., None]
    # Rounded logarithms may tie where strengths do not: ask once more.
    leader = log_ratio(leader).argmin(axis=-1)[..., None]
    ahead, living = (np.take_along_axis(part, leader, axis=-1) for part in (sigma, alive))
    first = np.where(living, ahead ** -power[leader] / rate[leader], np.inf)
    lag = np.where(alive, first * np.expm1(np.maximum(log_ratio(leader), 0.0)), np.inf)
    return first[..., 0], lag


def _bisect(
    below: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Where `below` turns from True to False between low and high, row by row, to the last bit.

    Halves the floats between the ends rather than the interval, so 64 halvings find a root of any
    magnitude with full relative precision.
    """
    floor, ceiling = _rank(low), _rank(high)
    for _ in range(64):
        middle = (floor >> 1) + (ceiling >> 1) + (floor & ceiling & 1)
        move_up = below(_unrank(middle))
        floor, ceiling = np.where(move_up, middle, floor), np.where(move_up, ceiling, middle)
    return _unrank(ceiling)


def _rank(x: np.ndarray) -> np.ndarray:
    """Position of a float64 among all float64, zero at zero."""
    return np.where(np.signbit(x), -1, 1) * np.abs(x).view(np.int64)


def _unrank(rank: np.ndarray) -> np.ndarray:
    return np.copysign(np.abs(rank).view(np.float64), rank)


def _share(amount: float, takers: np.ndarray) -> np.ndarray:
    return np.where(takers, amount / takers.sum(), 0.0)


# --- Words for bad input -----------------------------------------------------------------------


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _depth(value: int, name: str = "depth", least: int = 1) -> int:
    _require(
        _is_whole(value) and value >= least,
        f"{name} needs a whole number of at least {least}, got {value!r}: use e.g. {least + 1}",
    )
    return int(value)


def _depths(depths: Sequence[int]) -> np.ndarray:
    """(H,) integers."""
    sentence = f"depths needs one whole number >= 1 per pathway, e.g. (3, 5), got {depths!r}"
    _require(np.ndim(depths) == 1 and len(depths) > 0, sentence)
    _require(all(_is_whole(depth) and depth >= 1 for depth in depths), sentence)
    return np.array([int(depth) for depth in depths])


def _strengths(strengths: ArrayLike, layers: np.ndarray) -> np.ndarray:
    sigma = np.asarray(strengths, dtype=np.float64)
    _require(
        sigma.ndim >= 1 and sigma.shape[-1] == len(layers),
        f"strengths needs a last axis with one value per pathway ({len(layers)}), got shape "
        f"{sigma.shape}: move the pathways to the last axis",
    )
    return sigma


def _targets(singular_value: ArrayLike) -> np.ndarray:
    target = np.asarray(singular_value, dtype=np.float64)
    if not (np.isfinite(target) & (target >= 0)).all():  # to write thousands out takes a while
        raise ValueError(
            f"singular_value needs finite values >= 0, got {singular_value!r}: "
            "give singular values, not entries of the target"
        )
    return target


def _target(singular_value: float) -> float:
    target = _targets(singular_value)
    _require(
        target.ndim == 0,
        f"singular_value needs a single number here, got shape {target.shape}: pass one mode",
    )
    return float(target)


def _step_size(step_size: float) -> float:
    eta = np.asarray(step_size, dtype=np.float64)
    _require(
        eta.ndim == 0 and bool(np.isfinite(eta) and eta > 0),
        f"step_size needs one positive finite number, got {step_size!r}: use e.g. 0.05",
    )
    return float(eta)
