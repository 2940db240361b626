"""Phase diagrams: any two axes at once, and from each cell back to its run."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from pages import _controls, _prose, _state, _ui, _widgets
from simcore import Experiment, Record, limits, links, plans, sweep, variations
from simcore.differences import difference
from simcore.figures import phase_maps as pictures
from simcore.figures.parts import LINE_ROWS
from simcore.plans import Plan, Side
from simcore.rows import TITLES, Row
from simcore.studies import phase_maps, stored_maps
from simcore.studies.store import export
from simcore.studies.stored_maps import StoredMap

HOSTED = limits.hosted()
BUDGET = 20.0 if HOSTED else 240.0  # core seconds of one map
REMEMBERED = 20_000 if HOSTED else 100_000  # rows of all visitors' maps, a kilobyte each
TICK = 0.1  # seconds between looks at the progress
REDRAW = 2.0  # seconds between pictures of a map that is not finished
COLOURS = {  # words with a capital, symbols as they are
    name: TITLES[name].capitalize() if TITLES[name].isascii() else TITLES[name]
    for name in pictures.MEASURES
}

state = st.session_state


@st.cache_resource
def memory() -> Any:
    """Rows of all maps of this process, so that nothing is run twice."""
    return phase_maps.Memory(REMEMBERED)


@st.cache_resource(max_entries=4, show_spinner="Reading the file")
def opened(content: bytes) -> tuple[StoredMap, int]:
    """The map of an uploaded store, and how many runs it holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "uploaded.sqlite")
        path.write_bytes(content)
        try:
            return stored_maps.read(path, LINE_ROWS)
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), "this file")) from None


# --- Sidebar ---------------------------------------------------------------------------------


def number(
    label: str, key: str, value: float, change: Callable[[Any], None], **options: Any
) -> None:
    """A number that shows part of the plan and changes it."""
    _widgets.control(st.number_input, label, key, value, change, **options)


def show_plan(plan: Plan, zooms: Sequence[Plan] = ()) -> None:
    """Make `plan` the session's, a zoom into those before it; for callbacks."""
    _state.show_map(state.map._replace(plan=plan))
    state.map_zooms = list(zooms)


def plan_for(base: Experiment) -> Plan:
    """The plan that was asked for, or the usual one where its axes do not fit the experiment."""
    plan = state.map.plan
    if plan is None:
        return plans.usual_plan(base)
    fitting = plans.available(base)
    others = [variations.AXES[s.name].title for s in (plan.x, plan.y) if s.name not in fitting]
    if not others:
        return plan
    _state.complain(
        f"This experiment does not vary along {' and '.join(others)}; the usual map is shown"
    )
    return plans.usual_plan(base)


def side_controls(base: Experiment, plan: Plan, which: str) -> None:
    """Which axis goes to the right or up, its range and its number of points."""
    side: Side = getattr(plan, which)
    other = plan.y if which == "x" else plan.x
    taken = variations.STEP_AXES if other.name in variations.STEP_AXES else (other.name,)
    key = f"map_{which}"

    def change(**parts: Any) -> None:
        show_plan(plan._replace(**{which: side._replace(**parts)}))

    _widgets.choice(
        st.selectbox,
        "To the right" if which == "x" else "Up",
        key,
        [
            name
            for name in reversed(variations.AXES)
            if name in plans.available(base) and name not in taken
        ],
        side.name,
        lambda name: change(name=name, range=None),
        format_func=lambda name: variations.AXES[name].title,
    )
    low, high = side.ends(base)
    whole = variations.AXES[side.name].whole
    options: dict[str, Any] = {"step": 1} if whole else {"step": None, "format": "%.5g"}
    if whole:
        low, high = int(low), int(high)
    columns = st.columns(2 if whole else 3)
    with columns[0]:
        number(
            "from", f"{key}_low", low, lambda v: change(range=(v, side.ends(base)[1])), **options
        )
    with columns[1]:
        number(
            "to", f"{key}_high", high, lambda v: change(range=(side.ends(base)[0], v)), **options
        )
    if not whole:
        with columns[2]:
            number(
                "points",
                f"{key}_count",
                side.points,
                lambda v: change(points=v),
                step=1,
            )


def steps_control(base: Experiment) -> None:
    def change(steps: int) -> None:
        _state.show_map(state.map._replace(steps=int(steps)))

    number(
        "Steps of each run",
        "map_run_steps",
        base.dynamics.steps,
        change,
        min_value=1,
        max_value=limits.current().steps,
        step=100,
    )


