"""Pictures of maps: a phase diagram over two axes, and what seeds do along one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt
import numpy as np

from simcore.checks import require, shown
from simcore.figures import parts, style
from simcore.marks import MARKS, Mark
from simcore.rows import TITLES

Row = Mapping[str, Any]

MEASURES = ("regime", "largest_share", "participation", "edge_ratio")  # what may colour a map
NUMBERS = (*MEASURES[1:], "sharpness", "loss")  # what else a cell says of itself
HEIGHT, SEEDS_HEIGHT = 480, 260  # pixels: of a map, and of a picture of seeds
LOW, HIGH = 10, 90  # percent of the seeds below the band, and below its top


def phase_map(
    xs: Sequence[float],
    ys: Sequence[float],
    rows: Sequence[Row | None],
    measure: str = "regime",
    *,
    x_title: str = "x",
    y_title: str = "y",
    borders: Mapping[str, np.ndarray] | None = None,
    names: Mapping[str, Mark] = MARKS,
    step_on: Literal["x", "y"] = "x",
    keyed: bool = False,
) -> alt.LayerChart:
    """One rectangle per row of a sweep, (len(ys), len(xs)) row by row; None is not drawn.

    `measure` is one of `MEASURES`. `borders` are step sizes by field of `StepSizeMarks`, one per
    value of the axis that is not the step size, called by their `names`; the step size is `step_on`
    x or y. If it is `keyed`, the cell whose number the param "cursor" has, bound to a field of the
    page, is framed. A click (param "cell") gives the number of the cell, a drag (param "zoom")
    the rectangle. ValueError if the rows do not fit the axes, or are more than a chart can hold.
    """
    _check(xs, ys, rows, measure)
    known = [number for number, row in enumerate(rows) if row is not None]
    if not known:
        return parts.message("No cell of this map is known yet.", HEIGHT)
    left, bottom = _edges(xs), _edges(ys)
    column, line = np.array(known) % len(xs), np.array(known) // len(xs)
    table = {
        "left": left[column],
        "right": left[column + 1],
        "bottom": bottom[line],
        "top": bottom[line + 1],
        "x": np.array(xs, dtype=float)[column],
        "y": np.array(ys, dtype=float)[line],
        "cell": np.array(known),
    } | _columns([rows[number] for number in known])
    colour = _colour(measure, table)
    x = _axis("left", x_title, left)
    y = _axis("bottom", y_title, bottom)
    seam = alt.ExprRef("scale('color', datum.shade)")  # hairlines between cells otherwise
    picked = alt.selection_point(name="cell", fields=["cell"], on="click", empty=False)
    dragged = alt.selection_interval(name="zoom", encodings=["x", "y"])
    rectangles = (  # without words for each, which no canvas says and which take a browser long
        alt.Chart(parts.table([table]))
        .mark_rect(clip=True, strokeWidth=1.2, stroke=seam, cursor="pointer", aria=False)
        .encode(
            x=x,
            x2=alt.X2("right:Q"),
            y=y,
            y2=alt.Y2("top:Q"),
            color=colour,
            tooltip=_tooltip(x_title, y_title),
        )
        .add_params(picked, dragged)
    )
    layers = [rectangles]
    lines: list[parts.Columns] = []
    ends: list[parts.Columns] = []
    for order, (name, where) in enumerate((borders or {}).items()):
        if step_on == "x":
            at = {"left": where, "bottom": np.array(ys, dtype=float)}
        else:
            at = {"left": np.array(xs, dtype=float), "bottom": where}
        curve, end = _border(names[name].name, order, at, step_on, left, bottom)
        lines += curve
        ends += end
    if lines:
        layers += _borders(lines, ends, step_on, {"x": x, "y": y})
    if keyed:
        layers += _cursor(rectangles)
    subject = {x_title: table["x"], y_title: table["y"], "regime": table["regime"]}
    subject |= {TITLES[name]: table[name] for name in NUMBERS}
    words = f"Map of the {TITLES[measure]} over {x_title}, {y_title}."
    return parts.view(layers, HEIGHT, words, subject=subject)


def ensemble(
    xs: Sequence[float],
    rows: Sequence[Row | None],
    measure: str = "largest_share",
    *,
    x_title: str = "x",
) -> tuple[alt.LayerChart, alt.LayerChart]:
    """What seeds do along x: the median of a measure with its 10-90 % band, and regimes counted.

    `rows` are (seeds, len(xs)) row by row; None and values that are not finite are left out. For
    the measure "regime" the median is that of the largest share.
    """
    seeds = len(rows) // max(1, len(xs))
    _check(xs, range(seeds), rows, measure)
    number = "largest_share" if measure == "regime" else measure
    columns = [[row for row in rows[i :: len(xs)] if row is not None] for i in range(len(xs))]
    if not any(columns):
        return (parts.message("No seed is known yet.", SEEDS_HEIGHT),) * 2
    return (
        _median(xs, columns, number, _axis("x", x_title, _edges(xs)), x_title),
        _counts(xs, columns, x_title),
    )


# --- Layers ----------------------------------------------------------------------------------


def _cursor(rectangles: alt.Chart) -> list[alt.Chart]:
    """Two frames, one in the other, so that they are seen on every colour."""
    at = alt.param(name="cursor", value="", bind=alt.binding(input="text", name="cursor"))
    here = alt.Chart(rectangles.data).transform_filter("'' + datum.cell == cursor")
    frames = [
        here.mark_rect(filled=False, strokeWidth=width, stroke=parts.ink(colour), clip=True).encode(
            x=alt.X("left:Q"), x2=alt.X2("right:Q"), y=alt.Y("bottom:Q"), y2=alt.Y2("top:Q")
        )
        for width, colour in ((5, style.INK), (2, style.PAGE))
    ]
    return [frames[0].add_params(at), frames[1]]


def _median(
    xs: Sequence[float],
    columns: list[list[Row]],
    number: str,
    x: alt.X,
    x_title: str,
) -> alt.LayerChart:
    lines: list[list[float]] = []
    for place, column in zip(xs, columns, strict=True):
        values = np.array([row[number] for row in column], dtype=float)
        values = values[np.isfinite(values)]
        if len(values):
            lines.append([place, *np.percentile(values, (LOW, 50, HIGH)), len(values)])
    if not lines:
        return parts.message("No seed has a finite value.", SEEDS_HEIGHT)
    names = ("x", "low", "value", "high", "seeds")
    table = dict(zip(names, np.array(lines, dtype=float).T, strict=True))
    title = f"{TITLES[number]}: median, {LOW}–{HIGH} %"
    y = alt.Y(
        "value:Q",
        title=title,
        scale=alt.Scale(zero=False),
        axis=alt.Axis(**parts.CLOSE_AXIS),
    )
    chart = alt.Chart(parts.table([table])).encode(
        x=x,
        tooltip=[
            alt.Tooltip("x:Q", title=x_title, format=".5g"),
            alt.Tooltip("value:Q", title="median", format=".4g"),
            alt.Tooltip("low:Q", title=f"{LOW} %", format=".4g"),
            alt.Tooltip("high:Q", title=f"{HIGH} %", format=".4g"),
            alt.Tooltip("seeds:Q"),
        ],
    )
    ink = parts.ink(style.INK)
    layers = [
        chart.mark_area(clip=True, opacity=0.2, color=ink).encode(
            y=alt.Y("low:Q", title=title, scale=alt.Scale(zero=False)), y2="high:Q"
        ),
        parts.line(chart, strokeWidth=2, color=ink).encode(y=y),
        chart.mark_point(clip=True, filled=True, size=30, opacity=1, color=ink).encode(y=y),
    ]
    titles = dict(zip(names, (x_title, f"{LOW} %", "median", f"{HIGH} %", "seeds"), strict=True))
    subject = {titles[name]: values for name, values in table.items()}
    words = f"Median and band of the {TITLES[number]} over seeds."
    return parts.view(layers, SEEDS_HEIGHT, words, subject=subject)


def _counts(xs: Sequence[float], columns: list[list[Row]], x_title: str) -> alt.LayerChart:
    edges = _edges(xs)
    x = _axis("left", x_title, edges)
    bars: list[dict[str, Any]] = []
    for i, column in enumerate(columns):
        counts, below = Counter(str(row["regime"]) for row in column), 0
        for name in style.ENDS:
            if counts[name]:
                count = counts[name]
                ends = {"left": edges[i], "right": edges[i + 1], "x": xs[i]}
                bars.append(
                    ends | {"regime": name, "below": below, "above": below + count, "count": count}
                )
                below += count
    table = {name: np.array([bar[name] for bar in bars]) for name in bars[0]}
    colour = _colour("regime", table)
    chart = (
        alt.Chart(parts.table([table]))
        .mark_rect(clip=True, stroke=parts.PAGE, strokeWidth=0.5)
        .encode(
            x=x,
            x2=alt.X2("right:Q"),
            y=alt.Y(
                "below:Q",
                title="seeds",
                axis=alt.Axis(tickMinStep=1, **parts.CLOSE_AXIS),
                scale=alt.Scale(nice=False),
            ),
            y2=alt.Y2("above:Q"),
            color=colour,
            tooltip=[alt.Tooltip("regime:N"), alt.Tooltip("count:Q", title="seeds")],
        )
    )
    subject = {x_title: table["x"], "regime": table["regime"], "seeds": table["count"]}
    return parts.view([chart], SEEDS_HEIGHT, "How many seeds end in each regime.", subject=subject)


def _border(
    name: str,
    order: int,
    at: dict[str, np.ndarray],
    step_on: str,
    left: np.ndarray,
    bottom: np.ndarray,
) -> tuple[list[parts.Columns], list[parts.Columns]]:
    """A line of theory through points (left, bottom) over the map, and its name at one end; across
    whole numbers, such as depths, in steps, as there is nothing between two of them. Nothing of one
    that is outside the map."""
    step, other = ("left", "bottom") if step_on == "x" else ("bottom", "left")
    steps, across = (left, bottom) if step_on == "x" else (bottom, left)
    if (at[other] == np.round(at[other])).all():
        line = {step: np.repeat(at[step], 2), other: np.repeat(across, 2)[1:-1]}
    else:  # up to the frame, as constant there as at the last cell's middle
        line = {
            step: np.concatenate([at[step][:1], at[step], at[step][-1:]]),
            other: np.concatenate([across[:1], at[other], across[-1:]]),
        }
    inside = np.isfinite(line[step]) & (line[step] >= steps[0]) & (line[step] <= steps[-1])
    if not inside.any():
        return [], []
    last = np.flatnonzero(inside)[-1:]
    if step_on == "x":  # one below the other, so that close ones stay apart
        right = line["left"][last[0]] > left[0] + 0.85 * (left[-1] - left[0])  # no room beside it
        shift = {"align": "right" if right else "left", "dx": -5 if right else 5}
        shift |= {"dy": 12 + 15 * order}
    else:
        shift = {"align": "right", "dx": -8 - 62 * order, "dy": -8}
    end = {"left": line["left"][last], "bottom": line["bottom"][last], "text": name}
    return [line | {"order": np.arange(len(inside)), "theory": name}], [end | shift]


def _borders(
    lines: Sequence[parts.Columns],
    ends: Sequence[parts.Columns],
    step_on: str,
    axes: parts.Channels,
) -> list[alt.Chart]:
    """All of them with as many layers as one would take: a browser lays out each anew."""
    step = "left" if step_on == "x" else "bottom"
    curves = alt.Chart(parts.table(lines)).encode(
        **axes,
        detail=alt.Detail("theory:N"),
        order=alt.Order("order:Q"),
        tooltip=[
            alt.Tooltip("theory:N"),
            alt.Tooltip(f"{step}:Q", title="step size", format=".5g"),
        ],
    )
    dashed: parts.Channels = {"strokeDash": list(style.THEORY_DASH), "strokeWidth": 1.7}
    words = alt.Chart(parts.table(ends)).encode(**axes, text=alt.Text("text:N"))
    shift: parts.Channels = {name: alt.ExprRef(f"datum.{name}") for name in ("align", "dx", "dy")}
    return [
        parts.line(curves, strokeWidth=4, opacity=0.75, color=parts.PAGE),
        parts.line(curves, color=parts.ink(style.INK), **dashed),
        *parts.haloed(words, style.INK, fontWeight=600, **shift),
    ]


# --- Channels --------------------------------------------------------------------------------


def _colour(measure: str, table: parts.Columns) -> alt.Color:
    """The colour of a measure, by the column "shade" that this adds."""
    values = table["shade"] = table[measure]
    if measure == "regime":
        names = [name for name in style.ENDS if name in set(values.tolist())]
        return alt.Color(
            "shade:N",
            title=None,
            scale=alt.Scale(domain=names, range=[parts.ink(style.ENDS[name]) for name in names]),
            legend=alt.Legend(
                orient="bottom",
                columns=2,  # for a phone
                symbolType="square",
                symbolOpacity=1,
                symbolStrokeWidth=0.5,
                symbolStrokeColor=parts.ink(style.MUTED),
                symbolSize=110,
                **parts.CLOSE_LEGEND,
            ),
        )
    low, high = 1.0, 1.0
    finite = values[np.isfinite(values)]
    if measure == "edge_ratio":  # sharpness at the edge is the colour of the page
        reach = min(1.0, float(np.abs(finite - 1).max(initial=1e-3)))
        low, high = 1 - reach, 1 + reach
    elif measure == "participation":
        high = float(finite.max(initial=low + 1e-3))
    else:
        low = float(finite.min(initial=high - 1e-3))
    table["shade"] = np.clip(values, low, high)
    shades = style.DIVERGING if measure == "edge_ratio" else style.PLASMA
    return parts.gradient("shade", TITLES[measure], (low, high), shades)


def _tooltip(x_title: str, y_title: str) -> list[alt.Tooltip]:
    place = [_number("x", x_title), _number("y", y_title)]
    return [*place, alt.Tooltip("regime:N"), *(_number(name, TITLES[name]) for name in NUMBERS)]


def _number(field: str, title: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:Q", title=title, format=".4g")


def _columns(rows: Sequence[Any]) -> parts.Columns:
    columns = {
        name: np.array([_float(row.get(name)) for row in rows], dtype=float) for name in NUMBERS
    }
    return columns | {"regime": np.array([str(row.get("regime")) for row in rows])}


def _float(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else np.nan


def _axis(field: str, title: str, edges: np.ndarray) -> Any:
    kind = alt.Y if field == "bottom" else alt.X
    return kind(
        f"{field}:Q",
        title=title,
        scale=alt.Scale(domain=[float(edges[0]), float(edges[-1])], nice=False),
        axis=alt.Axis(grid=False, **parts.CLOSE_AXIS),
    )


def _edges(values: Sequence[float]) -> np.ndarray:
    """Where cells begin and end: half way between values."""
    middle = np.array(values, dtype=float)
    if len(middle) == 1:
        half = 0.5 if middle[0] == 0 else 0.05 * abs(middle[0])
        return np.array([middle[0] - half, middle[0] + half])
    inner = (middle[1:] + middle[:-1]) / 2
    return np.concatenate([[2 * middle[0] - inner[0]], inner, [2 * middle[-1] - inner[-1]]])


def _check(xs: Sequence[float], ys: Sequence[float], rows: Sequence[Any], measure: str) -> None:
    require(
        measure in MEASURES,
        f"measure must be one of {', '.join(MEASURES)}, got {shown(measure)}; choose one",
    )
    require(
        len(xs) > 0 and len(rows) == len(xs) * len(ys),
        f"a map of {len(xs)} x {len(ys)} cells needs as many rows, got {len(rows)}",
    )
    require(
        len(rows) <= parts.LINE_ROWS,
        f"a chart can hold {parts.LINE_ROWS} cells, got {len(rows)}; draw fewer",
    )
