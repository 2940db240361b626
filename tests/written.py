"""Numbers as the pages write them: 0.7399, −12.83, 6.20·10⁻⁸."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from simcore import Trajectory, simulate, variations
from simcore.figures import panels, style

_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")
NOTHING = "–"  # of a value that is not known


class Written(NamedTuple):
    """A number and how far it may be from what was written, half of its last digit."""

    value: float
    half: float

    def of(self, number: float) -> bool:
        """Whether this is how a number is written; what is not known is nan."""
        if math.isnan(number):
            return math.isnan(self.value)
        return abs(number - self.value) <= 1.001 * self.half


def written(text: str) -> Written:
    """One such text; ValueError where it is none."""
    if text == NOTHING:
        return Written(math.nan, math.nan)
    mantissa, _, power = text.translate(_DIGITS).partition("·10")
    unit, digits = 10.0 ** int(power or 0), len(mantissa.partition(".")[2])
    return Written(float(mantissa) * unit, 0.5 * unit * 10.0**-digits)


def values(state: str) -> dict[str, list[Written]]:
    """All that a player's state lists, by panel and label: of "Sharpness: GD 12.84, GF 19.43. Loss:
    GD 2.1·10⁻¹⁰" what is written at "Sharpness: GD", "Sharpness: GF" and "Loss: GD"."""
    found = {}
    for sentence in state.split(". ")[1:]:  # behind the moment
        panel, _, listed = sentence.partition(": ")
        for entry in re.split(r", (?![^(]*\))", listed):
            label, numbers = re.fullmatch(r"(.*?) (\(.*\)|\S+)", entry.strip(" ↑↓")).groups()
            found[f"{panel}: {label}"] = [written(text) for text in numbers.strip("()").split(", ")]
    return found


def assert_written(state: str, run: Trajectory) -> None:
    """That the state of a player which stands at the end of a run of one mode, its gradient flow
    beside it, has all numbers of both."""
    flow = simulate(variations.matching_flow(run.experiment))
    wanted: dict[str, list[float]] = {}
    for name, each in (("GD", run), ("GF", flow)):
        strengths = each.strengths[-1, :, 0].tolist()
        wanted[f"Plane (σ₁₁, σ₂₁): {name}"] = strengths[:2]
        for h, strength in enumerate(strengths):
            label = style.strength_label(h, 0) + (" GF" if name == "GF" else "")
            wanted[f"Pathway strengths: {label}"] = [strength]
        assert each.sharpness is not None
        wanted[f"Sharpness: {name}"] = [float(each.sharpness[-1])]
        loss = float(each.loss[-1])
        wanted[f"Loss: {name}"] = [loss if loss >= panels.loss_noise(each) else math.nan]
    edge = run.experiment.edge
    wanted[f"Sharpness: 2/η = {edge:.4g}"] = [edge]
    shown = values(state)
    assert sorted(shown) == sorted(wanted)
    for label, numbers in wanted.items():
        pairs = zip(shown[label], numbers, strict=True)
        assert all(text.of(number) for text, number in pairs), (label, shown[label], numbers)
