"""The regimes that one network really reaches over a range of step sizes, by short runs side by
side: what theory's zones can be held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simcore import variations
from simcore.cost import cost
from simcore.experiment import Descent, Experiment, Record
from simcore.kernels.simd import WIDE_LANES, padded
from simcore.regimes import classify
from simcore.simulate import simulate
from simcore.studies import batch
from simcore.verdicts import Regime

CELLS, FEWEST = 160, 48  # runs, where that is cheap, and at least
OF_DRIVEN = Record(frames=200)  # on which runs are judged that have no true tail
JUDGING = 1.5e-4  # seconds that the verdict on one takes
SLICE = 0.05  # seconds between two looks at whether to go on


class Reached(NamedTuple):
    """A regime, and the step sizes from low to high at which runs ended in it."""

    regime: Regime
    low: float
    high: float


def origin(experiment: Experiment) -> Experiment | None:
    """What the regimes depend on: the descent from an aligned start at any step size, see
    `variations.at_any_step_size`; None for another run."""
    whole = variations.at_any_step_size(experiment)
    dynamics = whole.dynamics
    if not dynamics.iterated or whole.resolved_engine != "modes":
        return None
    record = Record(frames=2, sharpness=False) if dynamics.plain else OF_DRIVEN
    return replace(whole, dynamics=dynamics.with_step_size(1.0), record=record)


def seconds(experiment: Experiment, cells: int = FEWEST) -> float:
    """About what so many runs take."""
    return cells * _each(experiment)


def _each(experiment: Experiment) -> float:
    together = batch.kind(experiment) is not None
    return cost(experiment, together=together).seconds + JUDGING


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
    size = padded(max(1, int(SLICE / _each(start))), WIDE_LANES)
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
    if batch.kind(start) is None:
        return [classify(simulate(cell)) for cell in cells]
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
