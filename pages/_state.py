"""The state of the app is its URL: an experiment, what is asked of the map around it, the view of
both, and how it is presented, read from the link and written back to it.

Widgets show the state and change it in callbacks (`_widgets.control`); presets, links and clicks on
pictures set it as a whole. So a copied link, the back button and a page switch all work by the same
few functions: `experiment`, `view`, `show`, `look`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages import _tables
from simcore import links, live, presets
from simcore.experiment import Experiment
from simcore.lesson import Lesson
from simcore.plans import Wanted
from simcore.view import View

DEFAULT = presets.MEDIUM.experiment

STALE = 3.0  # seconds in which a rerun may still carry a link from before our own changes


def experiment(default: Experiment = DEFAULT) -> Experiment:
    """The experiment of this session, after taking in what the browser's link says.

    A link without a query means `default`, what the page opens on.
    """
    state = st.session_state
    query = dict(st.query_params)
    if "experiment" not in state or not (state.changed or query == state.query or _stale(query)):
        _take(query, default)
    return state.experiment


def _stale(query: Mapping[str, str]) -> bool:
    """Whether a busy browser has only not yet heard of our own changes of its link, in which case
    they stand; to go back to such a link is another thing."""
    replaced = st.session_state.get("replaced", [])
    since = time.monotonic() - STALE
    return not _went_back() and any(query == old and when > since for old, when in replaced)


def _take(query: Mapping[str, str], default: Experiment) -> None:
    """Make the session's state what a link says, and say what of it is not understood."""
    state = st.session_state
    opened, wrong = links.from_query(query, default, _tables.find)
    if _tables.asks_for(query):
        state.asked = dict(query)
    wanted, wrong_in_map = links.map_from_query(query)
    view, wrong_in_view = links.view_from_query(query)
    lesson, wrong_in_lesson = links.lesson_from_query(query)
    view, misfits = view.fitted(opened)
    state.others = state.others + 1 if "others" in state else 0
    state.experiment, state.map, state.view = opened, wanted, view
    state.lesson = lesson
    state.query, state.changed = query, False
    unknown = links.unknown(query)
    state.refused = {}
    state.complaints = [*wrong, *wrong_in_map, *wrong_in_view, *wrong_in_lesson, *misfits]
    state.complaints += [unknown] if unknown else []


def view() -> View:
    """What this session shows of its experiment."""
    return st.session_state.view


def lesson() -> Lesson:
    """How this session's page is presented."""
    return st.session_state.lesson


def present(**changes: Any) -> None:
    """Change members of how the page is presented; for callbacks."""
    state = st.session_state
    state.lesson, state.changed = replace(state.lesson, **changes), True


def show(changed: Experiment, *, by_ruler: bool = False) -> None:
    """Make `changed` the session's experiment; for callbacks."""
    state = st.session_state
    changed = _tables.named(changed)
    state.others += not by_ruler  # the ruler must know which changes it did not make
    state.view = state.view.after(state.experiment, changed)
    state.experiment = changed
    state.changed = True
    state.complaints, state.refused = [], {}


def follow(query: Mapping[str, str]) -> None:
    """Make the session's state what a link says, on the page where it is; for callbacks."""
    state = st.session_state
    before = state.query
    _take(query, DEFAULT)
    state.query, state.changed = before, True


def look(**changes: Any) -> None:
    """Change members of the session's view; for callbacks. What is refused is said."""
    _look(lambda view: replace(view, **changes))


def played(report: Any) -> None:
    """Take in what the player says of its view; for callbacks."""
    _look(lambda view: view.played(report))


def let_go(shown: Experiment, told: Any) -> None:
    """Take in the network and the steps at which a control of the player was let go of, beside the
    experiment it was shown on. What is refused is said."""
    try:
        changed = live.at(shown, told)
    except ValueError as error:
        complain(f"{error}. What is shown stays as it was.")
    else:
        show(changed)


def _look(change: Callable[[View], View]) -> None:
    state = st.session_state
    try:
        changed = change(state.view)
        links.view_to_query(changed)  # pins may be too long for a link
    except ValueError as error:
        complain(f"{error}. What is shown stays as it was.")
    else:
        state.view, state.changed = changed, True


def show_map(wanted: Wanted) -> None:
    """Make `wanted` what the session asks of the map; for callbacks."""
    state = st.session_state
    state.map, state.changed = wanted, True
    state.complaints, state.refused = [], {}


def complain(sentence: str) -> None:
    """Say what was wrong with an input; the experiment stays as it was."""
    said = st.session_state.setdefault("complaints", [])
    if sentence not in said:
        said.append(sentence)


def refuse(key: str, sentence: str) -> None:
    """Say what was wrong with the input of a widget, which keeps it until a change is accepted."""
    st.session_state.setdefault("refused", {})[key] = sentence


def refused(key: str) -> str | None:
    """What was wrong with the input that a widget shows; None if nothing was."""
    return st.session_state.get("refused", {}).get(key)


def write_link() -> None:
    """Bring the browser's link up to date after a change."""
    state = st.session_state
    if state.changed:
        query = link_query()
        if query != state.query:
            now = time.monotonic()
            recent = [past for past in state.get("replaced", []) if past[1] > now - STALE]
            state.replaced, state.query = [*recent, (state.query, now)], query
            st.query_params.from_dict(query)
        state.changed = False


def address() -> str:
    """The full address of this page, with every value of the experiment and its view, to copy."""
    page = (st.context.url or "").partition("?")[0]
    return f"{page}?{urlencode(link_query(), safe=',:;')}"


def front_address(query: Mapping[str, str]) -> str:
    """The full address of the front page with a query."""
    page = (st.context.url or "").partition("?")[0].rpartition("/")[0]
    return f"{page}/?{urlencode(query, safe=',:;')}"


def link_query(experiment: Experiment | None = None) -> dict[str, str]:
    """The query that other pages get, so that they show the session's experiment, map and view, or
    another `experiment` at its end."""
    state = st.session_state
    view = state.view
    if experiment is not None and experiment != state.experiment:
        view = replace(view.after(state.experiment, experiment), cursor=None)
    asked = (experiment or state.experiment, state.map, view, state.lesson)
    last, query = state.get("linked", (None, None))
    if last != asked:  # the bar of a page has many links with the same query
        query = (
            links.to_query(asked[0])
            | links.map_to_query(state.map)
            | links.view_to_query(view)
            | links.lesson_to_query(state.lesson)
        )
        state.linked = asked, query
    return dict(query)


# --- A session that begins in the middle of a visit ------------------------------------------
#
# When the server restarts or a session expires, the page stays open and looks alive. Its next
# change begins a new session, which has no callback for it: the change comes as the value that the
# browser has for a widget which this session meets for the first time. The browser's other values
# are those of the link.


def met(key: str) -> bool:
    """Whether the session can do without the browser's value of a widget: it has had the widget
    before, so that its callback hears of changes, or it has found the one change already, which
    other widgets do not show yet.

    To go back or forward counts, too: then the link is right, and the browser's values are of the
    page that was left.
    """
    state = st.session_state
    return state.get("found", False) or key in state.get("met", ()) or _went_back()


def meet(key: str) -> None:
    """Note that the session has the widget now."""
    st.session_state.setdefault("met", set()).add(key)


def find(change: Callable[[], None]) -> NoReturn:
    """Make the change that began the session, and start again with it."""
    st.session_state.found = True
    change()
    st.rerun()


def _went_back() -> bool:
    # private: should it move, the first press of back after a restart or a change suffers
    return getattr(get_script_run_ctx(), "is_history_navigation", False)
