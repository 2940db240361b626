"""What is not installed is said in one sentence, with the line that installs it."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

INSTALL = 'pip install "symmetry-at-the-edge[export]"'


def package(module: str, what: str) -> ModuleType:
    """The module, which `what` needs; ValueError where it is missing."""
    try:
        return import_module(module)
    except ImportError:
        name = {"vl_convert": "vl-convert-python", "PIL": "pillow"}.get(module, module)
        raise ValueError(
            f"{what} needs the package {name}, which is not installed; {INSTALL}"
        ) from None
