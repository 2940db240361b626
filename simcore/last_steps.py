"""What a run shows near its end, on which its verdict is judged where the end is not that of a
descent from an aligned start (`true_tail`).

A descent goes on from where it is, every step seen, so that a verdict does not depend on how often
somebody recorded; other runs show their last records.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simcore import past, true_tail
from simcore.courses import BLOW_UP, Course, course, sharpest, sharpest_modes
from simcore.engines import Engine
from simcore.experiment import Descent, Record
from simcore.matrices_engine import MatricesEngine
from simcore.memory import once
from simcore.trajectory import Trajectory
from simcore.updates import Updates
from simcore.verdicts import LEARNED, PARTS, STILL, Ahead, over_pathways

# Steps that a descent goes on at least, and the part of its run where that is more.
LEAST, PART_OF_RUN = 48, 5
# A plain run with so many records, all so many times below the edge, has not met it between them.
DENSE, FAR = 50, 3
STATES = 12  # of those steps whose mean sharpness is that of what keeps moving


def tail(records: int) -> slice:
    """The records on which an end is judged: the last fifth, 12 to 200 of them, and not more than
    the second half."""
    wanted = min(200, max(12, records // 5), max(2, records // 2))
    return slice(max(0, records - wanted), records)


@np.errstate(over="ignore", invalid="ignore")  # of a run that diverged
def of(mode: Course, loss: np.ndarray, sharpness: Any, rests: bool) -> Ahead:
    """The mode and the loss (K,) of all modes as `Ahead` has them, with an axis of length one;
    steps hidden between records are included."""
    parts = np.array_split(np.arange(len(mode.low)), PARTS)
    if len(mode.low) < 2 * PARTS:
        parts = [np.arange(len(mode.low))] * PARTS
    of_parts = [Course(*(values[part] for values in mode)) for part in parts]
    low, high = (np.array([f(part.total) for part in of_parts]) for f in (np.min, np.max))
    hidden = np.array([(part.high - part.low).max() for part in of_parts])
    swing = np.maximum(high - low, hidden)
    highest = over_pathways(np.add, mode.high.swapaxes(0, 1))
    swings = np.array([swing[-1], np.ptp(loss[parts[-1]])])
    # the last record may come after fewer steps than the others
    period = _period(np.stack([mode.total, loss], axis=1)[:-1], swings)
    ahead = Ahead(
        low=low,
        high=high,
        swing=swing,
        strengths=np.array([part.strengths.mean(axis=0) for part in of_parts]),
        left=np.maximum(np.abs(highest).max(), np.abs(low).max()),
        period=np.array(period),
        sharpness=sharpness,
        rests=np.array(rests),
    )
    return Ahead(*(np.asarray(values)[..., None] for values in ahead))


def _period(series: np.ndarray, swings: np.ndarray) -> int:
    """After how many records all of the series (K, N) repeat themselves, as `true_tail.period` has
    it: other modes may swing, too, and not in time."""
    found = true_tail.period(series, swings)
    return int(np.lcm.reduce(found) if (found > 0).all() else found.min())


# --- Descents that go on -----------------------------------------------------------------------


def go_on(run: Trajectory) -> bool:
    """Whether it is a descent that goes on from its end. Of full weights they must be known, and
    their velocity, which files of before do not have."""
    experiment, dynamics = run.experiment, run.experiment.dynamics
    if experiment.resolved_engine == "modes":
        return dynamics.iterated
    known = run.theta is not None and (not dynamics.momentum or run.velocity is not None)
    return dynamics.iterated and known


def after_the_end(run: Trajectory) -> tuple[Ahead, float]:
    """What such a run shows after its end, and how long that lasts, against the run. Where it moves
    it is seen for longer: other modes, which are still small, may be about to end its cycle."""
    dynamics, steps = run.experiment.dynamics, int(run.steps[-1])
    few, many = (PARTS * part for part in (true_tail.PART, true_tail.LONGER))
    wanted = min(few, max(LEAST, steps // PART_OF_RUN))
    if dynamics.weight_decay or dynamics.label_noise:  # which moves slowly, or by chance
        wanted = min(many, max(few, steps // PART_OF_RUN))
    with np.errstate(all="ignore"):
        ahead = _look(run, wanted)
        if wanted < steps > few and not ahead.swing.max() <= STILL:
            wanted = min(many, steps)
            ahead = _look(run, wanted)
    return ahead, wanted / steps


def _look(run: Trajectory, steps: int) -> Ahead:
    strengths, loss = _next_steps(run, steps)
    modes = list(sharpest_modes(run.experiment))
    some, target = strengths[..., modes], run.experiment.task.singular_values[modes[0]]
    mode = course(some, some, some, target)
    rests = bool((strengths[-3:] == strengths[-1]).all())
    return of(mode, loss, felt(run)[-1], rests)


def _next_steps(run: Trajectory, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Strengths (T, H, R) and loss (T,) after each of the next steps; inf once it has blown up."""
    updates = _from_the_end(run, past.engine_of(run.experiment, past.QUIET))
    strengths = np.full((steps, *run.strengths.shape[1:]), np.inf)
    loss, done = np.full(steps, np.inf), 0
    for stretch in updates.each(updates.done + steps):
        for k, (of_loss, of_strengths, *_) in enumerate(stretch.seen, done):
            loss[k], strengths[k] = of_loss, of_strengths
        done += len(stretch.seen)
    return strengths, loss


