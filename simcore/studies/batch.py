"""Many descents from aligned starts in one go, each with the bits that `simulate` gives it alone.

A map has thousands of cells that differ in step size, scales or target. Stepping them together
moves several with one instruction, and keeps of each only what its end is judged on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from simcore import mode_curvature, prospects, regimes
from simcore.engines import ModesEngine
from simcore.experiment import Descent, Experiment, LayerScales, Record
from simcore.kernels import mode_cells as kernels
from simcore.kernels.simd import padded
from simcore.regimes import Regime
from simcore.trajectory import Outcome

BLOCK = 1 << 18  # numbers of a table of records, so that it stays in the cache
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
    task, network, start = experiment.task, experiment.network, experiment.start
    dynamics = experiment.dynamics
    if experiment.resolved_engine != "modes" or not isinstance(dynamics, Descent):
        return None
    equal_layers = None
    if isinstance(start, LayerScales):
        equal_layers = tuple(tuple(map(row.index, row)) for row in start.scales)
    sizes = (task.n_in, task.n_out, regimes.repeats(experiment))
    return sizes, network, equal_layers, dynamics.steps, experiment.record


def work(experiment: Experiment) -> float:
    """Pathway steps, each of some nanoseconds, that a descent of some `kind` takes."""
    assert isinstance(experiment.dynamics, Descent)
    modes = len(experiment.task.singular_values)
    return experiment.dynamics.steps * experiment.network.pathways * modes


def origin(experiment: Experiment) -> Hashable:
    """What determines the state at the start; descents that share it are cheaper in one batch."""
    return experiment.task, experiment.network, experiment.start


def number_by(
    what: Callable[[Experiment], Hashable], experiments: Sequence[Experiment]
) -> list[int]:
    """For each experiment the number of its `what`, counted as they first come.

    `what` may depend on all but the step size. Cells of a map share the objects they are made of,
    and looking at those is much faster than at their values.
    """
    of_parts: dict[Hashable, int] = {}
    of_values: dict[Hashable, int] = {}
    numbers = []
    for e in experiments:
        parts = (id(e.task), id(e.network), id(e.start), id(e.record), e.engine)
        dynamics = e.dynamics.steps if isinstance(e.dynamics, Descent) else None
        number = of_parts.get((parts, dynamics))
        if number is None:
            number = of_values.setdefault(what(e), len(of_values))
            of_parts[parts, dynamics] = number
        numbers.append(number)
    return numbers


def run_together(
    experiments: Sequence[Experiment], stopped: Callable[[], bool] | None = None
) -> Ends | None:
    """The ends of descents of one `kind`; None if `stopped()` was true before the last step."""
    count = len(experiments)
    experiments = [*experiments, *[experiments[-1]] * (padded(count) - count)]
    place = np.array(number_by(origin, experiments))
    _, firsts = np.unique(place, return_index=True)
    engines = [ModesEngine(experiments[first]) for first in firsts]
    cells = _cells(experiments, engines, place)
    tasks = [experiments[first].task for first in firsts]
    scale = np.array([task.singular_values[0] for task in tasks])[place]

    dynamics, record = experiments[0].dynamics, experiments[0].record
    assert isinstance(dynamics, Descent)
    gaps, repeats = np.diff(record.steps(dynamics.steps)), regimes.repeats(experiments[0])
    system = engines[0].system
    witness = regimes.Witness(1 + len(gaps))
    now = cells.strengths[None, :repeats]
    with np.errstate(all="ignore"):  # of diverged cells
        witness.see(_course((now, now, now), scale))
        size = max(1, BLOCK // (3 * now.size))
        for block in np.split(gaps, range(size, len(gaps), size)):
            if stopped is not None and stopped():
                return None
            table = kernels.Table(*(np.zeros((len(block), *now.shape[1:])) for _ in range(3)))
            kernels.descend_many(cells, system.first, system.power, block, table)
            if not cells.alive.any():
                break
            witness.see(_course(table, scale))
        return _ends(experiments, engines, place, cells, witness, scale, count)


def _course(records: Sequence[np.ndarray], scale: np.ndarray) -> regimes.Course:
    """Of strengths, low and high with the mode before the pathway, (K, M, H, C)."""
    strengths, low, high = (np.swapaxes(values, 1, 2) for values in records)
    return regimes.course(strengths, low, high, scale)


def _cells(
    experiments: Sequence[Experiment], engines: Sequence[ModesEngine], place: np.ndarray
) -> kernels.Cells:
    """The cells at their start; `place` (C,) says whose engine's start each has."""

    def gather(arrays: Sequence[np.ndarray]) -> np.ndarray:
        return np.ascontiguousarray(np.stack(arrays, axis=-1)[..., place], dtype=float)

    def of_modes(arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Arrays (..., R and more) as (R, ..., C)."""
        return gather([array[..., : engines[0].modes].T for array in arrays])

    states = [engine.state for engine in engines]
    x = of_modes([engine.x for engine in engines])
    strengths = of_modes([state.strengths for state in states])
    loss = gather([np.array(engine.loss) for engine in engines])
    return kernels.Cells(
        step_size=np.array([e.dynamics.step_size for e in experiments]),  # type: ignore[union-attr]
        limit=gather([np.array(engine.limit) for engine in engines]),
        target=of_modes([engine.system.target for engine in engines]),
        x=x,
        pull=of_modes([state.pull for state in states]),
        strengths=strengths,
        residual=of_modes([state.residual for state in states]),
        loss=loss,
        alive=np.ones(len(place)),
        kept_x=x.copy(),
        kept_strengths=strengths.copy(),
        kept_loss=loss.copy(),
    )


def _ends(
    experiments: Sequence[Experiment],
    engines: Sequence[ModesEngine],
    place: np.ndarray,
    cells: kernels.Cells,
    witness: regimes.Witness,
    scale: np.ndarray,
    count: int,
) -> Ends:
    """Of the first `count` cells; the others are there to fill the kernel's vectors."""
    finished = cells.alive > 0
    verdicts = np.array([Regime.DIVERGED] * len(place), dtype=object)
    depths = experiments[0].network.depths
    if finished.any():
        expected = prospects.expect([engine.experiment for engine in engines]).of(place)
        verdicts[finished] = witness.regimes(depths, expected, 2 / cells.step_size)[finished]
    repeats = regimes.repeats(experiments[0])
    last = cells.kept_strengths[None, :repeats]
    floor = np.array([engine.floor for engine in engines])[place]
    return Ends(
        outcomes=[Outcome.FINISHED if done else Outcome.DIVERGED for done in finished[:count]],
        regimes=verdicts[:count].tolist(),
        loss=(cells.kept_loss + floor)[:count],
        sharpness=_sharpness(
            experiments[0].record, engines, place[:count], cells.kept_x[..., :count]
        ),
        strengths=_course((last, last, last), scale).strengths[0, :, :count].T.copy(),
    )


def _sharpness(
    record: Record, engines: Sequence[ModesEngine], place: np.ndarray, x: np.ndarray
) -> np.ndarray:
    """The Hessian's largest eigenvalue at the states x (R, G, C), target after target: (C,)."""
    values = np.full(len(place), np.nan)
    if not record.sharpness:
        return values
    states = np.ascontiguousarray(np.moveaxis(x, -1, 0))
    of_target: dict[bytes, list[int]] = {}
    for number, engine in enumerate(engines):
        of_target.setdefault(engine.system.target.tobytes(), []).append(number)
    for numbers in of_target.values():
        mine = np.flatnonzero(np.isin(place, numbers))
        top = mode_curvature.top_eigenvalues(
            engines[numbers[0]].architecture, states[mine], record.eigenvalues
        )
        values[mine] = top[:, 0]
    return values
