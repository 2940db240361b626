"""Pinned runs: kept beside the current one, named by what differs, at most four."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages import _runs, _said, _state, _widgets
from simcore import links
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
        name = links.difference(pin, experiment) or "as shown"
        left, right = st.columns([4, 1], vertical_alignment="center")
        with left.container(key=f"plain-pin{number}"):
            st.markdown(_said.plain(f"{_letter(number)}: {name}"))
        with right:
            words = f"Drop {_said.plain(name)}"
            _widgets.button("✕", f"unpin{number}", partial(_drop, pin), help=words)


def _drop(dropped: Experiment) -> None:
    _state.look(pins=tuple(pin for pin in _state.view().pins if pin != dropped))


def runs(experiment: Experiment) -> list[panels.Named]:
    """The pinned runs other than the current one, named by the letters that `controls` explains."""
    return [
        panels.Named(_letter(number), run, ())
        for number, pin in enumerate(_state.view().pins)
        if pin != experiment
        for run in [_runs.beside(pin, f"Pinned run {_letter(number)}")]
        if run is not None
    ]


def _letter(number: int) -> str:
    return "ABCD"[number]
