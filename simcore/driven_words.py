"""What is said of a run with events, momentum, weight decay or label noise, where the sentence of a
plain run would not be true."""

from __future__ import annotations

import numpy as np

from simcore import drift, expectations, theory, zone_words
from simcore.courses import sharpest
from simcore.trajectory import Trajectory
from simcore.verdicts import CLOSE, Judged, Reason, Regime

_OF_REASONS = {
    Reason.DECAYS: (
        "Weight decay is stronger than the pull of the target on so small a start, so the weights "
        "decay to zero and the run never leaves the plateau."
    ),
    Reason.PINNED: (
        "Weight decay favours a single pathway, and the edge of stability hands signal back to the "
        "others: the run stays at the edge, where the two balance."
    ),
}
_LOST = (
    "The signal was there and fell back near zero, where gradients are so small that coming back "
    "takes long."
)
_HEADLINES = {
    Reason.DECAYS: zone_words.DECAYS,
    Reason.PINNED: "held at the edge by weight decay",
    Reason.DRIFTING: "still being shared by label noise",
    Reason.PULLED: "pulled both ways by label noise and weight decay",
    Reason.DECAYING: "still being moved by weight decay",
}


def headline(reason: Reason) -> str | None:
    """A few words; None where those of the regime are true."""
    return _HEADLINES.get(reason)


def sentence(run: Trajectory, judged: Judged) -> str | None:
    """What happened; None where what is said of a plain run is true."""
    regime, reason = judged.regime, judged.reason
    if reason in _OF_REASONS:
        return _OF_REASONS[reason]
    if reason is Reason.DECAYING:
        return decaying(run)
    if reason is Reason.PULLED:
        return (
            "Label noise shares the signal out and weight decay favours a single pathway; they "
            "pull against each other, so the shares may change yet. Give it "
            f"{run.experiment.dynamics.more}."
        )
    if reason is Reason.DRIFTING:
        return _drifting(run, judged.shares)
    dynamics = run.experiment.dynamics
    if regime is Regime.TRAPPED and reason is Reason.THROWN:
        return regime.sentence if _steps_alone(run) else _LOST
    if regime is Regime.PARTLY_REBALANCED and (
        _interrupted(run) or not expectations.winner_is_too_sharp(run.experiment)
    ):
        return _shared_more(run)
    if regime is Regime.BALANCED and dynamics.label_noise:
        return (
            "Label noise has shared the signal out, so that the pathways are at the flattest split."
        )
    if regime is Regime.WINNER_TAKES_ALL:
        return _kept(run)
    return None


def decaying(run: Trajectory) -> str:
    """That weight decay has not come to its end."""
    several, more = run.experiment.network.pathways > 1, run.experiment.dynamics.more
    so = ", so the shares are those of a while" if several else ""
    return f"Weight decay is still moving the signal, slowly{so}; give it {more}."


def _steps_alone(run: Trajectory) -> bool:
    """Whether nothing but its steps, and their memory, can throw it back."""
    dynamics = run.experiment.dynamics
    return not (_interrupted(run) or dynamics.weight_decay or dynamics.label_noise)


def _interrupted(run: Trajectory) -> bool:
    """Whether more happens in the run than a warm-up."""
    dynamics = run.experiment.dynamics
    return len(dynamics.events) > (dynamics.warms_up_for > 0)


def _shared_more(run: Trajectory) -> str:
    """That it is, and why where only one thing can be the reason."""
    dynamics = run.experiment.dynamics
    known = expectations.expected(run.experiment).knows_flow
    if dynamics.momentum and not _interrupted(run) and known:
        return (
            "The minimum that gradient flow leads to is flat enough for this step size, but "
            "momentum overshoots at the end of the plateau, and that shared the signal out more "
            "evenly."
        )
    than = "under plain gradient flow from the same start" if known else "when one of them led most"
    return f"The pathways end up sharing the signal more evenly than {than}."


def _kept(run: Trajectory) -> str | None:
    dynamics, depths = run.experiment.dynamics, run.experiment.network.depths
    shares = theory.shares(sharpest(run).strengths[-1])
    winner, expected = int(shares.argmax()), expectations.expected(run.experiment)
    more = expected.closed and shares.max() > expected.flow.max() + CLOSE
    if len(depths) > 1 and more and dynamics.weight_decay and not _interrupted(run):
        return (
            f"Weight decay handed the signal to pathway {winner + 1}: it keeps more of it than "
            "gradient flow alone would leave it."
        )
    if _interrupted(run) and len(depths) > 1:
        return f"Pathway {winner + 1} ends with the largest share of the signal, and keeps it."
    return None


def _drifting(run: Trajectory, shares: np.ndarray) -> str:
    said = "Label noise is still sharing the signal out, so the shares are those of a while"
    more = drift.steps_to_level(run.experiment, shares)
    if more is None:
        return f"{said}; give it {run.experiment.dynamics.more}."
    return (
        f"{said}: about {more:,.0f} more steps, by its drift law, until they are those of the "
        "flattest split."
    )
