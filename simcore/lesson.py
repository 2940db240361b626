"""How a link presents a page: on the stage of a lecture, and as a lesson that hides parts of it and
asks a question.

Hidden is what a reader does not see; the page computes it all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from simcore import checks
from simcore.checks import require

PARTS = {  # by the names in links, with the words of the pages
    "controls": "All controls at the side",
    "preset": "Preset",
    "architecture": "Pathways and depth",
    "clock": "Step size, steps or duration, as fields",
    "experts": "Target, start, depths, records",
    "events": "Events",
    "drive": "Momentum, decay, noise",
    "panels": "Choice of panels",
    "beside": "Gradient flow and central flow beside it",
    "pins": "Pinned runs",
    "files": "Open a run",
    "pages": "Links to other pages and menus",
    "about": "The line that says what this is",
    "ruler": "Regime ruler",
    "result": "Result of the run, in words",
    "theory": "Theory, before the run",
}
LONGEST = 300  # characters of a question


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """stage: large, and without controls. hide: names out of `PARTS`, kept in that order.
    question: plain text in one line; characters that cannot be printed are left out. ValueError for
    what does not fit this description."""

    stage: bool = False
    hide: tuple[str, ...] = ()
    question: str = ""

    def __post_init__(self) -> None:
        checks.flag("stage", self.stage)
        listed = isinstance(self.hide, tuple) and all(isinstance(n, str) for n in self.hide)
        require(listed, "what is hidden must be names", self.hide)
        unknown = [name for name in self.hide if name not in PARTS]
        require(not unknown, f"a link can hide {', '.join(PARTS)}", unknown)
        require(isinstance(self.question, str), "a question must be text", self.question)
        printed = "".join(c if c.isprintable() else " " for c in self.question)
        question = " ".join(printed.split())
        require(
            len(question) <= LONGEST, f"a question may have {LONGEST} characters", len(question)
        )
        object.__setattr__(self, "hide", tuple(name for name in PARTS if name in self.hide))
        object.__setattr__(self, "question", question)


PLAIN = Lesson()
