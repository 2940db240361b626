"""What theory says of an experiment before it is run: which pathways can move, where they end, and
which zone the step size is in.

Whoever shows, draws or says any of this asks here and decides nothing. It is said of the sharpest
mode (`theory.sharpest_mode`), unless another is asked for. The numbers come from `theory`, the
sentences stand with what they are about.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple, TypedDict

import numpy as np

from simcore import driven, landscape, layer_flow, theory
from simcore.experiment import DEFAULT_RECORD, Experiment
from simcore.memory import remembered
from simcore.starts import Start

TIE = 1e-9  # relative: a step size so close to a mark is the mark, and counts as below it


# --- Marks -----------------------------------------------------------------------------------


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


# --- Where it can go -------------------------------------------------------------------------


def follows_closed_forms(experiment: Experiment) -> bool:
    """Whether gradient flow from this start is that of `theory`: one number per mode and pathway.

    So it is for linear pathways, whitened inputs and balanced starts (layer scales that are equal
    within each pathway are balanced, too), unless a pathway of two layers or more starts below
    zero, or a jitter will shake the layers apart.
    """
    start, depths = experiment.start, experiment.network.depths
    decoupled = experiment.network.linear and experiment.task.whitened and start.balanced
    if not decoupled or experiment.dynamics.jitters:
        return False
    modes = range(1 if start.uniform else len(experiment.task.singular_values))
    return all(
        math.isfinite(strength) and (strength >= 0 or depth == 1)
        for mode in modes
        for strength, depth in zip(start.strengths(mode), depths, strict=True)
    )


def kept_gaps(experiment: Experiment, mode: int = 0) -> tuple[tuple[float, ...], ...] | None:
    """w_l^2 less the least of them, for each layer of each pathway, which with the strengths of the
    mode say all there is to know of its weights; None where they do not.

    Zero wherever closed forms hold. Gradient flow keeps them for any aligned weights above zero;
    descent and its mean course do not, and neither does an event.
    """
    start, depths = experiment.start, experiment.network.depths
    if follows_closed_forms(experiment):
        return tuple((0.0,) * depth for depth in depths)
    dynamics = experiment.dynamics
    plain = not (dynamics.iterated or dynamics.averages or dynamics.events)
    decoupled = experiment.network.linear and experiment.task.whitened and start.aligned
    if not (plain and decoupled):
        return None
    rows = [[float(scale) for scale in row] for row in start.layer_scales(depths, mode)]
    if not all(scale > 0 for row in rows for scale in row):
        return None
    return tuple(tuple(scale**2 - min(row) ** 2 for scale in row) for row in rows)


def alive(experiment: Experiment) -> tuple[bool, ...]:
    """Whether each pathway can leave where it starts in the sharpest mode, (H,); in any mode for
    inputs that are not whitened, which mix them."""
    start, depths = experiment.start, experiment.network.depths
    if (start.uniform or experiment.task.whitened) and not experiment.dynamics.jitters:
        return start.alive(depths, theory.sharpest_mode(experiment))
    return _in_any_mode(experiment)


def _in_any_mode(experiment: Experiment) -> tuple[bool, ...]:
    start, depths = experiment.start, experiment.network.depths
    if experiment.dynamics.jitters:  # which moves every weight off zero
        return (True,) * len(depths)
    modes = range(1 if start.uniform else len(experiment.task.singular_values))
    return tuple(map(any, zip(*(start.alive(depths, mode) for mode in modes), strict=True)))


class Expected(NamedTuple):
    """What is expected of the sharpest mode from N starts of one network, strengths as shares.

    Pathways that never leave their start (`Start.alive`) take no part.
    """

    alive: np.ndarray  # (H, N)
    flattest: np.ndarray  # (H, N) the flattest split over the pathways alive
    lowest: np.ndarray  # (N,) the sharpness there
    flow: np.ndarray  # (H, N) where GF ends; nan without a closed form
    winner: np.ndarray  # (N,) the sharpness there, of any aligned start; else of one pathway alone
    gains: np.ndarray  # (N,) whether sharing flattens
    trap: np.ndarray  # (N,) the step size from which on an overshoot may be lost for the run

    def of(self, place: np.ndarray) -> Expected:
        """Those of the starts number `place` (...)."""
        return Expected(*(values[..., place] for values in self))


def expect(experiments: Sequence[Experiment], steps: float | None = None) -> Expected:
    """What theory expects of each of N experiments with one network and number of steps (or
    `steps`, where they go on for longer); step sizes play no part.

    For inputs that are not whitened and one depth, the sharpness is that of balanced minima
    (`theory.task_sharpness`); for other depths, this takes Sigma_xx = I.
    Of pathways that are not linear nothing is expected: numbers are nan.
    """
    depths, runs = experiments[0].network.depths, len(experiments)
    modes = [theory.sharpest_mode(e) for e in experiments]
    values = np.array(
        [e.task.singular_values[mode] for e, mode in zip(experiments, modes, strict=True)]
    )
    if not experiments[0].network.linear:
        return _nothing_expected(len(depths), runs)
    living = [alive(e) for e in experiments]
    flattest, lowest, alone, gains = (
        np.array(part)
        for part in zip(
            *(flattest_over(v, depths, a) for v, a in zip(values.tolist(), living, strict=True)),
            strict=True,
        )
    )
    for place, e in enumerate(experiments):
        if not e.task.whitened and len(set(depths)) == 1:
            moving = max(1, sum(living[place]))
            alone[place] = theory.task_sharpness(e.task, depths[0])
            lowest[place] = theory.task_sharpness(e.task, depths[0], moving)
    flow, winner = np.full((runs, len(depths)), np.nan), alone
    known = np.array([follows_closed_forms(e) for e in experiments])
    if known.any():
        starts = [
            e.start.strengths(mode)
            for e, mode, k in zip(experiments, modes, known, strict=True)
            if k
        ]
        ends = theory.flow_end_split(np.array(starts), depths, values[known])
        flow[known], winner[known] = theory.shares(ends), theory.mode_sharpness(ends, depths)
    uneven = np.array([_stays_aligned(e) for e in experiments]) & ~known & (values > 0)
    if uneven.any():
        _, sharp = layer_flow.ends(
            [
                e.start.layer_scales(depths, mode)
                for e, mode, u in zip(experiments, modes, uneven, strict=True)
                if u
            ],
            values[uneven],
        )
        winner[uneven] = np.where(np.isnan(sharp), winner[uneven], sharp)
    steps = _steps(experiments[0]) if steps is None else steps
    of_start = zip(values.tolist(), living, strict=True)
    trap = np.array([_trap(value, depths, moving, steps) for value, moving in of_start])
    return Expected(np.array(living).T, flattest.T, lowest, flow.T, winner, gains, trap)


def _stays_aligned(experiment: Experiment) -> bool:
    """Whether modes are numbers of their own, one for each layer of each pathway."""
    return bool(
        experiment.network.linear
        and experiment.task.whitened
        and experiment.start.aligned
        and not experiment.dynamics.jitters
    )


def flow_end(experiment: Experiment) -> np.ndarray:
    """Where gradient flow from an aligned start takes the sharpest mode, (H,) as parts of its
    target; nan of other starts, and where it does not come there."""
    depths, mode = experiment.network.depths, theory.sharpest_mode(experiment)
    target = experiment.task.singular_values[mode]
    if not (_stays_aligned(experiment) and target > 0):
        return np.full(len(depths), np.nan)
    if follows_closed_forms(experiment):
        return theory.flow_end_split(experiment.start.strengths(mode), depths, target) / target
    return _flow_end(experiment.start, depths, mode, target)


@remembered(64)  # a page asks several times
def _flow_end(start: Start, depths: tuple[int, ...], mode: int, target: float) -> np.ndarray:
    found, _ = layer_flow.ends([start.layer_scales(depths, mode)], [target])
    found = found[:, 0] / target
    found.setflags(write=False)
    return found


def _nothing_expected(pathways: int, runs: int) -> Expected:
    split, number = np.full((pathways, runs), np.nan), np.full(runs, np.nan)
    moving, gains = np.ones((pathways, runs), bool), np.zeros(runs, bool)
    return Expected(moving, split, number, split, number, gains, number)


@remembered(64)  # to ask for what plays a part takes longer than to look it up
def expected(experiment: Experiment) -> Expected:
    """What theory expects of one experiment, without an axis for it."""
    dynamics = experiment.dynamics
    if dynamics.eta is not None:
        dynamics = dynamics.with_step_size(1.0)  # which plays no part
    elif not dynamics.events:
        dynamics = dynamics.with_duration(1.0)  # nor does that of a flow
    return _expected(replace(experiment, dynamics=dynamics, record=DEFAULT_RECORD))


@remembered(64)  # a page asks several times, and each is a bisection
def _expected(experiment: Experiment) -> Expected:
    return expect([experiment]).of(np.array(0))


@lru_cache(maxsize=1024)  # a map asks for few of them very often, and each is a bisection
def flattest_over(
    singular_value: float, depths: tuple[int, ...], alive: tuple[bool, ...]
) -> tuple[np.ndarray, float, float, bool]:
    """Over the pathways alive: the flattest split of one mode as shares (H,), its sharpness, the
    largest sharpness of one pathway alone, and whether sharing flattens."""
    moving = tuple(depth for depth, moves in zip(depths, alive, strict=True) if moves)
    split = np.zeros(len(depths))
    if not moving:
        return split, 0.0, 0.0, False
    split[list(alive)] = theory.shares(theory.flattest_split(singular_value, moving))
    alone = max(theory.single_path_sharpness(singular_value, depth) for depth in moving)
    gains = len(moving) > 1 and max(moving) > 2
    split.setflags(write=False)  # it is kept for the next who asks
    return split, theory.balanced_sharpness(singular_value, moving), alone, gains


@lru_cache(maxsize=1024)
def _trap(
    singular_value: float, depths: tuple[int, ...], alive: tuple[bool, ...], steps: float
) -> float:
    """The smallest step size at which some pathway alone may be thrown so near zero that it comes
    back after more than `steps`; nan for a flow, inf where none can."""
    deep = {depth for depth, moves in zip(depths, alive, strict=True) if moves and depth > 2}
    if not (singular_value > 0 and steps >= 1):
        return math.nan
    gammas = {depth: theory.trap_gamma(depth, steps) for depth in deep}
    sharpest = {d: theory.single_path_sharpness(singular_value, d) for d in deep}
    return min((gammas[d] / sharpest[d] for d in deep), default=math.inf)


class Ends(TypedDict):
    """Splits of one mode, as strengths (H,)."""

    flow: np.ndarray
    flattest: np.ndarray
    edge: np.ndarray | None


def ends(experiment: Experiment, mode: int = 0) -> Ends:
    """Where a mode (from 0) can be expected to end, as strengths (H,).

    "flow": where gradient flow ends, nan without a closed form. "flattest": the flattest split over
    the pathways alive, nan for inputs that are not whitened and pathways that are not linear.
    "edge": for two pathways, the minimum on the winner's side whose sharpness is 2/eta, where
    re-balancing stops; None where there is none, or where gradient flow's own end is flat enough.
    """
    target = experiment.task.singular_values[mode]
    known = follows_closed_forms(experiment)
    start = experiment.start.strengths(mode) if known else None
    depths = experiment.network.depths
    closed = experiment.task.whitened and experiment.network.linear
    alive = experiment.start.alive(depths, mode) if closed else None
    flow, flattest, edge = _ends(start, alive, depths, target, experiment.edge)
    return {"flow": flow, "flattest": flattest, "edge": edge}


@lru_cache(maxsize=64)  # several panels ask, and each end is a bisection
def _ends(
    start: tuple[float, ...] | None,
    alive: tuple[bool, ...] | None,
    depths: tuple[int, ...],
    target: float,
    edge: float | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    flow = flattest = np.full(len(depths), np.nan)
    if start is not None:
        flow = theory.flow_end_split(start, depths, target)
    if alive is not None:
        flattest = target * flattest_over(target, depths, alive)[0]
    border = None
    if len(depths) == 2 and start is not None and alive == (True, True) and edge is not None:
        border = _border(flow, flattest, depths, target, edge)
    for split in (flow, flattest):
        split.setflags(write=False)
    return flow, flattest, border


def _border(
    flow: np.ndarray, flattest: np.ndarray, depths: tuple[int, ...], target: float, edge: float
) -> np.ndarray | None:
    """The split at the edge on gradient flow's side of the flattest one."""
    if target == 0 or not theory.mode_sharpness(flow, depths) > edge:
        return None
    for split in theory.edge_splits(target, depths, 2 / edge):
        if (split[0] > flattest[0]) == (flow[0] > flattest[0]):
            split.setflags(write=False)
            return split
    return None


