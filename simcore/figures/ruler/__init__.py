"""The regime ruler: the step size as a handle on a bar whose colours are the regimes of GD.

A picture: numbers in, plain data out, with no Streamlit. In the browser the handle, the readout
(eta, gamma = eta S_1, 2/eta) and the highlighted regime move by themselves; the step size is
reported as the state value `eta`, at most every 150 ms while it moves and exactly at its end.

    mount = st.components.v2.component("regime_ruler", html=HTML, css=CSS, js=JS)   # once
    mount(key="ruler", data=data(marks, eta, S_1), on_eta_change=lambda: ...)

A rerun with another step size moves the handle, except while it is held and for a second after,
when it is taken for an echo of the drag. A rerun with other marks, or another `token`, is none.

Colours are `style.REGIMES`; regimes and marks are those of Kim and Lee 2026.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from simcore import theory
from simcore.checks import positive
from simcore.figures import modules, style
from simcore.theory import StepSizeMarks

_HERE = Path(__file__).parent
HTML = (_HERE / "ruler.html").read_text(encoding="utf-8")
CSS = (_HERE / "ruler.css").read_text(encoding="utf-8")
JS = modules.joined(_HERE / "streamlit.js")

FOLLOWS_FLOW = "follows gradient flow"
IN_PART = "partly re-balanced"
EQUAL = "equal pathways, sum oscillates"
FLATTEST = "flattest split, sum oscillates"
NO_GAIN = "no flatter split, sum oscillates"
CROSSES_ZERO = "may flip sign, be trapped, diverge"
DIVERGES = "diverges"

_SAME = 1e-9  # relative: step sizes that differ by rounding only
_MARGINS = 2.2, 1.6  # of the bar below the smallest and above the largest mark
_SYMBOLS = {  # of each mark, with its subscript
    "flow_edge": ("2/λ", "GF"),
    "single_path": ("2/S", "1"),
    "balanced": ("2/λ", "min"),
    "wcr": ("η", "WCR"),
}
_MEANINGS = {  # of each field of StepSizeMarks
    "flow_edge": "the edge where gradient flow ends",
    "single_path": "the edge of one pathway alone",
    "balanced": "the edge of the flattest split",
    "wcr": "from here on an overshoot can reach zero",
}


class Zone(NamedTuple):
    """A regime and its step sizes, start < eta <= end."""

    name: str
    colour: style.Shade
    start: float
    end: float


def zones(marks: StepSizeMarks) -> list[Zone]:
    """The regimes from eta = 0 to infinity, without empty ones.

    From eta_WCR on an overshoot may cross zero; else above 2/lambda_min no split is flat enough;
    else above 2/lambda_GF (2/S_1 where that is not defined) the winner's is too sharp; else GD
    follows GF. The first of these that holds counts, so the marks may come in any order.

    Three cases show in the marks: where sharing gains nothing (one pathway, depth 2), no split is
    flatter than the winner's; where eta_WCR is not defined, depths differ and the flattest split is
    not an equal one; where both hold, the mode is linear (depth 1) and diverges. No zones if
    neither 2/lambda_GF nor 2/S_1 is defined.
    """
    single, crosses = _first(marks.single_path), _first(marks.wcr)
    winner, balanced = _first(marks.flow_edge, single), _first(marks.balanced)
    if math.isinf(winner):
        return []
    gains = balanced > single * (1 + _SAME)
    jumps = (EQUAL if gains else NO_GAIN), style.REGIMES[2]
    if math.isinf(crosses):
        jumps = (FLATTEST, style.REGIMES[2]) if gains else (DIVERGES, style.REGIMES[3])
    regimes = (
        (FOLLOWS_FLOW, style.REGIMES[0]),
        (IN_PART, style.REGIMES[1]),
        jumps,
        (CROSSES_ZERO, style.REGIMES[3]),
    )
    # an end belongs to its zone, but eta_WCR to the one above
    tame = math.nextafter(crosses, 0) if math.isfinite(crosses) else crosses
    ends = (min(winner, balanced, tame), min(balanced, tame), tame, math.inf)
    return [
        Zone(name, colour, start, end)
        for (name, colour), start, end in zip(regimes, (0.0, *ends[:3]), ends, strict=True)
        if start < end * (1 - _SAME)
    ]


def data(
    marks: StepSizeMarks,
    step_size: float,
    single_path_sharpness: float | None,
    *,
    token: object = None,
) -> dict[str, Any]:
    """What the component draws, ready for JSON.

    The bar spans the marks (those that are nan are left out) and always contains `step_size`;
    without any it is a plain logarithmic scale of two decades around it. `single_path_sharpness` is
    S_1, for gamma = eta S_1; without one gamma is not shown. Another `token` than before says that
    something else than the ruler has set the step size, so that the handle moves there at once.
    ValueError unless `step_size` is a positive number.
    """
    eta = positive("step_size", step_size)
    ticks = [
        _tick(value, *_SYMBOLS[field], theory.MARK_NAMES[field], _MEANINGS[field])
        for field, value in marks._asdict().items()
        if _is_positive(value)
    ]
    known = [tick["value"] for tick in ticks]
    if known:
        low, high = min(known) / _MARGINS[0], max(known) * _MARGINS[1]
    else:
        decade = min(max(round(math.log10(eta)), -300), 300)
        decades = [10.0 ** (decade + k) for k in (-1, 0, 1)]
        ticks = [_tick(x, style.short(x), "", style.short(x), "") for x in decades]
        low, _, high = decades
    low, high = min(low, eta), max(high, eta)
    sharpness = single_path_sharpness
    return {
        "eta": eta,
        "range": [low, high],
        "sharpness": float(sharpness) if sharpness and _is_positive(sharpness) else None,
        "ticks": sorted(ticks, key=lambda tick: tick["value"]),
        "zones": [
            {
                "name": zone.name,
                "colour": list(zone.colour),
                "start": max(zone.start, low),
                "end": min(zone.end, high),
            }
            for zone in zones(marks)
            if zone.start < high and zone.end > low
        ],
        "token": repr((token, known)),
    }


def _tick(value: float, symbol: str, sub: str, name: str, meaning: str) -> dict[str, Any]:
    """A tick with its label; without a meaning it is a number on the scale, not a mark."""
    return {"value": float(value), "symbol": symbol, "sub": sub, "name": name, "meaning": meaning}


def _is_positive(value: float) -> bool:
    """Whether a bar around the value stays within the range of a float."""
    return 1e-300 < value < 1e300


def _first(*values: float) -> float:
    """The first of the values that is a step size, or infinity."""
    return next((float(value) for value in values if _is_positive(value)), math.inf)
