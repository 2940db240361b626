"""The player: a finished run as a scene that the browser plays.

A picture: a pure function of arrays, with no Streamlit and no kernels. A `Scene` names runs (tables
of columns over records) and the panels to draw; `payload` packs it for `st.components.v2`, and
`standalone` packs the same bytes into one HTML file that plays offline.

    scene = Scene(
        runs=(Run(name="GD", dynamics="descent", step_size=2 / 13, columns={...}),),
        panels=(SeriesPanel(title="Strengths", lines=(Line("GD", "s11", "σ₁₁", colour=0),)),),
    )
    mount = st.components.v2.component("run_player", html=HTML, css=CSS, js=JS)   # once
    mount(key="player", data=payload(scene), on_cursor_change=lambda: None)

The clock is t (t = eta * step), so runs with different record times share
an axis: at clock time t a run shows its last record at or before t; flows are interpolated.

Encoding (DESIGN.md; the values come from `style.py` with the scene): `colour` is a pathway index or
a role; gradient descent is drawn as points joined faintly, `theory=True` dashed, flow thin, central
flow dotted; time colours a trail; maps are diverging about zero.

What `payload` returns (all shapes with K records):

    {"scene": {... JSON ..., "hash": str},
     "run0": pyarrow.Table(step float64, t float64, every used column float32; K rows),
     "run0.maps": pyarrow.Table(one float32 column per map stack, flattened), ...}

The browser sends nothing while it plays. With `Scene(report=True)` it sets the state value
`cursor = {"t": float, "step": int | None}` after a pause or a seek.
"""

from __future__ import annotations

import base64
import hashlib
import html as html_text
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from simcore.checks import require
from simcore.figures import style

MAX_RECORDS = 2000
MAX_MAP_VALUES = 1_000_000  # about 4 MB of float32 in the browser

_HERE = Path(__file__).parent
HTML = (_HERE / "player.html").read_text(encoding="utf-8")
CSS = (_HERE / "player.css").read_text(encoding="utf-8")
JS = "\n".join(
    (_HERE / f"{name}.js").read_text(encoding="utf-8")
    for name in ("player_ink", "player_panels", "player")
)

Colour = int | str
Phase = tuple[str, int, int]

_DYNAMICS = ("descent", "flow", "central")
_ROLES = ("ink", "muted", "edge", "theory")
_SHAPES = ("circle", "square", "diamond", "star")
_SCALES = ("linear", "log")


_STYLE = {
    "hues": style.HUES,
    "muted": style.MUTED,
    "edge": style.EDGE,
    "theory": style.THEORY,
    "plasma": style.PLASMA,
    "diverging": style.DIVERGING,
    "dash": {
        "theory": style.THEORY_DASH,
        "central": style.CENTRAL_DASH,
        "faint": style.FAINT_DASH,
    },
    "dashes": [() if dash == style.SOLID else dash for dash in style.DASHES],
    "width": {
        "descent": style.WIDTHS["Descent"],
        "flow": style.WIDTHS["Flow"],
        "central": style.WIDTHS["CentralFlow"],
        "theory": style.THEORY_WIDTH,
    },
}


# ---------------------------------------------------------------------------------------------
# The scene
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """One trajectory: columns over K records.

    columns: name -> (K,); "step" and "t" are required and must not decrease.
    maps: name -> (K, M, rows, cols), M matrices per record drawn side by side by a `HeatPanel`.
    phases: (name, first_step, last_step) in steps of this run, as `regimes.phases` gives them.
    step_size: eta, required for "descent"; None where the run has none.
    """

    name: str
    columns: Mapping[str, np.ndarray]
    dynamics: Literal["descent", "flow", "central"] = "descent"
    label: str = ""
    step_size: float | None = None
    phases: Sequence[Phase] = ()
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        who = f"run {self.name!r}"
        require(bool(self.name), "a run needs a name, got an empty one; give it one such as 'GD'")
        _one_of(f"dynamics of {who}", self.dynamics, _DYNAMICS)
        eta = self.step_size
        require(
            eta is None or (np.isfinite(eta) and eta > 0),
            f"{who} needs a positive step_size, got {eta}; pass eta, or None for a flow",
        )
        require(
            eta is not None or self.dynamics != "descent",
            f"{who} is a descent and needs its step_size to place steps on the clock, got None; "
            "pass eta",
        )
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
    One without a label is not in the legend.

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


@dataclass(frozen=True)
class Level:
    """A horizontal line, such as the edge 2/eta."""

    value: float
    label: str
    role: Colour = "edge"


