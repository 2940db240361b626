"""Loops of the matrices engine: full weights, any start, any moments.

One flat theta holds every layer of every pathway; a `Layout` says where. With A_l = W_l ... W_1 the
forward chain of a pathway and M = sum_h A_{L_h}, the loss is 1/2 <M - M*, G> with
G = (M - M*) Sigma_xx; backwards D_{L_h} = G and D_{l-1} = W_l^T D_l give the gradients
dL/dW_l = D_l A_{l-1}^T (A_0 = 1). Three products per hidden layer, none done twice.

All arrays are flat float64, layer after layer, each matrix row by row. Every width is rounded up to
a multiple of four and what is added is zero (`curvature.layout`): the same network inside a larger
one, whose other weights are never moved because all they meet is zero.

A network that is seen sample by sample (`Problem.samples` in use) has its loss, gradient and
Hessian from `samples`; whoever steps, drives or integrates need not know.
"""

from typing import NamedTuple

import numpy as np

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
from simcore.kernels.ranges import extend
from simcore.kernels.samples import (
    Samples,
    backpropagate_samples,
    evaluate_samples,
    hessian_vector_of_samples,
)
from simcore.kernels.simd import at, copy, publish, published
from simcore.kernels.stamp import inlined_kernel, kernel, shared_kernel

# NumPy's number, because Numba would compile a function anew for each literal it is called with.
FIRST = np.int64(0)


class Layout(NamedTuple):
    """Where each of the T layers of H pathways lives."""

    start: np.ndarray  # (T+1,) int64, offset of each layer's weights in theta
    rows: np.ndarray  # (T,) int64
    cols: np.ndarray  # (T,) int64
    chain: np.ndarray  # (T+1,) int64, offset of A_l and D_l (rows x n_in) in a chain buffer
    first: np.ndarray  # (H+1,) int64, first layer of each pathway
    n_in: int  # columns of chains: N where the network is seen sample by sample
    size: int  # N, weights of the network itself


class Problem(NamedTuple):
    """The quadratic loss of the whole map M, or of its outputs for each sample."""

    target: np.ndarray  # (n_out * n_in,) M*; (n_out * N,) Y of samples
    covariance: np.ndarray  # (n_in * n_in,) Sigma_xx, not read if whitened
    whitened: bool  # whether the slope is the misfit itself
    samples: Samples


class Workspace(NamedTuple):
    """Scratch that `evaluate` and `backpropagate` fill for the current theta."""

    forward: np.ndarray  # (C,) the A_l
    backward: np.ndarray  # (C,) the D_l
    turned: np.ndarray  # (C,) the A_l^T of all but the last layers
    misfit: np.ndarray  # (n_out * n_in,) M - M*
    slope: np.ndarray  # (n_out * n_in,) (M - M*) Sigma_xx, the same array as misfit if whitened
    strengths: np.ndarray  # (H, R) diagonals of the A_{L_h}: theta is in singular bases
    panel: np.ndarray  # (8 times the largest width,) for the products


class Tangent(NamedTuple):
    """Scratch of Hessian-vector products: how A_l, D_l, A_l^T, M and G move along a direction."""

    forward: np.ndarray  # (C,)
    backward: np.ndarray  # (C,)
    turned: np.ndarray  # (C,)
    misfit: np.ndarray  # (n_out * n_in,)
    slope: np.ndarray  # (n_out * n_in,), the same array as misfit if whitened


# --- Loss and gradient -----------------------------------------------------------------------


@kernel
def slope_of(misfit, layout, problem, out, panel):
    """out = misfit Sigma_xx; nothing to do if whitened, where out is misfit itself."""
    if not problem.whitened:
        n_in, covariance = layout.n_in, at(problem.covariance, 0)
        n_out = problem.target.size // n_in
        times(misfit, covariance, out, n_out, n_in, n_in, SET, panel)  # (M - M*) Sigma_xx


@inlined_kernel
def _go_forward(theta, layout, work, start, stop):
    """Write the A_l of pathways start to stop."""
    n_in, panel = layout.n_in, at(work.panel, 0)
    for h in range(start, stop):
        first, end = layout.first[h], layout.first[h + 1]
        chain = at(work.forward, layout.chain[first])
        set_scaled(1.0, at(theta, layout.start[first]), chain, layout.rows[first] * n_in)
        for layer in range(first + 1, end):
            weights, below = at(theta, layout.start[layer]), chain
            chain = at(work.forward, layout.chain[layer])
            rows, cols = layout.rows[layer], layout.cols[layer]
            times(weights, below, chain, rows, cols, n_in, SET, panel)  # A_l = W_l A_{l-1}


