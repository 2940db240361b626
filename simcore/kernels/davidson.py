"""Linear algebra of long vectors for several eigenpairs at once; see `simcore.davidson`.

Vectors are the rows of arrays (rows, N), N a multiple of four, in a frame's coordinates.
"""

import numpy as np

from simcore.kernels.frames import framed_product, pull_back, push_forward
from simcore.kernels.lanczos import NONE, norm, purge, remove
from simcore.kernels.products import SET, add_scaled, set_scaled, transposed_times
from simcore.kernels.simd import add_up, at, fma, load, splat, store
from simcore.kernels.stamp import inlined_kernel, kernel, shared_kernel

LOST = 1e-10  # of a vector's length: what is left of it is rounding
# Of a vector go through sums at a time, so that four of them stay in the first-level cache.
PIECE = np.int64(512)
ENOUGH = 0.1  # of it: where as much is left, removing has left no errors worth removing


@kernel
def _dots(basis, count, rows, size, out):
    """out[j, i] = -<row_j, basis_i> for four rows, flat, `count` numbers each."""
    for i in range(4 * count):
        out[i] = 0.0
    for begin in range(0, size, PIECE):
        stop = min(size, begin + PIECE)
        for i in range(0, count, 2):  # an odd last one is taken twice
            _dots_of_two(basis, i, min(i + 1, count - 1), rows, begin, stop, size, out, count)


@inlined_kernel
def _dots_of_two(basis, i, k, rows, begin, stop, size, out, count):
    """Subtract those of the numbers from begin to stop, for rows i and k of the basis."""
    v, w = at(basis[i], 0), at(basis[k], 0)
    a, b, c, d = at(rows, 0), at(rows, size), at(rows, 2 * size), at(rows, 3 * size)
    av = bv = cv = dv = aw = bw = cw = dw = splat(0.0)
    for n in range(begin, stop, 4):
        x, y = load(v, n), load(w, n)
        p, q, r, s = load(a, n), load(b, n), load(c, n), load(d, n)
        av, bv, cv, dv = fma(p, x, av), fma(q, x, bv), fma(r, x, cv), fma(s, x, dv)
        aw, bw, cw, dw = fma(p, y, aw), fma(q, y, bw), fma(r, y, cw), fma(s, y, dw)
    out[i] -= add_up(av)
    out[count + i] -= add_up(bv)
    out[2 * count + i] -= add_up(cv)
    out[3 * count + i] -= add_up(dv)
    if k > i:
        out[k] -= add_up(aw)
        out[count + k] -= add_up(bw)
        out[2 * count + k] -= add_up(cw)
        out[3 * count + k] -= add_up(dw)


@kernel
def _add_mixture(a, count, rows, out, size):
    """out_j += sum_i a_ji rows_i for four vectors out_j; a (4, count), flat."""
    a1, a2, a3 = at(a, count), at(a, 2 * count), at(a, 3 * count)
    p, q, r, s = at(out, 0), at(out, size), at(out, 2 * size), at(out, 3 * size)
    whole = count & ~1
    for i in range(0, whole, 2):
        v, w = at(rows[i], 0), at(rows[i + 1], 0)
        pv, qv, rv, sv = splat(a[i]), splat(a1[i]), splat(a2[i]), splat(a3[i])
        pw, qw, rw, sw = splat(a[i + 1]), splat(a1[i + 1]), splat(a2[i + 1]), splat(a3[i + 1])
        for n in range(0, size, 4):
            x, y = load(v, n), load(w, n)
            store(p, n, fma(pw, y, fma(pv, x, load(p, n))))
            store(q, n, fma(qw, y, fma(qv, x, load(q, n))))
            store(r, n, fma(rw, y, fma(rv, x, load(r, n))))
            store(s, n, fma(sw, y, fma(sv, x, load(s, n))))
    if whole < count:
        v, i = at(rows[whole], 0), whole
        add_scaled(a[i], v, p, size)
        add_scaled(a1[i], v, q, size)
        add_scaled(a2[i], v, r, size)
        add_scaled(a3[i], v, s, size)


@kernel
def _normalise(rows, count, lengths):
    """Make the first `count` rows unit vectors and multiply `lengths` by what they were; return
    the shortest. Rows of zeros stay."""
    shortest = np.inf
    for j in range(count):
        length, row = norm(rows[j]), at(rows[j], 0)
        lengths[j] *= length
        shortest = min(shortest, length)
        if length > 0.0:
            set_scaled(1.0 / length, row, row, rows.shape[1])
    return shortest


@shared_kernel
def extend(basis, start, fresh, wanted, lengths, numbers):
    """Append the first `wanted` rows of `fresh`, made orthonormal to the `start` of the basis and
    to each other, but for those in the span of the others; return how many there are then.

    `fresh` has a multiple of four rows and is used up, the rows beyond being anything finite;
    lengths (rows,) and numbers (4 room,) are scratch.
    """
    size = basis.shape[1]
    _normalise(fresh, wanted, lengths)
    lengths[:] = 1.0
    for _ in range(2):
        for j in range(0, wanted, 4):
            some, scratch = at(fresh, j * size), at(numbers, 0)
            _dots(basis, start, some, size, scratch)
            _add_mixture(scratch, start, basis, some, size)
        if _normalise(fresh, wanted, lengths) > ENOUGH:
            break
    count = start
    for j in range(wanted):
        vector = at(basis[count], 0)
        set_scaled(1.0, at(fresh[j], 0), vector, size)
        remove(basis[start:], count - start, basis[count])
        length = norm(basis[count])
        if length < 0.5:
            length = purge(basis, count, basis, NONE, basis[count], 0.0)
        if length * lengths[j] > LOST:
            set_scaled(1.0 / length, vector, vector, size)
            count += 1
    return count


