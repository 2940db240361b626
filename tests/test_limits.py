"""How large an experiment may be: refused above the limit, accepted at it, lower when hosted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from strategies import refused

from simcore import limits, variations
from simcore.experiment import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    Network,
    Record,
)
from simcore.simulate import simulate
from simcore.tasks import Dataset, Spectrum, Target


@pytest.fixture(params=["local", "hosted"])
def most(request, monkeypatch):
    """The limits in force, on a laptop and in the hosted demo."""
    return here(monkeypatch, "1" if request.param == "hosted" else None)


def here(monkeypatch, hosted):
    if hosted is None:
        monkeypatch.delenv("SIMCORE_HOSTED", raising=False)
    else:
        monkeypatch.setenv("SIMCORE_HOSTED", hosted)
    return limits.current()


def experiment(**parts):
    usual = {
        "task": Spectrum(singular_values=(1.0,)),
        "network": Network(depths=(2,)),
        "start": Balanced(scales=(0.1,)),
        "dynamics": Descent(step_size=0.1, steps=10),
    }
    return Experiment(**usual | parts)


def with_weights(n):
    """A network of single layers with n weights, as many pathways as may be."""
    pathways, size = limits.current().pathways, limits.current().size
    rows = next(rows for rows in range(size, 0, -1) if n % (pathways * rows) == 0)
    return experiment(
        task=Spectrum(singular_values=(1.0,), n_in=n // (pathways * rows), n_out=rows),
        network=Network(depths=(1,) * pathways),
        start=Gaussian(std=0.1),
    )


# field: (what has that much of it, how much more is too much, a word of the refusal)
AT = {
    "pathways": (lambda n: Network(depths=(1,) * n), 1, "pathways"),
    "depth": (lambda n: Network(depths=(2, n)), 1, "the depth of pathway 2"),
    "size": (lambda n: Network(depths=(2,), width=n), 1, "width"),
    "parameters": (with_weights, 64_000, "weights"),
    "steps": (lambda n: Descent(step_size=0.1, steps=n), 1, "steps"),
    "duration": (lambda n: Flow(duration=n), 1.0, "duration"),
    "records": (lambda n: Record(frames=n), 1, "frames"),
    "eigenvalues": (lambda n: Record(eigenvalues=n), 1, "eigenvalues"),
    "samples": (
        lambda n: Dataset(inputs=np.arange(n)[:, None], outputs=np.ones((n, 1))),
        1,
        "rows",
    ),
}


def test_every_limit_has_a_case():
    elsewhere = {"numbers", "layers", "seconds", "wall"}  # the last two in test_cost, test_visits
    assert set(AT) | elsewhere == set(limits.Limits._fields)


def test_the_layers_of_all_pathways_are_counted_together(most):
    pathways = most.pathways
    each = most.layers // pathways
    Network(depths=(each,) * pathways)
    if each < most.depth:  # on a laptop the depths decide
        with refused("layers together", str(most.layers), str(most.layers + 1)):
            Network(depths=(each,) * (pathways - 1) + (each + 1,))


@pytest.mark.parametrize("field", AT)
def test_at_the_limit_is_accepted_and_above_it_refused(field, most):
    build, more, word = AT[field]
    limit = getattr(most, field)
    build(limit)
    with refused(word, f"{limit:g}" if isinstance(limit, float) else str(limit)):
        build(limit + more)


@pytest.mark.parametrize(
    "build",
    [
        lambda n: Spectrum(singular_values=(1.0,), n_in=n),
        lambda n: Spectrum(singular_values=(1.0,), n_out=n),
        lambda n: Spectrum(singular_values=(1.0,) * n),
        lambda n: Target(rows=np.ones((n, 1))),
        lambda n: Target(rows=np.ones((1, n))),
        lambda n: Dataset(inputs=np.ones((2, n)), outputs=np.ones((2, 1)), whiten=False),
        lambda n: Dataset(inputs=np.ones((2, 1)), outputs=np.ones((2, n)), whiten=False),
    ],
)
def test_every_size_is_limited(build, most):
    build(most.size)
    with refused(str(most.size)):
        build(most.size + 1)


def test_as_many_records_as_may_be_kept_are_accepted_and_one_more_is_refused(most):
    def recorded(records):
        return experiment(
            dynamics=Descent(step_size=0.1, steps=records - 1), record=Record(every=1)
        )

    assert recorded(most.records).most_records == most.records
    with refused("records", str(most.records), str(most.records + 1)):
        recorded(most.records + 1)


@pytest.mark.parametrize("maps", [False, True])
@pytest.mark.parametrize("eigenvalues", [1, 8])
def test_the_numbers_of_a_run_are_counted(maps, eigenvalues):
    """What is limited is what a trajectory holds at its records."""
    one = experiment(
        task=Spectrum(singular_values=(1.0, 0.5), n_in=3, n_out=4),
        network=Network(depths=(2, 1)),
        start=Balanced(scales=(0.1, 0.2)),
        record=Record(every=1, maps=maps, eigenvalues=eigenvalues),
    )
    run = simulate(one)
    arrays = [getattr(run, f.name) for f in dataclasses.fields(run)]
    held = sum(array.size for array in arrays if isinstance(array, np.ndarray))
    assert one.most_records == min(
        limits.LOCAL.records, limits.LOCAL.numbers // (held // len(run.steps))
    )


def test_a_run_of_many_numbers_keeps_fewer_records(most):
    def mapped(every):
        size = most.size
        return experiment(
            task=Spectrum(singular_values=(1.0,), n_in=size, n_out=size),
            network=Network(depths=(1,), width=size),
            dynamics=Descent(step_size=0.1, steps=2000 if most is limits.HOSTED else 1000),
            record=Record(every=every, maps=True),
        )

    allowed = mapped(100).most_records
    assert allowed < most.records
    assert allowed * (7 + 3 * most.size + most.size**2) <= most.numbers
    with refused("records", str(allowed)):
        mapped(1)


def test_the_modes_engine_counts_what_it_holds(most):
    """The exact reduction of a wide network is small, however many weights it stands for."""
    wide = experiment(network=Network(depths=(20,), width=most.size))
    assert wide.resolved_engine == "modes"
    with refused(str(most.parameters), str(18 * most.size**2 + 2 * most.size)):
        dataclasses.replace(wide, engine="matrices")


def test_more_steps_than_records_thin_out(most):
    every_step = experiment(record=Record(every=1))
    shorter = min(most.records - 1, variations.LONG)
    assert variations.with_steps(every_step, shorter).record == every_step.record
    for steps in (shorter + 1, most.steps):
        longer = variations.with_steps(every_step, steps).record
        assert (longer.every, longer.spacing) == (None, "log")


# --- The hosted demo ---------------------------------------------------------------------------


@pytest.mark.parametrize("field", limits.Limits._fields)
def test_every_limit_is_lower_in_the_hosted_demo(field):
    assert 0 < getattr(limits.HOSTED, field) < getattr(limits.LOCAL, field)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, False), ("", False), ("0", False), ("1", True), ("true", True)],
)
def test_the_environment_says_whether_this_is_the_hosted_demo(monkeypatch, value, expected):
    assert here(monkeypatch, value) is (limits.HOSTED if expected else limits.LOCAL)
    assert limits.hosted() is expected


@pytest.mark.parametrize(("value", "expected"), [(None, True), ("0", False), ("1", True)])
def test_the_cloud_is_found_out_by_itself(monkeypatch, tmp_path, value, expected):
    """Community Cloud keeps the repositories it runs in one folder; a word of ours goes before."""
    here(monkeypatch, value)
    monkeypatch.setattr(limits, "CLOUD", Path(limits.__file__).parents[2])
    assert limits.hosted() is expected
    monkeypatch.setattr(limits, "CLOUD", tmp_path)
    assert limits.hosted() is (value == "1")


def test_what_was_saved_on_a_laptop_may_be_refused_in_the_hosted_demo(monkeypatch):
    here(monkeypatch, None)
    plain = experiment(dynamics=Descent(step_size=0.1, steps=1_000_000)).to_dict()
    assert Experiment.from_dict(plain).to_dict() == plain
    here(monkeypatch, "1")
    with refused("steps", "50000", "1000000"):
        Experiment.from_dict(plain)


# --- Flows, whose number of steps only the integrator knows ------------------------------------

BUSY = {
    "task": Spectrum(singular_values=(1.0, 0.5)),
    "network": Network(depths=(4, 4)),
    "start": Balanced(scales=(0.1, 0.05)),
    "dynamics": Flow(duration=1e4, rtol=1e-10),  # never quite at rest, so its steps stay small
}


def test_a_flow_may_be_recorded_at_every_step_of_its_integrator():
    run = simulate(experiment(**BUSY | {"dynamics": Flow(duration=5.0)}, record=Record(every=1)))
    assert run.outcome == ""
    np.testing.assert_array_equal(run.steps[:-1], np.arange(len(run.steps) - 1))
    assert run.time[-1] == 5.0


def test_a_flow_recorded_at_every_step_keeps_no_more_than_it_may(monkeypatch):
    most = here(monkeypatch, "1")
    endless = experiment(**BUSY, record=Record(every=1, sharpness=False))
    steps = simulate(dataclasses.replace(endless, record=Record(frames=2, sharpness=False))).steps
    assert steps[-1] > most.records  # it would keep too many
    run = simulate(endless)
    assert 0.9 * most.records < len(run.steps) <= most.records
    assert "record less often" in run.outcome


def test_a_flow_recorded_by_its_integrator_does_not_count_frames(monkeypatch):
    """`every` wins over `frames`, so frames that would not fit are no reason to refuse."""
    most = here(monkeypatch, "1")
    task = Spectrum(singular_values=(1.0,), n_in=most.size, n_out=most.size)
    large = {"task": task, "network": Network(depths=(1,)), "dynamics": Flow(duration=1.0)}
    experiment(**large, record=Record(frames=2000, every=50, maps=True))
    with refused("records"):
        experiment(**large, record=Record(frames=2000, maps=True))
