"""How the marks between the zones of the step size are written, and what they mean.

Their numbers are those of `theory.step_size_marks`.
"""

from __future__ import annotations

from typing import NamedTuple

from simcore import theory
from simcore.experiment import Experiment

TIE = 1e-9  # relative: a step size so close to a mark is the mark, and counts as below it


class Mark(NamedTuple):
    """How a field of `theory.StepSizeMarks` is written, and what it means."""

    name: str  # in plain text, which has no subscript capitals
    symbol: str
    sub: str  # the symbol's subscript
    tex: str
    meaning: str
    close: str = ""  # what comes after the subscript


MARKS = {
    "flow_edge": Mark(
        "2/λ(GF)", "2/λ", "GF", r"2/\lambda_{GF}", "the edge where gradient flow ends"
    ),
    "single_path": Mark("2/S₁", "2/S", "1", "2/S_1", "the edge of one pathway alone"),
    "balanced": Mark(
        "2/λ(min)", "2/λ", "min", r"2/\lambda_{\min}", "the edge of the flattest split"
    ),
    "trap": Mark(
        "η(trap)",
        "η",
        "trap",
        r"\eta_{trap}",
        "from here on an overshoot may land so close to zero that coming back takes longer than "
        "this run",
    ),
    "wcr": Mark("η(WCR)", "η", "WCR", r"\eta_{WCR}", "from here on an overshoot can reach zero"),
}


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SHARPNESS = {"flow_edge": ("λ", "GF"), "single_path": ("S", ""), "balanced": ("λ", "min")}


def marks(experiment: Experiment) -> dict[str, Mark]:
    """`MARKS` as they are written for this experiment: S of its sharpest mode, and each edge as its
    momentum and weight decay move it."""
    dynamics, mode = experiment.dynamics, theory.sharpest_mode(experiment) + 1
    if mode == 1 and not (dynamics.momentum or dynamics.weight_decay):
        return MARKS
    found = dict(MARKS)
    begin, _, close = dynamics.at_edge_symbol("λ").partition("λ")
    for field, (letter, sub) in _SHARPNESS.items():
        name = f"{letter}({sub})" if sub else letter + str(mode).translate(_SUBSCRIPTS)
        found[field] = MARKS[field]._replace(
            name=begin + name + close, symbol=begin + letter, sub=sub or str(mode), close=close
        )
    return found
