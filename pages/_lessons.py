"""Makes the link of a lesson: a run, what of its page is hidden, a question."""

from __future__ import annotations

import streamlit as st

from pages import _prose, _state
from simcore import links, presets
from simcore.lesson import LONGEST, PARTS, Lesson

OWN = "The run on show"
KEYS = """
| key on the stage | what it does |
|---|---|
| Space, arrows, Home, End | play or pause, one record (ten with Shift), start, end |
| 1 to 9 | the presets by their number |
| F | full screen, or back; elsewhere it opens the stage, too |
| L, held | a dot at the pointer, as is a press where nothing else is |
| Esc | all panels again, then back from the stage |
| Ctrl+Z | undo the last change, on every page |

A click on the title of a panel gives it the room of all.
"""


def builder() -> None:
    """Choices, and the link as they make it."""
    _prose.say(
        "## Lessons and the stage\n\nA link can show a run with parts of its page hidden, ask a "
        "question, and open on the stage: large, without controls, for a lecture room. Whoever "
        "changes the link sees everything."
    )
    names = {"": OWN} | {preset.name: preset.title for preset in presets.ALL}
    name = st.selectbox("Run", list(names), format_func=lambda key: names[key], key="lesson_run")
    hide = st.multiselect(
        "Hidden", list(PARTS), format_func=lambda part: PARTS[part], key="lesson_hide"
    )
    question = st.text_input("Question", max_chars=LONGEST, key="lesson_question")
    stage = st.toggle("On the stage", key="lesson_stage")
    experiment = presets.BY_NAME[name].experiment if name else st.session_state.experiment
    lesson = Lesson(stage=stage, hide=tuple(hide), question=question)
    address = _state.front_address(links.to_query(experiment) | links.lesson_to_query(lesson))
    with _prose.fresh(address, "lesson"):
        st.code(address, language=None, wrap_lines=True)
        st.link_button("Try it", address)
    _prose.say(KEYS)
