"""What a picture of runs shows: columns over records, and the panels that draw them.

Nouns of the pictures: `panels` makes a `Scene` of runs, and two renderers draw it, the player on a
canvas and `charts.still` with Altair. A `Run` is a table of columns over its K records; a panel
names columns, theory's levels, curves and marks. The clock is t (t = eta * step), so runs with
different record times share an axis: at clock time t a run shows its last record at or before t;
smooth runs are interpolated.

Encoding (the values come from `style`): `colour` is a pathway index or a role; descent is drawn as
points joined faintly, `theory=True` dashed, flow thin, central flow dotted; time colours a trail;
maps are diverging about zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np

from simcore.caption import Caption
from simcore.checks import require
from simcore.figures.style import ENDS, ROLES, Colour

MAX_RECORDS = 2000

Axis = Literal["time", "step"]
Shape = Literal["circle", "square", "diamond", "star"]
Phase = tuple[str, float, float]

_STROKES = ("points", "thin", "dotted")
_SHAPES = get_args(Shape)
_SCALES = ("linear", "log")


@dataclass(frozen=True)
class Notice:
    """What must be known of a run from one t to another: in a few words where they are passed, and
    in a sentence where the pointer rests on their mark."""

    label: str
    words: str
    begins: float
    ends: float


@dataclass(frozen=True)
class Change:
    """An event of a run at time t: in a few words beside its mark, and in full where the pointer
    rests on it."""

    label: str
    words: str
    t: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """One trajectory: columns over K records.

    columns: name -> (K,); "step" and "t" are required and must not decrease. They say which step is
    when: the step size is asked of nobody, and may change along the run.
    stroke: as `Dynamics.stroke`: "points" joined faintly, each at its own step; or a "thin" or
    "dotted" line, read between records too.
    maps: name -> (K, M, rows, cols), M matrices per record drawn side by side by a `HeatPanel`.
    phases: (name, begins, ends) in t, each up to the next.
    notices: of stretches of time, marked where each begins.
    changes: of the rules while it lasts, marked on the axis of time.
    end: what became of it, a key of `style.ENDS`; the colour of its phase "settled".
    sign: a letter set along its lines, if there are several runs of a kind.
    """

    name: str
    columns: Mapping[str, np.ndarray]
    stroke: Literal["points", "thin", "dotted"] = "points"
    label: str = ""
    phases: Sequence[Phase] = ()
    notices: Sequence[Notice] = ()
    changes: Sequence[Change] = ()
    end: str = ""
    sign: str = ""
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        who = f"run {self.name!r}"
        require(bool(self.name), "a run needs a name, got an empty one; give it one such as 'GD'")
        _one_of(f"stroke of {who}", self.stroke, _STROKES)
        _one_of(f"end of {who}", self.end, ("", *ENDS))
        for name in ("step", "t"):
            require(
                name in self.columns,
                f"{who} needs a column {name!r}, got {sorted(self.columns)}; add it",
            )
        count = len(self.columns["step"])
        require(count > 0, f"{who} needs at least one record, got none; record the start")
        for name, column in self.columns.items():
            require(
                np.shape(column) == (count,),
                f"column {name!r} of {who} needs shape ({count},) like 'step', "
                f"got {np.shape(column)}; give one value per record",
            )
        for name in ("step", "t"):
            clock = np.asarray(self.columns[name], dtype=float)
            require(
                bool(np.isfinite(clock).all() and (np.diff(clock) >= 0).all()),
                f"column {name!r} of {who} must be finite and must not decrease; "
                "sort the records by time",
            )
        for name, stack in self.maps.items():
            require(
                np.ndim(stack) == 4 and len(stack) == count,
                f"maps {name!r} of {who} need shape ({count}, M, rows, cols), "
                f"got {np.shape(stack)}; give M matrices per record",
            )

    def __len__(self) -> int:
        return len(self.columns["step"])


@dataclass(frozen=True)
class Line:
    """A column against time. `low` and `high` name columns with the range since the record before.
    One without a label is not in the legend. `pen` is the run in whose pen it is drawn, if it is
    not that in whose records it is.

    colour: a pathway index (its hue) or a role of `style.py`; mode 1, 2, ... is drawn paler.
    """

    run: str
    column: str
    label: str
    colour: Colour = "ink"
    mode: int = 0
    theory: bool = False
    low: str | None = None
    high: str | None = None
    pen: str | None = None


@dataclass(frozen=True)
class Level:
    """A horizontal line, such as a target."""

    value: float
    label: str
    role: Colour = "muted"


@dataclass(frozen=True)
class Mark:
    """A mark that stands still; hollow ones are ghosts (predicted ends).

    In a series panel x is clock time t, and None means the right end of the axis. `note` is said of
    it where the pointer rests. One `of_step_size` goes where the step size moves.
    """

    x: float | None
    y: float
    label: str
    shape: Shape = "circle"
    colour: Colour = "ink"
    hollow: bool = True
    note: str = ""
    of_step_size: bool = False


@dataclass(frozen=True)
class Curve:
    """A theory curve in the plane; points (N, 2) as pairs."""

    points: Sequence[tuple[float, float]]
    label: str
    role: Colour = "ink"


@dataclass(frozen=True, eq=False, kw_only=True)
class Ground:
    """A quantity at every point of the square [low, high]^2 behind a plane, coloured by where it is
    between 0 and twice the `level`, which has the colour of the page.

    values: (N, N) at evenly spaced places, rows along y; what is not finite is not coloured.
    symbol: of the level, as in legends.
    """

    values: np.ndarray
    low: float
    high: float
    level: float
    symbol: str

    @property
    def label(self) -> str:
        """What its colours mean."""
        return f"λ: blue below, red above {self.symbol} = {self.level:.4g}"


@dataclass(frozen=True, kw_only=True)
class Streams:
    """Lines behind a plane along which something flows, each of points (N, 2); arrows (x, y, way)
    that say whereto, the way as an angle in radians from the axis of x; `divide` parts lines that
    end on different sides."""

    lines: Sequence[Sequence[tuple[float, float]]]
    label: str
    arrows: Sequence[tuple[float, float, float]] = ()
    divide: Sequence[tuple[float, float]] = ()
    divide_label: str = ""


@dataclass(frozen=True)
class Trail:
    """A run in the plane: columns x and y, coloured by time."""

    run: str
    x: str
    y: str
    label: str


@dataclass(frozen=True, kw_only=True)
class SeriesPanel:
    """Lines against time. `scale` is where the reader starts; the page can switch it. `least` is
    the smallest range that a linear axis shows: what differs by less is rounding."""

    title: str
    lines: Sequence[Line]
    label: str = ""
    scale: Literal["linear", "log"] = "linear"
    levels: Sequence[Level] = ()
    marks: Sequence[Mark] = ()
    limits: tuple[float, float] | None = None
    least: float = 0.0
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class PlanePanel:
    """Trails in a plane, e.g. (sigma_11, sigma_21); one unit is as long on both axes."""

    title: str
    trails: Sequence[Trail]
    x_label: str = ""
    y_label: str = ""
    curves: Sequence[Curve] = ()
    marks: Sequence[Mark] = ()
    limits: tuple[float, float] | None = None
    ground: Ground | None = None
    streams: Streams | None = None
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class HeatPanel:
    """M matrices of one map stack side by side on one diverging scale from -limit to limit.

    limit None means the largest absolute value over the whole run; `colours` are those of the
    titles, one per matrix, or none.
    """

    title: str
    run: str
    maps: str
    titles: Sequence[str] = ()
    row_label: str = ""
    col_label: str = ""
    limit: float | None = None
    colours: Sequence[Colour] = ()
    key: str = ""


Panel = SeriesPanel | PlanePanel | HeatPanel


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """Runs and panels on one clock.

    columns: panels side by side where there is room. seconds: the whole run at speed 1.
    plays: whether it begins to play when it is first shown, unless the reader wants less motion.
    only_plays: whether the reader is offered no more than the keys of time, for a page whose words
    lead; the clock then counts steps alone.
    height: of a panel in CSS pixels. note: one line below the panels. words: what a phase is, by
    its name, shown when the pointer rests on it. missing: why a panel that was asked for is not
    there, by its key.
    time: whether time is laid out evenly or by decades, which shows the early events of a long run;
    the page can switch it.
    view: what the player shows at first, axis, time, strobe, logs, zoom, cursor (see
    `View.of_player`); it is no part of the picture's identity.
    report: tell Python of the view after a pause, a seek or a change of it.
    caption: what its files say of it; like the view, no part of the picture's identity.
    live: what the player needs to run the first run at another step size (see `simcore.live`), or
    None where it cannot.
    """

    runs: Sequence[Run]
    panels: Sequence[Panel]
    missing: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    columns: int = 2
    height: int = 280
    seconds: float = 12.0
    plays: bool = False
    only_plays: bool = False
    time: Literal["linear", "log"] = "linear"
    view: Mapping[str, Any] = field(default_factory=dict)
    report: bool = False
    caption: Caption = field(default_factory=Caption)
    live: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        names = [run.name for run in self.runs]
        require(bool(names), "a scene needs at least one run, got none; pass runs=(Run(...),)")
        require(
            len(set(names)) == len(names),
            f"runs need different names, got {names}; rename one",
        )
        require(bool(self.panels), "a scene needs at least one panel, got none; pass panels=(...)")
        require(
            self.columns >= 1 and self.height >= 160 and self.seconds > 0,
            "a scene needs columns >= 1, height >= 160 and seconds > 0, "
            f"got {self.columns}, {self.height} and {self.seconds}; change them",
        )
        _one_of("time of a scene", self.time, _SCALES)
        runs = {run.name: run for run in self.runs}
        for panel in self.panels:
            _check_panel(panel, runs)


def _check_panel(panel: Panel, runs: Mapping[str, Run]) -> None:
    where = f"panel {panel.title!r}"
    if isinstance(panel, SeriesPanel):
        require(bool(panel.lines), f"{where} needs at least one line, got none; add a Line")
        _one_of(f"scale of {where}", panel.scale, _SCALES)
        for line in panel.lines:
            _check_colour(where, line.colour)
            require(
                (line.low is None) == (line.high is None),
                f"line {line.label!r} of {where} needs both low and high, or neither; "
                f"got {line.low!r} and {line.high!r}",
            )
            for column in (line.column, line.low, line.high):
                if column is not None:
                    _column(where, runs, line.run, column)
        for level in panel.levels:
            _check_colour(where, level.role)
    elif isinstance(panel, PlanePanel):
        require(bool(panel.trails), f"{where} needs at least one trail, got none; add a Trail")
        for trail in panel.trails:
            _column(where, runs, trail.run, trail.x)
            _column(where, runs, trail.run, trail.y)
        for curve in panel.curves:
            _check_colour(where, curve.role)
            require(
                np.ndim(curve.points) == 2 and np.shape(curve.points)[1] == 2,
                f"curve {curve.label!r} of {where} needs points of shape (N, 2), "
                f"got {np.shape(curve.points)}; give pairs (x, y)",
            )
        if panel.ground is not None:
            _check_ground(where, panel.ground)
    else:
        _column(where, runs, panel.run, panel.maps, kind="maps")
        count = np.shape(runs[panel.run].maps[panel.maps])[1]
        require(
            len(panel.titles) in (0, count),
            f"{where} needs {count} titles, one per matrix, or none; got {len(panel.titles)}",
        )
        require(
            len(panel.colours) in (0, count),
            f"{where} needs {count} colours, one per matrix, or none; got {len(panel.colours)}",
        )
        for colour in panel.colours:
            _check_colour(where, colour)
        require(
            panel.limit is None or (np.isfinite(panel.limit) and panel.limit > 0),
            f"{where} needs a positive limit, got {panel.limit}; pass None to take it from the run",
        )
    for mark in getattr(panel, "marks", ()):
        _check_colour(where, mark.colour)
        _one_of(f"shape of mark {mark.label!r} in {where}", mark.shape, _SHAPES)
        require(
            mark.x is not None or isinstance(panel, SeriesPanel),
            f"mark {mark.label!r} of {where} needs an x in a plane, got None; give both x and y",
        )
    limits = getattr(panel, "limits", None)
    require(
        limits is None or (np.isfinite(limits).all() and limits[0] < limits[1]),
        f"limits of {where} must be two increasing numbers, got {limits}; swap or drop them",
    )


def _check_ground(where: str, ground: Ground) -> None:
    shape = np.shape(ground.values)
    require(
        len(shape) == 2 and shape[0] == shape[1] >= 2,
        f"the ground of {where} needs a square of values, got shape {shape}; give (N, N)",
    )
    require(
        ground.low < ground.high and ground.level > 0,
        f"the ground of {where} needs low < high and a positive level, "
        f"got {ground.low}, {ground.high} and {ground.level}; change them",
    )


def _column(
    where: str, runs: Mapping[str, Run], run: str, column: str, kind: str = "columns"
) -> None:
    require(run in runs, f"{where} names run {run!r}, but the runs are {list(runs)}; use one")
    known = getattr(runs[run], kind)
    require(
        column in known,
        f"{where} names {column!r}, but the {kind} of run {run!r} are {sorted(known)}; use one",
    )


def _check_colour(where: str, colour: Colour) -> None:
    require(
        colour >= 0 if isinstance(colour, int) else colour in ROLES,
        f"a colour in {where} must be a pathway index >= 0 or one of {tuple(ROLES)}, "
        f"got {colour!r}",
    )


def _one_of(what: str, value: str, allowed: Sequence[str]) -> None:
    require(value in allowed, f"{what} must be one of {tuple(allowed)}, got {value!r}; choose one")


# ---------------------------------------------------------------------------------------------
# Thinning
# ---------------------------------------------------------------------------------------------


def odd_stride(count: int, limit: int = MAX_RECORDS) -> int:
    """Smallest odd stride that keeps at most `limit` of `count` records, the last one included.

    Odd, because every second iterate of a period-2 oscillation looks like a constant.
    """
    require(limit >= 2, f"limit must be at least 2 to keep both ends, got {limit}; raise it")
    stride = 1
    while len(kept_records(count, stride)) > limit:
        stride = max(stride + 2, (count // limit) | 1)
    return stride


def kept_records(count: int, stride: int) -> np.ndarray:
    """Indices 0, stride, 2 stride, ... and the last record."""
    kept = np.arange(0, count, stride)
    return kept if kept[-1] == count - 1 else np.append(kept, count - 1)


def merge_ranges(
    low: np.ndarray, high: np.ndarray, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest low and largest high over each kept record and the dropped ones before it."""
    starts = np.append(0, kept[:-1] + 1)
    return np.fmin.reduceat(low, starts), np.fmax.reduceat(high, starts)


