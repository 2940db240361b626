"""How a run ends, judged so that a longer run does not contradict it.

Judged is the sharpest mode, in units of its target, on its tail: of a descent the steps that follow
its end (`true_tail`, `last_steps`); where time is continuous the last records (`judged`).
"""

from __future__ import annotations

from enum import StrEnum
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from simcore import expectations, theory
from simcore.expectations import Expected
from simcore.experiment import Experiment
from simcore.marks import TIE

LEARNED = 0.1  # of sigma*_1: below it there is no signal
CLOSE = 0.02  # of sigma*_1, or of a share: what counts as the same
WON = 0.9  # a pathway with this share has taken the signal
LED = 0.6  # and with this one it is ahead
STILL = 1e-3  # of sigma*_1: a smaller oscillation counts as none
BLOWN = 1e6  # of sigma*_1: from so far no run comes back
GONE = 1e-6  # of sigma*_1: so little has nothing left to die out
FLAT_ENOUGH = 1 + 1e-4  # edges: an excess that swings of STILL make and mend
UNMOVED = 1e-9  # of sigma*_1: nothing moves
PARTS = 3  # of a tail, which are compared
RETURNS = 0.05  # of a band: what comes back by less goes one way


class Regime(StrEnum):
    """How a run ended, as classified by `regimes.classify`."""

    WINNER_TAKES_ALL = "winner takes all"
    PARTLY_REBALANCED = "partly re-balanced"
    BALANCED = "balanced"
    CYCLE = "cycle"
    CHAOS = "chaos"
    SIGN_FLIP = "sign flip"
    TRAPPED = "trapped"
    DIVERGED = "diverged"
    UNFINISHED = "unfinished"

    @property
    def sentence(self) -> str:
        """What that means, for a reader who has never seen the model."""
        return _SENTENCES[self]


_SENTENCES = {
    Regime.WINNER_TAKES_ALL: ("As under gradient flow, one pathway took the signal and kept it."),
    Regime.PARTLY_REBALANCED: (
        "The minimum that gradient flow leads to is too sharp for this step size; the oscillation "
        "handed signal to the other pathways, until the shared solution was flat enough."
    ),
    Regime.BALANCED: "The pathways share the signal in the flattest way.",
    Regime.CYCLE: (
        "No minimum within reach is flat enough for this step size: the sum keeps jumping around "
        "the target in a regular cycle."
    ),
    Regime.CHAOS: (
        "No minimum within reach is flat enough for this step size: the sum keeps jumping around "
        "the target without a period."
    ),
    Regime.SIGN_FLIP: "An overshoot crossed zero and turned the sign of a pathway.",
    Regime.TRAPPED: (
        "An overshoot threw the signal back near zero, where gradients are so small that coming "
        "back takes long."
    ),
    Regime.DIVERGED: "The steps overshot more and more, and the loss grew without bound.",
    Regime.UNFINISHED: "The run ended before it settled.",
}


class Reason(StrEnum):
    """Why a verdict is what it is, where the regime alone does not tell."""

    NONE = ""
    SADDLE = "no pathway can leave zero"
    THROWN = "thrown near zero"
    GROWS = "a pathway of depth 1 is not slowed by an overshoot"
    EARLY = "the target is not reached"
    DYING_OUT = "still swings about a minimum"
    LEAVING = "rests near a minimum that is too sharp"
    EQUALISING = "pathways are still becoming equal"
    CHANGING = "the band still changes"
    SHORT = "rests short of the target"
    DECAYS = "weight decay is stronger than the target"
    PINNED = "weight decay and the edge push against each other"
    DRIFTING = "label noise still shares the signal out"
    PULLED = "weight decay and label noise pull against each other"
    DECAYING = "weight decay still moves the signal"
    DEAD = "no gradient reaches any weight"


