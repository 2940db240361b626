"""Pictures of the tour: each with the reader's guess, and what the guess is about once it is told.

Before it is `told` a picture holds nothing of the answer, in its table neither. Axes stay as they
are when it is, so that the guess stays where the reader put it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import altair as alt
import numpy as np

from simcore import theory
from simcore.figures import panels, parts, style
from simcore.figures.parts import Columns, Height, Width, ink, table
from simcore.figures.scene import Level, Mark, Panel, PlanePanel, Scene, SeriesPanel
from simcore.figures.tables import Named

HEIGHT = 380
ROOM = 0.04  # of an axis, beyond its ends
JUMPS = 8  # of descent in a valley
WIDEST = 2.2  # times the distance at which it starts: what of a valley is drawn,
HIGHEST = 1.5  # and of the sharpest

YOURS, RIGHT = "your guess", "the answer"
_DASHED: parts.Channels = {
    "color": ink(style.MUTED),
    "strokeDash": style.THEORY_DASH,
    "strokeWidth": style.THEORY_WIDTH,
}


# --- Runs --------------------------------------------------------------------------------------


def scene(runs: Sequence[Named], keys: Sequence[str], guesses: Sequence[Level] = ()) -> Scene:
    """Panels of runs in plain words, without phases and what theory predicts; `guesses` are levels
    of the first panel. (Pathway 1 is taken for that with the largest share.)"""
    whole = panels.simulator(runs, keys)
    quiet = [replace(run, phases=(), notices=()) for run in whole.runs]
    plain = [_plainly(panel, len(runs) > 1) for panel in whole.panels]
    first = plain[0]
    if isinstance(first, SeriesPanel):
        plain[0] = replace(first, levels=(*first.levels, *guesses))
    return replace(whole, runs=quiet, panels=tuple(plain), plays=True, seconds=8.0, only_plays=True)


def beginning(first: Scene, whole: Scene) -> Scene:
    """The first panel of a run's beginning, with the limits that it has for the whole run."""
    panel, shown = whole.panels[0], first.panels[0]
    assert isinstance(panel, SeriesPanel)
    assert isinstance(shown, SeriesPanel)
    runs = {run.name: run for run in whole.runs}
    values = [runs[line.run].columns[line.column] for line in panel.lines]
    highest = max(1.0, *(float(np.nanmax(column)) for column in values))
    limits = panel.limits or (-ROOM * highest, (1 + ROOM) * highest)
    return replace(first, panels=(replace(shown, limits=limits),))


def _plainly(panel: Panel, several: bool) -> Panel:
    """The panel as one who does not know modes reads it."""
    if isinstance(panel, PlanePanel):
        return replace(
            panel,
            title="One pathway against the other",
            x_label="strength of pathway 1",
            y_label="strength of pathway 2",
            curves=[
                replace(curve, label="solutions" if curve.role == "ink" else curve.label)
                for curve in panel.curves
            ],
            marks=(),
        )
    assert isinstance(panel, SeriesPanel)
    if panel.key == "sharing":
        return replace(panel, title="Share of pathway 1", label="σ₁ / (σ₁ + σ₂)", levels=())
    if panel.key != "strengths":
        return panel
    return replace(
        panel,
        title="Strengths",
        label="σ",
        lines=[
            replace(line, label=f"pathway {int(line.colour) + 1}" + f", {line.run}" * several)
            for line in panel.lines
        ],
        levels=[replace(level, label="target") for level in panel.levels],
        marks=(),
    )


# --- One pathway -------------------------------------------------------------------------------


def strength_curve(depth: int, strength: float, guess: float, told: bool) -> alt.LayerChart:
    """The strength w^L over one of its L equal numbers w; told, the w of this strength."""
    right = strength ** (1 / depth)
    x = Width("each weight w", (-ROOM, 1 + ROOM))
    y = Height("strength σ of the pathway", (-ROOM, 1 + ROOM))
    w = np.linspace(0, 1, 201)
    curve = {"x": w, "value": w**depth}
    marks = [Mark(guess, guess**depth, YOURS, "square"), Mark(right, strength, RIGHT, "circle")]
    layers = [
        *_upright(guess, YOURS, x),
        *_level(strength, f"σ = {style.short(strength)}", y),
        *([_line(curve, x, y), *parts.marks(marks, x, y)] if told else [_frame(x, y)]),
    ]
    what = f"Strength w^{depth} of a pathway over its numbers w."
    subject = {"w": curve["x"], "σ": curve["value"]} if told else {"your w": np.array([guess])}
    return parts.view(layers, HEIGHT, what, subject=subject)


# --- The line of solutions ---------------------------------------------------------------------


