"""The network seen sample by sample: forward, backward, and how the gradient moves.

A pathway maps the columns of X (n_in, N) by z_0 = X, a_l = W_l z_{l-1}, z_l = phi(a_l), with phi
after every layer but the last, or after that too; what it gives is F_h = z_{L_h}. The loss is
c/2 ||sum_h F_h - Y||^2 with c the share of a sample. Backwards d = c (sum_h F_h - Y), times phi'
where there is phi, dL/dW_l = d z_{l-1}^T, and W_l^T d goes on to the layer below.

These are what `matrices` calls where `Problem.samples` is in use; arrays are laid out as there,
with N columns in each chain.
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.activations import activate, add_bend, times_slope
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
from simcore.kernels.simd import at, fma, load, splat, store
from simcore.kernels.stamp import inner_kernel, kernel


class Samples(NamedTuple):
    """What a network with activations is shown; Y is `Problem.target`."""

    used: bool  # False: the loss is that of the map M alone, nothing below is read
    activation: int  # `activations.LINEAR`, TANH or RELU
    after_last: bool  # whether phi comes after the last layer, too
    units: bool  # X = 1, which need not be multiplied by
    share: float  # c
    inputs: np.ndarray  # (n_in * N,) X
    turned: np.ndarray  # (N * n_in,) X^T
    left: np.ndarray  # (n_out * R,) U
    right: np.ndarray  # (N * R,) X^+ V


@kernel
def _strengths(outputs, size, count, samples, strengths, h):
    """strengths[h] = diag(U^T F_h X^+ V)."""
    modes = strengths.shape[1]
    left, right, row = at(samples.left, 0), at(samples.right, 0), at(strengths, h * modes)
    for i in range(0, modes, 4):
        total = splat(0.0)
        for o in range(size // count):
            along = splat(0.0)
            for n in range(count):
                along = fma(splat(outputs[o * count + n]), load(right, n * modes + i), along)
            total = fma(along, load(left, o * modes + i), total)
        store(row, i, total)


@inner_kernel
def evaluate_samples(theta, layout, problem, work):
    """Read theta; write work.forward (the z_l), misfit, slope, strengths. Return the loss."""
    samples, count, size = problem.samples, layout.n_in, problem.target.size
    misfit, slope, panel = at(work.misfit, 0), at(work.slope, 0), at(work.panel, 0)
    set_scaled(-1.0, at(problem.target, 0), misfit, size)
    for h in range(work.strengths.shape[0]):
        first, last = layout.first[h], layout.first[h + 1] - 1
        below = at(samples.inputs, 0)
        for layer in range(first, last + 1):
            weights, rows, cols = (
                at(theta, layout.start[layer]),
                layout.rows[layer],
                layout.cols[layer],
            )
            value = at(work.forward, layout.chain[layer])
            if layer == first and samples.units:
                set_scaled(1.0, weights, value, rows * count)
            else:
                times(weights, below, value, rows, cols, count, SET, panel)  # a_l = W_l z_{l-1}
            if layer < last or samples.after_last:
                activate(samples.activation, value, rows * count)
            below = value
        add_scaled(1.0, below, misfit, size)
        _strengths(below, size, count, samples, work.strengths, h)
    if not problem.whitened:
        set_scaled(samples.share, misfit, slope, size)
    return 0.5 * dot(misfit, slope, size)


@inner_kernel
def backpropagate_samples(theta, layout, problem, work, scale, out):
    """out += scale * grad at theta, as `matrices.backpropagate`; work.backward holds `scale` times
    the d_l, each with its phi'."""
    samples, count, panel = problem.samples, layout.n_in, at(work.panel, 0)
    for h in range(layout.first.size - 1):
        first, last = layout.first[h], layout.first[h + 1] - 1
        pull, size = at(work.backward, layout.chain[last]), layout.rows[last] * count
        set_scaled(scale, at(work.slope, 0), pull, size)
        if samples.after_last:
            times_slope(samples.activation, at(work.forward, layout.chain[last]), pull, size)
        for layer in range(last, first, -1):
            start, link = layout.start[layer], layout.chain[layer - 1]
            rows, cols = layout.rows[layer], layout.cols[layer]
            below, turned = at(work.backward, link), at(work.turned, link)
            value, gradient = at(work.forward, link), at(out, start)
            # W_l^T d, before W_l may be overwritten
            transposed_times(at(theta, start), pull, below, cols, rows, count, SET, panel)
            times_slope(samples.activation, value, below, cols * count)
            transpose(value, cols, count, turned)
            times(pull, turned, gradient, rows, count, cols, ADD, panel)  # d z_{l-1}^T
            pull = below
        rows, cols, gradient = layout.rows[first], layout.cols[first], at(out, layout.start[first])
        if samples.units:
            add_scaled(1.0, pull, gradient, rows * cols)
        else:
            times(pull, at(samples.turned, 0), gradient, rows, count, cols, ADD, panel)


