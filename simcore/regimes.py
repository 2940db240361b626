"""What happened in a run, in the words of the field: its phases, its regime, and sentences.

All of it is said of the sharpest mode, as `courses` has it. The *share* of a pathway is
q_h = |sigma_h| / sum_g |sigma_g| of that mode; there are none where there is no signal, nor where a
strength is negative. Verdicts are those of `verdicts`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from simcore import (
    alignment,
    averages,
    driven,
    driven_verdicts,
    driven_words,
    horizon,
    last_steps,
    nonlinear,
    prospects,
    theory,
    true_tail,
    verdicts,
)
from simcore.courses import BLOW_UP, Course, sharpest
from simcore.experiment import Dynamics, Experiment
from simcore.last_steps import tail
from simcore.memory import once
from simcore.trajectory import Outcome, Trajectory
from simcore.verdicts import (
    CLOSE,
    FLAT_ENOUGH,
    LEARNED,
    LED,
    STILL,
    WON,
    Evidence,
    Reason,
    Regime,
    Verdicts,
    over_pathways,
    shares_of,
)


class Phase(NamedTuple):
    """A stretch of a run, both ends included."""

    name: str
    first_step: int
    last_step: int


PHASES = (
    "plateau",
    "growth",
    "symmetry breaking",
    "edge of stability",
    "re-balancing",
    "settled",
)
PLATEAU, GROWTH, BREAKING, EDGE, REBALANCING, SETTLED = PHASES
NEARLY = 0.1  # of a share: so far steps below every edge may lead away from gradient flow
FAR_BELOW = 3  # times below the edge: there descent follows gradient flow from any start
LONG = 10  # updates near zero in a row: an oscillation at the edge dips below for fewer


# --- The verdict -----------------------------------------------------------------------------


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
      2/S_1 stands for it, and the recorded sharpness came up to the edge.
    * WINNER_TAKES_ALL: everything else, mostly as under gradient flow.

    A descent from an aligned start is judged on its true tail (`verdicts`), so neither this nor
    what a longer run does depends on how often it was recorded; one with events, momentum or weight
    decay, too, and plain descent of full weights on the steps that follow (`last_steps`). Other
    runs are judged on the last fifth of their records, 12 to 200 of them. Those with events,
    momentum, weight decay or label noise are judged by the rules of `driven_verdicts`, those of
    pathways that are not linear by `nonlinear`.
    """
    return _judged(run).regime


class _Judged(NamedTuple):
    regime: Regime
    reason: Reason
    shares: np.ndarray  # (H,) where it settles
    sharpness: float  # there
    seen: Evidence | None  # with one run; None of one that did not finish


@once  # sentences, phases and pictures ask several times
def _judged(run: Trajectory) -> _Judged:
    nothing = np.full(run.experiment.network.pathways, np.nan)
    if run.outcome is Outcome.DIVERGED:
        return _Judged(Regime.DIVERGED, Reason.NONE, nothing, np.nan, None)
    if run.outcome is not Outcome.FINISHED:
        return _Judged(Regime.UNFINISHED, Reason.NONE, nothing, np.nan, None)
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
        found, always = (_judge(run, _with_peak(seen, peak)) for peak in (1.0, 0.0))
        if found.regimes[0] is not always.regimes[0]:  # so the largest share tells
            seen = _with_peak(seen, last_steps.largest_share(run))
            found = _judge(run, seen)
    return _Judged(
        found.regimes[0], found.reasons[0], found.shares[:, 0], float(found.sharpness[0]), seen
    )


def _with_peak(seen: Evidence, peak: float) -> Evidence:
    return seen._replace(peak=np.array([peak]))


def _judge(run: Trajectory, seen: Evidence) -> Verdicts:
    if run.experiment.network.linear:
        return _judge_of(run.experiment.dynamics)(run.experiment, seen)
    return nonlinear.judge(run, seen)


def _judge_of(dynamics: Dynamics) -> Callable[[Experiment, Evidence], Verdicts]:
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


# --- Phases ----------------------------------------------------------------------------------


