"""Aligned runs through many records in one call.

To come from one record to the next takes a few operations, and a call from Python a few
microseconds; besides, each call lets go of Python's lock, which others then have first.
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.dormand_prince import ACCEPTED, PENDING, REACHED, state_at
from simcore.kernels.modes import descend, evaluate, flow
from simcore.kernels.ranges import LOW, widen
from simcore.kernels.stamp import kernel


class Records(NamedTuple):
    """Room for K records of an aligned run, arrays as in `modes` and `ranges`."""

    steps: np.ndarray  # (K,) int64, accepted by the flow's integrator
    x: np.ndarray  # (K, G, C)
    loss: np.ndarray  # (K,) without the floor
    strengths: np.ndarray  # (K, H, C)
    loss_range: np.ndarray  # (K, 2)
    strengths_range: np.ndarray  # (K, 2, H, C)


def room(records, x, state):
    """Room for so many of a run at x, whose state is evaluated into `state`."""
    (groups, columns), pathways = x.shape, len(state.strengths)
    return Records(
        np.zeros(records, np.int64),
        np.zeros((records, groups, columns)),
        np.zeros(records),
        np.zeros((records, pathways, columns)),
        np.zeros((records, 2)),
        np.zeros((records, 2, pathways, columns)),
    )


@kernel
def keep(k, x, system, seen, ranges, records):
    """Write record k, the state x; the ranges take it in and start anew."""
    loss = evaluate(x, system, seen)
    widen(ranges, loss, seen.strengths)
    records.loss[k] = loss
    groups, columns = x.shape
    for g in range(groups):
        for c in range(columns):
            records.x[k, g, c] = x[g, c]
    for end in range(2):
        nothing = np.inf if end == LOW else -np.inf
        records.loss_range[k, end] = ranges.loss[end]
        ranges.loss[end] = nothing
        for h in range(seen.strengths.shape[0]):
            for c in range(columns):
                records.strengths_range[k, end, h, c] = ranges.strengths[end, h, c]
                ranges.strengths[end, h, c] = nothing
    for h in range(seen.strengths.shape[0]):
        for c in range(columns):
            records.strengths[k, h, c] = seen.strengths[h, c]


@kernel
def descend_through(gaps, x, system, limit, state, seen, ranges, records):
    """`modes.descend` by as many steps as `gaps` (K,) says, with a record after each. Return how
    many records there are before the loss blew up."""
    for k in range(gaps.size):
        if descend(x, system, gaps[k], limit, state, ranges) < gaps[k]:
            return k
        keep(k, x, system, seen, ranges, records)
    return gaps.size


@kernel
def flow_through(
    goals, most, x, flat, system, state, seen, integrator, ranges, rtol, longest, records
):
    """`modes.flow` to each of the goals (K,), with a record at each; `flat` is x as one row. Return
    how many records there are, and REACHED, PENDING after `most` steps and more, or STALLED."""
    counts = integrator.counts
    last = counts[ACCEPTED] + most
    for k in range(goals.size):
        if counts[ACCEPTED] >= last:
            return k, PENDING
        status = flow(goals[k], most, system, state, integrator, ranges, rtol, longest)
        if status != REACHED:
            return k, status
        state_at(goals[k], integrator, flat)
        keep(k, x, system, seen, ranges, records)
        records.steps[k] = counts[ACCEPTED]
    return goals.size, REACHED
