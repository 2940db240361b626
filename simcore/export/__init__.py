"""What a run leaves with: a page that plays, a figure, a film, Python, a citation.

    export.page(experiment, "medium.html")
    export.figure(experiment, "medium.svg", size=(1920, 1080), dark=True)     # .svg .pdf .png
    export.film(experiment, "medium.gif", seconds=8, fps=30)                  # .gif .mp4
    print(export.snippet(experiment), export.citation(experiment))

Each takes an experiment, which it runs, or a run that is there, and shows the scene that the app
shows of it (`simcore.scenes`). Files are written whole or not at all. ValueError, in one sentence,
for a place, a size or a panel that there is not, and for a package that is not installed: figures
and films need `pip install "symmetry-at-the-edge[export]"`, a page needs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simcore import files
from simcore.experiment import Experiment
from simcore.export.citations import citation
from simcore.export.snippets import snippet
from simcore.figures.scene import Scene
from simcore.trajectory import Trajectory

__all__ = ["citation", "figure", "film", "page", "snippet"]

SIZE = (1920, 1080)
