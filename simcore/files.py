"""Files of others: read if ordinary and not endless, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simcore.checks import require

PROTECTED = "expected a file that may be overwritten, {} is write-protected; choose another name"

MOST_TEXT = 2**28  # bytes of a file that is read as text


def check_ordinary(path: str | Path) -> None:
    """ValueError if something other than an ordinary file is there: a pipe may keep a reader
    waiting for ever, a device may never end."""
    path = Path(path)
    require(
        path.is_file() or not path.exists(),
        f"expected an ordinary file, {path} is a folder, a pipe or a device; put what is to be "
        "read into a file",
    )


def read_text(path: str | Path) -> str:
    """The text of an ordinary file; ValueError in a sentence if it cannot be read as UTF-8."""
    check_ordinary(path)
    try:
        with open(path, "rb") as file:
            large = os.fstat(file.fileno()).st_size > MOST_TEXT
            content = b"" if large else file.read(MOST_TEXT)  # it may grow
    except OSError as error:
        raise ValueError(f"expected a file, {path} cannot be read: {error.strerror}") from None
    most = f"{MOST_TEXT // 2**20} MB"
    require(not large, f"expected a file of at most {most}, {path} is larger; give another")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"expected text in UTF-8, {path} holds other bytes: {error}") from None


def check_writable(path: str | Path) -> None:
    """ValueError in a sentence unless `writing` could put something there."""
    target = _target(path)
    require(not target.is_dir(), f"expected a file's name, {path} is a folder; add a name to it")
    if target.exists():
        mode = target.stat().st_mode
        # root may write anything, but a file without any write bit was protected on purpose
        writable = mode & 0o222 and os.access(target, os.W_OK)
        require(bool(writable), PROTECTED.format(path))
        require(
            any(kind(mode) for kind in (stat.S_ISREG, stat.S_ISCHR, stat.S_ISFIFO)),
            f"expected a file that can be written, {path} is none; choose another name",
        )
        return
    folder = target.parent
    require(
        folder.is_dir() and os.access(folder, os.W_OK),
        f"expected a place where a file may be written, {path} is none: its folder is not there or "
        "closed; make it or choose another place",
    )


@contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """A path to write to; what is there afterwards takes the place of `path` as a whole.

    An ordinary file is written beside and renamed over, so a crash leaves the old one; a link keeps
    pointing where it points, and a device or pipe is written into and stays what it is. ValueError
    as `check_writable`; if the body raises, nothing changes.
    """
    check_writable(path)
    target = _target(path)
    ordinary = not target.exists() or target.is_file()
    beside = ordinary and os.access(target.parent, os.W_OK)
    with tempfile.TemporaryDirectory(
        prefix=f".{target.name}.", dir=target.parent if beside else None
    ) as folder:
        part = Path(folder, target.name)
        yield part
        if beside:
            _give_mode_of(target, part)
            part.replace(target)
        else:
            with open(part, "rb") as source, open(target, "wb") as sink:
                shutil.copyfileobj(source, sink)


def _give_mode_of(target: Path, part: Path) -> None:
    if target.exists():
        part.chmod(stat.S_IMODE(target.stat().st_mode))


def _target(path: str | Path) -> Path:
    """Where a link leads; ValueError where it leads in a circle."""
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError):
        raise ValueError(
            f"expected a file's name, {path} is a link that leads in a circle"
        ) from None
