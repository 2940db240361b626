"""How fast the app answers, in a real browser: `.venv/bin/python benchmarks/app.py`.

Cold start with and without the kernel cache, moves of the step size, presets, the player's frame
rate and heap, and twenty visitors at once. Prints one table; machines are noisy, so run it alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

import served
from browser import launch
from playwright.sync_api import Page, expect

from simcore import links, presets

PLAYER = ".run-player canvas"
SENTENCE = "[data-testid=stMain] strong"


def first_picture(page: Page, address: str) -> float:
    """Seconds until the front page shows its finished run."""
    begin = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(PLAYER, timeout=served.PATIENCE)
    page.get_by_text("Partly re-balanced.").first.wait_for(timeout=served.PATIENCE)
    return time.perf_counter() - begin


def new_picture(page: Page, before: str | None) -> None:
    """Wait until the player shows another run than the one with hash `before`."""
    expect(page.locator(".run-player")).not_to_have_attribute(
        "data-hash", before or "", timeout=30_000
    )


def cold_starts(repeats: int) -> dict[str, float]:
    """Medians over fresh processes: with a filled and with an empty kernel cache."""
    results = {}
    with launch() as browser:
        for name in ("with kernel cache", "without kernel cache"):
            times = []
            for _ in range(repeats):
                cache = tempfile.mkdtemp()
                if name == "with kernel cache":
                    with served.app(NUMBA_CACHE_DIR=cache) as address:
                        first_picture(browser.new_page(), address)
                        time.sleep(25)  # until the background warm-up has filled the cache
                begin = time.perf_counter()
                with served.app(NUMBA_CACHE_DIR=cache) as address:
                    first_picture(browser.new_page(), address)
                    times.append(time.perf_counter() - begin)
                shutil.rmtree(cache)
            results[f"process start to finished run, {name}"] = statistics.median(times)
    return results


def moves(address: str, count: int) -> dict[str, float]:
    """Median seconds from a move of the step size to the new sentence and picture."""
    times = []
    with launch() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        first_picture(page, address)
        served.settle(page)
        time.sleep(20)  # the warm-up is over
        handle = page.locator(".regime-ruler [role=slider]")
        handle.focus()
        for _ in range(count):
            before = page.locator(".run-player").get_attribute("data-hash")
            begin = time.perf_counter()
            page.keyboard.press("ArrowRight")
            new_picture(page, before)
            times.append(time.perf_counter() - begin)
            time.sleep(0.3)
    return {
        f"step size moved, new picture (median of {count})": statistics.median(times),
        "step size moved, slowest": max(times),
    }


def preset_times(address: str) -> dict[str, float]:
    """Seconds until each aligned preset of the paper is on the screen."""
    results = {}
    with launch() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        for preset in presets.ALL:
            if preset.experiment.resolved_engine == "modes":
                query = "&".join(f"{k}={v}" for k, v in links.to_query(preset.experiment).items())
                begin = time.perf_counter()
                page.goto(f"{address}/?{query}")
                page.wait_for_selector(PLAYER, timeout=served.PATIENCE)
                results[preset.name] = time.perf_counter() - begin
    return {"slowest preset of the paper, page load included": max(results.values())}


def visitors(address: str, count: int, seconds: float) -> dict[str, float]:
    """Waiting times of `count` visitors who move the step size for a while, and server memory."""
    waits: list[float] = []
    errors: list[str] = []

    def visit(number: int) -> None:
        try:
            with launch() as browser:
                page = browser.new_page(viewport={"width": 1000, "height": 700})
                first_picture(page, address)
                handle = page.locator(".regime-ruler [role=slider]")
                end = time.perf_counter() + seconds
                while time.perf_counter() < end:
                    before = page.locator(".run-player").get_attribute("data-hash")
                    handle.focus()
                    begin = time.perf_counter()
                    page.keyboard.press("ArrowRight" if number % 2 else "ArrowLeft")
                    new_picture(page, before)
                    waits.append(time.perf_counter() - begin)
                    time.sleep(1.0)
        except Exception as error:
            errors.append(str(error).splitlines()[0])

    threads = [threading.Thread(target=visit, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waits.sort()
    return {
        f"{count} visitors: errors": len(errors),
        f"{count} visitors: moves": len(waits),
        f"{count} visitors: wait, median": statistics.median(waits),
        f"{count} visitors: wait, 95th percentile": waits[int(0.95 * (len(waits) - 1))],
    }


def server_memory() -> float:
    """Peak resident memory of the server this process started, in MB (Linux)."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text, command = status.read_text(), (status.parent / "cmdline").read_text()
        except OSError:
            continue
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        if int(fields["PPid"]) == os.getpid() and "streamlit" in command:
            return int(fields["VmHWM"].split()[0]) / 1024
    return float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    table = cold_starts(options.repeats) if options.repeats else {}
    with served.app() as address:
        table |= moves(address, 20)
        table |= preset_times(address)
    with served.app(SIMCORE_HOSTED="1") as address:
        table |= visitors(address, options.visitors, options.seconds)
        table["hosted server, peak resident memory (MB)"] = server_memory()
    for name, value in table.items():
        print(f"{name:60s} {value:8.3f}")


if __name__ == "__main__":
    main()
