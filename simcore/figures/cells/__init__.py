"""The cells of a map by keyboard: arrows move from cell to cell, what a cell says is announced,
Enter opens its run.

    mount = st.components.v2.component("cells", **component())   # once
    mount(key="cells", data=data(...), on_opened_change=lambda: None)

The browser sets the value `opened` to the number of a cell. The map marks the cell whose number its
parameter `cursor` has (`phase_maps.phase_map`); Vega binds that to a field on the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simcore.figures import modules
from simcore.rows import TITLES, Row


def component() -> modules.Component:
    """What the browser is given."""
    return modules.component(Path(__file__).parent)


def data(
    xs: Sequence[float],
    ys: Sequence[float],
    rows: Sequence[Row | None],
    measure: str,
    titles: tuple[str, str],
    place: str,
) -> dict[str, Any]:
    """`data=` for the component: the axes and their titles, what each of the rows, (len(ys),
    len(xs)) row by row, says in words, and the class of the element that holds the map."""
    return {
        "xs": [f"{x:.4g}" for x in xs],
        "ys": [f"{y:.4g}" for y in ys],
        "titles": titles,
        "says": [_words(row, measure) for row in rows],
        "place": place,
    }


def _words(row: Row | None, measure: str) -> str | None:
    """None for a cell that is not known yet."""
    if row is None:
        return None
    number = row[measure]
    said = "" if measure == "regime" else f", {TITLES[measure]} {number:.4g}"
    return f"{row['regime']}{said}"
