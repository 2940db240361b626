"""Runs of one experiment with several seeds, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from simcore.checks import require
from simcore.experiment import Descent, Experiment, Record
from simcore.trajectory import Outcome, Trajectory

SEEDS = 16
MOST_SEEDS = 2**32  # of a generator: after the last one comes 0
FRAMES = 300
BAND = (10, 90)  # per cent


@dataclass(frozen=True, eq=False)
class Ensemble:
    """N runs that differ in the seed of their label noise, at K records; those that diverged are
    counted and left out."""

    steps: np.ndarray  # (K,) int64
    time: np.ndarray  # (K,)
    strengths: np.ndarray  # (N, K, H, R)
    lost: np.ndarray  # () int64, runs that did not finish

    @classmethod
    def of(cls, runs: Sequence[Trajectory]) -> Self:
        """ValueError if none of them finished."""
        whole = [run for run in runs if run.outcome is Outcome.FINISHED]
        require(bool(whole), f"none of {len(runs)} seeds finished; take a smaller step size")
        return cls(
            steps=whole[0].steps,
            time=whole[0].time,
            strengths=np.array([run.strengths for run in whole]),
            lost=np.array(len(runs) - len(whole)),
        )

    def band(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """10 % quantile, median and 90 % quantile over the seeds of values (N, ...)."""
        low, median, high = np.percentile(values, (BAND[0], 50, BAND[1]), axis=0)
        return low, median, high


def members(experiment: Experiment, seeds: int = SEEDS) -> tuple[Experiment, ...]:
    """The experiment with its own seed and the next ones, recorded for a picture of strengths.
    ValueError unless it has label noise."""
    dynamics = experiment.dynamics
    require(
        dynamics.label_noise > 0,
        "an ensemble over seeds needs label noise, which this run has not; set it above 0",
    )
    assert isinstance(dynamics, Descent)
    record = Record(frames=FRAMES, sharpness=False)
    return tuple(
        replace(
            experiment,
            record=record,
            dynamics=replace(dynamics, seed=(dynamics.seed + k) % MOST_SEEDS),
        )
        for k in range(seeds)
    )