class Ahead(NamedTuple):
    """What P equal parts of a tail show, in units of sigma*_1; axes ... hold runs.

    Of each part: the `low`, `high` and `swing` of the total, and mean `strengths`. What is `left`
    of the total at the end of the run, for a while. Of the last part: after how many steps it
    repeats itself (`period`), and the `sharpness` of the mode; `rests` where nothing moves by more
    than bits that repeat themselves.
    """

    low: np.ndarray  # (P, ...)
    high: np.ndarray  # (P, ...)
    swing: np.ndarray  # (P, ...)
    strengths: np.ndarray  # (P, H, ...)
    left: np.ndarray  # (...)
    period: np.ndarray  # (...) int64
    sharpness: np.ndarray  # (...)
    rests: np.ndarray  # (...)

    @property
    def totals(self) -> np.ndarray:
        """Mean of each part, (P, ...)."""
        return over_pathways(np.add, self.strengths.swapaxes(0, 1))


class Evidence(NamedTuple):
    """What a verdict is judged on, in units of sigma*_1; axes ... hold runs.

    Of the run itself the `start`, the `lowest` and `highest` strengths over all its steps, and the
    largest share, `peak`, that a pathway had of a total of LEARNED or more.
    """

    start: np.ndarray  # (H, ...)
    lowest: np.ndarray  # (H, ...)
    highest: np.ndarray  # (H, ...)
    peak: np.ndarray  # (...)
    ahead: Ahead
    met: np.ndarray | bool = True  # (...) whether it met the edge, where only the run can tell
    part: float = 1.0  # how long what is ahead lasts, against the run


class Verdicts(NamedTuple):
    """The verdicts on runs, with axes (...)."""

    regimes: np.ndarray  # (...) Regime
    reasons: np.ndarray  # (...) Reason
    shares: np.ndarray  # (H, ...) of the minimum that is reached, or of the mean state
    sharpness: np.ndarray  # (...) there

    @classmethod
    def of_one(
        cls, regime: Regime, reason: Reason, shares: np.ndarray, sharpness: np.ndarray
    ) -> Verdicts:
        """That on one run, with an axis of length one."""
        regimes, reasons = np.array([regime], dtype=object), np.array([reason], dtype=object)
        return cls(regimes, reasons, shares, sharpness)


class Judged(NamedTuple):
    """One run, judged (`judged.judge`)."""

    regime: Regime
    reason: Reason
    shares: np.ndarray  # (H,) where it settles
    sharpness: float  # there
    seen: Evidence | None  # with one run; None of one that did not finish


def over_pathways(combine: np.ufunc, values: np.ndarray) -> np.ndarray:
    """One by one along the first axis, so that a run gives the same bits alone and among others."""
    return reduce(combine, values)


def shares_of(strengths: np.ndarray) -> np.ndarray:
    """q_h of strengths (H, ...), equal where all are zero."""
    sizes = np.abs(strengths)
    total = over_pathways(np.add, sizes)
    equal = np.full(sizes.shape, 1 / len(sizes))
    return np.divide(sizes, total, out=equal, where=total > 0)


# --- The verdict -----------------------------------------------------------------------------


Row = tuple[Regime, Reason, np.ndarray]  # which verdict, why, and for which runs (N,) it holds


def judge(
    depths: tuple[int, ...], expected: Expected, edge: Any, scale: Any, seen: Evidence
) -> Verdicts:
    """The regime of each of N finished runs, as `regimes.classify` defines it.

    `expected` is what theory expects of each start, `edge` (N,) is 2/eta, `scale` (N,) sigma*_1.
    """
    edge, scale = (
        np.broadcast_to(np.asarray(value, dtype=float), seen.peak.shape) for value in (edge, scale)
    )
    with np.errstate(all="ignore"):
        minimum = _minimum(depths, expected, scale, seen)
        rows = [
            *_far_from_the_target(depths, expected, edge, seen),
            *_without_a_stable_minimum(depths, expected, edge, seen, minimum),
            *_with_a_stable_minimum(expected, edge, seen, minimum),
            (Regime.WINNER_TAKES_ALL, Reason.NONE, np.ones(seen.peak.shape, bool)),
        ]
    all_regimes, all_reasons, holds = zip(*rows, strict=True)
    first = np.argmax(holds, axis=0)
    regimes, reasons = (np.array(all_, dtype=object)[first] for all_ in (all_regimes, all_reasons))
    return Verdicts(regimes, reasons, *minimum)


