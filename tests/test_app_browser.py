"""The whole app in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlparse
from xml.etree import ElementTree

import pytest
import served
from axe_playwright_python.sync_playwright import Axe
from browser import launch
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from pages import _take
from pages._names import PAGES
from simcore import Trajectory, captions, links, presets, simulate, variations
from simcore.figures import style
from simcore.version import NUMBER

SVG = "{http://www.w3.org/2000/svg}"

WORDS = {  # what each page says once it has its result
    "": "Partly re-balanced.",
    "tour": "1 of 7",
    "why_flat": "difference",
    "step_size": "The chain of one pathway",
    "phase_diagram": "Click a cell to open its run",
    "your_data": "Suggested runs",
    "matrices": "One more step agrees with the identity",
    "paper_figures": "Source: Kim and Lee",
    "about": "Conventions",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def profile(browser: Browser) -> BrowserContext:
    """One for all tabs, so that Streamlit's own files come once."""
    return browser.new_context(viewport={"width": 1280, "height": 800})


@pytest.fixture(scope="module")
def address(profile: BrowserContext) -> Iterator[str]:
    """A server whose first visit is a deep link, as when a hosted app wakes up: the page must come
    up without the front page before it."""
    with served.app() as url:
        tab = profile.new_page()
        served.open_page(tab, f"{url}/about")
        expect(tab.get_by_text(WORDS["about"]).first).to_be_visible(timeout=served.PATIENCE)
        expect(tab.get_by_role("link", name="Simulator").first).to_be_visible()
        tab.close()
        yield url


@pytest.fixture
def page(profile: BrowserContext) -> Iterator[Page]:
    tab = profile.new_page()
    yield tab
    tab.evaluate("localStorage.clear()")  # what the menu keeps of its last choices
    tab.close()


