"""Arrays and a header in one .npz file: plain data, read without trust.

Of a file from anywhere, names, types and shapes are read before any number is unpacked, so that a
small file cannot fill the memory.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from simcore import limits
from simcore.checks import require

Contents = dict[str, tuple[str, tuple[int, ...]]]  # type and shape of each array by its name

MOST_ARRAYS = 32
ENTRY = b"PK\x01\x02"  # how the directory of a zip file begins each of its entries
AT_ONCE = 2**20  # bytes


def write(file: IO[bytes], header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name and the header as JSON (no pickle), with a checksum of both."""
    text = json.dumps({**header, "checksum": checksum(header, arrays)})
    np.savez_compressed(file, header=np.array(text), **arrays)  # type: ignore[arg-type]


def checksum(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """Of everything that a file says, in whatever order."""
    digest = hashlib.sha256(json.dumps(dict(header), sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].dtype.name}{arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


class Archive:
    """A file that may be one of `write`: the header, and what the arrays claim to be.

    ValueError, KeyError or what zip and zlib raise for any other file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        # a directory is read as a whole, and each of half a million entries takes 1 KB of memory
        require(_entries(file) <= 2 * MOST_ARRAYS, "too many arrays")
        self._zip = zipfile.ZipFile(file)
        names = self._zip.namelist()
        require(len(names) == len(set(names)) <= MOST_ARRAYS, "too many arrays")
        self.header = json.loads(str(_array(self._zip, "header.npy", _header_type)))
        require(isinstance(self.header, dict), "the header is no object")
        self.claims: Contents = {
            name.removesuffix(".npy"): _claim(self._zip, name)
            for name in names
            if name != "header.npy"
        }

    def arrays(self, expected: Contents) -> dict[str, np.ndarray]:
        """The arrays, if they are these and nothing was changed since they were written."""
        require(self.claims == expected, "other arrays than expected")
        arrays = {name: _array(self._zip, f"{name}.npy", lambda *_: None) for name in expected}
        header = {name: value for name, value in self.header.items() if name != "checksum"}
        # files of before have none
        said = self.header.get("checksum")
        require(said is None or said == checksum(header, arrays), "the checksum does not fit")
        return arrays


def _entries(file: IO[bytes]) -> int:
    """At most so many entries a zip file's directory can have; compressed numbers may look like a
    few more."""
    count, rest = 0, b""
    file.seek(0)
    while part := file.read(AT_ONCE):
        count += (rest + part).count(ENTRY)
        rest = part[-len(ENTRY) + 1 :]
    file.seek(0)
    return count


def _header_type(dtype: np.dtype, shape: tuple[int, ...]) -> None:
    require(dtype.kind == "U" and shape == (), "the header is no text")
    require(dtype.itemsize <= 4 * limits.most_text(), "the header is too long")


def _claim(archive: zipfile.ZipFile, name: str) -> tuple[str, tuple[int, ...]]:
    """Type and shape that an array's first bytes claim."""
    with archive.open(name) as member:
        dtype, shape = _first_bytes(member)
        return dtype.name, shape


def _array(
    archive: zipfile.ZipFile, name: str, check: Callable[[np.dtype, tuple[int, ...]], object]
) -> np.ndarray:
    """An array whose size was checked; not a byte more than that is unpacked."""
    with archive.open(name) as member:
        dtype, shape = _first_bytes(member)
        check(dtype, shape)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        content = member.read(size)
        require(len(content) == size and not member.read(1), "an array of another size")
        return np.frombuffer(content, dtype).reshape(shape)


def _first_bytes(member: IO[bytes]) -> tuple[np.dtype, tuple[int, ...]]:
    # version 2 is for types of more than 64 KB, and lets a file say 4 GB
    require(npy.read_magic(member) == (1, 0), "an array of another version")
    shape, turned, dtype = npy.read_array_header_1_0(member)
    require(not turned and not dtype.hasobject and min(shape, default=0) >= 0, "an unusual array")
    return dtype, shape
