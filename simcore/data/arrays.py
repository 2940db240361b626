"""Tables in binary files: NumPy's .npy and .npz, and Parquet.

Of each, types and sizes are read and checked before any number is unpacked, so that a small file
cannot fill the memory. Nothing in them is run: no pickles.
"""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.lib import format as npy_format

from simcore.checks import require
from simcore.data.table import (
    Column,
    Table,
    check_size,
    distinct_names,
    most_cells,
    of_matrix,
    unfinished,
)

MOST_ARRAYS = 64
TARGETS = ("y", "target", "targets", "labels", "label", "outputs")  # arrays to be learned
_ARRAYS = "expected arrays of NumPy (.npz)"
_ENTRY = b"PK\x01\x02"  # how a zip file's directory begins each of its entries
_NUMBERS = "biuf"  # kinds of types
# what a header may make of the parser of Python's literals
_NO_HEADER = (
    *(ValueError, KeyError, TypeError, SyntaxError, OverflowError, RecursionError, MemoryError),
    tokenize.TokenError,
)
# what a damaged directory may make of the library: it seeks and unpacks where that one points
_NO_ZIP = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError),
    *(KeyError, IndexError, OverflowError, struct.error, ValueError),
)
_BATCH = 8192  # rows of a Parquet file that are read at once


class _Readable(Protocol):
    def read(self, count: int = ..., /) -> bytes: ...


def npy(file: _Readable) -> Table:
    """The table of an .npy file."""
    return of_matrix(_as_matrix(_array(file, "the array")), notes=["Read as an array of NumPy."])


def npz(content: bytes) -> Table:
    """The tables of an .npz file side by side; those called y or target are to be learned."""
    require(content.count(_ENTRY) <= 2 * MOST_ARRAYS, f"{_ARRAYS}, the file holds too many entries")
    with _whole():
        archive = zipfile.ZipFile(io.BytesIO(content))
        names = archive.namelist()
    require(
        bool(names) and all(name.endswith(".npy") for name in names),
        f"{_ARRAYS}, it is another kind of zip file; of a spreadsheet, save one sheet as CSV",
    )
    require(len(names) <= MOST_ARRAYS, f"{_ARRAYS}, the file holds too many entries")
    found, cells = {}, 0
    for name in names:
        stem = name.removesuffix(".npy")
        found[stem] = _array(
            _Entry(archive, name), f"the array {stem[:40]!r}", most_cells() - cells
        )
        cells += found[stem].size
    return _side_by_side(found)


@contextmanager
def _whole() -> Iterator[None]:
    """Whatever the library for zip files says of one, in a sentence; only its calls stand here, so
    that no sentence of ours is taken for one of its own."""
    try:
        yield
    except _NO_ZIP:
        raise ValueError(f"{_ARRAYS}, the file is damaged; save it again") from None


