"""The plane of two columns: trails coloured by time, theory's curves and marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import altair as alt
import numpy as np

from simcore.checks import require
from simcore.figures import parts, style
from simcore.figures.parts import LINE_ROWS, MAX_POINTS, Columns, Height, Key, Width, ink, table
from simcore.figures.scene import PlanePanel, Run, Scene, Trail, thin
from simcore.figures.stills import backgrounds


def draw(scene: Scene, panel: PlanePanel, height: int) -> alt.LayerChart:
    """Trails coloured by time, theory's curves and marks; both axes have one domain."""
    room = LINE_ROWS // len(panel.trails)
    require(
        room >= 2,
        f"a chart can hold {LINE_ROWS // 2} trails, got {len(panel.trails)}; draw fewer runs",
    )
    used = {trail.run for trail in panel.trails}
    runs = [replace(run, maps={}) for run in scene.runs if run.name in used]
    thinned = thin(replace(scene, runs=runs, panels=(panel,), note=""), min(MAX_POINTS, room))
    by_name = {run.name: run for run in thinned.runs}
    domain = panel.limits or square(panel, by_name)
    x = Width(panel.x_label, domain)
    y = Height(panel.y_label, domain)
    rows = [_trail(trail, by_name[trail.run], domain) for trail in panel.trails]
    layers = [
        *backgrounds.ground(panel.ground, x, y, domain),
        *backgrounds.streams(panel.streams, x, y),
        *_curves(panel, x, y),
        *parts.named(parts.RUN, _trail_layers(rows, x, y)),
        *parts.named(parts.MARK, parts.marks(panel.marks, x, y, orient="top-right")),
        *parts.named(parts.END, _names(rows, x, y, domain)),
    ]
    what = f"{panel.x_label} and {panel.y_label}"
    drawn = parts.view(
        layers,
        height,
        f"{panel.title}: {what}, coloured by time.",
        subject=[_read(row, panel) for row in rows],
    )
    # the plot itself is square, and axes and legends come to it
    return drawn.properties(width=height, autosize=alt.AutoSizeParams(type="pad"))


def _read(row: Columns, panel: PlanePanel) -> Columns:
    """A trail as a table to read."""
    return {
        "run": row["line"],
        "step": row["step"],
        "t": row["time"],
        panel.x_label or "x": row["x"],
        panel.y_label or "y": row["value"],
    }


def square(panel: PlanePanel, runs: Mapping[str, Run]) -> tuple[float, float]:
    """One domain for both axes, that holds trails, curves and marks."""
    held = [runs[trail.run].columns[name] for trail in panel.trails for name in (trail.x, trail.y)]
    held += [np.ravel(curve.points) for curve in panel.curves]
    held += [np.array([mark.x, mark.y], dtype=float) for mark in panel.marks]
    values = np.concatenate(held)
    values = values[np.isfinite(values)]
    low, high = float(np.min(values, initial=0.0)), float(np.max(values, initial=0.0))
    pad = 0.04 * (high - low) or 1.0
    return low - pad, high + pad


def _trail(trail: Trail, run: Run, domain: tuple[float, float]) -> Columns:
    """The two columns at each record, each with those of the record before."""
    first, second = (np.asarray(run.columns[name], dtype=float) for name in (trail.x, trail.y))
    before = np.maximum(np.arange(len(run)) - 1, 0)
    pen = run.stroke
    drawn = dots(first, second, domain) if pen == "dotted" else True
    return {
        "x": first,
        "value": second,
        "x_before": np.where(drawn, first[before], np.nan),
        "value_before": np.where(drawn, second[before], np.nan),
        "step": run.columns["step"],
        "time": run.columns["t"],
        "line": trail.label,
        "smooth": pen != "points",
    }


def dots(first: np.ndarray, second: np.ndarray, domain: tuple[float, float]) -> np.ndarray:
    """Which segments of a trail are seen, so that it is dotted in a plot of 300 pixels."""
    on, off = style.DOTS
    lengths = np.hypot(np.diff(first, prepend=first[0]), np.diff(second, prepend=second[0]))
    pixels = np.nancumsum(lengths) * 300 / (domain[1] - domain[0])
    return pixels % (on + off) < on


