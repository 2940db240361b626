"""How a run ends, judged so that a longer run does not contradict it.

Judged is the sharpest mode, in units of its target. A descent from an aligned start is judged on
its *true tail*: its mode is iterated on from the end and every step is seen, so the verdict does
not depend on how often the run was recorded. Where weights are full, or time is continuous, the
last records take the place of the tail.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np

from simcore import mode_starts, prospects, theory
from simcore.experiment import Descent, Experiment
from simcore.kernels import modes as kernels
from simcore.kernels import ranges, tails
from simcore.kernels.simd import padded, zeros
from simcore.prospects import TIE, Expected

LEARNED = 0.1  # of sigma*_1: below it there is no signal
CLOSE = 0.02  # of sigma*_1, or of a share: what counts as the same
STILL = 1e-3  # of sigma*_1: a smaller oscillation counts as none
BLOWN = 1e6  # of sigma*_1: from so far no run comes back
GONE = 1e-6  # of sigma*_1: so little has nothing left to die out
LONGEST_PERIOD = 16  # steps of a cycle
EXACT = 5e-3  # of the swing: a cycle that repeats itself so well is no chaos in narrow bands
FLAT_ENOUGH = 1 + 1e-4  # edges: an excess that swings of STILL make and mend

PARTS, PART = 3, 128  # of the true tail, and steps in each
LONGER = 1024  # steps in each part where the first is not like the last
GLANCE = 16  # steps that tell whether anything moves
UNMOVED = 1e-9  # of sigma*_1: moved less than that in a glance
BUDGET = 100_000  # steps taken to learn when a run will have settled,
FIRST_MORE = 50  # at first so many at a time
CHUNK = 256  # descents watched together, so that they stay in the cache


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
        "No minimum within reach is flat enough for this step size: the pathways' sum keeps "
        "jumping around the target in a regular cycle."
    ),
    Regime.CHAOS: (
        "No minimum within reach is flat enough for this step size: the pathways' sum keeps "
        "jumping around the target without a period."
    ),
    Regime.SIGN_FLIP: "An overshoot crossed zero and turned the sign of a pathway.",
    Regime.TRAPPED: (
        "An overshoot threw the signal back near zero, where gradients are so small that coming "
        "back takes long."
    ),
    Regime.DIVERGED: "The steps overshot more and more, and the loss grew without bound.",
    Regime.UNFINISHED: "The run ended before it settled; give it more steps.",
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


PER_PART = ("low", "high", "swing", "strengths")


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


class Verdicts(NamedTuple):
    """The verdicts on runs, with axes (...)."""

    regimes: np.ndarray  # (...) Regime
    reasons: np.ndarray  # (...) Reason
    shares: np.ndarray  # (H, ...) of the minimum that is reached, or of the mean state
    sharpness: np.ndarray  # (...) there


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
    lost = _lost(seen)
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
    steady = moves & _steady(seen.ahead)
    level = ~expected.gains | (_distance(minimum.shares, expected.flattest) <= CLOSE)
    return [
        (Regime.CYCLE, Reason.NONE, steady & level & (seen.ahead.period > 0)),
        (Regime.CHAOS, Reason.NONE, steady & level),
        (Regime.UNFINISHED, Reason.EQUALISING, steady),
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
        np.isnan(expected.flow).any(axis=0),
        (expected.winner >= edge) & (seen.peak - minimum.shares.max(axis=0) > CLOSE),
        (expected.winner > flat_enough) & ~sharp,
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
    known = (off <= CLOSE) & (ahead.swing[-1] <= CLOSE) & ~np.isnan(expected.flow).any(axis=0)
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
    """Had more than half of its target and has no signal left."""
    reach = over_pathways(np.add, np.maximum(np.abs(seen.lowest), np.abs(seen.highest)))
    return (reach > 0.5) & (seen.ahead.left < LEARNED)


def _flipped(depths: tuple[int, ...], seen: Evidence) -> np.ndarray:
    deep = np.array(depths) > 1  # a linear pathway crosses zero under gradient flow too
    return np.any(((seen.lowest < -STILL) & (seen.start >= 0))[deep], axis=0)


def _steady(ahead: Ahead) -> np.ndarray:
    """Whether the first part of the tail is like the last: the total's band, and the shares."""
    same = np.maximum(CLOSE, 0.1 * ahead.swing[-1])
    kept = [np.abs(band[0] - band[-1]) <= same for band in (ahead.low, ahead.high)]
    shares = _distance(shares_of(ahead.strengths[0]), shares_of(ahead.strengths[-1]))
    return kept[0] & kept[1] & (shares <= CLOSE)


