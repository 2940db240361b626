"""How arguments are read and helped with, in the words of this program."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from simcore.checks import shown
from simcore.streams import complain, tell
from simcore.version import VERSION

BAD_INPUT = 2
WHAT = "WHAT is a preset's name, an experiment (.json), a saved run (.npz), or a link of the app."

Command = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """One whose complaints are a sentence, and whose help may have lost its reader."""

    def error(self, message: str) -> NoReturn:
        sys.exit(complain(f"{message}; see {self.prog} --help", BAD_INPUT))

    def print_help(self, file: Any = None) -> None:
        sys.exit(tell(self.format_help().rstrip()))


class Version(argparse.Action):
    """Say the version and end."""

    def __call__(self, *_: Any) -> NoReturn:
        sys.exit(tell(f"simcore {VERSION}"))


def called() -> str:
    """How this program was called: by the name it was installed under, or from a checkout."""
    return "simcore" if Path(sys.argv[0]).stem == "simcore" else "python -m simcore"


def add(
    commands: Any, name: str, run: Command, brief: str, more: str, examples: str
) -> argparse.ArgumentParser:
    """A command with its help: what it does `brief`ly, what there is to know, and examples, each a
    line of arguments."""
    lines = [f"  {called()} {line}" for line in examples.splitlines()]
    parser = commands.add_parser(
        name,
        help=brief,
        description=f"{brief[0].upper()}{brief[1:]}. {more}".strip(),
        epilog="\n".join(["example:" if len(lines) == 1 else "examples:", *lines]),
        formatter_class=_Help,
    )
    parser.set_defaults(command=run)
    return parser


class _Help(argparse.HelpFormatter):
    """Breaks the lines of descriptions, and leaves those of examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("example"):
            return text
        return super()._fill_text(text, width, indent)


def whole(what: str, most: int) -> Callable[[str], int]:
    """A reader of whole numbers from 1 on, called `what` in complaints."""

    def read(text: str) -> int:
        if not (text.isdecimal() and 1 <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"expected {what}, got {shown(text)}")
        return int(text)

    return read
