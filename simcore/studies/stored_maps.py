"""The phase map in a file of sweeps: by a sweep's plan, or by what differs between the runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simcore.checks import require
from simcore.experiment import Experiment
from simcore.plans import borders_of
from simcore.rows import Row
from simcore.studies.grids import MOST_CELLS, grid, plan_of
from simcore.studies.store import Store
from simcore.wording import listed

STEP_SIZE = "dynamics.step_size"
MOST_PLANS = 100  # that are looked at, from the last one on
MOST_UNPLANNED = 10_000  # runs, all of which have to be compared
MOST_KEYED = 100_000_000  # characters of all cells of a plan: a key is a hash of so much JSON
TITLES = {
    STEP_SIZE: "step size η",
    "dynamics.steps": "steps",
    "network.depths": "depth L",
    "network.depths.length": "pathways H",
    "network.width": "hidden width",
    "start.std": "standard deviation of the start",
    "start.seed": "seed",
    "start.scales.1": "α₂",
    "task.singular_values.1": "σ*₂",
}


class StoredMap(NamedTuple):
    """Runs in columns and rows by two of their numbers."""

    x: str  # path of the number, such as "dynamics.step_size", or of the axis it counts along
    xs: tuple[float, ...]
    y: str
    ys: tuple[float, ...]
    cells: list[Experiment | None]  # row by row; None where the file has nothing
    rows: list[Row | None]  # None also where a plan's run is not done yet

    @property
    def titles(self) -> tuple[str, str]:
        """What the axes are called."""
        return TITLES.get(self.x, self.x), TITLES.get(self.y, self.y)

    def borders(self) -> dict[str, np.ndarray]:
        """Theory's step sizes by field of `StepSizeMarks`, one for each of the ys; none where x is
        no step size or a line has no run."""
        width = len(self.xs)
        lines = [self.cells[first : first + width] for first in range(0, len(self.cells), width)]
        known = [cell for line in lines for cell in [*filter(None, line)][:1]]
        if self.x != STEP_SIZE or len(known) < len(lines):
            return {}
        return borders_of(known)

    def filled(self, found: Mapping[Experiment, Row]) -> StoredMap:
        """The same cells with these rows."""
        return self._replace(
            rows=[None if cell is None else found.get(cell) for cell in self.cells]
        )

    def thinned(self, most: int) -> StoredMap:
        """Every so many columns and rows, in proportion, so that at most `most` cells remain."""
        width = len(self.xs)
        across, down = strides(width, len(self.ys), most)
        kept = [
            first + i
            for first in range(0, len(self.cells), width * down)
            for i in range(0, width, across)
        ]
        return self._replace(
            xs=self.xs[::across],
            ys=self.ys[::down],
            cells=[self.cells[k] for k in kept],
            rows=[self.rows[k] for k in kept],
        )


def strides(columns: int, rows: int, most: int) -> tuple[int, int]:
    """Every how many columns and rows at most `most` cells remain, in proportion."""
    across = down = 1
    while -(-columns // across) * -(-rows // down) > most:
        if columns / across >= rows / down:
            across += 1
        else:
            down += 1
    return across, down


class Reading(NamedTuple):
    """What a store has to show."""

    map: StoredMap
    runs: int  # that the file holds, of the measure summary
    may_lack_rows: bool  # see `Store.may_lack_rows`


def read(path: str | Path, most: int, name: str | None = None) -> Reading:
    """The map in a store that `python -m simcore sweep` wrote, of at most `most` cells; the file is
    only read, and may be anybody's.

    Sweeps leave their plans in the file. The map is that of the last one with two axes, filled with
    what the file has of its runs, whichever sweep they are from; runs that are not of it do not
    show. Without such a plan (a file of version 1, a list of experiments) the two numbers in which
    the runs differ are looked for, see `arrange`. ValueError, which calls the file `name`, if the
    file is no whole store, is no map or holds runs that are not allowed here.
    """
    with Store(path, only_read=True, name=name) as store:
        runs = store.count()
        require(runs > 0, f"expected runs of the measure summary, {store.name} has none")
        found = _by_plan(store, most) or _by_difference(store, runs, most)
        return Reading(found, runs, store.may_lack_rows)


def _by_plan(store: Store, most: int) -> StoredMap | None:
    """The map of the last plan with two axes, if there is one."""
    for plan in islice(store.plans(), MOST_PLANS):
        try:
            base, axes = plan_of(plan, "it")
            two = _two_of(axes)
            if two is None:
                continue
            length = len(json.dumps(plan["base"]))
            cells = _cells_of(base, axes, two, min(most, max(1, MOST_KEYED // length)))
        except ValueError as error:
            raise ValueError(f"the plan in {store.name} cannot be read: {error}") from None
        return cells.filled(store.rows(list(filter(None, cells.cells))))
    return None


def _by_difference(store: Store, runs: int, most: int) -> StoredMap:
    require(
        runs <= MOST_UNPLANNED,
        f"expected the plan of a sweep or at most {MOST_UNPLANNED} runs, {store.name} has no plan "
        f"with two axes and {runs} runs; sweep a grid into it",
    )
    experiments, rows = zip(*store.items(), strict=True)
    return arrange(experiments, rows).thinned(most)


class _Numbers(NamedTuple):
    """One number of each of E experiments."""

    path: str
    values: Sequence[float] | np.ndarray  # (E,)


def _placed(
    x: _Numbers, y: _Numbers, experiments: Sequence[Experiment], rows: Sequence[Row | None]
) -> StoredMap:
    """Experiments by two of their numbers."""
    xs, column = np.unique(np.array(x.values, dtype=float), return_inverse=True)
    ys, line = np.unique(np.array(y.values, dtype=float), return_inverse=True)
    require(
        len(xs) * len(ys) <= MOST_CELLS,
        f"expected runs that fill a grid, the {len(experiments)} of this file have {len(xs)} "
        f"values of one number and {len(ys)} of the other; sweep over two axes",
    )
    cells: list[Experiment | None] = [None] * (len(xs) * len(ys))
    placed: list[Row | None] = list(cells)  # type: ignore[arg-type]
    for place, experiment, row in zip(line * len(xs) + column, experiments, rows, strict=True):
        cells[place], placed[place] = experiment, row
    return StoredMap(x.path, tuple(xs.tolist()), y.path, tuple(ys.tolist()), cells, placed)


# --- By the plan of a sweep ------------------------------------------------------------------


def _two_of(axes: Any) -> tuple[str, str] | None:
    """The two axes of a plan along which it has points, if there are two."""
    fit = isinstance(axes, dict) and all(isinstance(v, list) and v for v in axes.values())
    require(fit, "it needs lists of values along its axes", axes)
    several = [path for path, values in axes.items() if len(values) > 1]
    two = several if len(axes) > 2 else list(axes)
    return (two[0], two[1]) if len(two) == 2 else None


def _cells_of(
    base: Experiment, axes: dict[str, list[Any]], two: tuple[str, str], most: int
) -> StoredMap:
    """The map of a plan without its rows; what is thinned out is not even built."""
    slow, fast = two
    down, across = strides(len(axes[slow]), len(axes[fast]), most)
    axes = axes | {slow: axes[slow][::down], fast: axes[fast][::across]}
    experiments = grid(base, axes)
    along_slow, along_fast = (_along(base, axes, path) for path in two)
    y = along_slow._replace(values=np.repeat(along_slow.values, len(along_fast.values)))
    x = along_fast._replace(values=np.tile(along_fast.values, len(along_slow.values)))
    x, y = sorted((x, y), key=lambda numbers: _rank(numbers.path))
    return _placed(x, y, experiments, [None] * len(experiments))


def _along(base: Experiment, axes: dict[str, list[Any]], path: str) -> _Numbers:
    """What stands for an axis of any values: a number that each of them changes, by its path, or
    else the axis itself with its values counted."""
    line = grid(base, {p: values if p == path else values[:1] for p, values in axes.items()})
    prefixes = [p.strip() for p in path.split(",")]
    different = len(set(line))
    fitting = {
        name: values
        for name, values in _columns(line).items()
        if any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)
        and all(map(_is_number, values))
        and len(set(values)) == different
    }
    if not fitting:
        return _Numbers(path, range(len(line)))
    name = min(fitting, key=_rank)
    return _Numbers(name, fitting[name])


# --- By what differs -------------------------------------------------------------------------


def arrange(experiments: Sequence[Experiment], rows: Sequence[Row | None]) -> StoredMap:
    """Find the two numbers in which experiments differ; step sizes become columns.

    Numbers that only change together with another one are part of its axis. ValueError if the
    experiments do not differ in exactly two ways.
    """
    columns = {name: of for name, of in _columns(experiments).items() if len(set(of)) > 1}
    codes = {name: _codes(values) for name, values in columns.items()}
    names = sorted(codes, key=lambda name: (_rank(name), -codes[name].max()))
    kept: list[str] = []
    for name in sorted(names, key=lambda name: -codes[name].max()):
        if len(kept) > 2:  # nothing that follows makes it a map
            break
        if not any(_decides(codes[other], codes[name]) for other in kept):
            same = [n for n in names if _decides(codes[n], codes[name])]
            same = [n for n in same if _decides(codes[name], codes[n])]
            kept.append(min(same, key=_rank))
    numbers = [name for name in kept if all(_is_number(value) for value in columns[name])]
    require(
        len(kept) == 2 and len(numbers) == 2,
        "expected runs that differ in two numbers, those of this file differ in "
        f"{'more than two ways' if len(kept) > 2 else listed(kept) or 'none'}; sweep over "
        "two axes",
    )
    x, y = (_Numbers(name, columns[name]) for name in sorted(kept, key=_rank))
    return _placed(x, y, experiments, rows)


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


def _columns(experiments: Sequence[Experiment]) -> dict[str, list[Any]]:
    """Scalars by path, one of each experiment; of lists whose entries are equal in every experiment
    their value alone, of others their entries."""
    columns: dict[str, list[Any]] = {}
    for number, experiment in enumerate(experiments):
        for name, value in _leaves(experiment.to_dict()):
            columns.setdefault(name, [None] * number).append(value)
        for column in columns.values():
            column += [None] * (number + 1 - len(column))
    lists = [name.removesuffix(".length") for name in columns if name.endswith(".length")]
    for name in lists:
        even = None not in columns.get(name, [None])
        entries = [n for n in columns if n.startswith(f"{name}.") and n != f"{name}.length"]
        for dropped in entries if even else [name]:
            columns.pop(dropped, None)
    return columns


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
