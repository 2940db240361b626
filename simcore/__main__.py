"""The command line: `simcore` where it is installed, `python -m simcore` in a checkout.

Bad input ends with one sentence and exit code 2. Ctrl-C ends with 130, SIGTERM with 143, SIGHUP
with 129, and each keeps what is done: the same sweep, given again, goes on from its store.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Sequence
from typing import NoReturn

from simcore import signals, streams
from simcore.command import claims, pages, parser, runs, sweeps, takes
from simcore.command.parser import BAD_INPUT
from simcore.streams import FAILED, complain

INTERRUPTED = 130


def program() -> NoReturn:
    """One command as the whole process."""
    streams.mend()
    signals.leave_at_once()
    code = main()
    signals.leave_with(code)
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    try:
        options = _parser().parse_args(arguments)
        return options.command(options)
    except SystemExit as end:  # of the parser, all said
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:  # in a process that is more than this command
        return complain("interrupted", INTERRUPTED)
    except (ValueError, OSError, sqlite3.Error) as error:
        return complain(str(error), BAD_INPUT)
    except Exception as error:
        return complain(f"something went wrong ({type(error).__name__}: {error})", FAILED)


def _parser() -> argparse.ArgumentParser:
    whole = parser.Parser(
        prog=parser.called(),
        description="Simulates deep linear networks with several pathways under gradient descent "
        "and gradient flow, one run or many, and says what happened in each.",
        epilog="Every command explains itself: "
        f"{parser.called()} run --help. Bad input ends with exit code 2, Ctrl-C with 130.",
    )
    whole.add_argument("--version", action=parser.Version, nargs=0, help="say it and end")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    runs.add(commands)
    sweeps.add(commands)
    takes.add(commands)
    claims.add(commands)
    pages.add(commands)
    return whole


if __name__ == "__main__":
    program()
