"""How far other runs are from the one at hand, at the same time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simcore.figures import scene
from simcore.figures.tables import Named

COLUMN = "distance"
PARTED = 0.02  # of the target: what counts as another strength, as in `verdicts`
_SHAPES: dict[str, scene.Shape] = {"points": "square", "thin": "circle", "dotted": "diamond"}
ALONE = "A difference needs a second run: pin one, or show gradient flow or central flow beside it."
UNLIKE = "A difference needs runs with as many pathways as this one."


def panel(runs: Sequence[Named], mode: int) -> scene.SeriesPanel | str:
    """max_h |sigma_h - sigma_h of the first run| of every other run with as many pathways, and
    where each parts from it."""
    main, *others = runs
    if not others:
        return ALONE
    alike = _alike(main, others)
    if not alike:
        return UNLIKE
    return scene.SeriesPanel(
        title=f"Difference to {main.name}",
        label="max |Δσₕ|",
        scale="log",
        lines=[scene.Line(other.name, COLUMN, other.name) for other in alike],
        marks=[mark for other in alike for mark in _parting(main, other, mode)],
    )


def _parting(main: Named, other: Named, mode: int) -> list[scene.Mark]:
    """A mark at the record of the other run at which they first differ by more than `PARTED`."""
    target = main.run.experiment.task.singular_values[mode]
    apart = column(main, other, mode)[COLUMN]
    parted = np.flatnonzero(apart > PARTED * target)
    if target <= 0 or not len(parted):
        return []
    time = float(other.run.time[parted[0]])
    words = f"t = {time:.4g}: for the first time more than {PARTED:g} σ* apart"
    return [
        scene.Mark(
            time,
            float(apart[parted[0]]),
            f"parts from {other.name}",
            _SHAPES[other.run.experiment.dynamics.stroke],
            note=words,
        )
    ]


def column(main: Named, other: Named, mode: int) -> dict[str, np.ndarray]:
    """The column of a run (K,), nan beyond the end of the main one; none for the main one itself or
    where there is nothing to compare."""
    if other is main or not _alike(main, [other]):
        return {}
    at, wanted = main.run.time, other.run.time
    strengths = main.run.strengths[:, :, mode]
    if main.run.experiment.dynamics.iterated:  # its last record until then
        before = np.searchsorted(at, wanted * (1 + 1e-12), side="right") - 1
        there = strengths[np.maximum(before, 0)]
    else:
        there = np.stack([np.interp(wanted, at, values) for values in strengths.T], axis=1)
    apart = np.abs(other.run.strengths[:, :, mode] - there).max(axis=1)
    return {COLUMN: np.where(wanted <= at[-1] * (1 + 1e-12), apart, np.nan)}


def _alike(main: Named, others: Sequence[Named]) -> list[Named]:
    pathways = main.run.strengths.shape[1]
    return [other for other in others if other.run.strengths.shape[1] == pathways]
