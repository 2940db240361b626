"""The regime ruler in a browser, mounted as Streamlit does it: the same module, called again on the
same element. The clock of the page stands still and is moved by the tests."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import combinations

import pytest
from browser import launch
from playwright.sync_api import Browser, Locator, Page, expect

from simcore import prospects
from simcore.figures.ruler import bar, component
from simcore.figures.ruler import strip as reached
from simcore.theory import StepSizeMarks

NAN = float("nan")
PAPER = StepSizeMarks(0.10291336620976912, 0.1, 0.18660659830736148, 0.2921801484150086)
DEPTH_3 = StepSizeMarks(0.8007579466207252, 2 / 3, 0.8399473665965822, 1.2203320924046463)
DEPTH_2 = StepSizeMarks(1 - 7e-16, 1.0, 1.0, 1.5980762113533153)
UNEQUAL = StepSizeMarks(0.6720044718805402, 0.4, 0.7730398278387103, NAN)
ONE_PATHWAY = StepSizeMarks(0.4, 0.4, 0.4, 0.844899082922446)
SIX = StepSizeMarks(0.5015752812467619, 0.1, 0.5015752812467621, 0.2921801484150086)
RANDOM = StepSizeMarks(NAN, 0.1, 0.18660659830736148, 0.2921801484150086)
NO_MARKS = StepSizeMarks(NAN, NAN, NAN, NAN)
TRAPS = PAPER._replace(trap=0.23256634)  # in 650 steps
CLOSE = StepSizeMarks(0.1001, 0.1, 0.1002, 0.1003)
CASES = (PAPER, TRAPS, DEPTH_3, DEPTH_2, UNEQUAL, ONE_PATHWAY, SIX, RANDOM, NO_MARKS, CLOSE)
ETA = 2 / 13
DEPTHS = {DEPTH_3: (3, 3), DEPTH_2: (2, 2), UNEQUAL: (3, 5), ONE_PATHWAY: (5,)}


def data(marks: StepSizeMarks, eta: float, sharpness: float, *, token: object = None):
    """The bar of a network that has these marks; of depth 20 unless it is listed."""
    known = not math.isnan(marks.single_path)
    zones = prospects.zones_between(marks, DEPTHS.get(marks, (20, 20))) if known else ()
    return bar(marks, zones, eta, sharpness, token=token)


LIGHT = {"background-color": "#ffffff", "text-color": "#31333f"}
DARK = {"background-color": "#0e1117", "text-color": "#fafafa"}

MOUNT = """async ([{ js, html, css }, first]) => {
  document.body.style.margin = "0";
  const host = document.body.appendChild(document.createElement("div"));
  const shadow = host.attachShadow({ mode: "open" });
  shadow.innerHTML = `${html}<style>${css}</style>`;
  const url = URL.createObjectURL(new Blob([js], { type: "text/javascript" }));
  const { default: ruler } = await import(url);
  window.sent = [];
  const setTriggerValue = (name, value) => window.sent.push([name, value]);
  window.rerun = (data) => {
    window.leave = ruler({ parentElement: shadow, data, setTriggerValue });
  };
  window.dress = (theme) => {
    for (const name in theme) host.style.setProperty(`--st-${name}`, theme[name]);
    document.body.style.background = theme["background-color"];
  };
  window.rerun(first);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as chromium:
        yield chromium


class Ruler:
    """What a visitor sees and does, what Python hears, and the clock."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.slider = page.get_by_role("slider", name="Step size η")
        self.pass_time(50)

    def pass_time(self, milliseconds: int = 20) -> None:
        self.page.clock.run_for(milliseconds)

    def rerun(self, marks: StepSizeMarks, eta: float, token: object = None) -> None:
        """Python answers; S_1 is that of the paper's case."""
        self.page.evaluate("(d) => window.rerun(d)", data(marks, eta, 20.0, token=token))
        self.pass_time()

    @property
    def eta(self) -> float:
        return float(self.slider.get_attribute("aria-valuenow"))

    @property
    def spoken(self) -> str:
        return self.slider.get_attribute("aria-valuetext")

    @property
    def readout(self) -> str:
        return " ".join(self.page.locator(".readout").inner_text().split())

    @property
    def lit(self) -> list[str]:
        """Names of the highlighted zones."""
        return self.page.locator(".zone[data-on]").evaluate_all(
            "(z) => z.map((e) => e.textContent)"
        )

    @property
    def sent(self) -> list[float]:
        heard = self.page.evaluate("window.sent")
        assert {name for name, _ in heard} <= {"eta"}
        return [value for _, value in heard]

    def press(self, *keys: str) -> None:
        self.slider.focus()
        for key in keys:
            self.page.keyboard.press(key)
            self.pass_time()

    def at(self, eta: float, marks: StepSizeMarks = PAPER) -> tuple[float, float]:
        """Where a step size lies on the page."""
        low, high = data(marks, ETA, NAN)["range"]
        box = self.page.locator(".track").bounding_box()
        share = math.log(eta / low) / math.log(high / low)
        return box["x"] + share * box["width"], box["y"] + box["height"] / 2

    def grab(self) -> tuple[float, float]:
        box = self.slider.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        return x, y

    def labels(self) -> Locator:
        return self.page.locator(".label")


@pytest.fixture
def open_ruler(browser: Browser) -> Iterator:
    contexts, troubles = [], []

    def open_(marks: StepSizeMarks = PAPER, eta: float = ETA, width: int = 900, **options) -> Ruler:
        context = browser.new_context(viewport={"width": width, "height": 400}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.clock.install(time=0)
        page.clock.pause_at(10_000)
        page.evaluate(MOUNT, [component(), data(marks, eta, 20.0)])
        return Ruler(page)

    yield open_
    for context in contexts:
        context.close()
    assert troubles == []


# --- reading ------------------------------------------------------------------------------------


def test_it_tells_the_step_size_and_its_regime(open_ruler) -> None:
    ruler = open_ruler()
    assert ruler.eta == ETA
    assert ruler.spoken == "η = 0.1538, between 2/λ(GF) and 2/λ(min), partly re-balanced"
    assert ruler.readout == "η = 0.1538 γ = η S1 = 3.077 2/η = 13.00 partly re-balanced"
    assert ruler.lit == ["partly re-balanced"]
    assert ruler.sent == []
    low, high = data(PAPER, ETA, 20.0)["range"]
    assert float(ruler.slider.get_attribute("aria-valuemin")) == low
    assert float(ruler.slider.get_attribute("aria-valuemax")) == high


def test_the_handle_stands_at_its_step_size(open_ruler) -> None:
    ruler = open_ruler()
    for eta in (ETA, 0.06, 0.4):
        ruler.rerun(PAPER, eta, token=eta)
        box = ruler.slider.bounding_box()
        assert box["x"] + box["width"] / 2 == pytest.approx(ruler.at(eta)[0], abs=0.6)


def test_gamma_is_left_out_where_it_is_not_defined(open_ruler) -> None:
    ruler = open_ruler(NO_MARKS, 0.1)
    ruler.page.evaluate("(d) => window.rerun(d)", data(NO_MARKS, 0.1, NAN))
    ruler.pass_time()
    assert ruler.readout == "η = 0.1000 2/η = 20.00"
    assert ruler.spoken == "η = 0.1000"


@pytest.mark.parametrize(
    ("eta", "words"),
    [
        (0.05, "below 2/S₁, follows gradient flow"),
        (0.1, "at 2/S₁, follows gradient flow"),
        (0.101, "between 2/S₁ and 2/λ(GF), follows gradient flow"),
        (PAPER.balanced, "at 2/λ(min), partly re-balanced"),
        (0.19, "between 2/λ(min) and η(WCR), equal pathways, sum oscillates"),
        (PAPER.wcr, "at η(WCR), equal pathways, sum oscillates"),
        (0.4, "above η(WCR), may flip sign, be trapped, diverge"),
    ],
)
def test_it_says_where_the_step_size_lies(open_ruler, eta: float, words: str) -> None:
    assert open_ruler(eta=eta).spoken.split(", ", 1)[1] == words


def test_small_and_large_numbers_are_readable(open_ruler) -> None:
    ruler = open_ruler(NO_MARKS, 2.5e-7)
    assert ruler.readout.startswith("η = 2.5·10⁻⁷")
    assert ruler.readout.endswith("2/η = 8·10⁶")
    ruler.rerun(NO_MARKS, 2e-3, token=1)
    assert ruler.readout.endswith("2/η = 1000")


# --- moving -------------------------------------------------------------------------------------


def test_a_drag_moves_everything_at_once_and_python_hears_little(open_ruler) -> None:
    ruler = open_ruler()
    _, y = ruler.grab()
    seen = []
    for eta in (0.16, 0.17, 0.18, 0.19, 0.2, 0.21, 0.22, 0.23, 0.24, 0.25):
        ruler.page.mouse.move(ruler.at(eta)[0], y)
        ruler.pass_time(40)
        seen.append(ruler.eta)
        assert ruler.eta == pytest.approx(eta, rel=5e-3)
    assert ruler.lit == ["equal pathways, sum oscillates"]
    assert f"η = {ruler.eta:.4f} γ = η S1 = {20 * ruler.eta:.3f}" in ruler.readout
    during = ruler.sent
    assert 2 <= len(during) <= 1 + 10 * 40 // 150
    assert set(during) <= set(seen)
    ruler.page.mouse.move(ruler.at(0.26)[0], y)
    ruler.page.mouse.up()
    ruler.pass_time()
    assert ruler.sent == [*during, ruler.eta]
    ruler.pass_time(2000)
    assert ruler.sent == [*during, ruler.eta]


def test_pressing_the_handle_does_not_move_it(open_ruler) -> None:
    ruler = open_ruler()
    box = ruler.slider.bounding_box()
    ruler.page.mouse.move(box["x"] + 2, box["y"] + 3)
    ruler.page.mouse.down()
    ruler.page.mouse.up()
    ruler.pass_time(500)
    assert (ruler.eta, ruler.sent) == (ETA, [])


def test_a_click_on_the_bar_moves_the_handle_there(open_ruler) -> None:
    ruler = open_ruler()
    ruler.page.mouse.click(*ruler.at(0.24))
    ruler.pass_time()
    assert ruler.eta == pytest.approx(0.24, rel=5e-3)
    assert ruler.eta == float(f"{ruler.eta:.4g}")
    assert ruler.sent == [ruler.eta]
    assert ruler.page.evaluate("document.activeElement.shadowRoot.activeElement.role") == "slider"


def test_a_drag_beyond_the_bar_stops_at_its_end(open_ruler) -> None:
    ruler = open_ruler(width=400)
    low, high = data(PAPER, ETA, NAN)["range"]
    _, y = ruler.grab()
    for x, end in ((-50, low), (450, high)):
        ruler.page.mouse.move(x, y + 90)
        ruler.pass_time()
        assert ruler.eta == end


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("2/S₁ = 0.1", PAPER.single_path),
        ("2/λ(GF) = 0.1029", PAPER.flow_edge),
        ("2/λ(min) = 0.1866", PAPER.balanced),
        ("η(WCR) = 0.2922", PAPER.wcr),
    ],
)
@pytest.mark.parametrize("width", [900, 300])
def test_a_label_sets_its_very_value(open_ruler, name: str, value: float, width: int) -> None:
    ruler = open_ruler(width=width)
    ruler.page.get_by_role("button", name=f"Set η to {name}").click()
    ruler.pass_time()
    assert ruler.sent == [value]
    assert ruler.eta == value


