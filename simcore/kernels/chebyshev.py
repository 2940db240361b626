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
    begin,
    judge,
    next_step,
    propose,
    row_of,
)
from simcore.kernels.matrices import velocity
from simcore.kernels.ranges import widen
from simcore.kernels.stamp import inlined_kernel, kernel

DAMPING = 2 / 13
MOST_STAGES = 250
CAREFUL, LEAST, MOST = 0.8, 0.1, 5.0  # step control
# Of the quadrature that the stages of the pair stand for: nodes of the third to the sixth, and the
# weight of the first.
NODES = np.array([3 / 10, 4 / 5, 8 / 9, 1.0])
FIRST_WEIGHT = 35 / 384
# Rows of the integrator's stages beside the first and the last, which hold the velocities at both
# ends: the direction of the power method, a velocity, and three stages in turn.
POWER, SPEED, TURNS = 1, 2, 3

# Of Integrator.stiff.
RADIUS = 0  # the Jacobian's spectral radius, with some to spare
ON = 1  # 1 while this method steps
STREAK = 2  # looks in a row that found the pair's step limited by stability
WAIT = 3  # accepted steps until the next look
AGE = 4  # steps since the radius was found

HANDED_OVER = 3  # beside what else a flow returns
LOOK_EVERY, LOOKS, REST = 8, 3, 200
BOUNDARY = 3.25  # h times the radius up to which the pair is stable is 3.3
GRADIENTS = 6.0  # of a step of the pair
SPARE, RENEW = 1.1, 10


@kernel
def stages_for(h, radius):
    """How many stages keep a step h stable where the Jacobian's spectral radius is `radius`."""
    return max(2, 1 + int(np.sqrt(1.0 + 1.54 * h * radius)))


@kernel
def _look(integrator, h):
    """After a step h of the pair: whether stability limits its steps, by the change of velocity
    between its last two stages (Hairer, Wanner, Solving Ordinary Differential Equations II, IV.2);
    that change is left in stages[POWER]."""
    stages, stiff = integrator.stages, integrator.stiff
    turned, moved = 0.0, 0.0
    for a in range(integrator.new.size):
        step = 0.0
        for j in range(STAGES - 2):
            step += (A[STAGES - 2, j] - A[STAGES - 1, j]) * stages[j, a]
        step -= A[STAGES - 1, STAGES - 2] * stages[STAGES - 2, a]
        turn = stages[STAGES - 1, a] - stages[STAGES - 2, a]
        turned += turn * turn
        moved += step * step
    stiff[WAIT] = LOOK_EVERY
    # the step is in units of h, so that h times the quotient of velocities is their quotient
    stiff[STREAK] = stiff[STREAK] + 1.0 if turned > BOUNDARY**2 * moved else 0.0
    if stiff[STREAK] < LOOKS:
        return False
    for a in range(integrator.new.size):
        stages[POWER, a] = stages[STAGES - 1, a] - stages[STAGES - 2, a]
    stiff[STREAK] = 0.0
    return True


@kernel
def _find_radius(layout, problem, work, integrator):
    """Power method for the Jacobian at `new`, from the direction of the last time."""
    new, trial, stages = integrator.new, integrator.trial, integrator.stages
    size, last = 0.0, 0.0
    for a in range(new.size):
        size += new[a] * new[a]
    little = 1e-6 * (1e-3 + np.sqrt(size))
    for _ in range(50):
        length = 0.0
        for a in range(new.size):
            length += stages[POWER, a] ** 2
        length = np.sqrt(length)
        for a in range(new.size):
            trial[a] = new[a] + little / length * stages[POWER, a]
        velocity(trial, layout, problem, work, integrator.moving, stages[SPEED])
        radius = 0.0
        for a in range(new.size):
            stages[POWER, a] = stages[SPEED, a] - stages[STAGES - 1, a]
            radius += stages[POWER, a] ** 2
        radius = np.sqrt(radius) / little
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
def _advance(h, count, layout, problem, work, integrator):
    """trial = the step of `count` stages; its velocity to stages[0]. Return the loss there."""
    new, trial, stages = integrator.new, integrator.trial, integrator.stages
    first = stages[STAGES - 1]
    w0 = 1.0 + DAMPING / count**2
    # T_j, T_j' and T_j'' at w0, for j - 2, j - 1 and j.
    t2, t1, d2, d1, e2, e1 = 1.0, w0, 0.0, 1.0, 0.0, 0.0
    for _ in range(2, count + 1):
        t2, t1, d2, d1, e2, e1 = _recur(w0, t2, t1, d2, d1, e2, e1)
    w1 = d1 / e1
    b = 1.0 / (4.0 * w0 * w0)  # b_2, and b_0 = b_1 = b_2
    b2, b1 = b, b
    t2, t1, d2, d1, e2, e1 = 1.0, w0, 0.0, 1.0, 0.0, 0.0
    for a in range(new.size):
        stages[TURNS, a] = new[a]
        stages[TURNS + 1, a] = new[a] + b * w1 * h * first[a]
    loss = 0.0
    for j in range(2, count + 2):
        before, last, here = TURNS + (j - 2) % 3, TURNS + (j - 1) % 3, TURNS + j % 3
        loss = velocity(stages[last], layout, problem, work, integrator.moving, stages[SPEED])
        if j > count:
            break
        pull = 1.0 - b1 * t1
        t2, t1, d2, d1, e2, e1 = _recur(w0, t2, t1, d2, d1, e2, e1)
        b = e1 / (d1 * d1)
        mu, nu, scale = 2 * b * w0 / b1, -b / b2, 2 * b * w1 / b1
        for a in range(new.size):
            stages[here, a] = (
                (1.0 - mu - nu) * new[a]
                + mu * stages[last, a]
                + nu * stages[before, a]
                + scale * h * (stages[SPEED, a] - pull * first[a])
            )
        b2, b1 = b1, b
    for a in range(new.size):
        trial[a], stages[0, a] = stages[TURNS + count % 3, a], stages[SPEED, a]
    return loss


