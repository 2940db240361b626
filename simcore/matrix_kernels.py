"""Loops of the matrices engine: full weights, any start, any moments.

One flat theta holds every layer of every pathway; a `Layout` says where. With A_l = W_l ... W_1 the
forward chain of a pathway and M = sum_h A_{L_h}, the loss is 1/2 <M - M*, G> with
G = (M - M*) Sigma_xx; backwards D_{L_h} = G and D_{l-1} = W_l^T D_l give the gradients
dL/dW_l = D_l A_{l-1}^T (A_0 = 1). Three products per hidden layer, none done twice.

All arrays are C-contiguous float64; chains are stored layer after layer in flat buffers.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simcore.dormand_prince import EXPONENT, GROW, MEMORY, SAFETY, SHRINK, STAGES, A, E, P

# Everything of fastmath but the assumption that no number is infinite or nan.
OPTIONS: Any = {
    "cache": True,
    "nogil": True,
    "fastmath": {"nsz", "arcp", "contract", "afn", "reassoc"},
}

REACHED, PENDING, STALLED = 0, 1, 2


class Layout(NamedTuple):
    """Where each of the T layers of H pathways lives."""

    start: np.ndarray  # (T+1,) int64, offset of each layer's weights in theta
    rows: np.ndarray  # (T,) int64
    cols: np.ndarray  # (T,) int64
    chain: np.ndarray  # (T+1,) int64, offset of A_l and D_l (rows x n_in) in a chain buffer
    first: np.ndarray  # (H+1,) int64, first layer of each pathway


class Problem(NamedTuple):
    """The quadratic loss of the whole map M."""

    target: np.ndarray  # (n_out, n_in) M*
    covariance: np.ndarray  # (n_in, n_in) Sigma_xx, not read if whitened
    whitened: bool


class Workspace(NamedTuple):
    """Scratch that `evaluate` and `backpropagate` fill for the current theta."""

    forward: np.ndarray  # (C,) the A_l
    backward: np.ndarray  # (C,) the D_l
    turned: np.ndarray  # (C,) the A_l^T of all but the last layers
    misfit: np.ndarray  # (n_out, n_in) M - M*
    slope: np.ndarray  # (n_out, n_in) (M - M*) Sigma_xx
    strengths: np.ndarray  # (H, R) diagonals of the A_{L_h}: theta is in singular bases


class Tangent(NamedTuple):
    """Scratch of Hessian-vector products: how A_l, D_l, A_l^T, M and G move along a direction."""

    forward: np.ndarray  # (C,)
    backward: np.ndarray  # (C,)
    turned: np.ndarray  # (C,)
    misfit: np.ndarray  # (n_out, n_in)
    slope: np.ndarray  # (n_out, n_in)


class Ranges(NamedTuple):
    """Smallest and largest value over the steps since the last record."""

    loss: np.ndarray  # (2,)
    strengths: np.ndarray  # (2, H, R)


# --- Products --------------------------------------------------------------------------------

# Indices are unsigned: one that cannot be negative needs no wrap-around, which would hide from the
# compiler that memory is walked in order.
U0, U1, U2, U3, U4, U8, U16, U32 = (np.uint64(n) for n in (0, 1, 2, 3, 4, 8, 16, 32))


@njit(**OPTIONS)
def _add_blocks(a, at, down, across, b, b_at, out, out_at, rows, inner, width):
    """The 4 x 4 blocks of `_add_product`: 16 numbers of a, four rows of b and of out at a time."""
    for i in range(U0, rows, U4):
        for k in range(U0, inner, U4):
            t = at + i * down + k * across
            a00, a01, a02, a03 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a10, a11, a12, a13 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a20, a21, a22, a23 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a30, a31, a32, a33 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            y, z = b_at + k * width, out_at + i * width
            for j in range(width):
                b0, b1 = b[y + j], b[y + width + j]
                b2, b3 = b[y + U2 * width + j], b[y + U3 * width + j]
                out[z + j] += a00 * b0 + a01 * b1 + a02 * b2 + a03 * b3
                out[z + width + j] += a10 * b0 + a11 * b1 + a12 * b2 + a13 * b3
                out[z + U2 * width + j] += a20 * b0 + a21 * b1 + a22 * b2 + a23 * b3
                out[z + U3 * width + j] += a30 * b0 + a31 * b1 + a32 * b2 + a33 * b3


@njit(**OPTIONS)
def _add_blocks_8(a, at, down, across, b, b_at, out, out_at, rows, inner):
    """`_add_blocks` for rows of 8, where the compiler can unroll what it knows."""
    for i in range(U0, rows, U4):
        for k in range(U0, inner, U4):
            t = at + i * down + k * across
            a00, a01, a02, a03 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a10, a11, a12, a13 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a20, a21, a22, a23 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a30, a31, a32, a33 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            y, z = b_at + k * U8, out_at + i * U8
            for j in range(U8):
                b0, b1 = b[y + j], b[y + U8 + j]
                b2, b3 = b[y + U2 * U8 + j], b[y + U3 * U8 + j]
                out[z + j] += a00 * b0 + a01 * b1 + a02 * b2 + a03 * b3
                out[z + U8 + j] += a10 * b0 + a11 * b1 + a12 * b2 + a13 * b3
                out[z + U2 * U8 + j] += a20 * b0 + a21 * b1 + a22 * b2 + a23 * b3
                out[z + U3 * U8 + j] += a30 * b0 + a31 * b1 + a32 * b2 + a33 * b3


@njit(**OPTIONS)
def _add_blocks_16(a, at, down, across, b, b_at, out, out_at, rows, inner):
    """`_add_blocks` for rows of 16."""
    for i in range(U0, rows, U4):
        for k in range(U0, inner, U4):
            t = at + i * down + k * across
            a00, a01, a02, a03 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a10, a11, a12, a13 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a20, a21, a22, a23 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a30, a31, a32, a33 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            y, z = b_at + k * U16, out_at + i * U16
            for j in range(U16):
                b0, b1 = b[y + j], b[y + U16 + j]
                b2, b3 = b[y + U2 * U16 + j], b[y + U3 * U16 + j]
                out[z + j] += a00 * b0 + a01 * b1 + a02 * b2 + a03 * b3
                out[z + U16 + j] += a10 * b0 + a11 * b1 + a12 * b2 + a13 * b3
                out[z + U2 * U16 + j] += a20 * b0 + a21 * b1 + a22 * b2 + a23 * b3
                out[z + U3 * U16 + j] += a30 * b0 + a31 * b1 + a32 * b2 + a33 * b3


@njit(**OPTIONS)
def _add_blocks_32(a, at, down, across, b, b_at, out, out_at, rows, inner):
    """`_add_blocks` for rows of 32."""
    for i in range(U0, rows, U4):
        for k in range(U0, inner, U4):
            t = at + i * down + k * across
            a00, a01, a02, a03 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a10, a11, a12, a13 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a20, a21, a22, a23 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            t += down
            a30, a31, a32, a33 = a[t], a[t + across], a[t + U2 * across], a[t + U3 * across]
            y, z = b_at + k * U32, out_at + i * U32
            for j in range(U32):
                b0, b1 = b[y + j], b[y + U32 + j]
                b2, b3 = b[y + U2 * U32 + j], b[y + U3 * U32 + j]
                out[z + j] += a00 * b0 + a01 * b1 + a02 * b2 + a03 * b3
                out[z + U32 + j] += a10 * b0 + a11 * b1 + a12 * b2 + a13 * b3
                out[z + U2 * U32 + j] += a20 * b0 + a21 * b1 + a22 * b2 + a23 * b3
                out[z + U3 * U32 + j] += a30 * b0 + a31 * b1 + a32 * b2 + a33 * b3


@njit(**OPTIONS)
def _add_product(a, at, down, across, b, b_at, out, out_at, rows, inner, width):
    """out += a b, with a (rows, inner), b (inner, width) and out (rows, width) in flat arrays.

    b and out lie row by row from b_at and out_at on; a[i, k] is at `at + i down + k across`, so
    that a may be the transpose of what is stored.
    """
    whole_rows, whole_inner = rows // U4 * U4, inner // U4 * U4
    if width == U8:
        _add_blocks_8(a, at, down, across, b, b_at, out, out_at, whole_rows, whole_inner)
    elif width == U16:
        _add_blocks_16(a, at, down, across, b, b_at, out, out_at, whole_rows, whole_inner)
    elif width == U32:
        _add_blocks_32(a, at, down, across, b, b_at, out, out_at, whole_rows, whole_inner)
    else:
        _add_blocks(a, at, down, across, b, b_at, out, out_at, whole_rows, whole_inner, width)
    if whole_rows == rows and whole_inner == inner:
        return
    for i in range(rows):
        for k in range(whole_inner if i < whole_rows else U0, inner):
            factor = a[at + i * down + k * across]
            for j in range(width):
                out[out_at + i * width + j] += factor * b[b_at + k * width + j]


@njit(**OPTIONS)
def _set_product(a, at, down, across, b, b_at, out, out_at, rows, inner, width):
    """out = a b, as in `_add_product`: zeroed just before, while it is in the cache."""
    for n in range(rows * width):
        out[out_at + n] = 0.0
    _add_product(a, at, down, across, b, b_at, out, out_at, rows, inner, width)


@njit(**OPTIONS)
def _turn(a, at, rows, cols, out):
    """Write the transpose of the (rows, cols) matrix at `at` in a to the same place in out."""
    whole = rows // U8 * U8
    for i in range(U0, whole, U8):  # eight streams in, one cache line after the other out
        for j in range(cols):
            y, z = at + i * cols + j, at + j * rows + i
            for n in range(U8):
                out[z + n] = a[y + n * cols]
    for i in range(whole, rows):
        for j in range(cols):
            out[at + j * rows + i] = a[at + i * cols + j]


@njit(**OPTIONS)
def _copy(a, at, out, out_at, size):
    """Write `size` numbers of a, from `at` on, to out, from out_at on."""
    for n in range(size):
        out[out_at + n] = a[at + n]


@njit(**OPTIONS)
def _place(layout, layer):
    """Unsigned: offset of a layer's weights, its rows and cols, offset of its link in a chain."""
    return (
        np.uint64(layout.start[layer]),
        np.uint64(layout.rows[layer]),
        np.uint64(layout.cols[layer]),
        np.uint64(layout.chain[layer]),
    )


