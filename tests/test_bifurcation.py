"""Exact facts of the chain past the edge (depth 2, sigma* = 1), and orbits against `simulate`."""

import math
from dataclasses import replace

import numpy as np
import pytest

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Gaussian,
    LayerScales,
    Network,
    Record,
    Spectrum,
    presets,
    simulate,
    theory,
    variations,
)
from simcore.studies.bifurcation import Fate, orbits


def chain(depth=2, pathways=1, scales=None):
    return Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=(depth,) * pathways),
        start=Balanced(scales=scales or (0.3,) * pathways),
        dynamics=Descent(step_size=0.1, steps=1),
    )


def period(orbit):
    """Smallest period of a settled orbit, to 1e-6."""
    total = orbit.sum(axis=1)
    return next(p for p in range(1, 65) if np.abs(total[p:] - total[:-p]).max() < 1e-6)


def period_at(step_size):
    found = orbits(chain(), np.array([step_size]), kept=130)
    return period(found.strengths[0])


@pytest.mark.parametrize(("step_size", "cycle"), [(0.999, 1), (1.001, 2), (1.2, 2), (1.25, 4)])
def test_periods_of_depth_two(step_size, cycle):
    assert period_at(step_size) == cycle


def test_period_two_turns_into_four_at_sqrt_five_minus_one():
    assert period_at(math.sqrt(5) - 1 - 1e-3) == 2
    assert period_at(math.sqrt(5) - 1 + 1e-3) == 4


def test_lyapunov_exponent_is_ln_three_at_the_end_of_chaos():
    found = orbits(chain(scales=(0.2345,)), np.array([2.0 - 1e-9]), kept=200_000)
    assert found.lyapunov[0] == pytest.approx(math.log(3), abs=1e-2)


def test_lyapunov_exponent_of_a_minimum():
    """At a stable minimum it is ln |1 - eta S|, exactly."""
    found = orbits(chain(depth=3), np.array([0.2]), kept=500)
    assert found.lyapunov[0] == pytest.approx(math.log(abs(1 - 0.2 * 3)), abs=1e-6)


def test_past_two_everything_diverges():
    found = orbits(chain(), np.array([2.3]))
    assert np.isnan(found.strengths).all()
    assert np.isnan(found.lyapunov).all()
    assert found.fates.tolist() == [Fate.DIVERGED]


def test_two_cycles_are_those_of_the_theory():
    for step_size in (1.05, 1.15, 1.2):
        found = orbits(chain(), np.array([step_size]), kept=2)
        low, high = theory.two_cycle(1.0, 2, step_size)
        assert sorted(found.strengths[0, :, 0]) == pytest.approx([low, high], abs=1e-9)


def test_pathway_ratio_of_depth_two_is_constant_through_chaos():
    experiment = chain(pathways=2, scales=(0.02, 0.01))
    found = orbits(experiment, np.linspace(0.5, 1.95, 30), budget=3000)
    settled = found.strengths[found.fates == Fate.SETTLED]
    assert len(settled) > 25
    ratio = settled[..., 0] / settled[..., 1]
    assert ratio == pytest.approx(2.0, rel=1e-9)


@pytest.mark.parametrize("step_size", [0.05, 0.12, 0.2, 0.2345])
def test_orbits_are_where_a_long_run_goes(step_size):
    """Every value of the orbit is one of the last values of a run, and the other way round."""
    experiment = variations.with_step_size(presets.MEDIUM.experiment, step_size)
    dynamics = Descent(step_size=step_size, steps=40_000)
    run = simulate(replace(experiment, dynamics=dynamics, record=Record(frames=2001)))
    last = run.strengths[-200:, :, 0].sum(axis=1)
    orbit = orbits(experiment, np.array([step_size]), kept=200).strengths[0].sum(axis=1)
    apart = np.abs(last[:, None] - orbit)
    assert apart.min(axis=0).max() < 1e-3
    assert apart.min(axis=1).max() < 1e-3


