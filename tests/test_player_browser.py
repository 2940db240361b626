"""The player in a browser: playing, scrubbing, keys, hovering, strobing, colours, reruns."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import launch
from playwright.sync_api import Browser, Page, expect

from simcore.figures.player import component, payload, standalone
from simcore.figures.scene import (
    Change,
    Curve,
    HeatPanel,
    Level,
    Line,
    Mark,
    Notice,
    PlanePanel,
    Run,
    Scene,
    SeriesPanel,
    Trail,
)

ETA, STEPS = 0.5, 40


def two_runs(seconds: float = 12.0) -> Scene:
    """A descent on a period-2 orbit that drifts, and a flow with fewer, uneven records."""
    step = np.arange(STEPS + 1)
    drift = step / STEPS
    descent = Run(
        name="GD",
        columns={
            "step": step,
            "t": ETA * step,
            "x": drift + 0.25 * (-1.0) ** step,
            "parity": step % 2,
            "loss": np.exp(-step / 4.0),
        },
        phases=[("plateau", 0, 10 * ETA), ("edge of stability", 10 * ETA, STEPS * ETA)],
    )
    t = np.array([0.0, 4.0, 10.0, 20.0])
    flow = Run(
        name="GF",
        stroke="thin",
        columns={"step": np.arange(4), "t": t, "x": t / 10, "loss": np.exp(-t)},
    )
    return Scene(
        runs=(descent, flow),
        seconds=seconds,
        words={"plateau": "nothing is learned yet"},
        panels=(
            SeriesPanel(
                title="Strengths",
                label="σ",
                lines=(
                    Line("GD", "x", "x of GD", 0),
                    Line("GD", "parity", "parity", 1),
                    Line("GF", "x", "x of GF", 0),
                ),
                levels=(Level(1.0, "one"),),
            ),
            PlanePanel(
                title="Plane",
                trails=(Trail("GD", "x", "parity", "GD"),),
                curves=(Curve([(0, 1), (1, 0)], "minima"),),
                marks=(Mark(0.5, 0.5, "flattest", "star"),),
            ),
            SeriesPanel(title="Loss", scale="log", lines=(Line("GD", "loss", "loss of GD"),)),
        ),
    )


def maps() -> Scene:
    step = np.arange(11)
    stack = np.zeros((11, 2, 2, 3))
    stack[:, 1, 0, 2] = step / 10
    stack[:, 0, 1, 0] = -step / 20
    run = Run(name="GD", columns={"step": step, "t": ETA * step}, maps={"maps": stack})
    return Scene(
        runs=(run,),
        panels=(HeatPanel(title="Maps", run="GD", maps="maps", titles=("first", "second")),),
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as chromium:
        yield chromium


class Player:
    """What a visitor sees and does, read from the page's accessible state."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".run-player")
        self.slider = page.get_by_role("slider", name="Time")
        self.canvas = page.locator("canvas.panels")

    def data(self, name: str) -> str:
        return self.root.get_attribute(f"data-{name}") or ""

    @property
    def cursor(self) -> float:
        return float(self.slider.get_attribute("aria-valuenow") or "nan")

    @property
    def spoken(self) -> str:
        return self.slider.get_attribute("aria-valuetext") or ""

    @property
    def state(self) -> str:
        return self.page.locator(".state").text_content() or ""

    def value(self, label: str) -> float:
        """The number after `label` in the text for screen readers."""
        found = re.search(rf"{re.escape(label)} \(?(−?[\d.]+\d)", self.state)
        assert found, f"no {label!r} in {self.state!r}"
        return float(found[1].replace("−", "-"))

    def press(self, *keys: str) -> None:
        self.slider.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def played(self, seconds: float) -> np.ndarray:
        """The cursor in every frame of so many seconds by a clock of ours, after the space bar if
        nothing plays: a busy machine leaves out frames of its own."""
        self.page.clock.install()
        self.page.evaluate(
            """() => {
              const root = document.querySelector(".run-player");
              window.seen = [];
              new MutationObserver(() => window.seen.push(Number(root.dataset.cursor)))
                .observe(root, { attributeFilter: ["data-cursor"] });
            }"""
        )
        if self.data("playing") == "false":
            self.press("Space")
        self.page.clock.run_for(round(1000 * seconds))
        return np.array(self.page.evaluate("window.seen"))

    def settle(self) -> None:
        """Until the next frame is painted."""
        painted(self.page)

    def picture(self) -> str:
        self.settle()
        return self.canvas.evaluate("(canvas) => canvas.toDataURL()")

    def colours(self) -> set[tuple[int, int, int]]:
        self.settle()
        flat = self.canvas.evaluate(
            """(canvas) => {
              const { data } = canvas.getContext("2d")
                .getImageData(0, 0, canvas.width, canvas.height);
              const seen = new Set();
              for (let i = 0; i < data.length; i += 4)
                seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
              return [...seen];
            }"""
        )
        return {(c >> 16, (c >> 8) & 255, c & 255) for c in flat}


