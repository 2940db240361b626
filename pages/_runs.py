"""Work for the pages: taken from the cache or done now, in turn, and never without bounds."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import _prose, _waking
from pages._turns import Turn, Turns
from simcore import cost, limits, scenes, variations
from simcore.experiment import Experiment
from simcore.hands import cores
from simcore.kernels import mode_records
from simcore.looks import Cancelled
from simcore.simulate import simulate
from simcore.studies import bifurcation, claims
from simcore.trajectory import Outcome, Trajectory

PATIENCE = 0.3  # seconds before work shows its progress
CACHE_BYTES = 60_000_000 if limits.hosted() else 300_000_000
TURNS = Turns(cores())


class Cache:
    """The most recent results for all visitors, bounded by their size; they are immutable."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.results: OrderedDict[Hashable, Any] = OrderedDict()
        self.held = 0  # bytes
        self.lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        with self.lock:
            if key in self.results:
                self.results.move_to_end(key)
            return self.results.get(key)

    def put(self, key: Hashable, result: Any) -> None:
        with self.lock:
            if key in self.results:  # of two visitors who asked for it at once
                self.held -= _bytes(self.results.pop(key))
            self.results[key] = result
            self.held += _bytes(result)
            while len(self.results) > 1 and self.held > self.most_bytes:
                self.held -= _bytes(self.results.popitem(last=False)[1])


def _bytes(result: Any) -> int:
    arrays = (getattr(result, f.name) for f in fields(result))
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


CACHE = Cache(CACHE_BYTES)


