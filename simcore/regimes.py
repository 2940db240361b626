"""What happened in a run, in the words of the field: its phases and its regime.

Both are judged on the sharpest mode, the one with the largest singular value; where that value is
repeated, on the sum of its modes, which does not depend on the choice of basis. The *share* of a
pathway is q_h = |sigma_h| / sum_g |sigma_g| of that mode.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from simcore import theory
from simcore.experiment import Experiment
from simcore.trajectory import Outcome, Trajectory

LEARNED = 0.1  # of sigma*_1: below it the start's plateau lasts
CLOSE = 0.02  # of sigma*_1, or of a share: what counts as the same
STILL = 1e-3  # of sigma*_1: a smaller oscillation counts as none


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
        "No minimum is flat enough for this step size: the pathways' sum keeps jumping around the "
        "target in a regular cycle."
    ),
    Regime.CHAOS: (
        "No minimum is flat enough for this step size: the pathways' sum keeps jumping around the "
        "target without a period."
    ),
    Regime.SIGN_FLIP: "An overshoot crossed zero and turned the sign of a pathway.",
    Regime.TRAPPED: (
        "An overshoot threw the signal back near zero, where gradients are too small to return."
    ),
    Regime.DIVERGED: "The steps overshot more and more, and the loss grew without bound.",
    Regime.UNFINISHED: "The run ended before it settled; give it more steps.",
}


class _Mode(NamedTuple):
    """The sharpest mode along a run, in units of sigma*_1; M repeats of the value are averaged."""

    strengths: np.ndarray  # (K, H)
    low: np.ndarray  # (K, H) smallest since the previous record
    high: np.ndarray  # (K, H)
    total: np.ndarray  # (K,)
    largest_share: np.ndarray  # (K,)


def _sharpest(run: Trajectory) -> _Mode:
    values = np.array(run.experiment.task.singular_values)
    block = np.flatnonzero(values >= values[0] * (1 - 1e-9))
    scale = values[0] if values[0] > 0 else 1.0
    strengths = run.strengths[:, :, block].mean(axis=2) / scale
    ranges = run.strengths_range[:, :, :, block].mean(axis=3) / scale
    return _Mode(
        strengths,
        ranges[:, 0],
        ranges[:, 1],
        strengths.sum(axis=1),
        theory.shares(strengths).max(axis=1),
    )


def _tail(records: int) -> slice:
    """The records on which the end is judged: the last fifth, 12 to 200 of them."""
    return slice(max(0, records - min(200, max(12, records // 5))), records)


def phases(run: Trajectory) -> tuple[Phase, ...]:
    """The phases of a run, in order and without gaps; a phase that did not occur is left out.

    * plateau: the mode's strength sum_h sigma_h / sigma*_1 is below 0.1;
    * symmetry breaking: from there until the edge, or until the run settles;
    * edge of stability: from the first record with sharpness >= 2/eta;
    * re-balancing: from the record after which the largest share lies more than 0.02 below its
      peak so far for good (so never for depth 2, where shares are constant);
    * settled: after the edge, if it was reached, from where on the shares stay within 0.02 of
      their last value and the total within 0.02 sigma*_1 of the band it moves in at the end (a
      steady cycle counts as settled).
    """
    mode = _sharpest(run)
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
            starts[3] = max(starts[2], _from_then_on(fallen))

    tail = _tail(records)
    share_kept = np.abs(mode.largest_share - mode.largest_share[-1]) <= CLOSE
    low, high = mode.total[tail].min() - CLOSE, mode.total[tail].max() + CLOSE
    inside = (mode.total >= low) & (mode.total <= high)
    if run.outcome is Outcome.FINISHED and abs(mode.total[-1]) >= LEARNED:
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
    * SIGN_FLIP: a pathway that started at or above zero went below -0.001 sigma*_1.
    * TRAPPED: the mode had more than half of sigma*_1 and has less than a tenth throughout the
      last fifth of the records.
    * CYCLE, CHAOS: the step size is above 2/lambda_min, so that no minimum is stable, and the total
      still moves by more than 0.001 sigma*_1 in the last fifth of the records; it is a cycle if
      it repeats itself within 5 % of that amplitude after at most 16 records.
    * UNFINISHED: the total is more than 0.02 sigma*_1 away from sigma*_1, or still oscillates by
      more than that without dying out.
    * BALANCED: the shares are within 0.02 of the flattest split (for depths above 2, as with
      depth 2 there is none).
    * PARTLY_REBALANCED: the largest share ends more than 0.02 below its peak after the plateau.
    * WINNER_TAKES_ALL: everything else, as under gradient flow.
    """
    if run.outcome is Outcome.DIVERGED:
        return Regime.DIVERGED
    if run.outcome is not Outcome.FINISHED:
        return Regime.UNFINISHED
    mode = _sharpest(run)
    tail = _tail(len(run.steps))
    if (mode.low.min(axis=0) < -STILL)[mode.strengths[0] >= 0].any():
        return Regime.SIGN_FLIP
    if np.abs(mode.high.sum(axis=1)).max() > 0.5 and mode.high[tail].sum(axis=1).max() < LEARNED:
        return Regime.TRAPPED

    swing = _swing(mode, tail)
    if no_stable_minimum(run.experiment) and swing > STILL and not _dies_out(mode, tail):
        return Regime.CYCLE if _repeats(mode.total[tail]) else Regime.CHAOS
    if abs(mode.total[tail].mean() - 1) > CLOSE or (swing > CLOSE and not _dies_out(mode, tail)):
        return Regime.UNFINISHED

    depths = run.experiment.network.depths
    shares = theory.shares(mode.strengths[tail]).mean(axis=0)
    best = theory.flattest_split(1.0, depths)
    if max(depths) > 2 and len(depths) > 1 and np.abs(shares - best).max() <= CLOSE:
        return Regime.BALANCED
    learned = np.abs(mode.total) >= LEARNED
    peak = mode.largest_share[learned].max() if learned.any() else 0.0
    if peak - shares.max() > CLOSE:
        return Regime.PARTLY_REBALANCED
    return Regime.WINNER_TAKES_ALL


def no_stable_minimum(experiment: Experiment) -> bool:
    """Whether eta is above 2/lambda_min of the sharpest mode: even the flattest split of the
    signal is too sharp. (For data that are not whitened, this takes Sigma_xx = I.)"""
    if experiment.edge is None:
        return False
    largest = experiment.task.singular_values[0]
    return theory.balanced_sharpness(largest, experiment.network.depths) > experiment.edge


def _swing(mode: _Mode, records: slice) -> float:
    """How far the total still moves, hidden steps between records included."""
    hidden = (mode.high - mode.low)[records].max() if mode.strengths.shape[1] else 0.0
    return max(float(np.ptp(mode.total[records])), float(hidden))


def _dies_out(mode: _Mode, tail: slice) -> bool:
    """Whether the oscillation loses a tenth of its size between the halves of the tail."""
    middle = (tail.start + tail.stop) // 2
    before, after = slice(tail.start, middle), slice(middle, tail.stop)
    if middle - tail.start < 2:
        return False
    return _swing(mode, after) < 0.9 * _swing(mode, before)


def _repeats(total: np.ndarray) -> bool:
    """Whether the series has a period of at most 16 records, to 5 % of its amplitude."""
    tolerance = 0.05 * max(float(np.ptp(total)), 1e-12)
    return any(
        np.abs(total[period:] - total[:-period]).max() <= tolerance
        for period in range(1, min(16, len(total) // 2) + 1)
    )
