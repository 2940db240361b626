"""The walk of a central flow: gradient flow to the edge, then steps along it.

Where nothing is near the edge it *is* gradient flow, by the same integrator, looked at once per
eta of time; the piece in which the sharpness would pass the edge is walked again in steps of
`kernels.central`, until the edge does not pull any more.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from simcore import curvature, looks
from simcore.cost import product_seconds
from simcore.engines import Engine, MatricesEngine, ModesEngine
from simcore.experiment import CentralFlow, Record
from simcore.kernels import central as kernels
from simcore.kernels import matrices as matrix_kernels
from simcore.kernels import ranges, sectors
from simcore.kernels.dormand_prince import REACHED, STALLED
from simcore.trajectory import Outcome

RTOL = 1e-9  # of the flow before the edge
NEAR = kernels.NEAR
REACH = 1e-5  # of the differences of Hessian-vector products, in units of the weights' length
LANCZOS_TOL = 1e-8  # residual of the critical directions


class Recorder(Protocol):
    """What keeps the records of a run."""

    def record(self, step: int, time: float, variance: float | None = None) -> None: ...


class Reporter(Protocol):
    """What passes progress on."""

    def reached(self, fraction: float) -> None: ...

    def look(self) -> None: ...


class Edge(Protocol):
    """What the walk asks of an engine near the edge."""

    per_call: int  # steps that one call should take

    def sharpness(self) -> float:
        """The largest eigenvalue at the engine's state, as far as it may come near the edge."""

    def keep(self) -> None:
        """Keep the state, to come back to."""

    def back(self) -> None:
        """Return to the state that was kept."""

    def follow(self, steps: int, step: float) -> tuple[int, float]:
        """Take steps along the edge, fewer where it lets go or the loss blows up; how many were
        taken, and the trace of Sigma in the last one."""


def walk(
    dynamics: CentralFlow,
    record: Record,
    engine: Engine,
    recorder: Recorder,
    report: Reporter,
) -> Outcome:
    """Run it, record by record."""
    route = _Route(dynamics, engine, report)
    recorder.record(0, 0.0, 0.0)
    for goal in dynamics.recorded(record)[1:].tolist():
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
        self.edge = _edge_of(engine, dynamics.edge, report.look)
        self.time = 0.0
        self.variance = 0.0
        self.begun: float | None = None  # t at which the integrator was set going
        self.piece = self.eta  # of time, to the next look at the sharpness
        self.held = self.edge.sharpness() > dynamics.edge

    def go(self, goal: float) -> Outcome:
        """On to t = goal."""
        while self.time < goal:
            self.report.reached(self.time / self.dynamics.duration)
            outcome = self._along(goal) if self.held else self._freely(goal)
            if outcome is not Outcome.FINISHED:
                return outcome
        return Outcome.FINISHED

    def _freely(self, goal: float) -> Outcome:
        """A piece of gradient flow, given up if the edge is passed in it."""
        if self.begun is None:
            self.begun = self.time
            self.engine.start_flow(self.dynamics.duration)
        self.edge.keep()
        end = min(goal, self.time + self.piece)
        while (
            status := self.engine.flow(end - self.begun, self.engine.per_call, RTOL)
        ) != REACHED:
            if status == STALLED:
                return Outcome.STALLED
            self.report.look()
        self.engine.move_to(end - self.begun)
        if self.edge.sharpness() <= self.dynamics.edge:
            self.time, self.variance, self.piece = end, 0.0, self.eta
            return Outcome.FINISHED
        self.edge.back()
        self.begun = None
        if self.piece > self.substep:
            self.piece = self.substep
        else:
            self.held = True
        return Outcome.FINISHED

    def _along(self, goal: float) -> Outcome:
        """Steps along the edge, at least one."""
        left = goal - self.time
        count = max(1, int(left / self.substep * (1 + 1e-12)))
        step = min(self.substep, left)
        count = min(count, self.edge.per_call)
        taken, self.variance = self.edge.follow(count, step)
        if taken < count and self.variance > 0 or taken == 0:
            return Outcome.DIVERGED
        last = taken == count and left - taken * step <= 1e-9 * step
        self.time = goal if last else self.time + taken * step
        if self.variance == 0.0:
            self.held, self.piece = False, self.substep
        return Outcome.FINISHED


def _edge_of(engine: Engine, edge: float, look: looks.Look) -> Edge:
    if isinstance(engine, ModesEngine):
        return ModesEdge(engine, edge)
    assert isinstance(engine, MatricesEngine)
    return MatricesEdge(engine, edge, look)


