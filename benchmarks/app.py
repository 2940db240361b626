"""How fast the app answers, in a real browser: `.venv/bin/python benchmarks/app.py`.

Cold start with and without the kernel cache, moves of the step size, presets, the player's frame
rate and heap, and twenty visitors at once. Prints one table; machines are noisy, so run it alone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

import served
import visitor
from browser import ARGUMENTS, launch, path
from playwright.async_api import async_playwright
from playwright.async_api import expect as expect_async
from playwright.sync_api import Page, expect
from table import report

from simcore import Descent, presets, prospects, regimes, simulate
from simcore.figures import panels, player

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


# When the page has its first picture, which the browser computes where kernels are still compiled,
# and when it says what happened in the server's run.
FIRSTS = """
  window.firsts = {};
  const find = (root) => {
    const inner = [...root.querySelectorAll("*")].map((e) => e.shadowRoot).filter((e) => e);
    return root.querySelector(".run-player[data-hash]") ?? inner.map(find).find((e) => e);
  };
  const look = () => {
    if (document.querySelector(".st-key-player") && find(document))
      firsts.picture ??= Date.now();
    if (document.body?.innerText.includes("Partly re-balanced.")) firsts.words ??= Date.now();
    if (!(firsts.picture && firsts.words)) requestAnimationFrame(look);
  };
  look();
"""


def cold_starts(repeats: int) -> dict[str, float]:
    """Medians over fresh processes, from their start: with an empty and with a filled kernel
    cache."""
    times: dict[str, list[float]] = {}
    with launch() as browser:
        for _ in range(repeats):
            cache = tempfile.mkdtemp()
            for name in ("empty", "filled"):
                begin = time.time()
                with served.app(NUMBA_CACHE_DIR=cache) as address:
                    page = browser.new_page(viewport={"width": 1280, "height": 800})
                    page.add_init_script(FIRSTS)
                    page.goto(address)
                    page.wait_for_function("firsts.words", polling=500, timeout=served.PATIENCE)
                    for what, when in page.evaluate("firsts").items():
                        key = f"process start to first {what}, {name} kernel cache"
                        times.setdefault(key, []).append(when / 1000 - begin)
                    page.close()
                    if name == "empty":
                        time.sleep(25)  # until the background warm-up has filled the cache
            shutil.rmtree(cache)
    return {name: statistics.median(each) for name, each in times.items()}


# What a page notes of a move: its key, what goes over the wire, the player's new run. Playwright's
# own waiting looks at the page four times a second or less, and takes 25 ms of it each time.
NOTES = """
  window.notes = [];
  const note = (what, size = 0) => window.notes.push([what, performance.now(), size]);
  addEventListener("keydown", () => note("key"), true);
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      const size = ({ byteLength, size }) => byteLength ?? size;
      this.addEventListener("message", ({ data }) => note("received", size(data)));
    }
    send(data) {
      note("sent");
      super.send(data);
    }
  };
  window.noteRuns = (player) => new MutationObserver(() => note("picture"))
    .observe(player, { attributeFilter: ["data-hash"] });
