"""The front page: choose an architecture and a step size, watch the pathways."""

from dataclasses import replace

import streamlit as st

from pages import _bring, _controls, _drive, _events, _pins, _prose, _reached, _runs, _state, _ui
from simcore import awaited, live, scenes
from simcore.figures import panels

experiment = _ui.open_page()
with st.container(horizontal=True, vertical_alignment="center", gap="small", key="about_row"):
    _prose.say(
        "Gradient flow lets one of several pathways win; descent past the edge 2/η shares the "
        "signal again.",
        "lead",
    )
    _ui.link("tour", "New here? Take the tour")
    _events.turn(experiment)
from_here = _events.place(experiment)
complaints = st.container()
usual_flow = experiment.resolved_engine == "modes"  # at once; of full weights it takes longer
chosen, view = _controls.chosen_panels(), _state.view()
with_flow = _controls.with_flow(usual_flow)
alone = not (view.central or view.pins or _runs.brought())


def controls() -> None:
    with st.sidebar:
        _controls.sidebar(experiment)
        _events.controls(experiment)
        _drive.controls(experiment)
        _controls.view(experiment)
        _controls.flow_beside(usual_flow)
        _controls.average_beside()
        _pins.controls(experiment)
        _bring.controls()
    with complaints:
        _ui.complaints()


_ui.step_size_ruler(experiment)
wanted = panels.with_eigenvalues(experiment, chosen)
awaiting = None
if alone and not _runs.compiled():  # the browser shows the run while the server wakes up
    awaiting = awaited.scene(experiment, chosen, view, with_flow=with_flow)
if awaiting is not None:
    _ui.play_awaited(awaiting, experiment, "player")
# whoever moves the step size waits for the picture, and not for controls that hardly change
quick = alone and not view.ensemble and _runs.compiled()
picture_first = quick and _runs.at_once(wanted, with_flow=with_flow)
if not picture_first:
    controls()
run = _runs.run(wanted)
shown = [scenes.named(run)]
flow = None
if with_flow and run.experiment.dynamics.iterated:
    flow = _runs.flow_beside(run)
    if flow is not None:
        shown.append(scenes.named_flow(flow, run))
average = None
if view.central and run.experiment.dynamics.iterated:
    average = _runs.average_beside(run)
    if average is not None:
        shown.append(scenes.named(average))
shown += _pins.runs(experiment)
if awaiting is not None:
    st.rerun()  # all that was to be compiled is, and the runs are kept
_ui.verdict(run)
if average is not None:
    _ui.say_beside(average, run)
_bring.origin(run)
scene = panels.simulator(shown, chosen, view)
if average is None:  # the browser cannot run central flow at another step size
    beside = None if flow is None else 1
    scene = replace(scene, live=live.system(run.experiment, view.mode, flow=beside))
_ui.play(_drive.with_seeds(scene, experiment), run, experiment, "player")
if picture_first:
    controls()
if from_here is not None:
    with from_here:
        _events.from_here(experiment, run)
_pins.table(shown)
_ui.expectation(experiment)
_reached.later(experiment)
