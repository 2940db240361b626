"""What a run keeps: how many records, where, and what is computed at each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simcore import checks, limits
from simcore.checks import require
from simcore.spec import Spec, later

SPACINGS = ("even", "log")
FINEST = 1e-6  # of a flow's duration: its first gap between records of spacing "log"


@dataclass(frozen=True, kw_only=True)
class Record(Spec):
    """What a run keeps.

    Descent records every `every`-th step, or else at most `frames` records at an odd stride (an
    even one would hide a period-2 oscillation). Flow records at `frames` equal times, or at every
    `every`-th step of its integrator. With `spacing` "log" the gaps between `frames` records grow
    geometrically, so that a long run keeps its early events: those of a descent are odd and begin
    with every step, those of a flow begin with a millionth of its duration. The start and the end
    are always kept. `eigenvalues` is how many of the Hessian's largest are computed at each record
    (none if not `sharpness`), and `maps` keeps the pathway maps Omega_h.
    """

    frames: int = 600
    every: int | None = None
    sharpness: bool = True
    eigenvalues: int = 1
    maps: bool = False
    spacing: str = later("even")

    def __post_init__(self) -> None:
        most = limits.current()
        known = isinstance(self.spacing, str) and self.spacing in SPACINGS
        require(known, "the spacing of records must be even or log", self.spacing)
        require(
            self.every is None or self.spacing == "even",
            "a record every so many steps needs even spacing; choose that, or give a number of "
            "frames instead",
        )
        self._set(
            frames=checks.count("the number of frames", self.frames, 2, most.records),
            every=None
            if self.every is None
            else checks.count("the steps from record to record", self.every, 1, most.steps),
            sharpness=checks.flag("sharpness", self.sharpness),
            eigenvalues=checks.count(
                "the number of eigenvalues", self.eigenvalues, 1, most.eigenvalues
            ),
            maps=checks.flag("maps", self.maps),
            spacing=str(self.spacing),
        )

    def stride(self, last: int) -> int:
        """Steps from record to record in an evenly recorded descent of `last` steps."""
        if self.every is not None:
            return self.every
        stride = math.ceil(last / (self.frames - 1))
        return stride + 1 - stride % 2

    def count(self, last: int) -> int:
        """K, how many records a descent of `last` steps keeps."""
        if self.spacing == "log":
            return len(self.steps(last))
        return 1 + math.ceil(last / self.stride(last))

    def steps(self, last: int) -> np.ndarray:
        """The recorded steps of a descent of `last` steps, shape (K,)."""
        if self.spacing == "log":
            return _growing_steps(self.frames, last)
        return np.append(np.arange(0, last, self.stride(last)), last)

    def times(self, duration: float) -> np.ndarray:
        """The recorded times of a flow, shape (frames,), unless `every` counts its steps."""
        if self.spacing == "log":
            return duration * _growing_times(self.frames)
        return np.linspace(0.0, duration, self.frames)


@lru_cache(maxsize=64)  # a spec is built often
def _growing_steps(frames: int, last: int) -> np.ndarray:
    """Gaps odd(r^k), k = 1, 2, ..., with the smallest r that reaches `last` with at most `frames`
    records."""
    power = np.arange(1, frames)

    def odd_gaps(ratio: float) -> np.ndarray:
        with np.errstate(over="ignore"):
            return 2 * np.floor(np.minimum(ratio**power, 2.0 * last) / 2) + 1

    ratio = _smallest(lambda r: odd_gaps(r).sum() >= last, last + 2.0)
    steps = np.cumsum(odd_gaps(ratio)).astype(np.int64)
    steps = np.concatenate([[0], steps[steps < last], [last]])
    steps.setflags(write=False)
    return steps


@lru_cache(maxsize=64)
def _growing_times(frames: int) -> np.ndarray:
    """From 0 to 1, with gaps r^k of which the first is `FINEST`."""
    power = np.arange(frames - 1)

    def gaps(ratio: float) -> np.ndarray:
        with np.errstate(over="ignore"):
            return FINEST * ratio**power

    times = np.append(0.0, np.cumsum(gaps(_smallest(lambda r: gaps(r).sum() >= 1, 2 / FINEST))))
    times /= times[-1]
    times.setflags(write=False)
    return times


def _smallest(holds: Callable[[float], bool], high: float) -> float:
    """The smallest ratio from 1 on for which a condition holds, as it does at `high`."""
    low = 1.0
    if holds(low):
        return low
    while True:
        middle = low + (high - low) / 2
        if middle in (low, high):
            return high
        low, high = (low, middle) if holds(middle) else (middle, high)
