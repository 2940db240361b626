"""The verb: run an experiment, record by record."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from simcore import bars, central, cost, looks
from simcore.engines import Engine, Observed
from simcore.experiment import CentralFlow, Descent, Dynamics, Experiment, Flow
from simcore.kernels.dormand_prince import REACHED, STALLED
from simcore.looks import Cancelled
from simcore.matrices_engine import MatricesEngine
from simcore.modes_engine import ModesEngine
from simcore.samples_engine import SamplesEngine
from simcore.trajectory import Outcome, Trajectory
from simcore.updates import Updates, act
from simcore.wording import listed

Progress = Callable[[float], object]

REPORT_EVERY = 0.1  # seconds


def simulate(
    experiment: Experiment, *, on_progress: Progress | None = None, progress: bool = False
) -> Trajectory:
    """Run `experiment` with the engine that is exact and fastest for it.

    `on_progress(fraction)` is called at the start and then up to ten times a second; returning
    False stops the run with Outcome.CANCELLED. `progress` shows a bar, in a notebook too.
    Divergence, a stalled integrator and cancelling are outcomes: the records up to then are kept.
    ValueError for a run that takes more work than `limits` allows.
    """
    if progress:
        with bars.filling() as bar:
            return simulate(experiment, on_progress=bars.with_bar(bar, on_progress))
    begin = time.perf_counter()
    walk = _walk_of(experiment.dynamics)
    cost.check(experiment)
    engine = ENGINES[experiment.resolved_engine](experiment)
    report = _Reporter(on_progress)
    recorder = _Recorder(experiment, engine, report.look)
    with np.errstate(over="ignore", invalid="ignore"):  # a start may already overflow
        try:
            outcome = walk(experiment, engine, recorder, report)
            recorder.finish()
        except Cancelled:
            outcome = Outcome.CANCELLED
            recorder.leave_off()
    run = recorder.trajectory(outcome, begin)
    report.finish()
    return run


def _descend(
    experiment: Experiment, engine: Engine, recorder: _Recorder, report: _Reporter
) -> Outcome:
    dynamics, updates = experiment.dynamics, Updates(experiment, engine)
    assert isinstance(dynamics, Descent)
    recorder.record(0, 0.0)
    goals = dynamics.recorded(experiment.record)[1:]
    if (
        updates.plain
        and recorder.may_run_ahead
        and np.diff(goals, prepend=0).max() <= engine.per_call
    ):
        return _descend_through(dynamics, goals, engine, recorder, report)
    for goal, t in zip(goals.tolist(), dynamics.times(goals).tolist(), strict=True):
        if not updates.go(goal, lambda done: report.reached(done / dynamics.steps)):
            return Outcome.DIVERGED
        recorder.record(goal, t)
    return Outcome.FINISHED


def _descend_through(
    dynamics: Descent, goals: np.ndarray, engine: Engine, recorder: _Recorder, report: _Reporter
) -> Outcome:
    """The same, through many records in one call of the engine."""
    gaps, times = np.diff(goals, prepend=0), dynamics.times(goals)
    recorder.complete_the_start()
    done = 0
    while done < len(goals):
        begin = int(goals[done] - gaps[done])
        report.reached(begin / dynamics.steps)
        most = int(np.searchsorted(goals, begin + engine.per_call, side="right")) - done
        part = slice(done, done + min(recorder.ahead, most))
        seen = engine.descend_through(gaps[part], dynamics.step_size)
        wanted = len(gaps[part])
        part = slice(done, done + len(seen))
        recorder.record_all(goals[part].tolist(), times[part].tolist(), seen)
        if len(seen) < wanted:
            return Outcome.DIVERGED
        done += wanted
    return Outcome.FINISHED


def _flow(
    experiment: Experiment, engine: Engine, recorder: _Recorder, report: _Reporter
) -> Outcome:
    dynamics, record = experiment.dynamics, experiment.record
    assert isinstance(dynamics, Flow)
    changes = dynamics.changes
    if record.every is None:
        goals = dynamics.recorded(record)[1:].tolist()
    else:
        goals = sorted({*changes, dynamics.duration} - {0.0})
    pathways = experiment.network.pathways

    def begin(time: float) -> None:
        if time in changes:
            act(dynamics, time, engine, pathways)
        end = next((t for t in changes if t > time), np.inf)
        engine.start_flow(dynamics.duration, time, end)

    recorder.record(0, 0.0)
    begin(0.0)
    if recorder.may_run_ahead and record.every is None and not changes:
        return _flow_through(dynamics, np.array(goals), engine, recorder, report)
    next_record = record.every or 0
    for done, goal in enumerate(goals):
        status = None
        while status != REACHED:
            report.reached(engine.flow_time() / dynamics.duration)
            most = engine.per_call
            if record.every is not None:
                most = min(most, next_record - engine.flow_steps())
            status = engine.flow(goal, most, dynamics.rtol)
            if status == STALLED:
                return Outcome.STALLED
            if record.every is not None and engine.flow_steps() == next_record:
                next_record += record.every
                if status != REACHED:
                    if recorder.room <= len(goals) - done:  # those to come need it
                        return Outcome.FULL
                    engine.move_to(engine.flow_time())
                    recorder.record(engine.flow_steps(), engine.flow_time())
        engine.move_to(goal)
        recorder.record(engine.flow_steps(), goal)
        if goal in changes:
            begin(goal)
    return Outcome.FINISHED


def _flow_through(
    dynamics: Flow, goals: np.ndarray, engine: Engine, recorder: _Recorder, report: _Reporter
) -> Outcome:
    """The same where nothing happens on the way, through many records in one call of the engine."""
    recorder.complete_the_start()
    done = 0
    while done < len(goals):
        report.reached(engine.flow_time() / dynamics.duration)
        part = goals[done : done + recorder.ahead]
        seen, steps, status = engine.flow_through(part, engine.per_call, dynamics.rtol)
        recorder.record_all(steps, part[: len(seen)].tolist(), seen)
        if status == STALLED:
            return Outcome.STALLED
        done += len(seen)
    return Outcome.FINISHED


ENGINES: dict[str, Callable[[Experiment], Engine]] = {
    "modes": ModesEngine,
    "matrices": MatricesEngine,
    "samples": SamplesEngine,
}

Walk = Callable[[Experiment, Engine, "_Recorder", "_Reporter"], Outcome]

WALKS: dict[type[Dynamics], Walk] = {Descent: _descend, Flow: _flow, CentralFlow: central.walk}


def _walk_of(dynamics: Dynamics) -> Walk:
    walk = WALKS.get(type(dynamics))
    if walk is None:
        known = listed(kind.__name__ for kind in WALKS)
        raise TypeError(f"no engine can run {type(dynamics).__name__}; there are walks for {known}")
    return walk


class _Reporter:
    """Passes progress on, not too often, and ends the run that is told to stop."""

    def __init__(self, on_progress: Progress | None) -> None:
        self.on_progress = on_progress
        self.last = -np.inf
        self.fraction = 0.0
        self.stopped = False

    def reached(self, fraction: float) -> None:
        """So far has the run come; raises Cancelled if it should not go on."""
        self.fraction = min(fraction, 1.0)
        self.look()

    def look(self) -> None:
        """Report without having come further."""
        now = time.perf_counter()
        if self.on_progress is None or now - self.last < REPORT_EVERY:
            return
        self.last = now
        self.stopped = self.on_progress(self.fraction) is False
        if self.stopped:
            raise Cancelled

    def finish(self) -> None:
        if self.on_progress is not None and not self.stopped:
            self.on_progress(1.0)


class _Recorder:
    """Collects what an engine shows at the records."""

    def __init__(self, experiment: Experiment, engine: Engine, look: looks.Look) -> None:
        self.experiment, self.engine, self.look = experiment, engine, look
        self.steps: list[int] = []
        self.time: list[float] = []
        self.rows: list[Observed] = []
        self.maps: list[np.ndarray] = []
        self.variance: list[float] = []  # of the oscillation about a central flow
        self.curvature: list[tuple[np.ndarray, np.ndarray]] = []
        self.moving_sharpness: list[np.ndarray] = []
        self.waiting = 0

    @property
    def room(self) -> int:
        """How many more records the run may keep."""
        return self.experiment.most_records - len(self.steps)

    def record(self, step: int, time: float, variance: float = 0.0) -> None:
        self.steps.append(step)
        self.time.append(time)
        self.rows.append(self.engine.observe())
        if self.experiment.dynamics.averages:
            self.variance.append(variance)
        if self.experiment.record.maps:
            self.maps.append(self.engine.maps())
        self.waiting += 1
        if self.waiting == self.engine.together:
            self._compute_curvature(self.look)

    @property
    def may_run_ahead(self) -> bool:
        """Whether nothing is asked of the engine at each record by itself."""
        return not self.experiment.record.maps

    @property
    def ahead(self) -> int:
        """How many records the engine may now come through in one call."""
        return self.engine.together - self.waiting

    def complete_the_start(self) -> None:
        """Its eigenvalues wait for no others, which may be given up."""
        self._compute_curvature(looks.none)

    def record_all(self, steps: list[int], times: list[float], seen: list[Observed]) -> None:
        """Records that the engine has come through, at most `ahead`."""
        self.steps += steps
        self.time += times
        self.rows += seen
        self.waiting += len(seen)
        if self.waiting == self.engine.together:
            self._compute_curvature(self.look)

    def _compute_curvature(self, look: looks.Look) -> None:
        count, self.waiting = self.waiting, 0
        if count == 0:
            return
        if self.experiment.record.sharpness:
            values, residuals = self.engine.eigenvalues(look)
            if self.experiment.dynamics.freezes:
                self._compute_moving_sharpness(values[:, 0].copy(), look)
            self.curvature.append((values, residuals))
        else:
            self._without_curvature(count)
        self.engine.keep()

    def _compute_moving_sharpness(self, sharpness: np.ndarray, look: looks.Look) -> None:
        """Of the last records, with this sharpness of all weights."""
        dynamics, pathways = self.experiment.dynamics, self.experiment.network.pathways
        clock = self.steps if dynamics.iterated else self.time
        moving = [dynamics.moving(pathways, time) for time in clock[-len(sharpness) :]]
        if not all(map(all, moving)):
            of_moving = self.engine.moving_sharpness(moving, look)
            sharpness = np.where(np.all(moving, axis=1), sharpness, of_moving)
        self.moving_sharpness.append(sharpness)

    def _without_curvature(self, count: int) -> None:
        nothing = np.full((count, self.experiment.record.eigenvalues), np.nan)
        self.curvature.append((nothing, nothing))
        self.moving_sharpness.append(nothing[:, 0])

    def finish(self) -> None:
        """Nothing more will be recorded."""
        self._compute_curvature(self.look)

    def leave_off(self) -> None:
        """The same where the run was cancelled: what little waits is computed, and records whose
        eigenvalues were under way are given up, but for the start."""
        self._compute_curvature(looks.none)
        if not self.curvature:
            self._without_curvature(1)
        whole = sum(len(values) for values, _ in self.curvature)
        for kept in (self.steps, self.time, self.rows, self.maps, self.variance):
            del kept[whole:]

    def _of_oscillation(self, loss: np.ndarray) -> dict[str, np.ndarray]:
        if not self.variance:
            return {}
        variance = np.array(self.variance)
        eta = self.experiment.dynamics.eta
        return {"variance": variance, "predicted_loss": loss + variance / eta}

    def trajectory(self, outcome: Outcome, begin: float) -> Trajectory:
        loss, strengths, loss_range, strengths_range = zip(*self.rows, strict=True)
        eigenvalues, residuals = (
            np.concatenate(part) for part in zip(*self.curvature, strict=True)
        )
        return Trajectory(
            experiment=self.experiment,
            outcome=outcome,
            steps=np.array(self.steps),
            time=np.array(self.time),
            loss=np.array(loss),
            strengths=np.array(strengths),
            eigenvalues=eigenvalues,
            residuals=residuals,
            loss_range=np.array(loss_range),
            strengths_range=np.array(strengths_range),
            maps=np.array(self.maps) if self.experiment.record.maps else None,
            **self._of_oscillation(np.array(loss)),
            theta=self.engine.theta(),
            velocity=self.engine.velocity_of_theta() if outcome is Outcome.FINISHED else None,
            moving_sharpness=np.concatenate(self.moving_sharpness)
            if self.experiment.dynamics.freezes
            else None,
            seconds=time.perf_counter() - begin,
        )
