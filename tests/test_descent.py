"""Gradient descent: exact identities, stability at minima, symmetry, records and outcomes."""

from __future__ import annotations

import importlib
from dataclasses import replace

import naive
import numpy as np
import pytest
from cases import ALIGNED, CASES, PAPER, RUNS, descending, flowing, random_weights

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Outcome,
    Record,
    Spectrum,
    curvature,
    looks,
    simulate,
)

every_run = pytest.mark.parametrize(
    "experiment", [replace(CASES[n], engine=e) for n, e in RUNS], ids=[f"{n}-{e}" for n, e in RUNS]
)
both_engines = pytest.mark.parametrize("engine", ["modes", "matrices"])
QUIET = Record(every=1, sharpness=False)


def pathways(depths, start, step_size, steps, singular_values=(1.0,), engine="auto"):
    return Experiment(
        task=Spectrum(singular_values=singular_values),
        network=Network(depths=depths),
        start=start,
        dynamics=Descent(step_size=step_size, steps=steps),
        record=QUIET,
        engine=engine,
    )


# --- Exact identities ------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, c in CASES.items() if max(c.network.depths) > 1])
@pytest.mark.parametrize("step_size", [0.01, 0.2])
def test_imbalance_grows_by_the_squared_gradients(name, step_size):
    """D_l(t+1) - D_l(t) = eta^2 (G_{l+1}^T G_{l+1} - G_l G_l^T) (SCIENCE 3.5)."""
    start = Gaussian(std=0.5, seed=3)
    one, two = (
        simulate(descending(CASES[name], step_size, steps, start=start)) for steps in (1, 2)
    )
    gradient = curvature.gradient(one.experiment, one.theta)
    before, after, squares = (
        naive.imbalance(one.experiment, weights) for weights in (one.theta, two.theta, gradient)
    )
    for d_before, d_after, d_gradient in zip(before, after, squares, strict=True):
        scale = max(1.0, np.abs(d_after).max())
        assert np.abs(d_after - d_before - step_size**2 * d_gradient).max() <= 1e-12 * scale


@both_engines
@pytest.mark.parametrize("step_size", [0.1, 1.1, 1.3, 1.7, 1.9])  # converges, cycles, chaos
def test_depth_two_keeps_the_ratio_of_pathways(step_size, engine):
    """SCIENCE 3.5, case 6: each step multiplies every layer by the same 1 - eta r."""
    start = Balanced(scales=(0.02, 0.013, 0.001))
    run = simulate(pathways((2, 2, 2), start, step_size, 1000, (1.0, 0.6), engine))
    assert run.outcome == Outcome.FINISHED
    ratios = run.strengths[:, 1:] / run.strengths[:, :1]
    assert np.abs(ratios / ratios[0] - 1).max() <= 1e-12
    moves = np.abs(np.diff(run.strengths[-50:, :, 0].sum(axis=1)))
    assert (moves.max() > 0.1) == (step_size > 1)  # mode 1 has its edge at eta = 1


@both_engines
def test_two_cycle_of_depth_two(engine):
    """SCIENCE 4, case 6: 0.6634944 <-> 1.2455966 at eta = 1.1."""
    run = simulate(pathways((2, 2), Balanced(scales=(0.02, 0.013)), 1.1, 2000, engine=engine))
    total = run.strengths[-2:, :, 0].sum(axis=1)
    assert sorted(total) == pytest.approx([0.6634944, 1.2455966], abs=5e-8)


@both_engines
@pytest.mark.parametrize("depths", [(2, 2), (3, 5), (1, 4)])
def test_descent_approaches_flow_at_first_order(depths, engine):
    start = Balanced(scales=(0.05, 0.04))
    flow = flowing(
        pathways(depths, start, 0.1, 1, (1.0, 0.6), engine),
        6.4,
        rtol=1e-12,
        record=Record(frames=33, sharpness=False),
    )
    expected = simulate(flow).strengths
    step_sizes, errors = 0.2 / 2.0 ** np.arange(2, 8), []
    for step_size in step_sizes:
        run = simulate(descending(flow, step_size, round(6.4 / step_size), record=QUIET))
        at_records = run.strengths[:: round(0.2 / step_size)]
        assert at_records.shape == expected.shape
        errors.append(np.abs(at_records - expected).max())
    slope = np.polyfit(np.log(step_sizes[-4:]), np.log(errors[-4:]), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.05)
    assert errors[-1] < 0.01


