"""Presets of the paper's neighbours, with published or exact numbers; `presets` offers them too."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from simcore import theory
from simcore.event_presets import CRITICAL_PERIOD
from simcore.events import Freeze
from simcore.experiment import Balanced, Descent, Experiment, Flow, LayerScales, Network, Record
from simcore.preset import Expected, Preset, of_last_two, ratio_drift, strength, total
from simcore.tasks import Spectrum
from simcore.trajectory import Trajectory

SHI = "Shi, Shea-Brown, Buice, NeurIPS 2022"
GHOSH = "Ghosh, Kwon, Wang, Ravishankar, Qu, ICLR 2025 (arXiv 2502.20531)"
KLEINMAN = "Kleinman, Achille, Soatto, ICLR 2024"
CHEN = "Chen, Balasubramanian, Ghosal, Agrawalla, TMLR 2024 (arXiv 2310.01687)"

# --- Shi et al.: the race of two pathways ------------------------------------------------------

RACE_TARGET = 10.0
RACE_START = (0.1, 0.05)  # p of each pathway, within their N(0, 0.1)


def _race(depth: int, dynamics: Flow | Descent) -> Experiment:
    """One layer of each pathway has the scale p and the others sqrt(1 + p^2): so it is in their
    large random networks, where gradient flow keeps the difference of the squares at 1."""
    return Experiment(
        task=Spectrum(singular_values=(RACE_TARGET,)),
        network=Network(depths=(depth, depth)),
        start=LayerScales(
            scales=tuple((p, *(math.hypot(1.0, p),) * (depth - 1)) for p in RACE_START)
        ),
        dynamics=dynamics,
        record=Record(every=1),
    )


def _race_strength(p: float, depth: int) -> float:
    """K = p (1 + p^2)^{(D-1)/2}."""
    return float(p * math.hypot(1.0, p) ** (depth - 1))


def _race_invariant(p: float, depth: int) -> float:
    """J = int_0^p du (1 + u^2)^{-(D-1)/2}. With dp/dt = (1 + p^2)^{(D-1)/2} r all of them grow by
    the same int r dt, and their differences stay."""
    power = 1 if depth % 2 == 0 else 2
    integral = math.asinh(p) if power == 1 else math.atan(p)
    while power < depth - 1:  # from one power to the next but one, by parts
        integral = (p * math.hypot(1.0, p) ** -power + (power - 1) * integral) / power
        power += 2
    return integral


def race_end(depth: int) -> tuple[float, float]:
    """The strengths at the end of gradient flow, where they sum to the target."""
    ahead, behind = RACE_START
    apart = _race_invariant(ahead, depth) - _race_invariant(behind, depth)

    def other(first: float) -> float:
        """p of the pathway behind. J bends down, so Newton's steps come up to the root."""
        wanted, second = _race_invariant(first, depth) - apart, behind
        for _ in range(50):
            step = (wanted - _race_invariant(second, depth)) * math.hypot(1.0, second) ** (
                depth - 1
            )
            second += step
            if abs(step) < 1e-15 * abs(second):
                break
        return second

    low, high = ahead, RACE_TARGET
    for _ in range(80):  # halving
        middle = (low + high) / 2
        reached = _race_strength(middle, depth) + _race_strength(other(middle), depth)
        low, high = (middle, high) if reached < RACE_TARGET else (low, middle)
    return _race_strength(low, depth), _race_strength(other(low), depth)


def _fall(run: Trajectory) -> float:
    """Of the largest share, below that of gradient flow's end."""
    end = max(race_end(run.experiment.network.depths[0])) / RACE_TARGET
    return float(end - theory.shares(run.strengths[-1, :, 0]).max())


def _along_flow(depth: int) -> Preset:
    ahead, behind = race_end(depth)
    return Preset(
        f"race-{depth}",
        f"Race at depth {depth}: the one ahead ends with {ahead / RACE_TARGET:.0%}",
        f"{SHI}, phase portraits, in their equation and at their depths; this start is ours",
        _race(depth, Flow(duration=4.0, rtol=1e-10)),
        (
            Expected("σ₁₁ at the end", ahead, 1e-6, strength(0), exact=True),
            Expected("σ₂₁ at the end", behind, 1e-6, strength(1), exact=True),
        ),
    )


RACES = tuple(_along_flow(depth) for depth in (2, 3, 8, 13))

