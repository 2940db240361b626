"""Many experiments: what to keep of each, and running them on anything.

An executor is an argument (threads, processes, a Dask cluster), and rows are the same bit for bit
whichever it is. Whatever happens in a run, it has a row: divergence and cancelling are outcomes.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import fields
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from simcore import bars, hands, regimes, run_inputs, theory
from simcore.checks import require, shown
from simcore.cost import cost
from simcore.courses import sharpest
from simcore.experiment import Experiment
from simcore.hands import cores
from simcore.rows import Row, Summary
from simcore.simulate import simulate
from simcore.studies import batch
from simcore.studies.batch import Ends
from simcore.studies.cluster import Cluster, client_of
from simcore.studies.grids import Grid
from simcore.studies.store import Store
from simcore.studies.workers import told_to_stop
from simcore.trajectory import Outcome, Trajectory

Measure = Callable[[Trajectory], Row]
OnDone = Callable[[int, int, Row], object]

SECONDS_PER_BATCH = 0.3  # of one core
BATCHES, FEWEST_CELLS = 8, 64  # so many batches, to share among cores, while none is so small
RUNS_PER_BATCH = 16  # of those that run one by one, however short
LOOK_EVERY = 0.1  # seconds between two questions whether to stop


# --- What to keep of a run -------------------------------------------------------------------


def summary(run: Trajectory) -> Row:
    """The end of a run in scalars, those of `rows.Summary` by name.

    outcome, regime, loss, sharpness, edge_ratio, which is eta * sharpness / 2 at the step size of
    the end, with momentum and weight decay eta (sharpness + mu) over the largest that is stable
    (nan for a flow), and of the sharpest mode largest_share and participation, all at the last
    record; seconds that it took.
    """
    ends = Ends(
        [run.outcome],
        [regimes.classify(run)],
        run.loss[-1:],
        run.sharpness[-1:],
        sharpest(run).strengths[-1:],
    )
    return _rows([run.experiment], ends, run.seconds)[0]


def _rows(experiments: Sequence[Experiment], ends: Ends, seconds: float) -> list[Row]:
    rules = [e.dynamics for e in experiments]
    known = {
        i: (np.nan if of.eta is None else of.eta, of.weight_decay, of.reach)
        for i, of in {id(of): of for of in rules}.items()
    }
    step_sizes, decays, reaches = np.array([known[id(of)] for of in rules]).T
    return Summary.rows(
        outcome=_each(ends.outcomes, lambda outcome: outcome.name),
        regime=_each(ends.regimes, lambda regime: regime.value),
        loss=ends.loss.tolist(),
        sharpness=ends.sharpness.tolist(),
        edge_ratio=(step_sizes * (ends.sharpness + decays) / reaches).tolist(),
        largest_share=theory.shares(ends.strengths).max(axis=-1).tolist(),
        participation=theory.participation(ends.strengths).tolist(),
        seconds=[seconds] * len(experiments),
    )


def _each(words: Sequence[Any], name: Callable[[Any], str]) -> list[str]:
    """The names of words, few of which differ."""
    return list(map({word: name(word) for word in set(words)}.__getitem__, words))


def _cancelled_row(measure: Measure) -> Row:
    """The row of a run that was not reached."""
    return Summary().row() if measure is summary else {"outcome": Outcome.CANCELLED.name}


# --- Running them ----------------------------------------------------------------------------


def sweep(
    experiments: Iterable[Experiment],
    measure: Measure = summary,
    *,
    executor: Any = None,
    store: Store | str | Path | None = None,
    on_done: OnDone | None = None,
    stopped: Callable[[], bool] | None = None,
    progress: bool = False,
) -> list[Row]:
    """One row per experiment, in the order given: its inputs, then `measure(simulate(experiment))`.

    The inputs are what differs between the experiments, and the axes of a `grid`, by their paths
    ("dynamics.step_size").
    `executor` is a `concurrent.futures.Executor` or a `dask.distributed.Client`; None takes
    threads, one per core. With processes or a cluster `measure` must be importable there; a worker
    of another version of this package, or without it, ends the sweep with ValueError. Equal
    experiments are run once, those in the `store` not at all, and finished ones go into it batch
    by batch; a `grid` also leaves its plan there, so that the file can be opened as a map.
    `on_done(done, total, row)` is called in the caller's thread for every row; returning False
    cancels: what is not done by then gets a row with outcome CANCELLED (and nothing in the store).
    So does `stopped()` once it is true; the caller's thread asks ten times a second, and threads
    ask within each run. `progress` shows a bar, in a notebook too.
    Descents from aligned starts run many at a time if the measure is `summary`.
    """
    plan = experiments if isinstance(experiments, Grid) else None
    experiments = list(experiments)
    others = [thing for thing in experiments if not isinstance(thing, Experiment)]
    require(not others, f"a sweep needs a list of experiments, got {shown(others[:1])} among them")
    inputs = run_inputs.varied(experiments, plan.axes if plan is not None else ())
    with ExitStack() as stack:
        if progress:
            bar = stack.enter_context(bars.counting(len(experiments)))
            on_done = bars.with_bar(bar, on_done)
        if isinstance(store, str | Path):
            store = stack.enter_context(Store(store))
        if plan is not None and isinstance(store, Store):
            store.put_plan(plan.to_json(), _name(measure))
        return _sweep(experiments, inputs, measure, executor, store, on_done, stopped)


def _sweep(
    experiments: Sequence[Experiment],
    inputs: Sequence[Row],
    measure: Measure,
    executor: Any,
    store: Store | None,
    on_done: OnDone | None,
    stopped: Callable[[], bool] | None,
) -> list[Row]:
    places = _equal(experiments)
    different = [experiments[first] for first, *_ in places]
    places_of = {id(experiment): same for experiment, same in zip(different, places, strict=True)}
    rows: list[Row | None] = [None] * len(experiments)
    done = 0

    def place(part: Sequence[Experiment], results: Sequence[Row]) -> bool:
        """Put the rows where they belong; whether to go on."""
        nonlocal done
        wanted = True
        for experiment, row in zip(part, results, strict=True):
            for index in places_of[id(experiment)]:  # hashing takes longer than a run
                found = rows[index] = inputs[index] | row
                done += 1
                if wanted and on_done is not None:
                    wanted = on_done(done, len(experiments), found) is not False
        return wanted

    known = store.rows(different, _name(measure)) if store is not None else {}
    go_on = place(list(known), list(known.values()))
    missing = [e for e in different if e not in known] if known else different
    if go_on and missing:
        batches = _batches(missing, measure)
        with closing(_results(batches, measure, executor, stopped)) as results:
            for part, part_rows in results:
                if store is not None:
                    store.put(part, part_rows, _name(measure))
                if not place(part, part_rows):
                    break
    cancelled = _cancelled_row(measure)
    return [
        given | cancelled if row is None else row for given, row in zip(inputs, rows, strict=True)
    ]


def _equal(experiments: Sequence[Experiment]) -> list[list[int]]:
    """The places of equal experiments, in the order of the first of them.

    To hash an experiment takes longer than its run in a map, whose cells share their parts: each
    part is hashed once.
    """
    numbers = np.zeros(len(experiments), dtype=np.int64)
    for field in fields(Experiment):
        owners = list(map(attrgetter(field.name), experiments))
        different = {id(owner): owner for owner in owners}
        of_values: dict[Any, int] = {}
        number_of = {
            i: of_values.setdefault(owner, len(of_values)) for i, owner in different.items()
        }
        if len(of_values) > 1:
            own = np.fromiter(map(number_of.__getitem__, map(id, owners)), np.int64, len(owners))
            numbers = np.unique(numbers * len(of_values) + own, return_inverse=True)[1]
    places: dict[int, list[int]] = {}
    for index, number in enumerate(numbers.tolist()):
        places.setdefault(number, []).append(index)
    return list(places.values())


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
    batches: Sequence[list[Experiment]],
    measure: Measure,
    executor: Any,
    stopped: Callable[[], bool] | None,
) -> Generator[tuple[list[Experiment], list[Row]], None, None]:
    """Batches with their rows, as they finish, until told to stop. Closing it stops what is still
    running."""
    stop = threading.Event()

    def unwanted() -> bool:
        return stop.is_set() or (stopped is not None and stopped())

    own = cluster = None
    run: Callable[..., list[Row] | None] = _run_batch
    if executor is None:
        executor = own = ThreadPoolExecutor(cores())
    if isinstance(executor, ThreadPoolExecutor):  # its threads can be told to stop
        run = partial(_run_batch, stopped=unwanted)
    elif (client := client_of(executor)) is not None:
        executor = cluster = Cluster(client)
    pending: dict[Future, list[Experiment]] = {}
    finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
    try:
        for part in batches:
            future = executor.submit(run, part, measure)
            pending[future] = part
            future.add_done_callback(finished.put)
        while pending and not unwanted():
            try:
                future = finished.get(timeout=LOOK_EVERY)
            except queue.Empty:
                continue
            rows = future.result()
            if rows is None:
                return
            yield pending.pop(future), rows
    except CancelledError:  # by a scheduler that is gone, so nobody is there to be asked
        raise
    except Exception:
        if cluster is not None:
            cluster.check()  # the reason may be a worker that is none
        raise
    finally:
        stop.set()
        for future in pending:
            future.cancel()
        if own is not None:
            own.shutdown(wait=True, cancel_futures=True)


def _run_batch(
    experiments: Sequence[Experiment], measure: Measure, stopped: Callable[[], bool] = told_to_stop
) -> list[Row] | None:
    """The rows of one batch; None if it was stopped."""
    if measure is summary and batch.kind(experiments[0]) is not None:
        begin = time.perf_counter()
        ends = batch.run_together(experiments, stopped)
        seconds = (time.perf_counter() - begin) / len(experiments)
        return None if ends is None else _rows(experiments, ends, seconds)
    rows = []
    with hands.one_of_many():
        for experiment in experiments:
            run = simulate(experiment, on_progress=lambda _: not stopped())
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
    numbers = batch.number_by(lambda e: (batch.kind(e), batch.origin(e)), experiments)
    for number, experiment in zip(numbers, experiments, strict=True):
        alike.setdefault(number, []).append(experiment)
    kinds: dict[Hashable, list[Experiment]] = {}
    for same in alike.values():
        kinds.setdefault(batch.kind(same[0]), []).extend(same)
    batches = _by_work(kinds.pop(None, []))
    for cells in kinds.values():
        size = int(SECONDS_PER_BATCH / batch.seconds(cells[0]))
        shared = max(FEWEST_CELLS, len(cells) // BATCHES)
        size = min(max(size, 1), shared, batch.MOST_CELLS)
        batches += [cells[first : first + size] for first in range(0, len(cells), size)]
    return batches


def _by_work(experiments: Sequence[Experiment]) -> list[list[Experiment]]:
    batches: list[list[Experiment]] = []
    room = 0.0
    for experiment in experiments:
        seconds = cost(experiment).seconds
        if not batches or seconds > room or len(batches[-1]) == RUNS_PER_BATCH:
            batches.append([])
            room = SECONDS_PER_BATCH
        batches[-1].append(experiment)
        room -= seconds
    return batches
