"""Files that the player makes: pictures in pixels and in lines, and films."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from browser import launch
from PIL import Image
from playwright.sync_api import Browser, Page
from test_player_browser import maps

from simcore import presets, scenes, simulate
from simcore.caption import Caption
from simcore.figures.player import standalone
from simcore.figures.scene import Level, Line, PlanePanel, Run, Scene, SeriesPanel, Trail

SLIDE = {"width": 1920, "height": 1080, "scale": 1.5, "dark": False, "dpi": None}
COLUMN = {"width": 975, "height": None, "scale": 300 / 96, "dark": True, "dpi": 300}
SMALL = {"width": 480, "height": 270, "scale": 0.375, "dark": False, "dpi": None}
ODD = Caption(title='σ* < 1 & "two"', parameters="η = 2/13\v", small="a" * 900, stem="odd")

TAKE = """async ([kind, format]) => {
  const parts = [], detail = { kind, format: () => format, tell: (part) => parts.push(part) };
  document.dispatchEvent(new CustomEvent("symmetry-at-the-edge.wanted", { detail }));
  await detail.promise;
  return parts;
}"""
DRAWN = """async ([svg, width, height]) => {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(image, 0, 0, width, height);
  return canvas.toDataURL().split(",")[1];
}"""
PLAYED = """async (film) => {
  const video = document.createElement("video");
  video.src = `data:video/mp4;base64,${film}`;
  await new Promise((ok, no) => {
    video.onloadeddata = ok;
    video.onerror = () => no(video.error.message);
  });
  return [video.duration, video.videoWidth, video.videoHeight];
}"""


@cache
def medium() -> Scene:
    return scenes.of(simulate(presets.MEDIUM.experiment))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as chromium:
        yield chromium


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator:
    """Opens a scene on a page of its own; an error of the page fails the test."""
    pages, troubles = [], []

    def open_(scene: Scene, **options: Any) -> Page:
        file = tmp_path / f"{len(pages)}.html"
        file.write_text(standalone(scene), encoding="utf-8")
        page = browser.new_page(accept_downloads=True, **options)
        pages.append(page)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_selector(".run-player[data-hash]")
        return page

    yield open_
    for page in pages:
        page.close()
    assert troubles == []


def take(page: Page, kind: str, format: dict[str, Any]) -> tuple[str, bytes]:
    """The name and the bytes of a file that the menu of a page would ask for."""
    with page.expect_download() as download:
        page.evaluate(TAKE, [kind, format])
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def texts(svg: bytes) -> list[str]:
    root = ElementTree.fromstring(svg)
    return [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=float)


def blurred(picture: np.ndarray) -> np.ndarray:
    """In blocks of 6 x 6: edges of letters and lines fall between pixels."""
    h, w = (side - side % 6 for side in picture.shape[:2])
    return picture[:h, :w].reshape(h // 6, 6, w // 6, 6, 3).mean(axis=(1, 3))


def test_pictures_say_what_they_show_and_lines_show_what_pixels_show(opened):
    """At a time in the middle, zoomed in, so that a part is still to come."""
    caption = medium().caption
    view = {"axis": "step", "zoom": [10.0, 60.0], "cursor": 300 * 2 / 13, "logs": {"loss": False}}
    page = opened(replace(medium(), view=view))
    for format in (SLIDE, COLUMN):
        png_name, png = take(page, "png", format)
        svg_name, svg = take(page, "svg", format)
        assert (png_name, svg_name) == (f"{caption.stem}.png", f"{caption.stem}.svg")
        picture = Image.open(io.BytesIO(png))
        assert picture.width == format["width"]
        assert picture.height == (format["height"] or picture.height)
        assert picture.text["Title"] == caption.title
        assert caption.parameters in picture.text["Description"]
        assert caption.verdict in picture.text["Description"]
        assert picture.text["Source"] == caption.small
        if format["dpi"]:
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        said = texts(svg)
        assert {caption.verdict, "step of GD", "Pathway strengths", "minima"} <= set(said)
        words = "".join(said).replace(" ", "")  # what is too long for a line goes on in the next
        marked = next(notice.words for run in medium().runs for notice in run.notices)
        for text in (caption.title, caption.parameters, caption.small, marked):
            assert words.count(text.replace(" ", "")) == 1
        assert any(words.startswith("step 300 / 650") for words in said)
        assert len(svg) < 1e6
        drawn = page.evaluate(DRAWN, [svg.decode(), picture.width, picture.height])
        apart = np.abs(blurred(pixels(base64.b64decode(drawn))) - blurred(pixels(png)))
        assert apart.mean() < 1.5
        assert (apart > 20).mean() < 0.02


def test_the_buttons_of_the_bar_take_the_size_that_was_chosen_last(opened):
    page = opened(medium())
    choice = {"size": "inches", "inches": "3.25", "dpi": "200", "colours": "dark", "text": "1"}
    page.evaluate(
        "(choice) => localStorage.setItem('symmetry-at-the-edge.take', choice)", json.dumps(choice)
    )
    button = page.get_by_role("button", name="Save this picture as PNG")
    with page.expect_download() as download:
        button.click()
    png = Path(download.value.path()).read_bytes()
    assert pixels(png).shape[1] == 650
    assert pixels(png)[0, 0].max() < 60
    for inches, words in (
        ("a lot", 'between 2 and 48 inches, got "a lot"'),
        ("48", "take at most"),
    ):
        choice |= {"inches": inches, "dpi": "600"}
        page.evaluate(
            "(choice) => localStorage.setItem('symmetry-at-the-edge.take', choice)",
            json.dumps(choice),
        )
        button.click()
        page.get_by_text(words).wait_for()


@pytest.mark.parametrize("codec", ["avc1", "vp09"])
def test_a_film_has_a_constant_rate_and_its_index_in_front(opened, codec):
    page = opened(replace(medium(), seconds=2.0))
    if codec == "vp09":  # as in a browser that may not use H.264
        page.evaluate(
            "() => { VideoEncoder.isConfigSupported = async ({ codec }) =>"
            " ({ supported: codec.startsWith('vp09') }); }"
        )
    name, film = take(page, "mp4", SMALL)
    assert name == f"{medium().caption.stem}.mp4"
    boxes, at = [], 0
    while at < len(film):
        size, kind = struct.unpack(">I4s", film[at : at + 8])
        boxes.append(kind)
        at += size
    assert boxes == [b"ftyp", b"moov", b"mdat"]
    assert (codec.encode() in film) or codec == "avc1"  # a browser without H.264 takes VP9
    times = film.index(b"stts") + 8
    assert struct.unpack(">3I", film[times : times + 12]) == (1, 90, 1)  # all frames last as long
    seen = page.evaluate(PLAYED, base64.b64encode(film).decode())
    assert seen == [3.0, 480, 270]


def test_a_film_is_ended_by_a_second_press(opened):
    page = opened(medium())
    button = page.get_by_role("button", name="Save the run as a film")
    button.click()
    page.locator("[data-do=film][aria-pressed=true]").wait_for()
    button.click()
    page.locator("[data-do=film][aria-pressed=false]").wait_for()
    assert page.locator(".note").inner_text() == ""


def test_a_browser_that_encodes_no_films_says_so(opened):
    page = opened(medium())
    page.evaluate("() => delete window.VideoEncoder")
    page.get_by_role("button", name="Save the run as a film").click()
    page.get_by_text("This browser encodes no films here").wait_for()


def odd() -> Scene:
    """Values that no canvas draws, and words that XML must escape."""
    gaps = np.array([np.nan, np.inf, -np.inf, 1e300, 0.0, -1.0])
    clock = {"step": np.arange(6), "t": np.linspace(0, 1, 6)}
    run = Run(name="GF", label="<GF> & co", stroke="thin", columns=clock | {"x": gaps})
    lines = (Line("GF", "x", "x < 1 & more", 0),)
    return Scene(
        runs=(run,),
        caption=ODD,
        panels=(
            SeriesPanel(title="Linear", lines=lines, levels=(Level(1e9, "far"),)),
            SeriesPanel(title="Logarithmic", lines=lines, scale="log"),
            PlanePanel(title="Plane", trails=(Trail("GF", "x", "x", "GF"),)),
        ),
    )


def test_odd_scenes_and_maps_become_files_too(opened):
    page = opened(odd())
    name, svg = take(page, "svg", SMALL)
    assert name == "odd.svg"
    assert {ODD.title, "x < 1 & more"} <= set(texts(svg))
    assert b"NaN" not in svg
    assert b"Infinity" not in svg
    assert any(words.endswith("…") for words in texts(svg))  # small print without an end is cut
    assert pixels(take(page, "png", SMALL)[1]).shape == (270, 480, 3)
    svg = take(opened(maps()), "svg", SLIDE)[1]
    assert svg.count(b"<image ") == 2
    assert b"xlink" not in svg
