"""How far the iterates of a run can be believed.

Past the onset of the edge of stability single iterates may be chaotic: a start that differs in the
last bit leads to others. So a descent from an aligned start is run beside *twins* whose layer
scales differ in their last bits. (Those of the scales alpha would be lost in a 20th root.) One twin
is a sample: what is said not to depend on rounding is the same in all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simcore import expectations, mode_starts, theory, true_tail, verdicts, zones
from simcore.expectations import Expected
from simcore.experiment import Descent, Experiment
from simcore.kernels import ranges
from simcore.kernels import twins as kernels
from simcore.kernels.modes import evaluate
from simcore.memory import remembered
from simcore.trajectory import Outcome, Trajectory
from simcore.true_tail import Descents
from simcore.verdicts import CLOSE, STILL, Regime, shares_of

TWINS, MOST_BITS, SEED = 15, 8, 1  # with the run itself they fill vectors
MOST_UPDATES = 300_000_000  # of a scale: what takes longer is not asked
PIXEL = 0.003  # of a mode's target: what a picture of it can show


class Horizon(NamedTuple):
    """The steps of a run that depend on rounding, and what of its end does not."""

    first: int  # from this step on the twins differ by more than a pixel,
    last: int  # and at no later step than this one
    ends_the_run: bool  # whether that is the run's end
    same_verdict: bool
    same_end: bool  # and the strengths at its end, or the band in which they move

    @property
    def sentence(self) -> str:
        """For a description of the run."""
        at = f"step {self.first:,}"
        return self._said(f"At {at}" if self.first == self.last else f"From {at}")

    @property
    def words(self) -> str:
        """For a mark at its first step."""
        return self._said("Here" if self.first == self.last else "From here")

    def _said(self, begin: str) -> str:
        last = f"{self.last:,}" if "step" in begin else f"step {self.last:,}"
        until = "on" if self.ends_the_run else f"to {last}"
        where = begin if self.first == self.last else f"{begin} {until}"
        return f"{where} single iterates depend on rounding{self._what_does_not}."

    @property
    def _what_does_not(self) -> str:
        if not self.same_verdict:
            return ", and so may the way it ends"
        return "; ends, bands and verdict do not" if self.same_end else "; the verdict does not"


def horizon(run: Trajectory) -> Horizon | None:
    """The steps of a run that depend on rounding; None where none does, or where nobody knows: of
    flows, full weights, runs that were cancelled and those whose twins would take too long."""
    known = run.outcome in (Outcome.FINISHED, Outcome.DIVERGED)
    if not (known and true_tail.has_true_tail(run.experiment)):
        return None
    return _horizon(run.experiment, int(run.steps[-1]))


def depends(run: Trajectory) -> np.ndarray:
    """Whether each record depends on rounding, (K,)."""
    found = horizon(run)
    if found is None:
        return np.zeros(len(run.steps), bool)
    return (run.steps >= found.first) & (run.steps <= found.last)


def bits(pathways: int) -> np.ndarray:
    """By how many last bits each twin has the layer scales of each pathway moved, (N, H)."""
    signs = np.random.default_rng(SEED).choice([-1, 1], (TWINS, pathways))
    signs[:2] = [[1], [-1]]
    signs[:, 0] = (-1) ** np.arange(TWINS)
    return signs * (1 + np.arange(TWINS) // 2)[:, None]


def _moved(x: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The numbers that are so many further on; zero stays."""
    for more in range(MOST_BITS):
        goes = (np.abs(count) > more) & (x != 0)
        x = np.where(goes, np.nextafter(x, np.copysign(np.inf, count)), x)
    return x


@remembered(256)  # a page asks several times
def _horizon(experiment: Experiment, last_record: int) -> Horizon | None:
    pathways, modes = experiment.network.pathways, len(experiment.task.singular_values)
    runs, dynamics = 1 + TWINS, experiment.dynamics
    if not experiment.task.singular_values[0] > 0:  # there is nothing to tell runs apart by
        return None
    assert isinstance(dynamics, Descent)
    begin = mode_starts.begin([experiment] * runs)
    system, state, used = begin.system, begin.state, runs * modes
    system.step_size[:] = dynamics.step_size
    if runs * modes * len(system.power) * dynamics.steps > MOST_UPDATES:
        return None
    of_groups = np.repeat(np.pad(bits(pathways), ((1, 0), (0, 0))), np.diff(system.first), axis=1)
    begin.x[:, :used] = _moved(begin.x[:, :used], np.repeat(of_groups, modes, axis=0).T)
    evaluate(begin.x, system, state)
    start = begin.x.copy()
    targets = np.array(experiment.task.singular_values)
    tolerance = PIXEL * np.where(targets > 0, targets, targets[0])
    between = ranges.fresh(*state.strengths.shape)
    ranges.widen(between, 0.0, state.strengths)
    begun, alive, found = state.strengths.copy(), np.ones(runs, np.bool_), np.zeros(2, int)
    kernels.part(
        begin.x,
        system,
        state,
        np.int64(dynamics.steps),
        begin.limit,
        tolerance,
        alive,
        between,
        found,
    )
    first, last = found.tolist()
    if first == 0:
        return None
    columns = theory.sharpest_mode(experiment) + modes * np.arange(runs)
    origin = Descents(
        system.first,
        system.power,
        system.target[columns],
        np.full(runs, dynamics.step_size),
        start[:, columns],
    )
    here = origin._replace(x=np.where(alive, begin.x[:, columns], 0.0))
    past = [values[:, columns] for values in (begun, *between.strengths)]
    same_verdict, same_end = _same(experiment, origin, here, past, alive)
    return Horizon(first, last, last >= last_record, same_verdict, same_end)


def _same(
    experiment: Experiment,
    origin: Descents,
    here: Descents,
    past: list[np.ndarray],
    alive: np.ndarray,
) -> tuple[bool, bool]:
    """Whether all of the runs, of which some may have diverged, have one verdict, and one end on
    their true tails: the same strengths where they rest, else the same band and the same mean
    shares. A verdict that theory leaves open is none to rely on."""
    one, dynamics = expectations.expected(experiment), experiment.dynamics
    assert isinstance(dynamics, Descent)
    # the last bits do not matter to theory
    expected = Expected(*(np.repeat(values[..., None], len(alive), axis=-1) for values in one))
    with np.errstate(all="ignore"):
        seen = true_tail.evidence(origin, here, dynamics.steps, past, expected)
        depths = experiment.network.depths
        found = verdicts.judge(depths, expected, experiment.edge, origin.target, seen)
        regimes = np.where(alive, found.regimes, Regime.DIVERGED)
        alike = (regimes == regimes[0]).all() and not zones.zone(experiment).hedges
        ahead = seen.ahead
        swing = ahead.swing.max()
        if swing <= STILL:
            ends, close = ahead.strengths[-1], PIXEL
        else:
            bands = np.stack([ahead.low.min(axis=0), ahead.high.max(axis=0)])
            ends, close = shares_of(ahead.strengths[-1]), CLOSE
            if not np.ptp(bands, axis=1).max() <= max(CLOSE, 0.1 * swing):
                return bool(alike), False
        near = alive.all() and np.abs(ends - ends[:, :1]).max() <= close
    return bool(alike), bool(near)
