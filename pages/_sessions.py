"""A session that begins in the middle of a visit: the server has restarted, or forgotten a visitor
whose page is still there.

Its next change may come from a part of the page that runs alone, of which a new session knows
nothing; Streamlit would drop the change without a word.
"""

from __future__ import annotations

from typing import Any

from streamlit.runtime.app_session import AppSession


def know_no_parts() -> None:
    """From now on, a request to run a part that the session does not know runs the whole page."""
    rerun, knows = (getattr(AppSession, name, None) for name in ("request_rerun", "has_fragment"))
    if rerun is None or knows is None:  # private: should they move, the first change may be lost
        return

    def whole(session: AppSession, client_state: Any) -> None:
        if client_state is not None and not knows(session, client_state.fragment_id):
            client_state.fragment_id = ""
        rerun(session, client_state)

    AppSession.request_rerun = whole  # type: ignore[assignment, method-assign]
