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
    misfit: np.ndarray  # (n_out, n_in) M - M*
    slope: np.ndarray  # (n_out, n_in) (M - M*) Sigma_xx
    strengths: np.ndarray  # (H, R) diagonals of the A_{L_h}: theta is in singular bases


class Tangent(NamedTuple):
    """Scratch of Hessian-vector products: how A_l, D_l, M and G move along a direction."""

    forward: np.ndarray  # (C,)
    backward: np.ndarray  # (C,)
    misfit: np.ndarray  # (n_out, n_in)
    slope: np.ndarray  # (n_out, n_in)


class Ranges(NamedTuple):
    """Smallest and largest value over the steps since the last record."""

    loss: np.ndarray  # (2,)
    strengths: np.ndarray  # (2, H, R)


# --- Products --------------------------------------------------------------------------------


@njit(**OPTIONS)
def _weights(theta, layout, layer):
    rows, cols = layout.rows[layer], layout.cols[layer]
    start = layout.start[layer]
    return theta[start : start + rows * cols].reshape(rows, cols)


@njit(**OPTIONS)
def _link(buffer, layout, layer, n_in):
    """The part of a chain buffer that belongs to a layer, (rows, n_in)."""
    start, rows = layout.chain[layer], layout.rows[layer]
    return buffer[start : start + rows * n_in].reshape(rows, n_in)


@njit(**OPTIONS)
def _add_product(a, b, out):
    """out += a b."""
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            factor = a[i, k]
            for j in range(b.shape[1]):
                out[i, j] += factor * b[k, j]


@njit(**OPTIONS)
def _add_left_transposed(a, b, out):
    """out += a^T b."""
    for k in range(a.shape[0]):
        for i in range(a.shape[1]):
            factor = a[k, i]
            for j in range(b.shape[1]):
                out[i, j] += factor * b[k, j]


@njit(**OPTIONS)
def _add_right_transposed(scale, a, b, out):
    """out += scale a b^T."""
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            dot = 0.0
            for k in range(a.shape[1]):
                dot += a[i, k] * b[j, k]
            out[i, j] += scale * dot


# --- Loss and gradient -----------------------------------------------------------------------


@njit(**OPTIONS)
def _total(forward, layout, out):
    """out += sum_h A_{L_h}."""
    for h in range(layout.first.size - 1):
        last = _link(forward, layout, layout.first[h + 1] - 1, out.shape[1])
        for i in range(out.shape[0]):
            for j in range(out.shape[1]):
                out[i, j] += last[i, j]


@njit(**OPTIONS)
def _slope(misfit, problem, out):
    """out = misfit Sigma_xx."""
    if problem.whitened:
        out[:] = misfit
    else:
        out[:] = 0.0
        _add_product(misfit, problem.covariance, out)


@njit(**OPTIONS)
def evaluate(theta, layout, problem, work):
    """Read theta; write work.forward, misfit, slope, strengths. Return the loss without floor."""
    n_in = problem.target.shape[1]
    pathways, modes = work.strengths.shape
    work.forward[:] = 0.0
    for h in range(pathways):
        first, stop = layout.first[h], layout.first[h + 1]
        _link(work.forward, layout, first, n_in)[:] = _weights(theta, layout, first)
        for layer in range(first + 1, stop):
            _add_product(
                _weights(theta, layout, layer),
                _link(work.forward, layout, layer - 1, n_in),
                _link(work.forward, layout, layer, n_in),
            )
        last = _link(work.forward, layout, stop - 1, n_in)
        for i in range(modes):
            work.strengths[h, i] = last[i, i]
    work.misfit[:] = -problem.target
    _total(work.forward, layout, work.misfit)
    _slope(work.misfit, problem, work.slope)
    loss = 0.0
    for i in range(work.misfit.shape[0]):
        for j in range(n_in):
            loss += 0.5 * work.misfit[i, j] * work.slope[i, j]
    return loss


@njit(**OPTIONS)
def backpropagate(theta, layout, work, scale, out):
    """out += scale * grad at theta, from what `evaluate` left in work; write work.backward.

    `out` may be theta itself: D_{l-1} is formed before W_l is overwritten.
    """
    n_in = work.slope.shape[1]
    work.backward[:] = 0.0
    for h in range(layout.first.size - 1):
        first, stop = layout.first[h], layout.first[h + 1]
        _link(work.backward, layout, stop - 1, n_in)[:] = work.slope
        for layer in range(stop - 1, first, -1):
            pull = _link(work.backward, layout, layer, n_in)
            _add_left_transposed(
                _weights(theta, layout, layer), pull, _link(work.backward, layout, layer - 1, n_in)
            )
            _add_right_transposed(
                scale,
                pull,
                _link(work.forward, layout, layer - 1, n_in),
                _weights(out, layout, layer),
            )
        pull = _link(work.backward, layout, first, n_in)
        weights = _weights(out, layout, first)
        for i in range(weights.shape[0]):
            for j in range(n_in):
                weights[i, j] += scale * pull[i, j]


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
    """Write out = Hessian times direction; work must hold evaluate and backpropagate at theta.

    The derivative of the gradient along V: dA_l = V_l A_{l-1} + W_l dA_{l-1}, then backwards
    dD_{l-1} = V_l^T D_l + W_l^T dD_l, and out_l = dD_l A_{l-1}^T + D_l dA_{l-1}^T.
    """
    n_in = problem.target.shape[1]
    tangent.forward[:] = 0.0
    tangent.backward[:] = 0.0
    tangent.misfit[:] = 0.0
    out[:] = 0.0
    pathways = layout.first.size - 1
    for h in range(pathways):
        first, stop = layout.first[h], layout.first[h + 1]
        _link(tangent.forward, layout, first, n_in)[:] = _weights(direction, layout, first)
        for layer in range(first + 1, stop):
            moved = _link(tangent.forward, layout, layer, n_in)
            _add_product(
                _weights(direction, layout, layer),
                _link(work.forward, layout, layer - 1, n_in),
                moved,
            )
            _add_product(
                _weights(theta, layout, layer),
                _link(tangent.forward, layout, layer - 1, n_in),
                moved,
            )
    _total(tangent.forward, layout, tangent.misfit)
    _slope(tangent.misfit, problem, tangent.slope)
    for h in range(pathways):
        first, stop = layout.first[h], layout.first[h + 1]
        _link(tangent.backward, layout, stop - 1, n_in)[:] = tangent.slope
        for layer in range(stop - 1, first, -1):
            pull = _link(work.backward, layout, layer, n_in)
            moved = _link(tangent.backward, layout, layer, n_in)
            below = _link(tangent.backward, layout, layer - 1, n_in)
            _add_left_transposed(_weights(direction, layout, layer), pull, below)
            _add_left_transposed(_weights(theta, layout, layer), moved, below)
            result = _weights(out, layout, layer)
            _add_right_transposed(1.0, moved, _link(work.forward, layout, layer - 1, n_in), result)
            _add_right_transposed(
                1.0, pull, _link(tangent.forward, layout, layer - 1, n_in), result
            )
        _weights(out, layout, first)[:] = _link(tangent.backward, layout, first, n_in)


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