def mean_sharpness(run: Trajectory, steps: int) -> float:
    """Of the weights that move, over the next steps."""
    updates = _from_the_end(run, past.engine_of(run.experiment, Record(frames=2)))
    goals = updates.done + np.linspace(0, steps, STATES + 1).astype(int)[1:]
    return float(np.mean(past.sharpness_at(updates, goals)[0]))


def _from_the_end(run: Trajectory, engine: Engine) -> Updates:
    """The updates after the end, of an engine that is brought there."""
    updates = Updates(run.experiment, engine)
    if isinstance(engine, MatricesEngine):
        assert run.theta is not None
        engine.put(run.theta, run.velocity)
    else:
        updates.go(int(run.steps[-1]))
    updates.be_at_the_end()
    return updates


# --- The past --------------------------------------------------------------------------------


def felt(run: Trajectory) -> np.ndarray:
    """The recorded sharpness that the edge compares with: of the weights that move, (K,)."""
    return run.sharpness if run.moving_sharpness is None else run.moving_sharpness


def met_edge(run: Trajectory, *, with_signal: bool = False) -> bool:
    """Whether a run met its edge, or did so while there was signal, so that a start above the edge
    does not count: a descent on the way of any step, or where its sharpness is looked at; another
    run at a record."""
    if run.edge is None:
        return False
    if not isinstance(run.experiment.dynamics, Descent):
        return bool((felt(run) >= run.edge).any())
    plainly = run.experiment.dynamics.plain and past.is_smooth(run.experiment)
    if plainly and len(run.steps) >= DENSE and (FAR * felt(run) < run.edge).all():
        return False
    if plainly and _rises(run, with_signal):
        return True
    met = past.met(run)
    if met.with_signal if with_signal else met.at_all:
        return True
    few = past.samples(run)
    return bool(((few.sharpness >= few.edge) & (few.signal | (not with_signal))).any())


def _rises(run: Trajectory, with_signal: bool) -> bool:
    """Whether records show that a step raised the loss, where there was signal all the way."""
    rises = past.rises(run.loss_range[1:, 1], run.loss[:-1], run)
    if with_signal:
        mode = sharpest(run)
        low, high = (over_pathways(np.add, v[1:].swapaxes(0, 1)) for v in (mode.low, mode.high))
        rises &= (low >= LEARNED) & (high <= BLOW_UP)
    return bool(rises.any())


def stays_far_below(run: Trajectory, times: float) -> bool:
    """Whether the edge is so many times the sharpness of a descent wherever that is looked at."""
    if not isinstance(run.experiment.dynamics, Descent):
        return False
    few = past.samples(run)
    return few.whole and bool((times * few.sharpness < few.edge).all())


def most_share(run: Trajectory) -> float:
    """What the largest share can have been at most, by the ranges between records."""
    mode = sharpest(run)
    high, low = np.maximum(mode.high, -mode.low), np.maximum(mode.low, 0.0)
    others = low.sum(axis=1, keepdims=True) - low
    shares = np.divide(high, others + high, out=np.zeros_like(high), where=high > 0)
    there = high.sum(axis=1) >= LEARNED
    return float(np.where(there, np.minimum(shares.max(axis=1), 1.0), 0.0).max())


@once
def largest_share(run: Trajectory) -> float:
    """The largest share that a pathway had at any step of a descent; of one that takes long, of the
    steps that are seen, and of its records after them."""
    mode = sharpest(run).largest_share
    if not isinstance(run.experiment.dynamics, Descent):
        return float(mode.max())
    seen = past.shared(run)
    return max(seen.largest_share, float(mode[run.steps >= seen.steps].max(initial=0.0)))
