"""Runs side by side, to see when they part: what single iterates owe to rounding."""

import numpy as np

from simcore.kernels.modes import MOVE, step_once
from simcore.kernels.ranges import widen
from simcore.kernels.simd import at
from simcore.kernels.stamp import kernel

FIRST, LAST = 0, 1


@kernel
def part(x, system, state, steps, limit, tolerance, alive, ranges, found):
    """Take `steps` steps and write at which step, counted from 1, the strengths of the first run
    and of any other first and last differ by more than their tolerance, found (2,); 0 where they
    never do.

    Column n R + i is mode i of run n, R = len(tolerance). x, state (current on entry) and ranges
    are updated; what is no longer `alive` (N,), as its loss was above its `limit` (N,), has no
    meaning.
    """
    pathways, modes, runs = state.strengths.shape[0], tolerance.size, alive.size
    strengths, residual = state.strengths, state.residual
    found[FIRST] = found[LAST] = 0
    for step in range(1, steps + 1):
        step_once(at(x, 0), system, state, MOVE)
        living = False
        for n in range(runs):
            loss = 0.0
            for c in range(n * modes, (n + 1) * modes):
                loss += 0.5 * residual[c] * residual[c]
            if not loss <= limit[n]:
                alive[n] = False
            living = living or alive[n]
        if not living:
            break
        widen(ranges, 0.0, strengths)
        if not alive[0]:
            continue
        apart = False
        for n in range(1, runs):
            if not alive[n]:
                apart = True
                continue
            for h in range(pathways):
                for i in range(modes):
                    off = abs(strengths[h, n * modes + i] - strengths[h, i])
                    apart = apart or off > tolerance[i]
        if apart:
            found[LAST] = np.int64(step)
            if found[FIRST] == 0:
                found[FIRST] = np.int64(step)
