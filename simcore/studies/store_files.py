"""What the file of a store consists of, how it comes to be, and the proof that it is one.

An SQLite file is a program: its schema may hold a view that never ends or a column computed to
450 MB, and its pages may lead in circles. So of a file from anywhere the schema must be ours word
for word before any question is asked, under limits and a deadline, and then the whole structure is
checked. What rows say is checked where they are read, by `stored_values`.

A store keeps what it says in the file itself: SQLite's rollback journal lies beside it only while a
batch is written. Versions 1 and 2 used a log (WAL) instead, in which the last rows may stay behind.
"""

from __future__ import annotations

import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from simcore.checks import require, shown

APPLICATION = 0x73636F72  # "scor", in the header of every store
PATIENCE = 30.0  # seconds to wait for another process that is writing
MOST_SECONDS, MOST_SECONDS_PER_MB = 5.0, 0.2  # of a proof; one of 100 MB takes 0.5

_OLD_RUNS = """CREATE TABLE runs (
    key TEXT NOT NULL,         -- Experiment.key
    measure TEXT NOT NULL,     -- name of what made the row of the run
    experiment TEXT NOT NULL,  -- JSON of Experiment.to_dict()
    row TEXT NOT NULL,         -- JSON; NaN and Infinity as Python writes them
    PRIMARY KEY (key, measure)
)"""
RUNS = """CREATE TABLE runs (
    key TEXT NOT NULL,         -- Experiment.key
    measure TEXT NOT NULL,     -- name of what made the row of the run
    experiment TEXT NOT NULL,  -- JSON of Experiment.to_dict()
    row TEXT NOT NULL,         -- JSON; NaN and Infinity as Python writes them
    version TEXT,              -- of the program that made the row; NULL if it did not say so
    PRIMARY KEY (key, measure)
)"""
PLANS = """CREATE TABLE plans (
    plan TEXT NOT NULL,     -- JSON of a grid: {"base": an experiment, "axes": {path: values}}
    measure TEXT NOT NULL,  -- as in runs
    PRIMARY KEY (plan, measure)
)"""
TABLES = {1: (_OLD_RUNS,), 2: (_OLD_RUNS, PLANS), 3: (RUNS, PLANS)}  # of a file of each version
VERSION = max(TABLES)
FIRST_WITH_PLANS, FIRST_WITH_VERSIONS, FIRST_WITHOUT_LOG = 2, 3, 3

LIMITS = {  # of what a schema may ask for; SQLite's own are up to 1 GB
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 10,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 20,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 2,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}


def beside(path: Path, end: str) -> Path:
    """The file that SQLite keeps beside a store: its "journal", or the log "wal" of before."""
    return path.with_name(f"{path.name}-{end}")


def _connect(path: Path, how: str) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?{how}"
    return sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)


def _one(file: sqlite3.Connection, question: str) -> int:
    return file.execute(question).fetchone()[0]


def _code(error: sqlite3.Error) -> int | None:
    """SQLite's own number of an error; None for one of Python's module."""
    return getattr(error, "sqlite_errorcode", None)


def check_ordinary(path: Path, name: str) -> None:
    """ValueError for a folder, a pipe or a device, of which some would never end."""
    require(
        stat.S_ISREG(path.stat().st_mode),
        f"expected a file with a store of sweeps, {name} is none; choose another name",
    )


# --- Coming to be ----------------------------------------------------------------------------


def create(path: Path) -> None:
    """Make a store of a file that is not there or empty, unless another process was faster.

    It is one transaction: whatever stops it leaves an empty file.
    """
    log = beside(path, "wal")
    require(
        not log.exists(),
        f"expected no {log} without {path}: it belongs to a store that is gone; bring that back "
        "or delete the rest of it",
    )
    with closing(_connect(path, "mode=rwc")) as file, transaction(file):
        if not _one(file, "SELECT count(*) FROM sqlite_master"):
            for sql in TABLES[VERSION]:
                file.execute(sql)
            file.execute(f"PRAGMA application_id = {APPLICATION}")
            file.execute(f"PRAGMA user_version = {VERSION}")


