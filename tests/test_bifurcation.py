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
)
from simcore.studies import bifurcation
from simcore.studies.bifurcation import orbits


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
    found = orbits(chain(), np.array([step_size]), transient=200_000, kept=130)
    return period(found.strengths[0])


@pytest.mark.parametrize(("step_size", "cycle"), [(0.999, 1), (1.001, 2), (1.2, 2), (1.25, 4)])
def test_periods_of_depth_two(step_size, cycle):
    assert period_at(step_size) == cycle


def test_period_two_turns_into_four_at_sqrt_five_minus_one():
    assert period_at(math.sqrt(5) - 1 - 1e-3) == 2
    assert period_at(math.sqrt(5) - 1 + 1e-3) == 4


def test_lyapunov_exponent_is_ln_three_at_the_end_of_chaos():
    found = orbits(chain(scales=(0.2345,)), np.array([2.0 - 1e-9]), transient=1000, kept=200_000)
    assert found.lyapunov[0] == pytest.approx(math.log(3), abs=1e-2)


def test_lyapunov_exponent_of_a_minimum():
    """At a stable minimum it is ln |1 - eta S|, exactly."""
    found = orbits(chain(depth=3), np.array([0.2]), transient=2000, kept=500)
    assert found.lyapunov[0] == pytest.approx(math.log(abs(1 - 0.2 * 3)), abs=1e-6)


def test_past_two_everything_diverges():
    found = orbits(chain(), np.array([2.3]))
    assert np.isnan(found.strengths).all()
    assert np.isnan(found.lyapunov).all()


def test_two_cycles_are_those_of_the_theory():
    for step_size in (1.05, 1.15, 1.2):
        found = orbits(chain(), np.array([step_size]), transient=20_000, kept=2)
        low, high = theory.two_cycle(1.0, 2, step_size)
        assert sorted(found.strengths[0, :, 0]) == pytest.approx([low, high], abs=1e-9)


def test_pathway_ratio_of_depth_two_is_constant_through_chaos():
    experiment = chain(pathways=2, scales=(0.02, 0.01))
    found = orbits(experiment, np.linspace(0.5, 1.95, 30))
    ratio = found.strengths[..., 0] / found.strengths[..., 1]
    assert ratio == pytest.approx(2.0, rel=1e-9)


def test_orbits_are_those_of_simulate():
    experiment = replace(
        presets.MEDIUM.experiment,
        start=Balanced(scales=(0.95, 0.02)),
        dynamics=Descent(step_size=0.05, steps=100),
        record=Record(every=1),
    )
    run = simulate(experiment)
    assert bifurcation.plateau(experiment) < 0.05  # so the orbit is kept from the start
    found = orbits(experiment, np.array([0.05]), transient=0, kept=80)
    assert found.strengths[0] == pytest.approx(run.strengths[1:81, :, 0], rel=1e-9)


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
    assert bifurcation.plateau(layers) == pytest.approx(bifurcation.plateau(balanced), rel=1e-12)
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
