"""Where gradient flow of one mode ends from layers of any scale, equal or not.

With d tau = -r dt every layer moves by dw_l/d tau = prod_{m != l} w_m, whatever the target: the
residual r only says how far along tau, and the strengths grow with tau. So the end is the one
place on that line where their sum is the target.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from simcore.starts import Rows

STEP = 0.125  # over its depth: by so much of its length a pathway moves in one step
MOST_STEPS = 1000  # about a hundred are usual; a flow that ends at a saddle never arrives
ARRIVED = 1e-12  # of the target


def ends(starts: Sequence[Rows], targets: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Strengths (H, N) at the ends of flows from N starts, and the sharpness there (N,).

    `starts` are scales of the layers of each pathway, `targets` those of the mode. At a minimum
    the sharpness of the mode is sum_hl (sigma_h / w_l)^2, the square of each slope. nan where the
    flow does not come to the target, as from a saddle.
    """
    depths = [len(row) for row in starts[0]]
    layers = np.ones((len(depths), max(depths), len(starts)))
    for h, depth in enumerate(depths):
        layers[h, :depth] = np.array([start[h] for start in starts]).T
    real = np.arange(max(depths))[:, None] < np.array(depths)[:, None, None]  # the rest is padding
    layers_of = np.array(depths)[:, None]
    goal = np.asarray(targets, dtype=float)
    away = np.arange(len(starts))  # whose flow goes on
    with np.errstate(all="ignore"):
        for _ in range(MOST_STEPS):
            w, slopes = layers[..., away], _slopes(layers[..., away], real)
            missing = goal[away] - w.prod(axis=1).sum(axis=0)
            lengths = _length(w * real) / layers_of
            # a single layer moves evenly, through zero as well
            lengths = np.where(layers_of > 1, lengths, np.inf)
            longest = STEP * np.fmin.reduce(lengths / _length(slopes), axis=0)
            # the total is convex in tau: Newton's steps come to the target from above
            step = np.clip(missing / (slopes**2).sum(axis=(0, 1)), -longest, longest)
            on = (np.abs(missing) > ARRIVED * goal[away]) & np.isfinite(step)
            if not on.any():
                break
            away, step = away[on], step[on]
            layers[..., away] = _moved(w[..., on], slopes[..., on], step, real)
        strengths = layers.prod(axis=1)
        there = np.abs(strengths.sum(axis=0) - goal) <= 1e3 * ARRIVED * goal
        sharpness = (_slopes(layers, real) ** 2).sum(axis=(0, 1))
    return np.where(there, strengths, np.nan), np.where(there, sharpness, np.nan)


def _slopes(w: np.ndarray, real: np.ndarray) -> np.ndarray:
    """prod_{m != l} w_m for each layer of each pathway, (H, L, N), zero for padding."""
    ones = np.ones_like(w[:, :1])
    before = np.cumprod(np.concatenate([ones, w[:, :-1]], axis=1), axis=1)
    behind = np.cumprod(np.concatenate([ones, w[:, :0:-1]], axis=1), axis=1)[:, ::-1]
    return before * behind * real


def _moved(w: np.ndarray, slopes: np.ndarray, step: np.ndarray, real: np.ndarray) -> np.ndarray:
    """The layers after a step of tau, by Runge and Kutta's rule of fourth order."""
    second = _slopes(w + step / 2 * slopes, real)
    third = _slopes(w + step / 2 * second, real)
    fourth = _slopes(w + step * third, real)
    return w + step / 6 * (slopes + 2 * second + 2 * third + fourth)


def _length(values: np.ndarray) -> np.ndarray:
    return np.sqrt((values**2).sum(axis=1))
