"""Gradient flow where stability would set the step: stabilised methods take over."""

from dataclasses import replace

import numpy as np
import pytest

from simcore import (
    Experiment,
    Flow,
    Freeze,
    Gaussian,
    Network,
    Record,
    Spectrum,
    presets,
    simulate,
    variations,
)
from simcore.kernels import chebyshev, flows, orthogonal
from simcore.kernels.dormand_prince import NOW
from simcore.kernels.matrices import velocity
from simcore.matrices_engine import MatricesEngine

COUNTS = range(orthogonal.LEAST_STAGES, orthogonal.MOST_STAGES + 1)


def stiff(duration, rtol=1e-8, events=(), frames=40):
    """A fast mode and a slow one."""
    return Experiment(
        task=Spectrum(singular_values=(4.0, 0.5)),
        network=Network(depths=(3, 3), width=6),
        start=Gaussian(std=0.3, seed=1),
        dynamics=Flow(duration=duration, rtol=rtol, events=events),
        record=Record(frames=frames, sharpness=False),
        engine="matrices",
    )


def plan_of(stages):
    plan = orthogonal.room()
    orthogonal.make(stages, plan)
    return plan


def reach(stages):
    """How far down the negative axis so many stages are said to be stable."""
    return orthogonal.REACH * stages**2 - orthogonal.SHORT


def tableau(stages):
    """The method as a Runge-Kutta method: A (s, s) and b (s,)."""
    plan, rows, b = plan_of(stages), np.zeros((stages, stages)), np.zeros(stages)
    first = stages - orthogonal.LAST
    before, here = np.zeros(stages), np.zeros(stages)
    for j in range(first):
        rows[j] = here
        moved = (1 - plan.keep[j]) * here + plan.keep[j] * before
        moved[j] += plan.pull[j]
        before, here = here, moved
    rows[first:] = here
    for j in range(1, orthogonal.LAST):
        rows[first + j, first:] += plan.last[j - 1]
    b[:] = here
    b[first:] += plan.last[-1]
    return rows, b


# --- The method of order 4 -------------------------------------------------------------------


@pytest.mark.parametrize("stages", COUNTS)
def test_the_conditions_of_order_four_hold(stages):
    """One for each rooted tree of up to four vertices."""
    rows, b = tableau(stages)
    c = rows.sum(1)
    ac = rows @ c
    weights = [b.sum(), b @ c, b @ c**2, b @ ac, b @ c**3, b @ (c * ac)]
    weights += [b @ rows @ c**2, b @ rows @ ac]
    assert weights == pytest.approx(
        [1, 1 / 2, 1 / 3, 1 / 6, 1 / 4, 1 / 8, 1 / 12, 1 / 24], abs=1e-13
    )


@pytest.mark.parametrize("stages", COUNTS)
def test_stiff_modes_are_damped_as_far_as_the_interval_is_said_to_reach(stages):
    """And no inner stage makes them much larger."""
    rows, b = tableau(stages)
    end = reach(stages)
    assert end > 0.21 * stages**2
    z = -np.linspace(0, end, 200 * stages)
    inner = np.ones((stages, len(z)))
    for j in range(1, stages):
        inner[j] = 1 + z * (rows[j, :j] @ inner[:j])
    factor = 1 + z * (b @ inner)
    assert abs(factor[z < -2.2]).max() < 0.71
    assert factor[z >= -2.2] == pytest.approx(np.exp(z[z >= -2.2]), abs=0.15)
    assert abs(inner).max() < 2.2


def test_as_few_stages_as_are_stable():
    for stages in COUNTS[1:]:
        assert orthogonal.stages_for(reach(stages - 1) + 1e-9) == stages
        assert orthogonal.stages_for(reach(stages) - 1e-9) == stages
    assert orthogonal.stages_for(orthogonal.LONGEST - 1e-9) == orthogonal.MOST_STAGES


def begun(time):
    """An engine whose flow has come so far, and its velocity as a function."""
    engine = MatricesEngine(stiff(50.0, 1e-12))
    engine.start_flow(50.0, 0.0, time)
    engine.flow(time, 1_000_000, 1e-12)
    assert engine.integrator.clock[NOW] == time

    def speed(theta):
        out = np.zeros_like(theta)
        velocity(theta, engine.layout, engine.problem, engine.work, engine.moving, out)
        return out

    return engine, speed


def step(engine, h, stages=None):
    """Where a step of h ends: of order 4, or with None of order 2 with ten stages."""
    integrator = engine.integrator
    common = engine.layout, engine.problem, engine.work, integrator
    if stages is None:
        chebyshev.advance_by_two(h, 10, *common)
    else:
        chebyshev.advance_by_four(h, plan_of(stages), *common)
    return integrator.trial.copy(), integrator.stages[chebyshev.SPEED].copy()


@pytest.mark.parametrize("stages", [5, 6, 7, 12])
def test_a_step_is_that_of_the_tableau(stages):
    engine, speed = begun(1.0)
    start, h, (rows, b) = engine.integrator.new.copy(), 0.1, tableau(stages)
    speeds = np.zeros((stages, len(start)))
    for j in range(stages):
        speeds[j] = speed(start + h * rows[j] @ speeds)
    end, there = step(engine, h, stages)
    assert end == pytest.approx(start + h * b @ speeds, abs=1e-13)
    assert there == pytest.approx(speed(end), abs=1e-13)


