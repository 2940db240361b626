"""What is taken from a page: pictures and films, drawn by the visitor's browser.

A picture: plain data out, with no Streamlit. The menu offers a size, colours and the size of
letters, and one button per kind of file. On a page with a player it asks that for files of what it
shows; where charts are, Vega has drawn one of them as SVG in the page, and the menu puts it on a
sheet with what it is above and what leads back to it below.

    mount = st.components.v2.component("take", **component())   # once
    mount(key="take", data=of_player())
    mount(key="take", data=of_chart(caption, "st-key-some"), on_sheet_change=lambda: ...)

With a chart the trigger `sheet` tells {"width", "height", "dark"}: how many CSS pixels the chart
has on the sheet that is chosen (height None: as many as it likes), and in which colours.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from simcore.caption import Caption
from simcore.figures import modules, style


def component() -> modules.Component:
    """What the browser is given."""
    return modules.component(Path(__file__).parent)


def of_player() -> dict[str, Any]:
    """The menu of a page with a player."""
    return {"chart": None}


def of_chart(caption: Caption, place: str, sheet: dict[str, Any]) -> dict[str, Any]:
    """The menu of a page with charts: what the one that is offered says of itself, the class of the
    element it is drawn in, and the sheet it was drawn for."""
    return {
        "chart": {
            "caption": asdict(caption),
            "place": place,
            "sheet": sheet,
            "muted": style.MUTED,
        }
    }