"""


def moves(address: str, count: int) -> dict[str, float]:
    """Median seconds from a move of the step size to the new picture, and where they go."""
    times: list[float] = []
    stretches: dict[str, list[float]] = {}
    with launch() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.add_init_script(NOTES)
        first_picture(page, address)
        served.settle(page)
        time.sleep(20)  # the warm-up is over
        page.locator(".run-player").evaluate("(player) => noteRuns(player)")
        page.locator(".regime-ruler [role=slider]").focus()
        for _ in range(count):
            page.evaluate("notes.length = 0")
            page.keyboard.press("ArrowRight")
            time.sleep(1.5)
            notes = page.evaluate("notes")
            key, sent, picture = (
                next(when for each, when, _ in notes if each == what)
                for what in ("key", "sent", "picture")
            )
            received = [each for each in notes if each[0] == "received" and each[1] > sent]
            _, arrived, _ = max(received, key=lambda each: each[2])
            times.append((picture - key) / 1000)
            for name, stretch in (
                ("key to request", sent - key),
                ("request to first answer", received[0][1] - sent),
                ("first answer to the player's message", arrived - received[0][1]),
                ("the player's message to the picture", picture - arrived),
                ("picture to the last of the page", received[-1][1] - picture),
            ):
                stretches.setdefault(name, []).append(stretch / 1000)
            stretches.setdefault("messages before the picture", []).append(
                sum(when <= picture for _, when, _ in received)
            )
    return {
        f"step size moved, new picture (median of {count})": statistics.median(times),
        "step size moved, slowest": max(times),
    } | {f"of the move: {name}": statistics.median(part) for name, part in stretches.items()}


# When the map shows another picture than at the last key: its pixels, made small, at each frame.
WATCH_MAP = """
  () => {
    const small = Object.assign(document.createElement("canvas"), { width: 60, height: 40 });
    const context = small.getContext("2d", { willReadFrequently: true });
    const seen = () => {
      const map = document.querySelector(".st-key-map_picture canvas");
      if (!map?.width) return "";
      context.clearRect(0, 0, 60, 40);
      context.drawImage(map, 0, 0, 60, 40);
      const { data } = context.getImageData(0, 0, 60, 40);
      return new Set(data).size > 8 ? data.join() : "";
    };
    let before = seen();
    addEventListener("keydown", () => (before = seen()), true);
    const look = () => {
      const now = seen();
      if (now && now !== before) {
        before = now;
        notes.push(["picture", performance.now(), 0]);
      }
      requestAnimationFrame(look);
    };
    look();
  }
"""


def maps(address: str, count: int) -> dict[str, float]:
    """Median seconds from another number of steps of a map's runs to its first other pixel."""
    stretches: dict[str, list[float]] = {}
    with launch() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.add_init_script(NOTES)
        page.goto(f"{address}/phase_diagram")
        page.wait_for_selector(".st-key-map_picture canvas", timeout=served.PATIENCE)
        served.settle(page)
        time.sleep(20)  # the warm-up is over
        page.evaluate(WATCH_MAP)
        steps = page.get_by_label("Steps of each run")
        for number in range(count):
            steps.fill(str(1000 + 37 * number))
            page.evaluate("notes.length = 0")
            page.keyboard.press("Enter")
            time.sleep(2.0)
            notes = page.evaluate("notes")
            key, sent, picture = (
                next(when for each, when, _ in notes if each == what)
                for what in ("key", "sent", "picture")
            )
            received = [(when, size) for each, when, size in notes if each == "received"]
            arrived, _ = max((each for each in received if each[0] < picture), key=lambda e: e[1])
            for name, stretch in (
                (f"a map's steps entered, first other pixel (median of {count})", picture - key),
                ("of the map: key to request", sent - key),
                ("of the map: request to its chart", arrived - sent),
                ("of the map: its chart to the first other pixel", picture - arrived),
            ):
                stretches.setdefault(name, []).append(stretch / 1000)
    all_of_it = next(iter(stretches.values()))
    return {name: statistics.median(part) for name, part in stretches.items()} | {
        "a map's steps entered, slowest": max(all_of_it)
    }


def server_work(count: int) -> dict[str, float]:
    """Median seconds of what the server computes for one new step size, part by part."""
    parts: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        result = work()
        parts.setdefault(name, []).append(time.perf_counter() - begin)
        return result

    base = presets.MEDIUM.experiment
    assert isinstance(base.dynamics, Descent)
    for n in range(count + 1):  # the first one loads the kernels
        dynamics = replace(base.dynamics, step_size=base.dynamics.step_size * (1 + 0.001 * n))
        experiment = replace(base, dynamics=dynamics)
        run = timed("descent", lambda e=experiment: simulate(e))
        flow = timed("gradient flow", lambda e=experiment: simulate(presets.matching_flow(e)))
        named = timed(
            "regime and phases",
            lambda r=run, f=flow: [
                panels.Named("GD", r, regimes.phases(r)),
                panels.Named("GF", f, regimes.phases(f)),
            ],
        )
        timed(
            "sentences",
            lambda r=run, e=experiment: (
                regimes.headline(r) + regimes.describe(r) + prospects.place(e)
            ),
        )
        scene = timed("scene", lambda x=named: panels.simulator(x, panels.FIRST_PANELS))
        timed("payload", lambda x=scene: player.payload(x))
    return {
        f"server: {name}": statistics.median(seconds[1:]) for name, seconds in parts.items()
    } | {"server: all of these": sum(statistics.median(seconds[1:]) for seconds in parts.values())}


