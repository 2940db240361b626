"""Verdicts hold: against a slow, obvious twin that goes on for long and looks at every step.

What may follow what, in words, for a run that goes on 15 times as long:

* "unfinished" and "trapped" promise nothing: anything may follow.
* A settled run (winner takes all, partly re-balanced, balanced) stays settled, at the split that
  the verdict names.
* A cycle repeats itself for ever, in the same band.
* Chaos goes on without a period, about the flattest split; an excursion may take it near zero for a
  while, and where the step size lies in a window of order it may fall into that after thousands of
  steps. Above the step size from which an overshoot "may" be lost it can end in anything.
* What has diverged, or turned a sign, has done so.

And what a zone of the step size lets a run be, unless its sentence says "may": below 2/lambda_GF
as under gradient flow; then partly re-balanced or balanced; above every edge a cycle or chaos, or
with a pathway of depth 1 divergence; and everywhere not yet finished.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    Jitter,
    LayerScales,
    Network,
    Outcome,
    Record,
    Spectrum,
    flow_words,
    presets,
    prospects,
    regimes,
    simulate,
    sweep,
    theory,
    true_tail,
    variations,
    verdicts,
    zone_words,
)
from simcore.regimes import Regime

STEPS = (30, 300, 3000, 40_000)
LONGER = 15
LOOK = 600  # the last steps of the longer run, each of which is looked at
SETTLED = {Regime.WINNER_TAKES_ALL, Regime.PARTLY_REBALANCED, Regime.BALANCED}
RESTLESS = {Regime.CYCLE, Regime.CHAOS}

ALLOWED = {
    zone_words.FOLLOWS_FLOW: {Regime.WINNER_TAKES_ALL, Regime.BALANCED},
    zone_words.IN_PART: {Regime.PARTLY_REBALANCED, Regime.BALANCED},
    zone_words.EQUAL: RESTLESS,
    zone_words.FLATTEST: RESTLESS,
    zone_words.NO_GAIN: RESTLESS,
    zone_words.DIVERGES: {Regime.DIVERGED},
}


def drawn(count: int, seed: int, kind: str = "below"):
    """Random runs of one mode: depths 1 to 24, one to four pathways, step sizes .3 to 3 times
    2/S_1, 100 to 3000 steps. They start with their sum "below" the target, or "above", or with
    "layers" that are uneven."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        pathways, target = int(draw.integers(1, 5)), float(draw.choice([1.0, 1.0, 0.3, 3.0]))
        depths = tuple(int(depth) for depth in draw.integers(1, 25, pathways))
        if draw.random() < 0.6:
            depths = depths[:1] * pathways
        if kind == "layers":
            scales = tuple(
                tuple(target ** (1 / depth) * draw.choice([0.4, 0.6, 0.9], depth))
                for depth in depths
            )
        elif kind == "above":
            sizes = draw.uniform(0.05, 1.5, pathways)
            scales = tuple((target * sizes * max(1, 1.05 / sizes.sum())).tolist())
        elif draw.random() < 0.5:
            ratio = float(draw.uniform(0.5, 0.99))
            scales = tuple(target * 0.002 * ratio**h for h in range(pathways))
        else:
            scales = tuple((target * 10 ** draw.uniform(-3, -0.5, pathways)).tolist())
        unit = 2 / max(theory.single_path_sharpness(target, depth) for depth in depths)
        dynamics = Descent(
            step_size=float(unit * draw.uniform(0.3, 3)),
            steps=round(10 ** draw.uniform(2, np.log10(3000))),
        )
        yield Experiment(
            task=Spectrum(singular_values=(target,)),
            network=Network(depths=depths),
            start=(LayerScales if kind == "layers" else Balanced)(scales=scales),
            dynamics=dynamics,
            record=Record(frames=2, sharpness=False),
        )


DRAWS = {"below": (300, 1), "layers": (60, 2), "above": (200, 3)}  # how many, and the seed


@cache
def judged(kind: str = "below"):
    """(run, verdict) of random runs."""
    runs = [simulate(e) for e in drawn(*DRAWS[kind], kind)]
    return [(run, regimes.classify(run)) for run in runs]


def flow_of(experiment: Experiment):
    """Gradient flow from the same start, until it has come to its target."""
    for duration in (30.0, 300.0, 3000.0, 30_000.0):
        flow = Flow(duration=duration, rtol=1e-10)
        record = Record(frames=2, sharpness=False)
        run = simulate(replace(experiment, dynamics=flow, record=record))
        off = run.strengths[-1, :, 0].sum() / experiment.task.singular_values[0] - 1
        if abs(off) < 1e-4:
            return run
    raise AssertionError(experiment)


