"""Gradient flow by SciPy's and diffrax's integrators, at a given tolerance."""

from __future__ import annotations

from collections.abc import Callable

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from peers_descent import gradient
from scipy.integrate import solve_ivp

Run = Callable[[], np.ndarray]


def with_scipy(
    w: np.ndarray, target: np.ndarray, times: np.ndarray, method: str, rtol: float
) -> Run:
    """solve_ivp with the NumPy gradient; the states at the times (K,), from 0."""

    def slope(_, flat):
        return -gradient(flat.reshape(w.shape), target, np.stack, np.broadcast_to).ravel()

    def run() -> np.ndarray:
        found = solve_ivp(
            slope,
            (0.0, times[-1]),
            w.ravel(),
            method=method,
            t_eval=times,
            rtol=rtol,
            atol=1e-3 * rtol,
        )
        return found.y.T.reshape(-1, *w.shape)

    return run


def with_diffrax(
    w: np.ndarray, target: np.ndarray, times: np.ndarray, method: str, rtol: float
) -> Run:
    """diffeqsolve, compiled, with its PID controller; the states at the times alone are saved."""
    goal, start, saved = jnp.array(target), jnp.array(w), diffrax.SaveAt(ts=jnp.array(times))
    term = diffrax.ODETerm(lambda _, x, __: -gradient(x, goal, jnp.stack, jnp.broadcast_to))
    solver = getattr(diffrax, method)()
    control = diffrax.PIDController(rtol=rtol, atol=1e-3 * rtol)

    @jax.jit
    def solve(x):
        found = diffrax.diffeqsolve(
            term,
            solver,
            0.0,
            times[-1],
            None,
            x,
            saveat=saved,
            stepsize_controller=control,
            max_steps=100_000,
        )
        return found.ys

    return lambda: np.array(solve(start))
