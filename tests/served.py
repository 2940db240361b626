"""The app as a process of its own, for tests in a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
READY = "html:not([data-ahead]) [data-testid=stApp][data-test-script-state=notRunning]"
PATIENCE = 90_000  # milliseconds: a cold process compiles kernels first


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def app(port: int | None = None, **environment: str) -> Iterator[str]:
    """A fresh server, at a `port` of its own if none is given; gives its address and ends it."""
    port = port or free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"),
            *(f"--server.port={port}", "--server.address=127.0.0.1"),
        ],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urlopen(f"{address}/_stcore/health", timeout=1).close()
                break
            except (URLError, OSError):
                assert server.poll() is None, "the server ended before it answered"
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def cpu_seconds(parent: int) -> float:
    """Core seconds that the servers which a process started have taken so far (Linux)."""
    times = [stat.read_text().rpartition(") ")[2].split() for stat in _of_servers(parent, "stat")]
    return sum(int(t[11]) + int(t[12]) for t in times) / os.sysconf("SC_CLK_TCK")


def memory(parent: int, what: str = "VmRSS") -> float:
    """Resident memory of those servers in MB, now or at its peak (VmHWM)."""
    lines = [
        line for file in _of_servers(parent, "status") for line in file.read_text().split("\n")
    ]
    return sum(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def _of_servers(parent: int, name: str) -> list[Path]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(") ")[2].split()
            command = (process / "cmdline").read_text()
        except OSError:
            continue  # it has ended
        if int(fields[1]) == parent and "streamlit" in command:
            found.append(process / name)
    return found


def settle(page: Page) -> None:
    """Wait until the page's script has run to its end; no formula on it may be shown as an error,
    as all text after a fence that is not closed is."""
    page.wait_for_timeout(150)
    page.wait_for_selector(READY, timeout=PATIENCE, state="attached")
    assert page.locator(".katex-error").all_inner_texts() == []


def open_page(page: Page, address: str) -> None:
    """Go to an address and wait for its pictures."""
    page.goto(address)
    page.wait_for_selector("[data-testid=stApp]", timeout=PATIENCE)
    settle(page)
