"""What happened in a run, in the words of the field: its phases and its regime.

Both are judged on the sharpest mode, the one with the largest singular value; where that value is
repeated, on the sum of its modes, which does not depend on the choice of basis. The *share* of a
pathway is q_h = |sigma_h| / sum_g |sigma_g| of that mode.
"""

from __future__ import annotations

from enum import StrEnum
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from simcore import prospects, theory
from simcore.experiment import Experiment
from simcore.prospects import Expected
from simcore.trajectory import Outcome, Trajectory

LEARNED = 0.1  # of sigma*_1: below it the start's plateau lasts
CLOSE = 0.02  # of sigma*_1, or of a share: what counts as the same
STILL = 1e-3  # of sigma*_1: a smaller oscillation counts as none
WON = 0.9  # a pathway with this share has taken the signal


class Phase(NamedTuple):
    """A stretch of a run, both ends included."""

    name: str
    first_step: int
    last_step: int


PHASES = ("plateau", "symmetry breaking", "edge of stability", "re-balancing", "settled")


class Regime(StrEnum):
    """How a run ended, as classified by `classify`."""

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
    Regime.WINNER_TAKES_ALL: (
        "As under gradient flow, the pathway that started ahead took the signal and kept it."
    ),
    Regime.PARTLY_REBALANCED: (
        "One pathway won first; at the edge of stability the oscillation handed signal back to "
        "the others, until the shared solution was just flat enough for this step size."
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
        "An overshoot threw the signal back near zero, where gradients are too small to return."
    ),
    Regime.DIVERGED: "The steps overshot more and more, and the loss grew without bound.",
    Regime.UNFINISHED: "The run ended before it settled; give it more steps.",
}


class Course(NamedTuple):
    """The sharpest mode at K records, in units of sigma*_1; M repeats of the value are averaged.

    Further axes hold further runs. Sums over pathways go one by one, so that a run gives the same
    bits alone and among others.
    """

    strengths: np.ndarray  # (K, H, ...)
    low: np.ndarray  # (K, H, ...) smallest since the previous record
    high: np.ndarray  # (K, H, ...)

    @property
    def total(self) -> np.ndarray:
        """sum_h sigma_h / sigma*_1, shape (K, ...)."""
        return _over_pathways(np.add, self.strengths)

    @property
    def highest_total(self) -> np.ndarray:
        """The same of the largest strengths since the previous record, shape (K, ...)."""
        return _over_pathways(np.add, self.high)

    @property
    def shares(self) -> np.ndarray:
        """q_h, shape (K, H, ...); equal where all strengths are zero."""
        sizes = np.abs(self.strengths)
        total = _over_pathways(np.add, sizes)[:, None]
        equal = np.full(sizes.shape, 1 / sizes.shape[1])
        return np.divide(sizes, total, out=equal, where=total > 0)

    @property
    def largest_share(self) -> np.ndarray:
        """max_h q_h, shape (K, ...)."""
        sizes = np.abs(self.strengths)
        total = _over_pathways(np.add, sizes)
        equal = np.full(total.shape, 1 / sizes.shape[1])
        return np.divide(_over_pathways(np.maximum, sizes), total, out=equal, where=total > 0)

    @property
    def largest_share_once_learned(self) -> np.ndarray:
        """max_h q_h where the total is at least LEARNED in size, else 0, shape (K, ...)."""
        sizes = np.abs(self.strengths)
        learned = np.abs(self.total) >= LEARNED
        nothing = np.zeros(learned.shape)
        largest, all_of_them = (_over_pathways(f, sizes) for f in (np.maximum, np.add))
        return np.divide(largest, all_of_them, out=nothing, where=learned)


def _over_pathways(combine: np.ufunc, values: np.ndarray) -> np.ndarray:
    return reduce(combine, values.swapaxes(0, 1))


def repeats(experiment: Experiment) -> int:
    """M, how many modes share the largest singular value."""
    values = experiment.task.singular_values
    return sum(value >= values[0] * (1 - 1e-9) for value in values)


def course(strengths: np.ndarray, low: np.ndarray, high: np.ndarray, scale: Any) -> Course:
    """The course of the M sharpest modes (K, H, M, ...) in units of sigma*_1 = `scale` (...)."""

    modes = strengths.shape[2]
    unit = modes * np.where(scale > 0, scale, 1.0)

    def mean(values: np.ndarray) -> np.ndarray:
        total = reduce(np.add, (values[:, :, mode] for mode in range(modes)))
        return total if (unit == 1).all() else total / unit

    return Course(mean(strengths), mean(low), mean(high))