def splits(
    target: float, depths: tuple[int, int], guess: float, told: bool, share: float = 0.5
) -> alt.LayerChart:
    """The sharpness along the splits of a target over two pathways: known where one has it all, a
    guess where both have half; told, all of it, and that of a `share` of pathway 1."""
    line = theory.minima_line(target)
    curve = {"x": line[:, 0], "value": theory.mode_sharpness(line, depths)}
    ends = {name: column[[0, -1]] for name, column in curve.items()}
    x = Width("strength of pathway 1, the other has the rest", (-ROOM * target, 1.04 * target))
    y = Height("sharpness λ", (0.0, 2 * float(curve["value"].max())))

    def at(first: float) -> float:
        return float(theory.mode_sharpness((first, target - first), depths))

    marks = [
        *(Mark(end, at(end), "one alone", "circle", hollow=False) for end in (0.0, target)),
        Mark(target / 2, guess, YOURS, "square"),
    ]
    if told:
        marks += [
            Mark(target / 2, at(target / 2), RIGHT, "star", hollow=False),
            Mark(
                share * target,
                at(share * target),
                f"this split, λ = {style.short(at(share * target))}",
                "diamond",
                colour="edge",
            ),
        ]
    layers = [_line(curve, x, y) if told else _frame(x, y), *parts.marks(marks, x, y)]
    known = curve if told else ends
    subject = {"σ₁": known["x"], "λ": known["value"]}
    return parts.view(layers, HEIGHT, "Sharpness of the solutions.", subject=subject)


# --- A valley ----------------------------------------------------------------------------------


def valley(step_size: float, sharpness: float, sharpest: float, told: bool) -> alt.LayerChart:
    """The valley 1/2 lambda x^2, on axes for one of the `sharpest`; told, the jumps of descent in
    it."""
    places = np.linspace(-WIDEST, WIDEST, 177)
    highest = 0.5 * sharpest * HIGHEST**2
    x = Width("distance x from the bottom", (-WIDEST, WIDEST))
    y = Height("loss ½λx²", (-ROOM * highest, highest))
    way = jumps(step_size, sharpness) if told else np.ones(1)
    path = {"x": way, "value": 0.5 * sharpness * way**2, "order": np.arange(len(way))}
    drawn = alt.Chart(table([path])).encode(x=x.channel(), y=y.channel(), order="order:Q")
    hue, start = ink(style.shade(0)), Mark(1.0, 0.5 * sharpness, "start", "circle", hollow=False)
    layers = [
        _line({"x": places, "value": 0.5 * sharpness * places**2}, x, y),
        parts.line(drawn, strokeWidth=1.4, color=hue),
        drawn.mark_point(filled=True, size=45, opacity=1, clip=True, color=hue),
        *parts.marks([start], x, y),
    ]
    subject = {"step": path["order"], "x": way, "loss": path["value"]}
    what = f"Descent in a valley of sharpness {style.short(sharpness)}."
    return parts.view(layers, HEIGHT, what, subject=subject)


def jumps(step_size: float, sharpness: float) -> np.ndarray:
    """Distances x from the bottom of a valley, from 1 on: each is (1 - eta lambda) times the one
    before."""
    return (1 - step_size * sharpness) ** np.arange(JUMPS + 1)


def _line(curve: Columns, x: Width, y: Height) -> alt.Chart:
    chart = alt.Chart(table([curve])).encode(x=x.channel(), y=y.channel())
    return parts.line(chart, color=ink(style.INK), strokeWidth=2)


def _upright(place: float, name: str, x: Width) -> list[alt.Chart]:
    """A dashed line at a place, named at its top."""
    at = alt.Chart(table([{"x": np.array([place]), "text": name}])).encode(x=x.channel())
    words = at.encode(y=alt.value(4), text=alt.Text("text:N"))
    beside: parts.Channels = {"align": "left", "baseline": "top", "dx": 4}
    return [at.mark_rule(**_DASHED), *parts.haloed(words, style.MUTED, **beside)]


def _level(value: float, name: str, y: Height) -> list[alt.Chart]:
    """A dashed line at a height, named over its right end."""
    at = alt.Chart(table([{"value": np.array([value]), "text": name}])).encode(y=y.channel())
    words = at.encode(x=alt.value("width"), text=alt.Text("text:N"))
    over: parts.Channels = {"align": "right", "baseline": "bottom", "dx": -4, "dy": -4}
    return [at.mark_rule(**_DASHED), *parts.haloed(words, style.MUTED, **over)]


def _frame(x: Width, y: Height) -> alt.Chart:
    """Axes with nothing between them."""
    corner = {"x": np.array([x.domain[0]]), "value": np.array([y.domain[0]])}  # type: ignore[index]
    chart = alt.Chart(table([corner])).encode(x=x.channel(), y=y.channel())
    return chart.mark_point(opacity=0)
