"""What happened between two records: the smallest and the largest value over all steps."""

from typing import NamedTuple

import numpy as np

from simcore.kernels.simd import at, larger, load, smaller, store
from simcore.kernels.stamp import kernel

LOW, HIGH = 0, 1


class Ranges(NamedTuple):
    """Smallest and largest value over the steps since the last record."""

    loss: np.ndarray  # (2,) LOW and HIGH
    strengths: np.ndarray  # (2, H, C), C a multiple of four


def fresh(pathways: int, columns: int) -> Ranges:
    """Ranges that hold nothing yet."""
    low = np.full((pathways, columns), np.inf)
    return Ranges(np.array([np.inf, -np.inf]), np.stack([low, -low]))


def copied(ranges: Ranges) -> Ranges:
    """The same, for others to widen."""
    return Ranges(ranges.loss.copy(), ranges.strengths.copy())


@kernel
def spread(values, low, high, size):
    """Extend each [low, high] to hold its value; pointers to `size` numbers, a multiple of four."""
    for n in range(0, size, 4):
        value = load(values, n)
        store(low, n, smaller(value, load(low, n)))
        store(high, n, larger(value, load(high, n)))


@kernel
def extend(of_loss, of_strengths, loss, strengths, size):
    """Extend ranges to hold one more step; pointers to (2,), (2, H, C), and (H, C) of `size`."""
    of_loss[LOW] = min(of_loss[LOW], loss)
    of_loss[HIGH] = max(of_loss[HIGH], loss)
    spread(strengths, of_strengths, at(of_strengths, size), size)


@kernel
def widen(ranges, loss, strengths):
    """Extend the ranges to hold one more step."""
    extend(at(ranges.loss, 0), at(ranges.strengths, 0), loss, at(strengths, 0), strengths.size)