@inner_kernel
def move_samples(theta, layout, problem, work, tangent, direction):
    """Write how the network moves along V: tangent.forward the Rz_l, tangent.turned the Ra_l, and
    tangent.misfit their sum at the end.

    Ra_l = V_l z_{l-1} + W_l Rz_{l-1}, Rz_l = phi' Ra_l (Pearlmutter's R-operator).
    """
    samples, count, panel = problem.samples, layout.n_in, at(work.panel, 0)
    tangent.misfit[:] = 0.0
    for h in range(layout.first.size - 1):
        first, last = layout.first[h], layout.first[h + 1] - 1
        below, moved_below = at(samples.inputs, 0), at(tangent.forward, layout.chain[first])
        for layer in range(first, last + 1):
            start, link = layout.start[layer], layout.chain[layer]
            rows, cols = layout.rows[layer], layout.cols[layer]
            value, moved, raw = (
                at(work.forward, link),
                at(tangent.forward, link),
                at(tangent.turned, link),
            )
            along = at(direction, start)
            if layer == first and samples.units:
                set_scaled(1.0, along, raw, rows * count)
            else:
                times(along, below, raw, rows, cols, count, SET, panel)
            if layer > first:
                times(at(theta, start), moved_below, raw, rows, cols, count, ADD, panel)
            set_scaled(1.0, raw, moved, rows * count)
            if layer < last or samples.after_last:
                times_slope(samples.activation, value, moved, rows * count)
            below, moved_below = value, moved
        add_scaled(1.0, moved_below, at(tangent.misfit, 0), problem.target.size)


@inner_kernel
def hessian_vector_of_samples(theta, layout, problem, work, tangent, direction, out):
    """Write out = Hessian times direction (that of almost everywhere, for ReLU), as
    `matrices.hessian_vector`.

    Backwards Rd <- phi' Rd + phi'' d Ra, out_l = Rd z_{l-1}^T + d Rz_{l-1}^T, and
    V_l^T d + W_l^T Rd goes on to the layer below.
    """
    samples, count, panel = problem.samples, layout.n_in, at(work.panel, 0)
    activation = samples.activation
    move_samples(theta, layout, problem, work, tangent, direction)
    slope = at(tangent.slope, 0)
    if not problem.whitened:
        set_scaled(samples.share, at(tangent.misfit, 0), slope, problem.target.size)
    for h in range(layout.first.size - 1):
        first, last = layout.first[h], layout.first[h + 1] - 1
        end, size = layout.chain[last], layout.rows[last] * count
        pull, moved_pull = at(work.backward, end), at(tangent.backward, end)
        set_scaled(1.0, slope, moved_pull, size)
        if samples.after_last:
            value = at(work.forward, end)
            times_slope(activation, value, moved_pull, size)
            add_bend(activation, value, pull, at(tangent.turned, end), moved_pull, size)
        for layer in range(last, first, -1):
            start, link = layout.start[layer], layout.chain[layer - 1]
            rows, cols = layout.rows[layer], layout.cols[layer]
            along, weights, target = at(direction, start), at(theta, start), at(out, start)
            value, turned = at(work.forward, link), at(tangent.turned, link)
            below, moved_below = at(work.backward, link), at(tangent.backward, link)
            transposed_times(along, pull, moved_below, cols, rows, count, SET, panel)
            transposed_times(weights, moved_pull, moved_below, cols, rows, count, ADD, panel)
            times_slope(activation, value, moved_below, cols * count)
            add_bend(activation, value, below, turned, moved_below, cols * count)
            # the Ra that lay here have been used
            transpose(at(tangent.forward, link), cols, count, turned)
            times(moved_pull, at(work.turned, link), target, rows, count, cols, SET, panel)
            times(pull, turned, target, rows, count, cols, ADD, panel)
            pull, moved_pull = below, moved_below
        rows, cols, target = layout.rows[first], layout.cols[first], at(out, layout.start[first])
        if samples.units:
            set_scaled(1.0, moved_pull, target, rows * cols)
        else:
            times(moved_pull, at(samples.turned, 0), target, rows, count, cols, SET, panel)
