"""The sharpest mode along a run: what phases, verdicts and rows are about.

It is `theory.sharpest_mode`; where its value is repeated by modes that start alike, the mean of
them, which does not depend on the choice of basis. The *share* of a pathway is
q_h = |sigma_h| / sum_g |sigma_g| of that mode; there are none where there is no signal, nor where a
strength is negative.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from simcore import theory
from simcore.experiment import Experiment
from simcore.trajectory import Trajectory
from simcore.verdicts import LEARNED, STILL, WON, over_pathways, shares_of

BLOW_UP = 3.0  # of sigma*_1: no oscillation at the edge reaches so far


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
        return over_pathways(np.add, self.strengths.swapaxes(0, 1))

    @property
    def largest_share(self) -> np.ndarray:
        """max_h q_h where there are shares, else 0, shape (K, ...)."""
        shares = shares_of(self.strengths.swapaxes(0, 1)).max(axis=0)
        return np.where(self.readable, shares, 0.0)

    @property
    def readable(self) -> np.ndarray:
        """Whether there is signal that can be shared: of a size, and of one sign; (K, ...)."""
        signs = (self.strengths >= -STILL).all(axis=1)
        return signs & (self.total >= LEARNED) & (self.total <= BLOW_UP)


def sharpest_modes(experiment: Experiment) -> tuple[int, ...]:
    """The sharpest mode, and those of the same singular value that start alike; M in all."""
    values, start = experiment.task.singular_values, experiment.start
    sharpest = theory.sharpest_mode(experiment)
    return tuple(
        mode
        for mode, value in enumerate(values)
        if abs(value - values[sharpest]) <= values[sharpest] * 1e-9
        and (start.uniform or start.strengths(mode) == start.strengths(sharpest))
    )


def has_target(run: Trajectory) -> bool:
    """Whether there is anything to learn, of which strengths are parts."""
    return bool(run.experiment.task.singular_values[0] > 0)


def course(strengths: np.ndarray, low: np.ndarray, high: np.ndarray, scale: Any) -> Course:
    """The course of the M sharpest modes (K, H, M, ...) in units of their target `scale` (...)."""

    modes = strengths.shape[2]
    unit = modes * np.where(scale > 0, scale, 1.0)

    def mean(values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # of a run that diverged
            total = reduce(np.add, (values[:, :, mode] for mode in range(modes)))
            return total if (unit == 1).all() else total / unit

    return Course(mean(strengths), mean(low), mean(high))


def sharpest(run: Trajectory) -> Course:
    """The sharpest mode along a run."""
    modes = list(sharpest_modes(run.experiment))
    scale, ranges = run.experiment.task.singular_values[modes[0]], run.strengths_range[..., modes]
    return course(run.strengths[..., modes], ranges[:, 0], ranges[:, 1], scale)


def has_winner(run: Trajectory) -> bool:
    """Whether one of several pathways has the sharpest mode at the end, but for little."""
    shares = shares_of(sharpest(run).strengths[-1])
    return len(shares) > 1 and bool(shares.max() >= WON)
