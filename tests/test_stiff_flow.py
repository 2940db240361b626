"""Gradient flow where stability would set the step: the Chebyshev method takes over."""

import pytest

from simcore import Experiment, Flow, Freeze, Gaussian, Network, Record, Spectrum, simulate
from simcore.kernels import chebyshev
from simcore.kernels.dormand_prince import NOW
from simcore.matrices_engine import MatricesEngine


def stiff(duration, rtol=1e-8, events=()):
    """A fast mode and a slow one."""
    return Experiment(
        task=Spectrum(singular_values=(4.0, 0.5)),
        network=Network(depths=(3, 3), width=6),
        start=Gaussian(std=0.3, seed=1),
        dynamics=Flow(duration=duration, rtol=rtol, events=events),
        record=Record(frames=40, sharpness=False),
        engine="matrices",
    )


@pytest.mark.parametrize("events", [(), (Freeze(pathway=0, start=1.0, stop=20.0),)])
def test_a_long_flow_ends_where_many_short_steps_do(events):
    """At a tolerance so tight that the pair alone takes them, none at its limit of stability."""
    run = simulate(stiff(60.0, events=events))
    exact = simulate(stiff(60.0, 1e-12, events))
    assert run.steps[-1] < exact.steps[-1] / 3
    assert run.strengths == pytest.approx(exact.strengths, abs=2e-6)
    assert run.loss == pytest.approx(exact.loss, rel=1e-4, abs=1e-9)
    assert run.theta == pytest.approx(exact.theta, abs=1e-6)


def test_the_rest_of_a_flow_takes_few_gradients():
    engine = MatricesEngine(stiff(2000.0))
    engine.start_flow(2000.0, 0.0, 2000.0)
    engine.flow(50.0, 1_000_000, 1e-8)
    assert engine.integrator.stiff[chebyshev.ON]
    before = engine.flow_steps()
    engine.flow(2000.0, 1_000_000, 1e-8)
    assert engine.integrator.clock[NOW] == 2000.0
    assert engine.flow_steps() - before < 100
