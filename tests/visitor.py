"""A visitor without a browser: speaks Streamlit's protocol, opens links, moves the step size.

Twenty browsers on the server's own machine measure the browsers; visitors bring machines of their
own. What this one waits for is what a browser needs: every message of the run up to its end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 120.0  # seconds


class Visitor:
    """One session, on the page and with the query of a link."""

    def __init__(self, socket: ClientConnection, page: str = "", query: str = "") -> None:
        self.socket, self.page, self.query = socket, page, query
        self.step_size: tuple[str, float] | None = None  # the field: its id, its value
        self.picture: bytes | None = None  # of the player
        self.alerts: list[str] = []  # of the last run of the page, as Markdown, like
        self.words: list[str] = []  # the rest

    async def ask(self, *, eta: float | None = None) -> None:
        """Ask for a run of the page, with a new step size if given."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = self.page
        if eta is not None:
            assert self.step_size is not None
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.string_value = self.step_size[0], repr(eta)
        self.alerts, self.words = [], []
        await self.socket.send(message.SerializeToString())

    async def run(self, *, eta: float | None = None) -> None:
        """Ask for a run and take in all it sends."""
        await self.ask(eta=eta)
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(await asyncio.wait_for(self.socket.recv(), PATIENCE))
            self._take_in(answer)
            finished = answer.WhichOneof("type") == "script_finished"
            if finished and answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return

    def _take_in(self, answer: ForwardMsg) -> None:
        if answer.WhichOneof("type") == "page_info_changed":
            self.query = answer.page_info_changed.query_string
        element = answer.delta.new_element
        kind = element.WhichOneof("type")
        assert kind != "exception", element.exception.message
        if kind == "alert":
            self.alerts.append(element.alert.body)
        if kind == "markdown":
            self.words.append(element.markdown.body)
        if kind == "button":
            self.words.append(element.button.help)
        if kind == "text_input" and element.text_input.label.startswith("Step size"):
            field = element.text_input
            self.step_size = field.id, float(field.value if field.set_value else field.default)
        if kind == "bidi_component" and element.bidi_component.component_name == "run_player":
            self.picture = element.bidi_component.SerializeToString()


@asynccontextmanager
async def visiting(address: str, page: str = "", query: str = "") -> AsyncIterator[Visitor]:
    """A visitor whose tab is closed in the end."""
    stream = address.replace("http", "ws", 1) + "/_stcore/stream"
    async with connect(stream, subprotocols=["streamlit"], max_size=None, origin=address) as socket:
        yield Visitor(socket, page, query)


@asynccontextmanager
async def impatient(address: str, query: str) -> AsyncIterator[None]:
    """A visitor who opens a link and closes the tab before the run is over."""
    async with visiting(address, query=query) as guest:
        reading = asyncio.create_task(guest.run())
        try:
            yield
        finally:
            guest.socket.transport.abort()  # a closed tab says no goodbye
            await asyncio.gather(reading, return_exceptions=True)


async def visit(address: str, number: int, seconds: float) -> list[float]:
    """Move the step size up (odd numbers) or down, a second after each answer: waiting times."""
    waits = []
    async with visiting(address) as visitor:
        await visitor.run()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            assert visitor.step_size is not None
            before, eta = visitor.picture, visitor.step_size[1]
            begin = time.perf_counter()
            await visitor.run(eta=eta * (1.003 if number % 2 else 0.997))
            waits.append(time.perf_counter() - begin)
            assert visitor.picture != before, "the picture did not change"
            await asyncio.sleep(1.0)
    return waits