NAME, NEAR = 0.15, 0.04  # of the plot: room for a name, and for two beside each other
JOIN, SMOOTH, DISC = (1.0, 0.35), (1.6, 1.0), (2.0, 0.9)  # width or radius, and opacity


def _trail_layers(rows: Sequence[Columns], x: Width, y: Height) -> list[alt.Chart]:
    latest = float(max(row["time"][-1] for row in rows)) or 1.0
    base = alt.Chart(table(rows)).encode(
        x=x.channel(tickCount=6),
        y=y.channel(tickCount=6),
        color=parts.gradient("time", "time t", (0, latest), style.PLASMA),
    )
    hover = parts.under_pointer()
    smooth = alt.datum.smooth
    segments = base.mark_rule(clip=True).encode(
        x2=alt.X2("x_before:Q"),
        y2=alt.Y2("value_before:Q"),
        opacity=alt.condition(smooth, alt.value(SMOOTH[1]), alt.value(JOIN[1])),
        strokeWidth=alt.condition(smooth, alt.value(SMOOTH[0]), alt.value(JOIN[0])),
    )
    # Stroked, as the segments are: a colour legend of fills and strokes would lose its gradient.
    points = base.mark_point(filled=False, strokeWidth=2, clip=True).encode(
        size=alt.condition(hover, alt.value(60), alt.value(4)),
        opacity=alt.when(hover)
        .then(alt.value(1))
        .when(smooth)
        .then(alt.value(0))
        .otherwise(alt.value(DISC[1])),
        tooltip=[
            *([alt.Tooltip("line:N", title="run")] if len(rows) > 1 else []),
            alt.Tooltip("step:Q"),
            alt.Tooltip("time:Q", title="t", format=".5g"),
            alt.Tooltip("x:Q", title=x.title, format=".5g"),
            alt.Tooltip("value:Q", title=y.title, format=".5g"),
        ],
    )
    return [segments, points.add_params(hover)]


def _curves(panel: PlanePanel, x: Width, y: Height) -> list[alt.Chart]:
    curves = [*panel.curves, *backgrounds.divides(panel.streams)]
    pens = {curve.label: style.curve_pen(curve.role) for curve in curves}
    channels = Key(pens, list(pens), orient="top-right").channels(coloured=False)
    layers = []
    for curve in curves:
        first, second = np.transpose(curve.points).astype(float)
        row = {"x": first, "value": second, "line": curve.label}
        drawn = alt.Chart(table([row])).encode(x=x.channel(), y=y.channel(), **channels)
        layers.append(parts.line(drawn, color=ink(style.shade(curve.role))))
    return layers


def _names(
    rows: Sequence[Columns], x: Width, y: Height, domain: tuple[float, float]
) -> list[alt.Chart]:
    """The names of several runs where they end, or leave the plot, on the side where there is room;
    those that end together are named together."""
    if len(rows) < 2:
        return []
    wide = domain[1] - domain[0]
    ends: list[tuple[float, float, list[str]]] = []
    for row in rows:
        both = np.stack([row["x"], row["value"]])
        inside = np.flatnonzero(((both >= domain[0]) & (both <= domain[1])).all(axis=0))
        if not inside.size:
            continue
        here = float(both[0, inside[-1]]), float(both[1, inside[-1]])
        near = [e for e in ends if max(abs(e[0] - here[0]), abs(e[1] - here[1])) < NEAR * wide]
        names = near[0][2] if near else []
        names.append(row["line"])
        if not near:
            ends.append((*here, names))
    layers = []
    for align, dx in (("left", 8), ("right", -8)):  # the end of the text that is at the run's
        cramped = align == "right"
        texts = [
            {"x": np.array([left]), "value": np.array([up]), "text": ", ".join(names)}
            for left, up, names in ends
            if (left > domain[1] - NAME * wide) == cramped
        ]
        if texts:
            at = alt.Chart(table(texts)).encode(x=x.channel(), y=y.channel(), text="text:N")
            layers += parts.haloed(at, style.INK, align=align, dx=dx, dy=-12, clip=True)
    return layers
