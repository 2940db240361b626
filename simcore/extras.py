"""Packages that only some uses need: where one is missing, a sentence names the line that brings
it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from simcore.checks import require

NAMES = {"PIL": "pillow", "vl_convert": "vl-convert-python"}  # where they differ from the module's


def check(package: str, user: str, extra: str) -> None:
    """ValueError in a sentence, which names its `user`, unless the package is installed."""
    require(
        find_spec(package) is not None,
        f"{user} needs the package {NAMES.get(package, package)}, which is not installed; "
        f"pip install 'symmetry-at-the-edge[{extra}]'",
    )


def load(module: str, user: str, extra: str) -> Any:
    """A module of such a package, imported; ValueError as `check`."""
    check(module.partition(".")[0], user, extra)
    return import_module(module)
