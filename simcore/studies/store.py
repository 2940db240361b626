"""Rows of sweeps in one SQLite file, which any program can read and no crash can spoil.

A file is either complete or not there: it is built under another name and moved into place.
Every batch of rows is one transaction, so a killed sweep loses the batch it was writing at most.
A file that is not a store of ours, or no longer whole, is refused and never written to.
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from simcore import files
from simcore.checks import require
from simcore.experiment import Experiment
from simcore.rows import Row

APPLICATION = 0x73636F72  # "scor", in the header of every store
MAGIC = b"SQLite format 3\0"
PATIENCE = 30.0  # seconds to wait for another process that is writing
AT_ONCE = 500  # keys in one question

RUNS = """CREATE TABLE runs (
    key TEXT NOT NULL,         -- Experiment.key
    measure TEXT NOT NULL,     -- name of what made the row of the run
    experiment TEXT NOT NULL,  -- JSON of Experiment.to_dict()
    row TEXT NOT NULL,         -- JSON; NaN and Infinity as Python writes them
    PRIMARY KEY (key, measure)
)"""
PLANS = """CREATE TABLE plans (
    plan TEXT NOT NULL,     -- JSON of a grid: {"base": an experiment, "axes": {path: values}}
    measure TEXT NOT NULL,  -- as in runs
    PRIMARY KEY (plan, measure)
)"""
TABLES = {1: (RUNS,), 2: (RUNS, PLANS)}  # what a file of each version consists of
VERSION = max(TABLES)


class Store:
    """Rows by experiment in the SQLite file at `path`, which is created if it does not exist.

    ValueError with a sentence if the file cannot be read or created, is not a store, was written
    by a newer version or is damaged; such a file stays as it is. Several processes may read while
    one writes; two that write the same rows wait for each other and keep one of each. A file of an
    older version is read and appended to as it is, until a plan is put into it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            if not self.path.exists():
                _create(self.path)
            _check(self.path)
            self._file = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
            # with WAL a commit is on disk after a crash of the process, not of the machine
            self._file.execute("PRAGMA synchronous = NORMAL")
        except (OSError, sqlite3.Error) as error:
            raise ValueError(
                f"expected a file that can be read and written, {self.path} cannot: {error}"
            ) from None

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
        keys = [experiment.key for experiment in experiments]
        found: dict[str, Row] = {}
        for first in range(0, len(keys), AT_ONCE):
            part = keys[first : first + AT_ONCE]
            marks = ", ".join("?" * len(part))
            question = f"SELECT key, row FROM runs WHERE measure = ? AND key IN ({marks})"
            for key, row in self._file.execute(question, [measure, *part]):
                found[key] = json.loads(row)
        return {e: found[key] for e, key in zip(experiments, keys, strict=True) if key in found}

    def put(
        self, experiments: Sequence[Experiment], rows: Sequence[Row], measure: str = "summary"
    ) -> None:
        """Add finished runs, all or none of them; what is there already is kept."""
        lines = [
            (experiment.key, measure, _json(experiment.to_dict()), _json(row))
            for experiment, row in zip(experiments, rows, strict=True)
        ]
        with self._transaction():
            self._file.executemany("INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?)", lines)

    def put_plan(self, plan: str, measure: str = "summary") -> None:
        """Note the plan, JSON of a grid, whose runs are about to follow; it becomes the last."""
        with self._transaction():
            self._upgrade()
            self._file.execute("INSERT OR REPLACE INTO plans VALUES (?, ?)", [plan, measure])

    def plans(self, measure: str = "summary") -> list[Any]:
        """The plans of the sweeps into this file as plain data, that of the last sweep last; each
        is there once, and none in a file of version 1."""
        if self._version() < 2:
            return []
        question = "SELECT plan FROM plans WHERE measure = ? ORDER BY rowid"
        return [json.loads(plan) for (plan,) in self._file.execute(question, [measure])]

    def _version(self) -> int:
        return self._file.execute("PRAGMA user_version").fetchone()[0]

    def _upgrade(self) -> None:
        """Add the tables that the file's version lacks."""
        version = self._version()
        for sql in TABLES[VERSION][len(TABLES[version]) :]:
            self._file.execute(sql)
        if version < VERSION:
            self._file.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of what is done inside, or none of it."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._file.execute("COMMIT")
        except BaseException:
            if self._file.in_transaction:  # Ctrl-C may come right after the commit
                self._file.execute("ROLLBACK")
            raise

    def items(self, measure: str = "summary") -> Iterator[tuple[Experiment, Row]]:
        """Every experiment with its row, in the order in which they finished."""
        question = "SELECT experiment, row FROM runs WHERE measure = ? ORDER BY rowid"
        for experiment, row in self._file.execute(question, [measure]):
            yield Experiment.from_dict(json.loads(experiment)), json.loads(row)

    def export(self, path: str | Path, measure: str = "summary") -> None:
        """Write every row to a .csv or .parquet file; see `export`."""
        pairs = list(self.items(measure))
        export(path, [experiment for experiment, _ in pairs], [row for _, row in pairs])