@cache
def off_flow(run) -> float:
    """How far the shares of a run end from those of gradient flow from its start."""
    shares = [theory.shares(each.strengths[-1, :, 0]) for each in (run, flow_of(run.experiment))]
    return float(np.abs(shares[0] - shares[1]).max())


def says_may(experiment: Experiment) -> bool:
    return "may" in prospects.zone(experiment).sentence


# --- The twin --------------------------------------------------------------------------------


def long_after(runs) -> list[np.ndarray | None]:
    """Of each run the last strengths (LOOK, H), in units of the target, if it goes on LONGER times
    as long; None if it diverges. One number per pathway, w <- w - eta w^{L-1} (sum_g w_g^L_g - s).
    """
    starts = [run.strengths[-1, :, 0] for run in runs]
    present = np.arange(max(map(len, starts))) < np.array([[len(start)] for start in starts])
    depths, w, eta = np.ones(present.shape), np.zeros(present.shape), np.zeros(present.shape)
    for k, (run, start) in enumerate(zip(runs, starts, strict=True)):
        depths[k, present[k]] = run.experiment.network.depths
        w[k, present[k]] = np.abs(start) ** (1 / depths[k, present[k]])
        eta[k, present[k]] = run.experiment.dynamics.step_size
    target = np.array([run.experiment.task.singular_values[0] for run in runs])
    ends = np.array([LONGER * run.experiment.dynamics.steps for run in runs])
    seen, found = np.empty((LOOK, *w.shape)), [None] * len(runs)
    for step in range(ends.max()):
        pulls = w ** (depths - 1)
        r = (pulls * w).sum(axis=1) - target
        eta[~(np.abs(r) < 1e6 * target)] = np.nan  # it diverges
        w = w - eta * r[:, None] * pulls
        seen[step % LOOK] = w
        for k in np.flatnonzero(ends == step + 1):
            last = np.roll(seen[:, k], -(step + 1) % LOOK, axis=0)[:, present[k]]
            if np.isfinite(last).all():
                found[k] = last ** depths[k, present[k]] / target[k]
    return found


@cache
def followed():
    """(run, verdict, long after) of the random runs whose verdict promises something."""
    told = [(run, regime) for run, regime in judged() if regime in SETTLED | RESTLESS]
    afters = long_after([run for run, _ in told])
    return [(run, regime, after) for (run, regime), after in zip(told, afters, strict=True)]


def repeats_itself(totals: np.ndarray, tolerance: float) -> bool:
    return any(
        np.abs(totals[period:] - totals[:-period]).max() <= tolerance * np.ptp(totals)
        for period in range(1, 17)
    )


# --- A longer run does not contradict it -----------------------------------------------------


def test_a_settled_run_stays_settled_where_its_verdict_says():
    settled = [each for each in followed() if each[1] in SETTLED]
    assert len(settled) > 100
    for run, regime, after in settled:
        name = (regime, run.experiment)
        _, verdict = true_tail.of_descent(run.experiment)
        assert after is not None, name
        assert np.abs(after.sum(axis=1) - 1).max() <= 0.02, name
        assert np.abs(theory.shares(after) - verdict.shares[:, 0]).max() <= 0.02, name
        flattest = prospects.expected(run.experiment).flattest
        distance = np.abs(theory.shares(after[-1]) - flattest).max()
        assert distance <= 0.025 if regime is Regime.BALANCED else True, name


def test_a_restless_run_goes_on_as_its_verdict_says():
    restless = [
        (run, regime, after)
        for run, regime, after in followed()
        if regime in RESTLESS and not says_may(run.experiment)
    ]
    assert len(restless) > 25
    in_order = []
    for run, regime, after in restless:
        name = (regime, run.experiment)
        assert after is not None, name
        totals, expected = after.sum(axis=1), prospects.expected(run.experiment)
        assert np.ptp(totals) > verdicts.STILL, name
        if regime is Regime.CYCLE:
            assert repeats_itself(totals, 0.05), name
        elif repeats_itself(totals, 0.001):
            in_order.append(name)
        if expected.gains:
            distance = np.abs(theory.shares(after.mean(axis=0)) - expected.flattest).max()
            assert distance <= 0.02, name
    assert len(in_order) <= 2, in_order


def test_growth_is_divergence_before_the_run_has_gone_that_far():
    """A pathway of depth 1 above 2/lambda_min: always, with any others beside it."""
    for depths, above in product(((1,), (1, 1), (1, 2), (1, 3, 20), (7, 1)), (1.0015, 1.2, 1.5)):
        scales = (0.1,) * len(depths)
        eta = above * 2 / theory.balanced_sharpness(1.0, depths)
        runs = [
            presets.two_pathways(Descent(step_size=eta, steps=n), depths, scales) for n in STEPS
        ]
        ends = [regimes.classify(simulate(replace(e, record=Record()))) for e in runs]
        assert ends[-1] is Regime.DIVERGED
        assert set(ends) <= {Regime.DIVERGED, Regime.UNFINISHED}
        assert prospects.zone(runs[0]).name == zone_words.DIVERGES


