"""Starts per mode, momentum, weight decay and label noise: what is known and said of them.

Numbers and their tolerances are those of SCIENCE-2, sections 3 and 7.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from strategies import refused

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Freeze,
    LayerScales,
    Network,
    Ramp,
    Record,
    Spectrum,
    StepSize,
    courses,
    differences,
    drift,
    link_values,
    mode_curvature,
    prospects,
    regimes,
    simulate,
    theory,
    variations,
    zone_words,
)
from simcore.ensemble import Ensemble, members
from simcore.figures import panels, ruler, seeds
from simcore.scenes import named
from simcore.studies import batch, bifurcation, reached
from simcore.verdicts import Regime


def paper(depth=20, scales=(0.002, 0.0017), values=(1.0,), **dynamics):
    return Experiment(
        task=Spectrum(singular_values=values),
        network=Network(depths=(depth,) * 2),
        start=Balanced(scales=scales),
        dynamics=Descent(**{"step_size": 0.05, "steps": 4000} | dynamics),
        record=Record(frames=400),
    )


SPECIALISED = ((0.002, 0.0017), (0.0017, 0.002))

# --- Starts per mode -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step_size", "ends"),
    [
        (0.05, ((0.984297, 0.015350), (0.015703, 0.684650))),
        (2 / 13, ((0.739934, 0.016019), (0.260066, 0.683981))),
    ],
)
def test_pathways_that_specialise_keep_to_their_modes(step_size, ends):
    """S1, and both engines from the same weights."""
    experiment = paper(scales=SPECIALISED, values=(1.0, 0.7), step_size=step_size, steps=40_000)
    run = simulate(replace(experiment, record=Record(frames=2)))
    assert run.strengths[-1] == pytest.approx(np.array(ends), abs=2e-4)
    first = replace(experiment, dynamics=replace(experiment.dynamics, steps=80))
    alone, whole = (simulate(replace(first, engine=name)) for name in ("modes", "matrices"))
    assert whole.strengths == pytest.approx(alone.strengths, abs=1e-10)
    assert whole.sharpness == pytest.approx(alone.sharpness, rel=1e-8)


A, C = ((0.6, 0.3, 0.15), (0.5, 0.25, 0.125)), ((0.0, 0.3, 0.3), (0.0, 0.25, 0.25))


@pytest.mark.parametrize(
    ("scales", "flow", "sharpness", "factor", "descent", "flatter"),
    [
        (A, (0.789373, 0.210627), 2.605079, 0.9, (0.758648, 0.241352), 2.554545),
        (C, (0.890487, 0.109513), 2.731621, 1.1, (0.707336, 0.292664), 2.473922),
    ],
)
def test_layers_that_start_uneven(scales, flow, sharpness, factor, descent, flatter):
    """Starts A and C, one with layers at zero; eta in units of 2/lambda_GF."""
    layered = replace(paper(3), start=LayerScales(scales=scales), record=Record(frames=2))
    run = simulate(replace(layered, dynamics=Flow(duration=300.0, rtol=1e-10)))
    assert run.strengths[-1, :, 0] == pytest.approx(np.array(flow), abs=1e-5)
    assert run.sharpness[-1] == pytest.approx(sharpness, abs=1e-5)
    step_size = factor * 2 / sharpness
    run = simulate(replace(layered, dynamics=Descent(step_size=step_size, steps=20_000)))
    assert run.strengths[-1, :, 0] == pytest.approx(np.array(descent), abs=2e-4)
    assert run.sharpness[-1] == pytest.approx(flatter, abs=2e-4)


# mode 1 starts level, so that its flow ends flat; mode 2 has a winner and is sharper
LATE = paper(scales=((0.002, 0.002), (0.002, 0.0017)), values=(1.0, 0.95), step_size=2 / 13)


def test_the_sharpest_mode_is_asked_of_one():
    alone = replace(
        LATE, task=Spectrum(singular_values=(0.95,)), start=Balanced(scales=(0.002, 0.0017))
    )
    assert theory.sharpest_mode(LATE) == 1
    assert theory.step_size_marks(LATE) == theory.step_size_marks(alone)
    assert prospects.zone(LATE) == prospects.zone(alone)
    run, single = simulate(LATE), simulate(alone)
    assert courses.sharpest(run).strengths.tobytes() == courses.sharpest(single).strengths.tobytes()
    assert regimes.classify(run) is regimes.classify(single) is Regime.PARTLY_REBALANCED
    assert "Mode 2, the sharpest, ends shared" in regimes.describe(run)
    assert "2/S₂" in {mark.name for mark in prospects.marks(LATE).values()}
    two, one = (bifurcation.orbits(e, np.array([0.2]), budget=3000) for e in (LATE, alone))
    assert two.strengths.tobytes() == one.strengths.tobytes()


def test_one_scale_for_all_modes_is_as_that_scale_in_each():
    """A tuple of equal scales gives the same bits, and mode 1 is the sharpest."""
    each = paper(scales=((0.002,) * 3, (0.0017,) * 3), values=(1.0, 1.0, 0.4), step_size=2 / 13)
    all_ = replace(each, start=Balanced(scales=(0.002, 0.0017)))
    one, two = simulate(each), simulate(all_)
    assert one.strengths.tobytes() == two.strengths.tobytes()
    assert one.eigenvalues.tobytes() == two.eigenvalues.tobytes()
    assert courses.sharpest_modes(each) == courses.sharpest_modes(all_) == (0, 1)
    assert batch.kind(each) is not None
    assert batch.kind(LATE) is None  # its kernel records the first modes
    apart = replace(each, start=Balanced(scales=((0.002, 0.0017, 0.1), 0.0017)))
    assert courses.sharpest_modes(apart) == (0,)
    assert len(mode_curvature.architecture_of(apart).modes) == 3


@pytest.mark.parametrize(
    ("text", "scales"),
    [
        ("0.002,0.0017", (0.002, 0.0017)),
        ("0.002,0.0017;0.0017,0.002", SPECIALISED),
        ("0.002;0.0017,0.002", (0.002, (0.0017, 0.002))),
        ("0.002,0.0017;", ((0.002, 0.0017),)),
        ("0.002,;0.0017", ((0.002,), 0.0017)),
    ],
)
def test_scales_per_mode_in_links_and_fields(text, scales):
    start = Balanced(scales=scales)
    assert link_values.start_text(start) == f"balanced:{text}"
    assert link_values.parse_start(f"balanced:{text}") == start
    assert link_values.parse_start(f"balanced:{link_values.start_field(start)}") == start


def test_a_start_is_cut_and_stretched_to_the_modes_and_refused_where_it_does_not_fit():
    experiment = paper(scales=SPECIALISED, values=(1.0, 0.7))
    fewer = variations.with_singular_values(experiment, (1.0,))
    more = variations.with_singular_values(experiment, (1.0, 0.7, 0.3))
    assert fewer.start.scales == ((0.002,), (0.0017,))
    assert more.start.scales == ((0.002, 0.0017, 0.0017), (0.0017, 0.002, 0.002))
    third = variations.with_pathways(experiment, 3).start.scales[2]
    assert third == pytest.approx((0.0017 * 0.85, 0.002 * 0.85))
    with refused("pathway 1", "the target has 3, the start 2"):
        replace(more, start=experiment.start)
    with refused("one scale per pathway"):
        variations.with_start_ratio(experiment, 0.5)
    assert "start 0.002, 0.0017; 0.0017, 0.002" in differences.in_words(experiment)


# --- Edges -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dynamics", "edge", "mark"),
    [
        ({"momentum": 0.5}, "(2+2β)/η", "(2+2β)/λ(GF)"),
        ({"momentum": 0.9, "nesterov": True}, "(2+2β)/((1+2β)η)", "(2+2β)/((1+2β)λ(GF))"),
        ({"weight_decay": 1e-3}, "2/η − μ", "2/(λ(GF)+μ)"),
        ({"label_noise": 0.1}, "2/η", "2/λ(GF)"),
    ],
)
def test_marks_stand_where_the_edge_is(dynamics, edge, mark):
    plain, moved = theory.step_size_marks(paper()), paper(**dynamics)
    marks, names = theory.step_size_marks(moved), prospects.marks(moved)
    for field in ("flow_edge", "single_path", "balanced"):
        there = replace(moved.dynamics, step_size=getattr(marks, field))
        assert there.edge == pytest.approx(2 / getattr(plain, field), rel=1e-12)
    assert np.isnan(marks.wcr) == np.isnan(marks.trap) == ("momentum" in dynamics)
    assert names["flow_edge"].name == mark
    assert f"is below {mark} = " in prospects.place(moved)
    drawn = ruler.data(moved)
    shown = drawn["edge"]["reach"] / moved.dynamics.eta - drawn["edge"]["decay"]
    assert (drawn["edge"]["symbol"], shown) == (edge, pytest.approx(moved.edge))
    scene = panels.simulator([named(simulate(moved))], ["sharpness"])
    assert f"{edge} = {moved.edge:.4g}" in [line.label for line in scene.panels[0].lines]


def test_decay_that_is_too_strong_is_said_before_the_run():
    """W4: a run leaves the plateau if (sigma* - sum alpha) alpha^{1-2/L} > mu."""
    for depth, scales in ((20, (0.002, 0.0017)), (3, (0.01, 0.02)), (2, (0.01, 0.01))):
        start = np.array(scales)
        border = ((1 - start.sum()) * start ** (1 - 2 / depth)).max()
        for factor, leaves in ((0.97, True), (1.03, False)):
            case = paper(depth, scales, weight_decay=factor * border, steps=30_000)
            run = simulate(replace(case, record=Record(frames=60)))
            assert bool(run.strengths[-1].sum() > run.strengths[0].sum()) is leaves
            if depth > 2:  # there the sum shrinks to 1 - mu, next to nothing
                assert (prospects.zone(case).name != zone_words.DECAYS) is leaves
                assert (regimes.headline(run) != "decays to zero") is leaves


def test_a_zone_that_decays_to_zero_does_so():
    """From small starts and large, with steps from small to beyond what decay itself stands."""
    draw, told = np.random.default_rng(0), 0
    for _ in range(400):
        depths = tuple(draw.integers(2, 8, draw.integers(1, 4)).tolist())
        scales = tuple((10 ** draw.uniform(-3, 0, len(depths))).tolist())
        decay, units = float(10 ** draw.uniform(-2, 0.2)), float(draw.uniform(0.05, 1.5))
        case = Experiment(
            task=Spectrum(singular_values=(1.0,)),
            network=Network(depths=depths),
            start=Balanced(scales=scales),
            dynamics=Descent(step_size=units * 2 / decay, steps=3000, weight_decay=decay),
            record=Record(frames=2, sharpness=False),
        )
        if prospects.zone(case).name == zone_words.DECAYS:
            assert simulate(case).strengths[-1].sum() < 1e-3, case
            assert units <= 1, case
            told += 1
    assert told > 30


def test_decay_lowers_the_sum_by_its_shortfall():
    """W1, exactly mu at depth 2; and wherever the sum stands still, deeper."""
    run = simulate(paper(2, (0.01, 0.0081), step_size=0.3, weight_decay=0.01))
    assert run.strengths[-1, :, 0] == pytest.approx([0.546961, 0.443039], abs=1e-6)
    deep = simulate(paper(4, (0.02, 0.02), step_size=0.1, weight_decay=1e-3))
    for each, decay in ((run, 0.01), (deep, 1e-3)):
        end, depths = each.strengths[-1, :, 0], each.experiment.network.depths
        short = theory.decay_shortfall(end, depths, decay)
        assert end.sum() == pytest.approx(1 - short, abs=1e-9)


# --- The drift law ---------------------------------------------------------------------------


def test_the_drift_law_of_label_noise():
    """N1's law, what it keeps, and where it ends."""
    split, depths = (0.739728, 0.260272), (4, 4)
    found = theory.label_noise_drift(split, depths, 1.0, 0.1, 0.1, [0, 10_000, 20_000])
    assert found[:, 0] == pytest.approx([0.739728, 0.5521, 0.5091], abs=0.01)
    assert found.sum(axis=1) == pytest.approx(1)
    fine = theory.label_noise_drift(split, depths, 1.0, 0.1, 0.1, np.linspace(0, 20_000, 201))
    assert found[-1] == pytest.approx(fine[-1], abs=1e-4)
    for unequal in ((3, 5), (4, 4, 4), (2, 3)):
        start = np.full(len(unequal), 0.1)
        start[0] = 1 - start[1:].sum()
        end = theory.label_noise_drift(start, unequal, 1.0, 0.1, 0.1, [3e5])[0]
        assert end == pytest.approx(theory.flattest_split(1.0, unequal), abs=1e-3)
    still = theory.label_noise_drift((0.7, 0.3), (2, 2), 1.0, 0.1, 0.1, [1e5])[0]
    assert still == pytest.approx([0.7, 0.3])
    beyond = theory.label_noise_drift((0.99, 0.01), (20, 20), 1.0, 0.11, 0.1, [5])
    assert np.isnan(beyond).all()
    # one step of it, from its definition
    k, eta, delta, sigma = 1e-3, 0.1, 0.1, np.array(split)
    slope = np.array([6 * s**0.5 for s in sigma])
    variance = 2 * delta**2 / (2 - eta * theory.mode_sharpness(sigma, depths))
    moved = theory.label_noise_drift(sigma, depths, 1.0, eta, delta, [k])[0]
    phi = theory.flow_invariants(moved, depths) - theory.flow_invariants(sigma, depths)
    law = -0.25 * eta**2 * variance * (slope[0] - slope[1])
    assert (phi[0] - phi[1]) / k == pytest.approx(law, rel=1e-4)


