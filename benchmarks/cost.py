"""Is a run's cost known before it is run? Twelve experiments: estimated and measured core seconds.

.venv/bin/python benchmarks/cost.py
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Record,
    Spectrum,
    grid,
    presets,
    simulate,
)
from simcore.cost import cost
from simcore.studies import batch

CELLS, ROUNDS = 1024, 3
MEDIUM = presets.MEDIUM.experiment


def _random(pathways: int, depth: int, size: int, dynamics: Descent | Flow, record: Record):
    return Experiment(
        task=Spectrum(singular_values=tuple(np.linspace(1.0, 0.5, size).tolist())),
        network=Network(depths=(depth,) * pathways),
        start=Gaussian(std=0.8 / size**0.5),
        dynamics=dynamics,
        record=record,
    )


def alone() -> dict[str, Experiment]:
    """Runs of every engine and dynamics, a hundredth of a second to a second long."""
    four = replace(MEDIUM, task=Spectrum(singular_values=(1.0, 0.8, 0.6, 0.4)))
    layers = LayerScales(scales=((0.5, 0.6, 0.7, 0.8), (0.4, 0.7, 0.6, 0.9)))
    few = Record(frames=2, sharpness=False)
    steps = Descent(step_size=0.01, steps=200_000)
    long = replace(MEDIUM, dynamics=steps, record=Record())
    return {
        "medium run of the paper": MEDIUM,
        "medium, 200,000 steps": long,
        "four modes of it": four,
        "layer scales": replace(long, network=Network(depths=(4, 4)), start=layers),
        "eight pathways, no curvature": replace(
            long,
            network=Network(depths=(5,) * 8),
            start=Balanced(scales=(0.1,) * 8),
            record=few,
        ),
        "flow of the medium run": replace(long, dynamics=Flow(duration=2000.0)),
        "full weights, 4 x 4": _random(2, 3, 4, Descent(step_size=0.1, steps=20_000), Record()),
        "full weights, 16 x 16": _random(2, 3, 16, Descent(step_size=0.1, steps=2000), Record()),
        "full weights, 64 x 64": _random(2, 3, 64, Descent(step_size=0.01, steps=1000), few),
        "flow of full weights, 8 x 8": _random(
            2, 3, 8, Flow(duration=100.0), Record(frames=50, sharpness=False)
        ),
    }


def maps() -> dict[str, Experiment]:
    """Cells of a map."""
    three = replace(MEDIUM, network=Network(depths=(3, 5)), start=Balanced(scales=(0.1, 0.08)))
    settled = Descent(step_size=0.1, steps=2000)
    return {
        "cell of the paper's map": replace(MEDIUM, dynamics=settled, record=Record()),
        "cell with three modes": replace(
            three, task=Spectrum(singular_values=(1.0, 0.7, 0.3)), dynamics=settled
        ),
    }


def core_seconds(call: Callable[[], object]) -> float:
    """The best of a few rounds, after one that compiles."""
    call()
    best = np.inf
    for _ in range(ROUNDS):
        begin = time.thread_time()
        call()
        best = min(best, time.thread_time() - begin)
    return best


def cell_seconds(experiment: Experiment) -> float:
    """Of one of many cells that differ in their step size."""
    step_sizes = np.linspace(0.01, 0.1, CELLS).tolist()
    cells = grid(experiment, {"dynamics.step_size": step_sizes})
    return core_seconds(lambda: batch.run_together(cells)) / CELLS


def main() -> None:
    print(f"{'':32s} estimated   measured   ratio")
    for name, experiment in alone().items():
        report(name, cost(experiment).seconds, core_seconds(lambda e=experiment: simulate(e)))
    for name, experiment in maps().items():
        report(name, cost(experiment, together=True).seconds, cell_seconds(experiment))


def report(name: str, estimated: float, measured: float) -> None:
    print(f"{name:32s} {estimated:9.3g} {measured:10.3g} {estimated / measured:7.2f}")


if __name__ == "__main__":
    main()
