"""Two thousand hostile links through Streamlit's protocol: `.venv/bin/python benchmarks/links.py`.

Markup in every field, numbers that are none, sizes beyond all limits, on every page of a hosted
server. Counts what it should never do: an error on a page, words of a link that are more than text.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

import hostile_links as hostile
import served
import visitor
from table import report


async def open_all(address: str, links: list[tuple[str, str]], at_once: int) -> dict[str, float]:
    """Open the links, so many at once."""
    waits, faults, heard = [], [], 0
    gate = asyncio.Semaphore(at_once)

    async def open_one(page: str, query: str) -> None:
        nonlocal heard
        async with gate:
            begin = time.perf_counter()
            try:
                async with visitor.visiting(address, page, query) as guest:
                    await guest.run()
            except Exception as error:
                faults.append(f"{type(error).__name__}: {error} at {page}?{query}")
                return
            waits.append(time.perf_counter() - begin)
            heard += len(guest.alerts)
            if any(map(hostile.live, guest.alerts + guest.words)):
                faults.append(f"live words at {page}?{query}")

    await asyncio.gather(*(open_one(page, query) for page, query in links))
    for fault in faults:
        print(fault[:300], file=sys.stderr)
    return {
        "hostile links opened": len(links),
        "faults": len(faults),
        "sentences about them": heard,
        "slowest answer (s)": max(waits),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=4)
    options = parser.parse_args()
    links = hostile.queries(options.links, options.seed)
    with served.app(SIMCORE_HOSTED="1") as address:
        begin = time.perf_counter()
        report(asyncio.run(open_all(address, links, options.at_once)))
        report({"all of them (s)": time.perf_counter() - begin})
        report({"hosted server, peak resident memory (MB)": served.memory(os.getpid(), "VmHWM")})


if __name__ == "__main__":
    main()
