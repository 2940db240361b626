"""What experiments share: the thousands of cells of a map are made of few parts.

A part is known by the object that it is, because to hash its values takes longer than a cell's run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import count, repeat
from operator import attrgetter, is_
from typing import Any, NamedTuple

import numpy as np

from simcore.experiment import PARTS, Experiment


class Shared(NamedTuple):
    """The parts of one name of N experiments: each object once, as they first come, and which of
    them each experiment has."""

    different: list[Any]
    number: np.ndarray  # (N,) int64

    def by(self, value: Callable[[Any], Any]) -> np.ndarray:
        """One number for all parts that have the same value, counted as they first come: (N,)."""
        known: dict[Any, int] = {}
        numbers = [known.setdefault(value(part), len(known)) for part in self.different]
        return np.array(numbers)[self.number]


Parts = dict[str, Shared]  # by name


def parts(experiments: Sequence[Experiment]) -> Parts:
    """All parts of experiments."""
    return {name: part(experiments, name) for name in PARTS}


def part(experiments: Sequence[Experiment], name: str) -> Shared:
    """Those of one name."""
    owners = list(map(attrgetter(name), experiments))
    if owners and all(map(is_, owners, repeat(owners[0]))):
        return Shared(owners[:1], np.zeros(len(owners), np.int64))
    own = list(map(id, owners))
    different = dict(zip(own, owners, strict=True))
    number_of = dict(zip(different, count(), strict=False))
    number = np.fromiter(map(number_of.__getitem__, own), np.int64, len(own))
    return Shared(list(different.values()), number)


def together(columns: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """One number for each combination that the numbers (N,) of the columns make, counted as they
    first come: where each is first, and the number of each of N."""
    numbers = reduce(
        lambda found, column: _dense(found * (column.max(initial=0) + 1) + column), columns
    )
    _, first, number = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[number]


def _dense(numbers: np.ndarray) -> np.ndarray:
    """As many numbers as there are different ones, so that they stay small."""
    return np.unique(numbers, return_inverse=True)[1] if numbers.any() else numbers
