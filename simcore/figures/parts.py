"""What the charts are made of: thinned runs, axes, keys, curves and marks.

Rows are dicts of columns, one dict per line: an array, or one value for the whole line. `_table`
in the end makes them one Arrow table, in which whatever is not finite is null and breaks the line.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from simcore.checks import require, shown
from simcore.figures import style
from simcore.figures.scene import kept_records, merge_ranges, odd_stride
from simcore.trajectory import Outcome, Trajectory

Runs = Trajectory | Sequence[tuple[str, Trajectory]]
Named = Sequence[tuple[str, Trajectory]]
Axis = Literal["time", "step"]
Orient = Literal["bottom", "top-right"]  # of a legend: under the plot, or in its corner
Columns = dict[str, Any]
Channels = dict[str, Any]

MAX_POINTS = 2000  # of a line
MAX_ROWS = 5000  # of a chart: more, and Altair refuses
OVERLAY_ROWS = 200  # of them kept for marks and rules
LINE_ROWS = MAX_ROWS - OVERLAY_ROWS
LOG_DECADES = 16  # below the largest loss: as far as double precision tells the loss from zero


# --- Runs, thinned -----------------------------------------------------------------------------


class Pen(NamedTuple):
    """How a kind of line is drawn, and its name in the key."""

    name: str
    width: float
    dash: style.Dash = style.SOLID
    shade: style.Shade = style.INK


PAGE = alt.ExprRef("background")  # the colour behind the chart, for what must stand out
THEORY_PEN = Pen("theory", style.THEORY_WIDTH, style.THEORY_DASH, style.THEORY)


class Frames(NamedTuple):
    """The records of a run that are drawn."""

    run: Trajectory
    pen: Pen
    kept: np.ndarray  # (N,) records
    x: np.ndarray  # (N,) their place on the clock

    def line(self, values: np.ndarray, ranges: np.ndarray | None = None, **labels: Any) -> Columns:
        """`values` (K,) at the kept records, and the range (K, 2) up to each of them."""
        low, high = (values, values) if ranges is None else (ranges[:, 0], ranges[:, 1])
        low, high = merge_ranges(low, high, self.kept)
        return self.at_records(values[self.kept], low=low, high=high, **labels)

    def at_records(self, values: np.ndarray, **labels: Any) -> Columns:
        """`values` (N,), computed at the kept records alone."""
        clock = {"step": self.run.steps[self.kept], "time": self.run.time[self.kept]}
        return {"x": self.x, "value": values, "line": self.pen.name} | clock | labels


def named_runs(runs: Runs) -> Named:
    """Pairs of a name and a run; a single run is called after its dynamics."""
    if isinstance(runs, Trajectory):
        name = {"Descent": "GD", "Flow": "GF"}.get(dynamics(runs), "central flow")
        return [(name, runs)]
    named = [(str(name), run) for name, run in runs]
    require(bool(named), "a chart needs at least one run, got none; give (name, Trajectory) pairs")
    names = [name for name, _ in named]
    require(
        len(set(names)) == len(names),
        f"runs in one chart need different names, got {shown(names)}; rename one",
    )
    return named


def frames_of(named: Named, axis: Axis, lines: int) -> list[Frames]:
    """The runs with at most MAX_POINTS records, fewer if each has many `lines`."""
    require(
        axis in ("time", "step"), f'axis must be "time" or "step", got {shown(axis)}; choose one'
    )
    room = LINE_ROWS // max(1, lines * len(named))
    require(
        room >= 2,
        f"a chart can hold {LINE_ROWS // 2} lines, got {lines * len(named)}; draw fewer runs",
    )
    step_size = _common_step_size(named)
    frames = []
    for (_, run), pen in zip(named, _run_pens(named), strict=True):
        count = len(run.steps)
        kept = kept_records(count, odd_stride(count, min(MAX_POINTS, room)))
        place = run.time if axis == "time" else run.steps
        if axis == "step" and step_size is not None and dynamics(run) != "Descent":
            place = run.time / step_size
        frames.append(Frames(run, pen, kept, place[kept]))
    return frames


def _run_pens(named: Named) -> list[Pen]:
    pens: list[Pen] = []
    seen = Counter[str]()
    for name, run in named:
        kind = run.experiment.dynamics.stroke
        shade = style.MUTED if pens else style.INK
        pens.append(Pen(name, style.run_width(kind), style.run_dash(kind, seen[kind]), shade))
        seen[kind] += 1
    return pens


def dynamics(run: Trajectory) -> str:
    """The class of the run's dynamics, by which `style` chooses widths and dashes."""
    return type(run.experiment.dynamics).__name__


