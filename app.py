"""The laboratory: `streamlit run app.py`."""

from pages import _ui

_ui.frame()
_ui.run_page()
_ui.warm_up()
