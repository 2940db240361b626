"""What the browser needs to run a descent by itself while a handle moves: its aligned system.

The step size moves, and, where layers start balanced and all modes alike, the steps, the number of
pathways, their depths and scales. See `figures/twin/`, which does what `kernels.modes` does, bit
for bit.
"""

from __future__ import annotations

import math
from typing import Any

from simcore import mode_curvature, mode_starts, variations
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
    begin, modes = mode_starts.begin([experiment]), len(experiment.task.singular_values)
    if dynamics.steps * len(begin.system.power) * modes > MOST_WORK:
        return None
    architecture = mode_curvature.architecture_of(experiment)
    curved = modes == 1 and not architecture.pairs and not architecture.zeros
    return {
        "eta": dynamics.eta,
        "mode": mode,
        "first": begin.system.first.tolist(),
        "power": begin.system.power.tolist(),
        "target": begin.system.target[:modes].tolist(),
        "x": begin.x[:, :modes].tolist(),
        "limit": float(begin.limit[0]),
        "floor": float(begin.floor[0]),
        "recorded": experiment.record.steps(dynamics.steps).tolist(),
        "curved": curved,
        "flow": None if flow is None else _flow(experiment, flow),
        "network": _network(experiment, curved),
    }


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
