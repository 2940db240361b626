"""Lines against time: bands, levels, marks; descents as points, joined faintly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import altair as alt
import numpy as np

from simcore.checks import require
from simcore.figures import parts, style
from simcore.figures.clock import Span, even, places, reference, shared, steps_at
from simcore.figures.parts import (
    LINE_ROWS,
    MAX_POINTS,
    MAX_ROWS,
    Columns,
    Height,
    Key,
    Width,
    table,
)
from simcore.figures.scene import Axis, Level, Line, Mark, Run, Scene, SeriesPanel, thin

KINDS = ("line", "points", "theory", "bound")  # of lines, in the order in which they are drawn
THEORY = ("theory", "bound")  # a bound holds from record to record
MARKED = 4  # markers of a line
LEAST = 1.2  # times its bottom is the top of an axis by decades
PLACE = "|x"  # the column of a run that says where its records stand on the axis


def draw(
    scene: Scene,
    panel: SeriesPanel,
    axis: Axis,
    log: bool,
    height: int,
    span: Span | None = None,
) -> alt.LayerChart:
    """Bands, lines, levels and marks; descents are points, joined faintly. Where they count their
    steps at different times, the axis is that of time. It shows `span`, or as much as there is."""
    axis = axis if shared(scene.runs) else "time"
    levels, lines = _apart(panel, {run.name: run for run in scene.runs})
    if not lines:
        return parts.message(_nothing(panel, log), height)
    thinned = _thinned(scene, replace(panel, lines=lines), axis)
    names, key = _key(scene, lines)
    rows = _rows(thinned, names, key, log)
    values = _finite([row for row in rows if row["kind"] not in THEORY])
    if not values.size:
        return parts.message(_nothing(panel, log), height)
    limits = panel.limits if log == (panel.scale == "log") else None
    if limits is None and not log and np.ptp(values) < panel.least:
        middle = float(values.min() + values.max()) / 2
        limits = middle - panel.least / 2, middle + panel.least / 2
    y = Height(_y_title(panel), limits, log)
    low, high = y.domain or _reach(values, log)
    for row in rows:
        if row["kind"] in THEORY:
            far = (row["value"] < low) | (row["value"] > high)
            row |= {name: np.where(far, np.nan, row[name]) for name in ("value", "low", "high")}
    near = [level for level in levels if low <= level.value <= high]
    marks = _placed(panel.marks, rows, scene.runs, axis, (low, high))
    seen = np.append(_finite(rows), [*(level.value for level in near), *(mark.y for mark in marks)])
    there = y if y.domain else y._replace(domain=_extent(seen, log))
    y = there if log else y
    x = _width(_clock(scene.runs, axis), span)
    labelled = [row for row in rows if row["kind"] in THEORY and row["line"] not in key.listed]
    layers = [
        *_changes(scene.runs, axis, x),
        *parts.named(parts.RUN, [*_line_layers(rows, x, y, key), *_markers(rows, x, y, key)]),
        *parts.levels(near, there),
        *parts.beyond([level for level in levels if level.value > high], above=True),
        *parts.beyond([level for level in levels if level.value < low and not log], above=False),
        *parts.named(parts.END, _end_labels(labelled[:8], x, y, there, height)),
        *parts.marks(marks, x, y, dx=-8),
    ]
    note = f" {thinned.note}" if thinned.note else ""
    words = f"{panel.title} over {axis}.{note}"
    return parts.view(layers, height, words, subject=_read(scene, panel))


def _read(scene: Scene, panel: SeriesPanel) -> list[Columns]:
    """The lines as one table to read: a column each, whatever the run; all records, if a chart may
    have so many."""
    shown_runs = {line.run for line in panel.lines}
    runs = [run for run in scene.runs if run.name in shown_runs]
    if sum(map(len, runs)) > MAX_ROWS:
        scene = thin(replace(scene, panels=(panel,)), MAX_ROWS // len(runs))
        runs = [run for run in scene.runs if run.name in shown_runs]
    names: dict[str, str] = {}
    for line in panel.lines:
        of_run = not line.label or line.label == line.run
        names.setdefault(line.column, panel.title if of_run else line.label.split(" = ")[0])
    return [
        {"run": run.label or run.name, "step": run.columns["step"], "t": run.columns["t"]}
        | {
            name: run.columns.get(column, np.full(len(run), np.nan))
            for column, name in names.items()
        }
        for run in runs
    ]


def _apart(panel: SeriesPanel, runs: Mapping[str, Run]) -> tuple[list[Level], list[Line]]:
    """Levels, with the theory lines that keep one value, and the other lines."""
    levels, lines = list(panel.levels), []
    for line in panel.lines:
        values = runs[line.run].columns[line.column]
        if line.theory and (values == values[0]).all():
            levels.append(Level(float(values[0]), line.label, line.colour))
        else:
            lines.append(line)
    return levels, lines


def _thinned(scene: Scene, panel: SeriesPanel, axis: Axis) -> Scene:
    """The panel alone with its runs, placed on the axis, as long as a chart can hold them."""
    room = LINE_ROWS // max(1, len(panel.lines))
    require(
        room >= 2,
        f"a chart can hold {LINE_ROWS // 2} lines, got {len(panel.lines)}; draw fewer runs",
    )
    counted, used = reference(scene.runs), {line.run for line in panel.lines}
    runs = [
        replace(run, columns={**run.columns, PLACE: places(run, axis, counted)}, maps={})
        for run in scene.runs
        if run.name in used
    ]
    alone = replace(scene, runs=runs, panels=(panel,), note="")
    return thin(alone, min(MAX_POINTS, room))


def _key(scene: Scene, lines: Sequence[Line]) -> tuple[list[str], Key]:
    """A name for each line, and their pens: those of the whole scene, as the player has them; with
    markers if there are lines of several pathways.

    Several theory lines have one dash, so they are named at their ends and not in the legend.
    """
    runs, rank = {run.name: run for run in scene.runs}, _ranks(scene.runs)
    counts = Counter(line.label for line in lines)
    names = [
        line.label if counts[line.label] == 1 and line.label else f"{line.run}, {line.column}"
        for line in lines
    ]
    pens = [
        style.pen(
            line.colour,
            runs[line.pen or line.run].stroke,
            rank[line.pen or line.run],
            mode=line.mode,
            theory=line.theory,
        )
        for line in lines
    ]
    ends = sum(line.theory for line in lines) > 1
    listed = [
        name
        for name, line in zip(names, lines, strict=True)
        if line.label and not (ends and line.theory)
    ]
    pathways = {line.colour for line in lines if isinstance(line.colour, int)}
    markers = {
        name: style.marker(line.colour)
        for name, line in zip(names, lines, strict=True)
        if isinstance(line.colour, int) and len(pathways) > 1
    }
    return names, Key(dict(zip(names, pens, strict=True)), listed, markers=markers)


def _ranks(runs: Sequence[Run]) -> dict[str, int]:
    """How many runs before each one have the same stroke, by its name."""
    strokes = [run.stroke for run in runs]
    return {run.name: strokes[:k].count(strokes[k]) for k, run in enumerate(runs)}


def _rows(scene: Scene, names: Sequence[str], key: Key, log: bool) -> list[Columns]:
    """The columns of each line of the one panel of a scene."""
    runs = {run.name: run for run in scene.runs}
    (panel,) = scene.panels
    assert isinstance(panel, SeriesPanel)
    rows = []
    for name, line in zip(names, panel.lines, strict=True):
        columns = runs[line.run].columns
        alone = len(columns[PLACE]) == 1  # a line needs two points to be seen
        row: Columns = {
            "x": columns[PLACE],
            "value": np.asarray(columns[line.column], dtype=float),
            "low": np.asarray(columns[line.low or line.column], dtype=float),
            "high": np.asarray(columns[line.high or line.column], dtype=float),
            "step": columns["step"],
            "time": columns["t"],
            "line": name,
            "kind": _kind(line, runs[line.run])
            if line.theory
            else "points"
            if key.pens[name].points or alone
            else "line",
        }
        rows.append(_positive(row) if log else row)
    return rows


def _kind(line: Line, run: Run) -> str:
    """Of a theory line."""
    return "bound" if line.colour == "edge" and run.stroke == "points" else "theory"


def _changes(runs: Sequence[Run], axis: Axis, x: Width) -> list[alt.Chart]:
    """When the rules of the run change whose steps are counted: a line up from a mark on the
    axis."""
    counted = reference(runs)
    changes = (counted or runs[0]).changes
    if not changes:
        return []
    at = np.array([change.t for change in changes])
    if axis == "step" and counted is not None:
        at = steps_at(at, counted)
    rows: Columns = {
        "x": at,
        "change": [change.words for change in changes],
        "t": [change.t for change in changes],
    }
    base = alt.Chart(table([rows])).encode(
        x=x.channel(),
        tooltip=[alt.Tooltip("change:N"), alt.Tooltip("t:Q", format=".5g")],
    )
    shade = parts.ink(style.MUTED)
    return [
        base.mark_rule(color=shade, strokeDash=style.THEORY_DASH, clip=True),
        base.encode(y=alt.YValue("height")).mark_point(
            shape="triangle-up", filled=True, size=60, color=parts.ink(style.INK), opacity=1
        ),
    ]


def _line_layers(rows: Sequence[Columns], x: Width, y: Height, key: Key) -> list[alt.Chart]:
    """Bands, lines, points, theory above them, and the record under the pointer."""
    channels = key.channels()
    base = alt.Chart(table(rows)).encode(x=x.channel(), color=channels["color"])
    base = base.encode(detail=alt.Detail("line:N"))
    drawn = base.encode(y=y.channel(), **channels)
    only = {kind: drawn.transform_filter(alt.datum.kind == kind) for kind in KINDS}
    opacity, size = _spacing([row for row in rows if row["kind"] == "points"])
    faint = only["points"].encode(strokeWidth=alt.value(1))
    dots = only["points"].encode(strokeWidth=alt.value(0))
    layers = {
        "line": [parts.line(only["line"])],
        "points": [
            parts.line(faint, opacity=opacity),
            dots.mark_point(filled=True, opacity=1, size=size, clip=True),
        ],
        "theory": [parts.line(only["theory"])],
        "bound": [parts.line(only["bound"], interpolate="step-after")],
    }
    seen = [layer for kind in KINDS if _any_of(rows, kind) for layer in layers[kind]]
    if any((row["high"] > row["low"]).any() for row in rows):
        band = base.encode(y=y.channel("low"), y2=alt.Y2("high:Q"))
        seen.insert(0, band.mark_area(opacity=0.22, clip=True))
    tooltip = [
        *([alt.Tooltip("line:N")] if len(rows) > 1 else []),
        alt.Tooltip("step:Q"),
        alt.Tooltip("time:Q", title="t", format=".5g"),
        alt.Tooltip("value:Q", title=y.title, format=".5g"),
    ]
    # its strokes are not seen, but a chart of points alone has its legend from them
    return [*seen, parts.nearest(drawn.encode(tooltip=tooltip)).add_params(parts.zoom())]


def _markers(rows: Sequence[Columns], x: Width, y: Height, key: Key) -> list[alt.Chart]:
    """A pathway's shape here and there on its lines, on records, apart from those of others."""
    marked = [row for row in rows if row["line"] in key.markers]
    places = np.concatenate([row["x"] for row in marked] or [np.empty(0)])
    if not np.isfinite(places).any():
        return []
    left, right = np.nanmin(places), np.nanmax(places)
    some = []
    for k, row in enumerate(marked):
        shares = (np.arange(MARKED) + (k + 0.5) / len(marked)) / MARKED
        wanted = np.searchsorted(row["x"], left + shares * (right - left))
        at = np.unique(np.minimum(wanted, len(row["x"]) - 1))
        at = at[np.isfinite(row["value"][at])]
        some.append({"x": row["x"][at], "value": row["value"][at], "line": row["line"]})
    placed = alt.Chart(table(some)).encode(
        x=x.channel(), y=y.channel(), color=key.channels()["color"]
    )
    return [
        placed.transform_filter(alt.FieldOneOfPredicate("line", lines)).mark_point(
            shape=shape,
            filled=True,
            size=52,
            opacity=1,
            stroke=parts.PAGE,
            strokeWidth=1,
            clip=True,
        )
        for shape in style.MARKERS
        if (lines := [name for name, own in key.markers.items() if own == shape])
    ]


