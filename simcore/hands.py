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

    # Seconds that a piece should take. A thread that wakes up is given a core of its own at once or
    # after several milliseconds on that of whoever woke it.
    WORTH = 1e-2
    SOON, LATE = 4, 32  # pieces until the slower way is tried again; twice as many each time
    KEPT = 3  # pieces of each way that are remembered

    def __init__(self) -> None:
        self.taken = {False: deque[float](maxlen=self.KEPT), True: deque[float](maxlen=self.KEPT)}
        self.usual, self.wait, self.left = True, self.SOON, self.SOON

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
            self.taken[ask is not None].append((time.perf_counter() - begin) / amount)

    def _two(self) -> bool:
        one, two = self.taken[False], self.taken[True]
        if min(len(one), len(two)) < self.KEPT:
            return len(two) <= len(one)
        faster = min(two) < min(one)
        if faster != self.usual:
            self.usual, self.wait = faster, self.SOON
            self.left = self.wait
        self.left -= 1
        if self.left:
            return faster
        self.wait = min(2 * self.wait, self.LATE)
        self.left = self.wait
        return not faster
