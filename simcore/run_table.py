"""A run as a table with one line per record, as spreadsheets and other programs read it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import IO

import numpy as np

from simcore import extras, files, horizon
from simcore.trajectory import Trajectory


def columns(run: Trajectory) -> dict[str, np.ndarray]:
    """Columns (K,) by name; pathways and modes are counted from 1.

    step and t; loss; eigenvalue_k, the largest of the Hessian; moving_sharpness, the largest of the
    weights that move, where a pathway was ever frozen; edge = 2/eta, of which a flow has none;
    variance and predicted_loss of a central flow; strength_h_i; loss and strengths also as _low and
    _high, over all steps since the record before; depends_on_rounding, 1 at the records whose
    iterates do (see `horizon`).
    """
    _, pathways, modes = run.strengths.shape
    table = {"step": run.steps, "t": run.time, "loss": run.loss}
    table |= {"loss_low": run.loss_range[:, 0], "loss_high": run.loss_range[:, 1]}
    for k in range(run.eigenvalues.shape[1]):
        table[f"eigenvalue_{k + 1}"] = run.eigenvalues[:, k]
    if run.moving_sharpness is not None:
        table["moving_sharpness"] = run.moving_sharpness
    if run.edge is not None:
        table["edge"] = run.edge
    if run.variance is not None and run.predicted_loss is not None:
        table |= {"variance": run.variance, "predicted_loss": run.predicted_loss}
    for h in range(pathways):
        for i in range(modes):
            name = f"strength_{h + 1}_{i + 1}"
            table[name] = run.strengths[:, h, i]
            table[f"{name}_low"] = run.strengths_range[:, 0, h, i]
            table[f"{name}_high"] = run.strengths_range[:, 1, h, i]
    return table | {"depends_on_rounding": horizon.depends(run).astype(int)}


def write(run: Trajectory, path: str | Path) -> None:
    """Write the table as CSV, whole or not at all; numbers keep every digit."""
    with files.writing(path) as part, open(part, "w", encoding="utf-8", newline="") as file:
        _write(run, file)


def write_parquet(run: Trajectory, path: str | Path) -> None:
    """Write the table as Parquet, whole or not at all; ValueError where pyarrow is missing."""
    pyarrow = extras.load("pyarrow", "a .parquet file", "app")
    parquet = extras.load("pyarrow.parquet", "a .parquet file", "app")
    with files.writing(path) as part:
        parquet.write_table(pyarrow.table(columns(run)), part)


def _write(run: Trajectory, file: IO[str]) -> None:
    table = columns(run)
    writer = csv.writer(file)
    writer.writerow(table)
    writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))


def text(run: Trajectory) -> str:
    """The same as text."""
    file = io.StringIO(newline="")
    _write(run, file)
    return file.getvalue()