# --- Verdicts and sentences ------------------------------------------------------------------

WARM = (Ramp(start=0, stop=2000, value=3 / 13, begin=0.0),)
SAID = {  # dynamics, depth, start: how it ends, its headline, and words of its description
    "noise drifts": (
        {"step_size": 0.1, "steps": 6000, "label_noise": 0.1}, 4, (0.02, 0.016),
        Regime.UNFINISHED, "still being shared by label noise", "more steps, by its drift law",
    ),
    "noise has shared": (
        {"steps": 40_000, "label_noise": 0.2}, 4, (0.02, 0.016),
        Regime.BALANCED, "balanced", "Label noise has shared the signal out",
    ),
    "noise at depth 2": (
        {"label_noise": 0.2}, 2, (0.02, 0.016),
        Regime.WINNER_TAKES_ALL, "no pathway takes all", "depth 2 keeps the ratio",
    ),
    "decay takes": (
        {"step_size": 1 / 3, "steps": 20_000, "weight_decay": 1e-3}, 3, (0.027, 0.008),
        Regime.WINNER_TAKES_ALL, "winner takes all", "Weight decay handed the signal to pathway 1",
    ),
    "decay against the edge": (
        {"step_size": 2 / 13, "steps": 40_000, "weight_decay": 1e-6}, 20, (0.002, 0.0017),
        Regime.PARTLY_REBALANCED, "held at the edge by weight decay", "the run stays at the edge",
    ),
    "decay at depth 2": (
        {"step_size": 0.3, "weight_decay": 0.03}, 2, (0.01, 0.0081),
        Regime.WINNER_TAKES_ALL, "no pathway takes all", "depth 2 keeps the ratio",
    ),
    "decay wins": (
        {"step_size": 2 / 13, "weight_decay": 4e-3}, 20, (0.002, 0.0017),
        Regime.TRAPPED, "decays to zero", "never leaves the plateau",
    ),
    "momentum overshoots": (
        {"step_size": 3 / 25, "momentum": 0.5}, 20, (0.002, 0.0017),
        Regime.PARTLY_REBALANCED, "partly re-balanced", "momentum overshoots",
    ),
    "momentum is thrown": (
        {"step_size": 3 / 16, "momentum": 0.5}, 20, (0.002, 0.0017),
        Regime.TRAPPED, "trapped", "An overshoot threw the signal back",
    ),
    "momentum warmed up": (
        {"step_size": 3 / 13, "steps": 3000, "momentum": 0.5, "events": WARM}, 20, (0.002, 0.0017),
        Regime.PARTLY_REBALANCED, "partly re-balanced", "One pathway won first; at the edge",
    ),
    "a drop keeps the split": (
        {"step_size": 2 / 13, "steps": 1300, "events": (StepSize(at=650, value=0.05),)},
        20, (0.002, 0.0017),
        Regime.PARTLY_REBALANCED, "partly re-balanced", "signal more evenly than under",
    ),
    "a sleeper loses": (
        {"events": (Freeze(pathway=0, start=0, stop=250),)}, 20, (0.002, 0.0017),
        Regime.WINNER_TAKES_ALL, "winner takes all", "Pathway 2 ends with the largest share",
    ),
    "asleep for good with a part of the signal": (
        {"step_size": 2 / 13, "steps": 1300, "events": (Freeze(pathway=0, start=100),)},
        20, (0.002, 0.0017),
        Regime.WINNER_TAKES_ALL, "no pathway takes all", "weights that still move, whose",
    ),
    "asleep for good near zero": (
        {"step_size": 2 / 13, "steps": 1300, "events": (Freeze(pathway=1, start=100),)},
        20, (0.002, 0.0017),
        Regime.CHAOS, "chaos", "No minimum within reach is flat enough",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_driven_runs_are_judged_and_described_truly(case):
    dynamics, depth, scales, regime, headline, words = SAID[case]
    experiment = paper(depth, scales, **dynamics)
    run = simulate(experiment)
    said = regimes.describe(run)
    assert regimes.classify(run) is regime
    assert regimes.headline(run) == headline
    assert words in said
    settled = {phase.name for phase in regimes.phases(run)} & {"settled"}
    assert bool(settled) is (regime not in (Regime.UNFINISHED, Regime.TRAPPED))
    assert not (experiment.dynamics.momentum and "2/η is" in said.replace("(2+2β)/η is", ""))


def test_what_theory_adds_for_a_zone():
    momentum = {"step_size": 3 / 13, "steps": 8000, "momentum": 0.5}
    assert "a long warm-up avoids" in prospects.zone(paper(**momentum)).sentence
    assert "warm-up" not in prospects.zone(paper(**momentum, events=WARM)).sentence
    assert "warm-up" not in prospects.zone(paper(**momentum, scales=(0.5, 0.3))).sentence
    warmed = variations.with_warm_up(paper(**momentum | {"steps": 100}), 2000)
    assert (warmed.dynamics.events, warmed.dynamics.steps) == (WARM, 8000)
    for depth, dynamics, words in (
        (4, {"label_noise": 0.1}, "shares the signal out slowly"),
        (2, {"label_noise": 0.1}, "shakes the sum"),
        (4, {"weight_decay": 1e-4}, "favours a single pathway"),
        (2, {"weight_decay": 1e-4}, "favours no pathway"),
    ):
        assert words in prospects.zone(paper(depth, (0.02, 0.01), **dynamics)).sentence


def test_the_strip_of_driven_runs_is_that_of_single_ones():
    origin = reached.origin(paper(2, (0.3, 0.2), steps=300, weight_decay=0.01, step_size=0.4))
    parts = reached.regimes(origin, 0.3, 1.5, 0.0)
    edges = np.geomspace(0.3, 1.5, reached.FEWEST + 1)
    for eta in np.sqrt(edges[1:] * edges[:-1])[::16].tolist():
        (part,) = [part for part in parts if part.low < eta < part.high]
        assert part.regime is regimes.classify(simulate(variations.with_step_size(origin, eta)))


# --- Ensembles -------------------------------------------------------------------------------


def test_an_ensemble_has_its_median_band_and_law():
    experiment = paper(4, (0.02, 0.016), step_size=0.1, steps=3000, label_noise=0.1, seed=5)
    runs = [simulate(each) for each in members(experiment, 6)]
    assert [run.experiment.dynamics.seed for run in runs] == [5, 6, 7, 8, 9, 10]
    ensemble = Ensemble.of(runs)
    whole = panels.simulator([named(simulate(experiment))], ["strengths", "sharing", "loss"])
    band = seeds.with_ensemble(whole, experiment, ensemble, 0, each=False)
    _, columns, law = (run.columns for run in band.runs)
    values = np.array([run.strengths[:, 0, 0] for run in runs])
    for name, percent in (("s0", 50), ("s0_low", 10), ("s0_high", 90)):
        assert columns[name] == pytest.approx(np.percentile(values, percent, axis=0))
    begin = ensemble.steps[np.isfinite(law["s0"]).argmax()]
    expected = drift.law(experiment, 0, ensemble.steps, begin)
    assert 0 < begin < 300
    assert law["s0"] == pytest.approx(expected[:, 0], nan_ok=True)
    strengths, sharing, loss = band.panels
    assert {(line.run, line.theory) for line in strengths.lines} == {
        ("6 seeds", False),
        ("drift law", True),
    }
    assert "median and 10 to 90 % of 6 seeds" in sharing.title
    assert loss == whole.panels[2]
    each = seeds.with_ensemble(whole, experiment, ensemble, 0, each=True)
    drawn = [line.column for line in each.panels[0].lines if line.run == "6 seeds"]
    assert drawn == [f"s{h}_{n}" for h in range(2) for n in range(6)]
    assert each.runs[1].columns["s0_3"] == pytest.approx(values[3])
    last = replace(experiment, dynamics=replace(experiment.dynamics, seed=2**32 - 1))
    assert [each.dynamics.seed for each in members(last, 2)] == [2**32 - 1, 0]
    with refused("needs label noise"):
        members(paper())


@pytest.mark.parametrize("more", [{"momentum": 0.5}, {"weight_decay": 1e-4}, {"label_noise": 0.0}])
def test_the_drift_law_is_of_label_noise_alone(more):
    noisy = {"step_size": 0.1, "label_noise": 0.1}
    assert drift.follows_law(paper(4, (0.02, 0.016), **noisy))
    assert not drift.follows_law(paper(4, (0.02, 0.016), **noisy | more))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.01, 0.1])
