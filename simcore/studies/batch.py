"""Many descents from aligned starts in one go, each with the bits that `simulate` gives it alone.

A map has thousands of cells that differ in step size, scales or target. Stepping them together
moves several with one instruction, and keeps of each only what its end is judged on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from simcore import expectations, looks, mode_curvature, mode_starts, sharing, true_tail, verdicts
from simcore.cost import cost
from simcore.courses import Course, course, sharpest_modes
from simcore.experiment import Descent, Experiment
from simcore.kernels import mode_cells as kernels
from simcore.kernels.modes import ModeSystem
from simcore.looks import Cancelled, Look
from simcore.mode_starts import Beginning
from simcore.sharing import Parts
from simcore.trajectory import Outcome
from simcore.true_tail import Descents
from simcore.verdicts import Regime

MOST_CELLS = 4096


class Ends(NamedTuple):
    """How C runs ended; numbers are those of each run's last record."""

    outcomes: list[Outcome]
    regimes: list[Regime]
    loss: np.ndarray  # (C,)
    sharpness: np.ndarray  # (C,)
    strengths: np.ndarray  # (C, H) of the sharpest mode, in units of sigma*_1


def kind(experiment: Experiment) -> Hashable:
    """What descents must share to run together; None if this one cannot."""
    task, network, dynamics = experiment.task, experiment.network, experiment.dynamics
    # the kernel is that of plain descent, and other dynamics have walks of their own
    if experiment.resolved_engine != "modes" or not (dynamics.iterated and dynamics.plain):
        return None
    sharpest = sharpest_modes(experiment)
    if sharpest != tuple(range(len(sharpest))):  # the kernel keeps the range of the first mode
        return None
    rows = experiment.start.layer_scales(network.depths)
    equal_layers = tuple(tuple(map(row.index, row)) for row in rows)
    sizes = (task.n_in, task.n_out, len(sharpest))
    return sizes, network, equal_layers, dynamics.steps, experiment.record


def compiled() -> bool:
    """Whether the first batch need not wait for a compiler."""
    return bool(getattr(kernels.descend_many, "signatures", True))  # without the JIT it never does


def seconds(experiment: Experiment) -> float:
    """About how many core seconds the run takes in a sweep of many like it."""
    return cost(experiment, together=kind(experiment) is not None).seconds


def origin(experiment: Experiment) -> Hashable:
    """What determines the state at the start; descents that share it are cheaper in one batch."""
    return experiment.task, experiment.network, experiment.start


def number_by(
    what: Callable[[Experiment], Hashable], experiments: Sequence[Experiment], parts: Parts
) -> np.ndarray:
    """For each of N experiments the number of its `what`, counted as they first come: (N,).

    `what` may depend on all but the step size, and on what else drives a descent only as far as
    whether it is plain.
    """
    driven = parts["dynamics"].by(lambda of: (of.steps, of.plain) if type(of) is Descent else of)
    others = (of.number for name, of in parts.items() if name != "dynamics")
    firsts, own = sharing.together([driven, *others])
    known: dict[Hashable, int] = {}
    numbers = [known.setdefault(what(experiments[first]), len(known)) for first in firsts]
    return np.array(numbers)[own]


def run_together(
    experiments: Sequence[Experiment], stopped: Callable[[], bool] | None = None
) -> Ends | None:
    """The ends of descents of one `kind`; None if `stopped()` was true before they were known."""

    def look() -> None:
        if stopped is not None and stopped():
            raise Cancelled

    try:
        return _run_together(experiments, look)
    except Cancelled:
        return None


def _run_together(experiments: Sequence[Experiment], look: Look) -> Ends:
    place = number_by(origin, experiments, sharing.parts(experiments))
    _, firsts = np.unique(place, return_index=True)
    origins = [experiments[first] for first in firsts]
    beginning = mode_starts.begin(origins)
    cells = _cells(experiments, beginning, place)
    scale = np.array([e.task.singular_values[0] for e in origins])[place]

    dynamics, record = experiments[0].dynamics, experiments[0].record
    assert isinstance(dynamics, Descent)
    gaps, system = np.diff(dynamics.recorded(record)), beginning.system
    start = _Start(cells.x[0].copy(), cells.strengths[0].copy())
    with np.errstate(all="ignore"):  # of diverged cells
        size = looks.between(seconds(experiments[0]) * len(experiments) / len(gaps))
        for block in np.split(gaps, range(size, len(gaps), size)):
            look()
            kernels.descend(cells, system.first, system.power, block)
            if not cells.alive.any():
                break
        found = _regimes(origins, place, system, cells, start)
        return _ends(experiments, origins, place, beginning.floor, cells, found, scale, look)


