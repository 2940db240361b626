"""Matrices side by side on one diverging scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import altair as alt
import numpy as np

from simcore.checks import require, shown
from simcore.figures import parts, style
from simcore.figures.parts import LINE_ROWS, Channels, Columns, ink, table
from simcore.figures.scene import HeatPanel, Scene


class Grid(NamedTuple):
    """Where so many matrices stand side by side, in units of one cell."""

    matrices: int
    rows: int
    cols: int

    @property
    def pitch(self) -> float:
        """From one matrix to the next."""
        return 1.14 * self.cols

    @property
    def head(self) -> float:
        """Room for the titles above."""
        return 0.16 * self.rows

    @property
    def width(self) -> float:
        return self.matrices * self.pitch - (self.pitch - self.cols)


def cut(stack: np.ndarray) -> np.ndarray:
    """Maps (K, M, rows, cols) as far as they are drawn: where all would be more than LINE_ROWS
    cells, their first rows and columns."""
    size = int(np.sqrt(LINE_ROWS / stack.shape[1]))
    return stack[:, :, :size, :size] if stack[0].size > LINE_ROWS else stack


def limit(panel: HeatPanel, stack: np.ndarray) -> float:
    """The entry that has the last colour of the scale."""
    largest = float(np.max(np.abs(stack[np.isfinite(stack)]), initial=0.0))
    return panel.limit or largest or 1.0


def draw(scene: Scene, panel: HeatPanel, record: int, height: int) -> alt.LayerChart:
    """The matrices at one record, side by side on one diverging scale about zero."""
    (run,) = (run for run in scene.runs if run.name == panel.run)
    stack = np.asarray(run.maps[panel.maps])
    count = len(stack)
    require(
        -count <= record < count,
        f"record must be from {-count} to {count - 1} for this run, got {shown(record)}; "
        "-1 is the last",
    )
    matrices, most = cut(stack)[record], limit(panel, stack)
    titles = panel.titles or [f"map {k + 1}" for k in range(len(matrices))]
    grid = Grid(*matrices.shape)
    pitch = grid.pitch
    x, y = _map_axes(panel, stack.shape[2:], grid)
    cells = _cells(titles, matrices, pitch)
    layers = [
        _rectangles(panel, cells, x, y)
        .encode(color=parts.gradient("entry", panel.title, (-most, most), style.DIVERGING))
        .properties(name=f"{parts.RUN}0"),
        *_map_titles(panel, titles, matrices.shape, pitch, x, y),
    ]
    step = run.columns["step"][record]
    words = f"{panel.title} at step {step:g}."
    subject = {
        "map": cells["map"],
        panel.row_label or "row": cells["row"],
        panel.col_label or "column": cells["column"],
        "entry": cells["entry"],
    }
    return parts.view(layers, height, words, subject=subject)


def _map_axes(panel: HeatPanel, whole: tuple[int, ...], grid: Grid) -> tuple[alt.X, alt.Y]:
    (count, rows, cols), pitch = grid, grid.pitch
    every = max(1, -(-max(rows, cols) // 10), -(-cols * count // 20))
    number = f"format(datum.value % {pitch} + 0.5, '.0f')"

    def axis(title: str, shown: int, of: int, starts: Sequence[float], reverse: bool) -> Channels:
        part = "" if shown == of else f" (first {shown} of {of})"
        places = [float(s + k + 0.5) for s in starts for k in range(0, shown, every)]
        domain = (-grid.head, rows) if reverse else (0, grid.width)
        return {
            "title": title + part,
            "scale": alt.Scale(domain=domain, nice=False, reverse=reverse),
            "axis": alt.Axis(values=places, labelExpr=number, grid=False, **parts.CLOSE_AXIS),
        }

    starts = [k * pitch for k in range(count)]
    return (
        alt.X("x:Q", **axis(panel.col_label, cols, whole[1], starts, False)),
        alt.Y("value:Q", **axis(panel.row_label, rows, whole[0], [0.0], True)),
    )


def _cells(titles: Sequence[str], matrices: np.ndarray, pitch: float) -> Columns:
    k, i, j = (grid.ravel() for grid in np.indices(matrices.shape))
    return {
        "x": k * pitch + j,
        "end": k * pitch + j + 1,
        "value": i,
        "foot": i + 1,
        "entry": matrices.ravel(),
        "map": np.array(titles)[k],
        "row": i + 1,
        "column": j + 1,
    }


def _rectangles(panel: HeatPanel, cells: Columns, x: alt.X, y: alt.Y) -> alt.Chart:
    seam = alt.ExprRef("scale('color', datum.entry)")  # hairlines between cells otherwise
    return (
        alt.Chart(table([cells]))
        .mark_rect(clip=True, strokeWidth=1.2, stroke=seam)
        .encode(
            x=x,
            y=y,
            x2=alt.X2("end:Q"),
            y2=alt.Y2("foot:Q"),
            tooltip=[
                alt.Tooltip("map:N"),
                alt.Tooltip("row:Q", title=panel.row_label or alt.Undefined),
                alt.Tooltip("column:Q", title=panel.col_label or alt.Undefined),
                alt.Tooltip("entry:Q", format=".4g"),
            ],
        )
    )


def _map_titles(
    panel: HeatPanel,
    titles: Sequence[str],
    drawn: tuple[int, ...],
    pitch: float,
    x: alt.X,
    y: alt.Y,
) -> list[alt.Chart]:
    """Each title on a rule in its colour."""
    layers = []
    for k, title in enumerate(titles):
        head = {"x": [k * pitch], "end": [k * pitch + drawn[2]], "value": [-0.04 * drawn[1]]}
        at = alt.Chart(table([head | {"text": title}])).encode(x=x, y=y)
        if panel.colours:
            rule = at.mark_rule(strokeWidth=3, color=ink(style.shade(panel.colours[k])))
            layers.append(rule.encode(x2=alt.X2("end:Q")))
        words = at.mark_text(align="left", baseline="bottom", dy=-4, color=ink(style.INK))
        layers.append(words.encode(text=alt.Text("text:N")))
    return layers
