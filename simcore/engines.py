"""What an engine is: one door to `modes_engine` (the exact reduction) and `matrices_engine`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from simcore.events import Jitter
from simcore.experiment import Descent, Experiment
from simcore.kernels import dormand_prince, driven, ranges
from simcore.kernels.records import Records, begun, room, take_in_records, where_it_is
from simcore.kernels.simd import zeros
from simcore.looks import Look

Observed = tuple[float, np.ndarray, np.ndarray, np.ndarray]  # see `Engine.observe`


class Engine(Protocol):
    """What the record loop asks of an engine."""

    limit: float  # loss above which a run counts as diverged
    ranges: ranges.Ranges
    per_call: int  # steps that one call should take, so that progress stays lively
    together: int  # records that one call should come through, or compute the eigenvalues of
    passed: np.ndarray  # (K, N) what it moves, at the records that it came through last

    def descend(self, steps: int, step_size: float) -> int:
        """Take steps of plain gradient descent; fewer come back if the loss blew up."""

    def descend_through(self, gaps: np.ndarray, step_size: float) -> list[Observed]:
        """Descend by so many steps each (K,) and observe after each; fewer come back if the loss
        blew up. At most `together` with those that wait."""

    def drive(self, step_sizes: np.ndarray, shifts: np.ndarray) -> int:
        """Take updates of these step sizes (K,) with the momentum and weight decay of the dynamics,
        the target shifted in each mode by shifts (K, R), if there are any (else (0, R)), and
        pathways on hold; fewer come back if the loss blew up."""

    def drive_through(self, step_sizes: np.ndarray, shifts: np.ndarray) -> list[Observed]:
        """The same, observing after each; at most `together` with those that wait."""

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

    def flow_through(
        self, goals: np.ndarray, most: int, rtol: float
    ) -> tuple[list[Observed], list[int], int]:
        """Integrate to each of the goals (K,), or by about `most` accepted steps, and observe at
        each: what was seen, the accepted steps until then, and the last status. At most `together`
        with those that wait."""

    def flow_time(self) -> float:
        """t at the end of the integrator's last step."""

    def flow_steps(self) -> int:
        """Accepted steps so far."""

    def move_to(self, time: float) -> None:
        """Make the flow's state at `time` the one that `observe` sees."""

    def observe(self) -> Observed:
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

    @property
    def counts(self) -> np.ndarray:
        """How many weights each of the numbers that it moves stands for, (N,)."""

    def moved(self) -> tuple[np.ndarray, np.ndarray]:
        """Copies of what the engine moves, (N,), and of its velocity."""

    def keep(self) -> None:
        """The record of the current state is complete: its weights are those of `theta`."""

    def theta(self) -> np.ndarray | None:
        """The weights kept last, in the task's coordinates, if the engine has them."""

    def velocity_of_theta(self) -> np.ndarray | None:
        """That of the current weights, in the same order, if they have both."""


class Moving(ABC):
    """What both engines say of their records and integrator, and which pathways move."""

    numbers: np.ndarray  # (N,) what moves
    now: Any  # what was found there, with its strengths (H, C)
    seen: Any  # the same of the state that was seen last
    ranges: ranges.Ranges
    floor: float  # of the loss, what its kernels leave out
    integrator: dormand_prince.Integrator
    longest: float

    passed: np.ndarray

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.modes = len(experiment.task.singular_values)
        self.moving = np.ones(experiment.network.pathways, np.bool_)
        self.flow_counts = np.zeros(2, np.int64)

    def _room(self, x: np.ndarray) -> Records:
        """For as many records as x has rows, of which the first goes on with the ranges."""
        before, self.ranges = self.ranges, ranges.fresh(*self.ranges.strengths.shape[1:])
        return room(len(x), x, before)

    def _observed(self, records: Records, count: int) -> list[Observed]:
        """The first records, so many."""
        self.passed = records.x[:count]
        return list(
            zip(
                (records.loss[:count] + self.floor).tolist(),
                records.strengths[:count, :, : self.modes],
                records.loss_range[:count] + self.floor,
                records.strengths_range[:count, :, :, : self.modes],
                strict=True,
            )
        )

    def hold(self, moving: tuple[bool, ...]) -> None:
        self.moving = np.array(moving)

    def descend(self, steps: int, step_size: float) -> int:
        here = where_it_is(self.numbers, self.now.strengths, self.ranges)
        return self._descend(np.array([steps]), step_size, here)

    def descend_through(self, gaps: np.ndarray, step_size: float) -> list[Observed]:
        records = self._room(self._places(len(gaps)))
        taken = self._descend(gaps, step_size, records)
        return self._observed(records, int(np.searchsorted(np.cumsum(gaps), taken, side="right")))

    def drive(self, step_sizes: np.ndarray, shifts: np.ndarray) -> int:
        here = where_it_is(self.numbers, self.now.strengths, self.ranges)
        return self._be_driven(np.array([len(step_sizes)]), step_sizes, shifts, here)

    def drive_through(self, step_sizes: np.ndarray, shifts: np.ndarray) -> list[Observed]:
        records = self._room(self._places(len(step_sizes)))
        each = np.ones(len(step_sizes), np.int64)
        return self._observed(records, self._be_driven(each, step_sizes, shifts, records))

    def flow(self, goal: float, most: int, rtol: float) -> int:
        here = where_it_is(self.numbers, self.seen.strengths, self.ranges)
        return self._flow(np.array([goal]), most, rtol, here)[1]

    def flow_through(
        self, goals: np.ndarray, most: int, rtol: float
    ) -> tuple[list[Observed], list[int], int]:
        records = self._room(self._places(len(goals)))
        count, status = self._flow(goals, most, rtol, records)
        take_in_records(records, count)
        if count:
            self.numbers[:] = records.x[count - 1]
        if count < len(goals):
            self.ranges = begun(records, count)
        return self._observed(records, count), records.steps[:count].tolist(), status

    @abstractmethod
    def _places(self, count: int) -> np.ndarray:
        """(count, N) for the numbers at so many records."""

    @abstractmethod
    def _descend(self, gaps: np.ndarray, step_size: float, records: Records) -> int:
        """Take gaps[k] steps before record k, and so on; how many were taken."""

    @abstractmethod
    def _be_driven(
        self, gaps: np.ndarray, step_sizes: np.ndarray, shifts: np.ndarray, records: Records
    ) -> int:
        """The same by the updates of `drive`."""

    @abstractmethod
    def _flow(self, goals: np.ndarray, most: int, rtol: float, records: Records) -> tuple[int, int]:
        """How many of the goals it came to by `most` accepted steps, and REACHED, PENDING or
        STALLED; a record is written at each."""

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
            stiff=np.zeros(8),
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
