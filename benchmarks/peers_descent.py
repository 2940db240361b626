"""A step of gradient descent as a user would write it in NumPy, PyTorch and JAX.

Weights are stacked as W (H, L, n, n); every function takes `steps` steps and returns the last W.
Where there are several natural ways, all are here and the benchmark keeps the fastest.
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


USUAL = "jax.grad of lists"  # the variant that most people write; the fastest is another


def gradient(w, target, stack, spread):
    """By hand, for any of the three libraries: D_l A_{l-1}^T with stacks of pathways."""
    depth = w.shape[1]
    chain = [w[:, 0]]
    for layer in range(1, depth):
        chain.append(w[:, layer] @ chain[-1])
    pull = spread(chain[-1].sum(0) - target, chain[-1].shape)
    parts = [pull] * depth
    for layer in range(depth - 1, 0, -1):
        parts[layer] = pull @ chain[layer - 1].swapaxes(1, 2)
        pull = w[:, layer].swapaxes(1, 2) @ pull
    parts[0] = pull
    return stack(parts, 1)


def _loss(w, target):
    chain = w[:, 0]
    for layer in range(1, w.shape[1]):
        chain = w[:, layer] @ chain
    return 0.5 * ((chain.sum(0) - target) ** 2).sum()


def _loss_of_lists(pathways, target):
    total = -target
    for pathway in pathways:
        chain = pathway[0]
        for weights in pathway[1:]:
            chain = weights @ chain
        total = total + chain
    return 0.5 * (total**2).sum()


def with_numpy(w: np.ndarray, target: np.ndarray, step_size: float, steps: int) -> dict[str, Run]:
    """Stacked products, and a plain loop over pathways."""

    def stacked() -> np.ndarray:
        x = w.copy()
        for _ in range(steps):
            x -= step_size * gradient(x, target, np.stack, np.broadcast_to)
        return x

    def looped() -> np.ndarray:
        x = w.copy()
        for _ in range(steps):
            chains = []
            for pathway in x:
                chain = [pathway[0]]
                for weights in pathway[1:]:
                    chain.append(weights @ chain[-1])
                chains.append(chain)
            slope = step_size * (sum(chain[-1] for chain in chains) - target)
            for pathway, chain in zip(x, chains, strict=True):
                pull = slope
                for layer in range(len(chain) - 1, 0, -1):
                    below = pathway[layer].T @ pull
                    pathway[layer] -= pull @ chain[layer - 1].T
                    pull = below
                pathway[0] -= pull
        return x

    return {"stacked": stacked, "looped": looped}


def with_torch(w: np.ndarray, target: np.ndarray, step_size: float, steps: int) -> dict[str, Run]:
    """Eager, by hand and with autograd."""
    start, goal = torch.tensor(w), torch.tensor(target)

    def by_hand() -> np.ndarray:
        x = start.clone()
        with torch.no_grad():
            for _ in range(steps):
                x -= step_size * gradient(x, goal, torch.stack, torch.broadcast_to)
        return x.numpy()

    def autograd() -> np.ndarray:
        x = start.clone().requires_grad_()
        for _ in range(steps):
            (slope,) = torch.autograd.grad(_loss(x, goal), x)
            with torch.no_grad():
                x -= step_size * slope
        return x.detach().numpy()

    return {"by hand": by_hand, "autograd": autograd}


def with_jax(w: np.ndarray, target: np.ndarray, step_size: float, steps: int) -> dict[str, Run]:
    """lax.scan over steps, compiled: by hand and jax.grad, stacked and as lists of matrices."""
    goal, start = jnp.array(target), jnp.array(w)
    lists = [[start[h, layer] for layer in range(w.shape[1])] for h in range(w.shape[0])]

    def scanned(slope):
        def step(x, _):
            return jax.tree.map(lambda a, g: a - step_size * g, x, slope(x)), None

        return jax.jit(lambda x: lax.scan(step, x, None, length=steps)[0])

    by_hand = scanned(lambda x: gradient(x, goal, jnp.stack, jnp.broadcast_to))
    stacked = scanned(jax.grad(lambda x: _loss(x, goal)))
    listed = scanned(jax.grad(lambda x: _loss_of_lists(x, goal)))

    def of_lists() -> np.ndarray:
        return np.array(jax.block_until_ready(listed(lists)))

    return {
        "by hand": lambda: np.array(by_hand(start)),
        "jax.grad": lambda: np.array(stacked(start)),
        USUAL: of_lists,
    }


def modes_with_jax(
    w: np.ndarray, depth: int, target: np.ndarray, step_size: float, steps: int
) -> Run:
    """w (R, H) <- w - eta w^{L-1} (sum_h w^L - sigma*), lax.scan, compiled."""
    goal, start = jnp.array(target), jnp.array(w)

    def step(x, _):
        residual = (x**depth).sum(axis=1) - goal
        return x - step_size * x ** (depth - 1) * residual[:, None], None

    run = jax.jit(lambda x: lax.scan(step, x, None, length=steps)[0])
    return lambda: np.array(run(start))
