"""A stabilised explicit Runge-Kutta method of order 2, for flows whose steps only stability limits.

Runge-Kutta-Chebyshev: B. P. Sommeijer, L. F. Shampine, J. G. Verwer, J. Comput. Appl. Math. 88
(1998). With s stages it is stable on the negative real axis up to about 0.65 s^2, so that a step h
costs sqrt(h) gradients where the embedded pair of `dormand_prince` needs h of them. A gradient's
Jacobian is symmetric: its eigenvalues are real, which is all the method asks for.

Its steps are left in the integrator of the pair as if they were the pair's, so that nobody else
need know.
"""

import numpy as np

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
from simcore.kernels.orthogonal import LAST, MOST_STAGES, length, make, stages_for
from simcore.kernels.ranges import widen
from simcore.kernels.simd import add_up, at, fma, larger, load, magnitude, splat, store
from simcore.kernels.stamp import inlined_kernel, kernel

CAREFUL, LEAST, MOST = 0.85, 0.1, 3.0  # step control
# Of the third and the fifth difference, what the error of a step is taken to be.
OF_TWO, OF_FOUR = 0.4, 0.2
DAMPING = 2 / 13
MOST_STAGES_OF_TWO = 250
SETTLE = 5
# Rows of the integrator's stages beside the first and the last, which hold the velocities at the
# start of the step before and of this one: the direction of the power method, a velocity, and what
# stages are made of.
POWER, TURNS, SPEED = 1, 2, 5
# The third to the sixth stage with which the interpolant of the pair has given coefficients of the
# second to the fourth power, beside what the first and the last stage bring.
FROM_POWERS = np.ascontiguousarray(np.linalg.pinv(P[2 : STAGES - 1, 1:].T))

# From the sixth stage's weights to those of the last, times h times the velocities.
LAST_BUT_ONE = A[STAGES - 1] - A[STAGES - 2]
UNITS = np.eye(5)

# Of Integrator.stiff.
RADIUS = 0  # the Jacobian's spectral radius, with some to spare
ON = 1  # 1 while this method steps
STREAK = 2  # looks in a row that found the pair's step limited by stability
WAIT = 3  # accepted steps until the next look
AGE = 4  # steps since the radius was found
ORDER = 5  # of the next step
ERROR_OF_TWO, ERROR_OF_FOUR = 6, 7  # what the last step's would have been by either order

HANDED_OVER = 3  # beside what else a flow returns
LOOK_EVERY, LOOKS, REST = 2, 2, 10
LIMITED = 2.7
BOUNDARY = 3.25  # h times the radius up to which the pair is stable is 3.3
GRADIENTS = 6.0  # of a step of the pair
SPARE, RENEW = 1.1, 10


@kernel
def _mix(out, a, x, b, y, c, z):
    """out = a x + b y + c z."""
    out, x, y, z, size = at(out, 0), at(x, 0), at(y, 0), at(z, 0), out.size
    by, and_by, third = splat(a), splat(b), splat(c)
    for n in range(0, size, 4):
        total = fma(and_by, load(y, n), third * load(z, n))
        store(out, n, fma(by, load(x, n), total))


@kernel
def _norm(x):
    """The square root of its sum of squares."""
    total, place = splat(0.0), at(x, 0)
    for n in range(0, x.size, 4):
        total = fma(load(place, n), load(place, n), total)
    return np.sqrt(add_up(total))


@kernel
def stages_of_two(h, radius):
    """How many stages keep a step h of order 2 stable where the Jacobian's spectral radius is
    `radius`."""
    return max(2, 1 + int(np.sqrt(1.0 + 1.54 * h * radius)))


@kernel
def _look(integrator, h):
    """After a step h of the pair: whether stability limits its steps, by the change of velocity
    between its last two stages (Hairer, Wanner, Solving Ordinary Differential Equations II, IV.2);
    that change is left in stages[POWER]."""
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
    limited = add_up(turned) > LIMITED**2 * add_up(moved) or h * stiff[RADIUS] > SPARE * LIMITED
    stiff[STREAK] = stiff[STREAK] + 1.0 if limited else 0.0
    if stiff[STREAK] < LOOKS:
        return False
    last = stages[STAGES - 1]
    _mix(stages[POWER], 1.0, last, -1.0, stages[STAGES - 2], 0.0, last)
    stiff[STREAK] = 0.0
    return True


