"""Numba's cache, made safe: it never returns code of other sources, and never stops a run.

Numba compares the time and size of the file that a kernel stands in. Its code holds more: what it
calls in other files, their constants, the fields of their tuples. So an index is good for one hash
of all sources in this folder, wherever they lie and whenever they were written; and each entry
begins with a tag, a hash of the code under that hash as a key, and what has another tag is compiled
anew: code of an edited file as well as code that a crash or a full disk has damaged.

Everything that leans on the inside of Numba is in this module (see `stamp.KNOWN_NUMBA`).
"""

import contextlib
import hashlib
import pickle
from pathlib import Path
from typing import Any

from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.serialize import dumps


def attach(dispatcher: Any) -> None:
    """Keep what this kernel is compiled to, where there is a folder to keep it in."""
    with contextlib.suppress(Exception):  # Numba has many ways to say that it can write nowhere
        dispatcher._cache = _Cache(dispatcher.py_func)


def _hash_of_sources() -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.is_file():  # and not the lock of an editor
            source = path.read_bytes()
            digest.update(f"{path.name} {len(source)}\n".encode() + source)
    return digest.digest()


STAMP = _hash_of_sources()


def _tag(code: bytes) -> bytes:
    return hashlib.blake2b(code, key=STAMP, digest_size=16).digest()


class _Entry(CompileResultCacheImpl):
    """How compiled code is written and read: behind its tag."""

    def reduce(self, data: Any) -> tuple[bytes, bytes]:
        code = dumps(super().reduce(data))
        return _tag(code), code

    def rebuild(self, target_context: Any, reduced_data: tuple[bytes, bytes]) -> Any:
        tag, code = reduced_data
        if tag != _tag(code):
            return None
        return super().rebuild(target_context, pickle.loads(code))


class _Cache(FunctionCache):
    """A cache whose files may be missing, damaged or impossible to write."""

    _impl_class = _Entry

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file._source_stamp = STAMP

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # emptied, cut, or naming what is no longer there
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception:
            with contextlib.suppress(Exception):  # the disk may be full
                self.flush()  # for an index that cannot be read
                super().save_overload(sig, data)
