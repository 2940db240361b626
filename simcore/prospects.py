"""What theory says of an experiment before it is run: whoever shows, draws or says any of it asks
here and decides nothing.

It is said of the sharpest mode (`theory.sharpest_mode`), unless another is asked for. Where a mode
can go is found in `flow_ends` and `expectations`, the parts of the ruler in `marks` and `zones`.
"""

from __future__ import annotations

import math

from simcore import theory
from simcore.expectations import alive, alive_in_any_mode, ends, expect, expected
from simcore.experiment import Experiment
from simcore.flow_ends import follows_closed_forms, kept_gaps
from simcore.marks import MARKS, TIE, marks
from simcore.wording import listed
from simcore.zones import Zone, zone, zones, zones_between

__all__ = [
    "MARKS",
    "Zone",
    "alive",
    "ends",
    "expect",
    "expected",
    "follows_closed_forms",
    "kept_gaps",
    "marks",
    "place",
    "stuck",
    "zone",
    "zones",
    "zones_between",
]


def place(experiment: Experiment) -> str:
    """Where the step size lies among the marks, and what its zone says."""
    here, eta = zone(experiment), experiment.dynamics.eta
    if eta is None:
        return f"{here.name.capitalize()}: {here.sentence}."
    where = _among_marks(experiment, eta)
    return " ".join([f"η = {eta:.4g} {where}: {here.sentence}.", *stuck(experiment)])


def _among_marks(experiment: Experiment, eta: float) -> str:
    """Between which marks eta lies; where there are none, which edge it has."""
    steps, names = theory.step_size_marks(experiment), marks(experiment)
    named = [
        (value, f"{names[field].name} = {value:.4g}")
        for field, value in steps._asdict().items()
        if math.isfinite(value) and (field != "single_path" or math.isnan(steps.flow_edge))
    ]
    below = [mark for mark in named if mark[0] < eta * (1 - TIE)]
    above = [mark for mark in named if mark[0] >= eta * (1 - TIE)]
    lower, upper = max(below)[1] if below else "", min(above)[1] if above else ""
    if lower and upper:
        return f"is between {lower} and {upper}"
    if lower or upper:
        return f"is below {upper}" if upper else f"is above {lower}"
    return f"has its edge at {experiment.dynamics.edge_symbol} = {experiment.edge:.4g}"


def stuck(experiment: Experiment) -> list[str]:
    """Which pathways never move in any mode, in one sentence; none if all do."""
    living = alive_in_any_mode(experiment)
    still = [f"{h + 1}" for h, moves in enumerate(living) if not moves]
    if not still:
        return []
    if len(still) == len(living):
        return [
            "Every pathway starts at zero, where no gradient reaches it, so nothing ever moves."
        ]
    if len(still) == 1:
        return [
            f"Pathway {still[0]} starts at zero, where no gradient reaches it, and stays there."
        ]
    return [
        f"Pathways {listed(still)} start at zero, where no gradient reaches them, and stay there."
    ]
