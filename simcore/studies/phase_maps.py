"""Phase maps: what one may cost, what is known of it, and those that a file holds."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simcore import theory
from simcore.checks import require, shown
from simcore.experiment import Descent, Experiment, Record
from simcore.plans import Plan, Side
from simcore.studies import batch as mode_batch
from simcore.studies.store import Row, Store

SETTLED = 2000  # steps in which the paper's runs come to their end
FEW_RECORDS = 100  # of full weights, where a sharpness costs many steps

# Core seconds of one run, as measured: per step, pathway and mode; per layer; per multiplication.
MODE_STEP, LAYER, MULTIPLICATION = 1.5e-8, 5e-7, 2.7e-9
LANCZOS = 100  # gradients that a record with its sharpness costs


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


def within_budget(plan: Plan, base: Experiment, budget: float) -> Plan:
    """The same with fewer points, if it would take more core seconds than `budget`."""
    ends = [Side(s.name, 2, s.ends(base)) for s in (plan.x, plan.y)]
    each = max(map(seconds, Plan(*ends).cells(base)))
    counts = len(plan.x.values(base)), len(plan.y.values(base))
    across, down = affordable(*counts, each, budget)
    if (across, down) == counts:
        return plan
    return Plan(plan.x._replace(points=across), plan.y._replace(points=down))


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
