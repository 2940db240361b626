"""What is said of a network of one pathway that rests: it has nobody to share with, so all that can
be told is what it learned."""

from __future__ import annotations

import numpy as np

from simcore import last_steps, theory
from simcore.trajectory import Trajectory
from simcore.verdicts import CLOSE


def headline(run: Trajectory) -> str:
    """A few words for a run of which no pathway's win is told."""
    if run.experiment.network.pathways > 1:
        return "no pathway takes all"
    held = "held short of the target by weight decay"
    return held if _is_held(run) else f"learned {_what(run)}"


def sentence(run: Trajectory) -> str:
    """What it learned."""
    let = " as far as weight decay lets it" if _is_held(run) else ""
    return f"The one pathway learned {_what(run)}{let}."


def _what(run: Trajectory) -> str:
    """What of the target: a verdict is about one mode, and others may be slow, or not be given."""
    mode = theory.sharpest_mode(run.experiment)
    of_others = np.delete(_missing(run), mode)
    return f"mode {mode + 1} of the target" if of_others.any() else "the target"


def _is_held(run: Trajectory) -> bool:
    """Whether the mode of the verdict, which rests, does so away from its target."""
    short = _missing(run)[theory.sharpest_mode(run.experiment)]
    return bool(short and run.experiment.dynamics.weight_decay)


def _missing(run: Trajectory) -> np.ndarray:
    """Which modes are not learned, (R,)."""
    values, sums = np.array(run.experiment.task.singular_values), run.strengths.sum(axis=1)
    noisy = bool(run.experiment.dynamics.label_noise)  # which shakes every single step
    now = sums[last_steps.tail(len(sums))].mean(axis=0) if noisy else sums[-1]
    missing: np.ndarray = np.abs(now - values) > CLOSE * values.max()
    return missing
