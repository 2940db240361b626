"""The step sizes of a descent and the time that they add up to."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from simcore.events import Events


class Schedule(NamedTuple):
    """Step sizes of a descent, S stretches of equal ones."""

    first: np.ndarray  # (S,) int64, the update with which each begins
    step_size: np.ndarray  # (S,)
    time: np.ndarray  # (S,) t before it

    def stretch(self, steps: np.ndarray) -> np.ndarray:
        """The number of the stretch that holds the update after so many."""
        return np.searchsorted(self.first, steps, side="right") - 1

    def step_sizes(self, steps: np.ndarray) -> np.ndarray:
        """eta of the update after so many."""
        return self.step_size[self.stretch(steps)]

    def times(self, steps: np.ndarray) -> np.ndarray:
        """t after so many updates."""
        place = self.stretch(steps)
        return self.time[place] + (steps - self.first[place]) * self.step_size[place]


@lru_cache(maxsize=256)  # asked for at every record
def schedule(step_size: float, steps: int, changes: Events) -> Schedule:
    """Of a descent that begins with this step size, which the `changes` change."""
    if not changes:
        return Schedule(np.zeros(1, np.int64), np.array([step_size]), np.zeros(1))
    sizes = np.full(steps, step_size)
    for event in changes:
        event.step_sizes(sizes)
    # a step size that is set again to what it was begins no stretch, so it changes no bit of t
    first = np.append(0, np.flatnonzero(np.diff(sizes)) + 1)
    lasted = np.diff(first) * sizes[first[:-1]]
    return Schedule(first, sizes[first], np.append(0.0, np.cumsum(lasted)))
