"""The cost of a run before it is run: its counts are those of the run, its seconds about right."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cases import ALIGNED, CASES, RUNS, descending, flowing

from simcore import Record, simulate
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
