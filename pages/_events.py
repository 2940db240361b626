"""What happens while a run lasts: from the player's cursor on, and as a list to edit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import _prose, _state, _widgets
from simcore import branches, events, typed
from simcore.events import Event
from simcore.experiment import Dynamics, Experiment
from simcore.trajectory import Trajectory
from simcore.view import MOST_PINS

# --- From here -------------------------------------------------------------------------------


def turn(experiment: Experiment) -> None:
    """The button that opens what `from_here` fills, where the run takes events."""
    if not experiment.dynamics.takes:
        return
    shown = st.session_state.get("from_here", False)

    def other() -> None:
        st.session_state.from_here = not shown

    _widgets.button("Close changes" if shown else "Change from here", "from_here_turn", other)


def place(experiment: Experiment) -> DeltaGenerator | None:
    """Where `from_here` stands; None if it is closed."""
    opened = experiment.dynamics.takes and st.session_state.get("from_here", False)
    return st.container(key="from_here", border=True) if opened else None


def from_here(experiment: Experiment, run: Trajectory) -> None:
    """Another course from the moment on which the player rests; the run as it was becomes a pin."""
    dynamics = experiment.dynamics
    at = branches.moment(run, _state.view().cursor)
    chosen = _chosen(experiment)
    _prose.say(_moment(dynamics, at), "small-from-here")
    several, stepped = experiment.network.pathways > 1, events.StepSize in dynamics.takes
    parts: list[Callable[[], None]] = [
        *([partial(_step_size, experiment, at)] if stepped else []),
        partial(_jitter, experiment, at),
        *([partial(_pathway, experiment, chosen)] if several else []),
        *([partial(_freeze, experiment, at, chosen)] if several else []),
        partial(_kick, experiment, at, chosen),
    ]
    for column, part in zip(
        st.columns(len(parts), gap="small", vertical_alignment="bottom"), parts, strict=True
    ):
        with column:
            part()
    _refused("here_freeze")


def _moment(dynamics: Dynamics, at: float) -> str:
    when = f"{dynamics.unit}{events.told(at)}"
    if at >= dynamics.end:
        return (
            f"The run ends at **{when}**; changed there, it goes on for as long again. Move the "
            "player's cursor for another moment. The run as it is stays beside it as a pin."
        )
    return (
        f"From **{when}** on, where the player's cursor is. The run as it is stays beside the "
        "changed one as a pin."
    )


def _step_size(experiment: Experiment, at: float) -> None:
    """The step size in force there, to type another."""
    now = branches.step_size(experiment, at)
    assert now is not None
    _widgets.field(
        "Step size from here",
        "here_eta",
        typed.text(now),
        lambda text: _branch(
            experiment, at, branches.with_step_size(experiment, at, typed.number(text))
        ),
    )


def _chosen(experiment: Experiment) -> int:
    """The pathway that is frozen, released or kicked, from 0."""
    return min(st.session_state.get("here_of", 0), experiment.network.pathways - 1)


def _pathway(experiment: Experiment, chosen: int) -> None:
    def choose(pathway: int) -> None:
        st.session_state.here_of = pathway

    _widgets.choice(
        st.selectbox,
        "Pathway",
        "here_pathway",
        range(experiment.network.pathways),
        chosen,
        choose,
        format_func=lambda h: f"{h + 1}",
    )


def _freeze(experiment: Experiment, at: float, pathway: int) -> None:
    """A button that freezes the pathway, or releases it."""
    asleep = branches.frozen(experiment, at, pathway)
    change = branches.with_release if asleep else branches.with_freeze

    def press() -> None:
        _branch(experiment, at, change(experiment, at, pathway))

    _widgets.button(
        "Release" if asleep else "Freeze",
        "here_freeze",
        partial(_widgets.attempt, press, key="here_freeze"),
        help=f"Pathway {pathway + 1}; a frozen one keeps its weights, and still counts in the sum.",
        width="stretch",
    )


def _kick(experiment: Experiment, at: float, pathway: int) -> None:
    _number(
        "Kick: its strengths times" if experiment.network.pathways > 1 else "Kick: strengths times",
        "here_kick",
        lambda factor: branches.with_kick(experiment, at, pathway, factor),
        experiment,
        at,
        placeholder="e.g. 1.1",
    )


def _jitter(experiment: Experiment, at: float) -> None:
    _number(
        "Jitter: noise of std",
        "here_jitter",
        lambda std: branches.with_jitter(experiment, at, std),
        experiment,
        at,
        placeholder="e.g. 0.001",
    )


def _number(
    label: str,
    key: str,
    change: Callable[[float], Experiment],
    experiment: Experiment,
    at: float,
    **options: Any,
) -> None:
    """A field that is empty again once its number has happened."""

    def happen(text: str) -> None:
        if text.strip():
            _branch(experiment, at, change(typed.number(text)))

    _widgets.field(label, key, "", happen, **options)


def _branch(before: Experiment, at: float, after: Experiment) -> None:
    """Show the changed run, and the run before it as a pin; but where it was changed at this very
    moment already, the pin is there."""
    if after == before:
        return
    _state.show(after)
    pins = _state.view().pins
    if before in pins or any(at in event.times for event in before.dynamics.events):
        return
    if len(pins) < MOST_PINS:
        _state.look(pins=(*pins, before))
    else:
        _state.complain(
            f"{MOST_PINS} runs are pinned, so the run before the change is not among them; drop a "
            "pin to keep the next one."
        )


# --- The list --------------------------------------------------------------------------------


def controls(experiment: Experiment) -> None:
    """The events of the run behind a fold: to edit, to remove, to add."""
    dynamics = experiment.dynamics
    if not dynamics.takes:
        return
    count = len(dynamics.events)
    with st.expander(f"Events ({count})" if count else "Events", key="events"):
        for number, event in enumerate(dynamics.events):
            _listed(experiment, number, event)
        _add(experiment)


def _listed(experiment: Experiment, number: int, event: Event) -> None:
    words = event.words(experiment.dynamics.unit)
    _prose.say(words[0].upper() + words[1:], "small-event")
    remove = partial(_remove, experiment, event)
    with st.container(horizontal=True, gap="small"):
        with st.popover("Edit", key=f"event{number}"):
            for field in fields(event):
                _field(experiment, number, event, field.name)
        _widgets.button(
            "Remove",
            f"event{number}_remove",
            partial(_widgets.attempt, remove, key=f"event{number}_remove"),
            help=f"Remove: {words}",
        )
    _refused(f"event{number}_remove")


def _remove(experiment: Experiment, event: Event) -> None:
    _state.show(branches.without_event(experiment, event))


def _field(experiment: Experiment, number: int, event: Event, name: str) -> None:
    table = _FIELDS | ({"stop": _end} if isinstance(event, events.Freeze) else {})
    label, text, read = table[name](experiment.dynamics, getattr(event, name))

    def change(typed_in: str) -> None:
        changed = replace(event, **{name: read(typed_in)})
        _state.show(branches.edited(experiment, changed, event))

    key = f"event{number}_{type(event).__name__}_{name}"
    _widgets.field(label, key, text, change)


Field = tuple[str, str, Callable[[str], Any]]  # label, text, and what reads what is typed


def _time(label: str, dynamics: Dynamics, value: Any) -> Field:
    read = typed.whole if dynamics.iterated else typed.number
    unit = "update" if dynamics.iterated else "t ="
    return f"{label} {unit}", typed.text(value), read


def _end(dynamics: Dynamics, value: Any) -> Field:
    label, _, read = _time("Until", dynamics, 0)
    return (
        f"{label} (empty: for good)",
        "" if value is None else typed.text(value),
        _or_nothing(read),
    )


def _or_nothing(read: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: read(text) if text.strip() else None


def _begin(dynamics: Dynamics, value: Any) -> Field:
    label = "Beginning with step size (empty: the one in force)"
    return label, "" if value is None else typed.text(value), _or_nothing(typed.number)


def _pathway_field(dynamics: Dynamics, value: int) -> Field:
    return "Pathway", typed.text(value + 1), _from_one


def _from_one(text: str) -> int:
    number = typed.whole(text)
    if number < 1:
        raise ValueError(f"pathways are counted from 1, got {number}")
    return number - 1


def _plain(
    label: str, read: Callable[[str], Any] = typed.number
) -> Callable[[Dynamics, Any], Field]:
    return lambda dynamics, value: (label, typed.text(value), read)


_FIELDS: dict[str, Callable[[Dynamics, Any], Field]] = {
    "at": partial(_time, "At"),
    "start": partial(_time, "From"),
    "stop": partial(_time, "Until"),
    "value": _plain("Step size η"),
    "begin": _begin,
    "pathway": _pathway_field,
    "factor": _plain("Strengths times"),
    "std": _plain("Standard deviation"),
    "seed": _plain("Seed", typed.whole),
}


def _add(experiment: Experiment) -> None:
    takes = experiment.dynamics.takes
    by_name = {kind.name: kind for kind in takes}

    def add(event: Event) -> None:
        _state.show(branches.with_event(experiment, event))

    def choose(name: str | None) -> None:
        if name is not None:
            event = branches.usual(by_name[name], experiment)
            _widgets.attempt(add, event, key="event_kind")

    warm_up = branches.warm_up(experiment)
    if warm_up is not None:
        there = any(event.first == 0 for event in experiment.dynamics.events if event.of_step_size)
        _widgets.button(
            "Warm up",
            "warm_up",
            partial(_widgets.attempt, add, warm_up),
            disabled=there,
            help="The step size grows from 0 in equal steps over the first "
            f"{events.told(warm_up.stop)} updates.",
            width="stretch",
        )
    _widgets.choice(
        st.selectbox,
        "Add an event",
        "event_kind",
        list(by_name),
        None,
        choose,
        placeholder="Choose what happens",
        help="It comes with usual numbers, to be edited in the list.",
    )


def _refused(key: str) -> None:
    """Why a button did nothing."""
    reason = _state.refused(key)
    if reason is not None:
        _prose.warn(reason)
