"""Slow, obvious twins of the engine in plain numpy, sharing no code with it.

A chain of trust, each link checked against the one before (see test_kernels.py): `loss` is right by
inspection; its complex step is the derivative, exactly, as the loss is a polynomial; that checks
`gradient`, whose complex step gives `hessian_vector` and the dense `hessian`, whose `eigvalsh`
checks Lanczos and the block formulas of the modes engine.

Only what an experiment *is* comes from the project: sizes, bases and moments of its task. No
conjugation anywhere, so every function also takes complex weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import pairwise

import numpy as np

from simcore import Experiment

TINY = 1e-30  # of complex steps: its square is below any rounding


# --- The network -----------------------------------------------------------------------------


def layers(experiment: Experiment, theta: np.ndarray) -> list[list[np.ndarray]]:
    """theta cut into [pathway][layer], each (rows, cols), from input to output, row by row."""
    task, network = experiment.task, experiment.network
    width = max(task.n_in, task.n_out) if network.width is None else network.width
    pathways: list[list[np.ndarray]] = []
    at = 0
    for depth in network.depths:
        sizes = [task.n_in] + [width] * (depth - 1) + [task.n_out]
        pathways.append([])
        for cols, rows in pairwise(sizes):
            pathways[-1].append(theta[at : at + rows * cols].reshape(rows, cols))
            at += rows * cols
    assert at == len(theta)
    return pathways


def flat(pathways: list[list[np.ndarray]]) -> np.ndarray:
    """The way back from `layers`."""
    return np.concatenate([weights.ravel() for pathway in pathways for weights in pathway])


def size(experiment: Experiment) -> int:
    """N, the number of weights."""
    return sum(rows * cols for rows, cols in experiment.network.shapes(experiment.task))


def product(weights: list[np.ndarray], n: int) -> np.ndarray:
    """W_l ... W_1, the identity (n, n) if there are none."""
    return reduce(lambda below, w: w @ below, weights, np.eye(n))


def maps(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """Omega_h = W_{h,L_h} ... W_{h,1}, shape (H, n_out, n_in)."""
    n_in = experiment.task.n_in
    return np.array([product(pathway, n_in) for pathway in layers(experiment, theta)])


def strengths(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """sigma_{h,i} = u_i^T Omega_h v_i, shape (H, R)."""
    left, right = experiment.task.bases()
    return np.array([np.diag(left.T @ omega @ right) for omega in maps(experiment, theta)])


def aligned(experiment: Experiment, scales: list[np.ndarray]) -> np.ndarray:
    """Weights in the target's singular bases: layer l of pathway h carries scales[h][l] (R,)."""
    left, right = experiment.task.bases()
    theta = np.zeros(size(experiment))
    for pathway, rows in zip(layers(experiment, theta), scales, strict=True):
        for index, (weights, row) in enumerate(zip(pathway, rows, strict=True)):
            into = right if index == 0 else np.eye(weights.shape[1], len(row))
            out = left if index == len(pathway) - 1 else np.eye(weights.shape[0], len(row))
            weights[:] = out @ np.diag(row) @ into.T
    return theta


# --- Loss and derivatives --------------------------------------------------------------------


def sample_loss(total: np.ndarray, inputs: np.ndarray, outputs: np.ndarray) -> float:
    """1/(2N) sum ||y - M x||^2 over samples in rows."""
    return ((outputs - inputs @ total.T) ** 2).sum() / (2 * len(inputs))


def loss(experiment: Experiment, theta: np.ndarray) -> complex:
    """1/2 (tr M S_xx M^T - 2 tr M S_xy + tr S_yy)."""
    total = maps(experiment, theta).sum(axis=0)
    s_xx, s_yx, s_yy = experiment.task.moments()
    return 0.5 * (((total @ s_xx) * total).sum() - 2 * (total * s_yx).sum() + s_yy)


def gradient(
    experiment: Experiment, theta: np.ndarray, shift: np.ndarray | float = 0.0
) -> np.ndarray:
    """dL/dW_l = (W_L ... W_{l+1})^T (M S_xx - S_yx) (W_{l-1} ... W_1)^T, shape (N,), of a target
    map that is shifted."""
    s_xx, s_yx, _ = experiment.task.moments()
    slope = (maps(experiment, theta).sum(axis=0) - shift) @ s_xx - s_yx
    pieces = []
    for pathway in layers(experiment, theta):
        for index, weights in enumerate(pathway):
            above = product(pathway[index + 1 :], weights.shape[0])
            below = product(pathway[:index], experiment.task.n_in)
            pieces.append(above.T @ slope @ below.T)
    return flat([pieces])


