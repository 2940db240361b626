"""The scene of a run that nobody has computed yet: the browser does so, from where it starts.

A server that has just woken compiles for seconds; this takes no kernel. All that panels show beside
the numbers, theory's ends and marks, is there from the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simcore import live, variations
from simcore.experiment import Experiment
from simcore.figures import panels, player
from simcore.figures.scene import Scene
from simcore.figures.tables import Named
from simcore.trajectory import Outcome, Trajectory
from simcore.view import View

NOTE = "Computed by this browser; the server is waking up, and its words follow."


def scene(
    experiment: Experiment, keys: Sequence[str], view: View, *, with_flow: bool
) -> Scene | None:
    """The panels `keys` of an aligned descent, with gradient flow beside it; None where the browser
    cannot compute all that they show."""
    system = live.system(experiment, view.mode, flow=1 if with_flow else None)
    if system is None or (with_flow and system["flow"] is None):
        return None
    runs = [Named("GD", _start(experiment))]
    if with_flow:
        runs.append(Named("GF", _start(variations.matching_flow(experiment))))
    shown = replace(panels.simulator(runs, keys, view), live=system | {"awaited": True}, note=NOTE)
    return shown if player.makes_all(shown) else None


def _start(experiment: Experiment) -> Trajectory:
    """The run at its first record; its sharpness there is left to the browser."""
    modes = range(len(experiment.task.singular_values))
    strengths = np.array([experiment.start.strengths(mode) for mode in modes]).T[None]
    residual = strengths.sum(axis=1) - experiment.task.singular_values
    loss = experiment.task.floor() + 0.5 * (residual**2).sum(axis=1)
    return Trajectory(
        experiment=experiment,
        outcome=Outcome.CANCELLED,
        steps=np.zeros(1),
        time=np.zeros(1),
        loss=loss,
        strengths=strengths,
        eigenvalues=np.zeros((1, 1)),
        residuals=np.zeros((1, 1)),
        loss_range=np.stack([loss, loss], axis=1),
        strengths_range=np.stack([strengths, strengths], axis=1),
    )