def _common_step_size(named: Named) -> float | None:
    """eta of the first descent, which is the clock of steps for the flows beside it."""
    descents = (run.experiment.dynamics for _, run in named if dynamics(run) == "Descent")
    return next((descent.step_size for descent in descents), None)  # type: ignore[union-attr]


def most_pathways(named: Named) -> int:
    """H, the largest of the runs."""
    return max(run.experiment.network.pathways for _, run in named)


def edges_of(named: Named) -> list[float]:
    """2/eta of the descents, each value once."""
    return sorted({run.experiment.edge for _, run in named if run.experiment.edge is not None})


def of_run(what: str, frame: Frames, frames: Sequence[Frames]) -> str:
    """A name in the key, with that of the run where there are several."""
    return what if len(frames) == 1 else f"{what}, {frame.pen.name}"


def check_mode(named: Named, mode: int) -> None:
    """Refuse a mode that a run does not have."""
    modes = min(len(run.experiment.task.singular_values) for _, run in named)
    require(
        0 <= mode < modes,
        f"mode must be from 0 to {modes - 1} for these runs, got {shown(mode)}; 0 is the largest",
    )


def check_pair(named: Named, pathways: tuple[int, int]) -> None:
    """Refuse a pair of pathways that a run does not have."""
    least = min(run.experiment.network.pathways for _, run in named)
    require(
        len(set(pathways)) == len(pathways) == 2 and all(0 <= h < least for h in pathways),
        f"pathways must be two different ones from 0 to {least - 1} for these runs, "
        f"got {shown(pathways)}; use e.g. (0, 1)",
    )


# --- Axes --------------------------------------------------------------------------------------

# Streamlit's theme spends a third of a small chart on empty margins.
CLOSE_AXIS: Channels = {"titlePadding": 6, "labelPadding": 5, "labelFlush": False}
CLOSE_LEGEND: Channels = {"offset": 6, "padding": 0, "rowPadding": 2, "labelOffset": 4}


def clock(frames: Sequence[Frames], axis: Axis) -> alt.X:
    """t, or steps; with no descent among the runs, steps are those of the integrator."""
    title = "time t = η · step"
    if axis == "step":
        descent = any(dynamics(f.run) == "Descent" for f in frames)
        title = "step (updates of GD)" if descent else "step of the integrator"
    scale = alt.Scale(nice=False, zero=False)
    return alt.X("x:Q", title=title, scale=scale, axis=alt.Axis(**CLOSE_AXIS))


class Height(NamedTuple):
    """The vertical axis: title, domain (None: from the data) and scale."""

    title: str
    domain: tuple[float, float] | None = None
    log: bool = False
    shade: style.Shade = style.INK  # of the title
    on_right: bool = False

    def channel(self, field: str = "value") -> alt.Y:
        scale: Channels = {"type": "log", "nice": False} if self.log else {"zero": False}
        axis = CLOSE_AXIS | ({"format": ".0e", "tickCount": 6} if self.log else {})
        if self.domain is not None:
            scale |= {"domain": self.domain, "nice": False}
        if self.on_right:
            axis |= {"orient": "right", "grid": False}
        if self.shade != style.INK:
            axis |= {"titleColor": ink(self.shade)}
        title, scales, axes = self.title, alt.Scale(**scale), alt.Axis(**axis)
        return alt.Y(f"{field}:Q", title=title, scale=scales, axis=axes, stack=None)

    def cut(self, named: Named, rows: Sequence[Columns], limit: float) -> Height:
        """Up to +-`limit`, and saying so, where a diverged run goes beyond; else as it is."""
        if all(run.outcome is not Outcome.DIVERGED for _, run in named) or not limit > 0:
            return self
        values = _finite(rows)
        if not (np.abs(values) > limit).any():
            return self
        domain = max(-limit, min(0.0, values.min())), min(limit, values.max())
        return self._replace(title=f"{self.title}, cut at {style.short(limit)}", domain=domain)

    def cut_below(self, rows: Sequence[Columns]) -> Height:
        """For a log scale: LOG_DECADES below the largest value, and saying so, if any is lower."""
        values = _finite(rows)
        floor = values.max() / 10**LOG_DECADES
        if not (values < floor).any():
            return self
        return self._replace(title=f"{self.title} (cut)", domain=(floor, values.max()))


