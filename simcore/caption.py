"""What a picture says of itself wherever it goes: a noun that every file of it carries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Caption:
    """title: what is shown. parameters: the experiment in one line. verdict: what happened in it,
    empty where nothing was run. small: key, version and link, in small print. stem: the name of
    its files, without an extension."""

    title: str = "Run player"
    parameters: str = ""
    verdict: str = ""
    small: str = ""
    stem: str = "picture"
