"""What one call of a kernel brings back from many records of a run.

To come from one record to the next takes a small network a few operations, and a call from Python
many microseconds; besides, each call lets go of Python's lock, which others then have first. One
record is a case of many, because each loop over steps takes a second of a compiler's time.
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.ranges import Ranges
from simcore.kernels.simd import zeros


class Records(NamedTuple):
    """K records of a run, ranges and strengths as in `ranges`.

    The ranges of a record hold what they held before, and every step since the record before.
    """

    steps: np.ndarray  # (K,) int64, accepted by the flow's integrator
    x: np.ndarray  # (K, N) what the engine moves
    loss: np.ndarray  # (K,) without the floor
    strengths: np.ndarray  # (K, H, C)
    loss_range: np.ndarray  # (K, 2)
    strengths_range: np.ndarray  # (K, 2, H, C)


def room(records, x, ranges):
    """Room for so many, as long as `x` has rows, of a run whose `ranges` (of the first) have
    begun."""
    loss_range = np.tile([np.inf, -np.inf], (records, 1))
    strengths_range = zeros(records, *ranges.strengths.shape)
    strengths_range[:, 0], strengths_range[:, 1] = np.inf, -np.inf
    if records:
        loss_range[0], strengths_range[0] = ranges
    return Records(
        np.zeros(records, np.int64),
        x,
        np.zeros(records),
        zeros(records, *ranges.strengths.shape[1:]),
        loss_range,
        strengths_range,
    )


def where_it_is(x, strengths, ranges):
    """The one record that is the run's own x, strengths and ranges."""
    return Records(
        np.zeros(1, np.int64),
        x.reshape(1, -1),
        np.zeros(1),
        strengths[None],
        ranges.loss[None],
        ranges.strengths[None],
    )


def begun(records, k):
    """The ranges of a record that is not reached yet."""
    return Ranges(records.loss_range[k].copy(), records.strengths_range[k].copy())


def take_in_records(records, count):
    """Extend the ranges of the first records, so many, to hold the records themselves."""
    records = Records(*(values[:count] for values in records))
    for value, (low, high) in (
        (records.loss, records.loss_range.T),
        (records.strengths, records.strengths_range.swapaxes(0, 1)),
    ):
        low[:] = np.where(value < low, value, low)
        high[:] = np.where(value > high, value, high)
