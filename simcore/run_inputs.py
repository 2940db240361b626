"""What went into runs, by name: the numbers of experiments as the columns of rows and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from simcore.experiment import Experiment
from simcore.rows import Row

PARTS = tuple(f.name for f in fields(Experiment))


def of(experiment: Experiment) -> Row:
    """Every number and word of an experiment by its path, such as "dynamics.step_size"; lists are
    tuples."""
    return {
        name: value for part in PARTS for name, value in _leaves(part, _plain(experiment, part))
    }


def varied(experiments: Sequence[Experiment], axes: Iterable[str] = ()) -> list[Row]:
    """Of each experiment what differs between them, and what lies along the `axes` of a grid; None
    where one has no such number."""
    along = tuple(path.strip() for axis in axes for path in axis.split(","))
    found: list[Row] = [{} for _ in experiments]
    for part in PARTS:
        owners = [id(getattr(e, part)) for e in experiments]  # most experiments share their parts
        of_owner = dict(zip(owners, experiments, strict=True))
        if len(of_owner) == 1 and not any(_begins(path, part) for path in along):
            continue
        leaves = {o: dict(_leaves(part, _plain(e, part))) for o, e in of_owner.items()}
        names = dict.fromkeys(name for values in leaves.values() for name in values)
        kept = [
            name
            for name in names
            if any(_begins(name, path) for path in along)
            or len({values.get(name) for values in leaves.values()}) > 1
        ]
        chosen = {o: {n: values.get(n) for n in kept} for o, values in leaves.items()}
        for row, owner in zip(found, owners, strict=True):
            row.update(chosen[owner])
    return found


def names(rows: Iterable[Row]) -> list[str]:
    """The columns of rows that are inputs, not results."""
    every = dict.fromkeys(name for row in rows for name in row)
    return [name for name in every if name.partition(".")[0] in PARTS]


def _begins(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}.")


def _plain(experiment: Experiment, part: str) -> Any:
    value = getattr(experiment, part)
    return value if isinstance(value, str) else value.to_dict()


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for inner, deeper in value.items():
            yield from _leaves(f"{name}.{inner}", deeper)
    else:
        yield name, _hashable(value)


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value
