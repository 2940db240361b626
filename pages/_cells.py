"""The cells of a map for those who have no pointer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from pages import _widgets
from simcore import Experiment
from simcore.figures import cells

MAP = "map_picture"  # key of the container that holds the map
data = partial(cells.data, place=f"st-key-{MAP}")

_CELLS = st.components.v2.component("cells", **cells.component())


def by_keyboard(
    runs: Sequence[Experiment | None], says: Any, show: Callable[[Experiment], None]
) -> None:
    """A button that goes from cell to cell, of which `says` is what `data` gives, and shows the
    run of one."""

    def opened(number: Any) -> None:
        run = runs[int(number)] if number in range(len(runs)) else None
        if run is not None:
            show(run)

    _widgets.component(_CELLS, "map_cells", "opened", opened, says)