def _cache(experiment: Experiment | None) -> Cache:
    """Where its results are kept: those of a visitor's own data in the session."""
    if experiment is None or not experiment.private:
        return CACHE
    return st.session_state.setdefault("own_results", Cache(CACHE_BYTES // 4))


class _Progress:
    """Shows how far work has come that takes longer than a moment, gives way to others, and ends it
    when its time is up.

    Streamlit stops a script that nobody waits for in its next call, here that of the progress bar.
    """

    def __init__(self, label: str) -> None:
        self.label, self.fraction = label, 0.0
        self.words: str | None = None  # of the work, once it has begun
        # not before it is filled: an empty one in the way hides what is on show for a moment
        self.place: DeltaGenerator | None = None
        self.begin = time.monotonic()
        self.left, self.since = limits.current().wall, self.begin
        self.turn = Turn(TURNS, self.waits)

    def waits(self, before: int) -> None:
        """So many others come first; work that only gives way to them goes on showing its own."""
        ahead = "next in line" if before == 0 else f"{before} before it in line"
        self._show(self.words or f"waiting for a free core, {ahead}")

    def wakes(self) -> None:
        """Kernels are being compiled."""
        self._show("the server is waking up")

    def __call__(self, fraction: float) -> bool:
        now = time.monotonic()
        self.left -= now - self.since
        self.fraction = fraction
        self.words = f"{fraction:.0%}"
        self._show(self.words)
        self.turn.give_way()
        self.since = time.monotonic()
        return self.left > 0

    def _show(self, words: str) -> None:
        if time.monotonic() - self.begin > PATIENCE:
            self.place = self.place or st.empty()
            self.place.progress(self.fraction, f"{self.label}: {words}")

    def ends(self) -> None:
        if self.place is not None:
            self.place.empty()


def _work(
    key: Hashable,
    label: str,
    work: Callable[[Callable[[float], bool]], Any],
    experiment: Experiment | None = None,
) -> Any:
    """The result of `work` (of one experiment, if it is), from the cache or done now."""
    cache = _cache(experiment)
    done = cache.get(key)
    if done is None:
        progress = _Progress(label)
        _waking.wait(progress.wakes)
        with progress.turn:
            progress.since = time.monotonic()
            done = work(progress)
        progress.ends()
        cache.put(key, done)
    return done


def compiled() -> bool:
    """Whether a run of aligned modes need not wait for a compiler."""
    return bool(getattr(mode_records.descend_through, "signatures", True))  # True: without the JIT


def run(experiment: Experiment, label: str = "Running") -> Trajectory:
    """The trajectory of the page's experiment.

    Where it would take more work than it may, the page says so and ends.
    """
    found = _run(experiment, label, "")
    if found is None:
        st.stop()
    return found


def momentary(experiment: Experiment) -> bool:
    """Whether `run` has the run before anybody would look for its progress."""
    return cost.cost(experiment).seconds < PATIENCE


def at_once(experiment: Experiment, *, with_flow: bool) -> bool:
    """The same of the run, and of gradient flow beside it if it is to be there."""
    flow = [variations.matching_flow(experiment)] if with_flow else []
    return all(known(each) or momentary(each) for each in (experiment, *flow))


def known(experiment: Experiment) -> bool:
    """Whether `run` has the run at once."""
    from_file = brought()
    own = from_file is not None and from_file.experiment == experiment
    return own or _cache(experiment).get(experiment) is not None


def beside(experiment: Experiment, label: str) -> Trajectory | None:
    """The same of a run beside the page's own; None, and a sentence, where it may not be run."""
    return _run(experiment, label, f"{label}: ")


def brought() -> Trajectory | None:
    """The run of a file that this session has opened; see `_bring`."""
    return st.session_state.get("brought")


def _run(experiment: Experiment, label: str, whose: str) -> Trajectory | None:
    from_file = brought()
    if from_file is not None and from_file.experiment == experiment:
        return from_file
    try:
        cost.check(experiment)
    except ValueError as error:
        _say(f"{whose}{error}.")
        return None
    found = _work(
        experiment, label, lambda progress: simulate(experiment, on_progress=progress), experiment
    )
    if found.outcome is Outcome.CANCELLED:
        _say(f"{whose}the run {_too_slow()} What was reached by then is shown.")
    return found


def _say(sentence: str) -> None:
    _prose.warn(sentence[0].upper() + sentence[1:])


def flow_beside(run_: Trajectory) -> Trajectory | None:
    """Gradient flow from the same start for as long as the run lasted."""
    return beside(scenes.flow_beside(run_), "Gradient flow")


def average_beside(run_: Trajectory) -> Trajectory | None:
    """Central flow at the step size of the run, for as long as it lasted."""
    try:
        experiment = scenes.average_beside(run_)
    except ValueError as error:
        _say(f"{error}.")
        return None
    return beside(experiment, "Central flow")


def orbits(experiment: Experiment, step_sizes: np.ndarray) -> bifurcation.Orbits | None:
    """`bifurcation.orbits` of the experiment; None, and a sentence, where they take too long."""
    key = ("orbits", experiment, tuple(step_sizes.tolist()))
    work = partial(bifurcation.orbits, experiment, step_sizes)
    try:
        return _work(key, "Orbits", lambda progress: work(on_progress=progress), experiment)
    except Cancelled:
        _say(f"the diagram {_too_slow()}")
        return None


def tried(claim: claims.Claim, count: int, chunk: int) -> list[claims.Finding]:
    """What networks 0 to `count` say of a claim, a chunk kept at a time; those done by then where
    it takes too long."""
    done: list[claims.Finding] = []
    for first in range(0, count, chunk):

        def work(progress: Callable[[float], bool], first: int = first) -> claims.Findings:
            part = []
            for finding in claim.findings(first, chunk):
                part.append(finding)
                if not progress((first + len(part)) / count):
                    raise Cancelled
            return claims.Findings(tuple(part))

        try:
            done += _work(_part(claim, first), f"Network {first + 1} and on", work).each
        except Cancelled:
            _say(f"the check {_too_slow()}")
            break
    return done


def known_of(claim: claims.Claim, count: int, chunk: int) -> int:
    """How many of these networks have been tried already, from the first one on."""
    for first in range(0, count, chunk):
        if CACHE.get(_part(claim, first)) is None:
            return first
    return count


def _part(claim: claims.Claim, first: int) -> Hashable:
    return "claim", claim.name, first


def _too_slow() -> str:
    return (
        f"was ended after {limits.current().wall:g} seconds on a core, the most that work may "
        "take here."
    )


class InTurns(ThreadPoolExecutor):
    """Threads whose pieces of work take turns with those of all visitors."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **options: Any) -> Future:
        return super().submit(_in_turn, work, *args, **options)


def _in_turn(work: Callable[..., Any], *args: Any, **options: Any) -> Any:
    with Turn(TURNS, lambda before: None):
        return work(*args, **options)
