"""Coefficients of the embedded Runge-Kutta pair 5(4) with dense output.

J. R. Dormand, P. J. Prince, J. Comput. Appl. Math. 6 (1980); the interpolant of order 4 is
L. F. Shampine, Math. Comp. 46 (1986). Step control after E. Hairer, S. P. Norsett, G. Wanner,
Solving Ordinary Differential Equations I, II.4 and IV.2.

The kernels bring the velocity, this module the rest.
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.simd import add_up, at, copy, fma, larger, load, magnitude, splat, store
from simcore.kernels.stamp import inner_kernel, kernel

REACHED, PENDING, STALLED = 0, 1, 2
STAGES = 7

# y_s = y + h sum_j A[s, j] k_j; the last row gives the step itself (first same as last).
A = np.array(
    [
        [0, 0, 0, 0, 0, 0],
        [1 / 5, 0, 0, 0, 0, 0],
        [3 / 40, 9 / 40, 0, 0, 0, 0],
        [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ]
)

# Order 5 minus order 4: the error estimate is h sum_j E[j] k_j.
E = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])

# y(t + theta h) = y + h sum_j k_j sum_p P[j, p] theta^(p + 1).
P = np.array(
    [
        [1, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432],
        [0, 0, 0, 0],
        [0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799],
        [0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072],
        [0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632],
        [0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844],
        [0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423],
    ]
)

# Controller: h *= SAFETY err^-ORDER_P err_old^ORDER_I, within [SHRINK, GROW].
SAFETY = 0.9
MEMORY = 0.04  # Hairer's beta: damps the step-size oscillation of stiff problems
EXPONENT = 0.2 - 0.75 * MEMORY
SHRINK = 0.2
GROW = 10.0


START = 0  # t at the start of the last step
NOW = 1  # t at its end
STEP = 2  # h to try next
ERROR = 3  # of the last step, in units of what is allowed
LOSS = 4  # at its end
END = 5  # t that no step goes beyond

ACCEPTED, REJECTED = 0, 1


class Integrator(NamedTuple):
    """What a flow keeps between calls, so that record times never restart it."""

    clock: np.ndarray  # (6,) START, NOW, STEP, ERROR, LOSS, END
    seen: np.ndarray  # (1,) bool, whether the ranges hold the end of the last step
    counts: np.ndarray  # (2,) int64, how many steps were ACCEPTED or REJECTED
    old: np.ndarray  # (N,) weights at the start of the last step taken; N a multiple of four
    new: np.ndarray  # (N,) and at its end
    trial: np.ndarray  # (N,)
    stages: np.ndarray  # (7, N) k_1 to k_7 of the last step; during the next, k_1 is the last row
    stiff: np.ndarray  # (8,) what `flows` remembers
    weights: int  # how many of the N are no padding
    moving: np.ndarray  # (H,) bool, whether a pathway moves; the others have no velocity


def begin(integrator, loss, longest):
    """Choose the first step from NOW, where `new` holds the weights and the last stage their
    velocity."""
    size = float(np.fmax.reduce(np.abs(integrator.new), initial=1e-3))
    speed = float(np.fmax.reduce(np.abs(integrator.stages[STAGES - 1]), initial=0.0))
    first = 0.01 * size / speed if speed > 0 else longest
    clock = integrator.clock
    clock[STEP], clock[ERROR], clock[LOSS] = min(first, longest), 1e-4, loss
    integrator.seen[0] = True


@kernel
def next_step(integrator, longest):
    """h of the step to try; 0 where it would no longer move the clock."""
    clock = integrator.clock
    h, left = min(clock[STEP], longest), clock[END] - clock[NOW]
    if h * (1 + 1e-12) >= left:  # leave no rest that would not move the clock
        h = left
    return h if h > 1e-15 * clock[NOW] else 0.0


@inner_kernel
def propose(integrator, stage, h):
    """trial = new + h sum_j A[stage, j] k_j."""
    size, step = integrator.new.size, splat(h)
    new, trial, stages = at(integrator.new, 0), at(integrator.trial, 0), integrator.stages
    first, rest = at(stages[STAGES - 1], 0), at(stages, size)
    weight = splat(A[stage, 0])
    for a in range(0, size, 4):
        total, row = weight * load(first, a), at(rest, a)
        for j in range(1, stage):
            total = fma(splat(A[stage, j]), load(row, 0), total)
            row = at(row, size)
        store(trial, a, fma(step, total, load(new, a)))


@kernel
def row_of(stage):
    """Of stages, for the velocity at the trial weights: that of the last stage waits in row 0."""
    return stage % (STAGES - 1)


@inner_kernel
def judge(integrator, h, rtol, loss):
    """Take the step of all stages (True) or, where its error is too large, only a smaller h."""
    clock, counts, stages = integrator.clock, integrator.counts, integrator.stages
    size, zeroth = integrator.new.size, at(stages, 0)
    first = at(zeroth, (STAGES - 1) * size)
    old, new, trial = at(integrator.old, 0), at(integrator.new, 0), at(integrator.trial, 0)
    total, step, bound, least = splat(0.0), splat(h), splat(rtol), splat(1e-3)
    for a in range(0, size, 4):
        row = at(zeroth, a)
        defect = splat(E[0]) * load(first, a)
        defect = fma(splat(E[STAGES - 1]), load(row, 0), defect)
        row = at(row, size)  # the second stage has no part in it
        for j in range(2, STAGES - 1):
            row = at(row, size)
            defect = fma(splat(E[j]), load(row, 0), defect)
        scale = bound * (least + larger(magnitude(load(new, a)), magnitude(load(trial, a))))
        share = step * defect / scale
        total = total + share * share
    error = np.sqrt(add_up(total) / integrator.weights)
    if not error <= 1.0:
        counts[REJECTED] += 1
        shrunk = SAFETY * error**-EXPONENT if error < np.inf else 0.0
        clock[STEP] = h * max(SHRINK, shrunk)
        return False
    grown = SAFETY * max(error, 1e-10) ** -EXPONENT * clock[ERROR] ** MEMORY
    clock[START] = clock[NOW]
    clock[NOW] = clock[END] if h == clock[END] - clock[START] else clock[START] + h
    clock[STEP] = h * min(GROW, max(SHRINK, grown))
    clock[ERROR] = max(error, 1e-4)
    clock[LOSS] = loss
    copy(new, old, size)
    copy(trial, new, size)
    for a in range(0, size, 4):
        last, begun = load(zeroth, a), load(first, a)
        store(zeroth, a, begun)
        store(first, a, last)
    counts[ACCEPTED] += 1
    integrator.seen[0] = False
    return True


@kernel
def state_at(time, integrator, out, row):
    """Write the weights at `time` of the last step, by the interpolant of order 4, to a row of out
    (K, N)."""
    clock, size = integrator.clock, integrator.new.size
    there = at(out, row * size)
    h = clock[NOW] - clock[START]
    theta = (time - clock[START]) / h if h > 0 else 1.0
    if theta >= 1.0:
        copy(at(integrator.new, 0), there, size)
        return
    copy(at(integrator.old, 0), there, size)
    for j in range(STAGES):
        weight = 0.0
        for p in range(3, -1, -1):
            weight = (weight + P[j, p]) * theta
        share, stage = splat(h * weight), at(integrator.stages, j * size)
        for a in range(0, size, 4):
            store(there, a, load(there, a) + share * load(stage, a))
