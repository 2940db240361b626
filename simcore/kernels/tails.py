"""Loops of verdicts: what a descent does after its end, every step seen.

One mode of many aligned descents at once, a *column* each, as in `modes`. `Tail` holds what is kept
of P equal parts of a stretch of steps.
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.driven import move_scales
from simcore.kernels.modes import MOVE, STAY, step_once
from simcore.kernels.ranges import spread
from simcore.kernels.simd import at, load, splat, store
from simcore.kernels.stamp import inlined_kernel, kernel

FIRST = np.int64(0)  # NumPy's, because Numba would compile a function anew for each literal


class Tail(NamedTuple):
    """What P equal parts of T steps show of C columns; total = sum_h sigma_h."""

    low: np.ndarray  # (P, C) smallest total
    high: np.ndarray  # (P, C)
    strengths: np.ndarray  # (P, H, C) mean
    sharpness: np.ndarray  # (P, C) mean of sum_l (d total / d layer l)^2 over layers that move
    totals: np.ndarray  # (T, C) of the last part


@inlined_kernel
def _begin(tail, part):
    """Nothing seen yet of a part."""
    columns, pathways = tail.low.shape[1], tail.strengths.shape[1]
    low, high = at(tail.low, part * columns), at(tail.high, part * columns)
    sharpness, means = at(tail.sharpness, part * columns), at(tail.strengths, 0)
    size = pathways * columns
    for c in range(0, columns, 4):
        store(low, c, splat(np.inf))
        store(high, c, splat(-np.inf))
        store(sharpness, c, splat(0.0))
    for n in range(part * size, (part + 1) * size, 4):
        store(means, n, splat(0.0))


@inlined_kernel
def _take_in(system, state, moving, tail, part, step):
    """One more step of a part, the state of which is current."""
    pathways, columns = state.strengths.shape
    strengths, pull = at(state.strengths, 0), at(state.pull, 0)
    low, high = at(tail.low, part * columns), at(tail.high, part * columns)
    sharpness = at(tail.sharpness, part * columns)
    means = at(tail.strengths, part * pathways * columns)
    totals, share = at(tail.totals, step * columns), splat(float(tail.totals.shape[0]))
    for c in range(0, columns, 4):
        total, curvature = splat(0.0), load(sharpness, c)
        for h in range(pathways):
            n = h * columns + c
            total = total + load(strengths, n)
            store(means, n, load(means, n) + load(strengths, n) / share)
            if not moving[h]:
                continue
            for g in range(system.first[h], system.first[h + 1]):
                slope = load(pull, g * columns + c)
                layers = splat(float(system.power[g]))
                curvature = curvature + layers * (slope * slope) / share
        store(totals, c, total)
        store(sharpness, c, curvature)
    spread(totals, low, high, columns)


@kernel
def watch(x, system, state, moving, tail):
    """Take P T steps on from x, of which state must be current, and write what they show; x and
    state are updated. All pathways are `moving` (H,)."""
    for part in range(tail.low.shape[0]):
        _begin(tail, part)
        for step in range(tail.totals.shape[0]):
            step_once(at(x, 0), system, state, MOVE)
            _take_in(system, state, moving, tail, part, step)


@kernel
def watch_driven(x, velocity, system, state, drive, tail):
    """The same of a descent that more than its gradient drives, at the first step size of `drive`;
    velocity (G, C) is updated, too."""
    for part in range(tail.low.shape[0]):
        _begin(tail, part)
        for step in range(tail.totals.shape[0]):
            move_scales(at(x, 0), at(velocity, 0), system, state, drive, FIRST)
            step_once(at(x, 0), system, state, STAY)
            _take_in(system, state, drive.moving, tail, part, step)


@kernel
def peak_share(x, system, state, steps, learned, peak):
    """Take `steps` steps and write the largest share a pathway ever has of the total, (C,), once
    the total is at least `learned` (C,) in size; x and state are updated."""
    pathways, columns = state.strengths.shape
    step_once(at(x, 0), system, state, STAY)
    for step in range(steps + 1):
        if step > 0:
            step_once(at(x, 0), system, state, MOVE)
        for c in range(columns):
            total, sizes, largest = 0.0, 0.0, 0.0
            for h in range(pathways):
                strength = state.strengths[h, c]
                total += strength
                sizes += abs(strength)
                largest = max(largest, abs(strength))
            if sizes > 0.0 and abs(total) >= learned[c]:
                peak[c] = max(peak[c], largest / sizes)


@kernel
def periods(totals, longest, tolerance, found, errors):
    """Write the smallest period, at most `longest` steps, with which each row of totals (C, T)
    repeats itself within its tolerance (C,), 0 if none, and how far it is from repeating itself in
    the first and the second half, errors (2, C)."""
    columns, steps = totals.shape
    for c in range(columns):
        found[c] = 0
        for period in range(1, longest + 1):
            early = late = 0.0
            repeated = True
            for t in range(steps - 1, period - 1, -1):
                error = abs(totals[c, t] - totals[c, t - period])
                if not error <= tolerance[c]:
                    repeated = False
                    break
                if 2 * t >= steps:
                    late = max(late, error)
                else:
                    early = max(early, error)
            errors[0, c], errors[1, c] = early, late
            if repeated:
                found[c] = period
                break
