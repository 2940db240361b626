"""Slow, obvious twins of the network that is seen sample by sample, in plain numpy.

As in `naive`: the loss is right by inspection, its complex step is the gradient, whose complex step
is the Hessian. tanh is analytic; ReLU asks for the real part.
"""

from __future__ import annotations

from collections.abc import Iterator

import naive
import numpy as np

from simcore import Experiment

PHI = {
    "linear": lambda a: a,
    "tanh": np.tanh,
    "relu": lambda a: np.where(a.real > 0, a, 0.0),
}
SLOPE = {
    "linear": lambda a: np.ones_like(a),
    "tanh": lambda a: 1 / np.cosh(a) ** 2,
    "relu": lambda a: np.where(a.real > 0, 1.0, 0.0),
}


def forward(experiment: Experiment, pathway: list[np.ndarray]) -> list[tuple[np.ndarray, ...]]:
    """(z_{l-1}, a_l, phi(a_l), phi'(a_l)) of each layer, for all samples."""
    network, (z, _, _) = experiment.network, experiment.task.samples()
    passed = []
    for number, weights in enumerate(pathway, start=1):
        bent = number < len(pathway) or network.activate_last
        name = network.activation if bent else "linear"
        a = weights @ z
        passed.append((z, a, PHI[name](a), SLOPE[name](a)))
        z = PHI[name](a)
    return passed


def outputs(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """F_h, (H, n_out, N)."""
    pathways = naive.layers(experiment, theta)
    return np.array([forward(experiment, pathway)[-1][2] for pathway in pathways])


def maps(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """Of all linear maps those that come nearest to what pathways do to the samples."""
    inputs = experiment.task.samples()[0]
    return np.array(
        [
            np.linalg.lstsq(inputs.T, given.T, rcond=None)[0].T
            for given in outputs(experiment, theta)
        ]
    )


def strengths(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """u_i^T F_h X^+ v_i, (H, R)."""
    left, right = experiment.task.bases()
    return np.array([np.diag(left.T @ nearest @ right) for nearest in maps(experiment, theta)])


def loss(experiment: Experiment, theta: np.ndarray) -> complex:
    """c/2 sum_n ||f(x_n) - y_n||^2."""
    _, wanted, share = experiment.task.samples()
    return 0.5 * share * ((outputs(experiment, theta).sum(axis=0) - wanted) ** 2).sum()


def gradient(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """By the chain rule, layer by layer."""
    _, wanted, share = experiment.task.samples()
    error = share * (outputs(experiment, theta).sum(axis=0) - wanted)
    pieces = []
    for pathway in naive.layers(experiment, theta):
        pull, found = error, []
        for weights, (z, _, _, slope) in zip(
            reversed(pathway), reversed(forward(experiment, pathway)), strict=True
        ):
            pull = pull * slope
            found.append(pull @ z.T)
            pull = weights.T @ pull
        pieces += found[::-1]
    return naive.flat([pieces])


def hessian_vector(experiment: Experiment, theta: np.ndarray, v: np.ndarray) -> np.ndarray:
    return naive.along(gradient, experiment, theta, v)


def hessian(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """The dense Hessian, column by column."""
    return np.array([hessian_vector(experiment, theta, unit) for unit in np.eye(len(theta))]).T


def descent(experiment: Experiment, theta: np.ndarray) -> Iterator[np.ndarray]:
    """theta, then theta after each step; with momentum and weight decay, if there are any."""
    dynamics, velocity = experiment.dynamics, np.zeros_like(theta)
    yield theta
    for _ in range(dynamics.steps):
        slope = gradient(experiment, theta) + dynamics.weight_decay * theta
        velocity = dynamics.momentum * velocity - dynamics.step_size * slope
        theta = theta + velocity
        yield theta
