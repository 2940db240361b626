"""Two runs side by side, to see when they part: what single iterates owe to rounding."""

import numpy as np

from simcore.kernels.modes import MOVE, step_once
from simcore.kernels.simd import at
from simcore.kernels.stamp import kernel

FIRST, LAST = 0, 1


@kernel
def part(x, system, state, steps, limit, tolerance, found):
    """Take `steps` steps and write at which step, counted from 1, the strengths of twin columns
    first and last differ by more than their tolerance, found (2,); 0 where they never do.

    Column c + R is the twin of column c, R = len(tolerance). x and state (current on entry) are
    updated. Return how many steps kept the loss of both at or below `limit`.
    """
    pathways, modes = state.strengths.shape[0], tolerance.size
    found[FIRST] = found[LAST] = 0
    for step in range(1, steps + 1):
        loss = step_once(at(x, 0), system, state, MOVE)
        if not loss <= limit:
            return step - 1
        for h in range(pathways):
            for c in range(modes):
                apart = abs(state.strengths[h, c] - state.strengths[h, c + modes])
                if apart > tolerance[c]:
                    found[LAST] = np.int64(step)
                    if found[FIRST] == 0:
                        found[FIRST] = np.int64(step)
    return steps
