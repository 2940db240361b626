"""The picture that follows the step size in the browser: the bits of the kernels, and the very
pixels that the server's run has."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import launch
from cases import ALIGNED
from test_player_browser import MOUNT, plain
from test_take_browser import SMALL, blurred, pixels, take
from written import assert_written

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Network,
    Record,
    Spectrum,
    Trajectory,
    awaited,
    export,
    live,
    prospects,
    scenes,
    simulate,
    theory,
    variations,
)
from simcore.figures import live_words, modules, panels, player, style
from simcore.presets import MEDIUM, unequal_depths
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


# --- What theory says, and gradient flow --------------------------------------------------------

ZONES = dict.fromkeys(live_words.of_mode(0)["zones"])
THEORY = """async ([source, asked]) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { flowRecords, flowEnd, flattestSplit, edgeEnd, ...M } = await import(url);
  const plain = (v) => (v.length === undefined ? v : Array.from(v, plain));
  const safe = (_, v) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v);
  return JSON.stringify(asked.map(({ network, eta, system, options, times, zones }) => {
    const { depths, scales, target } = network, found = flowRecords(system, options, times, 0),
      flow = flowEnd(scales, depths, target), flattest = flattestSplit(target, depths);
    return { flow, flattest, edge: edgeEnd(flow, flattest, depths, target, eta),
      marks: M.stepSizeMarks(network), zones: M.zonesOf(network, zones),
      records: [found.loss, found.strengths, found.taken].map(plain) };
  }), safe);
}"""


def networks() -> list[Experiment]:
    """Descents of balanced starts: equal depths and others, depths of 1 and 2 too, tiny starts and
    large, from far below the edge to far beyond, and at it."""
    rng, found = np.random.default_rng(14), []
    for number in range(40):
        pathways, deepest = (2, 7) if number % 3 == 0 else (int(rng.integers(1, 6)), 25)
        depths = rng.integers(1, deepest, pathways)
        depths = depths if number % 2 else depths[:1].repeat(pathways)
        smallest, largest = (-0.3, 0.2) if number % 5 == 4 else (-4, -1)
        experiment = Experiment(
            task=Spectrum(singular_values=(float(10 ** rng.uniform(-0.7, 0.7)),)),
            network=Network(depths=tuple(map(int, depths))),
            start=Balanced(scales=tuple((10 ** rng.uniform(smallest, largest, pathways)).tolist())),
            dynamics=Descent(step_size=0.1, steps=int(rng.integers(50, 1500))),
            record=Record(frames=60),
        )
        found.append(variations.with_units(experiment, float(rng.uniform(0.5, 2.2))))
    return [*found, *(unequal_depths(pair, 100) for pair in ((3, 5), (5, 3)))]


def asked_of(experiment: Experiment) -> dict:
    flow = variations.matching_flow(experiment)
    return {
        "network": {
            "depths": experiment.network.depths,
            "scales": experiment.start.scales,
            "target": experiment.task.singular_values[0],
            "steps": experiment.dynamics.steps,
        },
        "eta": experiment.dynamics.eta,
        "system": live.system(experiment),
        "options": {"rtol": flow.dynamics.rtol, "longest": flow.dynamics.duration},
        "times": flow.record.times(flow.dynamics.duration).tolist(),
        "zones": {key: key for key in ZONES},
    }


def test_the_twin_knows_what_theory_says_and_where_gradient_flow_goes(page):
    source = "".join(
        modules.joined(TWIN / name) + f"\nexport {{ {verbs} }};\n"
        for name, verbs in (
            ("flow.js", "flowRecords"),
            ("closed.js", "flowEnd, flattestSplit, edgeEnd, stepSizeMarks, zonesOf"),
        )
    )
    experiments, words = networks(), live_words.of_mode(0)["zones"]
    asked = [asked_of(experiment) for experiment in experiments]
    zones_met, edges_met = set(), 0
    for experiment, found in zip(
        experiments,
        json.loads(page.evaluate(THEORY, [source, json.loads(json.dumps(asked))])),
        strict=True,
    ):
        marks = theory.step_size_marks(experiment)._asdict()
        shown = {name: float(value) for name, value in found["marks"].items()}
        assert shown == pytest.approx(marks, rel=1e-12, nan_ok=True)
        ends = prospects.ends(experiment)
        for name in ("flow", "flattest"):
            assert found[name] == pytest.approx(ends[name].tolist(), rel=1e-12, abs=1e-300)
        assert (found["edge"] is None) == (ends["edge"] is None)
        if found["edge"] is not None:
            edges_met += 1
            assert found["edge"] == pytest.approx(ends["edge"].tolist(), rel=1e-9)
        zones = prospects.zones(experiment)
        assert [words[zone["name"]]["name"] for zone in found["zones"]] == [z.name for z in zones]
        assert [float(zone["end"]) for zone in found["zones"]] == pytest.approx(
            [zone.high for zone in zones], rel=1e-12
        )
        zones_met |= {zone["name"] for zone in found["zones"]}
        run = simulate(variations.matching_flow(experiment))
        loss, strengths, taken = found["records"]
        scale = experiment.task.singular_values[0]
        assert np.array_equal(taken, run.steps)
        assert np.abs(np.array(strengths).T - run.strengths[..., 0]).max() <= 1e-8 * scale
        assert np.abs(np.array(loss) - run.loss).max() <= 1e-8 * scale**2
    assert zones_met == set(ZONES)
    assert edges_met > 3


# --- The picture -------------------------------------------------------------------------------

SHOWN = ("strengths", "plane", "sharpness", "loss", "sharing")
PIXELS = "() => window.root.querySelector('canvas.panels').toDataURL()"
MOVE = """(eta) => {
  const detail = { eta, heard: false };
  window.dispatchEvent(new CustomEvent("step-size", { detail }));
  return detail.heard;
}"""


def scene_of(experiment: Experiment, mode: int = 0, keys: tuple[str, ...] = SHOWN):
    """A run and its gradient flow, without the phases and notes that only the server knows."""
    run = simulate(experiment)
    flow = simulate(scenes.flow_beside(run))
    shown = panels.simulator([scenes.named(run), scenes.named(flow)], keys, View(mode=mode))
    bare = [
        replace(r, phases=[("", 0, of.time[-1])], notices=())
        for r, of in zip(shown.runs, (run, flow), strict=True)
    ]
    system = live.system(experiment, mode, flow=1)
    return replace(shown, runs=tuple(bare), live=system, note="")


def at(experiment: Experiment, eta: float) -> Experiment:
    return replace(experiment, dynamics=replace(experiment.dynamics, step_size=eta))


def mounted(page, *shown):
    packed = [plain(scene) for scene in shown]
    for scene in packed:  # the one phase of a run whose phases only the server knows
        for run in scene["scene"]["runs"]:
            for phase in run["phases"]:
                phase["colour"] = style.MUTED
    arguments = [player.component(), json.loads(json.dumps(packed))]
    page.evaluate(MOUNT, arguments)
    painted(page)


TWO_FRAMES = "new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok)))"


def painted(page):
    """Until the picture has come to rest after a move, which is told of in the next frame."""
    page.evaluate(TWO_FRAMES)
    page.wait_for_selector(".run-player:not([data-passing])", state="attached")
    page.evaluate(TWO_FRAMES)


LONG = variations.with_steps(MEDIUM.experiment, 2600)  # more steps than records in the browser
FAR = replace(MEDIUM.experiment, network=Network(depths=(3, 3)), start=Balanced(scales=(4.0, 2.0)))


@pytest.mark.parametrize(
    ("experiment", "eta", "keys"),
    [
        *((MEDIUM.experiment, eta, SHOWN) for eta in (0.05, 0.16, 2 / 10.5, 0.3, 0.9)),
        *((LONG, eta, SHOWN[:4]) for eta in (0.23, 0.9)),
        (FAR, 0.3, SHOWN),
    ],
    ids=lambda value: str(value) if isinstance(value, float) else "",
)
def test_the_picture_that_follows_has_the_pixels_of_the_servers(page, experiment, eta, keys):
    """Gradient flow and predicted ends along, up to the ribbon of phases, which only the server
    knows: under the edge, partly re-balanced, in a cycle, with a flipped sign and diverged; where
    not all records are drawn, and from beyond where a run that diverged is cut."""
    mounted(page, *(scene_of(each, keys=keys) for each in (experiment, at(experiment, eta))))
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
    assert "follows" not in page.evaluate("window.root.querySelector('.note').textContent")


ROOM = """async (source) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { Screen, LASTING } = await import(url);
  document.body.innerHTML = `<p style="height: 100px; margin: 0"></p><div><canvas class="panels">
    </canvas><div class="timeline"><canvas></canvas></div></div>`;
  const words = document.querySelector("p"), screen = new Screen(document.querySelector("div"));
  const at = (height) => { words.style.height = `${height}px`; return screen.room; };
  const wait = () => new Promise((ok) => setTimeout(ok, LASTING + 20)), begun = [at(300), at(100)];
  await wait();
  const seen = [...begun, at(0), at(100), at(0), at(120), at(80), at(0)];
  await wait();
  return [...seen, at(0)];
}"""


def test_the_picture_keeps_its_size_while_words_above_it_are_replaced(page):
    """For a moment there are none, or both; it has their place once they stay away."""
    source = modules.joined(Path(player.__file__).parent / "layout.js")
    least, first, *rest = page.evaluate(ROOM, source + "\nexport { Screen, LASTING };\n")
    assert first == least + 200  # while the page is made
    assert rest == [first, first, first, first, first, first, first + 100]


def test_a_run_that_is_awaited_has_the_pixels_of_the_servers(page):
    """Panels, limits, theory's marks and numbers; the phases come with the server's words."""
    experiment = MEDIUM.experiment
    first = awaited.scene(experiment, SHOWN, View(), with_flow=True)
    mounted(page, first, scene_of(experiment))
    before = page.evaluate(PIXELS)
    assert page.evaluate("window.root.querySelector('.note').textContent") == awaited.NOTE
    page.evaluate("window.rerun(1)")
    painted(page)
    assert page.evaluate(PIXELS) == before
    assert awaited.scene(experiment, ("gfs",), View(), with_flow=False) is None
    assert awaited.scene(ALIGNED["two pathways"], SHOWN, View(), with_flow=True) is None


def test_a_network_let_go_of_becomes_the_experiment():
    experiment = MEDIUM.experiment
    told = {"depths": [3, 5, 4], "scales": [0.002, 0.0017, 0.01], "steps": 90}
    changed = live.at(experiment, told)
    assert changed.network.depths == (3, 5, 4)
    assert changed.start == Balanced(scales=(0.002, 0.0017, 0.01))
    assert changed.dynamics == replace(experiment.dynamics, steps=90)
    for wrong in (None, {"depths": [3]}, told | {"scales": [0.1]}, told | {"steps": -1}):
        with pytest.raises(ValueError, match=r"entry per pathway|got"):
            live.at(experiment, wrong)


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
        assert_written(state.text_content(), run)
        assert float(verdict.evaluate("(e) => getComputedStyle(e).opacity")) < 1
    assert asked == [file.as_uri()]

    export.page(replace(MEDIUM.experiment, engine="matrices", record=Record(frames=9)), file)
    page.goto(file.as_uri())
    assert page.locator(".run-player").count() == 1
    assert page.locator(".regime-ruler").count() == 0


def test_the_page_follows_the_network_without_a_server(page, tmp_path):
    """Pathways, depths, scales and steps, with gradient flow and the ruler's marks: all of them are
    Python's for that experiment, and the way back leads to the run of the file."""
    file = tmp_path / "medium.html"
    export.page(MEDIUM.experiment, file)
    page.goto(file.as_uri())
    page.locator(".network summary").click()
    state = page.locator(".run-player .state")
    own = state.text_content()
    slide = "(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }"

    def slider(name: str):
        return page.get_by_role("slider", name=name)

    def move(name: str, value: float) -> None:
        slider(name).evaluate(slide, value)
        painted(page)

    move("Depth L of all", 6)
    move("Pathways H", 3)
    move("L of pathway 2", 9)
    move("α of pathway 3", 200)
    move("Steps", 200)
    for key in ("ArrowRight", "ArrowLeft"):  # of the slider, not of the clock
        slider("L of pathway 2").press(key)
    painted(page)
    scale = float(slider("α of pathway 3").get_attribute("aria-valuetext"))
    steps = int(slider("Steps").get_attribute("aria-valuetext").replace(",", ""))
    told = {"depths": [6, 9, 6], "scales": [0.002, 0.0017, scale], "steps": steps}
    changed = live.at(MEDIUM.experiment, told)
    run = simulate(changed)
    assert_written(state.text_content(), run)
    marks = {v for v in theory.step_size_marks(changed) if np.isfinite(v)}
    labels = page.locator(".regime-ruler .label button span").all_text_contents()
    assert {float(text) for text in labels} == {float(f"{v:.4g}") for v in marks}
    page.get_by_role("button", name="Back to the run").click()
    painted(page)
    assert state.text_content() == own


