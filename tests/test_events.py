"""What changes while a run lasts, and what drives it beside its gradient.

Numbers and their tolerances are those of SCIENCE-2, sections 2 and 3; pathways count from 0 here.
"""

from __future__ import annotations

from dataclasses import replace

import naive
import numpy as np
import pytest
from cases import CASES, PAPER, RUNS, driven, flowing
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import driven_dynamics, experiments

from simcore import (
    Balanced,
    Descent,
    Flow,
    Freeze,
    Gaussian,
    Jitter,
    Kick,
    Network,
    Outcome,
    Ramp,
    Record,
    Spectrum,
    StepSize,
    curvature,
    simulate,
)

ENDS = Record(frames=2)
EVERY_STEP = Record(every=1, sharpness=False)
MEDIUM = 2 / 13


def of(dynamics, **parts):
    """The paper's two pathways of depth 20 under `dynamics`; `parts` are fields to replace."""
    return replace(PAPER, dynamics=dynamics, record=ENDS, **parts)


def warm_up(step_size, updates, steps, **rest):
    ramp = Ramp(start=0, stop=updates, value=step_size, begin=0.0)
    return Descent(step_size=step_size, steps=steps, events=(ramp,), **rest)


def late(step_size, steps, *events):
    """The settled small run at eta = .05, raised at 2000."""
    return Descent(
        step_size=0.05, steps=steps, events=(StepSize(at=2000, value=step_size), *events)
    )


NUDGE = Kick(at=2000, pathway=0, factor=1 + 1e-6)
SMALL = {"network": Network(depths=(4, 4)), "start": Balanced(scales=(0.02, 0.016))}
L2 = {"network": Network(depths=(2, 2)), "start": Balanced(scales=(0.01, 0.0081))}
L3 = {"network": Network(depths=(3, 3)), "start": Balanced(scales=(0.027, 0.008))}
AT_MINIMUM = {"network": Network(depths=(3, 3)), "start": Balanced(scales=(0.94831, 0.05169))}

