"""What small moves do to aligned networks, in one block of their Hessian at a time.

The weights (i, j) and (j, i) of all layers are a block of the Hessian (see `mode_curvature`): with
a_p and b_p added to these two entries of layer p, layers are 2 x 2 matrices
[[w_i, e a], [e b, w_j]], and of all products the powers of e with even exponents are diagonal,
those with odd ones not. The same loops serve the block of a single mode, i = j and a = b: then
both entries of a pair are the same number.

In a gradient dL/dW_p = D_p A_{p-1}^T, the term of e is the Hessian times the direction, and that of
e^2 half of T[u, u] = grad (u^T H u), H's derivative along u times u. No differences are taken.

Layers are w (R, T), each mode's from input to output, pathway after pathway; directions (2, T).
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.stamp import kernel


class Aligned(NamedTuple):
    """An aligned network of T layers in H pathways, mode by mode."""

    first: np.ndarray  # (H+1,) int64, first layer of each pathway
    target: np.ndarray  # (R,) sigma*
    w: np.ndarray  # (R, T)
    below: np.ndarray  # (R, T) product of the layers below each, within its pathway
    pull: np.ndarray  # (R, T) residual times the product of those above: order 0 of D_p
    above: np.ndarray  # (R, T) that product
    residual: np.ndarray  # (R,)


@kernel
def look_around(net):
    """Read w; write all else. Return the loss 1/2 sum_i residual_i^2."""
    loss = 0.0
    modes, layers = net.w.shape
    for i in range(modes):
        residual = -net.target[i]
        for h in range(net.first.size - 1):
            product = 1.0
            for p in range(net.first[h], net.first[h + 1]):
                net.below[i, p] = product
                product *= net.w[i, p]
            residual += product
            product = 1.0
            for p in range(net.first[h + 1] - 1, net.first[h] - 1, -1):
                net.above[i, p] = product
                product *= net.w[i, p]
        for p in range(layers):
            net.pull[i, p] = residual * net.above[i, p]
        net.residual[i] = residual
        loss += 0.5 * residual * residual
    return loss


@kernel
def longest_moves(net, i, j, out):
    """Write out (2, T), the directions in which M_ij and M_ji grow fastest; return the larger
    squared length. Up to the residuals' couplings it is the largest eigenvalue of a pair's block;
    of a single mode's the length itself."""
    first, second = 0.0, 0.0
    for p in range(net.w.shape[1]):
        out[0, p] = net.above[i, p] * net.below[j, p]
        out[1, p] = net.above[j, p] * net.below[i, p]
        first += out[0, p] * out[0, p]
        second += out[1, p] * out[1, p]
    return max(first, second)


@kernel
def coupling_bound(net, i, j):
    """At least the largest eigenvalue of what the residuals add to the block: its largest row, in
    sizes."""
    most = 0.0
    for h in range(net.first.size - 1):
        for side in range(2):
            # rows (i, j) of the layers above couple to (j, i) below, and the other way round
            m, n = (i, j) if side == 0 else (j, i)
            start, stop = net.first[h], net.first[h + 1]
            reach = 0.0
            for p in range(start, stop):
                most = max(most, 2.0 * abs(net.pull[m, p]) * reach)
                reach = reach * abs(net.w[n, p]) + abs(net.below[m, p])
            reach = 0.0
            for p in range(stop - 1, start - 1, -1):
                most = max(most, 2.0 * abs(net.below[m, p]) * reach)
                reach = reach * abs(net.w[n, p]) + abs(net.pull[m, p])
    return most


@kernel
def curve(net, i, j, u, out):
    """Write out (2, T) = the Hessian's block times u (2, T)."""
    w, below, pull = net.w, net.below, net.pull
    m_ij, m_ji = 0.0, 0.0
    for h in range(net.first.size - 1):
        x, y = 0.0, 0.0
        for p in range(net.first[h], net.first[h + 1]):
            out[0, p], out[1, p] = pull[i, p] * y, pull[j, p] * x
            x = w[i, p] * x + u[0, p] * below[j, p]
            y = w[j, p] * y + u[1, p] * below[i, p]
        m_ij += x
        m_ji += y
    for h in range(net.first.size - 1):
        x, y = m_ij, m_ji
        for p in range(net.first[h + 1] - 1, net.first[h] - 1, -1):
            out[0, p] += x * below[j, p]
            out[1, p] += y * below[i, p]
            x, y = w[i, p] * x + u[1, p] * pull[j, p], w[j, p] * y + u[0, p] * pull[i, p]


@kernel
def bend(net, i, j, u, scale, passed, out):
    """Add `scale` times grad (u^T H u), which leans on the modes i and j, to out (R, T).

    passed (4, T) is scratch.
    """
    w, below, pull = net.w, net.below, net.pull
    m_ij, m_ji, m_i, m_j = 0.0, 0.0, 0.0, 0.0
    for h in range(net.first.size - 1):
        x = y = s = t = 0.0
        for p in range(net.first[h], net.first[h + 1]):
            passed[0, p], passed[1, p], passed[2, p], passed[3, p] = x, y, s, t
            a, b = u[0, p], u[1, p]
            s, t = w[i, p] * s + a * y, w[j, p] * t + b * x
            x, y = w[i, p] * x + a * below[j, p], w[j, p] * y + b * below[i, p]
        m_ij, m_ji, m_i, m_j = m_ij + x, m_ji + y, m_i + s, m_j + t
    twice = 2.0 * scale
    for h in range(net.first.size - 1):
        x, y, s, t = m_ij, m_ji, m_i, m_j
        for p in range(net.first[h + 1] - 1, net.first[h] - 1, -1):
            a, b = u[0, p], u[1, p]
            of_i = pull[i, p] * passed[2, p] + x * passed[0, p] + s * below[i, p]
            out[i, p] += twice * of_i
            if j != i:
                of_j = pull[j, p] * passed[3, p] + y * passed[1, p] + t * below[j, p]
                out[j, p] += twice * of_j
            s, t = w[i, p] * s + b * y, w[j, p] * t + a * x
            x, y = w[i, p] * x + b * pull[j, p], w[j, p] * y + a * pull[i, p]
