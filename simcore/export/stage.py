"""The frames of a film, one finished sheet revealed up to a moment.

Lines against time are wiped: left of the cursor stands the finished sheet, right of it the sheet
without runs. In a plane the later may cross the earlier, so trails are drawn record by record;
matrices are coloured anew. What is hidden at a moment is exactly what the runs do after it; phases,
verdict and what theory says stand from the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, NamedTuple, Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from simcore.export import pictures
from simcore.export.sheet import CLOCK, Sheet
from simcore.export.views import Place
from simcore.figures import parts, style
from simcore.figures.clock import places, reference
from simcore.figures.scene import HeatPanel, PlanePanel, Run, Scene, thin
from simcore.figures.stills import heat, plane

FINER = 3  # a plane is drawn so many times as large
HEAD = 4.0  # units: radius of the point where a trail is


class Box(NamedTuple):
    """Pixels of a frame: columns from left to right, rows from top to bottom, ends left out."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def cells(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)


class Moment(NamedTuple):
    """Where on the axis of time a frame is: as a part of it, and the place."""

    part: float
    place: float


class Piece(Protocol):
    """Something on the sheet that changes with time."""

    def show(self, frame: np.ndarray, moment: Moment) -> Box | None:
        """Draw it as it is at the moment; which pixels may have changed."""