@pytest.fixture
def open_player(browser: Browser, tmp_path: Path) -> Iterator:
    """Opens a scene as a stand-alone file; any error or request of the page fails the test."""
    contexts, troubles = [], []

    def open_(scene: Scene, width: int = 1280, **options: object) -> Player:
        file = tmp_path / f"{len(contexts)}.html"
        file.write_text(standalone(scene), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request",
            lambda request: (
                troubles.append(request.url)
                if request.url.startswith(("http:", "https:", "ws:"))
                else None
            ),
        )
        page.goto(file.as_uri())
        expect(page.locator(".run-player")).to_have_attribute("data-playing", "false")
        return Player(page)

    yield open_
    for context in contexts:
        context.close()
    assert troubles == []


def test_the_finished_run_is_there_before_anything_is_pressed(open_player) -> None:
    player = open_player(two_runs())
    assert player.cursor == ETA * STEPS
    assert player.spoken.startswith("step 40 / 40")
    assert player.value("x of GD") == 1.25
    assert player.value("x of GF") == 2.0
    assert "loss of GD 4.54·10⁻⁵" in player.state
    assert {(0, 114, 178), (213, 94, 0)} <= player.colours()


def test_play_at_the_end_starts_anew_and_stops_at_the_end(open_player) -> None:
    player = open_player(two_runs(seconds=0.5))
    player.page.evaluate(
        """() => {
          window.seen = [];
          new MutationObserver(() => window.seen.push(
            Number(document.querySelector(".run-player").dataset.cursor),
          )).observe(document.querySelector(".run-player"), { attributeFilter: ["data-cursor"] });
        }"""
    )
    player.page.get_by_role("button", name="Play").click()
    expect(player.page.get_by_role("button", name="Play")).to_be_visible()
    expect(player.root).to_have_attribute("data-playing", "false")
    expect(player.root).to_have_attribute("data-cursor", str(int(ETA * STEPS)))
    seen = player.page.evaluate("window.seen")
    assert min(seen) < 0.5 * ETA * STEPS
    assert seen[1:] == sorted(seen[1:])


def test_loop_goes_round(open_player) -> None:
    player = open_player(two_runs(seconds=0.2))
    player.page.get_by_role("button", name="Loop").click()
    player.press("Space")
    player.page.wait_for_function(
        """() => {
          const now = Number(document.querySelector(".run-player").dataset.cursor);
          window.rounds = (window.rounds ?? 0) + (now < (window.before ?? 0));
          window.before = now;
          return window.rounds >= 2;
        }"""
    )
    assert player.data("playing") == "true"
    player.press("Space")
    assert player.data("playing") == "false"


def test_what_is_to_come_is_faint(open_player) -> None:
    player = open_player(two_runs())
    whole = player.picture()
    player.press("Home")
    assert (0, 114, 178) in player.colours()  # the legend keeps its colours
    assert player.picture() != whole
    player.press("End")
    assert player.picture() == whole


def test_keys_step_by_whole_records(open_player) -> None:
    player = open_player(two_runs())
    at = {}
    for key in ("Home", "ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowLeft", "End"):
        player.press(key)
        at[key] = player.spoken.split(" / ")[0]
    assert at == {
        "Home": "step 0",
        "ArrowRight": "step 2",
        "Shift+ArrowRight": "step 12",
        "ArrowLeft": "step 11",
        "End": "step 40",
    }
    assert float(player.slider.get_attribute("aria-valuenow")) == player.cursor


def test_the_keys_of_streamlit_pass_through(open_player) -> None:
    player = open_player(two_runs())
    player.page.evaluate(
        """() => {
          window.passed = [];
          document.addEventListener("keydown", (event) =>
            window.passed.push(event.key + event.defaultPrevented));
        }"""
    )
    player.press("r", "c", "Escape", "ArrowLeft", "Space")
    assert player.page.evaluate("window.passed") == ["rfalse", "cfalse", "Escapefalse"]


def test_each_run_shows_its_last_record_on_one_clock(open_player) -> None:
    player = open_player(two_runs())
    player.press("Home", *["ArrowRight"] * 11)
    assert player.cursor == 5.5
    assert player.value("x of GD") == pytest.approx(11 / 40 - 0.25, abs=1e-3)
    assert player.value("x of GF") == pytest.approx(0.55, abs=1e-3)  # from t = 4 to t = 10
    assert player.spoken.endswith("GD: edge of stability")


def test_steps_are_counted_up_to_the_last_record(open_player) -> None:
    whole = two_runs()
    descent, flow = whole.runs
    early = dataclasses.replace(
        descent, columns={name: column[:8] for name, column in descent.columns.items()}, phases=()
    )
    player = open_player(dataclasses.replace(whole, runs=(early, flow)))
    assert player.spoken.startswith("t = 20.00 · GD ended at step 7")
    player.press("Home")
    assert player.spoken.startswith("step 0 / 7")


def ramp(bounds: bool = False) -> Scene:
    """A descent whose step size doubles after each step: 1, 2, 4, ... t = 2 ** step - 1."""
    step = np.arange(7)
    columns = {"step": step, "t": 2.0**step - 1, "x": step / 10, "edge": 2.0 ** (1 - step)}
    line = Line("GD", "edge", "2/η", "edge", theory=True)
    lines = (Line("GD", "x", "x", 0), *([line] if bounds else []))
    return Scene(
        runs=(Run(name="GD", columns=columns),), panels=(SeriesPanel(title="Panel", lines=lines),)
    )


