"""What is said of a driven run: neither its records nor its length play a part, and what every step
shows is what the run did."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Freeze,
    Gaussian,
    Jitter,
    LayerScales,
    Network,
    Outcome,
    Record,
    Spectrum,
    StepSize,
    Trajectory,
    courses,
    last_steps,
    past,
    regimes,
    simulate,
    theory,
    variations,
)
from simcore.studies import phase_maps
from simcore.updates import Updates

LINEAR = ("matrices", "modes")
KINDS = (*LINEAR, "tanh", "relu")
DRIVEN = {
    "momentum": {"momentum": 0.5},
    "much momentum": {"momentum": 0.9},
    "Nesterov's": {"momentum": 0.5, "nesterov": True},
    "decay": {"weight_decay": 1e-3},
    "both": {"momentum": 0.3, "weight_decay": 1e-4},
    "noise": {"label_noise": 0.05},
    "events": {},
}
EVERY = Record(every=1, sharpness=False)


def drawn(kind: str, count: int, seed: int, driven: dict[str, dict] = DRIVEN):
    """Random small networks of a kind, at .2 to 1.6 times the step size at the edge."""
    draw = np.random.default_rng(seed)
    for number in range(count):
        task = Spectrum(singular_values=tuple(sorted(draw.uniform(0.3, 1.5, 2), reverse=True)))
        depths = tuple(int(depth) for depth in draw.integers(2, 6, draw.integers(1, 4)))
        width = int(draw.integers(2, 7))
        if kind == "modes" or (kind == "matrices" and draw.random() < 0.4):
            rows = tuple(tuple(draw.uniform(0.2, 0.8, depth).tolist()) for depth in depths)
            start = LayerScales(scales=rows)
        else:
            spread = float(draw.uniform(0.3, 0.9) / np.sqrt(width))
            start = Gaussian(std=spread, seed=int(draw.integers(1000)))
        names = [name for name in driven if kind in LINEAR or name != "noise"]  # it shakes a map
        rules, steps = driven[names[number % len(names)]], int(draw.choice([300, 1000]))
        reach = Descent(step_size=1.0, steps=1, **rules).reach
        unit = reach / max(theory.task_sharpness(task, depth) for depth in depths)
        eta, events = float(unit * draw.uniform(0.2, 1.6)), ()
        if not rules:
            pathway = int(draw.integers(len(depths)))
            events = (
                StepSize(at=steps // 2, value=0.8 * eta),
                Jitter(at=50, std=0.02),
                Freeze(pathway=pathway, start=100, stop=int(draw.choice([200, steps]))),
            )
        yield Experiment(
            task=task,
            network=Network(
                depths=depths,
                width=width,
                activation="linear" if kind in LINEAR else kind,
            ),
            start=start,
            dynamics=Descent(step_size=eta, steps=steps, events=events, **rules),
            record=Record(frames=150),
            engine=kind if kind in LINEAR else "auto",
        )


@cache
def runs(kind: str) -> list[Trajectory]:
    """Those that finish."""
    done = [simulate(experiment) for experiment in drawn(kind, 49, 7)]
    return [run for run in done if run.outcome is Outcome.FINISHED]


def told(run: Trajectory) -> tuple[str, str, str]:
    return regimes.classify(run).value, regimes.headline(run), regimes.said(run)


# --- Records ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_how_often_a_driven_run_was_recorded_does_not_matter(kind):
    assert len({regimes.classify(run) for run in runs(kind)}) >= 3
    for run in runs(kind):
        for frames in (60, 400):
            again = simulate(replace(run.experiment, record=Record(frames=frames)))
            assert told(again) == told(run), run.experiment


@pytest.mark.parametrize("engine", LINEAR)
def test_nor_does_it_in_a_run_that_ends_at_the_edge_in_three_ways(engine):
    """Nesterov's steps, of which records see 4.2, 5.2 or 7.7 where the edge is 4.1."""
    experiment = Experiment(
        task=Spectrum(singular_values=(0.972, 0.823)),
        network=Network(depths=(6, 6), width=9),
        start=Balanced(scales=(0.0081, 0.0063)),
        dynamics=Descent(step_size=0.3676, steps=3000, momentum=0.5, nesterov=True),
        engine=engine,
    )
    records = [Record(frames=frames) for frames in (60, 150, 300, 600)]
    said = {told(simulate(replace(experiment, record=record))) for record in records}
    assert len(said) == 1


@pytest.mark.parametrize("kind", LINEAR)
def test_uneven_plain_runs_are_told_alike_with_every_step_recorded(kind):
    plain = {"plain": {}}
    for experiment in drawn(kind, 60, 19, plain):
        rules = replace(experiment.dynamics, events=(), steps=1500)
        usual = replace(experiment, dynamics=rules, record=Record())
        run = simulate(usual)
        if run.outcome is Outcome.FINISHED:
            every = simulate(replace(usual, record=Record(every=1)))
            assert told(every) == told(run), usual


