"""Parts of a page that run alone: where a widget in them changes nothing but how they look, the
rest of the page is not made again."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import streamlit as st

from pages import _state, _widgets


def alone(body: Callable[[], object]) -> None:
    """Run `body`, and after a change of a widget in it that alone.

    Its callbacks may change anything: where more than the view is another one, or an open menu
    holds its pictures, the whole page runs again.
    """
    state = st.session_state
    before, said, with_page = _shown(), copy(state.said), True

    def run() -> None:
        nonlocal with_page
        if not with_page:
            _widgets.settle()
            if _shown() != before or state.taking is not None:
                st.rerun()
            state.said = copy(said)
            _state.write_link()
        with_page = False
        body()

    st.fragment(run)()


def _shown() -> tuple[object, ...]:
    """All that the other parts of a page show."""
    state = st.session_state
    refused = dict(state.get("refused", {}))
    said = list(state.get("complaints", []))
    return (state.experiment, state.map, state.lesson, refused, said, state.get("open_run", False))