def _near(ahead: Ahead) -> np.ndarray:
    """Whether the total is close to its target on average, (P, ...)."""
    return np.abs(ahead.totals - 1) <= CLOSE


def _fades(ahead: Ahead) -> np.ndarray:
    """Whether the swing gets smaller from part to part, or nothing of it is left."""
    return (np.diff(ahead.swing, axis=0) < 0).all(axis=0) | (ahead.swing[-1] <= GONE)


def _distance(shares: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Largest difference over the pathways, the first axis."""
    return np.abs(shares - others).max(axis=0)


# --- The true tail ---------------------------------------------------------------------------


class Descents(NamedTuple):
    """The sharpest mode of N descents of one architecture, where they ended."""

    first: np.ndarray  # (H+1,) int64, as in `kernels.modes`
    power: np.ndarray  # (G,) int64
    target: np.ndarray  # (N,)
    step_size: np.ndarray  # (N,)
    x: np.ndarray  # (G, N)

    def system(self, columns: Any = slice(None)) -> tuple[kernels.ModeSystem, np.ndarray, Any]:
        """Those at `columns`, padded for kernels: the system, x and the state there."""
        x, target, step_size = self.x[:, columns], self.target[columns], self.step_size[columns]
        size = padded(len(target))
        wide = zeros(len(x), size)
        wide[:, : len(target)] = x
        padded_target, padded_step = zeros(size), zeros(size)
        padded_target[: len(target)], padded_step[: len(target)] = target, step_size
        system = kernels.ModeSystem(self.first, self.power, padded_target, padded_step)
        state = mode_starts.fresh_state(system)
        kernels.evaluate(wide, system, state)
        return system, wide, state


def watch(descents: Descents, lowest: np.ndarray) -> Ahead:
    """What N descents do after their end; the flattest minimum has sharpness `lowest` (N,)."""
    count = len(descents.target)
    unstable = lowest * descents.step_size > 2 * (1 + TIE)
    chunks = [
        _watch(descents, np.arange(n, min(n + CHUNK, count)), unstable)
        for n in range(0, count, CHUNK)
    ]
    return Ahead(*(np.concatenate(parts, axis=-1) for parts in zip(*chunks, strict=True)))


def _watch(descents: Descents, columns: np.ndarray, unstable: np.ndarray) -> Ahead:
    """A glance tells where nothing moves. Where no minimum is stable, and the band changes, for
    example as excursions towards zero take long, or no cycle is clear, the parts are longer."""
    glance = _look(descents, columns, 1, GLANCE)
    ahead = glance._replace(
        **{name: np.repeat(getattr(glance, name), PARTS, axis=0) for name in PER_PART}
    )

    def look_again(places: np.ndarray, steps: int) -> None:
        if len(places):
            found = _look(descents, columns[places], PARTS, steps)
            found = found._replace(left=ahead.left[places] if steps > PART else found.left)
            for kept, new in zip(ahead, found, strict=True):
                kept[..., places] = new

    look_again(np.flatnonzero(~(glance.swing[0] <= UNMOVED)), PART)
    with np.errstate(all="ignore"):
        unclear = ~_steady(ahead) | (ahead.period <= 0)
        changes = unstable[columns] & unclear & (ahead.swing.max(axis=0) > STILL)
    look_again(np.flatnonzero(changes), LONGER)
    return ahead


def _look(descents: Descents, columns: np.ndarray, parts: int, steps: int) -> Ahead:
    system, x, state = descents.system(columns)
    size, pathways, count = x.shape[1], len(system.first) - 1, len(columns)
    tail = tails.Tail(
        np.empty((parts, size)),
        np.empty((parts, size)),
        np.empty((parts, pathways, size)),
        np.empty((parts, size)),
        np.empty((steps, size)),
    )
    tails.watch(x, system, state, tail)
    unit = np.where(system.target > 0, system.target, 1.0)
    low, high, strengths = tail.low / unit, tail.high / unit, tail.strengths / unit
    with np.errstate(invalid="ignore"):
        swing = high - low
    repeated = period(tail.totals / unit, swing[-1])
    before = x.copy()
    kernels.descend(x, system, np.int64(2), np.inf, state, ranges.fresh(pathways, size))
    rests = (x == before).all(axis=0) & (swing[-1] <= GONE)
    left = np.maximum(np.abs(low[0]), np.abs(high[0]))
    found = Ahead(low, high, swing, strengths, left, repeated, tail.sharpness[-1], rests)
    return Ahead(*(values[..., :count] for values in found))


def period(totals: np.ndarray, swing: np.ndarray) -> np.ndarray:
    """After how many records, at most 16 and half of them, each series (T, N) repeats itself to 5 %
    of its swing; 0 if it does not. Negative if it does so roughly and gets no better, as chaos in
    narrow bands does."""
    found, errors = np.zeros(totals.shape[1], np.int64), np.zeros((2, totals.shape[1]))
    scale = np.maximum(swing, 1e-12)
    longest = np.int64(min(LONGEST_PERIOD, len(totals) // 2))
    tails.periods(np.ascontiguousarray(totals), longest, 0.05 * scale, found, errors)
    exact = (errors[1] <= EXACT * scale) | (errors[1] < 0.5 * errors[0])
    return np.where(exact, found, -found)


# --- One descent -----------------------------------------------------------------------------


def has_true_tail(experiment: Experiment) -> bool:
    """Whether it is a descent that can be iterated on, mode by mode."""
    return experiment.resolved_engine == "modes" and type(experiment.dynamics) is Descent


def judge_one(experiment: Experiment, seen: Evidence) -> Verdicts:
    """The verdict on one run, with an axis of length one."""
    expected = Expected(*(values[..., None] for values in prospects.expected(experiment)))
    edge = np.inf if experiment.edge is None else experiment.edge
    scale = experiment.task.singular_values[0]
    return judge(experiment.network.depths, expected, edge, scale, seen)


@lru_cache(maxsize=256)  # a page asks several times
def of_descent(experiment: Experiment) -> tuple[Evidence, Verdicts]:
    """Of a finished descent from an aligned start; the run is done again, every step seen."""
    assert isinstance(experiment.dynamics, Descent)
    walk = _Walk(experiment)
    walk.go(experiment.dynamics.steps)
    seen = walk.seen()
    return seen, judge_one(experiment, seen)


@lru_cache(maxsize=256)
def more_steps(experiment: Experiment) -> int | None:
    """About how many more steps a descent takes until its verdict is another than UNFINISHED, found
    by taking them; None if it takes more than BUDGET."""
    assert isinstance(experiment.dynamics, Descent)
    walk, more = _Walk(experiment), 0
    walk.go(experiment.dynamics.steps)
    while more < BUDGET:
        further = min(max(FIRST_MORE, more // 4), BUDGET - more)
        walk.go(further)
        more += further
        if judge_one(experiment, walk.seen()).regimes[0] is not Regime.UNFINISHED:
            return more
    return None


class _Walk:
    """One descent, step by step, with what a verdict needs of its past."""

    def __init__(self, experiment: Experiment) -> None:
        assert isinstance(experiment.dynamics, Descent)
        begin = mode_starts.begin([experiment])
        self.origin = Descents(
            begin.system.first,
            begin.system.power,
            begin.system.target[:1],
            np.array([experiment.dynamics.step_size]),
            begin.x[:, :1],
        )
        self.expected, self.limit = prospects.expect([experiment]), float(begin.limit[0])
        self.system, self.x, self.state = self.origin.system()
        self.between = ranges.fresh(*self.state.strengths.shape)
        self.start = self.state.strengths[:, :1].copy()
        ranges.widen(self.between, 0.0, self.state.strengths)
        self.steps = 0

    def go(self, steps: int) -> None:
        kernels.descend(self.x, self.system, np.int64(steps), self.limit, self.state, self.between)
        self.steps += steps

    def seen(self) -> Evidence:
        value = self.origin.target[0]
        unit = value if value > 0 else 1.0
        past = (self.start, *self.between.strengths[..., :1])
        with np.errstate(all="ignore"):
            start, lowest, highest = (values / unit for values in past)
            peak = peaks(self.origin, self.steps, self.expected)
            here = self.origin._replace(x=self.x[:, :1].copy())
            return Evidence(start, lowest, highest, peak, watch(here, self.expected.lowest))


def peaks(starts: Descents, steps: int, expected: Expected) -> np.ndarray:
    """The largest share a pathway ever had, once there was signal, of N descents from their start:
    (N,); 0 where it is not asked for: where the end of gradient flow is known, which tells more, or
    the edge is out of reach."""
    peak = np.zeros(len(starts.target))
    unknown = np.isnan(expected.flow).any(axis=0)
    asked = np.flatnonzero(unknown & (expected.winner * starts.step_size >= 2))
    if len(asked):
        system, x, state = starts.system(asked)
        found = np.zeros(len(system.target))
        learned = LEARNED * system.target
        tails.peak_share(x, system, state, np.int64(steps), learned, found)
        peak[asked] = found[: len(asked)]
    return peak
