"""The balancing gap of one pathway of two layers, for several runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simcore.figures.scene import Line, Run, Scene, SeriesPanel


def balancing_gaps(runs: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> Scene:
    """The gaps w_1^2 - w_2^2 of runs, each a name, steps (K,) and gaps (K,), on a log axis."""
    drawn = [
        Run(
            name=name,
            columns={"step": steps.astype(float), "t": steps.astype(float), "gap": np.abs(gap)},
        )
        for name, steps, gap in runs
    ]
    lines = [Line(run.name, "gap", run.name, colour) for colour, run in enumerate(drawn)]
    panel = SeriesPanel(
        title="Balancing gap", label="|w₁² − w₂²|", lines=lines, scale="log", key="gap"
    )
    return Scene(runs=drawn, panels=(panel,))