def preset_times(address: str) -> dict[str, float]:
    """Seconds from the choice of each aligned preset of the paper in the menu to its picture."""
    results = {}
    with launch() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        first_picture(page, address)
        served.settle(page)
        menu = page.get_by_role("combobox", name="Preset")
        for preset in presets.ALL:
            shown = preset.experiment == presets.MEDIUM.experiment  # before anything is chosen
            if preset.experiment.resolved_engine == "modes" and not shown:
                before = page.locator(".run-player").get_attribute("data-hash")
                menu.fill(preset.title)
                begin = time.perf_counter()
                menu.press("Enter")
                new_picture(page, before)
                results[preset.title] = time.perf_counter() - begin
                served.settle(page)
    return {
        f"preset chosen in the menu, picture (median of {len(results)})": statistics.median(
            results.values()
        ),
        f"the slowest: {max(results, key=results.__getitem__)}": max(results.values()),
    }


async def in_browser(address: str, seconds: float) -> list[float]:
    """What a visitor with a browser waits for new pictures."""
    waits = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path(), args=list(ARGUMENTS))
        page = await browser.new_page(viewport={"width": 1000, "height": 700})
        page.set_default_timeout(served.PATIENCE)
        await page.goto(address)
        await page.wait_for_selector(PLAYER)
        handle, stage = page.locator(".regime-ruler [role=slider]"), page.locator(".run-player")
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            before = await stage.get_attribute("data-hash") or ""
            await handle.focus()
            begin = time.perf_counter()
            await page.keyboard.press("ArrowRight")
            await expect_async(stage).not_to_have_attribute("data-hash", before, timeout=30_000)
            waits.append(time.perf_counter() - begin)
            await asyncio.sleep(1.0)
        await browser.close()
    return waits


async def visitors(address: str, count: int, seconds: float) -> dict[str, float]:
    """Waiting times of `count` visitors at once, the first of them with a browser."""
    visits = [visitor.visit(address, number, seconds) for number in range(1, count)]
    results = await asyncio.gather(in_browser(address, seconds), *visits, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    for error in errors:
        print(f"{type(error).__name__}: {error}".splitlines()[0], file=sys.stderr)
    seen, *others = [result if isinstance(result, list) else [] for result in results]
    waits = sorted(seen + [wait for result in others for wait in result])
    if not waits or not seen:
        raise SystemExit("nobody saw a new picture")
    return {
        f"{count} visitors for {seconds:g} s: errors": len(errors),
        f"{count} visitors: moves": len(waits),
        f"{count} visitors: wait, median": statistics.median(waits),
        f"{count} visitors: wait, 95th percentile": waits[int(0.95 * (len(waits) - 1))],
        f"{count} visitors: longest wait": waits[-1],
        f"{count} visitors: wait of the one with a browser, median": statistics.median(seen),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=3, help="cold starts; 0: visitors only")
    options = parser.parse_args()
    if options.repeats:
        report(cold_starts(options.repeats))
        report(server_work(20))
        with served.app() as address:
            report(moves(address, 20))
            report(preset_times(address))
            report(maps(address, 20))
    with served.app(SIMCORE_HOSTED="1") as address:
        report(asyncio.run(visitors(address, options.visitors, options.seconds)))
        report({"hosted server, peak resident memory (MB)": served.memory(os.getpid(), "VmHWM")})


if __name__ == "__main__":
    main()
