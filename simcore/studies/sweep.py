"""Many experiments: grids of them, what to keep of each, and running them on anything.

An executor is an argument (threads, processes, a Dask cluster), and rows are the same bit for bit
whichever it is. Whatever happens in a run, it has a row: divergence and cancelling are outcomes.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing
from dataclasses import fields, replace
from functools import partial
from itertools import product
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np

from simcore import regimes, theory
from simcore.checks import require, shown
from simcore.experiment import Descent, Experiment
from simcore.regimes import Regime
from simcore.simulate import simulate
from simcore.spec import Spec
from simcore.studies import batch as mode_batch
from simcore.studies.batch import Ends
from simcore.studies.store import Row, Store
from simcore.trajectory import Outcome, Trajectory

Measure = Callable[[Trajectory], Row]
OnDone = Callable[[int, int, Row], object]

MOST_CELLS = 1_000_000  # of one grid
STEPS_PER_BATCH = 2e7  # of a pathway and mode: some hundredths of a second
BATCHES, FEWEST_CELLS = 8, 64  # so many batches, to share among cores, while none is so small
MULTIPLICATIONS_PER_BATCH = 2e8  # of whole networks: some tenths of a second
RUNS_PER_BATCH = 16  # of those, however short


# --- Grids -----------------------------------------------------------------------------------


def grid(base: Experiment, axes: Mapping[str, Sequence[Any]]) -> list[Experiment]:
    """Every combination of the axes' values put into `base`, the last axis fastest.

    An axis is a path into the experiment, as "dynamics.step_size" or "start", and its values.
    Paths that only fit together are one axis, "network.depths, start.scales", whose values are one
    value per path. ValueError for a path that does not exist or a combination that is no
    experiment.
    """
    require(isinstance(base, Experiment), f"a grid needs an Experiment, got {shown(base)}")
    require(isinstance(axes, Mapping), f"axes must be paths with values, got {shown(axes)}")
    paths = [tuple(path.strip() for path in str(axis).split(",")) for axis in axes]
    choices = [_choices(axis, names, axes[axis]) for axis, names in zip(axes, paths, strict=True)]
    names = [name for axis in paths for name in axis]
    require(len(set(names)) == len(names), f"each path may be given once, got {shown(names)}")
    cells = int(np.prod([len(values) for values in choices], dtype=float))
    require(cells <= MOST_CELLS, f"a grid may have at most {MOST_CELLS} cells, this has {cells}")
    parts = _Parts(base, names)
    return [parts.experiment([v for chosen in cell for v in chosen]) for cell in product(*choices)]


def _choices(axis: Any, names: Sequence[str], values: Any) -> list[tuple[Any, ...]]:
    """The values of one axis, as one tuple of values (one per path) for each of its points."""
    is_list = isinstance(values, Sequence | np.ndarray) and not isinstance(values, str)
    require(is_list, f"axis {axis} needs a list of values, got {shown(values)}")
    require(len(values) > 0, f"axis {axis} needs at least one value, got none")
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if len(names) == 1:
        return [(value,) for value in values]
    for value in values:
        fits = isinstance(value, Sequence) and len(value) == len(names)
        require(fits, f"axis {axis} needs {len(names)} values at each point, got {shown(value)}")
    return [tuple(value) for value in values]


class _Parts:
    """Builds experiments of a grid; equal parts of them (one Descent, one Network) are one object,
    so that they are checked once."""

    def __init__(self, base: Experiment, paths: Sequence[str]) -> None:
        self.base = base
        self.paths = [_steps(base, path) for path in paths]
        self.known: dict[tuple[Any, ...], Any] = {}

    def experiment(self, values: Sequence[Any]) -> Experiment:
        """The base with one value for each path."""
        changes: dict[str, list[tuple[tuple[str, ...], Any]]] = {}
        for (name, *deeper), value in zip(self.paths, values, strict=True):
            changes.setdefault(name, []).append((tuple(deeper), value))
        return replace(
            self.base, **{name: self._part(name, change) for name, change in changes.items()}
        )

    def _part(self, name: str, changes: list[tuple[tuple[str, ...], Any]]) -> Any:
        key = (name, *(id(value) for _, value in changes))  # the axes keep the values alive
        if key not in self.known:
            part = getattr(self.base, name)
            for deeper, value in changes:
                part = _replaced(part, deeper, value)
            self.known[key] = part
        return self.known[key]


def _steps(spec: Spec, path: str) -> list[str]:
    """The field names of a path, each of which exists."""
    names, here = path.split("."), spec
    for name in names:
        known = [f.name for f in fields(here)] if isinstance(here, Spec) else []
        place = type(here).__name__ if known else "a value"
        require(
            name in known,
            f"expected a path into an experiment like dynamics.step_size, got {shown(path)}; "
            f"{place} has {', '.join(known) or 'no fields'}",
        )
        here = getattr(here, name)
    return names


def _replaced(part: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return Spec.from_dict(value) if isinstance(value, dict) else value
    deeper = _replaced(getattr(part, path[0]), path[1:], value)
    return replace(part, **{path[0]: deeper})


# --- What to keep of a run -------------------------------------------------------------------


def summary(run: Trajectory) -> Row:
    """The end of a run in scalars.

    outcome (name of the `Outcome`), regime (value of the `Regime`), loss, sharpness (of the whole
    Hessian), edge_ratio = eta * sharpness / 2 (nan for a flow), and of the sharpest mode the
    largest_share max_h q_h and the participation 1 / sum_h q_h^2 with q_h = |sigma_h| / sum_g
    |sigma_g|, all at the last record; seconds that it took.
    """
    ends = Ends(
        [run.outcome],
        [regimes.classify(run)],
        run.loss[-1:],
        run.sharpness[-1:],
        regimes.sharpest(run).strengths[-1:],
    )
    return _rows([run.experiment], ends, run.seconds)[0]


def _rows(experiments: Sequence[Experiment], ends: Ends, seconds: float) -> list[Row]:
    step_sizes = np.array([getattr(e.dynamics, "step_size", np.nan) for e in experiments])
    columns = zip(
        ends.outcomes,
        ends.regimes,
        ends.loss.tolist(),
        ends.sharpness.tolist(),
        (step_sizes * ends.sharpness / 2).tolist(),
        theory.shares(ends.strengths).max(axis=-1).tolist(),
        theory.participation(ends.strengths).tolist(),
        strict=True,
    )
    return [
        {
            "outcome": outcome.name,
            "regime": regime.value,
            "loss": loss,
            "sharpness": sharpness,
            "edge_ratio": edge_ratio,
            "largest_share": largest_share,
            "participation": participation,
            "seconds": seconds,
        }
        for outcome, regime, loss, sharpness, edge_ratio, largest_share, participation in columns
    ]


def _cancelled_row(measure: Measure) -> Row:
    """The row of a run that was not reached."""
    row: Row = {"outcome": Outcome.CANCELLED.name}
    if measure is summary:
        scalars = ("loss", "sharpness", "edge_ratio", "largest_share", "participation")
        row |= {"regime": Regime.UNFINISHED.value, **dict.fromkeys(scalars, np.nan), "seconds": 0.0}
    return row


# --- Running them ----------------------------------------------------------------------------


def sweep(
    experiments: Iterable[Experiment],
    measure: Measure = summary,
    *,
    executor: Any = None,
    store: Store | str | Path | None = None,
    on_done: OnDone | None = None,
) -> list[Row]:
    """One row per experiment, `measure(simulate(experiment))`, in the order given.

    `executor` is a `concurrent.futures.Executor` or a `dask.distributed.Client`; None takes
    threads, one per core. With processes or a cluster `measure` must be importable there. Equal
    experiments are run once, those in the `store` not at all, and finished ones go into it batch
    by batch. `on_done(done, total, row)` is called in the caller's thread for every row; returning
    False cancels: what is not done by then gets a row with outcome CANCELLED (and nothing in the
    store). Descents from aligned starts run many at a time if the measure is `summary`.
    """
    experiments = list(experiments)
    others = [thing for thing in experiments if not isinstance(thing, Experiment)]
    require(not others, f"a sweep needs a list of experiments, got {shown(others[:1])} among them")
    with ExitStack() as stack:
        if isinstance(store, str | Path):
            store = stack.enter_context(Store(store))
        return _sweep(experiments, measure, executor, store, on_done)


def _sweep(
    experiments: Sequence[Experiment],
    measure: Measure,
    executor: Any,
    store: Store | None,
    on_done: OnDone | None,
) -> list[Row]:
    indices: dict[Experiment, list[int]] = {}
    for index, experiment in enumerate(experiments):
        indices.setdefault(experiment, []).append(index)
    places_of = {id(experiment): places for experiment, places in indices.items()}
    rows: list[Row | None] = [None] * len(experiments)
    done = 0

    def place(batch: Sequence[Experiment], results: Sequence[Row]) -> bool:
        """Put the rows where they belong; whether to go on."""
        nonlocal done
        wanted = True
        for experiment, row in zip(batch, results, strict=True):
            for index in places_of[id(experiment)]:  # hashing takes longer than a run
                rows[index] = dict(row)
                done += 1
                if wanted and on_done is not None:
                    wanted = on_done(done, len(experiments), row) is not False
        return wanted

    known = store.rows(list(indices), _name(measure)) if store is not None else {}
    go_on = place(list(known), list(known.values()))
    missing = [e for e in indices if e not in known] if known else list(indices)
    if go_on and missing:
        with closing(_results(_batches(missing, measure), measure, executor)) as results:
            for batch, batch_rows in results:
                if store is not None:
                    store.put(batch, batch_rows, _name(measure))
                if not place(batch, batch_rows):
                    break
    return [_cancelled_row(measure) if row is None else row for row in rows]


def _name(measure: Measure) -> str:
    """What tells the rows of one measure from those of another in a store."""
    if measure is summary:
        return "summary"
    if isinstance(measure, partial):
        return f"{_name(measure.func)}{measure.args}{measure.keywords}"
    name = getattr(measure, "__qualname__", "<lambda>")
    require("<lambda>" not in name, "a measure needs a name for its rows to be stored; use def")
    return f"{measure.__module__}.{name}"


def _results(
    batches: Sequence[list[Experiment]], measure: Measure, executor: Any
) -> Generator[tuple[list[Experiment], list[Row]], None, None]:
    """Batches with their rows, as they finish. Closing it stops what is still running."""
    stop = threading.Event()
    own = None
    run: Callable[..., list[Row] | None] = _run_batch
    if executor is None:
        executor = own = ThreadPoolExecutor(_cores())
        run = partial(_run_batch, stopped=stop.is_set)
    elif hasattr(executor, "get_executor"):  # a dask.distributed.Client
        executor = executor.get_executor(pure=False)
    pending: dict[Future, list[Experiment]] = {}
    try:
        for batch in batches:
            pending[executor.submit(run, batch, measure)] = batch
        for future in as_completed(list(pending)):
            rows = future.result()
            yield pending.pop(future), rows
    finally:
        stop.set()
        for future in pending:
            future.cancel()
        if own is not None:
            own.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_told_to_stop: Callable[[], bool] | None = None  # in a worker process


def stop_at(event: Event) -> None:
    """Initialise a worker process: only `event` stops its runs, Ctrl-C is for its parent."""
    global _told_to_stop
    _told_to_stop = event.is_set
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run_batch(
    batch: Sequence[Experiment], measure: Measure, stopped: Callable[[], bool] | None = None
) -> list[Row] | None:
    """The rows of one batch; None if it was stopped."""
    stopped = stopped or _told_to_stop
    if measure is summary and mode_batch.kind(batch[0]) is not None:
        begin = time.perf_counter()
        ends = mode_batch.run_together(batch, stopped)
        seconds = (time.perf_counter() - begin) / len(batch)
        return None if ends is None else _rows(batch, ends, seconds)
    rows = []
    for experiment in batch:
        run = simulate(experiment, on_progress=None if stopped is None else lambda _: not stopped())
        if run.outcome is Outcome.CANCELLED:
            return None
        rows.append(measure(run))
    return rows


def _batches(experiments: Sequence[Experiment], measure: Measure) -> list[list[Experiment]]:
    """What is run, stored and lost together: descents of one kind, those that start alike side by
    side, and others until there is work for a while."""
    if measure is not summary:
        return _by_work(experiments)
    alike: dict[int, list[Experiment]] = {}
    numbers = mode_batch.number_by(
        lambda e: (mode_batch.kind(e), mode_batch.origin(e)), experiments
    )
    for number, experiment in zip(numbers, experiments, strict=True):
        alike.setdefault(number, []).append(experiment)
    kinds: dict[Hashable, list[Experiment]] = {}
    for same in alike.values():
        kinds.setdefault(mode_batch.kind(same[0]), []).extend(same)
    batches = _by_work(kinds.pop(None, []))
    for cells in kinds.values():
        size = int(STEPS_PER_BATCH / mode_batch.work(cells[0]))
        shared = max(FEWEST_CELLS, len(cells) // BATCHES)
        size = min(max(size, 1), shared, mode_batch.MOST_CELLS)
        batches += [cells[first : first + size] for first in range(0, len(cells), size)]
    return batches


def _by_work(experiments: Sequence[Experiment]) -> list[list[Experiment]]:
    batches: list[list[Experiment]] = []
    room = 0.0
    for experiment in experiments:
        work = _multiplications(experiment)
        if not batches or work > room or len(batches[-1]) == RUNS_PER_BATCH:
            batches.append([])
            room = MULTIPLICATIONS_PER_BATCH
        batches[-1].append(experiment)
        room -= work
    return batches


def _multiplications(experiment: Experiment) -> float:
    """Of a run, roughly; a flow's steps are known to its integrator only."""
    if not isinstance(experiment.dynamics, Descent):
        return MULTIPLICATIONS_PER_BATCH
    task, steps = experiment.task, experiment.dynamics.steps
    weights = experiment.network.weights(task)
    records = len(experiment.record.steps(steps)) if experiment.record.sharpness else 0
    return 3.0 * task.n_in * weights * (steps + 100 * records)
