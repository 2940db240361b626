"""The engine of any start and inputs: full weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from simcore import curvature, hands, jitters, looks, mode_starts
from simcore.cost import cost
from simcore.engines import Moving, Observed
from simcore.events import Jitter
from simcore.experiment import Experiment
from simcore.kernels import dormand_prince, driven, flows, orthogonal, ranges
from simcore.kernels import matrices as matrix_kernels
from simcore.kernels.matrices import Problem, Workspace
from simcore.kernels.records import Records
from simcore.kernels.simd import zeros
from simcore.looks import Look
from simcore.places import Accuracy

# Of a single eigenvalue the residual counts, though the error is its square: a looser one also
# stops before an eigenvector that has just overtaken grows out of the warm start's noise. Where
# Davidson's method finds several, it follows one more, which may be about to overtake.
ALONG_RUN = Accuracy(residual=1e-9, error=1e-9)
MOST_TOGETHER, NUMBERS = 256, 1_000_000  # states that wait for their eigenvalues; all their numbers
SHORT = 5e-6  # seconds of a step in which two threads would mostly wait for each other


class MatricesEngine(Moving):
    """Full weights in the singular bases of the target; see `kernels.matrices`."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        task = experiment.task
        self.layout = curvature.layout(experiment)
        self.problem = self._goal()
        self.work = self.now = curvature.workspace(experiment)
        self.seen = curvature.workspace(experiment)
        self.weights = self.numbers = self.enter(curvature.initial(experiment))
        self.floor = self._floor()
        loss = matrix_kernels.evaluate(self.weights, self.layout, self.problem, self.work)
        self.limit = float(mode_starts.blow_up(mode_starts.natural_loss(task), loss))
        self.nothing = ranges.fresh(*self.work.strengths.shape)
        self.ranges = ranges.copied(self.nothing)
        self.solvers: dict[tuple[bool, ...], curvature.EigenSolver] = {}  # where some pathways move
        self.gradient, self.kept = np.zeros_like(self.weights), self.weights.copy()
        expected = cost(experiment)
        self.per_call = looks.between(expected.step)
        self.pace, self.worth_two = hands.Pace(), self._worth_two(expected.step)
        self.unseen = zeros(matrix_kernels.SIGNS)  # by any other thread
        most = min(MOST_TOGETHER, NUMBERS // len(self.weights), looks.between(expected.record))
        self.together = max(1, most)
        self.states = zeros(self.together, len(self.weights))  # whose eigenvalues are not known yet
        self.waiting = 0

    def _worth_two(self, step: float) -> float:
        """How many steps, of so many seconds each, are worth another thread."""
        alone = self.problem.samples.used or self.experiment.network.pathways < 2
        # compiled, or threads take turns
        alone |= not hasattr(matrix_kernels.descend_through, "signatures")
        return np.inf if alone or step < SHORT else hands.Pace.WORTH / step

    def _goal(self) -> Problem:
        """The loss in the coordinates of the engine."""
        return curvature.singular_problem(self.experiment.task)

    def enter(self, theta: np.ndarray) -> np.ndarray:
        """Weights (N,) in the coordinates of the engine, padded."""
        return curvature.pad(self.experiment, curvature.turn(self.experiment, theta))

    def _leave(self, full: np.ndarray) -> np.ndarray:
        """The way back from `enter`."""
        weights = curvature.unpad(self.experiment, full)
        return curvature.turn(self.experiment, weights, back=True)

    def _floor(self) -> float:
        """Of the loss, what its kernels leave out."""
        return self.experiment.task.floor()

    def _observed(self, records: Records, count: int) -> list[Observed]:
        self.waiting += count
        return super()._observed(records, count)

    def _descend(self, gaps: np.ndarray, step_size: float, records: Records) -> int:
        steps = int(gaps.sum())
        if steps < self.worth_two:
            return self._lead(gaps, step_size, records, self.unseen)
        signs = zeros(matrix_kernels.SIGNS)
        with self.pace.piece(steps) as ask:
            try:
                if ask is not None:
                    ask(lambda: self.assist(step_size, signs))
                return self._lead(gaps, step_size, records, signs)
            finally:  # also after an interrupt, or the other would wait for ever
                signs[matrix_kernels.CALLED] = matrix_kernels.OVER

    def _lead(self, gaps: np.ndarray, step_size: float, records: Records, signs: np.ndarray) -> int:
        return matrix_kernels.descend_through(
            gaps,
            self.weights,
            self.layout,
            self.problem,
            step_size,
            self.limit,
            self.work,
            records,
            signs,
            self.share,
        )

    def assist(self, step_size: float, signs: np.ndarray) -> None:
        """Take part in the descent of another thread with these signs."""
        matrix_kernels.assist(self.weights, self.layout, step_size, self.beside, signs, self.share)

    @cached_property
    def beside(self) -> Workspace:
        """The workspace for another thread's part of a step."""
        return self.work._replace(panel=np.zeros_like(self.work.panel))

    @cached_property
    def share(self) -> int:
        """The first pathway that another thread would move: both have as many weights as can be."""
        ends = self.layout.start[self.layout.first[1:-1]]  # of all pathways but the last
        return 1 + int(np.abs(ends - self.layout.start[-1] / 2).argmin()) if len(ends) else 1

    def _be_driven(
        self, gaps: np.ndarray, step_sizes: np.ndarray, shifts: np.ndarray, records: Records
    ) -> int:
        velocity, before, push = self.driving
        drive = self._drive(step_sizes, np.ascontiguousarray(shifts))
        return driven.descend_matrices(
            gaps,
            self.weights,
            velocity,
            before,
            push,
            self.layout,
            self.problem,
            drive,
            self.limit,
            self.work,
            records,
        )

    @cached_property
    def solver(self) -> curvature.EigenSolver:
        """Of the eigenvalues at records, for those who ask for them."""
        return curvature.EigenSolver(self.experiment, self.experiment.record.eigenvalues)

    @cached_property
    def driving(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The velocity, and scratch of driven descents."""
        n = len(self.weights)
        return zeros(n), zeros(n), zeros(n)

    def kick(self, pathway: int, factor: float) -> None:
        start, stop = self.layout.start[self.layout.first[[pathway, pathway + 1]]]
        self.weights[start:stop] *= factor ** (1 / self.experiment.network.depths[pathway])
        matrix_kernels.evaluate(self.weights, self.layout, self.problem, self.work)

    def jitter(self, jitter: Jitter) -> None:
        noise = jitters.of_weights(self.experiment, jitter)
        self.weights += self.enter(noise)
        matrix_kernels.evaluate(self.weights, self.layout, self.problem, self.work)

    def start_flow(self, longest: float, time: float, end: float) -> None:
        self._integrate(len(self.weights), self.layout.size, longest, time, end)
        flows.flow_start(
            self.weights, self.layout, self.problem, self.work, self.integrator, longest
        )

    def _places(self, count: int) -> np.ndarray:
        return self.states[self.waiting : self.waiting + count]

    def _flow(self, goals: np.ndarray, most: int, rtol: float, records: Records) -> tuple[int, int]:
        count, status, last = 0, flows.HANDED_OVER, self.flow_steps() + most
        while status == flows.HANDED_OVER:
            through = (
                count,
                goals,
                last,
                self.layout,
                self.problem,
                self.work,
                self.seen,
                self.integrator,
                rtol,
                self.longest,
                records,
            )
            if self.integrator.stiff[flows.ON]:
                count, status = flows.stiff_flow(*through, self.plan)
            else:
                count, status = flows.pair_flow(*through)
        return count, status

    @cached_property
    def plan(self) -> orthogonal.Plan:
        """Of the steps of a stiff flow."""
        return orthogonal.room()

    def move_to(self, time: float) -> None:
        dormand_prince.state_at(time, self.integrator, self.weights[None], 0)

    def widen(self) -> float:
        """The loss, without its floor, of a state that the ranges take in."""
        loss = matrix_kernels.evaluate(self.weights, self.layout, self.problem, self.seen)
        ranges.widen(self.ranges, loss, self.seen.strengths)
        return loss

    def observe(self) -> Observed:
        loss = self.widen()
        self.states[self.waiting] = self.weights
        self.waiting += 1
        between, self.ranges = self.ranges, ranges.copied(self.nothing)
        return (
            loss + self.floor,
            self.seen.strengths[:, : self.modes].copy(),
            between.loss + self.floor,
            between.strengths[:, :, : self.modes],
        )

    def maps(self) -> np.ndarray:
        left, right = curvature.full_bases(self.experiment.task)
        size, n_in = self.problem.target.size, self.layout.n_in
        chains = [
            self.seen.forward[end : end + size].reshape(-1, n_in)[: len(left), : len(right)]
            for end in self.layout.chain[self.layout.first[1:] - 1]
        ]
        return np.array([left @ chain @ right.T for chain in chains])

    def eigenvalues(self, look: Look) -> tuple[np.ndarray, np.ndarray]:
        return self.solver.along(self.states[: self.waiting], self.problem, ALONG_RUN, look)

    def backpropagate(self) -> None:
        """Make `gradient` that of the state that was seen last."""
        self.gradient[:] = 0.0
        matrix_kernels.backpropagate(
            self.weights, self.layout, self.problem, self.seen, 1.0, self.gradient
        )

    def moving_sharpness(self, moving: Sequence[tuple[bool, ...]], look: Look) -> np.ndarray:
        found = np.full(len(moving), np.nan)
        for some in set(moving):
            if any(some):
                here = [k for k, of in enumerate(moving) if of == some]
                if some not in self.solvers:
                    self.solvers[some] = curvature.EigenSolver(self.experiment, 1, some)
                solver, states = self.solvers[some], self.states[here]
                values, _ = solver.along(states, self.problem, ALONG_RUN, look)
                found[here] = values[:, 0]
        return found

    def put(self, theta: np.ndarray, velocity: np.ndarray | None) -> None:
        """Begin at these weights (N,), with that velocity."""
        self.weights[:] = self.enter(theta)
        if velocity is not None:
            self.driving[0][:] = self.enter(velocity)
        matrix_kernels.evaluate(self.weights, self.layout, self.problem, self.work)

    def moved(self) -> tuple[np.ndarray, np.ndarray]:
        return self.weights.copy(), self.driving[0].copy()

    @property
    def counts(self) -> np.ndarray:
        return np.ones(len(self.weights))

    def keep(self) -> None:
        self.kept[:] = self.states[self.waiting - 1]
        self.waiting = 0

    def theta(self) -> np.ndarray | None:
        return self._leave(self.kept)

    def velocity_of_theta(self) -> np.ndarray | None:
        has_one = self.experiment.dynamics.momentum > 0
        return self._leave(self.driving[0]) if has_one else None
