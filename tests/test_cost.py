"""The cost of a run before it is run: its counts are those of the run, its seconds about right."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from cases import ALIGNED, CASES, PAPER, RUNS, descending, flowing

from simcore import Gaussian, Network, Record, Spectrum, simulate
from simcore.cost import cost
from simcore.studies import batch


@pytest.mark.parametrize(("name", "engine"), RUNS)
@pytest.mark.parametrize("record", [Record(frames=7), Record(every=3, sharpness=False)])
def test_a_descent_s_steps_and_records_are_counted(name, engine, record):
    experiment = descending(CASES[name], 0.01, 100, record=record, engine=engine)
    expected, run = cost(experiment), simulate(experiment)
    assert round(expected.steps) == run.steps[-1]
    assert expected.records == len(run.steps)
    parts = (expected.setup, expected.steps * expected.step, expected.records * expected.record)
    assert expected.seconds == pytest.approx(sum(parts))
    assert min(parts) > 0


@pytest.mark.parametrize(("name", "engine"), RUNS)
def test_a_flow_s_steps_are_known_within_a_factor_of_three(name, engine):
    experiment = flowing(CASES[name], 200.0, record=Record(frames=5), engine=engine)
    taken = simulate(experiment).steps[-1]
    assert taken / 3 < cost(experiment).steps < 3 * taken


@pytest.mark.parametrize("name", ["deep", "layer scales", "bottleneck", "tree"])
def test_what_takes_longer_costs_more(name):
    base = descending(CASES[name], 0.01, 1000, record=Record(frames=100))
    seconds = cost(base).seconds
    longer = descending(base, 0.01, 2000, record=base.record)
    assert seconds < cost(longer).seconds < 2 * seconds + 1e-12
    assert cost(replace(base, record=Record(frames=100, sharpness=False))).seconds < seconds
    assert cost(replace(base, record=Record(frames=1000))).seconds > 2 * seconds


@pytest.mark.parametrize("name", ALIGNED)
def test_a_cell_of_a_map_costs_less_than_its_run_alone(name):
    cell = descending(ALIGNED[name], 0.1, 2000, record=Record())
    assert cost(cell, together=True).seconds < cost(cell).seconds / 3
    assert batch.seconds(cell) == cost(cell, together=True).seconds
    matrices = replace(cell, engine="matrices")
    assert batch.seconds(matrices) == cost(matrices).seconds


WHOLE = descending(
    replace(
        PAPER,
        task=Spectrum(singular_values=(1.0,) * 16),
        network=Network(depths=(3, 3)),
        start=Gaussian(std=0.2),
    ),
    0.01,
    2000,
    record=Record(frames=50),
)


@pytest.mark.parametrize(
    "experiment",
    [
        descending(PAPER, 0.1, 50_000, record=Record()),
        descending(replace(PAPER, task=Spectrum(singular_values=(1.0, 0.6))), 0.1, 2000),
        flowing(PAPER, 1000.0, record=Record()),
        WHOLE,
    ],
    ids=["steps", "records", "flow", "full weights"],
)
def test_seconds_are_about_right(experiment):
    """`benchmarks/cost.py` has a table; a factor of eight leaves room for a slow machine."""
    simulate(experiment)  # compiles
    measured = np.inf
    for _ in range(3):
        begin = time.thread_time()
        simulate(experiment)
        measured = min(measured, time.thread_time() - begin)
    assert measured / 8 < cost(experiment).seconds < 8 * measured