# --- Loss and gradient -----------------------------------------------------------------------


@njit(**OPTIONS)
def _total(forward, layout, out):
    """out += sum_h A_{L_h}."""
    rows, cols = np.uint64(out.shape[0]), np.uint64(out.shape[1])
    for h in range(layout.first.size - 1):
        at = np.uint64(layout.chain[layout.first[h + 1] - 1])
        for i in range(rows):
            for j in range(cols):
                out[i, j] += forward[at + i * cols + j]


@njit(**OPTIONS)
def _slope(misfit, problem, out):
    """out = misfit Sigma_xx."""
    if problem.whitened:
        out[:] = misfit
        return
    rows, cols = np.uint64(out.shape[0]), np.uint64(out.shape[1])
    covariance = problem.covariance.reshape(-1)
    left, flat = misfit.reshape(-1), out.reshape(-1)
    _set_product(left, U0, cols, U1, covariance, U0, flat, U0, rows, cols, cols)


@njit(**OPTIONS)
def evaluate(theta, layout, problem, work):
    """Read theta; write work.forward, misfit, slope, strengths. Return the loss without floor."""
    n_in = np.uint64(problem.target.shape[1])
    pathways, modes = work.strengths.shape
    forward = work.forward
    for h in range(pathways):
        first, stop = layout.first[h], layout.first[h + 1]
        start, rows, cols, link = _place(layout, first)
        _copy(theta, start, forward, link, rows * cols)
        for layer in range(first + 1, stop):
            below = link
            start, rows, cols, link = _place(layout, layer)
            _set_product(theta, start, cols, U1, forward, below, forward, link, rows, cols, n_in)
        for i in range(modes):
            work.strengths[h, i] = forward[link + np.uint64(i) * (n_in + U1)]
    work.misfit[:] = -problem.target
    _total(forward, layout, work.misfit)
    _slope(work.misfit, problem, work.slope)
    loss = 0.0
    for i in range(work.misfit.shape[0]):
        for j in range(work.misfit.shape[1]):
            loss += 0.5 * work.misfit[i, j] * work.slope[i, j]
    return loss


