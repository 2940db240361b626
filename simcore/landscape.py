"""The loss around two pathways of one mode: its sharpness at every point, and where its flow goes.

A point is a pair of strengths (sigma_1, sigma_2) of balanced pathways, whose layers all have the
scale w_h with w_h^{L_h} = sigma_h. For these the plane is no projection: a point says all there is
to know of the weights, so sharpness and flow are those of the whole network there. So it is for
the flow alone where layers are apart by gaps w_l^2 - w_m^2, which it keeps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from simcore.checks import require

STEPS = 160  # of a line of flow, for as long a way as a side of the square
MOST_NEWTON = 50  # a handful is usual


def sharpness(strengths: ArrayLike, depths: Sequence[int], target: ArrayLike) -> np.ndarray:
    """The largest Hessian eigenvalue where pathways of one mode are balanced, at a minimum or not.

    `strengths` (..., H) and `target` (...), broadcast -> (...). With r = sum_h sigma_h - sigma* and
    a_h = sqrt(L_h) w_h^{L_h-1} it is the largest eigenvalue of the H x H block
    a a^T + diag((L_h-1) r w_h^{L_h-2}), in which the layers of a pathway move alike, or one of
    -r w_h^{L_h-2}, in which they move against each other (of pathways of two layers or more). nan
    where a pathway of even depth would be negative, inf where it is larger than numbers go.
    ValueError if the last axis does not match `depths`.
    """
    sigma, layers = np.asarray(strengths, dtype=float), np.asarray(depths)
    require(
        sigma.shape[-1:] == layers.shape,
        f"strengths need one entry per pathway on their last axis, got shape {sigma.shape} "
        f"for {len(layers)} pathways",
    )
    possible = ((sigma >= 0) | ((sigma < 0) & (layers % 2 == 1))).all(axis=-1)
    w = np.sign(sigma) * np.abs(sigma) ** (1 / layers)
    residual = (sigma.sum(axis=-1) - np.asarray(target, dtype=float))[..., None]
    with np.errstate(over="ignore", invalid="ignore"):  # of strengths as large as numbers go
        slopes = np.sqrt(layers) * w ** (layers - 1)
        bends = np.where(layers > 1, residual * w ** np.maximum(layers - 2, 0), 0.0)
        block = slopes[..., :, None] * slopes[..., None, :]
        block += np.eye(len(layers)) * ((layers - 1) * bends)[..., None, :]
    finite = np.isfinite(block).all(axis=(-2, -1))
    together = np.linalg.eigvalsh(np.where(finite[..., None, None], block, 0.0))[..., -1]
    together = np.where(finite, together, np.inf)
    against = np.where(layers > 1, -bends, -np.inf).max(axis=-1)
    return np.where(possible, np.maximum(together, against), np.nan)


def field(
    low: float, high: float, count: int, depths: Sequence[int], target: float
) -> tuple[np.ndarray, np.ndarray]:
    """Places (N,) and `sharpness` (N, N) of two pathways over a square; rows are sigma_2."""
    places = np.linspace(low, high, count)
    first, second = np.meshgrid(places, places)
    return places, sharpness(np.stack([first, second], axis=-1), depths, target)


def streams(
    high: float,
    count: int,
    depths: Sequence[int],
    target: float,
    gaps: Sequence[Sequence[float]] | None = None,
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Lines of gradient flow that end at `count` minima, evenly along the line of minima.

    For each minimum the way to it from near zero and the way from the side of the square
    [0, high]^2, both (N, 2) and ending at the minimum: where the flow goes does not depend on the
    residual, only whether forwards, so either is an integral line of sum_l (sigma_h/w_l)^2, which
    is L_h sigma_h^{2-2/L_h} for balanced pathways. Along both phi(w_1) - phi(w_2) then stays what
    it is (`theory.flow_invariants`). `gaps`: w_l^2 less the least of them, for each layer of each
    pathway; none for balanced ones.
    """
    first = target * (np.arange(count) + 0.5) / count
    ends = np.stack([first, target - first], axis=-1)
    apart = gaps or [(0.0,) * depth for depth in depths]
    below, above = (_lines(ends, sign, high, apart) for sign in (-1.0, 1.0))
    return tuple(zip(below, above, strict=True))


def _lines(
    ends: np.ndarray, sign: float, high: float, gaps: Sequence[Sequence[float]]
) -> list[np.ndarray]:
    """From each end along the flow (+) or against it, as far as the square goes; the end last."""

    def heading(sigma: np.ndarray) -> np.ndarray:
        speed = np.stack([_speed(sigma[:, h], gap) for h, gap in enumerate(gaps)], axis=-1)
        return sign * speed / np.maximum(np.linalg.norm(speed, axis=-1, keepdims=True), 1e-300)

    at, step = ends, high / STEPS
    ways = [at]
    for _ in range(2 * STEPS):
        k1 = heading(at)
        k2 = heading(at + step / 2 * k1)
        k3 = heading(at + step / 2 * k2)
        k4 = heading(at + step * k3)
        at = at + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        ways.append(at)
    path = np.stack(ways, axis=1)
    inside = ((path >= step / 2) & (path <= high)).all(axis=-1)
    counts = np.cumprod(inside, axis=1).sum(axis=1)  # points before the first one outside
    return [line[: max(1, count)][::-1] for line, count in zip(path, counts, strict=True)]


def _speed(strengths: np.ndarray, gaps: Sequence[float]) -> np.ndarray:
    """sum_l (sigma/w_l)^2 of a pathway, dsigma/dt without the residual; (N,) -> (N,).

    Its least squared scale u solves prod_l (u + gap_l) = sigma^2. In ln u the logarithm of the
    left is convex and grows, and not below ln sigma^2 where all gaps were zero: from there
    Newton's steps come down to the root.
    """
    sigma = np.maximum(strengths, 1e-100)
    apart, wanted = np.array(gaps)[:, None], 2 * np.log(sigma)
    log = wanted / len(gaps)
    for _ in range(MOST_NEWTON):
        least = np.exp(log)
        excess = np.log(least + apart).sum(axis=0) - wanted
        log = log - excess / (least / (least + apart)).sum(axis=0)
        if np.abs(excess).max() < 1e-13 * np.abs(wanted).max():
            break
    return sigma**2 * (1 / (np.exp(log) + apart)).sum(axis=0)


def divide(
    high: float,
    depths: Sequence[int],
    count: int = 80,
    gaps: Sequence[Sequence[float]] | None = None,
) -> np.ndarray | None:
    """The separatrix of two pathways deeper than 2 in [0, high]^2, (N, 2); None for shallower ones,
    and for pathways whose layers are apart unless both are alike.

    It is phi(w_1) = phi(w_2), phi_L = -w^{2-L}/(L-2): without a target both pathways would grow
    without end on it in one time; beside it the one on whose side the point lies gets away and
    the other stays finite (Shi et al., NeurIPS 2022). Equal depths: the diagonal.
    """
    one, two = depths
    if min(depths) <= 2:
        return None
    if gaps and any(map(any, gaps)):
        alike = one == two and np.allclose(np.sort(gaps[0]), np.sort(gaps[1]), rtol=1e-9, atol=0)
        return np.array([[0.0, 0.0], [high, high]]) if alike else None
    first = high * np.linspace(0.0, 1.0, count + 1)[1:]
    gap = first ** (2 / one - 1) / (one - 2)  # -phi(w_1)
    second = ((two - 2) * gap) ** (two / (2 - two))
    inside = second <= high * (1 + 1e-9)
    return np.concatenate([[[0.0, 0.0]], np.stack([first, second], axis=-1)[inside]])
