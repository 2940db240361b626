"""Presets of pathways that are not linear; `presets` offers them among the others.

Their digits are those of an independent script in NumPy, which agrees with this program for linear
pathways, too.
"""

from __future__ import annotations

import math

from simcore.experiment import Descent, Experiment, Gaussian, Network, Record
from simcore.preset import PAPER, Expected, Preset, sharpness, strength
from simcore.tasks import Tree
from simcore.trajectory import Trajectory

SHI = "Shi, Shea-Brown, Buice, NeurIPS 2022"
WIDTH = 48
TIME = 150.0  # eta times the number of updates, in all of these


def _tree(step_size: float, activation: str, last: bool, gain: float = 0.45) -> Experiment:
    """Two pathways of depth 4 on the semantic tree."""
    return Experiment(
        task=Tree(),
        network=Network(depths=(4, 4), width=WIDTH, activation=activation, activate_last=last),
        start=Gaussian(std=gain / math.sqrt(WIDTH), seed=0),
        dynamics=Descent(step_size=step_size, steps=round(TIME / step_size)),
        record=Record(frames=300),
    )


def _shared(first: float, second: float, tolerance: float) -> tuple[Expected, Expected]:
    return (
        Expected("σ₁₁ at the end", first, tolerance, strength(0)),
        Expected("σ₂₁ at the end", second, tolerance, strength(1)),
    )


def _last_loss(run: Trajectory) -> float:
    return float(run.loss[-1])


_OURS = f"In the kind of the last figure of {PAPER}, on the tree of {SHI}; our own start and width"
_LAST = f"In the kind of Figs. 7 and 8 of {SHI}, at our own start, width and step size"

SMALL = Preset(
    "tanh-0.02",
    "Semantic tree, tanh, η = 0.02: below its edge",
    _OURS,
    _tree(0.02, "tanh", False),
    (
        *_shared(3.373, 0.500, 0.002),
        Expected("sharpness at the end", 24.742, 0.005, sharpness),
    ),
)

EDGE = Preset(
    "tanh-0.1",
    "Semantic tree, tanh, η = 0.1: past its edge",
    _OURS,
    _tree(0.1, "tanh", False),
    (
        *_shared(2.3197, 1.5525, 0.02),
        Expected("sharpness at the end", 19.95, 0.02, sharpness),
    ),
)

TO_THE_LAST = Preset(
    "tanh-to-the-last",
    "Semantic tree, tanh after every layer, η = 0.15: the edge does not share",
    _LAST,
    _tree(0.15, "tanh", True),
    (
        *_shared(3.431, 0.442, 0.02),
        Expected("sharpness at the end", 13.22, 0.02, sharpness),
    ),
)

DEAD = Preset(
    "relu-to-the-last",
    "Semantic tree, ReLU after every layer: outputs die",
    _LAST,
    _tree(0.02, "relu", True, gain=0.9),
    (Expected("loss at the end", 2.5, 0.05, _last_loss),),
)

ALL: tuple[Preset, ...] = (SMALL, EDGE, TO_THE_LAST, DEAD)
