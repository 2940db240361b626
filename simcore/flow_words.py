"""What is said of a run beside gradient flow from the same start: whether it ended as that does,
and why where it did not."""

from __future__ import annotations

import numpy as np

from simcore import expectations, last_steps, lone_words, zones
from simcore.courses import has_winner, sharpest
from simcore.experiment import Experiment
from simcore.trajectory import Trajectory
from simcore.verdicts import CLOSE, LED, Judged, Regime
from simcore.wording import listed, split

NEARLY = 0.1  # of a share: so far steps below every edge may lead away from gradient flow
FAR_BELOW = 3  # times below the edge: there descent follows gradient flow from any start


def headline(run: Trajectory, judged: Judged) -> str:
    """A few words for a run that rests at a minimum which is not the flattest."""
    if judged.regime is Regime.PARTLY_REBALANCED:
        return judged.regime.value if _is_more_even(run, judged) else "went to a flatter minimum"
    if _winner_takes_all(run):
        return judged.regime.value
    if not run.experiment.dynamics.plain:
        return lone_words.headline(run, judged)
    if _left_the_edge(run):
        return "evened out its layers" if _knows_flow(run.experiment) else "left the edge"
    if _off_flow(run, judged) > NEARLY:
        return "another split than that of gradient flow"
    return "follows gradient flow" if _is_as_flow(run, judged) else lone_words.headline(run, judged)


def _winner_takes_all(run: Trajectory) -> bool:
    """Whether a pathway has won, which up to depth 2 none can: there they keep what they have."""
    return max(run.experiment.network.depths) > 2 and has_winner(run)


# --- Another end than that of gradient flow --------------------------------------------------


def partly(run: Trajectory, judged: Judged) -> str:
    """How a run that is partly re-balanced came to be so."""
    known, now = _knows_flow(run.experiment), float(judged.shares.max())
    too_sharp = "The minimum that gradient flow leads to is too sharp for this step size; descent "
    if known and not _is_more_even(run, judged):
        return f"{too_sharp}ended at another one that is flat enough."
    if known and not last_steps.met_edge(run, with_signal=True):
        return f"{too_sharp}ended where the pathways share enough for a stable one."
    peak = float(sharpest(run).largest_share.max())
    if peak < max(LED, now + CLOSE):  # at the records, so steps may tell more
        peak = last_steps.largest_share(run)
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


def as_under_flow(run: Trajectory, judged: Judged) -> str:
    """What became of a run that nothing re-balanced."""
    if _left_the_edge(run):
        return _left(run, judged)
    if run.experiment.network.pathways == 1:
        said = lone_words.sentence(run, judged)
        decays = run.experiment.dynamics.weight_decay  # which gradient flow does not know
        return said if decays else f"{said[:-1]}, as under gradient flow."
    off = _off_flow(run, judged)
    if off > NEARLY:
        return _elsewhere(run)
    said = _who_won(run) if _winner_takes_all(run) else _how_shared(run.experiment)
    if off > CLOSE:
        return f"Nearly as under gradient flow, {said}; {_of_flow(run.experiment)}."
    if _is_as_flow(run, judged):
        return f"As under gradient flow, {said}."
    return f"{said[0].upper()}{said[1:]}."


def _left(run: Trajectory, judged: Judged) -> str:
    """How it left the edge: layers that are numbers come closer at every step, full weights may do
    anything."""
    experiment = run.experiment
    if not _knows_flow(experiment):
        return (
            "The run met the edge of stability and left it for a minimum that is flat enough for "
            "this step size."
        )
    for_what = (
        "where gradient flow would have ended too sharp"
        if expectations.winner_is_too_sharp(experiment)
        else "for a minimum that is flat enough"
    )
    said = f"The run met the edge of stability and left it by evening out its layers, {for_what}"
    return f"{said}; {_of_flow(experiment)}." if _off_flow(run, judged) > NEARLY else f"{said}."


def _elsewhere(run: Trajectory) -> str:
    """What happened in a run that ends at another split than gradient flow, and why if start or
    dynamics tell."""
    experiment, dynamics = run.experiment, run.experiment.dynamics
    winner, eta = int(sharpest(run).strengths[-1].argmax()) + 1, dynamics.step_size
    if _winner_takes_all(run):
        said = f"pathway {winner} took the signal"
    elif max(experiment.network.depths) == 1:
        said = _kept(experiment)
    else:
        said = "the pathways share the signal"
    said = f"{said}; {_of_flow(experiment)}."
    if not dynamics.plain:
        parts = listed(dynamics.beside_gradient)
        return f"With {parts} the run ends elsewhere than gradient flow: {said}"
    if eta is not None and eta > zones.start_edge(experiment):
        return f"The start was above the edge of stability, so the first steps overshot: {said}"
    return f"Steps of this size led elsewhere than gradient flow: {said}"


# --- The same end ----------------------------------------------------------------------------


def _who_won(run: Trajectory) -> str:
    mode = sharpest(run)
    start, end = np.abs(mode.strengths[0]), np.abs(mode.strengths[-1])
    winner = int(end.argmax())
    if start[winner] > np.delete(start, winner).max():
        return "the pathway that started ahead took the signal and kept it"
    return f"pathway {winner + 1} took the signal and kept it, though it did not start ahead"


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


# --- What is compared ------------------------------------------------------------------------


def _knows_flow(experiment: Experiment) -> bool:
    return bool(expectations.expected(experiment).knows_flow)


def _of_flow(experiment: Experiment) -> str:
    flow = expectations.expected(experiment).flow
    return f"gradient flow from this start ends shared {split(flow)}"


def _off_flow(run: Trajectory, judged: Judged) -> float:
    """How far its shares end from those of gradient flow from its start: 0 for one that has no
    steps, or nothing to share; nan where nobody knows."""
    if len(judged.shares) == 1 or run.experiment.dynamics.step_size is None:
        return 0.0
    return float(np.abs(judged.shares - expectations.expected(run.experiment).flow).max())


def _is_as_flow(run: Trajectory, judged: Judged) -> bool:
    """Whether it ends as gradient flow from its start, at least nearly; where nobody knows
    that, whether it stayed far below the edge."""
    off = _off_flow(run, judged)
    if np.isfinite(off):
        return off <= NEARLY
    return last_steps.stays_far_below(run, FAR_BELOW)


def _is_more_even(run: Trajectory, judged: Judged) -> bool:
    """Whether it ends shared more evenly than where gradient flow from its start does."""
    flow = expectations.expected(run.experiment).flow
    return not bool(judged.shares.max() >= flow.max())  # so it is where nobody knows


def _left_the_edge(run: Trajectory) -> bool:
    """Whether it met the edge and left it from layers that started uneven, which need not share
    for that."""
    return not run.experiment.start.balanced and last_steps.met_edge(run, with_signal=True)
