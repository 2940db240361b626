"""Coefficients of a stabilised Runge-Kutta method of order 4, made for any number of stages.

After A. Abdulle, SIAM J. Sci. Comput. 23 (2002). A step of s stages multiplies a mode whose
eigenvalue times the step is z by R(z) = P(z) w(z), P of degree s - 4 and w of degree 4, with the
series of exp(z) up to z^4 and |R| <= 0.71 from z = -2.2 to the end of an interval. Of all such
polynomials the one with the longest interval has four complex roots. With those as the roots of w,
|R| is nearly level where P is orthogonal with respect to w^2 / sqrt(1 - x^2), x = 1 + 2 z / length,
so that the first s - 4 stages are a three-term recurrence.

The last four stages are a Runge-Kutta method of their own, which goes on from there. What it has to
do is known from the elementary weights of the recurrence (B-series), and in closed form it meets
all eight conditions of order 4, the coefficients of w among them. So the roots need not be exact:
they only decide how level |R| is. They and the length were solved from the four conditions of R
with P as above and a level of 0.7, for s = 5 to 250; times s^2 they are smooth in 1/s^2. A level of
0.95, as is usual, makes the interval a twentieth longer, but what stiff modes have left then
lasts for dozens of steps, and limits them: with 0.7 a flow takes fewer gradients.
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.stamp import inner_kernel, kernel, shared_kernel

LEAST_STAGES, MOST_STAGES, LAST = 5, 50, 4
# Of each pair of roots (1 - real part) s^2 and the imaginary part times s^2, then the length over
# s^2: coefficients of 1, 1/s^2, 1/s^4.
ROOTS = np.array(
    [[15.47, 46.1, 561.0], [8.196, 40.0, 98.0], [1.799, -27.66, 758.0], [22.115, 46.5, 1121.0]]
)
LENGTH = np.array([0.3325, -2.832, 2.39])
# So many stages are taken to be stable to REACH s^2 - SHORT, which is a little less.
REACH, SHORT = 0.3322, 2.83
LONGEST = REACH * MOST_STAGES**2 - SHORT
# Of the last four stages, where the second and the third are, as shares of what is left of the
# step: about as exact as can be, and inner stages make no stiff mode more than 2.2 times as large.
SECOND, THIRD = 0.2, 0.55


class Plan(NamedTuple):
    """Y_j = pull_j h f(Y_{j-1}) + (1 - keep_j) Y_{j-1} + keep_j Y_{j-2} for j < s - 4; then each
    row of `last` gives a stage, the fourth the step, from the velocities of the stages before."""

    stages: np.ndarray  # (1,) s, 0 at first
    pull: np.ndarray  # (MOST_STAGES,)
    keep: np.ndarray  # (MOST_STAGES,)
    last: np.ndarray  # (4, 4)
    nodes: np.ndarray  # (4, MOST_STAGES + 1) scratch
    blend: np.ndarray  # (6, 5) scratch


def room():
    """A plan to be made."""
    return Plan(
        np.zeros(1),
        np.zeros(MOST_STAGES),
        np.zeros(MOST_STAGES),
        np.zeros((LAST, LAST)),
        np.zeros((4, MOST_STAGES + 1)),
        np.zeros((6, 5)),
    )


@kernel
def stages_for(z):
    """The fewest stages that are stable to -z."""
    return max(LEAST_STAGES, int(np.ceil(np.sqrt((z + SHORT) / REACH))))


@kernel
def _scaled(row, square):
    return row[0] + (row[1] + row[2] / square) / square


@inner_kernel
def _make_recurrence(stages, plan):
    """By Stieltjes' procedure, at as many nodes of Chebyshev as make it exact."""
    square, count = float(stages * stages), stages + 1
    x, weight, before, here = plan.nodes
    for i in range(count):
        x[i] = np.cos(np.pi * (i + 0.5) / count)
        w = 1.0
        for pair in range(2):
            real = x[i] - 1.0 + _scaled(ROOTS[2 * pair], square) / square
            w *= real**2 + (_scaled(ROOTS[2 * pair + 1], square) / square) ** 2
        weight[i], before[i], here[i] = w * w, 0.0, 1.0
    half = 0.5 * _scaled(LENGTH, square) * square
    last, ratio = 1.0, 0.0  # the norm of the polynomial before, its value at 1 over the next one's
    for j in range(stages - LAST):
        norm, mean = 0.0, 0.0
        for i in range(count):
            share = weight[i] * here[i] ** 2
            norm += share
            mean += x[i] * share
        mean /= norm
        back = norm / last if j > 0 else 0.0
        keep = -back * ratio
        ratio = 1.0 / (1.0 - mean + keep)
        plan.pull[j], plan.keep[j] = ratio / half, keep * ratio
        for i in range(count):
            here[i], before[i] = (x[i] - mean) * here[i] - back * before[i], here[i]
        last = norm