def _finite(rows: Sequence[Columns]) -> np.ndarray:
    names = ("value", "low", "high")
    values = np.concatenate([row[name] for row in rows for name in names if name in row])
    return values[np.isfinite(values)]


# --- Keys --------------------------------------------------------------------------------------


def key(
    pens: Sequence[Pen],
    *,
    coloured: bool = False,
    dashed: bool = True,
    orient: Orient = "bottom",
) -> Channels:
    """Width, dash and, if `coloured`, colour of lines by name; a legend if there are several."""
    names = [pen.name for pen in pens]
    legend = None
    if len(names) > 1:
        legend = alt.Legend(
            title=None,
            orient=orient,
            columns=_columns_for(names) if orient == "bottom" else 1,
            symbolType="stroke",
            symbolSize=500,
            symbolOpacity=1,
            labelLimit=260,
            **CLOSE_LEGEND,
        )
        if not coloured:
            legend.symbolStrokeColor = ink(style.MUTED)

    def scale(values: Sequence[Any]) -> alt.Scale:
        return alt.Scale(domain=names, range=list(values))

    widths, dashes = [pen.width for pen in pens], [pen.dash for pen in pens]
    channels: Channels = {
        "strokeWidth": alt.StrokeWidth("line:O", scale=scale(widths), legend=legend)
    }
    if dashed:
        channels["strokeDash"] = alt.StrokeDash("line:O", scale=scale(dashes), legend=legend)
    if coloured:
        colours = [ink(pen.shade) for pen in pens]
        channels["color"] = alt.Color("line:O", scale=scale(colours), legend=legend)
    return channels


def _columns_for(names: Sequence[str]) -> int:
    """Entries of a legend in a row: all, or as many as a phone has room for (52 characters)."""
    sizes = [len(name) + 5 for name in names]  # the symbol takes the room of five
    return len(names) if sum(sizes) <= 52 else max(1, 52 // max(sizes))


def pathway_key(pathways: int, label: Callable[[int], str], first: int = 0) -> Channels:
    """Colour, and past six pathways dash: the same scales in every chart, with its own labels."""
    numbers = list(range(1, pathways + 1))
    labels = [label(h) for h in range(pathways)]
    texts = ", ".join(f"'{text}'" for text in labels)
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=_columns_for(labels),
        values=numbers[first:],
        labelExpr=f"[{texts}][datum.value - 1]",
        symbolType="stroke",
        symbolSize=400,
        symbolStrokeWidth=2.5,
        symbolOpacity=1,
        symbolLimit=24,
        **CLOSE_LEGEND,
    )
    colours = [style.pathway_colour(h) for h in range(pathways)]
    scale = alt.Scale(domain=numbers, range=colours)
    channels: Channels = {"color": alt.Color("pathway:N", scale=scale, legend=legend)}
    if not hues_suffice(pathways):
        scale = alt.Scale(domain=numbers, range=[style.pathway_dash(h) for h in range(pathways)])
        channels["strokeDash"] = alt.StrokeDash("pathway:N", scale=scale, legend=legend)
    return channels


def hues_suffice(pathways: int) -> bool:
    """Whether colour tells the pathways apart, which leaves the dash to the runs."""
    return pathways <= len(style.HUES)


