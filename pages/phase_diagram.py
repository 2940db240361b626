"""Phase diagrams: any two axes at once, and from each cell back to its run."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from pages import _cells, _controls, _part, _prose, _runs, _said, _state, _take, _ui, _widgets
from simcore import Experiment, Record, limits, links, plans, prospects, sweep, typed, variations
from simcore.differences import difference, in_words
from simcore.figures import phase_maps as pictures
from simcore.figures.parts import LINE_ROWS
from simcore.hands import cores
from simcore.plans import Plan, Side
from simcore.rows import TITLES, Row
from simcore.studies import map_table, phase_maps, stored_maps
from simcore.studies.stored_maps import Reading
from simcore.wording import listed

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
def shared_memory() -> Any:
    """Rows of all maps of this process, so that nothing is run twice."""
    return phase_maps.Memory(REMEMBERED)


def memory(cells: Sequence[Experiment]) -> Any:
    """Where the rows of these cells are kept: those of a visitor's own data in the session."""
    if not any(cell.private for cell in cells):
        return shared_memory()
    return state.setdefault("own_maps", phase_maps.Memory(REMEMBERED))


@st.cache_resource(max_entries=2, show_spinner="Reading the file")
def opened(content: bytes) -> Reading:
    """What an uploaded store has to show."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "uploaded.sqlite")
        path.write_bytes(content)
        return stored_maps.read(path, LINE_ROWS, "this file")


# --- Sidebar ---------------------------------------------------------------------------------


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
    _state.complain(f"This experiment does not vary along {listed(others)}; the usual map is shown")
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
    read: Callable[[str], float] = typed.whole if whole else typed.number
    columns = st.columns(2 if whole else 3)
    words = st.container()  # a column is too narrow for a sentence

    def field(column: int, label: str, name: str, value: float, put: Callable[[str], None]) -> None:
        with columns[column]:
            _widgets.field(label, f"{key}_{name}", typed.text(value), put, words=words)

    field(0, "from", "low", low, lambda text: change(range=(read(text), side.ends(base)[1])))
    field(1, "to", "high", high, lambda text: change(range=(side.ends(base)[0], read(text))))
    if not whole:
        field(2, "points", "count", side.points, lambda text: change(points=typed.whole(text)))


def steps_control(base: Experiment) -> None:
    def change(text: str) -> None:
        steps = variations.with_steps(base, typed.whole(text)).dynamics.steps
        _state.show_map(state.map._replace(steps=steps))

    _widgets.field("Steps of each run", "map_run_steps", typed.text(base.dynamics.steps), change)


# --- Running ---------------------------------------------------------------------------------


def known_rows(cells: Sequence[Experiment]) -> list[Row | None]:
    found = memory(cells).rows(cells)
    return [found.get(cell) for cell in cells]


def compute(cells: Sequence[Experiment], draw: Callable[[Sequence[Row | None]], object]) -> None:
    """Run what is missing, with progress and a way to stop; every finished row is kept.

    Stopping is another run of this script, which ends this one in its next call to Streamlit; so
    the runs go on in a thread, and this one calls often.
    """
    begin = drawn = time.monotonic()
    place, bar, known = st.empty(), None, memory(cells)
    reached, stop = [0], threading.Event()

    def on_done(done: int, total: int, row: Row) -> None:
        reached[0] = done

    def run_them() -> None:
        with _runs.InTurns(cores(), "cells") as workers:
            sweep(cells, executor=workers, store=known, on_done=on_done, stopped=stop.is_set)

    threads = ThreadPoolExecutor(1, "map")
    finished = threads.submit(run_them)
    threads.shutdown(wait=False)
    try:
        while wait([finished], TICK).not_done:
            now = time.monotonic()
            if now - begin > limits.current().wall:
                pause()
                break
            if now - begin > _runs.PATIENCE and bar is None:
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


def csv_of(cells: Sequence[Experiment], rows: Sequence[Row | None]) -> list[_take.File]:
    """The cells that are known, as a file, where there are any."""
    pairs = [(cell, row) for cell, row in zip(cells, rows, strict=True) if row is not None]
    if not pairs:
        return []
    return [_take.File("Cells (CSV)", "csv", "text/csv", lambda: map_table.text(pairs))]


def take(
    picture: Any,
    title: str,
    fixed: str,
    titles: Sequence[str],
    values: Sequence[Sequence[float]],
    experiment: Experiment,
) -> None:
    """Offer the map, which says what varies in it."""
    varied = [
        f"{name} from {ends[0]:.4g} to {ends[-1]:.4g} ({len(ends)} values)"
        for name, ends in zip(titles, values, strict=True)
    ]
    _take.add(picture, title, experiment, " × ".join(varied) + f" around {fixed}")


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
    with st.container(key=_cells.MAP):
        _widgets.selectable(picture, key, lambda: selected(key, cells, plan), modes)


def colour_control() -> str:
    return _controls.segments("Colour", "colour", COLOURS, label_visibility="collapsed")


def zoom_out() -> None:
    *zooms, plan = state.map_zooms
    show_plan(plan, zooms)


def planned_map(base: Experiment, wanted: Plan) -> None:
    """Compute and draw the map of a plan."""
    plan = phase_maps.within_budget(wanted, base, BUDGET)
    xs, ys = plan.x.values(base), plan.y.values(base)
    count = len(xs) * len(ys)
    if count > LINE_ROWS:  # before the cells are built, which takes longer than their runs
        raise ValueError(
            f"a map may have at most {LINE_ROWS} cells, this has {count}; take fewer points"
        )
    cells, borders = plan.cells(base), plan.borders(base)
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
            names=prospects.marks(base),
            step_on="x" if plan.x.name in variations.STEP_AXES else "y",
            keyed=True,
        )

    if not state.map_paused and None in known_rows(cells):
        compute(cells, lambda rows: picture.altair_chart(map_of(rows), width="stretch"))
    rows = known_rows(cells)
    done = sum(row is not None for row in rows)
    drawn = map_of(rows)
    with picture.container():
        if plan.y.name == "seed":
            for chart in pictures.ensemble(xs, rows, measure, x_title=x_title):
                _ui.chart(chart, f"{COLOURS[measure]} of many seeds", base)
        if done:
            hang(drawn, f"map-{base.key}-{plan}", cells, plan)
            says = _cells.data(xs, ys, rows, measure, (x_title, y_title))
            _cells.by_keyboard(cells, says, open_cell)
        else:
            st.altair_chart(drawn, width="stretch")
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
    if plan != wanted:
        _prose.note(
            f"Of the points asked for, {len(xs)} × {len(ys)} are drawn: more runs of this size "
            f"would take longer than {BUDGET:.0f} seconds of a core{' here' if HOSTED else ''}."
        )
    title = f"Phase diagram: {COLOURS[measure].lower()}"
    take(drawn, title, in_words(base), (x_title, y_title), (xs, ys), base)
    _take.of_charts(*csv_of(cells, rows))


def uploaded_map(content: bytes) -> None:
    """Draw the runs of a store from the command line."""
    found, runs, may_lack_rows = opened(content)
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
        keyed=True,
    )
    hang(picture, "uploaded_map", found.cells, None)
    says = _cells.data(found.xs, found.ys, found.rows, measure, found.titles)
    _cells.by_keyboard(found.cells, says, open_cell)
    _prose.say(
        f"**{runs} runs** of the file, {len(found.xs)} × {len(found.ys)} cells drawn. Click a cell "
        "to open its run in the Simulator."
    )
    if may_lack_rows:
        _prose.note(
            "An older version wrote this file, and kept its last rows in a second one while the "
            "sweep ran. If yours was copied before the sweep had ended, rows are missing here: "
            "give the sweep's command once more, and everything will be in the file."
        )
    pairs = [
        (cell, row)
        for cell, row in zip(found.cells, found.rows, strict=True)
        if cell is not None and row is not None
    ]
    title = f"Phase diagram of a file: {COLOURS[measure].lower()}"
    take(picture, title, "the runs of a file", found.titles, (found.xs, found.ys), pairs[0][0])
    _take.of_charts(*csv_of([cell for cell, _ in pairs], [row for _, row in pairs]))


def plan_of_file(content: bytes) -> None:
    """What the map of a store shows, in the place of the controls of one to compute."""
    found = opened(content).map
    some = next(cell for cell in found.cells if cell is not None)
    axes = zip(("To the right", "Up"), found.titles, (found.xs, found.ys), strict=True)
    _prose.say(
        "**The plan of this file**\n\n"
        + "\n".join(
            f"* {where}: {title} from {values[0]:.4g} to {values[-1]:.4g}, {len(values)} values"
            for where, title, values in axes
        )
        + f"\n* One of its runs: {_said.plain(difference(some, links.PIN_BASE))}"
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
            with st.expander(_controls.EXPERTS, key="experts"):
                _controls.clock(experiment)
                _controls.experts(experiment)
_ui.complaints()
content = None if file is None else file.getvalue()


def shown() -> None:
    try:
        if trouble is not None:
            raise trouble
        if content is None:
            planned_map(base, plan)
        else:
            uploaded_map(content)
    except ValueError as error:
        _prose.warn(f"{str(error).rstrip('.')}.")


if content is not None and trouble is None:
    with place, contextlib.suppress(ValueError):  # said where the map would be
        plan_of_file(content)
_part.alone(shown)
