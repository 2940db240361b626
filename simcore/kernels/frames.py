"""The Hessian's own coordinates where layers are wide: fewer numbers, products that cost less.

All that a Hessian moves in a layer is out_l = dD_l A^T + D_l dA^T, with A = A_{l-1} and both A and
D_l only n_in columns wide. So with orthonormal bases Q of A's columns and P of D_l's, every
eigenvector that is not of eigenvalue 0 is

    V_l = X Q^T + P Y^T, X (rows, n_in), Y (cols, n_in), Q^T Y = 0,

and <V, V'> = <X, X'> + <Y, Y'>: instead of rows cols numbers (rows + cols) n_in. With A = Q R and
D_l = P S the product of `matrices.hessian_vector` becomes

    dA_l = X R + W_l dA,  dD_{l-1} = Q X^T D_l + Y S + W_l^T dD_l,
    X' = dD_l R^T + D_l dA^T Q,  Y' = (1 - Q Q^T) dA S^T.

The first layers (rows, n_in) stay as they are.
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.matrices import hessian_vector, slope_of
from simcore.kernels.products import (
    ADD,
    SET,
    add_scaled,
    dot,
    set_scaled,
    times,
    transpose,
    transposed_times,
)
from simcore.kernels.simd import at
from simcore.kernels.stamp import inner_kernel, kernel, shared_kernel

LOST = 1e-12  # of a column: what is left of it is rounding


class Frame(NamedTuple):
    """Where a layer's X and Y lie, and the bases at the current theta. C numbers as in the chains
    of a Workspace: Q of layer l lies where A_{l-1} does, P where D_l does."""

    narrow: bool  # False: coordinates are the weights themselves, nothing below is read
    start: np.ndarray  # (T+1,) int64, offset of each layer's X; its Y follows
    below: np.ndarray  # (C,) Q
    below_turned: np.ndarray  # (C,) Q^T
    above: np.ndarray  # (C,) P
    above_turned: np.ndarray  # (C,) P^T
    r: np.ndarray  # (T, n_in^2)
    r_turned: np.ndarray  # (T, n_in^2)
    s: np.ndarray  # (T, n_in^2)
    s_turned: np.ndarray  # (T, n_in^2)
    small: np.ndarray  # (2, n_in^2) scratch


@kernel
def _purge_row(rows, j, size):
    """Make row j orthogonal to the rows before it; return what is left of it."""
    row = at(rows, j * size)
    for _ in range(2):
        for i in range(j):
            before = at(rows, i * size)
            add_scaled(-dot(before, row, size), before, row, size)
    return np.sqrt(dot(row, row, size))


@inner_kernel
def _orthonormal(rows, count, size):
    """Make `count` <= size rows orthonormal, row after row; what lies in the span of the rows
    before it becomes another direction."""
    unit = 0
    for j in range(count):
        row = at(rows, j * size)
        length = np.sqrt(dot(row, row, size))
        left = _purge_row(rows, j, size)
        while not left > LOST * length:
            for n in range(size):
                row[n] = 0.0
            row[unit] = 1.0
            length = 0.5 / (LOST * np.sqrt(size))  # one of the units has at least so much left
            left = _purge_row(rows, j, size)
            unit += 1
        set_scaled(1.0 / left, row, row, size)


@shared_kernel
def lay(layout, work, frame):
    """Write the bases; work must hold `evaluate` and `backpropagate` of scale 1."""
    n_in, panel = layout.n_in, at(work.panel, 0)
    for h in range(layout.first.size - 1):
        for layer in range(layout.first[h] + 1, layout.first[h + 1]):
            rows, cols = layout.rows[layer], layout.cols[layer]
            link, own = layout.chain[layer - 1], layout.chain[layer]
            turned, base = at(frame.below_turned, link), at(frame.below, link)
            set_scaled(1.0, at(work.turned, link), turned, cols * n_in)
            _orthonormal(turned, n_in, cols)
            transpose(turned, n_in, cols, base)
            value, factor = at(work.forward, link), at(frame.r[layer], 0)
            times(turned, value, factor, n_in, cols, n_in, SET, panel)
            transpose(factor, n_in, n_in, at(frame.r_turned[layer], 0))
            turned, base = at(frame.above_turned, own), at(frame.above, own)
            value, factor = at(work.backward, own), at(frame.s[layer], 0)
            transpose(value, rows, n_in, turned)
            _orthonormal(turned, n_in, rows)
            transpose(turned, n_in, rows, base)
            times(turned, value, factor, n_in, rows, n_in, SET, panel)
            transpose(factor, n_in, n_in, at(frame.s_turned[layer], 0))


@kernel
def enter(layout, work, frame, vectors, out):
    """Rows of out = the coordinates of what of full vectors, rows too, the frame spans."""
    for i in range(vectors.shape[0]):
        _enter(layout, work, frame, vectors[i], out[i])


@kernel
def _enter(layout, work, frame, vector, out):
    n_in, panel, small = layout.n_in, at(work.panel, 0), at(frame.small[0], 0)
    for h in range(layout.first.size - 1):
        first = layout.first[h]
        size = layout.rows[first] * n_in
        set_scaled(1.0, at(vector, layout.start[first]), at(out, frame.start[first]), size)
        for layer in range(first + 1, layout.first[h + 1]):
            rows, cols = layout.rows[layer], layout.cols[layer]
            below = at(frame.below, layout.chain[layer - 1])
            above = at(frame.above, layout.chain[layer])
            full, x = at(vector, layout.start[layer]), at(out, frame.start[layer])
            y = at(x, rows * n_in)
            times(full, below, x, rows, cols, n_in, SET, panel)  # X = V Q
            transposed_times(full, above, y, cols, rows, n_in, SET, panel)  # V^T P
            transposed_times(x, above, small, n_in, rows, n_in, SET, panel)
            set_scaled(-1.0, small, small, n_in * n_in)
            times(below, small, y, cols, n_in, n_in, ADD, panel)  # - Q Q^T V^T P


@shared_kernel
def take_out(layout, work, frame, vectors):
    """Of every row, Y -= Q Q^T Y: the nearest coordinates that there are."""
    n_in, panel, small = layout.n_in, at(work.panel, 0), at(frame.small[0], 0)
    for i in range(vectors.shape[0]):
        for h in range(layout.first.size - 1):
            for layer in range(layout.first[h] + 1, layout.first[h + 1]):
                rows, cols = layout.rows[layer], layout.cols[layer]
                link, y = layout.chain[layer - 1], at(vectors[i], frame.start[layer] + rows * n_in)
                turned = at(frame.below_turned, link)
                times(turned, y, small, n_in, cols, n_in, SET, panel)
                set_scaled(-1.0, small, small, n_in * n_in)
                times(at(frame.below, link), small, y, cols, n_in, n_in, ADD, panel)


@kernel
def leave(layout, work, tangent, frame, vectors, out):
    """Rows of out = the full vectors that have these coordinates."""
    for i in range(vectors.shape[0]):
        _leave(layout, work, tangent, frame, vectors[i], out[i])


@kernel
def _leave(layout, work, tangent, frame, vector, out):
    n_in, panel = layout.n_in, at(work.panel, 0)
    for h in range(layout.first.size - 1):
        first = layout.first[h]
        size = layout.rows[first] * n_in
        set_scaled(1.0, at(vector, frame.start[first]), at(out, layout.start[first]), size)
        for layer in range(first + 1, layout.first[h + 1]):
            rows, cols, link = layout.rows[layer], layout.cols[layer], layout.chain[layer - 1]
            full, x = at(out, layout.start[layer]), at(vector, frame.start[layer])
            turned = at(tangent.turned, link)
            times(x, at(frame.below_turned, link), full, rows, n_in, cols, SET, panel)  # X Q^T
            transpose(at(x, rows * n_in), cols, n_in, turned)
            above = at(frame.above, layout.chain[layer])
            times(above, turned, full, rows, n_in, cols, ADD, panel)  # + P Y^T


@inner_kernel
def push_forward(theta, layout, work, tangent, frame, direction):
    """Write tangent.misfit = dM along the direction, and tangent.forward."""
    n_in, size, panel = layout.n_in, tangent.misfit.size, at(work.panel, 0)
    misfit = at(tangent.misfit, 0)
    tangent.misfit[:] = 0.0
    for h in range(layout.first.size - 1):
        first, stop = layout.first[h], layout.first[h + 1]
        moved = at(tangent.forward, layout.chain[first])
        set_scaled(1.0, at(direction, frame.start[first]), moved, layout.rows[first] * n_in)
        for layer in range(first + 1, stop):
            rows, cols, below = layout.rows[layer], layout.cols[layer], moved
            weights, x = at(theta, layout.start[layer]), at(direction, frame.start[layer])
            moved = at(tangent.forward, layout.chain[layer])
            times(weights, below, moved, rows, cols, n_in, SET, panel)  # W_l dA
            times(x, at(frame.r[layer], 0), moved, rows, n_in, n_in, ADD, panel)  # + X R
        add_scaled(1.0, moved, misfit, size)


@inner_kernel
def pull_back(theta, layout, work, tangent, frame, slope, out):
    """out += J^T slope: the coordinates of B_l^T slope A_{l-1}^T for every layer."""
    n_in, size, panel = layout.n_in, slope.size, at(work.panel, 0)
    for h in range(layout.first.size - 1):
        first, last = layout.first[h], layout.first[h + 1] - 1
        pull = at(tangent.backward, layout.chain[last])
        set_scaled(1.0, at(slope, 0), pull, size)
        for layer in range(last, first, -1):
            rows, cols = layout.rows[layer], layout.cols[layer]
            weights, x = at(theta, layout.start[layer]), at(out, frame.start[layer])
            times(pull, at(frame.r_turned[layer], 0), x, rows, n_in, n_in, ADD, panel)
            below = at(tangent.backward, layout.chain[layer - 1])
            transposed_times(weights, pull, below, cols, rows, n_in, SET, panel)
            pull = below
        add_scaled(1.0, pull, at(out, frame.start[first]), layout.rows[first] * n_in)


@shared_kernel
def framed_product(theta, layout, problem, work, tangent, frame, direction, out):
    """Write out = Hessian times direction, both in the frame's coordinates; work must hold
    `evaluate` and `backpropagate` of scale 1 at theta, and the frame be laid there."""
    if not frame.narrow:
        hessian_vector(theta, layout, problem, work, tangent, direction, out)
        return
    n_in, size, panel = layout.n_in, problem.target.size, at(work.panel, 0)
    slope, small, other = at(tangent.slope, 0), at(frame.small[0], 0), at(frame.small[1], 0)
    push_forward(theta, layout, work, tangent, frame, direction)
    slope_of(at(tangent.misfit, 0), layout, problem, slope, panel)
    for h in range(layout.first.size - 1):
        first, last = layout.first[h], layout.first[h + 1] - 1
        moved_pull = at(tangent.backward, layout.chain[last])
        set_scaled(1.0, slope, moved_pull, size)
        for layer in range(last, first, -1):
            rows, cols, link = layout.rows[layer], layout.cols[layer], layout.chain[layer - 1]
            weights, pull = at(theta, layout.start[layer]), at(work.backward, layout.chain[layer])
            base, moved = at(frame.below, link), at(tangent.forward, link)
            x, x_out = at(direction, frame.start[layer]), at(out, frame.start[layer])
            y, y_out = at(x, rows * n_in), at(x_out, rows * n_in)
            s_turned = at(frame.s_turned[layer], 0)
            # dD_{l-1} = W_l^T dD_l + Q X^T D_l + Y S
            below = at(tangent.backward, link)
            transposed_times(weights, moved_pull, below, cols, rows, n_in, SET, panel)
            transposed_times(x, pull, small, n_in, rows, n_in, SET, panel)
            times(base, small, below, cols, n_in, n_in, ADD, panel)
            times(y, at(frame.s[layer], 0), below, cols, n_in, n_in, ADD, panel)
            # X' = dD_l R^T + D_l dA^T Q
            r_turned = at(frame.r_turned[layer], 0)
            times(moved_pull, r_turned, x_out, rows, n_in, n_in, SET, panel)
            transposed_times(moved, base, small, n_in, cols, n_in, SET, panel)
            times(pull, small, x_out, rows, n_in, n_in, ADD, panel)
            # Y' = dA S^T - Q Q^T dA S^T
            times(moved, s_turned, y_out, cols, n_in, n_in, SET, panel)
            transposed_times(small, s_turned, other, n_in, n_in, n_in, SET, panel)
            set_scaled(-1.0, other, other, n_in * n_in)
            times(base, other, y_out, cols, n_in, n_in, ADD, panel)
            moved_pull = below
        set_scaled(1.0, moved_pull, at(out, frame.start[first]), layout.rows[first] * n_in)
