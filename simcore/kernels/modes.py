"""Loops of the modes engine: the exact reduction for aligned starts and whitened inputs.

Aligned layers stay diagonal in the singular bases of the target, so mode i of pathway h is a
product of scalars, and layers of a pathway that start equal stay equal. A *group* is such a set of
equal layers: sigma_{h,i} = prod_{g in h} x_{g,i}^{m_g}. A balanced pathway is one group with
m = L_h, and the whole network one number per mode and pathway.

The last index of every array is what is computed side by side, a *column*: the modes of one run, or
one mode of many runs. There are a multiple of four of them, those added with x = target = 0.

Arrays, by name: x (G, C) layer scales; pull (G, C) d sigma / d(one layer of group g); strengths
(H, C); residual (C,) = sum_h sigma_h - sigma*. All are C-contiguous float64.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simcore.kernels.dormand_prince import (
    PENDING,
    REACHED,
    STAGES,
    STALLED,
    begin,
    judge,
    next_step,
    propose,
    row_of,
)

# Caches of versions before 24 November 2026 look here for what has moved; without, they break.
from simcore.kernels.dormand_prince import Integrator as Integrator
from simcore.kernels.ranges import Ranges as Ranges
from simcore.kernels.ranges import spread, widen
from simcore.kernels.simd import INLINED, KERNEL, add_in_turn, at, load, splat, store, where_at_most

ALLOCATING: Any = {name: value for name, value in KERNEL.items() if name != "_nrt"}


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
UNIT, NOTHING = np.int64(1), np.int64(-1)


@njit(**INLINED)
def _powers(a, b, exponent):
    """a^exponent and b^exponent: one chain of products leaves the processor time for another."""
    if exponent == 0:
        return splat(1.0), splat(1.0)
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


@njit(**INLINED)
def _update(c, r, x, pull, strengths, step_size, target, first, power, columns, move):
    """Columns c to c + 3: take a step x <- x - eta r pull (MOVE) or none (STAY), then write pull
    and strengths for the new x. Return the new r, the residual.

    Pointers into arrays of C = `columns` columns, as the names say.
    """
    back = splat(0.0) - load(step_size, c)
    total, h, pathways = splat(0.0) - load(target, c), 0, first.size - 1
    # two pathways at a time while each is one group and both are equally deep
    while h + 1 < pathways and first[h + 2] == h + 2 and power[h] == power[h + 1]:
        n, m = h * columns + c, (h + 1) * columns + c
        a, b = load(x, n), load(x, m)
        if move:
            a, b = a + r * (back * load(pull, n)), b + r * (back * load(pull, m))
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
        before, after = splat(1.0), splat(1.0)
        for g in range(first[k], first[k + 1]):
            n = g * columns + c
            a = load(x, n)
            if move:
                a = a + r * (back * load(pull, n))
                store(x, n, a)
            inner, _ = _powers(a, a, power[g] - 1)
            store(pull, n, before * inner)
            before = before * (inner * a)
        for g in range(first[k + 1] - 1, first[k], -1):
            n = g * columns + c
            a = load(x, n)
            store(pull, n, load(pull, n) * after)
            inner, _ = _powers(a, a, power[g])
            after = after * inner
        n = first[k] * columns + c
        store(pull, n, load(pull, n) * after)
        store(strengths, k * columns + c, before)
        total = total + before
    return total


@njit(**INLINED)
def step_once(x, system, state, move):
    """`_update` in all columns, x a pointer. Return the loss."""
    columns, first, power = system.target.size, system.first, system.power
    pull, strengths, residual = at(state.pull, 0), at(state.strengths, 0), at(state.residual, 0)
    step_size, target = at(system.step_size, 0), at(system.target, 0)
    loss = 0.0
    for c in range(0, columns, 4):
        r = load(residual, c)
        r = _update(c, r, x, pull, strengths, step_size, target, first, power, columns, move)
        store(residual, c, r)
        loss = add_in_turn(loss, splat(0.5) * (r * r))
    return loss


@njit(**KERNEL)
def evaluate(x, system, state):
    """Read x; write state. Return the loss 1/2 sum_i residual_i^2 (without the floor)."""
    return step_once(at(x, 0), system, state, STAY)


@njit(**KERNEL)
def descend(x, system, steps, limit, state, ranges):
    """Take `steps` steps x <- x - eta grad; x, state (current on entry) and ranges are updated.

    Return how many steps kept the loss at or below `limit`; the one after them has left x
    diverged.
    """
    for step in range(steps):
        loss = step_once(at(x, 0), system, state, MOVE)
        if not loss <= limit:
            return step
        widen(ranges, loss, state.strengths)
    return steps


@njit(**KERNEL)
def _velocity(x, system, state, out):
    """Write out = -grad at the weights that x points to. Return the loss."""
    columns = system.target.size
    loss = step_once(x, system, state, STAY)
    for g in range(state.pull.shape[0]):
        for c in range(columns):
            out[g * columns + c] = -state.residual[c] * state.pull[g, c]
    return loss


@njit(**KERNEL)
def flow_start(x, system, state, integrator, longest):
    """Set the integrator to t = 0 at x."""
    weights = at(x, 0)
    for n in range(x.size):
        integrator.new[n] = weights[n]
    loss = _velocity(weights, system, state, integrator.stages[STAGES - 1])
    begin(integrator, loss, longest)


@njit(**KERNEL)
def flow(goal, most, system, state, integrator, ranges, rtol, longest):
    """Integrate until t >= goal or `most` more steps are accepted; return REACHED, PENDING or
    STALLED. The ranges take in the ends of steps up to the goal."""
    clock, stages, trial = integrator.clock, integrator.stages, at(integrator.trial, 0)
    accepted = 0
    if clock[1] <= goal and not integrator.seen[0]:  # the last call ended past its goal
        widen(ranges, clock[4], state.strengths)
    while clock[1] < goal:
        if accepted == most:
            return PENDING
        h, loss = next_step(integrator, longest), 0.0
        if h == 0.0:
            return STALLED
        for stage in range(1, STAGES):
            propose(integrator, stage, h)
            loss = _velocity(trial, system, state, stages[row_of(stage)])
        if judge(integrator, h, rtol, loss):
            accepted += 1
            if clock[1] <= goal:
                widen(ranges, loss, state.strengths)
                integrator.seen[0] = True
    return REACHED


# --- Curvature -------------------------------------------------------------------------------


@njit(**KERNEL)
def _power(base, exponent):
    result = 1.0
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@njit(**KERNEL)
def _others(x, power, start, stop, g, f):
    """The product of a pathway's layers x (G,) without one layer of group g and one of group f;
    f = NOTHING leaves out only the first."""
    product = 1.0
    for e in range(start, stop):
        product *= _power(x[e], power[e] - (1 if e == g else 0) - (1 if e == f else 0))
    return product


@njit(**ALLOCATING)
def diagonal_blocks(states, residuals, first, power, blocks, folds):
    """The Hessian of single modes, for K states (K, R, G) with residuals (K, R).

    Within a group of m equal layers the weights' Hessian of mode i has one direction, their sum,
    coupled to other groups, and an (m-1)-fold eigenvalue -r q with q the product of all layers but
    two of the group. Write blocks (K, R, G, G), the coupled part
    sqrt(m_g m_f) pull_g pull_f + r [one pathway] (sqrt(m_g m_f) q_gf, or (m_g - 1) q_gg), and
    folds (K, R, G), the folded eigenvalues (nan where m = 1).
    """
    count, modes, groups = states.shape
    pull = np.empty(groups)
    for k in range(count):
        for i in range(modes):
            x, r = states[k, i], residuals[k, i]
            for h in range(first.size - 1):
                start, stop = first[h], first[h + 1]
                for g in range(start, stop):
                    pull[g] = _others(x, power, start, stop, g, NOTHING)
            for g in range(groups):
                folds[k, i, g] = np.nan
                for f in range(groups):
                    blocks[k, i, g, f] = np.sqrt(power[g] * power[f]) * pull[g] * pull[f]
            for h in range(first.size - 1):
                start, stop = first[h], first[h + 1]
                for g in range(start, stop):
                    for f in range(start, stop):
                        if g == f and power[g] == 1:
                            continue
                        others = _others(x, power, start, stop, g, f)
                        if g == f:
                            blocks[k, i, g, g] += r * (power[g] - 1) * others
                            folds[k, i, g] = -r * others
                        else:
                            blocks[k, i, g, f] += r * np.sqrt(power[g] * power[f]) * others


@njit(**ALLOCATING)
def pair_blocks(states, layer, first, residuals, i, j, blocks, bounds):
    """The Hessian of the weights (i, j) and (j, i) of every layer, for K states (K, R, G).

    `layer` (T,) is the group of each layer and `first` (H+1,) the first layer of each pathway.
    The two kinds of weights move M_ij and M_ji (rank one each) and are coupled to each other by
    the residuals of both modes: for q < p in one pathway, (i,j) of layer p with (j,i) of layer q by
    r_i prod_{k>p} w_i prod_{q<k<p} w_j prod_{k<q} w_i, and the same with i and j exchanged.
    j = -1 stands for an index that carries nothing (w_j = r_j = 0).
    Write blocks (K, 2T, 2T), weights (i,j) first, and bounds (K,) >= their largest eigenvalues.
    """
    t = layer.size
    above = np.empty((2, t))  # products of the layers above, for modes i and j
    below = np.empty((2, t))
    w = np.empty((2, t))
    row = np.empty(2 * t)
    for k in range(states.shape[0]):
        for p in range(t):
            w[0, p] = states[k, i, layer[p]]
            w[1, p] = states[k, j, layer[p]] if j >= 0 else 0.0
        for h in range(first.size - 1):
            for side in range(2):
                product = 1.0
                for p in range(first[h], first[h + 1]):
                    below[side, p] = product
                    product *= w[side, p]
                product = 1.0
                for p in range(first[h + 1] - 1, first[h] - 1, -1):
                    above[side, p] = product
                    product *= w[side, p]
        norms = np.zeros(2)
        for p in range(t):
            norms[0] += (above[0, p] * below[1, p]) ** 2
            norms[1] += (above[1, p] * below[0, p]) ** 2
            for q in range(t):
                blocks[k, p, q] = above[0, p] * below[1, p] * above[0, q] * below[1, q]
                blocks[k, t + p, t + q] = above[1, p] * below[0, p] * above[1, q] * below[0, q]
                blocks[k, p, t + q] = 0.0
                blocks[k, t + p, q] = 0.0
        row[:] = 0.0
        for h in range(first.size - 1):
            for p in range(first[h], first[h + 1]):
                for side in range(2):
                    mode = i if side == 0 else j
                    r = residuals[k, mode] if mode >= 0 else 0.0
                    between = 1.0
                    for q in range(p - 1, first[h] - 1, -1):
                        value = r * above[side, p] * between * below[side, q]
                        upper, lower = (p, t + q) if side == 0 else (t + p, q)
                        blocks[k, upper, lower] = value
                        blocks[k, lower, upper] = value
                        row[upper] += abs(value)
                        row[lower] += abs(value)
                        between *= w[1 - side, q]
        bounds[k] = max(norms[0], norms[1]) + row.max()


# --- Many descents at once -------------------------------------------------------------------

BLOCK = np.int64(128)  # cells that go from record to record together, from the first-level cache


class Cells(NamedTuple):
    """C descents of one architecture, each with its own step size, target and scales.

    The first index is the mode where there is one. `kept_...` are as they were at the last record
    of each cell.
    """

    step_size: np.ndarray  # (C,)
    limit: np.ndarray  # (C,) loss above which a run counts as diverged
    target: np.ndarray  # (R, C)
    x: np.ndarray  # (R, G, C)
    pull: np.ndarray  # (R, G, C)
    strengths: np.ndarray  # (R, H, C)
    residual: np.ndarray  # (R, C)
    loss: np.ndarray  # (C,)
    alive: np.ndarray  # (C,) 1.0 until the loss leaves the limit, then 0.0
    kept_x: np.ndarray  # (R, G, C)
    kept_strengths: np.ndarray  # (R, H, C)
    kept_loss: np.ndarray  # (C,)


class Table(NamedTuple):
    """The first M modes of C descents at K records; smallest and largest since the one before."""

    strengths: np.ndarray  # (K, M, H, C)
    low: np.ndarray  # (K, M, H, C)
    high: np.ndarray  # (K, M, H, C)


@njit(**INLINED)
def _step_together(cells, first, power, start, stop):
    """One step of the cells start to stop, with the operations of `descend`."""
    modes, groups, columns = cells.x.shape
    layers, strands = groups * columns, cells.strengths.shape[1] * columns
    step_size, loss = at(cells.step_size, 0), at(cells.loss, 0)
    alive, limit = at(cells.alive, 0), at(cells.limit, 0)
    for c in range(start, stop, 4):
        total = splat(0.0)
        for i in range(modes):
            residual, target = at(cells.residual, i * columns), at(cells.target, i * columns)
            x, pull = at(cells.x, i * layers), at(cells.pull, i * layers)
            r, strengths = load(residual, c), at(cells.strengths, i * strands)
            r = _update(c, r, x, pull, strengths, step_size, target, first, power, columns, MOVE)
            store(residual, c, r)
            total = total + splat(0.5) * (r * r)
        store(loss, c, total)
        still = where_at_most(total, load(limit, c), load(alive, c), splat(0.0))
        store(alive, c, still)


@njit(**KERNEL)
def _keep(alive, values, kept, rows, columns, start, stop):
    """Write the values (rows, C) of the cells that are alive into kept."""
    for row in range(rows):
        for c in range(start, stop, 4):
            n = row * columns + c
            new = where_at_most(splat(0.5), load(alive, c), load(values, n), load(kept, n))
            store(kept, n, new)


@njit(**KERNEL)
def descend_many(cells, first, power, gaps, table):
    """`descend` in every cell, bit for bit: gaps[k] steps, then record k of the table.

    `first` and `power` are those of a ModeSystem. Cells, current on entry, are updated and the
    table, K = len(gaps), is written; what is there of cells that are no longer alive has no
    meaning.
    """
    modes, groups, columns = cells.x.shape
    pathways = cells.strengths.shape[1]
    rows = table.low.shape[1] * pathways  # (M, H)
    alive, strengths = at(cells.alive, 0), at(cells.strengths, 0)
    for start in range(0, columns, BLOCK):
        stop = min(start + BLOCK, columns)
        for k in range(gaps.size):
            living = 0.0
            for c in range(start, stop):
                living += alive[c]
            if living == 0.0:
                break
            low, high = at(table.low, k * rows * columns), at(table.high, k * rows * columns)
            for row in range(rows):
                for n in range(row * columns + start, row * columns + stop, 4):
                    store(low, n, splat(np.inf))
                    store(high, n, splat(-np.inf))
            for _ in range(gaps[k]):
                _step_together(cells, first, power, start, stop)
                for row in range(rows):
                    n = row * columns + start
                    spread(at(strengths, n), at(low, n), at(high, n), stop - start)
            record = at(table.strengths, k * rows * columns)
            for row in range(rows):
                for n in range(row * columns + start, row * columns + stop, 4):
                    store(record, n, load(strengths, n))
            _keep(alive, at(cells.x, 0), at(cells.kept_x, 0), modes * groups, columns, start, stop)
            kept = at(cells.kept_strengths, 0)
            _keep(alive, strengths, kept, modes * pathways, columns, start, stop)
            _keep(alive, at(cells.loss, 0), at(cells.kept_loss, 0), UNIT, columns, start, stop)


# --- Orbits past the edge --------------------------------------------------------------------


@njit(**ALLOCATING)
def orbits(start, depths, target, step_sizes, transients, strengths, lyapunov):
    """Orbits of one balanced mode at many step sizes, w_h <- w_h - eta w_h^{L_h-1} r.

    start (H,) are the w_h, depths (H,) int64. After transients (E,) int64 steps, write the
    following strengths (E, kept, H) and lyapunov (E,), the mean growth ln ||J v|| of a tangent
    vector under J = 1 - eta Hessian over the kept steps; nan where the orbit diverges.
    """
    count, kept, pathways = strengths.shape
    w = np.empty(pathways)
    v = np.empty(pathways)
    for e in range(count):
        eta, transient = step_sizes[e], transients[e]
        w[:] = start
        for h in range(pathways):
            v[h] = 1.0 + 0.1 * h  # along no symmetry of the pathways
        growth = 0.0
        for step in range(transient + kept):
            r = -target
            for h in range(pathways):
                r += _power(w[h], depths[h])
            if not abs(r) < 1e6 * (1.0 + abs(target)):
                growth = np.nan
                for n in range(kept):
                    for h in range(pathways):
                        strengths[e, n, h] = np.nan
                break
            # J v: the residual moves by dr = sum_h L_h w_h^{L_h-1} v_h
            dr = 0.0
            for h in range(pathways):
                dr += depths[h] * _power(w[h], depths[h] - 1) * v[h]
            norm = 0.0
            for h in range(pathways):
                pull = _power(w[h], depths[h] - 1)
                bend = 0.0
                if depths[h] > 1:
                    bend = (depths[h] - 1) * _power(w[h], depths[h] - 2)
                v[h] -= eta * (pull * dr + bend * r * v[h])
                w[h] -= eta * pull * r
                norm += v[h] ** 2
            norm = np.sqrt(norm)
            if norm > 0.0:
                for h in range(pathways):
                    v[h] /= norm
            if step >= transient:
                growth += np.log(max(norm, 1e-300))
                for h in range(pathways):
                    strengths[e, step - transient, h] = _power(w[h], depths[h])
        lyapunov[e] = growth / kept
