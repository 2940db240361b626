"""The commands for many runs: `plan` writes down what to vary, `sweep` runs it into a store."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from simcore import files, scheduler, signals, what
from simcore.command import parser, tables
from simcore.command.axes import axes_of
from simcore.command.bar import Bar
from simcore.experiment import Experiment
from simcore.rows import Row
from simcore.streams import FAILED, complain, say, tell
from simcore.studies import workers
from simcore.studies.grids import Grid, from_plain, grid
from simcore.studies.store import Store, check_table_path, export
from simcore.studies.sweep import sweep
from simcore.trajectory import Outcome
from simcore.version import VERSION

GO_ON = "the same command goes on from there"
MOST_JOBS = 1024


def add(commands: Any) -> None:
    """Add them to the commands."""
    _add_plan(commands)
    _add_sweep(commands)


def _add_plan(commands: Any) -> None:
    plan = parser.add(
        commands,
        "plan",
        _plan,
        "write the file of a sweep: an experiment and what to vary in it",
        f"{parser.WHAT} An axis is a path into the experiment and its values: PATH=from:to:points, "
        "or a list separated by commas; lists of lists by semicolons. Numbers may be typed as 1e6, "
        "2/13 or 0.05. Every combination of all axes is run.",
        "plan medium --axis dynamics.step_size=0.05:0.3:60 --axis 'network.depths=3,3;5,5' "
        "--out sweep.json",
    )
    plan.add_argument("what", metavar="WHAT")
    plan.add_argument(
        "--axis",
        action="append",
        required=True,
        metavar="PATH=VALUES",
        help="what to vary, once for each axis; the last one runs fastest",
    )
    plan.add_argument(
        "--out", required=True, type=Path, metavar="SWEEP.json", help="what simcore sweep takes"
    )


def _add_sweep(commands: Any) -> None:
    many = parser.add(
        commands,
        "sweep",
        _sweep,
        "run every combination of a plan into a store",
        "The same command, given again, goes on where it was; Ctrl-C keeps what is done. The app "
        "opens the store on its page Phase diagram.",
        "sweep sweep.json --store runs.sqlite --jobs 2 --out rows.csv\n"
        "sweep sweep.json --store runs.sqlite --dry-run\n"
        "sweep sweep.json --store runs.sqlite --json",
    )
    many.add_argument(
        "file",
        metavar="SWEEP.json",
        type=Path,
        help='{"base": ..., "axes": ...}, as plan writes it',
    )
    many.add_argument(
        "--store", required=True, type=Path, metavar="FILE.sqlite", help="where the rows are kept"
    )
    where = many.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        type=parser.whole("a number of processes", MOST_JOBS),
        metavar="N",
        help="N processes; without it, threads on all cores",
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, tcp://HOST:8786")
    many.add_argument("--out", type=Path, metavar="ROWS.csv|.parquet", help="the rows as a table")
    many.add_argument(
        "--json",
        action="store_true",
        help="say each row as one line of JSON, in the order of the plan, instead of a table",
    )
    many.add_argument(
        "--dry-run",
        action="store_true",
        help="run nothing; say how many runs there are and about how long they would take once "
        "everything is compiled",
    )


def _plan(options: argparse.Namespace) -> int:
    base = what.of(options.what).experiment
    cells = grid(base, axes_of(base, options.axis))
    with signals.noted() as stop, files.writing(options.out) as part:
        part.write_text(f"{cells.to_json()}\n", encoding="utf-8")
    if stop():
        return complain(f"{stop.word}; the plan is in {options.out}", stop.code)
    return tell(tables.forecast(cells, cells), f"the plan is in {options.out}")


def _sweep(options: argparse.Namespace) -> int:
    experiments = _read(options.file)
    if options.out is not None:
        check_table_path(options.out)
    files.check_ordinary(options.store)
    if options.dry_run:
        return tell(tables.forecast(experiments, _lacking(experiments, options.store)))
    executor = _executor(options)
    with signals.noted() as stop, executor as where, Store(options.store) as store:

        def so_far() -> str:
            found = store.rows(experiments)
            kept = sum(experiment in found for experiment in experiments)
            return f"{kept} of {len(experiments)} runs are in {options.store}"

        try:
            with Bar() as bar:
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
        if options.json:
            lines = zip(experiments, rows, strict=True)
            said = "\n".join(tables.as_json(e, row, versions.get(e)) for e, row in lines)
        else:
            said = "\n".join([_counted(rows), tables.of_rows(rows), *_of_others(versions)])
        return tell(said, f"the rows are in {options.store}")


def _read(path: Path) -> Grid:
    return from_plain(what.read_json(files.read_text(path), str(path)), str(path))


def _lacking(experiments: Grid, path: Path) -> list[Experiment]:
    """Those that the store, if it is there, has no row of."""
    if not path.exists() or path.stat().st_size == 0:
        return experiments
    with Store(path, only_read=True) as store:
        found = store.rows(experiments)
    return [experiment for experiment in experiments if experiment not in found]


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
