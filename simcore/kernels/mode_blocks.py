"""The blocks of the Hessian in the modes engine: those of single modes, those of pairs of modes.

States are x (K, R, G) as in `modes`, with the modes before the groups and K of them at a time.
"""

import numpy as np

from simcore.kernels.modes import raised
from simcore.kernels.simd import at
from simcore.kernels.stamp import allocating_kernel, kernel

NOTHING = np.int64(-1)  # NumPy's, because Numba would compile a function anew for each literal


@kernel
def _others(x, power, start, stop, g, f):
    """The product of a pathway's layers, x a pointer to (G,), without one layer of group g and one
    of group f; f = NOTHING leaves out only the first."""
    product = 1.0
    for e in range(start, stop):
        product *= raised(x[e], power[e] - (1 if e == g else 0) - (1 if e == f else 0))
    return product


@kernel
def diagonal_blocks(states, residuals, first, power, pull, blocks, folds):
    """The Hessian of single modes, for K states (K, R, G) with residuals (K, R).

    Within a group of m equal layers the weights' Hessian of mode i has one direction, their sum,
    coupled to other groups, and an (m-1)-fold eigenvalue -r q with q the product of all layers but
    two of the group. Write blocks (K, R, G, G), the coupled part
    sqrt(m_g m_f) pull_g pull_f + r [one pathway] (sqrt(m_g m_f) q_gf, or (m_g - 1) q_gg), and
    folds (K, R, G), the folded eigenvalues (nan where m = 1). `pull` (G,) is scratch.
    """
    count, modes, groups = states.shape
    for k in range(count):
        for i in range(modes):
            row, r = (k * modes + i) * groups, residuals[k, i]
            x, fold, block = at(states, row), at(folds, row), at(blocks, row * groups)
            for h in range(first.size - 1):
                for g in range(first[h], first[h + 1]):
                    pull[g] = _others(x, power, first[h], first[h + 1], g, NOTHING)
            for g in range(groups):
                fold[g] = np.nan
                for f in range(groups):
                    block[g * groups + f] = np.sqrt(power[g] * power[f]) * pull[g] * pull[f]
            for h in range(first.size - 1):
                for g in range(first[h], first[h + 1]):
                    for f in range(first[h], first[h + 1]):
                        if g == f and power[g] == 1:
                            continue
                        others = _others(x, power, first[h], first[h + 1], g, f)
                        if g == f:
                            block[g * groups + g] += r * (power[g] - 1) * others
                            fold[g] = -r * others
                        else:
                            block[g * groups + f] += r * np.sqrt(power[g] * power[f]) * others


@kernel
def _leave_one_out(w, first, above, below):
    """Products of the layers w (2, T) above and below each layer, within its pathway."""
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


@kernel
def _outer_products(above, below, block):
    """Write the two rank ones into the block (2T, 2T)."""
    t = above.shape[1]
    for p in range(t):
        for q in range(t):
            block[p, q] = above[0, p] * below[1, p] * above[0, q] * below[1, q]
            block[t + p, t + q] = above[1, p] * below[0, p] * above[1, q] * below[0, q]
            block[p, t + q] = 0.0
            block[t + p, q] = 0.0


@kernel
def _longer(above, below):
    """The larger eigenvalue of the two rank ones."""
    first, second = 0.0, 0.0
    for p in range(above.shape[1]):
        first += (above[0, p] * below[1, p]) ** 2
        second += (above[1, p] * below[0, p]) ** 2
    return max(first, second)


@kernel
def _layers(x, layer, i, j, w):
    """Write the layers (2, T) of modes i and j; j = -1 carries nothing."""
    for p in range(layer.size):
        w[0, p] = x[i, layer[p]]
        w[1, p] = x[j, layer[p]] if j >= 0 else 0.0


@kernel
def _couplings(w, first, above, below, r_i, r_j, block, row):
    """Write what the residuals couple in the block, and the sums of their sizes to row (2T,).
    Return the largest."""
    t, largest = above.shape[1], 0.0
    for p in range(2 * t):
        row[p] = 0.0
    for h in range(first.size - 1):
        for p in range(first[h], first[h + 1]):
            for side in range(2):
                r = r_i if side == 0 else r_j
                between = 1.0
                for q in range(p - 1, first[h] - 1, -1):
                    value = r * above[side, p] * between * below[side, q]
                    upper, lower = (p, t + q) if side == 0 else (t + p, q)
                    block[upper, lower] = value
                    block[lower, upper] = value
                    row[upper] += abs(value)
                    row[lower] += abs(value)
                    between *= w[1 - side, q]
    for p in range(2 * t):
        largest = max(largest, row[p])
    return largest


@allocating_kernel
def pair_bounds(states, layer, first, residuals, pairs, bounds):
    """Write bounds (K, P) >= the largest eigenvalues of the blocks of P pairs (P, 2) of modes, as
    `pair_blocks` has them: the longer rank one plus the largest row of the couplings."""
    t = layer.size
    above, below, w = np.empty((2, t)), np.empty((2, t)), np.empty((2, t))
    block, row = np.empty((2 * t, 2 * t)), np.empty(2 * t)
    for k in range(states.shape[0]):
        for number in range(pairs.shape[0]):
            i, j = pairs[number]
            _layers(states[k], layer, i, j, w)
            _leave_one_out(w, first, above, below)
            r_j = residuals[k, j] if j >= 0 else 0.0
            row_at_most = _couplings(w, first, above, below, residuals[k, i], r_j, block, row)
            bounds[k, number] = _longer(above, below) + row_at_most


@allocating_kernel
def pair_blocks(states, layer, first, residuals, i, j, blocks):
    """The Hessian of the weights (i, j) and (j, i) of every layer, for K states (K, R, G).

    `layer` (T,) is the group of each layer and `first` (H+1,) the first layer of each pathway.
    The two kinds of weights move M_ij and M_ji (rank one each) and are coupled to each other by
    the residuals of both modes: for q < p in one pathway, (i,j) of layer p with (j,i) of layer q by
    r_i prod_{k>p} w_i prod_{q<k<p} w_j prod_{k<q} w_i, and the same with i and j exchanged.
    j = -1 stands for an index that carries nothing (w_j = r_j = 0).
    Write blocks (K, 2T, 2T), weights (i,j) first.
    """
    t = layer.size
    above, below, w, row = np.empty((2, t)), np.empty((2, t)), np.empty((2, t)), np.empty(2 * t)
    for k in range(states.shape[0]):
        _layers(states[k], layer, i, j, w)
        _leave_one_out(w, first, above, below)
        _outer_products(above, below, blocks[k])
        r_j = residuals[k, j] if j >= 0 else 0.0
        _couplings(w, first, above, below, residuals[k, i], r_j, blocks[k], row)
