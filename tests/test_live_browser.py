"""The picture that follows the step size in the browser: the bits of the kernels, and the very
pixels that the server's run has."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import launch
from cases import ALIGNED
from test_player_browser import MOUNT, plain

from simcore import (
    Descent,
    Experiment,
    Record,
    Trajectory,
    export,
    live,
    scenes,
    simulate,
    theory,
)
from simcore.figures import modules, panels, player, style
from simcore.presets import MEDIUM
from simcore.view import View

TWIN = Path(player.__file__).parents[1] / "twin"
RUN = """async ([source, asked]) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { records, sharpness } = await import(url);
  const plain = (v) => (v.length === undefined ? v : Array.from(v, plain));
  const safe = (_, v) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v);
  return JSON.stringify(asked.map(([system, eta]) => {
    const curves = [], look = (run) => system.curved && curves.push(sharpness(run));
    const run = records(system, eta, system.recorded, system.mode, look);
    return [run.loss, run.lossRange, run.strengths, run.ranges, curves].map(plain);
  }), safe);
}"""


@pytest.fixture(scope="module")
def chromium():
    with launch() as browser:
        yield browser


@pytest.fixture
def page(chromium):
    tab = chromium.new_page(viewport={"width": 1000, "height": 700})
    yield tab
    tab.close()


def runs() -> list[tuple[Trajectory, int]]:
    """Every aligned case below the edge, past it and far beyond, and each of its modes."""
    found = []
    for case in ALIGNED.values():
        for units in (0.5, 1.7, 4.0):
            dynamics = Descent(step_size=units * theory.unit_step_size(case), steps=300)
            run = simulate(replace(case, dynamics=dynamics, record=Record(every=7)))
            found += [(run, mode) for mode in range(run.strengths.shape[2])]
    return found


def numbers(nested, shape) -> np.ndarray:
    return np.array(nested, dtype=object).astype(float).reshape(shape)


def test_the_twin_has_the_bits_of_the_kernel(page):
    source = "".join(
        modules.joined(TWIN / name) + f"\nexport {{ {verb} }};\n"
        for name, verb in (("descent.js", "records"), ("curvature.js", "sharpness"))
    )
    wanted = runs()
    assert any(run.outcome.name == "DIVERGED" for run, _ in wanted)
    asked = [
        (live.system(run.experiment, mode), run.experiment.dynamics.eta) for run, mode in wanted
    ]
    assert sum(system["curved"] for system, _ in asked) > 3
    found = json.loads(page.evaluate(RUN, [source, json.loads(json.dumps(asked))]))
    for (run, mode), (system, _), (loss, losses, strengths, ranges, curves) in zip(
        wanted, asked, found, strict=True
    ):
        count, pathways = run.strengths.shape[:2]
        floor, between = system["floor"], run.strengths_range[:, :, :, mode].transpose(1, 2, 0)
        assert np.array_equal(numbers(loss, count) + floor, run.loss)
        assert np.array_equal(numbers(losses, (2, count)) + floor, run.loss_range.T)
        assert np.array_equal(numbers(strengths, (pathways, count)), run.strengths[..., mode].T)
        assert np.array_equal(numbers(ranges, (2, pathways, count)), between)
        if system["curved"]:
            error = np.abs(numbers(curves, count) - run.sharpness)
            assert error.max() <= 1e-12 * np.abs(run.sharpness).max()


# --- The picture -------------------------------------------------------------------------------

SHOWN = ("strengths", "plane", "sharpness", "loss", "sharing")
PIXELS = "() => window.root.querySelector('canvas.panels').toDataURL()"
MOVE = """(eta) => {
  const detail = { eta, heard: false };
  window.dispatchEvent(new CustomEvent("step-size", { detail }));
  return detail.heard;
}"""


def scene_of(experiment: Experiment, mode: int = 0):
    """A run and its gradient flow, without the phases and notes that only the server knows."""
    run = simulate(experiment)
    flow = simulate(scenes.flow_beside(run))
    shown = panels.simulator([scenes.named(run), scenes.named(flow)], SHOWN, View(mode=mode))
    bare = [
        replace(r, phases=[("", 0, int(of.steps[-1]))], notices=())
        for r, of in zip(shown.runs, (run, flow), strict=True)
    ]
    plain = [replace(p, label="") if p.key == "loss" else p for p in shown.panels]
    system = live.system(experiment, mode, flow=1)
    return replace(shown, runs=tuple(bare), panels=tuple(plain), live=system, note="")


def at(experiment: Experiment, eta: float) -> Experiment:
    return replace(experiment, dynamics=replace(experiment.dynamics, step_size=eta))


def mounted(page, *shown):
    packed = [plain(scene) for scene in shown]
    for scene in packed:  # the one phase of a run whose phases only the server knows
        for run in scene["scene"]["runs"]:
            run["phases"][0]["colour"] = style.MUTED
    arguments = [player.JS, player.HTML, player.CSS, json.loads(json.dumps(packed))]
    page.evaluate(MOUNT, arguments)
    painted(page)


def painted(page):
    """Until the picture has come to rest after a move."""
    page.wait_for_selector(".run-player:not([data-passing])", state="attached")
    page.evaluate("new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok)))")


@pytest.mark.parametrize("eta", [0.05, 0.16, 2 / 10.5, 0.3, 0.9], ids=str)
def test_the_picture_that_follows_has_the_pixels_of_the_servers(page, eta):
    """Gradient flow and predicted ends along, up to the ribbon of phases, which only the server
    knows: under the edge, partly re-balanced, in a cycle, with a flipped sign and diverged."""
    experiment = MEDIUM.experiment
    mounted(page, scene_of(experiment), scene_of(at(experiment, eta)))
    before = page.evaluate(PIXELS)
    assert page.evaluate(MOVE, eta)
    painted(page)
    followed = page.evaluate(PIXELS)
    assert followed != before
    assert "follows" in page.evaluate("window.root.querySelector('.note').textContent")
    page.evaluate("window.rerun(0)")  # an answer to what was asked before changes nothing
    painted(page)
    assert page.evaluate(PIXELS) == followed
    page.evaluate("window.rerun(1)")  # the server's own
    painted(page)
    assert page.evaluate(PIXELS) == followed
    assert page.evaluate("window.root.querySelector('.note').textContent") == ""


def test_back_where_it_was_the_picture_is_the_servers(page):
    experiment = MEDIUM.experiment
    mounted(page, scene_of(experiment))
    before = page.evaluate(PIXELS)
    for eta in (0.2, experiment.dynamics.eta):
        page.evaluate(MOVE, eta)
        painted(page)
    assert page.evaluate(PIXELS) == before


# --- The file that is carried along ------------------------------------------------------------


def test_the_page_follows_the_step_size_without_a_server(page, tmp_path):
    """From a disk: its numbers at the end are the server's at ten step sizes, and a run with full
    weights has no ruler."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    file = tmp_path / "medium.html"
    export.page(MEDIUM.experiment, file)
    assert file.stat().st_size < 300_000
    page.goto(file.as_uri())
    handle = page.get_by_role("slider", name="Step size η")
    verdict, state = page.locator(".verdict"), page.locator(".run-player .state")
    assert float(verdict.evaluate("(e) => getComputedStyle(e).opacity")) == 1
    for key in ["Shift+ArrowLeft"] * 4 + ["Home"] + ["PageUp"] * 5:
        handle.press(key)
        painted(page)
        eta = float(handle.get_attribute("aria-valuenow"))
        run = simulate(at(MEDIUM.experiment, eta))
        shown = [float(v) for v in re.findall(r"σ[₁₂]₁ (\d\.\d+)", state.text_content())]
        assert shown == pytest.approx(run.strengths[-1, :, 0].tolist(), abs=6e-5)
        assert float(verdict.evaluate("(e) => getComputedStyle(e).opacity")) < 1
    assert asked == [file.as_uri()]

    export.page(replace(MEDIUM.experiment, engine="matrices", record=Record(frames=9)), file)
    page.goto(file.as_uri())
    assert page.locator(".run-player").count() == 1
    assert page.locator(".regime-ruler").count() == 0


def test_what_only_the_server_knows_is_left_out_until_it_answers(page):
    """The sharpness of several modes; and a run with full weights follows nothing at once."""
    experiment = replace(
        ALIGNED["two pathways"], dynamics=Descent(step_size=0.1, steps=90), record=Record(every=1)
    )
    mounted(page, scene_of(experiment, mode=1))
    assert page.evaluate(MOVE, 0.2)
    painted(page)
    assert live.system(replace(experiment, engine="matrices")) is None
    silent = replace(scene_of(experiment), live=None)
    page.evaluate("(scene) => window.rerun(0, scene)", json.loads(json.dumps(plain(silent))))
    assert not page.evaluate(MOVE, 0.3)
