"""What theory says of descent with momentum, weight decay or label noise, before it is run.

Closed forms are those of plain descent. These say how far they reach and what is added to them.
"""

from __future__ import annotations

from simcore import theory
from simcore.experiment import Experiment

WARM_UP = 2000  # updates: a shorter one may not be over the plateau before steps are large
SMALL = 0.5  # of the target: from a start below it there is a plateau, and an overshoot at its end


def decays_away(experiment: Experiment) -> bool:
    """Whether weight decay keeps the sharpest mode from ever leaving the plateau."""
    start, dynamics = experiment.start, experiment.dynamics
    if not (dynamics.weight_decay and start.balanced and experiment.task.whitened):
        return False
    mode = theory.sharpest_mode(experiment)
    target, strengths = experiment.task.singular_values[mode], start.strengths(mode)
    # a pathway that cannot move, as one at zero, has no part in it
    return theory.decays_away(strengths, experiment.network.depths, target, dynamics.weight_decay)


def overshoots(experiment: Experiment) -> bool:
    """Whether the overshoot at the end of the plateau may decide before the edge does: with
    momentum, from a small start, unless the step size warms up for long."""
    dynamics = experiment.dynamics
    return bool(dynamics.momentum and dynamics.warms_up_for < WARM_UP and _is_small(experiment))


def _is_small(experiment: Experiment) -> bool:
    start, mode = experiment.start, theory.sharpest_mode(experiment)
    if not start.aligned:
        return True
    return sum(start.strengths(mode)) < SMALL * experiment.task.singular_values[mode]


def gains(experiment: Experiment) -> bool:
    """Whether sharing flattens: more than one pathway, and one of them deeper than 2."""
    depths = experiment.network.depths
    return len(depths) > 1 and max(depths) > 2


def clauses(experiment: Experiment) -> tuple[str, ...]:
    """What else happens in a zone of the step size, each to be added to what its sentence says."""
    dynamics, found = experiment.dynamics, []
    if overshoots(experiment):
        found.append(
            "though this edge is that of small oscillations: from a small start momentum "
            "overshoots at the end of the plateau, and that may decide first, which a long "
            "warm-up avoids"
        )
    if dynamics.weight_decay and gains(experiment):
        found.append("while weight decay favours a single pathway")
    elif dynamics.weight_decay:
        found.append("while weight decay lowers the sum and favours no pathway")
    if dynamics.label_noise and gains(experiment):
        found.append("while label noise shares the signal out slowly, at any step size")
    elif dynamics.label_noise:
        found.append("while label noise shakes the sum")
    return tuple(found)
