"""What is said of a network of one pathway that rests: it has nobody to share with, so all that can
be told is what it learned."""

from __future__ import annotations

import numpy as np

from simcore import driven_verdicts, theory
from simcore.trajectory import Trajectory
from simcore.verdicts import CLOSE, Judged

LATE = 0.8  # of a run: from then on noise is averaged


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
    """What of the target: a verdict is about one mode, and others may be slow, or not be given."""
    mode = theory.sharpest_mode(run.experiment)
    values, sums = np.array(run.experiment.task.singular_values), run.strengths.sum(axis=1)
    noisy = bool(run.experiment.dynamics.label_noise)  # which shakes every single step
    late = run.steps >= LATE * run.steps[-1]  # however many records that are
    now = sums[late].mean(axis=0) if noisy else sums[-1]
    missing = np.delete(np.abs(now - values) > CLOSE * values.max(), mode)
    return f"mode {mode + 1} of the target" if missing.any() else "the target"


def _is_held(run: Trajectory, judged: Judged) -> bool:
    """Whether the mode of the verdict, which rests, does so away from its target, as weight decay
    wants it."""
    if judged.seen is None:
        return False
    ahead = judged.seen.ahead
    short = abs(float(ahead.totals.mean()) - 1) > CLOSE
    return short and driven_verdicts.decay_leaves(run.experiment, ahead) > CLOSE
