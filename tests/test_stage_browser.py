"""The stage of a lecture, lessons, and what else is done by key, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

import pytest
import served
from axe_playwright_python.sync_playwright import Axe
from browser import launch
from playwright.sync_api import Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

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
    page.wait_for_url(f"**eta={eta}**")
    served.settle(page)
    page.keyboard.press("ArrowLeft")
    assert moment(page) < float(page.locator(SLIDER).get_attribute("aria-valuemax"))
    assert page.locator(HANDLE).get_attribute("aria-valuenow") == eta
    page.wait_for_url("**cursor=**")
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
    assert all(titles.nth(k).bounding_box()["y"] + 100 < height for k in range(shown))


def test_a_map_by_keyboard(page, address):
    page.set_viewport_size({"width": 1280, "height": 800})
    query = "steps=60&map_x=eta:4:0.05:0.3&map_y=depth:3:3:5"
    served.open_page(page, f"{address}/phase_diagram?{query}")
    served.settle(page)
    button = page.get_by_role("button", name="Cells by keyboard")
    expect(button).to_be_visible(timeout=served.PATIENCE)
    expect(page.locator(".st-key-map_picture canvas")).to_be_visible(timeout=served.PATIENCE)
    page.wait_for_timeout(500)  # Vega has bound the field
    button.focus()
    chart = page.locator(".st-key-map_picture canvas")
    cursor = page.locator(".st-key-map_picture .vega-bindings input")
    pictures = []
    for key, number in (("ArrowRight", "6"), ("ArrowLeft", "5"), ("Home", "4"), ("PageDown", "0")):
        page.keyboard.press(key)
        expect(cursor).to_have_value(number)
        page.wait_for_timeout(200)
        pictures.append(chart.evaluate("e => e.toDataURL()"))
    assert len(set(pictures)) == 4  # the frame goes along
    said = page.locator(".map-cells [role=status]")
    expect(said).to_contain_text("η = 0.05, depth L = 3: ")
    expect(page.locator(".map-cells button")).to_have_text(said.inner_text())
    page.keyboard.press("Enter")
    page.wait_for_url("**/?**eta=0.05&**", timeout=served.PATIENCE)
    served.settle(page)


# Once a part has run ahead, the handle is moved, and back before Python hears of it.
COMES_BACK = """(handle) => new MutationObserver((_, observer) => {
  observer.disconnect();
  const eta = Number(handle.getAttribute("aria-valuenow"));
  window.dispatchEvent(new CustomEvent("step-size", { detail: { eta } }));
}).observe(document.documentElement, { attributeFilter: ["data-ahead"] })"""


# In how many frames nothing is seen of a canvas.
IS_HIDDEN = """(canvas) => {
  window.hidden = 0;
  const look = () => {
    window.hidden += canvas.getBoundingClientRect().width === 0;
    requestAnimationFrame(look);
  };
  look();
}"""


class Ran(NamedTuple):
    """What a browser heard of a run of a page or a part of it."""

    count: int  # messages
    mounted: set[str]  # components, where they are not those of before
    last: int  # how it finished


def finished(heard: list[bytes]) -> list[Ran]:
    runs, messages = [], []
    for message in map(ForwardMsg.FromString, heard):
        messages.append(message)
        if message.WhichOneof("type") == "script_finished":
            names = {each.delta.new_element.bidi_component.component_name for each in messages}
            runs.append(Ran(len(messages), names, message.script_finished))
            messages = []
    return runs


def test_what_is_old_is_said_to_be_and_a_part_runs_alone(page, address):
    heard: list[bytes] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda f: heard.append(f)))
    served.open_page(page, address)
    expect(page.locator(".run-player")).to_be_visible(timeout=served.PATIENCE)
    served.settle(page)
    sign = page.get_by_text("Computing: text and picture are still the old ones.")
    expect(sign).to_be_hidden(timeout=served.PATIENCE)
    heard.clear()
    handle = page.locator(HANDLE)
    before = handle.get_attribute("aria-valuenow")
    handle.evaluate(COMES_BACK)
    page.locator(".run-player canvas.panels").evaluate(IS_HIDDEN)
    handle.press("ArrowRight")  # the picture goes ahead of the rest of the page
    expect(handle).not_to_have_attribute("aria-valuenow", before)
    moved = handle.get_attribute("aria-valuenow")
    expect(page.get_by_role("textbox", name="Step size η")).to_have_value(
        re.compile(moved[:6]), timeout=served.PATIENCE
    )
    page.wait_for_url(f"**eta={moved}&**")
    served.settle(page)
    runs = finished(heard)
    assert runs[0].last == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
    assert "run_player" in runs[0].mounted
    assert runs[-1].last == ForwardMsg.FINISHED_SUCCESSFULLY
    assert 3 * runs[0].count < runs[-1].count
    assert page.evaluate("hidden") == 0

    steps = page.get_by_role("textbox", name="Steps")
    steps.fill("3e6")
    steps.press("Enter")
    expect(sign).to_be_visible()
    page.wait_for_url("**steps=3000000**")
    expect(sign).to_be_hidden(timeout=served.PATIENCE)
    served.settle(page)

    served.open_page(page, f"{address}/why_flat")
    table = page.get_by_test_id("stTable")
    expect(table).to_be_visible(timeout=served.PATIENCE)
    served.settle(page)
    before, count = table.inner_text(), len(heard)
    slider = page.get_by_role("slider", name="Share of pathway 1")
    slider.press("ArrowLeft")
    page.wait_for_url("**share=0.89**")
    served.settle(page)
    assert table.inner_text() != before
    alone, count = len(heard) - count, len(heard)
    eta = page.get_by_role("textbox", name="Step size η")
    eta.fill("0.2")
    eta.press("Enter")
    page.wait_for_url("**eta=0.2&**share=0.89**")
    served.settle(page)
    assert 2 * alone < len(heard) - count
    page.get_by_role("button", name="Undo the last change").click()
    page.wait_for_url(lambda url: "eta=0.2&" not in url and "share=0.89" in url)
