"""Pinned runs: kept beside the current one, named by what differs, at most four."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pages import _prose, _runs, _said, _state, _widgets
from simcore import ends, scenes
from simcore.differences import difference
from simcore.experiment import Experiment
from simcore.figures import panels
from simcore.view import MOST_PINS


def controls(experiment: Experiment) -> None:
    """A button that pins the run on show, and one per pin that drops it."""
    pins = _state.view().pins
    _widgets.button(
        "Pin this run",
        "pin",
        lambda: _state.look(pins=(*pins, experiment)),
        disabled=experiment in pins or len(pins) >= MOST_PINS,
        help=f"Keep it in the pictures while you change the controls; at most {MOST_PINS}.",
        width="stretch",
    )
    for number, pin in enumerate(pins):
        name = difference(pin, experiment) or "the run on show"
        left, right = st.columns([4, 1], vertical_alignment="center")
        with left:
            _prose.say(_said.plain(f"{_letter(number)}: {name}"), "plain-pin")
        with right:
            words = f"Drop {_said.plain(name)}"
            _widgets.button("✕", f"unpin{number}", partial(_drop, pin), help=words)


def _drop(dropped: Experiment) -> None:
    _state.look(pins=tuple(pin for pin in _state.view().pins if pin != dropped))


def runs(experiment: Experiment) -> list[panels.Named]:
    """The pinned runs other than the current one, with the letters that `controls` explains and
    named by what they have that the current one has not."""
    return [
        scenes.named(run, f"{letter}: {difference(pin, experiment)}", letter)
        for number, pin in enumerate(_state.view().pins)
        if pin != experiment
        for letter in [_letter(number)]
        for run in [_runs.beside(pin, f"Pinned run {letter}")]
        if run is not None
    ]


def table(runs: Sequence[panels.Named]) -> None:
    """Where the runs end, if there are pins among them."""
    if any(named.sign for named in runs):
        mode = _state.view().mode
        _prose.table(ends.table({named.name: named.run for named in runs}, mode), "ends")


def _letter(number: int) -> str:
    return "ABCD"[number]
