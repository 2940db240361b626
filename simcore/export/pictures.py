"""A sheet as a file: .svg, .pdf or .png."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from simcore.export import needs
from simcore.export.sheet import Sheet

KINDS = (".svg", ".pdf", ".png")


def write(sheet: Sheet, kind: str, path: Path, told: dict[str, str]) -> None:
    """As this kind of file; a PNG has `told` in its text chunks."""
    picture = sheet.picture()
    if kind == ".svg":
        path.write_text(picture, encoding="utf-8")
    elif kind == ".pdf":
        converter = needs.package("vl_convert", "a figure")
        path.write_bytes(converter.svg_to_pdf(picture))
    else:
        path.write_bytes(with_texts(raster(picture), told))


def raster(picture: str) -> bytes:
    """SVG as PNG, pixel by pixel."""
    return needs.package("vl_convert", "a figure").svg_to_png(picture, scale=1)


def with_texts(png: bytes, told: dict[str, str]) -> bytes:
    """The same PNG with text chunks (UTF-8, as iTXt)."""
    image = needs.package("PIL.Image", "a PNG").open(BytesIO(png))
    info = needs.package("PIL.PngImagePlugin", "a PNG").PngInfo()
    for name, text in told.items():
        info.add_itxt(name, text)
    written = BytesIO()
    image.convert("RGB").save(written, "PNG", pnginfo=info)
    return written.getvalue()
