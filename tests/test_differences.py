"""What sets runs apart, in words, and where they end, in a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simcore import (
    Balanced,
    Descent,
    Flow,
    Freeze,
    Gaussian,
    Jitter,
    Kick,
    LayerScales,
    Network,
    Ramp,
    Record,
    Spectrum,
    StepSize,
    Tree,
    ends,
    presets,
    simulate,
)
from simcore.differences import difference, in_words

MEDIUM = presets.MEDIUM.experiment  # L = 20, H = 2, eta = 2/13, 650 steps


def eventful(*events):
    return replace(MEDIUM, dynamics=replace(MEDIUM.dynamics, events=events))


DROP = StepSize(at=300, value=0.05)
CASES = {
    "η = 0.05, 2,000 steps": replace(MEDIUM, dynamics=Descent(step_size=0.05, steps=2000)),
    "η = 0.15385": replace(MEDIUM, dynamics=Descent(step_size=0.15385, steps=650)),
    "651 steps": replace(MEDIUM, dynamics=Descent(step_size=2 / 13, steps=651)),
    "gradient flow, t up to 40": replace(MEDIUM, dynamics=Flow(duration=40.0)),
    "L = 5": replace(MEDIUM, network=Network(depths=(5, 5))),
    "L = 20, 5": replace(MEDIUM, network=Network(depths=(20, 5))),
    "H = 1, start 0.002": replace(
        MEDIUM, network=Network(depths=(20,)), start=Balanced(scales=(0.002,))
    ),
    "start 0.002, 0.001": replace(MEDIUM, start=Balanced(scales=(0.002, 0.001))),
    "σ* = 1, 0.7": replace(MEDIUM, task=Spectrum(singular_values=(1.0, 0.7))),
    "2 inputs, 3 outputs": replace(MEDIUM, task=Spectrum(singular_values=(1.0,), n_in=2, n_out=3)),
    "full weights": replace(MEDIUM, engine="matrices"),
    "other records": replace(MEDIUM, record=Record(every=7)),
    "": MEDIUM,
    "step size 0.05 from update 300 on": eventful(DROP),
    "step size from 0 to 0.1538 in equal steps, from update 0 to 200": eventful(
        Ramp(start=0, stop=200, value=2 / 13, begin=0)
    ),
    "step size to 0.05 in equal steps, from update 100 to 200": eventful(
        Ramp(start=100, stop=200, value=0.05)
    ),
    "pathway 1 frozen from update 0 until 200, pathway 2 frozen from update 400 on": eventful(
        Freeze(pathway=1, start=400), Freeze(pathway=0, start=0, stop=200)
    ),
    "strengths of pathway 2 times 1.1 at update 600": eventful(Kick(at=600, pathway=1, factor=1.1)),
    "noise of std 0.001 on every weight at update 5, seed 3": eventful(
        Jitter(at=5, std=1e-3, seed=3)
    ),
    "gradient flow, t up to 40, pathway 1 frozen from t = 1.5 on": replace(
        MEDIUM, dynamics=Flow(duration=40.0, events=(Freeze(pathway=0, start=1.5),))
    ),
}


@pytest.mark.parametrize("words", CASES)
def test_a_difference_is_said_in_the_words_of_a_visitor(words):
    assert difference(CASES[words], MEDIUM) == words


def test_runs_that_differ_by_events_alone_are_told_apart():
    kick = Kick(at=400, pathway=0, factor=1 + 1e-6)
    both, large = eventful(DROP, kick), replace(kick, factor=1.1)
    closer = eventful(replace(large, factor=1.1 + 1e-6))
    assert difference(MEDIUM, both) == "no events"
    assert difference(eventful(DROP), both) == "without pathway 1 × 1.000001"
    assert difference(closer, eventful(large)) == (
        "strengths of pathway 1 times 1.100001 at update 400"
    )
    assert in_words(both).endswith(
        "650 steps · step size 0.05 from update 300 on · strengths of pathway 1 times 1.000001 at "
        "update 400 · H = 2 · L = 20 · start 0.002, 0.0017 · σ* = 1"
    )


def test_a_warm_up_leads_to_the_step_size_of_its_run():
    warm, late = (
        Ramp(start=0, stop=200, value=2 / 13, begin=0),
        Ramp(start=300, stop=400, value=0.1),
    )
    moved = eventful(warm, late).dynamics.with_step_size(0.1)
    assert moved.events == (replace(warm, value=0.1, start=0), late)
    assert moved.events[0].words("update ") == (
        "step size from 0 to 0.1 in equal steps, from update 0 to 200"
    )


def test_random_starts_and_other_targets_have_words_too():
    random = replace(
        MEDIUM,
        task=Tree(levels=2),
        network=Network(depths=(3, 3), width=8),
        start=Gaussian(std=0.3, seed=1),
    )
    assert difference(replace(random, start=Gaussian(std=0.3, seed=2)), random) == "seed 2"
    assert difference(replace(random, network=Network(depths=(3, 3), width=9)), random) == "width 9"
    words = difference(random, MEDIUM)
    assert words == (
        "L = 3, width 8, random start of std 0.3, seed 1, tree of 2 levels, full weights"
    )
    layers = LayerScales(scales=((0.1, 0.2), (0.3, 0.3)))
    shallow = replace(MEDIUM, network=Network(depths=(2, 2)))
    assert difference(replace(shallow, start=layers), shallow) == "start 0.1, 0.2; 0.3, 0.3"


def test_the_ends_are_those_of_the_runs_and_the_difference_is_to_the_first():
    large, small = simulate(presets.LARGE.experiment), simulate(presets.SMALL.experiment)
    table = ends.table({"GD": large, "A: η = 0.05": small})
    assert table["run"] == ["GD", "A: η = 0.05"]
    assert table["what happened"] == ["cycle", "winner takes all"]
    assert table["length"] == ["534 steps", "2,000 steps"]
    swing, rest = table["strengths at the end"]
    low, high = (float(word) for word in swing.split(" · ")[0].split(" to "))
    last = large.strengths[-107:, 0, 0]  # the last fifth
    assert (low, high) == pytest.approx((last.min(), last.max()), abs=5e-4)
    assert rest == "0.9843 · 0.0157"
    assert table["edge 2/η"] == ["10.7", "40"]
    apart = small.strengths[-1, :, 0] - large.strengths[-107:, :, 0].mean(axis=0)
    assert table["difference to GD"][0] == "–"
    assert float(table["difference to GD"][1]) == pytest.approx(np.abs(apart).max(), rel=1e-2)


def test_a_run_of_other_pathways_has_no_difference_but_a_row():
    one = simulate(CASES["H = 1, start 0.002"])
    table = ends.table({"GD": simulate(MEDIUM), "A": one})
    assert table["difference to GD"] == ["–", "H = 1"]


def test_an_experiment_is_said_whole_in_one_line():
    assert in_words(MEDIUM) == (
        "gradient descent · η = 0.1538 · 650 steps · H = 2 · L = 20 · start 0.002, 0.0017 · σ* = 1"
    )
    flow = replace(presets.BY_NAME["tree-4"].experiment, dynamics=Flow(duration=40.0))
    assert in_words(flow) == (
        "gradient flow · t up to 40 · H = 2 · L = 4 · width 64 · random start of std 0.03953, "
        "seed 0 · tree of 3 levels"
    )
