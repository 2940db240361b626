"""The regime ruler's data: zones against the sentences of SCIENCE 3.7, and against runs."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest

from simcore import regimes, simulate, theory
from simcore.experiment import Balanced, Descent, Experiment, Gaussian, LayerScales, Network, Record
from simcore.figures import ruler
from simcore.figures.ruler import (
    CROSSES_ZERO,
    DIVERGES,
    EQUAL,
    FLATTEST,
    FOLLOWS_FLOW,
    IN_PART,
    NO_GAIN,
    data,
    zones,
)
from simcore.regimes import Regime
from simcore.tasks import Dataset, Spectrum
from simcore.theory import StepSizeMarks, step_size_marks

NAN = float("nan")
PAPER = StepSizeMarks(0.103, 0.1, 0.187, 0.292)
NO_MARKS = StepSizeMarks(NAN, NAN, NAN, NAN)


def experiment(depths, scales, eta: float = 0.1, steps: int = 9) -> Experiment:
    return Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=depths),
        start=Balanced(scales=scales),
        dynamics=Descent(step_size=eta, steps=steps),
        record=Record(every=1),
    )


def zone_at(eta: float, marks: StepSizeMarks) -> str:
    return next(zone.name for zone in zones(marks) if zone.start < eta <= zone.end)


def in_sentences(eta: float, marks: StepSizeMarks) -> str:
    """Equal depths above 2: the obvious twin, one sentence after the other."""
    winner = marks.single_path if math.isnan(marks.flow_edge) else marks.flow_edge
    if eta >= marks.wcr:
        return CROSSES_ZERO
    if eta > marks.balanced:
        return EQUAL
    if eta > winner:
        return IN_PART
    return FOLLOWS_FLOW


@pytest.mark.parametrize("flow_edge", [NAN, 0.1, 0.15, 0.3, 0.9])
@pytest.mark.parametrize("wcr", [0.05, 0.1, 0.2, 0.3, 0.5, 2.0])
def test_zones_are_right_for_every_order_of_the_marks(flow_edge: float, wcr: float) -> None:
    for single, balanced in product((0.1, 0.12), (0.2, 0.3)):
        marks = StepSizeMarks(flow_edge, single, balanced, wcr)
        known = [value for value in marks if not math.isnan(value)]
        near = [v * factor for v in known for factor in (0.97, 1 - 1e-6, 1.0, 1 + 1e-6, 1.03)]
        for eta in (1e-6, *near, 1e6):
            assert zone_at(eta, marks) == in_sentences(eta, marks), (eta, marks)


def test_zones_share_no_step_size_and_leave_none_out() -> None:
    found = zones(PAPER)
    assert [zone.name for zone in found] == [FOLLOWS_FLOW, IN_PART, EQUAL, CROSSES_ZERO]
    assert (found[0].start, found[-1].end) == (0, math.inf)
    assert [zone.end for zone in found[:-1]] == [zone.start for zone in found[1:]]
    assert len({zone.colour for zone in found}) == 4


def test_marks_that_differ_by_rounding_leave_no_sliver() -> None:
    marks = step_size_marks(experiment((2, 2), (0.002, 0.0017)))
    assert len({*marks[:3]}) > 1  # this case has 2/lambda_GF a few ulp below 2/S_1
    assert [zone.name for zone in zones(marks)] == [FOLLOWS_FLOW, NO_GAIN, CROSSES_ZERO]


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
        ((2, 2), (0.002, 0.0017), 2.2, 400, CROSSES_ZERO, {Regime.SIGN_FLIP, Regime.DIVERGED}),
    ],
)
def test_runs_end_as_their_zone_says(depths, scales, eta, steps, name, ends) -> None:
    case = experiment(depths, scales, eta, steps)
    assert zone_at(eta, step_size_marks(case)) == name
    assert regimes.classify(simulate(case)) in ends


def test_the_paper_case_is_written_for_json() -> None:
    case = experiment((20, 20), (0.002, 0.0017), 2 / 13)
    packed = data(step_size_marks(case), 2 / 13, theory.single_path_sharpness(1.0, 20))
    assert json.loads(json.dumps(packed, allow_nan=False)) == packed
    assert packed["eta"] == 2 / 13
    assert packed["sharpness"] == 20
    assert [tick["name"] for tick in packed["ticks"]] == ["2/S₁", "2/λ(GF)", "2/λ(min)", "η(WCR)"]
    assert packed["ticks"][0]["value"] == 0.1
    low, high = packed["range"]
    assert low < 0.1 / 2
    assert high > 1.5 * theory.wcr_gamma(20) / 20
    assert (packed["zones"][0]["start"], packed["zones"][-1]["end"]) == (low, high)


def test_marks_that_are_not_defined_are_left_out() -> None:
    for start in (Gaussian(std=0.1), LayerScales(scales=((0.1, 0.2), (0.1, 0.1)))):
        case = Experiment(
            task=Spectrum(singular_values=(1.0,)),
            network=Network(depths=(2, 2)),
            start=start,
            dynamics=Descent(step_size=0.1, steps=3),
        )
        packed = data(step_size_marks(case), 0.1, NAN)
        assert [tick["sub"] for tick in packed["ticks"]] == ["1", "min", "WCR"]
        assert packed["sharpness"] is None


def test_without_marks_it_is_a_plain_scale_around_the_step_size() -> None:
    samples = Dataset(inputs=((1.0, 0.0), (1.0, 2.0)), outputs=((1.0,), (0.0,)), whiten=False)
    case = Experiment(
        task=samples,
        network=Network(depths=(2, 2)),
        start=Gaussian(std=0.1),
        dynamics=Descent(step_size=0.1, steps=3),
    )
    marks = step_size_marks(case)
    assert all(map(math.isnan, marks))
    packed = data(marks, 0.07, None)
    assert packed["range"] == [0.01, 1.0]
    assert packed["zones"] == []
    assert [(tick["symbol"], tick["meaning"]) for tick in packed["ticks"]] == [
        ("0.01", ""),
        ("0.1", ""),
        ("1", ""),
    ]


@pytest.mark.parametrize("marks", [PAPER, NO_MARKS, StepSizeMarks(1e-290, NAN, 1e290, NAN)])
@pytest.mark.parametrize("eta", [5e-324, 1e-30, 0.03, 0.2, 7.0, 1e30, 1.7e308])
def test_the_bar_always_contains_the_handle(marks: StepSizeMarks, eta: float) -> None:
    packed = data(marks, eta, 20.0)
    low, high = packed["range"]
    assert 0 < low <= eta <= high < math.inf
    assert low < high
    assert all(low <= tick["value"] <= high for tick in packed["ticks"])
    json.dumps(packed, allow_nan=False)


def test_a_drag_does_not_rescale_the_bar() -> None:
    low, high = data(PAPER, 0.1, 20.0)["range"]
    ranges = [data(PAPER, float(eta), 20.0)["range"] for eta in np.geomspace(low, high, 9)[1:-1]]
    assert ranges == [[low, high]] * 7
    assert data(PAPER, low, 20.0)["range"] == data(PAPER, high, 20.0)["range"] == [low, high]


def test_the_token_tells_an_echo_from_another_experiment() -> None:
    token = data(PAPER, 0.1, 20.0)["token"]
    assert data(PAPER, 0.2, 20.0)["token"] == token
    assert data(PAPER, 0.2, 20.0, token="preset")["token"] != token
    assert data(PAPER._replace(balanced=0.2), 0.1, 20.0)["token"] != token
    assert data(NO_MARKS, 0.01, None)["token"] == data(NO_MARKS, 3.0, None)["token"]


@pytest.mark.parametrize(
    ("eta", "words"),
    [
        (0.0, "step_size must be positive, got 0.0"),
        (-1.0, "step_size must be positive, got -1.0"),
        (NAN, "step_size must be a finite number, got nan"),
        ("0.1", "step_size must be a number, got '0.1'"),
    ],
)
def test_a_bad_step_size_is_refused_in_words(eta: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        data(PAPER, eta, 20.0)


def test_the_browser_gets_no_names_but_its_own() -> None:
    """The component has no dependencies and loads nothing."""
    parts = ruler.HTML + ruler.CSS + ruler.JS
    assert "http" not in parts
    assert "import " not in ruler.JS
    assert "url(" not in ruler.CSS
