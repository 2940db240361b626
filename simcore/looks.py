"""Long work looks now and then whether its result is still wanted."""

from __future__ import annotations

from collections.abc import Callable

Look = Callable[[], object]  # called between two pieces of work; raises to end it

APART = 0.05  # seconds of one core between two looks, as far as the work can be told beforehand


class Cancelled(Exception):
    """The result is not wanted any more."""


def none() -> None:
    """The look of work that goes on to its end."""


def between(seconds: float) -> int:
    """How many pieces of so many seconds each to do between two looks, at least one."""
    return max(1, int(APART / seconds))
