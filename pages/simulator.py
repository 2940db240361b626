"""The front page: choose an architecture and a step size, watch the pathways."""

from dataclasses import replace

import streamlit as st

from pages import _bring, _controls, _drive, _events, _pins, _prose, _reached, _runs, _state, _ui
from simcore import awaited, live, scenes
from simcore.figures import panels

experiment = _ui.open_page()
_prose.say(
    "Parallel linear pathways learn one target: gradient flow lets one of them win, descent past "
    "the edge 2/η shares the signal again.",
    "lead",
)
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
alone = not (with_average or _state.view().pins or _runs.brought())
awaiting = None
if alone and not _runs.compiled():  # the browser shows the run while the server wakes up
    awaiting = awaited.scene(experiment, chosen, _state.view(), with_flow=with_flow)
if awaiting is not None:
    _ui.play_awaited(awaiting, experiment, "player")
run = _runs.run(panels.with_eigenvalues(experiment, chosen))
shown = [scenes.named(run)]
flow = None
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
if awaiting is not None:
    st.rerun()  # all that was to be compiled is, and the runs are kept
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
    beside = None if flow is None else 1
    scene = replace(scene, live=live.system(run.experiment, view.mode, flow=beside))
_ui.play(_drive.with_seeds(scene, experiment), run, experiment, "player")
_pins.table(shown)
_ui.expectation(experiment)
_reached.later(experiment)
