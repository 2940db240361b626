"""What a server does beside its pages: it wakes up before anybody asks for one, and tidies up when
nobody waits.

The modules of the pages are imported, and kernels that the cache lacks are compiled, by processes
of their own. A page waits for the kernels of the front page alone. Whatever else is not there is
compiled where it is first called; so is everything where those cannot run, or end early.

Streamlit would look through the whole heap for garbage after each run of a page, which takes longer
than the run and holds up all others; so that is left out (`runner.postScriptGC`) and done here.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

LOOK = 0.1  # seconds between looks of those who wait
IDLE, BUSY = 2.0, 60.0  # seconds without a run of a page until garbage is collected; and with some

# stages of `warm` for each process
ONE_CORE = (("descent", "flow", "rest"),)
TWO_CORES = (("descent", "rest"), ("flow",))

front, whole = threading.Event(), threading.Event()
for _event in (front, whole):
    _event.set()  # nothing to wait for, as in a process that is no server


ran: list[float] = []  # when pages first and last ran since garbage was collected


@asynccontextmanager
async def waking(app: Any) -> AsyncIterator[None]:
    """Begins with the server, as `App(lifespan=waking)`."""
    front.clear()
    whole.clear()
    for work in (_wake, _tidy):
        threading.Thread(target=work, name=work.__name__, daemon=True).start()
    yield


def wait(meanwhile: Callable[[], object]) -> None:
    """Wait for the kernels of the front page; `meanwhile` is called ten times a second, and leaves
    by raising."""
    while not front.wait(LOOK):
        meanwhile()


def _wake() -> None:
    try:
        compilers = _compilers()
        done: set[str] = set()
        listening = [
            threading.Thread(target=_listen, args=(*compiler, done), daemon=True)
            for compiler in compilers
        ]
        for thread in listening:
            thread.start()
        from pages import _ui  # noqa: F401  # and with it all that pages are made of

        for thread in listening:
            thread.join()
        from simcore.figures import parts  # and with it Altair, which no first picture waits for

        parts.trust_charts()
    finally:  # whatever happened, nobody waits for ever
        front.set()
        whole.set()


def _compilers() -> list[tuple[Sequence[str], subprocess.Popen[str]]]:
    """The stages of `warm`, and the processes that fill the cache of kernels with them; none where
    there is nothing to do or no way.

    They end when their input does, which this process holds as long as it lives.
    """
    from simcore import hands
    from simcore.studies import warm

    if not warm.wanted():
        return []
    folder = Path(warm.__file__).parents[2]
    command = [sys.executable, "-m", warm.__spec__.name]
    pipe = subprocess.PIPE
    shares = TWO_CORES if hands.cores() > 1 else ONE_CORE
    try:
        return [
            (
                stages,
                subprocess.Popen(
                    [*command, *stages], cwd=folder, stdin=pipe, stdout=pipe, text=True
                ),
            )
            for stages in shares
        ]
    except OSError:
        return []


def _listen(stages: Sequence[str], compiler: subprocess.Popen[str], done: set[str]) -> None:
    """Note the stages that are done, and those of a process that has ended."""
    from simcore.studies import warm

    assert compiler.stdout is not None
    for line in compiler.stdout:
        done.add(line.strip())
        if done >= warm.FRONT:
            front.set()
    compiler.wait()
    done.update(stages)
    if done >= warm.FRONT:
        front.set()


# --- Garbage ---------------------------------------------------------------------------------


def run_begins(now: float) -> None:
    """A page runs."""
    ran[:] = [ran[0] if ran else now, now]


def is_time_to_collect(now: float) -> bool:
    """Whether pages ran and nobody moves anything just now, or some always do."""
    return bool(ran) and (now - ran[1] > IDLE or now - ran[0] > BUSY)


def _tidy() -> None:
    while True:
        time.sleep(IDLE)
        if is_time_to_collect(time.monotonic()):
            ran.clear()
            gc.collect()
