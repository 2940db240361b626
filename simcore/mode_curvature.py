"""The whole Hessian's largest eigenvalues in the modes engine, block by block.

At an aligned state the Hessian of the full weights falls into blocks: one per mode (its diagonal
weights), one per pair of modes i < j (the weights (i,j) and (j,i) of all layers) and one per mode
and index that carries nothing (hidden, input or output units beyond the R modes). Every other
weight has a zero row. At a minimum the blocks hold the Lambda_ij of `theory`; away from it the pair
blocks are coupled through the residuals of both modes and can hold the largest eigenvalue.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from simcore import looks, mode_starts
from simcore.experiment import Experiment
from simcore.kernels import mode_blocks as kernels
from simcore.looks import Look
from simcore.mode_starts import Groups

CHUNK = 4_000_000  # numbers of block matrices held at a time


@dataclass(frozen=True)
class Architecture:
    """Sizes that decide which blocks there are, and how often."""

    groups: Groups
    target: np.ndarray  # (R,) sigma*_i
    first: np.ndarray  # (H+1,) first layer of each pathway
    width: int
    n_in: int
    n_out: int
    parameters: int


def architecture_of(experiment: Experiment) -> Architecture:
    """The sizes of an aligned experiment."""
    task, network = experiment.task, experiment.network
    target = np.array(task.singular_values)
    hidden = network.hidden_width(task) if max(network.depths) > 1 else 0
    return Architecture(
        groups=mode_starts.groups(experiment),
        target=target,
        first=np.concatenate([[0], np.cumsum(network.depths)]).astype(np.int64),
        width=max(hidden, len(target)),
        n_in=task.n_in,
        n_out=task.n_out,
        parameters=network.weights(task),
    )


def top_eigenvalues(
    architecture: Architecture, states: np.ndarray, k: int, look: Look = looks.none
) -> np.ndarray:
    """The k largest (algebraic) eigenvalues of the Hessian at `states` (K, R, G): (K, k).

    nan where a state is not finite, and beyond the number of weights. `look` is called between
    the blocks.
    """
    result = np.full((len(states), k), np.nan)
    modes, groups = states.shape[1:]
    per_state = max((2 * len(architecture.groups.layer)) ** 2, modes * groups * (groups + 1))
    size = max(1, CHUNK // per_state)
    finite = np.flatnonzero(np.isfinite(states).all(axis=(1, 2)))
    for rows in np.split(finite, range(size, len(finite), size)):
        if len(rows):
            top = _top(architecture, np.ascontiguousarray(states[rows]), k, look)
            result[rows] = np.where(np.isfinite(top), top, np.nan)
    return result


def _top(architecture: Architecture, states: np.ndarray, k: int, look: Look) -> np.ndarray:
    residuals = _residuals(architecture, states)
    count, modes, groups = states.shape
    layers = len(architecture.groups.layer)
    blocks = np.empty((count, modes, groups, groups))
    folds = np.empty((count, modes, groups))
    kernels.diagonal_blocks(
        states, residuals, architecture.groups.first, architecture.groups.power, blocks, folds
    )

    # modes of one singular value move alike, so one of them stands for all
    _, first_of, copies = np.unique(architecture.target, return_index=True, return_counts=True)
    alike = list(zip(first_of.tolist(), copies.tolist(), strict=True))
    top = np.full((count, k), -np.inf)
    overflow = ~np.isfinite(blocks).all(axis=(1, 2, 3))
    blocks[overflow] = 0.0
    for i, times in alike:
        look()
        values = np.linalg.eigvalsh(blocks[:, i])
        top = _merge(top, np.repeat(values, min(times, k), axis=1))
        for g, power in enumerate(architecture.groups.power):
            if power > 1:
                fold = folds[:, i, g : g + 1]
                top = _merge(top, np.repeat(fold, min(times * (power - 1), k), axis=1))

    every = np.arange(2 * layers)
    pairs = [
        (i, j, every, times * others if i != j else times * (times - 1) // 2)
        for place, (i, times) in enumerate(alike)
        for j, others in alike[place:]
        if i != j or times > 1
    ]
    pairs += [
        (i, -1, rows, times * null) for i, times in alike for rows, null in _null(architecture)
    ]
    seen = modes * layers + sum(len(rows) * times for _, _, rows, times in pairs)
    if architecture.parameters > seen:
        top = _merge(top, np.zeros((count, min(architecture.parameters - seen, k))))

    blocks, bounds = np.empty((count, 2 * layers, 2 * layers)), np.empty(count)
    for i, j, rows, times in pairs:
        look()
        kernels.pair_blocks(
            states, architecture.groups.layer, architecture.first, residuals, i, j, blocks, bounds
        )
        overflow |= ~np.isfinite(bounds)
        needed = np.flatnonzero((bounds > top[:, -1]) & ~overflow)
        if len(needed):
            values = np.linalg.eigvalsh(blocks[np.ix_(needed, rows, rows)])[:, -k:]
            top[needed] = _merge(top[needed], np.repeat(values, min(times, k), axis=1))
    top[overflow] = np.nan
    return top


def pair_curvature(architecture: Architecture, states: np.ndarray, i: int, j: int) -> np.ndarray:
    """The Hessian's largest curvature in the plane of the directions in which the weights (i, j)
    and (j, i) move M, at `states` (K, R, G): (K,). At a minimum it is the pair's top eigenvalue,
    elsewhere a lower bound."""
    count, layers = len(states), len(architecture.groups.layer)
    blocks, bounds = np.empty((count, 2 * layers, 2 * layers)), np.empty(count)
    kernels.pair_blocks(
        np.ascontiguousarray(states),
        architecture.groups.layer,
        architecture.first,
        _residuals(architecture, states),
        i,
        j,
        blocks,
        bounds,
    )
    sides = [blocks[:, :layers, :layers], blocks[:, layers:, layers:]]  # each of rank one
    traces = [np.trace(side, axis1=1, axis2=2) for side in sides]
    largest = [side[np.arange(count), np.einsum("kpp->kp", side).argmax(axis=1)] for side in sides]
    a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in largest)
    coupling = np.einsum("kp,kpq,kq->k", a, blocks[:, :layers, layers:], b)
    middle, apart = (traces[0] + traces[1]) / 2, (traces[0] - traces[1]) / 2
    return middle + np.hypot(apart, coupling)


def _merge(top: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The k largest of what there was and `values`, descending."""
    k = top.shape[1]
    return -np.sort(-np.concatenate([top, values], axis=1), axis=1)[:, :k]


