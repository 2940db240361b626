"""Steps of two stabilised explicit Runge-Kutta methods, where only stability limits a step.

With s stages each is stable on the negative real axis up to a multiple of s^2, so that a step h
costs sqrt(h) gradients where the embedded pair of `dormand_prince` needs h of them. A gradient's
Jacobian is symmetric: its eigenvalues are real, which is all the methods ask for.

Order 4, to about 0.33 s^2: see `orthogonal`. Its last four stages multiply what is rounded before
them by up to (h radius)^4 / 100. Order 2, to about 0.65 s^2, is Runge-Kutta-Chebyshev (B. P.
Sommeijer, L. F. Shampine, J. G. Verwer, J. Comput. Appl. Math. 88, 1998), which has no such stages:
the method for the end of a flow, where steps of thousands of times the pair's are exact enough.

Both work in the integrator of the pair, between its first and its last row of stages, which hold
the velocities at the start of the step before and of this one.
"""

import numpy as np

from simcore.kernels.dormand_prince import STAGES
from simcore.kernels.matrices import velocity
from simcore.kernels.orthogonal import LAST
from simcore.kernels.simd import at, fma, load, splat, store
from simcore.kernels.stamp import inlined_kernel, kernel, shared_kernel

# Rows of the integrator's stages: two of the method's, and a velocity; order 4 puts three
# velocities from the second on.
TURNS, SPEED = 2, 5
DAMPING = 2 / 13  # of order 2
MOST_STAGES_OF_TWO = 250
LONGEST_OF_TWO = ((MOST_STAGES_OF_TWO - 1.0) ** 2 - 1.0) / 1.54


@kernel
def mix(out, a, x, b, y, c, z):
    """out = a x + b y + c z."""
    out, x, y, z, size = at(out, 0), at(x, 0), at(y, 0), at(z, 0), out.size
    by, and_by, third = splat(a), splat(b), splat(c)
    for n in range(0, size, 4):
        total = fma(and_by, load(y, n), third * load(z, n))
        store(out, n, fma(by, load(x, n), total))


# --- Order 2 ---------------------------------------------------------------------------------


@kernel
def stages_of_two(z):
    """The fewest stages of order 2 that are stable to -z."""
    return max(2, 1 + int(np.sqrt(1.0 + 1.54 * z)))


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


@shared_kernel
def advance_by_two(h, count, layout, problem, work, integrator):
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
    mix(here, b * w1 * h, first, 1.0, new, 0.0, new)
    for j in range(2, count + 1):
        velocity(here, layout, problem, work, moving, speed)
        pull = 1.0 - b1 * t1
        t2, t1, d2, d1, e2, e1 = _recur(w0, t2, t1, d2, d1, e2, e1)
        b = e1 / (d1 * d1)
        mu, nu, scale = 2 * b * w0 / b1, -b / b2, 2 * b * w1 / b1
        there = stages[TURNS + j % 2] if j < count else trial
        mix(there, scale * h, speed, mu, here, nu, before)
        mix(there, 1.0, there, 1.0 - mu - nu, new, -pull * scale * h, first)
        before, here = here, there
        b2, b1 = b1, b
    return velocity(trial, layout, problem, work, moving, speed)


# --- Order 4 ---------------------------------------------------------------------------------


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


@shared_kernel
def advance_by_four(h, plan, layout, problem, work, integrator):
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
        mix(there, h * plan.pull[j], speed, 1.0 - keep, here, keep, before)
        before, here = here, there
    base, velocities = stages[TURNS], stages[TURNS + 1 :]
    velocity(base, layout, problem, work, moving, velocities[0])
    for j in range(1, LAST):
        _go_on(trial, base, h, plan.last[j - 1], velocities, j)
        if j == LAST - 1:  # whose velocity takes the place of the first
            _go_on(base, base, h, plan.last[j], velocities, j)
        velocity(trial, layout, problem, work, moving, velocities[j % (LAST - 1)])
    mix(trial, h * plan.last[LAST - 1, LAST - 1], velocities[0], 1.0, base, 0.0, base)
    return velocity(trial, layout, problem, work, moving, stages[SPEED])