@njit(**OPTIONS)
def backpropagate(theta, layout, work, scale, out):
    """out += scale * grad at theta, from what `evaluate` left in work; write work.backward, which
    holds `scale` times the D_l, and work.turned.

    `out` may be theta itself: D_{l-1} is formed before W_l is overwritten.
    """
    n_in = np.uint64(work.slope.shape[1])
    forward, backward, turned = work.forward, work.backward, work.turned
    for h in range(layout.first.size - 1):
        first, stop = layout.first[h], layout.first[h + 1]
        start, rows, cols, link = _place(layout, stop - 1)
        for i in range(rows):
            for j in range(n_in):
                backward[link + i * n_in + j] = scale * work.slope[i, j]
        for layer in range(stop - 1, first, -1):
            below = np.uint64(layout.chain[layer - 1])
            _set_product(theta, start, U1, cols, backward, link, backward, below, cols, rows, n_in)
            _turn(forward, below, cols, n_in, turned)
            _add_product(backward, link, n_in, U1, turned, below, out, start, rows, n_in, cols)
            start, rows, cols, link = _place(layout, layer - 1)
        for n in range(rows * n_in):
            out[start + n] += backward[link + n]


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
def descend(theta, layout, problem, step_size, steps, limit, work, ranges):
    """Take `steps` steps theta <- theta - eta grad; theta, work (current on entry) and ranges are
    updated.

    Return how many steps kept the loss at or below `limit`; the one after them has left theta
    diverged.
    """
    for step in range(steps):
        backpropagate(theta, layout, work, -step_size, theta)
        loss = evaluate(theta, layout, problem, work)
        if not loss <= limit:
            return step
        widen(ranges, loss, work.strengths)
    return steps


