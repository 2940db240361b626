"""Many experiments: what to keep of each, and running them on anything.

An executor is an argument (threads, processes, a Dask cluster), and rows are the same bit for bit
whichever it is. Whatever happens in a run, it has a row: divergence and cancelling are outcomes.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from simcore import bars, hands, regimes, run_inputs, sharing, theory
from simcore.checks import require, shown
from simcore.cost import cost
from simcore.courses import sharpest
from simcore.experiment import Experiment
from simcore.hands import cores
from simcore.rows import Row, Summary
from simcore.sharing import Parts
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
BATCHES = 8  # so many, to share among cores, while none is so small:
LEAST_SECONDS, FEWEST_CELLS = 0.03, 64  # a batch takes 3 ms of its own
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
    rules = sharing.part(experiments, "dynamics")
    known = [(np.nan if r.eta is None else r.eta, r.weight_decay, r.reach) for r in rules.different]
    step_sizes, decays, reaches = np.array(known)[rules.number].T
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
    parts = sharing.parts(experiments)
    inputs = run_inputs.varied(parts, plan.axes if plan is not None else ())
    with ExitStack() as stack:
        if progress:
            bar = stack.enter_context(bars.counting(len(experiments)))
            on_done = bars.with_bar(bar, on_done)
        if isinstance(store, str | Path):
            store = stack.enter_context(Store(store))
        if plan is not None and isinstance(store, Store):
            store.put_plan(plan.to_json(), _name(measure))
        return _sweep(experiments, parts, inputs, measure, executor, store, on_done, stopped)


def _sweep(
    experiments: Sequence[Experiment],
    parts: Parts,
    rows: list[Row],
    measure: Measure,
    executor: Any,
    store: Store | None,
    on_done: OnDone | None,
    stopped: Callable[[], bool] | None,
) -> list[Row]:
    """`sweep`, in rows that hold the inputs already."""
    firsts, numbers = sharing.together(of.by(lambda part: part) for of in parts.values())
    copies = _copies(firsts, numbers)
    reached = np.zeros(len(rows), bool)
    done = 0

    def place(these: Sequence[int], results: Sequence[Row]) -> bool:
        """Put the rows of the experiments number `these` where they belong; whether to go on."""
        nonlocal done
        wanted = True
        for first, row in zip(these, results, strict=True):
            for index in copies.get(first, (first,)):
                rows[index].update(row)
                reached[index] = True
                done += 1
                if wanted and on_done is not None:
                    wanted = on_done(done, len(rows), rows[index]) is not False
        return wanted

    of_store: Mapping[Experiment, Row] = {}
    if store is not None:
        of_store = store.rows([experiments[n] for n in firsts], _name(measure))
    there = [n for n in firsts.tolist() if experiments[n] in of_store] if of_store else []
    go_on = place(there, [of_store[experiments[n]] for n in there])
    missing = np.setdiff1d(firsts, np.array(there, np.int64))
    if go_on and len(missing):
        batches = _batches(experiments, parts, missing, measure)
        with closing(_results(experiments, batches, measure, executor, stopped)) as results:
            for these, of_these in results:
                if store is not None:
                    store.put([experiments[n] for n in these], of_these, _name(measure))
                if not place(these, of_these):
                    break
    cancelled = _cancelled_row(measure)
    for index in np.flatnonzero(~reached):
        rows[index].update(cancelled)
    return rows


def _copies(firsts: np.ndarray, numbers: np.ndarray) -> dict[int, list[int]]:
    """The places of equal experiments, by the first of them; those that have no equal are left
    out."""
    several = np.flatnonzero(np.bincount(numbers)[numbers] > 1)
    copies: dict[int, list[int]] = {}
    for first, place in zip(firsts[numbers[several]].tolist(), several.tolist(), strict=True):
        copies.setdefault(first, []).append(place)
    return copies


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
    experiments: Sequence[Experiment],
    batches: Sequence[list[int]],
    measure: Measure,
    executor: Any,
    stopped: Callable[[], bool] | None,
) -> Generator[tuple[list[int], list[Row]], None, None]:
    """Batches, the numbers of their experiments, with their rows, as they finish, until told to
    stop. Closing it stops what is still running."""
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
    pending: dict[Future, list[int]] = {}
    finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
    try:
        for these in batches:
            future = executor.submit(run, [experiments[n] for n in these], measure)
            pending[future] = these
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


def _batches(
    experiments: Sequence[Experiment], parts: Parts, places: np.ndarray, measure: Measure
) -> list[list[int]]:
    """What is run, stored and lost together, of the experiments at `places`: descents of one kind,
    those that start alike side by side, and others until there is work for a while."""
    if measure is not summary:
        return _by_work(experiments, places.tolist())
    kinds = batch.number_by(batch.kind, experiments, parts)[places]
    origins = batch.number_by(batch.origin, experiments, parts)[places]
    order = np.lexsort((origins, kinds))
    batches: list[list[int]] = []
    for cells in np.split(places[order], np.flatnonzero(np.diff(kinds[order])) + 1):
        one = experiments[cells[0]]
        if batch.kind(one) is None:
            batches = _by_work(experiments, np.sort(cells).tolist()) + batches
            continue
        count, seconds = len(cells), len(cells) * batch.seconds(one)
        shared = min(BATCHES, seconds / LEAST_SECONDS, count / FEWEST_CELLS)
        needed = max(shared, seconds / SECONDS_PER_BATCH, count / batch.MOST_CELLS)
        batches += [part.tolist() for part in np.array_split(cells, math.ceil(min(needed, count)))]
    return batches


def _by_work(experiments: Sequence[Experiment], places: Sequence[int]) -> list[list[int]]:
    batches: list[list[int]] = []
    room = 0.0
    for place in places:
        seconds = cost(experiments[place]).seconds
        if not batches or seconds > room or len(batches[-1]) == RUNS_PER_BATCH:
            batches.append([])
            room = SECONDS_PER_BATCH
        batches[-1].append(place)
        room -= seconds
    return batches
