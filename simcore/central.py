"""The walk of a central flow: gradient flow to the edge, then steps along it.

Where nothing is near the edge it *is* gradient flow, by the same integrator, looked at once per
eta of time. The piece in which the sharpness would pass the edge is walked again in substeps, and
from there on steps go along the edge (`edge`) until it does not pull any more.
"""

from __future__ import annotations

import math
from typing import Protocol

from simcore.edge import edge_of
from simcore.engines import Engine
from simcore.experiment import CentralFlow, Experiment
from simcore.kernels.dormand_prince import REACHED, STALLED
from simcore.trajectory import Outcome

RTOL = 1e-9  # of the flow before the edge


class Recorder(Protocol):
    """What keeps the records of a run."""

    def record(self, step: int, time: float, variance: float = 0.0) -> None:
        """Keep the engine's state."""


class Reporter(Protocol):
    """What passes progress on."""

    def reached(self, fraction: float) -> None:
        """So far has the run come; raises to end it."""

    def look(self) -> None:
        """The same without having come further."""


def walk(experiment: Experiment, engine: Engine, recorder: Recorder, report: Reporter) -> Outcome:
    """Run it, record by record."""
    dynamics = experiment.dynamics
    assert isinstance(dynamics, CentralFlow)
    route = _Route(dynamics, engine, report)
    recorder.record(0, 0.0)
    for goal in dynamics.recorded(experiment.record)[1:].tolist():
        outcome = route.go(goal)
        if outcome is not Outcome.FINISHED:
            return outcome
        recorder.record(round(goal / dynamics.step_size), goal, route.variance)
    return Outcome.FINISHED


class _Route:
    """Where a central flow is, and whether the edge holds it."""

    def __init__(self, dynamics: CentralFlow, engine: Engine, report: Reporter) -> None:
        self.dynamics, self.engine, self.report = dynamics, engine, report
        self.eta, self.substep = dynamics.step_size, dynamics.step_size / dynamics.substeps
        self.edge = edge_of(engine, 2 / dynamics.step_size, report.look)
        self.time = self.variance = 0.0
        self.flowing = False  # whether the integrator has been set going
        self.piece = self.eta  # of time, to the next look at the sharpness
        self.held = self.edge.passed()

    def go(self, goal: float) -> Outcome:
        """On to t = goal."""
        outcome = Outcome.FINISHED
        while self.time < goal and outcome is Outcome.FINISHED:
            self.report.reached(self.time / self.dynamics.duration)
            outcome = self._along(goal) if self.held else self._freely(goal)
        return outcome

    def _freely(self, goal: float) -> Outcome:
        """A piece of gradient flow, given up if the edge is passed in it."""
        if not self.flowing:
            self.engine.start_flow(self.dynamics.duration, self.time, math.inf)
            self.flowing = True
        self.edge.keep()
        end = min(goal, self.time + self.piece)
        status = None
        while status != REACHED:
            status = self.engine.flow(end, self.engine.per_call, RTOL)
            if status == STALLED:
                return Outcome.STALLED
            self.report.look()
        self.engine.move_to(end)
        if not self.edge.passed():
            self.time, self.variance, self.piece = end, 0.0, self.eta
            return Outcome.FINISHED
        self.edge.back()
        self.flowing = False
        self.held = self.piece <= self.substep
        self.piece = self.substep
        return Outcome.FINISHED

    def _along(self, goal: float) -> Outcome:
        """Steps along the edge, at least one."""
        whole = int((goal - self.time) / self.substep * (1 + 1e-12))
        count = min(max(1, whole), self.edge.per_call)
        step = self.substep if whole else goal - self.time
        taken, self.variance = self.edge.follow(count, step)
        if not self.variance >= 0:
            return Outcome.UNHELD
        self.time += taken * step
        if goal - self.time <= 1e-9 * self.substep:
            self.time = goal
        if self.variance == 0:
            self.held, self.piece = False, self.substep
        return Outcome.FINISHED
