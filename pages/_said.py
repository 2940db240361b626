"""What links, files and inputs say reaches a page as text, and as nothing else."""

from __future__ import annotations

import re

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

STYLE = (  # of `plain` where it stands among words of ours
    "[data-testid=stAlert] code,[class*=st-key-plain] code"
    "{all:unset;white-space:pre-wrap;overflow-wrap:anywhere}"
)


def plain(text: str) -> str:
    """Markdown that shows `text` as it is.

    Backslashes are not enough: Streamlit makes links, arrows and icons out of the text that is left
    when they are gone. It leaves code alone, so this is a span of code, which `STYLE` makes look
    like its surroundings; but icons it replaces even there, hence the word joiner.
    """
    text = " ".join(text.split()).replace(":material/", ":\N{WORD JOINER}material/")
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    inside = f" {text} " if text.startswith("`") or text.endswith("`") or not text else text
    return f"{fence}{inside}{fence}"


def warn(sentence: str, place: DeltaGenerator | None = None) -> None:
    """Say what was wrong, on the page or in a `place` of it."""
    (place or st).warning(plain(sentence))