# --- Zones of the step size ------------------------------------------------------------------


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


FOLLOWS_FLOW = "follows gradient flow"
IN_PART = "partly re-balanced"
EQUAL = "equal pathways, sum oscillates"
FLATTEST = "flattest split, sum oscillates"
NO_GAIN = "no flatter split, sum oscillates"
MAY_BE_TRAPPED = "may be trapped near zero"
CROSSES_ZERO = "may flip sign, be trapped, diverge"
DIVERGES = "diverges"
NOTHING_MOVES = "nothing moves"
IS_FLOW = "is gradient flow"  # of central flow, as what follows
ALONG_EDGE = "re-balances along the edge"
STOPS_SHORT = "stops short of the target"
ABOVE = "above every edge"
DECAYS = "decays to zero"
SHARP_START = "starts above the edge"

SENTENCES = {
    FOLLOWS_FLOW: "descent follows gradient flow",
    IN_PART: "the winner's minimum is too sharp, so the edge hands signal back to the others",
    EQUAL: "no split is flat enough, so the pathways go to the flattest and keep jumping there",
    FLATTEST: "no split is flat enough, so the pathways go to the flattest and keep jumping there",
    NO_GAIN: ("no minimum within reach is flat enough, so the sum keeps jumping around the target"),
    MAY_BE_TRAPPED: (
        "an overshoot may land so close to zero that coming back takes longer than this run, which "
        "a warm-up avoids"
    ),
    CROSSES_ZERO: (
        "an overshoot may cross zero, so signs may flip, or the run be trapped or diverge"
    ),
    DIVERGES: (
        "no minimum is flat enough, and a pathway of depth 1 is not slowed by an overshoot, so the "
        "run diverges"
    ),
    NOTHING_MOVES: "it makes no difference",
    IS_FLOW: "the edge is never reached, so central flow is gradient flow",
    ALONG_EDGE: (
        "the winner's minimum is too sharp, so central flow is kept at the edge and hands signal "
        "to the others until a minimum is flat enough"
    ),
    STOPS_SHORT: (
        "no minimum is flat enough, so central flow stops short of the target; it knows nothing "
        "of the jumps of descent"
    ),
    ABOVE: (
        "no balanced minimum is flat enough, so descent ends at one that is not, keeps oscillating "
        "or diverges"
    ),
    DECAYS: (
        "weight decay is stronger than the pull of the target on so small a start, so the run "
        "never leaves the plateau"
    ),
    SHARP_START: (
        "the start is sharper than the edge, so the first steps overshoot, and may lead to another "
        "split than that of gradient flow, to a turned sign, to a trap near zero or to divergence"
    ),
}