# --- Stability -------------------------------------------------------------------------------


def loss_after(experiment, theta, step_size, steps):
    """Losses along plain descent with the engine's gradient."""
    losses = [curvature.loss(experiment, theta)]
    for _ in range(steps):
        theta = theta - step_size * curvature.gradient(experiment, theta)
        losses.append(curvature.loss(experiment, theta))
    return np.array(losses) - experiment.task.floor()


def a_minimum(experiment):
    """Weights with M = M* and no symmetry: the end of a flow from random ones."""
    width = experiment.network.hidden_width(experiment.task)
    start = Gaussian(std=0.8 / np.sqrt(width), seed=5)
    record = Record(frames=2, sharpness=False)
    run = simulate(flowing(experiment, 200.0, rtol=1e-10, start=start, record=record))
    assert run.loss[-1] - experiment.task.floor() <= 1e-12
    return run.theta


MINIMA = [
    "one pathway",
    "three pathways",
    "unequal depths",
    "depth 1",
    "two of depth 1",
    "wide rectangle",
    "narrow hidden",
    "wide hidden",
    "equal modes",
    "target",
    "data",
    "whitened data",
    "single weight",
]


@pytest.mark.parametrize("name", MINIMA)
def test_a_minimum_is_stable_below_the_edge_only(name):
    """Stable if and only if eta < 2/sharpness: 2% above, what is off grows by 1.04 per step."""
    experiment = CASES[name]
    theta = a_minimum(experiment)
    values, _ = curvature.sharpness(experiment, theta)
    nudged = theta + 3e-6 * random_weights(experiment)
    below = loss_after(experiment, nudged, 0.98 * 2 / values[0], 300)
    above = loss_after(experiment, nudged, 1.02 * 2 / values[0], 150)
    assert below.max() == below[0]
    assert below[-1] <= 0.01 * below[0]
    assert above[-1] / above[-51] == pytest.approx(1.04**100, rel=0.01)


@both_engines
@pytest.mark.parametrize(
    ("depths", "shares", "modes"),
    [
        ((3,), (1.0,), 1),
        ((4, 4), (0.7, 0.3), 1),
        ((4, 4), (0.7, 0.3), 3),
        ((2, 3, 5), (0.5, 0.3, 0.2), 2),
        ((1, 3), (0.4, 0.6), 2),
        ((20, 20), (0.9, 0.1), 1),
    ],
)
def test_runs_leave_a_minimum_beyond_the_edge_only(depths, shares, modes, engine):
    """The same with whole runs, started next to a shared minimum of equal modes."""
    scales = tuple(
        (share ** (1 / depth) * (1 + 1e-6),) * depth
        for share, depth in zip(shares, depths, strict=True)
    )
    base = pathways(depths, LayerScales(scales=scales), 0.1, 1, (1.0,) * modes, engine)
    sharpness = simulate(replace(base, record=Record(every=1))).sharpness[0]
    below = simulate(descending(base, 0.98 * 2 / sharpness, 300))
    above = simulate(descending(base, 1.02 * 2 / sharpness, 150))
    assert below.loss.max() == below.loss[0]
    assert below.loss[-1] <= 0.01 * below.loss[0]
    assert above.loss[-1] / above.loss[-51] == pytest.approx(1.04**100, rel=0.05)


# --- Symmetry --------------------------------------------------------------------------------


@both_engines
@pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1), (2, 1, 0)])
def test_swapping_pathways_permutes_strengths(order, engine):
    depths, scales = (2, 3, 5), ((0.3, 0.4), (0.5, 0.2, 0.6), (0.7, 0.5, 0.6, 0.7, 0.4))

    def run(order):
        return simulate(
            pathways(
                tuple(depths[h] for h in order),
                LayerScales(scales=tuple(scales[h] for h in order)),
                0.2,
                80,
                (1.0, 0.6),
                engine,
            )
        )

    plain, swapped = run((0, 1, 2)), run(order)
    assert np.abs(swapped.strengths - plain.strengths[:, order]).max() <= 1e-13
    assert swapped.loss == pytest.approx(plain.loss, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if len(c.network.depths) > 1])
