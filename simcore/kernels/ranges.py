"""What happened between two records: the smallest and the largest value over all steps."""

from typing import NamedTuple

import numpy as np
from numba import njit

from simcore.kernels.simd import KERNEL, at, larger, load, smaller, store


class Ranges(NamedTuple):
    """Smallest and largest value over the steps since the last record."""

    loss: np.ndarray  # (2,)
    strengths: np.ndarray  # (2, H, C), C a multiple of four


def fresh(pathways: int, columns: int) -> Ranges:
    """Ranges that hold nothing yet."""
    low = np.full((pathways, columns), np.inf)
    return Ranges(np.array([np.inf, -np.inf]), np.stack([low, -low]))


@njit(**KERNEL)
def spread(values, low, high, size):
    """Extend each [low, high] to hold its value; pointers to `size` numbers, a multiple of four."""
    for n in range(0, size, 4):
        value = load(values, n)
        store(low, n, smaller(value, load(low, n)))
        store(high, n, larger(value, load(high, n)))


@njit(**KERNEL)
def widen(ranges, loss, strengths):
    """Extend the ranges to hold one more step."""
    ranges.loss[0] = min(ranges.loss[0], loss)
    ranges.loss[1] = max(ranges.loss[1], loss)
    low, high = at(ranges.strengths, 0), at(ranges.strengths, strengths.size)
    spread(at(strengths, 0), low, high, strengths.size)
