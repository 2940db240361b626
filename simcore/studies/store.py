"""Rows of sweeps in one SQLite file, which any program can read and no crash can spoil.

Every batch of rows is one transaction that ends in the file itself: what is reported as done is in
it, also in a copy of it, and a killed sweep loses the batch it was writing at most. A file that is
not a store of ours, or no longer whole, is refused and never written to; see `store_files`.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from simcore import extras, files, run_inputs, sharing
from simcore.checks import require, shown
from simcore.experiment import Experiment
from simcore.rows import Row
from simcore.studies import store_files, stored_values
from simcore.studies.store_files import FIRST_WITH_PLANS, FIRST_WITH_VERSIONS
from simcore.version import VERSION

AT_ONCE = 500  # keys or rows in one question


class Store:
    """Rows by experiment in the SQLite file at `path`, which is created if it is not there or
    empty; with `only_read` it is neither created nor written to.

    ValueError with a sentence, which calls the file `name` (by default its path), if it cannot be
    read or created, is not a store, was written by a newer version or is damaged; such a file stays
    as it is. Reading raises the same for a row that is none. Several processes may read while one
    writes; two that write the same rows wait for each other and keep one of each. A file of an
    older version is brought up to date when it is opened to be written to.
    """

    def __init__(
        self, path: str | Path, *, only_read: bool = False, name: str | None = None
    ) -> None:
        _check_name(str(path))
        self.path = Path(path)
        self.name = str(path) if name is None else name
        logged = store_files.beside(self.path, "wal").exists()
        try:
            self._file = _opened(self.path, self.name, only_read)
        except (OSError, sqlite3.Error) as error:
            kind = "read" if only_read else "read and written"
            raise ValueError(
                f"expected a file that can be {kind}, {self.name} cannot: {error}"
            ) from None
        # whole stores that keep a log, and copies taken without it, look the same
        self.may_lack_rows = not logged and store_files.keeps_log(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __len__(self) -> int:
        return self._file.execute("SELECT count(*) FROM runs").fetchone()[0]

    def count(self, measure: str = "summary") -> int:
        """How many runs have a row of that measure."""
        question = "SELECT count(*) FROM runs WHERE measure = ?"
        return self._file.execute(question, [measure]).fetchone()[0]

    def rows(
        self, experiments: Sequence[Experiment], measure: str = "summary"
    ) -> dict[Experiment, Row]:
        """The rows that are there, of these experiments."""
        found = self._of(experiments, measure, "row")
        where = f"a run in {self.name}"
        return {e: stored_values.row_of(row, measure, where) for e, row in found.items()}

    def versions(
        self, experiments: Sequence[Experiment], measure: str = "summary"
    ) -> dict[Experiment, str | None]:
        """Of the same rows, the version of the program that made each; None where none is noted."""
        column = "NULL" if self._version() < FIRST_WITH_VERSIONS else "version"
        found = self._of(experiments, measure, column)
        return {e: stored_values.version_of(version) for e, version in found.items()}

    def _of(
        self, experiments: Sequence[Experiment], measure: str, column: str
    ) -> dict[Experiment, Any]:
        """One column of what is there, of these experiments."""
        keys = [experiment.key for experiment in experiments]
        found: dict[bytes, Any] = {}
        for first in range(0, len(keys), AT_ONCE):
            part = keys[first : first + AT_ONCE]
            marks = ", ".join("?" * len(part))
            question = f"SELECT key, {column} FROM runs WHERE measure = ? AND key IN ({marks})"
            found.update(self._file.execute(question, [measure, *part]))
        pairs = zip(experiments, map(str.encode, keys), strict=True)
        return {e: found[key] for e, key in pairs if key in found}

    def put(
        self, experiments: Sequence[Experiment], rows: Sequence[Row], measure: str = "summary"
    ) -> None:
        """Add finished runs, all or none of them; what is there already is kept."""
        lines = [
            (experiment.key, measure, _json(experiment.to_dict()), _json(row), VERSION)
            for experiment, row in zip(experiments, rows, strict=True)
        ]
        with store_files.transaction(self._file):
            self._file.executemany("INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?, ?)", lines)

    def put_plan(self, plan: str, measure: str = "summary") -> None:
        """Note the plan, JSON of a grid, whose runs are about to follow; it becomes the last."""
        with store_files.transaction(self._file):
            self._file.execute("INSERT OR REPLACE INTO plans VALUES (?, ?)", [plan, measure])

    def plans(self, measure: str = "summary") -> Iterator[Any]:
        """The plans of the sweeps into this file as plain data, that of the last sweep first; each
        is there once, and none in a file of version 1."""
        if self._version() < FIRST_WITH_PLANS:
            return
        question = "SELECT plan FROM plans WHERE measure = ? ORDER BY rowid DESC"
        for (plan,) in self._file.execute(question, [measure]):
            yield stored_values.plan_of(plan, self.name)

    def _version(self) -> int:
        return self._file.execute("PRAGMA user_version").fetchone()[0]

    def items(self, measure: str = "summary") -> Iterator[tuple[Experiment, Row]]:
        """Every experiment with its row, in the order in which they finished."""
        question = (
            "SELECT rowid, experiment, row FROM runs WHERE measure = ? AND rowid > ? "
            f"ORDER BY rowid LIMIT {AT_ONCE}"
        )
        number = -(2**63)
        # part by part, because who reads keeps others from writing
        while lines := self._file.execute(question, [measure, number]).fetchall():
            for number, experiment, row in lines:
                where = f"run {number} in {self.name}"
                yield (
                    stored_values.experiment_of(experiment, where),
                    stored_values.row_of(row, measure, where),
                )

    def export(self, path: str | Path, measure: str = "summary") -> None:
        """Write every row to a .csv or .parquet file; see `export`."""
        pairs = list(self.items(measure))
        experiments = [experiment for experiment, _ in pairs]
        export(path, experiments, [row for _, row in pairs], self.versions(experiments, measure))


def _check_name(path: str) -> None:
    require(
        not (path.startswith((":", "file:", "sqlite:")) or "://" in path),
        f"expected a file's name, got {shown(path)}; a store has to outlive its sweep, so name a "
        "file such as runs.sqlite",
    )


def _opened(path: Path, name: str, only_read: bool) -> sqlite3.Connection:
    if only_read:
        return store_files.open_proven(path, name)
    if path.exists():
        store_files.check_ordinary(path, name)
        store_files.recover(path)
    if not path.exists() or path.stat().st_size == 0:
        store_files.create(path)
    store_files.open_proven(path, name).close()
    file = store_files.open_to_write(path)
    file.text_factory = bytes
    return file


def _json(value: Any) -> str:
    return json.dumps(value, default=lambda scalar: scalar.item())  # numpy's scalars


# --- Tables for other programs ---------------------------------------------------------------


def check_table_path(path: str | Path) -> None:
    """ValueError if `export` could not write there."""
    path = Path(path)
    require(
        path.suffix in (".csv", ".parquet"),
        f"a table's name needs to end in .csv or .parquet, got {path}",
    )
    files.check_writable(path)
    if path.suffix == ".parquet":
        extras.check("pyarrow", "a .parquet file", "app")


def export(
    path: str | Path,
    experiments: Sequence[Experiment],
    rows: Sequence[Row],
    versions: Mapping[Experiment, str | None] | None = None,
) -> None:
    """Write a .csv or .parquet file with one line per experiment.

    Columns: key, then each number in which the experiments differ ("dynamics.step_size"; lists as
    JSON), then what the rows hold, then the version of the program that made the row if `versions`
    are given, then the whole experiment as JSON. The file appears when it is complete.
    """
    check_table_path(path)
    path = Path(path)
    columns = _columns(experiments, rows, versions)
    with files.writing(path) as part:
        if path.suffix == ".csv":
            with open(part, "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows(zip(*columns.values(), strict=True))
        else:
            import pyarrow
            from pyarrow import parquet

            parquet.write_table(pyarrow.table(columns), part)


def _columns(
    experiments: Sequence[Experiment],
    rows: Sequence[Row],
    versions: Mapping[Experiment, str | None] | None,
) -> dict[str, list[Any]]:
    inputs = run_inputs.varied(sharing.parts(experiments))
    lines = [_written(given | row) for given, row in zip(inputs, rows, strict=True)]
    return {
        "key": [experiment.key for experiment in experiments],
        **_of_each(lines),
        **({} if versions is None else {"version": [versions.get(e) for e in experiments]}),
        "experiment": [_json(experiment.to_dict()) for experiment in experiments],
    }


def _written(row: Row) -> Row:
    """The same with inputs that are lists as text."""
    lists = [name for name in run_inputs.names([row]) if isinstance(row[name], tuple | list)]
    return row | {name: _json(row[name]) for name in lists}


def _of_each(lines: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Columns of lines that may lack some names; None where they do."""
    names = dict.fromkeys(name for line in lines for name in line)
    return {name: _alike([line.get(name) for line in lines]) for name in names}


def _alike(values: list[Any]) -> list[Any]:
    """The values, as text if they are of several types."""
    types = {type(value) for value in values} - {type(None)}
    if len(types) <= 1 or types == {int, float}:
        return values
    return [None if value is None else str(value) for value in values]