@dataclass(frozen=True)
class Mark:
    """A mark that stands still; hollow ones are ghosts (predicted ends).

    In a series panel x is clock time t, and None means the right end of the axis.
    """

    x: float | None
    y: float
    label: str
    shape: Literal["circle", "square", "diamond", "star"] = "circle"
    colour: Colour = "ink"
    hollow: bool = True


@dataclass(frozen=True)
class Curve:
    """A theory curve in the plane; points (N, 2) as pairs."""

    points: Sequence[tuple[float, float]]
    label: str
    role: Colour = "ink"


@dataclass(frozen=True)
class Trail:
    """A run in the plane: columns x and y, coloured by time."""

    run: str
    x: str
    y: str
    label: str


@dataclass(frozen=True, kw_only=True)
class SeriesPanel:
    """Lines against time. `scale` is where the reader starts; the page can switch it."""

    title: str
    lines: Sequence[Line]
    label: str = ""
    scale: Literal["linear", "log"] = "linear"
    levels: Sequence[Level] = ()
    marks: Sequence[Mark] = ()
    limits: tuple[float, float] | None = None


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


@dataclass(frozen=True, kw_only=True)
class HeatPanel:
    """M matrices of one map stack side by side on one diverging scale from -limit to limit.

    limit None means the largest absolute value over the whole run.
    """

    title: str
    run: str
    maps: str
    titles: Sequence[str] = ()
    row_label: str = ""
    col_label: str = ""
    limit: float | None = None


Panel = SeriesPanel | PlanePanel | HeatPanel


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """Runs and panels on one clock.

    columns: panels side by side where there is room. seconds: the whole run at speed 1.
    height: of a panel in CSS pixels. note: one line below the panels. words: what a phase is, by
    its name, shown when the pointer rests on it.
    report: send the cursor to Python after a pause or a seek.
    """

    runs: Sequence[Run]
    panels: Sequence[Panel]
    note: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    columns: int = 2
    height: int = 280
    seconds: float = 12.0
    report: bool = False

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
    else:
        _column(where, runs, panel.run, panel.maps, kind="maps")
        count = np.shape(runs[panel.run].maps[panel.maps])[1]
        require(
            len(panel.titles) in (0, count),
            f"{where} needs {count} titles, one per matrix, or none; got {len(panel.titles)}",
        )
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
        colour >= 0 if isinstance(colour, int) else colour in _ROLES,
        f"a colour in {where} must be a pathway index >= 0 or one of {_ROLES}, got {colour!r}",
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


# ---------------------------------------------------------------------------------------------
# Packing
# ---------------------------------------------------------------------------------------------


def payload(scene: Scene) -> dict[str, Any]:
    """`data=` for the component: the thinned scene as JSON beside one Arrow table per run.

    The hash covers every byte, so that the page keeps its cursor and layers across reruns and
    notices a new run.
    """
    description, tables = _pack(scene)
    return {"scene": description, **{name: pa.table(table) for name, table in tables.items()}}


