"""The cells of a map: descents of one architecture, many at once, in the modes engine.

A column is one mode of one descent, so that a step moves several cells with one instruction.
"""

from typing import NamedTuple

import numpy as np

from simcore.kernels.modes import MOVE, update
from simcore.kernels.ranges import spread
from simcore.kernels.simd import at, load, splat, store, where_at_most
from simcore.kernels.stamp import inlined_kernel, kernel

BLOCK = np.int64(128)  # cells that go from record to record together, from the first-level cache
ONE_ROW = np.int64(1)  # NumPy's, because Numba would compile a function anew for each literal


class Cells(NamedTuple):
    """C descents of one architecture, each with its own step size, target and scales.

    The first index is the mode where there is one. `kept_...` are as they were at the last record
    of each cell.
    """

    step_size: np.ndarray  # (C,)
    limit: np.ndarray  # (C,) loss above which a run counts as diverged
    target: np.ndarray  # (R, C)
    x: np.ndarray  # (R, G, C)
    pull: np.ndarray  # (R, G, C)
    strengths: np.ndarray  # (R, H, C)
    residual: np.ndarray  # (R, C)
    loss: np.ndarray  # (C,)
    alive: np.ndarray  # (C,) 1.0 until the loss leaves the limit, then 0.0
    kept_x: np.ndarray  # (R, G, C)
    kept_strengths: np.ndarray  # (R, H, C)
    kept_loss: np.ndarray  # (C,)


class Table(NamedTuple):
    """The first M modes of C descents at K records; smallest and largest since the one before."""

    strengths: np.ndarray  # (K, M, H, C)
    low: np.ndarray  # (K, M, H, C)
    high: np.ndarray  # (K, M, H, C)


@inlined_kernel
def _step_together(cells, first, power, start, stop):
    """One step of the cells start to stop, with the operations of `mode_records.descend`."""
    modes, groups, columns = cells.x.shape
    layers, strands = groups * columns, cells.strengths.shape[1] * columns
    step_size, loss = at(cells.step_size, 0), at(cells.loss, 0)
    alive, limit = at(cells.alive, 0), at(cells.limit, 0)
    for c in range(start, stop, 4):
        total = splat(0.0)
        for i in range(modes):
            residual, target = at(cells.residual, i * columns), at(cells.target, i * columns)
            x, pull = at(cells.x, i * layers), at(cells.pull, i * layers)
            r, strengths = load(residual, c), at(cells.strengths, i * strands)
            r = update(c, r, x, pull, strengths, step_size, target, first, power, columns, MOVE)
            store(residual, c, r)
            total = total + splat(0.5) * (r * r)
        store(loss, c, total)
        still = where_at_most(total, load(limit, c), load(alive, c), splat(0.0))
        store(alive, c, still)


@kernel
def _keep(alive, values, kept, rows, columns, start, stop):
    """Write the values (rows, C) of the cells that are alive into kept."""
    for row in range(rows):
        for c in range(start, stop, 4):
            n = row * columns + c
            new = where_at_most(splat(0.5), load(alive, c), load(values, n), load(kept, n))
            store(kept, n, new)


@kernel
def _any_alive(alive, start, stop):
    living = 0.0
    for c in range(start, stop):
        living += alive[c]
    return living > 0.0


@kernel
def _to_record(cells, first, power, steps, table, k, start, stop):
    """Take `steps` steps of the cells start to stop and write record k of the table for them."""
    modes, groups, columns = cells.x.shape
    pathways = cells.strengths.shape[1]
    rows = table.low.shape[1] * pathways  # (M, H)
    alive, strengths = at(cells.alive, 0), at(cells.strengths, 0)
    low, high = at(table.low, k * rows * columns), at(table.high, k * rows * columns)
    for row in range(rows):
        for n in range(row * columns + start, row * columns + stop, 4):
            store(low, n, splat(np.inf))
            store(high, n, splat(-np.inf))
    for _ in range(steps):
        _step_together(cells, first, power, start, stop)
        for row in range(rows):
            n = row * columns + start
            spread(at(strengths, n), at(low, n), at(high, n), stop - start)
    record = at(table.strengths, k * rows * columns)
    for row in range(rows):
        for n in range(row * columns + start, row * columns + stop, 4):
            store(record, n, load(strengths, n))
    _keep(alive, at(cells.x, 0), at(cells.kept_x, 0), modes * groups, columns, start, stop)
    kept = at(cells.kept_strengths, 0)
    _keep(alive, strengths, kept, modes * pathways, columns, start, stop)
    _keep(alive, at(cells.loss, 0), at(cells.kept_loss, 0), ONE_ROW, columns, start, stop)


@kernel
def descend_many(cells, first, power, gaps, table):
    """`mode_records.descend` in every cell, bit for bit: gaps[k] steps, then record k of the table.

    `first` and `power` are those of a ModeSystem. Cells, current on entry, are updated and the
    table, K = len(gaps), is written; what is there of cells that are no longer alive has no
    meaning.
    """
    columns, alive = cells.alive.size, at(cells.alive, 0)
    for start in range(0, columns, BLOCK):
        stop = min(start + BLOCK, columns)
        for k in range(gaps.size):
            if not _any_alive(alive, start, stop):
                break
            _to_record(cells, first, power, gaps[k], table, k, start, stop)