@pytest.mark.parametrize("kind", LINEAR)
def test_a_cell_of_a_map_is_what_a_click_opens(kind):
    for experiment in drawn(kind, 49, 31):
        cell = phase_maps.base_of(experiment)
        opened = replace(cell, record=Record())
        assert regimes.classify(simulate(cell)) is regimes.classify(simulate(opened)), cell


# --- Length ----------------------------------------------------------------------------------

STEADY = {"plain": {}, **{name: DRIVEN[name] for name in ("momentum", "Nesterov's")}}


@pytest.mark.parametrize("kind", ["matrices", "tanh"])
def test_a_run_at_rest_has_one_headline_however_long_it_is(kind):
    """Across 20,000 steps, from where on a look at every third would miss the early peak."""
    rested = 0
    for experiment in drawn(kind, 24, 5, STEADY):
        rules = replace(experiment.dynamics, events=(), steps=3000)
        lengths = [
            simulate(replace(experiment, dynamics=replace(rules, steps=steps)))
            for steps in (3000, 9000, 30000, 90000)
        ]
        ends = [run.strengths[-1] for run in lengths]
        if all(np.abs(end - ends[-1]).max() <= 1e-12 for end in ends):
            assert len({regimes.headline(run) for run in lengths}) == 1, experiment
            rested += 1
    assert rested > 5


def test_a_short_overshoot_early_on_is_seen_in_a_long_run():
    experiment = Experiment(
        task=Spectrum(singular_values=(1.731, 0.85)),
        network=Network(depths=(4, 4), width=4),
        start=LayerScales(scales=((0.426, 0.633, 0.476, 0.405), (0.288, 0.45, 0.371, 0.41))),
        dynamics=Descent(step_size=0.1587, steps=3000, momentum=0.5),
        engine="matrices",
    )
    said = set()
    for steps in (3000, 19000, 21000, 30000, 90000):
        run = simulate(variations.with_steps(experiment, steps))
        said.add((last_steps.largest_share(run), *told(run)))
    assert len(said) == 1


# --- What every step shows -------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_past_is_that_of_all_steps(kind):
    for run in runs(kind)[::4]:
        every = simulate(replace(run.experiment, record=EVERY))
        shares = courses.sharpest(every).largest_share
        assert past.shared(run).largest_share == shares.max()
        assert shares.max() <= last_steps.most_share(run) + 1e-12


@pytest.mark.parametrize("kind", [*LINEAR, "tanh"])
def test_a_step_that_met_the_edge_passed_weights_as_sharp_as_that(kind):
    """Between two states the sharpness may be a little above both."""
    met = 0
    for experiment in drawn(kind, 60, 23, STEADY):
        every = simulate(replace(experiment, record=Record(every=1)))
        if every.outcome is Outcome.FINISHED and past.met(every).at_all:
            assert (last_steps.felt(every) >= 0.9 * every.edge).any(), experiment
            met += 1
    assert met > 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_steps_after_the_end_are_those_of_a_longer_run(kind):
    for run in runs(kind)[::3]:
        dynamics = run.experiment.dynamics
        if any(time == dynamics.steps for event in dynamics.events for time in event.times):
            continue
        longer = replace(dynamics, steps=dynamics.steps + 20)
        longer = simulate(replace(run.experiment, dynamics=longer, record=EVERY))
        strengths, loss = last_steps._next_steps(run, 20)
        if longer.outcome is Outcome.FINISHED:
            assert strengths == pytest.approx(longer.strengths[-20:], rel=1e-5, abs=1e-8)
            assert loss == pytest.approx(longer.loss[-20:], rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_updates_that_are_seen_one_by_one_are_those_that_are_not(kind):
    for run in runs(kind)[::5]:
        engines = [past.engine_of(run.experiment, past.QUIET) for _ in range(2)]
        at_once, each = (Updates(run.experiment, engine) for engine in engines)
        assert at_once.go(int(run.steps[-1]))
        seen = sum(len(stretch.seen) for stretch in each.each(int(run.steps[-1])))
        assert seen == run.steps[-1]
        for one, other in zip(engines[0].moved(), engines[1].moved(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_saved_run_keeps_its_velocity_and_one_of_before_opens_without(tmp_path):
    run = next(run for run in runs("matrices") if run.experiment.dynamics.momentum)
    run.save(tmp_path / "now.npz")
    opened = Trajectory.load(tmp_path / "now.npz")
    np.testing.assert_array_equal(opened.velocity, run.velocity)
    replace(run, velocity=None).save(tmp_path / "before.npz")
    before = Trajectory.load(tmp_path / "before.npz")
    assert before.velocity is None
    assert regimes.headline(before)
