"""Pinned runs: kept beside the current one, named by what differs, at most four."""

from __future__ import annotations

import streamlit as st

from pages import _ui
from simcore import links
from simcore.experiment import Experiment
from simcore.figures import panels

MOST = 4


def _pinned() -> list[Experiment]:
    return st.session_state.setdefault("pins", [])


def controls(experiment: Experiment) -> None:
    """A button that pins the run on show, and one per pin that drops it."""
    pins = _pinned()
    st.button(
        "Pin this run",
        key="pin",
        on_click=pins.append,
        args=(experiment,),
        disabled=experiment in pins or len(pins) >= MOST,
        help="Keep it in the pictures while you change the controls; at most four.",
        width="stretch",
    )
    for number, pin in enumerate(pins):
        name = links.difference(pin, experiment) or "as shown"
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.markdown(f"{_letter(number)}: {name}")
        right.button(
            "✕", key=f"unpin{number}", on_click=pins.remove, args=(pin,), help=f"Drop {name}"
        )


def runs(experiment: Experiment) -> list[panels.Named]:
    """The pinned runs other than the current one, named by the letters that `controls` explains."""
    return [
        panels.Named(_letter(number), run, ())
        for number, pin in enumerate(_pinned())
        if pin != experiment
        for run in [_ui.run(pin, "Pinned run")]
    ]


def _letter(number: int) -> str:
    return "ABCD"[number]
