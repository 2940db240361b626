"""Products and sums of matrices that lie row by row behind pointers.

Every width is a multiple of four. No `@` here: BLAS is slower below about 16 x 16, and its threads
fight those of whoever runs many networks at once.
"""

import numpy as np

from simcore.kernels.simd import add_up, at, fma, load, splat, store, turn
from simcore.kernels.stamp import inlined_kernel, inner_kernel, kernel

# NumPy's numbers, because Numba would compile a function anew for each literal it is called with.
UNIT, PANEL = np.int64(1), np.int64(8)
SET, ADD = np.bool_(False), np.bool_(True)
# From rows of 64 numbers on, eight columns of b do not stay in the first-level cache together. 32
# of their rows do; from 112 on not even those, so that all are copied to where they do. How that
# was measured is in benchmarks/README.md.
LONG, WIDE, DEEP = np.int64(64), np.int64(112), np.int64(32)


@inlined_kernel
def _tile(a, down, across, b, stride, out, inner, width, add):
    """4 x 8 numbers of `_product`, in registers from the first to the last inner term; row k of b
    is at k stride."""
    p0 = p1 = q0 = q1 = r0 = r1 = s0 = s1 = splat(0.0)
    row1, row2, row3 = at(out, width), at(out, 2 * width), at(out, 3 * width)
    if add:
        p0, p1 = load(out, 0), load(out, 4)
        q0, q1 = load(row1, 0), load(row1, 4)
        r0, r1 = load(row2, 0), load(row2, 4)
        s0, s1 = load(row3, 0), load(row3, 4)
    for _ in range(inner):
        b0, b1 = load(b, 0), load(b, 4)
        p, q, r, s = splat(a[0]), splat(a[down]), splat(a[2 * down]), splat(a[3 * down])
        p0, p1 = fma(p, b0, p0), fma(p, b1, p1)
        q0, q1 = fma(q, b0, q0), fma(q, b1, q1)
        r0, r1 = fma(r, b0, r0), fma(r, b1, r1)
        s0, s1 = fma(s, b0, s0), fma(s, b1, s1)
        a, b = at(a, across), at(b, stride)
    store(out, 0, p0)
    store(out, 4, p1)
    store(row1, 0, q0)
    store(row1, 4, q1)
    store(row2, 0, r0)
    store(row2, 4, r1)
    store(row3, 0, s0)
    store(row3, 4, s1)


@inlined_kernel
def _half_tile(a, down, across, b, out, inner, width, add):
    """4 x 4 numbers of `_product`."""
    p0 = q0 = r0 = s0 = splat(0.0)
    if add:
        p0, q0 = load(out, 0), load(out, width)
        r0, s0 = load(out, 2 * width), load(out, 3 * width)
    for _ in range(inner):
        b0 = load(b, 0)
        p0, q0 = fma(splat(a[0]), b0, p0), fma(splat(a[down]), b0, q0)
        r0, s0 = fma(splat(a[2 * down]), b0, r0), fma(splat(a[3 * down]), b0, s0)
        a, b = at(a, across), at(b, width)
    store(out, 0, p0)
    store(out, width, q0)
    store(out, 2 * width, r0)
    store(out, 3 * width, s0)


@inner_kernel
def _product(a, down, across, b, out, rows, inner, width, add, panel):
    """out = a b (SET) or out += a b (ADD); a (rows, inner), b (inner, width), out (rows, width).

    b and out lie row by row; a[i, k] is number `i down + k across`, so that a may be the transpose
    of what is stored. `rows` and `width` are multiples of four. panel, 8 times inner, is scratch.
    """
    whole = width & ~7
    if width < WIDE:
        deep = inner if width < LONG else DEEP
        for k in range(0, inner, deep):
            some, more = min(deep, inner - k), add or k > 0
            for i in range(0, rows, 4):
                x, z = at(a, i * down + k * across), at(out, i * width)
                for j in range(0, whole, 8):
                    y = at(b, k * width + j)
                    _tile(x, down, across, y, width, at(z, j), some, width, more)
    else:
        for j in range(0, whole, 8):
            for k in range(inner):
                store(panel, 8 * k, load(b, k * width + j))
                store(panel, 8 * k + 4, load(b, k * width + j + 4))
            for i in range(0, rows, 4):
                x, z = at(a, i * down), at(out, i * width + j)
                _tile(x, down, across, panel, PANEL, z, inner, width, add)
    if whole < width:
        for i in range(0, rows, 4):
            x, z = at(a, i * down), at(out, i * width + whole)
            _half_tile(x, down, across, at(b, whole), z, inner, width, add)


@kernel
def times(a, b, out, rows, inner, width, add, panel):
    """out = a b (SET) or out += a b (ADD); a (rows, inner), b (inner, width), out (rows, width)."""
    _product(a, inner, UNIT, b, out, rows, inner, width, add, panel)


@kernel
def transposed_times(a, b, out, rows, inner, width, add, panel):
    """out = a^T b (SET) or out += a^T b (ADD); a (inner, rows) is read down its columns."""
    _product(a, UNIT, rows, b, out, rows, inner, width, add, panel)


@kernel
def transpose(a, rows, cols, out):
    """out = a^T, for a (rows, cols)."""
    for i in range(0, rows, 4):
        for j in range(0, cols, 4):
            x, y = at(a, i * cols + j), at(out, j * rows + i)
            c0, c1, c2, c3 = turn(load(x, 0), load(x, cols), load(x, 2 * cols), load(x, 3 * cols))
            store(y, 0, c0)
            store(y, rows, c1)
            store(y, 2 * rows, c2)
            store(y, 3 * rows, c3)


@kernel
def add_scaled(scale, a, out, size):
    """out += scale a for `size` numbers, a multiple of four."""
    factor = splat(scale)
    for n in range(0, size, 4):
        store(out, n, fma(factor, load(a, n), load(out, n)))


@kernel
def set_scaled(scale, a, out, size):
    """out = scale a for `size` numbers, a multiple of four."""
    factor, nothing = splat(scale), splat(0.0)
    for n in range(0, size, 4):
        store(out, n, fma(factor, load(a, n), nothing))


@kernel
def dot(a, b, size):
    """sum_n a_n b_n over `size` numbers, a multiple of four."""
    p = q = r = s = splat(0.0)
    whole = size & ~15
    for n in range(0, whole, 16):  # four sums, because each waits for its last addition
        p = fma(load(a, n), load(b, n), p)
        q = fma(load(a, n + 4), load(b, n + 4), q)
        r = fma(load(a, n + 8), load(b, n + 8), r)
        s = fma(load(a, n + 12), load(b, n + 12), s)
    for n in range(whole, size, 4):
        p = fma(load(a, n), load(b, n), p)
    return add_up(p) + add_up(q) + add_up(r) + add_up(s)
