"""Long-run orbits of the sharpest mode over a range of step sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from simcore import expectations, flow_ends, looks, mode_starts, theory, true_tail, verdicts
from simcore.checks import require
from simcore.expectations import Expected
from simcore.experiment import Balanced, Experiment
from simcore.kernels import mode_cells
from simcore.kernels import orbits as kernels
from simcore.looks import Cancelled
from simcore.mode_starts import Beginning
from simcore.tasks import Spectrum
from simcore.true_tail import Descents
from simcore.verdicts import Evidence, Regime

CHUNK = 64  # step sizes that go on together, at most
PATHWAY = 4e-9  # seconds of a core that a step of one pathway takes, of many at once
BUDGET = 90_000  # steps, by which an orbit is to have settled;
FIRST = 3000  # it is looked at after so many, and then after this times as many:
LATER = 3
RETURN = 720  # steps after which an orbit of period 1 to 6, 8, 9, 10, 12, 15 or 16 is back
BACK = 1e-6  # of the target: it is where it was
ALIGN = 500  # steps that turn a tangent vector into the direction that grows fastest


class Fate(StrEnum):
    """What became of descent at one step size."""

    SETTLED = "settled"
    WAITING = "still near zero"  # on the start's plateau, or thrown back there
    MOVING = "not settled"
    DIVERGED = "diverged"


@dataclass(frozen=True, eq=False)
class Orbits:
    """Where descent goes in the long run, for E step sizes; nan where it has not settled."""

    step_sizes: np.ndarray  # (E,)
    strengths: np.ndarray  # (E, kept, H) of the sharpest mode
    lyapunov: np.ndarray  # (E,) largest exponent per step, of the mode's H weights
    fates: np.ndarray  # (E,) of Fate


def orbits(
    experiment: Experiment,
    step_sizes: np.ndarray,
    *,
    budget: int = BUDGET,
    kept: int = 400,
    on_progress: Callable[[float], object] = lambda fraction: None,
) -> Orbits:
    """`kept` iterates of the experiment's sharpest mode at each eta, once it has settled.

    It has when it repeats itself: 720 steps later every strength is the same to a millionth of the
    target, which is not near zero, and a minimum where it rests is stable. What moves on, as chaos
    does, goes on for `budget` steps, and has settled if `verdicts.judge` then calls it a cycle, or
    at rest but for a swing that no picture shows, or chaos that no overshoot can throw near zero
    for longer than that. What has not is marked, by its fate.

    The Lyapunov exponent is lim 1/n ln ||J_n ... J_1 v||, J = 1 - eta Hessian of the mode: above 0
    for chaos (exactly ln 3 at depth 2, eta = 2/sigma*), 0 along a line of minima (several
    pathways), else below 0 for a stable cycle. ValueError unless the start is balanced without
    negative strengths, the inputs are whitened, and step sizes and counts positive. Cancelled if
    `on_progress(fraction)` returns False.
    """
    require(
        flow_ends.follows_closed_forms(experiment),
        "orbits need a balanced start without negative strengths, and whitened inputs, where modes "
        "decouple; choose those",
    )
    step_sizes = np.ascontiguousarray(step_sizes, dtype=float)
    require(
        step_sizes.ndim == 1 and bool((step_sizes > 0).all()) and budget >= 1 and kept >= 1,
        f"orbits need positive step sizes in a row, budget >= 1 and kept >= 1, got "
        f"{step_sizes.shape}, {budget} and {kept}; change those",
    )
    experiment = _sharpest_alone(experiment)
    count, depths = len(step_sizes), np.array(experiment.network.depths, dtype=np.int64)
    strengths = np.full((count, kept, len(depths)), np.nan)
    lyapunov, fates = np.full(count, np.nan), np.full(count, Fate.MOVING, dtype=object)
    chunk = min(CHUNK, looks.between(budget * len(depths) * PATHWAY))
    for first in range(0, count, chunk):
        part = slice(first, first + chunk)
        weights, fates[part] = _long_run(experiment, step_sizes[part], budget)
        settled = first + np.flatnonzero(fates[part] == Fate.SETTLED)
        found = np.empty((len(settled), kept, len(depths))), np.empty(len(settled))
        kernels.orbits(
            np.ascontiguousarray(weights[settled - first]),
            depths,
            float(experiment.task.singular_values[0]),
            step_sizes[settled],
            np.int64(ALIGN),
            *found,
        )
        strengths[settled], lyapunov[settled] = found
        if on_progress(min(1.0, (first + chunk) / count)) is False:
            raise Cancelled
    return Orbits(step_sizes, strengths, lyapunov, fates)


def _sharpest_alone(experiment: Experiment) -> Experiment:
    """With the sharpest mode alone, where modes start differently; it is the first otherwise."""
    start, mode = experiment.start, theory.sharpest_mode(experiment)
    if start.uniform:
        return experiment
    task = Spectrum(singular_values=(experiment.task.singular_values[mode],))
    return replace(experiment, task=task, start=Balanced(scales=start.strengths(mode)))


# --- Until it has settled --------------------------------------------------------------------


class _Look(NamedTuple):
    """The sharpest mode of C columns, RETURN steps ago and now."""

    x: np.ndarray  # (G, C) layer scales now
    before: np.ndarray  # (H, C) strengths then
    now: np.ndarray  # (H, C)
    alive: np.ndarray  # (C,)


def _long_run(
    experiment: Experiment, step_sizes: np.ndarray, budget: int
) -> tuple[np.ndarray, np.ndarray]:
    """The weights w (E, H) where each orbit was when it had settled, or last, and its fate (E,)."""
    begin = mode_starts.begin([experiment])
    expected = expectations.expect([experiment], steps=budget)
    count, pathways = len(step_sizes), len(begin.system.first) - 1
    x = np.repeat(begin.x[:, :1], count, axis=1)
    fates = np.full(count, Fate.MOVING, dtype=object)
    going, done, goal = np.arange(count), 0, FIRST
    while len(going) and done < budget:
        steps = max(min(goal, budget) - done, 1)
        look = _walk(begin, x[:, going], step_sizes[going], steps)
        x[:, going] = look.x
        last = done + steps >= budget
        fates[going] = _fates(experiment, expected, begin, step_sizes[going], look, last)
        done, goal = done + steps, goal * LATER
        going = going[np.isin(fates[going], (Fate.MOVING, Fate.WAITING))]
    last_group = begin.system.first[:-1]  # a balanced pathway is one group
    assert len(begin.system.power) == pathways
    return x[last_group].T, fates


def _walk(begin: Beginning, x: np.ndarray, step_sizes: np.ndarray, steps: int) -> _Look:
    """So many steps on from x (G, E)."""
    system, count = begin.system, len(step_sizes)
    here = Descents(system.first, system.power, np.full(count, system.target[0]), step_sizes, x)
    state = here.system()[2]
    cells = mode_cells.room(1, len(x), len(state.strengths), count)
    cells.step_size[:], cells.limit[:], cells.alive[:] = step_sizes, begin.limit[0], 1.0
    cells.target[:], cells.residual[:] = here.target, state.residual[:count]
    cells.x[:], cells.pull[:], cells.strengths[:] = (
        x,
        state.pull[:, :count],
        state.strengths[:, :count],
    )
    back = min(RETURN, steps)

    def go(steps: int) -> np.ndarray:
        with np.errstate(all="ignore"):  # of those that diverge
            mode_cells.descend(cells, system.first, system.power, np.array([steps]))
        return cells.strengths[0].copy()

    before, now = go(steps - back), go(back)
    return _Look(cells.x[0], before, now, cells.alive > 0)


def _fates(
    experiment: Experiment,
    expected: Expected,
    begin: Beginning,
    step_sizes: np.ndarray,
    look: _Look,
    last: bool,
) -> np.ndarray:
    """What can be said of the columns; of those that move on, only at the `last` look."""
    target, depths = float(begin.system.target[0]), experiment.network.depths
    scale = target or 1.0
    with np.errstate(all="ignore"):
        total = look.now.sum(axis=0) / scale
        same = (np.abs(look.now - look.before) <= BACK * scale).all(axis=0)
        near_zero = np.abs(look.now).max(axis=0) < verdicts.LEARNED * target
        rests = np.abs(total - 1) <= BACK
        sharpness = theory.mode_sharpness(look.now.T, depths)
    leaves = rests & (sharpness * step_sizes > 2 * verdicts.FLAT_ENOUGH)
    fates = np.full(len(step_sizes), Fate.MOVING, dtype=object)
    fates[same & ~leaves & ~near_zero] = Fate.SETTLED
    fates[~look.alive] = Fate.DIVERGED
    moving = np.flatnonzero(fates == Fate.MOVING)
    if last and len(moving):
        fates[moving] = _judged(experiment, expected, begin, step_sizes[moving], look, moving)
    return fates


def _judged(
    experiment: Experiment,
    expected: Expected,
    begin: Beginning,
    step_sizes: np.ndarray,
    look: _Look,
    columns: np.ndarray,
) -> np.ndarray:
    """By the verdict on what follows; what came before plays no part."""
    system, target = begin.system, np.full(len(columns), begin.system.target[0])
    here = Descents(system.first, system.power, target, step_sizes, look.x[:, columns])
    expected = expected.of(np.zeros(len(columns), int))
    now = look.now[:, columns] / np.where(target > 0, target, 1.0)
    never = np.full(now.shape, -1.0)  # so nothing turns its sign
    with np.errstate(all="ignore"):
        ahead = true_tail.watch(here, expected.lowest)
        seen = Evidence(never, now, now, np.zeros(len(columns)), ahead)
        depths = experiment.network.depths
        regimes = verdicts.judge(depths, expected, 2 / step_sizes, target, seen).regimes
        still = ahead.swing.max(axis=0) <= verdicts.STILL
    fates = np.full(len(columns), Fate.MOVING, dtype=object)
    fates[regimes == Regime.CYCLE] = Fate.SETTLED
    fates[(regimes == Regime.CHAOS) & (step_sizes < expected.trap)] = Fate.SETTLED
    quiet = (Regime.WINNER_TAKES_ALL, Regime.PARTLY_REBALANCED, Regime.BALANCED)
    fates[np.isin(regimes, quiet) & still] = Fate.SETTLED
    fates[(fates == Fate.MOVING) & (ahead.left < verdicts.LEARNED)] = Fate.WAITING
    fates[regimes == Regime.DIVERGED] = Fate.DIVERGED
    return fates
