"""Whether modes of nearly equal size would mix: a warning for runs that assume they cannot.

An aligned start stays aligned in exact numbers, so the modes engine leaves all weights (i, j) of
two different modes at zero. Past the edge those of nearly equal modes can be unstable: the top
eigenvalue of their block of the Hessian stays above 2/eta while those of the modes hover about it,
and rounding grows to order one in full weights.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from simcore import expectations, mode_curvature, mode_starts, theory, true_tail
from simcore.experiment import Experiment
from simcore.kernels import mode_records, ranges
from simcore.memory import remembered

NEARLY = 0.9 * (1 - 1e-9)  # of the larger singular value: the smaller one is nearly equal
GROWN = 14 * np.log(10)  # from rounding, 1e-16, to a hundredth
STATES, APART = 300, 3  # how many states are looked at, an odd number of steps apart


@remembered(256)
def mixes(experiment: Experiment) -> bool:
    """Whether what little two nearly equal modes mix by rounding would grow to order one."""
    if not true_tail.has_true_tail(experiment):
        return False
    pairs = _nearly_equal(experiment)
    if not pairs or expectations.expected(experiment).winner < experiment.dynamics.edge:
        return False
    states = _states(experiment)
    return any(_growth(experiment, states, *pair) > GROWN for pair in pairs)


def _nearly_equal(experiment: Experiment) -> list[tuple[int, int]]:
    """Pairs of neighbouring modes, one for each pair of values."""
    values = experiment.task.singular_values
    pairs = {
        (values[i], values[j]): (i, j)
        for i, j in pairwise(range(len(values)))
        if values[j] > 0 and values[j] >= NEARLY * values[i]
    }
    return list(pairs.values())


def _states(experiment: Experiment) -> np.ndarray:
    """Layer scales (K, R, G) along the run, from where the sharpest mode is half learned."""
    begin, modes = mode_starts.begin([experiment]), len(experiment.task.singular_values)
    system, x, state = begin.system, begin.x, begin.state
    system.step_size[:] = experiment.dynamics.eta
    scrap = ranges.fresh(*state.strengths.shape)
    sharpest = theory.sharpest_mode(experiment)
    half, states = 0.5 * experiment.task.singular_values[sharpest], list[np.ndarray]()
    for _ in range(0, experiment.dynamics.steps, APART):
        if state.strengths[:, sharpest].sum() > half or states:
            states.append(x[:, :modes].T.copy())
        if len(states) == STATES:
            break
        mode_records.descend(x, system, APART, np.inf, state, scrap)
    return np.array(states).reshape(-1, modes, len(x))


def _growth(experiment: Experiment, states: np.ndarray, i: int, j: int) -> float:
    """The largest rise of sum ln |1 - eta Lambda| along the run, for the pair's top eigenvalue."""
    eta = experiment.dynamics.eta
    assert eta is not None
    architecture = mode_curvature.architecture_of(experiment)
    with np.errstate(all="ignore"):
        top = mode_curvature.pair_curvature(architecture, states, i, j)
        gains = APART * np.log(np.abs(1 - eta * top))
    along = np.cumsum(np.where(np.isfinite(gains), gains, 0.0))
    return float((along - np.minimum.accumulate(along)).max(initial=0.0))