# What else is said of step sizes above every edge, where the start is sharper than the edge, too.
OVERSHOOTS_FIRST = (
    "though the start is sharper than the edge, so the first overshoot may turn a sign or diverge"
)
PULLED_DOWN = (
    "the start is above the edge, where central flow has no course: it is pulled down to the edge "
    "at once, and what follows may lead to another split than that of gradient flow"
)

# Where gradient flow has no closed form, as layers start uneven: what more may happen.
UNEVEN = {
    FOLLOWS_FLOW: (
        "descent follows gradient flow, though layers that start uneven may meet the edge, which "
        "evens them out and may lead to another split"
    ),
    IN_PART: (
        "the winner's minimum may be too sharp, and then the edge evens out its layers and hands "
        "signal back to the others"
    ),
    EQUAL: f"{SENTENCES[EQUAL]}, though layers that start uneven may flip a sign or diverge first",
    FLATTEST: (
        f"{SENTENCES[FLATTEST]}, though layers that start uneven may flip a sign or diverge first"
    ),
    NO_GAIN: (
        f"{SENTENCES[NO_GAIN]}, though layers that start uneven may flip a sign or diverge first"
    ),
}

# The same of central flow.
UNEVEN_AVERAGE = {
    IS_FLOW: (
        "balanced minima are below the edge, so central flow is gradient flow, though layers that "
        "start uneven may meet the edge"
    ),
    ALONG_EDGE: (
        "the winner's minimum may be too sharp, and then central flow is kept at the edge until a "
        "minimum is flat enough"
    ),
}

