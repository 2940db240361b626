"""Pictures over the step size: bifurcation diagram, Lyapunov exponent, cobweb of the chain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import altair as alt
import numpy as np

from simcore import prospects, theory
from simcore.figures import parts, style
from simcore.theory import StepSizeMarks

HEIGHT, LOW_HEIGHT = 380, 180  # pixels: of a diagram, and of exponents below it
FINEST = (240, 160, 120, 90, 60, 40, 24, 12)  # parts of the height that are told apart
PHONE = 270  # pixels: the narrowest plot
LETTER, ROW = 6.2, 14  # pixels: of a mark's name
DRAWN = ("settled", "diverged")  # fates that need no mark
FATES = {"still near zero": style.ENDS["trapped"], "not settled": style.MUTED}  # those that do
STEPS = 60  # of a cobweb
LATE = 16  # steps of a cobweb that are drawn strong: where it ends up


def bifurcation(
    step_sizes: np.ndarray,
    strengths: np.ndarray,
    marks: StepSizeMarks,
    chosen: float,
    *,
    fates: Sequence[str] = (),
    total: bool = True,
) -> alt.LayerChart:
    """Long-run values of the strengths (E, kept, H) against eta (E,).

    Of what has none `fates` (E,) says why; all but "settled" and "diverged" are marked at the foot.

    `total` draws sum_h sigma_h, otherwise each pathway in its colour. Values that are close are
    drawn as one bar: as close as the number of rows a chart may have allows. Click (param "pick")
    chooses a step size, dragging (param "zoom") a range. Dashed: the marks of the theory, named
    above the plot.
    """
    series = strengths.sum(axis=2, keepdims=True) if total else strengths
    rows = bars(step_sizes, series)
    if not rows["value"].size:
        return parts.message(_no_orbit(fates), HEIGHT)
    domain = [float(step_sizes[0]), float(step_sizes[-1])]
    x = _step_size(domain)
    what = "total strength Σσₕ₁" if total else "strengths σₕ₁"
    y = alt.Y(
        "value:Q",
        title=f"long-run {what}",
        scale=alt.Scale(zero=False, nice=False, padding=8),
        axis=alt.Axis(**_ALIGNED),
    )
    cloud = alt.Chart(parts.table([rows])).encode(x=x, y=y, y2="top:Q")
    cloud = cloud.mark_rule(clip=True, strokeWidth=2, opacity=0.8)
    if total:
        cloud = cloud.encode(color=alt.value(parts.ink(style.INK)))
    else:
        names = [style.strength_label(h, 0) for h in range(series.shape[2])]
        hues = [parts.ink(style.shade(h)) for h in range(len(names))]
        scale = alt.Scale(domain=names, range=hues)
        legend = alt.Legend(orient="bottom", title=None)
        cloud = cloud.encode(color=alt.Color("name:N", scale=scale, legend=legend))
    pick = alt.selection_point(name="pick", encodings=["x"], nearest=True, on="click", empty=False)
    zoom = alt.selection_interval(name="zoom", encodings=["x"])
    flagged = flags(marks, domain)
    layers = [
        cloud.add_params(pick, zoom),
        *_at_the_foot(step_sizes, fates, x),
        *_staffs(flagged, x),
        *_here(chosen, domain, x),
        *_names(flagged, x),
    ]
    words = f"Bifurcation diagram: long-run {what} over the step size."
    room = 8 + ROW * max((flag.row + 1 for flag in flagged), default=0)
    return parts.view(
        layers,
        HEIGHT + room,
        words,
        subject={
            "step size": rows["eta"],
            "strength": "sum" if total else rows["name"],
            "long-run values from": rows["value"],
            "to": rows["top"],
        },
    )


def lyapunov(
    step_sizes: np.ndarray,
    exponents: np.ndarray,
    marks: StepSizeMarks,
    chosen: float,
) -> alt.LayerChart:
    """Largest Lyapunov exponent per step against eta: above 0 orbits are chaotic.

    Dashed: the marks of the theory, which the bifurcation diagram above names.
    """
    domain = [float(step_sizes[0]), float(step_sizes[-1])]
    x = _step_size(domain)
    finite = np.isfinite(exponents)
    if not finite.any():
        return parts.message("At no step size in this range is there an orbit.", LOW_HEIGHT)
    low = max(float(exponents[finite].min()), -2.0)
    high = max(float(exponents[finite].max()), 0.2)
    y = alt.Y(
        "value:Q",
        title="Lyapunov exponent",
        scale=alt.Scale(domain=[low, high], nice=True),
        axis=alt.Axis(tickCount=4, **_ALIGNED),
    )
    rows = {"eta": step_sizes, "value": np.where(finite, exponents, np.nan)}
    line = parts.line(alt.Chart(parts.table([rows])), strokeWidth=1.3, color=parts.ink(style.INK))
    zero = alt.Chart(parts.table([{"value": np.zeros(1)}])).mark_rule(
        strokeWidth=style.GUIDE_WIDTH, color=parts.ink(style.MUTED)
    )
    layers = [
        line.encode(x=x, y=y),
        zero.encode(y="value:Q"),
        *_staffs(flags(marks, domain), x),
        *_here(chosen, domain, x),
    ]
    words = "Largest Lyapunov exponent over the step size."
    subject = {"step size": rows["eta"], "Lyapunov exponent per step": rows["value"]}
    return parts.view(layers, LOW_HEIGHT, words, subject=subject)


def cobweb(depth: int, gamma: float, start: float) -> alt.LayerChart:
    """The chain x -> g(x) of one pathway around its orbit from `start`, its last steps strong, and
    where a step crosses zero.

    x = (sigma/sigma*)^{1/L}. Shaded: g(x) <= 0, the sign-flip region.
    """
    orbit = np.array(_orbit(depth, gamma, start))
    ends = float(min(orbit.min(), 1.0)), float(max(orbit.max(), 1.0))
    pad = max(0.15 * (ends[1] - ends[0]), 0.02)  # most of 0 to 1 is empty where pathways are deep
    low, high = ends[0] - pad, ends[1] + pad
    grid = np.linspace(low, high, 600)
    curve = theory.chain(grid, depth, gamma)
    scale, axis = alt.Scale(domain=[low, high], nice=False), alt.Axis(**parts.CLOSE_AXIS)
    x = alt.X("x:Q", title="x = (σ/σ*)^(1/L)", scale=scale, axis=axis)
    y = alt.Y("y:Q", title="next x", scale=scale, axis=axis)

    def chart(rows: parts.Columns) -> alt.Chart:
        return alt.Chart(parts.table([rows])).encode(x=x, y=y)

    corners = np.repeat(orbit, 2)
    web = {"x": corners[:-1], "y": np.append(low, corners[2:])[: len(corners) - 1]}
    web["order"] = np.arange(len(web["x"]))
    late = {name: column[-2 * LATE - 1 :] for name, column in web.items()}
    diagonal = {"x": np.array([low, high]), "y": np.array([low, high])}
    hue = parts.ink(style.shade(0))
    guide: parts.Channels = {"strokeWidth": style.GUIDE_WIDTH, "color": parts.ink(style.MUTED)}
    first = {"x": orbit[:1], "y": orbit[:1], "text": "start"}
    layers = [
        *_crossing(grid[(curve <= 0) & (grid > 0)], (low, high), x, y),
        parts.line(chart(diagonal), **guide),
        parts.line(chart({"x": grid, "y": curve}), strokeWidth=2, color=parts.ink(style.INK)),
        parts.line(chart(web).encode(order="order:Q"), strokeWidth=1, opacity=0.45, color=hue),
        parts.line(chart(late).encode(order="order:Q"), strokeWidth=1.8, color=hue),
        chart(first).mark_point(filled=True, size=60, opacity=1, color=hue),
        *parts.haloed(
            chart(first).encode(text=alt.Text("text:N")), style.shade(0), align="left", dx=8
        ),
    ]
    words = "Cobweb of the one-pathway chain at this step size."
    subject = {"step": np.arange(len(orbit)), "x": orbit, "next x": np.append(orbit[1:], np.nan)}
    return parts.view(layers, HEIGHT, words, subject=subject)


def _orbit(depth: int, gamma: float, start: float) -> list[float]:
    """The chain from `start`, as long as it stays below 3."""
    orbit = [start]
    for _ in range(STEPS):
        value = float(theory.chain(orbit[-1], depth, gamma))
        if not abs(value) < 3:
            break
        orbit.append(value)
    return orbit


def _crossing(
    flips: np.ndarray, domain: tuple[float, float], x: alt.X, y: alt.Y
) -> list[alt.Chart]:
    """The band of x from which the next is zero or below."""
    if not len(flips):
        return []
    shade = style.ENDS["sign flip"]
    band = {"x": flips[:1], "x2": flips[-1:], "y": domain[:1], "y2": domain[1:]}
    band = {name: np.array(values) for name, values in band.items()}
    at = alt.Chart(parts.table([band | {"text": "next x ≤ 0"}])).encode(x=x)
    drawn = at.mark_rect(opacity=0.18, color=parts.ink(shade), clip=True)
    named = at.encode(y=alt.value(0), text=alt.Text("text:N"))
    inside: parts.Channels = {"align": "left", "baseline": "top", "dx": 4, "dy": 4}
    return [drawn.encode(y=y, x2="x2:Q", y2="y2:Q"), *parts.haloed(named, shade, **inside)]


def bars(step_sizes: np.ndarray, series: np.ndarray) -> parts.Columns:
    """Values (E, kept, S) at each eta as bars from "value" to "top", from the smallest to the
    largest of values that are close, and a little more so that a single one is seen."""
    values = np.sort(np.moveaxis(series, 1, 2), axis=2)  # (E, S, kept), nan last
    known = np.isfinite(values)
    height = np.ptp(values[known]) if known.any() else 0.0
    gaps = np.diff(values, axis=2, prepend=-np.inf)
    for parts_of_height in FINEST:
        starts = known & (gaps > height / parts_of_height)
        if np.count_nonzero(starts) <= parts.LINE_ROWS:
            break
    ends = known & np.pad(starts | ~known, ((0, 0), (0, 0), (0, 1)), constant_values=True)[..., 1:]
    half = max(height, 1e-9) / 2 / FINEST[0]
    place, pathway, _ = np.nonzero(starts)
    return {
        "eta": step_sizes[place],
        "value": values[starts] - half,
        "top": values[ends] + half,
        "name": np.array([style.strength_label(int(h), 0) for h in pathway]),
    }


def stretches(step_sizes: np.ndarray, fates: Sequence[str]) -> list[tuple[str, float, float]]:
    """Neighbouring step sizes with one fate that is marked: its name, from where to where."""
    middles = (step_sizes[1:] + step_sizes[:-1]) / 2
    borders = [float(step_sizes[0]), *middles.tolist(), float(step_sizes[-1])]
    found: list[tuple[str, float, float]] = []
    for fate, low, high in zip(fates, borders[:-1], borders[1:], strict=True):
        if fate in DRAWN:
            continue
        if found and found[-1][0] == fate and found[-1][2] == low:
            low = found.pop()[1]
        found.append((str(fate), low, high))
    return found


def _no_orbit(fates: Sequence[str]) -> str:
    """Why a range has nothing to draw."""
    other = sorted({str(fate) for fate in fates} - set(DRAWN))
    if not other:
        return "At every step size in this range descent diverges."
    return f"At no step size in this range is there a long-run orbit: {' or '.join(other)}."


def _at_the_foot(step_sizes: np.ndarray, fates: Sequence[str], x: alt.X) -> list[alt.Chart]:
    """A bar where there is no orbit to draw, in the colour of its fate."""
    marked = stretches(step_sizes, fates) if len(fates) else []
    if not marked:
        return []
    names, lows, highs = (np.array(column) for column in zip(*marked, strict=True))
    shown = [name for name in FATES if name in names]
    colours = alt.Scale(domain=shown, range=[parts.ink(FATES[name]) for name in shown])
    tooltip = [
        alt.Tooltip("fate:N", title="descent is"),
        alt.Tooltip("eta:Q", title="η from", format=".4g"),
        alt.Tooltip("to:Q", title="to", format=".4g"),
    ]
    at = alt.Chart(parts.table([{"eta": lows, "to": highs, "fate": names}])).mark_rect(clip=True)
    foot = {"y": alt.value(alt.ExprRef("height - 6")), "y2": alt.value(alt.ExprRef("height"))}
    legend = alt.Legend(orient="bottom", title="no orbit:", titleOrient="left")
    colour = alt.Fill("fate:N", scale=colours, legend=legend)
    return [at.encode(x=x, x2="to:Q", fill=colour, tooltip=tooltip, **foot)]


# --- Marks -------------------------------------------------------------------------------------

_ALIGNED: parts.Channels = {**parts.CLOSE_AXIS, "minExtent": 34, "maxExtent": 34}


def _step_size(domain: list[float]) -> alt.X:
    scale = alt.Scale(domain=domain, nice=False)
    return alt.X("eta:Q", title="step size η", scale=scale, axis=alt.Axis(**parts.CLOSE_AXIS))


AFTER, BEFORE = 1.0, -1.0  # where a name stands: beside its line, or in between: on the end of it
SIDES = {AFTER: 0.0, BEFORE: 0.5, 0.0: 0.6}  # and what that costs, in rows
MORE_SIDES = SIDES | {0.5: 0.7, -0.5: 0.7}
UNREADABLE = 50.0  # what a crossing costs, more than any rows


class Flag(NamedTuple):
    """The name of a mark in a row above the plot (0 is the lowest), at a side of its line."""

    value: float
    text: str
    row: int
    side: float

    def line(self, domain: list[float]) -> float:
        """Where its line is on a phone, in pixels of the plot."""
        return PHONE * (self.value - domain[0]) / (domain[1] - domain[0])

    def span(self, domain: list[float]) -> tuple[float, float]:
        """From where to where the name reaches there."""
        at, length = self.line(domain), LETTER * len(self.text) + 4
        left = at + (self.side - 1) * length / 2
        return left, left + length


def flags(marks: StepSizeMarks, domain: list[float]) -> list[Flag]:
    """The marks inside the range, named in as few rows as keep them apart on a phone too, none
    across the line of another if that can be."""
    inside = sorted(
        (value, f"{prospects.MARKS[field].name} = {style.short(value)}")
        for field, value in marks._asdict().items()
        if domain[0] <= value <= domain[1]
    )
    for sides, less_than in ((SIDES, UNREADABLE), (MORE_SIDES, UNREADABLE), (SIDES, math.inf)):
        found = _placed(inside, domain, tuple(sides), less_than)
        if found:
            return found
    return []


def _placed(
    inside: list[tuple[float, str]], domain: list[float], sides: Sequence[float], less_than: float
) -> list[Flag]:
    """The cheapest way to name them, by value and text in order; none if all cost too much."""
    best: list[Flag] = []
    least = less_than

    def place(placed: list[Flag], so_far: float) -> None:
        nonlocal best, least
        if so_far >= least:
            return
        if len(placed) == len(inside):
            best, least = placed, so_far
            return
        for row in range(len(inside)):
            for side in sides:
                flag = Flag(*inside[len(placed)], row, side)
                place([*placed, flag], so_far + _cost(flag, placed, domain))

    place([], 0.0)
    return best


def _cost(flag: Flag, others: list[Flag], domain: list[float]) -> float:
    """What it adds to them, in rows."""
    left, right = flag.span(domain)
    total = flag.row + MORE_SIDES[flag.side]
    total += 2 * UNREADABLE * (left < -40 or right > PHONE + 5)
    for other in others:
        span = other.span(domain)
        apart = right <= span[0] or span[1] <= left
        total += 20 * UNREADABLE * (flag.row == other.row and not apart)
        total += UNREADABLE * (_crosses(flag, other, domain) or _crosses(other, flag, domain))
    return total


def _crosses(one: Flag, two: Flag, domain: list[float]) -> bool:
    """Whether the line up to the second name runs through the first."""
    left, right = one.span(domain)
    return left + 1 < two.line(domain) < right - 1 and two.row > one.row


def _staffs(flagged: list[Flag], x: alt.X) -> list[alt.Chart]:
    """A dashed line at each mark."""
    if not flagged:
        return []
    at = alt.Chart(parts.table([{"eta": np.array([flag.value for flag in flagged])}]))
    dashed = at.mark_rule(strokeDash=list(style.THEORY_DASH), color=parts.ink(style.THEORY))
    return [dashed.encode(x=x)]


def _names(flagged: list[Flag], x: alt.X) -> list[alt.Chart]:
    """The names above the plot, each with its line going on up to it, and over all lines."""
    staffs, names = [], []
    for flag in flagged:
        at = alt.Chart(parts.table([{"eta": np.array([flag.value])}])).encode(x=x)
        middle = -8 - ROW * flag.row
        end = middle + (-5 if flag.side in (AFTER, BEFORE) else 6)
        staff = at.mark_rule(color=parts.ink(style.THEORY))
        staffs.append(staff.encode(y=alt.value(end), y2=alt.value(0)))
        align, shift = {AFTER: ("left", 4.0), BEFORE: ("right", -4.0)}.get(
            flag.side, ("center", flag.side * LETTER * len(flag.text) / 2)
        )
        named = at.encode(y=alt.value(middle))
        words: parts.Channels = {"text": flag.text, "baseline": "middle", "align": align}
        names += parts.haloed(named, style.THEORY, dx=shift, **words)
    return [*staffs, *names]


def _here(chosen: float, domain: list[float], x: alt.X) -> list[alt.Chart]:
    """The step size in force."""
    if not domain[0] <= chosen <= domain[1]:
        return []
    at = alt.Chart(parts.table([{"eta": np.array([chosen])}]))
    return [at.mark_rule(color=parts.ink(style.EDGE), strokeWidth=1.5).encode(x=x)]