RACE_PAST = Preset(
    "race-13-past",
    "Race at depth 13 past the edge: the one behind catches up",
    f"The network of {SHI}, at a step size past the edge",
    _race(13, Descent(step_size=0.0034, steps=3000)),
    (Expected("fall of the largest share below gradient flow's", 0.1, 0.0, _fall, at_least=True),),
)

# --- Ghosh et al.: one pathway at the edge -----------------------------------------------------

GAP_TARGET = 5.0  # 2/S_1 = 0.2


def gaps(run: Trajectory) -> np.ndarray:
    """w_1^2 - w_2^2 of one pathway of depth 2 at every record, which must be every step, (K,).

    Exact: D(k+1) = D(k) (1 - eta^2 r(k)^2), as both layers take what the other one has.
    """
    eta = run.experiment.dynamics.eta
    assert eta is not None
    residual = run.strengths[:-1, 0, 0] - run.experiment.task.singular_values[0]
    first, second = run.experiment.start.layer_scales((2,))[0]
    return (first**2 - second**2) * np.append(1.0, np.cumprod(1 - (eta * residual) ** 2))


def _gap_sharpness(run: Trajectory) -> float:
    """The sharpness at the end less sqrt(D^2 + 4 sigma*^2), what a gap D leaves of it."""
    known = math.hypot(gaps(run)[-1], 2 * GAP_TARGET)
    return float(run.sharpness[-1] - known)


def _one_of_cycle(pick: Callable[..., float], mode: int = 0) -> Callable[[Trajectory], float]:
    return of_last_two(lambda run, record: float(run.strengths[record, 0, mode]), pick)


def _gap(step_size: float, title: str, *expected: Expected) -> Preset:
    return Preset(
        f"gap-{step_size:g}",
        f"Balancing gap at η = {step_size:g}: {title}",
        f"{GHOSH}, balancing gap at these step sizes; this start is ours",
        Experiment(
            task=Spectrum(singular_values=(GAP_TARGET,)),
            network=Network(depths=(2,)),
            start=LayerScales(scales=((2.6, 1.2),)),
            dynamics=Descent(step_size=step_size, steps=600),
            record=Record(every=1),
        ),
        expected,
    )


_AT_REST = Expected(
    "sharpness at the end, less √(gap² + 4σ*²)", 0.0, 1e-5, _gap_sharpness, exact=True
)

GAPS = (
    _gap(
        0.18,
        "below 2/S₁, a gap stays",
        _AT_REST,
        Expected("gap at the end", 3.0, 0.0, lambda run: float(gaps(run)[-1]), at_least=True),
    ),
    _gap(
        0.1997,
        "just below 2/S₁, all but a small gap goes",
        Expected(
            "largest gap with sharpness 2/η, less the gap at the end",
            0.0,
            0.0,
            lambda run: math.sqrt((2 / 0.1997) ** 2 - 100) - float(gaps(run)[-1]),
            at_least=True,
        ),
    ),
    _gap(
        0.21,
        "past 2/S₁, the gap goes to zero in a 2-cycle",
        Expected("gap at the end", 0.0, 1e-6, lambda run: float(gaps(run)[-1])),
        *(
            Expected(
                f"σ₁₁, {name}",
                theory.two_cycle(GAP_TARGET, 2, 0.21)[k],
                1e-6,
                _one_of_cycle(pick),
                exact=True,
            )
            for k, (name, pick) in enumerate((("low", min), ("high", max)))
        ),
    ),
)


def _cycles(count: int, step_size: float) -> Preset:
    """One pathway in which so many modes swing."""
    values, depth = (1.0, 0.95, 0.5), 3
    expected: list[Expected] = []
    for mode, value in enumerate(values):
        swings = mode < count
        pair = theory.two_cycle(value, depth, step_size) if swings else (value, value)
        for k, (name, pick) in enumerate((("low", min), ("high", max))):
            label = f"σ₁{'₁₂₃'[mode]}, {name if swings else 'at rest'}"
            expected.append(Expected(label, pair[k], 1e-6, _one_of_cycle(pick, mode), exact=True))
            if not swings:
                break
    return Preset(
        f"cycle-{count}",
        f"One pathway at η = {step_size:g}: modes that swing, {count} of 3",
        f"{GHOSH}, 2-cycles in a subspace; these values are ours",
        Experiment(
            task=Spectrum(singular_values=values),
            network=Network(depths=(depth,)),
            start=Balanced(scales=(0.05,)),
            dynamics=Descent(step_size=step_size, steps=1500),
            record=Record(every=1),
        ),
        tuple(expected),
    )


