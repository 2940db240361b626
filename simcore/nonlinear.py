"""What is said of pathways that are not linear, of which theory knows nothing.

No closed form says where such a run ends, so its verdict is read from its own records: whether they
stay as they are, whether the largest share has fallen, and whether the edge was met.
"""

from __future__ import annotations

import numpy as np

from simcore import curvature
from simcore.courses import sharpest
from simcore.trajectory import Trajectory
from simcore.verdicts import (
    BLOWN,
    CLOSE,
    LEARNED,
    LED,
    WON,
    Evidence,
    Reason,
    Regime,
    Verdicts,
    over_pathways,
    shares_of,
    steady,
)


def judge(run: Trajectory, seen: Evidence) -> Verdicts:
    """The regime of a finished run, with an axis of length one. The first of these that applies:

    * DIVERGED: its strengths grow beyond any bound;
    * TRAPPED: no gradient reaches any weight, as happens with ReLU;
    * UNFINISHED: the signal was there and is lost, or the band of the sum or the shares still
      change;
    * CYCLE, CHAOS: the sum keeps jumping by more than 0.02 sigma*_1 in a band that stays;
    * UNFINISHED: the sum rests away from its target, maybe because outputs died;
    * PARTLY_REBALANCED: the edge was met, and the largest share ends more than 0.02 below its peak;
    * WINNER_TAKES_ALL: everything else.
    """
    ahead = seen.ahead
    shares = shares_of(ahead.strengths[-1])
    regime, reason = _verdict(run, seen, float(seen.peak[0] - shares.max()))
    regimes, reasons = np.array([regime], dtype=object), np.array([reason], dtype=object)
    return Verdicts(regimes, reasons, shares, ahead.sharpness)


def _verdict(run: Trajectory, seen: Evidence, fallen: float) -> tuple[Regime, Reason]:
    ahead = seen.ahead
    farthest = max(float(np.abs(ahead.low).max()), float(np.abs(ahead.high).max()))
    reach = over_pathways(np.add, np.maximum(np.abs(seen.lowest), np.abs(seen.highest)))
    if not farthest < BLOWN:
        return Regime.DIVERGED, Reason.NONE
    if is_dead(run):
        return Regime.TRAPPED, Reason.DEAD
    if reach[0] > 0.5 and ahead.left[0] < LEARNED:
        return Regime.UNFINISHED, Reason.THROWN
    if not steady(ahead)[0]:
        return Regime.UNFINISHED, Reason.CHANGING
    if ahead.swing.max() > CLOSE:
        return (Regime.CYCLE if ahead.period[0] > 0 else Regime.CHAOS), Reason.NONE
    if not (np.abs(ahead.totals - 1) <= CLOSE).all():
        return Regime.UNFINISHED, Reason.DEAD if dead_outputs(run) else Reason.EARLY
    if met_edge(run) and fallen > CLOSE:
        return Regime.PARTLY_REBALANCED, Reason.NONE
    return Regime.WINNER_TAKES_ALL, Reason.NONE


def met_edge(run: Trajectory) -> bool:
    """Whether the recorded sharpness came up to the edge."""
    return run.edge is not None and bool((run.sharpness >= run.edge).any())


# --- Units that died -------------------------------------------------------------------------


def is_dead(run: Trajectory) -> bool:
    """Whether the gradient of every weight at the end is exactly zero, and the loss is not."""
    theta = run.theta
    if theta is None or not np.isfinite(theta).all() or run.loss[-1] == 0:
        return False
    return not curvature.gradient(run.experiment, theta).any()


def dead_outputs(run: Trajectory) -> int:
    """How many outputs, though not to be zero, are zero for every sample in every pathway, with
    ReLU after the last layer, so that no gradient reaches the weights that lead to them."""
    network, task, theta = run.experiment.network, run.experiment.task, run.theta
    relu = network.activation == "relu" and network.activate_last
    if not relu or theta is None or not np.isfinite(theta).all():
        return 0
    silent = ~curvature.outputs(run.experiment, theta).any(axis=(0, 2))
    return int((silent & task.samples()[1].any(axis=1)).sum())


# --- In words --------------------------------------------------------------------------------


def headline(run: Trajectory, regime: Regime, reason: Reason) -> str:
    """The regime in a few words."""
    if reason is Reason.DEAD:
        return "dead network" if regime is Regime.TRAPPED else "outputs died"
    if regime is Regime.WINNER_TAKES_ALL and not _has_winner(run):
        return "no pathway takes all"
    return regime.value


def _has_winner(run: Trajectory) -> bool:
    shares = shares_of(sharpest(run).strengths[-1])
    return len(shares) > 1 and bool(shares.max() >= WON)


def sentences(run: Trajectory, regime: Regime, reason: Reason) -> list[str]:
    """What happened."""
    some_died = reason is Reason.DEAD and regime is not Regime.TRAPPED
    first = [] if some_died else [_said(run, regime, reason)]
    return [*first, *_died(run), *_unknown(run)]


def _said(run: Trajectory, regime: Regime, reason: Reason) -> str:
    if reason in _OF_REASONS:
        return _OF_REASONS[reason]
    if regime is Regime.WINNER_TAKES_ALL:
        return _kept(run)
    return _OF_REGIMES.get(regime, regime.sentence)


_OF_REASONS = {
    Reason.DEAD: (
        "The network is dead: ReLU gives zero wherever a gradient would have to pass, so no weight "
        "moves any more at any step size."
    ),
    Reason.THROWN: "The signal was there and has been thrown back near zero.",
    Reason.CHANGING: "The run ended before it settled; give it more steps.",
    Reason.EARLY: "The run rests away from its target, or comes closer too slowly to tell.",
}
_OF_REGIMES = {
    Regime.PARTLY_REBALANCED: (
        "At the edge of stability the oscillation handed signal from one pathway to the others."
    ),
    Regime.CYCLE: (
        "The pathways' sum keeps jumping around the target in a regular cycle; at this step size "
        "the run does not come to rest."
    ),
    Regime.CHAOS: (
        "The pathways' sum keeps jumping around the target without a period; at this step size the "
        "run does not come to rest."
    ),
}


def _kept(run: Trajectory) -> str:
    if run.experiment.network.pathways == 1:
        return "The one pathway learned the target."
    if met_edge(run) and shares_of(sharpest(run).strengths[-1]).max() >= LED:
        return (
            "The run met the edge of stability, and no pathway handed signal to another: the "
            "weights became flatter without sharing."
        )
    if _has_winner(run):
        return "One pathway took the signal and kept it."
    if met_edge(run):
        return "The pathways share the signal, as they did before they met the edge of stability."
    return "The pathways share the signal, none took it all."


def _died(run: Trajectory) -> list[str]:
    outputs, count = run.experiment.task.n_out, dead_outputs(run)
    if count == 0:
        return []
    who = f"{count} of {outputs} outputs have" if count > 1 else f"1 of {outputs} outputs has"
    return [
        f"{who} died: ReLU gives zero there for every sample, no gradient comes back, and the loss "
        f"stays at {run.loss[-1]:.3g}."
    ]


def _unknown(run: Trajectory) -> list[str]:
    """That a larger step size need not share more, where one has shared."""
    if not met_edge(run) or run.experiment.network.pathways == 1:
        return []
    name = run.experiment.network.phi
    return [f"With {name} no closed form holds, and a larger step size need not share more."]
