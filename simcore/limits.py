"""How large an experiment may be: one table for a laptop, a lower one for the hosted demo.

The hosted demo shares two cores and under a gigabyte between all visitors, so every spec is checked
against `HOSTED` there: on Streamlit Community Cloud, and wherever SIMCORE_HOSTED=1 is set.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple


class Limits(NamedTuple):
    """Largest sizes an `Experiment` may have, and how long its run may take."""

    pathways: int
    depth: int  # layers of one pathway
    layers: int  # of all pathways; the Hessian has blocks of twice that size
    size: int  # inputs, outputs, hidden width
    parameters: int  # weights of the whole network (matrices engine)
    steps: int
    duration: float  # of a flow, in units of t
    records: int
    numbers: int  # stored by one trajectory, maps included
    eigenvalues: int
    samples: int  # rows of a dataset
    seconds: float  # of a core that a run may take, by the estimate of `cost`
    wall: float  # seconds by the clock after which a run in the app ends


LOCAL = Limits(
    pathways=64,
    depth=200,
    layers=12_800,
    size=1024,
    parameters=4_000_000,
    steps=20_000_000,
    duration=1e7,
    records=200_000,
    numbers=50_000_000,
    eigenvalues=64,
    samples=1_000_000,
    seconds=math.inf,
    wall=math.inf,
)

HOSTED = Limits(
    pathways=8,
    depth=50,
    layers=192,
    size=128,
    parameters=60_000,
    steps=50_000,
    duration=1e4,
    records=5_001,
    numbers=2_000_000,
    eigenvalues=16,
    samples=20_000,
    seconds=40.0,
    wall=80.0,
)


CLOUD = Path("/mount/src")  # where Streamlit Community Cloud puts the repositories that it runs


def hosted() -> bool:
    """Whether this process is a hosted demo: SIMCORE_HOSTED says so (1) or not (0); without it, the
    place of this file does."""
    said = os.environ.get("SIMCORE_HOSTED", "")
    return said != "0" if said else _holds_this_file(CLOUD)


@lru_cache(maxsize=4)  # every experiment of a map asks
def _holds_this_file(folder: Path) -> bool:
    return Path(__file__).is_relative_to(folder)


def current() -> Limits:
    """The limits in force for this process."""
    return HOSTED if hosted() else LOCAL


def most_text() -> int:
    """Characters that an experiment or a plan may have here as text: the largest holds two square
    tables of numbers of at most 25 characters."""
    return 1_000_000 + 60 * current().size ** 2
