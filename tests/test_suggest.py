"""Own data: the numbers of real sets, and suggested runs that do what they are called."""

from __future__ import annotations

import itertools
import math
import re
from contextlib import suppress
from dataclasses import replace

import naive
import numpy as np
import pytest
from cases import CASES
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from sklearn import datasets as real
from strategies import refused, samples

from simcore import (
    Balanced,
    Dataset,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    Network,
    Record,
    Spectrum,
    Target,
    Tree,
    curvature,
    limits,
    outlook,
    prospects,
    regimes,
    simulate,
    suggest,
    theory,
)
from simcore.suggest import MOST, SHOWS
from simcore.verdicts import Regime


def standardised(table):
    return (table - table.mean(axis=0)) / table.std(axis=0)


def of(inputs, outputs, whiten=True):
    return Dataset(inputs=inputs, outputs=outputs, whiten=whiten, center=True)


def of_classes(loaded, inputs, whiten=True):
    return of(inputs, np.eye(len(loaded.target_names))[loaded.target], whiten)


@pytest.fixture(scope="module")
def tasks():
    iris, wine, digits = real.load_iris(), real.load_wine(), real.load_digits()
    body, pixels = real.load_linnerud(), digits.data[:, digits.data.std(axis=0) > 0]
    return {
        "iris": of_classes(iris, iris.data),
        "wine": of_classes(wine, standardised(wine.data)),
        "digits": of_classes(digits, pixels / 16),
        "raw iris": of_classes(iris, iris.data, whiten=False),
        "raw linnerud": of(standardised(body.data), standardised(body.target), whiten=False),
    }


# --- SCIENCE-2 section 6: D1 to D7 -------------------------------------------------------------

VALUES = {
    "iris": (0.568587, 0.272046, 0),
    "wine": (0.546508, 0.509598, 0),
    "digits": (
        *(0.29793, 0.287259, 0.285456, 0.275291, 0.260653, 0.252068, 0.231057, 0.208677),
        *(0.18707, 0),
    ),
}
FLOORS = {"iris": 0.134684, "wine": 0.049976, "digits": 0.154011}
EDGES = {  # 2/S_1 and 2/lambda_min of two pathways
    ("iris", 3): (1.41529, 1.78316),
    ("iris", 4): (1.16621, 1.64926),
    ("wine", 3): (1.49204, 1.87985),
    ("wine", 4): (1.23759, 1.75021),
    ("digits", 3): (3.35034, 3.35034 * 2 ** (1 / 3)),
    ("raw iris", 3): (0.381338, 2 / 4.162715),
    ("raw iris", 4): (2 / 5.997770, 2 / 5.997770 * 2**0.5),
    ("raw linnerud", 3): (2 / 4.308190, 2 / 4.308190 * 2 ** (1 / 3)),
    ("raw linnerud", 4): (2 / 5.391308, 2 / 5.391308 * 2**0.5),
}


@pytest.mark.parametrize("name", VALUES)
def test_singular_values_and_floor_of_real_sets(tasks, name):
    assert tasks[name].singular_values == pytest.approx(VALUES[name], abs=1e-6)
    assert tasks[name].floor() == pytest.approx(FLOORS[name], abs=1e-6)


@pytest.mark.parametrize(("name", "depth"), EDGES)
def test_edges_of_real_sets(tasks, name, depth):
    shared = [2 / theory.task_sharpness(tasks[name], depth, count) for count in (1, 2)]
    assert shared == pytest.approx(EDGES[name, depth], abs=1e-5)
    run = suggest(tasks[name], depth=depth)
    marks = theory.step_size_marks(run)
    assert (marks.single_path, marks.balanced) == pytest.approx(shared, rel=1e-12)


