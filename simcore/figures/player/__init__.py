"""The player: a finished run as a scene that the browser plays.

A picture: a pure function of arrays, with no Streamlit and no kernels. A `Scene` names runs (tables
of columns over records) and the panels to draw; `payload` packs it for `st.components.v2`, and
`standalone` packs the same bytes into one HTML file that plays offline.

    scene = Scene(
        runs=(Run(name="GD", columns={"step": ..., "t": ..., "s11": ...}),),
        panels=(SeriesPanel(title="Strengths", lines=(Line("GD", "s11", "σ₁₁", colour=0),)),),
    )
    mount = st.components.v2.component("run_player", **component())   # once
    mount(key="player", data=payload(scene), on_view_change=lambda: None)

The clock is t, so runs with different record times share an axis: at clock time t a run of points
shows its last record at or before t, and a line is interpolated. Steps are those of the first run
of points, read off its columns `step` and `t`.

Encoding (the values come from `style.py` with the scene): `colour` is a pathway index or a role;
gradient descent is drawn as points joined faintly, `theory=True` dashed, flow thin, central flow
dotted; time colours a trail; maps are diverging about zero. A theory line in the colour "edge" is a
bound in force: it holds from record to record, and where it is far off it does not squash the run.

What `payload` returns (all shapes with K records):

    {"scene": {... JSON ..., "hash": str},
     "run0": pyarrow.Table(step float64, t float64, every used column float32; K rows),
     "run0.maps": pyarrow.Table(one float32 column per map stack, flattened), ...}

`Scene.view` is what the reader sees first, and again when it changes; it is no part of the hash.
With `Scene(report=True)` the browser sets the state value `view` 250 ms after the reader has chosen
another one, never while it plays. All members are optional, and defaults are left out:

    {"axis": "t", "time": "linear" | "log", "strobe": "even" | "odd",
     "logs": {panel.key: bool}, "zoom": [t0, t1],
     "cursor": t}      # without a cursor: the end
"""

from __future__ import annotations

import base64
import hashlib
import html as html_text
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from simcore.figures import live_words, modules, ruler, style
from simcore.figures.scene import (
    MAX_RECORDS,
    HeatPanel,
    Panel,
    PlanePanel,
    Run,
    Scene,
    SeriesPanel,
    kept_records,
    odd_stride,
    thin,
)

MAX_MAP_VALUES = 1_000_000  # about 4 MB of float32 in the browser


_STYLE = {
    "hues": [style.shade(h) for h in range(len(style.HUES))],
    "muted": style.MUTED,
    "edge": style.EDGE,
    "theory": style.THEORY,
    "plasma": style.PLASMA,
    "diverging": style.DIVERGING,
    "behind": style.BEHIND,
    "phases": style.PHASES,
    "dash": {
        "theory": style.THEORY_DASH,
        "dotted": style.DOTS,
    },
    "dashes": [() if dash == style.SOLID else dash for dash in style.DASHES],
    "width": {**style.WIDTHS, "theory": style.THEORY_WIDTH, "guide": style.GUIDE_WIDTH},
    "markers": style.MARKERS,
}


# ---------------------------------------------------------------------------------------------
# Packing
# ---------------------------------------------------------------------------------------------


def component(entry: str = "streamlit.js") -> modules.Component:
    """What the browser is given."""
    return modules.component(Path(__file__).parent, entry)


def payload(scene: Scene) -> dict[str, Any]:
    """`data=` for the component: the thinned scene as JSON beside one Arrow table per run.

    Of a run that is awaited (`simcore.awaited`) the columns are left to the browser.

    The hash covers every byte but the view, so that the page keeps its cursor and layers across
    reruns and notices a new run.
    """
    import pyarrow as pa  # of the app; a page that plays offline needs none

    description, tables = _pack(scene, bare=_awaited(scene))
    return {"scene": description, **{name: pa.table(table) for name, table in tables.items()}}


def _awaited(scene: Scene) -> bool:
    return scene.live is not None and scene.live.get("awaited", False)


def makes_all(scene: Scene) -> bool:
    """Whether the browser can compute every column that a live scene shows."""
    _, tables = _pack(scene, bare=True)
    return not any(tables.values())


