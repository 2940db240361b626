"""The axes of a sweep as they are typed: dynamics.step_size=0.05:0.3:60, network.depths=3,3;5,5."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from simcore import typed
from simcore.checks import require, shown
from simcore.experiment import Experiment
from simcore.spec import Spec
from simcore.studies.grids import MOST_CELLS, owner_of

EXAMPLES = (
    "dynamics.step_size=0.05:0.3:60 (from, to, number of points), dynamics.steps=500,1000 or "
    "network.depths=3,3;5,5"
)

ONE: dict[str, Callable[[str], Any]] = {  # the readers of one point, by the type of the field
    "float": typed.number,
    "int": typed.whole,
    "str": str,
}
LISTED: dict[str, Callable[[str], Any]] = {
    "tuple[int, ...]": typed.wholes,
    "tuple[float, ...]": typed.numbers,
    "tuple[Scale, ...]": typed.numbers,  # of a balanced start, one a pathway
}


def axes_of(base: Experiment, typed_axes: Sequence[str]) -> dict[str, list[Any]]:
    """Paths with their values, each from PATH=VALUES; ValueError in a sentence."""
    axes: dict[str, list[Any]] = {}
    for text in typed_axes:
        path, equals, values = text.partition("=")
        path = path.strip()
        require(bool(path and equals), f"expected an axis like {EXAMPLES}", text)
        require(path not in axes, f"expected each axis once, got {path} twice")
        axes[path] = _values(base, path, values)
    return axes


def _values(base: Experiment, path: str, text: str) -> list[Any]:
    kind = _kind(base, path)
    if kind in LISTED:
        return [LISTED[kind](point) for point in text.split(";")]
    require(
        kind in ONE,
        f"expected an axis over numbers or lists of them, {path} holds others; write its values "
        "into the file of the sweep",
    )
    if kind != "str" and ":" in text:
        return _range(path, text, whole=kind == "int")
    points = typed.parts(text, "values", "500, 1000" if kind == "int" else "0.05, 0.1")
    return [ONE[kind](point) for point in points]


def _kind(base: Experiment, path: str) -> str:
    """The type of the field that a path leads to, as its class notes it."""
    owner, name = owner_of(base, path)
    (kind,) = [str(f.type) for f in fields(owner) if f.name == name]
    inside = getattr(owner, name)
    require(
        not isinstance(inside, Spec),
        f"expected an axis over numbers, {path} is a whole {type(inside).__name__}; go into it, "
        f"e.g. {path}.{fields(inside)[0].name}"
        if isinstance(inside, Spec)
        else "",
    )
    return kind.removesuffix(" | None")


def _range(path: str, text: str, *, whole: bool) -> list[Any]:
    parts = text.split(":")
    require(len(parts) == 3, f"expected a range of {path} as from:to:points, got {shown(text)}")
    low, high, points = typed.number(parts[0]), typed.number(parts[1]), typed.whole(parts[2])
    require(low < high, f"expected a range of {path} that begins with its smaller end", text)
    require(
        2 <= points <= MOST_CELLS,
        f"expected from 2 to {MOST_CELLS} points along {path}, got {points}",
    )
    values = np.linspace(low, high, points)
    if not whole:
        return values.tolist()
    require(high <= 2**53, f"expected whole numbers of at most 15 digits along {path}", text)
    return [int(value) for value in np.unique(np.round(values))]
