"""Long-run orbits of the sharpest mode over a range of step sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simcore import mode_kernels as kernels
from simcore.checks import require
from simcore.experiment import Balanced, Experiment

CHUNK = 32  # step sizes per kernel call, so that progress and cancelling stay lively


@dataclass(frozen=True, eq=False)
class Orbits:
    """Where descent goes in the long run, for E step sizes; nan where it diverges."""

    step_sizes: np.ndarray  # (E,)
    strengths: np.ndarray  # (E, kept, H) of the sharpest mode
    lyapunov: np.ndarray  # (E,) largest exponent per step, of the mode's H weights


def orbits(
    experiment: Experiment,
    step_sizes: np.ndarray,
    *,
    transient: int = 3000,
    kept: int = 400,
    on_progress: Callable[[float], object] = lambda fraction: None,
) -> Orbits:
    """Iterates `transient` to `transient + kept` of the experiment's sharpest mode at each eta.

    The Lyapunov exponent is lim 1/n ln ||J_n ... J_1 v||, J = 1 - eta Hessian of the mode:
    below 0 for a stable cycle, above 0 for chaos (exactly ln 3 at depth 2, eta = 2/sigma*).
    ValueError unless the start is balanced and the inputs are whitened.
    """
    start, task, depths = experiment.start, experiment.task, experiment.network.depths
    require(
        isinstance(start, Balanced) and task.whitened,
        "orbits need a balanced start and whitened inputs, where modes decouple; choose those",
    )
    assert isinstance(start, Balanced)
    weights = np.array([row[0] for row in start.layer_scales(depths)])
    step_sizes = np.ascontiguousarray(step_sizes, dtype=float)
    strengths = np.empty((len(step_sizes), kept, len(depths)))
    lyapunov = np.empty(len(step_sizes))
    for first in range(0, len(step_sizes), CHUNK):
        part = slice(first, first + CHUNK)
        kernels.orbits(
            weights,
            np.array(depths, dtype=np.int64),
            float(task.singular_values[0]),
            step_sizes[part],
            transient,
            strengths[part],
            lyapunov[part],
        )
        on_progress(min(1.0, (first + CHUNK) / len(step_sizes)))
    return Orbits(step_sizes, strengths, lyapunov)