def test_a_label_keeps_the_focus_when_python_answers(open_ruler) -> None:
    ruler = open_ruler()
    ruler.page.get_by_role("button", name="2/λ(min)").focus()
    ruler.page.keyboard.press("Enter")
    ruler.rerun(PAPER, PAPER.balanced)
    assert ruler.page.evaluate(
        "document.activeElement.shadowRoot.activeElement.ariaLabel"
    ).startswith("Set η to 2/λ(min)")


def test_keys(open_ruler) -> None:
    ruler = open_ruler()
    low, high = data(PAPER, ETA, 20.0)["range"]
    for keys, expected in (
        (("ArrowRight",), ETA * 1.01),
        (("ArrowLeft",), ETA),
        (("ArrowUp", "ArrowUp"), ETA * 1.01**2),
        (("ArrowDown", "ArrowDown"), ETA),
        (("Shift+ArrowRight",), ETA * 1.1),
        (("Shift+ArrowDown",), ETA),
        (("PageUp",), ETA * 1.1),
        (("PageDown",), ETA),
        (("Home",), low),
        (("ArrowLeft",), low),
        (("End",), high),
        (("PageUp",), high),
    ):
        ruler.press(*keys)
        assert ruler.eta == pytest.approx(expected, rel=1e-12), keys
        assert ruler.sent[-1] == ruler.eta, keys