def test_every_page_is_tested():
    assert {name or "simulator" for name in WORDS} == set(PAGES)


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds: rule and element."""
    return [
        (violation["id"], node["html"][:120])
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
    ]


LOOKS = (("light", [(1280, 800)]), ("dark", [(1024, 768), (420, 800)]))
SEEN = {1280: 1.0, 1024: 0.75}  # of the first panels, without scrolling, in a window so wide
PANEL = 280  # the height of a panel of a scene
LIGHTNESS = "e => Math.max(...getComputedStyle(e).backgroundColor.match(/\\d+/g).slice(0, 3))"


@pytest.mark.parametrize("name", WORDS)
def test_pages_fit_and_say_what_they_should(page, address, name):
    hosts, errors = set(), []
    page.on("request", lambda request: hosts.add(urlparse(request.url).hostname))
    page.on("pageerror", lambda error: errors.append(str(error)))
    served.open_page(page, f"{address}/{name}")
    expect(page.get_by_text(WORDS[name]).first).to_be_visible(timeout=served.PATIENCE)
    served.settle(page)
    main = page.locator("[data-testid=stMain]")
    for scheme, sizes in LOOKS:
        page.emulate_media(color_scheme=scheme)
        for width, height in sizes:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(400)  # pictures are drawn anew
            assert main.evaluate("e => e.scrollWidth <= e.clientWidth + 1"), width
            if not name and width in SEEN:
                stage = page.locator(".run-player .stage").bounding_box()
                assert stage["y"] + SEEN[width] * PANEL <= height
        served.settle(page)
        lightness = page.locator("[data-testid=stApp]").evaluate(LIGHTNESS)
        assert (lightness > 128) == (scheme == "light")
        assert violations(page) == [], scheme
    assert page.get_by_text("Traceback").count() == 0
    assert page.locator("[data-testid=stException]").count() == 0
    assert not errors
    assert hosts <= {urlparse(address).hostname, None}


def test_space_plays_on_a_page_just_opened_and_the_server_hears_nothing(page, address):
    frames: list[object] = []

    def listen(socket):
        socket.on("framesent", lambda frame: frames.append(frame))

    page.on("websocket", listen)
    served.open_page(page, address)
    stage = page.locator(".run-player")
    expect(stage).to_have_attribute("data-playing", "false")
    page.keyboard.press("Space")
    expect(stage).to_have_attribute("data-playing", "true")
    page.keyboard.press("Space")
    expect(stage).to_have_attribute("data-playing", "false")
    slider = page.locator(".run-player [role=slider]")
    page.keyboard.press("End")  # with the focus still nowhere
    assert slider.get_attribute("aria-valuenow") == slider.get_attribute("aria-valuemax")
    page.locator(".regime-ruler .handle").focus()
    for playing in ("true", "false"):
        page.keyboard.press("Space")
        expect(stage).to_have_attribute("data-playing", playing)
    slider.focus()
    page.wait_for_timeout(1500)  # the page's own start-up messages
    before = slider.get_attribute("aria-valuenow")
    frames.clear()
    page.keyboard.press("Space")
    page.wait_for_timeout(1200)
    during = slider.get_attribute("aria-valuenow")
    page.keyboard.press("Space")
    assert during != before
    assert frames == []


def test_a_preset_chosen_in_the_menu_is_the_run_on_show(page, address):
    """Its own steps and numbers, also where another step size comes with them."""
    served.open_page(page, address)
    menu = page.get_by_role("combobox", name="Preset")
    for name in ("unequal", "depth-two", "return-below", "rank-one"):
        preset = presets.BY_NAME[name]
        menu.fill(preset.title)
        menu.press("Enter")
        run = simulate(preset.experiment)
        steps, shown = run.steps[-1], page.locator(".run-player .state")
        numbers = [f"σ{'₁₂'[h]}₁ {run.strengths[-1, h, 0]:.4f}" for h in range(2)]
        words = f"step {steps:,} / {steps:,} · .*{', '.join(numbers)}".replace(",", ",?")
        expect(shown).to_contain_text(re.compile(words), timeout=served.PATIENCE)
        served.settle(page)
        page.wait_for_timeout(500)  # a handle has come to rest, too
        expect(shown).to_contain_text(re.compile(words))


def test_an_escaped_link_opens_its_run_and_pages_keep_it(page, address):
    """Mail programs write &amp; for &."""
    query = urlencode(links.to_query(presets.RANK_ONE.experiment)).replace("&", "&amp;")
    served.open_page(page, f"{address}/?{query}&amp;utm_source=mail&amp;etta=1")
    said = page.get_by_text("the link also says 'etta', which this app")
    expect(said).to_be_visible(timeout=served.PATIENCE)
    assert page.locator("[data-testid=stAlert]").count() == 1
    page.get_by_role("link", name="Why flat?").click()
    page.wait_for_url("**/why_flat?**")
    served.settle(page)
    expect(page.get_by_label("Singular values")).to_have_value("1, 0.7, 0.4")
    page.get_by_role("link", name="Simulator").first.click()
    served.settle(page)
    expect(page.get_by_text("share", exact=False).first).to_be_visible()
    assert query_of(page)["task"].startswith("1.0,0.7,0.4:")


TRANSLATE = """() => {  // as a browser does it: nodes of its own in the place of the page's texts
  const main = document.querySelector("[data-testid=stMain]"), texts = [];
  const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    if (!text.data.trim() || text.parentElement.closest("style, script")) continue;
    const font = document.createElement("font");
    font.textContent = `«${text.data}»`;
    text.replaceWith(font);
  }
}"""


def test_a_translated_page_says_what_the_new_run_did_and_no_more_what_the_old(page, address):
    query = urlencode(links.to_query(presets.SMALL.experiment))
    served.open_page(page, f"{address}/?{query}")
    expect(page.get_by_text("Winner takes all.")).to_be_visible()
    page.evaluate(TRANSLATE)
    old = page.get_by_text("the pathway that started ahead took the signal")
    expect(old).to_be_visible()
    page.locator(".st-key-eta input").fill("0.15384615")
    page.locator(".st-key-eta input").press("Enter")
    expect(page.get_by_text("Partly re-balanced.")).to_be_visible(timeout=served.PATIENCE)
    expect(page.get_by_text("the oscillation handed signal back")).to_be_visible()
    expect(old).to_have_count(0)
    expect(page.get_by_text("descent follows gradient flow")).to_have_count(0)


def test_show_data_gives_the_whole_table_of_the_picture(page, address):
    page.set_viewport_size({"width": 1600, "height": 900})  # a grid has no heads of what is beyond
    served.open_page(page, f"{address}/paper_figures?figure=curves")
    charts = page.locator("[data-testid=stVegaLiteChart]")
    expect(charts).to_have_count(3, timeout=served.PATIENCE)
    served.settle(page)
    charts.last.hover()
    page.get_by_role("button", name="Show data").last.click()
    grid = page.locator("[data-testid=stDataFrame] [role=grid]")
    heads = grid.locator("[role=columnheader]")
    expect(heads).to_have_text(["run", "step", "t", "σ₁₁", "σ₂₁"], timeout=served.PATIENCE)
    rows = int(grid.get_attribute("aria-rowcount"))
    assert rows == 1 + 651 + 600  # of GD, and of GF beside it


def test_the_bifurcation_diagram_is_zoomed_twice_and_clicked(page, address):
    served.open_page(page, f"{address}/step_size")
    chart = page.locator("[data-testid=stVegaLiteChart]").first
    whole = page.get_by_role("button", name="Whole range")

    def place(share):
        page.wait_for_timeout(500)
        served.settle(page)
        expect(chart).to_be_visible(timeout=served.PATIENCE)
        chart.evaluate("e => e.scrollIntoView({block: 'nearest'})")
        box = chart.bounding_box()
        return box["x"] + share * box["width"], box["y"] + 0.5 * box["height"]

    def keys():
        return [key for key in page.evaluate(KEYS) if "bifurcation" in key]

    seen = [keys()]
    expect(whole).to_be_disabled(timeout=served.PATIENCE)
    for start, end in ((0.4, 0.8), (0.7, 0.4)):
        page.mouse.move(*place(start))
        page.mouse.down()
        page.mouse.move(*place(end), steps=5)
        page.mouse.up()
        served.settle(page)
        expect(whole).to_be_enabled()
        seen.append(keys())
    assert seen[0] != seen[1] != seen[2]
    zoomed = query_of(page)["etas"]
    page.mouse.click(*place(0.6))
    page.wait_for_url(lambda url: "eta=0.15384615384615385" not in url)
    served.settle(page)
    assert page.locator("[data-testid=stException]").count() == 0
    assert keys() == seen[2]  # a click keeps the range
    assert query_of(page)["etas"] == zoomed
    low, high = map(float, zoomed.split(","))
    assert low < float(query_of(page)["eta"]) < high


KEYS = "[...document.querySelectorAll('[class*=st-key-]')].map((e) => e.className)"


def query_of(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlparse(page.url).query))


def entries(page: Page) -> int:
    """How many steps of the back button there are to the blank tab."""
    return page.evaluate("history.length")


def number(page: Page, name: str):
    return page.get_by_role("textbox", name=name, exact=True)


def enter(page: Page, name: str, text: str) -> None:
    """Type a number into a field and wait until the link says so."""
    before = urlparse(page.url).query
    number(page, name).fill(text)
    number(page, name).press("Enter")
    page.wait_for_url(lambda url: urlparse(url).query != before, timeout=served.PATIENCE)
    served.settle(page)


def test_back_and_forward_walk_through_changes_and_pages(page, address):
    """Change eta, change panels, switch page; then back, back, back and forward."""
    served.open_page(page, address)
    pill = page.get_by_role("button", name="Largest share", exact=True)
    start = entries(page)
    enter(page, "Step size η", "0.2")
    pill.click()
    page.wait_for_url("**panels=**")
    served.settle(page)
    page.get_by_role("link", name="Why flat?").click()
    page.wait_for_url("**/why_flat?**")
    served.settle(page)
    expect(number(page, "Step size η")).to_have_value("0.2")
    assert entries(page) == start + 3
    page.go_back()
    expect(pill).to_have_attribute("aria-pressed", "true", timeout=served.PATIENCE)
    assert urlparse(page.url).path == "/"
    served.settle(page)
    page.go_back()
    expect(pill).to_have_attribute("aria-pressed", "false")
    expect(number(page, "Step size η")).to_have_value("0.2")
    served.settle(page)
    page.go_back()
    expect(number(page, "Step size η")).to_have_value("0.153846153846")
    served.settle(page)
    page.go_forward()
    expect(number(page, "Step size η")).to_have_value("0.2")
    assert "panels" not in query_of(page)
    assert entries(page) == start + 3


def open_menu(page: Page) -> Locator:
    """The menu "Take it with you", opened by the keyboard."""
    served.settle(page)  # a page that is still made anew would close it
    page.get_by_role("button", name="Take it with you").press("Enter")
    menu = page.get_by_test_id("stPopoverBody")
    menu.locator("code").first.wait_for(timeout=served.PATIENCE)
    served.settle(page)
    return menu


def taken(page: Page, button: Locator) -> tuple[str, Path]:
    """The name of the file that a press gives, and where it is."""
    with page.expect_download(timeout=served.PATIENCE) as download:
        button.click()
    return download.value.suggested_filename, Path(download.value.path())


def svg_texts(file: Path) -> list[str]:
    return [text.text or "" for text in ElementTree.parse(file).iter(f"{SVG}text")]


def test_a_visitor_takes_a_run_along(page, browser, address, tmp_path):
    experiment = variations.with_step_size(presets.MEDIUM.experiment, 0.2)
    stem, requests = captions.stem(experiment), []
    served.open_page(page, f"{address}/?eta=0.2&cursor=20")
    menu = open_menu(page)
    link = menu.locator("code").first.inner_text()
    query = dict(parse_qsl(urlparse(link).query))
    assert links.from_query(query, presets.SMALL.experiment)[0] == experiment
    code = menu.get_by_role("img", name="QR code of the link")
    assert code.get_attribute("src") == _take.qr(link)
    name, png = taken(page, menu.get_by_role("button", name="PNG", exact=True))
    assert name == f"{stem}.png"
    picture = Image.open(png)
    assert picture.size == (1920, 1080)
    assert picture.text["Source"] == f"{experiment.key[:8]} · simcore {NUMBER} · {link}"
    name, svg = taken(page, menu.get_by_role("button", name="SVG", exact=True))
    assert name == f"{stem}.svg"
    assert "step 100 / 650 · t = 20.00 · GD: re-balancing · GF: settled" in svg_texts(svg)
    name, table = taken(page, menu.get_by_role("button", name="Data (CSV)"))
    assert name == f"{stem}.csv"
    assert len(table.read_text().splitlines()) == 652
    name, archive = taken(page, menu.get_by_role("button", name="Data (NPZ)"))
    assert name == f"{stem}.npz"
    assert Trajectory.load(archive).experiment.dynamics == experiment.dynamics
    name, offline = taken(page, menu.get_by_role("button", name="Offline page"))
    assert name == f"{stem}.html"
    other = browser.new_page()
    other.on("request", lambda request: requests.append(request.url))
    other.goto(offline.rename(tmp_path / name).as_uri())
    expect(other.locator(".clock")).to_contain_text("step 100 / 650")
    assert len(requests) == 1
    other.close()
    menu.get_by_role("tab", name="Python").click()
    expect(menu.get_by_text("run = simulate(experiment)")).to_be_visible()
    assert Axe().run(page).violations_count == 0
    menu.get_by_label("Size").select_option("inches")
    menu.get_by_label("Dots per inch").fill("9600")
    menu.get_by_role("button", name="PNG", exact=True).click()
    expect(menu.get_by_role("status")).to_have_text(
        'The resolution must be between 72 and 1200 dots per inch, got "9600".'
    )


def test_a_visitor_takes_a_chart_along(page, address):
    """Vega draws it once more, in the size and the colours that are chosen."""
    served.open_page(page, f"{address}/paper_figures?figure=depth2")
    menu = open_menu(page)
    menu.get_by_label("Colours").select_option("dark")
    menu.get_by_label("Size").select_option("inches")
    name, svg = taken(page, menu.get_by_role("button", name="SVG", exact=True))
    caption = captions.of_run(simulate(presets.SHALLOW.experiment))
    assert name == f"plane-{caption.stem}.svg"
    said = svg_texts(svg)
    assert {f"{caption.title}: plane", caption.verdict, "strength σ₁₁", "time t", "flattest"} <= {
        *said
    }
    root = ElementTree.parse(svg).getroot()
    assert root.get("width") == "6.500in"
    assert root.find(f"{SVG}path").get("fill") == style.DARK_PAGE
    assert "url(http" not in svg.read_text()  # a gradient that no file has
    name, png = taken(page, menu.get_by_role("button", name="PNG", exact=True))
    assert name == f"plane-{caption.stem}.png"
    picture = Image.open(png)
    assert picture.width == 1950
    assert picture.text["Title"] == f"{caption.title}: plane"
    assert Axe().run(page).violations_count == 0


def test_pins_and_panels_are_in_a_copied_link(page, profile, address):
    served.open_page(page, f"{address}/?eta=0.2")
    page.get_by_role("button", name="Pin this run").click()
    page.wait_for_url("**pin_a=**")
    served.settle(page)
    enter(page, "Step size η", "0.1")
    page.get_by_role("button", name="GFS sharpness", exact=True).click()
    page.wait_for_url("**panels=**")
    served.settle(page)
    copied = open_menu(page).locator("code").first.inner_text()
    fresh = profile.new_page()
    served.open_page(fresh, copied)
    expect(fresh.get_by_test_id("stSidebar").get_by_text("A: η = 0.2")).to_be_visible(
        timeout=served.PATIENCE
    )
    pill = fresh.get_by_role("button", name="GFS sharpness", exact=True)
    expect(pill).to_have_attribute("aria-pressed", "true", timeout=served.PATIENCE)
    expect(number(fresh, "Step size η")).to_have_value("0.1", timeout=served.PATIENCE)
    assert fresh.locator("[data-testid=stAlert]").count() == 0
    fresh.close()


# --- A server that was restarted ---------------------------------------------------------------


def reconnected(page: Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]")
    page.wait_for_timeout(300)


def test_the_first_change_after_a_restart_takes_effect(page):
    """At eta .2 with a pin: type a number, move the ruler, go back; each on a server that has just
    begun and knows nothing of the visit."""
    port = served.free_port()
    pin = page.get_by_test_id("stSidebar").get_by_text("A: η = 0.2")
    with served.app(port) as url:
        served.open_page(page, f"{url}/?eta=0.2")
        page.get_by_role("button", name="Pin this run").click()
        page.wait_for_url("**pin_a=**", timeout=served.PATIENCE)
        served.settle(page)
        before = entries(page)
    with served.app(port):
        reconnected(page)
        enter(page, "Step size η", "0.21")
        expect(number(page, "Step size η")).to_have_value("0.21")
        expect(pin).to_be_visible()
        assert query_of(page)["eta"] == "0.21"
        assert "eta=0.2&" in query_of(page)["pin_a"]
        assert entries(page) == before + 1
        enter(page, "Steps", "600")  # and so does the next
        assert query_of(page)["steps"] == "600"
        assert query_of(page)["eta"] == "0.21"
    with served.app(port):
        reconnected(page)
        handle = page.locator(".regime-ruler .handle")
        handle.focus()
        page.keyboard.press("ArrowRight")
        moved = str(0.21 * 1.01)
        expect(handle).to_have_attribute("aria-valuenow", moved)
        for _ in range(20):  # the handle stays where it was put
            page.wait_for_timeout(100)
            assert handle.get_attribute("aria-valuenow") == moved
        page.wait_for_url(f"**/?**eta={moved}&**", timeout=served.PATIENCE)
        served.settle(page)
        assert "pin_a" in query_of(page)
        expect(number(page, "Step size η")).to_have_value("0.2121")
    with served.app(port):
        reconnected(page)
        page.go_back()
        expect(number(page, "Step size η")).to_have_value("0.21", timeout=served.PATIENCE)
        expect(pin).to_be_visible()
        served.settle(page)
        assert query_of(page)["eta"] == "0.21"


# --- The player's view -------------------------------------------------------------------------


def test_a_link_opens_the_same_moment_and_a_seek_makes_no_entry(page, profile, address):
    served.open_page(page, f"{address}/?eta=0.2")
    enter(page, "Steps", "600")
    before = entries(page)
    slider = page.locator(".run-player [role=slider]")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
        page.wait_for_timeout(600)
    page.locator(".run-player [data-axis=t]").click()
    page.wait_for_url("**axis=t**", timeout=served.PATIENCE)
    served.settle(page)
    moment = slider.get_attribute("aria-valuenow")
    assert float(query_of(page)["cursor"]) == float(moment)
    assert entries(page) == before
    fresh = profile.new_page()
    served.open_page(fresh, page.url)
    slider = fresh.locator(".run-player [role=slider]")
    expect(slider).to_have_attribute("aria-valuenow", moment, timeout=served.PATIENCE)
    expect(fresh.locator(".run-player [data-axis=t]")).to_have_attribute("aria-pressed", "true")
    change_from_here(fresh, moment)
    fresh.close()
    page.go_back()  # to the run before, not to another moment of this one
    expect(number(page, "Steps")).to_have_value("650")


def change_from_here(page: Page, moment: str) -> None:
    """By keyboard, to another step size; the run as it was is a pin, and both are one change to
    take back."""
    turn = page.get_by_role("button", name="Change from here")
    turn.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Jitter: noise of std")).to_be_visible(timeout=served.PATIENCE)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Step size from here")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("0.05")
    expect(page.get_by_label("Step size from here")).to_have_value("0.05")
    page.keyboard.press("Enter")
    update = round(float(moment) / 0.2)
    page.wait_for_url(f"**events=step%3A{update}%3A0.05**", timeout=served.PATIENCE)
    served.settle(page)
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text("A: no events")).to_be_visible(timeout=served.PATIENCE)
    expect(page.locator(".run-player .clock")).to_contain_text("η = 0.05")
    expect(page.locator(".run-player [role=slider]")).to_have_attribute("aria-valuenow", moment)
    expect(page.locator(".regime-ruler .next")).to_have_text("then 0.05")
    assert violations(page) == []
    page.go_back()
    expect(sidebar.get_by_text("A: no events")).to_have_count(0, timeout=served.PATIENCE)


def test_only_what_the_player_shows_makes_no_entry_in_the_history(page, address):
    query = links.to_query(presets.MEDIUM.experiment) | {"cursor": "1.0"}
    served.open_page(page, f"{address}/?{urlencode(query)}")
    expect(page.locator(".run-player")).to_be_visible(timeout=served.PATIENCE)
    page.wait_for_function("Object.hasOwn(history, 'pushState')")  # ours
    before = entries(page)

    def push(changed, path="/"):  # as Streamlit does when the link is written
        page.evaluate("to => history.pushState({}, '', to)", f"{path}?{urlencode(query | changed)}")
        return entries(page) - before

    assert push({"cursor": "2.0", "axis": "t"}) == 0
    assert query_of(page)["cursor"] == "2.0"
    assert push({"cursor": "2.0"}, "/simulator") == 0
    assert push({"cursor": "2.0", "panels": "loss"}) == 1
    assert push({"cursor": "2.0", "panels": "loss"}, "/why_flat") == 2