def test_steps_come_from_the_records_when_the_step_size_changes(open_player) -> None:
    player = open_player(ramp())
    assert player.spoken == "step 6 / 6 · t = 63.0"
    seen = []
    for key in ("Home", *["ArrowRight"] * 4):
        player.press(key)
        seen.append((player.cursor, player.spoken.split(" · ")[0]))
    assert seen == [(2**k - 1, f"step {k} / 6") for k in (0, 1, 2, 3, 4)]
    box = player.canvas.bounding_box()
    player.page.mouse.move(box["x"] + box["width"] - 60, box["y"] + 150)
    assert float(player.data("hover")) in (31.0, 63.0)
    player.press("+", "+", "+", "+", "+", "+", "+", "+", "+", "+")
    assert player.page.get_by_role("button", name="Zoom in").is_enabled()


def test_the_axis_of_steps_has_its_ticks_at_the_records(open_player) -> None:
    """Steps of a growing step size stand apart as their times do: most of the axis is the last."""
    player = open_player(ramp())
    player.page.evaluate(
        """() => {
          window.drawn = [];
          const { fillText } = CanvasRenderingContext2D.prototype;
          CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
            window.drawn.push([text, x, y]);
            return fillText.call(this, text, x, y);
          };
        }"""
    )
    player.page.get_by_role("button", name="t", exact=True).click()
    player.page.evaluate("window.drawn.length = 0")
    player.page.get_by_role("button", name="step", exact=True).click()
    drawn = player.page.evaluate("window.drawn")
    bottom = max(y for text, _, y in drawn if text == "6.0")
    ticks = {text: x for text, x, y in drawn if y == bottom}
    assert {"4.0", "5.0", "6.0"} <= ticks.keys()
    later, earlier = ticks["6.0"] - ticks["5.0"], ticks["5.0"] - ticks["4.0"]
    assert later / earlier == pytest.approx(2, rel=0.05)


def test_a_bound_holds_from_step_to_step_and_does_not_squash_the_run(open_player) -> None:
    player = open_player(ramp(bounds=True))
    assert player.value("2/η") == pytest.approx(2.0**-5, abs=1e-3)
    assert (179, 32, 44) in player.colours()
    player.press("Home", "ArrowRight")
    assert player.value("2/η") == 1
    assert "2/η 1.0000 ↑" not in player.state
    player.press("Home")
    assert "2/η 2.0000 ↑" in player.state  # farther off than the run is high
    player.page.get_by_role("button", name="Logarithmic axis: Panel").click()
    assert "2/η 2.00" in player.state
    assert "↑" not in player.state


def test_a_far_bound_is_named_and_large_numbers_have_powers(open_player) -> None:
    clock = {"step": np.arange(3), "t": np.arange(3.0)}
    run = Run(name="GD", columns=clock | {"x": np.arange(3.0), "edge": np.full(3, 2000.0)})
    lines = (Line("GD", "x", "x", 0), Line("GD", "edge", "2/η", "edge", theory=True))
    player = open_player(Scene(runs=(run,), panels=(SeriesPanel(title="Panel", lines=lines),)))
    assert "2/η 2000.000 ↑" in player.state
    player.page.get_by_role("button", name="Logarithmic axis: Panel").click()
    assert "2/η 2.00·10³" in player.state


def test_a_phase_says_what_it_is(open_player) -> None:
    player = open_player(two_runs())
    box = player.slider.bounding_box()
    player.slider.hover(position={"x": 60, "y": 8})
    assert player.slider.get_attribute("title") == "plateau: nothing is learned yet"
    player.slider.hover(position={"x": box["width"] - 20, "y": 8})
    assert player.slider.get_attribute("title") == ""


def test_what_is_noted_of_a_run_is_said_where_it_begins_and_while_it_holds(open_player) -> None:
    descent, flow = (whole := two_runs()).runs
    noted = dataclasses.replace(
        descent,
        notices=(Notice("by chance", "From here on by chance.", 10 * ETA, STEPS * ETA),),
        changes=(Change("η = 0.1", "step size 0.1 from update 30 on", descent.columns["t"][30]),),
    )
    player = open_player(dataclasses.replace(whole, runs=(noted, flow)))
    box = player.slider.bounding_box()
    step = (box["width"] - 9 - player_gutter(player)) / STEPS
    left = box["width"] - 9 - 30 * step
    changed = (left + 20 * step, "step size 0.1 from update 30 on")
    for place, title in (changed, (left, "From here on by chance."), (left + 20, "")):
        player.slider.hover(position={"x": place, "y": 8})
        assert player.slider.get_attribute("title") == title
    assert "by chance" in player.spoken
    assert "From here on by chance. Strengths" in player.state
    player.page.mouse.move(0, 0)
    player.press("Home", *["ArrowRight"] * 30)
    assert player.spoken.endswith("by chance · η = 0.1")
    assert "step size 0.1 from update 30 on. Strengths" in player.state
    player.press("Home")
    assert "by chance" not in player.spoken + player.state
    assert "η = 0.1" not in player.spoken + player.state


def player_gutter(player) -> float:
    """Where the track begins: the label of its run in bold, and a margin."""
    return player.page.evaluate(
        """() => {
          const context = document.createElement("canvas").getContext("2d");
          const font = getComputedStyle(document.querySelector(".run-player")).fontFamily;
          context.font = `600 11px ${font}`;
          return context.measureText("GD").width + 14;
        }"""
    )


