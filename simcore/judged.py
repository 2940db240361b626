"""The verdict on one run: which evidence it is judged on, and by whose rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simcore import averages, driven_verdicts, last_steps, nonlinear, true_tail, verdicts
from simcore.courses import Course, sharpest
from simcore.experiment import Dynamics, Experiment
from simcore.last_steps import tail
from simcore.memory import once
from simcore.trajectory import Outcome, Trajectory
from simcore.verdicts import Evidence, Judged, Reason, Regime, Verdicts


@once  # sentences, phases and pictures ask several times
def judge(run: Trajectory) -> Judged:
    """The verdict, as `regimes.classify` defines it."""
    nothing = np.full(run.experiment.network.pathways, np.nan)
    if run.outcome is Outcome.DIVERGED:
        return Judged(Regime.DIVERGED, Reason.NONE, nothing, np.nan, None)
    if run.outcome is not Outcome.FINISHED:
        return Judged(Regime.UNFINISHED, Reason.NONE, nothing, np.nan, None)
    if true_tail.has_true_tail(run.experiment):
        seen, found = true_tail.of_descent(run.experiment)
    else:
        seen = _of_records(run)
        if true_tail.goes_on(run.experiment):
            seen = seen._replace(ahead=true_tail.after_the_end(run.experiment))
        elif last_steps.go_on(run):
            seen = seen._replace(ahead=last_steps.after_the_end(run))
        # what else moves a run needs no edge
        if run.experiment.network.linear and run.experiment.dynamics.plain:
            seen = seen._replace(met=np.array([last_steps.met_edge(run)]))
        found, always = (_by_the_rules(run, _with_peak(seen, peak)) for peak in (1.0, 0.0))
        if found.regimes[0] is not always.regimes[0]:  # so the largest share tells
            seen = _with_peak(seen, last_steps.largest_share(run))
            found = _by_the_rules(run, seen)
    return Judged(
        found.regimes[0], found.reasons[0], found.shares[:, 0], float(found.sharpness[0]), seen
    )


def _with_peak(seen: Evidence, peak: float) -> Evidence:
    return seen._replace(peak=np.array([peak]))


def _by_the_rules(run: Trajectory, seen: Evidence) -> Verdicts:
    if run.experiment.network.linear:
        return _rules_of(run.experiment.dynamics)(run.experiment, seen)
    return nonlinear.judge(run, seen)


def _rules_of(dynamics: Dynamics) -> Callable[[Experiment, Evidence], Verdicts]:
    if dynamics.averages:
        return averages.judge
    return verdicts.judge_one if dynamics.plain else driven_verdicts.judge


def _of_records(run: Trajectory) -> Evidence:
    """What the last records show, steps hidden between them included."""
    mode, last = sharpest(run), tail(len(run.steps))
    end = Course(*(values[last] for values in mode))
    return Evidence(
        start=mode.strengths[0][:, None],
        lowest=mode.low.min(axis=0)[:, None],
        highest=mode.high.max(axis=0)[:, None],
        peak=mode.largest_share.max()[None],
        ahead=last_steps.of(end, run.loss[last], _last_sharpness(run), _rests(run)),
    )


def _rests(run: Trajectory) -> bool:
    """Whether no step of the tail changes a bit of any strength."""
    end = tail(len(run.steps))
    last, between = run.strengths[-1], run.strengths_range[end]
    return bool((run.strengths[end] == last).all() and (between[1:] == last).all())


def _last_sharpness(run: Trajectory) -> np.ndarray:
    """At the end; the mean of the tail where the dynamics shake it."""
    if run.experiment.dynamics.plain:
        return run.sharpness[-1]
    return last_steps.felt(run)[tail(len(run.steps))].mean()
