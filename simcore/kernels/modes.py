"""A step of the modes engine: the exact reduction for aligned starts and whitened inputs.

Aligned layers stay diagonal in the singular bases of the target, so mode i of pathway h is a
product of scalars, and layers of a pathway that start equal stay equal. A *group* is such a set of
equal layers: sigma_{h,i} = prod_{g in h} x_{g,i}^{m_g}. A balanced pathway is one group with
m = L_h, and the whole network one number per mode and pathway.

The last index of every array is what is computed side by side, a *column*: the modes of one run, or
one mode of many runs. There are a multiple of four of them, those added with x = target = 0.

Arrays, by name: x (G, C) layer scales; pull (G, C) d sigma / d(one layer of group g); strengths
(H, C); residual (C,) = sum_h sigma_h - sigma*. All are C-contiguous float64.
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.simd import add_in_turn, at, load, load_like, splat, splat_like, store
from simcore.kernels.stamp import inlined_kernel, kernel


class ModeSystem(NamedTuple):
    """Aligned networks and their targets, column by column."""

    first: np.ndarray  # (H+1,) int64, first group of each pathway
    power: np.ndarray  # (G,) int64, how many equal layers each group has
    target: np.ndarray  # (C,) sigma*
    step_size: np.ndarray  # (C,) eta, not read by the flow


class ModeState(NamedTuple):
    """What `evaluate` finds at the current x."""

    pull: np.ndarray  # (G, C)
    strengths: np.ndarray  # (H, C)
    residual: np.ndarray  # (C,)


# NumPy's, because Numba would compile a function anew for each literal it is called with.
MOVE, STAY = np.bool_(True), np.bool_(False)


@inlined_kernel
def _powers(a, b, exponent):
    """a^exponent and b^exponent: one chain of products leaves the processor time for another."""
    if exponent == 0:
        return splat_like(a, 1.0), splat_like(a, 1.0)
    while exponent & 1 == 0:
        a, b = a * a, b * b
        exponent >>= 1
    p, q = a, b
    exponent >>= 1
    while exponent > 0:
        a, b = a * a, b * b
        if exponent & 1:
            p, q = p * a, q * b
        exponent >>= 1
    return p, q


@kernel
def raised(base, exponent):
    """base^exponent of one number."""
    result = 1.0
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@inlined_kernel
def update(c, r, x, pull, strengths, step_size, target, first, power, columns, move):
    """As many columns from c on as r, their residual, has numbers: take a step
    x <- x - eta r pull (MOVE) or none (STAY), then write pull and strengths for the new x. Return
    the new r.

    Pointers into arrays of C = `columns` columns, as the names say.
    """
    back = splat_like(r, 0.0) - load_like(r, step_size, c)
    total, h, pathways = splat_like(r, 0.0) - load_like(r, target, c), 0, first.size - 1
    # two pathways at a time while each is one group and both are equally deep
    while h + 1 < pathways and first[h + 2] == h + 2 and power[h] == power[h + 1]:
        n, m = h * columns + c, (h + 1) * columns + c
        a, b = load_like(r, x, n), load_like(r, x, m)
        if move:
            a, b = a + r * (back * load_like(r, pull, n)), b + r * (back * load_like(r, pull, m))
            store(x, n, a)
            store(x, m, b)
        p, q = _powers(a, b, power[h] - 1)
        store(pull, n, p)
        store(pull, m, q)
        p, q = p * a, q * b
        store(strengths, n, p)
        store(strengths, m, q)
        total = (total + p) + q
        h += 2
    for k in range(h, pathways):
        # leave-one-out products: `before` from the left, `after` from the right
        before, after = splat_like(r, 1.0), splat_like(r, 1.0)
        for g in range(first[k], first[k + 1]):
            n = g * columns + c
            a = load_like(r, x, n)
            if move:
                a = a + r * (back * load_like(r, pull, n))
                store(x, n, a)
            inner, _ = _powers(a, a, power[g] - 1)
            store(pull, n, before * inner)
            before = before * (inner * a)
        for g in range(first[k + 1] - 1, first[k], -1):
            n = g * columns + c
            a = load_like(r, x, n)
            store(pull, n, load_like(r, pull, n) * after)
            inner, _ = _powers(a, a, power[g])
            after = after * inner
        n = first[k] * columns + c
        store(pull, n, load_like(r, pull, n) * after)
        store(strengths, k * columns + c, before)
        total = total + before
    return total


@inlined_kernel
def step_once(x, system, state, move):
    """`update` in all columns, x a pointer. Return the loss."""
    columns, first, power = system.target.size, system.first, system.power
    pull, strengths, residual = at(state.pull, 0), at(state.strengths, 0), at(state.residual, 0)
    step_size, target = at(system.step_size, 0), at(system.target, 0)
    loss = 0.0
    for c in range(0, columns, 4):
        r = load(residual, c)
        r = update(c, r, x, pull, strengths, step_size, target, first, power, columns, move)
        store(residual, c, r)
        loss = add_in_turn(loss, splat(0.5) * (r * r))
    return loss


@kernel
def evaluate(x, system, state):
    """Read x; write state. Return the loss 1/2 sum_i residual_i^2 (without the floor)."""
    return step_once(at(x, 0), system, state, STAY)
