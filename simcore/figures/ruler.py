"""The regime ruler: where a step size stands among the closed-form marks (DESIGN, SCIENCE 3.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np

from simcore.checks import require, shown
from simcore.figures import parts, style
from simcore.figures.parts import Channels, Columns, ink, table
from simcore.theory import StepSizeMarks

FOLLOWS_FLOW = "follows GF, winner takes all"
IN_PART = "re-balances in part"
EQUAL = "equal pathways, sum oscillates"
SPLIT_KEPT = "split kept, sum oscillates"
CROSSES_ZERO = "may flip sign or diverge"

_SHADES = {
    FOLLOWS_FLOW: style.REGIMES[0],
    IN_PART: style.REGIMES[1],
    EQUAL: style.REGIMES[2],
    SPLIT_KEPT: style.REGIMES[2],
    CROSSES_ZERO: style.REGIMES[3],
}
_NAMES = ("2/λ_GF", "2/S₁", "2/λ_min", "η_WCR")  # in the order of StepSizeMarks
_PHONE = 330.0  # pixels of plot on a phone, the narrowest place where labels must not overlap
_LABEL = 105.0  # pixels of a label


def ruler(
    marks: StepSizeMarks, step_size: float, regime: str = "", *, height: int = 210
) -> alt.LayerChart:
    """The marks of theory.step_size_marks on a log scale of eta, and `step_size` among them.

    Colours are the regimes between them (`step_size_zones`); marks that are nan are left out.
    `regime`, in words, stands beside the step size. The param `mark` selects one of the marks and
    gives its step size as the field `value`. ValueError unless `step_size` > 0.
    """
    require(
        bool(np.isfinite(step_size) and step_size > 0),
        f"step_size must be positive, got {shown(step_size)}; use e.g. 0.1",
    )
    known = {n: float(v) for n, v in zip(_NAMES, marks, strict=True) if np.isfinite(v)}
    span = [*known.values(), step_size]
    low = min(span) / 2
    high = low * (max(span) / low) ** (1 / (1 - _LABEL / _PHONE))  # room for the last label
    flags = _flags(known, np.log(high / low))
    top = max([1.0, *(flag["y"][0] for flag in flags)])
    axes: Channels = {
        "x": alt.X(
            "value:Q",
            title="step size η (log scale)",
            scale=alt.Scale(type="log", domain=(low, high), nice=False),
            axis=alt.Axis(grid=False, format="~g", tickCount=4, **parts.CLOSE_AXIS),
        ),
        "y": alt.Y(
            "y:Q", axis=None, scale=alt.Scale(domain=(-1.6, top + 0.5), nice=False, zero=False)
        ),
    }
    layers = [
        *_zone_layers(step_size_zones(marks, low, high), axes),
        *_flag_layers(flags, axes),
        *_handle_layers(step_size, regime, step_size > np.sqrt(low * high), axes),
    ]
    return parts.view(layers, height, f"Step size {style.short(step_size)} among the regimes.")


def step_size_zones(
    marks: StepSizeMarks, low: float, high: float
) -> list[tuple[str, float, float]]:
    """(regime, from, to) between the marks, from `low` to `high` (SCIENCE 3.7), without empty ones.

    Without 2/lambda_GF the first zone ends at 2/S_1. Where sharing gains nothing (one pathway, or
    depth 2) the split is kept past the edge. No zones without marks.
    """
    leaves = marks.flow_edge if np.isfinite(marks.flow_edge) else marks.single_path
    if not np.isfinite(leaves):
        return []
    gains = marks.balanced > marks.single_path * (1 + 1e-9)
    crosses = marks.wcr if np.isfinite(marks.wcr) else high
    balances = marks.balanced if gains else leaves
    borders = np.minimum([leaves, balances, crosses], crosses)
    borders = np.clip(np.maximum.accumulate([low, *borders, high]), low, high)
    regimes = (FOLLOWS_FLOW, IN_PART, EQUAL if gains else SPLIT_KEPT, CROSSES_ZERO)
    return [
        (regime, float(start), float(end))
        for regime, start, end in zip(regimes, borders[:-1], borders[1:], strict=True)
        if start < end
    ]


def _flags(known: Mapping[str, float], log_length: float) -> list[Columns]:
    """Labels as flags to the right of their poles: from the right, each at the lowest free height.

    A flag that would reach the next pole flies above that one's, so no two meet however close the
    marks, on a plot of _PHONE pixels or more.
    """
    reach = _LABEL / _PHONE * log_length
    flags: list[Columns] = []
    for name, value in sorted(known.items(), key=lambda item: -item[1]):
        reached = [flag["y"][0] for flag in flags if np.log(flag["value"][0] / value) < reach]
        text = f"{name} = {style.short(value)}"
        height = max(reached, default=0.2) + 1
        flags.append({"value": [value], "foot": [0.0], "y": [height], "text": text})
    return flags


def _zone_layers(zones: Sequence[tuple[str, float, float]], axes: Channels) -> list[alt.Chart]:
    if not zones:
        return []
    rows = [
        {"value": [start], "end": [end], "y": [0.0], "top": [0.7], "regime": regime}
        for regime, start, end in zones
    ]
    regimes = [regime for regime, *_ in zones]
    scale = alt.Scale(domain=regimes, range=[ink(_SHADES[regime]) for regime in regimes])
    legend = alt.Legend(
        title=None, orient="bottom", columns=2, labelLimit=240, **parts.CLOSE_LEGEND
    )
    tooltip = [
        alt.Tooltip("regime:N"),
        alt.Tooltip("value:Q", title="from η", format=".4g"),
        alt.Tooltip("end:Q", title="to η", format=".4g"),
    ]
    bars = alt.Chart(table(rows)).mark_rect(opacity=0.8)
    color = alt.Color("regime:N", scale=scale, legend=legend)
    return [
        bars.encode(**axes, x2=alt.X2("end:Q"), y2=alt.Y2("top:Q"), color=color, tooltip=tooltip)
    ]


def _flag_layers(flags: Sequence[Columns], axes: Channels) -> list[alt.Chart]:
    if not flags:
        return []
    tooltip = [alt.Tooltip("text:N", title="mark"), alt.Tooltip("value:Q", title="η", format=".6g")]
    pick = alt.selection_point(name="mark", fields=["value"], empty=False)
    poles = alt.Chart(table(flags)).encode(**axes, tooltip=tooltip)
    words = poles.mark_text(align="left", baseline="middle", dx=3, color=ink(style.INK))
    return [
        poles.mark_rule(color=ink(style.INK)).encode(y2=alt.Y2("foot:Q")),
        words.encode(text=alt.Text("text:N")).add_params(pick),
    ]


def _handle_layers(
    step_size: float, regime: str, on_right: bool, axes: Channels
) -> list[alt.Chart]:
    words = f"η = {style.short(step_size)}" + (f": {regime}" if regime else "")
    here = alt.Chart(table([{"value": [step_size], "y": [-0.35], "text": words}])).encode(
        **axes, tooltip=[alt.Tooltip("text:N", title="here")]
    )
    align: Channels = {"align": "right", "dx": 6} if on_right else {"align": "left", "dx": -6}
    pointer = here.mark_point(
        shape="triangle-up", size=120, filled=True, color=ink(style.EDGE), opacity=1
    )
    return [
        pointer,
        here.mark_text(dy=13, color=ink(style.EDGE), **align).encode(text=alt.Text("text:N")),
    ]
