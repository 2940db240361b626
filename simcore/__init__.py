"""Deep linear networks with several pathways, under gradient descent, gradient flow and
central flow.

One alphabet, everywhere: H pathways (`pathways`, `h`) of depths L_h (`depths[h]`), hidden width d
(`width`), target M* = U diag(sigma*_i) V^T (`singular_values`), sigma_{h,i} = u_i^T Omega_h v_i
(`strengths`: how much of mode i pathway h carries), eta (`step_size`), time t = eta * step,
lambda_max (`sharpness`), the edge 2/eta (`edge`). H. Kim, S. Lee, ICML 2026 (arXiv 2606.05219).
"""

import sys
from pathlib import Path

from simcore import signals

# `simcore` and `python -m simcore` come by here on their way to the command; the rest takes a while
if any(Path(name).stem in ("simcore", "-m") for name in sys.argv[:1]):
    signals.leave_at_once()

from simcore import curvature, export, presets, prospects, regimes, theory
from simcore.events import Freeze, Jitter, Kick, Ramp, StepSize
from simcore.experiment import (
    Balanced,
    CentralFlow,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Record,
)
from simcore.simulate import simulate
from simcore.studies.grids import grid
from simcore.studies.sweep import summary, sweep
from simcore.suggest import suggest
from simcore.tasks import Dataset, Spectrum, Target, Tree
from simcore.trajectory import Outcome, Trajectory
from simcore.version import NUMBER as __version__

__all__ = [
    "Balanced",
    "CentralFlow",
    "Dataset",
    "Descent",
    "Experiment",
    "Flow",
    "Freeze",
    "Gaussian",
    "Jitter",
    "Kick",
    "LayerScales",
    "Network",
    "Outcome",
    "Ramp",
    "Record",
    "Spectrum",
    "StepSize",
    "Target",
    "Trajectory",
    "Tree",
    "__version__",
    "curvature",
    "export",
    "grid",
    "presets",
    "prospects",
    "regimes",
    "simulate",
    "suggest",
    "summary",
    "sweep",
    "theory",
]