@once
def phases(run: Trajectory) -> tuple[Phase, ...]:
    """The phases of a run, in order and without gaps; a phase that did not occur is left out.

    * plateau: the mode's strength sum_h sigma_h / sigma*_1 is below 0.1, at the start, and again
      where an overshoot threw the run back for ten updates and more, or a trapped one for good;
    * symmetry breaking: from there until the edge, or until the run settles; growth, if the largest
      share stays within 0.02 of what it was at the start (so always for depth 2 and equal starts);
    * edge of stability: from the first record with sharpness >= 2/eta, that of the weights that
      move; a blow-up is none;
    * re-balancing: from the record after which the largest share lies more than 0.02 below its
      peak so far for good, unless the winner keeps all (so never for depth 2, where shares are
      constant) or no signal is left to share; label noise needs no edge for it;
    * settled: after the edge, if it was reached, from where on the shares stay within 0.02 of
      their last value and the total within 0.02 sigma*_1 of the band it moves in at the end. So a
      steady cycle counts as settled; a run that `classify` calls UNFINISHED or TRAPPED has not.
    """
    mode, regime = sharpest(run), classify(run)
    records = len(run.steps)
    grown = np.flatnonzero(~_near(mode))
    grows = int(grown[0]) if len(grown) else records
    if regime is Regime.DIVERGED:
        grows = min(grows, records - 1)  # it left after the last record at the latest

    meets = goes_back = records
    at_edge = _at_edge(run, mode, regime)
    at_edge = at_edge[at_edge >= grows]
    if len(at_edge):
        meets = int(at_edge[0])
        if regime is not Regime.WINNER_TAKES_ALL:
            goes_back = max(meets, _rebalancing(mode))
    elif run.experiment.dynamics.label_noise and driven.gains(run.experiment):
        goes_back = max(grows, _rebalancing(mode))
    ends = _as_it_ends(mode, regime, meets + 1 if meets < records else grows)

    names = np.full(records, PLATEAU, dtype=object)
    last = PLATEAU if regime is Regime.TRAPPED else SETTLED
    grows_as = _growth(mode, grows, min(meets, goes_back, ends))
    # a later phase that has begun ends the earlier ones
    for first, name in (
        (grows, grows_as),
        (meets, EDGE),
        (goes_back, REBALANCING),
        (ends, last),
    ):
        names[first:] = name
    names[grows:ends][_thrown_back(run, mode)[grows:ends]] = PLATEAU
    return _stretches(run, names)


def _growth(mode: Course, first: int, stop: int) -> str:
    """What the growth from record `first` on is called."""
    largest = shares_of(mode.strengths.swapaxes(0, 1)).max(axis=0)
    return BREAKING if (largest[first:stop] > largest[0] + CLOSE).any() else GROWTH


def _near(mode: Course) -> np.ndarray:
    """Whether the mode is near zero at a record and has been since the one before, (K,)."""
    low, high = (over_pathways(np.add, ends.swapaxes(0, 1)) for ends in (mode.low, mode.high))
    return (np.abs(mode.total) < LEARNED) & (low > -LEARNED) & (high < LEARNED)


def _stays(mode: Course) -> np.ndarray:
    """Whether a record is near zero as the one before it and all the way between, (K,)."""
    near = _near(mode)
    stays = near & np.roll(np.abs(mode.total) < LEARNED, 1)
    stays[0] = False  # there is none before it
    return stays


def _thrown_back(run: Trajectory, mode: Course) -> np.ndarray:
    """Whether a record is one of those near zero that lie in a row for long, (K,)."""
    stays = _stays(mode)
    found = np.zeros(len(stays), dtype=bool)
    for first, stop in np.flatnonzero(np.diff(stays, prepend=False, append=False)).reshape(-1, 2):
        found[first - 1 : stop] = run.steps[stop - 1] - run.steps[first - 1] >= LONG
    return found


def _stretches(run: Trajectory, names: np.ndarray) -> tuple[Phase, ...]:
    """Records of one name in a row as a phase."""
    firsts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1)]
    return tuple(
        Phase(
            names[first],
            int(run.steps[first]),
            int(run.steps[stop] - 1 if stop < len(names) else run.steps[-1]),
        )
        for first, stop in zip(firsts, [*firsts[1:], len(names)], strict=True)
    )


def _at_edge(run: Trajectory, mode: Course, regime: Regime) -> np.ndarray:
    """The records at or above the edge; of a run that diverges those after which the sharpness came
    down again, as the rest are its blow-up."""
    if run.edge is None:
        return np.empty(0, int)
    sharpness = last_steps.felt(run)
    kept = sharpness >= run.edge if run.variance is None else run.variance > 0
    above = kept & (np.abs(mode.total) <= BLOW_UP)
    if regime is Regime.DIVERGED:
        below = np.flatnonzero(sharpness < run.edge)
        above[below[-1] if len(below) else 0 :] = False
    return np.flatnonzero(above)


