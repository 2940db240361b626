"""The whole Hessian's largest eigenvalues in the modes engine, block by block.

At an aligned state the Hessian of the full weights falls into blocks: one per mode (its diagonal
weights), one per pair of modes i < j (the weights (i,j) and (j,i) of all layers) and one per mode
and index that carries nothing (hidden, input or output units beyond the R modes). Every other
weight has a zero row. At a minimum the blocks hold the Lambda_ij of `theory`; away from it the pair
blocks are coupled through the residuals of both modes and can hold the largest eigenvalue.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from simcore import looks, mode_starts
from simcore.experiment import Experiment
from simcore.kernels import mode_blocks as kernels
from simcore.looks import Look
from simcore.mode_starts import Groups

CHUNK = 4_000_000  # numbers of block matrices held at a time
BETWEEN_LOOKS = 10_000_000  # products of numbers, at most about 0.05 s of a core


class Pair(NamedTuple):
    """A block of the weights (i, j) and (j, i); j = -1 is an index that carries nothing."""

    i: int
    j: int
    rows: np.ndarray  # of the block's 2T, those of weights that exist
    times: int  # how many blocks are the same


@dataclass(frozen=True)
class Architecture:
    """Which blocks the Hessian of an aligned network has, and how often; of some pathways alone,
    the blocks of their weights.

    Modes of one singular value that start and move alike have one that stands for all.
    """

    groups: Groups
    moving: np.ndarray  # the groups whose weights count
    target: np.ndarray  # (R,) sigma*_i
    first: np.ndarray  # (H+1,) first layer of each pathway
    modes: np.ndarray  # (M, 2) those that stand for others, and for how many
    pairs: tuple[Pair, ...]
    numbers: np.ndarray  # (P, 2) their i and j
    zeros: int  # weights in no block, each an eigenvalue of zero


def architecture_of(experiment: Experiment, moving: tuple[bool, ...] | None = None) -> Architecture:
    """The blocks of an aligned experiment, or of those of its pathways (H,) that move."""
    task, network = experiment.task, experiment.network
    groups = mode_starts.groups(experiment)
    counted = np.array(moving or (True,) * network.pathways)
    target = np.array(task.singular_values)
    first = np.concatenate([[0], np.cumsum(network.depths)]).astype(np.int64)
    hidden = network.hidden_width(task) if max(network.depths) > 1 else 0
    modes = _alike(experiment)
    layers = np.repeat(counted, network.depths)
    every = np.arange(2 * first[-1])
    pairs = [
        Pair(i, j, every, times * others if i != j else times * (times - 1) // 2)
        for place, (i, times) in enumerate(modes)
        for j, others in modes[place:]
        if i != j or times > 1
    ]
    nothing = _nothing(len(target), first, max(hidden, len(target)), task.n_in, task.n_out)
    pairs += [Pair(i, -1, rows, times * null) for i, times in modes for rows, null in nothing]
    if moving is not None:
        both = np.tile(layers, 2)
        pairs = [pair._replace(rows=pair.rows[both[pair.rows]]) for pair in pairs]
        pairs = [pair for pair in pairs if len(pair.rows)]
    weights = np.prod(network.shapes(task), axis=1, dtype=np.int64)[layers].sum()
    seen = len(target) * layers.sum() + sum(len(rows) * times for _, _, rows, times in pairs)
    return Architecture(
        groups=groups,
        moving=np.flatnonzero(np.repeat(counted, np.diff(groups.first))),
        target=target,
        first=first,
        modes=np.array(modes),
        pairs=tuple(pairs),
        numbers=np.array([pair[:2] for pair in pairs], dtype=np.int64).reshape(-1, 2),
        zeros=int(weights - seen),
    )


def _alike(experiment: Experiment) -> list[tuple[int, int]]:
    """The modes that stand for others that start and move alike, and for how many."""
    values, start = experiment.task.singular_values, experiment.start
    if experiment.dynamics.by_chance:
        return [(i, 1) for i in range(len(values))]
    kinds = np.array(values)
    if not start.uniform:
        kinds = np.array([(v, *start.strengths(mode)) for mode, v in enumerate(values)])
    _, first, copies = np.unique(kinds, axis=0, return_index=True, return_counts=True)
    return list(zip(first.tolist(), copies.tolist(), strict=True))


def top_eigenvalues(
    architecture: Architecture, states: np.ndarray, k: int, look: Look = looks.none
) -> np.ndarray:
    """The k largest (algebraic) eigenvalues of the Hessian at `states` (K, R, G): (K, k).

    nan where a state is not finite, and beyond the number of weights. `look` is called between
    the blocks.
    """
    result = np.full((len(states), k), np.nan)
    modes, groups = states.shape[1:]
    per_state = max(
        (2 * len(architecture.groups.layer)) ** 2, modes * groups * (groups + 1), modes**2
    )
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
    layers, moving = len(architecture.groups.layer), architecture.moving
    blocks = np.empty((count, modes, groups, groups))
    folds = np.empty((count, modes, groups))
    first, power = architecture.groups.first, architecture.groups.power
    kernels.diagonal_blocks(states, residuals, first, power, np.empty(groups), blocks, folds)

    top = np.full((count, k), -np.inf)
    overflow = ~np.isfinite(blocks).all(axis=(1, 2, 3))
    blocks[overflow] = 0.0
    if len(moving) < groups:
        blocks = blocks[:, :, moving[:, None], moving]
    for part in _parts(architecture.modes, count * groups**3):
        look()
        some, times = part.T
        often = np.minimum(times, k)
        values = np.linalg.eigvalsh(blocks[:, some])
        top = _merge(top, np.repeat(values, often, axis=1).reshape(count, -1))
        for g in moving:
            power = architecture.groups.power[g]
            if power > 1:
                often = np.minimum(times * (power - 1), k)
                top = _merge(top, np.repeat(folds[:, some, g], often, axis=1))
    if architecture.zeros > 0:
        top = _merge(top, np.zeros((count, min(architecture.zeros, k))))

    bounds = _bounds(architecture, states, residuals, look)
    overflow |= ~np.isfinite(bounds).all(axis=1)
    bounds[overflow], top[overflow] = -np.inf, np.inf
    highest = bounds.max(axis=0)
    blocks = np.empty((count, 2 * layers, 2 * layers))
    for place in np.argsort(-highest):
        if highest[place] <= top[:, -1].min():
            break  # and so do all after it
        needed = np.flatnonzero(bounds[:, place] > top[:, -1])
        if not len(needed):
            continue
        look()
        i, j, rows, times = architecture.pairs[place]
        some = blocks[: len(needed)]
        _pair_blocks(architecture, states[needed], residuals[needed], i, j, some)
        values = np.linalg.eigvalsh(some[:, rows[:, None], rows])[:, -k:]
        top[needed] = _merge(top[needed], np.repeat(values, min(times, k), axis=1))
    top[overflow] = np.nan
    return top


def _bounds(
    architecture: Architecture,
    states: np.ndarray,
    residuals: np.ndarray,
    look: Look,
) -> np.ndarray:
    """At least the largest eigenvalue of each pair's block at each state: (K, P)."""
    bounds = np.empty((len(states), len(architecture.pairs)))
    layer, first = architecture.groups.layer, architecture.first
    begin = 0
    for some in _parts(architecture.numbers, len(states) * len(layer) ** 2):
        look()
        found = np.empty((len(states), len(some)))
        kernels.pair_bounds(states, layer, first, residuals, some, found)
        bounds[:, begin : begin + len(some)] = found
        begin += len(some)
    return bounds