def test_a_held_key_is_reported_now_and_then_and_at_the_end(open_ruler) -> None:
    ruler = open_ruler()
    ruler.slider.focus()
    for _ in range(20):
        ruler.page.keyboard.down("ArrowRight")
        ruler.pass_time(30)
    during = ruler.sent
    assert 3 <= len(during) <= 1 + 20 * 30 // 150
    ruler.page.keyboard.up("ArrowRight")
    assert ruler.sent[-1] == ruler.eta == pytest.approx(ETA * 1.01**20)


def test_the_keys_of_streamlit_pass_through(open_ruler) -> None:
    ruler = open_ruler()
    ruler.page.evaluate(
        """() => {
          window.passed = [];
          document.addEventListener("keydown", (event) =>
            window.passed.push(event.key + event.defaultPrevented));
        }"""
    )
    ruler.press("r", "c", "Escape", "Control+ArrowRight", "ArrowLeft", "Home")
    passed = ruler.page.evaluate("window.passed")
    assert passed == ["rfalse", "cfalse", "Escapefalse", "Controlfalse", "ArrowRightfalse"]


def test_a_finger_that_scrolls_the_page_changes_nothing(open_ruler) -> None:
    ruler = open_ruler()
    ruler.page.locator(".track").evaluate(
        """(track) => {
          track.setPointerCapture = () => {};
          const send = (type, clientX) => track.dispatchEvent(new PointerEvent(type,
            { pointerId: 7, pointerType: "touch", clientX, clientY: 40, bubbles: true }));
          send("pointerdown", 600);
          send("pointermove", 620);
          send("pointercancel", 0);
        }"""
    )
    ruler.pass_time(500)
    assert ruler.eta == ETA
    assert set(ruler.sent) <= {ETA}