def test_time_by_decades_shows_the_early_events(open_player) -> None:
    """At the middle of the track log(1 + step) is half of what it is at the end."""
    player = open_player(dataclasses.replace(two_runs(), time="log"))
    box = player.slider.bounding_box()
    middle = (player_gutter(player) + box["width"] - 9) / 2
    place = {"x": middle, "y": box["height"] - 8}
    half = np.expm1(0.5 * np.log1p(STEPS))
    player.slider.click(position=place)
    assert player.data("time") == "log"
    assert abs(player.cursor / ETA - half) < 1
    assert player.cursor % ETA == 0
    whole = player.picture()
    log = player.page.get_by_role("button", name="Logarithmic time")
    expect(log).to_have_attribute("aria-pressed", "true")
    log.click()
    expect(log).to_have_attribute("aria-pressed", "false")
    assert player.picture() != whole
    assert abs(player.cursor / ETA - half) < 1  # time stands still
    player.slider.click(position=place)
    assert abs(player.cursor / ETA - STEPS / 2) <= 1
    log.click()
    player.slider.click(position=place)
    assert player.picture() == whole


def test_a_zoom_by_decades_keeps_the_cursor_where_it_is(open_player) -> None:
    player = open_player(dataclasses.replace(two_runs(), time="log"))
    player.press("Home", *["ArrowRight"] * 6, "+")
    assert player.cursor == 6 * ETA
    zoomed = player.picture()
    player.press("-")
    assert player.picture() != zoomed
    player.press("+")
    assert player.picture() == zoomed
    player.press("End")  # the page turns
    assert player.cursor == STEPS * ETA


def test_playing_by_decades_keeps_the_pace_of_the_axis(open_player) -> None:
    player = open_player(dataclasses.replace(two_runs(seconds=1.8), time="log"))
    seen = player.played(1.5)
    assert (np.diff(seen) > 0).all()
    # half of the frames that an even pace would show come within its first tenth
    assert (seen < 0.1 * ETA * STEPS).mean() > 0.5
    assert player.data("playing") == "true"
    player.played(0.6)
    assert player.cursor == ETA * STEPS
    assert player.data("playing") == "false"


def test_a_line_without_a_label_is_not_in_the_legend(open_player) -> None:
    whole = two_runs()
    first = whole.panels[0]
    quiet = [dataclasses.replace(line, label="") for line in first.lines[1:]]
    lines = (first.lines[0], *quiet)
    scene = dataclasses.replace(
        whole, panels=(dataclasses.replace(first, lines=lines), *whole.panels[1:])
    )
    player = open_player(scene)
    assert "Strengths: x of GD " in player.state
    assert "parity" not in player.state
    assert "x of GF" not in player.state


def test_dragging_the_timeline_scrubs(open_player) -> None:
    player = open_player(two_runs())
    box = player.slider.bounding_box()
    mouse, y = player.page.mouse, box["y"] + box["height"] - 8
    mouse.move(box["x"] + box["width"] / 2, y)
    mouse.down()
    middle = player.cursor
    mouse.move(box["x"] + box["width"] / 4, y, steps=3)
    quarter = player.cursor
    mouse.up()
    assert 0 < quarter < middle < ETA * STEPS
    assert quarter % ETA == 0  # it lands on iterates
    mouse.move(box["x"] + box["width"] / 2, y)
    assert player.cursor == quarter


def test_dragging_a_series_panel_scrubs(open_player) -> None:
    player = open_player(two_runs())
    box = player.canvas.bounding_box()
    mouse = player.page.mouse
    mouse.move(box["x"] + 200, box["y"] + 150)
    mouse.down()
    first = player.cursor
    mouse.move(box["x"] + 300, box["y"] + 700, steps=3)  # the drag stays with its panel
    assert 0 < first < player.cursor < ETA * STEPS
    mouse.up()


def test_hover_reads_all_panels_and_leaves_the_cursor(open_player) -> None:
    player = open_player(two_runs())
    finished = player.picture()
    player.canvas.hover(position={"x": 250, "y": 150})
    player.settle()
    step = round(float(player.data("hover")) / ETA)
    assert 0 < step < STEPS
    x = step / STEPS + 0.25 * (-1) ** step
    assert player.value("x of GD") == pytest.approx(x, abs=1e-3)
    assert player.value("Plane: GD") == pytest.approx(x, abs=1e-3)
    assert player.value("x of GF") == pytest.approx(ETA * step / 10, abs=1e-3)
    assert player.value("loss of GD") == pytest.approx(np.exp(-step / 4), rel=1e-2)
    assert player.cursor == ETA * STEPS
    player.page.mouse.move(2, 2)
    player.settle()
    assert player.data("hover") == ""
    assert player.picture() == finished


def test_strobe_shows_one_branch_of_the_orbit(open_player) -> None:
    player = open_player(two_runs())
    pictures = {"all": player.picture()}
    for strobe, parity in (("even", 0), ("odd", 1)):
        player.page.get_by_role("button", name=strobe, exact=True).click()
        assert player.data("strobe") == strobe
        pictures[strobe] = player.picture()
        player.press("Home", "ArrowRight")
        for _ in range(4):
            player.press("ArrowRight")
            assert player.value("parity") == parity
        player.press("End")
        assert player.value("parity") == parity
    assert len(set(pictures.values())) == 3


