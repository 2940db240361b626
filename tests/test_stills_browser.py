"""Stills as Vega draws them: the pixels of Streamlit's own build of it, in a browser."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit
from browser import launch
from playwright.sync_api import Page

from simcore.figures import charts
from simcore.figures.scene import Line, Run, Scene, SeriesPanel

HEIGHT, SWING, THICK = 300, 4, 6  # pixels; Vega cuts mitres of more than four widths
STATIC = Path(streamlit.__file__).parent / "static"
DRAW = """async ([module, spec]) => {
  const { t: load } = await import(module);
  const { embed, expressionInterpreter: expr } = await load();
  const place = document.body.appendChild(document.createElement("div"));
  const options = { actions: false, renderer: "canvas", ast: true, expr };
  const { view } = await embed(place, spec, options);
  const canvas = await view.toCanvas();
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const [red, green, blue] = [0x00, 0x72, 0xb2];
  const rows = [];
  for (let y = 0; y < canvas.height; y++) {
    let count = 0;
    for (let x = 0; x < canvas.width; x++) {
      const k = 4 * (y * canvas.width + x);
      const off = [data[k] - red, data[k + 1] - green, data[k + 2] - blue].map(Math.abs);
      count += Math.max(...off) < 30;
    }
    if (count) rows.push(y);
  }
  return rows;
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    handler = functools.partial(Quiet, directory=str(STATIC))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with launch() as chromium:
            tab = chromium.new_page(viewport={"width": 800, "height": 600})
            tab.goto(f"http://127.0.0.1:{server.server_port}/favicon.png")
            yield tab
        server.shutdown()


def inked_rows(page: Page, spec: dict[str, Any]) -> list[int]:
    """Which rows of pixels the line in the first pathway's colour reaches."""
    (module,) = (STATIC / "static" / "js").glob("loadVegaEmbed*.js")
    return page.evaluate(DRAW, [f"/static/js/{module.name}", spec])


def zigzag() -> dict[str, Any]:
    """A line to and fro by SWING pixels between records a pixel apart."""
    step = np.arange(400)
    x = 0.5 + SWING / 2 / HEIGHT * (-1.0) ** step
    run = Run(name="GF", stroke="thin", columns={"step": step, "t": step, "x": x})
    panel = SeriesPanel(title="Zigzag", lines=(Line("GF", "x", "x", 0),), limits=(0.0, 1.0))
    spec = charts.still(Scene(runs=(run,), panels=(panel,)), height=HEIGHT).to_dict()
    spec |= {"width": 500, "background": "#ffffff"}
    return spec


def with_joins(spec: Any, join: str) -> Any:
    """The same with other joins, and lines so thick that a spike is seen."""
    if isinstance(spec, dict):
        changed = {name: with_joins(value, join) for name, value in spec.items()}
        if changed.get("type") == "line" and "strokeJoin" in changed:
            changed |= {"strokeJoin": join or changed["strokeJoin"]}
        changed.pop("strokeDash", None)  # between two dashes there is no join
        return changed | ({"strokeWidth": {"value": THICK}} if "strokeWidth" in changed else {})
    return [with_joins(value, join) for value in spec] if isinstance(spec, list) else spec


def test_a_zigzag_has_no_spikes(page):
    """Half a line width beyond the data is the line itself; a mitred one reaches much farther."""
    drawn = inked_rows(page, with_joins(zigzag(), ""))
    mitred = inked_rows(page, with_joins(zigzag(), "miter"))
    assert max(drawn) - min(drawn) <= SWING + THICK + 1
    assert max(mitred) - min(mitred) > SWING + 2.5 * THICK
