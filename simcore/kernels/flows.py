"""Gradient flow of full weights: by the embedded pair, or where stability limits its steps by a
stabilised method.

Where that is found, a method of order 4 takes over (`chebyshev`), and gives back when its error
allows no step that is worth its stages. When the flow comes to rest, where the third difference
of a step vanishes like the fifth, one of order 2 goes on. The steps of both are left in the
integrator of the pair as if they were the pair's, so that nobody else need know.

The error of a step is told by differences of states and velocities at its ends and at the start
of the step before: the third vanishes for polynomials of degree 2, the fifth for those of degree 4.
"""

import numpy as np

from simcore.kernels.chebyshev import (
    LONGEST_OF_TWO,
    SPEED,
    advance_by_four,
    advance_by_two,
    mix,
    stages_of_two,
)
from simcore.kernels.dormand_prince import (
    ACCEPTED,
    END,
    ERROR,
    LOSS,
    NOW,
    PENDING,
    REACHED,
    REJECTED,
    STAGES,
    STALLED,
    START,
    STEP,
    A,
    P,
    begin,
    judge,
    next_step,
    propose,
    row_of,
)
from simcore.kernels.matrices import velocity
from simcore.kernels.orthogonal import LONGEST, make, stages_for
from simcore.kernels.ranges import widen
from simcore.kernels.simd import add_up, at, fma, larger, load, magnitude, splat, store
from simcore.kernels.stamp import inlined_kernel, inner_kernel, kernel, shared_kernel

CAREFUL, LEAST, MOST = 0.85, 0.1, 3.0  # step control
# Of the third and the fifth difference, what the error of a step is taken to be. Of order 4 it is
# half of the fifth difference with five stages, a sixth with many; but stiff modes that are not
# quite at rest have a part in the difference that is larger than their error.
OF_TWO, OF_FOUR = 0.4, 0.2
POWER = 1  # the row of the integrator's stages with the direction of the power method
# The third to the sixth stage with which the interpolant of the pair has given coefficients of the
# second to the fourth power, beside what the first and the last stage bring.
FROM_POWERS = np.ascontiguousarray(np.linalg.pinv(P[2 : STAGES - 1, 1:].T))
# The step from the weights of the pair's last stage but one to those of its last.
LAST_BUT_ONE = A[STAGES - 1] - A[STAGES - 2]
UNITS = np.eye(5)

# Of Integrator.stiff.
RADIUS = 0  # the Jacobian's spectral radius, with some to spare
ON = 1  # 1 while a stabilised method steps
STREAK = 2  # looks in a row that found the pair's step limited by stability; since then, steps
WAIT = 3  # accepted steps until the next look
AGE = 4  # steps since the radius was found
ORDER = 5  # of the next step
ERROR_OF_TWO, ERROR_OF_FOUR = 6, 7  # of the last step, had it been of either order

HANDED_OVER = 3  # beside what else a flow returns
LOOK_EVERY, LOOKS, REST = 2, 2, 10
LIMITED = 2.7  # h times the radius from which order 4 can be worth its stages
BOUNDARY = 3.25  # up to which the pair is stable is 3.3
GRADIENTS = 6.0  # of a step of the pair
SPARE, RENEW, UNKNOWN = 1.1, 10, 1000.0
SETTLE, WORTH = 5, 1.5  # steps of order 4 before order 2, and how much farther it must go


@kernel
def _norm(x):
    """The square root of its sum of squares."""
    total, place = splat(0.0), at(x, 0)
    for n in range(0, x.size, 4):
        total = fma(load(place, n), load(place, n), total)
    return np.sqrt(add_up(total))


# --- Is it stiff? ------------------------------------------------------------------------------


