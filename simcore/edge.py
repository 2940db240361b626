"""What keeps a central flow below its edge, in each engine.

d theta/dt = -grad L - 1/2 sum_ab X_ab grad(u_a^T H u_b) over the eigenvectors u_a near the edge,
with 0 <= X _|_ 2/eta - U^T H U >= 0. A step of length dt is explicit, but what is to stay below the
edge is the Hessian, linearised, at its *end* (J. J. Moreau's stepping):
Y = 2/eta - U^T H U - dt dH[-grad L] + dt/2 G G^T X with the leanings G_ab of `kernels.central`. So
the state cannot drift away from the edge, and nothing has to be caught when it touches it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from simcore import curvature, looks
from simcore.cost import product_seconds
from simcore.engines import Engine
from simcore.kernels import central as kernels
from simcore.kernels import matrices as matrix_kernels
from simcore.kernels import ranges, sectors
from simcore.kernels.complementarity import complement
from simcore.looks import Look
from simcore.matrices_engine import MatricesEngine
from simcore.mode_curvature import Architecture
from simcore.modes_engine import ModesEngine
from simcore.places import Accuracy

NEAR = 0.9  # of the edge: eigenvalues from here on may touch it within a step
EXACT = 1e-10  # residual of eigenvectors, in units of the edge
SOLVED = 1e-8  # of complementarity, in units of the edge
TOUCHED = 1e-7  # of the edge, by which curvature that a step did not foresee may pass it
CORRECTIONS = 20  # at most, of a step that passed it by more
HELD = 1e-3  # of the edge, by which it may still be passed after them
RESTS = 1e-14  # a step that changes no weight by more: nothing moves any more
REACH = 1e-5  # of the differences of Hessian-vector products, in units of the weights' length
LANCZOS = Accuracy(residual=1e-8)  # of the critical directions of full weights
TINY = 1e-300  # keeps what no weight can bend from a division by zero
OWN_WORK = 2e-5  # seconds of one step, in Python


class Entries(NamedTuple):
    """The n entries of X that may differ from zero."""

    rows: np.ndarray  # (n,)
    columns: np.ndarray  # (n,)
    leanings: np.ndarray  # (n, N)


class Edge(ABC):
    """The engine's state near the edge, and steps along it."""

    per_call: int  # steps that one call should take

    def __init__(self, engine: Engine, edge: float, state: np.ndarray) -> None:
        self.edge, self.owner, self.state = edge, engine, state
        self.kept = state.copy()
        self.ranges = engine.ranges

    @abstractmethod
    def near(self) -> np.ndarray:
        """The eigenvalues above NEAR of the edge, (k,); all that follows refers to them."""

    @abstractmethod
    def velocity(self, change: np.ndarray | None = None) -> np.ndarray:
        """-grad L, (N,), at the state or after a change (N,) of it."""

    @abstractmethod
    def leanings(self) -> Entries:
        """Those of the eigenvectors near the edge."""

    @abstractmethod
    def move(self, change: np.ndarray) -> float:
        """Add the change (N,) to the weights; return the loss, which the ranges take in."""

    def keep(self) -> None:
        """Keep the state, to come back to."""
        self.kept[:] = self.state
        self.ranges = ranges.copied(self.owner.ranges)

    def back(self) -> None:
        """Return to the state that was kept."""
        self.state[:] = self.kept
        self.owner.ranges = self.ranges

    def passed(self) -> bool:
        """Whether an eigenvalue is above the edge."""
        return self.near().max(initial=-np.inf) > self.edge

    def follow(self, steps: int, step: float) -> tuple[int, float]:
        """Take steps of that length along the edge, fewer where it lets go; how many were taken,
        and tr X in the last one, 0 where it let go and nan where it cannot be kept."""
        values = self.near()
        for taken in range(steps):
            entries = self.leanings()
            velocity = self.velocity()
            self._pull(values, entries, velocity, step)
            # again from the middle of the step: Euler's would share out signal by itself
            velocity = self.velocity(0.5 * step * velocity)
            trace = self._pull(values, entries, velocity, step)
            if trace == 0.0 and taken > 0:
                return taken, 0.0
            if step * np.abs(velocity).max() <= RESTS:
                return steps, trace  # and so would all further steps
            loss = self.move(step * velocity)
            values = self.near()
            for _ in range(CORRECTIONS):
                if not values.max(initial=-np.inf) > self.edge * (1 + TOUCHED):
                    break
                back = np.zeros_like(velocity)
                trace += self._pull(values, self.leanings(), back, step)
                loss = self.move(step * back)
                values = self.near()
            held = values.max(initial=-np.inf) <= self.edge * (1 + HELD)
            if not (held and loss <= self.owner.limit):
                return taken, np.nan
        return steps, trace

    def _pull(
        self, values: np.ndarray, entries: Entries, velocity: np.ndarray, step: float
    ) -> float:
        """Turn the velocity into one along the edge; return tr X."""
        if not len(values):
            return 0.0
        rows, columns, leanings = entries
        gap, gram = -step * (leanings @ velocity), 0.5 * step * (leanings @ leanings.T)
        if len(values) == 1:
            over = max(0.0, float(values[0] - self.edge - gap[0]))
            alone = over / max(float(gram[0, 0]), TINY)
            velocity -= 0.5 * alone * leanings[0]
            return alone
        diagonal = rows == columns
        gap[diagonal] += self.edge - values
        x = _pulls(rows, columns, gap, gram, SOLVED * self.edge)
        velocity -= 0.5 * (np.where(diagonal, x, 2 * x) @ leanings)
        return float(x[diagonal].sum())


