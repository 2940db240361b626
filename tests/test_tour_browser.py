"""The tour in a real browser: walked by keyboard, with wrong guesses and with right ones."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import served
from browser import launch
from playwright.sync_api import BrowserContext, Page, expect
from test_app_browser import violations

from pages._tour_steps import STEPS
from simcore import simulate

LAST = len(STEPS)
PATIENCE = served.PATIENCE


@pytest.fixture(scope="module")
def profile() -> Iterator[BrowserContext]:
    """One for both tests, so that Streamlit's own files come once."""
    with launch() as chromium:
        yield chromium.new_context()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served.app() as url:
        yield url


def press(page: Page, name: str) -> None:
    """A button, by keyboard."""
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_have_count(1, timeout=PATIENCE)  # until what a rerun replaces is gone
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    served.settle(page)


def guess(page: Page, number: int, value: float) -> str:
    """Move the slider to a value by keyboard, and ask for the answer; how the guess is written.

    A busy server may set the slider back to where it was when it last heard of it, so this looks
    again, as a reader does.
    """
    asked = STEPS[number - 1].guess
    slider = page.get_by_role("slider", name=asked.label)
    wanted = round((value - asked.low) / asked.step)
    slider.focus()
    for _ in range(10):
        at = round(
            (float(slider.get_attribute("aria-valuetext") or "nan") - asked.low) / asked.step
        )
        if wanted == at:
            break
        for _ in range(abs(wanted - at)):
            page.keyboard.press("ArrowRight" if wanted > at else "ArrowLeft")
        page.wait_for_timeout(300)  # it tells the server when it has rested for 200 ms
        served.settle(page)
    press(page, "That is my guess")
    return asked.written(asked.low + wanted * asked.step)


LOOKS = ((1400, "light"), (420, "dark"))


def test_the_tour_is_walked_by_keyboard(profile, address):
    """By turns on a wide light page with wrong guesses and on a narrow dark one with right ones."""
    errors: list[str] = []
    page = profile.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    look(page, 0)
    served.open_page(page, f"{address}/tour")
    main = page.locator("[data-testid=stMain]")
    for number, step in enumerate(STEPS, 1):
        off = 6 * (number % 2)
        look(page, number + 1)
        title = page.get_by_role("heading", name=f"{number} of {LAST}. {step.title}")
        expect(title).to_be_visible(timeout=PATIENCE)
        served.settle(page)
        right = step.right(simulate(step.experiment))
        answer = f"{right:.{step.guess.digits + 1}f}"
        assert "You said" not in main.inner_text()
        assert answer not in main.inner_text() or answer in step.guess.question
        written = guess(page, number, right + off * step.guess.step)
        said = page.get_by_text(f"You said {written}")
        expect(said).to_contain_text(answer, timeout=PATIENCE)
        expect(said).to_contain_text("and so it is" if not off else ";", timeout=PATIENCE)
        for turn in (number + 1, number):  # ends as the next step begins: drawn anew once a step
            look(page, turn)
            assert main.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
            if number in (2, 4, 6):
                assert violations(page) == []
        if number < LAST:
            press(page, "Next")
            page.wait_for_url(lambda url, k=number + 1: f"step={k}" in url, timeout=PATIENCE)
            expect(page.locator("h2")).to_be_focused(timeout=PATIENCE)
    page.go_back()
    expect(page.get_by_role("heading", name=STEPS[-2].title)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text(re.compile("^You said"))).to_be_visible(timeout=PATIENCE)  # kept
    served.settle(page)
    page.go_forward()
    expect(page.get_by_text("Now you can say")).to_be_visible(timeout=PATIENCE)
    table = page.get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(1 + LAST, timeout=PATIENCE)
    page.get_by_role("link", name="Open the run of step 5").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Partly re-balanced.")).to_be_visible(timeout=PATIENCE)
    assert page.locator("[data-testid=stException]").count() == 0
    assert not errors
    page.close()


def look(page: Page, turn: int) -> None:
    """Give the page one of its two looks, if it has the other."""
    width, scheme = LOOKS[turn % len(LOOKS)]
    if page.viewport_size != {"width": width, "height": 900}:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)  # pictures are drawn anew


def test_a_lecturer_s_link_opens_a_step_and_the_picture_follows_the_ruler(profile, address):
    page = profile.new_page()
    page.set_viewport_size({"width": 1024, "height": 768})
    served.open_page(page, f"{address}/tour?step=6")
    expect(page.get_by_text(STEPS[5].guess.question)).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".regime-ruler")).to_have_count(0, timeout=PATIENCE)
    press(page, "That is my guess")
    handle = page.locator(".regime-ruler .handle")
    expect(page.get_by_text("Partly re-balanced.")).to_be_visible(timeout=PATIENCE)
    handle.focus()
    for _ in range(3):
        page.keyboard.press("PageUp")
    expect(page.get_by_text("Partly re-balanced.")).to_have_count(0, timeout=PATIENCE)
    page.goto(f"{address}/tour?step=9")
    expect(page.get_by_text("step of the tour must be between 1 and 7")).to_be_visible(
        timeout=PATIENCE
    )
    page.close()
