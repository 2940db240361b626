"""A sheet as a file: .svg, .pdf or .png."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import vl_convert
from PIL import Image, PngImagePlugin

from simcore.export.sheet import Sheet


def write(sheet: Sheet, kind: str, path: Path, told: dict[str, str]) -> None:
    """As this kind of file; a PNG has `told` in its text chunks."""
    picture = sheet.picture()
    if kind == ".svg":
        path.write_text(picture, encoding="utf-8")
    elif kind == ".pdf":
        path.write_bytes(vl_convert.svg_to_pdf(picture))
    else:
        path.write_bytes(with_texts(raster(picture), told))


def raster(picture: str) -> bytes:
    """SVG as PNG, pixel by pixel."""
    return vl_convert.svg_to_png(picture, scale=1)


def with_texts(png: bytes, told: dict[str, str]) -> bytes:
    """The same PNG with text chunks (UTF-8, as iTXt)."""
    image = Image.open(BytesIO(png))
    info = PngImagePlugin.PngInfo()
    for name, text in told.items():
        info.add_itxt(name, text)
    written = BytesIO()
    image.convert("RGB").save(written, "PNG", pnginfo=info)
    return written.getvalue()
