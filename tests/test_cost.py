"""The cost of a run before it is run: its counts are those of the run, its seconds about right."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cases import ALIGNED, CASES, RUNS, descending, flowing
from strategies import refused

from simcore import Flow, Freeze, Jitter, Record, Spectrum, limits, looks, simulate
from simcore.cost import check, cost
from simcore.plans import Plan, Side
from simcore.studies import batch, phase_maps


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
    """Of full weights until they rest; then the estimate is the most that they will take."""
    record = Record(frames=5, sharpness=False)
    long = flowing(CASES[name], 200.0, record=record, engine=engine)
    short = replace(long, dynamics=replace(long.dynamics, duration=20.0))
    moving = long if engine == "modes" else short
    taken = simulate(moving).steps[-1]
    assert taken / 3 < cost(moving).steps < 3 * taken
    assert simulate(long).steps[-1] < 3 * cost(long).steps


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


@pytest.mark.parametrize("name", ["tree", "bottleneck"])
def test_more_eigenvalues_cost_more(name):
    one, four = (
        descending(
            CASES[name], 0.01, 100, record=Record(frames=50, eigenvalues=k), engine="matrices"
        )
        for k in (1, 4)
    )
    assert 2 * cost(one).record < cost(four).record < 12 * cost(one).record


# --- The most that a run may take --------------------------------------------------------------


@pytest.fixture
def least(monkeypatch):
    """Limits under which a run may take a hundredth of a second."""
    monkeypatch.setattr(limits, "current", lambda: limits.LOCAL._replace(seconds=0.01))


DEAR = {  # what takes most of the work, and what the refusal says of it
    "steps": (lambda e: descending(e, 0.01, 10**6, record=Record(frames=2)), "take fewer"),
    "records": (lambda e: descending(e, 0.01, 10**4, record=Record(every=1)), "record less often"),
    "flow": (lambda e: flowing(e, 1e5, record=Record(frames=2)), "a shorter duration"),
}


@pytest.mark.parametrize("engine", ["modes", "matrices"])
@pytest.mark.parametrize("dear", DEAR)
def test_a_run_that_takes_too_much_is_refused_with_what_to_lower(least, dear, engine):
    build, words = DEAR[dear]
    base = replace(ALIGNED["deep"], engine=engine)
    check(descending(base, 0.01, 10, record=Record(frames=2)))
    experiment = build(base)
    seconds = f"{cost(experiment).seconds:.2g}"
    with refused(f"about {float(seconds):,g} seconds of a core", "take 0.01 here", words):
        check(experiment)
    with refused("seconds of a core"):
        simulate(experiment)


def test_the_dearest_cell_of_a_map_decides(least):
    base = descending(ALIGNED["deep"], 0.01, 1000, record=Record())
    plan = Plan(Side("eta", 4, (0.01, 0.1)), Side("depth", 4, (2, 5)))
    assert phase_maps.within_budget(plan, base, 1.0) == plan
    long = descending(base, 0.01, 10**6, record=Record())
    with refused("seconds of a core", "take fewer"):
        phase_maps.within_budget(plan, long, 1.0)


def test_on_a_laptop_any_run_may_be_started():
    check(descending(ALIGNED["deep"], 0.01, limits.LOCAL.steps, record=Record()))
    many = Spectrum(singular_values=tuple(1 - k / 1000 for k in range(100)))
    check(replace(ALIGNED["two pathways"], task=many, dynamics=Flow(duration=1e7)))


def test_pieces_of_work_between_two_looks():
    assert looks.between(looks.APART / 10) == 10
    assert looks.between(1.0) == 1


def test_what_more_than_the_gradient_moves_costs_more():
    base = descending(ALIGNED["deep"], 0.01, 1000, record=Record(frames=20))
    plain = cost(base)
    assert cost(under(base, momentum=0.5)).step > plain.step
    assert cost(under(base, label_noise=0.1)).step > cost(under(base, momentum=0.5)).step
    assert cost(under(base, events=(Jitter(at=5, std=0.1),))).step > 2 * plain.step
    frozen = cost(under(base, events=(Freeze(pathway=0, start=5, stop=900),)))
    assert frozen.record > plain.record


def under(experiment, **drive):
    return replace(experiment, dynamics=replace(experiment.dynamics, **drive))