def _residuals(architecture: Architecture, states: np.ndarray) -> np.ndarray:
    """sum_h sigma_{h,i} - sigma*_i, shape (K, R)."""
    groups = states**architecture.groups.power
    strengths = np.multiply.reduceat(groups, architecture.groups.first[:-1], axis=2)
    return strengths.sum(axis=2) - architecture.target


def _null(architecture: Architecture) -> list[tuple[np.ndarray, int]]:
    """For an index j that carries nothing: which rows of its pair block with a mode exist, and how
    many such indices there are; one entry per kind of index (hidden or not, input, output)."""
    modes, layers = len(architecture.target), np.arange(len(architecture.groups.layer))
    opens = np.isin(layers, architecture.first[:-1])
    closes = np.isin(layers, architecture.first[1:] - 1)
    kinds = []
    edges = sorted({modes, architecture.width, architecture.n_in, architecture.n_out})
    for low, high in pairwise(edges):
        if low < modes:
            continue
        hidden, into, out = (
            low < size for size in (architecture.width, architecture.n_in, architecture.n_out)
        )
        columns = np.where(opens, into, hidden)  # whether (i, j) is a weight of the layer
        rows = np.where(closes, out, hidden)  # whether (j, i) is
        kinds.append((np.flatnonzero(np.concatenate([columns, rows])), high - low))
    return [(rows, times) for rows, times in kinds if len(rows)]
