"""The zones of the step size that theory parts by its marks, each with what happens there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simcore import driven, landscape, theory
from simcore.expectations import alive, smallest_trap, steps_of
from simcore.experiment import Experiment
from simcore.flow_ends import follows_closed_forms
from simcore.marks import TIE
from simcore.memory import remembered
from simcore.starts import Start
from simcore.zone_words import (
    ABOUT,
    ABOVE,
    ALONG_EDGE,
    CROSSES_ZERO,
    DECAYS,
    DIVERGES,
    EQUAL,
    FLATTEST,
    FOLLOWS_FLOW,
    IN_PART,
    IS_FLOW,
    MAY_BE_TRAPPED,
    NO_GAIN,
    NOTHING_MOVES,
    OVERSHOOTS_FIRST,
    PULLED_DOWN,
    SENTENCES,
    SHARP_START,
    STOPS_SHORT,
    UNEVEN,
    UNEVEN_AVERAGE,
    UNWHITENED,
)


class Zone(NamedTuple):
    """Step sizes low < eta <= high, what they are called, and what happens there, in a clause."""

    name: str
    low: float
    high: float
    sentence: str

    @property
    def hedges(self) -> bool:
        """Whether it leaves open what happens."""
        return "may" in self.sentence.split()


def zones(experiment: Experiment) -> tuple[Zone, ...]:
    """The zones of eta from 0 to infinity, in order and without empty ones.

    From eta_WCR on an overshoot may cross zero; else below 2/lambda_GF (2/S_1 without a closed form
    for gradient flow) descent follows gradient flow; else from the trap of the run's own number of
    steps on an overshoot may be lost near zero; else above 2/lambda_min no split is flat enough;
    else the winner's minimum is too sharp. The first of these that holds counts, so the
    marks may come in any order. Where the start is sharper than the end of gradient flow, as from
    above the target, nothing follows gradient flow or re-balances for sure from the step size on
    that has its edge there (`start_edge`).

    Unequal depths share no eta_WCR and no trap; there those of each pathway alone count, as any may
    win first. For inputs that are not whitened the zones are about right, and end with that above
    every edge. None where theory has no marks: such inputs before unequal depths, pathways that are
    not linear, or a target of zero. Momentum, weight decay and label noise add what `driven` says
    of them.
    """
    depths = experiment.network.depths
    living = alive(experiment)
    marks = theory.step_size_marks(experiment)
    if not any(living):
        return (Zone(NOTHING_MOVES, 0.0, math.inf, SENTENCES[NOTHING_MOVES]),)
    if math.isnan(marks.single_path):
        return ()
    if driven.decays_away(experiment):
        dynamics = experiment.dynamics
        decays = dynamics.reach / dynamics.weight_decay  # beyond, decay itself overshoots zero
        return (
            Zone(DECAYS, 0.0, decays, SENTENCES[DECAYS]),
            Zone(CROSSES_ZERO, decays, math.inf, SENTENCES[CROSSES_ZERO]),
        )
    if not experiment.task.whitened:
        return _about(marks, experiment)
    if experiment.dynamics.averages:
        return _zones_of_average(marks, start_edge(experiment))
    moving = tuple(depth for depth, moves in zip(depths, living, strict=True) if moves)
    parts = zones_between(_with_borders_of_each(marks, experiment, moving), moving)
    parts = _from_a_sharp_start(parts, marks, start_edge(experiment))
    return tuple(_with_clauses(part, driven.clauses(experiment)) for part in parts)


def _about(marks: theory.StepSizeMarks, experiment: Experiment) -> tuple[Zone, ...]:
    """Those of inputs that are not whitened, whose marks are of balanced minima."""
    if experiment.dynamics.averages:
        parts = _zones_of_average(marks, math.inf)
    else:
        parts = tuple(
            part._replace(sentence=UNWHITENED.get(part.name, part.sentence))
            for part in zones_between(marks, experiment.network.depths)
        )
        parts = (*parts[:-1], parts[-1]._replace(name=ABOVE, sentence=SENTENCES[ABOVE]))
    clauses = (*driven.clauses(experiment), ABOUT)
    return tuple(part._replace(sentence="; ".join([part.sentence, *clauses])) for part in parts)


def _with_clauses(zone: Zone, clauses: Sequence[str]) -> Zone:
    if zone.name in (MAY_BE_TRAPPED, CROSSES_ZERO, DIVERGES):  # where they make no difference
        return zone
    return zone._replace(sentence=", ".join([zone.sentence, *clauses]))


def _with_borders_of_each(
    marks: theory.StepSizeMarks, experiment: Experiment, moving: tuple[int, ...]
) -> theory.StepSizeMarks:
    """For unequal depths, which share no eta_WCR and no trap: the smallest of each pathway alone,
    as any of them may win first."""
    # a pathway of depth 1 does not let it be trapped, and with momentum nobody knows
    if len(set(moving)) == 1 or 1 in moving or experiment.dynamics.momentum:
        return marks
    target = theory.sharpest_target(experiment)
    crosses = min(theory.wcr_gamma(d) / theory.single_path_sharpness(target, d) for d in moving)
    trap = smallest_trap(target, moving, (True,) * len(moving), steps_of(experiment))
    return marks._replace(wcr=max(_winner(marks), crosses), trap=trap)


def start_edge(experiment: Experiment) -> float:
    """The step size that has its edge at the sharpness of the start, in the mode where that is
    largest; inf without a closed form."""
    if not follows_closed_forms(experiment):
        return math.inf
    values, depths = experiment.task.singular_values, experiment.network.depths
    sharpness, dynamics = _start_sharpness(experiment.start, depths, values), experiment.dynamics
    flat = not sharpness + dynamics.weight_decay > 0  # as where all pathways start at zero
    return math.inf if flat else dynamics.at_edge(sharpness)


@remembered(64)  # step sizes that follow each other begin alike
def _start_sharpness(start: Start, depths: tuple[int, ...], values: tuple[float, ...]) -> float:
    strengths = [start.strengths(0 if start.uniform else mode) for mode in range(len(values))]
    return float(landscape.sharpness(strengths, depths, np.array(values)).max())


def _from_a_sharp_start(
    parts: Sequence[Zone], marks: theory.StepSizeMarks, begins: float
) -> tuple[Zone, ...]:
    """The zones of a start whose own edge `begins` to be passed there, where gradient flow from it
    ends less sharp."""
    if not begins < marks.flow_edge * (1 - TIE):
        return tuple(parts)
    unsure = [part for part in parts if part.name in (FOLLOWS_FLOW, IN_PART)]
    others = [part for part in parts if part.name not in (FOLLOWS_FLOW, IN_PART)]
    border = unsure[-1].high if unsure else 0.0
    begins = min(begins * (1 + TIE), border)
    found = [
        Zone(name, low, high, SENTENCES[name])
        for name, low, high in ((FOLLOWS_FLOW, 0.0, begins), (SHARP_START, begins, border))
        if low < high
    ]
    for part in others:
        if part.name in (EQUAL, FLATTEST, NO_GAIN):
            part = part._replace(sentence=f"{part.sentence}, {OVERSHOOTS_FIRST}")
        found.append(part)
    return tuple(found)


def _zones_of_average(marks: theory.StepSizeMarks, begins: float) -> tuple[Zone, ...]:
    """Those of central flow, which knows no overshoot."""
    flow, balanced = min(_winner(marks), marks.balanced) * (1 + TIE), marks.balanced * (1 + TIE)
    parts = [(IS_FLOW, 0.0, flow), (ALONG_EDGE, flow, balanced), (STOPS_SHORT, balanced, math.inf)]
    if begins < marks.flow_edge * (1 - TIE):
        begins *= 1 + TIE
        parts[:2] = [(IS_FLOW, 0.0, begins), (SHARP_START, begins, balanced)]
    sentences = SENTENCES | {SHARP_START: PULLED_DOWN}
    if math.isnan(marks.flow_edge):
        sentences |= UNEVEN_AVERAGE
    return tuple(Zone(name, low, high, sentences[name]) for name, low, high in parts if low < high)


def zones_between(marks: theory.StepSizeMarks, depths: tuple[int, ...]) -> tuple[Zone, ...]:
    """The zones that these marks part, for pathways of these depths."""
    crosses = math.inf if math.isnan(marks.wcr) else marks.wcr
    trap = min(crosses, math.inf if math.isnan(marks.trap) else marks.trap)
    flow = min(_winner(marks), marks.balanced, crosses)
    zones = (
        (FOLLOWS_FLOW, flow),
        (IN_PART, min(marks.balanced, trap)),
        (_above_every_edge(depths), trap),
        (MAY_BE_TRAPPED, crosses),
        (CROSSES_ZERO, math.inf),
    )
    sentences = SENTENCES | UNEVEN if math.isnan(marks.flow_edge) else SENTENCES
    found, low = [], 0.0
    for name, end in zones:
        high = end * (1 + TIE)
        if low < high * (1 - TIE):  # else empty, but for rounding
            found.append(Zone(name, low, high, sentences[name]))
            low = high
    return tuple(found)


def _above_every_edge(depths: tuple[int, ...]) -> str:
    """What happens above 2/lambda_min."""
    if 1 in depths:
        return DIVERGES
    if len(depths) == 1 or max(depths) == 2:
        return NO_GAIN
    return EQUAL if len(set(depths)) == 1 else FLATTEST


def _winner(marks: theory.StepSizeMarks) -> float:
    """The edge where gradient flow ends; where that has no closed form, of one pathway alone."""
    return marks.single_path if math.isnan(marks.flow_edge) else marks.flow_edge


def zone(experiment: Experiment) -> Zone:
    """The zone of the experiment's own step size, one of `zones` where there are any."""
    dynamics = experiment.dynamics
    if dynamics.eta is None:
        return Zone(dynamics.title, 0.0, 0.0, "the limit of small step sizes")
    for found in zones(experiment):
        if found.low < dynamics.eta <= found.high:
            return found
    return Zone("unknown", 0.0, math.inf, _why_unknown(experiment))


def _why_unknown(experiment: Experiment) -> str:
    if not experiment.network.linear:
        return f"for pathways with {experiment.network.phi} no closed form says where the zones are"
    if not experiment.task.whitened:
        return (
            "for inputs that are not whitened and pathways of unequal depth no closed form says "
            "where the zones are"
        )
    return "a target of zero leaves nothing to learn"
