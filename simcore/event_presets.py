"""Presets of what changes while a run lasts; `presets` offers them among the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simcore.events import Freeze, Kick, Ramp, StepSize
from simcore.experiment import Balanced, Descent, Experiment, Network, Record
from simcore.preset import PAPER, Expected, Preset, sharpness, strength, total, two_pathways
from simcore.tasks import Spectrum
from simcore.trajectory import Trajectory

KLEINMAN = "Kleinman, Achille, Soatto, ICLR 2024"
OURS = f"Not published: the main figure of {PAPER} with a step size that changes on the way"

MEDIUM = 2 / 13  # the step sizes of the main figure
SMALL = 0.05
BEYOND = 2 / 7  # where an overshoot through one pathway throws the signal back near zero


def _at_the_end(first: float, second: float, tolerance: float) -> tuple[Expected, Expected]:
    return (
        Expected("σ₁₁ at the end", first, tolerance, strength(0)),
        Expected("σ₂₁ at the end", second, tolerance, strength(1)),
    )


def _warm_up(step_size: float, updates: int) -> Ramp:
    """From zero to the step size."""
    return Ramp(start=0, stop=updates, value=step_size, begin=0.0)


def _total_late(pick: Callable[..., float]) -> Callable[[Trajectory], float]:
    """min or max of the total over the last quarter of the records."""
    return lambda run: pick(total(run, k) for k in range(-len(run.steps) // 4, 0))


def _difference(run: Trajectory) -> float:
    """Between the pathways at the end."""
    return float(np.ptp(run.strengths[-1, :, 0]))


TRAPPED = Preset(
    "trapped",
    "Step size 2/7 at once: trapped near zero",
    OURS,
    two_pathways(Descent(step_size=BEYOND, steps=4000)),
    (Expected("σ₁₁ + σ₂₁ at the end", 0.0, 1e-4, lambda run: total(run, -1)),),
)

WARMED_UP = Preset(
    "warm-up",
    "Warm-up to 2/7: equal pathways that jump",
    OURS,
    two_pathways(Descent(step_size=BEYOND, steps=4000, events=(_warm_up(BEYOND, 1000),))),
    (
        Expected("σ₁₁ + σ₂₁, low", 0.316, 5e-4, _total_late(min)),
        Expected("σ₁₁ + σ₂₁, high", 1.35, 1e-3, _total_late(max)),
        Expected("difference of the pathways", 0.0, 1e-6, _difference),
    ),
)

DROPPED = Preset(
    "drop",
    "Lowered after re-balancing: the split stays",
    OURS,
    two_pathways(Descent(step_size=MEDIUM, steps=1300, events=(StepSize(at=650, value=SMALL),))),
    _at_the_end(0.739934, 0.260066, 2e-5),
)

RAISED = Preset(
    "late-raise",
    "Raised long after one pathway has won: re-balanced",
    OURS,
    two_pathways(
        Descent(
            step_size=SMALL,
            steps=2600,
            # a run that has settled rests, even above the edge, until something moves it
            events=(
                StepSize(at=2000, value=MEDIUM),
                Kick(at=2000, pathway=0, factor=1 + 1e-6),
            ),
        )
    ),
    (
        *_at_the_end(0.739934, 0.260066, 2e-4),
        Expected("sharpness at the end", 12.832586, 5e-4, sharpness),
    ),
)

FROZEN = Preset(
    "freeze",
    "The winner sleeps at first: the other pathway wins",
    f"{OURS}; after {KLEINMAN}",
    two_pathways(
        Descent(step_size=MEDIUM, steps=1500, events=(Freeze(pathway=0, start=0, stop=200),))
    ),
    _at_the_end(0.260066, 0.739934, 2e-4),
)

CRITICAL_PERIOD = Preset(
    "critical-period",
    "Asleep from update 400 to 550: that pathway misses the modes learned then",
    f"{KLEINMAN}, deficits at different times",
    Experiment(
        task=Spectrum(singular_values=(15**0.5, 7**0.5, 3**0.5, 1.0)),
        network=Network(depths=(4, 4)),
        start=Balanced(scales=(0.01, 0.01)),
        dynamics=Descent(
            step_size=0.01, steps=1000, events=(Freeze(pathway=1, start=400, stop=550),)
        ),
        record=Record(every=1),
    ),
    (
        Expected("σ₁₁ at the end", 15**0.5 / 2, 1e-5, strength(0, 0)),
        Expected("σ₂₁ at the end", 15**0.5 / 2, 1e-5, strength(1, 0)),
        Expected("σ₁₃ at the end", 0.866270, 1e-6, strength(0, 2)),
        Expected("σ₂₃ at the end", 0.865781, 1e-6, strength(1, 2)),
        Expected("σ₁₄ at the end", 0.845348, 1e-6, strength(0, 3)),
        Expected("σ₂₄ at the end", 0.154652, 1e-6, strength(1, 3)),
    ),
)

MOMENTUM = Preset(
    "momentum",
    "Momentum 0.5 with a warm-up: partly re-balanced",
    OURS,
    two_pathways(
        Descent(step_size=3 / 13, steps=3000, momentum=0.5, events=(_warm_up(3 / 13, 2000),))
    ),
    (
        *_at_the_end(0.7436, 0.2564, 1e-4),
        Expected("sharpness at the end", 12.899, 1e-3, sharpness),
    ),
)

ALL: tuple[Preset, ...] = (
    TRAPPED,
    WARMED_UP,
    DROPPED,
    RAISED,
    FROZEN,
    CRITICAL_PERIOD,
    MOMENTUM,
)