@kernel
def _judge(integrator, h, rtol, loss):
    """Take the step (True) or only a smaller h. The stages of a step that is taken are those with
    which the interpolant of the pair has its values and slopes at both ends: on a straight line
    between the velocities, and moved together to give the step as their quadrature."""
    clock, counts, stages = integrator.clock, integrator.counts, integrator.stages
    old, new, trial = integrator.old, integrator.new, integrator.trial
    total = 0.0
    for a in range(new.size):
        speeds = stages[STAGES - 1, a] + stages[0, a]
        defect = 0.8 * (new[a] - trial[a]) + 0.4 * h * speeds
        total += (defect / (rtol * (1e-3 + max(abs(new[a]), abs(trial[a]))))) ** 2
    error = np.sqrt(total / integrator.weights)
    factor = CAREFUL * max(error, 1e-10) ** (-1 / 3) if error < np.inf else 0.0
    clock[STEP] = h * min(MOST, max(LEAST, factor))
    integrator.stiff[AGE] += 1.0
    if not error <= 1.0:
        counts[REJECTED] += 1
        integrator.stiff[AGE] = RENEW
        return False
    clock[START] = clock[NOW]
    clock[NOW] = clock[END] if h == clock[END] - clock[START] else clock[START] + h
    clock[ERROR], clock[LOSS] = max(error, 1e-4), loss
    for a in range(new.size):
        start, end = stages[STAGES - 1, a], stages[0, a]
        shift = ((trial[a] - new[a]) / h - 0.5 * (start + end)) / (1.0 - FIRST_WEIGHT)
        for j in range(NODES.size):
            stages[2 + j, a] = start + NODES[j] * (end - start) + shift
        old[a], new[a] = new[a], trial[a]
        stages[0, a], stages[STAGES - 1, a] = start, end
    counts[ACCEPTED] += 1
    integrator.seen[0] = False
    return True


@kernel
def _stiff_step(h, layout, problem, work, integrator, rtol):
    """A step of at most h; whether it was taken."""
    clock, stiff = integrator.clock, integrator.stiff
    if stiff[AGE] >= RENEW:
        _find_radius(layout, problem, work, integrator)
    radius = stiff[RADIUS]
    h = min(h, ((MOST_STAGES - 1.0) ** 2 - 1.0) / (1.54 * radius))
    loss = _advance(h, stages_for(h, radius), layout, problem, work, integrator)
    taken = _judge(integrator, h, rtol, loss)
    next_h = clock[STEP]
    pair = BOUNDARY / radius  # what the pair would step
    if (stages_for(next_h, radius) + 1) * pair > GRADIENTS * next_h:
        stiff[ON], stiff[WAIT] = 0.0, REST
        clock[STEP] = min(next_h, pair)
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
                stiff[ON], stiff[AGE] = 1.0, RENEW
                return HANDED_OVER
    return REACHED


@kernel
def stiff_flow(goal, most, layout, problem, work, integrator, ranges, rtol, longest):
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
        if _stiff_step(h, layout, problem, work, integrator, rtol):
            accepted += 1
            if clock[NOW] <= goal:
                widen(ranges, clock[LOSS], work.strengths)
                integrator.seen[0] = True
        if stiff[ON] == 0.0:
            return HANDED_OVER
    return REACHED
