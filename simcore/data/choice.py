"""What a visitor makes of a table: which columns are learned from which others, and how they are
prepared; or the table itself as the target map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from simcore import checks, typed
from simcore.checks import require, shown
from simcore.data.table import Column, Table
from simcore.tasks import Dataset, Target, Task
from simcore.wording import listed

FLAGS = ("classes", "centre", "standardise", "whiten", "unit")
_USUAL = ("classes", "centre", "standardise", "whiten")
SPAN = 1e-10  # of the largest variance, once every column has variance 1: a direction below is none
TALL = 3  # a nameless table of so many times more rows than columns is one of samples


class Made(NamedTuple):
    """A task, and what was done to the table for it, a sentence each."""

    task: Task
    notes: tuple[str, ...]
    samples: int = 0  # none of a target map
    directions: tuple[int, int] = (0, 0)  # that the inputs span, of how many


@dataclass(frozen=True)
class Choice:
    """How a table becomes a task; columns count from 0.

    `matrix`: it is the target map itself. Else `targets` are learned from all other columns but
    those `left_out`. Flags: "classes": a target of whole numbers that count classes is one (text
    always is); "centre": means are subtracted, of a matrix that of all its entries; "standardise":
    columns of numbers are divided by their standard deviation; "whiten": inputs by the root of
    their second moments; "unit": targets by sigma*_1.
    """

    matrix: bool = False
    targets: tuple[int, ...] = ()
    left_out: tuple[int, ...] = ()
    flags: tuple[str, ...] = _USUAL

    def __contains__(self, flag: str) -> bool:
        return flag in self.flags

    def with_flag(self, flag: str, on: bool) -> Choice:
        kept = set(self.flags) - {flag} | ({flag} if on else set())
        return replace(self, flags=tuple(name for name in FLAGS if name in kept))

    def text(self) -> str:
        """As a link holds it, columns from 1, e.g. "samples:5::centre,whiten"."""
        listed = (",".join(str(k + 1) for k in ks) for ks in (self.targets, self.left_out))
        kind = "matrix" if self.matrix else "samples"
        return ":".join([kind, *listed, ",".join(self.flags)])

    def of(self, table: Table) -> Made:
        """The task; ValueError in a sentence."""
        columns = {*self.targets, *self.left_out}
        require(
            all(0 <= k < len(table.columns) for k in columns),
            f"expected columns of this table, it has {len(table.columns)}; choose again",
        )
        source = f"{table.key}:{self.text()}"
        return (self._of_matrix if self.matrix else self._of_samples)(table, source)

    # --- The table as a target map ---

    def _of_matrix(self, table: Table, source: str) -> Made:
        words = [column.name for column in table.columns if column.is_text]
        require(
            not words,
            f"a target map needs numbers only, “{(words or [''])[0]}” holds text; read the table "
            "as samples",
        )
        rows = np.array([column.values for column in table.columns]).T
        notes = []
        if "centre" in self:
            notes.append(f"The mean of all entries, {rows.mean():.4g}, was subtracted.")
            rows = rows - rows.mean()
        task = Target(rows=checks.tuples(rows), source=source)
        largest = task.singular_values[0]
        if "unit" in self and largest > 0:
            notes.append(f"Entries were divided by σ*₁ = {largest:.4g}.")
            task = Target(rows=checks.tuples(rows / largest), source=source)
        return Made(task, tuple(notes))

    # --- Samples ---

    def _of_samples(self, table: Table, source: str) -> Made:
        require(
            table.rows >= 2,
            "samples need two rows or more, the table has one; read it as the target map",
        )
        require(
            bool(self.targets),
            "expected a column that is to be learned, none is chosen; choose at least one",
        )
        answers = [table.columns[k] for k in self.targets]
        skipped = {*self.targets, *self.left_out}
        questions = [c for k, c in enumerate(table.columns) if k not in skipped]
        notes: list[str] = []
        y = self._encoded(answers, "classes" in self, notes)
        x = self._encoded(questions, False, notes)
        require(
            y.shape[1] > 0,
            "expected targets that vary, these are constant or text of many kinds; choose others",
        )
        require(
            x.shape[1] > 0,
            "expected a column to learn from, none is left that varies; choose fewer targets",
        )
        x, y, span = self._spanned(x, y, notes)

        def learned(targets: np.ndarray) -> Dataset:
            return Dataset(
                inputs=x,
                outputs=targets,
                whiten="whiten" in self,
                center="centre" in self,
                source=source,
            )

        task = learned(y)
        largest = task.singular_values[0]
        if "unit" in self and largest > 0:
            notes.append(f"Targets were divided by σ*₁ = {largest:.4g}.")
            task = learned(y / largest)
        return Made(task, tuple(notes), table.rows, span)

    def _encoded(self, columns: Sequence[Column], counted: bool, notes: list[str]) -> np.ndarray:
        """Columns as numbers (N, n): classes as indicators, the rest centred and scaled."""
        found: list[np.ndarray] = []
        left: dict[str, list[str]] = {"constant": [], "text of many kinds": []}
        split = []
        for column in columns:
            if column.constant:
                left["constant"].append(column.name)
            elif column.is_text or (counted and column.classes):
                if column.classes is None:
                    left["text of many kinds"].append(column.name)
                    continue
                split.append(f"“{column.name}” has {len(column.classes)} classes, a column each")
                found.append(column.indicators())
            else:
                found.append(self._scaled(column.values)[:, None])
        for reason, names in left.items():
            if names:
                named = listed((f"“{name}”" for name in names), most=6)
                notes.append(f"Left out as {reason}: {named}.")
        notes += [f"{words}." for words in split]
        return np.concatenate([np.empty((len(columns and columns[0].values), 0)), *found], axis=1)

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        """A column of numbers over its standard deviation, where that is asked for."""
        if "standardise" not in self:
            return values
        largest = float(np.abs(values).max())  # squares may be too large
        unit = values / largest
        return unit / unit.std()

    def _spanned(
        self, x: np.ndarray, y: np.ndarray, notes: list[str]
    ) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
        """Inputs to be whitened in the directions that they span."""
        samples, count = x.shape
        centred = x - x.mean(axis=0) if "centre" in self else x
        spread = np.sqrt((centred**2).mean(axis=0))
        scaled = centred / np.where(spread > 0, spread, 1.0)
        values, vectors = np.linalg.eigh(scaled.T @ scaled / samples)
        kept = values > SPAN * values[-1]
        rank = int(kept.sum())
        if rank == samples - ("centre" in self):  # all that targets may be, centred as inputs are
            notes.append(
                f"There are {samples} samples of {count} inputs: any targets can be fitted "
                "exactly, so a loss of zero says nothing here."
            )
        if rank < count and "whiten" in self:
            notes.append(f"The inputs span {rank} of {count} directions; those were whitened.")
            x = (x / np.where(spread > 0, spread, 1.0)) @ vectors[:, kept]
        return x, y, (rank, count)


def usual(table: Table) -> Choice:
    """What a table is read as unless the visitor says otherwise."""
    numbers = not any(column.is_text for column in table.columns)
    tall = table.rows >= TALL * len(table.columns)
    if numbers and not table.named and not tall:
        return Choice(matrix=True, flags=())
    if len(table.columns) == 1:
        return Choice(matrix=True, flags=())
    return Choice(targets=table.targets)


def of_text(text: str) -> Choice:
    """The choice that a link holds; ValueError in a sentence."""
    parts = text.split(":")
    require(
        len(parts) == 4 and parts[0] in ("matrix", "samples"),
        "expected matrix or samples, columns to learn, columns to leave out and preparations, "
        f"with colons between, got {shown(text)}",
    )
    kind, targets, left_out, flags = parts
    names = tuple(flags.split(",")) if flags else ()
    unknown = [name for name in names if name not in FLAGS]
    require(not unknown, f"expected preparations out of {listed(FLAGS)}, got {shown(unknown)}")
    ordered = tuple(name for name in FLAGS if name in names)
    return Choice(kind == "matrix", _columns(targets), _columns(left_out), ordered)


def _columns(text: str) -> tuple[int, ...]:
    numbers = typed.wholes(text) if text else ()
    require(all(number >= 1 for number in numbers), "expected columns counted from 1", text)
    return tuple(number - 1 for number in numbers)