@lru_cache(maxsize=64)
def _upper_triangle(k: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.triu_indices(k)
    return rows, columns


def _pulls(
    rows: np.ndarray, columns: np.ndarray, gap: np.ndarray, gram: np.ndarray, tolerance: float
) -> np.ndarray:
    """The entries (n,) of X."""
    n, k = len(gap), int(rows[-1]) + 1
    x = np.empty(n)
    complement(
        rows,
        columns,
        gap,
        gram,
        tolerance,
        x,
        np.empty(n),
        np.empty(n),
        np.empty((k, k)),
        np.empty((k, k)),
    )
    return x


def edge_of(engine: Engine, edge: float, look: Look) -> Edge:
    """The edge of the engine's kind."""
    if isinstance(engine, ModesEngine):
        return ModesEdge(engine, edge)
    assert isinstance(engine, MatricesEngine)
    return MatricesEdge(engine, edge, look)


class ModesEdge(Edge):
    """Block by block, layer by layer; see `kernels.sectors`."""

    def __init__(self, engine: ModesEngine, edge: float) -> None:
        super().__init__(engine, edge, engine.x)
        self.engine = engine
        self.groups = engine.architecture.groups
        modes, layers = engine.modes, len(self.groups.layer)
        # (G, T): a group of equal layers moves as they do in the mean
        of_group = self.groups.layer == np.arange(len(self.groups.power))[:, None]
        self.share = of_group / self.groups.power[:, None]
        self.net, self.ahead = (_aligned(engine.architecture) for _ in range(2))
        self.critical = kernels.Near(
            values=np.zeros(modes**2),
            places=np.zeros((modes**2, 2), np.int64),
            vectors=np.zeros((modes**2, 2, layers)),
            basis=np.zeros((2, 2, layers)),
            image=np.zeros((2, 2, layers)),
            found=np.zeros(2),
            passed=np.zeros((4, layers)),
        )
        self.count = 0
        blocks = modes * (modes + 1) / 2
        self.per_call = looks.between(OWN_WORK + blocks * layers * 1e-7)

    def near(self) -> np.ndarray:
        self.net.w[:] = self.engine.x[self.groups.layer, : self.engine.modes].T
        sectors.look_around(self.net)
        self.count = kernels.near_edge(self.net, NEAR * self.edge, EXACT * self.edge, self.critical)
        return self.critical.values[: self.count].copy()

    def velocity(self, change: np.ndarray | None = None) -> np.ndarray:
        net = self.net
        if change is not None:
            net = self.ahead
            net.w[:] = self.net.w + change.reshape(net.w.shape)
            sectors.look_around(net)
        return (-net.pull * net.below).ravel()

    def leanings(self) -> Entries:
        rows, columns = _upper_triangle(self.count)
        if self.count > 1:
            i, j = self.critical.places[: self.count].T
            together = (i[rows] == i[columns]) & (j[rows] == j[columns])
            rows, columns = rows[together], columns[together]
        leanings = np.zeros((len(rows), *self.net.w.shape))
        kernels.leanings_of_modes(self.net, self.critical, rows, columns, leanings)
        return Entries(rows, columns, leanings.reshape(len(rows), self.net.w.size))

    def move(self, change: np.ndarray) -> float:
        engine, per_layer = self.engine, change.reshape(self.net.w.shape)
        engine.x[:, : engine.modes] += self.share @ per_layer.T
        return engine.widen()


def _aligned(architecture: Architecture) -> sectors.Aligned:
    shape = len(architecture.target), len(architecture.groups.layer)
    return sectors.Aligned(
        first=architecture.first,
        target=architecture.target,
        w=np.zeros(shape),
        below=np.zeros(shape),
        pull=np.zeros(shape),
        above=np.zeros(shape),
        residual=np.zeros(len(architecture.target)),
    )


class MatricesEdge(Edge):
    """Critical directions of full weights, by Lanczos from step to step."""

    def __init__(self, engine: MatricesEngine, edge: float, look: Look) -> None:
        super().__init__(engine, edge, engine.weights)
        self.engine, self.look = engine, look
        self.solver = curvature.EigenSolver(engine.experiment, 1)
        self.beside = kernels.Beside(*(np.zeros_like(engine.weights) for _ in range(3)))
        self.work = curvature.workspace(engine.experiment)
        self.count = 0
        self.per_call = looks.between(60 * product_seconds(engine.experiment, 20))

    def near(self) -> np.ndarray:
        engine, low = self.engine, NEAR * self.edge
        engine.widen()
        engine.backpropagate()
        while True:
            values, _ = self.solver.solve(engine.weights, engine.problem, LANCZOS, self.look)
            values = values[: self.solver.count]
            if self.solver.count < self.solver.k or not values[-1] > low:
                break
            self.solver = self.solver.grown(engine.experiment)
        self.count = int((values > low).sum())
        return values[: self.count]

    def velocity(self, change: np.ndarray | None = None) -> np.ndarray:
        engine, (theta, gradient, _) = self.engine, self.beside
        if change is None:
            return -engine.gradient
        theta[:] = engine.weights + change
        matrix_kernels.evaluate(theta, engine.layout, engine.problem, self.work)
        gradient[:] = 0.0
        matrix_kernels.backpropagate(theta, engine.layout, engine.problem, self.work, 1.0, gradient)
        return -gradient

    def leanings(self) -> Entries:
        engine, weights = self.engine, self.engine.weights
        rows, columns = _upper_triangle(self.count)
        leanings = np.zeros((len(rows), len(weights)))
        kernels.leanings_of_weights(
            weights,
            engine.layout,
            engine.problem,
            self.work,
            self.solver.tangent,
            self.solver.vectors[: self.count],
            REACH * float(np.linalg.norm(weights)),
            self.beside,
            leanings,
        )
        return Entries(rows, columns, leanings)

    def move(self, change: np.ndarray) -> float:
        self.engine.weights += change
        return self.engine.widen()
