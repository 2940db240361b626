"""How a run ends whose dynamics are not plain: with events, momentum, weight decay or label noise.

Theory's ends are those of plain descent, so such a run is held against what it shows itself: it has
re-balanced if its pathways share more evenly than where gradient flow from the same start ends.
The rest are the rules of `verdicts`, but for what a penalty and noise change:

* with weight decay the sum rests where decay balances the pull of the target, and a run that decay
  and the edge push against each other has settled at the edge; but decay moves shares so slowly
  that they seem to rest, so a verdict that they do must be that of a run 10 times as long, too;
* with label noise nothing rests, so means are judged, and a run has not settled before the means
  are at the flattest split, where the drift ends.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from simcore import driven, expectations, theory, true_tail, verdicts
from simcore.expectations import Expected
from simcore.experiment import Experiment
from simcore.verdicts import (
    CLOSE,
    LEARNED,
    PARTS,
    STILL,
    Ahead,
    Evidence,
    Reason,
    Regime,
    Verdicts,
    shares_of,
)

FASTER = 3  # than shares move at the end they may on average move later
PINNED = 0.03  # of the edge: as near as decay holds the sharpness to it
RESTLESS = (Regime.CYCLE, Regime.CHAOS)
STAYS = (Regime.WINNER_TAKES_ALL, Regime.PARTLY_REBALANCED, Regime.BALANCED, *RESTLESS)

Judge = Callable[[Evidence], Verdicts]


def judge(experiment: Experiment, seen: Evidence) -> Verdicts:
    """The verdict on one run, with an axis of length one."""
    return if_decay_lets_it(experiment, seen, partial(_as_seen, experiment))


def if_decay_lets_it(experiment: Experiment, seen: Evidence, as_seen: Judge) -> Verdicts:
    """What is judged of what is seen, unless it claims to stay and weight decay still moves it."""
    found = as_seen(seen)
    if not experiment.dynamics.weight_decay or experiment.dynamics.label_noise:
        return found
    moves = found.regimes[0] in STAYS and not _stays(experiment, seen, found)
    # what moves without a swing is what decay drags along
    moves |= found.reasons[0] is Reason.DYING_OUT and bool((seen.ahead.swing <= STILL).all())
    return _with(found, Regime.UNFINISHED, Reason.DECAYING) if moves else found


def _stays(experiment: Experiment, seen: Evidence, found: Verdicts) -> bool:
    """Whether what is found is true of a run that goes on for long: seen where that can be, else
    told by how fast the shares move at the end."""
    restless = found.regimes[0] in RESTLESS
    if not true_tail.goes_on(experiment):
        first, last = (shares_of(seen.ahead.strengths[part]) for part in (0, -1))
        moved = np.abs(last - first).max() * PARTS / (PARTS - 1)
        later = FASTER * true_tail.RUNS / seen.part * moved
        return restless or bool(later <= CLOSE)
    later = _as_seen(experiment, seen._replace(ahead=true_tail.later(experiment)))
    if restless:
        return later.regimes[0] in RESTLESS
    end = true_tail.last_shares(experiment)
    same = (later.regimes[0], later.reasons[0]) == (found.regimes[0], found.reasons[0])
    return same and bool(np.abs(later.shares - end).max() <= CLOSE)


def _with(found: Verdicts, regime: Regime, reason: Reason) -> Verdicts:
    return Verdicts.of_one(regime, reason, found.shares, found.sharpness)


def _as_seen(experiment: Experiment, seen: Evidence) -> Verdicts:
    """The same, if what is seen of the end stays."""
    expected = _expected(experiment, seen.ahead)
    peak = expected.flow.max() if expected.closed else seen.peak
    # no end of gradient flow is asked for: where it was is what the run's end is held against
    of_run = expected._replace(
        closed=np.zeros_like(expected.closed), winner=np.full_like(expected.winner, np.inf)
    )
    ahead = _settled(experiment, seen.ahead)
    found = verdicts.judge_one(
        experiment, seen._replace(peak=np.atleast_1d(peak), ahead=ahead), of_run
    )
    return _with(found, *_truer(experiment, expected, seen.ahead, found))


def _expected(experiment: Experiment, ahead: Ahead) -> Expected:
    """With the pathways that are frozen for good where they are: the others share what these leave
    of the target, and only their own sharpness counts. With momentum nothing is known of how long a
    run that was thrown near zero stays there."""
    expected, pathways = expectations.expected(experiment), experiment.network.pathways
    awake = np.array(experiment.dynamics.moving(pathways))
    if not awake.all():
        alive = expected.alive & awake
        value = theory.sharpest_target(experiment)
        asleep = np.where(awake, 0.0, ahead.strengths[-1, :, 0])
        left = max(0.0, 1 - float(asleep.sum()))
        split, lowest, _, gains = expectations.flattest_over(
            left * value, experiment.network.depths, tuple(alive.tolist())
        )
        expected = expected._replace(
            alive=alive,
            flattest=theory.shares(asleep + left * split),
            lowest=np.array(lowest),
            gains=np.array(gains),
        )
    momentum = experiment.dynamics.momentum
    return expected._replace(trap=np.zeros_like(expected.trap)) if momentum else expected


def decay_leaves(experiment: Experiment, ahead: Ahead) -> float:
    """The part of the target that weight decay lets no sum reach, shared as at the end."""
    scale = theory.sharpest_target(experiment) or 1.0
    last, decay = ahead.strengths[-1, :, 0] * scale, experiment.dynamics.weight_decay
    return float(theory.decay_shortfall(last, experiment.network.depths, decay)) / scale


def _settled(experiment: Experiment, ahead: Ahead) -> Ahead:
    """The tail in units of where the sum rests; of label noise below the edge, its means."""
    dynamics, expected = experiment.dynamics, expectations.expected(experiment)
    goal = max(LEARNED, 1 - decay_leaves(experiment, ahead))
    edge = np.inf if experiment.edge is None else experiment.edge
    if dynamics.label_noise and expected.lowest <= edge:
        totals = float(ahead.totals.mean())
        if totals > 0.5:  # noise shifts the mean a little
            goal = totals
        mean = ahead.strengths.mean(axis=0, keepdims=True)
        ahead = ahead._replace(
            low=np.full_like(ahead.low, totals),
            high=np.full_like(ahead.high, totals),
            swing=np.zeros_like(ahead.swing),
            strengths=np.broadcast_to(mean, ahead.strengths.shape),
        )
    return ahead._replace(
        low=ahead.low / goal, high=ahead.high / goal, strengths=ahead.strengths / goal
    )


def _truer(
    experiment: Experiment, expected: Expected, ahead: Ahead, found: Verdicts
) -> tuple[Regime, Reason]:
    """The verdict, or another where a penalty or noise is the reason of it."""
    regime, reason = found.regimes[0], found.reasons[0]
    dynamics, learned = experiment.dynamics, bool(ahead.totals[-1, 0] >= LEARNED)
    if driven.decays_away(experiment) and not learned:
        return Regime.TRAPPED, Reason.DECAYS
    waits = regime is Regime.UNFINISHED and reason in (Reason.DYING_OUT, Reason.LEAVING)
    if dynamics.weight_decay and waits and learned and _at_the_edge(experiment, ahead):
        level = np.abs(found.shares[:, 0] - expected.flattest).max() <= CLOSE
        return Regime.BALANCED if level else Regime.PARTLY_REBALANCED, Reason.PINNED
    drifts = waits or regime in (Regime.PARTLY_REBALANCED, Regime.WINNER_TAKES_ALL)
    drifts |= bool(dynamics.weight_decay) and regime is Regime.BALANCED
    if dynamics.label_noise and driven.gains(experiment) and learned and drifts:
        against = bool(dynamics.weight_decay)
        return Regime.UNFINISHED, Reason.PULLED if against else Reason.DRIFTING
    return regime, reason


def _at_the_edge(experiment: Experiment, ahead: Ahead) -> bool:
    edge = experiment.edge
    return edge is not None and bool(abs(ahead.sharpness[0] / edge - 1) <= PINNED)