@kernel
def _find_radius(layout, problem, work, integrator):
    """Power method for the Jacobian at `new`, from the direction of the last time."""
    new, trial, stages = integrator.new, integrator.trial, integrator.stages
    here, power, speed = stages[STAGES - 1], stages[POWER], stages[SPEED]
    little = 1e-6 * (1e-3 + _norm(new))
    length, last = _norm(power), integrator.stiff[RADIUS] / SPARE
    for _ in range(50):
        _mix(trial, little / length, power, 1.0, new, 0.0, new)
        velocity(trial, layout, problem, work, integrator.moving, speed)
        _mix(power, 1.0, speed, -1.0, here, 0.0, here)
        length = _norm(power)
        radius = length / little
        if abs(radius - last) <= 0.01 * radius:
            break
        last = radius
    integrator.stiff[RADIUS], integrator.stiff[AGE] = SPARE * radius, 0.0


@inlined_kernel
def _recur(w0, t2, t1, d2, d1, e2, e1):
    """From T, T' and T'' of Chebyshev's polynomials number j - 2 and j - 1 at w0 to those of j - 1
    and j."""
    return (
        t1,
        2 * w0 * t1 - t2,
        d1,
        2 * w0 * d1 - d2 + 2 * t1,
        e1,
        2 * w0 * e1 - e2 + 4 * d1,
    )


@kernel
def _advance_by_two(h, count, layout, problem, work, integrator):
    """trial = the step of order 2 of `count` stages; its velocity to stages[SPEED]. Return the loss
    there."""
    new, trial, stages = integrator.new, integrator.trial, integrator.stages
    moving, first, speed = integrator.moving, stages[STAGES - 1], stages[SPEED]
    w0 = 1.0 + DAMPING / count**2
    # T_j, T_j' and T_j'' at w0, for j - 2, j - 1 and j.
    t2, t1, d2, d1, e2, e1 = 1.0, w0, 0.0, 1.0, 0.0, 0.0
    for _ in range(2, count + 1):
        t2, t1, d2, d1, e2, e1 = _recur(w0, t2, t1, d2, d1, e2, e1)
    w1 = d1 / e1
    b = 1.0 / (4.0 * w0 * w0)  # b_2, and b_0 = b_1 = b_2
    b2, b1 = b, b
    t2, t1, d2, d1, e2, e1 = 1.0, w0, 0.0, 1.0, 0.0, 0.0
    before, here = new, stages[TURNS + 1]
    _mix(here, b * w1 * h, first, 1.0, new, 0.0, new)
    for j in range(2, count + 1):
        velocity(here, layout, problem, work, moving, speed)
        pull = 1.0 - b1 * t1
        t2, t1, d2, d1, e2, e1 = _recur(w0, t2, t1, d2, d1, e2, e1)
        b = e1 / (d1 * d1)
        mu, nu, scale = 2 * b * w0 / b1, -b / b2, 2 * b * w1 / b1
        there = stages[TURNS + j % 2] if j < count else trial
        _mix(there, scale * h, speed, mu, here, nu, before)
        _mix(there, 1.0, there, 1.0 - mu - nu, new, -pull * scale * h, first)
        before, here = here, there
        b2, b1 = b1, b
    return velocity(trial, layout, problem, work, moving, speed)


@kernel
def _go_on(out, base, h, weights, velocities, count):
    """out = base + h times the weighted sum of so many velocities, one after the other."""
    size, step = base.size, splat(h)
    out, base, first = at(out, 0), at(base, 0), at(velocities, 0)
    for a in range(0, size, 4):
        row = at(first, a)
        total = splat(weights[0]) * load(row, 0)
        for j in range(1, count):
            row = at(row, size)
            total = fma(splat(weights[j]), load(row, 0), total)
        store(out, a, fma(step, total, load(base, a)))


