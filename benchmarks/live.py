"""The picture under a moving handle: `.venv/bin/python benchmarks/live.py [--seconds 10]`.

A page that plays offline, in headless Chromium with software rendering: the handle of the ruler is
dragged from one end of the bar to the other and back. Printed are the frames a second, the gaps
between frames above 50 ms, and the processor time of all of the browser for a frame, which other
work on the machine sways least.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

from browser import launch
from playwright.sync_api import Page

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, launch() as browser:
        for name, experiment in cases().items():
            path = Path(folder) / "run.html"
            export.page(experiment, path)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(path.as_uri())
            drag(page, 1.0)  # the browser compiles
            gaps, took = drag(page, options.seconds)
            page.close()
            late = sum(gap > LONG for gap in gaps)
            print(
                f"{name}: {1000 * len(gaps) / sum(gaps):.1f} frames a second, {late} of "
                f"{len(gaps)} gaps above {LONG} ms, {took:.1f} ms of processor time a frame"
            )


if __name__ == "__main__":
    main()