def _any_of(rows: Sequence[Columns], kind: str) -> bool:
    return any(row["kind"] == kind and np.isfinite(row["value"]).any() for row in rows)


def _spacing(rows: Sequence[Columns]) -> tuple[alt.ExprRef, alt.ExprRef]:
    """Opacity of the joins and size of the points, by the pixels from record to record in the
    part of the axis that is seen: dense joins must not add up to a block, as in the player."""
    most = max((len(row["x"]) for row in rows), default=1)
    span = max((float(np.ptp(row["x"])) for row in rows), default=0.0)
    pixels = f"(width * {span / most} / span(domain('x')))" if span > 0 else "10"
    return (
        alt.ExprRef(f"clamp(0.35 * {pixels}, 0.06, 0.6)"),
        alt.ExprRef(f"pow(2 * clamp({pixels} / 2.5, 1, 2.4), 2)"),
    )


def _end_labels(
    labelled: Sequence[Columns], x: Width, y: Height, there: Height, height: int
) -> list[alt.Chart]:
    """The name of each line over its right end; moved up where two would overlap, and down where
    there is no room above. `there` is the part of the axis that is seen."""
    ends = []
    for row in labelled:
        seen = np.flatnonzero(np.isfinite(row["value"]))
        if seen.size:
            ends.append((float(row["value"][seen[-1]]), float(row["x"][seen[-1]]), row["line"]))
    if not ends:
        return []
    ends.sort()
    letter = 15 / max(height - 110, 40)  # of the plot
    line = min(letter, 1 / len(ends))
    places = there.part(np.array([value for value, _, _ in ends]))
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + line)
    for k, left in enumerate(reversed(range(len(places))), 1):
        places[left] = min(places[left], 1 - k * line)
    at = {"x": [end for _, end, _ in ends], "value": there.value(np.maximum(places, 0.0))}
    encoded = alt.Chart(table([at | {"text": [name for _, _, name in ends]}]))
    encoded = encoded.encode(x=x.channel(), y=y.channel(), text=alt.Text("text:N"))
    return parts.haloed(encoded, style.INK, align="right", baseline="bottom", dx=-2, dy=-2)


