"""The regimes that one network really reaches over a range of step sizes, by short runs side by
side: what theory's zones can be held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simcore import true_tail, variations
from simcore.cost import cost
from simcore.experiment import Descent, Experiment, Record
from simcore.kernels.simd import padded
from simcore.studies import batch
from simcore.verdicts import Regime

CELLS, FEWEST = 160, 48  # runs, where that is cheap, and at least
JUDGING = 1.5e-4  # seconds that the verdict on one takes
SLICE = 0.05  # seconds between two looks at whether to go on


class Reached(NamedTuple):
    """A regime, and the step sizes from low to high at which runs ended in it."""

    regime: Regime
    low: float
    high: float


def origin(experiment: Experiment) -> Experiment | None:
    """What the regimes depend on: the experiment at any step size, without its events; None where
    runs side by side are not possible: only descents from aligned starts are."""
    plain = variations.without_events(experiment)
    if not true_tail.has_true_tail(plain):
        return None
    dynamics = plain.dynamics.with_step_size(1.0)
    return replace(plain, dynamics=dynamics, record=Record(frames=2, sharpness=False))


def seconds(experiment: Experiment, cells: int = FEWEST) -> float:
    """About what so many runs take."""
    return cells * _each(experiment)


def _each(experiment: Experiment) -> float:
    return cost(experiment, together=True).seconds + JUDGING


def regimes(
    experiment: Experiment,
    low: float,
    high: float,
    most_seconds: float,
    go_on: Callable[[], object] = lambda: None,
) -> tuple[Reached, ...]:
    """The regimes of runs at step sizes low < eta < high that differ by one factor: 160 runs, or as
    many as fit into `most_seconds`, but at least 48.

    Each is that of `regimes.classify`; neighbours that agree are one. Borders lie half way between
    runs. `go_on` is called every now and then, and may raise.
    """
    start = origin(experiment)
    assert start is not None
    affordable = int(most_seconds / _each(start))
    count = min(CELLS, max(FEWEST, affordable))
    edges = np.geomspace(low, high, count + 1)
    middles = np.sqrt(edges[1:] * edges[:-1])
    size = padded(max(1, int(SLICE / _each(start))))
    found: list[Regime] = []
    for first in range(0, count, size):
        go_on()
        found += _of(start, middles[first : first + size])
    return _merged(found, edges)


def _of(start: Experiment, step_sizes: np.ndarray) -> list[Regime]:
    assert isinstance(start.dynamics, Descent)
    cells = [
        replace(start, dynamics=start.dynamics.with_step_size(eta)) for eta in step_sizes.tolist()
    ]
    ends = batch.run_together(cells)
    assert ends is not None
    return ends.regimes


def _merged(found: list[Regime], edges: np.ndarray) -> tuple[Reached, ...]:
    parts: list[Reached] = []
    for regime, low, high in zip(found, edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if parts and parts[-1].regime is regime:
            low = parts.pop().low
        parts.append(Reached(regime, low, high))
    return tuple(parts)