class Stage:
    """The sheet as a frame (H, W, 3) of bytes, and how it looks at any moment, in their order."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.empty = _pixels(sheet.picture(without=(parts.RUN, parts.END, parts.MARK)))
        self.full = _pixels(sheet.picture(without=(parts.END, parts.MARK)))
        self.above = _pixels(sheet.marks(parts.MARK), "RGBA")
        self.words = _pixels(sheet.marks(parts.END), "RGBA")
        self.frame = self.empty.copy()
        _lay_over(self.frame, self.above)
        self.pieces = [*self._pieces()]

    def _pieces(self) -> Iterator[Piece]:
        sheet = self.sheet
        scene = thin(sheet.scene)
        for view in sheet.views:
            box = _box(view.plot, sheet.scale)
            if isinstance(view.panel, PlanePanel):
                yield _Plane(self, scene, view.panel, box)
            elif isinstance(view.panel, HeatPanel):
                inside = box._replace(right=box.right - 1, bottom=box.bottom - 1)  # of the axes
                yield _Maps(self, sheet.scene, view.panel, inside)
            else:
                yield _Wipe(self, box)
        if sheet.strip.height:
            yield _Wipe(self, _box(sheet.strip, sheet.scale))
        yield _Clock(self)

    def at(self, part: float) -> list[Box]:
        """Move on to this part of the axis of time; which pixels may have changed."""
        place = np.inf if part >= 1 else self.sheet.span.place(part)
        moment = Moment(part, place)
        return [box for each in self.pieces if (box := each.show(self.frame, moment))]

    def end(self) -> list[Box]:
        """The finished sheet: what is said where runs end."""
        _lay_over(self.frame, self.words)
        height, width = self.frame.shape[:2]
        return [Box(0, 0, width, height)]

    def colour(self, shade: style.Shade) -> tuple[int, int, int]:
        return _rgb(shade.dark if self.sheet.dark else shade.light)

    def ramp(self, shades: Sequence[style.Shade], at: np.ndarray) -> np.ndarray:
        """Colours of a scale at parts of it, (..., 3); in its middle where there is none."""
        stops = np.array([self.colour(shade) for shade in shades], dtype=float)
        where = np.clip(np.nan_to_num(at, nan=0.5), 0, 1)
        parts_ = [np.interp(where, np.linspace(0, 1, len(stops)), stops[:, c]) for c in range(3)]
        return np.stack(parts_, axis=-1)

    def clock(self, moment: Moment) -> str:
        """Which step or time it is."""
        place = min(moment.place, self.sheet.span.last)
        if self.sheet.axis == "step":
            return f"step {int(place + 1e-9):,}"
        return f"t = {style.short(place)}"


class _Wipe:
    """Columns of the finished sheet up to the cursor, a thin line."""

    def __init__(self, stage: Stage, box: Box) -> None:
        self.stage, self.box = stage, box
        self.shown = box.left
        self.width = max(1, int(stage.sheet.scale))

    def show(self, frame: np.ndarray, moment: Moment) -> Box:
        left, top, right, bottom = self.box
        reached = left + round(moment.part * (right - left))
        changed = Box(max(left, self.shown - self.width), top, reached, bottom)
        frame[changed.cells] = self.stage.full[changed.cells]
        self.shown = reached
        if moment.part < 1:
            cursor = Box(reached - self.width, top, reached, bottom)
            cursor = cursor._replace(left=max(left, cursor.left))
            frame[cursor.cells] = self.stage.colour(style.MUTED)
        return changed


class _Plane:
    """Trails, record by record, and a point where each of them is."""

    def __init__(self, stage: Stage, scene: Scene, panel: PlanePanel, box: Box) -> None:
        self.stage, self.box = stage, box
        base = Image.fromarray(stage.empty[box.cells])
        self.canvas = base.resize(
            (base.width * FINER, base.height * FINER), Image.Resampling.NEAREST
        )
        self.pen = ImageDraw.Draw(self.canvas, "RGBA")
        runs = {run.name: run for run in scene.runs}
        domain = panel.limits or plane.square(panel, runs)
        latest = max(float(runs[trail.run].columns["t"][-1]) for trail in panel.trails) or 1.0
        self.trails = [
            self._trail(runs[trail.run], trail.x, trail.y, domain, latest, scene)
            for trail in panel.trails
        ]
        self.heads: list[tuple[float, float]] = []

    def _trail(
        self,
        run: Run,
        x: str,
        y: str,
        domain: tuple[float, float],
        latest: float,
        scene: Scene,
    ) -> _Trail:
        first, second = (np.asarray(run.columns[name], dtype=float) for name in (x, y))
        size = self.canvas.size
        across = (first - domain[0]) / (domain[1] - domain[0]) * size[0]
        up = (1 - (second - domain[0]) / (domain[1] - domain[0])) * size[1]
        return _Trail(
            np.clip(np.column_stack([across, up]), -(10.0**5), 10.0**5),
            places(run, self.stage.sheet.axis, reference(scene.runs)),
            self.stage.ramp(style.PLASMA, np.asarray(run.columns["t"], dtype=float) / latest),
            run.stroke != "points",
            plane.dots(first, second, domain)
            if run.stroke == "dotted"
            else np.ones(len(run), dtype=bool),
        )

    def show(self, frame: np.ndarray, moment: Moment) -> Box | None:
        scale = self.stage.sheet.scale * FINER
        touched = [*self.heads]
        self.heads = []
        for trail in self.trails:
            touched += trail.draw(self.pen, moment.place, scale)
            if trail.done and np.isfinite(trail.points[trail.done - 1]).all():
                self.heads.append(tuple(trail.points[trail.done - 1]))
        return self._patch(frame, touched + self.heads, scale, moment.part < 1)

    def _patch(
        self, frame: np.ndarray, touched: list[tuple[float, float]], scale: float, going: bool
    ) -> Box | None:
        """Bring what was drawn at these points to the frame, with the heads above it."""
        if not touched:
            return None
        room = int(np.ceil((HEAD + 2) * scale))
        low = np.clip(np.min(touched, axis=0) - room, 0, self.canvas.size) // FINER
        high = -(-np.clip(np.max(touched, axis=0) + room, 0, self.canvas.size) // FINER)
        (left, top), (right, bottom) = low.astype(int).tolist(), high.astype(int).tolist()
        if left >= right or top >= bottom:
            return None
        part = self.canvas.crop((left * FINER, top * FINER, right * FINER, bottom * FINER))
        if going:
            self._draw_heads(part, (left * FINER, top * FINER), scale)
        box = Box(
            self.box.left + left, self.box.top + top, self.box.left + right, self.box.top + bottom
        )
        frame[box.cells] = np.asarray(part.reduce(FINER))
        _lay_over(frame[box.cells], self.stage.above[box.cells])
        return box

    def _draw_heads(self, part: Any, origin: tuple[int, int], scale: float) -> None:
        pen = ImageDraw.Draw(part)
        for x, y in self.heads:
            _disc(pen, x - origin[0], y - origin[1], HEAD * scale, self.stage.colour(style.PAGE))
            _disc(pen, x - origin[0], y - origin[1], 0.7 * HEAD * scale, self._ink())

    def _ink(self) -> tuple[int, int, int]:
        return self.stage.colour(style.INK)


class _Trail:
    """A run in a plane: points (K, 2) on the canvas, when each is reached, and its colour."""

    def __init__(
        self,
        points: np.ndarray,
        when: np.ndarray,
        colours: np.ndarray,
        smooth: bool,
        drawn: np.ndarray,
    ) -> None:
        self.points, self.when, self.colours = points, when, colours
        self.smooth, self.drawn = smooth, drawn
        self.done = 0

    def draw(self, pen: Any, place: float, scale: float) -> list[tuple[float, float]]:
        """All records up to a place that are not yet drawn; the points they touch."""
        until = int(np.searchsorted(self.when, place, side="right"))
        begin = max(self.done - 1, 0)
        for k in range(self.done, until):
            self._record(pen, k, scale)
        fresh = self.points[begin:until] if until > self.done else self.points[:0]
        self.done = max(self.done, until)
        return [tuple(point) for point in fresh[np.isfinite(fresh).all(axis=1)]]

    def _record(self, pen: Any, k: int, scale: float) -> None:
        width, opacity = plane.SMOOTH if self.smooth else plane.JOIN
        colour = tuple(int(c) for c in self.colours[k])
        here, before = self.points[k], self.points[max(k - 1, 0)]
        if k and self.drawn[k] and np.isfinite([here, before]).all():
            ends = [tuple(before), tuple(here)]
            pen.line(ends, fill=(*colour, round(255 * opacity)), width=max(1, round(width * scale)))
        if not self.smooth and np.isfinite(here).all():
            radius, opacity = plane.DISC
            _disc(pen, here[0], here[1], radius * scale, (*colour, round(255 * opacity)))


class _Maps:
    """Matrices at the last record up to the moment."""

    def __init__(self, stage: Stage, scene: Scene, panel: HeatPanel, box: Box) -> None:
        (run,) = (run for run in scene.runs if run.name == panel.run)
        stack = np.asarray(run.maps[panel.maps])
        self.stack, self.limit = heat.cut(stack), heat.limit(panel, stack)
        self.when = places(run, stage.sheet.axis, reference(scene.runs))
        self.stage, self.box = stage, box
        grid = heat.Grid(*self.stack.shape[1:])
        across = (np.arange(box.right - box.left) + 0.5) / (box.right - box.left) * grid.width
        down = (np.arange(box.bottom - box.top) + 0.5) / (box.bottom - box.top)
        down = down * (grid.rows + grid.head) - grid.head
        self.which = np.minimum((across // grid.pitch).astype(int), grid.matrices - 1)
        self.column = (across - self.which * grid.pitch).astype(int)
        self.row = np.floor(down).astype(int)
        self.inside = (self.row >= 0)[:, None] & (self.column < grid.cols)[None]
        self.record = -1

    def show(self, frame: np.ndarray, moment: Moment) -> Box | None:
        record = max(int(np.searchsorted(self.when, moment.place, side="right")) - 1, 0)
        if record == self.record:
            return None
        self.record = record
        entries = self.stack[record]
        colours = self.stage.ramp(style.DIVERGING, (entries / self.limit + 1) / 2)
        rows = np.clip(self.row, 0, entries.shape[1] - 1)[:, None]
        columns = np.minimum(self.column, entries.shape[2] - 1)[None]
        cells = colours[self.which[None], rows, columns].astype(np.uint8)
        behind = self.stage.empty[self.box.cells]
        frame[self.box.cells] = np.where(self.inside[..., None], cells, behind)
        return self.box


class _Clock:
    """Which step it is, in the middle over the phases: beside a cursor that moves, its letters
    would be a fifth of a GIF."""

    def __init__(self, stage: Stage) -> None:
        sheet = stage.sheet
        self.stage = stage
        letter = round(0.8 * sheet.scale * CLOCK)
        self.font = ImageFont.load_default(letter)
        strip = _box(sheet.strip, sheet.scale)
        said = [stage.clock(Moment(part, sheet.span.place(part))) for part in np.linspace(0, 1, 99)]
        wide = int(max(map(self.font.getlength, said))) + 8
        left = (sheet.size[0] - wide) // 2
        top = strip.top - round(CLOCK * sheet.scale)
        self.box = Box(left, top, left + wide, strip.top)
        self.said = ""

    def show(self, frame: np.ndarray, moment: Moment) -> Box | None:
        words = self.stage.clock(moment)
        if words == self.said:
            return None
        self.said = words
        behind = Image.fromarray(self.stage.empty[self.box.cells])
        ink = self.stage.colour(style.INK)
        ImageDraw.Draw(behind).text((0, 0), words, font=self.font, fill=ink)
        frame[self.box.cells] = np.asarray(behind)
        return self.box


# --- Pixels ----------------------------------------------------------------------------------


def _pixels(picture: str, mode: str = "RGB") -> np.ndarray:
    image = Image.open(BytesIO(pictures.raster(picture)))
    return np.array(image.convert(mode))


def _box(place: Place, scale: float) -> Box:
    ends = (place.left, place.top, place.left + place.width, place.top + place.height)
    left, top, right, bottom = (round(end * scale) for end in ends)
    return Box(left, top, right + 1, bottom + 1)


def _lay_over(frame: np.ndarray, layer: np.ndarray) -> None:
    """A layer (h, w, 4) on pixels (h, w, 3), in place."""
    seen = layer[..., 3] > 0
    if seen.any():
        part = layer[seen][:, 3:].astype(float) / 255
        frame[seen] = np.rint(frame[seen] * (1 - part) + layer[seen][:, :3] * part)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _disc(pen: Any, x: float, y: float, radius: float, colour: tuple[int, ...]) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