@pytest.mark.parametrize("strobe", ["all", "even", "odd"])
def test_step_time_and_values_on_show_are_those_of_one_record(open_player, strobe) -> None:
    player = open_player(two_runs(seconds=0.5))
    player.press("Home", *["ArrowRight"] * 17)
    player.page.get_by_role("button", name=strobe, exact=True).click()

    def check() -> int:
        step, t = re.match(r"step (\d+) / 40 · t = ([\d.]+)", player.spoken).groups()
        assert float(t) == pytest.approx(int(step) * ETA, abs=0.01)
        assert player.value("parity") == int(step) % 2
        assert player.cursor == pytest.approx(int(step) * ETA)
        assert (
            player.page.locator(".clock").text_content().startswith(f"step {step} / 40 · t = {t}")
        )
        return int(step)

    assert check() == {"all": 17, "even": 16, "odd": 17}[strobe]
    player.press("Home", "Space")
    player.page.wait_for_timeout(150)
    player.press("Space")  # wherever it was stopped
    check()


def test_step_sizes_that_differ_have_an_axis_of_time_and_steps_of_their_own(open_player) -> None:
    whole = two_runs()
    half = dataclasses.replace(
        whole.runs[0],
        name="A: η = 0.25",
        sign="A",
        columns=whole.runs[0].columns | {"t": whole.runs[0].columns["t"] / 2},
        phases=[("plateau", 0, 31 * ETA / 2), ("settled", 31 * ETA / 2, STEPS * ETA / 2)],
    )
    lines = [Line(run.name, "loss", run.name) for run in (whole.runs[0], half)]
    panel = SeriesPanel(title="Loss", lines=lines)
    player = open_player(Scene(runs=(whole.runs[0], half), panels=(panel,)))
    assert player.spoken.startswith("GD: step 40 / 40 · A: step 40 / 40 · t = 20.0")
    player.press("Home", *["ArrowRight"] * 8)
    assert player.spoken.startswith("GD: step 8 / 40 · A: step 16 / 40 · t = 4.0")
    assert player.spoken.endswith("GD: plateau · A: plateau")
    assert not player.page.get_by_role("button", name="step", exact=True).is_visible()


def test_a_phase_too_thin_for_its_name_has_it_above(open_player) -> None:
    whole = two_runs()
    first, second, end = 16 * ETA, 17 * ETA, STEPS * ETA
    plateau = ("plateau", 0, first)
    thin = [plateau, ("symmetry breaking", first, second), ("edge of stability", second, end)]
    heights = []
    for phases in (thin, [plateau, ("edge of stability", first, end)]):
        run = dataclasses.replace(whole.runs[0], phases=phases)
        player = open_player(dataclasses.replace(whole, runs=(run, whole.runs[1])))
        heights.append(player.slider.bounding_box()["height"])
        player.page.evaluate(
            """() => {
              window.drawn = [];
              const { fillText } = CanvasRenderingContext2D.prototype;
              CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
                if (this.canvas.closest(".timeline")) window.drawn.push([text, x, y]);
                return fillText.call(this, text, x, y);
              };
            }"""
        )
        player.press("Home")
        player.settle()
        drawn = {text: y for text, _, y in player.page.evaluate("window.drawn")}
        if phases is thin:
            assert drawn["symmetry breaking"] < drawn["plateau"]
        assert drawn["plateau"] == drawn["edge of stability"]
    assert heights[0] == heights[1]  # what stands below does not move when phases come


def test_the_axis_counts_steps_or_time(open_player) -> None:
    player = open_player(two_runs())
    in_steps = player.picture()
    player.page.get_by_role("button", name="t", exact=True).click()
    assert player.data("axis") == "t"
    assert player.picture() != in_steps
    player.page.get_by_role("button", name="step", exact=True).click()
    assert player.picture() == in_steps


def test_zoom_comes_back_to_the_whole_run(open_player) -> None:
    player = open_player(two_runs())
    whole = player.picture()
    player.press("+", "+")
    assert player.picture() != whole
    player.press("0")
    assert player.picture() == whole


def test_log_switches_the_axis_of_its_panel(open_player) -> None:
    player = open_player(two_runs())
    button = player.page.get_by_role("button", name="Logarithmic axis: Loss")
    assert button.get_attribute("aria-pressed") == "true"
    logarithmic = player.picture()
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert player.picture() != logarithmic


def test_dark_and_light_switch_at_run_time(open_player) -> None:
    player = open_player(two_runs(), color_scheme="dark")
    dark = player.colours()
    assert (14, 17, 23) in dark
    assert (255, 255, 255) not in dark
    player.page.emulate_media(color_scheme="light")
    player.settle()
    light = player.colours()
    assert (255, 255, 255) in light
    assert (14, 17, 23) not in light


