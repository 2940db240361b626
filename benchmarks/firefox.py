"""The pocket page in Firefox: `.venv/bin/python benchmarks/firefox.py`.

Opens the page of the paper's medium run from a disk in Debian's headless Firefox (`apt-get install
firefox-esr`), prints how long that takes until the picture stands and the page's requests, and
checks at ten step sizes that every number that the page writes of the end is the library's own, to
its last digit. Playwright cannot drive
this Firefox, so it is spoken to in WebDriver BiDi (https://w3c.github.io/webdriver-bidi).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

import numpy as np
from served import free_port
from websockets.asyncio.client import ClientConnection, connect
from written import assert_written

from simcore import export, simulate
from simcore.presets import MEDIUM

STEP_SIZES = np.round(np.geomspace(0.05, 0.23, 10), 4)

SHOWN = """new Promise(done => {
  const look = () => document.querySelector(".run-player .state")?.textContent
    ? done(performance.now()) : requestAnimationFrame(look);
  look();
})"""
REQUESTS = "performance.getEntriesByType('resource').length"
MOVE = """new Promise(done => {
  window.dispatchEvent(new CustomEvent("step-size", { detail: { eta: %r } }));
  const player = document.querySelector(".run-player");
  const look = () => player.hasAttribute("data-passing")
    ? requestAnimationFrame(look) : done(player.querySelector(".state").textContent);
  requestAnimationFrame(look);
})"""


@contextmanager
def firefox():
    """A headless one of its own; gives the port that it listens to."""
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        sys.exit("no Firefox found; install firefox-esr")
    with tempfile.TemporaryDirectory() as profile:
        port = free_port()
        process = subprocess.Popen(
            [path, "--headless", f"--remote-debugging-port={port}", "--profile", profile],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield port
        finally:
            process.terminate()
            process.wait(timeout=20)


async def connected(port: int) -> ClientConnection:
    for _ in range(300):
        try:
            return await connect(f"ws://127.0.0.1:{port}/session", max_size=None)
        except OSError:
            await asyncio.sleep(0.1)
    sys.exit("Firefox did not answer within half a minute")


class Tab:
    """The first tab of a Firefox."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.numbers = socket, itertools.count(1)

    async def ask(self, method: str, **params) -> dict:
        number = next(self.numbers)
        await self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(await self.socket.recv())).get("id") != number:
            pass  # an event
        if answer["type"] == "error":
            raise RuntimeError(answer["message"])
        return answer["result"]

    async def begin(self) -> None:
        await self.ask("session.new", capabilities={})
        tree = await self.ask("browsingContext.getTree")
        self.context = tree["contexts"][0]["context"]

    async def open(self, address: str) -> None:
        await self.ask(
            "browsingContext.navigate", context=self.context, url=address, wait="complete"
        )

    async def value(self, expression: str):
        found = await self.ask(
            "script.evaluate",
            expression=expression,
            target={"context": self.context},
            awaitPromise=True,
        )
        if found["type"] == "exception":
            raise RuntimeError(found["exceptionDetails"]["text"])
        return found["result"]["value"]


async def look(port: int, page: Path) -> None:
    async with await connected(port) as socket:
        tab = Tab(socket)
        await tab.begin()
        begin = time.perf_counter()
        await tab.open(page.as_uri())
        shown = await tab.value(SHOWN)
        print(
            f"picture after {shown / 1000:.2f} s ({time.perf_counter() - begin:.2f} s with the "
            f"way there and back), {await tab.value(REQUESTS)} requests"
        )
        for eta in STEP_SIZES.tolist():
            state = await tab.value(MOVE % eta)
            dynamics = replace(MEDIUM.experiment.dynamics, step_size=eta)
            assert_written(state, simulate(replace(MEDIUM.experiment, dynamics=dynamics)))
        print(f"every number of the end is the library's at η = {', '.join(map(str, STEP_SIZES))}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, firefox() as port:
        page = Path(folder) / "medium.html"
        export.page(MEDIUM.experiment, page)
        asyncio.run(look(port, page))


if __name__ == "__main__":
    main()
