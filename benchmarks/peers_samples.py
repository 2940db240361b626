"""A step of gradient descent of pathways with tanh, as a user would write it in PyTorch and JAX.

Weights are lists of pathways of matrices; X = 1, so that the first layer's outputs are tanh of its
weights. Every function takes `steps` steps and returns all weights, flat. Where there are several
natural ways, all are here and the benchmark keeps the fastest.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import lax

jax.config.update("jax_enable_x64", True)

Run = Callable[[], np.ndarray]
Pathways = list[list[np.ndarray]]


def _slopes(pathways, target, tanh):
    """By hand, for both libraries: d z_{l-1}^T."""
    values = []
    for pathway in pathways:
        z = [tanh(pathway[0])]
        for weights in pathway[1:-1]:
            z.append(tanh(weights @ z[-1]))
        values.append([*z, pathway[-1] @ z[-1]])
    error = sum(z[-1] for z in values) - target
    found = []
    for pathway, z in zip(pathways, values, strict=True):
        pull, slopes = error, []
        for layer in range(len(pathway) - 1, 0, -1):
            below = z[layer - 1]
            slopes.append(pull @ below.T)
            pull = (pathway[layer].T @ pull) * (1 - below * below)
        found.append([pull, *slopes[::-1]])
    return found


def _loss(pathways, target, tanh):
    total = -target
    for pathway in pathways:
        z = tanh(pathway[0])
        for weights in pathway[1:-1]:
            z = tanh(weights @ z)
        total = total + pathway[-1] @ z
    return 0.5 * (total**2).sum()


def _flat(pathways) -> np.ndarray:
    return np.concatenate([np.asarray(w).ravel() for pathway in pathways for w in pathway])


def with_torch(start: Pathways, target: np.ndarray, eta: float, steps: int) -> dict[str, Run]:
    """Eager, by hand and with autograd."""
    goal = torch.tensor(target)

    def copies() -> list[list[torch.Tensor]]:
        return [[torch.tensor(w) for w in pathway] for pathway in start]

    def by_hand() -> np.ndarray:
        pathways = copies()
        with torch.no_grad():
            for _ in range(steps):
                slopes = _slopes(pathways, goal, torch.tanh)
                for pathway, of_pathway in zip(pathways, slopes, strict=True):
                    for weights, slope in zip(pathway, of_pathway, strict=True):
                        weights.sub_(slope, alpha=eta)
        return _flat(pathways)

    def autograd() -> np.ndarray:
        pathways = copies()
        every = [w.requires_grad_() for pathway in pathways for w in pathway]
        for _ in range(steps):
            slopes = torch.autograd.grad(_loss(pathways, goal, torch.tanh), every)
            with torch.no_grad():
                for weights, slope in zip(every, slopes, strict=True):
                    weights.sub_(slope, alpha=eta)
        return _flat([[w.detach() for w in pathway] for pathway in pathways])

    return {"by hand": by_hand, "autograd": autograd}


def with_jax(start: Pathways, target: np.ndarray, eta: float, steps: int) -> dict[str, Run]:
    """lax.scan over steps, compiled: by hand and jax.grad."""
    goal = jnp.array(target)
    lists = [[jnp.array(w) for w in pathway] for pathway in start]

    def scanned(slopes) -> Run:
        def step(x, _):
            return jax.tree.map(lambda a, g: a - eta * g, x, slopes(x)), None

        run = jax.jit(lambda x: lax.scan(step, x, None, length=steps)[0])
        return lambda: _flat(jax.block_until_ready(run(lists)))

    return {
        "by hand": scanned(lambda x: _slopes(x, goal, jnp.tanh)),
        "jax.grad": scanned(jax.grad(lambda x: _loss(x, goal, jnp.tanh))),
    }
