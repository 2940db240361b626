"""A phase diagram here and in JAX, side by side: 200 x 200 cells of 2000 steps, L = 20, H = 2.

JAX runs `vmap` of `lax.scan` in float64, compiled, each core with a share of the cells: once for
the last iterate alone, and once for all that `simcore.summary` says of a run (the whole Hessian's
largest eigenvalue, shares, the regime with its extremes over all steps and its tail of records).
Rounds alternate and the best of each counts. Before that both must agree.

    python3 -m venv .venv-bench
    .venv-bench/bin/pip install jax "numba>=0.68,<0.69" scipy
    .venv-bench/bin/python benchmarks/map.py [--cells 200] [--steps 2000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import jax
import jax.numpy as jnp
from jax import lax

from simcore import Descent, Experiment, Record, grid, presets, sweep, theory
from simcore.verdicts import CLOSE, LEARNED, STILL, Regime

jax.config.update("jax_enable_x64", True)

DEPTH = 20
CORES = len(os.sched_getaffinity(0))
VERDICTS = [
    Regime.SIGN_FLIP,
    Regime.TRAPPED,
    Regime.CYCLE,
    Regime.CHAOS,
    Regime.UNFINISHED,
    Regime.BALANCED,
    Regime.PARTLY_REBALANCED,
    Regime.WINNER_TAKES_ALL,
]


class Cells(NamedTuple):
    """The map as arrays (C,)."""

    step_size: np.ndarray
    w1: np.ndarray
    w2: np.ndarray


def experiments(cells: int, steps: int) -> list[Experiment]:
    """The map: the step size, and the smaller start relative to the larger."""
    base = replace(presets.two_pathways(Descent(step_size=0.1, steps=steps)), record=Record())
    assert base.network.depths == (DEPTH, DEPTH)
    scales = [(0.002, 0.002 * ratio) for ratio in np.linspace(0.1, 0.99, cells).tolist()]
    step_sizes = np.linspace(0.05, 0.30, cells).tolist()
    return grid(base, {"start.scales": scales, "dynamics.step_size": step_sizes})


def as_arrays(cells: list[Experiment]) -> Cells:
    scales = np.array([cell.start.scales for cell in cells]) ** (1 / DEPTH)
    return Cells(np.array([cell.dynamics.step_size for cell in cells]), *scales.T.copy())


# --- JAX -------------------------------------------------------------------------------------


def descend(step_size, w, _=None):
    residual = w[0] ** DEPTH + w[1] ** DEPTH - 1
    return tuple(x - step_size * residual * x ** (DEPTH - 1) for x in w)


def last_iterate(steps: int, step_size, w1, w2):
    def step(w, _):
        return descend(step_size, w), None

    return lax.scan(step, (w1, w2), None, length=steps)[0]


def to_record(stride: int, step_size, w):
    """`stride` steps: the iterate, its strengths, and the smallest and largest on the way."""
    low = high = ()
    for number in range(stride):
        w = descend(step_size, w)
        s = tuple(x**DEPTH for x in w)
        low = tuple(map(jnp.minimum, low, s)) if number else s
        high = tuple(map(jnp.maximum, high, s)) if number else s
    return w, s, low, high


def shares(s):
    sizes = [jnp.abs(x) for x in s]
    total = sizes[0] + sizes[1]
    return tuple(jnp.where(total > 0, x / total, 0.5) for x in sizes)


def see(known, s, low, high):
    lowest, farthest, peak = known
    learned = jnp.abs(s[0] + s[1]) >= LEARNED
    return (
        tuple(map(jnp.minimum, lowest, low)),
        jnp.maximum(farthest, jnp.abs(high[0] + high[1])),
        jnp.where(learned, jnp.maximum(peak, jnp.maximum(*shares(s))), peak),
    )


def summary(stride: int, records: int, unstable: float, winner: float, step_size, w1, w2):
    """What `simcore.summary` holds, of one cell that does not diverge."""
    s = w1**DEPTH, w2**DEPTH
    known = see((s, 0.0, 0.0), s, s, s)
    tail = min(200, max(12, records // 5))

    def early(carry, _):
        w, known = carry
        w, *seen = to_record(stride, step_size, w)
        return (w, see(known, *seen)), None

    def late(carry, _):
        w, known = carry
        w, *seen = to_record(stride, step_size, w)
        return (w, see(known, *seen)), tuple(seen)

    carry, _ = lax.scan(early, ((w1, w2), known), None, length=records - 1 - tail)
    (w, (lowest, farthest, peak)), seen = lax.scan(late, carry, None, length=tail)
    s, low, high = seen
    total, top = s[0] + s[1], high[0] + high[1]
    half = tail // 2

    def swing(part):
        hidden = [(high[h][part] - low[h][part]).max() for h in range(2)]
        return jnp.maximum(jnp.ptp(total[part]), jnp.maximum(*hidden))

    lasting = ~(swing(slice(half, None)) < 0.9 * swing(slice(None, half)))
    moves = swing(slice(None))
    restless = (step_size > unstable) & (moves > STILL) & lasting
    inner = total[:-1]
    tolerance = 0.05 * jnp.maximum(jnp.ptp(inner), 1e-12)
    repeats = [jnp.abs(inner[p:] - inner[:-p]).max() <= tolerance for p in range(1, 17)]
    split = [share.mean() for share in shares(s)]
    verdict = jnp.argmax(
        jnp.stack(
            [
                (lowest[0] < -STILL) | (lowest[1] < -STILL),
                (farthest > 0.5) & (top.max() < LEARNED),
                restless & jnp.stack(repeats).any(),
                restless,
                (jnp.abs(total.mean() - 1) > CLOSE) | ((moves > CLOSE) & lasting),
                jnp.abs(split[0] - 0.5) <= CLOSE,
                (step_size >= winner) & (peak - jnp.maximum(*split) > CLOSE),
                True,
            ]
        )
    )
    residual = total[-1] - 1
    pulls = [x ** (DEPTH - 1) for x in w]
    folds = [residual * x ** (DEPTH - 2) for x in w]
    diagonal = [DEPTH * p**2 + (DEPTH - 1) * f for p, f in zip(pulls, folds, strict=True)]
    middle, apart = (diagonal[0] + diagonal[1]) / 2, (diagonal[0] - diagonal[1]) / 2
    coupled = middle + jnp.sqrt(apart**2 + (DEPTH * pulls[0] * pulls[1]) ** 2)
    sharpness = jnp.maximum(coupled, jnp.maximum(-folds[0], -folds[1]))
    q = [share[-1] for share in shares(s)]
    return {
        "verdict": verdict,
        "loss": 0.5 * residual**2,
        "sharpness": sharpness,
        "edge_ratio": step_size * sharpness / 2,
        "largest_share": jnp.maximum(*q),
        "participation": 1 / (q[0] ** 2 + q[1] ** 2),
    }


def on_every_core(function: Callable, cells: Cells) -> Callable[[], list]:
    """A call of the compiled function, the cells split between threads."""
    compiled = jax.jit(jax.vmap(function))
    parts = [Cells(*part) for part in zip(*(np.array_split(x, CORES) for x in cells), strict=True)]
    pool = ThreadPoolExecutor(CORES)

    def call() -> list:
        return list(pool.map(lambda part: jax.block_until_ready(compiled(*part)), parts))

    return call


# --- Side by side ----------------------------------------------------------------------------


def seconds(call: Callable) -> tuple[float, float]:
    """Wall clock and processor time of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def check(cells: list[Experiment], jax_summary: Callable) -> None:
    """Early iterates to rounding; at the end the verdicts, and the numbers of calm runs."""
    early = experiments(20, 50)
    w = jax.vmap(partial(last_iterate, 50))(*as_arrays(early))
    split = np.abs(np.array(w) ** DEPTH)
    ours = np.array([row["largest_share"] for row in sweep(early)])
    assert np.abs(split.max(axis=0) / split.sum(axis=0) - ours).max() < 1e-12

    parts = jax_summary()
    theirs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows = sweep(cells)
    named = np.array([VERDICTS[verdict].value for verdict in theirs["verdict"]])
    ours_named = np.array([row["regime"] for row in rows])
    same = named == ours_named
    settled = [
        r.value for r in (Regime.WINNER_TAKES_ALL, Regime.PARTLY_REBALANCED, Regime.BALANCED)
    ]
    both = np.isin(named, settled) & np.isin(ours_named, settled)
    print(
        f"the same regime in {same[both].mean():.2%} of the cells that have settled, and in "
        f"{same.mean():.2%} of all; JAX judges by the last records, simcore on the true tail"
    )
    assert same[both].mean() > 0.99
    calm = same & (named == Regime.WINNER_TAKES_ALL.value)
    for name in ("sharpness", "largest_share", "participation", "edge_ratio"):
        ours = np.array([row[name] for row in rows])
        assert np.abs(ours[calm] - theirs[name][calm]).max() < 1e-9 * np.abs(ours[calm]).max(), name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for name, default in (("cells", 200), ("steps", 2000), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()

    wall, cpu = seconds(lambda: experiments(options.cells, options.steps))
    cells = experiments(options.cells, options.steps)
    print(f"{len(cells)} cells x {options.steps} steps on {CORES} cores")
    print(f"{'grid of experiments':28s} {wall:7.3f} s   (processor {cpu:.3f} s)")
    arrays = as_arrays(cells)
    marks = theory.step_size_marks(cells[0])
    stride, records = (
        cells[0].record.stride(options.steps),
        len(cells[0].record.steps(options.steps)),
    )
    assert (records - 1) * stride == options.steps, "the last record must not come early"
    calls = {
        "simcore, rows": lambda: sweep(cells),
        "JAX, summary": on_every_core(
            partial(summary, stride, records, marks.balanced, marks.single_path), arrays
        ),
        "JAX, last iterate alone": on_every_core(partial(last_iterate, options.steps), arrays),
    }
    check(cells, calls["JAX, summary"])
    for call in calls.values():
        call()  # compile
    times = {name: [] for name in calls}
    for _ in range(options.rounds):
        for name, call in calls.items():
            times[name].append(seconds(call))
    for name, rounds in times.items():
        wall, cpu = map(min, zip(*rounds, strict=True))
        print(f"{name:28s} {wall:7.3f} s   (processor {cpu:.3f} s)")
    ours, theirs = (min(times[name])[0] for name in ("simcore, rows", "JAX, summary"))
    print(f"JAX takes {theirs / ours:.2f} times as long for the same numbers")


if __name__ == "__main__":
    main()
