"""What happened in a run, in the words of the field: its regime, its phases, and sentences.

All of it is said of the sharpest mode and its shares, as `courses` has them. Verdicts are those of
`judged`, phases those of `phases`; here is which words they get.
"""

from __future__ import annotations

import numpy as np

from simcore import (
    averages,
    courses,
    driven_words,
    expectations,
    flow_words,
    nonlinear,
    prospects,
    run_numbers,
    theory,
    true_tail,
    zone_words,
)
from simcore.courses import sharpest
from simcore.experiment import Experiment
from simcore.judged import judge
from simcore.phases import PHASES, Phase, phases
from simcore.trajectory import Outcome, Trajectory
from simcore.verdicts import CLOSE, Judged, Reason, Regime
from simcore.wording import about

__all__ = ["PHASES", "Phase", "Regime", "classify", "describe", "headline", "phases", "said"]


def classify(run: Trajectory) -> Regime:
    """The regime of a run. The first of these that applies:

    * DIVERGED: the outcome says so, or the tail grows beyond any bound: so always in the end with a
      pathway of depth 1 above 2/lambda_min. UNFINISHED: it was cancelled, or stalled.
    * SIGN_FLIP: a pathway of depth 2 or more that started at or above zero went below -0.001
      sigma*_1.
    * TRAPPED: the mode of a descent had more than half of sigma*_1, above zero, has less than a
      tenth, and coming back may take longer than the run; or no pathway can leave the saddle at
      zero where all started.
    * CYCLE, CHAOS: the step size is above 2/lambda_min of the pathways alive, so that no minimum is
      stable; the total moves by more than 0.001 sigma*_1 in a band that stays, shared in a way that
      stays and is the flattest where sharing flattens. It is a cycle if it repeats itself within
      5 % of its amplitude after at most 16 steps.
    * UNFINISHED: the mean total is more than 0.02 sigma*_1 away from sigma*_1; or the total swings
      by more than that, or does not swing less and less; or the minimum that it would reach is too
      sharp for the step size.
    * BALANCED: the shares are within 0.02 of the flattest split (for depths above 2, as with
      depth 2 there is none).
    * PARTLY_REBALANCED: some depth is above 2 and the step size above 2/lambda_GF, where the end of
      gradient flow is not stable. From uneven layers, which may get flatter alone: the largest
      share ends more than 0.02 below its peak, too. Of other starts nobody knows lambda_GF: there
      2/S_1 stands for it, and the run met its edge (`past`).
    * WINNER_TAKES_ALL: everything else, mostly as under gradient flow.

    A descent from an aligned start is judged on its true tail (`verdicts`), any other one on the
    steps that follow its end (`last_steps`) and on all that it took (`past`), so neither this nor
    what a longer run does depends on how often it was recorded. Flows are judged on the last fifth
    of their records, 12 to 200 of them, or the last of few. Runs with events, momentum,
    weight decay or label noise are judged by the rules of `driven_verdicts`, those of pathways that
    are not linear by `nonlinear`.
    """
    return judge(run).regime


def headline(run: Trajectory) -> str:
    """The regime in a few words, other ones where its name would not be true of this run."""
    judged = judge(run)
    if run.outcome is Outcome.FINISHED and not courses.has_target(run):
        return "nothing to learn"
    special = driven_words.headline(judged.reason)
    if special is not None:
        return special
    if not run.experiment.network.linear:
        return nonlinear.headline(run, judged)
    if run.experiment.dynamics.averages:
        return averages.headline(run, judged)
    if judged.regime in (Regime.WINNER_TAKES_ALL, Regime.PARTLY_REBALANCED):
        return flow_words.headline(run, judged)
    if judged.regime is Regime.BALANCED and not _flattest_is_equal(run.experiment):
        return "flattest split"
    return judged.regime.value


def _flattest_is_equal(experiment: Experiment) -> bool:
    expected = expectations.expected(experiment)
    return bool(np.ptp(expected.flattest[expected.alive]) <= CLOSE)


# --- Sentences -------------------------------------------------------------------------------


def said(run: Trajectory) -> str:
    """What happened and why, without its numbers."""
    words = _told(run, judge(run)) if run.outcome is Outcome.FINISHED else [str(run.outcome)]
    if run.outcome is Outcome.DIVERGED and _grows(run.experiment):
        words.append(_GROWS)
    return " ".join(words)


def describe(run: Trajectory) -> str:
    """The same with its numbers, in a few sentences."""
    return " ".join([said(run), *prospects.stuck(run.experiment), *run_numbers.sentences(run)])


_GROWS = (
    "A pathway of depth 1 is not slowed by an overshoot, so above 2/λ(min) the oscillation grows "
    "without bound."
)