# --- Gradient flow ---------------------------------------------------------------------------


@njit(**OPTIONS)
def _velocity(theta, layout, problem, work, out):
    """Write out = -grad at theta. Return the loss."""
    loss = evaluate(theta, layout, problem, work)
    out[:] = 0.0
    backpropagate(theta, layout, work, -1.0, out)
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
def flow_start(theta, layout, problem, work, integrator, longest):
    """Set the integrator to t = 0 at theta."""
    integrator.new[:] = theta
    loss = _velocity(theta, layout, problem, work, integrator.stages[STAGES - 1])
    speed = np.abs(integrator.stages[STAGES - 1]).max()
    size = np.abs(integrator.new).max()
    first = 0.01 * max(size, 1e-3) / speed if speed > 0 else longest
    integrator.clock[:] = (0.0, 0.0, min(first, longest), 1e-4, loss)
    integrator.counts[:] = 0


@njit(**OPTIONS)
def flow(goal, most, layout, problem, work, integrator, ranges, rtol, longest):
    """Integrate until t >= goal or `most` more steps are accepted; return REACHED, PENDING or
    STALLED. The ranges take in the ends of steps up to the goal."""
    clock, counts, stages = integrator.clock, integrator.counts, integrator.stages
    old, new, trial = integrator.old, integrator.new, integrator.trial
    n = new.size
    accepted = 0
    if clock[1] <= goal:  # the last call ended past its goal
        widen(ranges, clock[4], work.strengths)
    while clock[1] < goal:
        if accepted == most:
            return PENDING
        h = min(clock[2], longest)
        if not h > 1e-15 * clock[1]:
            return STALLED
        loss = clock[4]
        for stage in range(1, STAGES):
            trial[:] = stages[STAGES - 1]
            trial *= A[stage, 0]
            for j in range(1, stage):
                weight = A[stage, j]
                for a in range(n):
                    trial[a] += weight * stages[j, a]
            for a in range(n):
                trial[a] = new[a] + h * trial[a]
            if stage < STAGES - 1:
                loss = _velocity(trial, layout, problem, work, stages[stage])
        # stages[6] still is k_1 (first same as last); the new k_7 goes to stages[0] for now
        loss = _velocity(trial, layout, problem, work, stages[0])
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
            widen(ranges, loss, work.strengths)
    return REACHED


@njit(**OPTIONS)
def flow_state(time, integrator, out):
    """Write the weights at `time` of the last step, by the interpolant of order 4."""
    clock, stages = integrator.clock, integrator.stages
    h = clock[1] - clock[0]
    theta = (time - clock[0]) / h if h > 0 else 1.0
    if theta >= 1.0:
        out[:] = integrator.new
        return
    out[:] = integrator.old
    for j in range(STAGES):
        weight = 0.0
        for p in range(3, -1, -1):
            weight = (weight + P[j, p]) * theta
        for a in range(out.size):
            out[a] += h * weight * stages[j, a]


