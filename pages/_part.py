"""Parts of a page that run alone, so that the rest of the page is not made again: where a widget in
them changes nothing but how they look, and where a visitor waits for their picture.

A part that runs `ahead` leaves the rest as it was, until the browser asks for that: when it has
drawn the part, and nothing has moved on since.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import TypeVar

import streamlit as st

from pages import _state, _widgets

Found = TypeVar("Found")

_AHEAD = st.components.v2.component(
    "ahead", js=Path(__file__).with_name("ahead.js").read_text(encoding="utf-8")
)


def alone(body: Callable[[], object]) -> None:
    """Run `body`, and after a change of a widget in it that alone.

    Its callbacks may change anything: where more than the view is another one, or an open menu
    holds its pictures, the whole page runs again.
    """
    before = _shown()

    def still() -> bool:
        return _shown() == before and st.session_state.taking is None

    _part(body, still)


def ahead(body: Callable[[], Found], may: Callable[[], bool]) -> Found:
    """What `body` returns; after a change of the experiment by a widget in it, and where it `may`,
    it runs before the rest of the page."""
    state, shown = st.session_state, None

    def drawn() -> Found:
        nonlocal shown
        goes_ahead, shown = shown is not None, state.experiment
        found = body()
        _AHEAD(key="ahead", data={"ahead": goes_ahead}, on_drawn_change=lambda: None)
        return found

    def other() -> bool:
        return state.experiment != shown and state.taking is None and may()

    return _part(drawn, other)


def _part(body: Callable[[], Found], may: Callable[[], bool]) -> Found:
    """What `body` returns. After a change of a widget in it, it runs alone if it `may`, else the
    whole page does."""
    state = st.session_state
    said, with_page = copy(state.said), True

    def run() -> Found:
        nonlocal with_page
        if not with_page:
            _widgets.settle()
            if not may():
                st.rerun()
            state.said = copy(said)
        with_page = False
        found = body()
        _state.write_link()
        return found

    return st.fragment(run)()


def _shown() -> tuple[object, ...]:
    """All that the other parts of a page show."""
    state = st.session_state
    refused = dict(state.get("refused", {}))
    said = list(state.get("complaints", []))
    return (state.experiment, state.map, state.lesson, refused, said, state.get("open_run", False))