def thin(scene: Scene, limit: int = MAX_RECORDS) -> Scene:
    """The scene with at most `limit` records per run.

    Kept are every `odd_stride`-th record and the last. Each line of a thinned run gets a band from
    the smallest to the largest dropped value, so nothing that happened is hidden; `Scene.note` says
    what was dropped. A scene that is small enough comes back unchanged.
    """
    strides = {run.name: odd_stride(len(run), limit) for run in scene.runs}
    if all(stride == 1 for stride in strides.values()):
        return scene
    columns: dict[str, dict[str, np.ndarray]] = {}
    runs = []
    for run in scene.runs:
        kept = kept_records(len(run), strides[run.name])
        columns[run.name] = {name: np.asarray(c)[kept] for name, c in run.columns.items()}
        maps = {name: np.asarray(stack)[kept] for name, stack in run.maps.items()}
        runs.append(replace(run, columns=columns[run.name], maps=maps))
    originals = {run.name: run for run in scene.runs}

    def banded(line: Line) -> Line:
        if strides[line.run] == 1:
            return line
        run, low, high = originals[line.run], f"{line.column}|low", f"{line.column}|high"
        low_values, high_values = merge_ranges(
            np.asarray(run.columns[line.low or line.column]),
            np.asarray(run.columns[line.high or line.column]),
            kept_records(len(run), strides[line.run]),
        )
        columns[line.run] |= {low: low_values, high: high_values}
        return replace(line, low=low, high=high)

    panels = [
        replace(panel, lines=tuple(banded(line) for line in panel.lines))
        if isinstance(panel, SeriesPanel)
        else panel
        for panel in scene.panels
    ]
    notes = [
        f"{run.label or run.name}: every {_ordinal(strides[run.name])} of {len(run):,} records is "
        "drawn, bands show the range between."
        for run in scene.runs
        if strides[run.name] > 1
    ]
    note = " ".join(filter(None, [scene.note, *notes]))
    return replace(scene, runs=tuple(runs), panels=tuple(panels), note=note)


def _ordinal(number: int) -> str:
    tail = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10)
    return f"{number}{tail or 'th'}"
