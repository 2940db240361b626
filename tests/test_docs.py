"""The reference of the library: every public name is in it, with its formulas set."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import simcore

ROOT = Path(__file__).parent.parent
PROGRAM = ROOT / ".ci" / "docs.py"


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("docs", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("typed", "typeset"),
    [
        ("S = L sigma*^{2-2/L}", "S = L σ&#42;<sup>2-2/L</sup>"),
        ("sigma_h = w_h^{L_h}", "σ<sub>h</sub> = w<sub>h</sub><sup>L<sub>h</sub></sup>"),
        ("sigma*_i of M*", "σ&#42;<sub>i</sub> of M&#42;"),
        ("||M - M*||_F^2", "‖M - M&#42;‖<sub>F</sub><sup>2</sup>"),
        ("theta <- theta - eta", "θ ← θ - η"),
        ("u_i^T Omega_h", "u<sub>i</sub><sup>T</sup> Ω<sub>h</sub>"),
        ("sum_{h,l} |a|^(2+1)", "∑<sub>h,l</sub> |a|<sup>(2+1)</sup>"),
        ("`step_size` and beta, a zeta", "`step_size` and β, a zeta"),
        ("eta * steps", "η * steps"),
    ],
)
def test_a_formula_is_set(program, typed, typeset):
    assert program.typeset(typed) == typeset


class Words(HTMLParser):
    """The docstrings of a page as a reader sees them, code left out."""

    def __init__(self):
        super().__init__()
        self.inside, self.code, self.words = 0, 0, []

    def handle_starttag(self, tag, attributes):
        if tag == "div" and (self.inside or "docstring" in (dict(attributes).get("class") or "")):
            self.inside += 1
        self.code += tag == "code"

    def handle_endtag(self, tag):
        self.inside -= tag == "div" and self.inside > 0
        self.code -= tag == "code"

    def handle_data(self, data):
        if self.inside and not self.code:
            self.words.append(data)


def test_every_public_name_is_in_the_reference(tmp_path):
    made = subprocess.run(
        [sys.executable, PROGRAM, tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stderr == ""
    front = (tmp_path / "simcore.html").read_text(encoding="utf-8")
    for name in set(simcore.__all__) - {"__version__"}:
        page = tmp_path / "simcore" / f"{name}.html"
        assert f'id="{name}"' in front or page.exists(), name
    assert "Deep linear networks with several pathways" in front
    for page in tmp_path.rglob("*.html"):
        read = Words()
        read.feed(page.read_text(encoding="utf-8"))
        words = " ".join(read.words)
        assert words or page.name == "index.html"
        assert not re.search(r"_\{|\^|\b(sigma|eta|lambda)\b", words), page
