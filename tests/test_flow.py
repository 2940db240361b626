"""Gradient flow: physics and closed forms as oracles, and the order of the integrator."""

from __future__ import annotations

from dataclasses import replace

import naive
import numpy as np
import pytest
from cases import ALIGNED, CASES, OUTPUTS, PAPER, RUNS, flowing
from scipy.integrate import solve_ivp

from simcore import (
    Balanced,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Outcome,
    Record,
    Spectrum,
    curvature,
    simulate,
    theory,
)

every_run = pytest.mark.parametrize(
    "experiment", [replace(CASES[n], engine=e) for n, e in RUNS], ids=[f"{n}-{e}" for n, e in RUNS]
)
both_engines = pytest.mark.parametrize("engine", ["modes", "matrices"])


def pathways(depths, scales, singular_values=(1.0,), engine="auto", **options):
    """Flow of a balanced start; `options` are those of Flow, and the record."""
    record = options.pop("record", Record(frames=101, sharpness=False))
    return Experiment(
        task=Spectrum(singular_values=singular_values),
        network=Network(depths=depths),
        start=Balanced(scales=scales),
        dynamics=Flow(**options),
        record=record,
        engine=engine,
    )


# --- What flow conserves ---------------------------------------------------------------------


@both_engines
@pytest.mark.parametrize(
    ("depths", "scales", "duration"),
    [
        ((2, 2), (0.02, 0.01), 10),
        ((3, 3), (0.02, 0.017), 20),
        ((5, 5, 5), (0.02, 0.017, 0.01), 40),
        ((20, 20), (0.002, 0.0017), 60),
        ((1, 2), (0.1, 0.01), 10),
        ((2, 3), (0.02, 0.02), 20),
        ((3, 5), (0.02, 0.03), 40),
        ((1, 2, 7), (0.02, 0.01, 0.3), 10),
    ],
)
def test_invariants_of_one_mode(depths, scales, duration, engine):
    """phi_L(w_h) - phi_L(w_g) per mode (SCIENCE 3.4), phi_1 = w, phi_2 = ln w."""
    experiment = pathways(depths, scales, (1.0, 0.6), engine, duration=duration, rtol=1e-10)
    strengths = simulate(experiment).strengths
    assert np.abs(strengths[-1] - strengths[0]).max() > 0.3  # something happened
    phi = []
    for h, depth in enumerate(depths):
        w = strengths[:, h] ** (1 / depth)
        if depth <= 2:
            phi.append(w if depth == 1 else np.log(w))
        else:
            phi.append(-(w ** (2 - depth)) / (depth - 2))
    for one in phi[1:]:
        drift = np.abs(one - phi[0] - (one - phi[0])[0]).max()
        assert drift <= 1e-8 * max(1.0, np.abs(phi).max())


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if 1 < max(c.network.depths) < 20])
def test_imbalance_of_layers_is_constant(name):
    """W_{l+1}^T W_{l+1} - W_l W_l^T (SCIENCE 3.4), from weights without any symmetry."""
    experiment = CASES[name]
    std = 0.6 / np.sqrt(experiment.network.hidden_width(experiment.task))
    experiment = flowing(
        experiment,
        3.0,
        rtol=1e-10,
        start=Gaussian(std=std, seed=11),
        record=Record(frames=2, sharpness=False),
    )
    start, end = curvature.initial(experiment), simulate(experiment).theta
    assert np.abs(end - start).max() > 0.1
    for before, after in zip(
        naive.imbalance(experiment, start), naive.imbalance(experiment, end), strict=True
    ):
        assert np.abs(after - before).max() <= 1e-8


@every_run
def test_loss_never_rises(experiment):
    run = simulate(flowing(experiment, 50.0, record=Record(every=1, sharpness=False)))
    assert len(run.loss) > 30
    # at the floor, what is left is the integrator's own error
    assert np.diff(run.loss).max() <= 1e-12 * run.loss[0]
    assert run.loss[-1] < run.loss[0]


# --- Closed forms and another integrator -----------------------------------------------------


