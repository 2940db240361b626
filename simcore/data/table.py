"""A table as a visitor means it: named columns of numbers or of text, and what was understood."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from simcore import limits
from simcore.checks import require

MOST_CLASSES = 20  # different texts of a column that is one of classes
LONGEST_NAME = 40  # characters of a column's name


def most_cells() -> int:
    """Numbers and texts that a table may have here."""
    return 2_000_000 if limits.hosted() else 20_000_000


def check_size(rows: int, columns: int) -> None:
    """ValueError unless a table of this size may be read here; asked before it is."""
    most = limits.current()
    require(
        rows <= most.samples,
        f"a table may have at most {most.samples:,} rows here, this one has {rows:,}; take fewer",
    )
    # a matrix may be wide, and columns may be left out before anything is run
    require(
        columns <= 4 * most.size and rows * columns <= most_cells(),
        f"a table may have at most {4 * most.size:,} columns and {most_cells():,} numbers here, "
        f"this one has {columns:,} columns and {rows * columns:,}; take fewer",
    )


@dataclass(frozen=True, eq=False)
class Column:
    """A column of numbers (N,), or of N texts."""

    name: str
    values: np.ndarray
    is_text: bool = False

    @cached_property
    def classes(self) -> tuple[str, ...] | None:
        """The different texts of a column that has few of them, in alphabetical order; also whole
        numbers that count classes: from 0 or 1 on without gaps, each ten times on average."""
        distinct = np.unique(self.values)
        if self.is_text:
            few = len(distinct) <= min(MOST_CLASSES, max(2, len(self.values) // 2))
            return tuple(map(str, distinct)) if few else None
        count = len(distinct)
        if not 3 <= count <= MOST_CLASSES or 10 * count > len(self.values):
            return None
        counted = any(np.array_equal(distinct, np.arange(first, first + count)) for first in (0, 1))
        return tuple(f"{value:g}" for value in distinct) if counted else None

    @cached_property
    def constant(self) -> bool:
        if self.is_text:
            return len(set(self.values.tolist())) == 1
        return bool(np.ptp(self.values) <= 1e-12 * np.abs(self.values).max())

    def indicators(self) -> np.ndarray:
        """1 where a sample is of a class and 0 elsewhere, (N, classes)."""
        return np.equal.outer(self.values, np.unique(self.values)).astype(float)


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length. `notes` are what its reader understood, a sentence each; `targets` the
    columns (from 0) that are to be learned from the others, the last one unless the file says
    otherwise; `named` whether columns have names of their own."""

    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()
    targets: tuple[int, ...] = ()
    named: bool = True
    kept: str = field(default="")  # the name of a set that every copy has

    def __post_init__(self) -> None:
        require(len(self.columns) > 0, "expected a table with numbers, there are none")
        check_size(self.rows, len(self.columns))
        if not self.targets:
            object.__setattr__(self, "targets", (len(self.columns) - 1,))

    @property
    def rows(self) -> int:
        return len(self.columns[0].values)

    @cached_property
    def key(self) -> str:
        """A short hash of all that it holds, or the name of a set that every copy has."""
        if self.kept:
            return self.kept
        digest = hashlib.sha256()
        for column in self.columns:
            digest.update(f"{column.name}\0{column.is_text}\0".encode())
            values = column.values
            texts = "\0".join(map(str, values)).encode() if column.is_text else values.tobytes()
            digest.update(texts)
        return digest.hexdigest()[:16]


def unfinished(column: str, row: int, value: float) -> str:
    """That a number is missing there, or infinite."""
    found = "none" if np.isnan(value) else "an infinite one"
    return (
        f"expected a number in every row, {column} has {found} in row {row}; fill it in, or leave "
        "the row or the column out"
    )


def of_matrix(
    values: np.ndarray,
    names: Sequence[str] = (),
    notes: Sequence[str] = (),
    targets: Sequence[int] = (),
) -> Table:
    """A table of numbers (N, n); ValueError in a sentence where one is missing or infinite."""
    check_size(*values.shape)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = (int(place) + 1 for place in bad[0])
        raise ValueError(unfinished(f"column {column}", row, values[row - 1, column - 1]))
    listed = names or [f"column {place}" for place in range(1, values.shape[1] + 1)]
    columns = tuple(
        Column(name, np.ascontiguousarray(column, dtype=float) + 0.0)
        for name, column in zip(listed, values.T, strict=True)
    )
    return Table(columns, tuple(notes), tuple(targets), named=bool(names))


def distinct_names(names: Sequence[str]) -> list[str]:
    """Names that tell columns apart: an empty one is "column 3", one that recurs gets a number."""
    found: list[str] = []
    for place, name in enumerate(names, start=1):
        plain = " ".join(name.split())[:LONGEST_NAME] or f"column {place}"
        other, again = plain, 2
        while other in found:
            other, again = f"{plain} ({again})", again + 1
        found.append(other)
    return found
