"""Outputs that ReLU holds at zero: what is said of them is held against ten times as long runs.

No gradient reaches the weights of such an output, but those below it may go on to move.
"""

from __future__ import annotations

from functools import cache

import naive_samples
import numpy as np
import pytest

from simcore import (
    Descent,
    Experiment,
    Gaussian,
    Network,
    Outcome,
    Record,
    Spectrum,
    curvature,
    nonlinear,
    regimes,
    simulate,
    variations,
)

LONGER = 10
DIED, DEAD, MAY = (" died: ReLU", "network is dead", "may come back")
STAYS = "the loss stays at"
DRIVEN = ({}, {"momentum": 0.9}, {"weight_decay": 3e-3}, {"momentum": 0.8, "weight_decay": 1e-3})


def drawn(count: int, seed: int, **driven: float):
    """Random networks with ReLU after every layer, below the edge and beyond their start or not."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        modes = int(draw.integers(2, 4))
        values = tuple(sorted(draw.uniform(0.4, 2, modes), reverse=True))
        n_out = modes + int(draw.integers(0, 3))
        depths = tuple(int(depth) for depth in draw.integers(2, 4, draw.integers(1, 3)))
        deepest = max(depths)
        yield Experiment(
            task=Spectrum(singular_values=values, n_in=modes, n_out=n_out),
            network=Network(depths=depths, width=n_out, activation="relu", activate_last=True),
            start=Gaussian(
                std=float(draw.uniform(0.25, 1.2) / np.sqrt(n_out)), seed=int(draw.integers(999))
            ),
            dynamics=Descent(
                step_size=float(
                    draw.uniform(0.05, 0.8) * 2 / deepest / values[0] ** (2 - 2 / deepest)
                ),
                steps=int(draw.choice([20, 50, 100, 300])),
                **driven,
            ),
            record=Record(every=1, sharpness=False),
        )


def at_zero(run) -> np.ndarray:
    return ~naive_samples.outputs(run.experiment, run.theta).any(axis=(0, 2))


@cache
def told(kind: int):
    """(run, what is said, the same for ten times as long) where it is about outputs at zero."""
    found = []
    for experiment in drawn(150, 7 + kind, **DRIVEN[kind]):
        run = simulate(experiment)
        if run.outcome is not Outcome.FINISHED or not at_zero(run).any():
            continue
        later = simulate(variations.with_steps(experiment, LONGER * experiment.dynamics.steps))
        if later.outcome is Outcome.FINISHED:
            found.append((run, regimes.describe(run), later))
    return found


@pytest.mark.parametrize("kind", range(len(DRIVEN)))
def test_what_has_died_never_comes_back(kind):
    dead, back = 0, 0
    for run, said, later in told(kind):
        wakes = (at_zero(run) & ~at_zero(later)).any()
        back += wakes
        if DIED in said or DEAD in said:
            assert not wakes, (run.experiment, said)
            dead += 1
    assert dead >= (20 if not DRIVEN[kind] else 5)
    assert back > 0  # so that there was something to be wrong about


@pytest.mark.parametrize("kind", range(len(DRIVEN)))
def test_a_loss_that_stays_stays(kind):
    for run, said, later in told(kind):
        if STAYS in said:
            assert later.loss[-1] == pytest.approx(run.loss[-1], rel=1e-3), run.experiment
            assert "before it settled" not in said, said


def test_what_one_pathway_has_not_learned_is_not_said_to_be():
    whole = part = 0
    for run, said, _ in told(0):
        if "one pathway learned" in said:
            all_of_it = "learned the target" in said
            assert run.loss[-1] < 0.005 or not all_of_it, (run.loss[-1], said)
            assert all_of_it or "learned mode 1 of the target" in said
            whole, part = whole + all_of_it, part + (not all_of_it)
    assert min(whole, part) > 0


def test_the_loss_of_what_died_is_no_more_than_is_said_to_be_left():
    """With a pathway of depth 1 alone nothing is below that could move, whatever others learn."""
    task = Spectrum(singular_values=(1.0, 0.8), n_in=2, n_out=2)
    seed = next(seed for seed in range(99) if weights_of_one_layer_die(seed))
    run = simulate(
        Experiment(
            task=task,
            network=Network(depths=(1,), activation="relu", activate_last=True),
            start=Gaussian(std=0.3, seed=seed),
            dynamics=Descent(step_size=0.05, steps=20),
        )
    )
    assert run.loss[-2] > run.loss[-1] * 1.01
    assert "1 of 2 outputs has died" in regimes.describe(run)
    assert "cannot fall below" in regimes.describe(run)
    later = simulate(variations.with_steps(run.experiment, 2000))
    assert later.loss[-1] == pytest.approx(nonlinear.silence(run).floor, rel=1e-9)
    assert STAYS in regimes.describe(later)


def weights_of_one_layer_die(seed: int) -> bool:
    below = Gaussian(std=0.3, seed=seed).weights(4).reshape(2, 2) < 0
    return bool(below[1].all() and not below[0].any())


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_weight_decay_moves_a_dead_network_and_does_not_wake_it(decay):
    runs = [
        simulate(experiment)
        for experiment in drawn(150, 7, **({"weight_decay": decay} if decay else {}))
    ]
    dead = [run for run in runs if regimes.headline(run) == "dead network"]
    assert len(dead) > 3
    for run in dead:
        longer = variations.with_steps(run.experiment, 2 * run.experiment.dynamics.steps)
        later = simulate(longer)
        said = regimes.describe(run)
        assert (later.theta == run.theta).all() == ("no weight moves any more" in said)
        shrunk = (1 - run.experiment.dynamics.step_size * decay) ** run.experiment.dynamics.steps
        assert later.theta == pytest.approx(shrunk * run.theta, rel=1e-9, abs=1e-300)
        assert ("weight decay alone moves them" in said) == (decay > 0)
        assert not curvature.gradient(longer, later.theta).any()


def test_what_may_come_back_is_not_called_dead():
    """A network whose silent output is alive again later, and what it learns by that."""
    network = Network(depths=(3,), width=5, activation="relu", activate_last=True)
    run = simulate(
        Experiment(
            task=Spectrum(singular_values=(1.59, 1.42, 0.55), n_in=3, n_out=5),
            network=network,
            start=Gaussian(std=0.451, seed=6),
            dynamics=Descent(step_size=0.2527, steps=100),
        )
    )
    assert (nonlinear.silence(run).outputs, nonlinear.silence(run).dead) == (1, False)
    assert regimes.headline(run) != "outputs died"
    assert MAY in regimes.describe(run)
    later = simulate(variations.with_steps(run.experiment, 1000))
    assert later.loss[-1] < 1e-20
    assert MAY not in regimes.describe(later)
