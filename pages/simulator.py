"""The front page: choose an architecture and a step size, watch the pathways."""

from dataclasses import replace

import streamlit as st

from pages import _bring, _controls, _drive, _events, _pins, _prose, _reached, _runs, _state, _ui
from simcore import live, scenes
from simcore.figures import panels

experiment = _ui.open_page()
with st.container(horizontal=True, vertical_alignment="center", gap="small", key="about_row"):
    _prose.say(
        "Parallel linear pathways learn one target: gradient flow lets one of them win, descent "
        "past the edge 2/η shares the signal again.",
        "lead",
    )
    _events.turn(experiment)
from_here = _events.place(experiment)
with st.sidebar:
    _controls.sidebar(experiment)
    _events.controls(experiment)
    _drive.controls(experiment)
    chosen = _controls.view(experiment)
    # at once for modes; full weights take longer under flow than under descent
    with_flow = _controls.flow_beside(usual=experiment.resolved_engine == "modes")
    with_average = _controls.average_beside()
    _pins.controls(experiment)
    _bring.controls()

_ui.complaints()
_ui.step_size_ruler(experiment)
run = _runs.run(panels.with_eigenvalues(experiment, chosen))
shown = [scenes.named(run)]
if with_flow and run.experiment.dynamics.iterated:
    flow = _runs.flow_beside(run)
    if flow is not None:
        shown.append(scenes.named_flow(flow, run))
average = None
if with_average and run.experiment.dynamics.iterated:
    average = _runs.average_beside(run)
    if average is not None:
        shown.append(scenes.named(average))
shown += _pins.runs(experiment)
if from_here is not None:
    with from_here:
        _events.from_here(experiment, run)
_ui.verdict(run)
if average is not None:
    _ui.say_beside(average, run)
_bring.origin(run)
view = _state.view()
scene = panels.simulator(shown, chosen, view)
if average is None:  # the browser cannot run central flow at another step size
    scene = replace(scene, live=live.system(run.experiment, view.mode))
_ui.play(_drive.with_seeds(scene, experiment), run, experiment, "player")
_pins.table(shown)
_ui.expectation(experiment)
_reached.later(experiment)
