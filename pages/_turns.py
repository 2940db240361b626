"""At most as many runs at once as there are cores: visitors take turns."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

LOOK = 0.1  # seconds between looks of those who wait

Meanwhile = Callable[[int], object]  # gets the number of runs before this one; may raise


class Turns:
    """A number of places, given to those who wait in the order in which they came."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @property
    def wanted(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    def take(self, meanwhile: Meanwhile) -> None:
        """Wait for a place; `meanwhile` is called ten times a second until there is one, and leaves
        the queue by raising."""
        called = threading.Event()
        with self._lock:
            if self._free:  # then nobody waits
                self._free -= 1
                return
            self._waiting.append(called)
        try:
            while not called.wait(LOOK):
                meanwhile(self._before(called))
        except BaseException:  # Streamlit's stop is none of the Exceptions
            with self._lock:
                if not called.is_set():
                    self._waiting.remove(called)
            if called.is_set():
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to the next one."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _before(self, called: threading.Event) -> int:
        with self._lock:
            return self._waiting.index(called) if called in self._waiting else 0


class Turn:
    """The place of one run, for a `with`; a long run gives way to others at each of its looks."""

    def __init__(self, turns: Turns, meanwhile: Meanwhile) -> None:
        self.turns, self.meanwhile, self.held = turns, meanwhile, False

    def __enter__(self) -> Self:
        self._take()
        return self

    def _take(self) -> None:
        self.turns.take(self.meanwhile)
        self.held = True

    def give_way(self) -> None:
        """Let those who wait have the place, and go on after them."""
        if self.turns.wanted:
            self.held = False
            self.turns.leave()
            self._take()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.held:
            self.turns.leave()