# --- Curvature -------------------------------------------------------------------------------


@njit(**OPTIONS)
def hessian_vector(theta, layout, problem, work, tangent, direction, out):
    """Write out = Hessian times direction; work must hold `evaluate` and `backpropagate` of scale 1
    at theta.

    The derivative of the gradient along V: dA_l = V_l A_{l-1} + W_l dA_{l-1}, then backwards
    dD_{l-1} = V_l^T D_l + W_l^T dD_l, and out_l = dD_l A_{l-1}^T + D_l dA_{l-1}^T.
    """
    n_in = np.uint64(problem.target.shape[1])
    value, pull, value_t = work.forward, work.backward, work.turned
    moved, moved_pull, moved_t = tangent.forward, tangent.backward, tangent.turned
    tangent.misfit[:] = 0.0
    pathways = layout.first.size - 1
    for h in range(pathways):
        first, stop = layout.first[h], layout.first[h + 1]
        start, rows, cols, link = _place(layout, first)
        _copy(direction, start, moved, link, rows * cols)
        for layer in range(first + 1, stop):
            below = link
            start, rows, cols, link = _place(layout, layer)
            _set_product(direction, start, cols, U1, value, below, moved, link, rows, cols, n_in)
            _add_product(theta, start, cols, U1, moved, below, moved, link, rows, cols, n_in)
    _total(moved, layout, tangent.misfit)
    _slope(tangent.misfit, problem, tangent.slope)
    for h in range(pathways):
        first, stop = layout.first[h], layout.first[h + 1]
        start, rows, cols, link = _place(layout, stop - 1)
        for i in range(rows):
            for j in range(n_in):
                moved_pull[link + i * n_in + j] = tangent.slope[i, j]
        for layer in range(stop - 1, first, -1):
            below = np.uint64(layout.chain[layer - 1])
            _set_product(
                direction, start, U1, cols, pull, link, moved_pull, below, cols, rows, n_in
            )
            _add_product(
                theta, start, U1, cols, moved_pull, link, moved_pull, below, cols, rows, n_in
            )
            _turn(moved, below, cols, n_in, moved_t)
            _set_product(moved_pull, link, n_in, U1, value_t, below, out, start, rows, n_in, cols)
            _add_product(pull, link, n_in, U1, moved_t, below, out, start, rows, n_in, cols)
            start, rows, cols, link = _place(layout, layer - 1)
        _copy(moved_pull, link, out, start, rows * cols)


