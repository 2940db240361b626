"""The updates of a descent, from event to event, as an engine takes them.

Where nothing but the gradient drives the weights the engine descends plainly, which is fastest.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simcore.engines import Engine
from simcore.events import Jitter, Kick
from simcore.experiment import Descent, Dynamics, Experiment


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
        dynamics, schedule = self.dynamics, self.schedule
        ends = schedule.stretch(np.array([self.done, self.done + count - 1]))
        steady = ends[0] == ends[1]
        if steady and not dynamics.driven and all(self.moving):
            return self.engine.descend(count, float(schedule.step_size[ends[0]]))
        step_sizes = schedule.step_sizes(np.arange(self.done, self.done + count))
        shifts = np.empty((0, self.modes))
        if self.rng is not None:
            shifts = dynamics.label_noise * self.rng.standard_normal((count, self.modes))
        return self.engine.drive(step_sizes, shifts)


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
