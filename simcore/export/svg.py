"""Vega's SVG, made small: what is not seen is left out, what is said again is said once.

Vega writes every point as an element of its own, with a description for screen readers; a run of
650 steps has 2 MB of them in one panel. Points become short strokes with round ends, in one path
as long as they look alike, which any viewer draws as the same discs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from xml.etree import ElementTree

Element = ElementTree.Element

SVG = "http://www.w3.org/2000/svg"
ElementTree.register_namespace("", SVG)

_NUMBER = re.compile(r"(?<![#\w.])-?(?:\d*\.\d{3,}(?:e-?\d+)?|\d+(?:\.\d+)?e-?\d+)(?!\w)")
_ID, _URL = re.compile(r'\bid="([^"]+)"'), re.compile(r"url\(#([^)]+)\)")
_PLACE = re.compile(r"translate\(([^,]+),([^)]+)\)")
_DISC = re.compile(r"M([\d.]+),0A\1,\1,0,1,1,-\1,0A\1,\1,0,1,1,\1,0")
_RGB = re.compile(r"rgb\((\d+), (\d+), (\d+)\)")
LOW, HIGH = "₀₁₂₃₄₅₆₇₈₉ᵢⱼₕ", "ᵀ"
_PLAIN = str.maketrans(LOW + HIGH, "0123456789ijhT")
_SCRIPTS = re.compile(f"([{LOW}]+|[{HIGH}]+)")
DROP, RISE, LOWERED = 0.22, -0.35, 0.72  # of the size of letters
_SILENT = ("aria-", "role", "pointer-events")
_HOISTED = ("stroke-width", "stroke-linecap", "opacity", "fill")  # said once for a group of marks


def element(tag: str, text: str | None = None, **attributes: object) -> Element:
    """An element of SVG; underscores in names stand for hyphens, numbers are rounded."""
    named = {name.replace("_", "-"): _rounded(str(value)) for name, value in attributes.items()}
    made = ElementTree.Element(f"{{{SVG}}}{tag}", named)
    made.text = text
    if tag == "text":
        _plainer(made, _letter(made))
    return made


def text_of(root: Element) -> str:
    return ElementTree.tostring(root, encoding="unicode")


def read(source: str, prefix: str) -> Element:
    """Vega's SVG as an element without its background, whose ids begin with `prefix`.

    Vega counts ids over all it has ever drawn; here the same picture has the same ones.
    """
    number = {name: f"{prefix}{k}" for k, name in enumerate(_ID.findall(source))}
    source = _ID.sub(lambda found: f'id="{number[found[1]]}"', source)
    source = _URL.sub(lambda found: f"url(#{number[found[1]]})", source)
    root = ElementTree.fromstring(source)
    root.remove(root[0])  # the sheet has one background
    _clean(root)
    return root


def without(root: Element, kinds: Sequence[str]) -> Element:
    """A copy without the marks of these kinds (`parts.RUN`, ...)."""
    copied = deepcopy(root)
    for parent in copied.iter():
        for child in list(parent):
            if _is_of(child, kinds):
                parent.remove(child)
    return copied


def only(root: Element, kinds: Sequence[str]) -> Element:
    """A copy with nothing but the marks of these kinds, where they are."""
    copied = deepcopy(root)
    _keep(copied, kinds)
    return copied


def _keep(parent: Element, kinds: Sequence[str]) -> None:
    for child in list(parent):
        if _is_of(child, kinds) or child.tag.endswith(("defs", "clipPath")):
            continue
        _keep(child, kinds)
        if not len(child):
            parent.remove(child)


def _is_of(child: Element, kinds: Sequence[str]) -> bool:
    return any(re.search(rf"\b{kind}\d+_marks\b", child.get("class", "")) for kind in kinds)


def size(root: Element) -> tuple[float, float]:
    return float(root.get("width", 0)), float(root.get("height", 0))


def plot(root: Element) -> tuple[float, float, float, float]:
    """Where the axes of a single view are: left, top, width and height."""
    left = top = 0.0
    for child in root.iter():
        found = _PLACE.fullmatch(child.get("transform", ""))
        if found:
            left, top = left + float(found[1]), top + float(found[2])
        box = re.fullmatch(r"M[\d.]+,[\d.]+h([\d.]+)v([\d.]+)h-[\d.]+Z", child.get("d", ""))
        if child.get("class") == "background" and box:
            return left, top, float(box[1]), float(box[2])
    raise AssertionError("Vega draws no view without a background")


def _clean(parent: Element) -> None:
    for child in list(parent):
        if _unseen(child):
            parent.remove(child)
            continue
        for name in list(child.attrib):
            if name.startswith(_SILENT):
                del child.attrib[name]
        for name, value in child.attrib.items():
            child.set(name, _rounded(value))
        _clean(child)
        if child.tag.endswith("text"):
            lines = list(child) or [child]  # words on several lines are elements within
            for line in lines:
                _plainer(line, _letter(child))
    if "role-mark" in parent.get("class", ""):
        _merge(parent)


def _letter(text: Element) -> float:
    return float(text.get("font-size", "11").removesuffix("px"))


def _plainer(text: Element, letter: float) -> None:
    """Sub- and superscripts as small letters beside the line: few fonts have them as characters,
    and where one is missing, a viewer sets the whole word in another font."""
    first, *rest = _SCRIPTS.split(text.text or "")
    if not rest:
        return
    text.text = first
    level = 0.0
    for part in filter(None, rest):
        wanted = DROP if part[0] in LOW else RISE if part[0] in HIGH else 0.0
        named = {"dy": f"{(wanted - level) * letter:.2f}"} if wanted != level else {}
        named |= {"font-size": f"{LOWERED * letter:.2f}"} if wanted else {}
        piece = ElementTree.SubElement(text, f"{{{SVG}}}tspan", named)
        piece.text = part.translate(_PLAIN)
        level = wanted


def _unseen(child: Element) -> bool:
    return (
        child.get("opacity") == "0"
        or child.get("display") == "none"
        or child.get("d") == ""
        or (child.get("class") == "background" and child.get("d", "").endswith("h0v0h0Z"))
    )


def _rounded(value: str) -> str:
    value = _RGB.sub(lambda rgb: "#" + "".join(f"{int(part):02x}" for part in rgb.groups()), value)
    return _NUMBER.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), value)


def _merge(marks: Element) -> None:
    """Discs to strokes, those in a row that look alike to one path; common attributes to the
    group."""
    merged: list[Element] = []
    for child in list(marks):
        drawn = _stroke(child)
        marks.remove(child)
        if merged and drawn is not child and _alike(merged[-1], drawn):
            merged[-1].set("d", merged[-1].get("d", "") + drawn.get("d", ""))
        else:
            merged.append(drawn)
    marks.extend(merged)
    for name in _HOISTED:
        values = {child.get(name) for child in merged}
        if len(values) == 1 and None not in values:
            marks.set(name, values.pop() or "")
            for child in merged:
                del child.attrib[name]


def _alike(one: Element, other: Element) -> bool:
    return one.get("stroke-linecap") == "round" and {**one.attrib, "d": ""} == {
        **other.attrib,
        "d": "",
    }


def _stroke(mark: Element) -> Element:
    """A disc, or a ring so thick that it is one, as a stroke of no length; others as they are."""
    disc, place = _DISC.fullmatch(mark.get("d", "")), _PLACE.fullmatch(mark.get("transform", ""))
    if disc is None or place is None:
        return mark
    radius, fill = float(disc[1]), mark.get("fill")
    width = float(mark.get("stroke-width", 0)) if mark.get("stroke") else 0.0
    filled = width == 0 and fill is not None
    if not filled and not (fill is None and width >= 2 * radius):
        return mark
    drawn = element(
        "path",
        d=f"M{place[1]},{place[2]}h.01",
        stroke=fill if filled else mark.get("stroke"),
        stroke_width=2 * radius + (0 if filled else width),
        stroke_linecap="round",
    )
    if mark.get("opacity", "1") != "1":
        drawn.set("opacity", mark.get("opacity", "1"))
    return drawn