def _parts(rows: np.ndarray, products: int) -> Iterator[np.ndarray]:
    """Rows (N, 2) that take so many products each, in parts to look between."""
    together = max(1, BETWEEN_LOOKS // products)
    return (rows[begin : begin + together] for begin in range(0, len(rows), together))


def _pair_blocks(
    architecture: Architecture,
    states: np.ndarray,
    residuals: np.ndarray,
    i: int,
    j: int,
    blocks: np.ndarray,
) -> None:
    layer, first = architecture.groups.layer, architecture.first
    kernels.pair_blocks(np.ascontiguousarray(states), layer, first, residuals, i, j, blocks)


def pair_curvature(architecture: Architecture, states: np.ndarray, i: int, j: int) -> np.ndarray:
    """The Hessian's largest curvature in the plane of the directions in which the weights (i, j)
    and (j, i) move M, at `states` (K, R, G): (K,). At a minimum it is the pair's top eigenvalue,
    elsewhere a lower bound."""
    count, layers = len(states), len(architecture.groups.layer)
    blocks = np.empty((count, 2 * layers, 2 * layers))
    _pair_blocks(architecture, states, _residuals(architecture, states), i, j, blocks)
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


def _nothing(
    modes: int, first: np.ndarray, width: int, n_in: int, n_out: int
) -> list[tuple[np.ndarray, int]]:
    """For an index that carries nothing: which rows of its pair block with a mode exist, and how
    many such indices there are; one entry per kind of index (hidden or not, input, output)."""
    layers = np.arange(first[-1])
    opens, closes = np.isin(layers, first[:-1]), np.isin(layers, first[1:] - 1)
    kinds = []
    for low, high in pairwise(sorted({modes, width, n_in, n_out})):
        if low < modes:
            continue
        hidden, into, out = (low < size for size in (width, n_in, n_out))
        columns = np.where(opens, into, hidden)  # whether (i, j) is a weight of the layer
        rows = np.where(closes, out, hidden)  # whether (j, i) is
        kinds.append((np.flatnonzero(np.concatenate([columns, rows])), high - low))
    return [(rows, times) for rows, times in kinds if len(rows)]
