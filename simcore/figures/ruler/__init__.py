"""The regime ruler: the step size as a handle on a bar whose colours are the regimes of GD.

A picture: an experiment in, plain data out, with no Streamlit. In the browser the handle, the
readout (eta, gamma = eta S_1, the edge) and the highlighted regime move by themselves; the step
size is reported as the state value `eta`, at most every 150 ms while it moves and exactly at its
end.

    mount = st.components.v2.component("regime_ruler", **component())   # once
    mount(key="ruler", data=data(experiment), on_eta_change=lambda: ...)

A rerun with another step size moves the handle, except while it is held and for a second after,
when it is taken for an echo of the drag. A rerun with other marks, or another `token`, is none.

Zones, their sentences and marks are those of `prospects`, colours `style.ENDS`. Under the bar a
thin strip shows which regimes runs of this very network reach, in the same colours. The handle is
the step size at the start; small marks are those to which events of the run change it later.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simcore import prospects, theory, variations, zone_words
from simcore.checks import positive, shown
from simcore.experiment import Experiment
from simcore.figures import modules, style
from simcore.marks import Mark
from simcore.theory import StepSizeMarks
from simcore.zones import Zone

COLOURS = {  # of the end that a run in the zone may come to
    zone_words.NOTHING_MOVES: style.ENDS["unfinished"],
    zone_words.DECAYS: style.ENDS["trapped"],
    zone_words.FOLLOWS_FLOW: style.ENDS["winner takes all"],
    zone_words.IN_PART: style.ENDS["partly re-balanced"],
    zone_words.EQUAL: style.ENDS["cycle"],
    zone_words.FLATTEST: style.ENDS["cycle"],
    zone_words.NO_GAIN: style.ENDS["cycle"],
    zone_words.MAY_BE_TRAPPED: style.ENDS["trapped"],
    zone_words.CROSSES_ZERO: style.ENDS["sign flip"],
    zone_words.IS_FLOW: style.ENDS["winner takes all"],
    zone_words.ALONG_EDGE: style.ENDS["partly re-balanced"],
    zone_words.STOPS_SHORT: style.ENDS["balanced"],
    zone_words.ABOVE: style.ENDS["cycle"],
    zone_words.DIVERGES: style.ENDS["diverged"],
    zone_words.SHARP_START: style.ENDS["sign flip"],
}

MARGINS = 2.2, 1.6  # of the bar below the smallest and above the largest mark


Part = tuple[str, float, float]  # the value of a `Regime`, and the step sizes from low to high


def component() -> modules.Component:
    """What the browser is given."""
    return modules.component(Path(__file__).parent)


def span(experiment: Experiment) -> tuple[float, float] | None:
    """The step sizes around the marks that the bar shows at least; None without marks."""
    known = [mark for mark in theory.step_size_marks(experiment) if _is_positive(mark)]
    return (min(known) / MARGINS[0], max(known) * MARGINS[1]) if known else None


def data(
    experiment: Experiment, *, token: object = None, reached: Sequence[Part] = ()
) -> dict[str, Any]:
    """What the component draws for a descent, ready for JSON; `reached` are the regimes of runs.

    Another `token` than before says that something else than the ruler has set the step size, so
    that the handle moves there at once; but 0 is that of a session that just began, whose server
    may not have heard yet of what the handle was moved to. ValueError for an experiment without a
    step size.
    """
    eta = experiment.dynamics.step_size
    if eta is None:
        raise ValueError(f"a ruler needs a step size, got {shown(experiment.dynamics)}")
    drawn = bar(
        theory.step_size_marks(experiment),
        prospects.zones(experiment),
        eta,
        2 / theory.unit_step_size(experiment) if experiment.network.linear else 0.0,
        token=token,
        names=prospects.marks(experiment),
        later=_later(experiment),
    )
    dynamics = experiment.dynamics
    edge = {
        "symbol": dynamics.edge_symbol,
        "reach": dynamics.reach,
        "decay": dynamics.weight_decay,
    }
    return drawn | {"edge": edge, "reached": strip(reached, _of_strip(experiment))}


def _of_strip(experiment: Experiment) -> str:
    """Which runs the strip is of: those of `variations.at_any_step_size`."""
    dynamics, steps = experiment.dynamics, getattr(experiment.dynamics, "steps", 0)
    kept = variations.at_any_step_size(experiment).dynamics.events
    with_it = " with its warm-up" if kept else ""
    without = ", without its other events" if kept else " without its events"
    left_out = without if len(kept) < len(dynamics.events) else ""
    return f"This network, run for {steps:,} steps{with_it}{left_out}"


def _later(experiment: Experiment) -> list[tuple[float, str]]:
    """The other step sizes to which events lead, each with their words."""
    dynamics = experiment.dynamics
    found = [(event.leads_to, event.words(dynamics.unit)) for event in dynamics.events]
    return [
        (value, words)
        for value, words in found
        if value is not None and value != dynamics.step_size
    ]


def strip(parts: Sequence[Part], title: str) -> list[dict[str, Any]]:
    """The strip's parts, each with its words."""
    return [
        {
            "words": f"{title}: {name}, η from {style.short(low)} to {style.short(high)}",
            "colour": list(style.ENDS[name]),
            "start": low,
            "end": high,
        }
        for name, low, high in parts
    ]


