"""What the closed forms of theory say of a run, for pictures: whether they hold, and what of."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from simcore import theory
from simcore.experiment import Experiment
from simcore.trajectory import Trajectory


def is_reduced(run: Trajectory) -> bool:
    """Whether the run moves on the balanced manifold, where the closed forms of GF hold."""
    start = run.experiment.start
    return run.experiment.task.whitened and start.balanced and min(start.strengths()) >= 0


@lru_cache(maxsize=64)  # several panels ask, and each end is a bisection
def ends(experiment: Experiment, mode: int = 0) -> dict[str, np.ndarray | None]:
    """Where one mode of a reduced run is expected to end, each a split (H,): of GF, the flattest,
    and at the edge on the winner's side, where re-balancing of two pathways stops (None where the
    experiment has no edge, or GF's end is below it)."""
    depths = experiment.network.depths
    target = experiment.task.singular_values[mode]
    flow = theory.flow_end_split(experiment.start.strengths(), depths, target)
    flattest = theory.flattest_split(target, depths)
    found = {"flow": flow, "flattest": flattest, "edge": None}
    edge = experiment.edge
    if len(depths) == 2 and edge is not None and theory.mode_sharpness(flow, depths) > edge:
        splits = theory.edge_splits(target, depths, 2 / edge)
        on_side = (split for split in splits if _winner(split, flattest) == _winner(flow, flattest))
        found["edge"] = next(on_side, None)
    for split in found.values():
        if split is not None:
            split.setflags(write=False)
    return found


def _winner(split: np.ndarray, flattest: np.ndarray) -> bool:
    """Which of two pathways carries more than at the flattest split."""
    return bool(split[0] > flattest[0])


def gfs(run: Trajectory) -> np.ndarray:
    """GFS sharpness of the whole network at every record, (K,): the largest of its modes; nan where
    no mode reaches a minimum."""
    by_mode = np.moveaxis(run.strengths, 1, 2)
    targets = np.array(run.experiment.task.singular_values)
    values = theory.gfs_sharpness(by_mode, run.experiment.network.depths, targets)
    return np.fmax.reduce(values, axis=1)