def judge_one(experiment: Experiment, seen: Evidence, expected: Expected | None = None) -> Verdicts:
    """The verdict on one run, with an axis of length one, by the rules of plain dynamics."""
    expected = expectations.expected(experiment) if expected is None else expected
    expected = Expected(*(values[..., None] for values in expected))
    edge = np.inf if experiment.edge is None else experiment.edge
    scale = theory.sharpest_target(experiment)
    return judge(experiment.network.depths, expected, edge, scale, seen)


def _far_from_the_target(
    depths: tuple[int, ...], expected: Expected, edge: np.ndarray, seen: Evidence
) -> list[Row]:
    ahead = seen.ahead
    farthest = np.maximum(np.abs(ahead.low), np.abs(ahead.high)).max(axis=0)
    blown = ~(farthest < BLOWN)
    unstable = _unstable(expected, edge, seen)
    # an oscillation in a pathway of depth 1 is not slowed by anything
    linear = unstable & expected.alive[np.array(depths) == 1].any(axis=0)
    growing = (ahead.swing[-1] > STILL) & (np.diff(ahead.swing, axis=0) > 0).all(axis=0)
    lost = _lost(seen) & np.isfinite(edge)  # without steps nothing overshoots
    return [
        (Regime.DIVERGED, Reason.GROWS, linear & (blown | growing)),
        (Regime.DIVERGED, Reason.NONE, blown),
        (Regime.SIGN_FLIP, Reason.NONE, _flipped(depths, seen)),
        (Regime.TRAPPED, Reason.SADDLE, ~expected.alive.any(axis=0)),
        (Regime.TRAPPED, Reason.THROWN, lost & ~(edge > 2 / expected.trap)),
        (Regime.UNFINISHED, Reason.THROWN, lost),
        (Regime.UNFINISHED, Reason.GROWS, linear),
    ]


def _without_a_stable_minimum(
    depths: tuple[int, ...],
    expected: Expected,
    edge: np.ndarray,
    seen: Evidence,
    minimum: _Minimum,
) -> list[Row]:
    moves = _unstable(expected, edge, seen) & (seen.ahead.swing.max(axis=0) > STILL)
    stays = moves & steady(seen.ahead)
    level = ~expected.gains | (_distance(minimum.shares, expected.flattest) <= CLOSE)
    return [
        (Regime.CYCLE, Reason.NONE, stays & level & (seen.ahead.period > 0)),
        (Regime.CHAOS, Reason.NONE, stays & level),
        (Regime.UNFINISHED, Reason.EQUALISING, stays),
        (Regime.UNFINISHED, Reason.CHANGING, moves),
    ]


def _with_a_stable_minimum(
    expected: Expected, edge: np.ndarray, seen: Evidence, minimum: _Minimum
) -> list[Row]:
    """Of what neither is far away nor keeps moving."""
    ahead, flat_enough = seen.ahead, edge * FLAT_ENOUGH
    sharp = _unstable(expected, edge, seen) | (minimum.sharpness > flat_enough)
    level = _distance(minimum.shares, expected.flattest) <= CLOSE
    # where gradient flow's end is known to be too sharp, what is flat enough lies elsewhere
    elsewhere = np.where(
        ~expected.closed,
        (expected.winner >= edge) & (seen.peak - minimum.shares.max(axis=0) > CLOSE) & seen.met,
        (expected.winner > edge * (1 + TIE))
        & ~sharp
        & ((expected.winner > flat_enough) | (minimum.sharpness <= edge)),
    )
    return [
        (Regime.UNFINISHED, Reason.EARLY, ~_near(ahead).all(axis=0)),
        (Regime.UNFINISHED, Reason.DYING_OUT, (ahead.swing > CLOSE).any(axis=0) | ~_fades(ahead)),
        (Regime.UNFINISHED, Reason.LEAVING, sharp & ~ahead.rests),
        (Regime.BALANCED, Reason.NONE, expected.gains & level),
        (Regime.PARTLY_REBALANCED, Reason.NONE, expected.gains & elsewhere),
    ]


