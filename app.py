"""The laboratory: `streamlit run app.py`."""

from starlette.middleware import Middleware
from streamlit.starlette import App

from pages import _headers, _sessions, _waking

if __name__ == "__main__":  # the script, as Streamlit runs it for every visitor
    from pages import _ui

    _ui.frame()
    _ui.run_page()
    _ui.warm_up()
else:  # the server, which `streamlit run` finds by its class
    _sessions.know_no_parts()
    app = App(__file__, middleware=[Middleware(_headers.WithHeaders)], lifespan=_waking.waking)
