"""Runs that come back: a file or a link, dropped or pasted, becomes the experiment of the page."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages import _prose, _runs, _state, _widgets
from simcore import limits, regimes, what
from simcore.figures import panels
from simcore.figures.tables import Named
from simcore.trajectory import Outcome, Trajectory


def controls() -> None:
    """A field for text and a place for files, behind a fold."""
    with st.expander("Open a run", key="files"):
        _widgets.field(
            "A link or an experiment",
            "opened_text",
            "",
            _open_text,
            help="A link of this app, whole or from its ? on, or an experiment as JSON.",
        )
        upload(
            "A file: a run (.npz), an experiment (.json) or a link",
            "opened_file",
            _open_content,
            help="As this app, the command line and Python save them.",
        )


def upload(label: str, key: str, take: Callable[[bytes, str], None], *, help: str) -> None:
    """A place for a file, whose content and name `take` gets; the server lets go of it then, and
    says below why it was refused."""
    state, count = st.session_state, f"{key}_count"
    name = f"{key}{state.get(count, 0)}"  # a widget of a new name has no file

    def opened() -> None:
        file = state[name]
        if file is None:
            return
        content = file.getvalue()
        forget(file.file_id)
        state[count] = state.get(count, 0) + 1
        _widgets.attempt(take, content, file.name, key=key)

    st.file_uploader(label, key=name, on_change=opened, help=help)
    refused = _state.refused(key)
    if refused is not None:
        _prose.warn(refused)


def origin(run: Trajectory) -> None:
    """Where a run comes from that was not run here."""
    if run is _runs.brought():
        _prose.say("This run is shown as its file holds it; it was not run again.", "small-origin")


def _open_text(text: str) -> None:
    if text.strip():
        _show(what.of_text(text))


def _open_content(content: bytes, name: str) -> None:
    given = what.of_bytes(content, name)
    _show(given)
    # others may see what is in the cache, and must be able to believe it: the file's own numbers
    # are for this session alone, and on a hosted server for none
    if given.run is not None and not limits.hosted() and _is_whole(given.run):
        st.session_state.brought = given.run


def _is_whole(run: Trajectory) -> bool:
    """Whether a run in a file went on to its end, and has numbers that can be drawn: they may be
    any."""
    if run.outcome is Outcome.CANCELLED:
        return False
    try:
        with np.errstate(all="ignore"):
            panels.simulator([Named("run", run, regimes.phases(run))], list(panels.PANELS))
    except ValueError:
        return False
    return True


def _show(given: what.Given) -> None:
    if given.query is not None:
        _state.follow(given.query)
    else:
        _state.show(given.experiment)


def forget(file_id: str) -> None:
    """Free the memory of a file that has been read."""
    context = get_script_run_ctx()
    if context is not None:
        # private: should it move, files stay until the session ends
        remove = getattr(context.uploaded_file_mgr, "remove_file", None)
        if remove is not None:
            remove(context.session_id, file_id)
