"""A Chromium for tests of pages and of the player."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def path() -> str:
    """Where the browser is; without one the test is skipped, and fails in CI."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"browser tests need one of {NAMES} on the PATH; apt-get install chromium")
    return str(found)


@contextmanager
def launch() -> Iterator[Browser]:
    """A headless browser of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
