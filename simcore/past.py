"""What a descent went through, every step seen: it is done again, so that nothing said of it
depends on how often somebody recorded.

An update that moves the weights from theta to theta + d sees the mean curvature of the loss on its
way, d.(g(theta + d) - g(theta))/|d|^2 with g its gradient, which is at most the largest sharpness
there. Where that comes up to the edge in force, the edge was met; below it no plain step can raise
a loss that is smooth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simcore import cost, looks
from simcore.courses import BLOW_UP, Course, course, sharpest, sharpest_modes
from simcore.engines import Engine
from simcore.experiment import Descent, Experiment, Record
from simcore.matrices_engine import MatricesEngine
from simcore.memory import once
from simcore.simulate import ENGINES
from simcore.trajectory import Trajectory
from simcore.updates import Stretch, Updates
from simcore.verdicts import LEARNED

QUIET = Record(frames=2, sharpness=False)
# Seconds that doing it again may take, as they are estimated; of a longer run its first steps.
AFFORDED = 2.0
CURVATURE = 3e-9  # of them per step and weight, for what the step tells of the edge
SPARSE = 6  # steps of which the sharpness is looked at are at most this part of the way apart
RAISED = 1e-9  # of the loss at the start: less is rounding
SEEN = 1e-7  # of the weights: shorter updates are too close to rounding to tell a curvature
THERE = 1e-8  # of the weights: so near to its end no update of a run is long enough to be seen
AT_REST = 64  # steps without a change after which nothing more will happen


class Shared(NamedTuple):
    """What the first `steps` steps show, or all that change anything."""

    steps: float  # inf: all there will ever be
    largest_share: float  # that a pathway had of the sharpest mode


class Met(NamedTuple):
    """Whether the edge was met on the way of any step."""

    at_all: bool
    with_signal: bool  # where the mode was there to be shared


@once
def shared(run: Trajectory) -> Shared:
    """Of a descent."""
    updates = _again(run, QUIET)
    largest, rest = float(sharpest(run).largest_share[0]), _Rest(updates)
    with np.errstate(all="ignore"):
        for stretch, mode in _each(run, updates, 0.0):
            largest = max(largest, float(mode.largest_share.max()))
            if rest.lasts(_are_at(updates.engine.passed, stretch.state, 0.0)):
                return Shared(np.inf, largest)
    return Shared(updates.done, largest)


@once
def met(run: Trajectory) -> Met:
    """Of a descent whose loss `is_smooth`; of others nothing is known."""
    if not is_smooth(run.experiment):
        return Met(at_all=False, with_signal=False)
    updates = _again(run, QUIET)
    edge, rest, end = _Edge(run, updates.engine), _Rest(updates), _end(run, updates.engine)
    total = sharpest(run).total[:1]
    with np.errstate(all="ignore"):
        for stretch, mode in _each(run, updates, CURVATURE):
            total = np.concatenate([total[-1:], mode.total])
            edge.take_in(stretch, passed := updates.engine.passed, total)
            still = _are_at(passed, stretch.state, 0.0) or _are_at(passed, end, THERE)
            if edge.met_with_signal or rest.lasts(still):  # met with signal is met at all
                break
    return Met(edge.met, edge.met_with_signal)


def _again(run: Trajectory, record: Record) -> Updates:
    """Its updates from the start on, with other records."""
    return Updates(run.experiment, engine_of(run.experiment, record))


def _each(run: Trajectory, updates: Updates, work: float) -> Iterator[tuple[Stretch, Course]]:
    """So many steps as are afforded with so much work, in seconds per step and weight, and the
    sharpest mode after each."""
    modes = list(sharpest_modes(run.experiment))
    target = run.experiment.task.singular_values[modes[0]]
    each = cost.cost(run.experiment).step + work * len(updates.engine.counts)
    for stretch in updates.each(min(updates.dynamics.steps, int(AFFORDED / each))):
        if not stretch.seen:
            return
        some = np.array([strengths for _, strengths, *_ in stretch.seen])[..., modes]
        yield stretch, course(some, some, some, target)


def engine_of(experiment: Experiment, record: Record) -> Engine:
    """That of the experiment at its start, with other records."""
    return ENGINES[experiment.resolved_engine](replace(experiment, record=record))


def is_smooth(experiment: Experiment) -> bool:
    """Whether the loss is smooth and its gradient alone pulls, but for a penalty."""
    return experiment.network.activation != "relu" and not experiment.dynamics.label_noise


def rises(loss: np.ndarray, before: np.ndarray, run: Trajectory) -> np.ndarray:
    """Whether a loss is more than rounding above what it was before."""
    return loss > before + RAISED * run.loss[0]


@np.errstate(over="ignore")
def _are_at(states: np.ndarray, place: np.ndarray, near: float) -> bool:
    """Whether all of some states (K, N) are at a place (N,), or as near to it, of its size; not
    where numbers end."""
    reach = near * np.linalg.norm(place)
    return bool(np.isfinite(reach)) and all(
        np.linalg.norm(state - place) <= reach for state in states[::-1]
    )


def _end(run: Trajectory, engine: Engine) -> np.ndarray:
    """What the engine moves at the end of the run, (N,); nan where that is not known."""
    if isinstance(engine, MatricesEngine) and run.theta is not None:
        return engine.enter(run.theta)
    return np.full(len(engine.counts), np.nan)


class _Rest:
    """How long nothing has moved in a descent that is done again."""

    def __init__(self, updates: Updates) -> None:
        self.updates, self.since = updates, np.inf

    def lasts(self, still: bool) -> bool:
        """Whether nothing more will happen, if now it is `still`: for long there was nothing, and
        nothing comes that would change it."""
        updates = self.updates
        self.since = min(self.since, updates.done) if still else np.inf
        over = updates.rng is None and not any(time >= updates.done for time in updates.changes)
        return over and updates.done - self.since >= AT_REST


def is_there(total: np.ndarray) -> np.ndarray:
    """Whether so much of the mode is a signal to be shared."""
    return (np.abs(total) >= LEARNED) & (np.abs(total) <= BLOW_UP)


class _Edge:
    """What the updates of a descent tell of the edge.

    With d the update of theta and p = -eta g the part of it that the gradient has now, the
    curvature on its way is (p.d/eta - p'.d/eta')/|d|^2 with p' and eta' of the update after it:
    products of neighbours, in which each weight of the network counts once.
    """

    def __init__(self, run: Trajectory, engine: Engine) -> None:
        dynamics = run.experiment.dynamics
        self.momentum, self.nesterov = dynamics.momentum, dynamics.nesterov
        self.plain, self.reach = dynamics.plain, dynamics.reach
        self.roots = np.sqrt(engine.counts)
        self.run, self.least = run, run.loss[0]
        self.met = self.met_with_signal = False
        # the update at whose end the gradient is not known yet, and those of a stretch after it
        self.moved = np.zeros((1 + engine.together, len(self.roots)))
        self.last = np.empty((3, 0))  # of it: p.d, |d|^2 and eta

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
        moved = self.moved[: 1 + len(states)]
        np.subtract(states[0], stretch.state, out=moved[1])
        np.subtract(states[1:], states[:-1], out=moved[2:])
        moved[1:] *= self.roots
        pushed = self._pushed(moved[1:], stretch.velocity * self.roots)
        these = np.array(
            [np.vecdot(pushed, moved[1:]), np.vecdot(moved[1:], moved[1:]), stretch.step_sizes]
        )
        before = self.last if stretch.goes_on else self.last[:, :0]
        own, sizes, step_sizes = np.concatenate([before, these], axis=1)
        first = len(states) - len(own) + 1  # of those that come after another
        after = np.vecdot(pushed[first:], moved[first:-1])
        moved[0], self.last = moved[-1], these[:, -1:]
        along = own[:-1] - after * step_sizes[:-1] / step_sizes[1:]
        above = (along >= self.reach * sizes[:-1]) & (step_sizes[1:] > 0)
        if above.any():
            weights = np.concatenate([stretch.state[None], states[:-1]])[first:] * self.roots
            above &= sizes[:-1] >= SEEN**2 * np.vecdot(weights, weights)
        return above

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
    updates = _again(run, record)
    goals = _sampled_steps(dynamics.steps)
    each = cost.cost(replace(experiment, record=record))
    seconds = each.record * np.arange(1, len(goals) + 1) + each.step * goals
    rest, end = _Rest(updates), _end(run, updates.engine)

    def rests() -> bool:
        return rest.lasts(_are_at(updates.engine.moved()[0][None], end, THERE))

    sharpness, strengths = sharpness_at(updates, goals[seconds <= AFFORDED], rests)
    modes = list(sharpest_modes(experiment))
    some, target = strengths[..., modes], experiment.task.singular_values[modes[0]]
    edge, whole = dynamics.edges(goals[: len(sharpness)]), rests() or len(sharpness) == len(goals)
    return Samples(sharpness, edge, is_there(course(some, some, some, target).total), whole)


def _sampled_steps(last: int) -> np.ndarray:
    """Every step at first, then with odd gaps that grow with the way."""
    steps = [0]
    while steps[-1] < last:
        steps.append(steps[-1] + 2 * int(steps[-1] / (2 * SPARSE)) + 1)
    return np.array(steps[:-1])


def sharpness_at(
    updates: Updates, goals: np.ndarray, rests: Callable[[], bool] = lambda: False
) -> tuple[np.ndarray, np.ndarray]:
    """The sharpness (K,) of the weights that move, and strengths (K, H, R), after so many updates
    each; fewer if the loss blows up, or where it `rests`."""
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
        if rests():
            break
    shape = len(strengths), updates.pathways, updates.modes
    return np.array(sharpness), np.array(strengths).reshape(shape)
