"""Batches on a Dask cluster, whose machines may hold another version of this package, or none.

A batch goes out as bytes, so a scheduler without the package passes it on and a worker without it
says so, where it would die of a message that it cannot read, and the sweep wait for ever. A worker
looks at the version that it is asked for before it reads what to do.
"""

from __future__ import annotations

import pickle
import pkgutil
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from simcore.checks import require
from simcore.version import VERSION


def client_of(executor: Any) -> Any:
    """The `dask.distributed.Client` that an executor is or belongs to; None for any other."""
    if hasattr(executor, "get_executor"):
        return executor
    return getattr(executor, "_client", None)


class Cluster:
    """An executor that refuses workers of another version."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.executor = client.get_executor(pure=False)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        """As every executor; the function has to be importable by the workers, or cloudpickle be
        able to carry it."""
        import cloudpickle

        call = cloudpickle.dumps((function, arguments))
        # what every worker surely has is the standard library
        return self.executor.submit(pickle.loads, pickle.dumps(_Call(call)))

    def check(self) -> None:
        """ValueError with a sentence if a worker is of another version, or cannot say of which."""
        name = "simcore.version:VERSION"
        answers = self.client.run(pkgutil.resolve_name, name, on_error="return")
        for address, answer in answers.items():
            if isinstance(answer, OSError):
                continue  # it is gone, and others take over its batches
            require(
                isinstance(answer, str),
                f"expected workers that can import simcore {VERSION}, {address} cannot ({answer}); "
                "start it with PYTHONPATH=. in a checkout of that version",
            )
            require(
                answer == VERSION,
                f"expected workers of version {VERSION}, {address} has version {answer}; give all "
                "machines the same checkout",
            )


class _Call:
    """A call that is made where it is unpickled."""

    def __init__(self, call: bytes) -> None:
        self.call = call

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (VERSION, self.call)


def _made(version: str, call: bytes) -> Any:
    require(version == VERSION, f"expected a worker of version {version}, got {VERSION}")
    function, arguments = pickle.loads(call)
    return function(*arguments)
