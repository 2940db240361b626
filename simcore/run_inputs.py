"""What went into runs, by name: the numbers of experiments as the columns of rows and tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

from simcore import sharing
from simcore.experiment import PARTS, Experiment
from simcore.rows import Row
from simcore.sharing import Parts
from simcore.spec import Spec

KIND = "type"  # of a part, as `Spec.to_dict` calls it


def of(experiment: Experiment) -> Row:
    """Every number and word of an experiment by its path, such as "dynamics.step_size"; lists are
    tuples, and events a sentence."""
    return varied(sharing.parts([experiment]), PARTS)[0]


def varied(parts: Parts, axes: Iterable[str] = ()) -> list[Row]:
    """Of each experiment what differs between them, and what lies along the `axes` of a grid; None
    where one has no such number."""
    along = tuple(path.strip() for axis in axes for path in axis.split(","))
    columns: dict[str, list[Any]] = {}
    for part, owners in parts.items():
        if len(owners.different) == 1 and not any(_begins(path, part) for path in along):
            continue
        for name in _names(part, owners.different):
            values = list(map(_reader(name), owners.different))
            if len(set(values)) > 1 or any(_begins(name, path) for path in along):
                columns[name] = list(map(values.__getitem__, owners.number.tolist()))
    count = len(next(iter(parts.values())).number)
    found = zip(*columns.values(), strict=True) if columns else [()] * count
    return [dict(zip(columns, row, strict=True)) for row in found]


def names(rows: Iterable[Row]) -> list[str]:
    """The columns of rows that are inputs, not results."""
    every = dict.fromkeys(name for row in rows for name in row)
    return [name for name in every if name.partition(".")[0] in PARTS]


def _begins(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}.")


def _names(part: str, owners: Iterable[Any]) -> list[str]:
    """The paths of all numbers that parts of one name have."""
    kinds = dict.fromkeys(map(type, owners))
    if not all(issubclass(kind, Spec) for kind in kinds):
        return [part]
    inner = [KIND, *(f.name for kind in kinds for f in fields(kind))]
    return [f"{part}.{name}" for name in dict.fromkeys(inner)]


def _reader(name: str) -> Callable[[Any], Any]:
    """What reads a number of a part; None where the part has no such field, though it may compute
    something of that name."""
    field = name.partition(".")[2]
    if not field:
        return lambda owner: owner
    if field == KIND:
        return lambda owner: type(owner).__name__
    has: dict[type, bool] = {}

    def read(owner: Any) -> Any:
        kind = type(owner)
        if kind not in has:
            has[kind] = field in {f.name for f in fields(kind)}
        if not has[kind]:
            return None
        value = getattr(owner, field)
        if field == "events":
            return "; ".join(owner.in_words(value, exactly=True))
        return _plain(value)

    return read


def _plain(value: Any) -> Any:
    """Numbers, words and tuples of them as they are; specs among them as JSON."""
    if isinstance(value, Spec):
        return json.dumps(value.to_dict())
    if isinstance(value, tuple) and any(isinstance(entry, Spec) for entry in value):
        return tuple(map(_plain, value))
    return value
