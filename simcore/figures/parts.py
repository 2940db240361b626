"""What the charts are made of: axes, keys, levels, marks, words.

Rows are dicts of columns, one dict per line: an array, or one value for the whole line. `table` in
the end makes them one Arrow table, in which whatever is not finite is null and breaks the line.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import altair as alt
import numpy as np
import pyarrow as pa
from altair.utils import schemapi

from simcore.figures import style
from simcore.figures.scene import Level, Mark

Orient = Literal["bottom", "top", "top-right"]  # of a legend: outside the plot, or in its corner
Columns = dict[str, Any]
Channels = dict[str, Any]

MAX_POINTS = 2000  # of a line
MAX_ROWS = 5000  # of a table: more, and Altair refuses
OVERLAY_ROWS = 200  # of them kept for marks and rules
LINE_ROWS = MAX_ROWS - OVERLAY_ROWS

UNDER = 0.12  # of a plot: what a name needs under its line
NEAR = 0.02  # of a plot: what is so near is at one height
PAGE = alt.ExprRef("background")  # the colour behind the chart, for what must stand out


# --- Axes --------------------------------------------------------------------------------------

# Streamlit's theme spends a third of a small chart on empty margins.
CLOSE_AXIS: Channels = {"titlePadding": 6, "labelPadding": 5, "labelFlush": False}
LABEL_BEYOND = 8  # pixels: half a number at the right end of an axis
CLOSE_LEGEND: Channels = {"offset": 6, "padding": 0, "rowPadding": 2, "labelOffset": 4}


DECADE = "datum.value < 1e4 ? format(datum.value, '') : format(datum.value, '~e')"


class Width(NamedTuple):
    """The horizontal axis, of the column "x": title, domain (None: from the data) and, where it
    goes by decades from zero on, the unit up to which it is nearly even."""

    title: str
    domain: tuple[float, float] | None = None
    unit: float | None = None

    def channel(self, **axis: Any) -> alt.X:
        scale: Channels = {"nice": False}
        scale |= {"zero": False} if self.domain is None else {"domain": self.domain}
        if self.unit is not None and self.domain is not None:
            scale |= {"type": "symlog", "constant": self.unit}
            axis = {"values": _growing(self.domain, self.unit), "labelExpr": DECADE} | axis
        scales, axes = alt.Scale(**scale), alt.Axis(**CLOSE_AXIS | axis)
        return alt.X("x:Q", title=self.title, scale=scales, axis=axes)


def _growing(domain: tuple[float, float], unit: float) -> list[float]:
    """Zero and the decades from one unit on."""
    decades = np.arange(np.ceil(np.log10(unit) - 1e-9), np.floor(np.log10(domain[1]) + 1e-9) + 1)
    return [value for value in (0.0, *(10.0**decades).tolist()) if value >= domain[0]]


class Height(NamedTuple):
    """The vertical axis, of the column "value": title, domain (None: from the data), scale."""

    title: str
    domain: tuple[float, float] | None = None
    log: bool = False

    def part(self, value: np.ndarray | float) -> np.ndarray:
        """How far up in its domain a value is, 0 at the bottom and 1 at the top."""
        low, high, at = (
            np.log10(number) if self.log else np.asarray(number)
            for number in (*(self.domain or (0.0, 1.0)), value)
        )
        return (at - low) / ((high - low) or 1.0)

    def value(self, part: np.ndarray) -> np.ndarray:
        """The value so far up."""
        low, high = self.domain or (0.0, 1.0)
        if self.log:
            return 10 ** (np.log10(low) + part * (np.log10(high) - np.log10(low)))
        return low + part * (high - low)

    def channel(self, field: str = "value", **axis: Any) -> alt.Y:
        scale: Channels = {"type": "log", "nice": False} if self.log else {"zero": False}
        axis = CLOSE_AXIS | (_decades(self.domain) if self.log else {}) | axis
        if self.domain is not None:
            scale |= {"domain": self.domain, "nice": False}
        title = textwrap.wrap(self.title, 36)  # as much as a small chart is tall
        scales, axes = alt.Scale(**scale), alt.Axis(**axis)
        return alt.Y(f"{field}:Q", title=title, scale=scales, axis=axes, stack=None)


def _decades(domain: tuple[float, float] | None) -> Channels:
    """The numbers of an axis by decades; where it shows a part of one that single digits do not
    tell apart, those of an even one with as many as it takes."""
    if domain is None:
        return ONE_DIGIT
    low, high = domain
    decades = 10.0 ** np.unique(np.floor(np.log10(domain)))
    single = np.outer(decades, np.arange(1, 10))
    if high > 6 * low or ((low <= single) & (single <= high)).sum() > 4:
        return ONE_DIGIT
    raw = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(raw))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    values = step * np.arange(np.ceil(low / step), np.floor(high / step) + 1)
    digits = int(np.floor(np.log10(high)) - np.floor(np.log10(step) + 1e-9))
    return {"values": values.tolist(), "labelExpr": f"format(datum.value, '.{max(0, digits)}e')"}


ONE_DIGIT: Channels = {"format": ".0e", "tickCount": 6}


# --- Keys --------------------------------------------------------------------------------------


GLYPHS = {  # of markers, in a legend
    "circle": "●",
    "triangle-up": "▲",
    "square": "■",
    "triangle-down": "▼",
    "cross": "✚",
}


class Key(NamedTuple):
    """The lines of a chart by their name in the column "line"; a legend if several are `listed`,
    with the shapes of those that have `markers`."""

    pens: Mapping[str, style.Pen]
    listed: Sequence[str]
    orient: Orient = "top"
    markers: Mapping[str, str] = {}

    def channels(self, *, coloured: bool = True) -> Channels:
        """Width, dash and, unless the colour means something else, colour."""

        def scale(values: Sequence[Any]) -> alt.Scale:
            # of widths, Vega-Lite would place the names evenly between the first and the last
            return alt.Scale(type="ordinal", domain=list(self.pens), range=list(values))

        pens, legend = self.pens.values(), self._legend()
        widths, dashes = [pen.width for pen in pens], [pen.dash for pen in pens]
        colours = [ink(pen.shade) for pen in pens]
        channels: Channels = {
            "strokeWidth": alt.StrokeWidth("line:O", scale=scale(widths), legend=legend),
            "strokeDash": alt.StrokeDash("line:O", scale=scale(dashes), legend=legend),
        }
        if coloured:
            channels["color"] = alt.Color("line:O", scale=scale(colours), legend=legend)
        elif legend is not None:
            legend.symbolStrokeColor = ink(style.MUTED)
        return channels

    def _legend(self) -> alt.Legend | None:
        if len(self.listed) < 2:
            return None
        corner: Channels = {"fillColor": PAGE, "padding": 2} if self.orient == "top-right" else {}
        return alt.Legend(
            title=None,
            orient=self.orient,
            columns=1 if corner else legend_columns(self.listed),
            values=list(self.listed),
            symbolType="stroke",
            symbolSize=400,
            symbolOpacity=1,
            labelLimit=260,
            symbolLimit=40,
            labelExpr=self._labels(),
            **CLOSE_LEGEND | corner,
        )

    def _labels(self) -> Any:
        """Each name with its marker before it."""
        if not self.markers:
            return alt.Undefined
        marked = {name: f"{GLYPHS[shape]} {name}" for name, shape in self.markers.items()}
        return f"({json.dumps(marked, ensure_ascii=False)})[datum.label] || datum.label"


def legend_columns(names: Sequence[str]) -> int:
    """Entries of a legend in a row: all, or as many as a phone has room for (52 characters)."""
    sizes = [len(name) + 5 for name in names]  # the symbol takes the room of five
    return len(names) if sum(sizes) <= 52 else max(1, 52 // max(sizes))


def gradient(field: str, title: str, domain: tuple[float, float], shades: Any) -> alt.Color:
    """A continuous colour scale over `domain` with a small bar as its legend."""
    middle, half = (domain[0] + domain[1]) / 2, (domain[1] - domain[0]) / 2
    scale = alt.Scale(
        domain=(middle + half * np.linspace(-1, 1, len(shades))).tolist(),
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


# --- Lines -------------------------------------------------------------------------------------


def line(chart: alt.Chart, **mark: Any) -> alt.Chart:
    """A line with round joins: a mitred zigzag grows spikes that are not in the data."""
    return chart.mark_line(strokeJoin="round", clip=True, **mark)


def under_pointer() -> alt.Parameter:
    """The point next to the pointer; none once it has left, so that none is in a saved picture."""
    return alt.selection_point(
        name="hover", nearest=True, on="pointerover", clear="pointerout", empty=False
    )


def nearest(points: alt.Chart, **mark: Any) -> alt.Chart:
    """Points that are seen only under the pointer, with their tooltip."""
    hover = under_pointer()
    points = points.mark_point(filled=True, size=45, clip=True, **mark)
    visible = alt.condition(hover, alt.value(1), alt.value(0))
    return points.encode(opacity=visible).add_params(hover)


def zoom() -> alt.Parameter:
    """Drag to pan, pinch or Ctrl-wheel to zoom, double click to reset; a page still scrolls."""
    mouse = "[pointerdown[event.pointerType === 'mouse'], window:pointerup] > window:pointermove!"
    return alt.selection_interval(
        name="zoom",
        bind="scales",
        encodings=["x"],
        translate=mouse,
        zoom="wheel![event.ctrlKey || event.metaKey]",
    )


def levels(marked: Sequence[Level], y: Height) -> list[alt.Chart]:
    """Horizontal theory lines on an axis of known domain, each labelled under its left end; over it
    where the axis below, with its numbers, is near. Those at one height are named together."""
    layers = []
    together: list[list[Level]] = []
    for level in sorted(marked, key=lambda level: level.value):
        at = alt.Chart(table([{"value": [level.value], "text": level.label}]))
        layers.append(
            at.encode(y=alt.Y("value:Q")).mark_rule(
                color=ink(style.shade(level.role)),
                strokeDash=style.THEORY_DASH,
                strokeWidth=style.THEORY_WIDTH,
            )
        )
        if together and y.part(level.value) - y.part(together[-1][0].value) < NEAR:
            together[-1].append(level)
        else:
            together.append([level])
    for k, (lowest, *others) in enumerate(together):
        names = ", ".join(level.label for level in (lowest, *others))
        text = alt.Chart(table([{"value": [lowest.value], "text": names}]))
        text = text.encode(x=alt.XValue(0), y=alt.Y("value:Q"), text=alt.Text("text:N"))
        above = y.part(lowest.value) < UNDER
        side: Channels = {"baseline": "bottom", "dy": -4} if above else {"baseline": "top", "dy": 4}
        shade = style.shade(lowest.role)
        layers += haloed(text, shade, align="left", dx=4 + 100 * (k % 2), **side)
    return layers


def beyond(marked: Sequence[Level], above: bool) -> list[alt.Chart]:
    """Levels outside the plot, named at its upper or its lower border."""
    if not marked:
        return []
    arrow, shade = "↑" if above else "↓", style.shade(marked[0].role)
    at = alt.Chart(table([{"text": [f"{arrow} " + ", ".join(level.label for level in marked)]}]))
    at = at.encode(x=alt.XValue(0), y=alt.YValue(0 if above else "height"), text=alt.Text("text:N"))
    side: Channels = {"baseline": "top", "dy": 4} if above else {"baseline": "bottom", "dy": -4}
    return haloed(at, shade, align="left", dx=4, **side)


def haloed(at: alt.Chart, shade: style.Shade, **mark: Any) -> list[alt.Chart]:
    """Text that is readable over lines: the page shines around it."""
    page: Channels = {"stroke": PAGE, "strokeWidth": 4, "strokeJoin": "round"}
    return [
        at.mark_text(color=PAGE, **page, **mark),
        at.mark_text(color=ink(shade), **mark),
    ]


# --- Marks -------------------------------------------------------------------------------------

_PATHS = {
    "star": (
        "M0,-1.2L0.282,-0.389L1.141,-0.371L0.456,0.149L0.706,0.971"
        "L0,0.48L-0.706,0.971L-0.456,0.149L-1.141,-0.371L-0.282,-0.389Z"
    ),
}


def marks(
    shown: Sequence[Mark], x: Width, y: Height, orient: Orient = "bottom", dx: float = 0
) -> list[alt.Chart]:
    """Shapes with a legend, edged by the page so that they stand out from what is behind; hollow
    ones are ghosts. `dx` pixels to the right of their place."""
    if not shown:
        return []
    kinds = {mark.label: mark for mark in shown}  # marks of one label look alike
    corner: Channels = {"fillColor": PAGE, "padding": 2} if orient == "top-right" else {}
    legend = alt.Legend(
        title=None,
        orient=orient,
        columns=1 if corner else legend_columns(list(kinds)),
        symbolSize=90,
        symbolStrokeWidth=1.6,
        symbolOpacity=1,
        **CLOSE_LEGEND | corner,
    )

    def scale(values: Sequence[Any]) -> alt.Scale:
        return alt.Scale(domain=list(kinds), range=list(values))

    shades = {label: ink(style.shade(mark.colour)) for label, mark in kinds.items()}
    clear = alt.ExprRef("'transparent'")
    fills = [clear if mark.hollow else shades[label] for label, mark in kinds.items()]
    shapes = [_PATHS.get(mark.shape, mark.shape) for mark in kinds.values()]
    rows = [
        {"x": [mark.x], "value": [mark.y], "mark": mark.label, "note": mark.note} for mark in shown
    ]
    encoded = alt.Chart(table(rows)).encode(
        x=x.channel(),
        y=y.channel(),
        shape=alt.Shape("mark:N", scale=scale(shapes), legend=legend),
        tooltip=[
            alt.Tooltip("mark:N"),
            alt.Tooltip("x:Q", title=x.title, format=".5g"),
            alt.Tooltip("value:Q", title=y.title, format=".5g"),
            *([alt.Tooltip("note:N")] if any(mark.note for mark in shown) else []),
        ],
    )
    symbol: Channels = {"size": 130, "opacity": 1, "xOffset": dx}
    return [
        encoded.mark_point(stroke=PAGE, strokeWidth=5, strokeJoin="round", **symbol),
        encoded.mark_point(strokeWidth=1.8, strokeJoin="round", **symbol).encode(
            stroke=alt.Stroke("mark:N", scale=scale(list(shades.values())), legend=legend),
            fill=alt.Fill("mark:N", scale=scale(fills), legend=legend),
        ),
    ]


# --- Layers by what they show ------------------------------------------------------------------

RUN, END, MARK = "run", "end", "mark"


def named(kind: str, layers: Sequence[Any]) -> list[Any]:
    """The layers under names by which a film tells what a run drew (`RUN`), what is said where it
    ends (`END`) and what stands above it (`MARK`) from what stands still behind it."""
    return [layer.properties(name=f"{kind}{k}") for k, layer in enumerate(layers)]


# --- The whole ---------------------------------------------------------------------------------


def ink(shade: style.Shade) -> alt.ExprRef:
    """A shade as Vega takes it, following the background of the page."""
    return alt.ExprRef(shade.expression)


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


class Picture(alt.LayerChart):
    """A view that is checked against the schema of Vega-Lite unless charts are trusted."""

    trusted: ClassVar = False

    def to_dict(self, validate: bool | None = None, **options: Any) -> dict[str, Any]:
        return super().to_dict(not self.trusted if validate is None else validate, **options)


def trust_charts() -> None:
    """Check no more of them, nor their parts, against the schema, which takes longer than to make
    them: for a server, whose charts are those that the tests check."""
    schemapi.disable_debug_mode()
    Picture.trusted = True


def view(
    layers: Sequence[Any],
    height: int,
    description: str,
    *,
    subject: Columns | Sequence[Columns] | None = None,
) -> alt.LayerChart:
    """One layered view, drawn on a canvas, as wide as its place.

    `subject` is what it shows as a table with readable names: Streamlit offers the data of the
    first layer to read and to save, so that is a layer of it alone, which draws nothing.
    """
    if subject is not None:
        rows = [subject] if isinstance(subject, dict) else subject
        whole = alt.Chart(table(rows)).mark_tick().encode(opacity=alt.OpacityValue(0))
        whole = whole.transform_filter("false")
        layers = [whole, *layers]
    return Picture(
        layer=layers,
        height=height,
        description=description,
        padding={"right": LABEL_BEYOND},
        usermeta={"embedOptions": {"renderer": "canvas"}},
    )
