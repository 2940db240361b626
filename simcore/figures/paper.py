"""A chart for a sheet of paper: of a size and in colours of its own, whatever the page has."""

from __future__ import annotations

from typing import Any

import altair as alt

from simcore.figures import style

FONT = "sans-serif"  # what other programs have, too; Vega measures letters in it


def on_paper(chart: Any, width: float, height: float | None, dark: bool) -> Any:
    """The chart in `width` x `height` CSS pixels, axes and legends included (height None: its own),
    as SVG. One that has a width of its own, as squares do, keeps its size."""
    ink, muted, page = (
        shade.dark if dark else shade.light for shade in (style.INK, style.MUTED, style.PAGE)
    )
    chart = chart.copy(deep=False)
    if chart.width is alt.Undefined:
        chart = chart.properties(
            width=width,
            height=chart.height if height is None else height,
            autosize={"type": "fit-x" if height is None else "fit", "contains": "padding"},
        )
    chart.usermeta = {"embedOptions": {"renderer": "svg"}}
    words = {"labelColor": muted, "titleColor": ink, "titleFontWeight": 400}
    return chart.configure(
        background=page,
        font=FONT,
        axis={"domainColor": muted, "tickColor": muted, "gridColor": muted, "gridOpacity": 0.25}
        | words,
        legend=words,
        title={"color": ink},
        view={"stroke": None},
    )