def test_reduced_motion_plays_in_stills_to_the_end(open_player) -> None:
    player = open_player(two_runs(seconds=1.0), reduced_motion="reduce")
    player.press("Home")
    player.page.evaluate(
        """() => {
          window.stills = new Set();
          new MutationObserver(() => window.stills.add(
            document.querySelector(".run-player").dataset.cursor,
          )).observe(document.querySelector(".run-player"), { attributeFilter: ["data-cursor"] });
        }"""
    )
    player.press("Space")
    expect(player.root).to_have_attribute("data-cursor", str(int(ETA * STEPS)))
    assert player.page.evaluate("window.stills.size") <= 5


def test_a_phone_gets_one_column_without_overflow(open_player) -> None:
    player = open_player(two_runs(), width=420)
    assert player.page.evaluate("document.documentElement.scrollWidth") <= 420
    wide = open_player(two_runs())
    for each, columns in ((player, 1), (wide, 2)):
        titles = each.page.locator(".stage .title").all()
        assert len({title.bounding_box()["x"] for title in titles}) == columns


def test_heat_maps_follow_the_cursor_and_name_the_cell(open_player) -> None:
    player = open_player(maps())
    finished = player.picture()
    assert "largest entry 1.0000" in player.state
    player.press("Home", "ArrowRight")
    assert "step 1: largest entry 0.1000" in player.state
    assert player.picture() != finished
    player.press("End")
    box = player.canvas.bounding_box()
    cells = set()
    for x in range(10, min(900, int(box["width"])), 48):
        for y in range(60, min(420, int(box["height"])), 60):
            player.page.mouse.move(box["x"] + x, box["y"] + y)
            cells.add(player.state.split("Maps: ")[1])
    assert {"second [1, 3] = 1.0000", "first [2, 1] = −0.5000"} <= cells


def test_nothing_is_inaccessible(open_player) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    player = open_player(two_runs())
    results = axe.Axe().run(player.page)
    assert results.violations_count == 0, results.generate_report()


def test_odd_scenes_are_drawn_too(open_player) -> None:
    gaps = np.array([np.nan, np.inf, -np.inf, 1e300, 0.0, -1.0])
    clock = {"step": np.arange(6), "t": np.linspace(0, 1, 6)}
    flow = Run(name="GF", stroke="thin", columns=clock | {"x": gaps, "zero": np.zeros(6)})
    alone = Run(name="GD", columns={"step": [0], "t": [0.0], "x": [2.0]})
    same = Run(name="GF", stroke="thin", columns=clock | {"x": np.full(6, np.nan)})
    for runs in ((flow,), (alone,), (same,), (alone, flow)):
        name = runs[-1].name
        lines = (Line(name, "x", "a label far too long for the room it gets in a legend", 7),)
        panels = (
            SeriesPanel(title="Linear", lines=lines, levels=(Level(1e9, "far"),)),
            SeriesPanel(title="Logarithmic", lines=lines, scale="log"),
            PlanePanel(title="Plane", trails=(Trail(name, "x", "x", name),)),
        )
        player = open_player(Scene(runs=runs, panels=panels), width=360)
        player.press("Home", "ArrowRight", "+", "0", "Space", "Space", "End")
        assert len(player.colours()) > 2


def test_what_is_not_finite_is_a_gap(open_player) -> None:
    def picture(hole: float) -> str:
        x = np.array([0.0, 1.0, hole, 0.5, 1.0])
        clock = {"step": np.arange(5), "t": np.arange(5.0)}
        run = Run(name="GF", stroke="thin", columns=clock | {"x": x})
        panel = SeriesPanel(title="Strengths", lines=(Line("GF", "x", "x", 0),))
        return open_player(Scene(runs=(run,), panels=(panel,))).picture()

    assert picture(np.inf) == picture(np.nan) != picture(0.2)


# --- as Streamlit mounts it: the same module, called again on the same element ----------------

MOUNT = """async ([{ js, html, css }, scenes]) => {
  const host = document.body.appendChild(document.createElement("div"));
  const shadow = host.attachShadow({ mode: "open" });
  shadow.innerHTML = `${html}<style>${css}</style>`;
  const url = URL.createObjectURL(new Blob([js], { type: "text/javascript" }));
  const { default: player } = await import(url);
  window.sent = [];
  window.root = shadow.querySelector(".run-player");
  const setTriggerValue = (name, value) => window.sent.push([name, value]);
  window.rerun = (k, other) => {
    const { scene, ...tables } = other ?? scenes[k];
    const typed = Object.fromEntries(Object.entries(tables).map(([name, table]) => [name,
      Object.fromEntries(Object.entries(table).map(([c, v]) => [c, Float64Array.from(v)]))]));
    window.leave = player({ parentElement: shadow, data: { scene, ...typed }, setTriggerValue });
  };
  window.rerun(0);
}"""


def plain(scene: Scene) -> dict:
    packed = payload(scene)
    return {name: p if name == "scene" else p.to_pydict() for name, p in packed.items()}


VIEW = {  # what differs from the defaults in every member
    "axis": "t",
    "strobe": "odd",
    "logs": {"loss": False, "flow": True},
    "zoom": [5.0, 15.0],
    "cursor": 7.5,
}


def reporting(scene: Scene, **changes: object) -> Scene:
    flow = SeriesPanel(title="Flow", lines=(Line("GF", "x", "x of GF"),))
    panels = (*two_runs().panels, flow)
    keyed = tuple(dataclasses.replace(panel, key=panel.title.lower()) for panel in panels)
    return dataclasses.replace(scene, panels=keyed, seconds=4.0, report=True, **changes)