@kernel
def _advance_by_four(h, plan, layout, problem, work, integrator):
    """trial = the step of order 4 of this plan; its velocity to stages[SPEED]. Return the loss
    there."""
    new, trial, stages, moving = (
        integrator.new,
        integrator.trial,
        integrator.stages,
        integrator.moving,
    )
    count = int(plan.stages[0]) - LAST
    before, here, speed = new, new, stages[STAGES - 1]
    for j in range(count):
        if j > 0:
            speed = stages[SPEED]
            velocity(here, layout, problem, work, moving, speed)
        there, keep = stages[TURNS + (count - 1 - j) % 2], plan.keep[j]
        _mix(there, h * plan.pull[j], speed, 1.0 - keep, here, keep, before)
        before, here = here, there
    base, velocities = stages[TURNS], stages[TURNS + 1 :]
    velocity(base, layout, problem, work, moving, velocities[0])
    for j in range(1, LAST):
        _go_on(trial, base, h, plan.last[j - 1], velocities, j)
        if j == LAST - 1:
            _go_on(base, base, h, plan.last[j], velocities, j)
        velocity(trial, layout, problem, work, moving, velocities[j % (LAST - 1)])
    _go_on(trial, base, h, plan.last[LAST - 1, LAST - 1 :], velocities, 1)
    return velocity(trial, layout, problem, work, moving, stages[SPEED])


@kernel
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


@kernel
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
def _next(h, error, order):
    """The step after one of h with such an error."""
    factor = CAREFUL * max(error, 1e-10) ** (-1 / (order + 1)) if error < np.inf else 0.0
    return h * min(MOST, max(LEAST, factor))


@kernel
def _stiff_step(h, plan, layout, problem, work, integrator, rtol, goal):
    """A step of at most h; whether it was taken. The next one is by whatever goes farthest for a
    gradient."""
    clock, stiff = integrator.clock, integrator.stiff
    if stiff[AGE] >= RENEW:
        _find_radius(layout, problem, work, integrator)
    radius = stiff[RADIUS]
    if stiff[ORDER] == 4:
        h = min(h, length(MOST_STAGES) / radius)
        make(stages_for(h * radius), plan)
        loss = _advance_by_four(h, plan, layout, problem, work, integrator)
    else:
        h = min(h, ((MOST_STAGES_OF_TWO - 1.0) ** 2 - 1.0) / (1.54 * radius))
        loss = _advance_by_two(h, stages_of_two(h, radius), layout, problem, work, integrator)
    taken = _judge(integrator, plan, h, rtol, loss, goal)
    two, four = _next(h, stiff[ERROR_OF_TWO], 2), _next(h, stiff[ERROR_OF_FOUR], 4)
    pair = BOUNDARY / radius  # what the pair would step
    by_two, by_four = two / stages_of_two(two, radius), four / stages_for(four * radius)
    stiff[STREAK] += 1.0
    if stiff[ORDER] == 4 and stiff[STREAK] > SETTLE and by_two > 1.5 * by_four:
        stiff[ORDER] = 2.0
    clock[STEP], by = (four, by_four) if stiff[ORDER] == 4 else (two, by_two)
    if pair / GRADIENTS > by:
        stiff[ON], stiff[WAIT], stiff[STREAK] = 0.0, REST, 0.0
        clock[STEP] = min(clock[STEP], pair)
    return taken


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
                stiff[ON], stiff[AGE], stiff[ORDER] = 1.0, RENEW, 4.0
                return HANDED_OVER
    return REACHED


@kernel
def stiff_flow(goal, most, layout, problem, work, integrator, ranges, rtol, longest, plan):
    """The same by this method; HANDED_OVER where the pair should go on."""
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
        if _stiff_step(h, plan, layout, problem, work, integrator, rtol, goal):
            accepted += 1
            if clock[NOW] <= goal:
                widen(ranges, clock[LOSS], work.strengths)
                integrator.seen[0] = True
        if stiff[ON] == 0.0:
            return HANDED_OVER
    return REACHED
