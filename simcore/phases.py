"""The phases of a run: a plateau, growth, what the edge of stability does, and rest.

They are those of the sharpest mode and of its shares, as `courses` has them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simcore import driven, last_steps
from simcore.courses import BLOW_UP, Course, sharpest
from simcore.judged import judge
from simcore.last_steps import tail
from simcore.memory import once
from simcore.trajectory import Trajectory
from simcore.verdicts import CLOSE, LEARNED, Regime, over_pathways, shares_of


class _Steps(NamedTuple):
    name: str
    first_step: int
    last_step: int


class Phase(_Steps):
    """A stretch of a run: its name and steps, both ends included. Records of a flow may share a
    step; where the phase is in t, from its first record to that of the next one or to the end, its
    attributes say."""

    begins: float
    ends: float

    def __new__(cls, name: str, first: int, last: int, begins: float, ends: float) -> Phase:
        phase = super().__new__(cls, name, first, last)
        phase.begins, phase.ends = begins, ends
        return phase

    def __getnewargs__(self) -> tuple[str, int, int, float, float]:
        return (*self, self.begins, self.ends)


PHASES = (
    "plateau",
    "growth",
    "symmetry breaking",
    "edge of stability",
    "re-balancing",
    "settled",
)
PLATEAU, GROWTH, BREAKING, EDGE, REBALANCING, SETTLED = PHASES
LONG = 10  # updates near zero in a row: an oscillation at the edge dips below for fewer


@once
def phases(run: Trajectory) -> tuple[Phase, ...]:
    """The phases of a run, in order and without gaps; a phase that did not occur is left out.

    * plateau: the mode's strength sum_h sigma_h / sigma*_1 is below 0.1, at the start, and again
      where an overshoot threw the run back for ten updates and more, or a trapped one for good;
    * symmetry breaking: from there until the edge, or until the run settles; growth, if the largest
      share stays within 0.02 of what it was at the start (so always for depth 2 and equal starts);
    * edge of stability: from the first record with sharpness >= 2/eta, that of the weights that
      move; a blow-up is none;
    * re-balancing: from the record after which the largest share lies more than 0.02 below its
      peak so far for good, unless the winner keeps all (so never for depth 2, where shares are
      constant) or no signal is left to share; label noise needs no edge for it;
    * settled: after the edge, if it was reached, from where on the shares stay within 0.02 of
      their last value and the total within 0.02 sigma*_1 of the band it moves in at the end. So a
      steady cycle counts as settled; a run that is judged UNFINISHED or TRAPPED has not.
    """
    mode, regime = sharpest(run), judge(run).regime
    records = len(run.steps)
    grown = np.flatnonzero(~_near(mode))
    grows = int(grown[0]) if len(grown) else records
    if regime is Regime.DIVERGED:
        grows = min(grows, records - 1)  # it left after the last record at the latest

    meets = goes_back = records
    at_edge = _at_edge(run, mode, regime)
    at_edge = at_edge[at_edge >= grows]
    if len(at_edge):
        meets = int(at_edge[0])
        if regime is not Regime.WINNER_TAKES_ALL:
            goes_back = max(meets, _rebalancing(mode))
    elif run.experiment.dynamics.label_noise and driven.gains(run.experiment):
        goes_back = max(grows, _rebalancing(mode))
    ends = _as_it_ends(mode, regime, meets + 1 if meets < records else grows)

    names = np.full(records, PLATEAU, dtype=object)
    last = PLATEAU if regime is Regime.TRAPPED else SETTLED
    grows_as = _growth(mode, grows, min(meets, goes_back, ends))
    # a later phase that has begun ends the earlier ones
    for first, name in (
        (grows, grows_as),
        (meets, EDGE),
        (goes_back, REBALANCING),
        (ends, last),
    ):
        names[first:] = name
    names[grows:ends][_thrown_back(run, mode)[grows:ends]] = PLATEAU
    return _stretches(run, names)


def _growth(mode: Course, first: int, stop: int) -> str:
    """What the growth from record `first` on is called."""
    largest = shares_of(mode.strengths.swapaxes(0, 1)).max(axis=0)
    return BREAKING if (largest[first:stop] > largest[0] + CLOSE).any() else GROWTH


def _near(mode: Course) -> np.ndarray:
    """Whether the mode is near zero at a record and has been since the one before, (K,)."""
    low, high = (over_pathways(np.add, ends.swapaxes(0, 1)) for ends in (mode.low, mode.high))
    return (np.abs(mode.total) < LEARNED) & (low > -LEARNED) & (high < LEARNED)


def _stays(mode: Course) -> np.ndarray:
    """Whether a record is near zero as the one before it and all the way between, (K,)."""
    near = _near(mode)
    stays = near & np.roll(np.abs(mode.total) < LEARNED, 1)
    stays[0] = False  # there is none before it
    return stays


def _thrown_back(run: Trajectory, mode: Course) -> np.ndarray:
    """Whether a record is one of those near zero that lie in a row for long, (K,)."""
    stays = _stays(mode)
    found = np.zeros(len(stays), dtype=bool)
    for first, stop in np.flatnonzero(np.diff(stays, prepend=False, append=False)).reshape(-1, 2):
        found[first - 1 : stop] = run.steps[stop - 1] - run.steps[first - 1] >= LONG
    return found


def _stretches(run: Trajectory, names: np.ndarray) -> tuple[Phase, ...]:
    """Records of one name in a row as a phase."""
    firsts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1)]
    last_steps = np.append(np.maximum(run.steps[:-1], run.steps[1:] - 1), run.steps[-1])
    return tuple(
        Phase(
            names[first],
            int(run.steps[first]),
            int(last_steps[stop - 1]),
            float(run.time[first]),
            float(run.time[min(stop, len(names) - 1)]),
        )
        for first, stop in zip(firsts, [*firsts[1:], len(names)], strict=True)
    )


def _at_edge(run: Trajectory, mode: Course, regime: Regime) -> np.ndarray:
    """The records at or above the edge; of a run that diverges those after which the sharpness came
    down again, as the rest are its blow-up."""
    if run.edge is None:
        return np.empty(0, int)
    sharpness = last_steps.felt(run)
    kept = sharpness >= run.edge if run.variance is None else run.variance > 0
    above = kept & (np.abs(mode.total) <= BLOW_UP)
    if regime is Regime.DIVERGED:
        below = np.flatnonzero(sharpness < run.edge)
        above[below[-1] if len(below) else 0 :] = False
    return np.flatnonzero(above)


def _rebalancing(mode: Course) -> int:
    """The first record from which the largest share has fallen, while there is signal."""
    share, readable = mode.largest_share, mode.readable
    fallen = share < np.maximum.accumulate(share) - CLOSE
    kept = np.flatnonzero(readable & ~fallen)
    first = int(kept[-1]) + 1 if len(kept) else 0
    return first if readable[first:].any() else len(share)


def _as_it_ends(mode: Course, regime: Regime, after: int) -> int:
    """The first record, `after` at the earliest, from which the run is as it ends."""
    if regime in (Regime.UNFINISHED, Regime.DIVERGED):
        return len(mode.total)
    total, last = mode.total, tail(len(mode.total))
    if regime is Regime.TRAPPED:
        return max(after, _from_then_on(_stays(mode)) - 1)
    share = shares_of(mode.strengths.swapaxes(0, 1)).max(axis=0)
    low, high = total[last].min() - CLOSE, total[last].max() + CLOSE
    inside = (total >= low) & (total <= high)
    return max(after, _from_then_on((np.abs(share - share[-1]) <= CLOSE) & inside))


def _from_then_on(condition: np.ndarray) -> int:
    """The first record from which `condition` holds up to the end."""
    failures = np.flatnonzero(~condition)
    return int(failures[-1]) + 1 if len(failures) else 0
