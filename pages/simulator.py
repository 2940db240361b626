"""The front page: choose an architecture and a step size, watch the pathways."""

import streamlit as st

from pages import _controls, _pins, _state, _ui
from simcore.figures import panels

experiment = _ui.open_page()
with st.sidebar:
    _controls.sidebar(experiment)
    chosen = _controls.view(experiment)
    # at once for modes; full weights take longer under flow than under descent
    with_flow = _controls.flow_beside(usual=experiment.resolved_engine == "modes")
    _pins.controls(experiment)

_ui.complaints()
_ui.step_size_ruler(experiment)
run = _ui.run(panels.with_eigenvalues(experiment, chosen))
named = [_ui.named(run)]
if with_flow and run.experiment.dynamics.iterated:
    flow = _ui.flow_beside(run)
    named.append(_ui.named(flow))
named += _pins.runs(experiment)
_ui.verdict(run)
_ui.play(panels.simulator(named, chosen, _state.view()), "player")
_pins.table(named)
_ui.expectation(experiment)
