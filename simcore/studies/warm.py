"""Every kernel, compiled or loaded before anybody waits for it:
`python -m simcore.studies.warm descent flow rest`, or some of these stages.

Compiling holds Python's lock for seconds, so a server leaves it to such processes and loads what
the cache has then. They say the name of each stage that is done, and end with the last, or as soon
as whoever started them has ended.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np

from simcore import horizon, presets, regimes, variations
from simcore.experiment import CentralFlow, Descent, Flow
from simcore.kernels import matrices, modes
from simcore.matrices_engine import MatricesEngine
from simcore.simulate import simulate
from simcore.studies.sweep import sweep

SMALL = replace(presets.MEDIUM.experiment, dynamics=Descent(step_size=0.1, steps=2))


def descent() -> None:
    """What an aligned descent takes, and what is said of it."""
    run = simulate(SMALL)
    horizon.horizon(run)
    regimes.describe(run)


def flow() -> None:
    """The same of gradient flow beside it."""
    regimes.describe(simulate(variations.matching_flow(SMALL)))


def rest() -> None:
    """The strip under the ruler and maps, and all other engines and dynamics."""
    sweep([SMALL])
    for dynamics in (
        SMALL.dynamics,
        Flow(duration=0.1),
        CentralFlow(step_size=2 / 13, duration=16),
    ):
        for engine in ("modes", "matrices"):
            simulate(replace(SMALL, dynamics=dynamics, engine=engine))
    simulate(variations.with_activation(SMALL, "tanh"))
    over = np.full(matrices.SIGNS, matrices.OVER)  # what two threads take is called by long runs
    MatricesEngine(replace(SMALL, engine="matrices")).assist(0.1, over)


STAGES: dict[str, Callable[[], None]] = {"descent": descent, "flow": flow, "rest": rest}
FRONT = {"descent", "flow"}  # what the first page takes


def _mark() -> Path | None:
    """The file that says that the cache is whole; None where there is no cache."""
    place = getattr(getattr(modes.evaluate, "stats", None), "cache_path", None)
    if place is None:
        return None
    from simcore.kernels import cache  # which needs the Numba that it knows

    made_of = (cache.STAMP, sys.version, metadata.version("numba"))
    digest = hashlib.blake2s(repr(made_of).encode(), digest_size=8)
    return Path(place) / f"whole-{digest.hexdigest()}"


def wanted() -> bool:
    """Whether there is a cache, and this has not filled it yet."""
    mark = _mark()
    return mark is not None and not mark.exists()


def _end_with_whoever_started_it() -> None:
    while os.read(sys.stdin.fileno(), 1):  # Python cannot end while a thread has its own lock on it
        pass
    os._exit(0)


def main(names: Sequence[str]) -> None:
    threading.Thread(target=_end_with_whoever_started_it, daemon=True).start()
    gc.disable()  # a compiler leaves little garbage, and looking for it took a tenth of its time
    for name in names:
        STAGES[name]()
        print(name, flush=True)
    mark = _mark() if "rest" in names else None  # the others are part of it, or would be missed
    if mark is not None:
        with contextlib.suppress(OSError):  # as on a full disk
            mark.touch()


if __name__ == "__main__":
    main(sys.argv[1:])
