"""The whole app in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode, urlparse

import pytest
import served
from axe_playwright_python.sync_playwright import Axe
from browser import launch
from playwright.sync_api import Browser, Page, expect

from pages._names import PAGES
from simcore import links, presets

WORDS = {  # what each page says once it has its result
    "": "Partly re-balanced.",
    "why_flat": "difference",
    "step_size": "The chain of one pathway",
    "phase_diagram": "Click a cell to open its run",
    "matrices": "One more step agrees with the identity",
    "paper_figures": "Source: Kim and Lee",
    "about": "Conventions",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served.app() as url:
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    tab = browser.new_page(viewport={"width": 1280, "height": 800})
    yield tab
    tab.close()


def test_every_page_is_tested():
    assert {name or "simulator" for name in WORDS} == set(PAGES)


@pytest.mark.parametrize("name", ["why_flat", "matrices"])
def test_a_cold_deep_link_on_a_fresh_process(browser, name):
    with served.app() as url:
        tab = browser.new_page()
        served.open_page(tab, f"{url}/{name}")
        expect(tab.get_by_text(WORDS[name]).first).to_be_visible(timeout=served.PATIENCE)
        expect(tab.get_by_role("link", name="Simulator").first).to_be_visible()
        tab.close()


def serious_violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds at its two upper levels: rule and element."""
    return [
        (violation["id"], node["html"][:120])
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize(
    ("width", "height", "scheme"), [(1280, 800, "light"), (1024, 768, "dark"), (420, 800, "dark")]
)
def test_pages_fit_and_say_what_they_should(browser, address, name, width, height, scheme):
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    hosts, errors = set(), []
    page.on("request", lambda request: hosts.add(urlparse(request.url).hostname))
    page.on("pageerror", lambda error: errors.append(str(error)))
    served.open_page(page, f"{address}/{name}")
    expect(page.get_by_text(WORDS[name]).first).to_be_visible(timeout=served.PATIENCE)
    served.settle(page)
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    assert page.get_by_text("Traceback").count() == 0
    assert page.locator("[data-testid=stException]").count() == 0
    assert not errors
    assert hosts <= {urlparse(address).hostname, None}
    if width != 1024:
        assert serious_violations(page) == []
    context.close()


def test_the_player_plays_and_the_server_hears_nothing(page, address):
    frames: list[object] = []

    def listen(socket):
        socket.on("framesent", lambda frame: frames.append(frame))

    page.on("websocket", listen)
    served.open_page(page, address)
    slider = page.locator(".run-player [role=slider]")
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


def test_space_plays_on_a_page_that_was_just_opened(page, address):
    served.open_page(page, address)
    stage = page.locator(".run-player")
    expect(stage).to_have_attribute("data-playing", "false")
    page.keyboard.press("Space")
    expect(stage).to_have_attribute("data-playing", "true")
    page.keyboard.press("Space")
    expect(stage).to_have_attribute("data-playing", "false")


def test_a_link_round_trips_and_back_goes_back(page, address):
    query = urlencode(links.to_query(presets.SMALL.experiment))
    served.open_page(page, f"{address}/?{query}")
    expect(page.get_by_text("Winner takes all.").first).to_be_visible()
    page.get_by_role("spinbutton", name="Steps", exact=True).fill("1900")
    page.get_by_role("spinbutton", name="Steps", exact=True).press("Enter")
    page.wait_for_url("**steps=1900**")
    page.get_by_text("Winner takes all.").first.click()  # out of the field
    served.settle(page)
    page.wait_for_timeout(300)  # longer than a link may be late, see pages/_state.py
    page.go_back()
    page.wait_for_url("**steps=2000**")
    expect(page.get_by_role("spinbutton", name="Steps", exact=True)).to_have_value("2000")
    page.go_forward()
    expect(page.get_by_role("spinbutton", name="Steps", exact=True)).to_have_value("1900")


def test_pages_keep_the_run_when_switched(page, address):
    query = urlencode(links.to_query(presets.RANK_ONE.experiment))
    served.open_page(page, f"{address}/?{query}")
    page.get_by_role("link", name="Why flat?").click()
    page.wait_for_url("**/why_flat?**")
    served.settle(page)
    expect(page.get_by_label("Singular values")).to_have_value("1, 0.7, 0.4")
    page.get_by_role("link", name="Simulator").first.click()
    served.settle(page)
    expect(page.get_by_text("share", exact=False).first).to_be_visible()
    assert "task=1.0%2C0.7%2C0.4" in page.url or "task=1.0,0.7,0.4" in page.url


@pytest.mark.parametrize(("width", "height", "shown"), [(1280, 800, 1.0), (1024, 768, 0.75)])
def test_the_first_panels_are_seen_without_scrolling(browser, address, width, height, shown):
    tab = browser.new_page(viewport={"width": width, "height": height})
    served.open_page(tab, address)
    stage = tab.locator(".run-player .stage")
    expect(stage).to_be_visible(timeout=served.PATIENCE)
    served.settle(tab)
    panel = 280  # the height of a panel of a scene
    assert stage.bounding_box()["y"] + shown * panel <= height
    tab.close()


def test_the_bifurcation_diagram_is_zoomed_twice_and_clicked(page, address):
    served.open_page(page, f"{address}/step_size")
    chart = page.locator("[data-testid=stVegaLiteChart]").first
    whole = page.get_by_role("button", name="Whole range")

    def place(share):
        expect(chart).to_be_visible(timeout=served.PATIENCE)
        page.wait_for_timeout(500)
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        return box["x"] + share * box["width"], box["y"] + 0.5 * box["height"]

    def keys():
        return [key for key in page.evaluate(KEYS) if "bifurcation" in key]

    seen = [keys()]
    expect(whole).to_be_disabled()
    for start, end in ((0.4, 0.8), (0.7, 0.4)):
        page.mouse.move(*place(start))
        page.mouse.down()
        page.mouse.move(*place(end), steps=5)
        page.mouse.up()
        served.settle(page)
        expect(whole).to_be_enabled()
        seen.append(keys())
    assert seen[0] != seen[1] != seen[2]
    before = page.url
    page.mouse.click(*place(0.6))
    page.wait_for_url(lambda url: url != before and "eta=" in url)
    served.settle(page)
    assert page.locator("[data-testid=stException]").count() == 0
    assert keys() == seen[2]  # a click keeps the range


KEYS = "[...document.querySelectorAll('[class*=st-key-]')].map((e) => e.className)"


def test_a_hostile_link_gets_a_sentence(page, address):
    served.open_page(page, f"{address}/?eta=%3Cscript%3Ealert(1)%3C/script%3E&depths=0")
    expect(page.get_by_text("in the link was left out").first).to_be_visible()
    expect(page.get_by_text("Partly re-balanced.").first).to_be_visible()


def test_the_hosted_app_refuses_what_is_too_large(browser):
    with served.app(SIMCORE_HOSTED="1") as url:
        tab = browser.new_page()
        served.open_page(tab, f"{url}/?steps=900000")
        expect(tab.get_by_text("must be between 1 and 50000").first).to_be_visible(
            timeout=served.PATIENCE
        )
        tab.close()
