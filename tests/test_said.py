"""What a link, a file or an input says is shown as text: no link, no picture, no formula; and
formulas of our own are closed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import hostile_links as hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages._said import plain

TEXTS = [
    *hostile.MARKUP,
    *hostile.TYPED,
    "",
    " ",
    "`",
    "``",
    "`a",
    "a`",
    "\\",
    "a\\",
    "$",
    "`` ` ``",
]


def inside(markdown):
    """The text of a span of code that is all there is, as CommonMark 6.1 reads it."""
    fence = re.match("`+", markdown).group()
    assert "\n" not in markdown
    assert markdown.endswith(fence)
    text = markdown[len(fence) : -len(fence)]
    assert len(fence) not in {len(run) for run in re.findall("`+", text)}
    assert not text.startswith("`")
    assert not text.endswith("`")
    padded = text.startswith(" ") and text.endswith(" ") and text.strip(" ")
    return text[1:-1] if padded else text


def check(text):
    shown = inside(plain(text)).replace("\N{WORD JOINER}", "").strip()
    assert shown == " ".join(text.replace("\N{WORD JOINER}", "").split())
    assert ":material/" not in inside(plain(text))


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_and_honest_text_is_one_span_of_code(text):
    check(text)
    check(f"eta={text!r} in the link was left out: expected a number, got {text!r}")


@given(st.text(st.sampled_from("`\\$*_[]()!<>:/ \n\t~-ab\u2028")))
def test_any_text_is_one_span_of_code(text):
    check(text)


@pytest.mark.parametrize("text", [text for text in hostile.MARKUP if "`" not in text])
def test_markup_is_live_without_it_and_not_with_it(text):
    """The check that the tests of links use tells the two apart."""
    assert hostile.live(text)
    assert not hostile.live(f"A: {plain(text)}, and more")


# --- Formulas of our own ---------------------------------------------------------------------

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("pages", "simcore") for path in (ROOT / folder).rglob("*.py"))


def fences(path):
    """The lines of a module's texts that have a fence of a formula, text by text."""
    texts = [
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [[line for line in text.splitlines() if "$$" in line] for text in texts]


def test_a_formula_set_apart_has_both_fences_on_lines_of_their_own():
    """A line that begins with a fence and has more on it opens a formula that only a line with
    nothing else closes: the rest of the page is taken for it."""
    found = [lines for path in SOURCES for lines in fences(path) if lines]
    assert found
    assert all(line == "$$" for lines in found for line in lines)
    assert all(len(lines) % 2 == 0 for lines in found)
