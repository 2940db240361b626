"""Presets of central flow; `presets` offers them with the others."""

from __future__ import annotations

from simcore.experiment import CentralFlow
from simcore.preset import Expected, Preset, sharpness, strength, two_pathways

COHEN = "Central flow as in Cohen et al. 2025, of the network of Kim and Lee"

ALONG_EDGE = Preset(
    "central-flow",
    "Central flow: the smooth curve behind the medium run",
    COHEN,
    two_pathways(CentralFlow(step_size=2 / 13, duration=100.0)),
    (
        Expected("σ₁₁ at the end", 0.749227, 2e-5, strength(0)),
        Expected("σ₂₁ at the end", 0.250773, 2e-5, strength(1)),
        Expected("sharpness at the end", 13.0, 1e-5, sharpness),
    ),
)

STOPS_SHORT = Preset(
    "central-flow-short",
    "Central flow past every edge: it stops short of the target",
    COHEN,
    two_pathways(CentralFlow(step_size=2 / 9, duration=200.0)),
    (
        Expected("σ₁₁ at the end", 0.470861, 1e-5, strength(0)),
        Expected("σ₂₁ at the end", 0.470861, 1e-5, strength(1)),
        Expected("sharpness at the end", 9.0, 1e-5, sharpness),
    ),
)

ALL = (ALONG_EDGE, STOPS_SHORT)
