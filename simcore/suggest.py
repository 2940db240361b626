"""Runs that show something on a task: their step sizes are marks of theory, their steps so many
plateaus."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from simcore import limits, outlook, theory, true_tail, variations
from simcore.checks import count, require, shown
from simcore.cost import cost
from simcore.experiment import Balanced, Descent, Experiment, Network
from simcore.tasks import Task

SHOWS = ("flow", "rebalance", "cycle")

START = 0.01  # of sigma*_1: small enough for a plateau
AHEAD = 2.0  # of each pathway to the next: nearly equal ones share anyway, and nothing is handed on
BELOW, ABOVE = 0.8, 1.05  # of the mark: as gradient flow; past every edge
WHOLE = 6.5  # plateaus, as in the paper: 100 for one of 15
SMALLEST = 0.1  # of sigma*_1: a mode that a run should still learn
FEWEST, MOST = 300, 20_000  # steps
SECONDS = 5.0  # of a core, so that a page can show it


def suggest(
    task: Task, *, pathways: int = 2, depth: int = 4, show: str = "rebalance"
) -> Experiment:
    """A descent on the task, from a small balanced start, in which each pathway is ahead of the
    next by 2 : 1.

    "flow": eta = 0.8 x 2/lambda_GF, where descent does as gradient flow. "rebalance": the
    geometric mean of 2/lambda_GF and 2/lambda_min, where the winner's minimum is too sharp and a
    shared one is not. "cycle": 1.05 x 2/lambda_min, where none is flat enough. From eta_trap on
    overshoots may be thrown back to zero or beyond, so where it comes before 2/lambda_min it takes
    its place for "rebalance"; for "cycle" eta stays below the geometric mean of both. For inputs
    that are not whitened the marks are about right, with S_1 for lambda_GF
    (`theory.step_size_marks`).

    It lasts 6.5 plateaus of the slowest mode with sigma*_i >= 0.1 sigma*_1, but at least 300 and at
    most 20,000 steps, and no longer than about 5 s; where the modes decouple also until the
    sharpest of them has settled. `outlook.unlearned` says what it does not get to. ValueError for a
    target of zero; for "rebalance" where sharing does not flatten: one pathway, or a depth below 3;
    for "cycle" where the trap comes first.
    """
    most = limits.current()
    require(
        isinstance(show, str) and show in SHOWS,
        f"show must be one of {', '.join(SHOWS)}, got {shown(show)}",
    )
    pathways = count("the number of pathways", pathways, 1, most.pathways)
    depth = count("the depth", depth, 1, most.depth)
    require(
        show != "rebalance" or (pathways > 1 and depth > 2),
        "pathways re-balance where sharing lowers the sharpness: that needs two pathways or more "
        f"of a depth of 3 or more, got {pathways} of depth {depth}",
    )
    largest = task.singular_values[0]
    require(largest > 0, "the target must not be zero: it leaves nothing to learn")
    scales = tuple(float(f"{START * largest / AHEAD**h:.6g}") for h in range(pathways))
    run = Experiment(
        task=task,
        network=Network(depths=(depth,) * pathways),
        start=Balanced(scales=scales),
        dynamics=Descent(step_size=1.0, steps=FEWEST),
    )
    eta = float(f"{_step_size(run, show):.6g}")
    steps = min(MOST, most.steps, max(FEWEST, _wanted(run, eta)))
    return _affordable(_settled(replace(run, dynamics=Descent(step_size=eta, steps=steps))))


def _step_size(run: Experiment, show: str) -> float:
    marks = theory.step_size_marks(run)
    winner = marks.single_path if math.isnan(marks.flow_edge) else marks.flow_edge
    trap = math.inf if math.isnan(marks.trap) else marks.trap
    if show == "flow":
        return BELOW * winner
    if show == "rebalance":
        return math.sqrt(winner * min(marks.balanced, trap))
    require(
        marks.balanced < trap,
        f"pathways cycle between 2/λ(min) = {marks.balanced:.4g} and η(trap) = {trap:.4g}, so the "
        f"trap must come later than here, with {run.network.pathways} of depth "
        f"{run.network.depths[0]}; take fewer pathways or a smaller depth",
    )
    return min(ABOVE * marks.balanced, math.sqrt(marks.balanced * trap))


def _wanted(run: Experiment, eta: float) -> int:
    """Steps that the run should have."""
    values = np.array(run.task.singular_values)
    times = outlook.plateau_times(run)[values >= SMALLEST * values[0]]
    return math.ceil(min(WHOLE * times.max() / eta, MOST))


def _settled(run: Experiment) -> Experiment:
    """The run, or as many more steps as its sharpest mode takes to settle, where they are few."""
    if not true_tail.has_true_tail(run):
        return run
    most, more = min(MOST, limits.current().steps), true_tail.more_steps(run)
    steps = run.dynamics.steps + (more or 0)
    return variations.with_steps(run, steps) if steps <= most else run


def _affordable(run: Experiment) -> Experiment:
    """The run, or its beginning."""
    most = min(SECONDS, limits.current().seconds)
    steps = run.dynamics.steps
    while cost(run).seconds > most and steps > FEWEST:
        steps = max(FEWEST, steps // 2)
        run = variations.with_steps(run, steps)
    return run
