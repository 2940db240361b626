"""Maps: experiments over two axes of theory's choice, their borders, and what is known of them.

A map is a list of rows, the upper axis slowly and the other fast (row-major), so that the cell in
row j and column i is number j * len(xs) + i.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simcore import limits, mode_batch, theory
from simcore.checks import require, shown
from simcore.experiment import Balanced, Descent, Experiment, Gaussian, LayerScales, Record
from simcore.store import Row, Store
from simcore.tasks import Spectrum

MOST_POINTS = 400  # of one axis
SETTLED = 2000  # steps in which the paper's runs come to their end
FEW_RECORDS = 100  # of full weights, where a sharpness costs many steps

# Core seconds of one run, as measured: per step, pathway and mode; per layer; per multiplication.
MODE_STEP, LAYER, MULTIPLICATION = 1.5e-8, 5e-7, 2.7e-9
LANCZOS = 100  # gradients that a record with its sharpness costs


# --- Axes ------------------------------------------------------------------------------------


class Axis(NamedTuple):
    """One way in which the cells of a map differ."""

    title: str
    put: Callable[[Experiment, float], Experiment]
    default: Callable[[Experiment], tuple[float, float]]  # a range that shows something
    whole: bool = False  # takes whole numbers only


def with_depths(experiment: Experiment, depths: Sequence[int]) -> Experiment:
    """The experiment with other depths, its start stretched or cut to fit them.

    A balanced start gives a new pathway 0.85 of the scale of the one before; of layer scales, the
    last pathway and the last layer are repeated.
    """
    start, depths = experiment.start, tuple(depths)
    if isinstance(start, Balanced):
        scales = start.scales
        while len(scales) < len(depths):
            scales += (float(f"{scales[-1] * 0.85:.6g}"),)
        start = Balanced(scales=scales[: len(depths)])
    elif isinstance(start, LayerScales):
        rows = start.scales + (start.scales[-1],) * len(depths)
        start = LayerScales(
            scales=tuple(
                (row + (row[-1],) * depth)[:depth] for row, depth in zip(rows, depths, strict=False)
            )
        )
    return replace(experiment, network=replace(experiment.network, depths=depths), start=start)


def _with_pathways(experiment: Experiment, pathways: float) -> Experiment:
    depths, count = experiment.network.depths, _whole("pathways", pathways)
    most = limits.current().pathways
    require(count <= most, f"there may be at most {most} pathways here, got {count}")
    return with_depths(experiment, (depths + (depths[-1],) * count)[:count])


def _with_depth(experiment: Experiment, depth: float) -> Experiment:
    return with_depths(experiment, (_whole("depth", depth),) * experiment.network.pathways)


def _with_start_ratio(experiment: Experiment, ratio: float) -> Experiment:
    start = experiment.start
    if not isinstance(start, Balanced) or len(start.scales) < 2 or start.scales[0] == 0:
        raise ValueError(
            f"a ratio of starts needs a balanced start with two pathways or more, got "
            f"{shown(start)}; choose one, or another axis"
        )
    first, _, *others = start.scales
    return replace(experiment, start=Balanced(scales=(first, first * float(ratio), *others)))


def _with_value_ratio(experiment: Experiment, ratio: float) -> Experiment:
    task = experiment.task
    if not isinstance(task, Spectrum) or task.singular_values[0] == 0:
        raise ValueError(
            f"a ratio of singular values needs a target given by them, got {shown(task)}; choose "
            "Spectrum, or another axis"
        )
    first, *others = task.singular_values
    values = (first, first * float(ratio), *others[1:])
    sizes = {"n_in": max(2, task.n_in), "n_out": max(2, task.n_out)}
    return replace(experiment, task=Spectrum(singular_values=values, **sizes))


def _with_seed(experiment: Experiment, seed: float) -> Experiment:
    start = experiment.start
    if not isinstance(start, Gaussian):
        raise ValueError(
            f"seeds need a random start, got {shown(start)}; choose Gaussian, or another axis"
        )
    return replace(experiment, start=replace(start, seed=_whole("seed", seed)))


def _with_step_size(experiment: Experiment, eta: float) -> Experiment:
    dynamics = experiment.dynamics
    if not isinstance(dynamics, Descent):
        raise ValueError(
            f"an axis of step sizes needs gradient descent, got {shown(dynamics)}; choose Descent"
        )
    return replace(experiment, dynamics=replace(dynamics, step_size=float(eta)))


def _with_units(experiment: Experiment, units: float) -> Experiment:
    return _with_step_size(experiment, float(units) * theory.unit_step_size(experiment))


def _whole(name: str, value: float) -> int:
    number = float(value)
    require(number.is_integer(), f"{name} must be a whole number, got {shown(value)}")
    return int(number)


def _usual_steps(experiment: Experiment) -> tuple[float, float]:
    unit = theory.unit_step_size(experiment)
    return 0.5 * unit, 3 * unit


def _usual_values(experiment: Experiment) -> tuple[float, float]:
    first, *others = experiment.task.singular_values
    least = others[1] / first if len(others) > 1 and first > 0 else 0.0
    return max(0.1, least), 0.95


# By name, in the order in which two of them are put into an experiment: the start ratio once the
# pathways are there, a step size in units of 2/S_1 once depth and target are known.
AXES = {
    "depth": Axis(
        "depth L", _with_depth, lambda _: (2, min(30, limits.current().depth)), whole=True
    ),
    "pathways": Axis(
        "pathways H", _with_pathways, lambda _: (2, min(6, limits.current().pathways)), whole=True
    ),
    "value_ratio": Axis("σ*₂ / σ*₁", _with_value_ratio, _usual_values),
    "start_ratio": Axis("start ratio α₂ / α₁", _with_start_ratio, lambda _: (0.5, 0.99)),
    "seed": Axis("seed", _with_seed, lambda _: (0, 9), whole=True),
    "eta": Axis("step size η", _with_step_size, _usual_steps),
    "ratio": Axis("step size η in units of 2/S₁", _with_units, lambda _: (0.5, 3.0)),
}
STEP_AXES = ("eta", "ratio")


def axis(name: str) -> Axis:
    """One of `AXES` by name; ValueError for another."""
    require(
        isinstance(name, str) and name in AXES,
        f"expected an axis out of {', '.join(AXES)}, got {shown(name)}; choose one of them",
    )
    return AXES[name]


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
    return [AXES[x].put(row, value) for row in rows for value in xs]


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


_marks = lru_cache(maxsize=4096)(theory.step_size_marks)  # each takes three bisections


def seconds(experiment: Experiment) -> float:
    """About how many core seconds the run takes, as one of many."""
    if not isinstance(experiment.dynamics, Descent):
        return 1.0  # only its integrator knows
    if experiment.resolved_engine == "modes":
        return MODE_STEP * mode_batch.work(experiment)
    task, network, steps = experiment.task, experiment.network, experiment.dynamics.steps
    records = len(experiment.record.steps(steps)) if experiment.record.sharpness else 0
    gradient = LAYER * sum(network.depths) + MULTIPLICATION * task.n_in * network.weights(task)
    return (steps + LANCZOS * records) * gradient


def affordable(columns: int, rows: int, each: float, budget: float) -> tuple[int, int]:
    """As many columns and rows as `budget` seconds allow at `each` per cell, in proportion."""
    shrink = min(1.0, (budget / (columns * rows * each)) ** 0.5)
    if shrink == 1.0:
        return columns, rows
    return max(1, int(columns * shrink)), max(1, int(rows * shrink))


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

    def within_budget(self, base: Experiment, budget: float) -> Plan:
        """The same with fewer points, if it would take more core seconds than `budget`."""
        ends = [Side(s.name, 2, s.ends(base)) for s in (self.x, self.y)]
        each = max(map(seconds, Plan(*ends).cells(base)))
        counts = len(self.x.values(base)), len(self.y.values(base))
        across, down = affordable(*counts, each, budget)
        if (across, down) == counts:
            return self
        return Plan(self.x._replace(points=across), self.y._replace(points=down))


class Wanted(NamedTuple):
    """What was asked of a map; None is what suits the experiment at hand."""

    plan: Plan | None = None
    steps: int | None = None  # of each run


@lru_cache(maxsize=8)  # pages ask again with every change of a colour
def _planned(plan: Plan, base: Experiment) -> tuple[Experiment, ...]:
    xs, ys = plan.x.values(base), plan.y.values(base)
    return tuple(cells(base, plan.x.name, xs, plan.y.name, ys))


def usual_plan(base: Experiment) -> Plan:
    """The step size against the start ratio, as in the paper; of random starts against the seed."""
    fitting = available(base)
    other = next(name for name in ("start_ratio", "seed", "depth") if name in fitting)
    return Plan(Side("eta", 60 if other != "seed" else 25), Side(other, 40))


def base_of(experiment: Experiment, steps: int | None = None) -> Experiment:
    """The experiment as a map runs it: a descent, by default long enough to settle, with as few
    records as its end needs.

    ValueError for a number of steps that no run may have.
    """
    dynamics, aligned = experiment.dynamics, experiment.resolved_engine == "modes"
    if not isinstance(dynamics, Descent):
        dynamics = Descent(step_size=theory.unit_step_size(experiment), steps=SETTLED)
    if steps is None:
        steps = max(dynamics.steps, SETTLED) if aligned else dynamics.steps
    return replace(
        experiment,
        dynamics=replace(dynamics, steps=steps),
        record=Record() if aligned else Record(frames=FEW_RECORDS),
    )


# --- What is known ---------------------------------------------------------------------------


class Memory:
    """Rows by experiment, the most recent `most` of them; a store for `sweep` that is no file."""

    def __init__(self, most: int) -> None:
        require(most > 0, f"a memory needs room for at least one row, got {shown(most)}")
        self.most = most
        self._rows: OrderedDict[tuple[str, Experiment], Row] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def rows(
        self, experiments: Sequence[Experiment], measure: str = "summary"
    ) -> dict[Experiment, Row]:
        """The rows that are there, of these experiments."""
        with self._lock:
            found = {}
            for experiment in experiments:
                row = self._rows.get((measure, experiment))
                if row is not None:
                    self._rows.move_to_end((measure, experiment))
                    found[experiment] = row
            return found

    def put(
        self, experiments: Sequence[Experiment], rows: Sequence[Row], measure: str = "summary"
    ) -> None:
        """Remember finished runs, and forget those that nobody asked for the longest."""
        with self._lock:
            for experiment, row in zip(experiments, rows, strict=True):
                self._rows[measure, experiment] = row
            while len(self._rows) > self.most:
                self._rows.popitem(last=False)


# --- Maps from a file ------------------------------------------------------------------------

TITLES = {
    "dynamics.step_size": "step size η",
    "dynamics.steps": "steps",
    "network.depths": "depth L",
    "network.depths.length": "pathways H",
    "network.width": "hidden width",
    "start.std": "standard deviation of the start",
    "start.seed": "seed",
    "start.scales.1": "α₂",
    "task.singular_values.1": "σ*₂",
}


class Arrangement(NamedTuple):
    """Experiments in rows and columns by the two numbers in which they differ."""

    x: str  # path of the number, such as "dynamics.step_size"
    xs: tuple[float, ...]
    y: str
    ys: tuple[float, ...]
    places: np.ndarray  # (E,) number of each experiment's cell

    @property
    def titles(self) -> tuple[str, str]:
        """What the axes are called."""
        return TITLES.get(self.x, self.x), TITLES.get(self.y, self.y)

    def cells(self, things: Sequence[Any]) -> list[Any]:
        """One thing per experiment, put into its cell, row by row; None in the other cells."""
        found: list[Any] = [None] * (len(self.xs) * len(self.ys))
        for place, thing in zip(self.places, things, strict=True):
            found[place] = thing
        return found

    def strides(self, most: int) -> tuple[int, int]:
        """Every how many columns and rows at most `most` cells remain, in proportion."""
        across = down = 1
        while -(-len(self.xs) // across) * -(-len(self.ys) // down) > most:
            if len(self.xs) / across >= len(self.ys) / down:
                across += 1
            else:
                down += 1
        return across, down


def read(path: str | Path) -> tuple[list[Experiment], list[Row]]:
    """The runs of a store that `python -m simcore sweep` wrote, with their rows.

    ValueError if the file is no whole store, or holds runs that are not allowed here.
    """
    with Store(path) as store:
        pairs = list(store.items())
    fit = all(isinstance(row, dict) for _, row in pairs)
    require(bool(pairs) and fit, "expected runs of the measure summary, this file has none")
    return [experiment for experiment, _ in pairs], [row for _, row in pairs]


def arrange(experiments: Sequence[Experiment]) -> Arrangement:
    """Find the two numbers in which a sweep's experiments differ; step sizes become columns.

    Numbers that only change together with another one are part of its axis. ValueError if the
    experiments do not differ in exactly two ways.
    """
    columns = _varying([dict(_leaves(experiment.to_dict())) for experiment in experiments])
    codes = {name: _codes(values) for name, values in columns.items()}
    names = sorted(codes, key=lambda name: (_rank(name), -codes[name].max()))
    kept: list[str] = []
    for name in sorted(names, key=lambda name: -codes[name].max()):
        if not any(_decides(codes[other], codes[name]) for other in kept):
            same = [n for n in names if _decides(codes[n], codes[name])]
            same = [n for n in same if _decides(codes[name], codes[n])]
            kept.append(min(same, key=_rank))
    numbers = [name for name in kept if all(_is_number(value) for value in columns[name])]
    require(
        len(kept) == 2 and len(numbers) == 2,
        f"expected runs that differ in two numbers, those of this file differ in "
        f"{len(kept)} ways ({', '.join(kept[:4]) or 'none'}); sweep over two axes",
    )
    x, y = sorted(kept, key=_rank)
    xs, column = np.unique(np.array(columns[x], dtype=float), return_inverse=True)
    ys, row = np.unique(np.array(columns[y], dtype=float), return_inverse=True)
    places = row * len(xs) + column
    return Arrangement(x, tuple(xs.tolist()), y, tuple(ys.tolist()), places)


def _leaves(data: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Paths of an experiment's dict with their scalars; a list has a length, its entries and, if
    they are all equal, their value."""
    for name, value in data.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}.")
        elif isinstance(value, list):
            yield f"{path}.length", len(value)
            if value and all(entry == value[0] for entry in value) and _is_number(value[0]):
                yield path, value[0]
            yield from ((f"{path}.{k}", _scalar(entry)) for k, entry in enumerate(value))
        else:
            yield path, value


def _scalar(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _varying(leaves: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Columns of what is not the same everywhere; of lists whose entries are equal in every
    experiment their value alone, of others their entries."""
    names = dict.fromkeys(name for line in leaves for name in line)
    columns = {name: [line.get(name) for line in leaves] for name in names}
    lists = [name.removesuffix(".length") for name in names if name.endswith(".length")]
    for name in lists:
        even = None not in columns.get(name, [None])
        entries = [n for n in columns if n.startswith(f"{name}.") and n != f"{name}.length"]
        for dropped in entries if even else [name]:
            columns.pop(dropped, None)
    return {name: values for name, values in columns.items() if len(set(values)) > 1}


def _codes(values: Sequence[Any]) -> np.ndarray:
    """Equal values as equal whole numbers."""
    known: dict[Any, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values])


def _decides(fine: np.ndarray, coarse: np.ndarray) -> bool:
    """Whether the value of `fine` says which value `coarse` has."""
    pairs = np.unique(np.stack([fine, coarse]), axis=1)
    return pairs.shape[1] == fine.max() + 1


def _rank(name: str) -> int:
    """Which of several names an axis gets, and which axis goes to the right: known ones first."""
    known = list(TITLES)
    return known.index(name) if name in known else len(known)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