# --- Films of what is swept through -------------------------------------------------------------

SWEPT = """async ([source, network, bounds]) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { sweepsFrom } = await import(url), parts = Array.from({ length: 421 }, (_, k) => k / 420);
  const found = sweepsFrom({ eta: 0.1, steps: 90, network: null }, network, bounds);
  return Object.entries(found).map(([name, { at, seconds }]) => [name, seconds, parts.map(at)]);
}"""
FRAMES = """async ([film, times]) => {
  const video = document.createElement("video"), canvas = document.createElement("canvas");
  const found = [];
  video.src = `data:video/mp4;base64,${film}`;
  await new Promise((ok) => { video.onloadeddata = ok; });
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  for (const time of times) {
    await new Promise((ok) => { video.onseeked = ok; video.currentTime = time; });
    while (video.readyState < 2) await new Promise(requestAnimationFrame);  // on a busy machine
    canvas.getContext("2d").drawImage(video, 0, 0);
    found.push(canvas.toDataURL().split(",")[1]);
  }
  return [video.duration, ...found];
}"""


def test_a_sweep_goes_from_the_first_value_to_the_last_and_stays_at_each_as_long(page):
    """Step sizes evenly in their logarithm; nothing else of the place moves along."""
    source = modules.joined(Path(player.__file__).parent / "sweeps.js")
    network = {"depths": [3, 5], "scales": [0.1, 0.2]}
    bounds = {"range": [0.01, 0.4], "fewest": 2, "most": {"pathways": 8, "depth": 30}}
    found = page.evaluate(SWEPT, [source + "\nexport { sweepsFrom };", network, bounds])
    sweeps = {name: (seconds, places) for name, seconds, places in found}
    etas = [place["eta"] for place in sweeps["step-sizes"][1]]
    assert np.log(etas) == pytest.approx(np.linspace(np.log(0.01), np.log(0.4), len(etas)))
    assert (etas[0], etas[-1]) == (0.01, 0.4)
    for name, of, numbers in (("depths", max, range(1, 31)), ("pathways", len, range(2, 9))):
        seconds, places = sweeps[name]
        shown = [of(place["network"]["depths"]) for place in places]
        stays = np.bincount(shown[:-1])[list(numbers)]
        assert shown[-1] == numbers[-1]
        assert set(stays) == {(len(shown) - 1) // len(numbers)}
        assert seconds / len(numbers) <= 1
        assert {place["eta"] for place in places} == {0.1}
    assert all(len(set(place["network"]["depths"])) == 1 for place in sweeps["depths"][1])


FRAME = SMALL | {"width": 240, "height": 136, "scale": 0.6 * 240 / 1280}


def test_a_film_of_pathways_shows_the_picture_at_each_number(page, tmp_path):
    """Also the keys of the controls play: what is drawn by a sweep is what a slider draws."""
    file = tmp_path / "medium.html"
    export.page(MEDIUM.experiment, file)
    page.goto(file.as_uri())
    page.locator(".network summary").click()
    choice = {"size": "240x136", "text": 0.6}  # small letters have room for all pathways
    page.evaluate(
        "(choice) => localStorage.setItem('symmetry-at-the-edge.take', choice)", json.dumps(choice)
    )
    key = page.get_by_role("button", name="numbers of pathways")
    with page.expect_download() as download:
        key.click()
    assert download.value.suggested_filename.startswith("pathways-medium")
    film = base64.b64encode(Path(download.value.path()).read_bytes()).decode()
    assert key.inner_text() == "numbers of pathways"
    slider = page.get_by_role("slider", name="Pathways H")
    first, last = 2, int(slider.get_attribute("max"))  # a plane takes two
    duration, *frames = page.evaluate(FRAMES, [film, [1.5, last - first + 1.5]])
    assert duration == last - first + 2  # a second each, and one more at the end
    for count, frame in zip((first + 1, last), frames, strict=True):
        slider.evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }", count)
        painted(page)
        png = take(page, "png", FRAME)[1]
        apart = np.abs(blurred(pixels(base64.b64decode(frame))) - blurred(pixels(png)))
        assert apart.mean() < 3


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
