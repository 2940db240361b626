"""The player's frame rate and memory: `.venv/bin/python benchmarks/player.py [--minutes 5]`.

2000 records x 8 series x 4 panels at 1280x800 in headless Chromium with software rendering, so the
frames per second are a lower bound. Heap after a forced garbage collection.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

import numpy as np
from browser import launch

from simcore.figures.player import standalone
from simcore.figures.scene import Line, Run, Scene, SeriesPanel

RECORDS, SERIES, PANELS = 2000, 8, 4

COUNT_FRAMES = """seconds => new Promise(done => {
  const gaps = [];
  let last = performance.now();
  const end = last + 1000 * seconds;
  const tick = now => {
    gaps.push(now - last);
    last = now;
    if (now < end) requestAnimationFrame(tick);
    else done(gaps.slice(1));
  };
  requestAnimationFrame(tick);
})"""


def scene() -> Scene:
    """A long run with as many lines as the player is meant for."""
    step = np.arange(RECORDS)
    rng = np.random.default_rng(0)
    columns = {"step": step, "t": 0.1 * step}
    for s in range(SERIES):
        columns[f"s{s}"] = np.cumsum(rng.standard_normal(RECORDS)) + (-1.0) ** step
    lines = [Line("GD", f"s{s}", f"series {s}", colour=s) for s in range(SERIES)]
    panels = [SeriesPanel(title=f"Panel {p + 1}", lines=lines) for p in range(PANELS)]
    return Scene(runs=[Run(name="GD", columns=columns)], panels=panels, seconds=20.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, launch() as browser:
        path = Path(folder) / "player.html"
        path.write_text(standalone(scene()), encoding="utf-8")
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(path.as_uri())
        page.locator("[data-do=loop]").click()
        page.locator("[data-do=play]").click()
        rates = []
        for _ in range(max(1, round(options.minutes * 6))):
            gaps = page.evaluate(COUNT_FRAMES, 10)
            rates.append(1000 / statistics.median(gaps))
        tools = page.context.new_cdp_session(page)
        tools.send("HeapProfiler.collectGarbage")
        heap = tools.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    print(
        f"frames per second, median of {len(rates)} windows of 10 s: {statistics.median(rates):.1f}"
    )
    print(f"slowest window: {min(rates):.1f}")
    print(f"heap after {options.minutes:g} minutes (MB): {heap:.1f}")


if __name__ == "__main__":
    main()