def _json(value: Any) -> str:
    return json.dumps(value, default=lambda scalar: scalar.item())  # numpy's scalars


def _create(path: Path) -> None:
    """Build an empty store beside `path` and move it there, unless another process was faster."""
    log = path.with_name(path.name + "-wal")
    require(
        not log.exists(),
        f"expected no {log} without {path}: it belongs to a store that is gone; bring that back "
        "or delete the rest of it",
    )
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        new = Path(folder, path.name)
        with closing(sqlite3.connect(new)) as file:
            file.execute("PRAGMA journal_mode = WAL")
            for sql in TABLES[VERSION]:
                file.execute(sql)
            file.execute(f"PRAGMA application_id = {APPLICATION}")
            file.execute(f"PRAGMA user_version = {VERSION}")
        with suppress(FileExistsError):
            os.link(new, path)  # unlike a rename, never over another file


def _check(path: Path) -> None:
    """Refuse what is not a whole store, having only read it."""
    with open(path, "rb") as file:
        header = file.read(100)
    application = 0
    if len(header) == 100 and header.startswith(MAGIC):
        (application,) = struct.unpack_from(">I", header, 68)
    require(
        application == APPLICATION,
        f"expected a store of sweeps, {path} is a file of another kind or was only half written; "
        "choose another name",
    )
    # without a log nobody is writing, and a reader that says so leaves no traces
    log = path.with_name(path.name + "-wal")
    how = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    version = VERSION
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)) as file:
        try:
            (version,) = file.execute("PRAGMA user_version").fetchone()  # the log may have a newer
            problem = " ".join(file.execute("PRAGMA quick_check(1)").fetchone()[0].split())
            problem = problem if version > 0 else f"it says that it has version {version}"
            file.execute("SELECT key, measure, experiment, row FROM runs LIMIT 1")
            if version >= 2:
                file.execute("SELECT plan, measure FROM plans LIMIT 1")
        except sqlite3.DatabaseError as error:
            problem = str(error)
    require(
        version <= VERSION,
        f"expected a store of version {VERSION}, {path} has version {version}; update this program",
    )
    require(
        problem == "ok",
        f"expected a whole store, {path} is damaged ({problem}); restore a copy of it or choose "
        "another name",
    )


# --- Tables for other programs ---------------------------------------------------------------


def check_table_path(path: str | Path) -> None:
    """ValueError if `export` could not write there."""
    path = Path(path)
    require(
        path.suffix in (".csv", ".parquet"),
        f"a table's name needs to end in .csv or .parquet, got {path}",
    )
    files.check_writable(path)


def export(path: str | Path, experiments: Sequence[Experiment], rows: Sequence[Row]) -> None:
    """Write a .csv or .parquet file with one line per experiment.

    Columns: key, then each number in which the experiments differ ("dynamics.step_size"; lists as
    JSON), then what the rows hold, then the whole experiment as JSON. The file appears when it is
    complete.
    """
    check_table_path(path)
    path = Path(path)
    columns = _columns(experiments, rows)
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


def _columns(experiments: Sequence[Experiment], rows: Sequence[Row]) -> dict[str, list[Any]]:
    plain = [experiment.to_dict() for experiment in experiments]
    leaves = [dict(_leaves(data)) for data in plain]
    inputs = _of_each(leaves)
    varying = {name: values for name, values in inputs.items() if len(set(values)) > 1}
    return {
        "key": [experiment.key for experiment in experiments],
        **varying,
        **_of_each(rows),
        "experiment": [_json(data) for data in plain],
    }


def _leaves(data: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The paths of an experiment's dict with their scalars; lists as text."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, _json(value) if isinstance(value, list) else value


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