@both_engines
@pytest.mark.parametrize("count", [1, 3])
def test_depth_one(count, engine):
    """sigma = s - (s - sigma_0) e^{-Ht} for the total (SCIENCE 3.4)."""
    scales = (0.1, 0.05, 0.02)[:count]
    experiment = pathways((1,) * count, scales, (1.0, 0.6), engine, duration=4.0, rtol=1e-10)
    run, s = simulate(experiment), np.array([1.0, 0.6])
    expected = s - (s - sum(scales)) * np.exp(-count * run.time)[:, None]
    assert np.abs(run.strengths.sum(axis=1) - expected).max() <= 1e-8


@both_engines
@pytest.mark.parametrize("count", [1, 2])
def test_depth_two(count, engine):
    """sigma = s e^{2st} / (e^{2st} - 1 + s/sigma_0), shared in constant proportion."""
    scales = (0.01, 0.003)[:count]
    experiment = pathways((2,) * count, scales, (1.0, 0.6), engine, duration=8.0, rtol=1e-10)
    run, s = simulate(experiment), np.array([1.0, 0.6])
    grown = np.exp(2 * s * run.time[:, None])
    total = s * grown / (grown - 1 + s / sum(scales))
    expected = np.array(scales)[:, None] / sum(scales) * total[:, None, :]
    assert np.abs(run.strengths - expected).max() <= 1e-8


@both_engines
@pytest.mark.parametrize(
    ("depths", "scales", "singular_value", "duration"),
    [
        ((1,), (0.1,), 1.0, 20),
        ((1, 1), (0.1, 0.3), 1.0, 20),
        ((2, 2), (0.02, 0.01), 1.0, 30),
        ((3, 3), (0.02, 0.017), 1.0, 60),
        ((3, 3), (0.02, 0.017), 2.5, 60),
        ((20, 20), (0.002, 0.0017), 1.0, 60),
        ((4, 4, 4), (0.02, 0.017, 0.018), 0.7, 100),
        ((1, 3), (0.01, 0.3), 1.0, 40),
        ((2, 3), (0.02, 0.02), 1.0, 40),
        ((3, 5), (0.02, 0.03), 1.0, 60),
        ((2, 2), (0.9, 0.7), 1.0, 40),
        ((3, 5), (0.9, 0.7), 1.0, 40),
    ],
)
def test_end_split_is_that_of_theory(depths, scales, singular_value, duration, engine):
    run = simulate(pathways(depths, scales, (singular_value,), engine, duration=duration))
    expected = theory.flow_end_split(scales, depths, singular_value)
    assert run.loss[-1] <= 1e-12
    assert run.strengths[-1, :, 0] == pytest.approx(expected, abs=1e-5)


def test_end_of_the_main_figure():
    """SCIENCE 4, case 3."""
    run = simulate(flowing(PAPER, 100.0, rtol=1e-10))
    assert run.strengths[-1, :, 0] == pytest.approx([0.984812, 0.015188], abs=1e-6)
    assert run.sharpness[-1] == pytest.approx(19.4338, abs=1e-4)


@every_run
def test_against_another_integrator_and_the_naive_gradient(experiment):
    experiment = flowing(
        experiment, 2.0, rtol=1e-12, record=Record(frames=9, sharpness=False, maps=True)
    )
    run = simulate(experiment)
    other = solve_ivp(
        lambda _, theta: -naive.gradient(experiment, theta),
        (0.0, 2.0),
        curvature.initial(experiment),
        method="DOP853",
        t_eval=run.time,
        rtol=1e-13,
        atol=1e-15,
    )
    expected = np.array([naive.maps(experiment, theta) for theta in other.y.T])
    assert np.abs(run.maps - expected).max() <= 1e-9 * np.abs(expected).max()
    expected = np.array([naive.loss(experiment, theta) for theta in other.y.T])
    assert np.abs(run.loss - expected).max() <= 1e-9 * expected[0]
    if run.theta is not None:
        assert np.abs(run.theta - other.y[:, -1]).max() <= 1e-9


# --- The integrator --------------------------------------------------------------------------

TOLERANCES = 10.0 ** -np.arange(6, 13)


