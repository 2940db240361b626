"""A trajectory as the table of columns that panels name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simcore import prospects, theory
from simcore.events import Freeze
from simcore.figures import scene
from simcore.trajectory import Trajectory


class Stretch(Protocol):
    """A phase of a run and when it is in t, as `regimes.phases` gives them."""

    @property
    def name(self) -> str: ...
    @property
    def begins(self) -> float: ...
    @property
    def ends(self) -> float: ...


@dataclass(frozen=True, eq=False)
class Named:
    """A run, its name in legends, its phases, what is noted of it, what became of it (a key of
    `style.ENDS`) and the letter along its lines."""

    name: str
    run: Trajectory
    phases: Sequence[Stretch] = ()
    notices: Sequence[scene.Notice] = ()
    end: str = ""
    sign: str = ""


def run_of(named: Named, mode: int, panels: Sequence[str]) -> scene.Run:
    """A run as a table of columns over its records, with all that `panels` may name."""
    run = named.run
    return scene.Run(
        name=named.name,
        stroke=run.experiment.dynamics.stroke,
        columns=_columns(run, mode, panels),
        phases=[(phase.name, phase.begins, phase.ends) for phase in named.phases],
        notices=named.notices,
        changes=changes(run),
        end=named.end,
        sign=named.sign,
    )


def changes(run: Trajectory) -> list[scene.Change]:
    """The events that the run has come to, when each begins and when it ends."""
    dynamics = run.experiment.dynamics
    reached = run.steps[-1] if dynamics.iterated else run.time[-1]
    return [
        scene.Change(
            label,
            event.words(dynamics.unit),
            dynamics.time(int(at)) if dynamics.iterated else float(at),
        )
        for event in dynamics.events
        for at, label in zip(event.times, event.labels, strict=True)
        if at <= reached
    ]


def _columns(run: Trajectory, mode: int, panels: Sequence[str]) -> dict[str, np.ndarray]:
    """Every column that one of the panels may name, over the records of one run."""
    strengths = run.strengths[:, :, mode]
    told = run.loss >= loss_noise(run)
    columns = {
        "step": run.steps,
        "t": run.time,
        "loss": np.where(told, run.loss, np.nan),
        "loss_low": np.where(told, run.loss_range[:, 0], np.nan),
        "loss_high": np.where(told, run.loss_range[:, 1], np.nan),
        "share": theory.shares(strengths).max(axis=1),
        "participation": theory.participation(strengths),
    }
    for h in range(strengths.shape[1]):
        columns[f"s{h}"] = strengths[:, h]
        columns[f"s{h}_low"] = run.strengths_range[:, 0, h, mode]
        columns[f"s{h}_high"] = run.strengths_range[:, 1, h, mode]
    for k in range(run.eigenvalues.shape[1]):
        columns[f"lambda{k}"] = run.eigenvalues[:, k]
    if run.moving_sharpness is not None:
        columns["moving"] = np.where(_asleep(run), run.moving_sharpness, np.nan)
    edge = run.edge
    if edge is not None:
        columns["edge"] = edge
    if run.predicted_loss is not None:
        columns["predicted"] = np.where(told, run.predicted_loss, np.nan)
    if "eigenvalues" in panels:
        columns |= _closed_spectrum(run)
    followed = prospects.follows_closed_forms(run.experiment)
    if followed and "gfs" in panels:  # a bisection for every record
        columns["gfs"] = gfs(run)
    if followed and "invariants" in panels:
        columns |= _invariants(run, mode)
    return columns


def _asleep(run: Trajectory) -> np.ndarray:
    """Whether a pathway keeps its weights from each record on, (K,)."""
    dynamics = run.experiment.dynamics
    when = run.steps if dynamics.iterated else run.time
    freezes = [event for event in dynamics.events if isinstance(event, Freeze)]
    return np.logical_or.reduce([event.holds(when) for event in freezes])


def precision(run: Trajectory) -> float:
    """To which relative error its numbers are those of its dynamics."""
    return 100 * getattr(run.experiment.dynamics, "rtol", 1e-15)


def loss_noise(run: Trajectory) -> float:
    """Below this a flow's loss is what its integrator leaves, and no part of the picture; that of a
    descent is its own."""
    dynamics = run.experiment.dynamics
    if dynamics.iterated:
        return 0.0
    target = np.linalg.norm(run.experiment.task.singular_values)
    return run.experiment.floor + 0.5 * (precision(run) * float(target)) ** 2


def _invariants(run: Trajectory, mode: int) -> dict[str, np.ndarray]:
    """phi_h - phi_1 relative to the start, for h > 1."""
    differences = phi_differences(run, mode)
    changes = differences - differences[0]
    return {f"invariant{h}": changes[:, h] for h in range(1, changes.shape[1])}


def phi_differences(run: Trajectory, mode: int) -> np.ndarray:
    """phi_h - phi_1 at every record, (K, H); nan where a strength is not positive."""
    strengths = run.strengths[:, :, mode]
    with np.errstate(divide="ignore", invalid="ignore"):
        positive = np.where(strengths > 0, strengths, np.nan)
        phi = theory.flow_invariants(positive, run.experiment.network.depths)
    return phi - phi[:, :1]


def pair_column(i: int, j: int) -> str:
    return f"pair{i}_{j}"


def _closed_spectrum(run: Trajectory) -> dict[str, np.ndarray]:
    """Lambda_ij of the strengths at every record: Hessian eigenvalues at an aligned, balanced
    minimum, so they meet the measured ones as the run comes to rest."""
    depths = run.experiment.network.depths
    return {
        pair_column(i, j): theory.pair_sharpness(
            run.strengths[:, :, i], run.strengths[:, :, j], depths
        )
        for i, j in top_pairs(run)
    }


def top_pairs(run: Trajectory) -> list[tuple[int, int]]:
    """Pairs i <= j of the first modes of `blocks` whose Lambda_ij hold as many of the largest
    eigenvalues as were recorded, at the last finite record."""
    finite = np.isfinite(run.strengths).all(axis=(1, 2))
    closed = run.experiment.task.whitened and run.experiment.network.linear
    if not (closed and finite.any()):
        return []
    shown_blocks = blocks(run)[:32]  # the first are the sharpest
    firsts = np.array([block[0] for block in shown_blocks])
    sizes = np.array([len(block) for block in shown_blocks])
    sigma = run.strengths[finite][-1][:, firsts].T
    values = theory.pair_sharpness(sigma[:, None], sigma[None], run.experiment.network.depths)
    i, j = np.triu_indices(len(firsts))
    order = np.argsort(-values[i, j], kind="stable")
    held = (np.where(i == j, 1, 2) * sizes[i] * sizes[j])[order]
    before = np.cumsum(held) - held
    return [
        (int(firsts[i[n]]), int(firsts[j[n]])) for n in order[before < run.eigenvalues.shape[1]]
    ]


def blocks(run: Trajectory) -> list[np.ndarray]:
    """Modes of one singular value each, as index arrays; such blocks need no choice of basis."""
    values = np.array(run.experiment.task.singular_values)
    breaks = np.flatnonzero(np.diff(values) < -1e-9 * max(values[0], 1e-300)) + 1
    return np.split(np.arange(len(values)), breaks)


def gfs(run: Trajectory) -> np.ndarray:
    """GFS sharpness of the whole network at every record, (K,): the largest of its modes; nan where
    no mode reaches a minimum."""
    by_mode = np.moveaxis(run.strengths, 1, 2)
    targets = np.array(run.experiment.task.singular_values)
    values = theory.gfs_sharpness(by_mode, run.experiment.network.depths, targets)
    return np.fmax.reduce(values, axis=1)
