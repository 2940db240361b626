"""Where gradient flow takes the sharpest mode, as far as theory knows, and what it keeps.

Known is the way of starts that stay aligned: in closed form, if they are balanced and not below
zero; else that of their layers (`layer_flow`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np

from simcore import layer_flow, theory
from simcore.experiment import Experiment


def stays_aligned(experiment: Experiment) -> bool:
    """Whether modes are numbers of their own, one for each layer of each pathway."""
    return bool(
        experiment.network.linear
        and experiment.task.whitened
        and experiment.start.aligned
        and not experiment.dynamics.jitters
    )


def follows_closed_forms(experiment: Experiment) -> bool:
    """Whether gradient flow from this start is that of `theory`: one number per mode and pathway.

    So it is for linear pathways, whitened inputs and balanced starts (layer scales that are equal
    within each pathway are balanced, too), unless a pathway of two layers or more starts below
    zero, or a jitter will shake the layers apart.
    """
    start, depths = experiment.start, experiment.network.depths
    if not (stays_aligned(experiment) and start.balanced):
        return False
    modes = range(1 if start.uniform else len(experiment.task.singular_values))
    return all(
        math.isfinite(strength) and (strength >= 0 or depth == 1)
        for mode in modes
        for strength, depth in zip(start.strengths(mode), depths, strict=True)
    )


def kept_gaps(experiment: Experiment, mode: int = 0) -> tuple[tuple[float, ...], ...] | None:
    """w_l^2 less the least of them, for each layer of each pathway, which with the strengths of the
    mode say all there is to know of its weights; None where they do not.

    Zero wherever closed forms hold. Gradient flow keeps them for any aligned weights above zero;
    descent and its mean course do not, and neither does an event.
    """
    start, depths = experiment.start, experiment.network.depths
    if follows_closed_forms(experiment):
        return tuple((0.0,) * depth for depth in depths)
    dynamics = experiment.dynamics
    plain = not (dynamics.iterated or dynamics.averages or dynamics.events)
    if not (plain and stays_aligned(experiment)):
        return None
    rows = [[float(scale) for scale in row] for row in start.layer_scales(depths, mode)]
    if not all(scale > 0 for row in rows for scale in row):
        return None
    return tuple(tuple(scale**2 - min(row) ** 2 for scale in row) for row in rows)


class Ends(NamedTuple):
    """Where gradient flow of the sharpest mode ends from N starts of one network; nan where nobody
    knows, and where it does not come to the target."""

    strengths: np.ndarray  # (H, N) as parts of the target; nan for one of zero, too
    sharpness: np.ndarray  # (N,)
    closed: np.ndarray  # (N,) whether they have a closed form


def of(experiments: Sequence[Experiment]) -> Ends:
    """The ends from the starts of experiments with one network."""
    depths, modes = experiments[0].network.depths, [theory.sharpest_mode(e) for e in experiments]
    targets = np.array([theory.sharpest_target(e) for e in experiments])
    strengths = np.full((len(depths), len(experiments)), np.nan)
    sharpness = np.full(len(experiments), np.nan)
    closed = np.array([follows_closed_forms(e) for e in experiments])
    layered = ~closed & (targets > 0) & np.array([stays_aligned(e) for e in experiments])
    begun = list(zip(experiments, modes, strict=True))
    if closed.any():
        starts = np.array([e.start.strengths(mode) for e, mode in compress(begun, closed)])
        found = theory.flow_end_split(starts, depths, targets[closed])
        strengths[:, closed], sharpness[closed] = found.T, theory.mode_sharpness(found, depths)
    if layered.any():
        rows = [e.start.layer_scales(depths, mode) for e, mode in compress(begun, layered)]
        strengths[:, layered], sharpness[layered] = layer_flow.ends(rows, targets[layered])
    return Ends(strengths / np.where(targets > 0, targets, np.nan), sharpness, closed)
