"""The command line: `python -m simcore sweep` and `python -m simcore run`.

Bad input ends with one sentence and exit code 2. Ctrl-C ends with 130, SIGTERM with 143, SIGHUP
with 129, and each keeps what is done: the same sweep, given again, goes on from its store.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

from simcore import files, presets, regimes, run_table, scheduler, serve, signals, streams
from simcore.checks import require, shown
from simcore.experiment import Experiment
from simcore.rows import Row
from simcore.simulate import simulate
from simcore.streams import FAILED, complain, say, tell
from simcore.studies import workers
from simcore.studies.grids import Grid, from_plain
from simcore.studies.store import Store, check_table_path, export
from simcore.studies.sweep import sweep
from simcore.trajectory import Outcome
from simcore.version import VERSION

BAD_INPUT, INTERRUPTED = 2, 130
BAR = 30  # characters
REDRAW_EVERY = 0.1  # seconds, on a terminal
SAY_EVERY = 30.0  # seconds, in a log
GO_ON = "the same command goes on from there"


def program() -> NoReturn:
    """One command as the whole process."""
    streams.mend()
    signals.leave_at_once()
    code = main()
    signals.leave_with(code)
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    try:
        options = _parser().parse_args(arguments)
        return options.command(options)
    except SystemExit as end:  # of the parser, all said
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:  # in a process that is more than this command
        return complain("interrupted", INTERRUPTED)
    except (ValueError, OSError, sqlite3.Error) as error:
        return complain(str(error), BAD_INPUT)
    except Exception as error:
        return complain(f"something went wrong ({type(error).__name__}: {error})", FAILED)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.exit(complain(f"{message}; see {self.prog} --help", BAD_INPUT))

    def print_help(self, file: Any = None) -> None:
        sys.exit(tell(self.format_help().rstrip()))


class _Version(argparse.Action):
    def __call__(self, *_: Any) -> NoReturn:
        sys.exit(tell(f"simcore {VERSION}"))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=_called(), description=__doc__.split("\n\n")[1])
    parser.add_argument("--version", action=_Version, nargs=0, help="say it and end")
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
    one.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="RUN.npz|.csv",
        help="everything, to be opened again; or a table with one line per record",
    )
    one.set_defaults(command=_run)

    pages = commands.add_parser("app", help="open the app in a browser")
    pages.add_argument(
        "--address", default="localhost", help="who can see it: this machine only; 0.0.0.0: all"
    )
    pages.add_argument("--port", type=_port, default=8501, metavar="N", help="8501 unless given")
    pages.set_defaults(command=_app)
    return parser


def _called() -> str:
    """How this program was called: by the name it was installed under, or from a checkout."""
    return "simcore" if Path(sys.argv[0]).stem == "simcore" else "python -m simcore"


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, got {shown(text)}")
    return int(text)


def _jobs(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 1024):
        raise argparse.ArgumentTypeError(f"expected a number of processes, got {shown(text)}")
    return int(text)


# --- Commands --------------------------------------------------------------------------------


def _sweep(options: argparse.Namespace) -> int:
    experiments = _read_sweep(options.file)
    if options.out is not None:
        check_table_path(options.out)
    files.check_ordinary(options.store)
    executor = _executor(options)
    with signals.noted() as stop, executor as where, Store(options.store) as store:

        def so_far() -> str:
            found = store.rows(experiments)
            kept = sum(experiment in found for experiment in experiments)
            return f"{kept} of {len(experiments)} runs are in {options.store}"

        try:
            with _Bar() as bar:
                rows = sweep(
                    experiments, executor=where, store=store, on_done=bar.of_rows, stopped=stop
                )
        except (BrokenExecutor, CancelledError) as error:
            lost = "a worker process" if isinstance(error, BrokenExecutor) else "the scheduler"
            return complain(f"{lost} is lost; {so_far()}, {GO_ON}", FAILED)
        if any(row["outcome"] == Outcome.CANCELLED.name for row in rows):
            return complain(f"{stop.word}; {so_far()}, {GO_ON}", stop.code)
        versions = store.versions(experiments)
        if options.out is not None:
            export(options.out, experiments, rows, versions)
        made = f"the rows are in {options.store}"
        return tell("\n".join([_counted(rows), *_of_others(versions)]), made)


def _of_others(versions: Mapping[Experiment, str | None]) -> list[str]:
    """A sentence on the rows that another version of this program made, if there are any."""
    others = Counter(version for version in versions.values() if version != VERSION)
    if not others:
        return []
    named = ", ".join(sorted(version or "one that is not noted" for version in others))
    return [f"made by another version of this program: {others.total()} ({named})"]


def _counted(rows: Sequence[Row]) -> str:
    regimes_seen = Counter(row["regime"] for row in rows).most_common()
    return f"{len(rows)} runs: " + ", ".join(f"{count} {regime}" for regime, count in regimes_seen)


def _run(options: argparse.Namespace) -> int:
    experiment = _read_experiment(options.what)
    files.check_writable(options.out)
    with signals.noted() as stop:
        with _Bar() as bar:

            def go_on(part: float) -> bool:
                bar.show(part)
                return not stop()

            run = simulate(experiment, on_progress=go_on)
        if options.out.suffix == ".csv":
            run_table.write(run, options.out)
        else:
            run.save(options.out)
        if run.outcome is Outcome.CANCELLED:
            return complain(f"{stop.word}; what was recorded is in {options.out}", stop.code)
        return tell(regimes.describe(run), f"the run is in {options.out}")


def _app(options: argparse.Namespace) -> NoReturn:
    serve.serve([f"--server.address={options.address}", f"--server.port={options.port}"])


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
    text = files.read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must hold JSON, but it does not: {error}") from None


# --- Workers ---------------------------------------------------------------------------------


def _executor(options: argparse.Namespace) -> AbstractContextManager[Any]:
    """What runs the sweep, to be entered."""
    if options.scheduler is not None:
        return _client(options.scheduler)
    if options.jobs is not None:
        return workers.pool(options.jobs)
    return nullcontext()


def _client(address: str) -> Any:
    client = scheduler.client(address)
    if not client.scheduler_info(n_workers=-1)["workers"]:
        say(f"simcore: waiting for workers to join {address}")
    return client


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
            say("")

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
        say(("\r" if self.terminal else "") + f"{line:<78}", end)


if __name__ == "__main__":
    program()
