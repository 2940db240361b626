"""One panel of a scene as an element of SVG, drawn by Vega at the size that is left for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import vl_convert

from simcore.export import svg
from simcore.figures import charts, style
from simcore.figures.clock import Span
from simcore.figures.scene import Axis, Panel, PlanePanel, Scene

FONT = "Arial, Helvetica, Liberation Sans, sans-serif"
SMALL = 11  # of labels, in units
ROOM = 420  # units that a legend of as many columns as usual takes at most
BESIDE = 1.3  # times as wide as high, a place has room for legends beside a square


@dataclass(frozen=True)
class Place:
    """A rectangle on the sheet, in its units."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, eq=False)
class View:
    """A panel as it is drawn, and where its plot is on the sheet."""

    panel: Panel
    drawn: svg.Element
    plot: Place


def view(scene: Scene, panel: Panel, place: Place, axis: Axis, span: Span, dark: bool) -> View:
    """The panel in its place; a plane is as large a square as there is room for."""
    prefix = f"{panel.key or scene.panels.index(panel)}-"
    if isinstance(panel, PlanePanel):
        drawn = _square(scene, panel, place, dark, prefix)
    else:
        chart = _chart(scene, panel, place.height, axis, span)
        fit = {"type": "fit", "contains": "padding"}
        whole = _specified(chart, dark, width=place.width, autosize=fit)
        if place.width < ROOM:
            whole = _with_legends(whole, partial(_narrower, share=place.width / ROOM))
        drawn = _rendered(whole, prefix)
    width, height = svg.size(drawn)
    left, top = place.left + (place.width - width) / 2, place.top + (place.height - height) / 2
    drawn.attrib = {"transform": f"translate({left:.2f},{top:.2f})"}
    drawn.tag = f"{{{svg.SVG}}}g"
    x, y, across, down = svg.plot(drawn)
    return View(panel, drawn, Place(x, y, across, down))


def _square(scene: Scene, panel: Panel, place: Place, dark: bool, prefix: str) -> svg.Element:
    """Drawn twice, at first almost empty: how much room axes and legends take is then known."""
    side = max(80.0, min(place.width, place.height) - 60)
    whole = _specified(_chart(scene, panel, side, "time", None), dark)
    if place.width > BESIDE * place.height:
        whole = _with_legends(whole, _beside)
    empty = {name: rows[:2] for name, rows in whole["datasets"].items()}
    width, height = svg.size(_rendered({**whole, "datasets": empty}, prefix))
    side = whole["width"] + min(place.width - width, place.height - height)
    return _rendered({**whole, "width": side, "height": side}, prefix)


def _chart(scene: Scene, panel: Panel, height: float, axis: Axis, span: Span | None) -> Any:
    at = scene.panels.index(panel)
    return charts.still(scene, at, axis=axis, height=max(60, int(height)), span=span)


def _specified(chart: Any, dark: bool, **properties: Any) -> dict[str, Any]:
    plain = chart.properties(**properties).to_dict(validate=False)
    return {**_standing(plain), "config": _config(dark), "padding": 2}


def _rendered(whole: dict[str, Any], prefix: str) -> svg.Element:
    return svg.read(vl_convert.vegalite_to_svg(whole), prefix)


def _with_legends(spec: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The specification with every legend changed."""
    if isinstance(spec, list):
        return [_with_legends(each, change) for each in spec]
    if not isinstance(spec, dict):
        return spec
    kept = {
        name: value if name == "datasets" else _with_legends(value, change)
        for name, value in spec.items()
    }
    if isinstance(kept.get("legend"), dict):
        kept["legend"] = change(kept["legend"])
    return kept


def _beside(legend: dict[str, Any]) -> dict[str, Any]:
    """To the right of the plot."""
    upright = {"orient": "right", "columns": 1, "direction": "vertical"}
    return legend | upright | {"gradientLength": 90, "offset": 14}


def _narrower(legend: dict[str, Any], share: float) -> dict[str, Any]:
    """In as many columns as there is room for."""
    return legend | {"columns": max(1, int(share * legend.get("columns", 1)))}


def _standing(spec: Any) -> Any:
    """The specification without what answers to a pointer, which a file has none of."""
    if isinstance(spec, list):
        return [_standing(each) for each in spec]
    if not isinstance(spec, dict):
        return spec
    silent = ("params", "tooltip", "usermeta")
    kept = {
        name: value if name == "datasets" else _standing(value)
        for name, value in spec.items()
        if name not in silent
    }
    conditions = kept.get("condition")
    if conditions is not None:
        listed = conditions if isinstance(conditions, list) else [conditions]
        without = [each for each in listed if "param" not in each]
        kept["condition"] = without
        if not without:
            del kept["condition"]
    return kept


def _config(dark: bool) -> dict[str, Any]:
    """Colours of the page, and one size of letters."""

    def of(shade: style.Shade) -> str:
        return shade.dark if dark else shade.light

    ink, muted = of(style.INK), of(style.MUTED)
    words = {"labelColor": ink, "titleColor": ink, "labelFontSize": SMALL, "titleFontSize": SMALL}
    return {
        "background": of(style.PAGE),
        "font": FONT,
        "view": {"stroke": None},
        "text": {"fontSize": SMALL},
        "axis": {
            **words,
            "titleFontWeight": "normal",
            "gridColor": muted,
            "gridOpacity": 0.25,
            "domainColor": muted,
            "tickColor": muted,
        },
        "axisY": {"minExtent": 34},  # plots above each other begin at one place
        "legend": {**words, "titleFontWeight": "normal"},
    }