def recover(path: Path) -> None:
    """Take back the batch that a killed process was writing."""
    if beside(path, "journal").exists() and _is_ours(path):
        with closing(_connect(path, "mode=rw")) as file:
            _one(file, "PRAGMA user_version")  # whoever reads first does it


def _is_ours(path: Path) -> bool:
    """Whether a file beside a journal is a store, or too torn to say what it is."""
    try:
        return _claims(path, str(path))[0] == APPLICATION
    except (ValueError, sqlite3.DatabaseError):
        return True


def open_to_write(path: Path) -> sqlite3.Connection:
    """A connection to a store that is proven, brought up to date: one of an older version loses
    its log and gains columns and tables."""
    file = _connect(path, "mode=rw")
    try:
        _end_log(file, path)
        file.execute("PRAGMA trusted_schema = OFF")
        file.execute("PRAGMA synchronous = FULL")
        with transaction(file):
            _upgrade(file)
        # a batch goes into the file at its end, in one go: else pages that do not fit into the
        # cache are there before, and a copy taken meanwhile is torn
        file.execute("PRAGMA cache_spill = OFF")
    except BaseException:
        file.close()
        raise
    return file


def _end_log(file: sqlite3.Connection, path: Path) -> None:
    try:
        mode = file.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        if _code(error) != sqlite3.SQLITE_BUSY:
            raise
        mode = "busy"
    require(
        mode == "delete",
        f"expected a store that no other program has open, {path} is in use; wait until that ends",
    )


def _upgrade(file: sqlite3.Connection) -> None:
    version = _one(file, "PRAGMA user_version")
    if version == VERSION:
        return
    file.execute("ALTER TABLE runs RENAME TO old_runs")
    file.execute(RUNS)
    file.execute(
        "INSERT INTO runs SELECT key, measure, experiment, row, NULL FROM old_runs ORDER BY rowid"
    )
    file.execute("DROP TABLE old_runs")
    if version < FIRST_WITH_PLANS:
        file.execute(PLANS)
    file.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def transaction(file: sqlite3.Connection) -> Iterator[None]:
    """All of what is done inside, or none of it."""
    file.execute("BEGIN IMMEDIATE")
    try:
        yield
        file.execute("COMMIT")
    except BaseException:
        if file.in_transaction:  # Ctrl-C may come right after the commit
            file.execute("ROLLBACK")
        raise


# --- The proof -------------------------------------------------------------------------------


def open_proven(path: Path, name: str) -> sqlite3.Connection:
    """A connection that reads the store at `path` and never writes to it.

    ValueError with a sentence, which calls the file `name`, if it is no whole store of a known
    version; sqlite3.Error and OSError if it cannot be read at all. Text comes as bytes, because
    nothing says yet that it is any.
    """
    check_ordinary(path, name)
    application, version = _claims(path, name)
    require(
        application == APPLICATION,
        f"expected a store of sweeps, {name} is a file of another kind or was only half written; "
        "choose another name",
    )
    size = sum(part.stat().st_size for part in (path, beside(path, "wal")) if part.exists())
    # a log-less file of a version that had logs is nobody's, and a reader that says so leaves no
    # traces beside it
    nobodys = version < FIRST_WITHOUT_LOG and not beside(path, "wal").exists()
    file = _connect(path, "mode=ro&immutable=1" if nobodys else "mode=ro")
    try:
        with _deadline(file, MOST_SECONDS + MOST_SECONDS_PER_MB * size / 1e6, name):
            _bound(file, size)
            _prove(file, path, name)
        file.text_factory = bytes
    except BaseException:
        file.close()
        raise
    return file


