"""Long-run orbits of the sharpest mode over a range of step sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simcore import looks, prospects, theory
from simcore.checks import require
from simcore.experiment import Experiment
from simcore.kernels import orbits as kernels
from simcore.looks import Cancelled

PATHWAY = 1.5e-8  # seconds of a core that a step of one pathway takes
LONGEST = 100_000  # steps before what is kept


def plateau(experiment: Experiment) -> float:
    """How long gradient flow takes to leave a balanced start, t = phi(sigma*^{1/L}) - phi(w) over
    sigma* for the fastest pathway alone; infinite if none leaves."""
    depths, target = experiment.network.depths, experiment.task.singular_values[0]
    if target == 0:
        return 0.0
    times = [
        float(
            theory.flow_invariants([target], [depth])[0] - theory.flow_invariants([s], [depth])[0]
        )
        for s, depth in zip(experiment.start.strengths(), depths, strict=True)
        if s > 0 or depth == 1
    ]
    return max(0.0, min(times, default=np.inf)) / target


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

    The transient is that many steps after the start's plateau, whose length under gradient flow
    is known (`plateau`), but at most `LONGEST` steps in all. The Lyapunov exponent is
    lim 1/n ln ||J_n ... J_1 v||, J = 1 - eta Hessian of the mode: above 0 for chaos (exactly ln 3
    at depth 2, eta = 2/sigma*), 0 along a line of minima (several pathways), else below 0 for a
    stable cycle. ValueError unless the start is balanced without negative strengths, the inputs are
    whitened, and step sizes and counts positive. Cancelled if `on_progress(fraction)` returns
    False.
    """
    task, depths = experiment.task, experiment.network.depths
    require(
        prospects.follows_closed_forms(experiment),
        "orbits need a balanced start without negative strengths, and whitened inputs, where modes "
        "decouple; choose those",
    )
    weights = np.array([row[0] for row in experiment.start.layer_scales(depths)])
    step_sizes = np.ascontiguousarray(step_sizes, dtype=float)
    require(
        step_sizes.ndim == 1 and bool((step_sizes > 0).all()) and transient >= 0 and kept >= 1,
        f"orbits need positive step sizes in a row, transient >= 0 and kept >= 1, got "
        f"{step_sizes.shape}, {transient} and {kept}; change those",
    )
    lead = np.minimum(transient + plateau(experiment) / step_sizes, max(LONGEST, transient))
    strengths = np.empty((len(step_sizes), kept, len(depths)))
    lyapunov = np.empty(len(step_sizes))
    chunk = looks.between((lead.max(initial=0) + kept) * len(depths) * PATHWAY)
    for first in range(0, len(step_sizes), chunk):
        part = slice(first, first + chunk)
        kernels.orbits(
            weights,
            np.array(depths, dtype=np.int64),
            float(task.singular_values[0]),
            step_sizes[part],
            lead[part].astype(np.int64),
            strengths[part],
            lyapunov[part],
        )
        if on_progress(min(1.0, (first + chunk) / len(step_sizes))) is False:
            raise Cancelled
    return Orbits(step_sizes, strengths, lyapunov)
