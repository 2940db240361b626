"""Every kernel, compiled or loaded before anybody waits for it: `python -m simcore.studies.warm`.

Compiling holds Python's lock for seconds, so a server leaves it to this process and loads what the
cache has then. It says `FRONT` once all that the first page takes is there, and ends with the last
kernel, or as soon as whoever started it has ended.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import threading
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from simcore import horizon, presets, regimes, variations
from simcore.experiment import CentralFlow, Descent, Flow
from simcore.kernels import modes
from simcore.simulate import simulate
from simcore.studies.sweep import sweep

FRONT = "front"
SMALL = replace(presets.MEDIUM.experiment, dynamics=Descent(step_size=0.1, steps=2))


def front() -> None:
    """What an aligned descent takes, gradient flow beside it, and what is said of both."""
    run = simulate(SMALL)
    horizon.horizon(run)
    regimes.describe(run)
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


def _mark() -> Path | None:
    """The file that says that the cache is whole; None where there is no cache."""
    place = getattr(getattr(modes.descend, "stats", None), "cache_path", None)
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
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    threading.Thread(target=_end_with_whoever_started_it, daemon=True).start()
    front()
    print(FRONT, flush=True)
    rest()
    mark = _mark()
    if mark is not None:
        with contextlib.suppress(OSError):  # as on a full disk
            mark.touch()


if __name__ == "__main__":
    main()
