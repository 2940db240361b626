"""Phases and regimes: the paper's runs are called rightly, and depth 2 never re-balances."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from simcore import (
    Balanced,
    Descent,
    Flow,
    Network,
    Outcome,
    Record,
    presets,
    regimes,
    simulate,
)
from simcore.regimes import PHASES, Regime


@pytest.mark.parametrize("record", [Record(every=1), Record()], ids=["every step", "600 frames"])
@pytest.mark.parametrize(
    ("preset", "regime"),
    [
        (presets.SMALL, Regime.WINNER_TAKES_ALL),
        (presets.MEDIUM, Regime.PARTLY_REBALANCED),
        (presets.LARGE, Regime.CYCLE),
        (presets.UNEQUAL, Regime.PARTLY_REBALANCED),
        (presets.RANK_ONE, Regime.PARTLY_REBALANCED),
        (presets.FLOW, Regime.WINNER_TAKES_ALL),
        (presets.RETURN_BELOW, Regime.CHAOS),
        (presets.RETURN_ABOVE, Regime.TRAPPED),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_regime_of_the_papers_runs(preset, regime, record):
    run = simulate(replace(preset.experiment, record=record))
    assert regimes.classify(run) is regime


def test_phases_of_the_medium_run_are_all_five():
    phases = regimes.phases(simulate(presets.MEDIUM.experiment))
    assert tuple(phase.name for phase in phases) == PHASES


def test_a_flow_has_no_edge():
    names = [phase.name for phase in regimes.phases(simulate(presets.FLOW.experiment))]
    assert names == ["plateau", "symmetry breaking", "settled"]


@pytest.mark.parametrize("step_size", [0.02, 0.05, 0.1, 0.13, 2 / 13, 0.17, 0.19, 0.22, 0.3, 0.5])
def test_phases_have_no_gaps(step_size):
    experiment = presets.two_pathways(Descent(step_size=step_size, steps=900))
    run = simulate(replace(experiment, record=Record(frames=200)))
    phases = regimes.phases(run)
    assert phases[0].first_step == 0
    assert phases[-1].last_step == run.steps[-1]
    for before, after in pairwise(phases):
        assert after.first_step == before.last_step + 1
        assert PHASES.index(after.name) > PHASES.index(before.name)


@pytest.mark.parametrize("step_size", [*np.linspace(0.1, 1.95, 16), 2.2])
@pytest.mark.parametrize("scales", [(0.02, 0.01), (0.3, 0.001)])
def test_depth_two_never_rebalances(step_size, scales):
    experiment = presets.two_pathways(
        Descent(step_size=float(step_size), steps=1500), depths=(2, 2), scales=scales
    )
    run = simulate(experiment)
    assert regimes.classify(run) not in (Regime.PARTLY_REBALANCED, Regime.BALANCED)
    assert "re-balancing" not in [phase.name for phase in regimes.phases(run)]


def test_period_doubling_of_depth_two():
    def regime(step_size):
        dynamics = Descent(step_size=step_size, steps=4000)
        run = simulate(presets.two_pathways(dynamics, depths=(2, 2), scales=(0.02, 0.01)))
        return regimes.classify(run)

    assert regime(0.9) is Regime.WINNER_TAKES_ALL
    assert regime(1.1) is Regime.CYCLE
    assert regime(1.26) is Regime.CYCLE  # period 4, past sqrt 5 - 1
    assert regime(1.9) is Regime.CHAOS
    assert regime(2.2) is Regime.DIVERGED


def test_equal_starts_are_balanced_and_short_runs_unfinished():
    equal = presets.two_pathways(Descent(step_size=0.05, steps=2000), scales=(0.002, 0.002))
    assert regimes.classify(simulate(equal)) is Regime.BALANCED
    short = replace(equal, dynamics=Descent(step_size=0.05, steps=100))
    assert regimes.classify(simulate(short)) is Regime.UNFINISHED


def test_shares_that_move_far_below_the_edge_are_not_called_rebalancing():
    run = simulate(presets.BY_NAME["tree-4"].experiment)
    assert run.sharpness.max() < run.edge
    assert regimes.classify(run) is Regime.WINNER_TAKES_ALL


def test_a_cycle_is_one_even_if_the_last_record_lies_off_the_stride():
    experiment = presets.two_pathways(Descent(step_size=0.41, steps=3000), depths=(5, 5))
    one = replace(
        experiment, network=Network(depths=(5,)), start=Balanced(scales=(0.002,)), record=Record()
    )
    assert regimes.classify(simulate(one)) is Regime.CYCLE


def test_linear_pathways_do_not_rebalance():
    experiment = presets.two_pathways(
        Descent(step_size=0.9, steps=200), depths=(1, 1), scales=(0.1, 0.2)
    )
    assert regimes.classify(simulate(experiment)) is Regime.WINNER_TAKES_ALL


def test_cancelled_runs_are_unfinished():
    run = simulate(presets.MEDIUM.experiment, on_progress=lambda fraction: False)
    assert run.outcome is Outcome.CANCELLED
    assert regimes.classify(run) is Regime.UNFINISHED
    assert str(Outcome.CANCELLED) in regimes.describe(run)


@pytest.mark.parametrize("regime", Regime)
def test_every_regime_has_a_sentence(regime):
    assert regime.sentence.endswith(".")


@pytest.mark.parametrize(
    ("step_size", "words"),
    [
        (0.05, "follows gradient flow"),
        (2 / 13, "hands signal back"),
        (0.1875, "keep jumping"),
        (0.3, "cross zero"),
    ],
)
def test_the_place_of_a_step_size(step_size, words):
    experiment = presets.two_pathways(Descent(step_size=step_size, steps=10))
    assert words in regimes.place(experiment)
    flow = replace(experiment, dynamics=Flow(duration=1.0))
    assert "Gradient flow" in regimes.place(flow)
