"""Writes the reference of the library: `make docs`, or `python .ci/docs.py FOLDER`.

Formulas stand in docstrings as people type them, sigma_h^{2-2/L_h}; here they get Greek letters,
and indices below and above, so that they are read without a program that draws formulas.
"""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path

import numpy.typing
import pdoc
from pdoc import render

ROOT = Path(__file__).parent.parent
MODULES = ("simcore", "simcore.variations", "simcore.cost")

GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "eta": "η",
    "theta": "θ",
    "lambda": "λ",
    "mu": "μ",
    "sigma": "σ",
    "omega": "ω",
    "Delta": "Δ",
    "Lambda": "Λ",
    "Omega": "Ω",
    "Sigma": "Σ",
    "sum": "∑",
}
SIGNS = {"<=": "≤", ">=": "≥", "<-": "←", "->": "→", "!=": "≠", "||": "‖"}
OF_PYTHON = ("Alias for field number", "Create new instance of")  # what it says of named tuples
CODE = re.compile(r"(`[^`]*`)")
LETTER = re.compile(rf"(?<![A-Za-z])({'|'.join(GREEK)})(?![A-Za-z])")
SIGN = re.compile("|".join(map(re.escape, SIGNS)))
STARRED = re.compile(r"(?<=[\wα-ωΑ-Ω])\*(?=[\W_]|$)")  # M*, sigma*_i: no mark of Markdown
INDEX = re.compile(r"(?<=[\wα-ωΑ-Ω∑‖;])_(\{[^{}]*\}|[A-Za-z0-9]+)")
POWER = re.compile(r"\^(\{(?:[^{}]|\{[^{}]*\})*\}|\([^()]*\)|[-+]?[A-Za-z0-9]+|\+|\*)")


def typeset(text: str) -> str:
    """Markdown whose formulas are set in HTML; what stands between backticks stays as it is."""
    return "".join(part if part.startswith("`") else _typeset(part) for part in CODE.split(text))


def _typeset(text: str) -> str:
    if text.strip().startswith(OF_PYTHON):
        return ""
    text = LETTER.sub(lambda found: GREEK[found[1]], text)
    text = SIGN.sub(lambda found: SIGNS[found[0]], text)
    text = STARRED.sub("&#42;", text)
    text = POWER.sub(lambda found: f"<sup>{_bare(found[1])}</sup>", text)
    return INDEX.sub(lambda found: f"<sub>{_bare(found[1])}</sub>", text)


def _bare(group: str) -> str:
    return group[1:-1] if group.startswith("{") else group


def write(folder: Path) -> None:
    """All pages into a folder, which is made if it is not there."""
    # its alias spells out forty types of numpy
    numpy.typing.ArrayLike = type("ArrayLike", (), {"__module__": "numpy.typing"})  # type: ignore
    sys.path.insert(0, str(ROOT))
    to_html = render.env.filters["to_html"]
    render.env.filters["to_html"] = lambda docstring: to_html(typeset(docstring))
    warnings.filterwarnings("ignore", "Error parsing type annotation")  # of named tuples' fields
    render.configure(docformat="markdown", show_source=False)
    pdoc.pdoc(*MODULES, output_directory=folder)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected a folder for the pages, e.g. python .ci/docs.py build/docs")
    write(Path(sys.argv[1]))
