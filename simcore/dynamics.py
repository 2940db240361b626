"""How the weights move: gradient descent and gradient flow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, Literal, Self

import numpy as np

from simcore import checks, limits
from simcore.checks import require, shown
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


class Dynamics(Spec):
    """How the weights move; a subclass says what is peculiar to it, nobody asks which one it is."""

    short: ClassVar[str]  # "GD": in legends
    title: ClassVar[str]  # "gradient descent": in sentences
    iterated: ClassVar[bool]  # made of updates: counted in steps and drawn as points
    stroke: ClassVar[Literal["points", "thin", "dotted"]]  # the pen of `figures.style`

    duration: float  # t at the end of the run
    steps: int  # updates, of iterated dynamics

    @property
    def eta(self) -> float | None:
        """The step size, None for dynamics without one."""
        return None

    @property
    def edge(self) -> float | None:
        """2/eta, the largest sharpness at which the run is stable at a minimum; None without."""
        return None if self.eta is None else 2 / self.eta

    def edges(self, steps: np.ndarray) -> np.ndarray | None:
        """2/eta in force at each of these steps, shape (K,); None where there is none."""
        return None if self.edge is None else np.full(len(steps), self.edge)

    def time(self, steps: int) -> float:
        """t after so many updates, of dynamics that are made of them."""
        raise NotImplementedError

    def records(self, record: Record) -> int:
        """How many records the run will keep, or at least how many if only running it can tell."""
        raise NotImplementedError

    def check_clock(
        self, record: Record, steps: np.ndarray, time: np.ndarray, finished: bool
    ) -> None:
        """ValueError unless a run can have these steps (K,) and times (K,) at its records."""
        raise NotImplementedError

    def with_step_size(self, step_size: float) -> Descent:
        """Gradient descent with that step size that lasts as long."""
        steps = max(1, round(self.duration / step_size))
        return Descent(step_size=step_size, steps=steps)

    def with_steps(self, steps: int) -> Self:
        """Another number of updates; ValueError where there are none."""
        raise ValueError(f"a number of steps needs gradient descent, got {shown(self)}")

    def with_duration(self, duration: float) -> Self:
        """Another t at the end; ValueError where steps decide."""
        raise ValueError(f"a duration needs gradient flow, got {shown(self)}; set its steps")


@dataclass(frozen=True, kw_only=True)
class Descent(Dynamics):
    """Gradient descent, theta <- theta - eta grad L(theta), for a number of steps."""

    short = "GD"
    title = "gradient descent"
    iterated = True
    stroke = "points"

    step_size: float  # eta
    steps: int

    def __post_init__(self) -> None:
        self._set(
            step_size=checks.positive("the step size", self.step_size),
            steps=checks.count("the number of steps", self.steps, 1, limits.current().steps),
        )

    @property
    def duration(self) -> float:  # type: ignore[override]
        """t = eta * steps, the clock it shares with gradient flow."""
        return self.step_size * self.steps

    @property
    def eta(self) -> float:
        return self.step_size

    def time(self, steps: int) -> float:
        return steps * self.step_size

    def records(self, record: Record) -> int:
        return record.count(self.steps)

    def check_clock(
        self, record: Record, steps: np.ndarray, time: np.ndarray, finished: bool
    ) -> None:
        recorded = record.steps(self.steps)
        kept = recorded if finished else recorded[: len(steps)]
        require(np.array_equal(steps, kept), "steps must be those that were to be recorded")
        require(np.array_equal(time, steps * self.step_size), "time must be eta times steps")

    def with_step_size(self, step_size: float) -> Self:
        """The same number of steps of another size."""
        return replace(self, step_size=step_size)

    def with_steps(self, steps: int) -> Self:
        return replace(self, steps=steps)


@dataclass(frozen=True, kw_only=True)
class Flow(Dynamics):
    """Gradient flow, d theta/dt = - grad L(theta), integrated to relative tolerance `rtol`."""

    short = "GF"
    title = "gradient flow"
    iterated = False
    stroke = "thin"

    duration: float
    rtol: float = 1e-8

    def __post_init__(self) -> None:
        duration, rtol = (
            checks.positive("the duration", self.duration),
            checks.positive("the tolerance rtol", self.rtol),
        )
        longest = limits.current().duration
        require(
            duration <= longest, f"the duration may be at most {longest:g} here, got {duration:g}"
        )
        require(
            1e-13 <= rtol <= 1e-2,
            "the tolerance rtol must be between 1e-13 and 1e-2 "
            f"(double precision holds no more), got {rtol:g}",
        )
        self._set(duration=duration, rtol=rtol)

    def check_clock(
        self, record: Record, steps: np.ndarray, time: np.ndarray, finished: bool
    ) -> None:
        require(steps[0] == 0 and bool((np.diff(steps) >= 0).all()), "steps must not decrease")
        if record.every is None:
            recorded = record.times(self.duration)
            require(np.array_equal(time, recorded[: len(time)]), "times must be those of records")
        require(
            time[0] == 0 and bool((np.diff(time) > 0).all()) and time[-1] <= self.duration,
            "time must grow from 0 to at most the duration",
        )
        require(not finished or time[-1] == self.duration, "time must end at the duration")

    def with_duration(self, duration: float) -> Self:
        return replace(self, duration=duration)

    def records(self, record: Record) -> int:
        # with `every` at least two: only the integrator knows how many steps it will take
        return record.frames if record.every is None else 2