def gradient(field: str, title: str, domain: tuple[float, float], shades: Any) -> alt.Color:
    """A continuous colour scale over `domain` with a small bar as its legend."""
    scale = alt.Scale(
        domain=np.linspace(*domain, len(shades)).tolist(),
        range=[ink(shade) for shade in shades],
        interpolate="rgb",
    )
    legend = alt.Legend(
        type="gradient",
        orient="bottom",
        direction="horizontal",
        gradientLength=140,
        gradientThickness=8,
        labelOverlap="greedy",
        labelSeparation=6,
        tickCount=3,
        titlePadding=3,
        **CLOSE_LEGEND,
    )
    return alt.Color(f"{field}:Q", title=title, scale=scale, legend=legend)


# --- Layers ------------------------------------------------------------------------------------


def curves(
    rows: Sequence[Columns], x: alt.X, y: Height, channels: Channels, *, params: bool = True
) -> list[alt.Chart]:
    """Bands where something happened between records, lines, and the record under the pointer.

    Without `params` (Vega-Lite takes none in layers of layers) the points under the pointer have
    their tooltip only.
    """
    data = table(rows)
    tooltip = [
        *line_tooltip(rows),
        *(alt.Tooltip(f"{name}:N") for name in ("pathway", "what") if name in data.column_names),
        alt.Tooltip("step:Q"),
        alt.Tooltip("time:Q", title="t", format=".5g"),
        alt.Tooltip("value:Q", title=y.title, format=".5g"),
    ]
    base = alt.Chart(data).encode(x=x, color=channels["color"])
    single = any(len(row["x"]) == 1 for row in rows)  # a line needs two points to be seen
    lines = base.mark_line(clip=True, point=alt.OverlayMarkDef(opacity=1) if single else False)
    lines = lines.encode(y=y.channel(), detail=_details(data), **_strokes(channels))
    points = base.encode(y=y.channel(), tooltip=tooltip)
    if params:
        layers = [lines.add_params(_zoom()), nearest(points)]
    else:
        layers = [lines, points.mark_point(opacity=0, size=60, clip=True)]
    if any((row["high"] > row["low"]).any() for row in rows):
        band = base.mark_area(opacity=0.25, clip=True)
        layers.insert(
            0, band.encode(y=y.channel("low"), y2=alt.Y2("high:Q"), detail=_details(data))
        )
    return layers


def overlay(
    rows: Sequence[Columns], x: alt.X, y: Height, channels: Channels, **mark: Any
) -> list[alt.Chart]:
    """Lines without bands; of one colour if `mark` has it."""
    if not rows:
        return []
    data = table(rows)
    what = [alt.Tooltip("what:N")] if "what" in data.column_names else []
    lines = alt.Chart(data).mark_line(clip=True, **mark)
    lines = lines.encode(
        x=x,
        y=y.channel(),
        detail=_details(data),
        tooltip=[alt.Tooltip("line:N"), *what],
        **_strokes(channels),
    )
    return [lines if "color" in mark else lines.encode(color=channels["color"])]


def _details(data: pa.Table) -> list[alt.Detail]:
    return [alt.Detail(f"{name}:N") for name in ("line", "what") if name in data.column_names]


def _strokes(channels: Channels) -> Channels:
    return {name: channel for name, channel in channels.items() if name.startswith("stroke")}


def nearest(points: alt.Chart, **mark: Any) -> alt.Chart:
    """Points that are seen only under the pointer, with their tooltip."""
    hover = alt.selection_point(name="hover", nearest=True, on="pointerover", empty=False)
    points = points.mark_point(filled=True, size=45, clip=True, **mark)
    visible = alt.condition(hover, alt.value(1), alt.value(0))
    return points.encode(opacity=visible).add_params(hover)


def _zoom() -> alt.Parameter:
    """Drag to pan, pinch or Ctrl-wheel to zoom, double click to reset; a page still scrolls."""
    mouse = "[pointerdown[event.pointerType === 'mouse'], window:pointerup] > window:pointermove!"
    return alt.selection_interval(
        name="zoom",
        bind="scales",
        encodings=["x"],
        translate=mouse,
        zoom="wheel![event.ctrlKey || event.metaKey]",
    )