def standalone(scene: Scene, bar: Mapping[str, Any] | None = None) -> str:
    """One HTML page with the caption, html, css, js and base64 data inside; it plays offline.

    With a `bar`, the data of `ruler`, it has that too; a scene that is `live` follows it, and what
    the browser can compute of that is not in the file.
    """
    description, tables = _pack(scene, bare=scene.live is not None)
    packed = {
        name: {column: _base64(values) for column, values in table.items()}
        for name, table in tables.items()
    }
    data: dict[str, Any] = {"run-data": {"scene": description, **packed}}
    parts = component("page.js" if bar is None else "pocket.js")
    css, html = parts["css"], parts["html"]
    if bar is not None:
        data["ruler-data"] = bar
        css, html = ruler.component()["css"] + css, ruler.component()["html"] + html
    caption = scene.caption
    name, escape = html_text.escape(caption.title), html_text.escape
    said = (("parameters", caption.parameters), ("verdict", caption.verdict))
    head = "".join(f'<p class="{kind}">{escape(text)}</p>\n' for kind, text in said if text)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>
{_PAGE_CSS}
{css}
</style>
</head>
<body>
<main>
<h1>{name}</h1>
{head}{html}
<p class="small">{escape(caption.small)}</p>
</main>
{_held(data)}
<script type="module">
{parts["js"]}</script>
</body>
</html>
"""


def _held(data: Mapping[str, Any]) -> str:
    """JSON by its id in a page, whatever it says."""
    texts = {
        name: json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
        for name, value in data.items()
    }
    return "\n".join(
        f'<script type="application/json" id="{name}">{text}</script>'
        for name, text in texts.items()
    )


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
h1 { margin: 0 0 4px; font-size: 20px; font-weight: 600; }
main > p { margin: 0 0 8px; font-size: 14px; }
.verdict { font-weight: 600; }
[data-words-follow] :is(.parameters, .verdict, main > .small) { opacity: 0.45; }
.regime-ruler { margin-bottom: 10px; }
main > .small { margin-top: 12px; font-size: 12px; overflow-wrap: anywhere; opacity: 0.8; }"""


def _pack(
    scene: Scene, bare: bool = False
) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """The scene as JSON, and the columns of its runs; of one that is live, if it is to be `bare`,
    those alone that the browser cannot make."""
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
    for index, panel in enumerate(scene.panels):
        if isinstance(panel, PlanePanel) and panel.ground is not None:
            tables[f"ground{index}"] = {"values": _float32(panel.ground.values).ravel()}
    description: dict[str, Any] = {
        "style": _STYLE,
        "runs": runs,
        "panels": [
            _describe_panel(panel, number) | {"place": index}
            for index, panel in enumerate(scene.panels)
        ],
        "note": " ".join(filter(None, [*scene.missing.values(), scene.note])),
        "words": dict(scene.words),
        "columns": scene.columns,
        "height": scene.height,
        "seconds": scene.seconds,
        "plays": scene.plays,
        "only_plays": scene.only_plays,
        "time": scene.time,
        "report": scene.report,
        "live": _live(scene),
    }
    description = _plain_json(description)
    if bare:
        description["live"]["made"] = True
        tables |= _left(description["live"], tables)
    description["hash"] = _hash(description, tables)
    description["view"] = _plain_json(dict(scene.view))  # after the hash: no view is a new run
    description["caption"] = asdict(scene.caption)  # its link holds the view
    return description, tables


_MADE = re.compile(r"step|t|edge|share|participation|(loss|s\d+)([_|](low|high))?")


def _left(live: Mapping[str, Any], tables: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """What of the columns of a live run, and of the flow beside it, the browser does not make."""
    made = ["run0"] + ([f"run{live['flow']['run']}"] if live["flow"] else [])

    def is_made(column: str) -> bool:
        return bool(_MADE.fullmatch(column)) or (column == "lambda0" and live["curved"])

    return {
        run: {name: values for name, values in tables[run].items() if not is_made(name)}
        for run in made
    }


def _live(scene: Scene) -> dict[str, Any] | None:
    """What the twin needs, with as many records as a run keeps here."""
    if scene.live is None:
        return None
    recorded = np.asarray(scene.live["recorded"])
    kept = kept_records(len(recorded), odd_stride(len(recorded)))
    gaps = np.unique(np.diff(recorded[:-1]))
    every = int(gaps[0]) if len(kept) < len(recorded) and len(gaps) == 1 else None
    words = live_words.of_mode(scene.live["mode"]) if scene.live["network"] else None
    drawn = {"recorded": recorded[kept], "every": every, "most": MAX_RECORDS}
    return {**scene.live, **drawn, "words": words}


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
    return {
        "name": run.name,
        "label": run.label or run.name,
        "stroke": run.stroke,
        "sign": run.sign,
        "phases": [
            {"name": name, "t0": begins, "t1": ends}
            | ({"colour": style.ENDS[run.end]} if name == "settled" and run.end else {})
            for name, begins, ends in run.phases
        ],
        "notices": [
            {
                "label": notice.label,
                "words": notice.words,
                "t0": notice.begins,
                "t1": notice.ends,
            }
            for notice in run.notices
        ],
        "changes": [asdict(change) for change in run.changes],
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
        part |= {name: number[part[name]] for name in ("run", "pen") if part.get(name)}
    if isinstance(panel, PlanePanel) and panel.ground is not None:
        ground = panel.ground  # its values have a table of their own
        described["ground"] |= {"values": None, "count": len(ground.values), "label": ground.label}
    if isinstance(panel, HeatPanel):
        described["run"] = number[panel.run]
    return described


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # a diverged run overflows to inf, which is drawn as a gap
        return np.ascontiguousarray(values, dtype=np.float32)


def _plain_json(value: dict[str, Any]) -> dict[str, Any]:
    """As JSON has it; what is not finite becomes null."""
    return json.loads(json.dumps(value, default=_plain), parse_constant=lambda _: None)


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