@shared_kernel
def apply(
    theta, layout, problem, work, tangent, frame, basis, images, start, stop, overlaps, numbers
):
    """images = the Hessian times the basis, rows start..stop, and their rows and columns of
    overlaps = <basis_i, images_j>. There are three rows more than `stop`, holding anything finite;
    numbers (4 room,) is scratch."""
    for j in range(start, stop):
        framed_product(theta, layout, problem, work, tangent, frame, basis[j], images[j])
    size, scratch = basis.shape[1], at(numbers, 0)
    for j in range(start, stop, 4):
        _dots(basis, stop, at(images[j], 0), size, scratch)
        for k in range(min(4, stop - j)):
            for i in range(stop):
                overlaps[i, j + k] = overlaps[j + k, i] = -scratch[k * stop + i]


@kernel
def chain(theta, layout, problem, work, tangent, frame, basis, images, length, overlaps, numbers):
    """Go on from the vector in row 0 of the basis to `length` orthonormal ones of its Krylov space,
    each with its image and overlaps; return how many there are."""
    count, size = NONE, basis.shape[1]
    while count < length:
        row, before = at(basis[count], 0), norm(basis[count])
        left = purge(basis, count, basis, NONE, basis[count], before)
        if not left > LOST * before:
            break
        set_scaled(1.0 / left, row, row, size)
        after = count + 1
        apply(
            theta,
            layout,
            problem,
            work,
            tangent,
            frame,
            basis,
            images,
            count,
            after,
            overlaps,
            numbers,
        )
        set_scaled(1.0, at(images[count], 0), at(basis[count + 1], 0), size)
        count += 1
    return count


@kernel
def combine(coefficients, rows, out):
    """out_i = sum_j coefficients_ij rows_j, for a multiple of four out_i."""
    size, count = rows.shape[1], coefficients.shape[1]
    for i in range(0, coefficients.shape[0], 4):
        some = at(out, i * size)
        set_scaled(0.0, some, some, 4 * size)
        _add_mixture(at(coefficients, i * count), count, rows, some, size)


@kernel
def residuals(turns, values, basis, images, minus, out, norms):
    """out_i = sum_j turns_ij (images_j - values_i basis_j) and their norms, for a multiple of four
    rows; `minus`, shaped as turns, is scratch."""
    size, count = basis.shape[1], turns.shape[1]
    for i in range(turns.shape[0]):
        for j in range(count):
            minus[i, j] = -values[i] * turns[i, j]
    for i in range(0, turns.shape[0], 4):
        some = at(out, i * size)
        set_scaled(0.0, some, some, 4 * size)
        _add_mixture(at(turns, i * count), count, images, some, size)
        _add_mixture(at(minus, i * count), count, basis, some, size)
    for i in range(turns.shape[0]):
        norms[i] = norm(out[i])


@kernel
def _unit(out, size):
    for i in range(size):
        for j in range(size):
            out[i * size + j] = 1.0 if i == j else 0.0


@kernel
def factors(theta, layout, work, pulls, above, below):
    """above_l = B_l B_l^T and below_l = A_{l-1}^T A_{l-1} of every layer, with A and B the maps
    below and above it; pulls (2, largest width * n_out) is
    scratch."""
    n_in, n_out, panel = layout.n_in, layout.rows[-1], at(work.panel, 0)
    for h in range(layout.first.size - 1):
        first, last = layout.first[h], layout.first[h + 1] - 1
        for layer in range(last, first - 1, -1):
            pull, product = at(pulls[layer & 1], 0), at(above[layer], 0)  # B_l^T
            if layer == last:
                _unit(pull, n_out)
            else:
                upper = layer + 1  # B_l = B_{l+1} W_{l+1}
                weights, over = at(theta, layout.start[upper]), at(pulls[upper & 1], 0)
                rows, inner = layout.cols[upper], layout.rows[upper]
                transposed_times(weights, over, pull, rows, inner, n_out, SET, panel)
            transposed_times(pull, pull, product, n_out, layout.rows[layer], n_out, SET, panel)
            product = at(below[layer], 0)
            if layer == first:
                _unit(product, n_in)
            else:
                chain = at(work.forward, layout.chain[layer - 1])
                cols = layout.cols[layer]
                transposed_times(chain, chain, product, n_in, cols, n_in, SET, panel)


@kernel
def maps_along(theta, layout, work, tangent, frame, directions, out):
    """out_i = dM along direction i, (n_out * n_in,)."""
    for i in range(out.shape[0]):
        push_forward(theta, layout, work, tangent, frame, directions[i])
        set_scaled(1.0, at(tangent.misfit, 0), at(out[i], 0), out[i].size)


@kernel
def add_pulls(theta, layout, work, tangent, frame, slopes, out):
    """out_i += J^T slope_i."""
    for i in range(slopes.shape[0]):
        pull_back(theta, layout, work, tangent, frame, slopes[i], out[i])
