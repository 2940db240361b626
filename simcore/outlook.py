"""What can be said of a task before anything is run on it: its rank, which of its modes may mix,
and how long each takes to be learned."""

from __future__ import annotations

import math

import numpy as np

from simcore import theory
from simcore.experiment import Experiment
from simcore.starts import Gaussian
from simcore.tasks import Task
from simcore.wording import in_rows

NOTHING = 1e-8  # of the largest singular value: a mode below it is none
NEAR = 0.9  # past the edge, modes whose values are closer than this ratio mix from rounding alone
DRAWN = 1.25  # random weights leave the plateau so much later than the formula's equal ones


def rank(task: Task) -> int:
    """How many modes there are to learn."""
    values = np.array(task.singular_values)
    return int((values > NOTHING * values[0]).sum())


def condition(task: Task) -> float:
    """sigma*_1 over the smallest singular value that is not zero; nan for a target of zero."""
    count = rank(task)
    return task.singular_values[0] / task.singular_values[count - 1] if count else math.nan


def near_equal(task: Task) -> tuple[tuple[int, int], ...]:
    """Runs of modes, first and last from 0, of which each is within 10 % of the one before.

    Past the edge their alignment with the target is unstable: off-diagonal weights of 1e-10 grow
    to order 1 at a ratio of 0.9, and stay small at 0.7.
    """
    values = task.singular_values[: rank(task)]
    found: list[tuple[int, int]] = []
    first = 0
    for mode in range(1, len(values) + 1):
        if mode == len(values) or values[mode] < NEAR * values[mode - 1]:
            if mode - first > 1:
                found.append((first, mode - 1))
            first = mode
    return tuple(found)


def plateau_times(experiment: Experiment) -> np.ndarray:
    """When each mode is within half of its target under gradient flow, (R,) in units of t: exact
    for balanced pathways and whitened inputs (`theory.half_time`), else about, by itself.

    A random start counts as one balanced pathway of layers std sqrt(width). Inputs that are not
    whitened stretch the time of mode i by 1 / (v_i^T Sigma_xx v_i), and more where they hardly
    vary in a direction of it. inf for a mode of nothing.
    """
    task, start, depths = experiment.task, experiment.start, experiment.network.depths
    right = task.bases()[1]
    speeds = np.einsum("ji,jk,ki->i", right, task.moments()[0], right)
    times = np.full(len(speeds), math.inf)
    for mode, (value, speed) in enumerate(zip(task.singular_values, speeds, strict=True)):
        if value <= NOTHING * task.singular_values[0] or speed <= 0:
            continue
        if isinstance(start, Gaussian):
            layer = start.std * math.sqrt(experiment.network.hidden_width(task))
            each = (theory.half_time((layer**depth,), (depth,), value) for depth in depths)
            times[mode] = DRAWN * min(each) / speed
        else:
            strengths = [abs(strength) for strength in start.strengths(mode)]
            times[mode] = theory.half_time(strengths, depths, value) / speed
    return times


def unlearned(experiment: Experiment) -> tuple[int, ...]:
    """Modes (from 0) of the target that are not half learned when the run ends."""
    end = experiment.dynamics.duration
    modes = range(rank(experiment.task))
    times = plateau_times(experiment)
    return tuple(mode for mode in modes if times[mode] > end)


def half_learned(experiment: Experiment) -> str:
    """When a descent has half learned the first mode, and which modes it has not when it ends, in a
    clause."""
    eta = experiment.dynamics.step_size
    assert eta is not None
    steps = 1 + int(plateau_times(experiment)[0] / eta)
    first = f"mode 1 is half learned after about {steps:,} steps"
    missing = unlearned(experiment)
    if missing:
        which = "mode {} is" if len(missing) == 1 else "modes {} are"
        return f"{first}; {which.format(in_rows(missing))} not when the run ends"
    alone = rank(experiment.task) == 1
    return first if alone else f"{first}, and every other mode before the run ends"