# --- what Python answers --------------------------------------------------------------------------


def test_an_answer_does_not_fight_the_hand(open_ruler) -> None:
    ruler = open_ruler()
    _, y = ruler.grab()
    ruler.page.mouse.move(ruler.at(0.2)[0], y)
    ruler.pass_time(3000)
    held = ruler.eta
    for marks, eta, token in ((PAPER, ETA, None), (DEPTH_3, 0.7, None), (PAPER, 0.05, "preset")):
        ruler.rerun(marks, eta, token)
        assert ruler.eta == held
    ruler.page.mouse.up()
    ruler.pass_time()
    assert ruler.eta == held
    assert ruler.sent[-1] == held


def test_new_marks_that_came_during_a_drag_are_drawn_after_it(open_ruler) -> None:
    ruler = open_ruler()
    _, y = ruler.grab()
    ruler.page.mouse.move(ruler.at(0.2)[0], y)
    ruler.rerun(RANDOM, ETA)
    assert ruler.labels().count() == 4
    ruler.page.mouse.up()
    ruler.pass_time()
    assert ruler.labels().count() == 3
    assert ruler.eta == pytest.approx(0.2, rel=5e-3)


@pytest.mark.parametrize("late", [20, 900, 2500])
def test_late_echoes_are_let_pass(open_ruler, late: int) -> None:
    ruler = open_ruler()
    ruler.press("ArrowRight", "ArrowRight", "ArrowRight")
    stale, last = ruler.sent[0], ruler.eta
    ruler.pass_time(late)
    ruler.rerun(PAPER, stale)
    assert ruler.eta == last
    ruler.pass_time(500)
    assert ruler.eta == last
    ruler.rerun(PAPER, last)
    ruler.pass_time(9000)
    assert ruler.eta == last
    assert ruler.sent[-1] == last
    ruler.rerun(PAPER, stale)  # now it is meant
    assert ruler.eta == stale


