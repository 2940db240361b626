"""Another course from a moment of a run on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simcore import (
    CentralFlow,
    Descent,
    Flow,
    Freeze,
    Jitter,
    Kick,
    Ramp,
    StepSize,
    branches,
    events,
    presets,
    simulate,
)

MEDIUM = presets.MEDIUM.experiment  # H = 2, eta = 2/13, 650 steps
FLOW = replace(MEDIUM, dynamics=Flow(duration=100.0))


def having(*listed, of=MEDIUM):
    return replace(of, dynamics=of.dynamics.with_events(listed))


FROZEN = Freeze(pathway=0, start=100, stop=300)
CASES = {  # the change, the run before it, the events after it
    "another step size": (
        lambda run: branches.with_step_size(run, 300, 0.05),
        having(Kick(at=300, pathway=0, factor=2)),
        (Kick(at=300, pathway=0, factor=2), StepSize(at=300, value=0.05)),
    ),
    "instead of one at that moment": (
        lambda run: branches.with_step_size(run, 300, 0.05),
        having(StepSize(at=300, value=0.1), StepSize(at=301, value=0.1)),
        (StepSize(at=300, value=0.05), StepSize(at=301, value=0.1)),
    ),
    "frozen for good": (
        lambda run: branches.with_freeze(run, 300, 1),
        MEDIUM,
        (Freeze(pathway=1, start=300),),
    ),
    "frozen until it is already": (
        lambda run: branches.with_freeze(run, 50, 0),
        having(FROZEN),
        (Freeze(pathway=0, start=50, stop=100), FROZEN),
    ),
    "released": (
        lambda run: branches.with_release(run, 200, 0),
        having(FROZEN, Freeze(pathway=1, start=150, stop=400)),
        (replace(FROZEN, stop=200), Freeze(pathway=1, start=150, stop=400)),
    ),
    "released as soon as frozen": (
        lambda run: branches.with_release(run, 100, 0),
        having(FROZEN),
        (),
    ),
    "released while it moves": (
        lambda run: branches.with_release(run, 300, 0),
        having(FROZEN),
        (FROZEN,),
    ),
    "two pathways kicked": (
        lambda run: branches.with_kick(run, 9, 1, 1.1),
        having(Kick(at=9, pathway=0, factor=2.0)),
        (Kick(at=9, pathway=0, factor=2.0), Kick(at=9, pathway=1, factor=1.1)),
    ),
    "a flow": (
        lambda run: branches.with_jitter(run, 12.5, 0.01),
        FLOW,
        (Jitter(at=12.5, std=0.01),),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_happens_at_a_moment_is_an_event_of_the_run(case):
    change, before, after = CASES[case]
    dynamics = before.dynamics.with_events(after)
    assert change(before) == replace(before, dynamics=dynamics)


def test_what_happens_at_the_end_makes_the_run_go_on():
    longer = branches.with_step_size(MEDIUM, 650, 0.05)
    assert longer.dynamics == Descent(
        step_size=2 / 13, steps=1300, events=(StepSize(at=650, value=0.05),)
    )
    asleep = having(Freeze(pathway=0, start=20.0), of=FLOW)
    assert branches.with_release(asleep, 100.0, 0).dynamics == Flow(
        duration=200.0, events=(Freeze(pathway=0, start=20.0, stop=100.0),)
    )


REFUSED = {
    "frozen for good": lambda: branches.with_freeze(branches.with_freeze(MEDIUM, 9, 0), 10, 1),
    "must be positive": lambda: branches.with_kick(MEDIUM, 9, 0, 0.0),
    "one of the 2 pathways": lambda: branches.with_kick(MEDIUM, 9, 2, 1.1),
    "changes the step size needs gradient descent": lambda: branches.with_step_size(FLOW, 9.0, 0.1),
    "number of steps must be between": lambda: branches.with_step_size(
        replace(MEDIUM, dynamics=Descent(step_size=0.1, steps=10**9)), 10**9, 0.1
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_happen_is_refused_in_words(words):
    with pytest.raises(ValueError, match=words):
        REFUSED[words]()


def test_the_moment_on_show_is_that_of_the_last_record():
    run = simulate(replace(MEDIUM, dynamics=Descent(step_size=0.05, steps=40)))
    assert branches.moment(run, None) == 40
    assert [branches.moment(run, t) for t in (0.0, 0.3, 0.34, 99.0)] == [0, 6, 6, 40]
    for time in run.time:  # as a link holds it
        assert branches.moment(run, float(f"{time:.10g}")) == round(time / 0.05)
    flow = simulate(replace(MEDIUM, dynamics=Flow(duration=2.0)))
    assert [branches.moment(flow, t) for t in (None, 0.123, 99.0)] == [2.0, 0.123, 2.0]


@pytest.mark.parametrize("experiment", [MEDIUM, FLOW, branches.goes_on(MEDIUM, 650)])
def test_usual_events_can_be_added_to_any_run_that_takes_them(experiment):
    for kind in experiment.dynamics.takes:
        changed = branches.with_event(experiment, branches.usual(kind, experiment))
        (event,) = changed.dynamics.events
        assert type(event) is kind
        assert branches.without_event(changed, event) == experiment
    assert set(experiment.dynamics.takes) <= set(events.KINDS)


def test_a_warm_up_lasts_a_third_of_a_short_run_and_no_longer_than_2000_updates():
    assert branches.warm_up(MEDIUM) == Ramp(start=0, stop=216, value=2 / 13, begin=0)
    long = replace(MEDIUM, dynamics=Descent(step_size=0.1, steps=10_000))
    assert branches.warm_up(long).stop == 2000
    short = replace(MEDIUM, dynamics=Descent(step_size=0.1, steps=1))
    assert having(branches.warm_up(short), of=short).dynamics.schedule.step_size.tolist() == [0.1]
    assert branches.warm_up(FLOW) is None
    central = CentralFlow(step_size=0.1, duration=9.0)
    assert branches.warm_up(replace(MEDIUM, dynamics=central)) is None


def test_a_warm_up_is_edited_together_with_the_step_size_of_its_run():
    warm = branches.warm_up(MEDIUM)
    run = having(warm, StepSize(at=300, value=2 / 13))
    for name, value, step_size in (("value", 0.2, 0.2), ("stop", 100, 2 / 13)):
        changed = branches.edited(run, replace(warm, **{name: value}), warm)
        assert changed.dynamics.step_size == step_size
        assert changed.dynamics.events == (
            replace(warm, **{name: value}),
            StepSize(at=300, value=2 / 13),
        )
    late = branches.edited(run, StepSize(at=300, value=0.1), StepSize(at=300, value=2 / 13))
    assert late.dynamics.step_size == 2 / 13
    assert late.dynamics.events[1].value == 0.1


def test_the_step_size_in_force_is_that_of_the_next_update():
    run = having(StepSize(at=300, value=0.05))
    at = [branches.step_size(run, k) for k in (0, 299, 300, 650)]
    assert np.allclose(at, [2 / 13, 2 / 13, 0.05, 0.05], rtol=0, atol=0)
    assert branches.step_size(FLOW, 3.0) is None
