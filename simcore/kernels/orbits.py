"""Long runs of one balanced mode past the edge: where they end and whether they are chaotic."""

import numpy as np

from simcore.kernels.modes import raised
from simcore.kernels.stamp import allocating_kernel, kernel


@kernel
def _residual(w, depths, target):
    r = -target
    for h in range(w.size):
        r += raised(w[h], depths[h])
    return r


@kernel
def _step(w, v, depths, eta, r):
    """One step of the weights w (H,) and of v (H,) under J. Return ||J v||; v is left with
    length 1."""
    # J v: the residual moves by dr = sum_h L_h w_h^{L_h-1} v_h
    dr = 0.0
    for h in range(w.size):
        dr += depths[h] * raised(w[h], depths[h] - 1) * v[h]
    norm = 0.0
    for h in range(w.size):
        pull = raised(w[h], depths[h] - 1)
        bend = 0.0
        if depths[h] > 1:
            bend = (depths[h] - 1) * raised(w[h], depths[h] - 2)
        v[h] -= eta * (pull * dr + bend * r * v[h])
        w[h] -= eta * pull * r
        norm += v[h] ** 2
    norm = np.sqrt(norm)
    if norm > 0.0:
        for h in range(w.size):
            v[h] /= norm
    return norm


@kernel
def _orbit(w, v, depths, target, eta, transient, strengths):
    """Write strengths (kept, H) of the steps after the transient, nan if the orbit diverges; return
    the growth over them."""
    growth = 0.0
    for step in range(transient + strengths.shape[0]):
        r = _residual(w, depths, target)
        if not abs(r) < 1e6 * (1.0 + abs(target)):
            strengths[:] = np.nan
            return np.nan
        norm = _step(w, v, depths, eta, r)
        if step >= transient:
            growth += np.log(max(norm, 1e-300))
            for h in range(w.size):
                strengths[step - transient, h] = raised(w[h], depths[h])
    return growth


@allocating_kernel
def orbits(starts, depths, target, step_sizes, transient, strengths, lyapunov):
    """Orbits of one balanced mode at many step sizes, w_h <- w_h - eta w_h^{L_h-1} r.

    starts (E, H) are the w_h, depths (H,) int64. After `transient` steps, write the following
    strengths (E, kept, H) and lyapunov (E,), the mean growth ln ||J v|| of a tangent vector under
    J = 1 - eta Hessian over the kept steps; nan where the orbit diverges.
    """
    count, kept, pathways = strengths.shape
    w = np.empty(pathways)
    v = np.empty(pathways)
    for e in range(count):
        for h in range(pathways):
            w[h] = starts[e, h]
            v[h] = 1.0 + 0.1 * h  # along no symmetry of the pathways
        growth = _orbit(w, v, depths, target, step_sizes[e], transient, strengths[e])
        lyapunov[e] = growth / kept
