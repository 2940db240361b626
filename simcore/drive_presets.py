"""Presets of specialised starts, label noise and weight decay; `presets` offers them with
the others."""

from __future__ import annotations

from simcore import theory
from simcore.experiment import Balanced, Descent, Experiment, Network, Record
from simcore.preset import Expected, Preset, strength
from simcore.tasks import Spectrum
from simcore.trajectory import Trajectory

SPECIALISED = Preset(
    "specialised",
    "Specialised start: each pathway ahead in one mode",
    "The paper's network, started so that pathway 1 leads in mode 1 and pathway 2 in mode 2",
    Experiment(
        task=Spectrum(singular_values=(1.0, 0.7)),
        network=Network(depths=(20, 20)),
        start=Balanced(scales=((0.002, 0.0017), (0.0017, 0.002))),
        dynamics=Descent(step_size=2 / 13, steps=2000),
        record=Record(every=1),
    ),
    (
        Expected("σ₁₁ at the end: shared", 0.739934, 2e-4, strength(0)),
        Expected("σ₂₁ at the end", 0.260066, 2e-4, strength(1)),
        Expected("σ₁₂ at the end", 0.016019, 2e-4, strength(0, mode=1)),
        Expected("σ₂₂ at the end: kept", 0.683981, 2e-4, strength(1, mode=1)),
    ),
)


def _late_share(run: Trajectory) -> float:
    """Largest share of the mean strengths over the last records."""
    return float(theory.shares(run.strengths[-120:, :, 0].mean(axis=0)).max())


LABEL_NOISE = Preset(
    "label-noise",
    "Label noise: symmetry at a small step size, slowly",
    "Label noise as in Blanc et al. 2020 and Damian et al. 2021; the number is of the drift law",
    Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=(4, 4)),
        start=Balanced(scales=(0.02, 0.016)),
        dynamics=Descent(step_size=0.1, steps=20_000, label_noise=0.1),
    ),
    (
        Expected(
            "largest share at the end",
            0.5091,
            0.02,
            _late_share,
            note="the law is of means; the tolerance leaves a single seed its spread",
        ),
    ),
)

WEIGHT_DECAY = Preset(
    "weight-decay",
    "Weight decay: one pathway keeps everything",
    "Exact: above depth 2 the penalty on a pathway is concave in its strength",
    Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=(3, 3)),
        start=Balanced(scales=(0.027, 0.008)),
        dynamics=Descent(step_size=1 / 3, steps=20_000, weight_decay=1e-3),
    ),
    (
        Expected("σ₁₁ at the end", 0.9990, 5e-5, strength(0)),
        Expected("σ₂₁ at the end", 0.0, 5e-5, strength(1)),
    ),
)

ALL = (SPECIALISED, LABEL_NOISE, WEIGHT_DECAY)
