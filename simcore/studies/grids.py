"""Grids of experiments: a base and axes through it, as files of sweeps and stores hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from simcore.checks import require, shown
from simcore.experiment import PARTS, Experiment
from simcore.spec import Spec

MOST_CELLS = 1_000_000  # of one grid


class Grid(list[Experiment]):
    """The experiments of a grid, the last axis fastest; it knows its `base` and its `axes`.

    A part of one is a list like any other.
    """

    def __init__(
        self, cells: Sequence[Experiment], base: Experiment, axes: Mapping[str, Sequence[Any]]
    ) -> None:
        super().__init__(cells)
        self.base = base
        self.axes = {str(path): list(values) for path, values in axes.items()}

    def to_json(self) -> str:
        """The plan {"base": an experiment, "axes": {path: values}}, as the file of a sweep."""
        plan = {"base": self.base.to_dict(), "axes": self.axes}
        return json.dumps(plan, default=_plain)


def from_plain(data: Any, name: str) -> Grid:
    """The grid of {"base": an experiment, "axes": {path: values}}.

    ValueError with a sentence that begins with the `name` of the data if it is anything else.
    """
    base, axes = plan_of(data, name)
    return grid(base, axes)


def plan_of(data: Any, name: str) -> tuple[Experiment, dict[str, list[Any]]]:
    """Base and axes of the same data, the axes as they are there: no cell is built."""
    require(
        isinstance(data, dict) and set(data) == {"base", "axes"},
        f'{name} must hold {{"base": an experiment, "axes": {{path: values}}}}, got {shown(data)}',
    )
    return Experiment.from_dict(data["base"]), data["axes"]


def grid(base: Experiment, axes: Mapping[str, Sequence[Any]]) -> Grid:
    """Every combination of the axes' values put into `base`, the last axis fastest.

    An axis is a path into the experiment, as "dynamics.step_size" or "start", and its values.
    Paths that only fit together are one axis, "network.depths, start.scales", whose values are one
    value per path. ValueError for a path that does not exist or a combination that is no
    experiment.
    """
    require(isinstance(base, Experiment), f"a grid needs an Experiment, got {shown(base)}")
    require(isinstance(axes, Mapping), f"axes must be paths with values, got {shown(axes)}")
    paths = [tuple(path.strip() for path in str(axis).split(",")) for axis in axes]
    choices = [_choices(axis, names, axes[axis]) for axis, names in zip(axes, paths, strict=True)]
    names = [name for axis in paths for name in axis]
    require(len(set(names)) == len(names), f"each path may be given once, got {shown(names)}")
    cells = int(np.prod([len(values) for values in choices], dtype=float))
    require(cells <= MOST_CELLS, f"a grid may have at most {MOST_CELLS} cells, this has {cells}")
    return Grid(_Cells(base, paths, choices).experiments(), base, axes)


def _choices(axis: Any, names: Sequence[str], values: Any) -> list[tuple[Any, ...]]:
    """The values of one axis, as one tuple of values (one per path) for each of its points."""
    is_list = isinstance(values, Sequence | np.ndarray) and not isinstance(values, str)
    require(is_list, f"axis {axis} needs a list of values, got {shown(values)}")
    require(len(values) > 0, f"axis {axis} needs at least one value, got none")
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if len(names) == 1:
        return [(value,) for value in values]
    for value in values:
        fits = isinstance(value, Sequence) and len(value) == len(names)
        require(fits, f"axis {axis} needs {len(names)} values at each point, got {shown(value)}")
    return [tuple(value) for value in values]


class _Cells:
    """The experiments of a grid, each of the parts that its place on the axes gives it.

    A part (a Descent, a Network) is built once for every point of the axes that it depends on, and
    so is checked what must fit together: all other cells are known to pass.
    """

    def __init__(
        self,
        base: Experiment,
        paths: Sequence[tuple[str, ...]],
        choices: Sequence[list[tuple[Any, ...]]],
    ) -> None:
        """For axes along `paths`, with the values of all paths of an axis at each of its points."""
        self.base, self.choices = base, choices
        self.shape = tuple(len(points) for points in choices)
        # Of each part its fields that vary: the path below it, the axis, and which of its values.
        self.fields: dict[str, list[tuple[tuple[str, ...], int, int]]] = {}
        for axis, names in enumerate(paths):
            for index, path in enumerate(names):
                name, *deeper = _steps(base, path)
                self.fields.setdefault(name, []).append((tuple(deeper), axis, index))

    def experiments(self) -> list[Experiment]:
        """All, the last axis fastest."""
        values = zip(*(self._everywhere(self._parts(name)) for name in PARTS), strict=True)
        return [
            Experiment(**dict(zip(PARTS, parts, strict=True)))
            if check
            else Experiment.of_checked(parts)
            for parts, check in zip(values, self._everywhere(self._new()), strict=True)
        ]

    def _axes_of(self, name: str) -> set[int]:
        return {axis for _, axis, _ in self.fields.get(name, [])}

    def _along(self, axes: set[int]) -> tuple[int, ...]:
        """The shape of what depends on these axes alone."""
        return tuple(size if axis in axes else 1 for axis, size in enumerate(self.shape))

    def _everywhere(self, values: np.ndarray) -> list[Any]:
        """One value for every cell, of an array as `_along` shapes it."""
        return np.broadcast_to(values, self.shape).ravel().tolist()

    def _parts(self, name: str) -> np.ndarray:
        """The part of that name at every point of its axes."""
        parts = np.empty(self._along(self._axes_of(name)), dtype=object)
        for point in np.ndindex(parts.shape):
            part = getattr(self.base, name)
            for deeper, axis, index in self.fields.get(name, []):
                part = _replaced(part, deeper, self.choices[axis][point[axis]][index])
            parts[point] = part
        return parts

    def _new(self) -> np.ndarray:
        """Whether a cell is the first with its parts of one of the aspects of an experiment."""
        if "engine" in self.fields:  # which is normalised when it is checked
            return np.ones(self.shape, dtype=bool)
        new = np.zeros(self.shape, dtype=bool)
        for aspect in Experiment.ASPECTS:
            axes = set().union(*map(self._axes_of, aspect))
            new[tuple(slice(None) if a in axes else slice(1) for a in range(new.ndim))] = True
        return new


def _steps(spec: Spec, path: str) -> list[str]:
    """The field names of a path, each of which exists."""
    owner_of(spec, path)
    return path.split(".")


def owner_of(spec: Spec, path: str) -> tuple[Spec, str]:
    """The spec that has the last field of a path, and its name; ValueError where a field of the
    path does not exist."""
    *outer, last = path.split(".")
    here: Any = spec
    for name in outer:
        _check_field(here, name, path)
        here = getattr(here, name)
    _check_field(here, last, path)
    return here, last


def _check_field(here: Any, name: str, path: str) -> None:
    known = [f.name for f in fields(here)] if isinstance(here, Spec) else []
    place = type(here).__name__ if known else "a value"
    require(
        name in known,
        f"expected a path into an experiment like dynamics.step_size, got {shown(path)}; "
        f"{place} has {', '.join(known) or 'no fields'}",
    )


def _replaced(part: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return _specs(value)
    deeper = _replaced(getattr(part, path[0]), path[1:], value)
    return replace(part, **{path[0]: deeper})


def _specs(value: Any) -> Any:
    """A value of an axis with the specs that JSON has as dicts, alone or in a list."""
    if isinstance(value, dict):
        return Spec.from_dict(value)
    if isinstance(value, list | tuple) and any(isinstance(entry, dict) for entry in value):
        return tuple(map(_specs, value))
    return value


def _plain(value: Any) -> Any:
    """What JSON does not know of an axis' values: specs, and numpy's arrays and scalars."""
    return value.to_dict() if isinstance(value, Spec) else value.tolist()
