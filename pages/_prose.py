"""Text that belongs to what is on show, and goes with it.

A browser's translator puts nodes of its own in the place of a page's text. React then changes nodes
that are no longer there, and the old sentence stays. So whatever says something of a run stands in
a container whose key is what it says: other words are another container, and the old one is taken
out with all that is in it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import _said


def begin() -> None:
    """Begin a run of a page: nothing has been said yet."""
    st.session_state.said = Counter()


def fresh(content: Any, place: str = "text") -> DeltaGenerator:
    """A container for this content alone; what is said twice has two. `place` is for styles."""
    digest = hashlib.blake2s(repr(content).encode(), digest_size=6).hexdigest()
    said = st.session_state.setdefault("said", Counter())
    said[place, digest] += 1
    return st.container(key=f"{place}-{digest}-{said[place, digest]}")


def say(words: str, place: str = "text") -> None:
    """Markdown."""
    with fresh(words, place):
        st.markdown(words)


def note(words: str) -> None:
    with fresh(words, "note"):
        st.info(words)


def warn(sentence: str) -> None:
    """What was wrong, as plain text: it may quote a link or a file."""
    with fresh(sentence, "warning"):
        st.warning(_said.plain(sentence))


def table(columns: Mapping[str, Any], place: str = "table") -> None:
    """Columns of text by their head."""
    with fresh(columns, place):
        st.table(columns)
