"""Loops of a descent that more than its gradient drives: some pathways sleep, the velocity has
memory, weights decay, labels are noisy, or the step size changes with every update.

With the target sigma* + delta xi_k that update k sees, g_k = grad L_k(theta) + mu theta, and of the
weights that move

    v <- beta v - eta_k g_k,   theta <- theta + v,   or Nesterov's theta + beta v - eta_k g_k.

What is recorded, and what ends a run, is the loss without noise and decay. With nothing of all that
these loops give the bits of `mode_records` and `matrices.descend_through`, which are faster.
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.matrices import backpropagate, slope_of
from simcore.kernels.matrices import evaluate as evaluate_weights
from simcore.kernels.modes import STAY, step_once
from simcore.kernels.products import add_scaled, set_scaled
from simcore.kernels.ranges import extend
from simcore.kernels.records import where_it_is
from simcore.kernels.simd import at, copy, load, splat, store
from simcore.kernels.stamp import inlined_kernel, kernel

ONE, NOTHING = np.float64(1.0), np.float64(0.0)
FIRST = np.int64(0)  # NumPy's, because Numba would compile a function anew for each literal


class Drive(NamedTuple):
    """What drives K updates."""

    step_sizes: np.ndarray  # (K,) eta_k
    shifts: np.ndarray  # (K, C) delta xi_k of each mode (padding: 0), or (0, C): no noise
    moving: np.ndarray  # (H,) bool, whether a pathway moves
    momentum: float  # beta
    nesterov: bool
    weight_decay: float  # mu


# --- Modes -----------------------------------------------------------------------------------


@inlined_kernel
def move_scales(x, velocity, system, state, drive, step):
    """The update number `step` of the layer scales x and their velocities, both pointers."""
    columns, first = system.target.size, system.first
    pull, residual, shifts = at(state.pull, 0), at(state.residual, 0), at(drive.shifts, 0)
    noisy = drive.shifts.shape[0] > 0
    back = splat(0.0) - splat(drive.step_sizes[step])
    decay, memory = back * splat(drive.weight_decay), splat(drive.momentum)
    for h in range(first.size - 1):
        if not drive.moving[h]:
            continue
        for g in range(first[h], first[h + 1]):
            for c in range(0, columns, 4):
                n = g * columns + c
                a, r = load(x, n), load(residual, c)
                if noisy:
                    r = r - load(shifts, step * columns + c)
                push = r * (back * load(pull, n)) + decay * a
                v = memory * load(velocity, n) + push
                store(velocity, n, v)
                if drive.nesterov:
                    v = memory * v + push
                store(x, n, a + v)


@kernel
def descend_modes_through(gaps, x, velocity, system, drive, limit, state, records):
    """Take the updates of `drive`, gaps[k] of them, at least one, then write record k, and so on;
    x, velocity (G, C) and state (current on entry) are updated. The step sizes of the system are
    not read.

    Return how many updates kept the loss at or below `limit`; the one after them has left x
    diverged.
    """
    taken, loss = FIRST, 0.0
    scales, strands = x.size, state.strengths.size
    strengths = at(state.strengths, 0)
    for k in range(gaps.size):
        of_loss, of_strengths = at(records.loss_range, 2 * k), at(records.strengths_range, 0)
        of_strengths = at(of_strengths, 2 * k * strands)
        for _ in range(gaps[k]):
            move_scales(at(x, 0), at(velocity, 0), system, state, drive, taken)
            loss = step_once(at(x, 0), system, state, STAY)
            if not loss <= limit:
                return taken
            extend(of_loss, of_strengths, loss, strengths, strands)
            taken += 1
        records.loss[k] = loss
        copy(at(x, 0), at(records.x, k * scales), scales)
        copy(strengths, at(records.strengths, k * strands), strands)
    return taken


def descend_modes(x, velocity, system, drive, limit, state, ranges):
    """`descend_modes_through` without a record; the ranges are widened."""
    here, gaps = where_it_is(x, state.strengths, ranges), np.array([len(drive.step_sizes)])
    return descend_modes_through(gaps, x, velocity, system, drive, limit, state, here)


# --- Matrices --------------------------------------------------------------------------------


@kernel
def _shift_target(layout, problem, work, shifts, step):
    """Make misfit and slope those of the target that update number `step` sees."""
    for i in range(shifts.shape[1]):
        work.misfit[i * (layout.n_in + 1)] -= shifts[step, i]
    slope_of(at(work.misfit, 0), layout, problem, at(work.slope, 0), at(work.panel, 0))


@kernel
def _keep_asleep(theta, velocity, layout, moving, before):
    """Give the pathways that do not move their weights of before, and no velocity."""
    for h in range(moving.size):
        if not moving[h]:
            start = layout.start[layout.first[h]]
            size = layout.start[layout.first[h + 1]] - start
            set_scaled(ONE, at(before, start), at(theta, start), size)
            set_scaled(NOTHING, at(before, start), at(velocity, start), size)


@kernel
def descend_matrices(
    gaps, theta, velocity, before, push, layout, problem, drive, limit, work, records
):
    """Take the updates of `drive`, gaps[k] of them, at least one, then write record k, and so on;
    theta, velocity and work (current on entry) are updated. `before` and `push`, as long as theta,
    are scratch.

    Return how many updates kept the loss at or below `limit`; the one after them has left theta
    diverged.
    """
    size, beta, strands = theta.size, drive.momentum, work.strengths.size
    weights, old, speed, pushed = at(theta, 0), at(before, 0), at(velocity, 0), at(push, 0)
    taken, loss = FIRST, 0.0
    for k in range(gaps.size):
        of_loss, of_strengths = at(records.loss_range, 2 * k), at(records.strengths_range, 0)
        of_strengths = at(of_strengths, 2 * k * strands)
        for _ in range(gaps[k]):
            back = -drive.step_sizes[taken]
            if drive.shifts.shape[0] > 0:
                _shift_target(layout, problem, work, drive.shifts, taken)
            set_scaled(ONE, weights, old, size)
            if beta > 0.0:
                for n in range(size):
                    push[n] = 0.0
                backpropagate(theta, layout, problem, work, back, push)
                add_scaled(back * drive.weight_decay, old, pushed, size)
                set_scaled(beta, speed, speed, size)
                add_scaled(ONE, pushed, speed, size)
                if drive.nesterov:
                    add_scaled(ONE, pushed, weights, size)
                    add_scaled(beta, speed, weights, size)
                else:
                    add_scaled(ONE, speed, weights, size)
            else:  # straight into theta, as `matrices.descend_through` does
                backpropagate(theta, layout, problem, work, back, theta)
                add_scaled(back * drive.weight_decay, old, weights, size)
            _keep_asleep(theta, velocity, layout, drive.moving, before)
            loss = evaluate_weights(theta, layout, problem, work)
            if not loss <= limit:
                return taken
            extend(of_loss, of_strengths, loss, at(work.strengths, 0), strands)
            taken += 1
        records.loss[k] = loss
        copy(weights, at(records.x, k * size), size)
        copy(at(work.strengths, 0), at(records.strengths, k * strands), strands)
    return taken
