"""Descents with momentum and weight decay are settled only where they stay: held against a slow,
obvious twin that goes on ten times as long.

Decay moves shares for 1/(eta mu) updates and more, so slowly that they seem to rest.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Gaussian,
    Network,
    Outcome,
    Record,
    Spectrum,
    driven_verdicts,
    phases,
    regimes,
    simulate,
    theory,
    variations,
)
from simcore.regimes import Regime

LONGER = 10
EVERY = Record(every=1, sharpness=False)
SETTLED = {Regime.WINNER_TAKES_ALL, Regime.PARTLY_REBALANCED, Regime.BALANCED}
RESTLESS = set(driven_verdicts.RESTLESS)


def drawn(count: int, seed: int):
    """Random driven runs of one mode: depths 1 to 12, one to three pathways, below and above the
    edge, weight decay of 3e-5 to 1e-2, and in every other one momentum."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        pathways = int(draw.integers(1, 4))
        depths = tuple(int(depth) for depth in draw.integers(1, 9, pathways))
        if draw.random() < 0.6:
            depths = (int(draw.integers(3, 13)),) * pathways
        more = {}
        if draw.random() < 0.5:
            more = {
                "momentum": float(draw.choice([0.3, 0.5, 0.9])),
                "nesterov": bool(draw.random() < 0.4),
            }
        dynamics = Descent(
            step_size=float(draw.uniform(0.2, 1.7) * 2 / max(depths)),
            steps=int(draw.choice([300, 1000, 3000])),
            weight_decay=float(10 ** draw.uniform(-4.5, -2)),
            **more,
        )
        yield Experiment(
            task=Spectrum(singular_values=(1.0,)),
            network=Network(depths=depths),
            start=Balanced(scales=tuple((10 ** draw.uniform(-2, -0.5, pathways)).tolist())),
            dynamics=dynamics,
            record=Record(frames=60, sharpness=False),
        )


@cache
def judged():
    """(run, verdict) of random runs that finish."""
    runs = [simulate(experiment) for experiment in drawn(250, 11)]
    return [(run, regimes.classify(run)) for run in runs if run.outcome is Outcome.FINISHED]


def strengths_later(experiment: Experiment, times: int) -> tuple[np.ndarray, np.ndarray]:
    """The twin: strengths (H,) at the end, and so many times as late.
    v <- beta v - eta (w^{L-1} r + mu w), and w <- w + v, or Nesterov's step."""
    rules, depths = experiment.dynamics, np.array(experiment.network.depths)
    w = np.array(experiment.start.scales) ** (1 / depths)
    v, found = np.zeros_like(w), []
    for _ in range(times):
        for _ in range(rules.steps):
            r = (w**depths).sum() - 1.0
            push = -rules.step_size * (w ** (depths - 1) * r + rules.weight_decay * w)
            v = rules.momentum * v + push
            w = w + (rules.momentum * v + push if rules.nesterov else v)
        found.append(w**depths)
    return found[0], found[-1]


def test_shares_that_have_settled_stay_where_they_are():
    settled = [(run, regime) for run, regime in judged() if regime in SETTLED]
    assert len(settled) > 60
    for run, regime in settled[:: 1 if len(settled) < 90 else 2]:
        end, after = strengths_later(run.experiment, LONGER)
        assert end == pytest.approx(run.strengths[-1, :, 0], abs=0.01), run.experiment
        moved = np.abs(theory.shares(after) - theory.shares(end)).max()
        assert moved <= 0.02, (regime, moved, run.experiment)


def test_a_longer_run_has_the_same_verdict():
    """Or none, where what a shorter one does not see for long is close to what counts as moving."""
    told, withdrawn = 0, 0
    for run, regime in judged():
        if regime not in SETTLED | RESTLESS:
            continue
        steps = LONGER * run.experiment.dynamics.steps
        longer = regimes.classify(simulate(variations.with_steps(run.experiment, steps)))
        same = longer is regime or {longer, regime} <= RESTLESS
        assert same or longer is Regime.UNFINISHED, (regime, longer, run.experiment)
        told, withdrawn = told + 1, withdrawn + (longer is Regime.UNFINISHED)
    assert told > 80
    assert withdrawn <= told / 50