def test_uneven_layers_change_nothing_of_this():
    """Here the twin is the verdict on the longer run itself."""
    steady = 0
    for run, regime in judged("layers"):
        if run.outcome is Outcome.FINISHED and regime in SETTLED:
            longer = variations.with_steps(run.experiment, LONGER * run.experiment.dynamics.steps)
            assert regimes.classify(simulate(longer)) is regime, run.experiment
            steady += 1
    assert steady > 15


# --- Nor a zone ------------------------------------------------------------------------------


def test_a_zone_and_a_verdict_never_contradict_each_other():
    told = 0
    for run, regime in [each for kind in DRAWS for each in judged(kind)]:
        zone = prospects.zone(run.experiment)
        if not says_may(run.experiment) and regime is not Regime.UNFINISHED:
            assert regime in ALLOWED[zone.name], (zone.name, regime, run.experiment)
            told += 1
    assert told > 150


# --- Nor gradient flow ------------------------------------------------------------------------


AS_FLOW = "As under gradient flow"


def settled(*kinds: str):
    """Those of the random runs that come to rest, with how far from gradient flow."""
    runs = [(run, regime) for kind in kinds for run, regime in judged(kind) if regime in SETTLED]
    return [(run, regime, off_flow(run)) for run, regime in runs]


def largest_share(run) -> float:
    return float(theory.shares(run.strengths[-1, :, 0]).max())


@pytest.mark.parametrize("kind", ["below", "above"])
def test_what_is_said_of_gradient_flow_is_what_it_does(kind):
    told, elsewhere = 0, 0
    for run, _, off in settled(kind):
        said, headline = regimes.describe(run), regimes.headline(run)
        name = (said, off, run.experiment)
        if AS_FLOW in said:
            assert off <= verdicts.CLOSE + 1e-3, name
            told += 1
        if "Nearly as under" in said or headline == "follows gradient flow":
            assert off <= flow_words.NEARLY + 1e-3, name
        if "elsewhere than gradient flow" in said or "first steps overshot" in said:
            assert off >= flow_words.NEARLY - 1e-3, name
            elsewhere += 1
        if headline == "partly re-balanced" or "share enough" in said or "handed signal" in said:
            assert largest_share(run) < largest_share(flow_of(run.experiment)), name
    assert told > 10
    assert elsewhere > 30 or kind == "below"


def test_a_zone_says_that_descent_follows_gradient_flow_only_where_it_does():
    told = sharp = 0
    for run, _, off in settled("below", "above"):
        name = prospects.zone(run.experiment).name
        sharp += name == zone_words.SHARP_START
        if name == zone_words.FOLLOWS_FLOW:
            assert off <= flow_words.NEARLY, run.experiment
            told += 1
    assert told > 60
    assert sharp > 60


# --- Nor the stride --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DRAWS)
def test_the_verdict_is_that_of_every_stride_alone_and_among_others(kind):
    chosen = judged(kind)[:: 1 if kind == "layers" else 5]
    for record in (Record(every=1, sharpness=False), Record(every=7), Record(frames=3)):
        again = [replace(run.experiment, record=record) for run, _ in chosen]
        wanted = [regime.value for _, regime in chosen]
        assert [row["regime"] for row in sweep(again)] == wanted
        assert [regimes.classify(simulate(e)).value for e in again[::3]] == wanted[::3]


# --- Also where layers start uneven, or at random ----------------------------------------------


def uneven(count: int, seed: int):
    """Random starts of layers of any scale, every other of full weights, of one mode or two, with
    step sizes around 2/S_1."""
    draw = np.random.default_rng(seed)
    for number in range(count):
        depths = tuple(draw.integers(1, 7, draw.integers(1, 4)).tolist())
        depths = depths if draw.random() < 0.5 else depths[:1] * len(depths)
        width, random = int(draw.integers(2, 6)), number % 2
        task = Spectrum(singular_values=(1.0, 0.6)[: int(draw.integers(1, 3)) if random else 1])
        if random:
            seed, spread = int(draw.integers(10**6)), draw.uniform(0.1, 0.8) / np.sqrt(width)
            start = Gaussian(std=float(spread), seed=seed)
        else:
            rows = [draw.uniform(0.05, 0.95, depth).tolist() for depth in depths]
            start = LayerScales(scales=tuple(map(tuple, rows)))
        eta = draw.uniform(*((0.1, 1.7) if random else (0.5, 1.3))) * 2 / max(depths)
        yield Experiment(
            task=task,
            network=Network(depths=depths, width=width if random else None),
            start=start,
            dynamics=Descent(step_size=float(eta), steps=600),
            record=Record(every=1),
        )


