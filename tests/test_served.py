"""The hosted app as its visitors meet it, through Streamlit's protocol: many of them, and those who
mean harm. The full measure of each is a command: `benchmarks/app.py`, `links.py`, `bounded.py`."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import browser
import hostile_links as hostile
import pytest
import served
import visitor

from simcore import links

BUSY, IDLE = 0.1, 0.03  # of a core, which a run takes as a whole if others let it
DEADLINE = 30.0  # seconds; a hang, not a measurement


@pytest.fixture(scope="module")
def server():
    with served.app(SIMCORE_HOSTED="1") as address:
        yield address


def test_five_visitors_at_once_meet_no_error(server):
    async def all_of_them():
        return await asyncio.gather(*(visitor.visit(server, n, 3.0) for n in range(5)))

    waits = asyncio.run(all_of_them())
    assert all(waits)


def test_hostile_links_are_answered_in_words_that_do_nothing(server):
    async def open_all():
        heard = 0
        for page, query in hostile.queries(16, 11, ("about", "")):
            async with visitor.visiting(server, page, query) as guest:
                await guest.run()
            heard += len(guest.alerts)
            lively = [words for words in guest.alerts + guest.words if hostile.live(words)]
            assert not lively, (page, query)
        return heard

    assert asyncio.run(open_all()) > 16


TEXTS = ("![](http://x)", "*a* _b_ $c$", "a -> b <- c -- d", ":red[x] :material/home: :100:")


def test_a_browser_shows_a_hostile_link_as_text_and_asks_nobody(server):
    shown = [*hostile.MARKUP, *hostile.TYPED]
    query = dict(zip(sorted(links.KNOWN), itertools.cycle(shown)))
    query |= dict.fromkeys(hostile.MARKUP[:3], "1")
    query |= dict(zip(("depths", "duration", "width", "engine"), TEXTS, strict=True))
    asked = []
    with browser.launch() as chromium:
        tab = chromium.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        served.open_page(tab, f"{server}/?{urlencode(query)}")
        alerts = tab.locator("[data-testid=stAlert]")
        alerts.first.wait_for(timeout=served.PATIENCE)

        def said():
            return " ".join(alerts.all_inner_texts()).replace("\N{WORD JOINER}", "")

        until = time.monotonic() + DEADLINE
        while not all(text in said() for text in TEXTS) and time.monotonic() < until:
            tab.wait_for_timeout(100)  # many are drawn one after the other
        words = said()
        assert alerts.count() > len(links.KNOWN) / 2
        assert alerts.locator("a, img, svg, .katex, strong, em").count() == 0
        leading = "(all, host) => all.filter((a) => a.host === host).length"  # not just quoting it
        assert tab.locator("a").evaluate_all(leading, hostile.HOST) == 0
        assert tab.locator(f"img[src*='{hostile.HOST}']").count() == 0
    for text in TEXTS:
        assert text in words
    strangers = [url for url in asked if not url.startswith((server, "data:", "blob:"))]
    assert strangers == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads times from Linux's /proc")
def test_a_closed_tab_frees_its_core(server, monkeypatch):
    """Whatever the longest allowed run is busy with."""
    monkeypatch.setenv("SIMCORE_HOSTED", "1")
    experiments = hostile.heaviest()

    async def open_and_close(experiment):
        query = urlencode(links.to_query(experiment))
        async with visitor.impatient(server, query):
            await until(BUSY)
        await until(IDLE)

    async def until(cores):
        """Until the server takes more than BUSY, or less than IDLE."""
        end = time.monotonic() + DEADLINE
        while True:
            before, now = served.cpu_seconds(os.getpid()), time.monotonic()
            await asyncio.sleep(0.5)
            taken = (served.cpu_seconds(os.getpid()) - before) / (time.monotonic() - now)
            if (taken > cores) is (cores is BUSY):
                return
            assert time.monotonic() < end, f"the server takes {taken} of a core"

    for name in ("blocks of many modes", "eigenvalues of full weights"):
        asyncio.run(open_and_close(experiments[name]))


@pytest.mark.parametrize("path", ["/", "/about", "/_stcore/health"])
def test_pages_load_nothing_from_other_hosts(server, path):
    with urlopen(server + path) as answer:
        policy = dict(
            part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
        )
        assert policy["default-src"] == "'self'"
        assert policy["img-src"] == "'self' data: blob:"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
