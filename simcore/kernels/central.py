"""Steps of a central flow: gradient flow that is kept where no eigenvalue exceeds an edge.

d theta/dt = -grad L - 1/2 sum_ab X_ab grad(u_a^T H u_b) over the eigenvectors u_a near the edge,
with X as in `complementarity`. A step of length dt is explicit, but what is to stay below the edge
is the Hessian, linearised, at its *end* (J. J. Moreau's stepping), so that the state can neither
drift away from the edge nor has to be caught when it touches it:
Y = edge - U^T H U - dt dH[-grad L] + dt/2 G G^T X.
"""

import numpy as np

from simcore.kernels.complementarity import complement
from simcore.kernels.matrices import backpropagate, evaluate, hessian_vector
from simcore.kernels.products import add_scaled, set_scaled
from simcore.kernels.ranges import widen
from simcore.kernels.sectors import bend, coupling_bound, curve, longest_moves, look_around
from simcore.kernels.simd import at
from simcore.kernels.stamp import allocating_kernel, kernel

NEAR = 0.9  # of the edge: eigenvalues from here on may touch it within a step
EXACT = 1e-10  # residual of eigenvectors, and of the complementarity, in units of the edge
MOST_ITERATIONS = 300
TAKEN, TRACE, TOP = range(3)  # of what is told


# --- Aligned networks ------------------------------------------------------------------------


@kernel
def _length(u, sides):
    total = 0.0
    for side in range(sides):
        for p in range(u.shape[1]):
            total += u[side, p] * u[side, p]
    return np.sqrt(total)


@kernel
def _inner(u, v, sides):
    total = 0.0
    for side in range(sides):
        for p in range(u.shape[1]):
            total += u[side, p] * v[side, p]
    return total


@kernel
def _subtract(factor, u, v):
    """v -= factor u."""
    for side in range(2):
        for p in range(u.shape[1]):
            v[side, p] -= factor * u[side, p]


@kernel
def _scale(factor, u):
    for side in range(2):
        for p in range(u.shape[1]):
            u[side, p] *= factor


@kernel
def _orthonormal(basis, count, sides):
    """Make the first rows of basis (2, 2, T) orthonormal; return how many are more than nothing."""
    size = _length(basis[0], sides)
    if not size > 0.0:
        return 0
    _scale(1.0 / size, basis[0])
    if count == 1:
        return 1
    before = _length(basis[1], sides)
    for _ in range(2):
        _subtract(_inner(basis[0], basis[1], sides), basis[0], basis[1])
    size = _length(basis[1], sides)
    if not size > 1e-12 * before:
        return 1
    _scale(1.0 / size, basis[1])
    return 2


@kernel
def _top_of_block(net, i, j, tolerance, basis, image, values):
    """The largest eigenvalue of a single mode's block, i = j, or the two largest of a pair's, to
    values (2,), eigenvectors to basis (2, 2, T). Return how many.

    Iteration of the subspace that holds the directions in which the block's part of M grows
    fastest; at a minimum it is exact at once.
    """
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
            cosine, sine = np.cos(angle), np.sin(angle)
            for side in range(2):
                for p in range(basis.shape[2]):
                    a, b = basis[0, side, p], basis[1, side, p]
                    basis[0, side, p], basis[1, side, p] = (
                        cosine * a + sine * b,
                        cosine * b - sine * a,
                    )
                    a, b = image[0, side, p], image[1, side, p]
                    image[0, side, p], image[1, side, p] = (
                        cosine * a + sine * b,
                        cosine * b - sine * a,
                    )
            for m in range(2):
                values[m] = _inner(basis[m], image[m], sides)
        residual = 0.0
        for m in range(count):
            _subtract(values[m], basis[m], image[m])
            residual = max(residual, _length(image[m], sides))
            _subtract(-values[m], basis[m], image[m])
        if residual <= tolerance:
            break
        for m in range(count):
            for side in range(2):
                for p in range(basis.shape[2]):
                    basis[m, side, p] = image[m, side, p]
        count = _orthonormal(basis, count, sides)
    return count


@allocating_kernel
def near_edge(net, edge, values, places, vectors):
    """Eigenvalues above NEAR of the edge to values (k,), their modes to places (k, 2) and their
    eigenvectors to vectors (k, 2, T). Return their number and the largest of all that may count:
    blocks whose bound is lower are left out."""
    modes, layers = net.w.shape
    basis, image = np.empty((2, 2, layers)), np.empty((2, 2, layers))
    found = np.empty(2)
    k, top = 0, -np.inf
    for i in range(modes):
        for j in range(i, modes):
            bound = longest_moves(net, i, j, basis[0]) + coupling_bound(net, i, j)
            if i != j and bound <= max(NEAR * edge, 0.0):
                continue
            for m in range(_top_of_block(net, i, j, EXACT * edge, basis, image, found)):
                top = max(top, found[m])
                if found[m] > NEAR * edge:
                    values[k], places[k, 0], places[k, 1] = found[m], i, j
                    vectors[k] = basis[m]
                    k += 1
    return k, top


@allocating_kernel
def _entries(k, places):
    """Rows and columns of the entries of X: its diagonal, and pairs of eigenvectors of one block,
    (k, 2) `places`."""
    rows, columns = np.empty(k * k, np.int64), np.empty(k * k, np.int64)
    n = 0
    for a in range(k):
        for b in range(a, k):
            if a == b or (places[a, 0] == places[b, 0] and places[a, 1] == places[b, 1]):
                rows[n], columns[n] = a, b
                n += 1
    return rows[:n].copy(), columns[:n].copy()


