"""What the browser needs to run a descent by itself while a handle moves: its aligned system.

The step size moves, and, where layers start balanced and all modes alike, the steps, the number of
pathways, their depths and scales. See `figures/twin/`, which does what `kernels.modes` does, bit
for bit.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from simcore import mode_curvature, mode_starts, variations
from simcore.checks import require
from simcore.experiment import Balanced, Experiment, Flow

MOST_WORK = 5_000 * 8 * 8  # steps times groups times modes: a frame must have time for it


def system(
    experiment: Experiment, mode: int = 0, *, flow: int | None = None
) -> dict[str, Any] | None:
    """The groups of an aligned plain descent, their targets and scales at the start, and the steps
    to record, ready for JSON; None for another experiment or one that is too long.

    `mode` is the one on show; `flow` is the place of its gradient flow, that of
    `variations.matching_flow`, among the runs of the picture. `curved` says whether one block of
    the Hessian holds its largest eigenvalue at every state.
    """
    dynamics = experiment.dynamics
    if not (experiment.resolved_engine == "modes" and dynamics.iterated and dynamics.plain):
        return None
    task, modes = experiment.task, len(experiment.task.singular_values)
    layout = mode_starts.groups(experiment)
    if dynamics.steps * len(layout.power) * modes > MOST_WORK:
        return None
    architecture = mode_curvature.architecture_of(experiment)
    curved = modes == 1 and not architecture.pairs and not architecture.zeros
    return {
        "eta": dynamics.eta,
        "mode": mode,
        "first": layout.first.tolist(),
        "power": layout.power.tolist(),
        "target": list(task.singular_values),
        "x": mode_starts.layer_scales([experiment], modes).tolist(),
        "limit": _limit(experiment),
        "floor": task.floor(),
        "recorded": experiment.record.steps(dynamics.steps).tolist(),
        "curved": curved,
        "flow": None if flow is None else _flow(experiment, flow),
        "network": _network(experiment, curved),
    }


def _limit(experiment: Experiment) -> float:
    """The loss at which the run counts as diverged, as `mode_starts` has it, but for its last
    digits; found without a kernel, which a server that has just woken would compile first."""
    values = np.array(experiment.task.singular_values)
    sums = [sum(experiment.start.strengths(mode)) for mode in range(len(values))]
    with np.errstate(over="ignore"):
        loss = 0.5 * np.sum((np.array(sums) - values) ** 2)
    return float(mode_starts.blow_up(mode_starts.natural_loss(experiment.task), loss))


def at(experiment: Experiment, told: Any) -> Experiment:
    """The experiment with what a control of the picture was let go at: {"depths", "scales",
    "steps"}. ValueError for anything else, and for what an experiment may not have."""
    known = isinstance(told, dict) and {"depths", "scales", "steps"} <= set(told)
    require(known, "a network is told by depths, scales and steps", told)
    network = replace(experiment.network, depths=tuple(told["depths"]))
    changed = replace(experiment, network=network, start=Balanced(scales=tuple(told["scales"])))
    return variations.with_steps(changed, told["steps"])


def _flow(experiment: Experiment, place: int) -> dict[str, Any] | None:
    """How gradient flow beside it is integrated and recorded; `longest` is the most t it may take.
    None for records that are not spaced evenly."""
    matching = variations.matching_flow(experiment, duration=math.inf)
    assert isinstance(matching.dynamics, Flow)
    if matching.record.spacing != "even":
        return None
    return {
        "run": place,
        "rtol": matching.dynamics.rtol,
        "frames": matching.record.frames,
        "longest": matching.dynamics.duration,
    }


def _network(experiment: Experiment, curved: bool) -> dict[str, Any] | None:
    """Depths and scales, where the browser can begin other networks as Python does, and say of them
    what theory says."""
    start, network, record = experiment.start, experiment.network, experiment.record
    modes, depths = len(experiment.task.singular_values), network.depths
    simple = isinstance(start, Balanced) and start.uniform and network.width is None
    positive = simple and min(start.strengths()) > 0 and experiment.task.singular_values[0] > 0
    if not (positive and record.spacing == "even" and (curved or modes > 1)):
        return None
    return {
        "depths": list(depths),
        "scales": list(start.strengths()),
        "every": record.every,
        "frames": record.frames,
        "longest": min(variations.LONG, MOST_WORK // (8 * modes)),
    }