@inner_kernel
def _weights(stages, plan):
    """Elementary weights of the recurrence, in the first row of the scratch: b, b c, b c^2, b A c,
    b c^3, b c A c, b A c^2, b A A c, each summed."""
    here, before, slope, _ = plan.nodes
    here[:8] = 0.0
    before[:8] = 0.0
    slope[0] = 1.0
    for j in range(stages - LAST):
        slope[1], slope[2], slope[3] = here[0], here[0] ** 2, here[1]
        slope[4], slope[5] = here[0] ** 3, here[0] * here[1]
        slope[6], slope[7] = here[2], here[3]
        keep = plan.keep[j]
        for tree in range(8):
            grown = plan.pull[j] * slope[tree] + (1.0 - keep) * here[tree] + keep * before[tree]
            here[tree], before[tree] = grown, here[tree]


@inner_kernel
def _make_last(plan):
    """The four stages that go on where the recurrence ends and meet all conditions of order 4, in
    closed form; nodes and weights count from there."""
    done = plan.nodes[0]
    p, q = done[0], done[1]
    b = 1.0 - p
    bc = 1 / 2 - q - p * b
    bcc = 1 / 3 - done[2] - p * (p * b + 2 * bc)
    bac = 1 / 6 - done[3] - q * b - p * bc
    bccc = 1 / 4 - done[4] - p * (p * p * b + 3 * p * bc + 3 * bcc)
    bcac = 1 / 8 - done[5] - q * (p * b + bc) - p * (p * bc + bac + bcc)
    bacc = 1 / 12 - done[6] - done[2] * b - p * (p * bc + 2 * bac)
    baac = 1 / 24 - done[7] - done[3] * b - q * bc - p * bac
    c2, c3 = SECOND * b, THIRD * b
    apart = c3 * (c3 - c2)
    ba3 = (bacc - c2 * bac) / apart
    ba2 = (bac - c3 * ba3) / c2
    a32 = baac / (c2 * ba3)
    share = a32 * c2 / apart
    c4 = (bcac - share * (bccc - c2 * bcc)) / (bac + share * (c2 * bc - bcc))
    b4 = (bccc - (c2 + c3) * bcc + c2 * c3 * bc) / (c4 * (c4 - c2) * (c4 - c3))
    b3 = (bccc - (c2 + c4) * bcc + c2 * c4 * bc) / (apart * (c3 - c4))
    b2 = (bc - b3 * c3 - b4 * c4) / c2
    a42, a43 = (ba2 - b3 * a32) / b4, ba3 / b4
    last = plan.last
    last[0, 0] = c2
    last[1, 0], last[1, 1] = c3 - a32, a32
    last[2, 0], last[2, 1], last[2, 2] = c4 - a42 - a43, a42, a43
    last[3, 0], last[3, 1], last[3, 2], last[3, 3] = b - b2 - b3 - b4, b2, b3, b4


@shared_kernel
def make(stages, plan):
    """Let the plan be that of so many stages."""
    if plan.stages[0] != stages:
        _make_recurrence(stages, plan)
        _weights(stages, plan)
        _make_last(plan)
        plan.stages[0] = stages
