"""The engine of aligned starts on whitened inputs: an exact reduction to a few scalars."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from simcore import jitters, looks, mode_curvature, mode_starts
from simcore.cost import cost
from simcore.engines import Moving, Observed
from simcore.events import Jitter
from simcore.experiment import Experiment
from simcore.kernels import dormand_prince, driven, mode_records, ranges
from simcore.kernels import modes as mode_kernels
from simcore.kernels.records import Records
from simcore.kernels.simd import zeros
from simcore.looks import Look

MOST_TOGETHER = 256  # records whose eigenvalues are computed together


class ModesEngine(Moving):
    """A few scalars per pathway and mode; see `kernels.modes`."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        start = mode_starts.begin([experiment])
        self.system, self.x, self.state = start.system, start.x, start.state
        self.numbers, self.now = self.x.reshape(-1), self.state
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

    def _descend(self, gaps: np.ndarray, step_size: float, records: Records) -> int:
        self.system.step_size[:] = step_size
        return mode_records.descend_through(
            gaps, self.x, self.system, self.limit, self.state, records
        )

    def _observed(self, records: Records, count: int) -> list[Observed]:
        if self.experiment.record.sharpness:
            states = records.x[:count].reshape(count, *self.x.shape)
            self.queue += list(states[:, :, : self.modes].swapaxes(1, 2))
        return super()._observed(records, count)

    def _be_driven(
        self, gaps: np.ndarray, step_sizes: np.ndarray, shifts: np.ndarray, records: Records
    ) -> int:
        wide = np.zeros((len(shifts), len(self.system.target)))
        wide[:, : self.modes] = shifts
        drive = self._drive(step_sizes, wide)
        return driven.descend_modes_through(
            gaps, self.x, self.velocity, self.system, drive, self.limit, self.state, records
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
        mode_records.flow_start(self.x, self.system, self.state, self.integrator, longest)

    def _places(self, count: int) -> np.ndarray:
        return zeros(count, self.x.size)

    def _flow(self, goals: np.ndarray, most: int, rtol: float, records: Records) -> tuple[int, int]:
        return mode_records.flow_through(
            goals,
            most,
            self.system,
            self.state,
            self.seen,
            self.integrator,
            rtol,
            self.longest,
            records,
        )

    def move_to(self, time: float) -> None:
        dormand_prince.state_at(time, self.integrator, self.x.reshape(1, -1), 0)

    def widen(self) -> float:
        """The loss, without its floor, of a state that the ranges take in."""
        loss = mode_kernels.evaluate(self.x, self.system, self.seen)
        ranges.widen(self.ranges, loss, self.seen.strengths)
        return loss

    def observe(self) -> Observed:
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

    def moved(self) -> tuple[np.ndarray, np.ndarray]:
        return self.x.ravel().copy(), self.velocity.ravel().copy()

    @property
    def counts(self) -> np.ndarray:
        return np.repeat(self.system.power, self.x.shape[1]).astype(float)

    def keep(self) -> None:
        pass

    def theta(self) -> np.ndarray | None:
        return None

    def velocity_of_theta(self) -> np.ndarray | None:
        return None
