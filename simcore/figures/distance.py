"""How far other runs are from the one at hand, at times at which both are known.

A flow is known between its records, too, to the error of a curve through them; a descent between
steps that follow each other, where it moves along a straight line. Where its records skip steps
nothing is known of it: what it did there is no part of a difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import NamedTuple

import numpy as np

from simcore.figures import scene
from simcore.figures.tables import Named
from simcore.trajectory import Trajectory
from simcore.wording import listed

PARTED = 0.02  # of the target: what counts as another strength, as in `verdicts`
TOGETHER = 0.01  # of the clock: partings so close are one mark
OFF = 0.25  # of a difference: by as much it may be off
SAME = 1e-12  # times that differ by so little of themselves are one
_SHAPES: tuple[scene.Shape, ...] = ("circle", "diamond", "square", "star")
ALONE = "A difference needs a second run: pin one, or show gradient flow or central flow beside it."
UNLIKE = "A difference needs runs with as many pathways as this one."
APART = (
    "A difference needs runs that are known at the same times, and between their records these "
    "are not; record them at every step."
)


class Apart(NamedTuple):
    """max_h |sigma_h - sigma_h of the other| of two runs over the records (K,) of one, `at`, and
    how far it may be off; nan where one of the two is not known, or not well enough (`OFF`)."""

    at: Named
    distance: np.ndarray
    error: np.ndarray


def panel(runs: Sequence[Named], mode: int) -> scene.SeriesPanel | str:
    """max_h |sigma_h - sigma_h of the first run| of every other run with as many pathways, and
    where each parts from it."""
    main, *others = runs
    if not others:
        return ALONE
    alike = _alike(main, others)
    if not alike:
        return UNLIKE
    compared = {other.name: _apart(main, other, mode) for other in alike}
    # all begin together: a start is nothing to compare
    known = {name: a for name, a in compared.items() if np.isfinite(a.distance[1:]).any()}
    if not known:
        return APART
    return scene.SeriesPanel(
        title=f"Difference to {main.name}",
        label="max |Δσₕ|",
        scale="log",
        lines=[
            scene.Line(apart.at.name, _column(name), name, pen=name)
            for name, apart in known.items()
        ],
        marks=_partings(main, known, mode),
    )


def columns(named: Named, runs: Sequence[Named], mode: int) -> dict[str, np.ndarray]:
    """The columns of the panel, (K,) each, over the records of one of the runs."""
    main, *others = runs
    compared = {other.name: _apart(main, other, mode) for other in _alike(main, others)}
    return {_column(name): a.distance for name, a in compared.items() if a.at is named}


def _column(other: str) -> str:
    return f"distance of {other}"


def _partings(main: Named, compared: dict[str, Apart], mode: int) -> list[scene.Mark]:
    """A mark at the first record at which runs surely differ from the main one by more than
    `PARTED`; those that part together share it."""
    target = main.run.experiment.task.singular_values[mode]
    places: dict[tuple[float, float], dict[str, str]] = {}  # what is noted of each run there
    for name, (at, distance, error) in compared.items():
        parted = np.flatnonzero(distance - error > PARTED * target)
        if target > 0 and len(parted):
            first, time = parted[0], at.run.time
            near = np.flatnonzero(distance[:first] + error[:first] <= PARTED * target)
            not_yet = f"t = {time[near[-1]]:.4g}: not yet, " if len(near) else ""
            place = float(time[first]), float(distance[first])
            note = f"{not_yet}t = {time[first]:.4g}: more than {PARTED:g} σ* apart"
            nearest = min(places, key=lambda known: abs(known[0] - place[0]), default=place)
            same = abs(nearest[0] - place[0]) <= TOGETHER * main.run.time[-1]
            places.setdefault(nearest if same else place, {})[name] = note
    return [
        scene.Mark(time, apart, f"parts from {listed(notes)}", shape, note=_note(notes))
        for ((time, apart), notes), shape in zip(places.items(), cycle(_SHAPES), strict=False)
    ]


def _note(notes: dict[str, str]) -> str:
    """The notes of runs by their names, which need not be said of one."""
    if len(notes) == 1:
        return next(iter(notes.values()))
    return "; ".join(f"{name}: {note}" for name, note in notes.items())


def _apart(main: Named, other: Named, mode: int) -> Apart:
    """Over the records of a descent if the other is none, else of the run at whose records the two
    are known more often."""
    found = []
    for at, beside in ((other, main), (main, other)):
        there, error = _known(beside.run, at.run.time, mode)
        with np.errstate(invalid="ignore"):
            distance = np.abs(at.run.strengths[:, :, mode] - there).max(axis=1)
        error = error.max(axis=1)
        found.append(Apart(at, np.where(error <= OFF * distance, distance, np.nan), error))
    return max(
        found,
        key=lambda apart: (
            apart.at.run.experiment.dynamics.iterated,
            np.isfinite(apart.distance).sum(),
        ),
    )


def _known(run: Trajectory, times: np.ndarray, mode: int) -> tuple[np.ndarray, np.ndarray]:
    """Strengths (K, H) of a run at these times (K,), nan where they are not known, and how far they
    may be off.

    Between records of a flow they are those of the two parabolas through three records each, the
    nearer one for the most part, and off by as much as these differ.
    """
    strengths, when = run.strengths[:, :, mode], run.time
    last = np.clip(np.searchsorted(when, times * (1 - SAME)), 0, len(when) - 1)
    first = np.maximum(last - 1, 0)
    recorded = np.abs(times - when[last]) <= SAME * times
    gap = np.where(last > first, when[last] - when[first], 1.0)
    part = ((times - when[first]) / gap)[:, None]
    bent, known = np.zeros_like(strengths), recorded | (times < when[last])
    with np.errstate(over="ignore", invalid="ignore"):  # of a run that diverged
        if run.experiment.dynamics.iterated:
            known &= recorded | (run.steps[last] - run.steps[first] == 1)
        elif len(when) > 2:
            slopes = np.diff(strengths, axis=0) / np.diff(when)[:, None]
            bent[1:-1] = np.diff(slopes, axis=0) / (when[2:] - when[:-2])[:, None]
        straight = (1 - part) * strengths[first] + part * strengths[last]
        beside = ((times - when[first]) * (times - when[last]))[:, None]
        there = straight + beside * ((1 - part) * bent[first] + part * bent[last])
        error = np.abs(beside * (bent[last] - bent[first]))
    there = np.where(recorded[:, None], strengths[last], there)
    error = np.where(recorded[:, None], 0.0, error)
    return np.where(known[:, None], there, np.nan), error


def _alike(main: Named, others: Sequence[Named]) -> list[Named]:
    pathways = main.run.strengths.shape[1]
    return [other for other in others if other.run.strengths.shape[1] == pathways]