def _grows(experiment: Experiment) -> bool:
    """Whether a pathway of depth 1 makes every oscillation grow."""
    return prospects.zone(experiment).name == zone_words.DIVERGES


def _told(run: Trajectory, judged: Judged) -> list[str]:
    if not courses.has_target(run):
        return ["The target is zero: there is nothing to learn, and nothing to share."]
    if not run.experiment.network.linear:
        return nonlinear.sentences(run, judged)
    return [_said(run, judged)]


def _said(run: Trajectory, judged: Judged) -> str:
    """The regime's sentence, or a truer one."""
    regime, reason = judged.regime, judged.reason
    if reason is Reason.SADDLE:
        return "The run never leaves the saddle at zero."
    if reason is Reason.THROWN and run.experiment.dynamics.plain:
        return _thrown(run)
    if reason is Reason.GROWS and regime is Regime.DIVERGED:
        return _GROWS
    if run.experiment.dynamics.averages:
        return averages.sentence(run, judged)
    if not run.experiment.dynamics.plain:
        said = driven_words.sentence(run, judged)
        if said is not None:
            return said
    special = {
        Regime.PARTLY_REBALANCED: flow_words.partly,
        Regime.WINNER_TAKES_ALL: flow_words.as_under_flow,
        Regime.UNFINISHED: _unfinished,
        Regime.SIGN_FLIP: _turned,
    }.get(regime)
    return special(run, judged) if special else regime.sentence


def _turned(run: Trajectory, judged: Judged) -> str:
    """That a sign turned, and by what where only a step can have done it: where gradient flow from
    the same start turns none, as from any balanced one, and nothing but steps moves the run."""
    experiment, start = run.experiment, sharpest(run).strengths[0]
    ends, deep = expectations.expected(experiment).flow_end, np.array(experiment.network.depths) > 1
    steps_alone = experiment.dynamics.iterated and not (
        experiment.dynamics.events or experiment.dynamics.by_chance
    )
    if steps_alone and ((ends >= 0) | ((start < 0) & np.isfinite(ends)))[deep].all():
        return judged.regime.sentence
    return "A pathway turned its sign."


def _thrown(run: Trajectory) -> str:
    """That it was, and how many steps it takes to come back, as theory says of the pathway that is
    first."""
    depths, dynamics = run.experiment.network.depths, run.experiment.dynamics
    target = theory.sharpest_target(run.experiment)
    if dynamics.eta is None or not run.experiment.start.balanced:
        return Regime.TRAPPED.sentence
    strengths = sharpest(run).strengths[-1]
    times = [
        theory.return_time(
            depth,
            dynamics.eta * theory.single_path_sharpness(target, depth),
            abs(strength) ** (1 / depth),
        )
        for strength, depth in zip(strengths.tolist(), depths, strict=True)
        if depth > 1 and (strength > 0 or depth % 2 == 0)
    ]
    first, thrown = min(times, default=np.inf), "An overshoot threw the signal back near zero"
    if not np.isfinite(first):
        return f"{thrown} or below, from where it never comes back."
    return f"{thrown}; it would come back after about {about(first)} more steps."


_UNFINISHED = {
    Reason.DYING_OUT: "The oscillation about a minimum is still dying out",
    Reason.LEAVING: (
        "The run rests near a minimum that is too sharp for this step size, so it will leave"
    ),
    Reason.EQUALISING: (
        "No minimum within reach is flat enough for this step size: the sum keeps jumping, and the "
        "pathways still drift to the flattest split"
    ),
    Reason.CHANGING: (
        "No minimum within reach is flat enough for this step size: the sum keeps jumping, in a "
        "band that still changes"
    ),
    Reason.GROWS: (
        "The step size is above 2/λ(min), and a pathway of depth 1 is not slowed by an overshoot, "
        "so the run will diverge"
    ),
}


def _unfinished(run: Trajectory, judged: Judged) -> str:
    """Where it stands and how many more steps it takes, found by taking them."""
    said, give = _UNFINISHED.get(judged.reason), f"give it {run.experiment.dynamics.more}"
    more = true_tail.more_steps(run.experiment) if true_tail.has_true_tail(run.experiment) else None
    if judged.reason is Reason.DYING_OUT and not run_numbers.swings(run, judged):
        said = None  # it drifts to its end
    if said is None:
        if more is not None:
            give = f"give it about {about(more)} more steps"
        return f"{judged.regime.sentence[:-1]}; {give}."
    if more is not None:
        return f"{said}: about {about(more)} more steps until it has settled."
    if true_tail.has_true_tail(run.experiment):
        return f"{said}; {true_tail.BUDGET:,} more steps do not settle it."
    return f"{said}; {give}."
