"""What the command line says of runs: tables to read, and lines of JSON for other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simcore import cost, regimes, rows, run_inputs
from simcore.differences import in_words
from simcore.experiment import Experiment
from simcore.hands import cores
from simcore.rows import Row
from simcore.studies import batch
from simcore.studies.sweep import summary
from simcore.trajectory import Trajectory

MOST_INPUTS, MOST_VALUES = 4, 3  # columns of a table; values that are listed in it
COARSEST = 0.1  # seconds; estimates below are not told apart


def of_run(run: Trajectory) -> str:
    """The end of one run, in numbers and then in a sentence."""
    row = summary(run)
    row |= {"outcome": run.outcome.name.lower()}
    listed = [(rows.TITLES[name], _number(value)) for name, value in row.items() if _said(value)]
    return "\n".join([in_words(run.experiment), *_aligned(listed), regimes.describe(run)])


def of_rows(found: Sequence[Row]) -> str:
    """How many runs reached each regime, and at which values of what was varied."""
    inputs = [name for name in run_inputs.names(found) if len(_values(found, name)) > 1]
    kinds: dict[str, list[Row]] = {}
    for row in found:
        kinds.setdefault(row["regime"], []).append(row)
    columns = [*inputs[:MOST_INPUTS], "largest_share", "sharpness"]
    lines = [["regime", "runs", *(rows.TITLES.get(name, name) for name in columns)]]
    for regime in sorted(kinds, key=lambda regime: -len(kinds[regime])):
        of_kind = kinds[regime]
        cells = [_range(_values(of_kind, name)) for name in columns]
        lines.append([regime, str(len(of_kind)), *cells])
    return "\n".join(_aligned(lines))


def _values(found: Sequence[Row], name: str) -> list[Any]:
    """The different values of a column, numbers in order."""
    values = list(dict.fromkeys(row[name] for row in found if row.get(name) is not None))
    return sorted(v for v in values if not math.isnan(v)) if _numbers(values) else values


def _range(values: Sequence[Any]) -> str:
    if len(values) > 1 and _numbers(values):
        return f"{_number(values[0])} to {_number(values[-1])}"
    listed = ", ".join(map(_number, values[:MOST_VALUES]))
    return listed if len(values) <= MOST_VALUES else f"{len(values)} values"


def _numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _said(value: Any) -> bool:
    return not (isinstance(value, float) and math.isnan(value))


def _number(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + " ".join(map(_number, value)) + ")"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines whose columns begin one under the other."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [
        [text.ljust(width) for text, width in zip(line, widths, strict=True)] for line in lines
    ]
    return ["  ".join(line).rstrip() for line in padded]


def as_json(experiment: Experiment, row: Row, version: str | None) -> str:
    """A row as one line: the experiment's key, the row, and the version of the program that made
    it; what is not finite is null."""
    line = {"key": experiment.key, **row, "version": version}
    return json.dumps(_finite(line), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    if isinstance(value, Mapping):
        return {str(name): _finite(entry) for name, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


# --- What it will cost -----------------------------------------------------------------------


def forecast(experiments: Sequence[Experiment], lacking: Sequence[Experiment]) -> str:
    """How many runs these are, how many of them are `lacking`, and how long those will take."""
    runs = "1 run" if len(experiments) == 1 else f"{len(experiments)} runs"
    kept = len(experiments) - len(lacking)
    if lacking and kept:
        runs += f", {kept} of them in the store already"
    if not lacking:
        return f"{runs}, all in the store already: nothing is left to run"
    different = set(lacking)
    alone = len(different) == 1
    seconds = sum(cost.cost(e).seconds if alone else batch.seconds(e) for e in different)
    shared = min(cores(), len(different))
    about = f"{runs}: {_duration(seconds)} of one core"
    if shared == 1 or seconds < COARSEST:
        return about
    return f"{about}, {_duration(seconds / shared)} on {shared}"


def _duration(seconds: float) -> str:
    """A length of time as an estimate is said."""
    if seconds < COARSEST:
        return f"less than {COARSEST} s"
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"about {float(f'{seconds / size:.2g}'):g} {unit}"
    return f"about {float(f'{seconds:.2g}'):g} s"
