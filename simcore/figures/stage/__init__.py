"""What a page does as a whole: undo, the stage of a lecture, its keys, full screen and laser dot.

    mount = st.components.v2.component("stage", **component())   # once
    mount(key="stage", data=data(lesson, presets=9), on_asked_change=lambda: None)

The browser sets the value `asked` to {"stage": bool} or {"preset": number, from 0}. While a page is
on stage its root element has the attribute `data-stage`, and the window hears "staged" when that
changes: player and ruler then leave room and keys to the lecture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simcore.figures import modules
from simcore.lesson import Lesson

MOST_PRESETS = 9  # one for each key


def component() -> modules.Component:
    """What the browser is given."""
    return modules.component(Path(__file__).parent)


def data(lesson: Lesson, presets: int) -> dict[str, Any]:
    """`data=` for the component: whether it is the stage, and how many presets have a key."""
    return {"stage": lesson.stage, "presets": min(presets, MOST_PRESETS)}