def _placed(
    marks: Sequence[Mark],
    rows: Sequence[Columns],
    runs: Sequence[Run],
    axis: Axis,
    reach: tuple[float, float],
) -> list[Mark]:
    """The marks within reach, with their place on the axis: at its right end if they have none."""
    last, counted = float(max(np.nanmax(row["x"]) for row in rows)), reference(runs)

    def place(mark: Mark) -> float:
        if mark.x is None:
            return last
        if axis == "time" or counted is None:
            return mark.x
        return float(steps_at(np.array([mark.x]), counted)[0])

    return [replace(m, x=place(m)) for m in marks if reach[0] <= m.y <= reach[1]]


def _reach(values: np.ndarray, log: bool) -> tuple[float, float]:
    """Where theory is drawn: farther off it would press the curves flat, and is named instead."""
    low, high = float(values.min()), float(values.max())
    if log:
        factor = max(10.0, high / low)
        return low / factor, high * factor
    room = 1.5 * max(abs(low), abs(high)) or np.inf
    return low - room, high + room


def _extent(values: np.ndarray, log: bool) -> tuple[float, float]:
    """From the smallest to the largest; by decades, far enough apart for numbers to differ."""
    low, high = float(values.min()), float(values.max())
    if log and high < LEAST * low:
        middle = float(np.sqrt(low) * np.sqrt(high))
        return middle / np.sqrt(LEAST), middle * np.sqrt(LEAST)
    return low, high


