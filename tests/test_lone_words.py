"""Of a network of one pathway nothing is said of sharing, of winning or of others."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from simcore import (
    Balanced,
    CentralFlow,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Record,
    Spectrum,
    StepSize,
    regimes,
    simulate,
    theory,
)
from simcore.verdicts import Regime

OF_SEVERAL = re.compile(
    r"pathways|no pathway|other pathway|others|\bshar(e|es|ed|ing)\b|hand(ed|s)|winner|took"
)
HELD = "held short of the target by weight decay"
KINDS = (
    *({}, {"momentum": 0.5}, {"momentum": 0.5, "nesterov": True}),
    *({"weight_decay": 1e-4}, {"weight_decay": 0.02}, {"label_noise": 0.02}),
    {"events": (StepSize(at=300, value=0.01),)},
)


def lone(seed: int) -> Experiment:
    """A network of one pathway of any kind."""
    rng = np.random.default_rng(seed)
    values = tuple(sorted(rng.uniform(0.3, 1.0, rng.integers(1, 4)).tolist(), reverse=True))
    depth, task = int(rng.integers(2, 6)), Spectrum(singular_values=values)
    phi = str(rng.choice(["linear", "linear", "linear", "tanh"]))
    start = (
        Balanced(scales=(float(rng.uniform(0.05, 0.4)),)),
        LayerScales(scales=(tuple(rng.uniform(0.3, 0.8, depth).tolist()),)),
        Gaussian(std=0.35, seed=seed),
    )[2 if phi == "tanh" else seed % 3]
    edge = 2 / theory.single_path_sharpness(values[0], depth)
    dynamics: Descent | Flow | CentralFlow
    if phi == "linear" and seed % 5 == 0:
        dynamics = Flow(duration=100.0)
    elif phi == "linear" and seed % 5 == 1 and start.aligned:
        dynamics = CentralFlow(step_size=0.8 * edge, duration=60.0)
    else:
        eta = float(edge * rng.choice([0.2, 0.6, 1.15, 1.3]))
        kind = KINDS[seed % len(KINDS)]
        if phi != "linear" and "label_noise" in kind:
            kind = {}
        dynamics = Descent(step_size=eta, steps=1500, **kind)
    network = Network(depths=(depth,), width=4, activation=phi)
    return Experiment(task=task, network=network, start=start, dynamics=dynamics)


def test_one_pathway_neither_shares_nor_wins():
    seen: Counter[str] = Counter()
    for seed in range(110):
        run = simulate(lone(seed))
        headline, said = regimes.headline(run), regimes.describe(run)
        assert not OF_SEVERAL.search(headline), (run.experiment, headline)
        assert not OF_SEVERAL.search(said), (run.experiment, said)
        seen[regimes.classify(run)] += 1
        learned = re.search("learned the target( as far)?", f"{headline}. {said}")
        if learned and not learned[1]:
            off = np.abs(
                run.strengths[-60:].mean(axis=(0, 1)) - run.experiment.task.singular_values
            )
            assert off.max() < 0.03, (run.experiment, said)
            seen["learned"] += 1
    assert min(seen[what] for what in (Regime.WINNER_TAKES_ALL, Regime.CYCLE, "learned")) > 10, seen


@pytest.mark.parametrize("decay", [1e-4, 0.02])
def test_what_weight_decay_leaves_is_not_said_to_be_learned(decay):
    experiment = Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=(4,)),
        start=Balanced(scales=(0.3,)),
        dynamics=Descent(step_size=0.1, steps=3000, weight_decay=decay),
    )
    run = simulate(experiment)
    far = abs(run.strengths[-1, 0, 0] - 1) > 0.02
    assert far == (decay > 0.01)
    assert ("as far as weight decay lets it" in regimes.said(run)) == far
    assert regimes.headline(run) == (HELD if far else "learned the target")
    assert "gradient flow" not in regimes.said(run)


def test_what_decay_still_moves_has_no_shares():
    experiment = Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=(4,)),
        start=LayerScales(scales=((1.3, 0.9, 0.5, 0.7),)),
        dynamics=Descent(step_size=0.5, steps=1500, weight_decay=1e-3),
    )
    run = simulate(experiment)
    assert "still moving" in regimes.said(run)
    assert not OF_SEVERAL.search(regimes.describe(run))


def test_what_one_pathway_learned_does_not_depend_on_how_often_it_was_recorded():
    told: Counter[str] = Counter()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        first = float(rng.uniform(0.5, 1.8))
        others = (first * float(rng.uniform(0.9, 0.99)),) * (seed % 2)  # of which nothing is said
        experiment = Experiment(
            task=Spectrum(singular_values=(first, *others)),
            network=Network(depths=(int(rng.integers(2, 4)),)),
            start=Balanced(scales=(0.5,)),
            dynamics=Descent(
                step_size=0.06,
                steps=1500,
                label_noise=0.005,
                weight_decay=float(rng.choice([0.0, 1e-4, 0.3])),
            ),
        )
        runs = [
            simulate(replace(experiment, record=Record(frames=frames)))
            for frames in (2, 3, 10, 300)
        ]
        headlines = {regimes.headline(run) for run in runs}
        assert len(headlines) == 1, (experiment, headlines)
        assert len({regimes.said(run) for run in runs}) == 1, experiment
        (headline,) = headlines
        if "held short" in headline:
            assert experiment.dynamics.weight_decay > 0.01, experiment
        assert headline != "learned the target" or not others, experiment
        told[headline] += 1
    learned = "learned the target", "learned mode 1 of the target"
    assert min(told[what] for what in (*learned, HELD)) > 5, told