@njit(**OPTIONS)
def _dot(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit(**OPTIONS)
def _remove(basis, count, vector):
    """vector -= its part in the span of the first `count` orthonormal rows."""
    for j in range(count):
        part = _dot(basis[j], vector)
        for a in range(vector.size):
            vector[a] -= part * basis[j, a]


@njit(**OPTIONS)
def _count_above(alpha, beta, m, x):
    """How many eigenvalues of the m x m tridiagonal matrix are above x (Sturm sequence)."""
    above = 0
    pivot = 1.0
    for j in range(m):
        coupling = beta[j - 1] ** 2 if j > 0 else 0.0
        pivot = alpha[j] - x - coupling / pivot
        if pivot == 0.0:
            pivot = -1e-300
        if pivot > 0.0:
            above += 1
    return above


@njit(**OPTIONS)
def _top_ritz(alpha, beta, m, ritz, pivots):
    """Largest eigenvalue of the m x m tridiagonal matrix (alpha; beta); its eigenvector to ritz.

    Bisection on the Sturm count, then inverse iteration just above the eigenvalue, where the
    shifted matrix is negative definite and elimination needs no pivoting.
    """
    low, high, scale = -np.inf, -np.inf, 0.0
    for j in range(m):
        radius = (abs(beta[j - 1]) if j > 0 else 0.0) + (abs(beta[j]) if j < m - 1 else 0.0)
        low = max(low, alpha[j])
        high = max(high, alpha[j] + radius)
        scale = max(scale, abs(alpha[j]) + radius)
    if scale < 1e-140:  # its square underflows: zero for all that follows
        ritz[:m] = 0.0
        ritz[0] = 1.0
        return alpha[0]
    while high - low > 2.3e-16 * scale:
        middle = 0.5 * (low + high)
        if middle <= low or middle >= high:
            break
        if _count_above(alpha, beta, m, middle) > 0:
            low = middle
        else:
            high = middle
    shift = high + 4.5e-16 * scale
    ritz[:m] = 1.0
    for _ in range(3):
        for j in range(m):
            pivots[j] = alpha[j] - shift
            if j > 0:
                factor = beta[j - 1] / pivots[j - 1]
                pivots[j] -= factor * beta[j - 1]
                ritz[j] -= factor * ritz[j - 1]
            if not pivots[j] < 0.0:
                pivots[j] = -1e-17 * scale
        for j in range(m - 1, -1, -1):
            if j < m - 1:
                ritz[j] -= beta[j] * ritz[j + 1]
            ritz[j] /= pivots[j]
        norm = np.sqrt(_dot(ritz[:m], ritz[:m]))
        for j in range(m):
            ritz[j] /= norm
    return 0.5 * (low + high)


class Lanczos(NamedTuple):
    """Scratch of the eigenvalue iteration."""

    basis: np.ndarray  # (m + 1, N) Krylov vectors
    alpha: np.ndarray  # (m,)
    beta: np.ndarray  # (m,)
    ritz: np.ndarray  # (m,)
    pivots: np.ndarray  # (m,)


@njit(**OPTIONS)
def top_eigenpairs(
    theta, layout, problem, work, tangent, lanczos, noise, mix, vectors, values, residuals, tol
):
    """The k largest (algebraic) eigenvalues of the Hessian, each in the complement of those before.

    Lanczos with full reorthogonalisation, restarted from the Ritz vector. Reads theta (work must
    hold evaluate and backpropagate there) and vectors (k, N), the guesses, of which each start
    mixes `mix` parts of the row of `noise` so that no eigenvector is missing from it; writes
    vectors, values (k,) and residuals (k,) = ||Hv - lambda v||, within the complement at
    most `tol` times the largest |Ritz value| unless the products run out. Return the number of
    products.

    The complement makes repeated eigenvalues come out as often as they are there.
    """
    n = theta.size
    basis, alpha, beta, ritz = lanczos.basis, lanczos.alpha, lanczos.beta, lanczos.ritz
    products = 0
    for p in range(values.size):
        room = min(alpha.size, n - p)
        start = basis[0]
        for a in range(n):
            start[a] = vectors[p, a] + mix * noise[p, a]
        for _ in range(2):
            _remove(vectors, p, start)
        for _ in range(60):
            norm = np.sqrt(_dot(basis[0], basis[0]))
            for a in range(n):
                basis[0, a] /= norm
            value, residual, m, scale = 0.0, 0.0, 0, 0.0
            for m in range(1, room + 1):
                image = basis[m]
                hessian_vector(theta, layout, problem, work, tangent, basis[m - 1], image)
                products += 1
                alpha[m - 1] = _dot(image, basis[m - 1])
                # Twice is enough, but twice from both: what is left may be so short that the
                # rounding errors of one removal are no longer small against it.
                for _ in range(2):
                    _remove(vectors, p, image)
                    _remove(basis, m, image)
                norm = np.sqrt(_dot(image, image))
                beta[m - 1] = norm
                value = _top_ritz(alpha, beta, m, ritz, lanczos.pivots)
                residual = norm * abs(ritz[m - 1])
                scale = max(scale, abs(alpha[m - 1]), norm)
                if residual <= tol * scale or norm <= 1e-14 * scale:
                    break
                for a in range(n):
                    image[a] /= norm
            # the Ritz vector, then the residual's honest value by what is left of it
            for a in range(n):
                total = 0.0
                for j in range(m):
                    total += ritz[j] * basis[j, a]
                vectors[p, a] = total
            norm = np.sqrt(_dot(vectors[p], vectors[p]))
            for a in range(n):
                vectors[p, a] /= norm
            if residual <= tol * scale or m == n - p:
                break
            basis[0][:] = vectors[p]
        if p > 0:  # the complement hid how far H v leans on the eigenvectors before
            image = basis[0]
            hessian_vector(theta, layout, problem, work, tangent, vectors[p], image)
            products += 1
            for a in range(n):
                image[a] -= value * vectors[p, a]
            residual = np.sqrt(_dot(image, image))
        values[p], residuals[p] = value, residual
    return products
