"""The commands for one run: `presets` and `run`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from simcore import extras, files, presets, run_inputs, run_table, signals, what
from simcore.checks import require
from simcore.command import parser, tables
from simcore.command.bar import Bar
from simcore.differences import in_words
from simcore.simulate import simulate
from simcore.streams import complain, tell
from simcore.studies.sweep import summary
from simcore.trajectory import Outcome, Trajectory
from simcore.version import VERSION

ENDINGS = (".npz", ".csv", ".parquet")


def add(commands: Any) -> None:
    """Add them to the commands."""
    parser.add(
        commands,
        "presets",
        _presets,
        "list the runs that are known by name",
        "Each with its title and its parameters; run, plan and the others take the name.",
        "presets",
    )
    one = parser.add(
        commands,
        "run",
        _run,
        "run one experiment and say what happened",
        f"{parser.WHAT} Ctrl-C ends it and keeps what is recorded.",
        "run medium --out medium.npz\nrun experiment.json --out run.csv\n"
        "run 'https://HOST/?v=1&task=...' --json",
    )
    one.add_argument("what", metavar="WHAT")
    one.add_argument(
        "--out",
        type=Path,
        metavar="RUN.npz|.csv|.parquet",
        help="keep it: .npz holds everything and is opened again by the app and by Trajectory.load;"
        " the others are tables with one line per record",
    )
    one.add_argument(
        "--json", action="store_true", help="say the end as one line of JSON instead of a table"
    )
    one.add_argument(
        "--dry-run",
        action="store_true",
        help="run nothing; say about how long it would take once everything is compiled",
    )


def _presets(_: argparse.Namespace) -> int:
    widest = max(map(len, presets.BY_NAME))
    lines = []
    for preset in presets.ALL:
        lines.append(f"{preset.name:<{widest}}  {preset.title}")
        lines.append(f"{'':<{widest}}  {in_words(preset.experiment)}")
    return tell("\n".join(lines))


def _run(options: argparse.Namespace) -> int:
    experiment = what.of(options.what).experiment
    if options.out is not None:
        _check_out(options.out)
    if options.dry_run:
        return tell(tables.forecast([experiment], [experiment]))
    with signals.noted() as stop:
        with Bar() as bar:

            def go_on(part: float) -> bool:
                bar.show(part)
                return not stop()

            run = simulate(experiment, on_progress=go_on)
        if options.out is not None:
            _keep(run, options.out)
        if run.outcome is Outcome.CANCELLED:
            kept = f"what was recorded is in {options.out}" if options.out else "nothing is kept"
            return complain(f"{stop.word}; {kept}", stop.code)
        said = tables.of_run(run)
        if options.json:
            said = tables.as_json(experiment, run_inputs.of(experiment) | summary(run), VERSION)
        return tell(said, f"the run is in {options.out}" if options.out else "")


def _check_out(path: Path) -> None:
    require(
        path.suffix in ENDINGS,
        f"a run's file needs a name that ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}, got "
        f"{path}",
    )
    if path.suffix == ".parquet":
        extras.check("pyarrow", "a .parquet file", "app")
    files.check_writable(path)


def _keep(run: Trajectory, path: Path) -> None:
    write = {".npz": Trajectory.save, ".csv": run_table.write, ".parquet": run_table.write_parquet}
    write[path.suffix](run, path)
