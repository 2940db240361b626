"""What a descent went through, every step seen: it is done again, so that nothing said of it
depends on how often somebody recorded.

An update that moves the weights from theta to theta + d sees the mean curvature of the loss on its
way, d.(g(theta + d) - g(theta))/|d|^2 with g its gradient, which is at most the largest sharpness
there. Where that comes up to the edge in force, the edge was met; below it no plain step can raise
a loss that is smooth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simcore import cost, looks
from simcore.courses import BLOW_UP, Course, course, sharpest, sharpest_modes
from simcore.engines import Engine
from simcore.experiment import Descent, Dynamics, Experiment, Record
from simcore.matrices_engine import MatricesEngine
from simcore.memory import once
from simcore.modes_engine import ModesEngine
from simcore.samples_engine import SamplesEngine
from simcore.trajectory import Trajectory
from simcore.updates import Stretch, Updates
from simcore.verdicts import LEARNED

ENGINES: dict[str, Callable[[Experiment], Engine]] = {
    "modes": ModesEngine,
    "matrices": MatricesEngine,
    "samples": SamplesEngine,
}
QUIET = Record(frames=2, sharpness=False)
# Seconds that doing it again may take, as they are estimated; of a longer run its first steps.
AFFORDED = 2.0
SPARSE = 6  # steps of which the sharpness is looked at are at most this part of the way apart
RAISED = 1e-9  # of the loss at the start: less is rounding
SEEN = 1e-7  # of the weights: shorter updates are too close to rounding to tell a curvature
AT_REST = 64  # steps without a change of any bit after which nothing more will happen


class Past(NamedTuple):
    """What the first `steps` steps show, or all that change anything."""

    steps: float  # inf: all there will ever be
    largest_share: float  # that a pathway had of the sharpest mode
    met: bool  # whether the edge was met
    met_with_signal: bool  # the same where the mode was there to be shared


@once
def of(run: Trajectory) -> Past:
    """Of a descent."""
    experiment, dynamics = run.experiment, run.experiment.dynamics
    assert isinstance(dynamics, Descent)
    engine = engine_of(experiment, QUIET)
    updates = Updates(experiment, engine)
    most = min(dynamics.steps, int(AFFORDED / cost.cost(experiment).step))
    tells = is_smooth(experiment)
    curvatures = _Curvatures(dynamics, engine.counts)
    modes = list(sharpest_modes(experiment))
    target = experiment.task.singular_values[modes[0]]
    last = sharpest(run).strengths[:1]
    largest, least = float(Course(last, last, last).largest_share.max()), run.loss[0]
    met = signal = ended = False
    with np.errstate(all="ignore"):
        for stretch in updates.each(most):
            if not stretch.seen:
                break
            some = np.array([strengths for _, strengths, *_ in stretch.seen])[..., modes]
            of_mode = course(some, some, some, target)
            largest = max(largest, float(of_mode.largest_share.max()))
            if tells:
                total = Course(*[np.concatenate([last, of_mode.strengths])] * 3).total
                above = curvatures.above(stretch, engine.passed)
                met |= bool(above.any())
                if dynamics.plain:
                    losses = np.array([least, *(of_loss for of_loss, *_ in stretch.seen)])
                    met |= bool(rises(losses[1:], np.minimum.accumulate(losses)[:-1], run).any())
                    least = losses.min()
                signal |= bool((above & _is_there(total)[-1 - len(above) : -1]).any())
            last = of_mode.strengths[-1:]
            ended = _rests(updates, stretch, engine.passed)
            if ended:
                break
    return Past(np.inf if ended else updates.done, largest, met, signal)


def engine_of(experiment: Experiment, record: Record) -> Engine:
    """That of the experiment at its start, with other records."""
    return ENGINES[experiment.resolved_engine](replace(experiment, record=record))


def is_smooth(experiment: Experiment) -> bool:
    """Whether the loss is smooth and its gradient alone pulls, but for a penalty."""
    return experiment.network.activation != "relu" and not experiment.dynamics.label_noise


def rises(loss: np.ndarray, before: np.ndarray, run: Trajectory) -> np.ndarray:
    """Whether a loss is more than rounding above what it was before."""
    return loss > before + RAISED * run.loss[0]


def _rests(updates: Updates, stretch: Stretch, states: np.ndarray) -> bool:
    """Whether nothing has moved for long, and nothing will."""
    over = updates.rng is None and not any(time >= updates.done for time in updates.changes)
    return over and len(states) >= AT_REST and bool((states == stretch.state).all())


def _is_there(total: np.ndarray) -> np.ndarray:
    """Whether so much of the mode is a signal to be shared."""
    return (np.abs(total) >= LEARNED) & (np.abs(total) <= BLOW_UP)


class _Curvatures:
    """Those along the updates of a descent, against the edge."""

    def __init__(self, dynamics: Dynamics, counts: np.ndarray) -> None:
        self.momentum, self.nesterov = dynamics.momentum, dynamics.nesterov
        self.reach, self.counts = dynamics.reach, counts
        # of the update at whose end the gradient is not known yet
        self.here = self.moved = self.pull = np.empty((0, len(counts)))
        self.step_size = np.empty(0)

    def above(self, stretch: Stretch, states: np.ndarray) -> np.ndarray:
        """Whether it came up to the edge, of each update but the last, and of the one before these
        if nothing acted between: (K-1,) or (K,)."""
        moved = np.diff(states, axis=0, prepend=stretch.state[None])
        pushed = self._pushed(moved, stretch.velocity)
        pull = pushed / stretch.step_sizes[:, None]  # minus the gradient, penalty included
        here = np.concatenate([stretch.state[None], states])[:-1]
        if stretch.goes_on and len(self.moved):
            step_sizes = np.append(self.step_size, stretch.step_sizes)
            moved, pull = np.concatenate([self.moved, moved]), np.concatenate([self.pull, pull])
            here = np.concatenate([self.here, here])
        else:
            step_sizes = stretch.step_sizes
        self.moved, self.pull, self.here = moved[-1:], pull[-1:], here[-1:]
        self.step_size = step_sizes[-1:]
        d = moved[:-1]
        along = ((pull[:-1] - pull[1:]) * d) @ self.counts
        size = (d * d) @ self.counts
        visible = size >= SEEN**2 * ((here[:-1] ** 2) @ self.counts)
        return visible & (along * step_sizes[:-1] >= self.reach * size)

    def _pushed(self, moved: np.ndarray, velocity: np.ndarray) -> np.ndarray:
        """-eta g of each update, which moved the weights by so much."""
        beta = self.momentum
        if not beta:
            return moved
        if not self.nesterov:
            return moved - beta * np.concatenate([velocity[None], moved[:-1]])
        pushed = np.empty_like(moved)
        for k, by in enumerate(moved):  # by = beta v' - eta g with v' = beta v - eta g
            pushed[k] = (by - beta**2 * velocity) / (1 + beta)
            velocity = beta * velocity + pushed[k]
        return pushed


# --- The sharpness ----------------------------------------------------------------------------


class Samples(NamedTuple):
    """What K steps show that lie where no run has a say, ever more sparsely."""

    sharpness: np.ndarray  # (K,) of the weights that move
    edge: np.ndarray  # (K,)
    signal: np.ndarray  # (K,) bool, whether the sharpest mode is there to be shared
    whole: bool  # whether they reach to the end


@once
def samples(run: Trajectory) -> Samples:
    """Of a descent; of one that takes long, from its first steps."""
    experiment, dynamics = run.experiment, run.experiment.dynamics
    assert isinstance(dynamics, Descent)
    record = Record(frames=2)
    updates = Updates(experiment, engine_of(experiment, record))
    goals = _sampled_steps(dynamics.steps)
    each = cost.cost(replace(experiment, record=record))
    seconds = each.record * np.arange(1, len(goals) + 1) + each.step * goals
    sharpness, strengths = sharpness_at(updates, goals[seconds <= AFFORDED])
    modes = list(sharpest_modes(experiment))
    some, target = strengths[..., modes], experiment.task.singular_values[modes[0]]
    edge, whole = dynamics.edges(goals[: len(sharpness)]), len(sharpness) == len(goals)
    return Samples(sharpness, edge, _is_there(course(some, some, some, target).total), whole)


def _sampled_steps(last: int) -> np.ndarray:
    """Every step at first, then with odd gaps that grow with the way."""
    steps = [0]
    while steps[-1] < last:
        steps.append(steps[-1] + 2 * int(steps[-1] / (2 * SPARSE)) + 1)
    return np.array(steps[:-1])


def sharpness_at(updates: Updates, goals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sharpness (K,) of the weights that move, and strengths (K, H, R), after so many updates
    each; fewer if the loss blows up."""
    engine, sharpness, strengths = updates.engine, [], []
    for goal in goals.tolist():
        if not updates.go(goal):
            break
        strengths.append(engine.observe()[1])
        sharpness.append(engine.eigenvalues(looks.none)[0][0, 0])
        moving = updates.dynamics.moving(updates.pathways, goal)
        if not all(moving):
            sharpness[-1] = engine.moving_sharpness([moving], looks.none)[0]
        engine.keep()
    shape = len(strengths), updates.pathways, updates.modes
    return np.array(sharpness), np.array(strengths).reshape(shape)