@shared_kernel
def _look(integrator, h):
    """After a step h of the pair: whether stability limits its steps, by the change of velocity
    between its last two stages (Hairer, Wanner, Solving Ordinary Differential Equations II,
    IV.2)."""
    stages, stiff, size = integrator.stages, integrator.stiff, integrator.new.size
    turned, moved = splat(0.0), splat(0.0)
    for a in range(0, size, 4):
        row, step = at(stages, a), splat(0.0)
        for j in range(STAGES - 1):
            step = fma(splat(LAST_BUT_ONE[j]), load(row, 0), step)
            before, row = row, at(row, size)
        turn = load(row, 0) - load(before, 0)
        turned, moved = fma(turn, turn, turned), fma(step, step, moved)
    stiff[WAIT] = LOOK_EVERY
    # the step is in units of h, so that h times the quotient of velocities is their quotient
    known = h * stiff[RADIUS] > SPARE * LIMITED  # if not all is at rest
    limited = add_up(turned) > (0.0 if known else LIMITED**2 * add_up(moved))
    stiff[STREAK] = stiff[STREAK] + 1.0 if limited else 0.0
    if stiff[STREAK] < LOOKS:
        return False
    stiff[STREAK] = 0.0
    return True


@inner_kernel
def _find_radius(layout, problem, work, integrator):
    """Power method for the Jacobian at `new`, from the direction of the last time, or at first from
    the change of velocity between the last two stages of the pair."""
    new, trial, stages = integrator.new, integrator.trial, integrator.stages
    here, power, speed = stages[STAGES - 1], stages[POWER], stages[SPEED]
    if integrator.stiff[AGE] == UNKNOWN:
        mix(power, 1.0, here, -1.0, stages[STAGES - 2], 0.0, here)
    little = 1e-6 * (1e-3 + _norm(new))
    length, last = _norm(power), integrator.stiff[RADIUS] / SPARE
    for _ in range(50):
        mix(trial, little / length, power, 1.0, new, 0.0, new)
        velocity(trial, layout, problem, work, integrator.moving, speed)
        mix(power, 1.0, speed, -1.0, here, 0.0, here)
        length = _norm(power)
        radius = length / little
        if abs(radius - last) <= 0.01 * radius:
            break
        last = radius
    integrator.stiff[RADIUS], integrator.stiff[AGE] = SPARE * radius, 0.0


# --- A step ----------------------------------------------------------------------------------


@shared_kernel
def _blend(ratio, h, blend):
    """What is made of a step `moved` = trial - new, where `back` = old - new was `ratio` steps of h
    earlier and the velocities in these three places are known: each row of `blend` is a sum of
    moved, back and h times the velocities at new, trial and old. The first two are the third and
    the fifth difference, which vanish for polynomials of lower degree; the others h times the
    stages with which the interpolant of the pair is the quartic that has its values and slopes at
    both ends and, in the middle, the value of the quintic through all six."""
    width, turn = (ratio * (1.0 + ratio)) ** 2, 2.0 * ratio * (1.0 + ratio) * (1.0 + 2.0 * ratio)
    for n in range(5):
        moved, back, start, end, begun = UNITS[n]
        # In units of the step, the cubic through both ends is new + start t + square t^2 + cube t^2
        # (t - 1), and the quintic has t^2 (t - 1)^2 (fourth + fifth (t + ratio)) more.
        square, cube = moved - start, start + end - 2.0 * moved
        there = ratio * (ratio * (square - (1.0 + ratio) * cube) - start)
        slope = start - ratio * (2.0 * square - (3.0 * ratio + 2.0) * cube)
        fourth = (back - there) / width
        fifth = (begun - slope + turn * fourth) / width
        bump = fourth + (0.5 + ratio) * fifth
        blend[0, n], blend[1, n] = cube, fifth
        for j in range(4):
            row = FROM_POWERS[j]
            blend[2 + j, n] = (
                row[0] * (square - cube + bump - start * P[0, 1] - end * P[STAGES - 1, 1])
                + row[1] * (cube - 2.0 * bump - start * P[0, 2] - end * P[STAGES - 1, 2])
                + row[2] * (bump - start * P[0, 3] - end * P[STAGES - 1, 3])
            )
    for j in range(6):
        for n in range(5):
            blend[j, n] *= (h if n >= 2 else 1.0) / (h if j >= 2 else 1.0)


