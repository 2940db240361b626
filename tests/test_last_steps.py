"""Verdicts on full weights: how often a run was recorded plays no part in them, and they hold."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from simcore import (
    Dataset,
    Descent,
    Experiment,
    Gaussian,
    Network,
    Outcome,
    Record,
    Spectrum,
    courses,
    last_steps,
    past,
    regimes,
    simulate,
    theory,
    variations,
)
from simcore.regimes import Regime

RESTLESS = {Regime.CYCLE, Regime.CHAOS}
CLAIMS = {Regime.WINNER_TAKES_ALL, Regime.PARTLY_REBALANCED, Regime.BALANCED, *RESTLESS}
RECORDS = [Record(frames=frames, sharpness=False) for frames in (60, 150, 300)]


def drawn(count: int, seed: int):
    """Random small networks of full weights, some on inputs that are not whitened, at .3 to 2 times
    the step size at the edge of a single pathway."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        task = Spectrum(singular_values=tuple(sorted(draw.uniform(0.2, 2, 2), reverse=True)))
        if draw.random() < 0.4:
            inputs = draw.normal(size=(9, 3))
            outputs = inputs @ draw.normal(size=(3, 2)) + 0.3 * draw.normal(size=(9, 2))
            task = Dataset(inputs=inputs, outputs=outputs, whiten=bool(draw.random() < 0.5))
        depths = tuple(int(depth) for depth in draw.integers(1, 6, draw.integers(1, 4)))
        if draw.random() < 0.5:
            depths = (int(draw.integers(2, 7)),) * int(draw.integers(1, 4))
        unit = 2 / max(theory.task_sharpness(task, depth) for depth in depths)
        width = int(draw.integers(2, 8))
        yield Experiment(
            task=task,
            network=Network(depths=depths, width=width),
            start=Gaussian(
                std=float(draw.uniform(0.2, 0.9) / np.sqrt(width)), seed=int(draw.integers(1000))
            ),
            dynamics=Descent(
                step_size=float(unit * draw.uniform(0.3, 2)), steps=int(draw.choice([200, 1000]))
            ),
            record=RECORDS[-1],
        )


@cache
def judged():
    """(run, verdict) of random runs that finish."""
    runs = [simulate(experiment) for experiment in drawn(120, 3)]
    return [(run, regimes.classify(run)) for run in runs if run.outcome is Outcome.FINISHED]


def test_how_often_it_was_recorded_does_not_matter():
    assert len({regime for _, regime in judged()}) >= 6
    for run, regime in judged():
        said = {
            regimes.headline(simulate(replace(run.experiment, record=record))) for record in RECORDS
        }
        assert said == {regimes.headline(run)}, (regime, said, run.experiment)


def test_a_longer_run_does_not_contradict_it():
    told = 0
    for run, regime in judged():
        if regime in CLAIMS:
            longer = variations.with_steps(run.experiment, 4 * run.experiment.dynamics.steps)
            after = regimes.classify(simulate(longer))
            assert after is regime or {after, regime} <= RESTLESS, (regime, after, longer)
            told += 1
    assert told > 60


