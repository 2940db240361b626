"""A second thread for one long run, where a core is free: as fast as two, or else left alone.

There is one in a process, for whoever asks first. Many runs at once, and visitors who share a
server, have a core each at best, and do not ask.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from simcore import limits

Task = Callable[[], object]
Ask = Callable[[Task], object]

_tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
_taken = threading.Lock()
_here = threading.local()
_thread: threading.Thread | None = None


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_of_many() -> Iterator[None]:
    """In this thread, for now, nobody is helped: other threads or processes do the like."""
    before = getattr(_here, "many", False)
    _here.many = True
    try:
        yield
    finally:
        _here.many = before


@contextmanager
def _second() -> Iterator[Ask | None]:
    alone = getattr(_here, "many", False) or limits.hosted() or cores() < 2
    if alone or not _taken.acquire(blocking=False):
        yield None
        return
    try:
        yield _ask
    finally:
        _taken.release()


def _ask(task: Task) -> None:
    global _thread
    if _thread is None or not _thread.is_alive():  # as after a fork
        _thread = threading.Thread(target=_work, name="second", daemon=True)
        _thread.start()
    _tasks.put(task)


def _work() -> None:
    while True:
        _tasks.get()()


class Pace:
    """Work in pieces, each by one thread or by two, whichever was faster of late. Where others use
    the second core as well, two are slower, because each waits for the other."""

    WORTH = 5e-4  # seconds that a piece should take, so that another thread has time to come
    KEPT = 3  # pieces of each way that are remembered
    # The slower way is tried again when what that cost the last time is so little of the seconds
    # since, and not at once.
    SHARE, SOON = 0.05, 0.05

    def __init__(self) -> None:
        self.taken = {False: deque[float](maxlen=self.KEPT), True: deque[float](maxlen=self.KEPT)}
        self.usual, self.since, self.wait = True, 0.0, self.SOON

    @contextmanager
    def piece(self, amount: int) -> Iterator[Ask | None]:
        """What has a task done by a second thread, for a piece of that amount; None where this one
        should work alone.

        The task may begin late, even after the piece, and must not raise.
        """
        with _second() as ask:
            if ask is not None and not self._two():
                ask = None
            begin = time.perf_counter()
            yield ask
            self._took(ask is not None, amount, time.perf_counter() - begin)

    def _two(self) -> bool:
        for way, pieces in self.taken.items():
            if not pieces:
                return way
        if self.since >= self.wait:
            return not self.usual
        return self.usual

    def _took(self, two: bool, amount: int, seconds: float) -> None:
        mine, other = self.taken[two], self.taken[not two]
        mine.append(seconds / amount)
        self.since += seconds
        if not other:
            return
        self.usual = two if min(mine) < min(other) else not two
        if two != self.usual:
            more = seconds - min(other) * amount
            self.since, self.wait = 0.0, max(self.SOON, more / self.SHARE)
