"""A visitor's own data: read, looked at, and made into runs that show something on them."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from pages import _bring, _controls, _prose, _said, _state, _tables, _ui, _widgets
from simcore import Experiment, data, outlook, prospects, suggest
from simcore.data import choice, sets
from simcore.data.choice import Choice, Made
from simcore.data.table import Table
from simcore.figures.spectrum import spectrum
from simcore.tasks import Task, Tree

LONGEST_TEXT = 200_000  # characters of a text that is pasted
TREE = "tree"
SOURCES = {"paste": "Paste", "file": "File", "set": "Real sets"}
READ_AS = {"samples": "Samples", "matrix": "Target map"}
SHOWN = {  # what a suggested run shows
    "flow": "As gradient flow",
    "rebalance": "Re-balances",
    "cycle": "Cycles",
}
SHOWN_ABOUT = {  # where no closed form holds
    "flow": "About as gradient flow",
    "rebalance": "About past the edge of one pathway",
    "cycle": "About past every edge",
}
PREPARATIONS = {
    "centre": (
        "Subtract the means",
        "Of inputs and targets; of a matrix the mean of all its entries.",
    ),
    "standardise": (
        "Divide by standard deviations",
        "Every column of numbers, so that units do not matter; classes stay 0 and 1.",
    ),
    "whiten": (
        "Whiten the inputs",
        "So that their second moments are the identity: then modes decouple, and the closed forms "
        "hold.",
    ),
    "unit": (
        "Divide by σ*₁",
        "Targets over their largest singular value: step sizes grow with it to the power 2 − 2/L, "
        "and times shrink with it.",
    ),
}

experiment = _ui.open_page(suggest(Tree()))
task, state = experiment.task, st.session_state


# --- Bringing data ---------------------------------------------------------------------------


def suggested(of: Task) -> Experiment:
    """What is shown of a new task first, with the pathways at hand."""
    pathways, depth = experiment.network.pathways, max(experiment.network.depths)
    show = "rebalance" if pathways > 1 and depth > 2 else "flow"
    return suggest(of, pathways=pathways, depth=depth, show=show)


def bring(table: Table) -> None:
    """Have the table and show a run on it, or the run of the link that asked for it."""
    asked = state.get("asked")
    if asked is not None and _tables.key_of(asked) == table.key:
        _tables.keep(table)
        state.asked = None
        _state.follow(asked)
        return
    run = suggested(choice.usual(table).of(table).task)
    _tables.keep(table)
    _state.show(run)


def paste(text: str) -> None:
    if text.strip():
        bring(data.pasted(text))
        state.pasted = text


def open_file(content: bytes, name: str) -> None:
    bring(data.read(content, name))


def choose_set(name: str | None) -> None:
    if name == TREE:
        _state.show(suggested(Tree()))
    elif name is not None:
        _widgets.attempt(lambda: bring(sets.load(name)), key="data_set")


def sources() -> None:
    way = state.get("data_way", "set")

    def choose(name: str) -> None:
        state.data_way = name

    _widgets.choice(
        st.segmented_control,
        "Where the data come from",
        "data_source",
        list(SOURCES),
        way,
        choose,
        format_func=SOURCES.__getitem__,
        required=True,
    )
    if way == "paste":
        _widgets.control(
            st.text_area,
            "A matrix or a table",
            "pasted_data",
            state.get("pasted", ""),
            partial(_widgets.attempt, paste, key="pasted_data"),
            max_chars=LONGEST_TEXT,
            height=160,
            placeholder="2 1\n0 1",
            help="Rows of numbers with commas, spaces or tabs between, from a spreadsheet, NumPy "
            "or MATLAB; a first row of names, and columns of text as classes. Press Ctrl+Enter.",
        )
    elif way == "file":
        _bring.upload(
            "A file: CSV, TSV, .npy, .npz or Parquet",
            "data_file",
            open_file,
            help="It is read for this session alone and not kept.",
        )
    else:
        offered = [TREE, *(sets.TITLES if sets.installed() else ())]
        titles = {TREE: "Semantic tree: 8 items, 15 features"} | sets.TITLES
        shown = TREE if task == Tree() else task.source.partition(":")[0]
        _widgets.choice(
            st.selectbox,
            "A set",
            "data_set",
            offered,
            shown,
            choose_set,
            format_func=titles.__getitem__,
            placeholder="Your own",
        )
        if not sets.installed():
            _prose.say("With scikit-learn installed there are five real sets more.", "small-sets")


# --- What is made of them --------------------------------------------------------------------


def at_hand() -> tuple[Table, Choice, Made] | None:
    """The table that the task was made of and how, where the session has it."""
    key, _, chosen = task.source.partition(":")
    table = _tables.table(key) if chosen else None
    if table is None:
        return None
    wanted = choice.of_text(chosen)
    return table, wanted, wanted.of(table)


def change(table: Table, key: str, chosen: Choice) -> None:
    _widgets.attempt(lambda: _state.show(suggested(chosen.of(table).task)), key=key)


def preparations(table: Table, chosen: Choice) -> None:
    """Which columns are learned from which, and how they are prepared."""

    def read_as(kind: str) -> None:
        matrix = Choice(matrix=True, flags=())
        change(table, "data_kind", matrix if kind == "matrix" else Choice(targets=table.targets))

    _widgets.choice(
        st.segmented_control,
        "Read the table as",
        "data_kind",
        list(READ_AS),
        "matrix" if chosen.matrix else "samples",
        read_as,
        format_func=READ_AS.__getitem__,
        required=True,
        help="Samples: one per row, some columns to be learned from the others. Target map: the "
        "table itself is the map M* that the network is to learn, behind whitened inputs.",
    )
    flags = ["centre", "unit"] if chosen.matrix else list(PREPARATIONS)
    if not chosen.matrix:
        columns_of(table, chosen)
    for flag in flags:
        label, meaning = PREPARATIONS[flag]
        _toggle(table, chosen, flag, label, meaning)


def columns_of(table: Table, chosen: Choice) -> None:
    names = [column.name for column in table.columns]
    places = list(range(len(names)))

    def learn(wanted: list[int]) -> None:
        left_out = tuple(k for k in chosen.left_out if k not in wanted)
        fits = Choice(targets=tuple(sorted(wanted)), left_out=left_out, flags=chosen.flags)
        change(table, "data_targets", fits)

    def leave_out(wanted: list[int]) -> None:
        left_out = tuple(sorted(set(wanted) - set(chosen.targets)))
        fits = Choice(targets=chosen.targets, left_out=left_out, flags=chosen.flags)
        change(table, "data_left_out", fits)

    for label, key, value, act in (
        ("To be learned", "data_targets", chosen.targets, learn),
        ("Left out", "data_left_out", chosen.left_out, leave_out),
    ):
        _widgets.choice(
            st.multiselect, label, key, places, list(value), act, format_func=names.__getitem__
        )
    if any(table.columns[k].classes and not table.columns[k].is_text for k in chosen.targets):
        words = "A column of 0 and 1 for each of the numbers, which have no order."
        _toggle(table, chosen, "classes", "Whole numbers are classes", words)


def _toggle(table: Table, chosen: Choice, flag: str, label: str, meaning: str) -> None:
    key = f"data_{flag}"
    _widgets.control(
        st.toggle,
        label,
        key,
        flag in chosen,
        lambda on: change(table, key, chosen.with_flag(flag, on)),
        help=meaning,
    )


# --- A look at them --------------------------------------------------------------------------


def facts(made: Made | None) -> None:
    """Sizes and what limits learning, as a table."""
    floor, whole = task.floor(), task.moments()[2] / 2
    rows = {"inputs, outputs": f"{task.n_in}, {task.n_out}"}
    if made is not None and made.samples:
        rows = {"samples": f"{made.samples:,}"} | rows
        rows["directions of the inputs"] = "{} of {}".format(*made.directions)
    rows["modes (rank of the target map)"] = f"{outlook.rank(task)}"
    rows[r"largest σ\*₁"] = f"{task.singular_values[0]:.5g}"
    rows[r"condition σ\*₁ / σ\*ᵣ"] = f"{outlook.condition(task):.4g}"
    share = f", {floor / whole:.0%} of the loss of a map of zero" if whole > 0 else ""
    rows["loss floor"] = f"{floor:.6g}{share}" if floor > 0 else "0"
    if not task.whitened:
        values = np.linalg.eigvalsh(task.moments()[0])
        worst = values[-1] / values[0] if values[0] > 0 else np.inf
        rows["condition of the inputs"] = f"{worst:.3g}" if worst < 1e15 else "infinite"
    _prose.table({"of the task": list(rows), "value": list(rows.values())})
    if floor > 0:
        _prose.say(
            "No linear map has a loss below the floor: it is what the inputs do not tell about the "
            "targets. Loss in the pictures includes it.",
            "small-floor",
        )


def nearly_equal() -> None:
    groups = outlook.near_equal(task)
    if not groups:
        return
    named = "; ".join(
        f"{first + 1} {'to' if last > first + 1 else 'and'} {last + 1}"
        for first, last in groups[:6]
    )
    more = " and others" if len(groups) > 6 else ""
    _prose.note(
        f"**Nearly equal singular values**: modes {named}{more}, each within 10 % of the one "
        "before. Past the edge such modes mix: what rounding adds to the off-diagonal weights "
        "grows to order one, and full matrices then part from modes that are kept apart. Of such a "
        "run single numbers depend on rounding; Matrices shows the mixing."
    )


def mostly_mean() -> None:
    """That the first mode of a matrix is its mean level, where it is."""
    rows = task.target_map()
    mean = abs(float(rows.mean())) * np.sqrt(rows.size)
    if found is not None and found[1].matrix and mean > 0.9 * task.singular_values[0]:
        _prose.note(
            "The largest singular value is mostly the mean of all entries; “Subtract the means” "
            "takes it away."
        )


def card(show: str) -> None:
    """A suggested run, and ways to open it."""
    pathways, depth = experiment.network.pathways, max(experiment.network.depths)
    try:
        run = suggest(task, pathways=pathways, depth=depth, show=show)
    except ValueError as error:
        sentence = str(error)
        _prose.say(f"**{SHOWN[show]}**: {sentence}.")
        return
    exact = prospects.follows_closed_forms(run)
    title = (SHOWN if exact else SHOWN_ABOUT)[show]
    dynamics, half = run.dynamics, outlook.half_learned(run)
    _prose.say(
        f"**{title}**: η = {dynamics.step_size:.4g}, {dynamics.steps:,} steps, t up to "
        f"{dynamics.duration:.4g}.\n\n{prospects.place(run)}\n\n"
        + (
            f"{half[0].upper()}{half[1:]}."
            if exact
            else f"Going by plateaus alone, {half}. Where the inputs hardly vary it takes longer, "
            "and no closed form tells how long."
        )
    )
    _ui.link("simulator", "Open in the Simulator", run, icon="▶️")
    _ui.link("matrices", "Open in Matrices", run, icon="▶️")


def asked_for() -> None:
    asked = state.get("asked")
    if asked is None:
        return
    _prose.note(
        "The link that you followed is of data which it only names, by a key of their content: "
        f"{_tables.key_of(asked)[:16]}. Bring the file on the left; if it holds the same table, "
        "the run of the link opens."
    )


found = at_hand()
with st.sidebar:
    sources()
    if found is not None:
        preparations(found[0], found[1])
    _controls.architecture(experiment)
asked_for()
_ui.complaints()
made = found[2] if found is not None else None
if found is not None:
    table = found[0]
    notes = [*table.notes, *found[2].notes]
    said = _said.plain(" ".join(notes)) if notes else ""  # it has names from a file
    _prose.say(f"**{table.rows:,} rows, {len(table.columns)} columns.** {said}", "plain-small-read")
left, right = st.columns([3, 2])
with left:
    _ui.chart(spectrum(task), "Singular values of the target", experiment)
    if outlook.near_equal(task):
        _prose.say("Shaded: singular values within 10 % of the one before.", "small-shaded")
with right:
    facts(made)
nearly_equal()
mostly_mean()
_prose.say("## Suggested runs", "title")
_prose.say(
    f"From a small balanced start, each of the {experiment.network.pathways} "
    "pathways twice as far ahead as the next; the step sizes are marks of the theory."
)
for place, show in zip(st.columns(3), SHOWN, strict=True):
    with place:
        card(show)