# name: (experiment, strengths of the sharpest mode at the end, sharpness there or None, tolerance)
ENDINGS = {
    "I2 drop after re-balancing": (
        of(Descent(step_size=MEDIUM, steps=1300, events=(StepSize(at=650, value=0.05),))),
        (0.739934, 0.260066),
        None,
        2e-5,
    ),
    "I3 drop after balancing": (
        of(Descent(step_size=2 / 10.5, steps=9000, events=(StepSize(at=3000, value=0.05),))),
        (0.5, 0.5),
        10.717735,
        1e-6,
    ),
    "I4 late raise": (of(late(MEDIUM, 6000, NUDGE)), (0.739934, 0.260066), 12.832586, 2e-4),
    "I5 to 2/16": (of(late(2 / 16, 6000, NUDGE)), (0.87577, 0.12423), None, 5e-4),
    "I5 to 2/11": (of(late(2 / 11, 6000, NUDGE)), (0.577232, 0.422768), None, 5e-4),
    "I5 to 2/19": (of(late(2 / 19, 22000, NUDGE)), (0.97263, 0.02737), 18.9942, 5e-4),
    "I6 above": (of(late(2 / 19.45, 6000, NUDGE)), (0.984297, 0.015703), None, 1e-6),
    "I7 before it has settled": (
        of(Descent(step_size=0.05, steps=6000, events=(StepSize(at=310, value=MEDIUM),))),
        (0.739934, 0.260066),
        None,
        2e-4,
    ),
    "I8 50": (of(warm_up(MEDIUM, 50, 5000)), (0.739934, 0.260066), None, 2e-4),
    "I8 200": (of(warm_up(MEDIUM, 200, 5000)), (0.739934, 0.260066), None, 2e-4),
    "I8 1000": (of(warm_up(MEDIUM, 1000, 5000)), (0.739934, 0.260066), None, 2e-4),
    "I11 the winner sleeps": (
        of(Descent(step_size=MEDIUM, steps=3000, events=(Freeze(pathway=0, start=0, stop=200),))),
        (0.260066, 0.739934),
        None,
        2e-4,
    ),
    "I12 small": (
        of(Descent(step_size=0.05, steps=4000, events=(Freeze(pathway=0, start=0, stop=250),))),
        (0.003112, 0.996888),
        None,
        1e-6,
    ),
    "I13 kicked to .3": (
        of(
            Descent(
                step_size=0.05,
                steps=6000,
                events=(Kick(at=2000, pathway=1, factor=0.3 / 0.015703187),),
            )
        ),
        (0.729491, 0.270509),
        None,
        1e-5,
    ),
    "I14 halved": (
        of(Descent(step_size=MEDIUM, steps=1300, events=(Kick(at=650, pathway=0, factor=0.5),))),
        (0.621343, 0.378657),
        11.2577,
        5e-4,
    ),
    "I14 up by a tenth": (
        of(Descent(step_size=MEDIUM, steps=1300, events=(Kick(at=650, pathway=0, factor=1.1),))),
        (0.736750, 0.263250),
        None,
        5e-4,
    ),
    "W1 decay is neutral at depth 2": (
        of(Descent(step_size=0.3, steps=8000, weight_decay=0.01), **L2),
        (0.546961, 0.443039),
        None,
        1e-6,
    ),
    "W2 decay favours one": (
        of(Descent(step_size=1 / 3, steps=60_000, weight_decay=1e-3), **L3),
        (0.9990, 0.0),
        None,
        1e-4,
    ),
    "momentum, warmed up to an edge of 13": (
        of(warm_up(3 / 13, 2000, 5000, momentum=0.5)),
        (0.7436, 0.2564),
        12.899,
        5e-4,
    ),
    "momentum, warmed up to an edge of 11": (
        of(warm_up(3 / 11, 2000, 5000, momentum=0.5)),
        (0.5789, 0.4211),
        None,
        5e-4,
    ),
    "momentum, without": (
        of(Descent(step_size=3 / 25, steps=9000, momentum=0.5)),
        (0.378203, 0.621797),
        11.26,
        2e-3,
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_it_ends_where_it_must(name):
    experiment, strengths, sharpness, tolerance = ENDINGS[name]
    run = simulate(experiment)
    assert run.strengths[-1, :, 0] == pytest.approx(strengths, abs=tolerance)
    if sharpness is not None:
        assert run.sharpness[-1] == pytest.approx(sharpness, abs=max(tolerance, 5e-5))


@pytest.mark.parametrize(
    ("asleep", "ends"),
    [
        (0, [(3.862983, 0.01), (2.631259, 0.014492), (1.702626, 0.029424), (0.935791, 0.064209)]),
        (400, [None, None, (0.866270, 0.865781), (0.845348, 0.154652)]),
        (750, [None, None, None, (0.500141, 0.499857)]),
    ],
)
def test_a_pathway_that_sleeps_loses_the_modes_learned_then(asleep, ends):
    """I1, the table of Kleinman et al.; None: the pathways share the mode equally."""
    freeze = Freeze(pathway=1, start=asleep, stop=asleep + 150)
    values = tuple(np.sqrt([15.0, 7.0, 3.0, 1.0]).tolist())
    run = simulate(
        of(
            Descent(step_size=0.01, steps=1000, events=(freeze,)),
            task=Spectrum(singular_values=values),
            network=Network(depths=(4, 4)),
            start=Balanced(scales=(0.01, 0.01)),
        )
    )
    for mode, end in enumerate(ends):
        shared = (values[mode] / 2,) * 2
        tolerance = 1e-6 if end else 1e-5
        assert run.strengths[-1, :, mode] == pytest.approx(end or shared, abs=tolerance)


def test_a_warm_up_widens_the_window():
    """I9 and I10: at once to 2/7, or beyond eta_WCR to 2/6, a run is trapped; slowly it is not."""
    for edge, low, high in ((7, 0.316, 1.35), (6, 0.094, 1.502)):
        at_once, slowly = (
            simulate(
                replace(of(warm_up(2 / edge, n, 8000)), record=Record(every=1, sharpness=False))
            )
            for n in (1, 1000)
        )
        assert at_once.strengths[-1].sum() < 1e-5
        total = slowly.strengths[-2000:, :, 0].sum(axis=1)
        assert np.ptp(slowly.strengths[-1]) < 1e-6
        assert low - 2e-3 < total.min() < total.max() < high + 2e-3
        assert total.min() < low + 0.1
        assert total.max() > high - 0.1


def test_decay_pins_a_run_at_its_edge():
    """W3: against re-balancing, which without decay ends at 12.8326."""
    dynamics = Descent(step_size=MEDIUM, steps=40_000, weight_decay=1e-6)
    run = simulate(replace(of(dynamics), record=Record(every=20)))
    late = run.steps >= 20_000
    assert run.strengths[late].max(axis=1).min() > 0.73
    assert run.strengths_range[late, 1].max() < 0.80
    assert run.sharpness[run.steps >= 38_000].max() > 13


def test_label_noise_shares_below_the_edge():
    """N1: the mean share over 8 seeds after 10,000 and 20,000 updates; N2, a longer run."""

    def share(step_size, noise, steps, seed):
        dynamics = Descent(step_size=step_size, steps=steps, label_noise=noise, seed=seed)
        run = simulate(replace(of(dynamics, **SMALL), record=Record(frames=2, sharpness=False)))
        first, second = run.strengths[-1, :, 0]
        return first / (first + second)

    for steps, mean in ((10_000, 0.5554), (20_000, 0.5086)):
        shares = [share(0.1, 0.1, steps, seed) for seed in range(8)]
        assert np.mean(shares) == pytest.approx(mean, abs=0.01)
        assert np.ptp(shares) > 1e-4
    assert share(0.05, 0.2, 40_000, 0) == pytest.approx(0.5, abs=5e-3)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_momentum_moves_the_edge(momentum):
    """M1: a minimum of sharpness lambda is stable up to eta = (2 + 2 beta)/lambda."""

    def moved(ratio):
        eta = ratio * (2 + 2 * momentum) / 2.852807
        kick = Kick(at=0, pathway=0, factor=1 + 1e-4)
        run = simulate(
            of(
                Descent(step_size=eta, steps=20_000, momentum=momentum, events=(kick,)),
                **AT_MINIMUM,
            )
        )
        first, second = run.strengths[-1, :, 0]
        return abs(first / (first + second) - 0.94831)

    assert max(moved(0.98), moved(0.995)) < 3e-6
    assert moved(1.005) == pytest.approx(1.8e-2 if momentum == 0.9 else 8.3e-3, rel=0.03)


# --- What every event keeps ------------------------------------------------------------------


def twins(experiment):
    return naive.driven(experiment, curvature.initial(experiment))


def numbers(run):
    return (run.loss, run.strengths, run.eigenvalues, run.time)


@pytest.mark.parametrize(("name", "engine"), RUNS)
def test_driven_descents_equal_their_naive_twin(name, engine):
    """Everything that drives, at once: updates as they are written down, in plain NumPy."""
    experiment = replace(driven(CASES[name], 0.05), engine=engine, record=Record(every=1))
    run = simulate(experiment)
    twin = np.array([naive.strengths(experiment, theta) for theta in twins(experiment)])
    scale = np.abs(twin).max()
    assert run.outcome is Outcome.FINISHED
    assert np.abs(run.strengths - twin).max() <= 1e-10 * scale


@pytest.mark.parametrize("name", ["two pathways", "deep", "wide hidden"])
def test_engines_agree_under_every_event(name):
    """Over 80 updates; a jitter's part off the diagonal counts with its square."""
    dynamics = driven(CASES[name], 0.1).dynamics
    more = (Kick(at=30, pathway=0, factor=3.0), Ramp(start=20, stop=60, value=0.12))
    freezes = (Freeze(pathway=0, start=40, stop=55),)
    dynamics = replace(dynamics, steps=80, events=(*dynamics.events, *more, *freezes))
    for k in (replace(dynamics, momentum=0.0), dynamics, replace(dynamics, nesterov=False)):
        one, other = (
            simulate(replace(CASES[name], dynamics=k, engine=e, record=Record(every=8)))
            for e in ("modes", "matrices")
        )
        scale = np.abs(other.strengths).max()
        assert np.abs(one.strengths - other.strengths).max() <= 1e-10 * scale
        assert np.abs(one.sharpness / other.sharpness - 1).max() <= 1e-8
        assert np.abs(one.moving_sharpness / other.moving_sharpness - 1).max() <= 1e-8


# With it pathways are linear: the others know neither label noise nor, with tanh, kicks.
NOISY = st.just(Descent(step_size=0.05, steps=12, label_noise=0.1))


@settings(max_examples=15, deadline=None)
@given(experiment=experiments(dynamics=NOISY, record=st.just(Record(every=1))), data=st.data())
def test_an_event_changes_no_bit_before_it_acts(experiment, data):
    """Nor does the same step size again, ever; nor how the run is cut into calls."""
    steps = data.draw(st.integers(12, 20))
    at = data.draw(st.integers(1, steps - 1))
    plain = Descent(step_size=0.05, steps=steps)
    if data.draw(st.booleans()):
        plain = replace(plain, momentum=0.5, label_noise=0.1, weight_decay=0.01)
    last = experiment.network.pathways - 1
    before = simulate(replace(experiment, dynamics=plain))
    same = simulate(replace(experiment, dynamics=plain.with_events((StepSize(at=at, value=0.05),))))
    for one, other in zip(numbers(before), numbers(same), strict=True):
        assert np.array_equal(one, other, equal_nan=True)
    kick = plain.with_events((Kick(at=at, pathway=last, factor=2.0),))
    kicked = simulate(replace(experiment, dynamics=kick))
    for one, other in zip(numbers(before), numbers(kicked), strict=True):
        assert np.array_equal(one[: at + 1], other[: at + 1], equal_nan=True)
    whole = replace(experiment, dynamics=kick, record=Record(frames=2))
    if kicked.outcome is Outcome.FINISHED:
        assert simulate(whole).loss[-1] == kicked.loss[-1]


def test_a_drive_with_nothing_in_it_gives_the_bits_of_plain_descent(monkeypatch):
    for name, engine in RUNS:
        experiment = replace(CASES[name], engine=engine, record=Record(every=3))
        experiment = replace(experiment, dynamics=Descent(step_size=0.05, steps=30))
        plain = simulate(experiment)
        with monkeypatch.context() as patch:
            patch.setattr(Descent, "driven", True)
            forced = simulate(experiment)
        for quantity in ("loss", "strengths", "eigenvalues", "loss_range", "strengths_range"):
            one, other = getattr(plain, quantity), getattr(forced, quantity)
            assert np.array_equal(one, other, equal_nan=True), (name, engine, quantity)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_frozen_pathway_keeps_its_weights(data):
    record = st.just(Record(every=1, sharpness=False))
    experiment = data.draw(experiments(dynamics=NOISY, record=record))
    sleeper = experiment.network.pathways - 1
    dynamics = data.draw(driven_dynamics(experiment.network.pathways))
    others = tuple(e for e in dynamics.events if e.of_pathway is None and type(e) is not Jitter)
    freeze = Freeze(pathway=sleeper, start=3, stop=9)
    run = simulate(replace(experiment, dynamics=dynamics.with_events((*others, freeze))))
    asleep = run.strengths[(run.steps >= 3) & (run.steps <= 9), sleeper]
    assert (asleep == asleep[:1]).all()


@pytest.mark.parametrize("engine", ["modes", "matrices"])
@pytest.mark.parametrize("name", ["two pathways", "unequal depths", "wide rectangle"])
def test_moving_sharpness_is_that_of_the_dense_hessian(name, engine):
    """Of the rows and columns of the pathways that move; of all where all do."""
    experiment = replace(driven(CASES[name], 0.05), engine=engine, record=Record(every=1))
    run = simulate(experiment)
    asleep = experiment.network.pathways - 1
    for step, theta in enumerate(twins(experiment)):
        if step not in (0, 4, 5, 6, 7):
            continue
        dense = naive.hessian(experiment, theta)
        if 5 <= step < 7:
            rows = [
                np.full(layer.size, h != asleep)
                for h, of in enumerate(naive.layers(experiment, theta))
                for layer in of
            ]
            moving = np.concatenate(rows)
            dense = dense[np.ix_(moving, moving)]
        top = np.linalg.eigvalsh((dense + dense.T) / 2)[-1]
        assert run.moving_sharpness[step] == pytest.approx(top, rel=1e-7, abs=1e-7)
    awake = (run.steps < 5) | (run.steps >= 7)
    assert np.array_equal(run.moving_sharpness[awake], run.sharpness[awake])
    assert (run.moving_sharpness <= run.sharpness + 1e-9).all()


def test_moving_sharpness_is_there_only_with_a_freeze():
    kicked = Descent(step_size=0.05, steps=9, events=(Kick(at=3, pathway=0, factor=2.0),))
    assert simulate(of(kicked)).moving_sharpness is None
    all_asleep = tuple(Freeze(pathway=h, start=2, stop=4) for h in range(2))
    run = simulate(replace(of(kicked.with_events(all_asleep)), record=Record(every=1)))
    assert np.isnan(run.moving_sharpness).tolist() == [step in (2, 3) for step in range(10)]
    assert (run.strengths[2] == run.strengths[4]).all()


def test_records_hold_each_event_and_what_follows_it():
    events = (Kick(at=200, pathway=0, factor=2.0), Freeze(pathway=1, start=300, stop=401))
    run = simulate(of(Descent(step_size=0.05, steps=500, events=events)))
    assert run.steps.tolist() == [0, 200, 201, 300, 301, 401, 402, 500]
    plain = simulate(replace(of(Descent(step_size=0.05, steps=500)), record=Record(every=1)))
    assert (run.strengths[1] == plain.strengths[200]).all()  # before it acts
    assert run.strengths[2, 0, 0] > 1.9 * plain.strengths[201, 0, 0]


# --- Flow ------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["modes", "matrices"])
def test_a_flow_begins_anew_at_each_event(engine):
    """As three flows one after the other would go on, and as many steps reach each event."""
    events = (Kick(at=4.0, pathway=1, factor=3.0), Freeze(pathway=0, start=9.0, stop=12.0))
    case = replace(CASES["two pathways"], engine=engine)
    dynamics = Flow(duration=15.0, rtol=1e-11, events=events)
    run = simulate(replace(case, dynamics=dynamics, record=Record(frames=16)))
    assert set(run.time) == set(range(16))
    start = case.start.scales
    plain = simulate(flowing(case, 4.0, rtol=1e-11))
    assert run.strengths[4] == pytest.approx(plain.strengths[-1], rel=1e-9)
    factor, modes = np.array([[1.0], [3.0]]), range(2)
    for mode in modes:
        value = case.task.singular_values[mode]
        kicked = (plain.strengths[-1] * factor)[:, mode]
        alone = replace(
            case,
            task=Spectrum(singular_values=(value,)),
            start=Balanced(scales=tuple(kicked.tolist())),
        )
        second = simulate(flowing(alone, 5.0, rtol=1e-11))
        assert run.strengths[9, :, mode] == pytest.approx(second.strengths[-1, :, 0], rel=1e-8)
    assert (run.strengths[9:13, 0] == run.strengths[9, 0]).all()
    assert (np.diff(run.strengths[9:13, 1, 1]) > 0).all()
    assert start == case.start.scales


def test_the_engines_flow_alike_through_events():
    events = (
        Kick(at=2.0, pathway=0, factor=2.0),
        Jitter(at=3.5, std=1e-7),
        Freeze(pathway=1, start=1.0, stop=5.0),
    )
    dynamics = Flow(duration=6.0, rtol=1e-12, events=events)
    for name in ("two pathways", "unequal depths"):
        for record in (Record(frames=9), Record(every=20)):
            one, other = (
                simulate(replace(CASES[name], dynamics=dynamics, engine=e, record=record))
                for e in ("modes", "matrices")
            )
            if record.every is None:
                assert np.abs(one.strengths - other.strengths).max() <= 1e-10
            assert np.abs(one.strengths[-1] - other.strengths[-1]).max() <= 1e-10
            assert {0.0, 1.0, 2.0, 3.5, 5.0, 6.0} <= set(one.time) & set(other.time)


def test_a_jitter_is_the_same_chance_in_both_engines():
    """And is N(0, std^2): layers of a pathway come to differ."""
    jitter = Descent(step_size=1e-9, steps=2, events=(Jitter(at=1, std=0.01, seed=4),))
    wide = Spectrum(singular_values=tuple(np.linspace(2, 1, 60).tolist()))
    start = replace(of(jitter, task=wide), network=Network(depths=(1, 1)), record=Record(every=1))
    run = simulate(replace(start, start=Balanced(scales=(0.5, 0.5))))
    noise = (run.strengths[2] - run.strengths[1]).ravel()
    assert noise.std() == pytest.approx(0.01, rel=0.2)
    assert abs(noise.mean()) < 3e-3
    gaussian = replace(start, start=Gaussian(std=0.1, seed=1), engine="matrices")
    before, after = (
        simulate(replace(gaussian, dynamics=replace(jitter, steps=n, events=e))).theta
        for n, e in ((1, ()), (2, jitter.events))
    )
    drawn = 0.01 * np.random.default_rng(4).standard_normal(len(before))
    assert after - before == pytest.approx(drawn, abs=1e-6)