def test_an_answer_with_an_older_report_counts_in_the_end(open_ruler) -> None:
    ruler = open_ruler()
    ruler.press("ArrowRight", "End")
    accepted = ruler.sent[0]
    ruler.rerun(PAPER, accepted)
    ruler.pass_time(9000)
    assert ruler.eta == accepted


def test_a_refused_step_size_goes_back_once_the_echoes_are_over(open_ruler) -> None:
    ruler = open_ruler()
    ruler.press("End")
    ruler.rerun(PAPER, ETA)
    refused, sent = ruler.eta, ruler.sent
    assert refused != ETA
    ruler.pass_time(1500)
    assert ruler.eta == ETA
    assert ruler.sent == sent
    ruler.press("End")
    assert ruler.sent == [*sent, refused]


def test_another_control_moves_the_handle_at_once(open_ruler) -> None:
    ruler = open_ruler()
    ruler.press("ArrowRight")
    ruler.rerun(PAPER, 0.05, token="preset")
    assert ruler.eta == 0.05
    ruler.press("ArrowRight")
    ruler.rerun(DEPTH_3, 0.7, token="preset")  # other marks
    assert ruler.eta == 0.7
    ruler.pass_time(1500)
    ruler.rerun(DEPTH_3, 0.9, token="preset")  # long after the last move
    assert ruler.eta == 0.9
    assert "flip" not in ruler.readout


def test_a_session_that_just_began_has_not_heard_of_the_move_yet(open_ruler) -> None:
    """A server that was restarted, and is slow."""
    ruler = open_ruler()
    ruler.rerun(PAPER, 0.2, token=3)
    ruler.press("ArrowRight")
    moved = ruler.eta
    assert moved != 0.2
    ruler.pass_time(1500)
    ruler.rerun(PAPER, 0.2, token=0)
    assert ruler.eta == moved
    ruler.rerun(PAPER, moved, token=0)
    ruler.pass_time(5000)
    assert ruler.eta == moved


def test_what_another_control_set_is_not_overwritten_by_a_report_under_way(open_ruler) -> None:
    ruler = open_ruler()
    ruler.slider.focus()
    for _ in range(3):
        ruler.page.keyboard.down("ArrowRight")
        ruler.pass_time(20)
    sent = ruler.sent
    ruler.rerun(PAPER, 0.05, token="preset")
    ruler.pass_time(1000)
    assert ruler.sent == sent
    assert ruler.eta == 0.05


def test_leaving_ends_all_timers(open_ruler) -> None:
    ruler = open_ruler()
    ruler.slider.focus()
    for _ in range(3):
        ruler.page.keyboard.down("ArrowRight")
        ruler.pass_time(20)
    sent = ruler.sent
    ruler.page.evaluate("window.leave()")
    ruler.pass_time(2000)
    assert ruler.sent == sent


def test_a_second_mount_takes_over_from_the_first(open_ruler) -> None:
    ruler = open_ruler()
    ruler.page.evaluate("window.leave()")
    ruler.rerun(PAPER, 0.2)
    ruler.press("ArrowRight")
    ruler.pass_time(500)
    assert ruler.sent == [ruler.eta] == [0.2 * 1.01]


# --- looking --------------------------------------------------------------------------------------


BOXES = """(found) => found.filter((e) => e.getClientRects().length).map((e) => {
  const { x, y, width, height } = e.getBoundingClientRect();
  return { x, y, width, height };
})"""


