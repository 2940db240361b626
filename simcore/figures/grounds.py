"""What stands behind the runs in the plane: sharpness at every point, lines of gradient flow.

Only where a point of the plane says all there is to know, so that a run lies where it seems to
lie; elsewhere a sentence says why there is none.
"""

from __future__ import annotations

import numpy as np

from simcore import landscape, prospects
from simcore.experiment import Experiment
from simcore.figures.scene import Ground, Streams
from simcore.trajectory import Trajectory
from simcore.view import View

NODES = 121  # of the ground, along each axis
LINES = 17
ROOM = 2.0  # times sigma*: the overshoots of the step sizes that a handle may come to
ARROW_AT = 0.28  # times sigma*, from the minima
DIGITS = 4


def sharpness(run: Trajectory, view: View, top: float) -> Ground | None:
    """lambda at every point up to `top` or further, pale at the edge in force at the end; None
    where it is not asked for or not exact."""
    if "sharpness" not in view.layers or _no_sharpness(run.experiment, view):
        return None
    target, depths = run.experiment.task.singular_values[0], run.experiment.network.depths
    shown = run.strengths[:, list(view.pathways), 0]
    least = float(np.min(shown[np.isfinite(shown)], initial=0.0))
    high = max(ROOM * target, 1.1 * top)
    low = -high if least < 0 else -0.1 * high
    assert run.edge is not None
    _, values = landscape.field(low, high, NODES, depths, target)
    symbol = run.experiment.dynamics.edge_symbol
    return Ground(values=values, low=low, high=high, level=float(run.edge[-1]), symbol=symbol)


def flow(run: Trajectory, view: View) -> Streams | None:
    """Lines of gradient flow with their separatrix; None where they are not asked for or the flow
    of two strengths is not by itself."""
    if "flow" not in view.layers or _no_flow(run.experiment, view):
        return None
    target = run.experiment.task.singular_values[view.mode]
    depths, high = run.experiment.network.depths, ROOM * target
    gaps = prospects.kept_gaps(run.experiment, view.mode)
    pairs = landscape.streams(high, LINES, depths, target, gaps)
    divide = landscape.divide(high, depths, gaps=gaps)
    return Streams(
        lines=[_points(line) for pair in pairs for line in pair],
        label="gradient flow",
        arrows=[_arrow(line, ARROW_AT * target) for pair in pairs for line in pair],
        divide=() if divide is None else _points(divide),
        divide_label="separatrix",
    )


def missing(run: Trajectory, view: View) -> list[str]:
    """A sentence for each layer that was asked for and is not there."""
    reasons = {
        "flow": ("The flow", _no_flow(run.experiment, view)),
        "sharpness": ("The sharpness of every point", _no_sharpness(run.experiment, view)),
    }
    asked = [reasons[layer] for layer in view.layers]
    return [f"{what} is not drawn behind the plane: {why}." for what, why in asked if why]


def _no_flow(experiment: Experiment, view: View) -> str:
    """Why two strengths do not say where the flow goes from there, or nothing."""
    if prospects.kept_gaps(experiment, view.mode) is None:
        return (
            "two strengths say where the weights are only of linear pathways and whitened inputs, "
            "balanced or, under gradient flow, aligned"
        )
    if experiment.network.pathways != 2:
        return f"{experiment.network.pathways} pathways move, not the two of the plane alone"
    if not experiment.task.singular_values[view.mode] > 0:
        return "this mode has nothing to learn"
    return ""


def _no_sharpness(experiment: Experiment, view: View) -> str:
    """Why two strengths do not say how sharp the loss is there, or nothing."""
    edge = experiment.dynamics.edge
    if not prospects.follows_closed_forms(experiment):
        return (
            "two strengths say where the weights are only of balanced, linear pathways and "
            "whitened inputs"
        )
    if because := _no_flow(experiment, view):
        return because
    if len(experiment.task.singular_values) > 1:
        return "the largest eigenvalue depends on the other modes too"
    if edge is None or edge <= 0:
        return "this run has no edge to compare it with"
    if experiment.dynamics.freezes:
        return "the edge is that of the moving weights alone while a pathway is frozen"
    return ""


def _arrow(line: np.ndarray, before: float) -> tuple[float, float, float]:
    """At a way before the end of a line, or halfway along a shorter one."""
    lengths = np.append(0.0, np.hypot(*np.diff(line, axis=0).T).cumsum())
    k = int(np.searchsorted(lengths, max(lengths[-1] - before, lengths[-1] / 2)))
    step = line[max(k, 1)] - line[max(k, 1) - 1]
    x, y = line[k]
    return round(float(x), DIGITS), round(float(y), DIGITS), float(np.arctan2(step[1], step[0]))


def _points(line: np.ndarray) -> list[tuple[float, float]]:
    """The line with every third of its points, and its ends."""
    kept = np.unique(np.append(np.arange(len(line) - 1, 0, -3), 0))
    return [(round(float(x), DIGITS), round(float(y), DIGITS)) for x, y in line[kept]]
