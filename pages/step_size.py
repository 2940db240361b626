"""What happens at every step size: bifurcation diagram, Lyapunov exponent, cobweb."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from pages import _controls, _prose, _runs, _state, _take, _ui, _widgets
from simcore import Descent, Experiment, Record, prospects, theory, variations
from simcore.dynamics import Dynamics
from simcore.figures import orbits as pictures
from simcore.studies import bifurcation
from simcore.wording import listed

COUNT = 480  # step sizes across the diagram

experiment = _ui.open_page()
with st.sidebar:
    _controls.architecture(experiment)
    _controls.clock(experiment)
    with st.expander(_controls.EXPERTS, key="experts"):
        _controls.experts(experiment)
_ui.complaints()
_ui.step_size_ruler(experiment)
_ui.expectation(experiment)


def _plain(dynamics: Dynamics) -> Dynamics:
    """The same for as long with nothing but the gradient."""
    if not (dynamics.driven and dynamics.step_size):
        return dynamics
    return Descent(step_size=dynamics.step_size, steps=dynamics.steps)


eta = experiment.dynamics.step_size or np.nan
plain = replace(experiment, dynamics=_plain(experiment.dynamics))
marks, unit = theory.step_size_marks(plain), theory.unit_step_size(experiment)


def whole_range() -> tuple[float, float]:
    """From half of 2/S_1 to a little past the last mark of the theory."""
    last = max((mark for mark in marks if np.isfinite(mark)), default=2 * unit)
    return 0.5 * unit, 1.15 * float(np.fmax(last, eta))


def _plays_no_part(experiment: Experiment) -> str:
    """That the diagram is of plain descent, where the run is not."""
    said = [f"its {name}" for name in experiment.dynamics.beside_gradient]
    return f" It is of plain descent, without {listed(said)}." if said else ""


low, high = _state.view().step_sizes or whole_range()
chart_key = f"bifurcation {low} {high}"  # one that kept its key would keep the brush that led to it


def on_select() -> None:
    """A drag zooms; a click chooses the step size."""
    selection: Any = st.session_state[chart_key]["selection"]
    dragged = selection.get("zoom", {}).get("eta")
    if dragged and dragged[1] - dragged[0] > 1e-9:
        _state.look(step_sizes=tuple(map(float, dragged)))
        return
    picked = selection.get("pick") or []
    if picked and "eta" in picked[0]:
        eta = float(picked[0]["eta"])
        _widgets.attempt(lambda: _state.show(variations.with_step_size(experiment, eta)))


if not prospects.follows_closed_forms(experiment):
    _prose.note(
        "The diagram needs linear pathways, a balanced start and whitened inputs; choose those "
        f"under “{_controls.EXPERTS}”."
    )
else:
    # steps and records do not matter here, so one key serves all of them
    any_run = replace(experiment, dynamics=Descent(step_size=1.0, steps=1), record=Record())
    found = _runs.orbits(any_run, np.linspace(low, high, COUNT))
    if found is None:
        st.stop()
    left, right = st.columns([3, 2])
    with left:
        shown = _controls.segments("Show", "diagram", {"sum": "Sum", "each": "Each pathway"})
        picture = pictures.bifurcation(
            found.step_sizes,
            found.strengths,
            marks,
            eta,
            fates=found.fates.tolist(),
            total=shown == "sum",
        )
        place = st.container()
        _widgets.button(
            "Whole range",
            "whole_range",
            lambda: _state.look(step_sizes=None),
            disabled=_state.view().step_sizes is None,
        )
        _take.add(picture, "Where descent ends, by step size", experiment)
        with place:
            if np.isfinite(found.strengths).any():
                _widgets.selectable(picture, chart_key, on_select, ["pick", "zoom"])
            else:  # a sentence in the place of the diagram, with nothing to choose
                st.altair_chart(picture, width="stretch")
        lyapunov = pictures.lyapunov(found.step_sizes, found.lyapunov, marks, eta)
        _ui.chart(lyapunov, "Lyapunov exponent, by step size", experiment)
        _prose.say(
            "Every step size goes on until it repeats itself, for at most "
            f"{bifurcation.BUDGET:,} steps. Where descent has not settled by then, or is near "
            "zero (where it starts, or an overshoot threw it), no orbit is drawn, and a bar at the "
            "foot says so." + _plays_no_part(experiment)
        )
    with right:
        depths = experiment.network.depths
        target = theory.sharpest_target(experiment)
        if len(set(depths)) == 1 and depths[0] > 1 and target > 0 and np.isfinite(eta):
            gamma = eta * theory.single_path_sharpness(target, depths[0])
            _prose.say(
                f"**The chain of one pathway** at γ = ηS₁ = {gamma:.4g}; overshoots can reach zero "
                f"from γ = {theory.wcr_gamma(depths[0]):.4g} on."
            )
            cobweb = pictures.cobweb(depths[0], gamma, 0.1 ** (1 / depths[0]))
            _ui.chart(cobweb, "The chain of one pathway", experiment)
        else:
            _prose.note("The cobweb needs a step size, and pathways of one depth, at least 2.")
        _prose.say("Click a step size to choose it, drag a range to zoom into it.")
        _ui.link("simulator", "Open this run in the Simulator", icon="▶️")
    _take.of_charts()