def test_raw_values_of_iris(tasks):
    values = np.linalg.svd(tasks["raw iris"].moments()[1], compute_uv=False)
    assert values == pytest.approx((1.142123, 0.106175, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("value", "depth", "scale", "time"),
    [
        (1, 20, 0.002, 15.0452),
        (2, 4, 0.01, 2.39329),
        (1, 2, 0.001, 3.45338),
        (15**0.5, 7, 1e-4, 37.1765),
    ],
)
def test_plateau_times(value, depth, scale, time):
    assert theory.plateau_time(value, depth, scale) == pytest.approx(time, abs=1e-4)


@pytest.mark.parametrize(
    ("eta", "ends"),
    [
        (0.93296, (0.414811, 0.153776)),
        (1.38686, (0.407254, 0.161333)),  # gradient flow's own end is flat: nothing is handed on
        (1.73173, (0.322733, 0.235625)),  # a 2-cycle of both
    ],
)
def test_nearly_equal_starts_on_iris(tasks, eta, ends):
    run = Experiment(
        task=tasks["iris"],
        network=Network(depths=(4, 4)),
        start=Balanced(scales=(0.01, 0.008)),
        dynamics=Descent(step_size=eta, steps=20_000),
    )
    last = simulate(run).strengths[-2:, :, 0]
    found = last[1] if eta < 1.7 else np.sort(last[:, 0])[::-1]
    assert found == pytest.approx(ends, abs=1e-4)


# --- Closed forms against slow twins -----------------------------------------------------------


@settings(max_examples=12)
@given(samples())
def test_the_sharpness_of_a_task_is_that_of_the_dense_hessian(made):
    inputs, outputs = made
    task = Dataset(inputs=inputs, outputs=outputs, whiten=False, center=True)
    for depths in ((3,), (2, 2), (4, 4)):
        minimum = Experiment(
            task=task,
            network=Network(depths=depths),
            start=Balanced(
                scales=tuple(tuple(v / len(depths) for v in task.singular_values) for _ in depths)
            ),
            dynamics=Descent(step_size=0.1, steps=1),
        )
        top = np.linalg.eigvalsh(naive.hessian(minimum, curvature.initial(minimum)))[-1]
        assert theory.task_sharpness(task, depths[0], len(depths)) == pytest.approx(top, rel=1e-6)


def test_the_sharpness_of_whitened_tasks_is_the_closed_form():
    for task in (Tree(), Spectrum(singular_values=(0.7, 0.0), n_in=3), Target(rows=((2.0, 1.0),))):
        for depth, pathways in ((1, 1), (2, 3), (5, 2)):
            value = task.singular_values[0] / pathways
            each = theory.mode_sharpness([value] * pathways, (depth,) * pathways)
            assert theory.task_sharpness(task, depth, pathways) == pytest.approx(each, rel=1e-12)


@pytest.mark.parametrize(("depth", "pathways"), [(1, 1), (2, 2), (3, 1), (6, 3)])
def test_half_the_target_is_reached_at_the_plateau_time(depth, pathways):
    value, scale = 1.3, 0.02
    time = theory.plateau_time(value, depth, scale, pathways)
    run = simulate(
        Experiment(
            task=Spectrum(singular_values=(value,)),
            network=Network(depths=(depth,) * pathways),
            start=Balanced(scales=(scale,) * pathways),
            dynamics=Descent(step_size=time / 20_000, steps=20_000),
        )
    )
    assert run.strengths[-1].sum() == pytest.approx(value / 2, rel=2e-3)
    assert theory.plateau_time(value, depth, value, pathways) == 0
    assert theory.plateau_time(0.0, depth, scale, pathways) == math.inf


@settings(max_examples=25)
@given(data=st.data())
def test_the_sum_is_within_half_of_the_target_at_the_half_time(data):
    """Of any pathways, from below and from above, as the integrated flow has it."""
    depths = data.draw(st.lists(st.integers(1, 8), min_size=1, max_size=4))
    value, unit = data.draw(st.floats(0.3, 3)), data.draw(st.sampled_from((0.01, 0.1, 5.0)))
    scales = tuple(unit * data.draw(st.floats(0.1, 1)) for _ in depths)
    time = theory.half_time(scales, depths, value)
    if abs(sum(scales) - value) <= value / 2:
        assert time == 0
        return
    run = simulate(
        Experiment(
            task=Spectrum(singular_values=(value,)),
            network=Network(depths=tuple(depths)),
            start=Balanced(scales=scales),
            dynamics=Flow(duration=time, rtol=1e-10),
            record=Record(sharpness=False),
        )
    )
    assert abs(run.strengths[-1].sum() - value) == pytest.approx(value / 2, rel=1e-6)


@pytest.mark.parametrize(
    ("start", "depths", "time"),
    [
        ((-1.0,), (1,), math.log(4)),  # a pathway of depth 1 may begin below zero
        ((-0.5, 0.5), (1, 1), math.log(2) / 2),
        ((0.0, 0.0), (1, 3), math.log(2)),
        ((5.0,), (1,), math.log(8)),  # from above
        ((1e-300, 0.0), (3, 3), 1e100),  # alpha^{-1/3}
        ((1e-320, 0.0), (3, 3), math.inf),
        ((0.6,), (4,), 0.0),
    ],
)
def test_half_times_at_the_ends_of_what_may_start(start, depths, time):
    assert theory.half_time(start, depths, 1.0) == pytest.approx(time, rel=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_half_times_from_far_above_where_deep_pathways_fall_beside_shallow_ones(seed):
    """The deep ones are gone in a small part of the time, or of the sum."""
    draw = np.random.default_rng(seed)
    depths = np.array([1, *draw.integers(2, 21, draw.integers(1, 3))])
    start = 10 ** draw.uniform(0.3, 2.0, len(depths))
    layers = start ** (1 / depths)

    def fall(_, w):
        return -((w**depths).sum() - 1) * w ** (depths - 1)

    def within_half(_, w):
        return (w**depths).sum() - 1.5

    within_half.terminal = True
    exact = solve_ivp(
        fall, (0, 1e6), layers, method="LSODA", events=within_half, rtol=1e-11, atol=1e-13
    )
    found = theory.half_time(start, depths, 1.0)
    assert found == pytest.approx(exact.t_events[0][0], rel=1e-8)


@pytest.mark.parametrize("start", [(-1.0, 2.0), (math.nan, 0.1)])
def test_half_times_of_what_may_not_start_are_refused(start):
    with refused("start_strengths"):
        theory.half_time(start, (3, 3), 1.0)


def test_random_weights_leave_the_plateau_when_it_is_said():
    run = replace(CASES["tree"], dynamics=Descent(step_size=0.02, steps=1500))
    run = replace(run, network=Network(depths=(3,), width=24), start=Gaussian(std=0.05))
    found = simulate(run)
    half = found.strengths[:, 0, 0] > run.task.singular_values[0] / 2
    assert found.time[half.argmax()] == pytest.approx(outlook.plateau_times(run)[0], rel=0.35)


# --- Suggestions -------------------------------------------------------------------------------

ENDS = {
    "flow": {Regime("winner takes all")},
    "rebalance": {Regime("partly re-balanced")},
    "cycle": {Regime("cycle")},
}


@pytest.mark.parametrize("show", SHOWS)
@pytest.mark.parametrize("name", ["iris", "digits", "tree", "two"])
def test_a_suggested_run_does_what_it_is_called(tasks, name, show):
    known = tasks | {"tree": Tree(), "two": Target(rows=((200.0, 100.0), (0.0, 100.0)))}
    run = suggest(known[name], show=show)
    assert regimes.classify(simulate(run)) in ENDS[show]
    assert outlook.unlearned(run) == ()


@pytest.mark.parametrize("values", [(1.0,), (2.0, 1.9, 0.3, 0.12)])
@pytest.mark.parametrize("show", SHOWS)
def test_a_suggested_run_of_any_network_does_what_it_is_called(values, show):
    """Or is refused: no run cycles that is thrown back to zero first."""
    kept = 0
    for pathways, depth in itertools.product((1, 2, 3, 4, 6), (2, 3, 4, 6, 12)):
        with suppress(ValueError):
            task = Spectrum(singular_values=values)
            run = suggest(task, pathways=pathways, depth=depth, show=show)
            end = regimes.headline(simulate(run))
            assert end in ENDS[show] or (show, end) == ("flow", "follows gradient flow"), run
            kept += 1
    assert kept >= {"flow": 25, "rebalance": 16, "cycle": 15}[show]


@pytest.mark.parametrize("hosted", ["0", "1"])
def test_a_suggestion_is_of_the_marks_and_may_be_run(tasks, hosted, monkeypatch):
    monkeypatch.setenv("SIMCORE_HOSTED", hosted)
    for name, depth in (("iris", 3), ("raw iris", 4), ("digits", 4)):
        runs = {show: suggest(tasks[name], depth=depth, show=show) for show in SHOWS}
        marks = theory.step_size_marks(runs["flow"])
        winner = marks.flow_edge if runs["flow"].task.whitened else marks.single_path
        etas = [run.dynamics.step_size for run in runs.values()]
        expected = 0.8 * winner, math.sqrt(winner * marks.balanced), 1.05 * marks.balanced
        assert etas == pytest.approx(expected, rel=1e-5)
        for run in runs.values():
            assert run.dynamics.steps <= min(MOST, limits.current().steps)
            assert prospects.zone(run).name != "unknown"
            assert ("about right" in prospects.place(run)) == (not run.task.whitened)


@pytest.mark.parametrize(
    ("task", "options", "words"),
    [
        (Tree(), {"show": "chaos"}, "flow, rebalance, cycle"),
        (Tree(), {"show": 3}, "show must be"),
        (Tree(), {"depth": 2}, "depth of 3 or more, got 2 of depth 2"),
        (Tree(), {"pathways": 1}, "two pathways or more"),
        (Tree(), {"pathways": 0}, "number of pathways"),
        (Tree(), {"depth": 1.5}, "depth"),
        (Spectrum(singular_values=(0.0,)), {}, "must not be zero"),
    ],
)
def test_what_cannot_be_suggested_is_said(task, options, words):
    with refused(words):
        suggest(task, **options)


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        ((1.0, 0.7), ()),
        ((1.0, 0.95, 0.5), ((0, 1),)),
        ((2.0, 1.0, 1.0, 0.5, 0.49, 0.48), ((1, 2), (3, 5))),
        ((1.0, 0.0, 0.0), ()),
    ],
)
def test_near_equal_values_are_told(values, groups):
    assert outlook.near_equal(Spectrum(singular_values=values)) == groups