def _rebalancing(mode: Course) -> int:
    """The first record from which the largest share has fallen, while there is signal."""
    share, readable = mode.largest_share, mode.readable
    fallen = share < np.maximum.accumulate(share) - CLOSE
    kept = np.flatnonzero(readable & ~fallen)
    first = int(kept[-1]) + 1 if len(kept) else 0
    return first if readable[first:].any() else len(share)


def _as_it_ends(mode: Course, regime: Regime, after: int) -> int:
    """The first record, `after` at the earliest, from which the run is as it ends."""
    if regime in (Regime.UNFINISHED, Regime.DIVERGED):
        return len(mode.total)
    total, last = mode.total, tail(len(mode.total))
    if regime is Regime.TRAPPED:
        return max(after, _from_then_on(_stays(mode)) - 1)
    share = shares_of(mode.strengths.swapaxes(0, 1)).max(axis=0)
    low, high = total[last].min() - CLOSE, total[last].max() + CLOSE
    inside = (total >= low) & (total <= high)
    return max(after, _from_then_on((np.abs(share - share[-1]) <= CLOSE) & inside))


def _from_then_on(condition: np.ndarray) -> int:
    """The first record from which `condition` holds up to the end."""
    failures = np.flatnonzero(~condition)
    return int(failures[-1]) + 1 if len(failures) else 0


# --- Headline --------------------------------------------------------------------------------


def headline(run: Trajectory) -> str:
    """The regime in a few words, other ones where its name would not be true of this run."""
    judged = _judged(run)
    regime, special = judged.regime, driven_words.headline(judged.reason)
    if special is not None:
        return special
    if not run.experiment.network.linear:
        return nonlinear.headline(run, regime, judged.reason)
    if run.experiment.dynamics.averages:
        return averages.headline(run, regime, judged.reason)
    if regime is Regime.WINNER_TAKES_ALL and not _has_winner(run):
        if not run.experiment.dynamics.plain:
            return "no pathway takes all"
        if _left_the_edge(run):
            return "evened out its layers" if _knows_flow(run.experiment) else "left the edge"
        if _off_flow(run, judged) > NEARLY:
            return "another split than that of gradient flow"
        return "follows gradient flow" if _is_as_flow(run, judged) else "no pathway takes all"
    if regime is Regime.BALANCED and not _flattest_is_equal(run.experiment):
        return "flattest split"
    if regime is Regime.PARTLY_REBALANCED and not _is_more_even(run, judged):
        return "went to a flatter minimum"
    return regime.value


def _has_winner(run: Trajectory) -> bool:
    shares = theory.shares(sharpest(run).strengths[-1])
    return len(shares) > 1 and max(run.experiment.network.depths) > 2 and shares.max() >= WON


def _off_flow(run: Trajectory, judged: _Judged) -> float:
    """How far its shares end from those of gradient flow from its start: 0 for one that has no
    steps, or nothing to share; nan where nobody knows."""
    if len(judged.shares) == 1 or run.experiment.dynamics.step_size is None:
        return 0.0
    return float(np.abs(judged.shares - _flow_shares(run.experiment)).max())


def _knows_flow(experiment: Experiment) -> bool:
    """Whether it is known where gradient flow from its start ends."""
    return bool(np.isfinite(prospects.flow_end(experiment)).all())


def _flow_shares(experiment: Experiment) -> np.ndarray:
    """Those where gradient flow from its start ends, (H,); nan where nobody knows."""
    flow = prospects.flow_end(experiment)
    return theory.shares(flow) if _knows_flow(experiment) else flow


def _is_as_flow(run: Trajectory, judged: _Judged) -> bool:
    """Whether it ends as gradient flow from its start, at least nearly; where nobody knows
    that, whether it stayed far below the edge."""
    off = _off_flow(run, judged)
    if np.isfinite(off):
        return off <= NEARLY
    return run.edge is not None and bool((FAR_BELOW * last_steps.felt(run) < run.edge).all())


def _flattest_is_equal(experiment: Experiment) -> bool:
    expected = prospects.expected(experiment)
    return bool(np.ptp(expected.flattest[expected.alive]) <= CLOSE)


def _reached_edge(run: Trajectory) -> bool:
    return EDGE in {phase.name for phase in phases(run)}


