"""Poppler, which reads PDF: a tool that nobody here wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def run(tool: str, *arguments: object) -> str:
    """What one of its tools says; without it the test is skipped, and fails in CI."""
    if shutil.which(tool) is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"tests of PDF need {tool} on the PATH; apt-get install poppler-utils")
    command = [tool, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def text(path: Path) -> str:
    return run("pdftotext", "-layout", path, "-")
