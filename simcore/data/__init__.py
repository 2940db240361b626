"""Tables of a visitor: read from text and files without trust, and made into tasks."""

from __future__ import annotations

import io

from simcore.data import arrays, text
from simcore.data.table import Table

MOST_BYTES = 20_000_000  # of a file; the app takes none larger
KINDS = "a table as CSV, TSV or text, a NumPy array (.npy, .npz) or Parquet"

_PARQUET, _ZIP, _NPY = b"PAR1", b"PK", b"\x93NUMPY"
_MARKS = {  # of the encodings that begin with one
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


def read(content: bytes, name: str) -> Table:
    """The table that a file holds, whatever its name says; ValueError in a sentence, which calls
    the file `name`."""
    if not content:
        raise ValueError(f"expected {KINDS}, the file {name!r} is empty")
    if len(content) > MOST_BYTES:
        raise ValueError(
            f"a file may have at most {MOST_BYTES // 10**6} MB here, {name!r} has "
            f"{len(content) / 1e6:.0f}; take fewer rows or columns"
        )
    try:
        if content.startswith(_NPY):
            return arrays.npy(io.BytesIO(content))
        if content.startswith(_ZIP):
            return arrays.npz(content)
        if content.startswith(_PARQUET):
            return arrays.parquet(content)
        return text.read(_decoded(content))
    except ValueError as error:
        raise ValueError(f"the file {name!r} cannot be read as a table: {error}") from None


def pasted(words: str) -> Table:
    """The table that was pasted as text; ValueError in a sentence."""
    if len(words) > MOST_BYTES:
        raise ValueError(
            f"a text may have at most {MOST_BYTES:,} characters here; open it as a file"
        )
    return text.read(words)


def _decoded(content: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return _text(content, encoding)
    if b"\x00" in content:
        raise ValueError(f"expected {KINDS}, it holds other bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return _text(content, "cp1252")  # as spreadsheets on Windows write it


def _text(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(f"expected {KINDS}, it holds other bytes") from None
