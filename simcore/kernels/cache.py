"""Numba's cache, made safe: it never returns code of other sources, and never stops a run; and
kernels that are compiled once, however many others call them.

Numba compares the time and size of the file that a kernel stands in. Its code holds more: what it
calls in other files, their constants, the fields of their tuples. So an index is good for one hash
of all sources in this folder, wherever they lie and whenever they were written; and each entry
begins with a tag, a hash of the code under that hash as a key, and what has another tag is compiled
anew: code of an edited file as well as code that a crash or a full disk has damaged. Code that
calls a shared kernel by its symbol brings that before it is used itself.

Everything that leans on the inside of Numba is in this module (see `stamp.KNOWN_NUMBA`).
"""

import contextlib
import copy
import hashlib
import importlib
import pickle
from pathlib import Path
from typing import Any, NamedTuple

from llvmlite.binding import add_symbol
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.compiler_lock import global_compiler_lock
from numba.core.serialize import dumps


def attach(dispatcher: Any) -> None:
    """Keep what this kernel is compiled to, where there is a folder to keep it in."""
    with contextlib.suppress(Exception):  # Numba has many ways to say that it can write nowhere
        dispatcher._cache = _Cache(dispatcher.py_func)


class _Shared(NamedTuple):
    """A compiled kernel that others call by its symbol."""

    module: str
    name: str
    arguments: tuple[Any, ...]  # Numba's types

    @property
    def symbol(self) -> str:
        """The same in every process, which what Numba calls it is not."""
        which = hashlib.blake2b(str(self.arguments).encode(), digest_size=8).hexdigest()
        return f"{self.module}.{self.name}.{which}"

    def bring(self) -> None:
        """Compile it, or read it, if it is not there yet. Under the compiler's lock, for which an
        import may not wait: no module of kernels runs one while it is imported."""
        getattr(importlib.import_module(self.module), self.name).compile(self.arguments)


SHARED: dict[str, _Shared] = {}  # all that are there, by their symbols


def share(dispatcher: Any) -> None:
    """Let kernels call this one by its symbol. Numba would link its code into theirs and optimise
    it again in each of them, and in those that call them."""
    function, compile_one = dispatcher.py_func, dispatcher.compile

    @global_compiler_lock
    def compile_and_share(signature: Any) -> Any:
        entry = compile_one(signature)
        for arguments, result in dispatcher.overloads.items():
            kernel = _Shared(function.__module__, function.__qualname__, arguments)
            if kernel.symbol not in SHARED:
                SHARED[kernel.symbol] = kernel
                _give(result, kernel.symbol)
        return entry

    dispatcher.compile = compile_and_share


def _give(result: Any, symbol: str) -> None:
    """Compiled code a symbol, and whoever calls it the symbol instead of the code."""
    called = copy.copy(result.fndesc)
    address = result.library.get_pointer_to_function(called.mangled_name)
    add_symbol(symbol, address)
    called.mangled_name = symbol
    result.target_context.remove_user_function(result.entry_point)
    result.target_context.insert_user_function(result.entry_point, called)


def _called_by(result: Any) -> list[_Shared]:
    """The shared kernels whose symbols compiled code has left open."""
    functions = result.library._final_module.functions
    return [SHARED[f.name] for f in functions if f.is_declaration and f.name in SHARED]


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
        code = dumps((_called_by(data), super().reduce(data)))
        return _tag(code), code

    def rebuild(self, target_context: Any, reduced_data: tuple[bytes, bytes]) -> Any:
        tag, code = reduced_data
        if tag != _tag(code):
            return None
        called, reduced = pickle.loads(code)
        for kernel in called:
            kernel.bring()
        return super().rebuild(target_context, reduced)


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