def boxes(found: Locator) -> list[dict[str, float]]:
    return found.evaluate_all(BOXES)


@pytest.mark.parametrize("width", [280, 300, 360, 420, 640, 900])
def test_labels_fit_and_never_overlap(open_ruler, width: int) -> None:
    ruler = open_ruler(width=width)
    for marks in CASES:
        ruler.rerun(marks, 0.3, token="other")
        assert ruler.page.evaluate("document.documentElement.scrollWidth") <= width
        assert overlaps(ruler, width) == [], marks
        known = sum(not math.isnan(value) for value in marks) or 3
        assert ruler.page.locator(".label button").count() == known
        assert ruler.page.locator(".pole").count() == known
        height = ruler.page.locator(".regime-ruler").bounding_box()["height"]
        assert height <= (92 if width > 540 else 112)


def overlaps(ruler: Ruler, width: int) -> list:
    """Pairs of texts, or a text and the bar, that share a place; texts beyond the page."""
    found = (ruler.labels(), ruler.page.locator(".numbers > *, .regime, .track"))
    drawn = [box for each in found for box in boxes(each)]

    def meet(a: dict, b: dict, start: str, size: str) -> bool:
        return a[start] < b[start] + b[size] - 0.1 and b[start] < a[start] + a[size] - 0.1

    beyond = [box for box in drawn if box["x"] < 0 or box["x"] + box["width"] > width]
    return beyond + [
        (a, b)
        for a, b in combinations(drawn, 2)
        if meet(a, b, "x", "width") and meet(a, b, "y", "height")
    ]


def test_labels_point_at_their_poles(open_ruler) -> None:
    ruler = open_ruler(width=420)
    for marks in CASES[:-1]:
        ruler.rerun(marks, 0.3, token="other")
        low, high = data(marks, 0.3, NAN)["range"]
        track = ruler.page.locator(".track").bounding_box()
        for box, label in zip(boxes(ruler.labels()), ruler.labels().all(), strict=True):
            button = label.get_by_role("button").first
            value = float(button.get_attribute("aria-label").split()[-1])
            x = track["x"] + track["width"] * math.log(value / low) / math.log(high / low)
            assert box["x"] - 1.5 <= x <= box["x"] + box["width"] + 1.5, (marks, value)


def test_equal_marks_share_a_label(open_ruler) -> None:
    texts = open_ruler(DEPTH_2, 0.5).labels().all_inner_texts()
    assert [re.sub(r"\s", "", text) for text in texts] == ["2/λGF=2/S1=2/λmin1", "ηWCR1.598"]


def test_crowded_labels_drop_their_values_and_then_merge(open_ruler) -> None:
    ruler = open_ruler(CLOSE, eta=5.0, width=300)
    assert not re.search(r"0\.1", " ".join(ruler.labels().all_inner_texts()))
    assert ruler.labels().count() == 4
    ruler = open_ruler(CLOSE, eta=1e-9, width=300)
    assert ruler.labels().count() < 4
    ruler.page.get_by_role("button", name="2/λ(min)").click()
    ruler.pass_time()
    assert ruler.sent == [CLOSE.balanced]


@pytest.mark.parametrize("width", [300, 560])
def test_the_height_does_not_change_while_dragging(open_ruler, width: int) -> None:
    ruler = open_ruler(width=width)
    heights, regimes = set(), set()
    for eta in (0.05, 0.11, 0.2, 0.4):
        ruler.page.mouse.click(*ruler.at(eta))
        ruler.pass_time()
        heights.add(ruler.page.locator(".regime-ruler").bounding_box()["height"])
        regimes.update(ruler.lit)
    assert (len(heights), len(regimes)) == (1, 4)