def end_labels(rows: Sequence[Columns], x: alt.X, y: Height, height: int) -> list[alt.Chart]:
    """What each row is, over the right end of its line; moved up where two would overlap."""
    ends = [row for row in rows if np.isfinite(row["value"][-1])]
    if not ends:
        return []
    ends = sorted(ends, key=lambda row: row["value"][-1])
    scale = np.ptp(_finite(rows)) / max(height - 110, 40)  # about the value of a pixel
    places = np.array([row["value"][-1] for row in ends])
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + 15 * scale)
    at = {"x": [row["x"][-1] for row in ends], "value": places}
    data = table([at | {"text": [row["what"] for row in ends]}])
    encoded = alt.Chart(data).encode(x=x, y=y.channel(), text=alt.Text("text:N"))
    return haloed(encoded, style.INK, align="right", baseline="bottom", dx=-2, dy=-2)


def edge_levels(edges: Sequence[float], highest: float | None = None) -> list[alt.Chart]:
    """2/eta as rules with their labels; one beyond `highest` is named at the top instead."""
    near = {e: f"2/η = {style.short(e)}" for e in edges if highest is None or e <= highest}
    layers = levels(near, style.EDGE)
    beyond = [f"2/η = {style.short(e)}" for e in edges if e not in near]
    if beyond:
        at = alt.Chart(table([{"text": ["↑ " + ", ".join(beyond)]}]))
        at = at.encode(x=alt.XValue(0), y=alt.YValue(0), text=alt.Text("text:N"))
        layers += haloed(at, style.EDGE, align="left", baseline="top", dx=4, dy=4)
    return layers


def levels(marked: Mapping[float, str], shade: style.Shade = style.MUTED) -> list[alt.Chart]:
    """Horizontal theory lines, each labelled under its left end."""
    if not marked:
        return []
    rules = alt.Chart(table([{"value": list(marked)}])).mark_rule(
        color=ink(shade), strokeDash=style.THEORY_DASH, strokeWidth=style.THEORY_WIDTH
    )
    layers = [rules.encode(y=alt.Y("value:Q"))]
    for k, (value, text) in enumerate(sorted(marked.items())):
        layers += word(value, text, shade, dx=4 + 100 * (k % 2))
    return layers


def word(value: float, text: str, shade: style.Shade, dx: float = 4) -> list[alt.Chart]:
    """`text` under the left end of a horizontal line at `value`."""
    at = alt.Chart(table([{"value": [value], "text": text}]))
    at = at.encode(x=alt.XValue(0), y=alt.Y("value:Q"), text=alt.Text("text:N"))
    return haloed(at, shade, align="left", baseline="top", dx=dx, dy=4)


def haloed(at: alt.Chart, shade: style.Shade, **mark: Any) -> list[alt.Chart]:
    """Text that is readable over lines: the page shines around it."""
    page: Channels = {"stroke": PAGE, "strokeWidth": 4, "strokeJoin": "round"}
    return [
        at.mark_text(color=PAGE, **page, **mark),
        at.mark_text(color=ink(shade), **mark),
    ]


# --- Marks -------------------------------------------------------------------------------------

_SHAPES = {
    "flattest split": (
        "M0,-1.2L0.282,-0.389L1.141,-0.371L0.456,0.149L0.706,0.971"
        "L0,0.48L-0.706,0.971L-0.456,0.149L-1.141,-0.371L-0.282,-0.389Z"
    ),
    "GF end": "circle",
    "λ = 2/η": "diamond",
    "this split": "triangle-up",
}
_HOLLOW = ("GF end", "λ = 2/η")  # ghosts: predicted ends


def mark_at(what: str, at: ArrayLike, sharpness: ArrayLike, run: str = "") -> Columns:
    """One of the shapes above at a point (2,) of the plane."""
    x, y = np.asarray(at, dtype=float)
    place = {"value": [float(x)], "other": [float(y)], "sharpness": [float(np.asarray(sharpness))]}
    return place | {"mark": what, "line": run}


