"""What a descent went through, every step seen: it is done again, so that nothing said of it
depends on how often somebody recorded.

An update that moves the weights from theta to theta + d sees the mean curvature of the loss on its
way, d.(g(theta + d) - g(theta))/|d|^2 with g its gradient, which is at most the largest sharpness
there. Where that comes up to the edge in force, the edge was met; below it no plain step can raise
a loss that is smooth.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simcore import cost, looks
from simcore.courses import BLOW_UP, Course, course, sharpest, sharpest_modes
from simcore.engines import Engine
from simcore.experiment import Descent, Experiment, Record
from simcore.memory import once
from simcore.simulate import ENGINES
from simcore.trajectory import Trajectory
from simcore.updates import Stretch, Updates
from simcore.verdicts import LEARNED

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
    modes = list(sharpest_modes(experiment))
    target = experiment.task.singular_values[modes[0]]
    last, edge = sharpest(run).strengths[:1], _Edge(run, engine.counts)
    largest, ended = _of_strengths(last).largest_share.max(), False
    with np.errstate(all="ignore"):
        for stretch in updates.each(most):
            if ended or not stretch.seen:
                break
            some = np.array([strengths for _, strengths, *_ in stretch.seen])[..., modes]
            strengths = course(some, some, some, target).strengths
            largest = max(largest, _of_strengths(strengths).largest_share.max())
            if is_smooth(experiment):
                total = _of_strengths(np.concatenate([last, strengths])).total
                edge.take_in(stretch, engine.passed, total)
            last, ended = strengths[-1:], _rests(updates, stretch, engine.passed)
    steps = np.inf if ended else updates.done
    return Past(steps, float(largest), edge.met, edge.met_with_signal)


def _of_strengths(strengths: np.ndarray) -> Course:
    """The course with nothing between these (K, H)."""
    return Course(strengths, strengths, strengths)


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


def is_there(total: np.ndarray) -> np.ndarray:
    """Whether so much of the mode is a signal to be shared."""
    return (np.abs(total) >= LEARNED) & (np.abs(total) <= BLOW_UP)


class _Edge:
    """What the updates of a descent tell of the edge."""

    def __init__(self, run: Trajectory, counts: np.ndarray) -> None:
        dynamics = run.experiment.dynamics
        self.momentum, self.nesterov = dynamics.momentum, dynamics.nesterov
        self.plain, self.reach, self.counts = dynamics.plain, dynamics.reach, counts
        self.run, self.least = run, run.loss[0]
        self.met = self.met_with_signal = False
        # of the update at whose end the gradient is not known yet
        self.here = self.moved = self.pull = np.empty((0, len(counts)))
        self.step_size = np.empty(0)

    def take_in(self, stretch: Stretch, states: np.ndarray, total: np.ndarray) -> None:
        """Some updates to these states (K, N), and the total of the mode before and after each,
        (K+1,)."""
        above, there = self._above(stretch, states), is_there(total)
        self._met(above, there[-1 - len(above) : -1])
        if self.plain:
            loss = np.array([self.least, *(of_loss for of_loss, *_ in stretch.seen)])
            before = np.minimum.accumulate(loss)
            self._met(rises(loss[1:], before[:-1], self.run), there[1:])
            self.least = before[-1]

    def _met(self, where: np.ndarray, there: np.ndarray) -> None:
        self.met |= bool(where.any())
        self.met_with_signal |= bool((where & there).any())

    def _above(self, stretch: Stretch, states: np.ndarray) -> np.ndarray:
        """Whether the curvature came up to the edge on each update but the last, and on the one
        before these if nothing acted between: (K-1,) or (K,)."""
        moved = np.diff(states, axis=0, prepend=stretch.state[None])
        pull = self._pushed(moved, stretch.velocity) / stretch.step_sizes[:, None]
        here, step_sizes = np.concatenate([stretch.state[None], states[:-1]]), stretch.step_sizes
        if stretch.goes_on:
            moved, pull = np.concatenate([self.moved, moved]), np.concatenate([self.pull, pull])
            here = np.concatenate([self.here, here])
            step_sizes = np.append(self.step_size, step_sizes)
        self.here, self.moved, self.pull = here[-1:], moved[-1:], pull[-1:]
        self.step_size = step_sizes[-1:]
        d = moved[:-1]
        along, size = ((pull[:-1] - pull[1:]) * d) @ self.counts, (d * d) @ self.counts
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
    return Samples(sharpness, edge, is_there(course(some, some, some, target).total), whole)


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