# Where the inputs are not whitened: minima are known whose layers are balanced, no others.
UNWHITENED = {
    FOLLOWS_FLOW: "balanced minima are flat enough, so descent should follow gradient flow",
    IN_PART: (
        "the balanced minimum of one pathway is too sharp, so the edge hands signal to the others "
        "or takes the layers out of balance"
    ),
}
ABOUT = "the inputs are not whitened, so all this is about right"

# For equal depths above 2, in a sentence each (Kim and Lee 2026): after which mark they begin.
STORY = (
    (None, FOLLOWS_FLOW),
    ("flow_edge", IN_PART),
    ("balanced", EQUAL),
    ("trap", MAY_BE_TRAPPED),
    ("wcr", CROSSES_ZERO),
)


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
    target = experiment.task.singular_values[theory.sharpest_mode(experiment)]
    crosses = min(theory.wcr_gamma(d) / theory.single_path_sharpness(target, d) for d in moving)
    trap = _trap(target, moving, (True,) * len(moving), _steps(experiment))
    winner = marks.single_path if math.isnan(marks.flow_edge) else marks.flow_edge
    return marks._replace(wcr=max(winner, crosses), trap=trap)


def _steps(experiment: Experiment) -> float:
    """Of a descent; nan for a flow."""
    return getattr(experiment.dynamics, "steps", math.nan)


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
    winner = marks.single_path if math.isnan(marks.flow_edge) else marks.flow_edge
    flow, balanced = min(winner, marks.balanced) * (1 + TIE), marks.balanced * (1 + TIE)
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
    winner = marks.single_path if math.isnan(marks.flow_edge) else marks.flow_edge
    crosses = math.inf if math.isnan(marks.wcr) else marks.wcr
    trap = min(crosses, math.inf if math.isnan(marks.trap) else marks.trap)
    flow = min(winner, marks.balanced, crosses)
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