def _left_the_edge(run: Trajectory) -> bool:
    """Whether it met the edge and left it from layers that started uneven, which need not share
    for that."""
    return not run.experiment.start.balanced and _reached_edge(run)


# --- Sentences -------------------------------------------------------------------------------


def said(run: Trajectory) -> str:
    """What happened and why, without its numbers."""
    words = _told(run, _judged(run)) if run.outcome is Outcome.FINISHED else [str(run.outcome)]
    if run.outcome is Outcome.DIVERGED and _grows(run.experiment):
        words.append(_GROWS)
    return " ".join(words)


def describe(run: Trajectory) -> str:
    """The same with its numbers, in a few sentences."""
    judged, words = _judged(run), [said(run)]
    words += prospects.stuck(run.experiment)
    words += [*_shared(run, judged), *_sharpness(run), *_warnings(run, judged)]
    return " ".join(words)


_GROWS = (
    "A pathway of depth 1 is not slowed by an overshoot, so above 2/λ(min) the oscillation grows "
    "without bound."
)


def _grows(experiment: Experiment) -> bool:
    """Whether a pathway of depth 1 makes every oscillation grow."""
    return prospects.zone(experiment).name == prospects.DIVERGES


def _told(run: Trajectory, judged: _Judged) -> list[str]:
    if run.experiment.network.linear or run.experiment.task.singular_values[0] == 0:
        return [_said(run, judged)]
    return nonlinear.sentences(run, judged.regime, judged.reason)


def _said(run: Trajectory, judged: _Judged) -> str:
    """The regime's sentence, or a truer one."""
    regime, reason = judged.regime, judged.reason
    if run.experiment.task.singular_values[0] == 0:
        return "The target is zero: there is nothing to learn, and nothing to share."
    if reason is Reason.SADDLE:
        return "The run never leaves the saddle at zero."
    if reason is Reason.THROWN and run.experiment.dynamics.plain:
        return f"An overshoot threw the signal back near zero{_coming_back(run)}."
    if reason is Reason.GROWS and regime is Regime.DIVERGED:
        return _GROWS
    if run.experiment.dynamics.averages:
        return averages.sentence(run, regime, reason)
    if not run.experiment.dynamics.plain:
        said = driven_words.sentence(run, regime, reason, judged.shares)
        if said is not None:
            return said
    special = {
        Regime.PARTLY_REBALANCED: _partly,
        Regime.WINNER_TAKES_ALL: _as_under_flow,
        Regime.UNFINISHED: _unfinished,
        Regime.SIGN_FLIP: _turned,
    }.get(regime)
    return special(run, judged) if special else regime.sentence


def _turned(run: Trajectory, judged: _Judged) -> str:
    """That a sign turned, and by what where only a step can have done it: where gradient flow from
    the same start turns none, as from any balanced one, and nothing but steps moves the run."""
    experiment, start = run.experiment, sharpest(run).strengths[0]
    ends, deep = prospects.flow_end(experiment), np.array(experiment.network.depths) > 1
    steps_alone = experiment.dynamics.iterated and not (
        experiment.dynamics.events or experiment.dynamics.by_chance
    )
    if steps_alone and ((ends >= 0) | ((start < 0) & np.isfinite(ends)))[deep].all():
        return judged.regime.sentence
    return "A pathway turned its sign."


def _coming_back(run: Trajectory) -> str:
    """How many steps it takes, as theory says of the pathway that is first."""
    depths, dynamics = run.experiment.network.depths, run.experiment.dynamics
    target = run.experiment.task.singular_values[theory.sharpest_mode(run.experiment)]
    if dynamics.eta is None or not run.experiment.start.balanced:
        return ", where gradients are so small that coming back takes long"
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
    first = min(times, default=np.inf)
    if not np.isfinite(first):
        return " or below, from where it never comes back"
    return f"; it would come back after about {_about(first)} more steps"


def _about(number: float) -> str:
    """A number to two digits, as 1,300 or 4e+07."""
    return f"{float(f'{number:.2g}'):,.0f}" if number < 1e6 else f"{number:.0e}"


