"""The picture under a moving handle: `.venv/bin/python benchmarks/live.py [drag | release]`.

drag: a page that plays offline, in headless Chromium with software rendering, whose handle of the
ruler is dragged from one end of the bar to the other and back. Printed are the frames a second, the
gaps between frames above 50 ms, the processor time of all of the browser for a frame, which other
work on the machine sways least, and how much of it the page's code takes; the rest is painting.

release: the app, whose handle is dragged and let go. Printed are the seconds from there until the
server's run has taken the place of the browser's, and the share of pixels that differ then.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

import numpy as np
import served
from browser import launch
from PIL import Image
from playwright.sync_api import CDPSession, Page

from simcore import Balanced, Descent, Experiment, Network, export
from simcore.presets import MEDIUM

LONG = 50  # ms: a gap that is seen

DRAG = """seconds => new Promise(done => {
  const track = document.querySelector(".regime-ruler .track"),
    handle = document.querySelector(".regime-ruler .handle"),
    box = track.getBoundingClientRect(), gaps = [];
  const at = (type, part) => track.dispatchEvent(new PointerEvent(type, {
    bubbles: true, button: 0, pointerId: 1, clientX: box.left + part * box.width,
    clientY: box.top + box.height / 2 }));
  track.setPointerCapture = () => {};
  at("pointerdown", 0);
  let begin, last;
  const tick = now => {
    begin ??= now;
    if (last !== undefined) gaps.push(now - last);
    last = now;
    const part = (now - begin) / (1000 * seconds);
    at("pointermove", 1 - Math.abs(1 - 2 * part));
    if (part < 1) requestAnimationFrame(tick);
    else { at("pointerup", 0); done(gaps); }
  };
  requestAnimationFrame(tick);
})"""


RELEASE = """async ([track, player, part]) => {
  const box = track.getBoundingClientRect(), panels = player.querySelector("canvas.panels");
  const at = (type, part) => track.dispatchEvent(new PointerEvent(type, {
    bubbles: true, button: 0, pointerId: 1, clientX: box.left + part * box.width,
    clientY: box.top + box.height / 2 }));
  const frame = () => new Promise(requestAnimationFrame);
  track.setPointerCapture = () => {};
  at("pointerdown", part - 0.1);
  for (let k = 1; k <= 20; k++) { at("pointermove", part - 0.1 + k / 200); await frame(); }
  const before = panels.toDataURL(), hash = player.dataset.hash, begin = performance.now();
  at("pointerup", part);
  while (player.dataset.hash === hash || player.dataset.hash === "null") await frame();
  const took = performance.now() - begin;
  await frame();
  await frame();
  return [took, before, panels.toDataURL()];
}"""
SEEN = 16  # of 255 in a colour: less than that, a pixel is the same to the eye


def cases() -> dict[str, Experiment]:
    """The paper's medium run, and eight pathways for as long as the twin computes."""
    medium = MEDIUM.experiment
    eight = replace(
        medium,
        network=Network(depths=(20,) * 8),
        start=Balanced(scales=tuple(0.002 - 0.00004 * h for h in range(8))),
        dynamics=Descent(step_size=2 / 13, steps=5000),
    )
    return {"H = 2, 650 steps": medium, "H = 8, 5,000 steps": eight}


def drag(page: Page, seconds: float) -> tuple[list[float], float]:
    """The gaps between frames in ms, and the processor time for a frame in ms."""
    before = processor_time()
    gaps = page.evaluate(DRAG, seconds)
    return gaps, 1000 * (processor_time() - before) / len(gaps)


def scripts(session: CDPSession) -> float:
    """Seconds that the code of a page took so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(each["value"] for each in metrics if each["name"] == "ScriptDuration")


def processor_time() -> float:
    """Seconds that the processes which this one has started took, and those which they did."""
    parents, seconds = {}, {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(") ")[2].split()
        except OSError:
            continue  # it has ended
        pid = int(file.parent.name)
        parents[pid], seconds[pid] = int(fields[1]), int(fields[11]) + int(fields[12])

    def ours(pid: int) -> bool:
        parent = parents.get(pid, 0)
        return parent == os.getpid() or (parent > 1 and ours(parent))

    return sum(map(seconds.get, filter(ours, seconds))) / os.sysconf("SC_CLK_TCK")


def pixels(address: str) -> np.ndarray:
    picture = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    return np.asarray(picture.convert("RGB"), dtype=int)


def releases(count: int) -> None:
    """The handle let go of at so many places."""
    with served.app() as address, launch() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        served.open_page(page, address)
        page.get_by_text("Partly re-balanced.").first.wait_for(timeout=served.PATIENCE)
        time.sleep(20)  # the warm-up is over
        track, player = page.locator(".regime-ruler .track"), page.locator(".run-player")
        times, shares = [], []
        for part in np.linspace(0.3, 0.7, count).tolist():
            parts = [track.element_handle(), player.element_handle(), part]
            took, before, after = page.evaluate(RELEASE, parts)
            old, new = pixels(before), pixels(after)
            same = old.shape == new.shape
            shares.append(float((np.abs(old - new).max(axis=2) > SEEN).mean()) if same else 1.0)
            times.append(took / 1000)
            served.settle(page)
            time.sleep(0.5)
        print(
            f"release to the server's run: median {statistics.median(times):.2f} s, slowest "
            f"{max(times):.2f} s of {count}; pixels that differ: median "
            f"{statistics.median(shares):.2%}, most {max(shares):.2%}"
        )


def drags(seconds: float) -> None:
    """The handle dragged for so long, in each of the cases."""
    with tempfile.TemporaryDirectory() as folder, launch() as browser:
        for name, experiment in cases().items():
            path = Path(folder) / "run.html"
            export.page(experiment, path)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(path.as_uri())
            drag(page, 1.0)  # the browser compiles
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable")
            before = scripts(session)
            gaps, took = drag(page, seconds)
            ours = 1000 * (scripts(session) - before) / len(gaps)
            page.close()
            late = sum(gap > LONG for gap in gaps)
            print(
                f"{name}: {1000 * len(gaps) / sum(gaps):.1f} frames a second, {late} of "
                f"{len(gaps)} gaps above {LONG} ms (the longest {max(gaps):.0f}), {took:.1f} ms of "
                f"processor time a frame, {ours:.1f} of them the page's code"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["drag", "release"], help="both if neither")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a drag")
    parser.add_argument("--count", type=int, default=12, help="of releases")
    options = parser.parse_args()
    if options.what != "release":
        drags(options.seconds)
    if options.what != "drag":
        releases(options.count)


if __name__ == "__main__":
    main()
