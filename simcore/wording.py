"""Lists and numbers as sentences write them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import numpy as np


def listed(names: Iterable[str], last: str = "and", most: int | None = None) -> str:
    """a; a and b; a, b and c; nothing of none. What comes after the first `most` is counted."""
    told = [*names]
    left = 0 if most is None else len(told) - most
    if left > 0:
        told[most:] = ["1 other" if left == 1 else f"{left} others"]
    *others, end = told or [""]
    return f"{', '.join(others)} {last} {end}" if others else end


def in_rows(modes: Iterable[int]) -> str:
    """Modes (from 0) counted from 1; those in a row as 3 to 5."""
    rows: list[list[int]] = []
    for mode in modes:
        if rows and mode == rows[-1][-1] + 1:
            rows[-1].append(mode)
        else:
            rows.append([mode])
    parts = [
        [f"{row[0] + 1} to {row[-1] + 1}"] if len(row) > 2 else [f"{mode + 1}" for mode in row]
        for row in rows
    ]
    return listed(chain(*parts))


def about(number: float) -> str:
    """A number to two digits, as 1,300 or 4e+07."""
    return f"{float(f'{number:.2g}'):,.0f}" if number < 1e6 else f"{number:.0e}"


def part(value: float) -> str:
    """A part of the target or of the signal, as 0.300; what rounds to zero has no sign."""
    return f"{value:z.3f}"


def split(values: np.ndarray, between: str = " : ") -> str:
    """How pathways share a mode, as 0.700 : 0.300; the first eight."""
    return between.join(map(part, values[:8]))