def depth_two_errors(engine, record):
    """Largest error against the closed form, and steps taken, at every tolerance."""
    errors, steps = [], []
    for rtol in TOLERANCES:
        run = simulate(
            pathways((2,), (0.01,), engine=engine, duration=8.0, rtol=rtol, record=record)
        )
        grown = np.exp(2 * run.time)
        errors.append(np.abs(run.strengths[:, 0, 0] - grown / (grown - 1 + 100)).max())
        steps.append(run.steps[-1])
    return np.array(errors), np.array(steps)


def power(x, y):
    """p of y ~ x^p."""
    return np.polyfit(np.log(x), np.log(y), 1)[0]


@both_engines
def test_error_falls_in_proportion_to_rtol(engine):
    errors, _ = depth_two_errors(engine, Record(every=1, sharpness=False))
    assert (errors <= TOLERANCES).all()
    assert (errors >= TOLERANCES / 20).all()  # no steps wasted on more than was asked
    assert power(TOLERANCES, errors) == pytest.approx(1.0, abs=0.1)


@both_engines
def test_steps_are_of_order_five_and_what_is_between_of_order_four(engine):
    """The error at steps falls as steps^-5, and is held at rtol by steps ~ rtol^(-1/5); the quartic
    between them is of order 4 at least."""
    errors, steps = depth_two_errors(engine, Record(every=1, sharpness=False))
    assert power(steps, errors) == pytest.approx(-5, abs=0.4)
    assert power(TOLERANCES, steps) == pytest.approx(-0.2, abs=0.02)
    errors, _ = depth_two_errors(engine, Record(frames=500, sharpness=False))
    assert power(steps, errors) <= -4


@both_engines
@pytest.mark.parametrize(
    ("depths", "scales", "singular_values"),
    [((20, 20), (0.002, 0.0017), (1.0,)), ((12,), (0.1,), (3.0,)), ((1, 30), (0.1, 0.3), (1.0,))],
)
def test_stiff_flows_finish(depths, scales, singular_values, engine):
    experiment = pathways(depths, scales, singular_values, engine, duration=2000.0)
    run = simulate(replace(experiment, record=Record(frames=11)))
    assert run.outcome == Outcome.FINISHED
    assert run.loss[-1] <= 1e-12
    assert run.time[-1] == 2000.0
    # explicit steps are as long as the sharpest direction lets them, not absurdly shorter
    assert run.steps[-1] <= 2000.0 * run.sharpness[-1]


@both_engines
def test_flow_rests_at_the_saddle(engine):
    run = simulate(pathways((2, 3), (0.0, 0.0), engine=engine, duration=100.0))
    assert run.outcome == Outcome.FINISHED
    assert (run.strengths == 0).all()
    assert (run.loss == 0.5).all()


@both_engines
def test_a_layer_at_zero_is_left(engine):
    """Only the layer at zero has a gradient at first; L = 2 from (0, c) has a closed form."""
    experiment = pathways((2,), (0.1,), engine=engine, duration=12.0, rtol=1e-10)
    experiment = replace(experiment, start=LayerScales(scales=((0.0, 0.5),)))
    run = simulate(experiment)
    # w_2^2 - w_1^2 = 1/4 is kept, so sigma' = (1 - sigma) sqrt(4 sigma^2 + 1/16)
    other = solve_ivp(
        lambda _, s: (1 - s) * np.sqrt(4 * s**2 + 1 / 16),
        (0, 12),
        [0.0],
        method="DOP853",
        t_eval=run.time,
        rtol=1e-12,
        atol=1e-14,
    )
    assert np.abs(run.strengths[:, 0, 0] - other.y[0]).max() <= 1e-8


@both_engines
def test_a_hopeless_start_stalls_in_words(engine):
    run = simulate(pathways((2,), (1e250,), engine=engine, duration=1.0))
    assert run.outcome == Outcome.STALLED
    assert "larger rtol" in run.outcome
    assert run.steps.tolist() == [0]


# --- Records ---------------------------------------------------------------------------------


@every_run
def test_records_at_equal_times(experiment):
    run = simulate(flowing(experiment, 3.0, record=Record(frames=7, sharpness=False)))
    assert run.time == pytest.approx(np.linspace(0.0, 3.0, 7), rel=1e-15)
    assert run.time[-1] == 3.0
    assert run.steps[0] == 0
    assert (np.diff(run.steps) >= 0).all()