def sharpest(run: Trajectory) -> Course:
    """The sharpest mode along a run."""
    modes, scale = repeats(run.experiment), run.experiment.task.singular_values[0]
    ranges = run.strengths_range[..., :modes]
    return course(run.strengths[..., :modes], ranges[:, 0], ranges[:, 1], scale)


def _tail(records: int) -> slice:
    """The records on which the end is judged: the last fifth, 12 to 200 of them, and not more than
    the second half."""
    wanted = min(200, max(12, records // 5), max(2, records // 2))
    return slice(max(0, records - wanted), records)


def phases(run: Trajectory) -> tuple[Phase, ...]:
    """The phases of a run, in order and without gaps; a phase that did not occur is left out.

    * plateau: the mode's strength sum_h sigma_h / sigma*_1 is below 0.1;
    * symmetry breaking: from there until the edge, or until the run settles;
    * edge of stability: from the first record with sharpness >= 2/eta;
    * re-balancing: from the record after which the largest share lies more than 0.02 below its
      peak so far for good, unless the winner keeps all (so never for depth 2, where shares are
      constant);
    * settled: after the edge, if it was reached, from where on the shares stay within 0.02 of
      their last value and the total within 0.02 sigma*_1 of the band it moves in at the end. So a
      steady cycle and a trap count as settled; a run that `classify` calls UNFINISHED has not.
    """
    mode, regime = sharpest(run), classify(run)
    records = len(run.steps)
    starts = [0] * len(PHASES)
    grown = np.flatnonzero(np.abs(mode.total) >= LEARNED)
    starts[1] = int(grown[0]) if len(grown) else records

    starts[2] = starts[3] = records
    if run.edge is not None:
        at_edge = np.flatnonzero(run.sharpness >= run.edge)
        at_edge = at_edge[at_edge >= starts[1]]
        if len(at_edge):
            starts[2] = int(at_edge[0])
            fallen = mode.largest_share < np.maximum.accumulate(mode.largest_share) - CLOSE
            if regime is not Regime.WINNER_TAKES_ALL:
                starts[3] = max(starts[2], _from_then_on(fallen))

    tail = _tail(records)
    share_kept = np.abs(mode.largest_share - mode.largest_share[-1]) <= CLOSE
    low, high = mode.total[tail].min() - CLOSE, mode.total[tail].max() + CLOSE
    inside = (mode.total >= low) & (mode.total <= high)
    if regime not in (Regime.UNFINISHED, Regime.DIVERGED):
        after = starts[2] + 1 if starts[2] < records else starts[1]
        starts[4] = max(after, _from_then_on(share_kept & inside))
    else:
        starts[4] = records
    # a later phase that has begun ends the earlier ones
    for phase in range(len(PHASES) - 2, -1, -1):
        starts[phase] = min(starts[phase], starts[phase + 1])

    ends = [*starts[1:], records]
    return tuple(
        Phase(
            name,
            int(run.steps[first]),
            int(run.steps[stop] - 1 if stop < records else run.steps[-1]),
        )
        for name, first, stop in zip(PHASES, starts, ends, strict=True)
        if first < stop
    )


def _from_then_on(condition: np.ndarray) -> int:
    """The first record from which `condition` holds up to the end."""
    failures = np.flatnonzero(~condition)
    return int(failures[-1]) + 1 if len(failures) else 0


def classify(run: Trajectory) -> Regime:
    """The regime of a run. The first of these that applies:

    * DIVERGED: the outcome says so; UNFINISHED: it was cancelled or the integrator stalled.
    * SIGN_FLIP: a pathway of depth 2 or more that started at or above zero went below -0.001
      sigma*_1.
    * TRAPPED: the mode had more than half of sigma*_1 and has less than a tenth throughout the
      last fifth of the records; or no pathway can leave the saddle at zero where all started.
    * CYCLE, CHAOS: the step size is above 2/lambda_min of the pathways alive, so that no minimum is
      stable, and the total still moves by more than 0.001 sigma*_1 in the last fifth of the
      records; it is a cycle if it repeats itself within 5 % of that amplitude after at most 16
      records.
    * UNFINISHED: the total is more than 0.02 sigma*_1 away from sigma*_1, or still oscillates by
      more than that without dying out.
    * BALANCED: the shares are within 0.02 of the flattest split (for depths above 2, as with
      depth 2 there is none).
    * PARTLY_REBALANCED: some depth is above 2, the step size above 2/lambda_GF, where the end of
      gradient flow is not stable, and the shares end more than 0.02 away from that end. Where it
      has no closed form, as the start is not balanced: the step size is above 2/S_1, and the
      largest share ends more than 0.02 below its peak in the records after the plateau.
    * WINNER_TAKES_ALL: everything else, as under gradient flow.

    From a balanced start, the verdict does not depend on how often the run was recorded, as long as
    its last fifth shows whether it has settled.
    """
    if run.outcome is Outcome.DIVERGED:
        return Regime.DIVERGED
    if run.outcome is not Outcome.FINISHED:
        return Regime.UNFINISHED
    witness = Witness(len(run.steps))
    witness.see(sharpest(run))
    edge = np.inf if run.edge is None else run.edge[-1]
    expected = prospects.expected(run.experiment)
    return witness.regimes(run.experiment.network.depths, expected, edge).item()


class Witness:
    """Sees a run, or many at once, block of records by block, and keeps what a regime is judged on.

    What is kept does not grow with the number of `records` that are to come.
    """

    def __init__(self, records: int) -> None:
        self.tail = _tail(records)
        self.seen = 0

    def see(self, part: Course) -> None:
        """Take in the records that follow those seen so far."""
        peak = part.largest_share_once_learned.max(axis=0)
        lowest, farthest = part.low.min(axis=0), np.abs(part.highest_total).max(axis=0)
        if self.seen == 0:
            self.start = part.strengths[0].copy()
            self.lowest, self.farthest, self.peak = lowest, farthest, peak
            size = self.tail.stop - self.tail.start
            self.end = Course(*(np.empty((size, *values.shape[1:])) for values in part))
        else:
            self.lowest = np.minimum(self.lowest, lowest)
            self.farthest = np.maximum(self.farthest, farthest)
            self.peak = np.maximum(self.peak, peak)
        missing = self.tail.start - self.seen  # records until the tail begins
        self.seen += len(part.low)
        if self.seen > self.tail.start:
            place = slice(max(0, -missing), self.seen - self.tail.start)
            for kept, new in zip(self.end, part, strict=True):
                kept[place] = new[max(0, missing) :]

    def regimes(self, depths: tuple[int, ...], expected: Expected, edge: Any) -> np.ndarray:
        """The regime of each run as `classify` defines it, if the run finished; shape (...).

        `expected` is what theory expects of each start, with axes (...); `edge` (...) is 2/eta.
        """
        end, total = self.end, self.end.total
        swing, lasting = _swing(end), ~_dies_out(end)
        restless = (expected.lowest > edge) & (swing > STILL) & lasting
        cyclic = np.zeros(restless.shape, bool)
        # the last record may come after fewer steps than the others
        cyclic[restless] = _repeats(total[:-1, restless])
        shares = _mean(end.shares)
        deep = np.array(depths) > 1  # a linear pathway crosses zero under gradient flow too
        lost = (self.farthest > 0.5) & (end.highest_total.max(axis=0) < LEARNED)
        from_flow = _distance(shares, expected.flow)
        fallen = np.where(np.isnan(from_flow), self.peak - shares.max(axis=0), from_flow) > CLOSE
        verdicts = (
            (Regime.SIGN_FLIP, ((self.lowest < -STILL) & (self.start >= 0))[deep].any(axis=0)),
            (Regime.TRAPPED, lost | ~expected.alive.any(axis=0)),
            (Regime.CYCLE, cyclic),
            (Regime.CHAOS, restless),
            (Regime.UNFINISHED, np.abs(_mean(total) - 1) > CLOSE),
            (Regime.UNFINISHED, (swing > CLOSE) & lasting),
            (Regime.BALANCED, expected.gains & (_distance(shares, expected.flattest) <= CLOSE)),
            (Regime.PARTLY_REBALANCED, expected.gains & (expected.winner >= edge) & fallen),
        )
        first = np.argmax([*(holds for _, holds in verdicts), np.ones_like(cyclic)], axis=0)
        names = [*(regime for regime, _ in verdicts), Regime.WINNER_TAKES_ALL]
        return np.array(names, dtype=object)[first, ...]


def headline(run: Trajectory) -> str:
    """The regime in a few words; that of gradient flow only says so where no pathway wins."""
    regime = classify(run)
    if regime is Regime.WINNER_TAKES_ALL and not _has_winner(run):
        return "follows gradient flow"
    return regime.value


def _has_winner(run: Trajectory) -> bool:
    shares = theory.shares(sharpest(run).strengths[-1])
    return len(shares) > 1 and max(run.experiment.network.depths) > 2 and shares.max() >= WON


def _said(run: Trajectory, regime: Regime) -> str:
    """The regime's sentence, or a truer one."""
    depths, target = run.experiment.network.depths, run.experiment.task.singular_values[0]
    if target == 0:
        return "The target is zero: there is nothing to learn, and nothing to share."
    if not prospects.expected(run.experiment).alive.any():
        return "The run never leaves the saddle at zero."
    if regime is Regime.PARTLY_REBALANCED and not _reached_edge(run):
        return (
            "The minimum that gradient flow leads to is too sharp for this step size; descent "
            "ended where the pathways share enough for a stable one."
        )
    if regime is not Regime.WINNER_TAKES_ALL or _has_winner(run):
        return regime.sentence
    if len(depths) == 1:
        return "The one pathway learned the target, as under gradient flow."
    if max(depths) <= 2:
        return (
            "As under gradient flow, no pathway wins: depth 2 keeps the ratio of the strengths and "
            "depth 1 their difference, at any step size."
        )
    return (
        "As under gradient flow, the pathways ahead gained on the others, but none took it all, "
        "and the step size is small enough for the minimum they share."
    )


def _reached_edge(run: Trajectory) -> bool:
    return PHASES[2] in {phase.name for phase in phases(run)}


def describe(run: Trajectory) -> str:
    """What happened and why, with its numbers, in two or three sentences."""
    regime = classify(run)
    words = [str(run.outcome)] if run.outcome is not Outcome.FINISHED else [_said(run, regime)]
    words += prospects.stuck(run.experiment)
    shares = theory.shares(sharpest(run).strengths[-1])
    if np.isfinite(shares).all() and len(shares) > 1:
        split = " : ".join(f"{share:.3f}" for share in shares[:8])
        words.append(f"The sharpest mode ends shared {split}.")
    if run.edge is not None and np.isfinite(run.sharpness[-1]):
        peak = np.nanmax(run.sharpness)
        words.append(
            f"Sharpness went up to {peak:.4g} and ends at {run.sharpness[-1]:.4g}; "
            f"the edge 2/η is {run.edge[-1]:.4g}."
        )
    elif np.isfinite(run.sharpness[-1]):
        words.append(f"Sharpness ends at {run.sharpness[-1]:.4g}.")
    return " ".join(words)


def _distance(shares: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Largest difference over the pathways, the first axis."""
    return np.abs(shares - others).max(axis=0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Over the records, added one by one."""
    return reduce(np.add, values) / len(values)


def _swing(part: Course) -> np.ndarray:
    """How far the total still moves, hidden steps between records included."""
    hidden = (part.high - part.low).max(axis=(0, 1))
    return np.maximum(np.ptp(part.total, axis=0), hidden)


def _dies_out(part: Course) -> np.ndarray:
    """Whether the oscillation loses a tenth of its size between the halves of the records."""
    middle = len(part.low) // 2
    if middle < 2:
        return np.zeros(part.low.shape[2:], bool)
    before = _swing(Course(*(values[:middle] for values in part)))
    after = _swing(Course(*(values[middle:] for values in part)))
    return after < 0.9 * before


def _repeats(total: np.ndarray) -> np.ndarray:
    """Whether each series (T, N) has a period of at most 16 records, to 5 % of its amplitude."""
    tolerance = 0.05 * np.maximum(np.ptp(total, axis=0), 1e-12)
    found = np.zeros(total.shape[1:], bool)
    for period in range(1, min(16, len(total) // 2) + 1):
        found |= np.abs(total[period:] - total[:-period]).max(axis=0) <= tolerance
    return found
