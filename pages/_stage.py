"""The stage of a lecture and lessons: what a link hides of a page and asks, and its keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages import _prose, _said, _state, _widgets
from pages._names import FRONT
from simcore import links
from simcore.figures import stage
from simcore.preset import Preset

HIDES = {  # the names of `lesson.PARTS`, as selectors
    "controls": "[data-testid=stSidebar],[data-testid=stExpandSidebarButton]",
    "preset": ".st-key-preset",
    "architecture": ".st-key-pathways_row,.st-key-depth_row",
    "clock": ".st-key-eta,.st-key-steps,.st-key-duration",
    "experts": ".st-key-experts",
    "events": ".st-key-events,.st-key-from_here_turn",
    "drive": ".st-key-drive_fold",
    "panels": ".st-key-panels",
    "beside": ".st-key-flow_beside,.st-key-average_beside",
    "pins": ".st-key-pin,[class*=st-key-plain-pin],[class*=st-key-unpin]",
    "files": ".st-key-files",
    "pages": ".st-key-bar>:not(.st-key-stage)",
    "about": "[class*=st-key-lead-]",
    "ruler": ".st-key-ruler",
    "result": "[class*=st-key-small-verdict],[class*=st-key-small-average],[class*=st-key-ends-]",
    "theory": "[class*=st-key-small-expectation]",
}
_ON_STAGE = (
    ":root{--stage-zoom:1.25}"
    "@media(min-width:1300px){:root{--stage-zoom:1.5}}"
    "@media(min-width:1700px) and (min-height:900px){:root{--stage-zoom:2}}"
    ".stMainBlockContainer{padding:.5rem 1rem 0!important}"
    ".st-key-stage{position:fixed;z-index:1000;top:.25rem;right:.5rem;width:auto!important;"
    "opacity:.6}"
    ".st-key-stage:is(:hover,:focus-within){opacity:1}"
    ".st-key-bar{height:0;min-height:0;margin-bottom:-.5rem}"
    ".st-key-ruler,.st-key-player,.st-key-matrices_player{zoom:var(--stage-zoom)}"
    ".st-key-ruler{padding-right:calc(80px/var(--stage-zoom))}"
    "[class*=st-key-small-verdict] p{font-size:calc(.8rem*var(--stage-zoom));line-height:1.3}"
    "[class*=st-key-plain-question] p{font-size:calc(1rem*var(--stage-zoom))!important}"
    f"{HIDES['controls']},{HIDES['pages']},.st-key-about_row,{HIDES['theory']},"
    "[class*=st-key-ends-]{display:none!important}"
)
STYLE = (
    ".st-key-stage{width:auto!important;flex:none}"
    "[class*=st-key-plain-question] p{font-size:1.15rem;font-weight:600}"
)


def _history() -> str:
    """What makes the view of the player and the stage replace an entry of the browser's history."""
    code = Path(__file__).with_name("history.js").read_text(encoding="utf-8")
    names = {"PASSING": [*links.OF_PLAYER, "stage"], "FRONT": FRONT}
    given = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in names.items())
    return given + code


_PARTS = stage.component()
_PARTS_WITH_HISTORY = _PARTS | {"js": f"{{{_history()}}}\n{_PARTS['js']}"}
_STAGE = st.components.v2.component("stage", **_PARTS_WITH_HISTORY)


def style() -> None:
    """Hide what the lesson hides, and make the stage large."""
    lesson = _state.lesson()
    hidden = [HIDES[name] for name in lesson.hide]
    rules = f"{','.join(hidden)}{{display:none!important}}" if hidden else ""
    if lesson.stage:
        rules += _ON_STAGE
    if rules:
        st.html(f"<style>{rules}</style>")


def question() -> None:
    """Ask what the lesson asks."""
    asked = _state.lesson().question
    if asked:
        _prose.say(_said.plain(asked), "plain-question")


def keys(offered: Sequence[Preset]) -> None:
    """The buttons for undo and the stage, and their keys; presets have those of their numbers."""

    def act(asked: Any) -> None:
        if isinstance(asked, dict) and isinstance(asked.get("stage"), bool):
            _state.present(stage=asked["stage"])
        elif isinstance(asked, dict) and asked.get("preset") in range(data["presets"]):
            _state.show(offered[int(asked["preset"])].experiment)

    data = stage.data(_state.lesson(), len(offered))
    _widgets.component(_STAGE, "stage", "asked", act, data)
