"""The front page: choose an architecture and a step size, watch the pathways."""

import streamlit as st

from pages import _controls, _pins, _runs, _state, _ui
from simcore import regimes
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
run = _runs.run(experiment)
named = [panels.Named(run.experiment.dynamics.short, run, regimes.phases(run))]
if with_flow and run.experiment.dynamics.iterated:
    flow = _runs.flow_beside(run)
    if flow is not None:
        named.append(panels.Named("GF", flow, regimes.phases(flow)))
named += _pins.runs(experiment)
_ui.verdict(run)
_ui.play(panels.simulator(named, chosen, _state.view()), "player")
_ui.expectation(experiment)
