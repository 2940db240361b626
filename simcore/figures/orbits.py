"""Pictures over the step size: bifurcation diagram, Lyapunov exponent, cobweb of the chain."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np

from simcore import theory
from simcore.figures import parts, style
from simcore.theory import StepSizeMarks

MARK_NAMES = {
    "flow_edge": "2/λ_GF",
    "single_path": "2/S₁",
    "balanced": "2/λ_min",
    "wcr": "η_WCR",
}
LEVELS = (240, 160, 120, 90, 60, 40, 24, 12)  # heights of the diagram in cells


def bifurcation(
    step_sizes: np.ndarray,
    strengths: np.ndarray,
    marks: StepSizeMarks,
    chosen: float,
    *,
    total: bool = True,
    height: int = 380,
) -> alt.LayerChart:
    """Long-run values of the strengths (E, kept, H) against eta (E,).

    `total` draws sum_h sigma_h, otherwise each pathway in its colour. Values are drawn as cells: as
    fine as the number of rows a chart may have allows. Click (param "pick") chooses a step size,
    dragging (param "zoom") a range. Dashed: the marks of the theory.
    """
    series = strengths.sum(axis=2, keepdims=True) if total else strengths
    rows = _cells(step_sizes, series)
    if not rows["value"].size:
        return parts.message("At every step size in this range descent diverges.", height)
    domain = [float(step_sizes[0]), float(step_sizes[-1])]
    x = alt.X("eta:Q", title="step size η", scale=alt.Scale(domain=domain, nice=False))
    what = "total strength Σσₕ₁" if total else "strengths σₕ₁"
    y = alt.Y("value:Q", title=f"long-run {what}", scale=alt.Scale(zero=False))
    colour: Any = parts.ink(style.INK)
    cloud = alt.Chart(parts.table([rows])).mark_square(clip=True, size=5, opacity=0.8)
    if total:
        cloud = cloud.encode(x=x, y=y, color=alt.value(colour))
    else:
        names = [style.strength_label(h, 0) for h in range(series.shape[2])]
        scale = alt.Scale(domain=names, range=[style.pathway_colour(h) for h in range(len(names))])
        legend = alt.Legend(orient="bottom", title=None)
        cloud = cloud.encode(x=x, y=y, color=alt.Color("name:N", scale=scale, legend=legend))
    pick = alt.selection_point(name="pick", encodings=["x"], nearest=True, on="click", empty=False)
    zoom = alt.selection_interval(name="zoom", encodings=["x"])
    layers = [
        cloud.add_params(pick, zoom),
        *_mark_rules(marks, domain, x),
        *_here(chosen, domain, x),
    ]
    return parts.view(layers, height, f"Bifurcation diagram: long-run {what} over the step size.")


def lyapunov(
    step_sizes: np.ndarray,
    exponents: np.ndarray,
    chosen: float,
    *,
    height: int = 180,
) -> alt.LayerChart:
    """Largest Lyapunov exponent per step against eta: above 0 orbits are chaotic."""
    domain = [float(step_sizes[0]), float(step_sizes[-1])]
    x = alt.X("eta:Q", title="step size η", scale=alt.Scale(domain=domain, nice=False))
    finite = np.isfinite(exponents)
    if not finite.any():
        return parts.message("At every step size in this range descent diverges.", height)
    low = max(float(exponents[finite].min()), -2.0)
    high = max(float(exponents[finite].max()), 0.2)
    y = alt.Y("value:Q", title="Lyapunov", scale=alt.Scale(domain=[low, high], nice=True))
    rows = {"eta": step_sizes, "value": np.where(finite, exponents, np.nan)}
    line = alt.Chart(parts.table([rows])).mark_line(
        clip=True, strokeWidth=1.3, color=parts.ink(style.INK)
    )
    zero = alt.Chart(parts.table([{"value": np.zeros(1)}])).mark_rule(
        strokeDash=list(style.FAINT_DASH), color=parts.ink(style.MUTED)
    )
    layers = [line.encode(x=x, y=y), zero.encode(y="value:Q"), *_here(chosen, domain, x)]
    return parts.view(layers, height, "Largest Lyapunov exponent over the step size.")


def cobweb(
    depth: int, gamma: float, start: float, *, steps: int = 60, height: int = 380
) -> alt.LayerChart:
    """The chain x -> g(x) of one pathway, its cobweb from `start`, and where a step crosses zero.

    x = (sigma/sigma*)^{1/L}. Shaded: g(x) <= 0, the sign-flip region.
    """
    orbit = [start]
    for _ in range(steps):
        value = float(theory.chain(orbit[-1], depth, gamma))
        if not abs(value) < 3:
            break
        orbit.append(value)
    top = max(1.3, *orbit) * 1.05
    low = min(0.0, *orbit) * 1.05
    grid = np.linspace(low, top, 600)
    curve = theory.chain(grid, depth, gamma)
    x = alt.X("x:Q", title="x = (σ/σ*)^(1/L)", scale=alt.Scale(domain=[low, top], nice=False))
    y = alt.Y("y:Q", title="next x", scale=alt.Scale(domain=[low, top], nice=False))
    corners = np.repeat(orbit, 2)
    web = {"x": corners[:-1], "y": np.append(low, corners[2:])[: len(corners) - 1]}
    web["order"] = np.arange(len(web["x"]))
    flips = grid[(curve <= 0) & (grid > 0)]
    layers = []
    if len(flips):
        band = {"x": flips[:1], "x2": flips[-1:], "y": np.array([low]), "y2": np.array([top])}
        shade = alt.Chart(parts.table([band])).mark_rect(
            opacity=0.18, color=parts.ink(style.REGIMES[3])
        )
        layers.append(shade.encode(x=x, x2="x2:Q", y=y, y2="y2:Q"))
    diagonal = {"x": np.array([low, top]), "y": np.array([low, top])}
    layers += [
        alt.Chart(parts.table([diagonal]))
        .mark_line(strokeDash=list(style.FAINT_DASH), color=parts.ink(style.MUTED))
        .encode(x=x, y=y),
        alt.Chart(parts.table([{"x": grid, "y": curve}]))
        .mark_line(clip=True, strokeWidth=2, color=parts.ink(style.INK))
        .encode(x=x, y=y),
        alt.Chart(parts.table([web]))
        .mark_line(clip=True, strokeWidth=1, color=style.pathway_colour(0))
        .encode(x=x, y=y, order="order:Q"),
    ]
    return parts.view(layers, height, "Cobweb of the one-pathway chain at this step size.")


def _cells(step_sizes: np.ndarray, series: np.ndarray) -> parts.Columns:
    """Distinct (eta, value) cells of (E, kept, S) values, as fine as the rows allow."""
    finite = np.isfinite(series)
    low, high = (series[finite].min(), series[finite].max()) if finite.any() else (0.0, 1.0)
    for levels in LEVELS:
        size = max(high - low, 1e-9) / levels
        bins = np.floor((np.where(finite, series, low) - low) / size).astype(np.int64)
        place = np.broadcast_to(np.arange(len(step_sizes))[:, None, None], bins.shape)
        kind = np.broadcast_to(np.arange(series.shape[2]), bins.shape)
        cells = np.unique(np.stack([place[finite], kind[finite], bins[finite]]), axis=1)
        if cells.shape[1] <= parts.LINE_ROWS:
            break
    return {
        "eta": step_sizes[cells[0]],
        "value": low + (cells[2] + 0.5) * size,
        "name": np.array([style.strength_label(int(h), 0) for h in cells[1]]),
    }


def _mark_rules(marks: StepSizeMarks, domain: list[float], x: alt.X) -> list[alt.Chart]:
    """The marks of the theory inside the range, as dashed lines named at alternating heights."""
    inside = sorted(
        (value, MARK_NAMES[name])
        for name, value in marks._asdict().items()
        if domain[0] <= value <= domain[1]
    )
    layers = []
    for order, (value, name) in enumerate(inside):
        at = alt.Chart(parts.table([{"eta": np.array([value])}])).encode(x=x)
        layers.append(
            at.mark_rule(strokeDash=list(style.THEORY_DASH), color=parts.ink(style.THEORY))
        )
        layers += parts.haloed(
            at.encode(y=alt.value(10 + 14 * (order % 3))),
            style.THEORY,
            text=f"{name} = {style.short(value)}",
            align="left",
            dx=4,
        )
    return layers


def _here(chosen: float, domain: list[float], x: alt.X) -> list[alt.Chart]:
    """The step size in force."""
    if not domain[0] <= chosen <= domain[1]:
        return []
    at = alt.Chart(parts.table([{"eta": np.array([chosen])}]))
    return [at.mark_rule(color=parts.ink(style.EDGE), strokeWidth=1.5).encode(x=x)]