@inlined_kernel
def _meet(layout, problem, work):
    """Write misfit, slope and strengths of the A_l. Return the loss."""
    n_in, size = layout.n_in, problem.target.size
    pathways, modes = work.strengths.shape
    misfit, slope = at(work.misfit, 0), at(work.slope, 0)
    set_scaled(-1.0, at(problem.target, 0), misfit, size)
    for h in range(pathways):
        chain = at(work.forward, layout.chain[layout.first[h + 1] - 1])
        add_scaled(1.0, chain, misfit, size)
        for i in range(modes):
            work.strengths[h, i] = chain[i * (n_in + 1)]
    slope_of(misfit, layout, problem, slope, at(work.panel, 0))
    return 0.5 * dot(misfit, slope, size)


@shared_kernel
def evaluate(theta, layout, problem, work):
    """Read theta; write work.forward, misfit, slope, strengths. Return the loss without floor."""
    if problem.samples.used:
        return evaluate_samples(theta, layout, problem, work)
    _go_forward(theta, layout, work, FIRST, layout.first.size - 1)
    return _meet(layout, problem, work)


@inlined_kernel
def _go_back(theta, layout, work, scale, out, start, stop):
    """`backpropagate` for pathways start to stop."""
    n_in, panel = layout.n_in, at(work.panel, 0)
    for h in range(start, stop):
        first, last = layout.first[h], layout.first[h + 1] - 1
        pull = at(work.backward, layout.chain[last])
        set_scaled(scale, at(work.slope, 0), pull, layout.rows[last] * n_in)
        for layer in range(last, first, -1):
            begin, link = layout.start[layer], layout.chain[layer - 1]
            rows, cols = layout.rows[layer], layout.cols[layer]
            below, turned = at(work.backward, link), at(work.turned, link)
            weights, gradient = at(theta, begin), at(out, begin)
            # D_{l-1} = W_l^T D_l
            transposed_times(weights, pull, below, cols, rows, n_in, SET, panel)
            transpose(at(work.forward, link), cols, n_in, turned)
            times(pull, turned, gradient, rows, n_in, cols, ADD, panel)  # D_l A_{l-1}^T
            pull = below
        add_scaled(1.0, pull, at(out, layout.start[first]), layout.rows[first] * n_in)


@shared_kernel
def backpropagate(theta, layout, problem, work, scale, out):
    """out += scale * grad at theta, from what `evaluate` left in work; write work.backward, which
    holds `scale` times the D_l, and work.turned.

    `out` may be theta itself: D_{l-1} is formed before W_l is overwritten.
    """
    if problem.samples.used:
        backpropagate_samples(theta, layout, problem, work, scale, out)
        return
    _go_back(theta, layout, work, scale, out, FIRST, layout.first.size - 1)


# --- Descent, by one thread or two ------------------------------------------------------------

# Pathways are independent between two meetings. One thread leads: it says which step begins, moves
# its pathways, waits until the other has moved the rest, and meets. It never waits for one that has
# not come, nor twice for one that let it wait for long.

CALLED, DONE, PRESENT = 0, 8, 16  # places of signs, each in a line of the cache of its own
SIGNS = 24
OVER = -1.0  # instead of the number of a step
# Looks, of about a nanosecond each, after which the other thread's core is taken to be another's.
PATIENCE = 1_000_000


@kernel
def descend_through(gaps, theta, layout, problem, step_size, limit, work, records, signs, share):
    """Take gaps[k] steps theta <- theta - eta grad, at least one, then write record k, and so on;
    theta and work (current on entry) are updated.

    Whoever calls `assist` meanwhile with the same `signs` (SIGNS,), zero at first, moves the
    pathways from number `share` on; nobody may where samples are in use. The bits are the same.
    Return how many steps kept the loss at or below `limit`; the one after them has left theta
    diverged.
    """
    signs, pathways, looks = at(signs, 0), layout.first.size - 1, 0
    taken, loss, weights, strands = 0, 0.0, theta.size, work.strengths.size
    for k in range(gaps.size):
        of_loss, of_strengths = at(records.loss_range, 2 * k), at(records.strengths_range, 0)
        of_strengths = at(of_strengths, 2 * k * strands)
        for _ in range(gaps[k]):
            helped = looks < PATIENCE and published(signs, PRESENT) > 0.0
            if helped:
                publish(signs, CALLED, taken + 1.0)
            if problem.samples.used:
                backpropagate_samples(theta, layout, problem, work, -step_size, theta)
                loss = evaluate_samples(theta, layout, problem, work)
            else:
                stop = share if helped else pathways
                _go_back(theta, layout, work, -step_size, theta, FIRST, stop)
                _go_forward(theta, layout, work, FIRST, stop)
                looks = 0 if helped else looks
                while helped and published(signs, DONE) < taken + 1.0:
                    looks += 1
                loss = _meet(layout, problem, work)
            if not loss <= limit:
                publish(signs, CALLED, OVER)
                return taken
            extend(of_loss, of_strengths, loss, at(work.strengths, 0), strands)
            taken += 1
        records.loss[k] = loss
        copy(at(theta, 0), at(records.x, k * weights), weights)
        copy(at(work.strengths, 0), at(records.strengths, k * strands), strands)
    publish(signs, CALLED, OVER)
    return taken


