"""What theory expects of the sharpest mode: which pathways can move, where gradient flow takes it,
what the flattest split is, and how sharp both are.

Verdicts are held against it; `ends` says the same of any mode, for pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple, TypedDict

import numpy as np

from simcore import flow_ends, theory
from simcore.experiment import DEFAULT_RECORD, Experiment
from simcore.flow_ends import follows_closed_forms
from simcore.marks import TIE
from simcore.memory import remembered


def alive(experiment: Experiment) -> tuple[bool, ...]:
    """Whether each pathway can leave where it starts in the sharpest mode, (H,); in any mode for
    inputs that are not whitened, which mix them."""
    start, depths = experiment.start, experiment.network.depths
    if (start.uniform or experiment.task.whitened) and not experiment.dynamics.jitters:
        return start.alive(depths, theory.sharpest_mode(experiment))
    return alive_in_any_mode(experiment)


def alive_in_any_mode(experiment: Experiment) -> tuple[bool, ...]:
    """Whether each pathway can leave where it starts in some mode, (H,)."""
    start, depths = experiment.start, experiment.network.depths
    if experiment.dynamics.jitters:  # which moves every weight off zero
        return (True,) * len(depths)
    modes = range(1 if start.uniform else len(experiment.task.singular_values))
    return tuple(map(any, zip(*(start.alive(depths, mode) for mode in modes), strict=True)))


class Expected(NamedTuple):
    """What is expected of the sharpest mode from N starts of one network.

    Pathways that never leave their start (`Start.alive`) take no part.
    """

    alive: np.ndarray  # (H, N)
    flattest: np.ndarray  # (H, N) the flattest split over the pathways alive, as shares
    lowest: np.ndarray  # (N,) the sharpness there
    flow_end: np.ndarray  # (H, N) where GF ends, as `flow_ends.of` has it
    closed: np.ndarray  # (N,) whether that has a closed form
    winner: np.ndarray  # (N,) the sharpness there; where nobody knows, that of one pathway alone
    gains: np.ndarray  # (N,) whether sharing flattens
    trap: np.ndarray  # (N,) the step size from which on an overshoot may be lost for the run

    def of(self, place: np.ndarray) -> Expected:
        """Those of the starts number `place` (...)."""
        return Expected(*(values[..., place] for values in self))

    @property
    def knows_flow(self) -> np.ndarray:
        """Whether it is known where GF ends, (N,)."""
        return np.isfinite(self.flow_end).all(axis=0)

    @property
    def flow(self) -> np.ndarray:
        """The shares (H, N) where GF ends; nan where nobody knows."""
        return np.where(self.knows_flow, theory.shares(self.flow_end.T).T, np.nan)


def expect(experiments: Sequence[Experiment], steps: float | None = None) -> Expected:
    """What theory expects of each of N experiments with one network and number of steps (or
    `steps`, where they go on for longer); step sizes play no part.

    For inputs that are not whitened and one depth, the sharpness is that of balanced minima
    (`theory.task_sharpness`); for other depths, this takes Sigma_xx = I.
    Of pathways that are not linear nothing is expected: numbers are nan.
    """
    depths = experiments[0].network.depths
    if not experiments[0].network.linear:
        return _nothing_expected(len(depths), len(experiments))
    starts = [(theory.sharpest_target(e), depths, alive(e)) for e in experiments]
    flattest, lowest, alone, gains = map(
        np.array, zip(*(flattest_over(*start) for start in starts), strict=True)
    )
    for place, e in enumerate(experiments):
        if not e.task.whitened and len(set(depths)) == 1:
            moving = max(1, sum(starts[place][-1]))
            alone[place] = theory.task_sharpness(e.task, depths[0])
            lowest[place] = theory.task_sharpness(e.task, depths[0], moving)
    flow = flow_ends.of(experiments)
    steps = steps_of(experiments[0]) if steps is None else steps
    return Expected(
        alive=np.array([moving for *_, moving in starts]).T,
        flattest=flattest.T,
        lowest=lowest,
        flow_end=flow.strengths,
        closed=flow.closed,
        winner=np.where(np.isnan(flow.sharpness), alone, flow.sharpness),
        gains=gains,
        trap=np.array([smallest_trap(*start, steps) for start in starts]),
    )


def _nothing_expected(pathways: int, runs: int) -> Expected:
    split, number = np.full((pathways, runs), np.nan), np.full(runs, np.nan)
    moving, never = np.ones((pathways, runs), bool), np.zeros(runs, bool)
    return Expected(moving, split, number, split, never, number, never, number)


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


def winner_is_too_sharp(experiment: Experiment) -> bool:
    """Whether gradient flow from its start ends above the edge (`Expected.winner`)."""
    edge = experiment.edge
    return edge is not None and bool(expected(experiment).winner > edge)


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
def smallest_trap(
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


def steps_of(experiment: Experiment) -> float:
    """Those of a descent; nan for a flow."""
    return getattr(experiment.dynamics, "steps", math.nan)


# --- As strengths of any mode ------------------------------------------------------------------


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
    """The split at the edge on gradient flow's side of the flattest one, or that itself where the
    step size is 2/lambda_min."""
    if target == 0 or not theory.mode_sharpness(flow, depths) > edge * (1 + TIE):
        return None
    lowest = theory.mode_sharpness(flattest, depths)
    if lowest >= edge * (1 - TIE):
        return flattest if lowest <= edge * (1 + TIE) else None
    for split in theory.edge_splits(target, depths, 2 / edge):
        if (split[0] > flattest[0]) == (flow[0] > flattest[0]):
            split.setflags(write=False)
            return split
    return None
