"""What theory says before a run: one zone and one sentence for whoever asks, and true ends."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from cases import CASES
from hypothesis import assume, example, given
from hypothesis import strategies as st
from strategies import descents, experiments, flows

from simcore import (
    Descent,
    Flow,
    LayerScales,
    Network,
    presets,
    prospects,
    regimes,
    simulate,
    theory,
    variations,
)
from simcore.figures import ruler
from simcore.marks import TIE
from simcore.regimes import Regime
from simcore.theory import StepSizeMarks
from simcore.zone_words import (
    CROSSES_ZERO,
    DIVERGES,
    EQUAL,
    FLATTEST,
    FOLLOWS_FLOW,
    IN_PART,
    MAY_BE_TRAPPED,
    NO_GAIN,
    NOTHING_MOVES,
    SENTENCES,
    STORY,
)

NAN = float("nan")
PAPER = presets.MEDIUM.experiment


def paper(depths, scales, eta: float = 0.1, steps: int = 9):
    dynamics = Descent(step_size=eta, steps=steps)
    return presets.two_pathways(dynamics, depths, scales)


# --- Zones -----------------------------------------------------------------------------------


def zone_at(eta: float, zones) -> str:
    return next(zone.name for zone in zones if zone.low < eta <= zone.high)


def in_sentences(eta: float, marks: StepSizeMarks) -> str:
    """Equal depths above 2: the obvious twin, one sentence after the other."""
    winner = marks.single_path if math.isnan(marks.flow_edge) else marks.flow_edge
    if eta > marks.wcr * (1 + TIE):
        return CROSSES_ZERO
    if not eta > min(winner, marks.balanced) * (1 + TIE):
        return FOLLOWS_FLOW
    if eta > marks.trap * (1 + TIE):
        return MAY_BE_TRAPPED
    if eta > marks.balanced * (1 + TIE):
        return EQUAL
    return IN_PART


@pytest.mark.parametrize("flow_edge", [NAN, 0.1, 0.15, 0.3, 0.9])
@pytest.mark.parametrize("wcr", [0.05, 0.1, 0.2, 0.3, 0.5, 2.0])
def test_zones_are_right_for_every_order_of_the_marks(flow_edge: float, wcr: float) -> None:
    for single, balanced, trap in product((0.1, 0.12), (0.2, 0.3), (NAN, 0.4, 0.8, 0.99)):
        marks = StepSizeMarks(flow_edge, single, balanced, wcr, trap * wcr)
        zones = prospects.zones_between(marks, (20, 20))
        known = [value for value in marks if not math.isnan(value)]
        near = [v * factor for v in known for factor in (0.97, 1 - 1e-6, 1.0, 1 + 1e-6, 1.03)]
        for eta in (1e-6, *near, 1e6):
            assert zone_at(eta, zones) == in_sentences(eta, marks), (eta, marks)


@given(experiments(), st.floats(-4, 4))
def test_zones_share_no_step_size_and_leave_none_out(experiment, power):
    zones = prospects.zones(experiment)
    if not zones:
        assert all(map(math.isnan, theory.step_size_marks(experiment)))
        return
    assert (zones[0].low, zones[-1].high) == (0, math.inf)
    assert all(zone.low < zone.high for zone in zones)
    assert [zone.high for zone in zones[:-1]] == [zone.low for zone in zones[1:]]
    eta = 10.0**power
    assert sum(zone.low < eta <= zone.high for zone in zones) == 1


def test_marks_that_differ_by_rounding_leave_no_sliver() -> None:
    case = paper((2, 2), (0.002, 0.0017))
    assert len({*theory.step_size_marks(case)[:3]}) > 1  # 2/lambda_GF a few ulp below 2/S_1
    names = [zone.name for zone in prospects.zones(case)]
    assert names == [FOLLOWS_FLOW, NO_GAIN, CROSSES_ZERO]


AROUND = (1e-3, 0.97, 1 - 1e-10, 1.0, 1 + 1e-10, 1 + 1e-7, 1.03, 30.0)


def etas_of(experiment):
    """Step sizes at, around and far from every mark."""
    marks = [mark for mark in theory.step_size_marks(experiment) if math.isfinite(mark)]
    return sorted({mark * factor for mark in marks or [0.1] for factor in AROUND})


@pytest.mark.parametrize("name", CASES)
def test_ruler_and_sentence_are_of_one_zone(name):
    """At any eta the page says what the ruler shows, word by word."""
    for eta in etas_of(CASES[name]):
        experiment = variations.with_step_size(CASES[name], eta)
        zone = prospects.zone(experiment)
        drawn = ruler.data(experiment)["zones"]
        if prospects.zones(experiment):
            assert zone in prospects.zones(experiment)
            (here,) = [d for d in drawn if d["start"] < eta <= d["end"]] or [drawn[0]]
            assert (here["name"], here["sentence"]) == (zone.name, zone.sentence)
        else:
            assert drawn == []
        assert f": {zone.sentence}." in prospects.place(experiment)


@given(experiments(dynamics=st.builds(Descent, step_size=st.floats(1e-6, 1e4), steps=st.just(2))))
def test_ruler_and_sentence_are_of_one_zone_anywhere(experiment):
    zone, eta = prospects.zone(experiment), experiment.dynamics.step_size
    drawn = ruler.data(experiment)["zones"]
    shown = [d["sentence"] for d in drawn if d["start"] < eta <= d["end"]]
    # at the very left of a bar that ends at eta there is nothing below it
    shown = shown or [d["sentence"] for d in drawn[:1]]
    assert shown == ([zone.sentence] if prospects.zones(experiment) else [])
    assert f": {zone.sentence}." in prospects.place(experiment)


@pytest.mark.parametrize(
    ("depths", "scales", "eta", "steps", "name", "ends"),
    [
        ((20, 20), (0.002, 0.0017), 0.05, 2000, FOLLOWS_FLOW, {Regime.WINNER_TAKES_ALL}),
        ((20, 20), (0.002, 0.0017), 2 / 13, 650, IN_PART, {Regime.PARTLY_REBALANCED}),
        ((20, 20), (0.002, 0.0017), 2 / 10.7, 534, EQUAL, {Regime.CYCLE}),
        ((2, 2), (0.002, 0.0017), 0.9, 400, FOLLOWS_FLOW, {Regime.WINNER_TAKES_ALL}),
        ((2, 2), (0.002, 0.0017), 1.1, 400, NO_GAIN, {Regime.CYCLE}),
        ((5,), (0.002,), 0.45, 3000, NO_GAIN, {Regime.CYCLE}),
        ((3, 5), (0.002, 0.002), 0.6, 900, FOLLOWS_FLOW, {Regime.WINNER_TAKES_ALL}),
        ((3, 5), (0.002, 0.002), 0.8, 2000, FLATTEST, {Regime.CYCLE}),
        ((1, 1), (0.1, 0.2), 1.1, 4000, DIVERGES, {Regime.DIVERGED}),
        ((1, 3), (0.1, 0.2), 2.4, 4000, DIVERGES, {Regime.DIVERGED}),
        ((1, 2), (0.1, 0.2), 2.4, 4000, DIVERGES, {Regime.DIVERGED}),
        ((2, 2), (0.002, 0.0017), 2.2, 400, CROSSES_ZERO, {Regime.SIGN_FLIP, Regime.DIVERGED}),
    ],
)
def test_runs_end_as_their_zone_says(depths, scales, eta, steps, name, ends) -> None:
    case = paper(depths, scales, eta, steps)
    assert prospects.zone(case).name == name
    assert regimes.classify(simulate(case)) in ends


def test_every_zone_has_its_sentence_and_its_colour():
    assert set(SENTENCES) == set(ruler.COLOURS)
    assert {name for _, name in STORY} <= set(SENTENCES)
    assert set(prospects.MARKS) == set(StepSizeMarks._fields)
    assert {mark for mark, _ in STORY if mark} <= set(prospects.MARKS)


def test_a_flow_has_no_zone_but_a_sentence():
    zone = prospects.zone(variations.with_dynamics(PAPER, Flow(duration=1.0)))
    assert (zone.low, zone.high) == (0, 0)
    assert zone not in prospects.zones(PAPER)


@pytest.mark.parametrize(
    ("case", "words"), [("data", "not whitened"), ("nothing", "leaves nothing to learn")]
)
def test_where_theory_is_silent_the_sentence_says_so(case, words):
    nothing = variations.with_singular_values(PAPER, (0.0,))
    experiment = {"data": CASES["data"], "nothing": nothing}[case]
    assert prospects.zones(experiment) == ()
    assert words in prospects.place(experiment)


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
    assert words in prospects.place(experiment)
    flow = replace(experiment, dynamics=Flow(duration=1.0))
    assert "Gradient flow" in prospects.place(flow)


# --- Pathways that cannot move ---------------------------------------------------------------


@pytest.mark.parametrize("scales", [(0.5, 0.0), (0.0, 0.5), (0.3, 0.0, 0.2)])
def test_a_pathway_at_zero_counts_for_no_mark(scales):
    alone = tuple(scale for scale in scales if scale)
    with_it = paper((20,) * len(scales), scales)
    without = paper((20,) * len(alone), alone)
    assert theory.step_size_marks(with_it) == theory.step_size_marks(without)
    assert prospects.zones(with_it) == prospects.zones(without)


def test_where_nothing_moves_there_is_one_zone():
    case = paper((20, 20), (0.0, 0.0))
    assert [zone.name for zone in prospects.zones(case)] == [NOTHING_MOVES]
    assert "nothing ever moves" in prospects.place(case)


def test_one_layer_at_zero_does_not_stop_a_pathway():
    layers = LayerScales(scales=((0.0, 0.5, 0.5), (0.0, 0.0, 0.5), (0.0,)))
    experiment = replace(
        presets.two_pathways(Descent(step_size=0.1, steps=500)),
        network=Network(depths=(3, 3, 1)),
        start=layers,
    )
    run = simulate(experiment)
    moved = (run.strengths[:, :, 0] != 0).any(axis=0)
    assert prospects.expected(experiment).alive.tolist() == moved.tolist() == [True, False, True]


@given(experiments(aligned=True, dynamics=descents() | flows()))
def test_pathways_that_are_not_alive_never_move(experiment):
    run = simulate(experiment)
    for mode in range(len(experiment.task.singular_values)):
        alive = np.array(experiment.start.alive(experiment.network.depths, mode))
        if not experiment.task.whitened:  # modes mix
            alive |= np.array(prospects.alive(experiment))
        still = run.strengths[:, ~alive, mode]
        if experiment.resolved_engine == "modes" or experiment.start.uniform:
            assert (still == still[:1]).all()
        else:  # turned into other bases, a mode that starts at zero has the rounding of the others
            assert (np.abs(still) <= 1e-20).all()


# --- Closed forms and ends -------------------------------------------------------------------


def test_equal_layer_scales_are_balanced():
    """Whoever writes a balanced start layer by layer gets the same answers."""
    balanced = paper((3, 5), (0.02, 0.01))
    rows = balanced.start.layer_scales((3, 5))
    layered = replace(balanced, start=LayerScales(scales=rows))
    assert prospects.follows_closed_forms(layered)
    assert prospects.zone(layered).name == prospects.zone(balanced).name
    for mine, other in zip(
        theory.step_size_marks(layered), theory.step_size_marks(balanced), strict=True
    ):
        assert mine == pytest.approx(other, rel=1e-12, nan_ok=True)
    assert prospects.ends(layered)["flow"] == pytest.approx(prospects.ends(balanced)["flow"])


@given(experiments(aligned=True))
def test_closed_forms_hold_where_they_are_said_to(experiment):
    """Gradient flow, integrated, stays on the orbit of the closed form."""
    assume(prospects.follows_closed_forms(experiment))
    flow = variations.with_dynamics(experiment, Flow(duration=3.0, rtol=1e-10))
    run = simulate(flow)
    for mode, target in enumerate(experiment.task.singular_values):
        sigma = run.strengths[[0, -1], :, mode]
        sigma = np.where(np.abs(sigma) < 1e-30, 0.0, sigma)  # rounding of full weights at zero
        if experiment.resolved_engine != "modes" and not sigma[0].any():
            continue  # which grows, however long that takes
        ends = theory.flow_end_split(sigma, experiment.network.depths, target)
        assert ends[1] == pytest.approx(ends[0], abs=1e-5 * max(target, 1e-3))


@pytest.mark.parametrize("name", CASES)
def test_marks_and_ends_agree_with_closed_forms(name):
    experiment, depths = CASES[name], CASES[name].network.depths
    marks, ends = theory.step_size_marks(experiment), prospects.ends(experiment)
    if prospects.follows_closed_forms(experiment):
        sharpness = theory.mode_sharpness(ends["flow"], depths)
        assert marks.flow_edge == pytest.approx(2 / sharpness, rel=1e-12)
    else:
        assert math.isnan(marks.flow_edge)
        assert np.isnan(ends["flow"]).all()
    if experiment.task.whitened:
        assert ends["flattest"].sum() == pytest.approx(experiment.task.singular_values[0])
    else:
        assert np.isnan(ends["flattest"]).all()


def test_the_edge_s_end_is_where_descent_stops():
    ends = prospects.ends(PAPER)
    assert theory.mode_sharpness(ends["edge"], (20, 20)) == pytest.approx(13)
    assert ends["edge"][0] > ends["edge"][1]  # the winner's side
    assert abs(simulate(PAPER).strengths[-1, 0, 0] - ends["edge"][0]) < 0.01
    assert prospects.ends(presets.SMALL.experiment)["edge"] is None
    three = variations.with_pathways(PAPER, 3)
    assert prospects.ends(three)["edge"] is None
    assert prospects.ends(variations.matching_flow(PAPER))["edge"] is None


def test_each_mode_has_its_own_ends():
    experiment = presets.RANK_ONE.experiment
    for mode, target in enumerate(experiment.task.singular_values):
        ends = prospects.ends(experiment, mode)
        assert ends["flow"].sum() == pytest.approx(target)
        assert ends["flattest"] == pytest.approx([target / 2] * 2)


def test_many_starts_are_expected_as_each_alone():
    several = [paper((20, 20), (0.002, 0.002 * ratio)) for ratio in (0.0, 0.5, 0.9, 1.0)]
    together = prospects.expect(several)
    for number, experiment in enumerate(several):
        alone = prospects.expected(experiment)
        for values, own in zip(together.of(np.array(number)), alone, strict=True):
            assert np.array_equal(values, own)


@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=2),
    st.lists(st.floats(1e-3, 0.4), min_size=2, max_size=2),
    st.sampled_from(["flow_edge", "single_path", "balanced", "wcr", "trap"]),
    st.sampled_from([1.0, 1 - 1e-13, 1 + 1e-13, 0.97, 1.03]),
)
@example([5, 3], [0.002, 0.002], "balanced", 1.0)
def test_mirror_images_end_alike_and_lie_in_one_zone(depths, scales, mark, times):
    """Also at a mark itself, where rounding would decide."""
    eta = times * getattr(theory.step_size_marks(paper(depths, scales)), mark)
    assume(math.isfinite(eta))
    one, other = (
        paper(tuple(depths[::way]), tuple(scales[::way]), eta=eta, steps=400) for way in (1, -1)
    )
    ends, mirrored = prospects.ends(one), prospects.ends(other)
    assert (ends["edge"] is None) == (mirrored["edge"] is None)
    for name, split in ends.items():
        if split is not None:
            assert split[::-1] == pytest.approx(mirrored[name], rel=1e-6)
    assert prospects.zone(one).name == prospects.zone(other).name
    assert prospects.place(one) == prospects.place(other)
