"""The words for bad input: each check gives the value back, or one sentence as a ValueError."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np

# what repr makes of a float: 0.0, 0.30000000000000004, 1e-07
_FLOAT = re.compile(r"(?<![\w.])\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+)(?![\w.])")


def require(condition: bool, sentence: str, *got: Any) -> None:
    """Refuse bad input with `sentence` (a ValueError) unless `condition` holds.

    With `got`, the sentence goes on "..., got" and shows it; that takes time only in a refusal.
    """
    if not condition:
        raise ValueError(", got ".join([sentence, *map(shown, got)]))


def shown(value: Any) -> str:
    """`value` as a sentence can hold it: its repr, numbers to 12 digits, cut to 60 characters."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # thousands of digits, thousands of nested lists
        text = f"a huge {type(value).__name__}"
    if not isinstance(value, str):  # what a person typed stays as it was typed
        text = _FLOAT.sub(lambda found: f"{float(found[0]):.12g}", text)
    if " at 0x" in text:  # where an object lives in memory tells a reader nothing
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def number(name: str, value: Any) -> float:
    """`value` as a finite float."""
    real = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    require(real, f"{name} must be a number", value)
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    require(math.isfinite(result), f"{name} must be a finite number", value)
    return result + 0.0  # -0.0 and 0.0 are one value and must be one key


def positive(name: str, value: Any) -> float:
    """`value` as a finite float above zero."""
    result = number(name, value)
    require(result > 0, f"{name} must be positive", value)
    return result


def not_negative(name: str, value: Any) -> float:
    """`value` as a finite float, zero or above."""
    result = number(name, value)
    require(result >= 0, f"{name} must not be negative", value)
    return result


def count(name: str, value: Any, least: int, most: int) -> int:
    """`value` as a whole number from `least` to `most`."""
    whole = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
    whole = whole or (isinstance(value, (float, np.floating)) and value.is_integer())
    require(whole, f"{name} must be a whole number", value)
    require(least <= value <= most, f"{name} must be between {least} and {most} here", value)
    return int(value)


def flag(name: str, value: Any) -> bool:
    """`value` as a bool; 0 and 1 are refused, as they are more often a slip."""
    require(isinstance(value, (bool, np.bool_)), f"{name} must be True or False", value)
    return bool(value)


def sequence(name: str, value: Any, example: str) -> tuple[Any, ...]:
    """`value` as a tuple with at least one entry."""
    listed = isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim > 0)
    require(listed, f"{name} must be a sequence of numbers, e.g. {example}; got {shown(value)}")
    require(len(value) > 0, f"{name} needs at least one entry, e.g. {example}; got {shown(value)}")
    return tuple(value)


def numbers(
    name: str,
    value: Any,
    example: str,
    check: Callable[[str, Any], float] = number,
    each: str = "number {} of {}",
) -> tuple[float, ...]:
    """`value` as a tuple of finite floats that pass `check`; `each` names one by its place from 1
    on, and `name`."""
    entries = enumerate(sequence(name, value, example), start=1)
    return tuple(check(each.format(place, name), entry) for place, entry in entries)


def _is_matrix(value: Any) -> bool:
    """Whether `value` is a 2-d array of numbers, none of them masked."""
    return (
        isinstance(value, np.ndarray)
        and not isinstance(value, np.ma.MaskedArray)
        and value.ndim == 2
        and value.dtype.kind in "iuf"
    )


def table(name: str, value: Any, largest_rows: int, largest_columns: int) -> np.ndarray:
    """`value` as a finite (rows, columns) float array; a bad entry is named by its place."""
    listed = sequence(name, value, "((1, 0), (0, 1))")
    require(
        len(listed) <= largest_rows,
        f"{name} may have at most {largest_rows} rows here, got {len(listed)}",
    )
    if _is_matrix(value):  # large arrays, without a Python object per number
        with np.errstate(over="ignore"):  # of extended precision
            result = np.array(value, dtype=float, order="C") + 0.0
        bad = np.argwhere(~np.isfinite(result))
        if len(bad):
            row, column = bad[0]
            number(f"number {column + 1} of row {row + 1} of {name}", result[row, column])
    else:
        rows = [
            numbers(f"row {i} of {name}", row, "(1, 0)") for i, row in enumerate(listed, start=1)
        ]
        for i, row in enumerate(rows, start=1):
            require(
                len(row) == len(rows[0]),
                f"{name} needs rows of one length: row 1 has {len(rows[0])} numbers, "
                f"row {i} has {len(row)}",
            )
        result = np.array(rows) + 0.0
    require(
        1 <= result.shape[1] <= largest_columns,
        f"{name} may have 1 to {largest_columns} columns here, got {result.shape[1]}",
    )
    return result


def tuples(array: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """The rows of a 2-d array as tuples of floats."""
    return tuple(tuple(row) for row in array.tolist())
