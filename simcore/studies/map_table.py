"""The cells of a map as a table with one line per cell, as spreadsheets read it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from simcore.experiment import Experiment
from simcore.rows import Row

_NAMES = {"n_in": "inputs", "n_out": "outputs", "std": "std of weights"}  # better than the code's
_PARTS = ("task", "network", "start", "dynamics")  # whose fields need no other name


def text(cells: Sequence[tuple[Experiment, Row]]) -> str:
    """CSV: the key of each run, every field of its experiment in words ("step size", "depths"),
    varied or not, and what its row holds. Lists are separated as the fields of pages take them."""
    lines = [{"key": run.key} | dict(_fields(run.to_dict())) | row for run, row in cells]
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(dict.fromkeys(name for line in lines for name in line)))
    writer.writeheader()
    writer.writerows(lines)
    return file.getvalue()


def _fields(experiment: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for part, value in experiment.items():
        if part == "type":  # that of an experiment
            continue
        if not isinstance(value, dict):
            yield _words(part), value
            continue
        if part != "network" and part != "record":
            yield part, value["type"]
        for name, inner in value.items():
            if name != "type":
                yield _words(name if part in _PARTS else f"{part} {name}"), _plain(inner)


def _words(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " "))


def _plain(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    rows = any(isinstance(entry, list) for entry in value)
    return ("; " if rows else ", ").join(str(_plain(entry)) for entry in value)
