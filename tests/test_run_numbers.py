"""What is said of the sum at the end of a run is what the run goes on to do."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

import simcore
from simcore import (
    Balanced,
    CentralFlow,
    Descent,
    Experiment,
    Flow,
    LayerScales,
    Network,
    Outcome,
    Record,
    Spectrum,
    regimes,
    simulate,
    theory,
)
from simcore.wording import part, split

MORE = 400  # steps, or a part of them in time


def drawn(seed: int) -> Experiment:
    """A run of one mode that may end early, of any kind that keeps its start aligned."""
    rng = np.random.default_rng(seed)
    depths = tuple(rng.integers(2, 7, rng.integers(1, 4)).tolist())
    scales = tuple(rng.uniform(0.02, 0.5, len(depths)).tolist())
    start: Balanced | LayerScales = Balanced(scales=scales)
    if seed % 3 == 0:
        start = LayerScales(scales=tuple(tuple(rng.uniform(0.3, 1.0, d).tolist()) for d in depths))
    edge = 2 / max(theory.single_path_sharpness(1.0, depth) for depth in depths)
    eta, steps = float(edge * rng.uniform(0.1, 1.3)), int(rng.choice([20, 40, 80, 400]))
    kinds = (
        Descent(step_size=eta, steps=steps),
        Descent(step_size=eta, steps=steps, momentum=0.5),
        Descent(step_size=eta, steps=steps, weight_decay=0.01),
        Flow(duration=eta * steps),
        CentralFlow(step_size=eta, duration=eta * steps),
    )
    return Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=depths),
        start=start,
        dynamics=kinds[int(rng.integers(len(kinds)))],
        record=Record(every=1),
    )


def sums(experiment: Experiment) -> np.ndarray:
    return simulate(experiment).strengths[:, :, 0].sum(axis=1)


def ahead(experiment: Experiment) -> np.ndarray:
    """The sum at the end and after it, at every step or about as often."""
    dynamics = experiment.dynamics
    if dynamics.iterated:
        longer = replace(experiment, dynamics=dynamics.with_steps(dynamics.steps + MORE))
        return sums(longer)[dynamics.steps :]
    longer = replace(experiment, dynamics=dynamics.with_duration(1.02 * dynamics.duration))
    run = simulate(longer)
    return run.strengths[run.time >= dynamics.duration, :, 0].sum(axis=1)


def test_a_sum_swings_where_it_goes_both_ways_and_drifts_where_it_goes_one():
    seen: Counter[str] = Counter()
    for seed in range(520):
        experiment = drawn(seed)
        run = simulate(experiment)
        said = regimes.describe(run)
        steps_alone = experiment.dynamics.iterated
        swings, drifts = "sum swings" in said, re.search(r"sum ends at ([\d.]+).*still (\w+)", said)
        dies_out = "oscillation about a minimum" in said
        assert steps_alone or not (swings or dies_out), (experiment, said)
        assert not (swings and drifts)
        if not (swings or drifts or dies_out):
            continue
        way = np.diff(ahead(experiment))
        if swings or dies_out:
            assert way.min() < -1e-6, (experiment, said)
            assert way.max() > 1e-6, (experiment, said)
        if drifts:
            assert abs(float(drifts[1]) - run.strengths[-1, :, 0].sum()) < 0.001
            rises = drifts[2] == "rises"
            assert (way[:20] > 0 if rises else way[:20] < 0).all(), (experiment, said)
        seen.update(
            what
            for what, holds in {
                "swings": swings,
                "dies out": dies_out,
                "drifts": drifts and steps_alone,
                "flows on": drifts and not steps_alone,
            }.items()
            if holds
        )
    assert min(seen[what] for what in ("swings", "dies out", "drifts", "flows on")) >= 5, seen


def test_what_has_not_settled_is_to_go_on_as_it_counts():
    for seed in range(200):
        run = simulate(drawn(seed))
        said = regimes.said(run)
        if "give it" in said:
            assert ("longer duration" in said) != ("more steps" in said)
            assert ("more steps" in said) == run.experiment.dynamics.iterated, said


def test_what_rounds_to_zero_has_no_minus():
    assert [part(v) for v in (-4e-4, -0.0, 4e-4, -6e-4)] == ["0.000", "0.000", "0.000", "-0.001"]
    assert split(np.array([-1e-5, 1.0])) == "0.000 : 1.000"
    for path in Path(simcore.__file__).parent.glob("*.py"):
        written = re.findall(r":\.3f}", path.read_text(encoding="utf-8"))
        assert not written, (path, "write parts by wording.part")


def test_of_a_target_of_zero_there_is_nothing_to_say():
    seen: Counter[str] = Counter()
    for seed in range(60):
        run = simulate(replace(drawn(seed), task=Spectrum(singular_values=(0.0,))))
        seen[run.outcome] += 1
        if run.outcome is not Outcome.FINISHED:
            continue
        headline, described = regimes.headline(run), regimes.describe(run)
        assert headline == "nothing to learn", run.experiment
        assert "The target is zero" in described
        assert not re.search("shared|sum|strengths|of its target|of the target", described), (
            described
        )
    assert seen[Outcome.FINISHED] > 40, seen
