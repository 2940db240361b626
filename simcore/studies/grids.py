"""Grids of experiments: a base and axes through it, as files of sweeps and stores hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import product
from typing import Any

import numpy as np

from simcore.checks import require, shown
from simcore.experiment import Experiment
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
    parts = _Parts(base, names)
    made = [parts.experiment([v for chosen in cell for v in chosen]) for cell in product(*choices)]
    return Grid(made, base, axes)


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


class _Parts:
    """Builds experiments of a grid; equal parts of them (one Descent, one Network) are one object,
    so that they, and what must fit together, are checked once."""

    def __init__(self, base: Experiment, paths: Sequence[str]) -> None:
        self.base = base
        self.plain = {f.name: getattr(base, f.name) for f in fields(base)}
        self.places: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        for index, path in enumerate(paths):
            name, *deeper = _steps(base, path)
            self.places.setdefault(name, []).append((tuple(deeper), index))
        self.known: dict[tuple[Any, ...], Any] = {}
        self.always = "engine" in self.places  # which is normalised when it is checked
        # Of each aspect the parts that vary, and those of them that have passed together.
        self.aspects = [
            ([name for name in aspect if name in self.places], set[tuple[int, ...]]())
            for aspect in Experiment.ASPECTS
        ]

    def experiment(self, values: Sequence[Any]) -> Experiment:
        """The base with one value for each path."""
        varied = {name: self._part(name, values) for name in self.places}
        new = self.always
        for names, passed in self.aspects:
            together = tuple([id(varied[name]) for name in names])
            if together not in passed:
                new = True
                passed.add(together)
        return replace(self.base, **varied) if new else Experiment.of_checked(self.plain | varied)

    def _part(self, name: str, values: Sequence[Any]) -> Any:
        places = self.places[name]
        key = (name, *[id(values[index]) for _, index in places])  # the axes keep them alive
        part = self.known.get(key)
        if part is None:
            part = getattr(self.base, name)
            for deeper, index in places:
                part = _replaced(part, deeper, values[index])
            self.known[key] = part
        return part


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
