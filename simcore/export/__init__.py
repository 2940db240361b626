"""What a run leaves with: a page that plays, a figure, a film, Python, a citation.

    export.page(experiment, "medium.html")
    export.figure(experiment, "medium.svg", size=(1920, 1080), dark=True)     # .svg .pdf .png
    export.film(experiment, "medium.gif", seconds=8, fps=30)                  # .gif .mp4
    print(export.snippet(experiment), export.citation(experiment))

Each takes an experiment, which it runs, or a run that is there, and shows the scene that the app
shows of it (`simcore.scenes`). Files are written whole or not at all. ValueError, in one sentence,
for a place, a size or a panel that there is not, and for a package that is not installed: figures
and films need `pip install 'symmetry-at-the-edge[export]'`, a page needs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from simcore import captions, extras, files, scenes
from simcore.caption import Caption
from simcore.checks import require, shown
from simcore.experiment import Experiment
from simcore.export.citations import citation
from simcore.export.snippets import snippet
from simcore.trajectory import Trajectory
from simcore.version import NUMBER

__all__ = ["citation", "figure", "film", "page", "snippet"]

SIZE = (1920, 1080)

Progress = Callable[[float], bool]  # what `simulate` takes; False ends all with `looks.Cancelled`


def page(
    what: Experiment | Trajectory, path: str | Path, *, on_progress: Progress | None = None
) -> None:
    """One HTML file that plays the run, offline too."""
    _check_place(path, (".html",), "a page")
    experiment = what.experiment if isinstance(what, Trajectory) else what
    text = scenes.page(scenes.of(what, on_progress=on_progress), experiment)
    with files.writing(path) as part:
        part.write_text(text, encoding="utf-8")


def figure(
    what: Experiment | Trajectory,
    path: str | Path,
    size: tuple[int, int] = SIZE,
    dark: bool = False,
    panels: Sequence[str] | None = None,
    *,
    on_progress: Progress | None = None,
) -> None:
    """All panels on one sheet of `size` pixels, .svg, .pdf or .png, letters and lines scaled with
    it; a pixel of a PDF is a point of 1/72 inch. `panels` are keys of `scenes.KEYS`."""
    kind = _check_place(path, (".svg", ".pdf", ".png"), "a figure")
    _check_installed("a figure")
    from simcore.export import pictures, sheet

    sheet.check_size(size)
    scene = scenes.of(what, panels, on_progress)
    laid = sheet.lay(scene, size, dark)
    with files.writing(path) as part:
        pictures.write(laid, kind, part, _told(what, scene.caption))


def film(
    what: Experiment | Trajectory,
    path: str | Path,
    size: tuple[int, int] = SIZE,
    seconds: float = 8,
    fps: int = 30,
    dark: bool = False,
    *,
    on_progress: Progress | None = None,
) -> None:
    """The run as it happens, .gif or .mp4, so many frames a second; at the end it rests."""
    kind = _check_place(path, (".gif", ".mp4"), "a film")
    _check_installed("a film")
    from simcore.export import films, sheet

    films.check(kind, size, seconds, fps)
    scene = scenes.of(what, on_progress=_part(on_progress, 0))
    laid = sheet.lay(scene, size, dark, moving=True)
    with files.writing(path) as part:
        films.write(laid, kind, part, seconds, fps, _part(on_progress, 1))


def _check_installed(what: str) -> None:
    for module in ("altair", "pyarrow", "vl_convert", "PIL"):
        extras.check(module, what, "export")


def _check_place(path: str | Path, kinds: Sequence[str], what: str) -> str:
    """The kind of file, by its ending; ValueError where it cannot be written."""
    kind = Path(path).suffix.lower()
    require(
        kind in kinds,
        f"{what} needs a name that ends in {' or '.join(kinds)}, got {shown(Path(path).name)}",
    )
    files.check_writable(path)
    return kind


def _part(on_progress: Progress | None, half: int) -> Progress | None:
    """The progress of one half of the work."""
    return None if on_progress is None else lambda part: on_progress((half + part) / 2)


def _told(what: Experiment | Trajectory, caption: Caption) -> dict[str, str]:
    """What a PNG says of itself."""
    experiment = what.experiment if isinstance(what, Trajectory) else what
    return {
        "Title": caption.title,
        "Parameters": caption.parameters,
        "Verdict": caption.verdict,
        "Key": experiment.key,
        "Software": f"simcore {NUMBER}",
        "Link": captions.link(experiment),
    }
