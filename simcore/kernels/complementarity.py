"""Which pull keeps eigenvalues at an edge: a semidefinite complementarity problem.

Find a symmetric X (k, k) with 0 <= X _|_ Y = A + B[X] >= 0 (as matrices), where B[X]_ab =
sum_cd <g_ab, g_cd> X_cd is the Gram operator of k (k + 1) / 2 vectors g_ab = g_ba. B is singular
where they depend on each other; then X is not unique, but sum_ab X_ab g_ab is. It is the X that
minimises <A, X> + 1/2 <X, B X> over X >= 0.

Matrices are given by *entries* e = (row, column), row <= column; those that are not listed are
zero in X.
"""

import numpy as np

from simcore.kernels.stamp import kernel

MOST_ITERATIONS = 4000
MOST_SWEEPS = 30


@kernel
def _rotate(matrix, vectors, p, q):
    """One Jacobi rotation that makes entry (p, q) zero."""
    n = matrix.shape[0]
    theta = (matrix[q, q] - matrix[p, p]) / (2.0 * matrix[p, q])
    tangent = 1.0 / (abs(theta) + np.sqrt(theta * theta + 1.0))
    if theta < 0.0:
        tangent = -tangent
    cosine = 1.0 / np.sqrt(tangent * tangent + 1.0)
    sine = tangent * cosine
    for r in range(n):
        a, b = matrix[r, p], matrix[r, q]
        matrix[r, p], matrix[r, q] = cosine * a - sine * b, sine * a + cosine * b
    for r in range(n):
        a, b = matrix[p, r], matrix[q, r]
        matrix[p, r], matrix[q, r] = cosine * a - sine * b, sine * a + cosine * b
        a, b = vectors[r, p], vectors[r, q]
        vectors[r, p], vectors[r, q] = cosine * a - sine * b, sine * a + cosine * b


@kernel
def diagonalise(matrix, vectors):
    """Jacobi's method for a symmetric matrix (n, n): its diagonal becomes the eigenvalues, the
    columns of vectors (n, n) the eigenvectors."""
    n = matrix.shape[0]
    scale = 0.0
    for p in range(n):
        for q in range(n):
            vectors[p, q] = 1.0 if p == q else 0.0
            scale = max(scale, abs(matrix[p, q]))
    for _ in range(MOST_SWEEPS):
        rotated = False
        for p in range(n - 1):
            for q in range(p + 1, n):
                if abs(matrix[p, q]) > 1e-16 * scale:
                    _rotate(matrix, vectors, p, q)
                    rotated = True
        if not rotated:
            return


@kernel
def _often(row, column):
    """How often an entry stands in the matrix."""
    return 1.0 if row == column else 2.0


@kernel
def _project(x, rows, columns, matrix, vectors):
    """Replace x (n,), the entries of a symmetric matrix, by the nearest positive semidefinite."""
    coupled = False
    for e in range(x.size):
        coupled = coupled or (rows[e] != columns[e] and x[e] != 0.0)
    if not coupled:
        for e in range(x.size):
            x[e] = max(x[e], 0.0)
        return
    for p in range(matrix.shape[0]):
        for q in range(matrix.shape[0]):
            matrix[p, q] = 0.0
    for e in range(x.size):
        matrix[rows[e], columns[e]] = matrix[columns[e], rows[e]] = x[e]
    diagonalise(matrix, vectors)
    for e in range(x.size):
        x[e] = 0.0
        for m in range(matrix.shape[0]):
            if matrix[m, m] > 0.0:
                x[e] += matrix[m, m] * vectors[rows[e], m] * vectors[columns[e], m]


@kernel
def complement(rows, columns, gap, gram, tolerance, x, ahead, new, matrix, vectors):
    """Solve for the entries x (n,) of X, given `gap` (n,), those of A, and gram (n, n), by
    accelerated projected gradients with restarts (FISTA).

    It ends when what a projected gradient still changes, in units of Y, is at most `tolerance`:
    that bounds how far Y is from being positive and how far X and Y are from being complementary.
    ahead and new (n,), matrix and vectors (k, k) are scratch.
    """
    n = x.size
    length = 0.0
    for e in range(n):
        row = 0.0
        for f in range(n):
            often = _often(rows[e], columns[e]) * _often(rows[f], columns[f])
            row += np.sqrt(often) * abs(gram[e, f])
        length = max(length, row)
        x[e] = ahead[e] = 0.0
    if not length > 0.0:
        return
    momentum = 1.0
    for _ in range(MOST_ITERATIONS):
        for e in range(n):
            y = gap[e]
            for f in range(n):
                y += gram[e, f] * ahead[f] * _often(rows[f], columns[f])
            new[e] = ahead[e] - y / length
        _project(new, rows, columns, matrix, vectors)
        change, uphill = 0.0, 0.0
        for e in range(n):
            change = max(change, abs(new[e] - ahead[e]))
            uphill += _often(rows[e], columns[e]) * (ahead[e] - new[e]) * (new[e] - x[e])
        if uphill > 0.0:
            momentum = 1.0
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum))
        push = (momentum - 1.0) / following
        for e in range(n):
            ahead[e] = new[e] + push * (new[e] - x[e])
            x[e] = new[e]
        momentum = following
        if change * length <= tolerance:
            return