def test_nothing_is_settled_that_decay_still_moves():
    moving = 0
    for run, regime in judged():
        headline, names = regimes.headline(run), {phase.name for phase in regimes.phases(run)}
        if headline == "still being moved by weight decay":
            assert regime is Regime.UNFINISHED
            assert "Weight decay is still moving the signal" in regimes.describe(run)
            moving += 1
        if regime is Regime.UNFINISHED:
            assert phases.SETTLED not in names
    assert moving > 20


def test_how_often_it_was_recorded_does_not_matter():
    for run, regime in judged()[::4]:
        for record in (Record(frames=3, sharpness=False), Record(every=7, sharpness=False)):
            again = simulate(replace(run.experiment, record=record))
            assert regimes.classify(again) is regime, run.experiment


@pytest.mark.parametrize("activation", ["linear", "tanh", "relu"])
@pytest.mark.parametrize("record", [Record(frames=100, sharpness=False), EVERY])
def test_full_weights_are_settled_only_if_their_shares_stand_still(activation, record):
    """There the end is not iterated on; what moves in the last records tells how it would go on."""
    draw, told = np.random.default_rng(4), 0
    for _ in range(90):
        full = Experiment(
            task=Spectrum(singular_values=(1.0,)),
            network=Network(depths=(int(draw.integers(3, 5)),) * 2, width=3, activation=activation),
            start=Gaussian(std=0.45, seed=int(draw.integers(1000))),
            dynamics=Descent(
                step_size=float(draw.uniform(0.1, 0.5)),
                steps=int(draw.choice([300, 1500])),
                weight_decay=float(10 ** draw.uniform(-4.5, -2)),
            ),
            record=record,
        )
        run = simulate(full)
        if run.outcome is not Outcome.FINISHED or regimes.classify(run) not in SETTLED:
            continue
        longer = simulate(variations.with_steps(full, LONGER * full.dynamics.steps))
        one, two = (theory.shares(each.strengths[-1, :, 0]) for each in (run, longer))
        assert np.abs(two - one).max() <= 0.02, (one, two, full)
        told += 1
    assert told > 8


@pytest.mark.parametrize("steps", [300, 400, 1000])
@pytest.mark.parametrize("decay", [3e-4, 6e-4, 2e-3])
def test_an_oscillation_is_named_only_where_something_swings(steps, decay):
    """Below the edge decay drags the shares along, and nothing swings."""
    for depth, scales in product((3, 6, 9), ((0.02, 0.018), (0.1, 0.05, 0.03))):
        dynamics = Descent(step_size=1.2 / depth, steps=steps, weight_decay=decay)
        run = simulate(
            Experiment(
                task=Spectrum(singular_values=(1.0,)),
                network=Network(depths=(depth,) * len(scales)),
                start=Balanced(scales=scales),
                dynamics=dynamics,
                record=Record(every=1, sharpness=False),
            )
        )
        sums = run.strengths[-60:, :, 0].sum(axis=1)
        turns = np.sign(np.diff(sums))
        swings = np.ptp(sums) > 1e-3 and (turns[1:] != turns[:-1]).any()
        assert ("oscillation" in regimes.describe(run)) <= swings


def test_plain_gradient_flow_is_named_only_where_its_end_is_known():
    said = set()
    for seed, momentum in product(range(6), (0.5, 0.9)):
        start = Gaussian(std=0.3, seed=seed)
        dynamics = Descent(step_size=0.1, steps=300, momentum=momentum)
        run = simulate(
            Experiment(
                task=Spectrum(singular_values=(3.873, 2.6, 2.0)),
                network=Network(depths=(3, 3), width=8),
                start=start,
                dynamics=dynamics,
                record=Record(sharpness=False),
            )
        )
        said.add(regimes.describe(run))
    more_even = {words for words in said if "more evenly than" in words}
    assert more_even
    assert not any("plain gradient flow" in words for words in more_even)