@pytest.mark.parametrize(("stages", "order"), [(5, 4), (8, 4), (15, 4), (None, 2)])
def test_the_error_of_a_step_goes_with_its_order(stages, order):
    errors = []
    for h in (0.04, 0.02):
        exact, _ = begun(1.0 + h)
        end, _ = step(begun(1.0)[0], h, stages)
        errors.append(abs(end - exact.integrator.new).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order + 1, abs=0.25)


# --- Between the ends of steps ---------------------------------------------------------------


@pytest.mark.parametrize("ratio", [0.4, 1.0, 2.5])
def test_differences_and_interpolant_are_exact_for_polynomials(ratio):
    """The third difference of t^3 is 1, the fifth of t^5, and both of lower powers 0; what the
    interpolant of the pair makes of the stages is a polynomial of degree 4 itself, and right in the
    middle for degree 5."""
    h, blend = 0.3, np.zeros((6, 5))
    flows._blend(ratio, h, blend)
    for power in range(1, 6):

        def state(t, power=power):
            return (t + 0.5) ** power

        def slope(t, power=power):
            return power * (t + 0.5) ** (power - 1) / h

        moved, back = state(1.0) - state(0.0), state(-ratio) - state(0.0)
        rows = blend @ [moved, back, slope(0.0), slope(1.0), slope(-ratio)]
        if power < 3:
            assert rows[0] == pytest.approx(0.0, abs=1e-12)
        if power == 3:
            assert rows[0] == pytest.approx(1.0)
        assert rows[1] == pytest.approx(float(power == 5), abs=1e-10)
        stages = np.array([slope(0.0), 0.0, *rows[2:], slope(1.0)])
        for t in (0.25, 0.5, 0.8) if power < 5 else (0.5,):
            shares = flows.P @ t ** np.arange(1.0, 5.0)
            assert state(0.0) + h * shares @ stages == pytest.approx(state(t), abs=1e-12)


def test_records_between_steps_are_as_exact_as_the_ends_of_steps():
    run = simulate(stiff(60.0, frames=100))
    exact = simulate(stiff(60.0, 1e-12, frames=100))
    assert run.strengths == pytest.approx(exact.strengths, abs=2e-8)
    assert run.theta == pytest.approx(exact.theta, abs=1e-8)


# --- Flows -----------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [(), (Freeze(pathway=0, start=1.0, stop=20.0),)])
def test_a_long_flow_ends_where_many_short_steps_do(events):
    """At a tolerance so tight that the pair alone takes them, none at its limit of stability."""
    run = simulate(stiff(60.0, events=events))
    exact = simulate(stiff(60.0, 1e-12, events))
    assert run.steps[-1] < exact.steps[-1] / 3
    assert run.strengths == pytest.approx(exact.strengths, abs=5e-8)
    assert run.loss == pytest.approx(exact.loss, rel=1e-6, abs=1e-11)
    assert run.theta == pytest.approx(exact.theta, abs=1e-8)


def test_between_plateaus_order_four_takes_fewer_steps_than_stability_lets_the_pair():
    """One pathway that learns three modes one after the other: 307 steps with order 2 alone."""
    slow = Experiment(
        task=Spectrum(singular_values=(5.0, 2.0, 0.3)),
        network=Network(depths=(4,), width=8),
        start=Gaussian(std=0.45, seed=1),
        dynamics=Flow(duration=150.0),
        record=Record(frames=100, sharpness=False),
        engine="matrices",
    )
    exact = replace(slow, dynamics=replace(slow.dynamics, rtol=1e-12))
    run = simulate(slow)
    assert run.steps[-1] < 260
    assert run.theta == pytest.approx(simulate(exact).theta, abs=1e-8)


def test_the_rest_of_a_flow_takes_few_gradients():
    """By order 2: what is rounded in the last stages of order 4 would allow no such steps."""
    engine = MatricesEngine(stiff(2000.0))
    engine.start_flow(2000.0, 0.0, 2000.0)
    engine.flow(50.0, 1_000_000, 1e-8)
    assert engine.integrator.stiff[flows.ON]
    before = engine.flow_steps()
    engine.flow(2000.0, 1_000_000, 1e-8)
    assert engine.integrator.clock[NOW] == 2000.0
    assert engine.flow_steps() - before < 40


def test_where_nothing_moves_there_is_no_direction_to_look_in():
    engine = MatricesEngine(stiff(50.0))
    engine.start_flow(50.0, 0.0, 50.0)
    engine.integrator.stages[:] = 0.0
    engine.integrator.stiff[flows.RADIUS] = 100.0
    for _ in range(flows.LOOKS + 1):
        assert not flows._look(engine.integrator, 1.0)


def test_a_flow_from_plateau_to_plateau_changes_methods_on_its_way():
    """4,504 gradients to t = 50, and 5,532 with order 2 alone; 4,728 if the pair's steps were not
    also held against the radius as it was last known."""
    tree = presets.BY_NAME["tree-7"].experiment
    engine = MatricesEngine(variations.matching_flow(tree))
    engine.start_flow(50.0, 0.0, 50.0)
    gradients, on = 0, []
    while engine.flow_time() < 50.0:
        on.append(engine.integrator.stiff[flows.ON])
        engine.flow(50.0, 1, 1e-8)
        gradients += engine.plan.stages[0] if on[-1] else 6
    assert gradients < 4700
    assert (np.diff(on) < 0).sum() >= 3
