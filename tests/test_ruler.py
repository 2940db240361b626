"""The regime ruler's data: zones, marks and handle, as the browser gets them."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from simcore import Freeze, Ramp, StepSize, prospects, theory
from simcore.experiment import Balanced, Descent, Experiment, Gaussian, LayerScales, Network, Record
from simcore.figures import ruler, style
from simcore.figures.ruler import data
from simcore.tasks import Dataset, Spectrum
from simcore.theory import StepSizeMarks

NAN = float("nan")
PAPER = StepSizeMarks(0.103, 0.1, 0.187, 0.292)
NO_MARKS = StepSizeMarks(NAN, NAN, NAN, NAN)


def drawn(marks: StepSizeMarks, eta: float, sharpness: float, token: object = None):
    """The bar of a network of equal depths that has these marks."""
    known = not math.isnan(marks.single_path)
    zones = prospects.zones_between(marks, (20, 20)) if known else ()
    return ruler.bar(marks, zones, eta, sharpness, token=token)


def experiment(depths, scales, eta: float = 0.1, steps: int = 9) -> Experiment:
    return Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=depths),
        start=Balanced(scales=scales),
        dynamics=Descent(step_size=eta, steps=steps),
        record=Record(every=1),
    )


def test_step_sizes_later_in_a_run_are_marked_beside_that_of_the_start() -> None:
    plain = experiment((20, 20), (0.002, 0.0017), eta=2 / 13)
    warm = Ramp(start=0, stop=3, value=2 / 13, begin=0)
    changed = replace(plain.dynamics, events=(warm, StepSize(at=5, value=3.0)))
    found = data(replace(plain, dynamics=changed))
    assert found["eta"] == 2 / 13
    assert found["later"] == [{"value": 3.0, "words": "step size 3 from update 5 on"}]
    assert found["range"] == [data(plain)["range"][0], 3.0]
    assert found["zones"][:-1] == data(plain)["zones"][:-1]
    frozen = replace(plain.dynamics, events=(Freeze(pathway=0, start=0, stop=3),))
    assert data(replace(plain, dynamics=frozen))["later"] == []


def test_the_paper_case_is_written_for_json() -> None:
    case = experiment((20, 20), (0.002, 0.0017), 2 / 13, steps=650)
    packed = data(case)
    assert json.loads(json.dumps(packed, allow_nan=False)) == packed
    assert packed["eta"] == 2 / 13
    assert packed["sharpness"] == 20
    names = ["2/S₁", "2/λ(GF)", "2/λ(min)", "η(trap)", "η(WCR)"]
    assert [tick["name"] for tick in packed["ticks"]] == names
    assert len({tuple(zone["colour"]) for zone in packed["zones"]}) == 5
    assert packed["ticks"][0]["value"] == 0.1
    low, high = packed["range"]
    assert low < 0.1 / 2
    assert high > 1.5 * theory.wcr_gamma(20) / 20
    assert (packed["zones"][0]["start"], packed["zones"][-1]["end"]) == (low, high)


def test_reached_regimes_are_written_with_their_step_sizes() -> None:
    case = experiment((20, 20), (0.002, 0.0017), 2 / 13, steps=650)
    low, high = ruler.span(case)
    packed = data(case, reached=[("balanced", low, 0.1), ("cycle", 0.1, high)])
    assert json.loads(json.dumps(packed, allow_nan=False)) == packed
    first, second = packed["reached"]
    assert first["words"].startswith("This network, run for 650 steps: balanced, η from 0.0455")
    assert (first["end"], second["start"]) == (0.1, 0.1)
    assert second["colour"] == list(style.ENDS["cycle"])
    assert packed["range"] == [low, high]
    assert data(case)["reached"] == []


def test_the_span_is_that_of_the_marks_whatever_the_step_size() -> None:
    span = ruler.span(experiment((20, 20), (0.002, 0.0017), 0.1))
    assert ruler.span(experiment((20, 20), (0.002, 0.0017), 17.0)) == span
    data_case = Experiment(
        task=Spectrum(singular_values=(0.0,)),
        network=Network(depths=(2, 2)),
        start=Balanced(scales=(0.1, 0.1)),
        dynamics=Descent(step_size=0.1, steps=9),
    )
    assert ruler.span(data_case) is None


def test_marks_that_are_not_defined_are_left_out() -> None:
    for start in (Gaussian(std=0.1), LayerScales(scales=((0.1, 0.2), (0.1, 0.1)))):
        case = Experiment(
            task=Spectrum(singular_values=(1.0,)),
            network=Network(depths=(2, 2)),
            start=start,
            dynamics=Descent(step_size=0.1, steps=3),
        )
        assert [tick["sub"] for tick in data(case)["ticks"]] == ["1", "min", "WCR"]


def test_without_marks_it_is_a_plain_scale_around_the_step_size() -> None:
    samples = Dataset(inputs=((1.0, 0.0), (1.0, 2.0)), outputs=((1.0,), (0.0,)), whiten=False)
    case = Experiment(
        task=samples,
        network=Network(depths=(2, 3)),
        start=Gaussian(std=0.1),
        dynamics=Descent(step_size=0.07, steps=3),
    )
    packed = data(case)
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
    packed = drawn(marks, eta, 20.0)
    low, high = packed["range"]
    assert 0 < low <= eta <= high < math.inf
    assert low < high
    assert all(low <= tick["value"] <= high for tick in packed["ticks"])
    json.dumps(packed, allow_nan=False)


def test_a_drag_does_not_rescale_the_bar() -> None:
    low, high = drawn(PAPER, 0.1, 20.0)["range"]
    ranges = [drawn(PAPER, float(eta), 20.0)["range"] for eta in np.geomspace(low, high, 9)[1:-1]]
    assert ranges == [[low, high]] * 7
    assert drawn(PAPER, low, 20.0)["range"] == drawn(PAPER, high, 20.0)["range"] == [low, high]


def test_the_token_tells_an_echo_from_another_experiment() -> None:
    token = drawn(PAPER, 0.1, 20.0)["token"]
    assert drawn(PAPER, 0.2, 20.0)["token"] == token
    assert drawn(PAPER, 0.2, 20.0, token="preset")["token"] != token
    assert drawn(PAPER._replace(balanced=0.2), 0.1, 20.0)["token"] != token
    assert drawn(NO_MARKS, 0.01, NAN)["token"] == drawn(NO_MARKS, 3.0, NAN)["token"]


@pytest.mark.parametrize(
    ("eta", "words"),
    [
        (0.0, "the step size must be positive, got 0"),
        (-1.0, "the step size must be positive, got -1"),
        (NAN, "the step size must be a finite number, got nan"),
        ("0.1", "the step size must be a number, got '0.1'"),
    ],
)
def test_a_bad_step_size_is_refused_in_words(eta: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        drawn(PAPER, eta, 20.0)


def test_the_browser_gets_no_names_but_its_own() -> None:
    """The component has no dependencies and loads nothing."""
    parts = ruler.component()
    assert "http" not in "".join(parts.values())
    assert "import " not in parts["js"]
    assert "url(" not in parts["css"]
