"""Which experiments a map holds: the ways to vary one, two of them at a time.

A map is a list of rows, the upper axis slowly and the other fast (row-major), so that the cell in
row j and column i is number j * len(xs) + i.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from simcore import theory
from simcore.checks import require, shown
from simcore.experiment import PARTS, Dynamics, Experiment
from simcore.memory import remembered
from simcore.variations import AXES, STEP_AXES, axis

MOST_POINTS = 400  # of one axis


def check_axes(x: str, y: str) -> None:
    """ValueError unless there are two such axes, and they are different."""
    title, same = axis(x).title, axis(y) is AXES[x] or {x, y} == set(STEP_AXES)
    require(not same, f"a map needs two different axes, got {title} twice; choose another one")


def available(base: Experiment) -> list[str]:
    """The axes that `base` can be varied along."""

    def fits(name: str) -> bool:
        try:
            AXES[name].put(base, AXES[name].default(base)[1])
        except ValueError:
            return False
        return True

    return [name for name in AXES if fits(name)]


def check_points(count: int) -> None:
    """ValueError unless an axis may have so many."""
    require(1 <= count <= MOST_POINTS, f"an axis may have from 1 to {MOST_POINTS} points", count)


def values(name: str, low: float, high: float, count: int) -> tuple[float, ...]:
    """`count` evenly spaced values from `low` to `high` along an axis.

    Of an axis of whole numbers, those next to them, each once. ValueError unless low < high (or
    low = high with one value) and 1 <= count <= 400.
    """
    title = axis(name).title
    require(
        isfinite(low) and isfinite(high) and low <= high,
        f"the range of {title} needs two numbers, the smaller first, got {low} and {high}",
    )
    check_points(count)
    if AXES[name].whole:
        largest = max(abs(low), abs(high))
        require(largest <= 2**53, f"{title} may be at most 2^53, beyond which floats skip", largest)
        return tuple(map(float, np.unique(np.round(np.linspace(low, high, count)))))
    require(
        low < high or count == 1,
        f"the range of {title} is empty: {low} to {high}; give two different numbers",
    )
    return tuple(np.linspace(low, high, count).tolist())


# --- Cells and borders -----------------------------------------------------------------------


def cells(
    base: Experiment, x: str, xs: Sequence[float], y: str, ys: Sequence[float]
) -> list[Experiment]:
    """`base` at every point of two different axes, row by row: ys slowly, xs fast.

    Steps come last, so that a step size in units of 2/S_1 is that of its cell's depth and target.
    ValueError for an axis that does not exist or does not fit `base`, or a value that gives no
    experiment.
    """
    require(isinstance(base, Experiment), f"a map needs an Experiment, got {shown(base)}")
    check_axes(x, y)
    for name, points in ((x, xs), (y, ys)):
        require(len(points) > 0, f"{AXES[name].title} needs at least one value, got none")
    names = list(AXES)
    if names.index(x) < names.index(y):
        columns = [AXES[x].put(base, value) for value in xs]
        return [AXES[y].put(column, value) for value in ys for column in columns]
    rows = [AXES[y].put(base, value) for value in ys]
    if x == "eta" and _differ_in_their_starts(rows):
        return _at_step_sizes(rows, [AXES[x].put(rows[0], value).dynamics for value in xs])
    return [AXES[x].put(row, value) for row in rows for value in xs]


def _differ_in_their_starts(rows: Sequence[Experiment]) -> bool:
    """Whether they share all other parts, and so the checks of what a step size goes with."""
    same = [name for name in PARTS if name != "start"]
    return all(getattr(row, name) is getattr(rows[0], name) for row in rows for name in same)


def _at_step_sizes(rows: Sequence[Experiment], dynamics: Sequence[Dynamics]) -> list[Experiment]:
    """All rows with all of the dynamics, which have passed with the first."""
    columns = {name: [getattr(row, name) for row in rows for _ in dynamics] for name in PARTS}
    columns["dynamics"] = [*dynamics] * len(rows)
    return list(map(Experiment.of_checked, zip(*columns.values(), strict=True)))


def borders(
    base: Experiment, step_axis: str, other_axis: str, values: Sequence[float]
) -> dict[str, np.ndarray]:
    """The marks of `theory.step_size_marks` by field name, each (V,) along the other axis.

    In the units of the step axis, "eta" or "ratio"; nan where a mark is not defined.
    """
    require(
        step_axis in STEP_AXES,
        f"borders are step sizes: the first axis must be one of {STEP_AXES}, got "
        f"{shown(step_axis)}",
    )
    require(
        axis(other_axis) is not None and other_axis not in STEP_AXES,
        f"the other axis must not be a step size, too, got {shown(other_axis)}; choose another",
    )
    points = [AXES[other_axis].put(base, value) for value in values]
    return borders_of(points, in_units=step_axis == "ratio")


def borders_of(experiments: Sequence[Experiment], *, in_units: bool = False) -> dict[str, Any]:
    """The marks of several experiments by field name, each (E,); in units of 2/S_1 if wished."""
    units = [theory.unit_step_size(e) if in_units else 1.0 for e in experiments]
    marks = np.array([_marks(e) for e in experiments], dtype=float)
    return dict(
        zip(theory.StepSizeMarks._fields, (marks / np.array(units)[:, None]).T, strict=True)
    )


_marks = remembered(4096)(theory.step_size_marks)  # each takes three bisections


# --- Plans -----------------------------------------------------------------------------------


class Side(NamedTuple):
    """One axis of a plan; a range of None is the axis' own for the experiment at hand."""

    name: str
    points: int
    range: tuple[float, float] | None = None

    def ends(self, base: Experiment) -> tuple[float, float]:
        """The range in force."""
        return axis(self.name).default(base) if self.range is None else self.range

    def values(self, base: Experiment) -> tuple[float, ...]:
        """The points along the axis."""
        return values(self.name, *self.ends(base), self.points)

    def within(self, low: float, high: float) -> Side:
        """The same between two points of the picture; of whole numbers those between them."""
        if AXES[self.name].whole:
            low, high = float(np.ceil(low)), float(np.floor(high))
            high = max(low, high)
        return self._replace(range=(float(low), float(high)))


class Plan(NamedTuple):
    """What a map shows of an experiment; the step size of the experiment may be an axis."""

    x: Side
    y: Side

    def cells(self, base: Experiment) -> list[Experiment]:
        """One experiment per cell, row by row."""
        return list(_planned(self, base))

    def borders(self, base: Experiment) -> dict[str, np.ndarray]:
        """Theory's step sizes along the axis that is not the step size; none without one."""
        step, other = self.y, self.x
        if self.x.name in STEP_AXES:
            step, other = self.x, self.y
        if step.name not in STEP_AXES:
            return {}
        return borders(base, step.name, other.name, other.values(base))


class Wanted(NamedTuple):
    """What was asked of a map; None is what suits the experiment at hand."""

    plan: Plan | None = None
    steps: int | None = None  # of each run


@remembered(8)  # pages ask again with every change of a colour
def _planned(plan: Plan, base: Experiment) -> tuple[Experiment, ...]:
    xs, ys = plan.x.values(base), plan.y.values(base)
    return tuple(cells(base, plan.x.name, xs, plan.y.name, ys))


def usual_plan(base: Experiment) -> Plan:
    """The step size against the start ratio, as in the paper; of random starts against the seed."""
    fitting = available(base)
    other = next(name for name in ("start_ratio", "seed", "depth") if name in fitting)
    return Plan(Side("eta", 60 if other != "seed" else 25), Side(other, 40))
