"""What a program says, on streams that may be closed, without a reader or without Greek letters."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from contextlib import suppress
from typing import TextIO

FAILED, BROKEN_PIPE = 1, 141  # 128 + SIGPIPE, which ends other programs there


def mend() -> None:
    """Make the standard streams safe to write to.

    Where one is closed, the next file to be opened, a store for instance, would take its number
    and receive what is said; so the null device takes it. What a stream cannot encode is spelled.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=SPELLED)


def tell(result: str, kept: str = "") -> int:
    """Write a result to stdout; the exit code, 0 unless it could not be written.

    `kept` says what there is all the same, and ends the complaint.
    """
    rest = f"; {kept}" if kept else ""
    try:
        print(result, flush=True)
    except BrokenPipeError:
        _silence(sys.stdout)
        return complain(f"the output has no reader any more{rest}", BROKEN_PIPE)
    except OSError as error:
        _silence(sys.stdout)
        return complain(f"the output cannot be written: {error.strerror}{rest}", FAILED)
    return 0


def say(line: str, end: str = "\n") -> None:
    """Write to stderr, if anybody reads it: a sweep does not end because its terminal did."""
    try:
        print(line, end=end, file=sys.stderr, flush=True)
    except OSError:
        _silence(sys.stderr)


def complain(sentence: str, code: int) -> int:
    """Say what is wrong in one line; the exit code."""
    say(f"simcore: {' '.join(sentence.split())}")
    return code


def _silence(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere, or Python would stumble over it at the end."""
    with suppress(OSError):  # a stream of a test has no number
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


# --- Spelling --------------------------------------------------------------------------------

SIGNS = {"·": "*", "×": "x", "−": "-", "≤": "<=", "≥": ">=", "≈": "~", "→": "->", "∞": "inf"}


def spelled(text: str) -> str:
    """Text in ASCII: eta for η, S1 for S₁, e for é; \\u2603 where no other reading is true."""
    return "".join(map(_spelled, text))


def _spelled(character: str) -> str:
    if character.isascii():
        return character
    if character in SIGNS:
        return SIGNS[character]
    kind, _, letter = unicodedata.name(character, "").partition(" LETTER ")
    if kind.startswith("GREEK") and letter.isalpha():
        letter = letter.replace("LAMDA", "LAMBDA")  # Unicode spells it as modern Greek does
        return letter.lower() if "SMALL" in kind else letter.capitalize()
    if unicodedata.decomposition(character).startswith("<sub>"):
        parts = unicodedata.normalize("NFKD", character)
    else:
        parts = unicodedata.normalize("NFD", character)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return plain if plain.isascii() else plain.encode("ascii", "backslashreplace").decode()


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return spelled(error.object[error.start : error.end]), error.end


SPELLED = "simcore.spelled"
codecs.register_error(SPELLED, _spell)
