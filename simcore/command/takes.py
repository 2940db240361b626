"""The commands that leave with a result: page, figure, film, snippet, citation."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simcore import export, scenes, signals, typed, what
from simcore.checks import shown
from simcore.command import parser
from simcore.command.bar import Bar
from simcore.looks import Cancelled
from simcore.streams import complain, tell


def add(commands: Any) -> None:
    """Add them to the commands."""
    page = parser.add(
        commands,
        "page",
        _page,
        "write one HTML file that plays a run, offline too",
        parser.WHAT,
        "page medium --out medium.html",
    )
    _out(page, ".html")
    figure = parser.add(
        commands,
        "figure",
        _figure,
        "draw all panels of a run on one sheet",
        f"{parser.WHAT} Letters and lines grow with the size.",
        "figure medium --out medium.pdf\n"
        "figure medium --out medium.png --size 1200x900 --dark --panels strengths,loss",
    )
    _out(figure, ".svg|.pdf|.png")
    _look(figure)
    figure.add_argument(
        "--panels",
        type=lambda text: text.split(","),
        metavar="A,B",
        help=f"which, in this order, of {', '.join(scenes.KEYS)}",
    )
    film = parser.add(
        commands,
        "film",
        _film,
        "show a run as it happens",
        f"{parser.WHAT} An .mp4 needs ffmpeg.",
        "film medium --out medium.gif\nfilm medium --out medium.mp4 --seconds 6 --fps 25",
    )
    _out(film, ".gif|.mp4")
    _look(film)
    film.add_argument(
        "--seconds", type=_number, default=8.0, metavar="S", help="how long, 8 unless given"
    )
    film.add_argument(
        "--fps",
        type=parser.whole("a number of frames a second from 1 to 60", 60),
        default=30,
        metavar="N",
        help="frames a second, 30 unless given",
    )
    for name, run, does in (
        ("snippet", _snippet, "print Python that makes the same run"),
        ("citation", _citation, "print BibTeX of the paper and of this program"),
    ):
        said = parser.add(commands, name, run, does, parser.WHAT, f"{name} medium")
        said.add_argument("what", metavar="WHAT")


def _out(command: argparse.ArgumentParser, kinds: str) -> None:
    command.add_argument("what", metavar="WHAT")
    command.add_argument(
        "--out", type=Path, required=True, metavar=f"FILE{kinds}", help="where to write it"
    )


def _look(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--size",
        type=_size,
        default=export.SIZE,
        metavar="WxH",
        help="in pixels, 1920x1080 unless given",
    )
    command.add_argument("--dark", action="store_true", help="on a dark page")


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text.strip(), re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected a size such as 1920x1080, got {shown(text)}")
    return int(found[1]), int(found[2])


def _number(text: str) -> float:
    try:
        return typed.number(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


# --- Commands --------------------------------------------------------------------------------


def _page(options: argparse.Namespace) -> int:
    return _write(options, export.page)


def _figure(options: argparse.Namespace) -> int:
    return _write(
        options, export.figure, size=options.size, dark=options.dark, panels=options.panels
    )


def _film(options: argparse.Namespace) -> int:
    return _write(
        options,
        export.film,
        size=options.size,
        dark=options.dark,
        seconds=options.seconds,
        fps=options.fps,
    )


def _write(options: argparse.Namespace, make: Callable[..., None], **arguments: Any) -> int:
    given = what.of(options.what)
    source = given.experiment if given.run is None else given.run
    with signals.noted() as stop:
        try:
            with Bar() as bar:

                def go_on(part: float) -> bool:
                    bar.show(part)
                    return not stop()

                make(source, options.out, **arguments, on_progress=go_on)
        except Cancelled:
            return complain(f"{stop.word}; nothing was written", stop.code)
    return tell(f"it is in {options.out}")


def _snippet(options: argparse.Namespace) -> int:
    return tell(export.snippet(what.of(options.what).experiment).rstrip())


def _citation(options: argparse.Namespace) -> int:
    return tell(export.citation(what.of(options.what).experiment).rstrip())
