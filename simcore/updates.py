"""The updates of a descent, from event to event, as an engine takes them.

Where nothing but the gradient drives the weights the engine descends plainly, which is fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from simcore.engines import Engine, Observed
from simcore.events import Jitter, Kick
from simcore.experiment import Descent, Dynamics, Experiment

DRAWN = 100_000  # random numbers of each mode that are passed over at once


class Stretch(NamedTuple):
    """Some updates in a row, between which nothing else acts."""

    seen: list[Observed]  # after each
    step_sizes: np.ndarray  # (K,)
    state: np.ndarray  # (N,) before them
    velocity: np.ndarray  # (N,) before them; zero without momentum
    goes_on: bool  # from where the last one ended, without an event


class Updates:
    """A descent that an engine takes from its start on."""

    def __init__(self, experiment: Experiment, engine: Engine) -> None:
        assert isinstance(experiment.dynamics, Descent)
        self.dynamics, self.engine, self.done = experiment.dynamics, engine, 0
        self.pathways = experiment.network.pathways
        self.modes = len(experiment.task.singular_values)
        self.rng = np.random.default_rng(self.dynamics.seed) if self.dynamics.label_noise else None
        self.changes = [int(time) for time in self.dynamics.changes]
        self.moving = (True,) * self.pathways
        self.schedule, self.plain = self.dynamics.schedule, self.dynamics.plain

    def go(self, goal: int, reached: Callable[[int], object] = lambda done: None) -> bool:
        """Take the updates up to number `goal`, and tell where it has come to now and then; False
        if the loss blew up on the way."""
        while self.done < goal:
            reached(self.done)
            wanted = min(goal - self.done, self.engine.per_call)
            if self.plain:  # most are, and often recorded at every step
                taken = self.engine.descend(wanted, self.dynamics.step_size)
            else:
                wanted = self._until_a_change(wanted)
                taken = self._take(wanted)
            self.done += taken
            if taken < wanted:
                return False
        return True

    def _until_a_change(self, wanted: int) -> int:
        """Let what changes now act; return how many of the updates wanted come before the next."""
        if self.done in self.changes:
            self.moving = act(self.dynamics, self.done, self.engine, self.pathways)
        later = (time - self.done for time in self.changes if time > self.done)
        return min(wanted, next(later, wanted))

    def _take(self, count: int) -> int:
        step_size = self._plainly(count)
        if step_size is not None:
            return self.engine.descend(count, step_size)
        return self.engine.drive(self._step_sizes(count), self._shifts(count))

    def _plainly(self, count: int) -> float | None:
        """The one step size of the next updates, if nothing else moves the weights in them."""
        ends = self.schedule.stretch(np.array([self.done, self.done + count - 1]))
        steady = ends[0] == ends[1]
        plain = steady and not self.dynamics.driven and all(self.moving)
        return float(self.schedule.step_size[ends[0]]) if plain else None

    def _step_sizes(self, count: int) -> np.ndarray:
        """Of the next updates, (K,)."""
        return self.schedule.step_sizes(np.arange(self.done, self.done + count))

    def _shifts(self, count: int) -> np.ndarray:
        """Of the target in the next updates, (K, R); drawn anew at each call."""
        if self.rng is None:
            return np.empty((0, self.modes))
        return self.dynamics.label_noise * self.rng.standard_normal((count, self.modes))

    # --- Every one seen ----------------------------------------------------------------------

    def each(self, goal: int) -> Iterator[Stretch]:
        """Take the updates up to number `goal`, seeing every one; fewer if the loss blew up."""
        while self.done < goal:
            acts = self.done in self.changes
            wanted = self._until_a_change(min(goal - self.done, self.engine.together))
            state, velocity = self.engine.moved()
            step_sizes, step_size = self._step_sizes(wanted), self._plainly(wanted)
            if step_size is not None:
                seen = self.engine.descend_through(np.ones(wanted, np.int64), step_size)
            else:
                seen = self.engine.drive_through(step_sizes, self._shifts(wanted))
            self.done += len(seen)
            yield Stretch(seen, step_sizes[: len(seen)], state, velocity, not acts)
            if len(seen) < wanted:
                return
            self.engine.keep()

    def be_at_the_end(self) -> None:
        """What is taken next are the updates after the last, of an engine that is where that led;
        they are those of a longer run."""
        for drawn in range(self.done, self.dynamics.steps, DRAWN):
            self._shifts(min(DRAWN, self.dynamics.steps - drawn))
        self.done = self.dynamics.steps
        self.moving = self.dynamics.moving(self.pathways)
        self.engine.hold(self.moving)


def act(dynamics: Dynamics, time: float, engine: Engine, pathways: int) -> tuple[bool, ...]:
    """Let the events at `time` act, in their order; return which pathways move from then on."""
    moving = dynamics.moving(pathways, time)
    engine.hold(moving)
    for event in dynamics.events:
        if event.first == time and isinstance(event, Kick):
            engine.kick(event.pathway, event.factor)
        elif event.first == time and isinstance(event, Jitter):
            engine.jitter(event)
    return moving
