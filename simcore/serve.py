"""The app from anywhere: `simcore app` opens the pages of a checkout or those in the wheel."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from simcore import extras

PACKAGE = Path(__file__).parent
PLACES = (PACKAGE / "_page", PACKAGE.parent)  # in a wheel, in a checkout


def folder() -> Path:
    """Where `app.py` is, with its pages and its settings."""
    return next(place for place in PLACES if (place / "app.py").exists())


def serve(arguments: Sequence[str]) -> NoReturn:
    """Become Streamlit, with these arguments of `streamlit run`; ValueError where it is missing."""
    for package in ("streamlit", "altair"):
        extras.check(package, "the app", "app")
    os.chdir(folder())  # Streamlit reads its settings where it is started
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *arguments]
    os.execv(sys.executable, command)