def test_slow_approaches_are_followed_to_their_end():
    """Issue 10.9: just above 2/lambda_GF a minimum is approached slowly; at .2345 is a 4-cycle that
    chaos finds after thousands of steps."""
    step_sizes = np.array([0.1034, 0.107, 0.1115, 0.2345])
    found = orbits(presets.MEDIUM.experiment, step_sizes)
    assert found.fates.tolist() == [Fate.SETTLED] * 4
    assert np.ptp(found.strengths[:3].sum(axis=2), axis=1).max() < 1e-6
    assert period(found.strengths[3]) == 4
    assert found.lyapunov[3] == pytest.approx(-0.0498, abs=5e-5)


def test_what_has_not_settled_is_marked_and_has_no_orbit():
    medium = presets.MEDIUM.experiment
    small = replace(medium, start=Balanced(scales=(1e-4, 0.9e-4)))
    cases = [
        (small, 0.01, 3000, Fate.WAITING),  # on the plateau of its start
        (medium, 0.28, 30_000, Fate.WAITING),  # thrown back there
        (medium, 0.107, 1000, Fate.MOVING),  # still ringing
        (medium, 0.107, 90_000, Fate.SETTLED),
        (chain(), 1.0, 90_000, Fate.MOVING),  # exactly at 2/S: like 1/sqrt(steps), for ever
        (medium, 0.6, 3000, Fate.DIVERGED),
    ]
    for experiment, step_size, budget, fate in cases:
        found = orbits(experiment, np.array([step_size]), budget=budget, kept=20)
        assert found.fates.tolist() == [fate], (step_size, budget)
        for values in (found.strengths, found.lyapunov):
            assert (np.isfinite(values) == (fate is Fate.SETTLED)).all()


def test_neighbours_do_not_change_an_orbit():
    """Those that settle early leave the others alone."""
    step_sizes = np.array([0.05, 0.2, 0.2345, 0.24, 0.28, 0.9, 0.107])
    together = orbits(presets.MEDIUM.experiment, step_sizes, kept=20)
    for k in (2, 5, 6):
        alone = orbits(presets.MEDIUM.experiment, step_sizes[k : k + 1], kept=20)
        np.testing.assert_array_equal(alone.strengths[0], together.strengths[k])
        assert alone.fates[0] == together.fates[k]


def test_a_target_of_zero_is_settled_at_zero():
    nothing = replace(chain(depth=2, pathways=2), task=Spectrum(singular_values=(0.0,)))
    found = orbits(nothing, np.array([0.5]), kept=5)
    assert found.fates.tolist() == [Fate.SETTLED]
    assert np.abs(found.strengths).max() < 1e-3


@pytest.mark.parametrize("alpha", [1e-4, 1e-3])
def test_small_starts_are_followed_beyond_their_plateau(alpha):
    experiment = replace(presets.MEDIUM.experiment, start=Balanced(scales=(alpha, 0.85 * alpha)))
    found = orbits(experiment, np.array([0.08, 0.15]), kept=20)
    assert found.strengths.sum(axis=2) == pytest.approx(1.0, abs=1e-3)


def test_layer_scales_that_are_balanced_have_the_same_orbits():
    balanced = chain(depth=3, pathways=2, scales=(0.2, 0.1))
    weights = [scale ** (1 / 3) for scale in (0.2, 0.1)]
    layers = replace(balanced, start=LayerScales(scales=tuple((w,) * 3 for w in weights)))
    step_sizes = np.array([0.2, 0.6, 0.8])
    one, other = orbits(balanced, step_sizes, kept=20), orbits(layers, step_sizes, kept=20)
    np.testing.assert_array_equal(one.strengths, other.strengths)


@pytest.mark.parametrize(
    "start",
    [
        Gaussian(std=0.1),
        LayerScales(scales=((0.1, 0.2, 0.3),)),
        LayerScales(scales=((-0.5, -0.5, -0.5),)),  # a negative strength
    ],
)
def test_only_balanced_starts(start):
    with pytest.raises(ValueError, match="balanced start without negative strengths"):
        orbits(replace(chain(depth=3), start=start), np.array([1.0]))
