"""Numbers and lists as people type them, in fields and links: 1e6, 2/13, 0.05; 3, 5; [[1 2] [3 4]].

Each reader gives the numbers back, or one sentence as a ValueError; `text` writes a number so that
a person can read it.
"""

from __future__ import annotations

import math
import re

from simcore.checks import require, shown

_DECIMAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBER = re.compile(rf"({_DECIMAL})(?:/({_DECIMAL}))?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_MINUS = str.maketrans({"−": "-", "\N{NO-BREAK SPACE}": " "})  # as copied from print

LONGEST = 40  # characters of a number


def number(text: str) -> float:
    """A finite number: a decimal, one with a power of ten, or a fraction of two of them."""
    clean = re.sub(r"\s*/\s*", "/", text.translate(_MINUS).strip())
    require(bool(clean), "expected a number, e.g. 0.05, 1e6 or 2/13; the field is empty")
    found = _NUMBER.fullmatch(clean) if len(clean) <= LONGEST else None
    if found is None:
        point = "; write decimals with a point" if "," in clean else ""
        raise ValueError(f"expected a number, e.g. 0.05, 1e6 or 2/13, got {shown(text)}{point}")
    above, below = float(found[1]), float(found[2] or 1)
    require(below != 0, "expected a number, got a fraction over zero", text)
    result = above / below
    require(math.isfinite(result), "expected a number below 1.8e308", text)
    return result


def whole(text: str) -> int:
    """A whole number, 1e6 and 6/2 among them."""
    clean = text.translate(_MINUS).strip()
    require(bool(clean), "expected a whole number, e.g. 20 or 1e6; the field is empty")
    if len(clean) <= LONGEST and _WHOLE.fullmatch(clean):
        return int(clean)  # a float holds 15 digits
    try:
        result = number(text)
    except ValueError:
        raise ValueError(f"expected a whole number, e.g. 20 or 1e6, got {shown(text)}") from None
    require(result.is_integer(), "expected a whole number, e.g. 20 or 1e6", text)
    require(abs(result) < 2**53, "expected a whole number of at most 15 digits", text)
    return int(result)


def numbers(text: str) -> tuple[float, ...]:
    """A list of numbers, separated by commas, spaces, tabs or lines, with or without brackets."""
    return tuple(number(part) for part in parts(text, "numbers", "1, 0.5"))


def wholes(text: str) -> tuple[int, ...]:
    """A list of whole numbers, separated as `numbers` are."""
    return tuple(whole(part) for part in parts(text, "whole numbers", "3, 5"))


def rows(text: str) -> tuple[tuple[float, ...], ...]:
    """A list of lists: `numbers` separated by semicolons, lines or brackets of their own."""
    joined = re.sub(r"[\])}]\s*,?\s*[\[({]", ";", text.strip())
    return tuple(numbers(row) for row in re.split(r"[;\n]", joined))


def parts(text: str, what: str, example: str) -> list[str]:
    """The entries of a list of `what`, as text."""
    expected = f"expected {what} separated by commas or spaces, e.g. {example}"
    inside = re.sub(r"[\[\](){}]", " ", text.translate(_MINUS)).strip().removesuffix(",")
    require(bool(inside.strip()), f"{expected}; there are none")
    require(";" not in inside, expected, text)
    listed = re.sub(r"\s*/\s*", "/", inside)
    if "," not in listed:
        return listed.split()
    found = [part.strip() for part in listed.split(",")]
    # "0,05 0,1" may be two numbers with decimal commas, or four
    require(not any(re.search(r"\s", part) for part in found), f"{expected}, all alike", text)
    require(all(found), f"{expected}, one between any two commas", text)
    return found


def text(value: float) -> str:
    """A number as a person would type it: at most 12 digits, whole ones without a point."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.12g}"


def text_of(values: tuple[float, ...]) -> str:
    """A list as a person would type it."""
    return ", ".join(map(text, values))
