"""Loops of the modes engine: aligned descents and flows, through many records in one call."""

import numpy as np

from simcore.kernels.dormand_prince import (
    ACCEPTED,
    LOSS,
    NOW,
    PENDING,
    REACHED,
    STAGES,
    STALLED,
    begin,
    judge,
    next_step,
    propose,
    row_of,
    state_at,
)
from simcore.kernels.modes import MOVE, STAY, evaluate, step_once
from simcore.kernels.ranges import extend
from simcore.kernels.records import where_it_is
from simcore.kernels.simd import at, copy, load, splat, store
from simcore.kernels.stamp import kernel

# --- Descent ---------------------------------------------------------------------------------


@kernel
def descend_through(gaps, x, system, limit, state, records):
    """Take gaps[k] steps x <- x - eta grad, at least one, then write record k, and so on; x and
    state (current on entry) are updated.

    Return how many steps kept the loss at or below `limit`; the one after them has left x diverged.
    """
    taken, loss = 0, 0.0
    scales, strands = x.size, state.strengths.size
    weights, strengths = at(x, 0), at(state.strengths, 0)
    for k in range(gaps.size):
        of_loss, of_strengths = at(records.loss_range, 2 * k), at(records.strengths_range, 0)
        of_strengths = at(of_strengths, 2 * k * strands)
        for _ in range(gaps[k]):
            loss = step_once(weights, system, state, MOVE)
            if not loss <= limit:
                return taken
            extend(of_loss, of_strengths, loss, strengths, strands)
            taken += 1
        records.loss[k] = loss
        copy(weights, at(records.x, k * scales), scales)
        copy(strengths, at(records.strengths, k * strands), strands)
    return taken


def descend(x, system, steps, limit, state, ranges):
    """`descend_through` by so many steps without a record; the ranges are widened."""
    here = where_it_is(x, state.strengths, ranges)
    return descend_through(np.array([steps]), x, system, limit, state, here)


# --- Gradient flow ---------------------------------------------------------------------------


@kernel
def _velocity(x, system, state, moving, out):
    """Write out = -grad at x, both pointers, 0 for pathways that do not move. Return the loss."""
    columns, first = system.target.size, system.first
    residual, pull = at(state.residual, 0), at(state.pull, 0)
    loss = step_once(x, system, state, STAY)
    for h in range(moving.size):
        for g in range(first[h], first[h + 1]):
            for c in range(0, columns, 4):
                n = g * columns + c
                back = splat(-1.0) * load(residual, c)
                store(out, n, back * load(pull, n) if moving[h] else splat(0.0))
    return loss


def flow_start(x, system, state, integrator, longest):
    """Let the integrator begin at x."""
    loss = evaluate(x, system, state)
    integrator.new[:] = x.ravel()
    moves = np.repeat(integrator.moving, np.diff(system.first))[:, None]
    integrator.stages[STAGES - 1] = np.where(moves, -state.residual * state.pull, 0.0).ravel()
    begin(integrator, loss, longest)


@kernel
def flow_through(goals, most, system, state, seen, integrator, rtol, longest, records):
    """Integrate until t >= goals[k], then write record k, and so on, for `most` accepted steps; at
    a record the state is evaluated into `seen`. The ranges take in the ends of steps alone.

    Return how many records there are, and REACHED, PENDING after `most` steps, or STALLED.
    """
    clock, counts, stages = integrator.clock, integrator.counts, integrator.stages
    trial, strengths = at(integrator.trial, 0), at(state.strengths, 0)
    scales, strands, last = integrator.new.size, seen.strengths.size, counts[ACCEPTED] + most
    for k in range(goals.size):
        of_loss, of_strengths = at(records.loss_range, 2 * k), at(records.strengths_range, 0)
        of_strengths = at(of_strengths, 2 * k * strands)
        if clock[NOW] <= goals[k] and not integrator.seen[0]:  # a step ended past the goal before
            extend(of_loss, of_strengths, clock[LOSS], strengths, strands)
        while clock[NOW] < goals[k]:
            if counts[ACCEPTED] >= last:
                return k, PENDING
            h, loss = next_step(integrator, longest), 0.0
            if h == 0.0:
                return k, STALLED
            for stage in range(1, STAGES):
                propose(integrator, stage, h)
                out = at(stages, row_of(stage) * scales)
                loss = _velocity(trial, system, state, integrator.moving, out)
            if judge(integrator, h, rtol, loss) and clock[NOW] <= goals[k]:
                extend(of_loss, of_strengths, loss, strengths, strands)
                integrator.seen[0] = True
        state_at(goals[k], integrator, records.x, k)
        records.loss[k] = step_once(at(records.x, k * scales), system, seen, STAY)
        copy(at(seen.strengths, 0), at(records.strengths, k * strands), strands)
        records.steps[k] = counts[ACCEPTED]
    return goals.size, REACHED