@allocating_kernel
def _leanings(net, places, vectors, rows, columns):
    """grad(u_a^T H u_b) of each entry (a, b): (n, R, T)."""
    n, (modes, layers) = rows.size, net.w.shape
    leanings = np.zeros((n, modes, layers))
    passed, blend = np.empty((4, layers)), np.empty((2, layers))
    for e in range(n):
        a, b = rows[e], columns[e]
        i, j = places[a]
        if a == b:
            bend(net, i, j, vectors[a], 1.0, passed, leanings[e])
            continue
        for sign in (1.0, -1.0):  # T[u, v] = (T[u + v, u + v] - T[u - v, u - v]) / 4
            for side in range(2):
                for p in range(layers):
                    blend[side, p] = vectors[a, side, p] + sign * vectors[b, side, p]
            bend(net, i, j, blend, 0.25 * sign, passed, leanings[e])
    return leanings


@kernel
def _dot(a, b):
    total = 0.0
    for i in range(a.shape[0]):
        for p in range(a.shape[1]):
            total += a[i, p] * b[i, p]
    return total


@allocating_kernel
def pulled_back(values, rows, columns, leanings, velocity, edge, dt):
    """The entries (n,) of X for eigenvalues (k,), where leanings (n, A, B) are the gradients of
    u_a^T H u_b for each entry and velocity (A, B) is -grad L; and whether X was found."""
    n = rows.size
    gap, gram, x = np.empty(n), np.empty((n, n)), np.empty(n)
    for e in range(n):
        gap[e] = -dt * _dot(leanings[e], velocity)
        if rows[e] == columns[e]:
            gap[e] += edge - values[rows[e]]
        for f in range(e + 1):
            gram[e, f] = gram[f, e] = 0.5 * dt * _dot(leanings[e], leanings[f])
    solved = complement(values.size, rows, columns, gap, gram, EXACT * edge, x)
    return x, solved


@kernel
def _share(layer, power, row):
    """Layers of a group stay equal: they all get their mean."""
    for g in range(power.size):
        if power[g] > 1:
            total = 0.0
            for p in range(layer.size):
                if layer[p] == g:
                    total += row[p]
            for p in range(layer.size):
                if layer[p] == g:
                    row[p] = total / power[g]


@allocating_kernel
def along_edge(net, layer, power, edge, dt, steps, limit, ranges, strengths, told):
    """Take `steps` steps of length dt from net.w (R, T), fewer where the edge does not pull any
    more (told[TRACE] is 0 then) or the loss exceeds `limit`; groups of equal layers, power (G,) and
    layer (T,), stay equal.

    Write told (3,): how many were TAKEN, TRACE of X in the last one, and TOP, the largest
    eigenvalue before it. The ranges take in all steps; strengths (H, C) is scratch.
    """
    modes, layers = net.w.shape
    most = modes * modes
    values, places = np.empty(most), np.empty((most, 2), np.int64)
    vectors = np.empty((most, 2, layers))
    velocity = np.empty((modes, layers))
    told[TAKEN] = told[TRACE] = 0.0
    for step in range(steps):
        look_around(net)
        for i in range(modes):
            for p in range(layers):
                velocity[i, p] = -net.pull[i, p] * net.below[i, p]
        k, told[TOP] = near_edge(net, edge, values, places, vectors)
        trace = 0.0
        if k > 0:
            rows, columns = _entries(k, places)
            leanings = _leanings(net, places, vectors, rows, columns)
            x, _ = pulled_back(values[:k], rows, columns, leanings, velocity, edge, dt)
            for e in range(x.size):
                a, often = rows[e], 1.0
                if rows[e] == columns[e]:
                    trace += x[e]
                else:
                    often = 2.0
                for i in range(modes):
                    for p in range(layers):
                        velocity[i, p] -= 0.5 * often * x[e] * leanings[e, i, p]
        told[TRACE] = trace
        if trace == 0.0 and step > 0:
            return
        for i in range(modes):
            _share(layer, power, velocity[i])
            for p in range(layers):
                net.w[i, p] += dt * velocity[i, p]
        told[TAKEN] = step + 1.0
        loss = look_around(net)
        for h in range(strengths.shape[0]):
            last = net.first[h + 1] - 1
            for i in range(modes):
                strengths[h, i] = net.below[i, last] * net.w[i, last]
        if not loss <= limit:
            return
        widen(ranges, loss, strengths)


# --- Full weights ----------------------------------------------------------------------------


@kernel
def leanings_of(theta, layout, problem, work, tangent, vectors, reach, probe, gradient, image, out):
    """Write out (n, 1, N), grad(u_a^T H u_b) of the entries a <= b of vectors (k, N), row by row.

    Central differences of Hessian-vector products, (H(theta + h u_b) - H(theta - h u_b)) u_a / 2h
    with h = `reach`. work, tangent, probe, gradient and image (N,) are scratch.
    """
    n = theta.size
    k = vectors.shape[0]
    out[:] = 0.0
    for b in range(k):
        for side in range(2):
            h = reach if side == 0 else -reach
            set_scaled(1.0, at(theta, 0), at(probe, 0), n)
            add_scaled(h, at(vectors[b], 0), at(probe, 0), n)
            evaluate(probe, layout, problem, work)
            gradient[:] = 0.0
            backpropagate(probe, layout, work, 1.0, gradient)
            for a in range(b + 1):
                hessian_vector(probe, layout, problem, work, tangent, vectors[a], image)
                e = a * k - a * (a - 1) // 2 + b - a
                add_scaled(0.5 / h, at(image, 0), at(out[e, 0], 0), n)