@pytest.fixture
def mounted(browser: Browser) -> Iterator[Page]:
    """Scene 0, another run (1), and the first run with a view (2)."""
    other = two_runs()
    other.runs[0].columns["x"][:] += 0.01
    scenes = [reporting(two_runs()), reporting(other), reporting(two_runs(), view=VIEW)]
    page = browser.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.clock.install(time=0)
    page.clock.pause_at(10_000)
    page.evaluate(MOUNT, [component(), json.loads(json.dumps([plain(s) for s in scenes]))])
    yield page
    page.close()
    assert troubles == []


def painted(page: Page) -> None:
    """Until the next frame is painted."""
    page.evaluate("new Promise((ok) => requestAnimationFrame(() => setTimeout(ok)))")


def sent(page: Page) -> list[dict]:
    """The views that Python has heard of, once the player is at rest."""
    page.clock.run_for(300)
    heard = page.evaluate("window.sent.splice(0)")
    assert {name for name, _ in heard} <= {"view"}
    return [view for _, view in heard]


def echo(page: Page, view: dict) -> None:
    """A rerun with this view, as Python sends it: in another order."""
    scene = reporting(two_runs(), view=dict(reversed(view.items())))
    page.evaluate("([k, s]) => window.rerun(k, s)", [0, json.loads(json.dumps(plain(scene)))])
    page.clock.run_for(50)


def shown(page: Page) -> dict:
    """The view as a visitor sees it."""
    return page.evaluate(
        """() => {
          const pressed = (name) => window.root
            .querySelector(`[aria-label="Logarithmic axis: ${name}"]`).ariaPressed === "true";
          const { axis, strobe, cursor } = window.root.dataset;
          return {
            axis, strobe, cursor: Number(cursor),
            logs: { loss: pressed("Loss"), flow: pressed("Flow") },
            whole: window.root.querySelector("[data-do=out]").disabled,
          };
        }"""
    )


DEFAULT = {
    "axis": "step",
    "strobe": "all",
    "logs": {"loss": True, "flow": False},
    "cursor": ETA * STEPS,
    "whole": True,
}
CHOSEN = {key: VIEW[key] for key in ("axis", "strobe", "logs", "cursor")} | {"whole": False}


def picture(page: Page) -> str:
    page.clock.run_for(50)
    return page.evaluate("window.root.querySelector('canvas.panels').toDataURL()")


def test_python_hears_of_a_pause_and_of_nothing_while_playing(mounted: Page) -> None:
    mounted.get_by_role("button", name="Rewind").click()
    assert sent(mounted) == [{"cursor": 0}]
    mounted.get_by_role("button", name="Play").click()
    mounted.clock.run_for(1000)
    mounted.get_by_role("button", name="even").click()
    mounted.get_by_role("button", name="Zoom in").click()
    assert sent(mounted) == []
    mounted.get_by_role("button", name="Pause").click()
    mounted.clock.run_for(50)  # a frame, in which the cursor has gone to the record that it shows
    t = mounted.evaluate("Number(window.root.dataset.cursor)")
    (view,) = sent(mounted)
    assert 4 < t < ETA * STEPS
    assert view["cursor"] == pytest.approx(t, rel=1e-9)
    assert view["strobe"] == "even"
    assert view["zoom"][1] - view["zoom"][0] == pytest.approx(ETA * STEPS / 2)


CHANGES = {
    "seek": (lambda page: page.keyboard.press("ArrowLeft"), {"cursor": ETA * (STEPS - 1)}),
    "axis": (lambda page: page.get_by_role("button", name="t", exact=True).click(), {"axis": "t"}),
    "strobe": (lambda page: page.get_by_role("button", name="odd").click(), {"strobe": "odd"}),
    "log": (
        lambda page: page.get_by_role("button", name="Logarithmic axis: Loss").click(),
        {"logs": {"loss": False}},
    ),
    "zoom": (lambda page: page.keyboard.press("+"), {"zoom": [10, 20]}),
    "time": (
        lambda page: page.get_by_role("button", name="Logarithmic time").click(),
        {"time": "log"},
    ),
}
BACK = {
    "seek": lambda page: page.keyboard.press("End"),
    "axis": lambda page: page.get_by_role("button", name="step", exact=True).click(),
    "strobe": lambda page: page.get_by_role("button", name="all", exact=True).click(),
    "log": CHANGES["log"][0],
    "zoom": lambda page: page.keyboard.press("0"),
    "time": CHANGES["time"][0],
}


@pytest.mark.parametrize("case", CHANGES)
def test_each_change_of_the_view_is_reported_once(mounted: Page, case: str) -> None:
    change, view = CHANGES[case]
    mounted.get_by_role("slider", name="Time").focus()
    change(mounted)
    mounted.clock.run_for(200)
    assert mounted.evaluate("window.sent.length") == 0
    assert sent(mounted) == [view]
    assert sent(mounted) == []
    mounted.get_by_role("slider", name="Time").focus()
    BACK[case](mounted)
    assert sent(mounted) == [{}]


