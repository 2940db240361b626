"""What the theory says of a whole run, for charts and scenes alike."""

from __future__ import annotations

import numpy as np

from simcore import prospects, theory
from simcore.trajectory import Trajectory


def is_reduced(run: Trajectory) -> bool:
    """Whether the run moves on the balanced manifold, where the closed forms of GF hold."""
    return prospects.follows_closed_forms(run.experiment)


def gfs(run: Trajectory, kept: slice | np.ndarray = slice(None)) -> np.ndarray:
    """GFS sharpness of the whole network at the kept records: the largest of its modes; nan where
    no mode reaches a minimum."""
    by_mode = np.moveaxis(run.strengths[kept], 1, 2)
    targets = np.array(run.experiment.task.singular_values)
    values = theory.gfs_sharpness(by_mode, run.experiment.network.depths, targets)
    return np.fmax.reduce(values, axis=1)
