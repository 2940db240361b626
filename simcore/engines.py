"""The two engines behind `simulate`, with one door: modes (the exact reduction) and matrices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from simcore import curvature, jitters, looks, mode_curvature, mode_starts
from simcore.cost import cost
from simcore.events import Jitter
from simcore.experiment import Descent, Experiment
from simcore.kernels import chebyshev, dormand_prince, driven, ranges
from simcore.kernels import matrices as matrix_kernels
from simcore.kernels import modes as mode_kernels
from simcore.kernels.simd import zeros
from simcore.looks import Look

MOST_TOGETHER = 256  # records whose eigenvalues are computed together
# Lanczos residual at the records. The error of the eigenvalue is its square, but a looser one also
# stops before an eigenvector that has just overtaken grows out of the warm start's noise.
ALONG_RUN_TOL = 1e-9


class Engine(Protocol):
    """What the record loop asks of an engine."""

    limit: float  # loss above which a run counts as diverged
    ranges: ranges.Ranges
    per_call: int  # steps that one call should take, so that progress stays lively
    together: int  # records whose eigenvalues one call should compute

    def descend(self, steps: int, step_size: float) -> int:
        """Take steps of plain gradient descent; fewer come back if the loss blew up."""

    def drive(self, step_sizes: np.ndarray, shifts: np.ndarray) -> int:
        """Take updates of these step sizes (K,) with the momentum and weight decay of the dynamics,
        the target shifted in each mode by shifts (K, R), if there are any (else (0, R)), and
        pathways on hold; fewer come back if the loss blew up."""

    def hold(self, moving: tuple[bool, ...]) -> None:
        """From now on only these pathways (H,) move."""

    def kick(self, pathway: int, factor: float) -> None:
        """All strengths of a pathway times `factor`, each of its layers times factor^{1/L_h}."""

    def jitter(self, jitter: Jitter) -> None:
        """Move every weight by chance."""

    def start_flow(self, longest: float, time: float, end: float) -> None:
        """Set the integrator to t = `time` at the current weights; no step of it is longer than
        `longest` or goes beyond `end`."""

    def flow(self, goal: float, most: int, rtol: float) -> int:
        """Integrate to t >= goal, or `most` accepted steps: REACHED, PENDING or STALLED."""

    def flow_time(self) -> float:
        """t at the end of the integrator's last step."""

    def flow_steps(self) -> int:
        """Accepted steps so far."""

    def move_to(self, time: float) -> None:
        """Make the flow's state at `time` the one that `observe` sees."""

    def observe(self) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
        """Loss, strengths (H, R), loss range (2,) and strengths range (2, H, R); the ranges start
        anew. The state waits for `eigenvalues`, if they are wanted."""

    def maps(self) -> np.ndarray:
        """Omega_h in the task's coordinates, (H, n_out, n_in)."""

    def eigenvalues(self, look: Look) -> tuple[np.ndarray, np.ndarray]:
        """Values and residuals (states, k) of the states observed since the last call, at most
        `together`; `look` is called now and then, and may raise."""

    def moving_sharpness(self, moving: Sequence[tuple[bool, ...]], look: Look) -> np.ndarray:
        """(states,): lambda_max of the Hessian of the weights that move in each of the states that
        `eigenvalues` was last asked about, in which these pathways (states, H) do; nan where none
        does."""

    def keep(self) -> None:
        """The record of the current state is complete: its weights are those of `theta`."""

    def theta(self) -> np.ndarray | None:
        """The weights kept last, in the task's coordinates, if the engine has them."""


def engine_for(experiment: Experiment) -> Engine:
    """The engine that is exact and fastest for the experiment."""
    kind = ModesEngine if experiment.resolved_engine == "modes" else MatricesEngine
    return kind(experiment)


class _Moving:
    """What both engines say of their integrator, and which pathways move."""

    integrator: dormand_prince.Integrator
    longest: float

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.moving = np.ones(experiment.network.pathways, np.bool_)
        self.flow_counts = np.zeros(2, np.int64)

    def hold(self, moving: tuple[bool, ...]) -> None:
        self.moving = np.array(moving)

    def flow_time(self) -> float:
        return float(self.integrator.clock[dormand_prince.NOW])

    def flow_steps(self) -> int:
        return int(self.flow_counts[dormand_prince.ACCEPTED])

    def _integrate(self, n: int, weights: int, longest: float, time: float, end: float) -> None:
        """An integrator for n numbers, of which so many are weights that move."""
        self.longest = longest
        clock = np.zeros(6)
        clock[dormand_prince.START] = clock[dormand_prince.NOW] = time
        clock[dormand_prince.END] = end
        self.integrator = dormand_prince.Integrator(
            clock=clock,
            seen=np.zeros(1, np.bool_),
            counts=self.flow_counts,
            stiff=np.zeros(5),
            old=zeros(n),
            new=zeros(n),
            trial=zeros(n),
            stages=zeros(dormand_prince.STAGES, n),
            weights=max(1, weights),
            moving=self.moving,
        )

    def _drive(self, step_sizes: np.ndarray, shifts: np.ndarray) -> driven.Drive:
        dynamics = self.experiment.dynamics
        assert isinstance(dynamics, Descent)
        return driven.Drive(
            step_sizes,
            shifts,
            self.moving,
            dynamics.momentum,
            dynamics.nesterov,
            dynamics.weight_decay,
        )