# --- Running ---------------------------------------------------------------------------------


def known_rows(cells: Sequence[Experiment]) -> list[Row | None]:
    found = memory().rows(cells)
    return [found.get(cell) for cell in cells]


def compute(cells: Sequence[Experiment], draw: Callable[[Sequence[Row | None]], object]) -> None:
    """Run what is missing, with progress and a way to stop; every finished row is kept.

    Stopping is another run of this script, which ends this one in its next call to Streamlit; so
    the runs go on in a thread, and this one calls often.
    """
    begin = drawn = time.monotonic()
    place, bar, known = st.empty(), None, memory()
    reached, stop = [0], threading.Event()

    def on_done(done: int, total: int, row: Row) -> bool:
        reached[0] = done
        return not stop.is_set()

    threads = ThreadPoolExecutor(1, "map")
    finished = threads.submit(sweep, cells, store=known, on_done=on_done)
    threads.shutdown(wait=False)
    try:
        while wait([finished], TICK).not_done:
            now = time.monotonic()
            if now - begin > _ui.PATIENCE and bar is None:
                with place.container(horizontal=True, vertical_alignment="center"):
                    bar = st.progress(0.0)
                    st.button("Cancel", key="map_cancel", on_click=pause)
            if bar is not None:
                bar.progress(reached[0] / len(cells), f"{reached[0]} of {len(cells)} cells")
            if now - drawn > REDRAW:
                draw(known_rows(cells))
                drawn = time.monotonic()
    finally:
        stop.set()
    finished.result()
    place.empty()


def pause() -> None:
    state.map_paused = True


def resume() -> None:
    state.map_paused = False


def as_csv(cells: Sequence[Experiment], rows: Sequence[Row | None]) -> bytes:
    """The cells that are known, as `simcore.studies.store.export` writes them."""
    pairs = [(cell, row) for cell, row in zip(cells, rows, strict=True) if row is not None]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "map.csv")
        export(path, [cell for cell, _ in pairs], [row for _, row in pairs])
        return path.read_bytes()


def csv_button(cells: Sequence[Experiment], rows: Sequence[Row | None]) -> None:
    st.download_button(
        "Download CSV",
        data=lambda: as_csv(cells, rows),
        file_name="map.csv",
        mime="text/csv",
        on_click="ignore",
        disabled=not any(row is not None for row in rows),
        help="One line per cell: what was run, and how it ended",
    )


# --- The picture -----------------------------------------------------------------------------


def open_cell(cell: Experiment) -> None:
    """Show the run of a cell in the Simulator, with the usual records; for callbacks."""
    _state.show(replace(cell, record=Record()))
    state.open_run = True


def selected(key: str, cells: Sequence[Experiment | None], plan: Plan | None) -> None:
    """A drag zooms, where there is a plan to change; a click opens the cell's run."""
    selection: Any = state[key]["selection"]
    dragged = list((selection.get("zoom") or {}).values())
    if plan is not None and len(dragged) == 2 and all(high > low for low, high in dragged):
        (left, right), (bottom, top) = dragged
        zoomed = Plan(plan.x.within(left, right), plan.y.within(bottom, top))
        show_plan(zoomed, [*state.get("map_zooms", []), plan])
        return
    picked = selection.get("cell") or []
    cell = cells[int(picked[0]["cell"])] if picked and "cell" in picked[0] else None
    if cell is not None:
        open_cell(cell)


def hang(picture: Any, key: str, cells: Sequence[Experiment | None], plan: Plan | None) -> None:
    """The map, listening to clicks and, where there is a plan to change, to drags."""
    modes = ["cell", "zoom"] if plan is not None else ["cell"]
    _widgets.selectable(picture, key, lambda: selected(key, cells, plan), modes)


def colour_control() -> str:
    return _controls.segments("Colour", "colour", COLOURS, label_visibility="collapsed")


def zoom_out() -> None:
    *zooms, plan = state.map_zooms
    show_plan(plan, zooms)


