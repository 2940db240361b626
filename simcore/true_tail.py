"""What a descent from an aligned start does after its end, on which its verdict is judged.

Its sharpest mode is iterated on and every step is seen, so the verdict does not depend on how often
the run was recorded, and a longer run does not contradict it. Momentum and weight decay go on, too;
what decay moves is so slow that such a run is looked at twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from simcore import expectations, mode_starts, theory
from simcore.expectations import Expected
from simcore.experiment import Descent, Experiment, Record
from simcore.kernels import driven, mode_records, ranges, tails
from simcore.kernels import modes as kernels
from simcore.kernels.simd import padded, zeros
from simcore.marks import TIE
from simcore.memory import remembered
from simcore.modes_engine import ModesEngine
from simcore.updates import Updates
from simcore.verdicts import (
    GONE,
    LEARNED,
    PARTS,
    STILL,
    UNMOVED,
    Ahead,
    Evidence,
    Regime,
    Verdicts,
    judge_one,
    shares_of,
    steady,
)

PART = 128  # steps in each part of the tail
LONGER = 1024  # the same where the first part is not like the last
GLANCE = 16  # steps that tell whether anything moves
TOTALS = 1 << 18  # kept of descents that are watched together

LONGEST_PERIOD = 16  # steps of a cycle
EXACT = 5e-3  # of the swing: a cycle that repeats itself so well is no chaos in narrow bands

BUDGET = 100_000  # steps taken to learn when a run will have settled,
FIRST_MORE = 50  # at first so many at a time

RUNS, MOST_LATER = 10, 1_000_000  # so many times its own steps, at most, is a run seen again later,
DECAYED = 4  # or after so many times 1/(eta mu), in which decay acts, if that is longer

NO_CURVATURE = Record(sharpness=False)
PER_PART = ("low", "high", "swing", "strengths")  # fields of `Ahead`


class Driven(NamedTuple):
    """What more than its gradient drives a descent."""

    velocity: np.ndarray  # (G, N)
    moving: np.ndarray  # (H,) bool, pathways that are awake
    rules: Descent

    def drive(self, steps: int) -> driven.Drive:
        """So many more updates."""
        rules, no_noise = self.rules, np.empty((0, padded(self.velocity.shape[1])))
        return driven.Drive(
            np.full(steps, rules.eta),
            no_noise,
            self.moving,
            rules.momentum,
            rules.nesterov,
            rules.weight_decay,
        )


class Descents(NamedTuple):
    """The sharpest mode of N descents of one architecture, where they ended."""

    first: np.ndarray  # (H+1,) int64, as in `kernels.modes`
    power: np.ndarray  # (G,) int64
    target: np.ndarray  # (N,)
    step_size: np.ndarray  # (N,)
    x: np.ndarray  # (G, N)
    driven: Driven | None = None

    def unstable(self, sharpness: np.ndarray) -> np.ndarray:
        """Whether minima of these sharpnesses (N,) are above the edge."""
        reach, decay = 2.0, 0.0
        if self.driven is not None:
            reach, decay = self.driven.rules.reach, self.driven.rules.weight_decay
        return (sharpness + decay) * self.step_size > reach * (1 + TIE)

    def system(self, columns: Any = slice(None)) -> tuple[kernels.ModeSystem, np.ndarray, Any]:
        """Those at `columns`, padded for kernels: the system, x and the state there."""
        x, target, step_size = self.x[:, columns], self.target[columns], self.step_size[columns]
        size = padded(len(target))
        wide = _widened(x)
        padded_target, padded_step = zeros(size), zeros(size)
        padded_target[: len(target)], padded_step[: len(target)] = target, step_size
        system = kernels.ModeSystem(self.first, self.power, padded_target, padded_step)
        state = mode_starts.fresh_state(system)
        kernels.evaluate(wide, system, state)
        return system, wide, state

    def gone_on(self, steps: int) -> Descents:
        """Where driven ones are so many steps later."""
        assert self.driven is not None
        system, x, state = self.system()
        velocity, nothing = _widened(self.driven.velocity), ranges.fresh(*state.strengths.shape)
        for done in range(0, steps, BUDGET):
            drive = self.driven.drive(min(BUDGET, steps - done))
            driven.descend_modes(x, velocity, system, drive, np.inf, state, nothing)
        count = len(self.target)
        later = self.driven._replace(velocity=velocity[:, :count])
        return self._replace(x=x[:, :count], driven=later)


def _widened(values: np.ndarray) -> np.ndarray:
    """Values (G, N), padded for kernels."""
    wide = zeros(len(values), padded(values.shape[1]))
    wide[:, : values.shape[1]] = values
    return wide


def watch(descents: Descents, lowest: np.ndarray) -> Ahead:
    """What N descents do after their end; the flattest minimum has sharpness `lowest` (N,).

    A glance tells where nothing moves. Where no minimum is stable, and the band changes, for
    example as excursions towards zero take long, or no cycle is clear, the parts are longer."""
    unstable = descents.unstable(lowest)
    glance = _look(descents, np.arange(len(descents.target)), 1, GLANCE)
    ahead = glance._replace(
        **{name: np.repeat(getattr(glance, name), PARTS, axis=0) for name in PER_PART}
    )

    def look_again(columns: np.ndarray, steps: int) -> None:
        if len(columns):
            found = _look(descents, columns, PARTS, steps)
            found = found._replace(left=ahead.left[columns] if steps > PART else found.left)
            for kept, new in zip(ahead, found, strict=True):
                kept[..., columns] = new

    look_again(np.flatnonzero(~(glance.swing[0] <= UNMOVED)), PART)
    with np.errstate(all="ignore"):
        unclear = ~steady(ahead) | (ahead.period <= 0)
        changes = unstable & unclear & (ahead.swing.max(axis=0) > STILL)
    look_again(np.flatnonzero(changes), LONGER)
    return ahead


def _look(descents: Descents, columns: np.ndarray, parts: int, steps: int) -> Ahead:
    """So many parts of so many steps of the descents at `columns`."""
    together = TOTALS // steps
    looks = [
        _look_together(descents, some, parts, steps)
        for some in np.split(columns, range(together, len(columns), together))
    ]
    return Ahead(*(np.concatenate(found, axis=-1) for found in zip(*looks, strict=True)))


def _look_together(descents: Descents, columns: np.ndarray, parts: int, steps: int) -> Ahead:
    system, x, state = descents.system(columns)
    size, pathways, count = x.shape[1], len(system.first) - 1, len(columns)
    tail = tails.Tail(
        np.empty((parts, size)),
        np.empty((parts, size)),
        np.empty((parts, pathways, size)),
        np.empty((parts, size)),
        np.empty((steps, size)),
    )
    if descents.driven is None:
        before = _plainly(system, x, state, tail)
    else:
        before = _as_driven(descents.driven, columns, system, x, state, tail)
    unit = np.where(system.target > 0, system.target, 1.0)
    low, high, strengths = tail.low / unit, tail.high / unit, tail.strengths / unit
    with np.errstate(invalid="ignore"):
        swing = high - low
    repeated = period(tail.totals / unit, swing[-1])
    rests = (x == before).all(axis=0) & (swing[-1] <= GONE)
    left = np.maximum(np.abs(low[0]), np.abs(high[0]))
    found = Ahead(low, high, swing, strengths, left, repeated, tail.sharpness[-1], rests)
    return Ahead(*(values[..., :count] for values in found))


def _plainly(system: Any, x: np.ndarray, state: Any, tail: tails.Tail) -> np.ndarray:
    """Watch the tail and take two more steps; return x before these."""
    awake = np.ones(len(state.strengths), np.bool_)
    tails.watch(x, system, state, awake, tail)
    before = x.copy()
    mode_records.descend(x, system, 2, np.inf, state, ranges.fresh(*state.strengths.shape))
    return before


def _as_driven(
    by: Driven, columns: np.ndarray, system: Any, x: np.ndarray, state: Any, tail: tails.Tail
) -> np.ndarray:
    """The same of those that more than the gradient drives."""
    velocity, drive = _widened(by.velocity[:, columns]), by.drive(2)
    tails.watch_driven(x, velocity, system, state, drive, tail)
    before, nothing = x.copy(), ranges.fresh(*state.strengths.shape)
    driven.descend_modes(x, velocity, system, drive, np.inf, state, nothing)
    return before


def period(totals: np.ndarray, swing: np.ndarray) -> np.ndarray:
    """After how many records, at most 16 and half of them, each series (T, N) repeats itself to 5 %
    of its swing; 0 if it does not. Negative if it does so roughly and gets no better, as chaos in
    narrow bands does."""
    found, errors = np.zeros(totals.shape[1], np.int64), np.zeros((2, totals.shape[1]))
    scale = np.maximum(swing, 1e-12)
    longest = np.int64(min(LONGEST_PERIOD, len(totals) // 2))
    tails.periods(np.array(totals.T, order="C"), longest, 0.05 * scale, found, errors)
    exact = (errors[1] <= EXACT * scale) | (errors[1] < 0.5 * errors[0])
    return np.where(exact, found, -found)


# --- One descent -----------------------------------------------------------------------------


def has_true_tail(experiment: Experiment) -> bool:
    """Whether it is a plain descent that can be iterated on, mode by mode."""
    dynamics = experiment.dynamics
    return experiment.resolved_engine == "modes" and dynamics.iterated and dynamics.plain


def goes_on(experiment: Experiment) -> bool:
    """The same of a descent with events, momentum or weight decay: what it does after its end is
    known step by step, as no noise drives it."""
    dynamics = experiment.dynamics
    modes = experiment.resolved_engine == "modes"
    return modes and dynamics.iterated and not dynamics.label_noise


@remembered(256)  # a page asks several times
def after_the_end(experiment: Experiment) -> Ahead:
    """What such a descent shows after its end, with an axis of length one; the run is done again
    to come there."""
    with np.errstate(all="ignore"):
        return watch(_end(experiment), np.atleast_1d(expectations.expected(experiment).lowest))


@remembered(256)
def later(experiment: Experiment) -> Ahead:
    """The same of one with weight decay after RUNS times its steps more, or when decay has acted,
    if that takes longer (but not more than BUDGET steps)."""
    dynamics = experiment.dynamics
    assert isinstance(dynamics, Descent)
    acts = DECAYED * (1 - dynamics.momentum) / (dynamics.eta * dynamics.weight_decay)
    more = max(min(RUNS * dynamics.steps, MOST_LATER), int(min(acts, BUDGET)))
    with np.errstate(all="ignore"):
        there = _end(experiment).gone_on(more)
        return watch(there, np.atleast_1d(expectations.expected(experiment).lowest))


def last_shares(experiment: Experiment) -> np.ndarray:
    """q_h at the end of such a descent, (H, 1)."""
    _, _, state = _end(experiment).system()
    return shares_of(state.strengths[:, :1])


@remembered(256)
def _end(experiment: Experiment) -> Descents:
    """The sharpest mode where the run ends."""
    dynamics, mode = experiment.dynamics, theory.sharpest_mode(experiment)
    assert isinstance(dynamics, Descent)
    engine = ModesEngine(replace(experiment, record=NO_CURVATURE))
    only = slice(mode, mode + 1)
    with np.errstate(all="ignore"):
        Updates(experiment, engine).go(dynamics.steps)
    moving = np.array(dynamics.moving(experiment.network.pathways))
    more = None
    if dynamics.driven or not moving.all():
        more = Driven(engine.velocity[:, only].copy(), moving, dynamics)
    system, step_size = engine.system, np.array([dynamics.eta])
    x = engine.x[:, only].copy()
    return Descents(system.first, system.power, system.target[only], step_size, x, more)


@remembered(256)  # a page asks several times
def of_descent(experiment: Experiment) -> tuple[Evidence, Verdicts]:
    """Of a finished descent from an aligned start; the run is done again, every step seen."""
    return look_on(experiment, expectations.expected(experiment))


def look_on(experiment: Experiment, expected: Expected) -> tuple[Evidence, Verdicts]:
    """The same, judged by what theory expects (of one run, without an axis)."""
    assert isinstance(experiment.dynamics, Descent)
    walk = _Walk(experiment, expected)
    walk.go(experiment.dynamics.steps)
    seen = walk.seen()
    return seen, judge_one(experiment, seen, expected)


@remembered(256)
def more_steps(experiment: Experiment) -> int | None:
    """About how many more steps a descent takes until its verdict is another than UNFINISHED, found
    by taking them: 0 if it is another already, None if it takes more than BUDGET."""
    assert isinstance(experiment.dynamics, Descent)
    expected = expectations.expected(experiment)
    walk, more = _Walk(experiment, expected), 0
    walk.go(experiment.dynamics.steps)
    while judge_one(experiment, walk.seen(), expected).regimes[0] is Regime.UNFINISHED:
        if more == BUDGET:
            return None
        further = min(max(FIRST_MORE, more // 4), BUDGET - more)
        walk.go(further)
        more += further
    return more


class _Walk:
    """One descent, step by step, with what a verdict needs of its past."""

    def __init__(self, experiment: Experiment, expected: Expected) -> None:
        assert isinstance(experiment.dynamics, Descent)
        begin, mode = mode_starts.begin([experiment]), theory.sharpest_mode(experiment)
        self.origin = Descents(
            begin.system.first,
            begin.system.power,
            begin.system.target[mode : mode + 1],
            np.array([experiment.dynamics.step_size]),
            begin.x[:, mode : mode + 1],
        )
        self.expected = Expected(*(values[..., None] for values in expected))
        self.limit = float(begin.limit[0])
        self.system, self.x, self.state = self.origin.system()
        self.between = ranges.fresh(*self.state.strengths.shape)
        self.start = self.state.strengths[:, :1].copy()
        ranges.widen(self.between, 0.0, self.state.strengths)
        self.steps = 0

    def go(self, steps: int) -> None:
        mode_records.descend(self.x, self.system, steps, self.limit, self.state, self.between)
        self.steps += steps

    def seen(self) -> Evidence:
        past = (self.start, *self.between.strengths[..., :1])
        with np.errstate(all="ignore"):
            here = self.origin._replace(x=self.x[:, :1].copy())
            return evidence(self.origin, here, self.steps, past, self.expected)


def evidence(
    origin: Descents, here: Descents, steps: int, past: Sequence[np.ndarray], expected: Expected
) -> Evidence:
    """Of N plain descents that went from their origin to `here` in so many steps, and had these
    strengths (H, N) at the start, and as their lowest and highest."""
    unit = np.where(here.target > 0, here.target, 1.0)
    start, lowest, highest = (values / unit for values in past)
    peak = peaks(origin, steps, expected)
    return Evidence(start, lowest, highest, peak, watch(here, expected.lowest))


def peaks(starts: Descents, steps: int, expected: Expected) -> np.ndarray:
    """The largest share a pathway ever had, once there was signal, of N descents from their start:
    (N,); 0 where it is not asked for: where the end of gradient flow is known, which tells more, or
    the edge is out of reach."""
    peak = np.zeros(len(starts.target))
    asked = np.flatnonzero(~expected.closed & (expected.winner * starts.step_size >= 2))
    if len(asked):
        system, x, state = starts.system(asked)
        found = np.zeros(len(system.target))
        learned = LEARNED * system.target
        tails.peak_share(x, system, state, steps, learned, found)
        peak[asked] = found[: len(asked)]
    return peak