def marks(
    rows: Sequence[Columns],
    axes: Channels,
    names: Sequence[str],
    orient: Orient = "bottom",
) -> list[alt.Chart]:
    """Shapes with a legend, edged by the page so that they stand out from what is behind."""
    if not rows:
        return []
    kinds = [kind for kind in _SHAPES if any(row["mark"] == kind for row in rows)]
    legend = alt.Legend(
        title=None,
        orient=orient,
        columns=_columns_for(kinds) if orient == "bottom" else 1,
        symbolStrokeColor=ink(style.INK),
        symbolSize=90,
        symbolStrokeWidth=1.6,
        symbolOpacity=1,
        **CLOSE_LEGEND,
    )

    fills = [alt.ExprRef("'transparent'") if k in _HOLLOW else ink(style.INK) for k in kinds]
    shapes = [_SHAPES[kind] for kind in kinds]
    shape = alt.Shape("mark:N", scale=alt.Scale(domain=kinds, range=shapes), legend=legend)
    fill = alt.Fill("mark:N", scale=alt.Scale(domain=kinds, range=fills), legend=legend)
    encoded = alt.Chart(table(rows)).encode(
        **axes,
        shape=shape,
        tooltip=[
            alt.Tooltip("mark:N"),
            *line_tooltip(rows),
            alt.Tooltip("value:Q", title=names[0], format=".5g"),
            alt.Tooltip("other:Q", title=names[1], format=".5g"),
            alt.Tooltip("sharpness:Q", title="λ", format=".5g"),
        ],
    )
    mark: Channels = {"size": 130, "opacity": 1}
    return [
        encoded.mark_point(stroke=PAGE, strokeWidth=5, **mark),
        encoded.mark_point(stroke=ink(style.INK), strokeWidth=1.8, **mark).encode(fill=fill),
    ]


# --- The whole ---------------------------------------------------------------------------------


def line_tooltip(rows: Sequence[Columns]) -> list[alt.Tooltip]:
    """The name of the line, where there are several."""
    several = len({row["line"] for row in rows}) > 1
    return [alt.Tooltip("line:N", title="run")] if several else []


def ink(shade: style.Shade) -> alt.ExprRef:
    """A shade as Vega takes it, following the background of the page."""
    return alt.ExprRef(shade.expression)


def positive(row: Columns) -> Columns:
    """What a log scale can show; a band that reaches to zero starts at its line."""
    value = np.where(row["value"] > 0, row["value"], np.nan)
    low, high = (np.where(row[name] > 0, row[name], value) for name in ("low", "high"))
    return row | {"value": value, "low": low, "high": high}


def any_finite(rows: Sequence[Columns]) -> bool:
    """Whether there is anything to draw."""
    return any(np.isfinite(row["value"]).any() for row in rows)


def table(rows: Sequence[Columns]) -> pa.Table:
    """Lines one after the other, with the columns that all of them have."""
    names = [name for name in rows[0] if all(name in row for row in rows)]
    counts = [next(len(c) for c in row.values() if np.ndim(c) == 1) for row in rows]
    columns = {
        name: np.concatenate(
            [np.broadcast_to(row[name], (count,)) for row, count in zip(rows, counts, strict=True)]
        )
        for name in names
    }
    return pa.table({name: _null_unless_finite(column) for name, column in columns.items()})


def _null_unless_finite(column: np.ndarray) -> pa.Array:
    return pa.array(column, mask=~np.isfinite(column) if column.dtype.kind == "f" else None)


def message(text: str, height: int) -> alt.LayerChart:
    """A chart with nothing to show, and why."""
    words = alt.Chart(table([{"text": [textwrap.fill(text, 44)]}]))
    words = words.mark_text(color=ink(style.MUTED), lineBreak="\n", fontSize=13)
    return view([words.encode(text=alt.Text("text:N"))], height, text)


def view(layers: Sequence[Any], height: int, description: str) -> alt.LayerChart:
    """One layered view, drawn on a canvas, as wide as its place."""
    return finish(alt.layer(*layers), height, description)


def finish(chart: Any, height: int, description: str) -> alt.LayerChart:
    """Height, description for screen readers, and the canvas renderer."""
    return chart.properties(
        height=height, description=description, usermeta={"embedOptions": {"renderer": "canvas"}}
    )