def _unstable(expected: Expected, edge: np.ndarray, seen: Evidence) -> np.ndarray:
    """Whether no minimum is stable; a run that rests does so all the same."""
    return (expected.lowest > edge * (1 + TIE)) & ~seen.ahead.rests


class _Minimum(NamedTuple):
    shares: np.ndarray  # (H, N)
    sharpness: np.ndarray  # (N,)


def _minimum(
    depths: tuple[int, ...], expected: Expected, scale: np.ndarray, seen: Evidence
) -> _Minimum:
    """What gradient flow would reach from the mean of the last part, where that is nearly a minimum
    and has a closed form; else the mean itself and the sharpness seen there."""
    ahead = seen.ahead
    strengths, sharpness = ahead.strengths[-1].copy(), ahead.sharpness.copy()
    off = np.abs(ahead.totals[-1] - 1)
    known = (off <= CLOSE) & (ahead.swing[-1] <= CLOSE) & expected.closed
    known &= (strengths >= 0)[np.array(depths) > 1].all(axis=0)
    goes = known & (off > UNMOVED)
    if goes.any():
        from_here = (strengths[:, goes] * scale[goes]).T
        strengths[:, goes] = theory.flow_end_split(from_here, depths, scale[goes]).T / scale[goes]
    if known.any():
        ends = (strengths[:, known] * scale[known]).T
        sharpness[known] = theory.mode_sharpness(ends, depths)
    return _Minimum(shares_of(strengths), sharpness)


def _lost(seen: Evidence) -> np.ndarray:
    """Had more than half of its target and has no signal left; what is below zero is none of it."""
    reach = over_pathways(np.add, np.maximum(seen.highest, 0.0))
    return (reach > 0.5) & (seen.ahead.left < LEARNED)


def _flipped(depths: tuple[int, ...], seen: Evidence) -> np.ndarray:
    deep = np.array(depths) > 1  # a linear pathway crosses zero under gradient flow too
    return np.any(((seen.lowest < -STILL) & (seen.start >= 0))[deep], axis=0)


def steady(ahead: Ahead) -> np.ndarray:
    """Whether the first part of the tail is like the last: the total's band, and the shares."""
    same = np.maximum(CLOSE, 0.1 * ahead.swing[-1])
    kept = [np.abs(band[0] - band[-1]) <= same for band in (ahead.low, ahead.high)]
    shares = _distance(shares_of(ahead.strengths[0]), shares_of(ahead.strengths[-1]))
    return kept[0] & kept[1] & (shares <= CLOSE)


def goes_both_ways(ahead: Ahead) -> np.ndarray:
    """Whether the total rises and falls, (...): it repeats itself after several steps, or one part
    of the tail does not lie beyond the part before, but for little. What drifts moves one way
    through all of them, and repeats itself, nearly, after each step."""
    (low, then_low), (high, then_high) = ahead.low[:2], ahead.high[:2]
    back = RETURNS * (high - low)
    beyond = (then_low >= high - back) | (then_high <= low + back)
    untold = (then_low == low) & (then_high == high)  # of records too few to be parted
    both: np.ndarray = (np.abs(ahead.period) > 1) | ~(beyond | untold)
    return both


def _near(ahead: Ahead) -> np.ndarray:
    """Whether the total is close to its target on average, (P, ...)."""
    return np.abs(ahead.totals - 1) <= CLOSE


def _fades(ahead: Ahead) -> np.ndarray:
    """Whether the swing gets smaller from part to part, or nothing of it is left."""
    return (np.diff(ahead.swing, axis=0) < 0).all(axis=0) | (ahead.swing[-1] <= GONE)


def _distance(shares: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Largest difference over the pathways, the first axis."""
    return np.abs(shares - others).max(axis=0)
