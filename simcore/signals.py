"""Ctrl-C, SIGTERM and SIGHUP end a program with one sentence and the code 128 + number.

While nothing is under way a signal ends the process at once. Around a run it is only noted, and
whoever waits for the run asks: an exception could come up between any two operations, also where
rows are saved. A second signal does not wait. What the process was started to ignore stays
ignored, as under `nohup` and in the background of a script.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

_NAMES = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}
WORDS = {getattr(signal, name): word for name, word in _NAMES.items() if hasattr(signal, name)}
STDERR = 2

Handler = Callable[[int, FrameType | None], object]


class Noted:
    """The signal that came, if one did; asked as a function, whether one did."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __call__(self) -> bool:
        return self.number is not None

    @property
    def word(self) -> str:
        """What happened, as a sentence begins with it."""
        return "" if self.number is None else WORDS[self.number]

    @property
    def code(self) -> int:
        """The exit code of a process that ends because of it."""
        return 0 if self.number is None else 128 + self.number

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        if self():
            line = "\n" if os.isatty(STDERR) else ""  # a progress bar may stand there
            _leave(f"{line}simcore: {WORDS[number]} again, so what was under way is lost", number)
        self.number = number


@contextmanager
def noted() -> Iterator[Noted]:
    """Only note signals inside; a second one ends the process at once. Main thread only."""
    seen = Noted()
    before = _listen(seen.note)
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_at_once() -> None:
    """Let a signal from now on end the process with its word."""
    _listen(lambda number, _: _leave(f"simcore: {WORDS[number]}", number))


def leave_with(code: int) -> None:
    """Let a signal from now on change nothing: all is done and said, the interpreter goes down."""
    _listen(lambda *_: os._exit(code))


def leave_to_parent() -> None:
    """Ignore signals, those held since before the process began as well; see `held`."""
    for number in WORDS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WORDS)


@contextmanager
def held() -> Iterator[None]:
    """Signals wait; a process that is started inside begins with them waiting."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WORDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(handler: Handler) -> dict[int, Callable | int | None]:
    """Handle the signals that are not ignored; what handled them before."""
    heard = [number for number in WORDS if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heard}


def _leave(sentence: str, number: int) -> NoReturn:
    with suppress(OSError):
        os.write(STDERR, f"{sentence}\n".encode())
    os._exit(128 + number)
