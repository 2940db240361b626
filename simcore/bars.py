"""Bars for who waits in Python, on a terminal or in a notebook, by tqdm where that is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from simcore import extras

Show = Callable[..., None]

SHARE = "{l_bar}{bar}| {elapsed}<{remaining}"  # of one run there are no parts to count


@contextmanager
def filling() -> Iterator[Show]:
    """A bar of one run; what it gives is called with the fraction that is done."""
    with _tqdm()(total=1.0, desc="run", bar_format=SHARE) as bar:

        def show(fraction: float) -> None:
            bar.update(fraction - bar.n)

        yield show


@contextmanager
def counting(total: int) -> Iterator[Show]:
    """A bar of many runs; what it gives is called with (done, total, row)."""
    with _tqdm()(total=total, desc="sweep", unit="run") as bar:

        def show(done: int, *_: Any) -> None:
            bar.update(done - bar.n)

        yield show


def with_bar(show: Show, told: Callable[..., object] | None) -> Callable[..., object]:
    """Who is told of progress, if anybody is, and the bar before."""

    def both(*report: Any) -> object:
        show(*report)
        return None if told is None else told(*report)

    return both


def _tqdm() -> Any:
    return extras.load("tqdm.auto", "a bar", "notebook").tqdm
