"""How far other runs are from the one at hand, at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np

from simcore.figures import scene
from simcore.figures.tables import Named
from simcore.wording import listed

COLUMN = "distance"
PARTED = 0.02  # of the target: what counts as another strength, as in `verdicts`
TOGETHER = 0.01  # of the clock: partings so close are one mark
_SHAPES: tuple[scene.Shape, ...] = ("circle", "diamond", "square", "star")
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
        marks=_partings(main, alike, mode),
    )


def _partings(main: Named, others: Sequence[Named], mode: int) -> list[scene.Mark]:
    """A mark where runs first differ from the main one by more than `PARTED`; those that part
    together share it."""
    target = main.run.experiment.task.singular_values[mode]
    places: dict[tuple[float, float], list[str]] = {}
    for other in others:
        apart = column(main, other, mode)[COLUMN]
        parted = np.flatnonzero(apart > PARTED * target)
        if target > 0 and len(parted):
            place = float(other.run.time[parted[0]]), float(apart[parted[0]])
            nearest = min(places, key=lambda known: abs(known[0] - place[0]), default=place)
            same = abs(nearest[0] - place[0]) <= TOGETHER * main.run.time[-1]
            places.setdefault(nearest if same else place, []).append(other.name)
    return [
        scene.Mark(
            time,
            apart,
            f"parts from {listed(names)}",
            shape,
            note=f"t = {time:.4g}: for the first time more than {PARTED:g} σ* apart",
        )
        for ((time, apart), names), shape in zip(places.items(), cycle(_SHAPES), strict=False)
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
