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
from simcore.matrices_engine import MatricesEngine
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


# --- What it takes ---------------------------------------------------------------------------


@pytest.fixture
def steps_seen(monkeypatch) -> list[int]:
    """How many steps each stretch had that was done again."""
    seen, each = [], Updates.each

    def counted(self, goal):
        for stretch in each(self, goal):
            seen.append(len(stretch.seen))
            yield stretch

    monkeypatch.setattr(Updates, "each", counted)
    return seen


def wide(step_size: float, steps: int = 3000) -> Trajectory:
    """Comes to rest, but for bits, within a few hundred steps; the edge is 2/eta."""
    return simulate(
        Experiment(
            task=Spectrum(singular_values=(2.0, 1.0, 0.5)),
            network=Network(depths=(4, 4), width=64),
            start=Gaussian(std=0.075),
            dynamics=Descent(step_size=step_size, steps=steps),
            record=Record(frames=150),
        )
    )


def test_a_run_is_not_done_again_beyond_where_it_rests(steps_seen):
    run = wide(0.14)
    assert not last_steps.met_edge(run)
    assert 100 < sum(steps_seen) < 500
    few = past.samples(wide(0.06))
    assert few.whole
    assert len(few.sharpness) < len(past._sampled_steps(3000))


@pytest.mark.parametrize("kind", [*LINEAR, "tanh"])
def test_nor_once_it_is_known_that_the_edge_was_met(kind, monkeypatch):
    known, take_in = [], past._Edge.take_in

    def watched(edge, *stretch):
        take_in(edge, *stretch)
        known.append(edge.met_with_signal)

    monkeypatch.setattr(past._Edge, "take_in", watched)
    met = 0
    driven = {name: DRIVEN[name] for name in ("momentum", "Nesterov's", "decay", "both")}
    for run in map(simulate, drawn(kind, 48, 61, driven)):
        known.clear()
        last_steps.met_edge(run, with_signal=True)
        assert not any(known[:-1])
        met += any(known)
    assert met > 3


@pytest.mark.parametrize("kind", [*LINEAR, "tanh"])
def test_what_is_told_of_a_part_of_the_steps_is_what_all_tell(kind, monkeypatch):
    experiments = [*drawn(kind, 15, 41, STEADY), *drawn(kind, 14, 43)]
    longer = [replace(e, dynamics=replace(e.dynamics, events=(), steps=5000)) for e in experiments]
    done = [run for run in map(simulate, longer) if run.outcome is Outcome.FINISHED]
    parts = [(past.met(run), past.samples(run)) for run in done]
    monkeypatch.setattr(past, "AT_REST", np.inf)
    shorter = 0
    for run, (met, few) in zip(done, parts, strict=True):
        again = replace(run)
        assert past.met(again) == met, run.experiment
        every = past.samples(again)
        assert every.whole == few.whole
        rest = every.sharpness[len(few.sharpness) :]
        np.testing.assert_array_equal(every.sharpness[: len(few.sharpness)], few.sharpness)
        assert rest == pytest.approx(np.full(len(rest), few.sharpness[-1]), rel=1e-6)
        shorter += len(rest) > 0
    assert shorter > 3 or kind == "modes"  # whose weights at the end are not known


def gradient(engine: MatricesEngine, state: np.ndarray) -> np.ndarray:
    """Of the loss and the penalty."""
    engine.weights[:] = state
    engine.observe()
    engine.backpropagate()
    engine.keep()
    return engine.gradient + engine.experiment.dynamics.weight_decay * state


@pytest.mark.parametrize("name", ["momentum", "Nesterov's", "decay", "both", "events"])
def test_the_curvature_on_the_way_is_that_of_gradients(name):
    above = below = 0
    for experiment in drawn("matrices", 12, 47, {name: DRIVEN[name]}):
        run, dynamics = simulate(experiment), experiment.dynamics
        engine, beside = (past.engine_of(experiment, past.QUIET) for _ in range(2))
        edge = past._Edge(run, engine)

        for stretch in Updates(experiment, engine).each(300):
            states = np.concatenate([stretch.state[None], engine.passed])
            found = edge._above(stretch, engine.passed)[-len(states) + 2 :]
            slopes = np.array([gradient(beside, state) for state in states])
            d = np.diff(states, axis=0)[:-1]
            along = (np.diff(slopes, axis=0)[:-1] * d).sum(axis=1) * stretch.step_sizes[:-1]
            size = (d * d).sum(axis=1)
            at_edge = dynamics.reach * size
            told = np.abs(along - at_edge) > 1e-5 * at_edge
            told &= size > 1e-10 * (states**2).sum(axis=1)[:-2]
            assert (found == (along >= at_edge))[told].all()
            above, below = above + found[told].sum(), below + (~found)[told].sum()
    assert above > 3
    assert below > 100


# --- Runs that blow up soon after their end --------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [*LINEAR, "tanh"])
def test_a_run_that_blows_up_after_its_end_is_told_without_warnings(kind):
    rules = {name: DRIVEN[name] for name in ("momentum", "decay", "noise", "both", "Nesterov's")}
    if kind in LINEAR:
        rules["all"] = {"weight_decay": 1e-3, "label_noise": 0.2, "momentum": 0.5}
    diverged = 0
    for experiment in drawn(kind, 60, 53, rules):
        eta = 3 * experiment.dynamics.step_size
        for steps in (1, 2, 3, 5, 9):
            cut = replace(experiment.dynamics, step_size=eta, steps=steps, events=())
            run = simulate(replace(experiment, dynamics=cut))
            if run.outcome is Outcome.FINISHED:
                diverged += told(run)[0] == "diverged"
    assert diverged > 10