def planned_map(base: Experiment, wanted: Plan) -> None:
    """Compute and draw the map of a plan."""
    plan = phase_maps.within_budget(wanted, base, BUDGET)
    cells, borders = plan.cells(base), plan.borders(base)
    if len(cells) > LINE_ROWS:
        raise ValueError(
            f"a map may have at most {LINE_ROWS} cells, this has {len(cells)}; take fewer points"
        )
    xs, ys = plan.x.values(base), plan.y.values(base)
    x_title, y_title = variations.AXES[plan.x.name].title, variations.AXES[plan.y.name].title
    identity = (base, plan)
    if state.get("map_of") != identity:  # a new map starts by itself
        state.map_of, state.map_paused = identity, False

    measure = colour_control()
    picture = st.empty()

    def map_of(rows: Sequence[Row | None]) -> Any:
        return pictures.phase_map(
            xs,
            ys,
            rows,
            measure,
            x_title=x_title,
            y_title=y_title,
            borders=borders,
            step_on="x" if plan.x.name in variations.STEP_AXES else "y",
        )

    if not state.map_paused and None in known_rows(cells):
        compute(cells, lambda rows: picture.altair_chart(map_of(rows), width="stretch"))
    rows = known_rows(cells)
    done = sum(row is not None for row in rows)
    with picture.container():
        if plan.y.name == "seed":
            for chart in pictures.ensemble(xs, rows, measure, x_title=x_title):
                _ui.chart(chart)
        if done:
            hang(map_of(rows), f"map-{base.key}-{plan}", cells, plan)
        else:
            _ui.chart(map_of(rows))
    steps = base.dynamics.steps
    some = f"{done} of " if done < len(cells) else ""
    _prose.say(
        f"**{some}{len(xs)} × {len(ys)} cells** of {steps} steps. Click a cell to open its run in "
        "the Simulator, drag a rectangle to compute inside it."
    )
    with st.container(horizontal=True, key="map_buttons"):
        if done < len(cells):
            _widgets.button("Continue", "map_continue", resume)
        if state.get("map_zooms"):
            _widgets.button("Zoom out", "map_zoom_out", zoom_out)
        csv_button(cells, rows)
    if plan != wanted:
        _prose.note(
            f"Of the points asked for, {len(xs)} × {len(ys)} are drawn: more runs of this size "
            f"would take longer than {BUDGET:.0f} seconds of a core{' here' if HOSTED else ''}."
        )


def uploaded_map(content: bytes) -> None:
    """Draw the runs of a store from the command line."""
    found, runs = opened(content)
    measure = colour_control()
    x_title, y_title = found.titles
    picture = pictures.phase_map(
        found.xs,
        found.ys,
        found.rows,
        measure,
        x_title=x_title,
        y_title=y_title,
        borders=found.borders(),
    )
    hang(picture, "uploaded_map", found.cells, None)
    _prose.say(
        f"**{runs} runs** of the file, {len(found.xs)} × {len(found.ys)} cells drawn. Click a cell "
        "to open its run in the Simulator."
    )
    pairs = [
        (cell, row)
        for cell, row in zip(found.cells, found.rows, strict=True)
        if cell is not None and row is not None
    ]
    csv_button([cell for cell, _ in pairs], [row for _, row in pairs])


def plan_of_file(content: bytes) -> None:
    """What the map of a store shows, in the place of the controls of one to compute."""
    found, _ = opened(content)
    some = next(cell for cell in found.cells if cell is not None)
    axes = zip(("To the right", "Up"), found.titles, (found.xs, found.ys), strict=True)
    _prose.say(
        "**The plan of this file**\n\n"
        + "\n".join(
            f"* {where}: {title} from {values[0]:.4g} to {values[-1]:.4g}, {len(values)} values"
            for where, title, values in axes
        )
        + f"\n* One of its runs: {difference(some, links.PIN_BASE)}"
    )


# --- The page --------------------------------------------------------------------------------

if state.pop("open_run", False):  # before this page writes the cell's link, for the back button
    st.switch_page("pages/simulator.py", query_params=_state.link_query())
experiment = _ui.open_page()

trouble = None
with st.sidebar:
    try:
        base = phase_maps.base_of(experiment, state.map.steps)
    except ValueError as error:
        trouble, base = error, phase_maps.base_of(experiment)
    plan = plan_for(base)
    place = st.container()
    with st.expander("Open a file"):
        file = st.file_uploader(
            "A store that `python -m simcore sweep` wrote", type=["sqlite", "db"], key="map_file"
        )
    with place:
        if file is None:
            side_controls(base, plan, "x")
            side_controls(base, plan, "y")
            steps_control(base)
            _controls.architecture(experiment)
            with st.expander("More"):
                _controls.clock(experiment)
                _controls.experts(experiment)
_ui.complaints()
try:
    if trouble is not None:
        raise trouble
    if file is not None:
        with place:
            plan_of_file(file.getvalue())
        uploaded_map(file.getvalue())
    else:
        planned_map(base, plan)
except (ValueError, sqlite3.Error) as error:
    _prose.warn(f"{str(error).rstrip('.')}.")
