"""The cells of a map: descents of one architecture, many at once, in the modes engine.

A column is one mode of one descent, so that a step moves several cells with one instruction.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from simcore.kernels.modes import MOVE, update
from simcore.kernels.ranges import spread
from simcore.kernels.simd import (
    WIDE_LANES,
    at,
    copy,
    load_wide,
    padded,
    splat_like,
    store,
    where_at_most,
    zeros,
)
from simcore.kernels.stamp import inlined_kernel, kernel

# NumPy's, because Numba would compile a function anew for each literal.
BLOCK: Any = np.int64(128)  # cells that go from record to record together
ONE_ROW: Any = np.int64(1)


class Cells(NamedTuple):
    """C descents of one architecture, each with its own step size, target and scales.

    The first index is the mode where there is one. `kept_...` are as they were at the last record
    of each cell. All are views of rows of the board.
    """

    board: np.ndarray  # (rows of all, C)
    step_size: np.ndarray  # (C,)
    limit: np.ndarray  # (C,) loss above which a run counts as diverged
    loss: np.ndarray  # (C,)
    alive: np.ndarray  # (C,) 1.0 until the loss leaves the limit, then 0.0
    target: np.ndarray  # (R, C)
    residual: np.ndarray  # (R, C)
    x: np.ndarray  # (R, G, C)
    pull: np.ndarray  # (R, G, C)
    strengths: np.ndarray  # (R, H, C)
    low: np.ndarray  # (H, C) smallest and largest strengths of the first mode so far
    high: np.ndarray  # (H, C)
    kept_x: np.ndarray  # (R, G, C)
    kept_strengths: np.ndarray  # (R, H, C)
    kept_loss: np.ndarray  # (C,)


def room(modes: int, groups: int, pathways: int, cells: int) -> Cells:
    """Zeros for so many cells; the board has more, never alive, to fill the vectors."""
    columns = padded(cells, WIDE_LANES)
    layers, strands = (modes, groups), (modes, pathways)
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(Cells._fields[1:], ())
    shapes |= {"target": (modes,), "residual": (modes,), "low": (pathways,), "high": (pathways,)}
    shapes |= {"x": layers, "pull": layers, "strengths": strands}
    shapes |= {"kept_x": layers, "kept_strengths": strands}
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    board = zeros(ends[-1], columns)
    parts = zip(np.split(board, ends[:-1]), shapes.values(), strict=True)
    return Cells(board, *(rows.reshape(*shape, columns)[..., :cells] for rows, shape in parts))


@inlined_kernel
def _step_together(cells, first, power, size):
    """One step of the first cells, so many, with the operations of `mode_records.descend`."""
    modes, groups, _ = cells.x.shape
    pathways = cells.low.shape[0]
    step_size, loss = at(cells.step_size, 0), at(cells.loss, 0)
    alive, limit = at(cells.alive, 0), at(cells.limit, 0)
    for c in range(0, size, WIDE_LANES):
        still = load_wide(alive, c)
        total = splat_like(still, 0.0)
        for i in range(modes):
            residual, target = at(cells.residual, i * BLOCK), at(cells.target, i * BLOCK)
            x, pull = at(cells.x, i * groups * BLOCK), at(cells.pull, i * groups * BLOCK)
            r, strengths = load_wide(residual, c), at(cells.strengths, i * pathways * BLOCK)
            r = update(c, r, x, pull, strengths, step_size, target, first, power, BLOCK, MOVE)
            store(residual, c, r)
            total = total + splat_like(r, 0.5) * (r * r)
        store(loss, c, total)
        store(alive, c, where_at_most(total, load_wide(limit, c), still, splat_like(still, 0.0)))


@kernel
def _keep(alive, values, kept, rows, size):
    """Write the values (rows, BLOCK) of the first cells, so many, that are alive into kept."""
    for row in range(0, rows * BLOCK, BLOCK):
        for c in range(0, size, WIDE_LANES):
            n, living = row + c, load_wide(alive, c)
            half = splat_like(living, 0.5)
            store(kept, n, where_at_most(half, living, load_wide(values, n), load_wide(kept, n)))


@inlined_kernel
def _any_alive(alive, size):
    living = 0.0
    for c in range(size):
        living += alive[c]
    return living > 0.0


@inlined_kernel
def _carry(source, source_columns, goal, goal_columns, rows, size):
    """Copy so many columns of all rows, pointers to the first of them."""
    for row in range(rows):
        copy(at(source, row * source_columns), at(goal, row * goal_columns), size)


@kernel
def descend_many(board, desk, first, power, gaps):
    """`mode_records.descend` in every cell of the board, bit for bit: gaps[k] steps, then what is
    alive is kept, and so on.

    `first` and `power` are those of a ModeSystem; the board, current on entry, is updated. What is
    there of cells that are no longer alive has no meaning but what is kept. Cells move to the desk,
    `room` for BLOCK, for all their steps: rows of a large board would push each other out of the
    first-level cache.
    """
    rows, columns = board.shape
    modes, groups, _ = desk.x.shape
    pathways = desk.low.shape[0]
    alive, strengths = at(desk.alive, 0), at(desk.strengths, 0)
    for start in range(0, columns, BLOCK):
        size = min(BLOCK, columns - start)
        _carry(at(board, start), columns, at(desk.board, 0), BLOCK, rows, size)
        for k in range(gaps.size):
            if not _any_alive(alive, size):
                break
            for _ in range(gaps[k]):
                _step_together(desk, first, power, size)
                if size == BLOCK:
                    spread(strengths, at(desk.low, 0), at(desk.high, 0), pathways * BLOCK)
                    continue
                for n in range(0, pathways * BLOCK, BLOCK):
                    spread(at(strengths, n), at(desk.low, n), at(desk.high, n), size)
            _keep(alive, at(desk.x, 0), at(desk.kept_x, 0), modes * groups, size)
            _keep(alive, strengths, at(desk.kept_strengths, 0), modes * pathways, size)
            _keep(alive, at(desk.loss, 0), at(desk.kept_loss, 0), ONE_ROW, size)
        _carry(at(desk.board, 0), BLOCK, at(board, start), columns, rows, size)


def descend(cells: Cells, first: np.ndarray, power: np.ndarray, gaps: np.ndarray) -> None:
    """`descend_many` of these cells."""
    modes, groups, _ = cells.x.shape
    desk = room(modes, groups, len(cells.low), int(BLOCK))
    descend_many(cells.board, desk, first, power, gaps)