CONTRASTS = """() => {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (...layers) => {
    for (const colour of layers) { pixel.fillStyle = colour; pixel.fillRect(0, 0, 1, 1); }
    return [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (c) => c.map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((u, v) => u - v);
    return (high + 0.05) / (low + 0.05);
  };
  const root = document.body.firstElementChild.shadowRoot;
  const page = getComputedStyle(document.body).backgroundColor;
  const ground = (e) => getComputedStyle(e).backgroundColor;
  const found = {};
  const words = ".numbers > :not(.sweep, [hidden]), .regime, .label button";
  for (const e of root.querySelectorAll(words))
    found[e.textContent] = contrast(rgb(getComputedStyle(e).color), rgb(page));
  for (const e of root.querySelectorAll(".zone"))
    found[`zone ${e.textContent}`] =
      contrast(rgb(getComputedStyle(e).color), rgb(page, ground(e)));
  const [handle, lit, swatch] =
    [".handle", ".zone[data-on]", ".regime i"].map((s) => root.querySelector(s));
  return { text: found, marks: {
    handle: contrast(rgb(ground(handle)), rgb(page, ground(lit))),
    swatch: contrast(rgb(getComputedStyle(swatch).borderTopColor), rgb(page)), // its outline
  } };
}"""


@pytest.mark.parametrize("eta", [0.05, 0.15, 0.2, 0.4])
def test_contrast_in_light_and_dark_and_when_the_theme_changes(open_ruler, eta: float) -> None:
    ruler = open_ruler(eta=eta)
    swatches = set()
    for theme in (LIGHT, DARK, LIGHT):
        ruler.page.evaluate("(theme) => window.dress(theme)", theme)
        ruler.rerun(PAPER, eta)
        ruler.page.wait_for_function(  # colours fade, by the browser's own clock
            """() => document.body.firstElementChild.shadowRoot.getAnimations().length === 0"""
        )
        seen = ruler.page.evaluate(CONTRASTS)
        assert len(seen["text"]) == 4 + 4 + 4
        assert min(seen["text"].values()) >= 4.5, seen
        assert min(seen["marks"].values()) >= 3, seen
        swatches.add(
            ruler.page.locator(".regime i").evaluate("(e) => getComputedStyle(e).backgroundColor")
        )
    assert len(swatches) == 2


def test_reduced_motion_fades_nothing(open_ruler) -> None:
    for preference, seconds in (("no-preference", "0.12s"), ("reduce", "0s")):
        ruler = open_ruler(reduced_motion=preference)
        zone = ruler.page.locator(".zone").first
        assert zone.evaluate("(e) => getComputedStyle(e).transitionDuration") == seconds


def test_the_focus_is_visible(open_ruler) -> None:
    ruler = open_ruler()
    stops = ruler.page.locator(".regime-ruler :is([tabindex='0'], button:not([hidden]))").all()
    assert len(stops) == 5
    stops[0].focus()  # the first Tab of a fresh browser may go to nothing
    for stop in stops:
        expect(stop).to_be_focused()
        assert stop.evaluate("(e) => e.matches(':focus-visible')")
        assert stop.evaluate("(e) => getComputedStyle(e).outlineStyle") == "solid"
        if stop is not stops[-1]:
            ruler.page.keyboard.press("Tab")
    expect(ruler.slider).to_be_focused()  # the last one


@pytest.mark.parametrize("marks", [PAPER, NO_MARKS])
def test_nothing_is_inaccessible(open_ruler, marks: StepSizeMarks) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    ruler = open_ruler(marks)
    ruler.page.clock.resume()
    rules = {"rules": {name: {"enabled": False} for name in PAGE_RULES}}
    results = axe.Axe().run(ruler.page, options=rules)
    assert results.violations_count == 0, results.generate_report()


# of the page around it, which is bare here
PAGE_RULES = (
    "document-title",
    "html-has-lang",
    "landmark-one-main",
    "page-has-heading-one",
    "region",
)


