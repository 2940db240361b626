"""The command that opens the app."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from simcore import serve
from simcore.command import parser

PORT = 8501


def add(commands: Any) -> None:
    """Add it to the commands."""
    app = parser.add(
        commands,
        "app",
        _app,
        "open the app in a browser",
        "It serves the pages from this machine until Ctrl-C.",
        "app\napp --address 0.0.0.0 --port 8080",
    )
    app.add_argument(
        "--address", default="localhost", help="who can see it: this machine only; 0.0.0.0: all"
    )
    app.add_argument(
        "--port",
        type=parser.whole("a port from 1 to 65535", 65535),
        default=PORT,
        metavar="N",
        help=f"{PORT} unless given",
    )


def _app(options: argparse.Namespace) -> NoReturn:
    serve.serve([f"--server.address={options.address}", f"--server.port={options.port}"])
