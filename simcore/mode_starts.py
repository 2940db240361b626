"""How aligned runs begin, as the modes engine and a batch of runs both need it.

An aligned network is a few groups of equal layers, and its run a few numbers per group and mode;
see `kernels.modes`. One experiment or many of one architecture are laid out here side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simcore.experiment import Experiment
from simcore.kernels import modes as kernels
from simcore.kernels.simd import padded, zeros
from simcore.starts import Rows
from simcore.tasks import Task

BLOW_UP = 1e12  # a loss that many times above its natural scale never comes back


class Groups(NamedTuple):
    """Which of the T layers of an aligned network are equal at the start, and so for ever."""

    first: np.ndarray  # (H+1,) int64, first group of each pathway
    power: np.ndarray  # (G,) int64, how many layers each group has
    layer: np.ndarray  # (T,) int64, group of each layer


class Beginning(NamedTuple):
    """N runs at their start: column n R + i, of C in all, is mode i of run n."""

    system: kernels.ModeSystem  # with step sizes of zero
    x: np.ndarray  # (G, C) layer scales
    state: kernels.ModeState
    loss: np.ndarray  # (N,) without the floor
    limit: np.ndarray  # (N,) loss above which a run counts as diverged
    floor: np.ndarray  # (N,)


def groups(experiment: Experiment) -> Groups:
    """The groups of an aligned experiment, the same in all modes: a start that is not uniform is
    balanced."""
    scales = _told_apart(experiment)
    distinct = [tuple(dict.fromkeys(row)) for row in scales]  # in the order of their first layers
    first = np.cumsum([0, *map(len, distinct)])
    pathways = list(zip(first.tolist(), scales, distinct, strict=False))
    return Groups(
        first=first.astype(np.int64),
        power=np.array([row.count(x) for _, row, of in pathways for x in of], dtype=np.int64),
        layer=np.array([g + of.index(x) for g, row, of in pathways for x in row], dtype=np.int64),
    )


def _told_apart(experiment: Experiment) -> Rows:
    """What tells the layers of each pathway apart: their scales, or their numbers where a jitter
    will move each by itself, or what keeps the block of two modes below the edge."""
    depths, dynamics = experiment.network.depths, experiment.dynamics
    several = len(experiment.task.singular_values) > 1
    if dynamics.jitters or (several and dynamics.parts_layers):
        return tuple(tuple(map(float, range(depth))) for depth in depths)
    return experiment.start.layer_scales(depths)


def begin(experiments: Sequence[Experiment]) -> Beginning:
    """N experiments at their start, all of the same sizes, depths and `groups`."""
    runs, one = len(experiments), experiments[0]
    modes, layout = len(one.task.singular_values), groups(one)
    used, columns = runs * modes, padded(runs * modes)
    target, x = zeros(columns), zeros(len(layout.power), columns)
    target[:used] = np.array([e.task.singular_values for e in experiments]).ravel()
    x[:, :used] = layer_scales(experiments, modes)
    system = kernels.ModeSystem(layout.first, layout.power, target, zeros(columns))
    state = fresh_state(system)
    kernels.evaluate(x, system, state)
    loss = _loss(state.residual[:used].reshape(runs, modes))
    of_task = {task: (natural_loss(task), task.floor()) for task in {e.task for e in experiments}}
    natural, floor = np.array([of_task[e.task] for e in experiments]).T
    return Beginning(system, x, state, loss, blow_up(natural, loss), floor)


def fresh_state(system: kernels.ModeSystem) -> kernels.ModeState:
    """Room for what `evaluate` finds."""
    pathways, columns = len(system.first) - 1, len(system.target)
    return kernels.ModeState(
        pull=zeros(len(system.power), columns),
        strengths=zeros(pathways, columns),
        residual=zeros(columns),
    )


def natural_loss(task: Task) -> float:
    """1/2 tr(M* Sigma_xx M*^T), the loss of a network that gives zero, without the floor."""
    s_xx, _, _ = task.moments()
    target = task.target_map()
    return float(0.5 * ((target @ s_xx) * target).sum())


def blow_up(natural: float | np.ndarray, loss: float | np.ndarray) -> np.ndarray:
    """The loss at which a run counts as diverged that starts at `loss`."""
    with np.errstate(over="ignore"):
        return BLOW_UP * np.maximum(np.maximum(loss, natural), 1e-200)


def layer_scales(experiments: Sequence[Experiment], modes: int) -> np.ndarray:
    """The scale of each group in each mode of N experiments, (G, N R)."""
    if all(e.start.uniform for e in experiments):
        return np.repeat(np.array([_scales(e, 0) for e in experiments]).T, modes, axis=1)
    return np.array([_scales(e, mode) for e in experiments for mode in range(modes)]).T


def _scales(experiment: Experiment, mode: int) -> list[float]:
    """The scale of each group, (G,)."""
    scales = experiment.start.layer_scales(experiment.network.depths, mode)
    return [
        row[told.index(mark)]
        for row, told in zip(scales, _told_apart(experiment), strict=True)
        for mark in dict.fromkeys(told)
    ]


def _loss(residual: np.ndarray) -> np.ndarray:
    """1/2 sum_i r_i^2 of residuals (N, R), added mode by mode as the kernels do: (N,)."""
    total = np.zeros(len(residual))
    with np.errstate(over="ignore"):  # a start may already overflow
        for r in residual.T:
            total = total + 0.5 * (r * r)
    return total