class ModesEdge:
    """Block by block; see `kernels.sectors`."""

    def __init__(self, engine: ModesEngine, edge: float) -> None:
        self.engine, self.edge = engine, edge
        groups, target = engine.architecture.groups, engine.architecture.target
        self.layer, self.power = groups.layer, groups.power
        shape = (len(target), len(groups.layer))
        self.net = sectors.Aligned(
            first=engine.architecture.first,
            target=target,
            w=np.zeros(shape),
            below=np.zeros(shape),
            pull=np.zeros(shape),
            above=np.zeros(shape),
            residual=np.zeros(len(target)),
        )
        blocks = len(target) * (len(target) + 1) / 2
        self.per_call = looks.between(blocks * len(groups.layer) * 2e-6)
        self.told = np.zeros(3)
        self.kept = engine.x.copy()
        self.ranges = engine.ranges

    def _take(self) -> None:
        self.net.w[:] = self.engine.x[self.layer, : self.engine.modes].T

    def sharpness(self) -> float:
        self._take()
        sectors.look_around(self.net)
        modes, layers = self.net.w.shape
        most = modes * modes
        _, top = kernels.near_edge(
            self.net,
            self.edge,
            np.empty(most),
            np.empty((most, 2), np.int64),
            np.empty((most, 2, layers)),
        )
        return float(top)

    def keep(self) -> None:
        self.kept[:] = self.engine.x
        self.ranges = _copy(self.engine.ranges)

    def back(self) -> None:
        self.engine.x[:] = self.kept
        self.engine.ranges = self.ranges

    def follow(self, steps: int, step: float) -> tuple[int, float]:
        self._take()
        engine = self.engine
        kernels.along_edge(
            self.net,
            self.layer,
            self.power,
            self.edge,
            step,
            steps,
            engine.limit,
            engine.ranges,
            engine.seen.strengths,
            self.told,
        )
        for p, g in enumerate(self.layer):
            engine.x[g, : engine.modes] = self.net.w[:, p]
        return int(self.told[kernels.TAKEN]), float(self.told[kernels.TRACE])


class MatricesEdge:
    """Critical directions of full weights, by Lanczos from step to step."""

    def __init__(self, engine: MatricesEngine, edge: float, look: looks.Look) -> None:
        self.engine, self.edge, self.look = engine, edge, look
        self.solver = curvature.EigenSolver(engine.experiment, 1)
        self.velocity = np.zeros_like(engine.weights)
        self.gradient = np.zeros_like(engine.weights)
        self.probe, self.image = np.zeros_like(engine.weights), np.zeros_like(engine.weights)
        self.beside = curvature.workspace(engine.experiment)
        self.kept, self.ranges = engine.weights.copy(), engine.ranges
        self.per_call = looks.between(product_seconds(engine.experiment, 20) * 60)

    def sharpness(self) -> float:
        return float(self._spectrum()[0])

    def _spectrum(self) -> np.ndarray:
        """Eigenvalues down to one that is not near the edge; `gradient` is that of the state."""
        engine = self.engine
        matrix_kernels.evaluate(engine.weights, engine.layout, engine.problem, engine.seen)
        self.gradient[:] = 0.0
        matrix_kernels.backpropagate(
            engine.weights, engine.layout, engine.seen, 1.0, self.gradient
        )
        while True:
            values, _ = self.solver.solve(
                engine.weights, engine.problem, engine.seen, LANCZOS_TOL, self.look
            )
            if self.solver.count < self.solver.k or not values[-1] > NEAR * self.edge:
                return values[: self.solver.count]
            self.solver = self.solver.grown(engine.experiment)

    def keep(self) -> None:
        self.kept[:] = self.engine.weights
        self.ranges = _copy(self.engine.ranges)

    def back(self) -> None:
        self.engine.weights[:] = self.kept
        self.engine.ranges = self.ranges

    def follow(self, steps: int, step: float) -> tuple[int, float]:
        engine, trace = self.engine, 0.0
        for taken in range(steps):
            trace = self._pull(step)
            if trace == 0.0 and taken > 0:
                return taken, trace
            engine.weights += step * self.velocity
            loss = matrix_kernels.evaluate(
                engine.weights, engine.layout, engine.problem, engine.seen
            )
            if not loss <= engine.limit:
                return taken, np.inf
            ranges.widen(engine.ranges, loss, engine.seen.strengths)
        return steps, trace

    def _pull(self, step: float) -> float:
        """Make `velocity` that of the flow along the edge; return the trace of Sigma."""
        engine, values = self.engine, self._spectrum()
        k = int((values > NEAR * self.edge).sum())
        self.velocity[:] = -self.gradient
        if k == 0:
            return 0.0
        vectors = self.solver.vectors[:k]
        rows, columns = np.triu_indices(k)
        leanings = np.zeros((len(rows), 1, len(engine.weights)))
        kernels.leanings_of(
            engine.weights,
            engine.layout,
            engine.problem,
            self.beside,
            self.solver.tangent,
            vectors,
            REACH * float(np.linalg.norm(engine.weights)),
            self.probe,
            self.gradient,
            self.image,
            leanings,
        )
        x, _ = kernels.pulled_back(
            values[:k], rows, columns, leanings, self.velocity[None], self.edge, step
        )
        often = np.where(rows == columns, 1.0, 2.0)
        self.velocity -= 0.5 * ((often * x) @ leanings[:, 0])
        return float(x[rows == columns].sum())


def _copy(between: ranges.Ranges) -> ranges.Ranges:
    return ranges.Ranges(between.loss.copy(), between.strengths.copy())
