"""A sheet in motion: .gif with one palette, .mp4 of constant frame rate."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import GifImagePlugin, Image

from simcore.checks import require
from simcore.export.sheet import Sheet, Size, check_size
from simcore.export.stage import Box, Stage
from simcore.figures import style
from simcore.looks import Cancelled

MOST_FRAMES = 3600
LARGEST = 4096  # pixels of a side: five sheets of them are in memory
HOLD = 8  # the end stays for this part of the film
CLEAR = 255  # index of what stays as it was
COLOURS, STEPS = 255, 24  # of a palette, and of each scale of colours in it

Frames = Iterator[tuple[np.ndarray, list[Box]]]
Progress = Callable[[float], bool]


def check(kind: str, size: Size, seconds: float, fps: int) -> None:
    """ValueError in a sentence for a film that is not to be made, before anything is run."""
    check_size(size)
    require(
        max(size) <= LARGEST,
        f"a film may be at most {LARGEST} pixels wide and high, got {size[0]} x {size[1]}",
    )
    right = isinstance(fps, int) and 1 <= fps <= 60 and 0 < seconds <= 600
    require(
        right and 2 <= seconds * fps <= MOST_FRAMES,
        "a film may have from 1 to 60 frames a second, and from 2 to "
        f"{MOST_FRAMES:,} of them, got {seconds:g} seconds at {fps:g}; take e.g. 8 seconds at 30",
    )
    if kind == ".mp4":
        require(
            not any(side % 2 for side in size),
            f"an .mp4 needs an even width and height, got {size[0]} x {size[1]}; add a pixel",
        )
        ffmpeg()


def frames(stage: Stage, count: int, on_progress: Progress | None = None) -> Frames:
    """Each frame, the same array every time, with the boxes that may have changed; `Cancelled` if
    `on_progress` says so."""
    hold = max(1, count // HOLD)
    for k in range(count):
        if on_progress is not None and not on_progress(k / count):
            raise Cancelled
        if k < count - hold:
            changed = stage.at(k / max(1, count - hold - 1))
        else:
            changed = stage.end() if k == count - hold else []
        yield stage.frame, changed


def write(
    sheet: Sheet,
    kind: str,
    path: Path,
    seconds: float,
    fps: int,
    on_progress: Progress | None = None,
) -> None:
    """As this kind of file."""
    count = round(seconds * fps)
    if kind == ".mp4":
        _write_mp4(ffmpeg(), path, sheet.size, fps, frames(Stage(sheet), count, on_progress))
    else:
        _write_gif(Stage(sheet), path, fps, count, on_progress)


# --- GIF -------------------------------------------------------------------------------------


def _write_gif(
    stage: Stage, path: Path, fps: int, count: int, on_progress: Progress | None
) -> None:
    """Each frame holds what has changed, so that a cursor that moves costs its own pixels."""
    palette = _palette(stage)
    table = _nearest(palette, stage.colour(style.PAGE))
    before = table[_packed(stage.frame)]
    options = {"loop": 0, "transparency": CLEAR}
    durations = iter(_durations(count, fps))

    def encoded(pixels: np.ndarray, box: Box) -> list[bytes]:
        height, width = pixels.shape
        piece = Image.frombytes("P", (width, height), pixels.tobytes())
        piece.putpalette(palette.tobytes())
        about = {"duration": next(durations), "transparency": CLEAR, "disposal": 1}
        return GifImagePlugin.getdata(
            piece, (box.left, box.top), include_color_table=False, **about
        )

    with open(path, "wb") as file:
        first = Image.frombytes("P", before.shape[::-1], before.tobytes())
        first.putpalette(palette.tobytes())
        file.writelines(GifImagePlugin.getheader(first, info=options)[0])
        for k, (frame, changed) in enumerate(frames(stage, count, on_progress)):
            box = _around(changed) if k else Box(0, 0, *before.shape[::-1])
            after = table[_packed(frame[box.cells])]
            same = after == before[box.cells] if k else np.zeros(after.shape, dtype=bool)
            before[box.cells] = after
            file.writelines(encoded(np.where(same, np.uint8(CLEAR), after), box))
        file.write(b";")


def _around(boxes: list[Box]) -> Box:
    """The box that holds them all; of none, one pixel."""
    seen = [box for box in boxes if box.left < box.right and box.top < box.bottom]
    if not seen:
        return Box(0, 0, 1, 1)
    left, top, right, bottom = zip(*seen, strict=True)
    return Box(min(left), min(top), max(right), max(bottom))


def _durations(count: int, fps: int) -> list[int]:
    """Milliseconds of each frame: a GIF counts hundredths of a second, and they must add up."""
    ends = np.rint(np.arange(count + 1) * 100 / fps).astype(int)
    return [10 * int(passed) for passed in np.diff(ends)]


def _palette(stage: Stage) -> np.ndarray:
    """(256, 3): the page, ink, both scales of colour, those of the finished sheet; the last is
    clear."""
    scales = (style.PLASMA, style.DIVERGING)
    kept = np.array([stage.colour(style.PAGE), stage.colour(style.INK)])
    ramps = [stage.ramp(shades, np.linspace(0, 1, STEPS)) for shades in scales]
    found = Image.fromarray(stage.full).quantize(COLOURS - 2 - 2 * STEPS)
    colours = np.array(found.getpalette()).reshape(-1, 3)
    palette = np.concatenate([kept, *ramps, colours])[:COLOURS].astype(np.uint8)
    return np.pad(palette, ((0, CLEAR + 1 - len(palette)), (0, 0)))


def _packed(pixels: np.ndarray) -> np.ndarray:
    """Each colour as a number of 15 bits."""
    wide = pixels.astype(np.uint16) >> 3
    return wide[..., 0] << 10 | wide[..., 1] << 5 | wide[..., 2]


def _nearest(palette: np.ndarray, page: tuple[int, int, int]) -> np.ndarray:
    """For each packed colour the index of the nearest in the palette, (32768,)."""
    levels = np.arange(32) << 3 | np.arange(32) >> 2
    colours = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    wanted, had = colours.astype(np.float32), palette.astype(np.float32)
    had = had[:COLOURS]
    distance = (had**2).sum(axis=1) - 2 * wanted @ had.T
    table = distance.argmin(axis=1).astype(np.uint8)
    table[_packed(np.array(page, dtype=np.uint8))] = 0
    return table


# --- MP4 -------------------------------------------------------------------------------------


def ffmpeg() -> str:
    """The program that makes MP4; ValueError where there is none."""
    found = shutil.which("ffmpeg")
    if found is not None:
        return found
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise ValueError(
            "an .mp4 needs the program ffmpeg, which is not installed; apt-get install ffmpeg or "
            "pip install imageio-ffmpeg, or make a .gif"
        ) from None


def _write_mp4(program: str, path: Path, size: tuple[int, int], fps: int, shown: Frames) -> None:
    command = [
        *(program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"),
        *("-s", f"{size[0]}x{size[1]}", "-r", str(fps), "-i", "-", "-an", "-c:v", "libx264"),
        *("-preset", "veryfast", "-crf", "20", "-vf", "scale=out_color_matrix=bt709", "-pix_fmt"),
        *("yuv420p", "-colorspace", "bt709", "-movflags", "+faststart", "-f", "mp4", str(path)),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            for frame, _ in shown:
                process.stdin.write(frame.tobytes())
            process.stdin.close()
        except BrokenPipeError:  # it says why below
            pass
        except BaseException:
            process.kill()
            raise
        said = process.stderr.read().decode(errors="replace").strip()
    require(
        process.returncode == 0,
        f"ffmpeg could not make the film: {said.splitlines()[-1] if said else 'it gave no reason'}",
    )