class _Entry:
    """An entry of a zip file, unpacked as it is read."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        with _whole():
            self._file = archive.open(name)

    def read(self, count: int = -1, /) -> bytes:
        with _whole():
            return self._file.read(count)


def _side_by_side(arrays: dict[str, np.ndarray]) -> Table:
    tables = {name: _as_matrix(array) for name, array in arrays.items() if array.ndim in (1, 2)}
    require(bool(tables), "expected an array of one or two dimensions, there is none")
    lengths = {name: len(table) for name, table in tables.items()}
    require(
        len(set(lengths.values())) == 1,
        "expected arrays with a row per sample each, got "
        + ", ".join(f"{length} rows of {name[:20]!r}" for name, length in lengths.items())[:120]
        + "; keep those that belong together",
    )
    names: list[str] = []
    targets: list[int] = []
    for name, table in tables.items():
        width = table.shape[1]
        if len(tables) > 1 and name.lower() in TARGETS:
            targets += range(len(names), len(names) + width)
        names += [name if width == 1 else f"{name} {k}" for k in range(1, width + 1)]
    note = f"Read as arrays of NumPy: {', '.join(name[:20] for name in tables)}."
    joined = np.concatenate(list(tables.values()), axis=1)
    alone = len(tables) == 1
    listed = () if alone else distinct_names(names)
    return of_matrix(joined, listed, [note], targets)


def _as_matrix(array: np.ndarray) -> np.ndarray:
    require(
        array.ndim in (1, 2) and array.size > 0,
        "expected a table, an array of two dimensions, got one of shape "
        f"{'x'.join(map(str, array.shape)) or 'a single number'}",
    )
    return array.reshape(len(array), -1)


def _array(file: _Readable, name: str, most: int | None = None) -> np.ndarray:
    """An array of numbers; not a byte more than its header says is read."""
    shape, turned, dtype = _header(file, name)
    require(
        not dtype.hasobject and dtype.kind in _NUMBERS,
        f"{name} must hold numbers, it holds {_called(dtype)}; save the numbers alone",
    )
    count = math.prod(shape)
    rows, columns = (shape[0], math.prod(shape[1:])) if shape else (1, 1)
    check_size(rows, columns)
    require(
        count <= (most_cells() if most is None else most),
        f"the arrays may hold at most {most_cells():,} numbers here; take fewer",
    )
    content = file.read(count * dtype.itemsize)
    require(
        len(content) == count * dtype.itemsize,
        f"expected {count:,} numbers in {name}, it ends before; save it again",
    )
    flat = np.frombuffer(content, dtype)
    with np.errstate(over="ignore"):  # of extended precision
        return flat.reshape(shape, order="F" if turned else "C").astype(float)


def _called(dtype: np.dtype) -> str:
    kinds = {
        "O": "Python objects",
        "U": "text",
        "S": "text",
        "c": "complex numbers",
        "V": "records",
    }
    return kinds.get(dtype.kind, "values of another kind")


def _header(file: _Readable, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns come first, and type, as an array's first bytes claim them."""
    damaged = f"expected an array of NumPy, {name} is damaged or of another version; save it again"
    try:
        version = npy_format.read_magic(file)
        read: Any = {
            (1, 0): npy_format.read_array_header_1_0,
            (2, 0): npy_format.read_array_header_2_0,
        }[version]
        shape, turned, dtype = read(file)
    except _NO_HEADER:
        raise ValueError(damaged) from None
    require(len(shape) <= 32 and min(shape, default=0) >= 0, damaged)
    return shape, turned, dtype


# --- Parquet -------------------------------------------------------------------------------------


def parquet(content: bytes) -> Table:
    """The columns of a Parquet file that hold numbers, truth values or text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    damaged = "expected a Parquet file, it is damaged or of a kind that is not read; save it again"
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        meta, schema = file.metadata, file.schema_arrow
        check_size(meta.num_rows, len(schema))
        claimed = sum(meta.row_group(k).total_byte_size for k in range(meta.num_row_groups))
        require(
            claimed <= 16 * most_cells(),
            f"a Parquet file may unpack to at most {16 * most_cells() // 10**6} MB here; take "
            "fewer rows or columns",
        )
        pieces: dict[str, list[np.ndarray]] = {name: [] for name in schema.names}
        rows = 0
        for batch in file.iter_batches(batch_size=_BATCH):
            rows += batch.num_rows
            check_size(rows, len(schema))
            for name, values in zip(schema.names, batch.columns, strict=True):
                pieces[name].append(_parquet_values(name, values, rows - batch.num_rows))
    except (pa.ArrowException, OSError, KeyError, OverflowError, UnicodeDecodeError):
        raise ValueError(damaged) from None
    except ValueError as error:
        if isinstance(error, pa.ArrowInvalid):
            raise ValueError(damaged) from None
        raise
    require(rows > 0, "expected a table with numbers, there are none")
    names = distinct_names(schema.names)
    found = zip(names, pieces.values(), strict=True)
    columns = [_parquet_column(name, np.concatenate(parts)) for name, parts in found]
    kept = [column for column in columns if not column.name.startswith("__index_level_")]
    return Table(tuple(kept), ("Read as Parquet.",))


def _parquet_values(name: str, values: Any, before: int) -> np.ndarray:
    import pyarrow as pa

    kind = values.type
    if pa.types.is_dictionary(kind):
        values, kind = values.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = ["" if value is None else value[:200] for value in values.to_pylist()]
        return np.array(texts, dtype=object)
    numeric = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    require(
        numeric or pa.types.is_decimal(kind),
        f"column {name[:40]!r} must hold numbers or text, it holds {str(kind)[:40]}; leave it out",
    )
    if values.null_count:
        row = 1 + before + values.is_null().to_pylist().index(True)
        raise ValueError(unfinished(f"column {name[:40]!r}", row, np.nan))
    return np.array(values.to_pylist(), dtype=float)


def _parquet_column(name: str, values: np.ndarray) -> Column:
    if values.dtype == object:
        return Column(name, values.astype(str), is_text=True)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ValueError(unfinished(f"column {name!r}", 1 + int(bad[0]), values[bad[0]]))
    return Column(name, values + 0.0)
