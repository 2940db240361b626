"""What is not installed is said in one sentence, with the line that installs it."""

from __future__ import annotations

from importlib import import_module

PACKAGES = {  # by the module that is imported
    "altair": "altair",
    "pyarrow": "pyarrow",
    "vl_convert": "vl-convert-python",
    "PIL": "pillow",
}
INSTALL = 'pip install "symmetry-at-the-edge[export]"'


def check(what: str) -> None:
    """ValueError in a sentence unless all that draws `what` is installed."""
    for module, package in PACKAGES.items():
        try:
            import_module(module)
        except ImportError:
            raise ValueError(
                f"{what} needs the package {package}, which is not installed; {INSTALL}"
            ) from None
