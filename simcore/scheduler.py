"""The scheduler of a Dask cluster: found and known to be one before a client talks to it.

A client whose first connection fails cannot be ended, and one that something else answers waits
for ever; so whoever listens is asked first what it is.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any
from urllib.parse import urlsplit

from simcore import extras
from simcore.checks import require, shown

WITHIN = 10  # seconds to connect, and to answer


def client(address: str) -> Any:
    """A `distributed.Client` of the scheduler at tcp://HOST:PORT, connected.

    ValueError in a sentence if there is none, or the package is missing.
    """
    distributed = extras.load("distributed", "a cluster", "cluster")
    for name in ("distributed", "distributed.client", "distributed.core", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # whoever uses the client says it
    address = address if "//" in address else f"tcp://{address}"
    host, port = _place(address)
    try:
        socket.create_connection((host, port), WITHIN).close()
    except OSError as error:
        reason = error.strerror or "no answer"
        raise ValueError(f"expected a scheduler at {address}, found none: {reason}") from None
    except UnicodeError:
        raise ValueError(f"expected a scheduler at {address}, no machine has that name") from None
    require(
        _is_scheduler(address),
        f"expected a scheduler at {address}, but what listens there is none; give the address that "
        "`dask scheduler` prints",
    )
    try:
        return distributed.Client(address, timeout=WITHIN, set_as_default=False)
    except OSError as error:
        raise ValueError(f"expected a scheduler at {address}, it is gone: {error}") from None


def _place(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        place = (parts.hostname, parts.port) if parts.scheme in ("tcp", "tls") else None
    except ValueError:
        place = None
    if place is None or place[0] is None or not place[1]:
        raise ValueError(
            f"expected a scheduler's address like tcp://HOST:8786, got {shown(address)}"
        )
    return place[0], place[1]


def _is_scheduler(address: str) -> bool:
    try:
        identity = asyncio.run(asyncio.wait_for(_identity(address), WITHIN))
        return identity["type"] == "Scheduler"
    except Exception:  # what another program says can be read as anything
        return False


async def _identity(address: str) -> Any:
    from distributed.comm import connect

    comm = await connect(address)
    try:
        await comm.write({"op": "identity", "reply": True})
        return await comm.read()
    finally:
        comm.abort()