def test_what_the_network_reaches_stands_under_the_bar(open_ruler) -> None:
    ruler = open_ruler(PAPER, ETA)
    strip = ruler.page.get_by_role("list", name="Regimes that runs of this network reach")
    assert not strip.is_visible()
    bare = ruler.page.locator(".scale").bounding_box()["height"]
    parts = reached([("balanced", 0.06, 0.1), ("cycle", 0.1, 0.2)], "This network")
    ruler.page.evaluate("(d) => window.rerun(d)", data(PAPER, ETA, 20.0) | {"reached": parts})
    ruler.pass_time()
    assert strip.is_visible()
    boxes = [part.bounding_box() for part in strip.get_by_role("listitem").all()]
    for box, (low, high) in zip(boxes, ((0.06, 0.1), (0.1, 0.2)), strict=True):
        assert box["x"] == pytest.approx(ruler.at(low)[0], abs=1)
        assert box["x"] + box["width"] == pytest.approx(ruler.at(high)[0], abs=1)
    first = strip.get_by_role("listitem").first
    assert first.get_attribute("title") == "This network: balanced, η from 0.06 to 0.1"
    assert first.evaluate("(e) => getComputedStyle(e).backgroundColor") == "rgb(0, 72, 122)"
    track = ruler.page.locator(".track").bounding_box()
    assert boxes[0]["y"] >= track["y"] + track["height"]
    labels = [box.bounding_box() for box in ruler.labels().all()]
    assert all(
        label["y"] >= boxes[0]["y"] + boxes[0]["height"] or label["y"] < track["y"]
        for label in labels
    )
    assert ruler.page.locator(".scale").bounding_box()["height"] <= bare + 10


# --- Followed at once ---------------------------------------------------------------------------

FOLLOWED = """() => {
  window.followed = [];
  window.addEventListener("step-size", ({ detail }) => {
    detail.heard = true;
    window.followed.push(detail.eta);
  });
}"""


@pytest.fixture
def followed(open_ruler) -> Ruler:
    """A ruler beside a picture that follows it."""
    ruler = open_ruler()
    ruler.page.evaluate(FOLLOWED)
    ruler.rerun(PAPER, ETA)
    return ruler


def test_a_drag_that_is_followed_is_reported_where_it_rests(followed) -> None:
    x, y = followed.grab()
    for k in range(20):
        followed.page.mouse.move(x + 4 * k, y)
        followed.pass_time(100)
    assert followed.sent == []
    assert followed.page.evaluate("window.followed.at(-1)") == followed.eta != ETA
    rests = "document.documentElement.hasAttribute('data-words-follow')"
    assert followed.page.evaluate(rests)
    followed.pass_time(400)
    assert followed.sent == [followed.eta]  # held, but at rest
    followed.page.mouse.move(x, y)
    followed.pass_time()
    followed.page.mouse.up()
    assert followed.sent[1:] == [followed.eta]  # at once where it is let go
    followed.rerun(PAPER, followed.eta)
    assert not followed.page.evaluate(rests)


def test_the_step_sizes_are_played_through(followed, open_ruler) -> None:
    play = followed.page.get_by_role("button", name="Play through the step sizes")
    play.click()
    seen = []
    for _ in range(8):
        followed.pass_time(500)
        seen.append(followed.eta)
    assert seen == sorted(set(seen))
    assert followed.sent == []
    play.click()  # a pause
    followed.pass_time(100)
    assert followed.sent == [followed.eta]
    play.click()
    followed.pass_time(20_000)  # to the end, and no further
    assert followed.eta == data(PAPER, ETA, 20.0)["range"][1] == followed.sent[-1]
    assert play.get_attribute("aria-pressed") == "false"
    play.click()  # again from the start
    followed.pass_time(500)
    assert followed.eta < seen[0]
    followed.press("ArrowRight")  # whoever moves the handle has it
    held = followed.eta
    followed.pass_time(500)
    assert followed.eta == held


def test_nothing_is_played_where_nobody_follows(followed) -> None:
    play = followed.page.get_by_role("button", name="Play through")
    play.click()
    followed.page.evaluate("""() => {
      window.addEventListener("step-size", ({ detail }) => { detail.heard = false; });
      window.dispatchEvent(new Event("followed"));
    }""")
    followed.pass_time(50)
    stopped = followed.eta
    followed.pass_time(2000)
    assert play.count() == 0
    assert followed.eta == stopped
