"""Where the records of runs stand on an axis of time or of steps, and whose steps are counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from simcore.figures.scene import Axis, Run


class Span(NamedTuple):
    """The stretch of an axis of time that a picture shows: evenly, or from zero on by decades
    beyond one `unit`, as the player lays it out."""

    first: float
    last: float
    unit: float | None = None

    def part(self, place: np.ndarray | float) -> np.ndarray:
        """How far along the axis a place is, 0 at its left end and 1 at its right."""
        left, right = self._length(self.first), self._length(self.last)
        return (self._length(place) - left) / ((right - left) or 1.0)

    def place(self, part: float) -> float:
        """The place so far along the axis."""
        left, right = self._length(self.first), self._length(self.last)
        length = left + part * (right - left)
        return float(length if self.unit is None else self.unit * np.expm1(length))

    def _length(self, place: np.ndarray | float) -> np.ndarray:
        if self.unit is None:
            return np.asarray(place, dtype=float)
        return np.log1p(np.maximum(place, 0) / self.unit)


def whole(runs: Sequence[Run], axis: Axis, time: Literal["linear", "log"]) -> Span:
    """All that any of the runs shows, laid out as the player does."""
    counted = reference(runs)
    at = [places(run, axis, counted) for run in runs]
    ends = np.concatenate([each[[0, -1]] for each in at])
    ends = ends[np.isfinite(ends)]
    first, last = float(ends.min(initial=0.0)), float(ends.max(initial=0.0))
    firsts = [float(each[1] - each[0]) for each in at if len(each) > 1 and each[1] > each[0]]
    unit = 1.0 if axis == "step" and counted is not None else min(firsts, default=0.0)
    return Span(first, last, unit if time == "log" and unit > 0 else None)


def reference(runs: Sequence[Run]) -> Run | None:
    """The run whose steps are counted: the first that is made of updates."""
    return next((run for run in runs if run.stroke == "points"), None)


def even(runs: Sequence[Run]) -> bool:
    """Whether the updates of each run last equally long, so that t is one number times the step."""
    updates = [run for run in runs if run.stroke == "points"]
    pairs = [(np.asarray(run.columns["step"]), np.asarray(run.columns["t"])) for run in updates]
    return all(np.allclose(t * step[-1], step * t[-1], rtol=1e-6, atol=0) for step, t in pairs)


def shared(runs: Sequence[Run]) -> bool:
    """Whether every run of updates has its steps at the same times, so that one axis counts them
    all, and all that others do: a run that ended where it began has no steps to count by."""
    counted = reference(runs)
    if counted is None:
        return True
    if len(counted) == 1 < max(map(len, runs)):
        return False
    updates = [run for run in runs if run.stroke == "points" and run is not counted]
    own = [np.asarray(run.columns["step"], dtype=float) for run in updates]
    there = [steps_at(np.asarray(run.columns["t"], dtype=float), counted) for run in updates]
    pairs = zip(own, there, strict=True)
    return all(np.allclose(mine, theirs, rtol=1e-6, equal_nan=True) for mine, theirs in pairs)


def places(run: Run, axis: Axis, counted: Run | None) -> np.ndarray:
    """Where the records of a run stand on the axis, (K,).

    On an axis of steps a smooth run has those of the `counted` one at the same t, beyond its end at
    the rate of its last; without one, the steps of its own integrator.
    """
    if axis == "time":
        return np.asarray(run.columns["t"], dtype=float)
    if counted is None or run.stroke == "points":
        return np.asarray(run.columns["step"], dtype=float)
    return steps_at(np.asarray(run.columns["t"], dtype=float), counted)


def steps_at(time: np.ndarray, counted: Run) -> np.ndarray:
    """The step of a run at each time t, between its records too; nan where it has but one."""
    step, t = (np.asarray(counted.columns[name], dtype=float) for name in ("step", "t"))
    passed = np.diff(t[-2:])
    rate = np.diff(step[-2:]) / passed if passed.all() and passed.size else np.array([np.nan])
    beyond = np.where(time > t[-1], rate * (time - t[-1]), 0.0)
    return np.interp(time, t, step) + beyond
