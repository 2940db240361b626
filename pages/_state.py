"""The state of the app is its URL: one experiment, and what is asked of the map around it, read
from the link and written back to it.

Widgets show the experiment and change it in callbacks; presets, links and clicks on pictures set it
as a whole. So a copied link, the back button and a page switch all work by the same two functions,
`experiment` and `show`.
"""

from __future__ import annotations

import time
from urllib.parse import urlencode

import streamlit as st

from simcore import links, presets
from simcore.experiment import Experiment
from simcore.plans import Wanted

DEFAULT = presets.MEDIUM.experiment

STALE = 0.25  # seconds in which a rerun may still carry the link from before our own change


def experiment(default: Experiment = DEFAULT) -> Experiment:
    """The experiment of this session, after taking in what the browser's link says.

    A link without a query means `default`, what the page opens on.
    """
    state = st.session_state
    query = dict(st.query_params)
    if "experiment" not in state or (not state.changed and query != state.query):
        late = query == state.get("replaced") and time.monotonic() - state.written < STALE
        if not late:
            state.experiment, complaints = links.from_query(query, default)
            state.map, more = links.map_from_query(query)
            state.query, state.changed = query, False
            state.others = state.get("others", 0) + 1  # changes that the ruler did not make
            state.complaints = [*complaints, *more]
    return state.experiment


def show(changed: Experiment, *, by_ruler: bool = False) -> None:
    """Make `changed` the session's experiment; for callbacks."""
    st.session_state.others += not by_ruler
    st.session_state.experiment = changed
    st.session_state.changed = True
    st.session_state.complaints = []


def show_map(wanted: Wanted) -> None:
    """Make `wanted` what the session asks of the map; for callbacks."""
    st.session_state.map = wanted
    st.session_state.changed = True


def complain(sentence: str) -> None:
    """Say what was wrong with an input; the experiment stays as it was."""
    st.session_state.setdefault("complaints", []).append(sentence)


def write_link() -> None:
    """Bring the browser's link up to date after a change."""
    state = st.session_state
    if state.changed:
        query = link_query()
        if query != state.query:
            state.replaced, state.query, state.written = state.query, query, time.monotonic()
            st.query_params.from_dict(query)
        state.changed = False


def address() -> str:
    """The full address of this page with every value of the experiment, to copy."""
    page = (st.context.url or "").partition("?")[0]
    return f"{page}?{urlencode(link_query(), safe=',:;')}"


def link_query(experiment: Experiment | None = None) -> dict[str, str]:
    """The query that other pages get, so that they show `experiment`, or the session's, and the
    session's map."""
    state = st.session_state
    return links.to_query(experiment or state.experiment) | links.map_to_query(state.map)
