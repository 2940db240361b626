"""The stage of a lecture and lessons, in a real browser: one visit from key to key."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
import served
from axe_playwright_python.sync_playwright import Axe
from browser import launch
from playwright.sync_api import Page, expect

SLIDER, HANDLE = ".run-player .timeline", ".regime-ruler .handle"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served.app() as url:
        yield url


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with launch() as browser:
        yield browser.new_page(viewport={"width": 1024, "height": 768})


def moment(page: Page) -> float:
    return float(page.locator(SLIDER).get_attribute("aria-valuenow"))


def foot(page: Page) -> float:
    """Where the panels end, in pixels of the window."""
    page.wait_for_timeout(400)  # they are drawn anew
    return page.locator(".run-player canvas.panels").evaluate(
        "e => e.getBoundingClientRect().bottom"
    )


def test_a_lecture_by_keyboard(page, address):
    served.open_page(page, address)
    expect(page.get_by_text("Partly re-balanced.").first).to_be_visible(timeout=served.PATIENCE)
    served.settle(page)
    page.keyboard.press("f")
    page.wait_for_url("**stage=1**")
    served.settle(page)
    assert page.evaluate("Boolean(document.fullscreenElement)")
    for hidden in (page.get_by_test_id("stSidebar"), page.get_by_role("link", name="Why flat?")):
        expect(hidden).to_be_hidden()
    expect(page.locator(".run-player .title:visible")).to_have_count(2)
    assert foot(page) <= 768
    assert [v["id"] for v in Axe().run(page).response["violations"]] == []

    end = moment(page)  # nothing has the focus yet
    page.keyboard.press("ArrowLeft")
    assert moment(page) < end
    page.keyboard.press("Home")
    assert moment(page) == 0
    page.keyboard.press("Space")
    expect(page.locator(".run-player")).to_have_attribute("data-playing", "true")
    page.keyboard.press("Space")
    page.keyboard.press("End")
    assert moment(page) == end

    box = page.locator(HANDLE).bounding_box()  # the ruler is moved, and the keys stay the clock's
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 40, box["y"] + 10)
    moved = page.locator(HANDLE).bounding_box()
    assert moved["x"] - box["x"] == pytest.approx(40, abs=2)  # it stays under the hand
    page.mouse.up()
    eta = page.locator(HANDLE).get_attribute("aria-valuenow")
    page.keyboard.press("ArrowLeft")
    assert moment(page) < float(page.locator(SLIDER).get_attribute("aria-valuemax"))
    assert page.locator(HANDLE).get_attribute("aria-valuenow") == eta
    page.wait_for_url(f"**eta={eta}**")
    served.settle(page)

    page.keyboard.press("2")
    expect(page.get_by_text("Winner takes all.").first).to_be_visible(timeout=served.PATIENCE)
    page.keyboard.press("Control+z")
    page.wait_for_url(f"**eta={eta}**")
    served.settle(page)

    laser = page.locator(".laser")
    page.keyboard.down("l")
    expect(laser).to_be_visible()
    page.keyboard.up("l")
    expect(laser).to_be_hidden()

    title = page.locator(".run-player .title").nth(1)
    title.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".run-player .title:visible")).to_have_count(1)
    expect(title).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(page.locator(".run-player .title:visible")).to_have_count(2)
    expect(page.locator("html")).to_have_attribute("data-stage", "")
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "stage=1" not in url)
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    assert not page.evaluate("Boolean(document.fullscreenElement)")


def test_a_lesson_hides_and_asks_and_the_stage_fills_a_large_screen(page, address):
    asked = "Who wins <b>now</b>, $x$ or ![](//evil.example/a)?"
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.emulate_media(color_scheme="dark")
    served.open_page(page, f"{address}/?stage=1&hide=ruler,result,door&ask={quote(asked)}")
    expect(page.get_by_text(asked)).to_be_visible(timeout=served.PATIENCE)
    expect(page.get_by_text("also hides 'door', which this app does not know")).to_be_visible()
    expect(page.locator(".run-player")).to_be_visible(timeout=served.PATIENCE)
    served.settle(page)
    expect(page.locator(HANDLE)).to_be_hidden()
    expect(page.get_by_text("Partly re-balanced.")).to_be_hidden()
    assert 900 < foot(page) <= 1080
    assert [v["id"] for v in Axe().run(page).response["violations"]] == []


@pytest.mark.parametrize(("width", "height", "shown"), [(1280, 800, 4), (1024, 768, 2)])
def test_the_first_panels_are_seen_without_scrolling(page, address, width, height, shown):
    page.set_viewport_size({"width": width, "height": height})
    served.open_page(page, address)
    expect(page.locator(".run-player")).to_be_visible(timeout=served.PATIENCE)
    served.settle(page)
    feet = [foot(page)]
    titles = page.locator(".run-player .title")
    feet += [titles.nth(k).bounding_box()["y"] - 20 for k in range(shown, titles.count())]
    assert min(feet) <= height
    assert all(titles.nth(k).bounding_box()["y"] + 150 < height for k in range(shown))
