"""What a run shows near its end, on which its verdict is judged where the end is not that of a
descent from an aligned start (`true_tail`).

Full weights that plain descent moves go on from where they are, every step seen, so that a verdict
does not depend on how often somebody recorded; other runs show their last records.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simcore import true_tail
from simcore.cost import cost
from simcore.courses import Course, course, sharpest, sharpest_modes
from simcore.experiment import Descent, Record
from simcore.kernels import matrices as kernels
from simcore.matrices_engine import MatricesEngine
from simcore.memory import once
from simcore.samples_engine import SamplesEngine
from simcore.simulate import simulate
from simcore.trajectory import Trajectory
from simcore.verdicts import PARTS, STILL, Ahead, over_pathways

FULL = {"matrices": MatricesEngine, "samples": SamplesEngine}  # engines of full weights
# Steps that full weights go on at least, and the part of their run where that is more.
LEAST, PART_OF_RUN = 48, 5
RAISED = 1e-9  # of the loss at the start: less is rounding
# Steps of a run of which the largest share is known, if it is asked for, and seconds that this may
# take, as they are estimated.
MOST_SEEN, AFFORDED = 20_000, 10.0


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


# --- Full weights that go on -----------------------------------------------------------------


def go_on(run: Trajectory) -> bool:
    """Whether plain descent goes on from the weights at the end."""
    experiment, dynamics = run.experiment, run.experiment.dynamics
    full = experiment.resolved_engine in FULL and run.theta is not None
    plainly = dynamics.iterated and not dynamics.driven
    return full and plainly and all(dynamics.moving(experiment.network.pathways))


def after_the_end(run: Trajectory) -> Ahead:
    """What such a run shows after its end. Where it moves it is seen for longer: other modes, which
    are still small, may be about to end its cycle."""
    steps = int(run.steps[-1])
    few, many = (PARTS * part for part in (true_tail.PART, true_tail.LONGER))
    with np.errstate(all="ignore"):
        ahead = _look(run, min(few, max(LEAST, steps // PART_OF_RUN)))
        if steps > few and not ahead.swing.max() <= STILL:
            ahead = _look(run, min(many, steps))
    return ahead


def _look(run: Trajectory, steps: int) -> Ahead:
    strengths, loss = _next_steps(run, steps)
    modes = list(sharpest_modes(run.experiment))
    some, target = strengths[..., modes], run.experiment.task.singular_values[modes[0]]
    mode = course(some, some, some, target)
    rests = bool((strengths[-3:] == strengths[-1]).all())
    return of(mode, loss, run.sharpness[-1], rests)


def _next_steps(run: Trajectory, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Strengths (T, H, R) and loss (T,) after each of the next steps; inf once it has blown up."""
    experiment, eta = run.experiment, run.experiment.dynamics.eta
    assert run.theta is not None
    assert eta is not None
    engine = FULL[experiment.resolved_engine](
        replace(experiment, record=Record(frames=2, sharpness=False))
    )
    engine.weights[:] = engine.enter(run.theta)
    kernels.evaluate(engine.weights, engine.layout, engine.problem, engine.work)
    strengths = np.full((steps, *run.strengths.shape[1:]), np.inf)
    loss = np.full(steps, np.inf)
    done = 0
    while done < steps:
        wanted = min(engine.together, steps - done)
        seen = engine.descend_through(np.ones(wanted, np.int64), eta)
        for k, (of_loss, of_strengths, *_) in enumerate(seen, done):
            loss[k], strengths[k] = of_loss, of_strengths
        done += len(seen)
        if len(seen) < wanted:
            break
        engine.keep()
    return strengths, loss


# --- The past --------------------------------------------------------------------------------


def felt(run: Trajectory) -> np.ndarray:
    """The recorded sharpness that the edge compares with: of the weights that move, (K,)."""
    return run.sharpness if run.moving_sharpness is None else run.moving_sharpness


def met_edge(run: Trajectory) -> bool:
    """Whether the recorded sharpness came up to the edge, or a step of plain descent raised a loss
    that is smooth, which below the edge none can."""
    if run.edge is None:
        return False
    met = felt(run) >= run.edge
    if run.experiment.dynamics.plain and run.experiment.network.activation != "relu":
        met[1:] |= run.loss_range[1:, 1] > run.loss[:-1] + RAISED * run.loss[0]
    return bool(met.any())


@once
def largest_share(run: Trajectory) -> float:
    """The largest share that a pathway had at any step of a descent, which is done again to see
    them all (of a very long one, evenly many; of one that takes long, its records)."""
    return float(sharpest(_step_by_step(run)).largest_share.max())


def _step_by_step(run: Trajectory) -> Trajectory:
    experiment, steps = run.experiment, int(run.steps[-1])
    if not isinstance(experiment.dynamics, Descent):
        return run
    last = replace(experiment, record=Record(every=steps, sharpness=False))
    stride = -(-steps // min(MOST_SEEN, last.most_records - 1))
    every = replace(last, record=Record(every=stride + 1 - stride % 2, sharpness=False))
    same = np.array_equal(run.steps, experiment.dynamics.recorded(every.record))
    return run if same or cost(every).seconds > AFFORDED else simulate(every)
