"""Is a visitor's work bounded? `.venv/bin/python benchmarks/bounded.py`, alone on the machine.

Twenty visitors for a minute, without and with two others who open the heaviest links that a hosted
server allows, over and over; how long a core is busy after such a tab is closed; memory afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]
os.environ["SIMCORE_HOSTED"] = "1"  # for the limits that say what is heaviest

import hostile_links as hostile
import served
import visitor
from table import report

from simcore import Experiment, links
from simcore.cost import cost

TICK = 0.05  # seconds between looks at the server's times
LONG = 10.0  # seconds of a core, so that a run is under way when its tab is closed
FORGOTTEN = 130.0  # seconds after which Streamlit has forgotten a closed session


def query_of(experiment: Experiment) -> str:
    return urlencode(links.to_query(experiment))


async def keep_heavy(address: str, number: int) -> None:
    """Open one of the heaviest links after the other, each a little different from all before."""
    kinds = list(hostile.heaviest().values())
    for turn in range(10**6):
        heavy = hostile.with_other_step_size(kinds[(number + turn) % len(kinds)], turn + number)
        async with visitor.visiting(address, query=query_of(heavy)) as guest:
            await guest.run()


async def visits(address: str, count: int, seconds: float, heavy: int) -> list[list[float]]:
    """Waiting times of each of so many visitors, beside so many with the heaviest links."""
    beside = [asyncio.create_task(keep_heavy(address, number)) for number in range(heavy)]
    try:
        mine = [visitor.visit(address, number, seconds) for number in range(count)]
        return list(await asyncio.gather(*mine))
    finally:
        for task in beside:
            if task.done():
                task.result()  # its error is ours
            task.cancel()


def waits(name: str, found: list[list[float]]) -> dict[str, float]:
    everyone = sorted(wait for own in found for wait in own)
    return {
        f"{name}: moves": len(everyone),
        f"{name}: wait, median": statistics.median(everyone),
        f"{name}: wait, 95th percentile": everyone[int(0.95 * (len(everyone) - 1))],
        f"{name}: longest wait": everyone[-1],
        f"{name}: median wait of the slowest visitor": max(map(statistics.median, found)),
    }


async def closing(address: str, experiment: Experiment, after: float) -> float:
    """Seconds from the closing of a tab whose run is under way to an idle server."""
    async with visitor.impatient(address, query_of(experiment)):
        await asyncio.sleep(after)
        before = served.cpu_seconds(os.getpid())
        await asyncio.sleep(10 * TICK)
        last = served.cpu_seconds(os.getpid())
        assert last - before > TICK, "the run was over before the tab was closed"
        begin = idle = time.perf_counter()
    while time.perf_counter() - idle < 1.0:  # a second without work
        now = served.cpu_seconds(os.getpid())
        if now - last > TICK / 5:
            idle = time.perf_counter()
        last = now
        await asyncio.sleep(TICK)
    return idle - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--heavy", type=int, default=2)
    options = parser.parse_args()
    who = f"{options.visitors} visitors"
    with served.app(SIMCORE_HOSTED="1") as address:
        asyncio.run(visits(address, 2, 20.0, 0))  # kernels are there
        report({"memory before (MB)": served.memory(os.getpid())})
        for name, heavy in ((who, 0), (f"{who} beside {options.heavy} heavy", options.heavy)):
            report(
                waits(name, asyncio.run(visits(address, options.visitors, options.seconds, heavy)))
            )
        for name, experiment in hostile.heaviest().items():
            if cost(experiment).seconds < LONG:
                continue
            tries = [hostile.with_other_step_size(experiment, 10**4 + n) for n in range(3)]
            freed = [asyncio.run(closing(address, e, 1.0 + n)) for n, e in enumerate(tries)]
            report({f"core free after a closed tab, {name}: slowest of 3": max(freed)})
        report({"memory after (MB)": served.memory(os.getpid())})
        time.sleep(FORGOTTEN)
        asyncio.run(visits(address, 1, 1.0, 0))
        report({"memory after closed sessions are forgotten (MB)": served.memory(os.getpid())})


if __name__ == "__main__":
    main()