def standalone(scene: Scene, title: str = "Run player") -> str:
    """One HTML page with html, css, js and base64 data inside; it plays offline."""
    description, tables = _pack(scene)
    packed = {
        name: {column: _base64(values) for column, values in table.items()}
        for name, table in tables.items()
    }
    data = json.dumps({"scene": description, **packed}, allow_nan=False).replace("<", "\\u003c")
    name = html_text.escape(title)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>
{_PAGE_CSS}
{CSS}
</style>
</head>
<body>
<main>
<h1>{name}</h1>
{HTML}
</main>
<script type="application/json" id="run-data">{data}</script>
<script type="module">
{JS}
player({{
  parentElement: document.querySelector("main"),
  data: unpack(JSON.parse(document.querySelector("#run-data").textContent)),
}});
</script>
</body>
</html>
"""


# The variables Streamlit sets around a component, for a page without Streamlit.
_PAGE_CSS = """:root {
  color-scheme: light dark;
  --st-font: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  --st-background-color: #ffffff;
  --st-secondary-background-color: #f0f2f6;
  --st-text-color: #31333f;
  --st-border-color: #d5d6da;
  --st-primary-color: #0072b2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --st-background-color: #0e1117;
    --st-secondary-background-color: #262730;
    --st-text-color: #fafafa;
    --st-border-color: #3b3d45;
    --st-primary-color: #56b4e9;
  }
}
body { margin: 0; background: var(--st-background-color); color: var(--st-text-color); }
main { max-width: 1400px; margin: 0 auto; padding: 12px 16px; font-family: var(--st-font); }
h1 { margin: 0 0 8px; font-size: 20px; font-weight: 600; }"""


def _pack(scene: Scene) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    scene = thin(scene)
    number = {run.name: index for index, run in enumerate(scene.runs)}
    wanted = _wanted(scene)
    tables: dict[str, dict[str, np.ndarray]] = {}
    runs = []
    for index, run in enumerate(scene.runs):
        tables[f"run{index}"] = {
            # Parity and "at or before" must survive the trip, so the clock stays in double.
            "step": np.asarray(run.columns["step"], dtype=np.float64),
            "t": np.asarray(run.columns["t"], dtype=np.float64),
        } | {
            name: _float32(run.columns[name])
            for name in sorted(wanted[run.name] - {"step", "t"})
            if name in run.columns
        }
        used = [name for name in run.maps if name in wanted[run.name]]
        maps, tables_of_maps = _pack_maps(run, used)
        if maps:
            tables[f"run{index}.maps"] = tables_of_maps
        runs.append(_describe_run(run, maps))
    description: dict[str, Any] = {
        "style": _STYLE,
        "runs": runs,
        "panels": [_describe_panel(panel, number) for panel in scene.panels],
        "note": scene.note,
        "words": dict(scene.words),
        "columns": scene.columns,
        "height": scene.height,
        "seconds": scene.seconds,
        "report": scene.report,
    }
    description = json.loads(json.dumps(description, default=_plain), parse_constant=lambda _: None)
    description["hash"] = _hash(description, tables)
    return description, tables


def _wanted(scene: Scene) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {run.name: set() for run in scene.runs}
    for panel in scene.panels:
        for run, column in _references(panel):
            wanted[run].add(column)
    return wanted


def _references(panel: Panel) -> Iterator[tuple[str, str]]:
    if isinstance(panel, SeriesPanel):
        for line in panel.lines:
            yield from ((line.run, c) for c in (line.column, line.low, line.high) if c)
    elif isinstance(panel, PlanePanel):
        for trail in panel.trails:
            yield from ((trail.run, trail.x), (trail.run, trail.y))
    else:
        yield panel.run, panel.maps


def _describe_run(run: Run, maps: Mapping[str, Any]) -> dict[str, Any]:
    step, t = (np.asarray(run.columns[name], dtype=float) for name in ("step", "t"))
    return {
        "name": run.name,
        "label": run.label or run.name,
        "dynamics": run.dynamics,
        "step_size": run.step_size,
        "phases": [
            {"name": name, "t0": np.interp(first, step, t), "t1": np.interp(last, step, t)}
            for name, first, last in run.phases
        ],
        "maps": maps,
    }


def _pack_maps(run: Run, names: Sequence[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Every odd-th record of each stack, as many as MAX_MAP_VALUES allows, flattened."""
    described: dict[str, Any] = {}
    flat: dict[str, np.ndarray] = {}
    for name in names:
        stack = np.asarray(run.maps[name])
        allowed = max(2, MAX_MAP_VALUES // max(1, stack[0].size))
        kept = kept_records(len(stack), odd_stride(len(stack), allowed))
        described[name] = {"shape": stack.shape[1:], "records": kept}
        flat[name] = _float32(stack[kept]).ravel()
    longest = max((len(values) for values in flat.values()), default=0)
    return described, {name: _padded(values, longest) for name, values in flat.items()}


def _padded(values: np.ndarray, length: int) -> np.ndarray:
    return np.pad(values, (0, length - len(values)))


def _describe_panel(panel: Panel, number: Mapping[str, int]) -> dict[str, Any]:
    described = asdict(panel)
    described["kind"] = {SeriesPanel: "series", PlanePanel: "plane", HeatPanel: "heat"}[type(panel)]
    for part in (*described.get("lines", ()), *described.get("trails", ())):
        part["run"] = number[part["run"]]
    if isinstance(panel, HeatPanel):
        described["run"] = number[panel.run]
    return described


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # a diverged run overflows to inf, which is drawn as a gap
        return np.ascontiguousarray(values, dtype=np.float32)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


def _base64(values: np.ndarray) -> str:
    kind = "d" if values.dtype == np.float64 else "f"
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return kind + base64.b64encode(little.tobytes()).decode("ascii")


def _hash(description: Mapping[str, Any], tables: Mapping[str, Mapping[str, np.ndarray]]) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, table in tables.items():
        for column, values in table.items():
            digest.update(f"{name}/{column}".encode())
            digest.update(values.tobytes())
    return digest.hexdigest()[:16]