def _partly(run: Trajectory, judged: _Judged) -> str:
    peak = float(sharpest(run).largest_share.max())
    known, now = _knows_flow(run.experiment), float(judged.shares.max())
    too_sharp = "The minimum that gradient flow leads to is too sharp for this step size; descent "
    if known and not _is_more_even(run, judged):
        return f"{too_sharp}ended at another one that is flat enough."
    if known and not _reached_edge(run):
        return f"{too_sharp}ended where the pathways share enough for a stable one."
    if not known or peak - now <= CLOSE:
        return (
            "At the edge of stability the signal came to be shared more evenly, and the run ended "
            "at a minimum that is flat enough for this step size."
        )
    if peak < LED:
        return (
            "At the edge of stability the oscillation shared the signal out more evenly, until the "
            "solution was just flat enough for this step size."
        )
    return (
        "One pathway won first; at the edge of stability the oscillation handed signal back to "
        "the others, until the shared solution was just flat enough for this step size."
    )


def _is_more_even(run: Trajectory, judged: _Judged) -> bool:
    """Whether it ends shared more evenly than where gradient flow from its start does."""
    flow = _flow_shares(run.experiment)
    return not bool(judged.shares.max() >= flow.max())  # so it is where nobody knows


def _as_under_flow(run: Trajectory, judged: _Judged) -> str:
    if _left_the_edge(run):
        return _left(run, judged)
    if len(run.experiment.network.depths) == 1:
        return "The one pathway learned the target, as under gradient flow."
    off = _off_flow(run, judged)
    if off > NEARLY:
        return _elsewhere(run)
    said = _who_won(run) if _has_winner(run) else _how_shared(run.experiment)
    if off > CLOSE:
        return f"Nearly as under gradient flow, {said}; {_of_flow(run.experiment)}."
    if _is_as_flow(run, judged):
        return f"As under gradient flow, {said}."
    return f"{said[0].upper()}{said[1:]}."


def _left(run: Trajectory, judged: _Judged) -> str:
    """How it left the edge: layers that are numbers come closer at every step, full weights may do
    anything."""
    experiment = run.experiment
    if not _knows_flow(experiment):
        return (
            "The run met the edge of stability and left it for a minimum that is flat enough for "
            "this step size."
        )
    too_sharp = prospects.expected(experiment).winner > (experiment.edge or np.inf)
    for_what = (
        "where gradient flow would have ended too sharp"
        if too_sharp
        else "for a minimum that is flat enough"
    )
    said = f"The run met the edge of stability and left it by evening out its layers, {for_what}"
    return f"{said}; {_of_flow(experiment)}." if _off_flow(run, judged) > NEARLY else f"{said}."


def _elsewhere(run: Trajectory) -> str:
    """What happened in a run that ends at another split than gradient flow, and why if start or
    dynamics tell."""
    experiment, dynamics = run.experiment, run.experiment.dynamics
    winner, eta = int(sharpest(run).strengths[-1].argmax()) + 1, dynamics.step_size
    if _has_winner(run):
        said = f"pathway {winner} took the signal"
    elif max(experiment.network.depths) == 1:
        said = _kept(experiment)
    else:
        said = "the pathways share the signal"
    said = f"{said}; {_of_flow(experiment)}."
    if not dynamics.plain:
        parts = " and ".join(dynamics.beside_gradient)
        return f"With {parts} the run ends elsewhere than gradient flow: {said}"
    if eta is not None and eta > prospects.start_edge(experiment):
        return f"The start was above the edge of stability, so the first steps overshot: {said}"
    return f"Steps of this size led elsewhere than gradient flow: {said}"


def _of_flow(experiment: Experiment) -> str:
    flow = _flow_shares(experiment)
    return f"gradient flow from this start ends shared {_listed(flow, ' : ')}"


def _how_shared(experiment: Experiment) -> str:
    if max(experiment.network.depths) <= 2:
        return _kept(experiment)
    return (
        "the pathways share the signal, none took it all, and the step size is small enough for "
        "the minimum they share"
    )


def _kept(experiment: Experiment) -> str:
    """What depths of at most 2 keep, at any step size."""
    depths, balanced = experiment.network.depths, experiment.start.balanced
    if set(depths) == {1} and experiment.dynamics.weight_decay:
        return (
            "no pathway wins: at depth 1 all feel the same gradient, and weight decay takes the "
            "difference of the strengths away"
        )
    if set(depths) == {1}:
        return "no pathway wins: depth 1 keeps the difference of the strengths, at any step size"
    if set(depths) == {2} and balanced:
        return "no pathway wins: depth 2 keeps the ratio of the strengths, at any step size"
    if set(depths) == {2}:
        return "the pathways share the signal; depth 2 keeps the ratio from balanced starts alone"
    return "the pathways share the signal"