def test_swapping_pathways_changes_no_gradient_and_no_sharpness(name):
    experiment = CASES[name]
    depths = experiment.network.depths[::-1]
    mirrored = replace(
        experiment,
        network=replace(experiment.network, depths=depths),
        start=Gaussian(std=1.0),
    )
    theta = random_weights(experiment)

    def swap(weights):
        return naive.flat(naive.layers(experiment, weights)[::-1])

    loss = curvature.loss(experiment, theta)
    assert curvature.loss(mirrored, swap(theta)) == pytest.approx(loss, rel=1e-13)
    gradient = swap(curvature.gradient(experiment, theta))
    scale = np.abs(gradient).max()
    assert np.abs(curvature.gradient(mirrored, swap(theta)) - gradient).max() <= 1e-13 * scale
    values, _ = curvature.sharpness(experiment, theta)
    assert curvature.sharpness(mirrored, swap(theta))[0] == pytest.approx(values, rel=1e-10)


# --- Records ---------------------------------------------------------------------------------


@every_run
def test_ranges_hide_nothing(experiment):
    """What a strided run says lay between its records is what every step showed."""
    strided = simulate(descending(experiment, 0.05, 33, record=Record(every=8, sharpness=False)))
    full = simulate(descending(experiment, 0.05, 33, record=QUIET))
    assert strided.steps.tolist() == [0, 8, 16, 24, 32, 33]
    assert (strided.loss == full.loss[strided.steps]).all()
    assert (strided.strengths == full.strengths[strided.steps]).all()
    for k in range(1, len(strided.steps)):
        since = slice(strided.steps[k - 1] + 1, strided.steps[k] + 1)
        losses, strengths = full.loss[since], full.strengths[since]
        assert strided.loss_range[k] == pytest.approx([losses.min(), losses.max()], rel=1e-13)
        expected = np.array([strengths.min(axis=0), strengths.max(axis=0)])
        assert np.abs(strided.strengths_range[k] - expected).max() <= 1e-14


def test_ranges_show_an_oscillation_that_records_hide():
    """Every second step of a 2-cycle looks converged; its ranges do not."""
    experiment = pathways((2, 2), Balanced(scales=(0.02, 0.013)), 1.1, 2000)
    run = simulate(replace(experiment, record=Record(every=2, sharpness=False)))
    total = run.strengths[-100:, :, 0].sum(axis=1)
    assert np.ptp(total) <= 1e-9
    ranges = run.strengths_range[-1, :, :, 0].sum(axis=1)
    assert ranges == pytest.approx([0.6634944, 1.2455966], abs=5e-8)


@every_run
def test_first_ranges_are_the_start(experiment):
    run = simulate(descending(experiment, 0.05, 2, record=QUIET))
    assert (run.loss_range[0] == run.loss[0]).all()
    assert (run.strengths_range[0] == run.strengths[0]).all()


