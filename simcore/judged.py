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
from simcore.verdicts import CLOSE, PARTS, STILL, Evidence, Judged, Reason, Regime, Verdicts


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
        seen, found = _of_run(run)
    return Judged(
        found.regimes[0], found.reasons[0], found.shares[:, 0], float(found.sharpness[0]), seen
    )


def _of_run(run: Trajectory) -> tuple[Evidence, Verdicts]:
    """What a verdict is judged on, and the verdict. What takes long to know is asked for where it
    tells; of the largest share records know a part, and what it cannot exceed."""
    seen = _of_records(run)
    if true_tail.goes_on(run.experiment):
        seen = seen._replace(ahead=true_tail.after_the_end(run.experiment))
    elif last_steps.go_on(run):
        seen = _further(run, seen)
    highest = seen._replace(peak=np.array([last_steps.most_share(run)]))
    found = _by_the_rules(run, seen._replace(met=np.array([False])))
    if not _agree(found, _by_the_rules(run, highest)):
        # what else moves a linear network needs no edge
        driven = run.experiment.network.linear and not run.experiment.dynamics.plain
        met = np.array([driven or last_steps.met_edge(run)])
        seen, highest = seen._replace(met=met), highest._replace(met=met)
        found = _by_the_rules(run, seen)
        if not _agree(found, _by_the_rules(run, highest)):
            seen = seen._replace(peak=np.array([last_steps.largest_share(run)]))
            found = _by_the_rules(run, seen)
    return seen, found


def _further(run: Trajectory, seen: Evidence) -> Evidence:
    """With what the steps after the end show; where dynamics shake the sharpness, its mean."""
    ahead, part = last_steps.after_the_end(run)
    seen = seen._replace(ahead=ahead, part=part)
    dynamics = run.experiment.dynamics
    shaken = dynamics.weight_decay or dynamics.label_noise
    if not shaken or not ahead.swing.max() > STILL:
        return seen

    def with_sharpness(value: float) -> Evidence:
        return seen._replace(ahead=ahead._replace(sharpness=np.array([value])))

    edge = run.experiment.edge
    assert edge is not None
    low, *others = (_by_the_rules(run, with_sharpness(value)) for value in (0.0, edge, np.inf))
    if all(_agree(low, other) for other in others):
        return seen
    return with_sharpness(last_steps.mean_sharpness(run, round(part * run.steps[-1])))


def _agree(one: Verdicts, other: Verdicts) -> bool:
    return bool(one.regimes[0] is other.regimes[0] and one.reasons[0] is other.reasons[0])


@np.errstate(over="ignore", invalid="ignore")  # of a run that blows up soon after its end
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
    loss, dynamics = run.loss[last], run.experiment.dynamics
    flows = not (dynamics.iterated or dynamics.averages)
    if flows and len(loss) < 2 * PARTS and abs(mode.total[-1] - 1) <= CLOSE:
        # too few, of most of the run: a flow that has come to its target is there to stay
        still = np.repeat(mode.strengths[-1:], len(loss), axis=0)
        end, loss = Course(still, still, still), np.repeat(loss[-1:], len(loss))
    return Evidence(
        start=mode.strengths[0][:, None],
        lowest=mode.low.min(axis=0)[:, None],
        highest=mode.high.max(axis=0)[:, None],
        peak=mode.largest_share.max()[None],
        ahead=last_steps.of(end, loss, _last_sharpness(run), _rests(run)),
        part=float(np.ptp(run.time[last]) / run.time[-1]),
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