class ModesEngine(_Moving):
    """A few scalars per pathway and mode; see `kernels.modes`."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        self.modes = len(experiment.task.singular_values)
        start = mode_starts.begin([experiment])
        self.system, self.x, self.state = start.system, start.x, start.state
        self.limit, self.floor = float(start.limit[0]), float(start.floor[0])
        self.seen = mode_starts.fresh_state(self.system)
        self.nothing = ranges.fresh(*self.state.strengths.shape)
        self.ranges = ranges.copied(self.nothing)
        self.queue: list[np.ndarray] = []
        self.states = np.empty(0)  # whose eigenvalues were last asked for
        expected = cost(experiment)
        self.per_call = looks.between(expected.step)
        self.together = min(MOST_TOGETHER, looks.between(expected.record))

    @cached_property
    def architecture(self) -> mode_curvature.Architecture:
        return mode_curvature.architecture_of(self.experiment)

    def descend(self, steps: int, step_size: float) -> int:
        self.system.step_size[:] = step_size
        return mode_kernels.descend(self.x, self.system, steps, self.limit, self.state, self.ranges)

    def drive(self, step_sizes: np.ndarray, shifts: np.ndarray) -> int:
        wide = np.zeros((len(shifts), len(self.system.target)))
        wide[:, : self.modes] = shifts
        drive = self._drive(step_sizes, wide)
        return driven.descend_modes(
            self.x, self.velocity, self.system, drive, self.limit, self.state, self.ranges
        )

    @cached_property
    def velocity(self) -> np.ndarray:
        return zeros(*self.x.shape)

    def hold(self, moving: tuple[bool, ...]) -> None:
        super().hold(moving)
        self.velocity[~self._scales_that_move()] = 0.0

    def _scales_that_move(self) -> np.ndarray:
        """Which of the G groups do."""
        return np.repeat(self.moving, np.diff(self.system.first))

    def kick(self, pathway: int, factor: float) -> None:
        first, depth = self.system.first, self.experiment.network.depths[pathway]
        self.x[first[pathway] : first[pathway + 1]] *= factor ** (1 / depth)
        mode_kernels.evaluate(self.x, self.system, self.state)

    def jitter(self, jitter: Jitter) -> None:
        self.x[:, : self.modes] += jitters.of_scales(self.experiment, jitter)
        mode_kernels.evaluate(self.x, self.system, self.state)

    def start_flow(self, longest: float, time: float, end: float) -> None:
        weights = self.modes * int(self._scales_that_move().sum())
        self._integrate(self.x.size, weights, longest, time, end)
        mode_kernels.flow_start(self.x, self.system, self.state, self.integrator, longest)

    def flow(self, goal: float, most: int, rtol: float) -> int:
        return mode_kernels.flow(
            goal,
            most,
            self.system,
            self.state,
            self.integrator,
            self.ranges,
            rtol,
            self.longest,
        )

    def move_to(self, time: float) -> None:
        dormand_prince.state_at(time, self.integrator, self.x.reshape(-1))

    def widen(self) -> float:
        """The loss, without its floor, of a state that the ranges take in."""
        loss = mode_kernels.evaluate(self.x, self.system, self.seen)
        ranges.widen(self.ranges, loss, self.seen.strengths)
        return loss

    def observe(self) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
        loss = self.widen()
        if self.experiment.record.sharpness:
            self.queue.append(self.x[:, : self.modes].T.copy())
        between, self.ranges = self.ranges, ranges.copied(self.nothing)
        return (
            loss + self.floor,
            self.seen.strengths[:, : self.modes].copy(),
            between.loss + self.floor,
            between.strengths[:, :, : self.modes],
        )

    def maps(self) -> np.ndarray:
        left, right = self.experiment.task.bases()
        return (left * self.seen.strengths[:, None, : self.modes]) @ right.T

    def eigenvalues(self, look: Look) -> tuple[np.ndarray, np.ndarray]:
        self.states, self.queue = np.array(self.queue), []
        values = mode_curvature.top_eigenvalues(
            self.architecture, self.states, self.experiment.record.eigenvalues, look
        )
        return values, np.where(np.isfinite(values), 0.0, np.nan)

    def moving_sharpness(self, moving: Sequence[tuple[bool, ...]], look: Look) -> np.ndarray:
        found = np.full(len(moving), np.nan)
        for some in set(moving):
            if any(some):
                architecture = mode_curvature.architecture_of(self.experiment, some)
                here = [k for k, of in enumerate(moving) if of == some]
                top = mode_curvature.top_eigenvalues(architecture, self.states[here], 1, look)
                found[here] = top[:, 0]
        return found

    def keep(self) -> None:
        pass

    def theta(self) -> np.ndarray | None:
        return None


class MatricesEngine(_Moving):
    """Full weights in the singular bases of the target; see `kernels.matrices`."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        task = experiment.task
        self.layout = curvature.layout(experiment.network, task)
        self.problem = curvature.singular_problem(task)
        self.work = curvature.workspace(experiment)
        self.seen = curvature.workspace(experiment)
        start = curvature.turn(experiment, curvature.initial(experiment))
        self.weights = curvature.pad(experiment, start)
        self.floor = task.floor()
        loss = matrix_kernels.evaluate(self.weights, self.layout, self.problem, self.work)
        self.limit = float(mode_starts.blow_up(mode_starts.natural_loss(task), loss))
        self.nothing = ranges.fresh(*self.work.strengths.shape)
        self.ranges = ranges.copied(self.nothing)
        self.solver = curvature.EigenSolver(experiment, experiment.record.eigenvalues)
        self.solvers: dict[tuple[bool, ...], curvature.EigenSolver] = {}  # where some pathways move
        self.gradient, self.kept = np.zeros_like(self.weights), self.weights.copy()
        self.per_call = looks.between(cost(experiment).step)
        self.together = 1  # the solver goes from state to state

    def descend(self, steps: int, step_size: float) -> int:
        return matrix_kernels.descend(
            self.weights,
            self.layout,
            self.problem,
            step_size,
            steps,
            self.limit,
            self.work,
            self.ranges,
        )

    def drive(self, step_sizes: np.ndarray, shifts: np.ndarray) -> int:
        velocity, before, push = self.driving
        drive = self._drive(step_sizes, np.ascontiguousarray(shifts))
        return driven.descend_matrices(
            self.weights,
            velocity,
            before,
            push,
            self.layout,
            self.problem,
            drive,
            self.limit,
            self.work,
            self.ranges,
        )

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
        self.weights += curvature.pad(self.experiment, curvature.turn(self.experiment, noise))
        matrix_kernels.evaluate(self.weights, self.layout, self.problem, self.work)

    def start_flow(self, longest: float, time: float, end: float) -> None:
        self._integrate(len(self.weights), self.layout.size, longest, time, end)
        chebyshev.flow_start(
            self.weights, self.layout, self.problem, self.work, self.integrator, longest
        )

    def flow(self, goal: float, most: int, rtol: float) -> int:
        status = chebyshev.HANDED_OVER
        while status == chebyshev.HANDED_OVER:
            stiff, before = self.integrator.stiff[chebyshev.ON], self.flow_steps()
            flow = chebyshev.stiff_flow if stiff else chebyshev.pair_flow
            status = flow(
                goal,
                most,
                self.layout,
                self.problem,
                self.work,
                self.integrator,
                self.ranges,
                rtol,
                self.longest,
            )
            most -= self.flow_steps() - before
        return status

    def move_to(self, time: float) -> None:
        dormand_prince.state_at(time, self.integrator, self.weights)

    def widen(self) -> float:
        """The loss, without its floor, of a state that the ranges take in."""
        loss = matrix_kernels.evaluate(self.weights, self.layout, self.problem, self.seen)
        ranges.widen(self.ranges, loss, self.seen.strengths)
        return loss

    def observe(self) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
        loss = self.widen()
        between, self.ranges = self.ranges, ranges.copied(self.nothing)
        modes = len(self.experiment.task.singular_values)
        return (
            loss + self.floor,
            self.seen.strengths[:, :modes].copy(),
            between.loss + self.floor,
            between.strengths[:, :, :modes],
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
        if not np.isfinite(self.weights).all():
            nothing = np.full((1, self.experiment.record.eigenvalues), np.nan)
            return nothing, nothing
        self.backpropagate()
        values, residuals = self.solver.solve(
            self.weights, self.problem, self.seen, ALONG_RUN_TOL, look
        )
        return values[None], residuals[None]

    def backpropagate(self) -> None:
        """Make `gradient` that of the state that was seen last."""
        self.gradient[:] = 0.0
        matrix_kernels.backpropagate(self.weights, self.layout, self.seen, 1.0, self.gradient)

    def moving_sharpness(self, moving: Sequence[tuple[bool, ...]], look: Look) -> np.ndarray:
        (some,) = moving
        if not any(some) or not np.isfinite(self.weights).all():
            return np.full(1, np.nan)
        if some not in self.solvers:
            self.solvers[some] = curvature.EigenSolver(self.experiment, 1, some)
        values, _ = self.solvers[some].solve(
            self.weights, self.problem, self.seen, ALONG_RUN_TOL, look
        )
        return values

    def keep(self) -> None:
        self.kept[:] = self.weights

    def theta(self) -> np.ndarray | None:
        weights = curvature.unpad(self.experiment, self.kept)
        return curvature.turn(self.experiment, weights, back=True)
