"""Processes that run the batches of a sweep, and end with it however it ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess

from simcore import signals

_told = threading.Event()


def told_to_stop() -> bool:
    """Whether runs in this process are to end; never in a process that is no worker."""
    return _told.is_set()


@contextmanager
def pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """So many processes as an executor; leaving it ends what they run.

    Signals are for this process alone. Should it be killed, the workers end within a moment.
    """
    context = _Context()
    reader, writer = context.Pipe(duplex=False)
    with signals.held():  # this starts a process that keeps the books, and does not expect SIGHUP
        executor = ProcessPoolExecutor(jobs, context, _begin, (reader,))
    with reader, executor:
        try:
            yield executor
        finally:
            writer.close()


class _Worker(SpawnProcess):
    """A process that Ctrl-C on a terminal does not reach, not even while it starts."""

    def start(self) -> None:
        with signals.held():
            super().start()

    def terminate(self) -> None:
        self.kill()  # SIGTERM is ignored there


class _Context(SpawnContext):
    # spawn: a fork would copy the locks of numpy's threads in whatever state they are
    Process = _Worker


def _begin(reader: Connection) -> None:
    """Initialise a worker."""
    signals.leave_to_parent()
    threading.Thread(target=_heed, args=(reader,), daemon=True).start()


def _heed(reader: Connection) -> None:
    """Wait for the other end of the pipe to be closed, by the pool or by the parent's death."""
    with suppress(EOFError, OSError):
        reader.recv_bytes()
    _told.set()
    parent = parent_process()
    if parent is not None:
        parent.join()  # a pool that is left ends this process before that
    os._exit(1)