@both_engines
@pytest.mark.parametrize("every", [1, 4, 1000])
def test_records_of_every_step_of_the_integrator(engine, every):
    experiment = pathways((3, 3), (0.02, 0.017), engine=engine, duration=20.0)
    last = simulate(experiment).steps[-1]
    run = simulate(replace(experiment, record=Record(every=every)))
    assert run.steps.tolist() == sorted({*range(0, last, every), last})
    assert run.time[0] == 0.0
    assert (np.diff(run.time) > 0).all()
    assert run.time[-1] == 20.0


@both_engines
def test_records_never_change_the_integration(engine):
    """The same steps, and so the same end to the last bit, however the run is recorded."""
    experiment = pathways((3, 5), (0.02, 0.03), engine=engine, duration=30.0)
    runs = [
        simulate(replace(experiment, record=record))
        for record in (Record(frames=2), Record(frames=777), Record(every=1), Record(every=9))
    ]
    for run in runs[1:]:
        assert (run.strengths[-1] == runs[0].strengths[-1]).all()
        assert run.steps[-1] == runs[0].steps[-1]


@every_run
def test_ranges_hold_every_step_since_the_record_before(experiment):
    """Smallest and largest over the ends of integrator steps up to the record, and the record."""
    duration = 60.0 if experiment.network == PAPER.network else 3.0
    few = simulate(flowing(experiment, duration, record=Record(frames=7, sharpness=False)))
    all_steps = simulate(flowing(experiment, duration, record=Record(every=1, sharpness=False)))
    assert len(all_steps.time) > len(few.time)
    for k in range(1, 7):
        since = (few.time[k - 1] < all_steps.time) & (all_steps.time <= few.time[k])
        since[-1] = False  # the end of the run is no integrator step
        losses = [*all_steps.loss[since], few.loss[k]]
        expected = [min(losses), max(losses)]
        assert few.loss_range[k] == pytest.approx(expected, rel=1e-12, abs=1e-15)
        strengths = np.array([*all_steps.strengths[since], few.strengths[k]])
        expected = np.array([strengths.min(axis=0), strengths.max(axis=0)])
        assert np.abs(few.strengths_range[k] - expected).max() <= 1e-13 * np.abs(expected).max()


@every_run
def test_ranges_leave_the_record_before_out(experiment):
    """Records at every third step: their ranges are those of the three steps since."""
    duration = 60.0 if experiment.network == PAPER.network else 3.0
    every, third = (
        simulate(flowing(experiment, duration, record=Record(every=n, sharpness=False)))
        for n in (1, 3)
    )
    assert len(third.loss) > 3
    for k in range(1, len(third.loss) - 1):
        losses = every.loss[3 * k - 2 : 3 * k + 1]
        assert third.loss_range[k] == pytest.approx([losses.min(), losses.max()], rel=1e-12)


@pytest.mark.parametrize("name", ALIGNED)
def test_nothing_between_records_is_outside_their_ranges(name):
    """Balanced modes move one way, so records and ranges bound the solution at all times."""
    coarse = simulate(flowing(CASES[name], 3.0, record=Record(frames=7, sharpness=False)))
    dense = simulate(flowing(CASES[name], 3.0, record=Record(frames=601, sharpness=False)))
    for k in range(1, 7):
        window = slice(100 * (k - 1), 100 * k + 1)
        low = np.minimum(coarse.strengths_range[k, 0], coarse.strengths[k - 1])
        high = np.maximum(coarse.strengths_range[k, 1], coarse.strengths[k - 1])
        assert (dense.strengths[window] >= low - 1e-8).all()
        assert (dense.strengths[window] <= high + 1e-8).all()
        assert dense.loss[window].min() >= coarse.loss_range[k, 0] - 1e-8
        highest = max(coarse.loss_range[k, 1], coarse.loss[k - 1])
        assert dense.loss[window].max() <= highest + 1e-8


def test_noisy_data_ends_at_the_floor():
    experiment = flowing(CASES["data"], 60.0)
    run = simulate(experiment)
    floor = experiment.task.floor()
    assert floor > 1e-3 * (OUTPUTS**2).sum() / len(OUTPUTS)
    assert run.loss[-1] == pytest.approx(floor, rel=1e-8)
    assert (run.loss_range >= floor * (1 - 1e-12)).all()
