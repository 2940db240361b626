"""What a picture that follows in the browser says of networks that Python has not seen: names,
colours and marks, so that the browser makes up none."""

from __future__ import annotations

from typing import Any

from simcore import prospects, zone_words
from simcore.figures import panels, ruler, style

MOST_PATHWAYS = 8  # that a control offers
DEEPEST = 30

_ZONES = {  # by what `twin/closed.js` calls them
    "flow": zone_words.FOLLOWS_FLOW,
    "sharp": zone_words.SHARP_START,
    "part": zone_words.IN_PART,
    "equal": zone_words.EQUAL,
    "flattest": zone_words.FLATTEST,
    "gains": zone_words.NO_GAIN,
    "diverges": zone_words.DIVERGES,
    "trap": zone_words.MAY_BE_TRAPPED,
    "zero": zone_words.CROSSES_ZERO,
}


def of_mode(mode: int) -> dict[str, Any]:
    """For plain descents of one mode, ready for JSON."""
    return {
        "labels": [style.strength_label(h, mode) for h in range(MOST_PATHWAYS)],
        "ends": {
            end: [name.format(edge="2/η"), shape] for end, (name, shape) in panels.END_MARKS.items()
        },
        "zones": {
            key: {
                "name": name,
                "sentence": zone_words.SENTENCES[name],
                "colour": list(ruler.COLOURS[name]),
            }
            for key, name in _ZONES.items()
        },
        "marks": {field: ruler.words_of(mark) for field, mark in prospects.MARKS.items()},
        "margins": list(ruler.MARGINS),
        "most": {"pathways": MOST_PATHWAYS, "depth": DEEPEST},
    }
