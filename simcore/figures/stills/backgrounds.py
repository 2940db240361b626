"""What stands behind the trails of a plane: a quantity at every point, and lines of a flow."""

from __future__ import annotations

import altair as alt
import numpy as np

from simcore.figures import parts, style
from simcore.figures.parts import Height, Width, ink, table
from simcore.figures.scene import Curve, Ground, Streams

CELLS = 64  # along each axis: a table holds 5000 rows
ARROW = 28  # size of an arrow, square pixels


def ground(
    shown: Ground | None, x: Width, y: Height, domain: tuple[float, float]
) -> list[alt.Chart]:
    """Cells over the domain in the colour of the quantity at their middle, and what they mean.

    They have no scale: marks fill by one of their own, and a layered chart has one of each kind.
    """
    if shown is None:
        return []
    edges = np.linspace(*domain, CELLS + 1)
    first, second = np.meshgrid(np.arange(CELLS), np.arange(CELLS))
    values = between(shown, (edges[1:] + edges[:-1]) / 2)
    seen = np.isfinite(values)
    besides = np.clip(values[seen] / shown.level - 1, -1, 1)
    row = {
        "x": edges[first[seen]],
        "end": edges[first[seen] + 1],
        "value": edges[second[seen]],
        "top": edges[second[seen] + 1],
        "light": style.around(besides, dark=False),
        "dark": style.around(besides, dark=True),
    }
    by_page = alt.ExprRef("luminance(background) < 0.3 ? datum.dark : datum.light")
    cells = alt.Chart(table([row])).mark_rect(
        clip=True,
        fill=by_page,
        stroke=by_page,
        strokeWidth=0.8,  # else hairlines between cells
    )
    corner = {"x": [domain[0]], "value": [domain[1]], "text": shown.label}
    words = alt.Chart(table([corner])).encode(x=x.channel(), y=y.channel(), text="text:N")
    return [
        cells.encode(x=x.channel(), x2=alt.X2("end:Q"), y=y.channel(), y2=alt.Y2("top:Q")),
        *parts.haloed(words, style.INK, align="left", baseline="top", dx=6, dy=6),
    ]


def between(shown: Ground, places: np.ndarray) -> np.ndarray:
    """The ground at every pair of places (N,), rows along y, linearly between its nodes (N, N); nan
    outside and beside nodes that have no value."""
    count = len(shown.values)
    units = (places - shown.low) / (shown.high - shown.low) * (count - 1)
    within = (units >= 0) & (units <= count - 1)
    at = np.clip(np.floor(units), 0, count - 2).astype(int)
    part = units - at
    along = (1 - part) * shown.values[:, at] + part * shown.values[:, at + 1]
    mixed = (1 - part)[:, None] * along[at] + part[:, None] * along[at + 1]
    return np.where(within[:, None] & within, mixed, np.nan)


def streams(shown: Streams | None, x: Width, y: Height) -> list[alt.Chart]:
    """The lines and their arrows."""
    if shown is None:
        return []
    rows = []
    for number, points in enumerate(shown.lines):
        first, second = np.transpose(points)
        rows.append({"x": first, "value": second, "line": number, "order": np.arange(len(first))})
    lines = parts.line(
        alt.Chart(table(rows)).encode(
            x=x.channel(), y=y.channel(), detail="line:N", order="order:Q"
        ),
        color=ink(style.MUTED),
        strokeWidth=0.9,
        opacity=0.8,
    )
    first, second, way = np.transpose(shown.arrows)
    turned = {"x": first, "value": second, "turn": 90 - np.degrees(way)}  # from pointing up
    arrows = alt.Chart(table([turned])).mark_point(
        shape="triangle-up", size=ARROW, filled=True, clip=True, color=ink(style.MUTED)
    )
    pointing = alt.Angle("turn:Q", scale=None)
    return [lines, arrows.encode(x=x.channel(), y=y.channel(), angle=pointing)]


def divides(shown: Streams | None) -> list[Curve]:
    """What parts the lines, as a curve of theory."""
    if shown is None or not shown.divide:
        return []
    return [Curve(shown.divide, shown.divide_label, "theory")]
