"""The mean loss of a descent beside the one that its central flow predicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simcore.figures import scene
from simcore.figures.tables import Named
from simcore.trajectory import Trajectory

COLUMN = "loss_mean"
REACH = 20  # steps to either side of a record whose mean is taken


def predicted(runs: Sequence[Named]) -> list[Named]:
    """The runs that predict a mean loss and met their edge."""
    return [
        named for named in runs if named.run.variance is not None and (named.run.variance > 0).any()
    ]


def lines(runs: Sequence[Named]) -> list[scene.Line]:
    """What central flows predict, dashed, and the running mean of the first run if it is a descent,
    in the same colour."""
    central, main = predicted(runs), runs[0]
    found = [
        scene.Line(
            named.name, "predicted", f"{named.name}, predicted mean", colour="theory", theory=True
        )
        for named in central
    ]
    if central and column(main.run):
        label = f"{main.name}, mean over ±{REACH} steps"
        found.append(scene.Line(main.name, COLUMN, label, colour="theory"))
    return found


def column(run: Trajectory) -> dict[str, np.ndarray]:
    """The mean loss (K,) over the records at most `REACH` steps away; none of a run that is no
    descent, or whose records are too far apart for a mean."""
    steps = run.steps
    if not run.experiment.dynamics.iterated or np.diff(steps).max(initial=1) > REACH // 4:
        return {}
    first = np.searchsorted(steps, steps - REACH)
    stop = np.searchsorted(steps, steps + REACH, side="right")
    total = np.concatenate([[0.0], np.cumsum(run.loss)])
    return {COLUMN: (total[stop] - total[first]) / (stop - first)}
