"""How a central flow ends, what is said of it, and where it and the descent it stands for differ.

It knows no overshoot, so it never cycles: it is gradient flow, or it is kept at its edge until a
minimum is flat enough, or, where none is, it stops short of the target.
"""

from __future__ import annotations

import numpy as np

from simcore import expectations, zone_words
from simcore.courses import sharpest
from simcore.experiment import Experiment
from simcore.marks import TIE
from simcore.trajectory import Outcome, Trajectory
from simcore.verdicts import CLOSE, STILL, Evidence, Judged, Reason, Regime, Verdicts, shares_of
from simcore.wording import part
from simcore.zones import start_edge

BEGAN_ABOVE = "pulled down to the edge"


# --- The verdict -----------------------------------------------------------------------------


def judge(experiment: Experiment, seen: Evidence) -> Verdicts:
    """The regime of one finished run, by the rules of `regimes.classify` as far as they are about
    what does not oscillate; with Reason.SHORT where it rests short of the target."""
    shares = shares_of(seen.ahead.strengths[-1])
    regime, reason = _verdict(experiment, seen, shares[:, 0])
    return Verdicts.of_one(regime, reason, shares, seen.ahead.sharpness)


def _verdict(experiment: Experiment, seen: Evidence, shares: np.ndarray) -> tuple[Regime, Reason]:
    ahead, edge, expected = seen.ahead, experiment.edge, expectations.expected(experiment)
    assert edge is not None
    if not expected.alive.any():
        return Regime.TRAPPED, Reason.SADDLE
    moved = np.abs(ahead.strengths[0] - ahead.strengths[-1]).max()
    short = bool(expected.lowest > edge * (1 + TIE))
    if short:
        rests = max(ahead.swing.max(), moved) <= STILL
        if not rests:
            return Regime.UNFINISHED, Reason.NONE
        reason = Reason.SHORT
    else:
        near = np.abs(ahead.totals - 1).max() <= CLOSE
        if not near or max(ahead.swing.max(), moved) > CLOSE:
            return Regime.UNFINISHED, Reason.EARLY
        reason = Reason.NONE
    if expected.gains and np.abs(shares - expected.flattest).max() <= CLOSE:
        return Regime.BALANCED, reason
    too_sharp = bool(expected.winner > edge * (1 + TIE))
    if not expected.closed:  # then it is the sharpness of one pathway alone
        too_sharp = too_sharp and bool(seen.peak[0] - shares.max() > CLOSE)
    if expected.gains and too_sharp:
        return Regime.PARTLY_REBALANCED, reason
    return Regime.WINNER_TAKES_ALL, reason


# --- Words -----------------------------------------------------------------------------------


def met_edge(run: Trajectory) -> bool:
    """Whether a central flow was ever at its edge, or began above it."""
    pulled = run.variance is not None and bool((run.variance > 0).any())
    return pulled or _began_above(run)


def _began_above(run: Trajectory) -> bool:
    eta = run.experiment.dynamics.eta
    return eta is not None and (
        eta > start_edge(run.experiment) or bool(run.sharpness[0] > 2 / eta)
    )


def headline(run: Trajectory, judged: Judged) -> str:
    """The regime in a few words."""
    regime = judged.regime
    if judged.reason is Reason.SHORT:
        return zone_words.STOPS_SHORT
    if run.outcome is Outcome.FINISHED and regime is not Regime.UNFINISHED and not met_edge(run):
        return zone_words.IS_FLOW
    if regime is not Regime.WINNER_TAKES_ALL:
        return regime.value
    return BEGAN_ABOVE if _began_above(run) else "kept at the edge"


def sentence(run: Trajectory, judged: Judged) -> str:
    """What happened in a finished run, and why."""
    if judged.regime is Regime.UNFINISHED:
        return f"The flow ended before it settled; give it {run.experiment.dynamics.more}."
    if judged.reason is Reason.SHORT:
        total = float(sharpest(run).total[-1])
        return (
            "No minimum is flat enough for this step size, so central flow stops short of the "
            f"target, with a sum of {part(total)} of it; of descent's jumps it knows nothing."
        )
    if not met_edge(run):
        return "The edge is never reached, so this is gradient flow."
    if _began_above(run):
        return (
            "The start is above the edge, where central flow has no course: it was pulled down to "
            "the edge at once, and went on from there to a minimum that is flat enough."
        )
    if judged.regime is Regime.PARTLY_REBALANCED:
        handed = (
            "central flow was kept at the edge and handed signal to the others until the shared "
            "solution was just flat enough."
        )
        if not expectations.expected(run.experiment).knows_flow:
            return handed.capitalize()
        return f"The minimum that gradient flow leads to is too sharp for this step size; {handed}"
    return "Kept at the edge, central flow went on to a minimum that is flat enough."


def beside(central: Trajectory, descent: Trajectory) -> str:
    """What a central flow shows of the descent beside it, and what not."""
    if central.variance is None or not met_edge(central):
        return "Central flow: the edge is never reached, so it is gradient flow."
    if _began_above(central):
        return (
            "Central flow: the start is above the edge, where it has no course and is pulled down "
            "to the edge at once, while descent overshoots."
        )
    experiment = descent.experiment
    first = float(central.time[np.flatnonzero(central.variance > 0)[0]])
    words = [
        f"Central flow, the curve about which descent oscillates, meets the edge at t = {first:.4g}"
        ".",
        _apart(central, descent, first),
    ]
    edge, expected = experiment.edge, expectations.expected(experiment)
    if edge is not None and expected.lowest > edge * (1 + TIE):
        words.append(
            "Above 2/λ(min) it stops short of the target: near descent's mean sum, with a loss "
            "that is too low; it knows no period doubling, chaos or trap."
        )
    elif set(experiment.network.depths) == {2}:
        words.append("At depth 2 it keeps the ratio of the pathways, as descent does.")
    else:
        if experiment.network.pathways > 2:
            words.append(
                "With three pathways or more it makes the leaders equal before it feeds the "
                "others, which descent does not."
            )
        words.append("Late re-balancing is slower in it than in descent.")
    return " ".join(words)


def _apart(central: Trajectory, descent: Trajectory, first: float) -> str:
    """How long after t = `first`, where the edge is met, the sums of both differ."""
    last = min(central.time[-1], descent.time[-1])
    both = (descent.time >= first) & (descent.time <= last)
    times, sums = descent.time[both], sharpest(descent).total[both]
    off = np.abs(sums - np.interp(times, central.time, sharpest(central).total)) > CLOSE
    within = f"{100 * CLOSE:g} % of the target"
    if not off.any():
        return f"From there their sums differ by no more than {within}."
    until = "to the end" if off[-1] else f"until t = {times[off][-1]:.4g}"
    return (
        f"From there descent overshoots, which it does not show: {until} their sums differ by more "
        f"than {within}, now and then."
    )
