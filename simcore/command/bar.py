"""How far a command is, on stderr: redrawn on a terminal, now and then a line in a log."""

from __future__ import annotations

import sys
import time

from simcore.rows import Row
from simcore.streams import say

WIDTH = 30  # characters
REDRAW_EVERY = 0.1  # seconds, on a terminal
SAY_EVERY = 30.0  # seconds, in a log


class Bar:
    """Of one command, from when it is entered."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.next = 0.0 if self.terminal else SAY_EVERY
        self.origin = 0.0, 0.0  # when, and how far it was: rows of the store cost no time

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.terminal and self.next > 0:
            say("")

    def of_rows(self, done: int, total: int, _row: Row) -> None:
        self.show(done / total, f"{done} of {total}")

    def show(self, part: float, words: str = "") -> None:
        now = time.monotonic() - self.begin
        if now < REDRAW_EVERY:
            self.origin = now, part
        if now < self.next and part < 1:
            return
        self.next = now + (REDRAW_EVERY if self.terminal else SAY_EVERY)
        when, before = self.origin
        pace = (now - when) / (part - before) if part > before else 0.0
        left = f"{pace * (1 - part):.0f} s left" if pace > 0 and part < 1 else f"{now:.0f} s"
        filled = "#" * round(WIDTH * part)
        line = f"[{filled:-<{WIDTH}}] {part:4.0%}  {words}  {left}"
        end = "" if self.terminal else "\n"
        say(("\r" if self.terminal else "") + f"{line:<78}", end)
