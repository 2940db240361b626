"""The drift law of label noise for an experiment: where mean shares go, and how soon."""

from __future__ import annotations

import numpy as np

from simcore import expectations, flow_ends, theory
from simcore.experiment import Experiment

CLOSE = 0.02  # of a share: so near the flattest split the drift counts as over
LONGEST = 10_000_000  # steps for which it is followed
_POINTS = 400


def follows_law(experiment: Experiment) -> bool:
    """Whether `theory.label_noise_drift` is about these dynamics: label noise at one step size and
    nothing else, from a start whose gradient flow has a closed form."""
    dynamics = experiment.dynamics
    alone = not (dynamics.events or dynamics.momentum or dynamics.weight_decay)
    return bool(dynamics.label_noise) and alone and flow_ends.follows_closed_forms(experiment)


def law(experiment: Experiment, mode: int, steps: np.ndarray, begin: float) -> np.ndarray | None:
    """Strengths (K, H) of a mode after `steps` (K,) by the drift law, from gradient flow's end at
    step `begin` on, nan before; None where the law does not hold."""
    if not follows_law(experiment):
        return None
    found = np.full((len(steps), experiment.network.pathways), np.nan)
    after = steps >= begin
    split = expectations.ends(experiment, mode)["flow"]
    if split.sum() > 0:
        found[after] = _drift(experiment, mode, split, steps[after] - begin)
    return found if np.isfinite(found).any() else None


def steps_to_level(experiment: Experiment, shares: np.ndarray) -> float | None:
    """After how many steps the law brings the sharpest mode from `shares` (H,) to within 0.02 of
    the flattest split, to two digits; None where it does not hold, or that takes too long."""
    if not follows_law(experiment):
        return None
    steps = np.geomspace(1, LONGEST, _POINTS)
    ahead = _drift(experiment, theory.sharpest_mode(experiment), np.abs(shares), steps)
    off = np.abs(theory.shares(ahead) - expectations.expected(experiment).flattest).max(axis=1)
    level = np.flatnonzero(off <= CLOSE)
    return float(f"{steps[level[0]]:.2g}") if len(level) else None


def _drift(experiment: Experiment, mode: int, split: np.ndarray, steps: np.ndarray) -> np.ndarray:
    dynamics, target = experiment.dynamics, experiment.task.singular_values[mode]
    assert dynamics.eta is not None
    depths, noise = experiment.network.depths, dynamics.label_noise
    return theory.label_noise_drift(split, depths, target, dynamics.eta, noise, steps)
