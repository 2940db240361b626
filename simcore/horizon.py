"""How far the iterates of a run can be believed.

Past the onset of the edge of stability single iterates may be chaotic: a start that differs in the
last bit leads to others. So a descent from an aligned start is run beside a *twin* whose layer
scales differ in their last bit. (That of the scales alpha would be lost in a 20th root.)
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simcore import mode_starts, prospects, true_tail
from simcore.experiment import Balanced, Descent, Experiment, LayerScales
from simcore.kernels import twins
from simcore.memory import remembered
from simcore.trajectory import Outcome, Trajectory
from simcore.verdicts import CLOSE, STILL, Evidence, Regime, Verdicts, shares_of

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
    flows, full weights and runs that were cancelled."""
    known = run.outcome in (Outcome.FINISHED, Outcome.DIVERGED)
    if not (known and true_tail.has_true_tail(run.experiment)):
        return None
    return _horizon(run.experiment, int(run.steps[-1]), run.outcome is Outcome.DIVERGED)


def depends(run: Trajectory) -> np.ndarray:
    """Whether each record depends on rounding, (K,)."""
    found = horizon(run)
    if found is None:
        return np.zeros(len(run.steps), bool)
    return (run.steps >= found.first) & (run.steps <= found.last)


def twin(experiment: Experiment) -> Experiment:
    """The experiment with every layer scale moved by its last bit; zero stays. Of a start that is
    not uniform each alpha is moved by L last bits, which moves the layers by one or two."""
    depths = experiment.network.depths
    if not experiment.start.uniform:
        modes = range(len(experiment.task.singular_values))
        of_pathways = zip(*map(experiment.start.strengths, modes), strict=True)
        return replace(
            experiment,
            start=Balanced(
                scales=tuple(
                    tuple(alpha * (1 + depth * sys.float_info.epsilon) for alpha in alphas)
                    for alphas, depth in zip(of_pathways, depths, strict=True)
                )
            ),
        )
    rows = experiment.start.layer_scales(depths)
    moved = tuple(tuple(math.nextafter(x, math.inf) if x else x for x in row) for row in rows)
    return replace(experiment, start=LayerScales(scales=moved))


@remembered(256)  # a page asks several times
def _horizon(experiment: Experiment, last_record: int, diverged: bool) -> Horizon | None:
    other = twin(experiment)
    first, last, steps_of_both = _apart(experiment, other)
    if first == 0:
        return None
    if diverged:
        same_verdict, same_end = steps_of_both < _steps(experiment), False
    else:
        expected = prospects.expected(experiment)  # the last bit does not matter to theory
        twins_end = true_tail.look_on(other, expected)
        same_verdict, same_end = _same(true_tail.of_descent(experiment), twins_end)
    return Horizon(first, last, last >= last_record, same_verdict, same_end)


def _steps(experiment: Experiment) -> int:
    assert isinstance(experiment.dynamics, Descent)
    return experiment.dynamics.steps


def _apart(experiment: Experiment, other: Experiment) -> tuple[int, int, int]:
    """The first and the last step at which the two differ by more than a pixel, 0 if they never do,
    and how many steps both went without diverging."""
    begin = mode_starts.begin([experiment, other])
    begin.system.step_size[:] = experiment.dynamics.eta
    targets = np.array(experiment.task.singular_values)
    tolerance = PIXEL * np.where(targets > 0, targets, targets[0])
    found = np.zeros(2, np.int64)
    steps, limit = np.int64(_steps(experiment)), float(begin.limit.sum())
    taken = twins.part(begin.x, begin.system, begin.state, steps, limit, tolerance, found)
    return int(found[twins.FIRST]), int(found[twins.LAST]), int(taken)


def _same(one: tuple[Evidence, Verdicts], two: tuple[Evidence, Verdicts]) -> tuple[bool, bool]:
    """Whether two descents have one verdict, and one end on their true tails: the same strengths
    where they rest, else the same band and the same mean shares."""
    regimes: list[Regime] = [verdict.regimes[0] for _, verdict in (one, two)]
    a, b = (seen.ahead for seen, _ in (one, two))
    with np.errstate(invalid="ignore"):
        swing = max(a.swing.max(), b.swing.max())
        if swing <= STILL:
            alike = np.abs(a.strengths[-1] - b.strengths[-1]).max() <= PIXEL
        else:
            moved = max(abs(a.low.min() - b.low.min()), abs(a.high.max() - b.high.max()))
            shares = np.abs(shares_of(a.strengths[-1]) - shares_of(b.strengths[-1])).max()
            alike = moved <= max(CLOSE, 0.1 * swing) and shares <= CLOSE
    return regimes[0] is regimes[1], bool(alike)