def _positive(row: Columns) -> Columns:
    """What a log scale can show; a band that reaches to zero starts at its line."""
    value = np.where(row["value"] > 0, row["value"], np.nan)
    low, high = (np.where(row[name] > 0, row[name], value) for name in ("low", "high"))
    return row | {"value": value, "low": low, "high": high}


def _finite(rows: Sequence[Columns]) -> np.ndarray:
    columns = [row[name] for row in rows for name in ("value", "low", "high")]
    values = np.concatenate([*columns, np.empty(0)])
    return values[np.isfinite(values)]


def _y_title(panel: SeriesPanel) -> str:
    first, rest = panel.title[:1], panel.title[1:]
    return f"{first if rest[:1].isupper() else first.lower()}{rest} {panel.label}".strip()


def _nothing(panel: SeriesPanel, log: bool) -> str:
    if log:
        return f"{panel.title}: nothing is above zero, and a log scale cannot show it."
    return f"{panel.title}: nothing finite was recorded."


def _width(title: str, span: Span | None) -> Width:
    if span is None or span.first >= span.last:
        return Width(title)
    if span.unit is None:
        return Width(title, (span.first, span.last))
    return Width(f"{title}, log", (span.first, span.last), span.unit)


def drawn_of(scene: Scene, panel: SeriesPanel, axis: Axis) -> str:
    """Which of the records a picture of the panel shows; empty if all."""
    return _thinned(scene, panel, axis if shared(scene.runs) else "time").note


def _clock(runs: Sequence[Run], axis: Axis) -> str:
    """Title of the axis of time."""
    counted = reference(runs)
    if axis == "time":
        if counted is None:
            return "time t"
        return "time t = η · step" if even(runs) else "time t = Σ η"
    if counted is None:
        return "step of the integrator"
    return "step" if len(runs) == 1 else f"step of {counted.label or counted.name}"