def _who_won(run: Trajectory) -> str:
    mode = sharpest(run)
    start, end = np.abs(mode.strengths[0]), np.abs(mode.strengths[-1])
    winner = int(end.argmax())
    if start[winner] > np.delete(start, winner).max():
        return "the pathway that started ahead took the signal and kept it"
    return f"pathway {winner + 1} took the signal and kept it, though it did not start ahead"


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


def _unfinished(run: Trajectory, judged: _Judged) -> str:
    """Where it stands and how many more steps it takes, found by taking them."""
    said = _UNFINISHED.get(judged.reason)
    more = true_tail.more_steps(run.experiment) if true_tail.has_true_tail(run.experiment) else None
    if said is None:
        wait = "give it more steps" if more is None else f"give it about {_about(more)} more steps"
        return f"The run ended before it settled; {wait}."
    if more is not None:
        return f"{said}: about {_about(more)} more steps until it has settled."
    if true_tail.has_true_tail(run.experiment):
        return f"{said}; {true_tail.BUDGET:,} more steps do not settle it."
    return f"{said}; give it more steps."


def _shared(run: Trajectory, judged: _Judged) -> list[str]:
    """How the mode is shared, and the band of a sum that swings; nothing where there is nothing."""
    mode, seen = sharpest(run), judged.seen
    end, low, high = mode.strengths[-1], 0.0, 0.0
    if judged.regime is Regime.DIVERGED or not np.isfinite(end).all():
        return []
    if (end < -STILL).any():
        return [f"{_whose(run)}'s strengths end at {_listed(end, ', ')} of its target."]
    jumps = judged.regime in (Regime.CYCLE, Regime.CHAOS)  # so one record may well be near zero
    if not jumps and end.sum() < LEARNED:
        return []
    if seen is not None and np.isfinite(seen.ahead.strengths[0]).all():
        end, low, high = seen.ahead.strengths[0, :, 0], seen.ahead.low[0, 0], seen.ahead.high[0, 0]
    words = []
    if len(end) > 1:
        mean = " on average" if run.experiment.dynamics.label_noise else ""
        words.append(f"{_whose(run)} ends shared {_listed(theory.shares(end), ' : ')}{mean}.")
    if high - low > STILL and judged.reason is not Reason.EARLY:
        words.append(f"Its sum swings between {low:.3f} and {high:.3f} of the target.")
    return words


def _whose(run: Trajectory) -> str:
    mode = theory.sharpest_mode(run.experiment)
    if not run.experiment.network.linear:
        return f"Mode {mode + 1}"
    return f"Mode {mode + 1}, the sharpest," if mode else "The sharpest mode"


def _listed(values: np.ndarray, between: str) -> str:
    return between.join(f"{value:.3f}" for value in values[:8])


def _sharpness(run: Trajectory) -> list[str]:
    last = run.sharpness[-1]
    if not np.isfinite(last):
        return []
    if run.edge is None:
        return [f"Sharpness ends at {last:.4g}."]
    peak, now = np.nanmax(run.sharpness), " at the end" if np.ptp(run.edge) > 0 else ""
    where = " among the recorded steps" if np.diff(run.steps).max(initial=1) > 1 else ""
    said = [
        f"Sharpness went up to {peak:.4g}{where} and ends at {last:.4g}; "
        f"the edge {run.experiment.dynamics.edge_symbol} is {run.edge[-1]:.4g}{now}."
    ]
    felt = last_steps.felt(run)[-1]
    if f"{felt:.4g}" != f"{last:.4g}":
        said.append(f"It is about the weights that still move, whose sharpness is {felt:.4g}.")
    return said


def _warnings(run: Trajectory, judged: _Judged) -> list[str]:
    words = []
    seen = judged.seen
    if seen is not None and run.edge is not None and seen.ahead.rests[0]:
        near = abs(seen.ahead.totals[-1, 0] - 1) <= CLOSE
        if near and judged.sharpness > run.edge[-1] * FLAT_ENOUGH:
            words.append(
                "It rests above the edge: no weight changes by a bit any more, though the minimum "
                "is too sharp to be stable; a small kick would set it off."
            )
    if run.outcome is Outcome.FINISHED and alignment.mixes(run.experiment):
        words.append(
            "Alignment is unstable here: modes of nearly equal size mix; use the matrices engine."
        )
    beyond = horizon.horizon(run)
    return words if beyond is None else [*words, beyond.sentence]
