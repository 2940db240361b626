"""What the browser needs to run a descent by itself while a handle moves: its aligned system.

The step size is left out: it is what moves. See `figures/twin/`, which does what `kernels.modes`
does, bit for bit.
"""

from __future__ import annotations

from typing import Any

from simcore import mode_curvature, mode_starts
from simcore.experiment import Experiment

MOST_WORK = 5_000 * 8 * 8  # steps times groups times modes: a frame must have time for it


def system(experiment: Experiment, mode: int = 0) -> dict[str, Any] | None:
    """The groups of an aligned plain descent, their targets and scales at the start, and the steps
    to record, ready for JSON; None for another experiment or one that is too long.

    `mode` is the one on show. `curved` says whether one block of the Hessian holds its largest
    eigenvalue at every state.
    """
    dynamics = experiment.dynamics
    if not (experiment.resolved_engine == "modes" and dynamics.iterated and dynamics.plain):
        return None
    begin, modes = mode_starts.begin([experiment]), len(experiment.task.singular_values)
    if dynamics.steps * len(begin.system.power) * modes > MOST_WORK:
        return None
    architecture = mode_curvature.architecture_of(experiment)
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
        "curved": modes == 1 and not architecture.pairs and not architecture.zeros,
    }