@inlined_kernel
def _sum(row, moved, back, start, end, begun):
    """A row of `_blend`, at four weights."""
    total = fma(splat(row[1]), back, splat(row[0]) * moved)
    total = fma(splat(row[2]), start, total)
    return fma(splat(row[4]), begun, fma(splat(row[3]), end, total))


@inner_kernel
def _judge(integrator, plan, h, rtol, loss, goal):
    """Take the step (True) or not. Its stages between the first and the last, by which the
    interpolant of the pair is the quartic of `_blend`, only if it comes to the goal."""
    clock, counts, stiff = integrator.clock, integrator.counts, integrator.stiff
    size, zeroth, blend = integrator.new.size, at(integrator.stages, 0), plan.blend
    first, speed = at(zeroth, (STAGES - 1) * size), at(zeroth, SPEED * size)
    old, new, trial = at(integrator.old, 0), at(integrator.new, 0), at(integrator.trial, 0)
    _blend((clock[NOW] - clock[START]) / h, h, blend)
    third, fifth, bound, least = splat(0.0), splat(0.0), splat(rtol), splat(1e-3)
    for a in range(0, size, 4):
        here, there = load(new, a), load(trial, a)
        moved, back = there - here, load(old, a) - here
        start, end, begun = load(first, a), load(speed, a), load(zeroth, a)
        scale = bound * (least + larger(magnitude(here), magnitude(there)))
        three = _sum(blend[0], moved, back, start, end, begun) / scale
        five = _sum(blend[1], moved, back, start, end, begun) / scale
        third, fifth = fma(three, three, third), fma(five, five, fifth)
    stiff[ERROR_OF_TWO] = OF_TWO * np.sqrt(add_up(third) / integrator.weights)
    stiff[ERROR_OF_FOUR] = OF_FOUR * np.sqrt(add_up(fifth) / integrator.weights)
    error = stiff[ERROR_OF_FOUR] if stiff[ORDER] == 4 else stiff[ERROR_OF_TWO]
    stiff[AGE] += 1.0
    if not error <= 1.0:
        counts[REJECTED] += 1
        stiff[AGE] = RENEW
        return False
    clock[START] = clock[NOW]
    clock[NOW] = clock[END] if h == clock[END] - clock[START] else clock[START] + h
    asked = clock[NOW] >= goal
    for a in range(0, size, 4):
        here, there = load(new, a), load(trial, a)
        moved, back = there - here, load(old, a) - here
        start, end, begun = load(first, a), load(speed, a), load(zeroth, a)
        if asked:
            for j in range(2, 6):
                stage = _sum(blend[j], moved, back, start, end, begun)
                store(at(zeroth, j * size), a, stage)
        store(old, a, here)
        store(new, a, there)
        store(zeroth, a, start)
        store(first, a, end)
    clock[ERROR], clock[LOSS] = max(error, 1e-4), loss
    counts[ACCEPTED] += 1
    integrator.seen[0] = False
    return True


@inlined_kernel
def _next(h, error, power):
    """The step after one of h whose error, which goes with that power of h, is this."""
    factor = CAREFUL * max(error, 1e-10) ** (-1.0 / power) if error < np.inf else 0.0
    return h * min(MOST, max(LEAST, factor))


