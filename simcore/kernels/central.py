"""What a central flow has to know near its edge: which eigenvalues are close to it, and how the
weights move them.

grad(u_a^T H u_b), over eigenvectors u_a near the edge, is called the *leaning* of the entry (a, b):
aligned networks have them in closed form (`sectors`), full weights by differences.
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.matrices import backpropagate, evaluate, hessian_vector
from simcore.kernels.products import add_scaled, set_scaled
from simcore.kernels.sectors import bend, coupling_bound, curve, longest_moves
from simcore.kernels.simd import at
from simcore.kernels.stamp import kernel

MOST_ITERATIONS = 300


class Near(NamedTuple):
    """Eigenvectors of an aligned network near the edge, room for m of them, and scratch."""

    values: np.ndarray  # (m,)
    places: np.ndarray  # (m, 2) int64, the modes i <= j of each one's block
    vectors: np.ndarray  # (m, 2, T) what each moves of the weights (i, j) and (j, i)
    basis: np.ndarray  # (2, 2, T)
    image: np.ndarray  # (2, 2, T)
    found: np.ndarray  # (2,)
    passed: np.ndarray  # (4, T)


@kernel
def _inner(u, v, sides):
    total = 0.0
    for side in range(sides):
        for p in range(u.shape[1]):
            total += u[side, p] * v[side, p]
    return total


@kernel
def _combine(a, u, b, v, out):
    """out = a u + b v, of directions (2, T)."""
    for side in range(2):
        for p in range(u.shape[1]):
            out[side, p] = a * u[side, p] + b * v[side, p]


@kernel
def _defect(image, value, u, sides):
    """||image - value u||."""
    total = 0.0
    for side in range(sides):
        for p in range(u.shape[1]):
            total += (image[side, p] - value * u[side, p]) ** 2
    return np.sqrt(total)


@kernel
def _turn(u, v, cosine, sine):
    """Turn two directions in their plane."""
    for side in range(2):
        for p in range(u.shape[1]):
            a, b = u[side, p], v[side, p]
            u[side, p], v[side, p] = cosine * a + sine * b, cosine * b - sine * a


@kernel
def _orthonormal(basis, count, sides):
    """Make the first rows of basis (2, 2, T) orthonormal; return how many are more than nothing."""
    for m in range(count):
        u = basis[m]
        before = np.sqrt(_inner(u, u, sides))
        if m == 1:
            for _ in range(2):
                _combine(1.0, u, -_inner(basis[0], u, sides), basis[0], u)
        size = np.sqrt(_inner(u, u, sides))
        if not size > 1e-12 * before:
            return m
        _combine(1.0 / size, u, 0.0, u, u)
    return count


@kernel
def _top_of_block(net, i, j, tolerance, near):
    """The largest eigenvalue of a single mode's block, i = j, or the two largest of a pair's, to
    near.found, eigenvectors to near.basis. Return how many.

    Iteration of the subspace that holds the directions in which the block's part of M grows
    fastest; at a minimum it is exact at once.
    """
    basis, image, values = near.basis, near.image, near.found
    sides = 1 if i == j else 2
    longest_moves(net, i, j, basis[0])
    for p in range(basis.shape[2]):
        basis[1, 0, p], basis[1, 1, p] = basis[0, 0, p], -basis[0, 1, p]
    count = _orthonormal(basis, sides, sides)
    for _ in range(MOST_ITERATIONS):
        for m in range(count):
            curve(net, i, j, basis[m], image[m])
            values[m] = _inner(basis[m], image[m], sides)
        if count == 2:
            corner = _inner(basis[0], image[1], sides)
            angle = 0.5 * np.arctan2(2.0 * corner, values[0] - values[1])
            _turn(basis[0], basis[1], np.cos(angle), np.sin(angle))
            _turn(image[0], image[1], np.cos(angle), np.sin(angle))
        residual = 0.0
        for m in range(count):
            values[m] = _inner(basis[m], image[m], sides)
            residual = max(residual, _defect(image[m], values[m], basis[m], sides))
        if residual <= tolerance:
            break
        for m in range(count):
            _combine(1.0, image[m], 0.0, image[m], basis[m])
        count = _orthonormal(basis, count, sides)
    return count


@kernel
def near_edge(net, low, tolerance, near):
    """Write eigenvalues above `low`, at most one of a single mode and two of a pair of modes, to
    `near`, to a residual of `tolerance`. Return how many they are."""
    k = 0
    for i in range(net.target.size):
        for j in range(i, net.target.size):
            if longest_moves(net, i, j, near.basis[0]) + coupling_bound(net, i, j) <= low:
                continue
            for m in range(_top_of_block(net, i, j, tolerance, near)):
                if near.found[m] > low:
                    near.values[k], near.places[k, 0], near.places[k, 1] = near.found[m], i, j
                    _combine(1.0, near.basis[m], 0.0, near.basis[m], near.vectors[k])
                    k += 1
    return k


@kernel
def leanings_of_modes(net, near, rows, columns, out):
    """Add the leanings of entries (rows, columns), pairs within one block, to out (n, R, T)."""
    for e in range(rows.size):
        u, v = near.vectors[rows[e]], near.vectors[columns[e]]
        i, j = near.places[rows[e], 0], near.places[rows[e], 1]
        # T[u, v] = (T[u + v, u + v] - T[u - v, u - v]) / 4
        _combine(1.0, u, 1.0, v, near.basis[0])
        bend(net, i, j, near.basis[0], 0.25, near.passed, out[e])
        if rows[e] != columns[e]:
            _combine(1.0, u, -1.0, v, near.basis[0])
            bend(net, i, j, near.basis[0], -0.25, near.passed, out[e])


class Beside(NamedTuple):
    """Scratch for weights that are near the current ones, (N,) each."""

    theta: np.ndarray
    gradient: np.ndarray
    image: np.ndarray


@kernel
def leanings_of_weights(theta, layout, problem, work, tangent, vectors, reach, beside, out):
    """Add the leanings of all entries a <= b of vectors (k, N), row by row, to out (n, N).

    Central differences of Hessian-vector products, (H(theta + h u_b) - H(theta - h u_b)) u_a / 2h
    with h = `reach`. work and tangent are scratch.
    """
    n, k = theta.size, vectors.shape[0]
    moved, image = beside.theta, beside.image
    for b in range(k):
        for side in range(2):
            h = reach if side == 0 else -reach
            set_scaled(1.0, at(theta, 0), at(moved, 0), n)
            add_scaled(h, at(vectors[b], 0), at(moved, 0), n)
            evaluate(moved, layout, problem, work)
            for p in range(n):
                beside.gradient[p] = 0.0
            backpropagate(moved, layout, problem, work, 1.0, beside.gradient)
            for a in range(b + 1):
                hessian_vector(moved, layout, problem, work, tangent, vectors[a], image)
                e = a * k - a * (a - 1) // 2 + b - a
                add_scaled(0.5 / h, at(image, 0), at(out[e], 0), n)
