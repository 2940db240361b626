"""An engine that comes through many records in one call has the bits of one call for each."""

from dataclasses import fields, replace

import numpy as np
import pytest
from cases import ALIGNED, CASES, descending, flowing

from simcore import Outcome, Record, presets, simulate, variations
from simcore.modes_engine import ModesEngine
from simcore.simulate import _Recorder

MEDIUM = presets.MEDIUM.experiment
RUNS = {
    **{f"{name}, descent": descending(CASES[name], 0.05, 300) for name in ALIGNED},
    **{f"{name}, flow": flowing(CASES[name], 3.0) for name in ALIGNED},
    "log records": replace(MEDIUM, record=Record(frames=40, spacing="log")),
    "without sharpness": replace(MEDIUM, record=Record(every=7, sharpness=False)),
    "diverges": variations.with_step_size(MEDIUM, 0.9),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("per_call", [None, 5])
def test_the_bits_of_one_call_for_each_record(name, per_call, monkeypatch):
    begin = ModesEngine.__init__

    def short_calls(engine, experiment):
        begin(engine, experiment)
        engine.per_call = per_call or engine.per_call

    monkeypatch.setattr(ModesEngine, "__init__", short_calls)
    many = simulate(RUNS[name])
    monkeypatch.setattr(_Recorder, "may_run_ahead", False)
    one = simulate(RUNS[name])
    assert (many.outcome is Outcome.DIVERGED) == (name == "diverges")
    for field in fields(one):
        a, b = getattr(many, field.name), getattr(one, field.name)
        if isinstance(b, np.ndarray):
            assert a.dtype == b.dtype, field.name
            assert a.tobytes() == b.tobytes(), field.name
    assert many.outcome is one.outcome


def test_a_run_can_be_cancelled_between_two_calls():
    told = []
    run = simulate(MEDIUM, on_progress=lambda fraction: told.append(fraction) or False)
    assert run.outcome is Outcome.CANCELLED
    assert len(run.steps) == 1
    assert told == [0.0]
