"""What moves the weights beside the gradient: momentum, weight decay, label noise and its seeds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from pages import _controls, _prose, _runs, _state, _widgets
from simcore import cost, driven, limits, variations
from simcore.ensemble import SEEDS, Ensemble, members
from simcore.experiment import Descent, Experiment
from simcore.figures import seeds
from simcore.figures.scene import Scene

SHOWN = {"one": "One", "band": f"{SEEDS}, band", "each": f"{SEEDS}, each"}


def controls(experiment: Experiment) -> None:
    """A fold with momentum, weight decay and label noise of a descent, and what a start with noise
    is asked most: another seed, and all of them."""
    dynamics = experiment.dynamics
    if not isinstance(dynamics, Descent):  # no others have any of these
        return
    fold = st.expander("Momentum, decay, noise", key="drive_fold", on_change="rerun")
    if fold.open:
        with fold:
            _momentum(experiment, dynamics)
            _controls.number(
                "Weight decay μ",
                "weight_decay",
                dynamics.weight_decay,
                lambda value: _with(experiment, weight_decay=value),
                help="Adds (μ/2)‖θ‖² to the loss. A minimum is stable up to λ + μ = 2/η, with "
                "momentum (2+2β)/η; at depths above 2 decay favours a single pathway.",
            )
            if driven.decays_away(experiment):
                _prose.note(
                    "So much decay is stronger than the pull of the target on this small start: "
                    "the run will never leave the plateau. Take less, or a larger start."
                )
            _controls.number(
                "Label noise δ",
                "label_noise",
                dynamics.label_noise,
                lambda value: _with(experiment, label_noise=value),
                help="Each update sees the target σ* + δξ with a fresh ξ from N(0, 1) for every "
                "mode. It shares the signal out at any step size, slowly.",
            )
    if dynamics.label_noise:
        _controls.next_seed("noise_seed", dynamics.seed, lambda seed: _with(experiment, seed=seed))
        _controls.segments(
            "Seeds on show",
            "ensemble",
            SHOWN,
            help=f"{SEEDS} runs that differ in the seed of their label noise, this one first: "
            "their median with the band from 10 to 90 %, or each of them; and the drift law of "
            "theory, dashed.",
        )


def _momentum(experiment: Experiment, dynamics: Descent) -> None:
    _controls.number(
        "Momentum β",
        "momentum",
        dynamics.momentum,
        lambda value: _with(experiment, momentum=value),
        help="v ← βv − η∇L, θ ← θ + v, at least 0 and below 1. It moves the edge to (2 + 2β)/η.",
    )
    if dynamics.momentum:
        _widgets.control(
            st.toggle,
            "Nesterov's",
            "nesterov",
            dynamics.nesterov,
            lambda on: _state.show(_with(experiment, nesterov=on)),
            help="The gradient where the velocity leads. Its edge is at (2 + 2β)/((1 + 2β)η).",
        )
    if driven.overshoots(experiment):
        _prose.note(
            "From a small start momentum overshoots at the end of the plateau, before the edge can "
            "decide. A long warm-up of the step size avoids that."
        )
        _widgets.button(
            f"Warm up over {driven.WARM_UP:,} updates",
            "drive_warm_up",
            partial(_widgets.attempt, _warm_up, experiment, key="drive_warm_up"),
            help="The step size grows from 0 in equal steps, and the run gets at least "
            f"{4 * driven.WARM_UP:,} steps.",
            width="stretch",
        )


def _warm_up(experiment: Experiment) -> None:
    _state.show(variations.with_warm_up(experiment, driven.WARM_UP))


def _with(experiment: Experiment, **fields: Any) -> Experiment:
    dynamics = experiment.dynamics
    assert isinstance(dynamics, Descent)
    return variations.with_dynamics(experiment, replace(dynamics, **fields))


def with_seeds(scene: Scene, experiment: Experiment) -> Scene:
    """The scene with the ensemble over seeds, where it is asked for and there is one."""
    wanted = _state.view().ensemble
    if wanted not in ("band", "each") or not experiment.dynamics.label_noise:
        return scene
    ensemble = _ensemble(experiment)
    if ensemble is None:
        return scene
    return seeds.with_ensemble(
        scene, experiment, ensemble, _state.view().mode, each=wanted == "each"
    )


def _ensemble(experiment: Experiment) -> Ensemble | None:
    """The ensemble; None, and a sentence, where it may not be run or nothing finished."""
    runs = members(experiment)
    most, needed = limits.current().seconds, len(runs) * cost.cost(runs[0]).seconds
    if needed > most:
        _prose.warn(
            f"{len(runs)} seeds would take about {needed:.0f} seconds on a core, more than the "
            f"{most:g} that work may take here; take fewer steps."
        )
        return None
    found = [_runs.beside(run, f"Seed {run.dynamics.seed}") for run in runs]
    try:
        return Ensemble.of([run for run in found if run is not None])
    except ValueError as error:
        _prose.warn(f"{error}.")
        return None