@both_engines
@pytest.mark.parametrize(
    ("record", "steps"),
    [
        (Record(frames=600), 534),
        (Record(frames=600), 2000),
        (Record(frames=10), 95),
        (Record(frames=2), 1),
        (Record(frames=7), 1000),
        (Record(every=4), 10),
        (Record(every=4, frames=3), 12),
        (Record(every=100), 7),
    ],
)
def test_which_steps_are_recorded(record, steps, engine):
    run = simulate(
        descending(PAPER, 0.05, steps, engine=engine, record=replace(record, sharpness=False))
    )
    assert run.steps[0] == 0
    assert run.steps[-1] == steps
    strides = np.diff(run.steps)
    assert len(set(strides[:-1])) <= 1
    assert strides[-1] <= strides[0]
    if record.every:
        assert strides[0] == min(record.every, steps)
    else:
        assert len(run.steps) <= record.frames
        assert len(strides) == 1 or strides[0] % 2 == 1
    assert run.time == pytest.approx(0.05 * run.steps, rel=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_last_weights_give_the_last_loss(name):
    run = simulate(
        descending(CASES[name], 0.05, 30, engine="matrices", record=Record(every=7, maps=True))
    )
    loss = curvature.loss(run.experiment, run.theta)
    assert loss == pytest.approx(run.loss[-1], rel=1e-12)
    maps = naive.maps(run.experiment, run.theta)
    assert np.abs(run.maps[-1] - maps).max() <= 1e-13 * np.abs(maps).max()


@both_engines
def test_long_calls_are_cut_without_a_trace(engine, monkeypatch):
    """How much is done between two looks, of steps or of eigenvalues, changes nothing."""
    record = Record(every=100, eigenvalues=3)
    experiment = descending(PAPER, 2 / 10.7, 300, engine=engine, record=record)
    plain = simulate(experiment)
    monkeypatch.setattr(looks, "APART", 1e-9)
    cut = simulate(experiment)
    for quantity in ("strengths", "loss_range", "eigenvalues", "residuals"):
        assert (getattr(cut, quantity) == getattr(plain, quantity)).all(), quantity


# --- Outcomes --------------------------------------------------------------------------------


@both_engines
def test_divergence_is_an_outcome(engine):
    """L = 2 diverges past a = eta sigma* = 2 (SCIENCE 3.9)."""
    experiment = pathways((2,), Balanced(scales=(0.02,)), 2.2, 10_000, engine=engine)
    run = simulate(replace(experiment, record=Record(every=1)))
    assert run.outcome == Outcome.DIVERGED
    assert "smaller step size" in run.outcome
    assert 3 < len(run.steps) < 10_000
    assert np.isfinite(run.loss).all()
    assert np.isfinite(run.strengths).all()
    assert run.loss[-1] > run.loss[0]
    walk = naive.descent(experiment, curvature.initial(experiment), 2.2, 3)
    expected = [naive.loss(experiment, theta) for theta in walk]
    assert run.loss[:4] == pytest.approx(expected, rel=1e-12)


@both_engines
def test_divergence_between_records_keeps_those_before(engine):
    experiment = pathways((2,), Balanced(scales=(0.02,)), 2.2, 10_000, engine=engine)
    full = simulate(experiment)
    strided = simulate(replace(experiment, record=Record(every=5, sharpness=False)))
    assert strided.outcome == Outcome.DIVERGED
    assert strided.steps.tolist() == list(range(0, full.steps[-1] + 1, 5))
    assert (strided.strengths == full.strengths[strided.steps]).all()


def cancelling(experiment, calls, monkeypatch):
    """A run that is told to stop at the given call of on_progress, and the fractions it reported;
    it reports at every chance."""
    monkeypatch.setattr(importlib.import_module("simcore.simulate"), "REPORT_EVERY", 0.0)
    fractions = []

    def on_progress(fraction):
        fractions.append(fraction)
        return len(fractions) < calls

    return simulate(experiment, on_progress=on_progress), fractions


@both_engines
@pytest.mark.parametrize("calls", [1, 2, 40])
def test_cancelling_keeps_the_records_so_far(engine, calls, monkeypatch):
    if calls > 2:  # so many chances there are only where no call takes long
        monkeypatch.setattr(looks, "APART", 1e-6)
    experiment = descending(PAPER, 2 / 13, 650, engine=engine, record=Record(every=3))
    whole = simulate(experiment)
    run, fractions = cancelling(experiment, calls, monkeypatch)
    assert run.outcome == Outcome.CANCELLED
    assert len(fractions) == calls
    count = len(run.steps)
    assert 1 <= count <= calls
    assert run.steps.tolist() == [3 * k for k in range(count)]
    assert (run.strengths == whole.strengths[:count]).all()
    if calls > 1:  # the first look may come before the eigenvalues of the start are known
        assert (run.sharpness == whole.sharpness[:count]).all()


@both_engines
def test_one_record_is_not_too_long_to_be_cancelled(engine, monkeypatch):
    """With many eigenvalues a single record has many looks, each of which may end the run."""
    monkeypatch.setattr(looks, "APART", 1e-9)
    many = Spectrum(singular_values=tuple(1 - k / 10 for k in range(6)))
    base = pathways((3, 3), Balanced(scales=(0.5, 0.4)), 0.01, 1, engine=engine)
    experiment = replace(base, task=many, record=Record(frames=2, eigenvalues=6))
    _, looked = cancelling(experiment, 10**9, monkeypatch)
    assert looked.count(0.0) > 10
    for calls in range(1, 10):
        run, fractions = cancelling(experiment, calls, monkeypatch)
        assert run.outcome == Outcome.CANCELLED
        assert len(fractions) == calls
        assert run.steps.tolist() == [0]


@both_engines
def test_cancelling_a_flow_keeps_the_records_so_far(engine, monkeypatch):
    monkeypatch.setattr(looks, "APART", 1e-6)  # so that no call takes long
    experiment = flowing(PAPER, 60.0, engine=engine, record=Record(frames=50))
    whole = simulate(experiment)
    run, _ = cancelling(experiment, 20, monkeypatch)
    assert run.outcome == Outcome.CANCELLED
    assert 1 < len(run.steps) <= 20
    assert (run.strengths == whole.strengths[: len(run.steps)]).all()


@both_engines
@pytest.mark.parametrize("kind", ["descent", "flow", "diverging"])
def test_progress_only_grows_and_ends_at_one(engine, kind, monkeypatch):
    monkeypatch.setattr(looks, "APART", 1e-6)  # so that no call takes long
    experiment = {
        "descent": descending(PAPER, 2 / 13, 400, record=Record(every=9)),
        "flow": flowing(PAPER, 60.0),
        "diverging": pathways((2,), Balanced(scales=(0.02,)), 2.2, 10_000),
    }[kind]
    _, fractions = cancelling(replace(experiment, engine=engine), 10**9, monkeypatch)
    assert len(fractions) > 3
    assert fractions[0] == 0.0
    assert fractions[-1] == 1.0
    assert (np.diff(fractions) >= 0).all()


def test_a_callback_that_returns_nothing_goes_on():
    run = simulate(descending(PAPER, 0.05, 10), on_progress=lambda fraction: None)
    assert run.outcome == Outcome.FINISHED
    assert run.steps[-1] == 10


@every_run
def test_a_run_is_reproducible_to_the_last_bit(experiment):
    first, again = simulate(experiment), simulate(experiment)
    for quantity in ("loss", "strengths", "eigenvalues", "strengths_range"):
        assert np.array_equal(getattr(first, quantity), getattr(again, quantity), equal_nan=True)


@pytest.mark.parametrize("name", ALIGNED)
def test_edge_and_clock(name):
    run = simulate(descending(CASES[name], 0.04, 10))
    assert (run.edge == 2 / 0.04).all()
    assert run.time[-1] == pytest.approx(0.4)
    assert simulate(flowing(CASES[name], 0.4)).edge is None


@pytest.mark.parametrize("calls", [1, 2, 7, 40, None])
@pytest.mark.parametrize(
    "dynamics",
    [Descent(step_size=0.02, steps=100), Descent(step_size=5.0, steps=100), Flow(duration=3.0)],
)
def test_the_weights_are_those_of_the_last_record_however_a_run_ends(dynamics, calls, monkeypatch):
    """Finished, diverged between two records, or cancelled while a record's eigenvalues were under
    way."""
    monkeypatch.setattr(looks, "APART", 1e-9)
    experiment = replace(CASES["bottleneck"], dynamics=dynamics, record=Record(every=7))
    if calls is None:
        run = simulate(experiment)
        outcome = Outcome.DIVERGED if dynamics.eta == 5.0 else Outcome.FINISHED
    else:
        run, _ = cancelling(experiment, calls, monkeypatch)
        outcome = Outcome.CANCELLED
    assert run.outcome in (outcome, Outcome.DIVERGED)
    assert curvature.loss(experiment, run.theta) == pytest.approx(run.loss[-1], rel=1e-12)
    modes = len(experiment.task.singular_values)
    strengths = naive.strengths(experiment, run.theta)[:, :modes]
    assert strengths == pytest.approx(run.strengths[-1], rel=1e-10, abs=1e-14)
