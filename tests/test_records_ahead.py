"""An engine that comes through many records in one call has the bits of one call for each."""

import sys
from dataclasses import fields, replace
from functools import reduce

import numpy as np
import pytest
from cases import ALIGNED, CASES, descending, flowing

from simcore import Freeze, Gaussian, Outcome, Record, curvature, presets, simulate, variations
from simcore.matrices_engine import MatricesEngine
from simcore.modes_engine import ModesEngine
from simcore.simulate import _Recorder

MEDIUM = presets.MEDIUM.experiment
SMALL = descending(CASES["two pathways"], 0.1, 200, engine="matrices", record=Record(every=3))
BENT = replace(
    SMALL,
    network=replace(SMALL.network, activation="tanh"),
    start=Gaussian(std=0.4),
    engine="samples",
)
WHOLE = {
    "whole weights": SMALL,
    "from samples": BENT,
    "three eigenvalues": replace(SMALL, record=Record(every=7, eigenvalues=3)),
    "whole weights, flow": flowing(SMALL, 9.0),
    "whole weights diverge": variations.with_step_size(SMALL, 3.0),
    "a pathway sleeps": replace(
        SMALL, dynamics=replace(SMALL.dynamics, events=(Freeze(pathway=0, start=20, stop=90),))
    ),
}
RUNS = {
    **WHOLE,
    **{f"{name}, descent": descending(CASES[name], 0.05, 300) for name in ALIGNED},
    **{f"{name}, flow": flowing(CASES[name], 3.0) for name in ALIGNED},
    "log records": replace(MEDIUM, record=Record(frames=40, spacing="log")),
    "without sharpness": replace(MEDIUM, record=Record(every=7, sharpness=False)),
    "diverges": variations.with_step_size(MEDIUM, 0.9),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("per_call", [None, 5])
def test_the_bits_of_one_call_for_each_record(name, per_call, monkeypatch):
    for kind in (ModesEngine, MatricesEngine):
        monkeypatch.setattr(kind, "__init__", with_short_calls(kind.__init__, per_call))
    many = simulate(RUNS[name])
    monkeypatch.setattr(_Recorder, "may_run_ahead", False)
    one = simulate(RUNS[name])
    assert (many.outcome is Outcome.DIVERGED) == ("diverge" in name)
    assert_same(many, one)


def with_short_calls(begin, per_call):
    def short(engine, experiment):
        begin(engine, experiment)
        engine.per_call = per_call or engine.per_call

    return short


def assert_same(many, one):
    for field in fields(one):
        a, b = getattr(many, field.name), getattr(one, field.name)
        if isinstance(b, np.ndarray):
            assert a.dtype == b.dtype, field.name
            assert a.tobytes() == b.tobytes(), field.name
    assert many.outcome is one.outcome


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("together", [1, 2, 7])
def test_states_whose_eigenvalues_are_computed_together_have_those_of_each(
    name, together, monkeypatch
):
    many = simulate(WHOLE[name])
    begin = MatricesEngine.__init__

    def few(engine, experiment):
        begin(engine, experiment)
        assert engine.together > 30
        engine.together = together

    monkeypatch.setattr(MatricesEngine, "__init__", few)
    assert_same(many, simulate(WHOLE[name]))


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("looks", [1, 2, 5, 9])
def test_a_cancelled_run_ends_at_the_weights_of_its_last_record(name, looks, monkeypatch):
    """Wherever it is cancelled: on the way to a record, or between products."""
    whole = simulate(replace(WHOLE[name], record=replace(WHOLE[name].record, maps=True)))
    monkeypatch.setattr(sys.modules[_Recorder.__module__], "REPORT_EVERY", 0.0)
    told = []
    run = simulate(WHOLE[name], on_progress=lambda _: len(told) < looks and not told.append(0))
    assert_begins(whole, run)
    if run.outcome is Outcome.CANCELLED and not WHOLE[name].sees_samples:
        ends = [
            reduce(np.matmul, layers[::-1])
            for layers in curvature.layers(run.experiment, run.theta)
        ]
        expected = whole.maps[len(run.steps) - 1]
        assert np.abs(np.array(ends) - expected).max() <= 1e-12 * np.abs(expected).max()


def assert_begins(whole, part):
    """`part` holds the first records of the whole."""
    for name in ("steps", "time", "loss", "strengths", "eigenvalues"):
        a, b = getattr(whole, name), getattr(part, name)
        assert a[: len(b)].tobytes() == b.tobytes(), name


def test_a_run_can_be_cancelled_between_two_calls():
    told = []
    run = simulate(MEDIUM, on_progress=lambda fraction: told.append(fraction) or False)
    assert run.outcome is Outcome.CANCELLED
    assert len(run.steps) == 1
    assert told == [0.0]