def test_depth_1_keeps_the_difference_unless_weights_decay(decay, momentum):
    dynamics = Descent(step_size=0.1, steps=20_000, weight_decay=decay, momentum=momentum)
    run = simulate(
        Experiment(
            task=Spectrum(singular_values=(1.0,)),
            network=Network(depths=(1, 1)),
            start=Balanced(scales=(0.4, 0.1)),
            dynamics=dynamics,
            record=Record(frames=20, sharpness=False),
        )
    )
    kept = abs(np.diff(run.strengths[-1, :, 0])[0] + 0.3) < 1e-6
    words = regimes.describe(run)
    assert ("keeps the difference" in words) == kept
    assert ("takes the difference of the strengths away" in words) == (not kept)


@pytest.mark.parametrize("scales", [(0.3, 0.2), (0.3, 0.3), (0.2, 0.19)])
@pytest.mark.parametrize("decay", [1e-4, 1e-3])
def test_noise_that_decay_pulls_against_is_not_said_to_share_on(scales, decay):
    dynamics = {"step_size": 0.1, "steps": 20_000, "label_noise": 0.05, "momentum": 0.9}
    experiment = paper(4, scales, **dynamics, weight_decay=decay)
    run = simulate(experiment)
    assert regimes.classify(run) is Regime.UNFINISHED
    assert regimes.headline(run) == "pulled both ways by label noise and weight decay"
    assert "pull against each other" in regimes.said(run)
    assert "still sharing" not in regimes.said(run)
