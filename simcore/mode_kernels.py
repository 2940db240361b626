"""Loops of the modes engine: the exact reduction for aligned starts and whitened inputs.

Aligned layers stay diagonal in the singular bases of the target, so mode i of pathway h is a
product of scalars, and layers of a pathway that start equal stay equal. A *group* is such a set of
equal layers: sigma_{h,i} = prod_{g in h} x_{i,g}^{m_g}. A balanced pathway is one group with
m = L_h, and the whole network one number per mode and pathway.

Arrays, by name: x (R, G) layer scales; pull (R, G) d sigma_{h,i} / d(one layer of group g);
strengths (H, R); residual (R,) = sum_h sigma_{h,i} - sigma*_i. All are C-contiguous float64.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simcore.dormand_prince import EXPONENT, GROW, MEMORY, SAFETY, SHRINK, STAGES, A, E, P

# No fastmath: every operation is rounded as written, so a run gives the same bits alone, among many
# (`descend_many`) and on any machine. Chaos past the edge would make the last bit visible.
OPTIONS: Any = {"cache": True, "nogil": True}

REACHED, PENDING, STALLED = 0, 1, 2


class ModeSystem(NamedTuple):
    """An aligned network and its target."""

    first: np.ndarray  # (H+1,) int64, first group of each pathway
    power: np.ndarray  # (G,) int64, how many equal layers each group has
    target: np.ndarray  # (R,) sigma*_i


class ModeState(NamedTuple):
    """Scratch that `evaluate` fills for the current x."""

    pull: np.ndarray  # (R, G)
    strengths: np.ndarray  # (H, R)
    residual: np.ndarray  # (R,)


class Ranges(NamedTuple):
    """Smallest and largest value over the steps since the last record."""

    loss: np.ndarray  # (2,)
    strengths: np.ndarray  # (2, H, R)


@njit(**OPTIONS)
def _power(base, exponent):
    result = 1.0
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@njit(**OPTIONS)
def evaluate(x, system, state):
    """Read x; write state. Return the loss 1/2 sum_i residual_i^2 (without the floor)."""
    pathways, modes = state.strengths.shape
    loss = 0.0
    for i in range(modes):
        total = 0.0
        for h in range(pathways):
            start, stop = system.first[h], system.first[h + 1]
            # leave-one-out products: `before` from the left, `product` from the right
            before = 1.0
            for g in range(start, stop):
                inner = _power(x[i, g], system.power[g] - 1)
                state.pull[i, g] = before * inner
                before *= inner * x[i, g]
            after = 1.0
            for g in range(stop - 1, start, -1):
                state.pull[i, g] *= after
                after *= _power(x[i, g], system.power[g])
            state.pull[i, start] *= after
            state.strengths[h, i] = before
            total += before
        state.residual[i] = total - system.target[i]
        loss += 0.5 * state.residual[i] ** 2
    return loss


@njit(**OPTIONS)
def widen(ranges, loss, strengths):
    """Extend the ranges to hold one more step."""
    pathways, modes = strengths.shape
    ranges.loss[0] = min(ranges.loss[0], loss)
    ranges.loss[1] = max(ranges.loss[1], loss)
    for h in range(pathways):
        for i in range(modes):
            ranges.strengths[0, h, i] = min(ranges.strengths[0, h, i], strengths[h, i])
            ranges.strengths[1, h, i] = max(ranges.strengths[1, h, i], strengths[h, i])


@njit(**OPTIONS)
def descend(x, system, step_size, steps, limit, state, ranges):
    """Take `steps` steps x <- x - eta grad; x, state (current on entry) and ranges are updated.

    Return how many steps kept the loss at or below `limit`; the one after them has left x
    diverged.
    """
    modes, groups = x.shape
    for step in range(steps):
        for i in range(modes):
            for g in range(groups):
                x[i, g] -= step_size * state.residual[i] * state.pull[i, g]
        loss = evaluate(x, system, state)
        if not loss <= limit:
            return step
        widen(ranges, loss, state.strengths)
    return steps


@njit(**OPTIONS)
def _velocity(x, system, state, out):
    """Write out = -grad at x, flattened. Return the loss."""
    modes, groups = x.shape
    loss = evaluate(x, system, state)
    for i in range(modes):
        for g in range(groups):
            out[i * groups + g] = -state.residual[i] * state.pull[i, g]
    return loss


class Integrator(NamedTuple):
    """What the flow keeps between calls, so that record times never restart it."""

    clock: np.ndarray  # (5,) t at the start and end of the last step, next h, last error, loss
    counts: np.ndarray  # (2,) int64, accepted and rejected steps
    old: np.ndarray  # (N,) weights at the start of the last step
    new: np.ndarray  # (N,) and at its end
    trial: np.ndarray  # (N,)
    stages: np.ndarray  # (7, N) of the last accepted step


@njit(**OPTIONS)
def flow_start(x, system, state, integrator, longest):
    """Set the integrator to t = 0 at x."""
    integrator.new[:] = x.ravel()
    loss = _velocity(x, system, state, integrator.stages[STAGES - 1])
    speed = np.abs(integrator.stages[STAGES - 1]).max()
    size = np.abs(integrator.new).max()
    first = 0.01 * max(size, 1e-3) / speed if speed > 0 else longest
    integrator.clock[:] = (0.0, 0.0, min(first, longest), 1e-4, loss)
    integrator.counts[:] = 0


@njit(**OPTIONS)
def flow(goal, most, system, state, integrator, ranges, rtol, longest):
    """Integrate until t >= goal or `most` more steps are accepted; return REACHED, PENDING or
    STALLED. The ranges take in the ends of steps up to the goal."""
    clock, counts, stages = integrator.clock, integrator.counts, integrator.stages
    old, new, trial = integrator.old, integrator.new, integrator.trial
    n, shape = new.size, state.pull.shape
    accepted = 0
    if clock[1] <= goal:  # the last call ended past its goal
        widen(ranges, clock[4], state.strengths)
    while clock[1] < goal:
        if accepted == most:
            return PENDING
        h = min(clock[2], longest)
        if not h > 1e-15 * clock[1]:
            return STALLED
        loss = clock[4]
        for stage in range(1, STAGES):
            for a in range(n):
                slope = A[stage, 0] * stages[STAGES - 1, a]
                for j in range(1, stage):
                    slope += A[stage, j] * stages[j, a]
                trial[a] = new[a] + h * slope
            if stage < STAGES - 1:
                loss = _velocity(trial.reshape(shape), system, state, stages[stage])
        # stages[6] still is k_1 (first same as last); the new k_7 goes to stages[0] for now
        loss = _velocity(trial.reshape(shape), system, state, stages[0])
        error = 0.0
        for a in range(n):
            defect = E[0] * stages[STAGES - 1, a] + E[STAGES - 1] * stages[0, a]
            for j in range(1, STAGES - 1):
                defect += E[j] * stages[j, a]
            scale = rtol * (1e-3 + max(abs(new[a]), abs(trial[a])))
            error += (h * defect / scale) ** 2
        error = np.sqrt(error / n)
        if not error <= 1.0:
            counts[1] += 1
            shrunk = SAFETY * error**-EXPONENT if error < np.inf else 0.0
            clock[2] = h * max(SHRINK, shrunk)
            continue
        grown = SAFETY * max(error, 1e-10) ** -EXPONENT * clock[3] ** MEMORY
        clock[0] = clock[1]
        clock[1] += h
        clock[2] = h * min(GROW, max(SHRINK, grown))
        clock[3] = max(error, 1e-4)
        clock[4] = loss
        for a in range(n):
            old[a] = new[a]
            new[a] = trial[a]
            stages[0, a], stages[STAGES - 1, a] = stages[STAGES - 1, a], stages[0, a]
        counts[0] += 1
        accepted += 1
        if clock[1] <= goal:
            widen(ranges, loss, state.strengths)
    return REACHED


@njit(**OPTIONS)
def flow_state(time, integrator, out):
    """Write the weights at `time` of the last step, by the interpolant of order 4."""
    clock, stages = integrator.clock, integrator.stages
    h = clock[1] - clock[0]
    theta = (time - clock[0]) / h if h > 0 else 1.0
    for a in range(out.size):
        if theta >= 1.0:
            out[a] = integrator.new[a]
        else:
            slope = 0.0
            for j in range(STAGES):
                weight = 0.0
                for p in range(3, -1, -1):
                    weight = (weight + P[j, p]) * theta
                slope += weight * stages[j, a]
            out[a] = integrator.old[a] + h * slope


# --- Curvature -------------------------------------------------------------------------------


@njit(**OPTIONS)
def diagonal_blocks(states, system, blocks, folds):
    """The Hessian of single modes, for K states (K, R, G).

    Within a group of m equal layers the weights' Hessian of mode i has one direction, their sum,
    coupled to other groups, and an (m-1)-fold eigenvalue -r q with q the product of all layers but
    two of the group. Write blocks (K, R, G, G), the coupled part
    sqrt(m_g m_f) pull_g pull_f + r [one pathway] (sqrt(m_g m_f) q_gf, or (m_g - 1) q_gg), and
    folds (K, R, G), the folded eigenvalues (nan where m = 1).
    """
    groups = system.power.size
    pathways = system.first.size - 1
    modes = system.target.size
    state = ModeState(np.empty((modes, groups)), np.empty((pathways, modes)), np.empty(modes))
    for k in range(states.shape[0]):
        x = states[k]
        evaluate(x, system, state)
        for i in range(modes):
            r = state.residual[i]
            for g in range(groups):
                folds[k, i, g] = np.nan
                for f in range(groups):
                    weight = np.sqrt(system.power[g] * system.power[f])
                    blocks[k, i, g, f] = weight * state.pull[i, g] * state.pull[i, f]
            for h in range(pathways):
                start, stop = system.first[h], system.first[h + 1]
                for g in range(start, stop):
                    for f in range(start, stop):
                        if g == f and system.power[g] == 1:
                            continue
                        others = 1.0
                        for e in range(start, stop):
                            taken = (1 if e == g else 0) + (1 if e == f else 0)
                            others *= _power(x[i, e], system.power[e] - taken)
                        if g == f:
                            blocks[k, i, g, g] += r * (system.power[g] - 1) * others
                            folds[k, i, g] = -r * others
                        else:
                            weight = np.sqrt(system.power[g] * system.power[f])
                            blocks[k, i, g, f] += r * weight * others


@njit(**OPTIONS)
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

LARGEST_POWER = 255  # of a group, as `_power_unrolled` reads eight bits


class Cells(NamedTuple):
    """C descents of one architecture, each with its own step size, target and scales.

    The cell is the last index, so that one instruction moves several of them. `kept_...` are as
    they were at the last record of each cell.
    """

    step_size: np.ndarray  # (C,)
    limit: np.ndarray  # (C,) loss above which a run counts as diverged
    target: np.ndarray  # (R, C)
    x: np.ndarray  # (R, G, C)
    pull: np.ndarray  # (R, G, C)
    strengths: np.ndarray  # (H, R, C)
    residual: np.ndarray  # (R, C)
    loss: np.ndarray  # (C,)
    alive: np.ndarray  # (C,) 1.0 until the loss leaves the limit, then 0.0
    kept_x: np.ndarray  # (R, G, C)
    kept_strengths: np.ndarray  # (H, R, C)
    kept_loss: np.ndarray  # (C,)


class Table(NamedTuple):
    """The first M modes of C descents at K records; smallest and largest since the one before."""

    strengths: np.ndarray  # (K, H, M, C)
    low: np.ndarray  # (K, H, M, C)
    high: np.ndarray  # (K, H, M, C)


@njit(**OPTIONS)
def _power_unrolled(base, exponent):
    """`_power` bit for bit, for exponents up to 255, in a shape that vectorises over cells."""
    result = 1.0
    for bit in range(8):
        result = result * base if (exponent >> bit) & 1 else result
        base *= base
    return result


@njit(**OPTIONS)
def _step_together(cells, scratch, first, power, low, high):
    """One step in every cell, with the operations of `descend`; widen low and high (H, M, C)."""
    step_size, residual, strengths = cells.step_size, cells.residual, cells.strengths
    x, pull, loss, alive = cells.x, cells.pull, cells.loss, cells.alive
    pathways, modes, count = strengths.shape
    for i in range(modes):
        for h in range(pathways):
            start, stop = first[h], first[h + 1]
            for g in range(start, stop):
                opens, others = g == start, power[g] - 1
                for c in range(count):
                    moved = x[i, g, c] - step_size[c] * residual[i, c] * pull[i, g, c]
                    inner = _power_unrolled(moved, others)
                    before = 1.0 if opens else strengths[h, i, c]
                    x[i, g, c] = moved
                    pull[i, g, c] = before * inner
                    strengths[h, i, c] = before * (inner * moved)
            if stop - start > 1:
                _close_pulls(x[i], pull[i], scratch, start, stop, power)
        scratch[:] = 0.0
        for h in range(pathways):
            for c in range(count):
                scratch[c] += strengths[h, i, c]
            if i < low.shape[1]:
                for c in range(count):
                    low[h, i, c] = min(low[h, i, c], strengths[h, i, c])
                    high[h, i, c] = max(high[h, i, c], strengths[h, i, c])
        opens = i == 0
        for c in range(count):
            residual[i, c] = scratch[c] - cells.target[i, c]
            loss[c] = (0.0 if opens else loss[c]) + 0.5 * residual[i, c] ** 2
    for c in range(count):
        alive[c] = alive[c] if loss[c] <= cells.limit[c] else 0.0


@njit(**OPTIONS)
def _close_pulls(x, pull, scratch, start, stop, power):
    """Multiply pull (G, C) of each group of a pathway by the groups after it, as in `evaluate`."""
    scratch[:] = 1.0
    for g in range(stop - 1, start, -1):
        for c in range(scratch.size):
            pull[g, c] *= scratch[c]
            scratch[c] *= _power_unrolled(x[g, c], power[g])
    for c in range(scratch.size):
        pull[start, c] *= scratch[c]


@njit(**OPTIONS)
def _keep(cells):
    """Write what the cells that are alive have now into kept_x, kept_strengths and kept_loss."""
    pathways, modes, count = cells.strengths.shape
    for i in range(modes):
        for g in range(cells.x.shape[1]):
            for c in range(count):
                old, new = cells.kept_x[i, g, c], cells.x[i, g, c]
                cells.kept_x[i, g, c] = new if cells.alive[c] > 0.0 else old
        for h in range(pathways):
            for c in range(count):
                old, new = cells.kept_strengths[h, i, c], cells.strengths[h, i, c]
                cells.kept_strengths[h, i, c] = new if cells.alive[c] > 0.0 else old
    for c in range(count):
        old, new = cells.kept_loss[c], cells.loss[c]
        cells.kept_loss[c] = new if cells.alive[c] > 0.0 else old


@njit(**OPTIONS)
def descend_many(cells, first, power, gaps, table):
    """`descend` in every cell, bit for bit: gaps[k] steps, then record k of the table.

    `first` and `power` (at most 255) are those of a ModeSystem. Cells, current on entry, are
    updated and the table, K = len(gaps), is written; what is there of cells that are no longer
    alive has no meaning. With more than some hundred cells they leave the cache.
    """
    scratch = np.empty(cells.alive.size)
    for k in range(gaps.size):
        if not cells.alive.any():
            break
        low, high = table.low[k], table.high[k]
        low[:] = np.inf
        high[:] = -np.inf
        for _ in range(gaps[k]):
            _step_together(cells, scratch, first, power, low, high)
        _keep(cells)
        table.strengths[k] = cells.strengths[:, : table.strengths.shape[2]]


# --- Orbits past the edge --------------------------------------------------------------------


@njit(**OPTIONS)
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