def _claims(path: Path, name: str) -> tuple[int, int]:
    """Of which program a file says it is, and of which version; zeros if it is none of SQLite."""
    # Only through SQLite: if this process opened and closed the file by itself, the locks that
    # SQLite holds on it elsewhere in the process would be gone (a trait of POSIX).
    for how in ("mode=ro&immutable=1", "mode=ro"):  # the second waits for who is writing
        with closing(_connect(path, how)) as file:
            try:
                return _one(file, "PRAGMA application_id"), _one(file, "PRAGMA user_version")
            except sqlite3.DatabaseError as error:
                if _code(error) == sqlite3.SQLITE_NOTADB:
                    return 0, 0
                if _code(error) != sqlite3.SQLITE_CORRUPT:
                    raise
    raise _damaged(name, "it is shorter than it says")


def keeps_log(file: sqlite3.Connection) -> bool:
    """Whether the last rows of a store may lie in a log beside it."""
    mode = str(file.execute("PRAGMA journal_mode").fetchone()[0])
    return "wal" in mode or _one(file, "PRAGMA user_version") < FIRST_WITHOUT_LOG


def _bound(file: sqlite3.Connection, size: int) -> None:
    for limit, most in LIMITS.items():
        file.setlimit(limit, most)
    # no text is longer than the file it is in, but one whose pages lead in a circle says that it is
    file.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, size)
    file.execute("PRAGMA trusted_schema = OFF")
    file.execute("PRAGMA cell_size_check = ON")


@contextmanager
def _deadline(file: sqlite3.Connection, seconds: float, name: str) -> Iterator[None]:
    """What SQLite does inside ends in a sentence after so many seconds."""
    until = time.monotonic() + seconds
    file.set_progress_handler(lambda: time.monotonic() > until, 10_000)
    try:
        yield
    except sqlite3.OperationalError as error:
        if _code(error) != sqlite3.SQLITE_INTERRUPT:
            raise
        raise ValueError(
            f"expected a store that is read in {seconds:.0f} seconds, {name} takes longer; it is "
            "not one of ours, or the machine is busy"
        ) from None
    finally:
        file.set_progress_handler(None, 0)


def _prove(file: sqlite3.Connection, path: Path, name: str) -> None:
    try:
        file.execute("BEGIN")
        version = _one(file, "PRAGMA user_version")  # from here on nobody writes
        require(
            version <= VERSION,
            f"expected a store of version {VERSION}, {name} has version {version}; update this "
            "program",
        )
        if version not in TABLES:
            raise _damaged(name, f"it says that it has version {version}")
        found = file.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchmany(9)
        require(
            sorted(found, key=repr) == _schema(version),
            f"expected a store with this program's tables and nothing else, {name} has others; "
            "take the file that the sweep itself wrote",
        )
        problem = file.execute("PRAGMA integrity_check(1)").fetchone()[0]
        length = _one(file, "PRAGMA page_count") * _one(file, "PRAGMA page_size")
        if problem == "ok" and length != path.stat().st_size and not beside(path, "wal").exists():
            problem = f"{path.stat().st_size} bytes instead of {length}"
        file.execute("COMMIT")
    except UnicodeDecodeError:  # SQLite's own words, where they quote a schema
        problem = "its schema is no text"
    except sqlite3.DatabaseError as error:
        if _code(error) == sqlite3.SQLITE_READONLY_ROLLBACK:
            raise ValueError(
                f"expected a store at rest, {name} was being written when its sweep was killed; "
                "give that sweep's command once more"
            ) from None
        if isinstance(error, sqlite3.OperationalError) and _code(error) is not None:
            raise
        problem = str(error)
    if problem != "ok":
        raise _damaged(name, problem)


def _damaged(name: str, problem: str) -> ValueError:
    problem = shown(problem.replace("*** in database main ***", "").strip()).strip("'\"")
    return ValueError(
        f"expected a whole store, {name} is damaged ({problem}); restore a copy of it, or copy it "
        "again when no sweep is writing to it"
    )


@cache
def _schema(version: int) -> list[tuple[str | None, ...]]:
    """What sqlite_master holds in a store of that version."""
    with closing(sqlite3.connect(":memory:")) as file:
        for sql in TABLES[version]:
            file.execute(sql)
        found = file.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return sorted(found, key=repr)