# --- In words --------------------------------------------------------------------------------


def place(experiment: Experiment) -> str:
    """Where the step size lies among the marks, and what its zone says."""
    here = zone(experiment)
    eta, steps = experiment.dynamics.eta, theory.step_size_marks(experiment)
    if eta is None:
        return f"{here.name.capitalize()}: {here.sentence}."
    where = _among(eta, steps, marks(experiment))
    edge = f"{experiment.dynamics.edge_symbol} = {experiment.edge:.4g}"
    where = f"is {where}" if where else f"has its edge at {edge}"
    return " ".join([f"η = {eta:.4g} {where}: {here.sentence}.", *stuck(experiment)])


def _among(eta: float, steps: theory.StepSizeMarks, names: dict[str, Mark]) -> str:
    """Between which marks eta lies; nothing without marks."""
    named = [
        (value, f"{names[field].name} = {value:.4g}")
        for field, value in steps._asdict().items()
        if math.isfinite(value) and (field != "single_path" or math.isnan(steps.flow_edge))
    ]
    below = [mark for mark in named if mark[0] < eta * (1 - TIE)]
    above = [mark for mark in named if mark[0] >= eta * (1 - TIE)]
    lower, upper = max(below)[1] if below else "", min(above)[1] if above else ""
    if lower and upper:
        return f"between {lower} and {upper}"
    return f"below {upper}" if upper else f"above {lower}" if lower else ""


def stuck(experiment: Experiment) -> list[str]:
    """Which pathways never move in any mode, in one sentence; none if all do."""
    living = _in_any_mode(experiment)
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
    named = ", ".join(still[:-1]) + f" and {still[-1]}"
    return [f"Pathways {named} start at zero, where no gradient reaches them, and stay there."]