def test_a_mode_that_starts_above_its_target_takes_time_too():
    run = Experiment(
        task=Spectrum(singular_values=(1.0, 0.01)),
        network=Network(depths=(3,)),
        start=Balanced(scales=(0.2,)),
        dynamics=Descent(step_size=0.01, steps=1),
    )
    late = outlook.plateau_times(run)[1]
    found = simulate(replace(run, dynamics=Descent(step_size=late / 20_000, steps=20_000)))
    assert found.strengths[-1, 0, 1] == pytest.approx(0.015, rel=1e-2)


def test_modes_that_a_run_does_not_get_to_are_told():
    run = suggest(Spectrum(singular_values=(1.0, 0.5, 0.04)))
    eta = run.dynamics.step_size
    for steps, missing in ((10**6, ()), (20, (2,)), (1, (0, 1, 2))):
        shorter = replace(run, dynamics=Descent(step_size=eta, steps=steps))
        assert outlook.unlearned(shorter) == missing


@pytest.mark.parametrize(
    ("values", "steps", "words"),
    [
        ((1.0,), 2000, "steps"),
        ((1.0, 0.9), 2000, "steps, and every other mode before the run ends"),
        ((1.0, 0.9, 0.1), 60, "steps; mode 3 is not when the run ends"),
        ((1.0, 0.9, 0.1, 0.1), 60, "steps; modes 3 and 4 are not when the run ends"),
    ],
)
def test_what_is_half_learned_is_said_in_plain_words(values, steps, words):
    run = Experiment(
        task=Spectrum(singular_values=values),
        network=Network(depths=(3, 3)),
        start=Balanced(scales=(0.01, 0.01)),
        dynamics=Descent(step_size=0.1, steps=steps),
    )
    found = outlook.half_learned(run)
    assert re.fullmatch(r"mode 1 is half learned after about [\d,]+ " + words, found), found