def along(
    function: Callable, experiment: Experiment, theta: np.ndarray, v: np.ndarray
) -> np.ndarray:
    """The derivative of function(experiment, theta) along v, by a complex step."""
    return np.imag(function(experiment, theta + 1j * TINY * v)) / TINY


def hessian_vector(experiment: Experiment, theta: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The Hessian times v, shape (N,)."""
    return along(gradient, experiment, theta, v)


def hessian(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """The dense Hessian, shape (N, N), column by column."""
    return np.array([hessian_vector(experiment, theta, unit) for unit in np.eye(len(theta))]).T


def spectrum(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """All eigenvalues of the Hessian, largest first, shape (N,)."""
    dense = hessian(experiment, theta)
    return np.linalg.eigvalsh((dense + dense.T) / 2)[::-1]


# --- Dynamics --------------------------------------------------------------------------------


def descent(
    experiment: Experiment, theta: np.ndarray, step_size: float, steps: int
) -> Iterator[np.ndarray]:
    """theta, then theta after each step theta <- theta - eta grad L(theta)."""
    yield theta
    for _ in range(steps):
        theta = theta - step_size * gradient(experiment, theta)
        yield theta


def driven(experiment: Experiment, theta: np.ndarray) -> Iterator[np.ndarray]:
    """theta, then theta after each update of a descent with all that may drive it."""
    dynamics = experiment.dynamics
    velocity, eta = np.zeros_like(theta), dynamics.step_size
    (left, right), modes = experiment.task.bases(), len(experiment.task.singular_values)
    noise = np.random.default_rng(dynamics.seed)
    ramp_from = {}
    yield theta
    for k in range(dynamics.steps):
        theta, moving = theta.copy(), np.ones(len(theta))
        for event in dynamics.events:
            kind = type(event).__name__
            if kind == "StepSize" and event.at == k:
                eta = event.value
            if kind == "Ramp" and event.start <= k < event.stop:
                a = ramp_from.setdefault(event, eta if event.begin is None else event.begin)
                done = (k - event.start + 1) / (event.stop - event.start)
                eta = a + (event.value - a) * done
            if kind == "Kick" and event.at == k:
                pathway = layers(experiment, theta)[event.pathway]
                for weights in pathway:
                    weights *= event.factor ** (1 / len(pathway))
            if kind == "Jitter" and event.at == k:
                draw = np.random.default_rng(event.seed).standard_normal(len(theta))
                if experiment.resolved_engine == "modes":
                    draw = _diagonal_part(experiment, draw)
                theta += event.std * draw
            if kind == "Freeze" and event.start <= k and (event.stop is None or k < event.stop):
                for weights in layers(experiment, moving)[event.pathway]:
                    weights[:] = 0.0
        shift = dynamics.label_noise * left * noise.standard_normal(modes) @ right.T
        slope = gradient(experiment, theta, shift) + dynamics.weight_decay * theta
        velocity = moving * (dynamics.momentum * velocity - eta * slope)
        step = dynamics.momentum * velocity - eta * slope if dynamics.nesterov else velocity
        theta = theta + moving * step
        yield theta


def _diagonal_part(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """theta without what is off the diagonals in the target's singular bases."""
    left, right = experiment.task.bases()
    scales = []
    for pathway in layers(experiment, theta):
        turned = [weights.copy() for weights in pathway]
        turned[0] = turned[0] @ right
        turned[-1] = left.T @ turned[-1]
        scales.append(np.array([np.diag(weights)[: len(right.T)] for weights in turned]))
    return aligned(experiment, scales)


def imbalance(experiment: Experiment, theta: np.ndarray) -> list[np.ndarray]:
    """D_l = W_{l+1}^T W_{l+1} - W_l W_l^T of each hidden layer, pathway after pathway."""
    return [
        after.T @ after - before @ before.T
        for pathway in layers(experiment, theta)
        for before, after in pairwise(pathway)
    ]
