"""What is said of pathways that are not linear, of which theory knows nothing.

No closed form says where such a run ends, so its verdict is read from what it shows after its end
(`last_steps`) and at every step (`past`): whether that stays as it is, whether the largest share
has fallen, and whether the edge was met.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from simcore import curvature, driven_verdicts, driven_words, last_steps, lone_words
from simcore.courses import has_winner, sharpest
from simcore.experiment import Dynamics
from simcore.memory import once
from simcore.trajectory import Trajectory
from simcore.verdicts import (
    BLOWN,
    CLOSE,
    FLAT_ENOUGH,
    GONE,
    LEARNED,
    LED,
    Ahead,
    Evidence,
    Judged,
    Reason,
    Regime,
    Verdicts,
    over_pathways,
    shares_of,
    steady,
)

LITTLE = 1e-4  # of the loss: what a run that has settled may still lose
AFAR = (1.0, 3.0, 10.0)  # times the way to where it has lost that


def judge(run: Trajectory, seen: Evidence) -> Verdicts:
    """The regime of a finished run, with an axis of length one. The first of these that applies:

    * TRAPPED: all outputs are zero and no gradient reaches any weight, as happens with ReLU;
    * DIVERGED: its strengths grow beyond any bound;
    * UNFINISHED: the signal was there and is lost, or the band of the sum or the shares still
      change;
    * CYCLE, CHAOS: the sum of a descent keeps jumping by more than 0.02 sigma*_1 in a band that
      stays;
    * UNFINISHED: the sum rests away from its target, maybe because outputs died, or at weights
      that are sharper than the edge, where it cannot stay;
    * PARTLY_REBALANCED: the edge was met, and the largest share ends more than 0.02 below its peak;
    * WINNER_TAKES_ALL: everything else.

    With weight decay one that claims to stay must do so (`driven_verdicts`).
    """
    return driven_verdicts.if_decay_lets_it(run.experiment, seen, partial(_as_seen, run))


def _as_seen(run: Trajectory, seen: Evidence) -> Verdicts:
    """The same, if what is seen of the end stays."""
    ahead = seen.ahead
    shares = shares_of(ahead.strengths[-1])
    regime, reason = _verdict(run, seen, float(seen.peak[0] - shares.max()))
    return Verdicts.of_one(regime, reason, shares, ahead.sharpness)


def _verdict(run: Trajectory, seen: Evidence, fallen: float) -> tuple[Regime, Reason]:
    ahead = seen.ahead
    farthest = max(float(np.abs(ahead.low).max()), float(np.abs(ahead.high).max()))
    reach = over_pathways(np.add, np.maximum(np.abs(seen.lowest), np.abs(seen.highest)))
    if silence(run).everywhere:
        return Regime.TRAPPED, Reason.DEAD
    if not farthest < BLOWN:
        return Regime.DIVERGED, Reason.NONE
    if reach[0] > 0.5 and ahead.left[0] < LEARNED:
        return Regime.UNFINISHED, Reason.THROWN
    moves, jumps = bool(ahead.swing.max() > CLOSE), run.experiment.dynamics.iterated
    if not steady(ahead)[0] or (moves and not jumps):
        return Regime.UNFINISHED, Reason.CHANGING
    if moves:
        return (Regime.CYCLE if ahead.period[0] > 0 else Regime.CHAOS), Reason.NONE
    if not (np.abs(ahead.totals - 1) <= CLOSE).all():
        return Regime.UNFINISHED, Reason.DEAD if _have_died(run) else Reason.EARLY
    if _is_too_sharp(run, ahead):
        return Regime.UNFINISHED, Reason.LEAVING
    if fallen > CLOSE and np.all(seen.met):
        return Regime.PARTLY_REBALANCED, Reason.NONE
    return Regime.WINNER_TAKES_ALL, Reason.NONE


def _is_too_sharp(run: Trajectory, ahead: Ahead) -> bool:
    """Whether it ends above its edge, on average, too, and still moves; not where the sharpness is
    not known."""
    edge, last = run.experiment.edge, last_steps.felt(run)[-1]
    if edge is None or ahead.rests[0]:
        return False
    return bool(min(last, ahead.sharpness[0]) > edge * FLAT_ENOUGH)


# --- Outputs that ReLU holds at zero ---------------------------------------------------------


class Silence(NamedTuple):
    """Of the outputs that are to be above zero those that are zero for every sample at the end, in
    every pathway, so that no gradient reaches their own weights."""

    outputs: int = 0  # how many
    dead: bool = False  # nothing can bring them back
    everywhere: bool = False  # all outputs are, and no gradient reaches any weight
    floor: float = 0.0  # of the loss while they are silent
    settled: bool = False  # the loss stays


@once
def silence(run: Trajectory) -> Silence:
    """Where ReLU gives zero at the end. Nothing brings such an output back

    * if no gradient reaches the layers below the last, so that what they pass up stays;
    * or if the run is settled: the loss of the tail is what no gradient passes, so that outputs
      above zero have learned all they can, and nothing moves what is below.

    With momentum, only once the velocity of before is used up. Weight decay moves what has come to
    rest, too; but where all outputs are zero it scales each layer, so none of them changes.
    """
    network, task, theta = run.experiment.network, run.experiment.task, run.theta
    if network.activation != "relu" or theta is None or not np.isfinite(theta).all():
        return Silence()
    _, wanted, share = task.samples()
    at_zero = ~_given(run, theta)
    silent = np.logical_and.reduce(at_zero, axis=1)
    cannot = (wanted < 0) & network.activate_last  # be given
    outputs = int((silent & (wanted * ~cannot).any(axis=1)).sum())
    floor, stuck = (
        float(0.5 * share * (wanted[where | cannot] ** 2).sum())
        for where in (silent[:, None], at_zero)
    )
    pathways = curvature.layers(run.experiment, curvature.gradient(run.experiment, theta))
    below, last = (
        any(layer.any() for layers in pathways for layer in layers[part])
        for part in (slice(-1), slice(-1, None))
    )
    everywhere = bool(silent.all()) and floor > 0 and not (below or last)
    quiet = _has_been(run, stuck)
    stands = quiet >= np.ptp(run.steps[last_steps.tail(len(run.steps))])
    settled = everywhere or (network.activate_last and stands and _keeps_to(run, stuck))
    dead = everywhere if run.experiment.dynamics.weight_decay else settled or not below
    dead &= _coasted(run.experiment.dynamics, quiet)
    return Silence(outputs, bool(dead), bool(everywhere and dead), floor, bool(settled))


def _has_been(run: Trajectory, loss: float) -> float:
    """For how many steps the loss has been this one, inf if it never changed by a bit."""
    if (run.loss_range == run.loss[-1]).all():
        return np.inf
    differs = np.flatnonzero((np.abs(run.loss_range - loss) > LITTLE * loss).any(axis=1))
    return float(run.steps[-1] - (run.steps[differs[-1]] if len(differs) else 0))


def _coasted(dynamics: Dynamics, steps: float) -> bool:
    """Whether weights without a gradient have used up the velocity they had so many steps ago, so
    that all of them keep still or, with weight decay, shrink alike. Each (v, w) goes to
    (beta v - eta mu w, w + v), or Nesterov's, and the faster of two eigenvectors has to be gone;
    of a complex pair, which swings through zero, neither ever is."""
    beta, eta = dynamics.momentum, dynamics.eta
    if not beta or eta is None:
        return True
    decay, lead = eta * dynamics.weight_decay, beta if dynamics.nesterov else 1.0
    pulled = decay * (lead + dynamics.nesterov)
    rates = np.abs(np.linalg.eigvals([[beta, -decay], [lead * beta, 1 - pulled]]))
    return bool((rates.min() / rates.max()) ** steps <= GONE)


def _keeps_to(run: Trajectory, loss: float) -> bool:
    """Whether outputs that are zero for a sample stay so, on the way to where the loss is this one
    and well beyond: were the valley as curved everywhere as along its gradient g, that would be
    2 (L - loss)/|g|^2 g away."""
    assert run.theta is not None
    g = curvature.gradient(run.experiment, run.theta)
    size, left = float((g**2).sum()), max(0.0, run.loss[-1] - loss)
    way = (2 * left / size if size > 0 else 0.0) * g
    here = _given(run, run.theta)
    return not any((_given(run, run.theta - far * way) & ~here).any() for far in AFAR)


def _given(run: Trajectory, theta: np.ndarray) -> np.ndarray:
    """Whether some pathway gives something for an output and a sample, (n_out, N)."""
    given: np.ndarray = (curvature.outputs(run.experiment, theta) != 0).any(axis=0)
    return given


def _have_died(run: Trajectory) -> bool:
    found = silence(run)
    return found.dead and found.outputs > 0


# --- In words --------------------------------------------------------------------------------


def headline(run: Trajectory, judged: Judged) -> str:
    """The regime in a few words."""
    regime = judged.regime
    if judged.reason is Reason.DEAD:
        return "dead network" if regime is Regime.TRAPPED else "outputs died"
    if regime is Regime.WINNER_TAKES_ALL and not has_winner(run):
        return lone_words.headline(run, judged)
    return regime.value


def sentences(run: Trajectory, judged: Judged) -> list[str]:
    """What happened."""
    if silence(run).everywhere:
        return [_dead_network(run)]
    first = [] if judged.reason is Reason.DEAD else [_said(run, judged)]
    return [*first, *_silent(run), *_unknown(run)]


def _said(run: Trajectory, judged: Judged) -> str:
    regime, reason = judged.regime, judged.reason
    if reason is Reason.DECAYING:
        return driven_words.decaying(run)
    if reason in _OF_REASONS:
        return _OF_REASONS[reason]
    if regime is Regime.WINNER_TAKES_ALL:
        return _kept(run, judged)
    if regime is Regime.UNFINISHED:
        sharp = "The run ends sharper than its edge, so it has not settled."
        ended = sharp if reason is Reason.LEAVING else regime.sentence
        return f"{ended[:-1]}; give it {run.experiment.dynamics.more}."
    return _OF_REGIMES.get(regime, regime.sentence)


_OF_REASONS = {
    Reason.THROWN: "The signal was there and has been thrown back near zero.",
    Reason.EARLY: "The run rests away from its target, or comes closer too slowly to tell.",
}
_OF_REGIMES = {
    Regime.PARTLY_REBALANCED: (
        "At the edge of stability the oscillation handed signal from one pathway to the others."
    ),
    Regime.CYCLE: (
        "The sum keeps jumping around the target in a regular cycle; at this step size the run "
        "does not come to rest."
    ),
    Regime.CHAOS: (
        "The sum keeps jumping around the target without a period; at this step size the run does "
        "not come to rest."
    ),
}


def _kept(run: Trajectory, judged: Judged) -> str:
    if run.experiment.network.pathways == 1:
        return lone_words.sentence(run, judged)
    if last_steps.met_edge(run) and shares_of(sharpest(run).strengths[-1]).max() >= LED:
        return (
            "The run met the edge of stability, and no pathway handed signal to another: the "
            "weights became flatter without sharing."
        )
    if has_winner(run):
        return "One pathway took the signal and kept it."
    if last_steps.met_edge(run):
        return "The pathways share the signal, as they did before they met the edge of stability."
    return "The pathways share the signal, none took it all."


def _dead_network(run: Trajectory) -> str:
    if run.experiment.dynamics.weight_decay:
        end = "gradient reaches any weight, and weight decay alone moves them, towards zero"
    else:
        end = "weight moves any more"
    return (
        "The network is dead: ReLU gives zero wherever a gradient would have to pass, so at any "
        f"step size no {end}; the loss stays at {run.loss[-1]:.3g}."
    )


def _silent(run: Trajectory) -> list[str]:
    """What became of outputs that ReLU holds at zero."""
    outputs, found = run.experiment.task.n_out, silence(run)
    if found.outputs == 0:
        return []
    several, who = found.outputs > 1, f"{found.outputs} of {outputs} outputs"
    if not found.dead:
        return [
            f"{who} {'are' if several else 'is'} zero for every sample at the end of the run, so "
            f"no gradient reaches {'their' if several else 'its'} own weights; as long as any "
            f"move, {'they' if several else 'it'} may come back."
        ]
    loss = (
        f"stays at {run.loss[-1]:.3g}" if found.settled else f"cannot fall below {found.floor:.3g}"
    )
    return [
        f"{who} {'have' if several else 'has'} died: ReLU gives zero there for every sample, no "
        f"gradient comes back, and the loss {loss}."
    ]


def _unknown(run: Trajectory) -> list[str]:
    """That a larger step size need not share more, where one has shared."""
    if not last_steps.met_edge(run) or run.experiment.network.pathways == 1:
        return []
    name = run.experiment.network.phi
    return [f"With {name} no closed form holds, and a larger step size need not share more."]
