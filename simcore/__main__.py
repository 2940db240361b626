"""The command line: `python -m simcore sweep` and `python -m simcore run`.

Bad input ends with one sentence and exit code 2. Ctrl-C ends with 130 and keeps what is done: the
same sweep, given again, goes on from its store.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn
from urllib.parse import urlsplit

from simcore import files, presets, regimes
from simcore.checks import require, shown
from simcore.experiment import Experiment
from simcore.rows import Row
from simcore.simulate import simulate
from simcore.studies.grids import Grid, from_plain
from simcore.studies.store import Store, check_table_path, export
from simcore.studies.sweep import stop_at, sweep
from simcore.trajectory import Outcome
from simcore.version import VERSION

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
CONNECT_WITHIN = 10  # seconds to find a scheduler
BAR = 30  # characters
REDRAW_EVERY = 0.1  # seconds, on a terminal
SAY_EVERY = 30.0  # seconds, in a log


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except (ValueError, OSError, sqlite3.Error) as error:
        return _complain(str(error), BAD_INPUT)
    except BrokenExecutor:
        return _complain("a worker process died; the same command goes on from the store", FAILED)
    except Exception as error:
        return _complain(f"something went wrong ({type(error).__name__}: {error})", FAILED)


def _complain(sentence: str, code: int) -> int:
    print(f"simcore: {' '.join(sentence.split())}", file=sys.stderr)
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.exit(_complain(f"{message}; see {self.prog} --help", BAD_INPUT))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m simcore", description=__doc__.split("\n\n")[1])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    many = commands.add_parser("sweep", help="run a grid of experiments into a store")
    many.add_argument("file", metavar="SWEEP.json", type=Path, help='{"base": ..., "axes": ...}')
    many.add_argument("--store", required=True, type=Path, metavar="FILE.sqlite")
    where = many.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=_jobs, metavar="N", help="N processes, not threads")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, tcp://HOST:8786")
    many.add_argument("--out", type=Path, metavar="ROWS.csv|.parquet", help="the rows as a table")
    many.set_defaults(command=_sweep)

    one = commands.add_parser("run", help="run one experiment into a file")
    one.add_argument("what", metavar="PRESET|EXPERIMENT.json")
    one.add_argument("--out", required=True, type=Path, metavar="RUN.npz")
    one.set_defaults(command=_run)
    return parser


def _jobs(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 1024):
        raise argparse.ArgumentTypeError(f"expected a number of processes, got {shown(text)}")
    return int(text)


# --- Commands --------------------------------------------------------------------------------


def _sweep(options: argparse.Namespace) -> int:
    experiments = _read_sweep(options.file)
    if options.out is not None:
        check_table_path(options.out)
    with Store(options.store) as store:
        try:
            with _executor(options) as executor, _Bar() as bar:
                rows = sweep(experiments, executor=executor, store=store, on_done=bar.of_rows)
        except KeyboardInterrupt:
            found = store.rows(experiments)
            kept = f"{sum(e in found for e in experiments)} of {len(experiments)} runs"
            return _complain(
                f"interrupted; {kept} are in {options.store}, the same command goes on from there",
                INTERRUPTED,
            )
        versions = store.versions(experiments)
    if options.out is not None:
        export(options.out, experiments, rows, versions)
    print(_counted(rows))
    others = Counter(version for version in versions.values() if version != VERSION)
    if others:
        named = ", ".join(sorted(version or "one that is not noted" for version in others))
        print(f"made by another version of this program: {others.total()} ({named})")
    return 0


def _counted(rows: Sequence[Row]) -> str:
    regimes_seen = Counter(row["regime"] for row in rows).most_common()
    return f"{len(rows)} runs: " + ", ".join(f"{count} {regime}" for regime, count in regimes_seen)


def _run(options: argparse.Namespace) -> int:
    experiment = _read_experiment(options.what)
    files.check_writable(options.out)
    bar = _Bar()
    with _interrupts() as interrupted, bar:

        def go_on(part: float) -> bool:
            bar.show(part)
            return not interrupted.is_set()

        run = simulate(experiment, on_progress=go_on)
    run.save(options.out)
    if interrupted.is_set() and run.outcome is Outcome.CANCELLED:
        return _complain(f"interrupted; what was recorded is in {options.out}", INTERRUPTED)
    print(regimes.describe(run))
    return 0


# --- Files -----------------------------------------------------------------------------------


def _read_sweep(path: Path) -> Grid:
    return from_plain(_read_json(path), str(path))


def _read_experiment(what: str) -> Experiment:
    if what in presets.BY_NAME:
        return presets.BY_NAME[what].experiment
    require(
        Path(what).exists(),
        f"expected a file or one of the presets {', '.join(presets.BY_NAME)}, got {shown(what)}",
    )
    return Experiment.from_dict(_read_json(Path(what)))


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"expected a file, {path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must hold JSON, but it does not: {error}") from None


# --- Workers and interrupts ------------------------------------------------------------------


@contextmanager
def _executor(options: argparse.Namespace) -> Iterator[Any]:
    if options.scheduler is not None:
        with _client(options.scheduler) as client:
            yield client
    elif options.jobs is not None:
        # spawn: a fork would copy the locks of numpy's threads in whatever state they are
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        with ProcessPoolExecutor(options.jobs, context, stop_at, (stop,)) as pool:
            try:
                yield pool
            finally:
                stop.set()
    else:
        yield None


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise ValueError(
            "a cluster needs the package distributed, which is not installed; "
            "pip install distributed"
        ) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    # A Client that fails to connect leaves a finalizer that can lock up the process, so look first.
    place = urlsplit(address if "//" in address else f"tcp://{address}")
    try:
        if place.scheme not in ("tcp", "tls") or not place.hostname or not place.port:
            raise ValueError("an address is like tcp://HOST:8786")
        socket.create_connection((place.hostname, place.port), CONNECT_WITHIN).close()
        client = Client(address, timeout=CONNECT_WITHIN, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        raise ValueError(f"expected a scheduler at {address}, found none: {error}") from None
    if not client.scheduler_info(n_workers=-1)["workers"]:
        print(f"simcore: waiting for workers to join {address}", file=sys.stderr)
    return client


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Ctrl-C sets the event instead of raising."""
    seen = threading.Event()

    def note(_signal: int, _frame: FrameType | None) -> None:
        seen.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


# --- Progress --------------------------------------------------------------------------------


class _Bar:
    """How far it is, on stderr: redrawn on a terminal, now and then a line in a log."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.next = 0.0 if self.terminal else SAY_EVERY
        self.origin = 0.0, 0.0  # when, and how far it was: rows of the store cost no time

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.terminal and self.next > 0:
            print(file=sys.stderr)

    def of_rows(self, done: int, total: int, _row: Row) -> None:
        self.show(done / total, f"{done} of {total}")

    def show(self, part: float, words: str = "") -> None:
        now = time.monotonic() - self.begin
        if now < REDRAW_EVERY:
            self.origin = now, part
        if now < self.next and part < 1:
            return
        self.next = now + (REDRAW_EVERY if self.terminal else SAY_EVERY)
        when, before = self.origin
        pace = (now - when) / (part - before) if part > before else 0.0
        left = f"{pace * (1 - part):.0f} s left" if pace > 0 and part < 1 else f"{now:.0f} s"
        filled = "#" * round(BAR * part)
        line = f"[{filled:-<{BAR}}] {part:4.0%}  {words}  {left}"
        end = "" if self.terminal else "\n"
        print(("\r" if self.terminal else "") + f"{line:<78}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
