"""Makes the README's pictures from the running app: `.venv/bin/python benchmarks/pictures.py`."""

from __future__ import annotations

import io
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

import served
from browser import launch
from PIL import Image
from playwright.sync_api import Page, expect

HERE = Path(__file__).parent / "pictures"
FRAMES = 60
COLOURS = 96


def still(page: Page) -> None:
    """The front page, finished."""
    page.screenshot(path=HERE / "simulator.png")


def moving(page: Page) -> None:
    """The player from start to end, as a GIF."""
    player = page.locator(".run-player")
    slider = player.locator("[role=slider]").first
    slider.focus()
    page.keyboard.press("Home")
    frames = []
    for frame in range(FRAMES + 1):
        shot = Image.open(io.BytesIO(player.screenshot())).convert("RGB")
        frames.append(shot.resize((shot.width * 3 // 4, shot.height * 3 // 4), Image.LANCZOS))
        if frame < FRAMES:
            for _ in range(11):
                page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    palette = frames[-1].quantize(COLOURS)
    painted = [
        frame.quantize(COLOURS, palette=palette, dither=Image.Dither.NONE) for frame in frames
    ]
    painted[0].save(
        HERE / "player.gif",
        save_all=True,
        append_images=painted[1:],
        duration=[80] * FRAMES + [2500],
        loop=0,
        optimize=True,
    )


def main() -> None:
    HERE.mkdir(exist_ok=True)
    with served.app() as address, launch() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        served.open_page(page, address)
        expect(page.get_by_text("Partly re-balanced.").first).to_be_visible()
        page.wait_for_timeout(1500)
        still(page)
        moving(page)
    for picture in sorted(HERE.iterdir()):
        print(picture.name, picture.stat().st_size // 1024, "KB")


if __name__ == "__main__":
    main()