def bent(count: int, seed: int):
    """Random small networks with ReLU or tanh, at .5 to 1.6 times the step size at the edge of a
    linear pathway."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        modes = int(draw.integers(1, 3))
        values = tuple(sorted(draw.uniform(0.4, 2, modes), reverse=True))
        sizes = modes + draw.integers(0, 3, 2)
        depths = tuple(int(depth) for depth in draw.integers(2, 5, draw.integers(1, 4)))
        width = int(draw.integers(sizes.max(), 9))
        unit = 2 / max(theory.single_path_sharpness(values[0], depth) for depth in depths)
        yield Experiment(
            task=Spectrum(singular_values=values, n_in=int(sizes[0]), n_out=int(sizes[1])),
            network=Network(
                depths=depths,
                width=width,
                activation="relu" if draw.random() < 0.7 else "tanh",
                activate_last=bool(draw.random() < 0.4),
            ),
            start=Gaussian(
                std=float(draw.uniform(0.4, 1.1) / np.sqrt(width)), seed=int(draw.integers(1000))
            ),
            dynamics=Descent(
                step_size=float(unit * draw.uniform(0.5, 1.6)), steps=int(draw.choice([300, 1000]))
            ),
            record=RECORDS[-1],
        )


@cache
def judged_bent():
    """(run, verdict) of those that finish."""
    runs = [simulate(experiment) for experiment in bent(120, 5)]
    return [(run, regimes.classify(run)) for run in runs if run.outcome is Outcome.FINISHED]


def test_nor_does_it_with_pathways_that_are_not_linear():
    for run, regime in judged_bent()[::2]:
        said = {
            regimes.classify(simulate(replace(run.experiment, record=record))) for record in RECORDS
        }
        assert said == {regime}, (said, run.experiment)


def test_restless_pathways_that_are_not_linear_go_on():
    """But for chaos that ends at a minimum, which no steps of before can tell."""
    restless = [(run, regime) for run, regime in judged_bent() if regime in RESTLESS]
    ended = []
    for run, regime in restless:
        longer = variations.with_steps(run.experiment, 4 * run.experiment.dynamics.steps)
        after = regimes.classify(simulate(longer))
        assert after is not Regime.UNFINISHED, (regime, longer)
        assert after in RESTLESS or regime is Regime.CHAOS, (regime, after, longer)
        ended += [longer] if after not in RESTLESS else []
    assert len(restless) > 20
    assert len(ended) <= 1, ended


def test_a_cycle_is_one_of_the_loss_of_all_modes_too():
    """The sum jumps between two values, and the loss repeats itself after 3 steps, or never."""
    steps = np.arange(384)
    total = 1 + 0.2 * (-1.0) ** steps
    strengths = np.stack([0.7 * total, 0.3 * total], axis=1)
    mode = courses.Course(strengths, strengths, strengths)
    losses = {2: 0.1 + total, 6: 0.1 * (1 + steps % 3), 0: np.sin(steps**2 % 389)}
    for period, loss in losses.items():
        found = last_steps.of(mode, loss, np.array(1.0), False)
        assert max(0, found.period[0]) == period


def test_modes_that_are_still_small_may_end_a_cycle():
    """Mode 1 repeats itself every two steps from step 1000 on; mode 2 grows from its plateau until
    it takes part, from about step 3000 on, and the run diverges by 9000."""
    experiment = Experiment(
        task=Spectrum(singular_values=(0.9761430265095932, 0.9329182802534073)),
        network=Network(depths=(5,), width=6),
        start=Gaussian(std=0.0850088469249571, seed=609172),
        dynamics=Descent(step_size=0.5195796411713296, steps=2000),
        record=Record(every=1, sharpness=False),
    )
    run = simulate(experiment)
    total = run.strengths[-200:, 0, 0]
    assert np.abs(total[2:] - total[:-2]).max() <= 0.01 * np.ptp(total)
    assert simulate(variations.with_steps(experiment, 9000)).outcome is Outcome.DIVERGED
    assert regimes.classify(run) not in CLAIMS


def test_the_steps_after_the_end_are_those_of_a_longer_run():
    run, _ = judged()[0]
    every = replace(run.experiment, record=Record(every=1, sharpness=False))
    longer = simulate(variations.with_steps(every, every.dynamics.steps + 30))
    strengths, loss = last_steps._next_steps(run, 30)
    assert strengths == pytest.approx(longer.strengths[-30:], rel=1e-6, abs=1e-9)
    assert loss == pytest.approx(longer.loss[-30:], rel=1e-6, abs=1e-9)


def test_the_largest_share_is_that_of_all_steps():
    for run, _ in judged()[::10]:
        every = simulate(replace(run.experiment, record=Record(every=1, sharpness=False)))
        peak = courses.sharpest(every).largest_share.max()
        assert last_steps.largest_share(run) == peak


def test_a_run_that_takes_long_is_not_done_again(monkeypatch):
    full = next(drawn(1, 3))
    run = simulate(full)
    monkeypatch.setattr(past, "AFFORDED", 0.0)
    assert regimes.headline(run)
