"""The phases of each run over time, as the player's timeline has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from simcore.export import svg
from simcore.export.views import FONT, SMALL, Place
from simcore.figures import style
from simcore.figures.clock import Span, reference, steps_at
from simcore.figures.scene import Axis, Run, Scene

ROW, ABOVE = 20.0, 14.0  # of a ribbon, and of names above it
CHANGES = 15.0  # of changes of the rules over those
LETTER = 0.56  # of the size of letters: how wide one is


def height(scene: Scene) -> float:
    return sum(_over(run) + ROW + ABOVE for run in scene.runs if run.phases)


def _over(run: Run) -> float:
    return CHANGES if run.changes else 0.0


def track(scene: Scene, place: Place) -> Place:
    """The part of the place in which time runs, beside the names of the runs."""
    longest = max((len(run.label or run.name) for run in scene.runs), default=0)
    gutter = min(160.0, 12 + longest * SMALL * 0.65)
    return Place(place.left + gutter, place.top, place.width - gutter, place.height)


def draw(scene: Scene, place: Place, axis: Axis, span: Span, dark: bool) -> Iterator[svg.Element]:
    """A row for each run that has phases; names without room inside stand above."""
    top = place.top
    for run in scene.runs:
        if run.phases:
            row = Place(place.left, top + _over(run) + ABOVE, place.width, ROW - 4)
            part = partial(_part, scene, axis, span)
            yield from _row(run, part, row, track(scene, row), dark)
            times = [part(change.t) for change in run.changes]
            yield from _changes(run, times, top, row, track(scene, row), dark)
            top += _over(run) + ROW + ABOVE


def _part(scene: Scene, axis: Axis, span: Span, time: float) -> float:
    """How far along the axis a time is."""
    counted, t = reference(scene.runs), np.array([time])
    at = steps_at(t, counted) if axis == "step" and counted is not None else t
    return float(span.part(at[0]))


def _changes(
    run: Run, parts: list[float], top: float, row: Place, time: Place, dark: bool
) -> Iterator[svg.Element]:
    """A mark for each change of the rules, with its label behind it where there is room."""
    ink = style.INK.dark if dark else style.INK.light
    places = [time.left + part * time.width for part in parts]
    nexts = [*places, np.inf][1:]
    for change, at, after in zip(run.changes, places, nexts, strict=True):
        mark = f"M{at - 4},{top + 2}h8l-4,7Z"
        line = f"M{at},{row.top - 2}V{row.top + 4}"
        yield svg.element("path", d=mark, fill=ink)
        yield svg.element("path", d=line, stroke=ink, fill="none")
        room = len(change.label) * SMALL * LETTER
        if at + 7 + room <= min(after - 4, time.left + time.width):
            words, left = {"font_family": FONT, "font_size": SMALL, "fill": ink}, at + 7
            yield svg.element("text", change.label, x=left, y=top + 9, **words)


def _row(
    run: Run, part: Callable[[float], float], place: Place, time: Place, dark: bool
) -> Iterator[svg.Element]:
    ends = [part(first) for _, first, _ in run.phases] + [part(run.phases[-1][2])]
    flags = [(part(notice.begins), part(notice.ends)) for notice in run.notices]
    ink = style.INK.dark if dark else style.INK.light
    letters: dict[str, Any] = {"font_family": FONT, "font_size": SMALL, "fill": ink}
    name = run.label or run.name
    base = place.top + 12
    yield svg.element("text", name, x=place.left, y=base, font_weight="bold", **letters)
    left, width = time.left, time.width
    free = place.left  # from where on there is room for a name above
    for (phase, _, _), begin, end in zip(run.phases, ends[:-1], ends[1:], strict=True):
        a, b = left + begin * width, left + end * width
        shade = style.ENDS[run.end] if phase == "settled" and run.end else style.PHASES.get(phase)
        shade = shade or style.MUTED
        yield svg.element(
            "rect",
            x=a,
            y=place.top,
            width=max(1.0, b - a - 1),
            height=place.height,
            fill=shade.dark if dark else shade.light,
            fill_opacity=0.42 if dark else 0.36,
        )
        room = len(phase) * SMALL * LETTER
        if room <= b - a - 8:
            yield svg.element("text", phase, x=a + 5, y=base, **letters)
            continue
        middle = (a + b) / 2
        before = middle - room - 3
        at = before if before >= free else min(max(free, middle + 3), left + width - room)
        free = max(at + room, middle) + 8
        yield svg.element(
            "path", d=f"M{middle},{place.top - 11}V{place.top + 4}", stroke=ink, fill="none"
        )
        yield svg.element("text", phase, x=at, y=place.top - 4, **letters)
    for begin, end in flags:
        a, b = left + begin * width, left + max(begin, end) * width
        y = place.top
        flag = f"M{a},{y}l7,3.5l-5.5,3.5v{place.height - 7}h-1.5Z"
        yield svg.element("path", d=flag, fill=ink)
        yield svg.element("rect", x=a, y=y + place.height - 2, width=b - a, height=2, fill=ink)
