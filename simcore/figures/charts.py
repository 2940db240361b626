"""Pictures that stand still, each one a single Altair view: panels of a scene, and theory alone.

`still` draws what the player plays: any panel of a `Scene`, as `panels` makes it of runs. No value
is altered: a long run is thinned to every k-th record, k odd (an even k would hide a period-2
oscillation), at most `MAX_POINTS` a line and `MAX_ROWS` a chart, with a band from the smallest to
the largest value in between. Values that are not finite are left out.

Charts over time have the params `hover` (nearest record) and `zoom` (drag with a mouse; pinch, or
wheel with Ctrl). Colours follow the background of the page; fonts and sizes are left to it.
ValueError, in one sentence, for a panel or record that the scene does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import altair as alt
import numpy as np
from numpy.typing import ArrayLike

from simcore import theory
from simcore.checks import require, shown
from simcore.figures import parts, style
from simcore.figures.clock import Span
from simcore.figures.parts import MAX_POINTS, MAX_ROWS, Channels, Columns, Height, Width, ink, table
from simcore.figures.scene import Axis, HeatPanel, Level, Mark, Panel, PlanePanel, Scene, Shape
from simcore.figures.stills import heat, plane, series

__all__ = ["MAX_POINTS", "MAX_ROWS", "gain", "minima_curve", "planes", "still"]

HEIGHTS = {"SeriesPanel": 300, "PlanePanel": 440, "HeatPanel": 280}
THEORY_HEIGHT = 320
SHARED_DEPTHS, SHARED_BY = range(2, 41), (1, 2, 3, 4, 8)  # of the picture of what sharing gains


def still(
    scene: Scene,
    panel: str | int = 0,
    *,
    axis: Axis = "time",
    scale: Literal["linear", "log"] | None = None,
    record: int = -1,
    height: int | None = None,
    span: Span | None = None,
) -> alt.LayerChart:
    """One panel of a scene, by its key or its number.

    `height` is that of the chart, of a plane that of its plot, which is square. `span` is the
    stretch of the axis of time to show, laid out as it says.
    Series: against t or, with `axis` "step", the steps of the runs that are made of updates, if
    they have them at the same times; on the scale of the panel or another. Maps: at a `record`.
    A panel that the scene is missing is answered with the reason.
    """
    require(
        axis in ("time", "step"), f'axis must be "time" or "step", got {shown(axis)}; choose one'
    )
    require(
        scale in ("log", "linear", None),
        f'scale must be "log" or "linear", got {shown(scale)}; choose one',
    )
    if isinstance(panel, str) and panel in scene.missing:
        return parts.message(scene.missing[panel], height or 280)
    chosen = _panel(scene, panel)
    height = height or HEIGHTS[type(chosen).__name__]
    if isinstance(chosen, PlanePanel):
        return plane.draw(scene, chosen, height)
    if isinstance(chosen, HeatPanel):
        return heat.draw(scene, chosen, record, height)
    return series.draw(scene, chosen, axis, (scale or chosen.scale) == "log", height, span)


def planes(scenes: Sequence[Scene], height: int | None = None) -> list[alt.LayerChart]:
    """The planes of several scenes, all on the scale that holds each of them."""
    panels = [next(p for p in scene.panels if isinstance(p, PlanePanel)) for scene in scenes]
    ends = [
        panel.limits or plane.square(panel, {run.name: run for run in scene.runs})
        for scene, panel in zip(scenes, panels, strict=True)
    ]
    limits = min(low for low, _ in ends), max(high for _, high in ends)
    return [
        plane.draw(scene, replace(panel, limits=limits), height or HEIGHTS["PlanePanel"])
        for scene, panel in zip(scenes, panels, strict=True)
    ]


def _panel(scene: Scene, panel: str | int) -> Panel:
    keys = [each.key for each in scene.panels]
    if isinstance(panel, str) and panel in keys:
        return scene.panels[keys.index(panel)]
    count = len(scene.panels)
    require(
        isinstance(panel, int) and -count <= panel < count,
        f"panel must be one of {keys}, or a number below {count}, got {shown(panel)}; choose one",
    )
    return scene.panels[int(panel)]


# --- Theory alone ------------------------------------------------------------------------------


def minima_curve(
    singular_value: float,
    depths: Sequence[int],
    step_size: float,
    split: ArrayLike | None = None,
    flow_end: ArrayLike = (np.nan, np.nan),
    *,
    edge: float | None = None,
    symbol: str = "2/η",
) -> alt.LayerChart:
    """Lambda_ii of the minima of one mode of two pathways, against sigma_1 = sigma* - sigma_2.

    Thick and shaded: the minima where GD can rest, Lambda_ii <= 2/eta, or at most the `edge` of
    dynamics that have another, called `symbol`. Star: the flattest. `split` (2,) marks the one
    looked at, `flow_end` (2,) where GF ends, if that is known. ValueError unless there are two
    depths.
    """
    edge = 2 / step_size if edge is None else edge
    flattest = theory.flattest_split(singular_value, depths)
    borders = np.empty((0, 2))
    if edge > 0:  # below, where decay is large, no minimum is stable
        borders = theory.edge_splits(singular_value, depths, 2 / edge)
    line = np.concatenate([theory.minima_line(singular_value), borders, flattest[None]])
    line = line[np.argsort(line[:, 0], kind="stable")]
    curve = {"x": line[:, 0], "value": theory.mode_sharpness(line, depths), "rest": line[:, 1]}
    at_rest = curve["value"] <= edge * (1 + 1e-12)  # a border is on the edge up to rounding
    reach = {name: np.where(at_rest, column, np.nan) for name, column in curve.items()}

    def mark(at: ArrayLike, name: str, shape: Shape, hollow: bool = True) -> Mark:
        first, second = (float(value) for value in np.asarray(at))
        height = float(theory.mode_sharpness((first, second), depths))
        return Mark(first, height, name, shape, hollow=hollow)

    marks = [mark(flattest, "flattest", "star", hollow=False)]
    marks += [mark(border, f"λ = {symbol}", "diamond") for border in borders]
    marks += [mark(flow_end, "GF end", "circle")] if np.isfinite(flow_end).all() else []
    marks += [mark(split, "this split", "square", hollow=False)] if split is not None else []
    pad = 0.03 * singular_value or 1.0
    title = f"strength σ₁ of pathway 1 (σ₂ = {style.short(singular_value)} − σ₁)"
    x = Width(title, (-pad, singular_value + pad))
    y = Height("sharpness λ of the minimum")
    highest = 2.5 * float(curve["value"].max())
    level = [Level(edge, f"{symbol} = {style.short(edge)}", "edge")]
    seen = y._replace(domain=(min(edge, float(curve["value"].min())), highest))
    tooltip = [
        alt.Tooltip("x:Q", title="σ₁", format=".4g"),
        alt.Tooltip("rest:Q", title="σ₂", format=".4g"),
        alt.Tooltip("value:Q", title="λ", format=".4g"),
    ]
    whole = alt.Chart(table([curve])).encode(x=x.channel(), y=y.channel())
    layers = [parts.line(whole, color=ink(style.INK), strokeWidth=style.THEORY_WIDTH)]
    if at_rest.any():
        inside = alt.Chart(table([reach])).encode(x=x.channel(), y=y.channel())
        layers.insert(0, inside.mark_area(color=ink(style.MUTED), opacity=0.2))
        layers.append(parts.line(inside, color=ink(style.INK), strokeWidth=3.2))
    layers += [
        parts.nearest(whole.encode(tooltip=tooltip), color=ink(style.INK)),
        *(parts.levels(level, seen) if edge <= highest else parts.beyond(level, above=True)),
        *parts.marks(marks, x, y),
    ]
    words = "Sharpness along the line of minima of two pathways."
    subject = {"σ₁": curve["x"], "σ₂": curve["rest"], "λ": curve["value"], f"λ ≤ {symbol}": at_rest}
    return parts.view(layers, THEORY_HEIGHT, words, subject=subject)


def gain(here: Sequence[int] | None = None, *, singular_value: float = 1.0) -> alt.LayerChart:
    """lambda^min / S = H^{2/L-1} against depth L, a curve for each number H of pathways.

    What sharing gains: theory.balanced_sharpness over single_path_sharpness. `here` rings what
    these depths gain at `singular_value`: S is that of the sharpest pathway, at whose depth the
    ring stands; off the curves if depths differ, as they are for equal ones.
    """

    def row(layers: Sequence[int], count: int) -> Columns:
        factors = [
            theory.balanced_sharpness(1.0, (depth,) * count)
            / theory.single_path_sharpness(1.0, depth)
            for depth in layers
        ]
        return {"x": list(layers), "value": factors, "pathways": count}

    title = "λ(min) / S = H^(2/L − 1)"
    axes: Channels = {
        "x": Width("depth L, layers of each pathway").channel(format="d", tickMinStep=1),
        "y": Height(title, log=True).channel(format="~g", tickCount=alt.Undefined),
    }
    tooltip = [
        alt.Tooltip("pathways:Q", title="pathways H"),
        alt.Tooltip("x:Q", title="depth L"),
        alt.Tooltip("value:Q", title="λ(min) / S", format=".4g"),
    ]
    rows = [row(SHARED_DEPTHS, count) for count in SHARED_BY]
    ends = [row(SHARED_DEPTHS[-1:], n) | {"text": f"H = {n}"} for n in SHARED_BY]
    family = alt.Chart(table(rows)).encode(**axes, detail=alt.Detail("pathways:N"), tooltip=tooltip)
    words = alt.Chart(table(ends)).encode(**axes, text=alt.Text("text:N"))
    dashed: Channels = {"strokeWidth": style.THEORY_WIDTH, "strokeDash": style.THEORY_DASH}
    layers = [
        parts.line(family, color=ink(style.INK), **dashed),
        family.mark_point(color=ink(style.INK), filled=True, size=14, opacity=1),
        *parts.haloed(words, style.INK, align="right", dy=-9),
    ]
    if here is not None and singular_value > 0:
        layers += _ring(tuple(here), singular_value, axes, tooltip)
    subject = [
        {"pathways H": r["pathways"], "depth L": np.array(r["x"]), "λ(min) / S": r["value"]}
        for r in rows
    ]
    what = "How much flatter a shared minimum is, over depth."
    return parts.view(layers, THEORY_HEIGHT, what, subject=subject)


def _ring(
    depths: tuple[int, ...], singular_value: float, axes: Channels, tooltip: list[alt.Tooltip]
) -> list[alt.Chart]:
    """What one network gains, and its depths."""
    single = [theory.single_path_sharpness(singular_value, depth) for depth in depths]
    factor = theory.balanced_sharpness(singular_value, depths) / max(single)
    text = f"L = {depths[0]}" if len(set(depths)) == 1 else f"L = {', '.join(map(str, depths))}"
    row = {"x": [depths[int(np.argmax(single))]], "value": [factor], "pathways": len(depths)}
    at = alt.Chart(table([row | {"text": text}])).encode(**axes, tooltip=tooltip)
    words = at.encode(text=alt.Text("text:N"))
    return [
        at.mark_point(color=ink(style.EDGE), size=140, strokeWidth=2, opacity=1),
        *parts.haloed(words, style.EDGE, align="left", dx=10, dy=10),
    ]