@inner_kernel
def _choose(clock, stiff, h):
    """After a step of h: what goes farthest for a gradient, and how far."""
    radius = stiff[RADIUS]
    two, four = _next(h, stiff[ERROR_OF_TWO], 3.0), _next(h, stiff[ERROR_OF_FOUR], 5.0)
    by_two, by_four = two / stages_of_two(two * radius), four / stages_for(four * radius)
    stiff[STREAK] += 1.0
    if stiff[ORDER] == 4 and stiff[STREAK] > SETTLE and by_two > WORTH * by_four:
        stiff[ORDER] = 2.0
    clock[STEP], by = (four, by_four) if stiff[ORDER] == 4 else (two, by_two)
    pair = BOUNDARY / radius  # what the pair would step
    if pair / GRADIENTS > by:
        stiff[ON], stiff[WAIT], stiff[STREAK] = 0.0, REST, 0.0
        clock[STEP] = min(clock[STEP], pair)


# --- Gradient flow ---------------------------------------------------------------------------


def flow_start(theta, layout, problem, work, integrator, longest):
    """Let the integrator begin at theta."""
    integrator.new[:] = theta
    moving, out = integrator.moving, integrator.stages[STAGES - 1]
    loss = velocity(theta, layout, problem, work, moving, out)
    begin(integrator, loss, longest)
    integrator.stiff[:] = 0.0
    integrator.stiff[WAIT] = LOOK_EVERY


@kernel
def pair_flow(goal, most, layout, problem, work, integrator, ranges, rtol, longest):
    """Integrate by the pair until t >= goal or `most` more steps are accepted; return REACHED,
    PENDING, STALLED, or HANDED_OVER where `stiff_flow` should go on. The ranges take in the ends of
    steps up to the goal."""
    clock, stages, stiff = integrator.clock, integrator.stages, integrator.stiff
    accepted = 0
    if clock[NOW] <= goal and not integrator.seen[0]:  # the last call ended past its goal
        widen(ranges, clock[LOSS], work.strengths)
    while clock[NOW] < goal:
        if accepted == most:
            return PENDING
        h, loss = next_step(integrator, longest), 0.0
        if h == 0.0:
            return STALLED
        for stage in range(1, STAGES):
            propose(integrator, stage, h)
            out = stages[row_of(stage)]
            loss = velocity(integrator.trial, layout, problem, work, integrator.moving, out)
        if judge(integrator, h, rtol, loss):
            accepted += 1
            if clock[NOW] <= goal:
                widen(ranges, loss, work.strengths)
                integrator.seen[0] = True
            stiff[WAIT] -= 1.0
            if stiff[WAIT] <= 0.0 and _look(integrator, h):
                stiff[ON], stiff[AGE], stiff[ORDER] = 1.0, UNKNOWN, 4.0
                return HANDED_OVER
    return REACHED


@kernel
def stiff_flow(goal, most, layout, problem, work, integrator, ranges, rtol, longest, plan):
    """The same by a stabilised method; HANDED_OVER where the pair should go on."""
    clock, stiff = integrator.clock, integrator.stiff
    accepted = 0
    if clock[NOW] <= goal and not integrator.seen[0]:
        widen(ranges, clock[LOSS], work.strengths)
    while clock[NOW] < goal:
        if accepted == most:
            return PENDING
        h = next_step(integrator, longest)
        if h == 0.0:
            return STALLED
        if stiff[AGE] >= RENEW:
            _find_radius(layout, problem, work, integrator)
        radius = stiff[RADIUS]
        if stiff[ORDER] == 4:
            h = min(h, LONGEST / radius)
            make(stages_for(h * radius), plan)
            loss = advance_by_four(h, plan, layout, problem, work, integrator)
        else:
            h = min(h, LONGEST_OF_TWO / radius)
            loss = advance_by_two(h, stages_of_two(h * radius), layout, problem, work, integrator)
        if _judge(integrator, plan, h, rtol, loss, goal):
            accepted += 1
            if clock[NOW] <= goal:
                widen(ranges, clock[LOSS], work.strengths)
                integrator.seen[0] = True
        _choose(clock, stiff, h)
        if stiff[ON] == 0.0:
            return HANDED_OVER
    return REACHED
