"""The front page: choose an architecture and a step size, watch the pathways."""

from dataclasses import replace

import streamlit as st

from pages import (
    _bring,
    _controls,
    _drive,
    _events,
    _part,
    _pins,
    _prose,
    _reached,
    _runs,
    _state,
    _ui,
)
from simcore import awaited, live, scenes
from simcore.experiment import Experiment
from simcore.figures import panels
from simcore.figures.scene import Scene
from simcore.trajectory import Trajectory

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
with_flow = _controls.with_flow(usual_flow)


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


def wanted(asked: Experiment) -> Experiment:
    """With all that the chosen panels show."""
    return panels.with_eigenvalues(asked, _controls.chosen_panels())


def alone() -> bool:
    """Whether the picture is of the run and the flow beside it only."""
    view = _state.view()
    return not (view.central or view.pins or _runs.brought())


def quick(asked: Experiment) -> bool:
    """Whether the picture is there at once: whoever moves the step size waits for it, and not for
    controls that hardly change."""
    plain = alone() and not _state.view().ensemble and _runs.compiled()
    return plain and _runs.at_once(wanted(asked), with_flow=with_flow)


def awaiting() -> Scene | None:
    """What the browser shows of the run while the server wakes up."""
    if _runs.compiled() or not alone():
        return None
    chosen, view = _controls.chosen_panels(), _state.view()
    return awaited.scene(experiment, chosen, view, with_flow=with_flow)


def picture() -> tuple[Trajectory, list[panels.Named]] | None:
    """The ruler, and the run on show with its words: it and all that the player shows. None while
    the server wakes up."""
    experiment, view = _state.experiment(), _state.view()
    chosen = _controls.chosen_panels()
    _ui.step_size_ruler(experiment)
    if by_browser is not None and not _runs.compiled():
        _ui.play_awaited(by_browser, experiment, "player")
        return None
    run = _runs.run(wanted(experiment))
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
    _ui.verdict(run)
    if average is not None:
        _ui.say_beside(average, run)
    _bring.origin(run)
    scene = panels.simulator(shown, chosen, view)
    if average is None:  # the browser cannot run central flow at another step size
        beside = None if flow is None else 1
        scene = replace(scene, live=live.system(run.experiment, view.mode, flow=beside))
    _ui.play(_drive.with_seeds(scene, experiment), run, experiment, "player")
    _ui.expectation(experiment)
    return run, shown


by_browser = awaiting()
picture_first = by_browser is not None or quick(experiment)
if not picture_first:
    controls()
found = _part.ahead(picture, lambda: quick(_state.experiment()))
if picture_first:
    controls()
if found is None:
    waited_for = _runs.run(wanted(experiment))
    if with_flow:
        _runs.flow_beside(waited_for)
    st.rerun()  # all that was to be compiled is, and the runs are kept
run, shown = found
if from_here is not None:
    with from_here:
        _events.from_here(experiment, run)
_pins.table(shown)
_reached.later(experiment)