@kernel
def assist(theta, layout, step_size, work, signs, share):
    """Move the pathways from number `share` on whenever `descend_through` calls, until that is
    over; of what `work` holds the panel alone must not be the other's."""
    signs, pathways, moved = at(signs, 0), layout.first.size - 1, 0.0
    publish(signs, PRESENT, 1.0)
    while True:
        called = published(signs, CALLED)
        if called == OVER:
            return
        if called > moved:
            _go_back(theta, layout, work, -step_size, theta, share, pathways)
            _go_forward(theta, layout, work, share, pathways)
            moved = called
            publish(signs, DONE, moved)


# --- Gradient flow ---------------------------------------------------------------------------


@shared_kernel
def velocity(theta, layout, problem, work, moving, out):
    """Write out = -grad at theta, 0 for pathways that do not move. Return the loss."""
    loss = evaluate(theta, layout, problem, work)
    for n in range(out.size):
        out[n] = 0.0
    backpropagate(theta, layout, problem, work, -1.0, out)
    for h in range(moving.size):
        if not moving[h]:
            for n in range(layout.start[layout.first[h]], layout.start[layout.first[h + 1]]):
                out[n] = 0.0
    return loss


# --- Curvature -------------------------------------------------------------------------------


@kernel
def rests(theta, before, start, share):
    """Whether no weight is farther from what it was before than that `share` of the largest of its
    layer; layers from start[l] to start[l + 1]."""
    for layer in range(start.size - 1):
        largest = 0.0
        for n in range(start[layer], start[layer + 1]):
            largest = max(largest, abs(before[n]))
        for n in range(start[layer], start[layer + 1]):
            if not abs(theta[n] - before[n]) <= share * largest:
                return False
    return True


@shared_kernel
def hessian_vector(theta, layout, problem, work, tangent, direction, out):
    """Write out = Hessian times direction; work must hold `evaluate` and `backpropagate` of scale 1
    at theta.

    The derivative of the gradient along V: dA_l = V_l A_{l-1} + W_l dA_{l-1}, then backwards
    dD_{l-1} = V_l^T D_l + W_l^T dD_l, and out_l = dD_l A_{l-1}^T + D_l dA_{l-1}^T.
    """
    if problem.samples.used:
        hessian_vector_of_samples(theta, layout, problem, work, tangent, direction, out)
        return
    n_in, size = layout.n_in, problem.target.size
    misfit, slope, panel = at(tangent.misfit, 0), at(tangent.slope, 0), at(work.panel, 0)
    tangent.misfit[:] = 0.0
    pathways = layout.first.size - 1
    for h in range(pathways):
        first, stop = layout.first[h], layout.first[h + 1]
        moved = at(tangent.forward, layout.chain[first])
        set_scaled(1.0, at(direction, layout.start[first]), moved, layout.rows[first] * n_in)
        for layer in range(first + 1, stop):
            start, below = layout.start[layer], moved
            rows, cols = layout.rows[layer], layout.cols[layer]
            moved = at(tangent.forward, layout.chain[layer])
            value = at(work.forward, layout.chain[layer - 1])
            along, weights = at(direction, start), at(theta, start)
            times(along, value, moved, rows, cols, n_in, SET, panel)  # dA_l = V_l A_{l-1}
            times(weights, below, moved, rows, cols, n_in, ADD, panel)  # + W_l dA_{l-1}
        add_scaled(1.0, moved, misfit, size)
    slope_of(misfit, layout, problem, slope, panel)
    for h in range(pathways):
        first, last = layout.first[h], layout.first[h + 1] - 1
        moved_pull = at(tangent.backward, layout.chain[last])
        set_scaled(1.0, slope, moved_pull, size)
        for layer in range(last, first, -1):
            start, link = layout.start[layer], layout.chain[layer - 1]
            rows, cols = layout.rows[layer], layout.cols[layer]
            pull, below = at(work.backward, layout.chain[layer]), at(tangent.backward, link)
            along, weights = at(direction, start), at(theta, start)
            # dD_{l-1} = V_l^T D_l + W_l^T dD_l
            transposed_times(along, pull, below, cols, rows, n_in, SET, panel)
            transposed_times(weights, moved_pull, below, cols, rows, n_in, ADD, panel)
            turned, target = at(tangent.turned, link), at(out, start)
            transpose(at(tangent.forward, link), cols, n_in, turned)
            value = at(work.turned, link)
            times(moved_pull, value, target, rows, n_in, cols, SET, panel)  # out_l = dD_l A_{l-1}^T
            times(pull, turned, target, rows, n_in, cols, ADD, panel)  # + D_l dA_{l-1}^T
            moved_pull = below
        set_scaled(1.0, moved_pull, at(out, layout.start[first]), layout.rows[first] * n_in)
