"""The front page: choose an architecture and a step size, watch the pathways."""

import streamlit as st

from pages import _controls, _pins, _ui
from simcore import Descent, presets, regimes
from simcore.figures import scenes

experiment = _ui.open_page()
with st.sidebar:
    _controls.sidebar(experiment)
    view, panels = _controls.view(experiment)
    with_flow = _controls.flow_beside(experiment)
    _pins.controls(experiment)

_ui.complaints()
_ui.step_size_ruler(experiment)
named = []
if isinstance(experiment.dynamics, Descent):
    run = _ui.run(experiment, "Gradient descent")
    named = [scenes.Named("GD", run, regimes.phases(run))]
if with_flow or not named:
    flow = _ui.run(presets.matching_flow(experiment), "Gradient flow")
    named.append(scenes.Named("GF", flow, regimes.phases(flow)))
named += _pins.runs(experiment)
main = named[0].run
st.markdown(f"**{regimes.classify(main).value.capitalize()}.** {regimes.describe(main)}")
_ui.play(scenes.simulator(named, panels, view), "player")