@cache
def uneven_runs():
    """(run, verdict, flow) of those that come to rest."""
    runs = [simulate(each) for each in uneven(400, 6)]
    found = [(run, regimes.classify(run)) for run in runs]
    return [
        (run, regime, sharp_flow_of(run.experiment)) for run, regime in found if regime in SETTLED
    ]


def sharp_flow_of(experiment: Experiment):
    """Gradient flow from the same start to its minimum, whose sharpness it records; None if it
    takes too long."""
    flow = Flow(duration=600.0, rtol=1e-9)
    run = simulate(replace(experiment, dynamics=flow, record=Record(frames=2)))
    return run if run.loss[-1] < 1e-6 else None


def test_what_is_said_of_gradient_flow_from_uneven_layers_is_what_it_does():
    too_sharp = as_flow = 0
    for run, regime, flow in uneven_runs():
        if flow is None:
            continue
        said, headline = regimes.describe(run), regimes.headline(run)
        off = float(
            np.abs(
                theory.shares(run.strengths[-1, :, 0]) - theory.shares(flow.strengths[-1, :, 0])
            ).max()
        )
        name = (said, regime, off, flow.sharpness[-1], run.experiment)
        if "gradient flow would have ended too sharp" in said or "flow leads to is too" in said:
            assert flow.sharpness[-1] > run.edge[-1] * (1 - 1e-4), name
            too_sharp += 1
        if AS_FLOW in said:
            assert off <= verdicts.CLOSE + 1e-3, name
            as_flow += 1
        if headline == "follows gradient flow":
            assert off <= flow_words.NEARLY, name
        if "elsewhere than gradient flow" in said:
            assert off >= flow_words.NEARLY, name
    assert too_sharp > 3
    assert as_flow > 20


def test_nothing_re_balances_that_never_met_the_edge():
    told = 0
    for run, regime, _ in uneven_runs():
        if regime is Regime.PARTLY_REBALANCED:
            assert (run.sharpness >= run.edge).any(), run.experiment
            told += 1
    assert told > 3


# --- Nor is a cause named that was none --------------------------------------------------------


def signed(count: int, seed: int):
    """Random starts of one mode whose layers are uneven, some of them zero or below."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        depths = tuple(draw.integers(1, 6, draw.integers(1, 4)).tolist())
        scales = tuple(tuple(draw.uniform(-0.4, 1.1, depth).tolist()) for depth in depths)
        yield Experiment(
            task=Spectrum(singular_values=(float(draw.uniform(0.3, 1.0)),)),
            network=Network(depths=depths),
            start=LayerScales(scales=scales),
            dynamics=Flow(duration=float(draw.uniform(0.5, 30))),
            record=Record(every=1, sharpness=False),
        )


def test_a_flow_overshoots_nothing_and_is_not_thrown_back():
    turned = 0
    for experiment in signed(300, 4):
        run = simulate(experiment)
        regime, said = regimes.classify(run), regimes.describe(run)
        assert "overshoot" not in said, experiment
        stuck = not prospects.expected(experiment).alive.any()
        assert regime is not Regime.TRAPPED or stuck, experiment
        turned += regime is Regime.SIGN_FLIP
    assert turned > 1


def test_a_descent_is_thrown_back_only_from_where_it_was():
    """And an overshoot turns a sign only where gradient flow would not."""
    lost = turned = 0
    for number, flow in enumerate(signed(600, 5)):
        eta = (0.5, 0.9, 1.6)[number % 3]
        run = simulate(replace(flow, dynamics=Descent(step_size=eta, steps=400)))
        regime, said = regimes.classify(run), regimes.describe(run)
        if "threw the signal back" in said:
            totals = run.strengths[:, :, 0].sum(axis=1) / flow.task.singular_values[0]
            assert np.nanmax(totals) > 0.5, run.experiment
            lost += 1
        if regime is Regime.SIGN_FLIP and "overshoot" in said:
            low = flow_of(run.experiment).strengths_range[:, 0].min(axis=0)
            assert (low >= np.minimum(run.strengths[0], 0) - 1e-6).all(), run.experiment
        turned += regime is Regime.SIGN_FLIP
    assert turned > 5
    assert lost > 2


@pytest.mark.parametrize("dynamics", [Descent(step_size=0.1, steps=300), Flow(duration=30.0)])
def test_a_jitter_that_turns_a_sign_is_no_overshoot(dynamics):
    turned = 0
    for seed in range(12):
        shaken = dynamics.with_events((Jitter(at=3, std=0.3, seed=seed),))
        run = simulate(presets.two_pathways(shaken, (2, 3), (0.02, 0.01)))
        turned += regimes.classify(run) is Regime.SIGN_FLIP
        assert "overshoot" not in regimes.describe(run), run.experiment
    assert turned > 2