def bar(
    marks: StepSizeMarks,
    zones: Sequence[Zone],
    step_size: float,
    sharpness: float,
    *,
    token: object = None,
    names: Mapping[str, Mark] = prospects.MARKS,
    later: Sequence[tuple[float, str]] = (),
) -> dict[str, Any]:
    """The same of any marks and zones, with `later` step sizes and what is said of them.

    The bar spans the marks (those that are nan are left out) and always contains all step sizes;
    without any it is a plain logarithmic scale of two decades around it. `sharpness` is S_1.
    """
    eta = positive("the step size", step_size)
    ticks = [
        {"value": float(value)} | words_of(mark)
        for (field, mark) in names.items()
        if _is_positive(value := getattr(marks, field))
    ]
    known = [tick["value"] for tick in ticks]
    if known:
        low, high = min(known) / MARGINS[0], max(known) * MARGINS[1]
    else:
        decade = min(max(round(math.log10(eta)), -300), 300)
        decades = [10.0 ** (decade + k) for k in (-1, 0, 1)]
        ticks = [{"value": float(x)} | _number(x) for x in decades]
        low, _, high = decades
    others = [value for value, _ in later]
    low, high = min(low, eta, *others), max(high, eta, *others)
    return {
        "eta": eta,
        "range": [low, high],
        "sharpness": float(sharpness) if _is_positive(sharpness) else None,
        "edge": {"symbol": "2/η", "reach": 2.0, "decay": 0.0},  # of plain descent
        "ticks": sorted(ticks, key=lambda tick: tick["value"]),
        "zones": [
            {
                "name": zone.name,
                "sentence": zone.sentence,
                "colour": list(COLOURS[zone.name]),
                "start": max(zone.low, low),
                "end": min(zone.high, high),
            }
            for zone in zones
            if zone.low < high and zone.high > low
        ],
        "later": [{"value": value, "words": words} for value, words in later],
        "reached": [],
        "token": repr((token, known)),
        "begun": token == 0,
    }


def words_of(mark: Mark) -> dict[str, Any]:
    """The label of a mark, and what it means."""
    return {field: getattr(mark, field) for field in ("symbol", "sub", "close", "name", "meaning")}


def _number(value: float) -> dict[str, Any]:
    """The label of a number on the scale, which is no mark and has no meaning."""
    text = style.short(value)
    return {"symbol": text, "sub": "", "close": "", "name": text, "meaning": ""}


def _is_positive(value: float) -> bool:
    """Whether a bar around the value stays within the range of a float."""
    return 1e-300 < value < 1e300
