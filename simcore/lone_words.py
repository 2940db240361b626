"""What is said of a network of one pathway that rests: it has nobody to share with, so all that can
be told is what it learned."""

from __future__ import annotations

import numpy as np

from simcore import driven_verdicts, theory
from simcore.trajectory import Trajectory
from simcore.verdicts import CLOSE, Judged


def headline(run: Trajectory, judged: Judged) -> str:
    """A few words for a run of which no pathway's win is told."""
    if run.experiment.network.pathways > 1:
        return "no pathway takes all"
    held = "held short of the target by weight decay"
    return held if _is_held(run, judged) else f"learned {_what(run)}"


def sentence(run: Trajectory, judged: Judged) -> str:
    """What it learned."""
    let = " as far as weight decay lets it" if _is_held(run, judged) else ""
    return f"The one pathway learned {_what(run)}{let}."


def _what(run: Trajectory) -> str:
    """What of the target: a verdict is about one mode, and others may be slow, or not be given.
    Under label noise, which shakes every step, nothing is said of them."""
    mode, values = theory.sharpest_mode(run.experiment), run.experiment.task.singular_values
    off = np.abs(run.strengths[-1].sum(axis=0) - values) > CLOSE * max(values)
    missing = np.delete(off | bool(run.experiment.dynamics.label_noise), mode)
    return f"mode {mode + 1} of the target" if missing.any() else "the target"


def _is_held(run: Trajectory, judged: Judged) -> bool:
    """Whether the mode of the verdict, which rests, does so away from its target, as weight decay
    wants it."""
    if judged.seen is None:
        return False
    ahead = judged.seen.ahead
    short = abs(float(ahead.totals.mean()) - 1) > CLOSE
    return short and driven_verdicts.decay_leaves(run.experiment, ahead) > CLOSE