def test_a_change_that_is_taken_back_at_once_is_none(mounted: Page) -> None:
    mounted.get_by_role("button", name="odd").click()
    mounted.get_by_role("button", name="all", exact=True).click()
    assert sent(mounted) == []


def test_a_view_from_python_sets_everything_and_is_not_reported(mounted: Page) -> None:
    assert shown(mounted) == DEFAULT
    whole = picture(mounted)
    mounted.evaluate("window.rerun(2)")
    assert shown(mounted) == CHOSEN
    assert picture(mounted) != whole
    mounted.evaluate("window.rerun(0)")  # what a view leaves out is as usual
    assert shown(mounted) == DEFAULT
    assert picture(mounted) == whole
    assert sent(mounted) == []


def test_a_view_from_python_ends_what_is_playing(mounted: Page) -> None:
    mounted.get_by_role("button", name="Play").click()
    mounted.clock.run_for(500)
    mounted.evaluate("window.rerun(2)")
    assert mounted.evaluate("window.root.dataset.playing") == "false"
    assert shown(mounted) == CHOSEN
    assert sent(mounted) == []


def test_an_echo_changes_nothing(mounted: Page) -> None:
    mounted.get_by_role("button", name="odd").click()
    (first,) = sent(mounted)
    mounted.get_by_role("button", name="t", exact=True).click()
    (second,) = sent(mounted)
    before = shown(mounted)
    for view in ({}, first, second, second):  # the server was slow, and answers in turn
        echo(mounted, view)
        assert shown(mounted) == before
    assert sent(mounted) == []
    echo(mounted, first)  # the visitor goes back
    assert shown(mounted) == before | {"axis": "step"}
    mounted.get_by_role("button", name="t", exact=True).click()
    assert sent(mounted) == [second]


def test_a_page_that_keeps_no_view_does_not_take_it_away(mounted: Page) -> None:
    mounted.get_by_role("button", name="odd").click()
    assert sent(mounted) == [{"strobe": "odd"}]
    mounted.evaluate("window.rerun(0)")
    assert mounted.evaluate("window.root.dataset.strobe") == "odd"


def test_a_view_opens_on_a_page_of_its_own(open_player) -> None:
    player = open_player(reporting(two_runs(), view=VIEW))
    assert (player.data("axis"), player.data("strobe"), player.cursor) == ("t", "odd", 7.5)
    assert player.spoken.startswith("step 15 / 40")
    assert player.page.get_by_role("button", name="Zoom out").is_enabled()
    log = player.page.get_by_role("button", name="Logarithmic axis: Flow")
    assert log.get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize(
    "view",
    [
        {"zoom": [3.0, 3.0]},
        {"zoom": [0.1, 0.1 + 3e-17], "cursor": 1e9},
        {"zoom": [-5.0, 1e9], "cursor": -1.0, "axis": "weeks", "strobe": "third"},
        {"logs": {"no such panel": True}},
    ],
)
def test_a_view_of_another_run_is_taken_as_far_as_it_goes(open_player, view: dict) -> None:
    player = open_player(reporting(two_runs(), view=view))
    assert 0 <= player.cursor <= ETA * STEPS
    assert (player.data("axis"), player.data("strobe")) == ("step", "all")
    assert len(player.colours()) > 2


def test_a_rerun_keeps_the_cursor_and_a_new_run_keeps_the_settings(mounted: Page) -> None:
    mounted.get_by_role("button", name="odd").click()
    mounted.get_by_role("combobox", name="Speed").select_option("0.5")
    mounted.get_by_role("button", name="Rewind").click()
    for _ in range(3):
        mounted.keyboard.press("ArrowRight")
    mounted.clock.run_for(50)
    before = mounted.evaluate("({ ...window.root.dataset })")
    mounted.evaluate("window.rerun(0)")
    mounted.clock.run_for(50)
    assert mounted.evaluate("({ ...window.root.dataset })") == before
    text = mounted.evaluate("window.root.querySelector('.state').textContent")
    mounted.evaluate("window.rerun(1)")
    mounted.clock.run_for(50)
    after = mounted.evaluate("({ ...window.root.dataset })")
    assert after.pop("hash") != before.pop("hash")
    assert after == before
    assert mounted.get_by_role("combobox", name="Speed").input_value() == "0.5"
    assert mounted.evaluate("window.root.querySelector('.state').textContent") != text


def test_leaving_stops_the_frames(mounted: Page) -> None:
    mounted.get_by_role("button", name="Play").click()
    mounted.clock.run_for(500)
    assert mounted.evaluate("Number(window.root.dataset.cursor)") > 0
    mounted.evaluate("window.leave()")
    left = mounted.evaluate("window.root.dataset.cursor")
    mounted.clock.run_for(500)
    assert mounted.evaluate("window.root.dataset.cursor") == left


def test_a_new_theme_redraws_the_panels(mounted: Page) -> None:
    mounted.evaluate(
        """() => {
          window.root.getRootNode().host.style.setProperty("--st-background-color", "#203040");
          window.rerun(0);
        }"""
    )
    corner = mounted.evaluate(
        """[...window.root.querySelector("canvas.panels").getContext("2d")
          .getImageData(0, 0, 1, 1).data].slice(0, 3)"""
    )
    assert corner == [0x20, 0x30, 0x40]
