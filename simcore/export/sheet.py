"""One sheet: title, parameters, verdict, phases, every panel of a scene, notes and small print.

A sheet is laid out in units, 1280 x 720 of them or as many at another shape, and scaled as a whole:
letters and lines grow with it.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from simcore.checks import require
from simcore.export import ribbons, svg, views
from simcore.export.views import FONT, Place, View
from simcore.figures import style
from simcore.figures.clock import Span, reference, shared, whole
from simcore.figures.scene import Axis, HeatPanel, Panel, Scene, SeriesPanel
from simcore.figures.stills import series

UNITS = 1280 * 720
SMALLEST, LARGEST = 320, 8192  # pixels of a side
SHAPE = 3  # times as long as the other may be the longer side
MARGIN, GAP = 24.0, 18.0
BEST = 1.9  # shape of a cell
LETTER = 0.53  # of the size of letters: how wide one is, on average
CLOCK = 18.0  # units of height for the time of a film, above the phases
MOST_SMALL = 3  # lines of small print

Size = tuple[int, int]


@dataclass(frozen=True)
class Line:
    """One line of words on its baseline."""

    text: str
    left: float
    base: float
    size: float
    weight: str = "normal"
    muted: bool = False


@dataclass(frozen=True, eq=False)
class Sheet:
    """A scene laid out on a sheet of `size` pixels, `scale` of them to a unit."""

    scene: Scene
    size: Size
    scale: float
    dark: bool
    axis: Axis
    span: Span
    views: Sequence[View]
    strip: Place  # of the phases, as long as it takes time to run through
    around: Sequence[svg.Element]  # words and ribbons

    @property
    def page(self) -> str:
        return style.PAGE.dark if self.dark else style.PAGE.light

    def picture(self, *, without: Sequence[str] = ()) -> str:
        """As SVG, without the marks of these kinds (`parts.RUN`, ...)."""
        root = self._root()
        caption = self.scene.caption
        root.append(svg.element("title", caption.title))
        root.append(
            svg.element("desc", f"{caption.parameters}. {caption.verdict}. {caption.small}")
        )
        root.append(svg.element("rect", width="100%", height="100%", fill=self.page))
        root.extend(self.around)
        root.extend(svg.without(view.drawn, without) for view in self.views)
        return svg.text_of(root)

    def marks(self, *kinds: str) -> str:
        """As SVG, nothing but the marks of these kinds, on nothing."""
        root = self._root()
        root.extend(svg.only(view.drawn, kinds) for view in self.views)
        return svg.text_of(root)

    def _root(self) -> svg.Element:
        width, height = self.size
        box = f"0 0 {width / self.scale:.6g} {height / self.scale:.6g}"
        return svg.element("svg", width=width, height=height, viewBox=box)


def lay(scene: Scene, size: Size = (1920, 1080), dark: bool = False, moving: bool = False) -> Sheet:
    """The scene on a sheet of so many pixels, as it ends or, if it is `moving`, at any time;
    ValueError for a size that no sheet can have."""
    check_size(size)
    scale = math.sqrt(size[0] * size[1] / UNITS)
    wide, high = size[0] / scale, size[1] / scale
    axis: Axis = "step" if reference(scene.runs) and shared(scene.runs) else "time"
    span = whole(scene.runs, axis, scene.time)
    head = _head(scene, wide)
    under = _below(head) + 8 + (CLOCK if moving else 0)
    strip = Place(MARGIN, under, wide - 2 * MARGIN, ribbons.height(scene))
    foot = _foot(scene, axis, wide, high)
    top = strip.top + strip.height + 10
    cells = _cells(len(scene.panels), Place(MARGIN, top, strip.width, foot[0].base - 16 - top))
    require(
        min(min(cell.width, cell.height) for cell in cells) >= 100,
        f"expected a size with room for {len(cells)} panels and their words, got "
        f"{size[0]} x {size[1]}; give another shape, or fewer panels",
    )
    pairs = list(zip(scene.panels, cells, strict=True))
    titles = [
        _fitting(Line(_title(scene, panel, moving), cell.left, cell.top + 11, 13, "bold"), cell)
        for panel, cell in pairs
    ]
    return Sheet(
        scene=scene,
        size=size,
        scale=scale,
        dark=dark,
        axis=axis,
        span=span,
        views=[
            views.view(scene, panel, _under_title(cell), axis, span, dark) for panel, cell in pairs
        ],
        strip=ribbons.track(scene, strip),
        around=[
            *_written([*head, *titles, *foot], dark),
            *ribbons.draw(scene, strip, axis, span, dark),
        ],
    )


def check_size(size: Size) -> None:
    """ValueError in a sentence unless it is two numbers of pixels that a sheet can have."""
    fits = (
        isinstance(size, (tuple, list))
        and len(size) == 2
        and all(isinstance(side, int) and SMALLEST <= side <= LARGEST for side in size)
        and max(size) <= SHAPE * min(size)
    )
    require(
        fits,
        f"size must be a width and a height in pixels from {SMALLEST} to {LARGEST}, the longer at "
        f"most {SHAPE} times the shorter, e.g. (1920, 1080)",
        size,
    )


# --- Words -----------------------------------------------------------------------------------


def _head(scene: Scene, wide: float) -> list[Line]:
    """Title, parameters and verdict from the top on."""
    caption, base = scene.caption, 16.0
    lines: list[Line] = []
    for text, letter, weight in (
        (caption.title, 22.0, "bold"),
        (caption.parameters, 13.0, "normal"),
        (caption.verdict, 14.0, "bold"),
    ):
        for line in _wrapped(text, letter, wide):
            base += 1.4 * letter if lines else letter
            lines.append(Line(line, MARGIN, base, letter, weight))
    return lines


def _title(scene: Scene, panel: Panel, moving: bool) -> str:
    """Of maps, which stand for one moment, with the moment."""
    if moving or not isinstance(panel, HeatPanel):
        return panel.title
    (run,) = (run for run in scene.runs if run.name == panel.run)
    if run.stroke == "points":
        return f"{panel.title}, at step {run.columns['step'][-1]:,}"
    return f"{panel.title}, at t = {style.short(float(run.columns['t'][-1]))}"


def _fitting(line: Line, cell: Place) -> Line:
    """In letters so small that it does not leave its cell."""
    return replace(line, size=min(line.size, cell.width / (0.6 * len(line.text))))


def _below(lines: Sequence[Line]) -> float:
    return lines[-1].base + 0.3 * lines[-1].size


def _foot(scene: Scene, axis: Axis, wide: float, high: float) -> list[Line]:
    """What must be known of the picture, and what leads back to its run, up to the bottom."""
    said = [*scene.missing.values(), *filter(None, [scene.note])]
    said += [
        f"At the flag {run.label or run.name} {notice.label}. {notice.words}"
        for run in scene.runs
        for notice in run.notices
    ]
    said += [
        series.drawn_of(scene, panel, axis)
        for panel in scene.panels
        if isinstance(panel, SeriesPanel)
    ]
    notes = [
        line for each in dict.fromkeys(filter(None, said)) for line in _wrapped(each, 11, wide)
    ]
    small = _wrapped(scene.caption.small, 9, wide)
    if len(small) > MOST_SMALL:
        small = [*small[: MOST_SMALL - 1], small[MOST_SMALL - 1][:-1] + "…"]
    texts = [(text, 11.0) for text in notes] + [(text, 9.0) for text in small or [""]]
    base = high - 12.0
    lines: list[Line] = []
    for text, letter in reversed(texts):
        lines.append(Line(text, MARGIN, base, letter, muted=True))
        base -= 1.35 * letter
    return lines[::-1]


def _wrapped(text: str, letter: float, wide: float) -> list[str]:
    return textwrap.wrap(text, max(20, int((wide - 2 * MARGIN) / (LETTER * letter))))


def _written(lines: Sequence[Line], dark: bool) -> Iterator[svg.Element]:
    for line in lines:
        shade = style.MUTED if line.muted else style.INK
        yield svg.element(
            "text",
            line.text,
            x=line.left,
            y=line.base,
            font_family=FONT,
            font_size=line.size,
            font_weight=line.weight,
            fill=shade.dark if dark else shade.light,
        )


# --- Places ----------------------------------------------------------------------------------


def _cells(count: int, room: Place) -> list[Place]:
    """As many places in rows and columns, as near to the best shape as they can be."""

    def cost(columns: int) -> float:
        cell = _cell(count, columns, room)
        if min(cell) <= 0:
            return math.inf
        empty = -count % columns
        return abs(math.log(cell[0] / cell[1] / BEST)) + 0.5 * empty

    columns = min(range(1, count + 1), key=cost)
    _, height = _cell(count, columns, room)
    cells = []
    for first in range(0, count, columns):
        across = min(columns, count - first)  # a last row that is not full has wider ones
        width, _ = _cell(across, across, room)
        top = room.top + first // columns * (height + GAP)
        cells += [Place(room.left + k * (width + GAP), top, width, height) for k in range(across)]
    return cells


def _cell(count: int, columns: int, room: Place) -> tuple[float, float]:
    rows = -(-count // columns)
    return (
        (room.width - (columns - 1) * GAP) / columns,
        (room.height - (rows - 1) * GAP) / rows,
    )


def _under_title(cell: Place) -> Place:
    return Place(cell.left, cell.top + 18, cell.width, cell.height - 18)