CYCLES = (_cycles(1, 0.70), _cycles(2, 0.73))

# --- Kleinman et al.: a pathway that sleeps ----------------------------------------------------


def _deficit(at: int, title: str, numbers: dict[tuple[int, int], float]) -> Preset:
    dynamics = CRITICAL_PERIOD.experiment.dynamics.with_events(
        (Freeze(pathway=1, start=at, stop=at + 150),)
    )
    return Preset(
        f"deficit-{at}",
        f"Asleep from update {at} to {at + 150}: {title}",
        f"{KLEINMAN}, deficits at different times",
        replace(CRITICAL_PERIOD.experiment, dynamics=dynamics),
        tuple(
            Expected(f"σ{'₁₂'[h]}{'₁₂₃₄'[mode]} at the end", value, 1e-6, strength(h, mode))
            for (h, mode), value in numbers.items()
        ),
    )


DEFICITS = (
    _deficit(
        0,
        "it misses every mode",
        {
            (0, 0): 3.862983,
            (1, 0): 0.010000,
            (0, 1): 2.631259,
            (1, 1): 0.014492,
            (0, 2): 1.702626,
            (1, 2): 0.029424,
            (0, 3): 0.935791,
            (1, 3): 0.064209,
        },
    ),
    _deficit(750, "too late to matter", {(0, 3): 0.500141, (1, 3): 0.499857}),
)

# --- Chen et al.: the cubic map, which is a mode of depth 2 ------------------------------------


def _cubic(name: str, a: float, title: str, start: float, *expected: Expected) -> Preset:
    return Preset(
        f"cubic-{name}",
        f"Cubic map at a = {a:g}: {title}",
        f"{CHEN}, phases of the cubic map; a = ησ*",
        Experiment(
            task=Spectrum(singular_values=(1.0,)),
            network=Network(depths=(2, 2)),
            start=Balanced(scales=(start * 2 / 3, start / 3)),
            dynamics=Descent(step_size=a, steps=200),
            record=Record(every=1),
        ),
        expected,
    )


def _largest_rise(run: Trajectory) -> float:
    """Of the loss in one step."""
    return float(np.diff(run.loss).max())


def _nearest_return(run: Trajectory) -> float:
    """The smallest distance of the last total from one of the 32 before: near zero in a cycle."""
    totals = run.strengths[:, :, 0].sum(axis=1)
    return float(np.abs(totals[-33:-1] - totals[-1]).min())


_KEPT = Expected("drift of σ₁₁/σ₂₁", 0.0, 1e-9, ratio_drift, exact=True)
_LEARNED = Expected("σ₁₁ + σ₂₁ at the end", 1.0, 1e-9, lambda run: total(run, -1), exact=True)

CUBIC = (
    _cubic(
        "monotone",
        0.8,
        "the loss never rises",
        1.55,
        _LEARNED,
        Expected("largest rise of the loss", 0.0, 1e-15, _largest_rise, exact=True),
        _KEPT,
    ),
    _cubic(
        "catapult",
        0.95,
        "the loss rises once and then falls",
        1.55,
        _LEARNED,
        Expected("largest rise of the loss", 0.01, 0.0, _largest_rise, at_least=True),
        _KEPT,
    ),
    _cubic(
        "periodic",
        1.1,
        "a 2-cycle",
        0.1,
        *(
            Expected(
                f"total, {word}",
                theory.two_cycle(1.0, 2, 1.1)[k],
                1e-7,
                of_last_two(total, pick),
                exact=True,
            )
            for k, (word, pick) in enumerate((("low", min), ("high", max)))
        ),
    ),
    _cubic(
        "chaotic",
        1.5,
        "chaos",
        0.1,
        Expected(
            "distance from the nearest of the 32 totals before",
            1e-4,
            0.0,
            _nearest_return,
            at_least=True,
        ),
        _KEPT,
    ),
)

# no run to the end, and so none of the presets
DIVERGENT = _cubic(
    "divergent",
    2.1,
    "it diverges",
    0.1,
    Expected(
        "largest total: past 1 + 2/a (z = 2) it never returns",
        1 + 2 / 2.1,
        0.0,
        lambda run: float(np.nanmax(run.strengths[:, :, 0].sum(axis=1))),
        at_least=True,
    ),
)

ALL: tuple[Preset, ...] = (*RACES, RACE_PAST, *GAPS, *CYCLES, *DEFICITS, *CUBIC)
