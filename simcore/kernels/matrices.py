"""Loops of the matrices engine: full weights, any start, any moments.

One flat theta holds every layer of every pathway; a `Layout` says where. With A_l = W_l ... W_1 the
forward chain of a pathway and M = sum_h A_{L_h}, the loss is 1/2 <M - M*, G> with
G = (M - M*) Sigma_xx; backwards D_{L_h} = G and D_{l-1} = W_l^T D_l give the gradients
dL/dW_l = D_l A_{l-1}^T (A_0 = 1). Three products per hidden layer, none done twice.

All arrays are flat float64, layer after layer, each matrix row by row. Every width is rounded up to
a multiple of four and what is added is zero (`curvature.layout`): the same network inside a larger
one, whose other weights are never moved because all they meet is zero.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from simcore.kernels.dormand_prince import (
    PENDING,
    REACHED,
    STAGES,
    STALLED,
    begin,
    judge,
    next_step,
    propose,
    row_of,
)

# Caches of versions before 24 November 2026 look here for what has moved; without, they break.
from simcore.kernels.dormand_prince import Integrator as Integrator
from simcore.kernels.ranges import Ranges as Ranges
from simcore.kernels.ranges import widen
from simcore.kernels.simd import INLINED, KERNEL, add_up, at, fma, load, splat, store, turn


class Layout(NamedTuple):
    """Where each of the T layers of H pathways lives."""

    start: np.ndarray  # (T+1,) int64, offset of each layer's weights in theta
    rows: np.ndarray  # (T,) int64
    cols: np.ndarray  # (T,) int64
    chain: np.ndarray  # (T+1,) int64, offset of A_l and D_l (rows x n_in) in a chain buffer
    first: np.ndarray  # (H+1,) int64, first layer of each pathway
    n_in: int
    size: int  # N, weights of the network itself


class Problem(NamedTuple):
    """The quadratic loss of the whole map M."""

    target: np.ndarray  # (n_out * n_in,) M*
    covariance: np.ndarray  # (n_in * n_in,) Sigma_xx, not read if whitened
    whitened: bool


class Workspace(NamedTuple):
    """Scratch that `evaluate` and `backpropagate` fill for the current theta."""

    forward: np.ndarray  # (C,) the A_l
    backward: np.ndarray  # (C,) the D_l
    turned: np.ndarray  # (C,) the A_l^T of all but the last layers
    misfit: np.ndarray  # (n_out * n_in,) M - M*
    slope: np.ndarray  # (n_out * n_in,) (M - M*) Sigma_xx, the same array as misfit if whitened
    strengths: np.ndarray  # (H, R) diagonals of the A_{L_h}: theta is in singular bases
    panel: np.ndarray  # (8 times the largest width,) for `_product`


class Tangent(NamedTuple):
    """Scratch of Hessian-vector products: how A_l, D_l, A_l^T, M and G move along a direction."""

    forward: np.ndarray  # (C,)
    backward: np.ndarray  # (C,)
    turned: np.ndarray  # (C,)
    misfit: np.ndarray  # (n_out * n_in,)
    slope: np.ndarray  # (n_out * n_in,), the same array as misfit if whitened


# --- Products --------------------------------------------------------------------------------

# NumPy's numbers, because Numba would compile a function anew for each literal it is called with.
NONE, UNIT, PANEL = np.int64(0), np.int64(1), np.int64(8)
SET, ADD = np.bool_(False), np.bool_(True)
# From rows of 64 numbers on, eight columns of b do not stay in the first-level cache together. 32
# of their rows do; from 112 on not even those, so that all are copied to where they do. How that
# was measured is in benchmarks/README.md.
LONG, WIDE, DEEP = np.int64(64), np.int64(112), np.int64(32)


@njit(**INLINED)
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


@njit(**INLINED)
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


@njit(**KERNEL)
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


@njit(**KERNEL)
def _transpose(a, rows, cols, out):
    """out = a^T, for a (rows, cols)."""
    for i in range(0, rows, 4):
        for j in range(0, cols, 4):
            x, y = at(a, i * cols + j), at(out, j * rows + i)
            c0, c1, c2, c3 = turn(load(x, 0), load(x, cols), load(x, 2 * cols), load(x, 3 * cols))
            store(y, 0, c0)
            store(y, rows, c1)
            store(y, 2 * rows, c2)
            store(y, 3 * rows, c3)


@njit(**KERNEL)
def _add(scale, a, out, size):
    """out += scale a for `size` numbers, a multiple of four."""
    factor = splat(scale)
    for n in range(0, size, 4):
        store(out, n, fma(factor, load(a, n), load(out, n)))


@njit(**KERNEL)
def _set(scale, a, out, size):
    """out = scale a for `size` numbers, a multiple of four."""
    factor, nothing = splat(scale), splat(0.0)
    for n in range(0, size, 4):
        store(out, n, fma(factor, load(a, n), nothing))


@njit(**KERNEL)
def _dot(a, b, size):
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


# --- Loss and gradient -----------------------------------------------------------------------


@njit(**KERNEL)
def _slope(misfit, layout, problem, out, panel):
    """out = misfit Sigma_xx; nothing to do if whitened, where out is misfit itself."""
    if not problem.whitened:
        n_in, covariance = layout.n_in, at(problem.covariance, 0)
        n_out = problem.target.size // n_in
        _product(misfit, n_in, UNIT, covariance, out, n_out, n_in, n_in, SET, panel)


@njit(**KERNEL)
def evaluate(theta, layout, problem, work):
    """Read theta; write work.forward, misfit, slope, strengths. Return the loss without floor."""
    n_in, size = layout.n_in, problem.target.size
    pathways, modes = work.strengths.shape
    misfit, slope, panel = at(work.misfit, 0), at(work.slope, 0), at(work.panel, 0)
    _set(-1.0, at(problem.target, 0), misfit, size)
    for h in range(pathways):
        first, stop = layout.first[h], layout.first[h + 1]
        chain = at(work.forward, layout.chain[first])
        _set(1.0, at(theta, layout.start[first]), chain, layout.rows[first] * n_in)
        for layer in range(first + 1, stop):
            weights, below = at(theta, layout.start[layer]), chain
            chain = at(work.forward, layout.chain[layer])
            rows, cols = layout.rows[layer], layout.cols[layer]
            _product(weights, cols, UNIT, below, chain, rows, cols, n_in, SET, panel)
        _add(1.0, chain, misfit, size)
        for i in range(modes):
            work.strengths[h, i] = chain[i * (n_in + 1)]
    _slope(misfit, layout, problem, slope, panel)
    return 0.5 * _dot(misfit, slope, size)


@njit(**KERNEL)
def backpropagate(theta, layout, work, scale, out):
    """out += scale * grad at theta, from what `evaluate` left in work; write work.backward, which
    holds `scale` times the D_l, and work.turned.

    `out` may be theta itself: D_{l-1} is formed before W_l is overwritten.
    """
    n_in, panel = layout.n_in, at(work.panel, 0)
    for h in range(layout.first.size - 1):
        first, last = layout.first[h], layout.first[h + 1] - 1
        pull = at(work.backward, layout.chain[last])
        _set(scale, at(work.slope, 0), pull, layout.rows[last] * n_in)
        for layer in range(last, first, -1):
            start, link = layout.start[layer], layout.chain[layer - 1]
            rows, cols = layout.rows[layer], layout.cols[layer]
            below, turned = at(work.backward, link), at(work.turned, link)
            _product(at(theta, start), UNIT, cols, pull, below, cols, rows, n_in, SET, panel)
            _transpose(at(work.forward, link), cols, n_in, turned)
            _product(pull, n_in, UNIT, turned, at(out, start), rows, n_in, cols, ADD, panel)
            pull = below
        _add(1.0, pull, at(out, layout.start[first]), layout.rows[first] * n_in)


@njit(**KERNEL)
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


@njit(**KERNEL)
def _velocity(theta, layout, problem, work, out):
    """Write out = -grad at theta. Return the loss."""
    loss = evaluate(theta, layout, problem, work)
    for n in range(out.size):
        out[n] = 0.0
    backpropagate(theta, layout, work, -1.0, out)
    return loss


@njit(**KERNEL)
def flow_start(theta, layout, problem, work, integrator, longest):
    """Set the integrator to t = 0 at theta."""
    _set(1.0, at(theta, 0), at(integrator.new, 0), theta.size)
    loss = _velocity(theta, layout, problem, work, integrator.stages[STAGES - 1])
    begin(integrator, loss, longest)


@njit(**KERNEL)
def flow(goal, most, layout, problem, work, integrator, ranges, rtol, longest):
    """Integrate until t >= goal or `most` more steps are accepted; return REACHED, PENDING or
    STALLED. The ranges take in the ends of steps up to the goal."""
    clock, stages = integrator.clock, integrator.stages
    accepted = 0
    if clock[1] <= goal and not integrator.seen[0]:  # the last call ended past its goal
        widen(ranges, clock[4], work.strengths)
    while clock[1] < goal:
        if accepted == most:
            return PENDING
        h, loss = next_step(integrator, longest), 0.0
        if h == 0.0:
            return STALLED
        for stage in range(1, STAGES):
            propose(integrator, stage, h)
            loss = _velocity(integrator.trial, layout, problem, work, stages[row_of(stage)])
        if judge(integrator, h, rtol, loss):
            accepted += 1
            if clock[1] <= goal:
                widen(ranges, loss, work.strengths)
                integrator.seen[0] = True
    return REACHED


# --- Curvature -------------------------------------------------------------------------------


@njit(**KERNEL)
def hessian_vector(theta, layout, problem, work, tangent, direction, out):
    """Write out = Hessian times direction; work must hold `evaluate` and `backpropagate` of scale 1
    at theta.

    The derivative of the gradient along V: dA_l = V_l A_{l-1} + W_l dA_{l-1}, then backwards
    dD_{l-1} = V_l^T D_l + W_l^T dD_l, and out_l = dD_l A_{l-1}^T + D_l dA_{l-1}^T.
    """
    n_in, size = layout.n_in, problem.target.size
    misfit, slope, panel = at(tangent.misfit, 0), at(tangent.slope, 0), at(work.panel, 0)
    tangent.misfit[:] = 0.0
    pathways = layout.first.size - 1
    for h in range(pathways):
        first, stop = layout.first[h], layout.first[h + 1]
        moved = at(tangent.forward, layout.chain[first])
        _set(1.0, at(direction, layout.start[first]), moved, layout.rows[first] * n_in)
        for layer in range(first + 1, stop):
            start, below = layout.start[layer], moved
            rows, cols = layout.rows[layer], layout.cols[layer]
            moved = at(tangent.forward, layout.chain[layer])
            value = at(work.forward, layout.chain[layer - 1])
            _product(at(direction, start), cols, UNIT, value, moved, rows, cols, n_in, SET, panel)
            _product(at(theta, start), cols, UNIT, below, moved, rows, cols, n_in, ADD, panel)
        _add(1.0, moved, misfit, size)
    _slope(misfit, layout, problem, slope, panel)
    for h in range(pathways):
        first, last = layout.first[h], layout.first[h + 1] - 1
        moved_pull = at(tangent.backward, layout.chain[last])
        _set(1.0, slope, moved_pull, size)
        for layer in range(last, first, -1):
            start, link = layout.start[layer], layout.chain[layer - 1]
            rows, cols = layout.rows[layer], layout.cols[layer]
            pull, below = at(work.backward, layout.chain[layer]), at(tangent.backward, link)
            _product(at(direction, start), UNIT, cols, pull, below, cols, rows, n_in, SET, panel)
            _product(at(theta, start), UNIT, cols, moved_pull, below, cols, rows, n_in, ADD, panel)
            turned, target = at(tangent.turned, link), at(out, start)
            _transpose(at(tangent.forward, link), cols, n_in, turned)
            value = at(work.turned, link)
            _product(moved_pull, n_in, UNIT, value, target, rows, n_in, cols, SET, panel)
            _product(pull, n_in, UNIT, turned, target, rows, n_in, cols, ADD, panel)
            moved_pull = below
        _set(1.0, moved_pull, at(out, layout.start[first]), layout.rows[first] * n_in)


@njit(**KERNEL)
def _remove(basis, count, vector):
    """vector -= its part in the span of the first `count` orthonormal rows, four at a time."""
    size, rest = vector.size, at(vector, 0)
    whole = count & ~3
    for j in range(0, whole, 4):
        a, b, c, d = at(basis[j], 0), at(basis[j + 1], 0), at(basis[j + 2], 0), at(basis[j + 3], 0)
        p = q = r = s = splat(0.0)
        for n in range(0, size, 4):
            v = load(rest, n)
            p, q = fma(load(a, n), v, p), fma(load(b, n), v, q)
            r, s = fma(load(c, n), v, r), fma(load(d, n), v, s)
        p, q, r, s = splat(-add_up(p)), splat(-add_up(q)), splat(-add_up(r)), splat(-add_up(s))
        for n in range(0, size, 4):
            v = fma(p, load(a, n), fma(q, load(b, n), load(rest, n)))
            store(rest, n, fma(r, load(c, n), fma(s, load(d, n), v)))
    for j in range(whole, count):
        direction = at(basis[j], 0)
        _add(-_dot(direction, rest, size), direction, rest, size)


@njit(**KERNEL)
def _norm(vector):
    return np.sqrt(_dot(at(vector, 0), at(vector, 0), vector.size))


@njit(**KERNEL)
def _purge(vectors, p, basis, m, image, before):
    """Make image orthogonal to the first p vectors and m rows of the basis; return what is left.

    `before` is the length of what should be orthogonal but for rounding errors, or 0. A removal
    leaves errors in proportion to what it removed, so it is done again where that was not little.
    """
    after = 0.0
    for _ in range(3):
        _remove(vectors, p, image)
        _remove(basis, m, image)
        after = _norm(image)
        if before > 0.0 and after > 0.5 * before:
            break
        before = after
    return after


@njit(**KERNEL)
def _above(value, coupling, corner):
    """Largest eigenvalue of the 2 x 2 matrix (value, coupling; coupling, corner)."""
    half = 0.5 * (corner - value)
    root = np.hypot(half, coupling)  # their squares may underflow
    if half > 0.0:
        return value + half + root
    return value + (coupling / (root - half) * coupling if coupling > 0.0 else 0.0)


@njit(**KERNEL)
def _top_ritz(alpha, beta, m, below, residual, scale, ritz):
    """Largest eigenvalue of the m x m tridiagonal matrix (alpha; beta); its eigenvector to ritz.

    Newton's method on the last pivot of elimination from the bottom up, f_m = alpha_m - x and
    f_j = alpha_j - x - beta_j^2 / f_{j+1}: the largest root of f_1 is the eigenvalue, the
    eigenvector has s_{j+1} = -s_j beta_j / f_{j+1} and s_1^2 = -1 / f_1'. The smaller s_1, the
    closer the other pivots come to 0 and the less exact is the vector; every start leans on the
    eigenvector by the share of noise in it, which is enough.

    `below` and `residual` are what came out for m - 1. The eigenvalue is at least that of the 2 x 2
    matrix that stands for the last Ritz vector and the new direction, and at most that of the one
    that lets the new direction couple to `below` in full.
    """
    ritz[0] = 1.0
    if m == 1:
        return alpha[0]
    low, high = _above(below, residual, alpha[m - 1]), _above(below, beta[m - 2], alpha[m - 1])
    x = low
    for _ in range(200):
        f, slope, j = alpha[m - 1] - x, -1.0, m - 2
        while j >= 0 and f < 0.0:
            ratio = beta[j] / f
            slope = ratio * ratio * slope - 1.0
            f = alpha[j] - x - beta[j] * ratio
            j -= 1
        if j < 0 and f <= 0.0:
            high = x
        else:
            low = x
        y = x - f / slope if j < 0 else low
        if j < 0 and abs(y - x) <= 1e-13 * scale:  # Newton's next step would be below rounding
            x = max(y, below)
            break
        if not low < y < high:
            y = 0.5 * (low + high)
            if not low < y < high:
                x = high
                break
        x = y
    f, norm = alpha[m - 1] - x, 1.0
    for j in range(m - 2, -1, -1):
        if not f < 0.0:
            f = -1e-17 * scale
        ritz[j + 1] = -beta[j] / f
        f = alpha[j] - x + beta[j] * ritz[j + 1]
    for j in range(1, m):
        ritz[j] *= ritz[j - 1]
        norm += ritz[j] * ritz[j]
    for j in range(m):
        ritz[j] /= np.sqrt(norm)
    return x


class Lanczos(NamedTuple):
    """Scratch of the eigenvalue iteration."""

    basis: np.ndarray  # (m + 1, N) Krylov vectors
    alpha: np.ndarray  # (m,)
    beta: np.ndarray  # (m,)
    ritz: np.ndarray  # (m,)


@njit(**KERNEL)
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
    start = at(basis[0], 0)
    products = 0
    for p in range(values.size):
        room = min(alpha.size, layout.size - p)
        vector = at(vectors[p], 0)
        _set(1.0, vector, start, n)
        _add(mix, at(noise[p], 0), start, n)
        norm = _purge(vectors, p, basis, NONE, basis[0], 0.0)
        for _ in range(60):
            _set(1.0 / norm, start, start, n)
            value, residual, m, scale = 0.0, 0.0, 0, 0.0
            for m in range(1, room + 1):
                image = basis[m]
                hessian_vector(theta, layout, problem, work, tangent, basis[m - 1], image)
                products += 1
                alpha[m - 1] = _dot(at(image, 0), at(basis[m - 1], 0), n)
                _add(-alpha[m - 1], at(basis[m - 1], 0), at(image, 0), n)
                if m > 1:
                    _add(-beta[m - 2], at(basis[m - 2], 0), at(image, 0), n)
                norm = _purge(vectors, p, basis, m, image, _norm(image))
                beta[m - 1] = norm
                scale = max(scale, abs(alpha[m - 1]), norm)
                value = _top_ritz(alpha, beta, m, value, residual, scale, ritz)
                residual = norm * abs(ritz[m - 1])
                if residual <= tol * scale or not norm > 1e-14 * scale:
                    break
                _set(1.0 / norm, at(image, 0), at(image, 0), n)
            _set(ritz[0], start, vector, n)
            for j in range(1, m):
                _add(ritz[j], at(basis[j], 0), vector, n)
            norm = _norm(vectors[p])
            _set(1.0 / norm, vector, vector, n)
            if not residual > tol * scale or m == layout.size - p:
                break
            _set(1.0, vector, start, n)
            norm = 1.0
        if p > 0:  # the complement hid how far H v leans on the eigenvectors before
            image = basis[0]
            hessian_vector(theta, layout, problem, work, tangent, vectors[p], image)
            products += 1
            _add(-value, vector, at(image, 0), n)
            residual = _norm(image)
        values[p], residuals[p] = value, residual
    return products