class _Start(NamedTuple):
    """Where the sharpest modes of C cells began."""

    x: np.ndarray  # (G, C) layer scales
    strengths: np.ndarray  # (H, C)


def _regimes(
    origins: Sequence[Experiment],
    place: np.ndarray,
    system: ModeSystem,
    cells: kernels.Cells,
    start: _Start,
) -> np.ndarray:
    """The regimes of cells, which began at the origins number `place` (C,)."""
    found = np.array([Regime.DIVERGED] * len(place), dtype=object)
    ended = np.flatnonzero(cells.alive)
    if len(ended) == 0:
        return found
    expected, dynamics = expectations.expect(origins).of(place[ended]), origins[0].dynamics
    target, step_size = cells.target[0, ended], cells.step_size[ended]
    here = Descents(system.first, system.power, target, step_size, cells.x[0][:, ended])
    past = [values[:, ended] for values in (start.strengths, cells.low, cells.high)]
    begun = here._replace(x=start.x[:, ended])
    seen = true_tail.evidence(begun, here, dynamics.steps, past, expected)
    depths = origins[0].network.depths
    found[ended] = verdicts.judge(depths, expected, 2 / step_size, target, seen).regimes
    return found


def _course(records: Sequence[np.ndarray], scale: np.ndarray) -> Course:
    """Of strengths, low and high with the mode before the pathway, (K, M, H, C)."""
    strengths, low, high = (np.swapaxes(values, 1, 2) for values in records)
    return course(strengths, low, high, scale)


def _cells(
    experiments: Sequence[Experiment], beginning: Beginning, place: np.ndarray
) -> kernels.Cells:
    """The cells at their start; `place` (C,) says which of the N starts each has."""
    runs, modes = len(beginning.loss), len(experiments[0].task.singular_values)

    def of_modes(values: np.ndarray) -> np.ndarray:
        """Values (..., N R and padding) as (R, ..., C)."""
        apart = values[..., : runs * modes].reshape(*values.shape[:-1], runs, modes)
        return np.moveaxis(apart, -1, 0)[..., place]

    state, pathways = beginning.state, len(beginning.system.first) - 1
    cells = kernels.room(modes, len(beginning.x), pathways, len(place))
    cells.step_size[:] = [e.dynamics.step_size for e in experiments]
    cells.limit[:], cells.alive[:] = beginning.limit[place], 1.0
    cells.target[:], cells.residual[:] = of_modes(beginning.system.target), of_modes(state.residual)
    cells.pull[:] = of_modes(state.pull)
    cells.x[:] = cells.kept_x[:] = of_modes(beginning.x)
    cells.strengths[:] = cells.kept_strengths[:] = of_modes(state.strengths)
    cells.low[:] = cells.high[:] = cells.strengths[0]
    cells.loss[:] = cells.kept_loss[:] = beginning.loss[place]
    return cells


def _ends(
    experiments: Sequence[Experiment],
    origins: Sequence[Experiment],
    place: np.ndarray,
    floor: np.ndarray,
    cells: kernels.Cells,
    found: np.ndarray,
    scale: np.ndarray,
    look: Look,
) -> Ends:
    last = cells.kept_strengths[None, : len(sharpest_modes(experiments[0]))]
    return Ends(
        outcomes=[Outcome.FINISHED if done else Outcome.DIVERGED for done in cells.alive > 0],
        regimes=found.tolist(),
        loss=cells.kept_loss + floor[place],
        sharpness=_sharpness(origins, place, cells.kept_x, look),
        strengths=_course((last, last, last), scale).strengths[0].T.copy(),
    )


def _sharpness(
    origins: Sequence[Experiment], place: np.ndarray, x: np.ndarray, look: Look
) -> np.ndarray:
    """The Hessian's largest eigenvalue at the states x (R, G, C), target after target: (C,)."""
    values, record = np.full(len(place), np.nan), origins[0].record
    if not record.sharpness:
        return values
    states = np.ascontiguousarray(np.moveaxis(x, -1, 0))
    of_target: dict[tuple[float, ...], list[int]] = {}
    for number, experiment in enumerate(origins):
        of_target.setdefault(experiment.task.singular_values, []).append(number)
    for numbers in of_target.values():
        mine = np.flatnonzero(np.isin(place, numbers))
        architecture = mode_curvature.architecture_of(origins[numbers[0]])
        top = mode_curvature.top_eigenvalues(architecture, states[mine], record.eigenvalues, look)
        values[mine] = top[:, 0]
    return values
