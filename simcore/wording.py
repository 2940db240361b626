"""Lists and numbers as sentences write them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def listed(names: Iterable[str], last: str = "and", most: int | None = None) -> str:
    """a; a and b; a, b and c; nothing of none. What comes after the first `most` is counted."""
    told = [*names]
    left = 0 if most is None else len(told) - most
    if left > 0:
        told[most:] = ["1 other" if left == 1 else f"{left} others"]
    *others, end = told or [""]
    return f"{', '.join(others)} {last} {end}" if others else end


def about(number: float) -> str:
    """A number to two digits, as 1,300 or 4e+07."""
    return f"{float(f'{number:.2g}'):,.0f}" if number < 1e6 else f"{number:.0e}"


def split(values: np.ndarray, between: str = " : ") -> str:
    """How pathways share a mode, as 0.700 : 0.300; the first eight."""
    return between.join(f"{value:.3f}" for value in values[:8])
