"""An ensemble over seeds in the panels of its run: median and band, or every run, and the law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simcore import drift, theory
from simcore.ensemble import BAND, Ensemble
from simcore.experiment import Experiment
from simcore.figures import scene, style
from simcore.figures.scene import Line, Run, Scene, SeriesPanel

LAW = "drift law"
ARRIVED = 0.98  # of the target: where the median total is so near it, the law begins


def with_ensemble(
    whole: Scene, experiment: Experiment, ensemble: Ensemble, mode: int, each: bool
) -> Scene:
    """The scene of a run with its ensemble in the panels of strengths and of the largest share:
    the median and the band, or with `each` every run; and the drift law, dashed, where it holds.

    There they stand in the place of the run itself, which is one of them.
    """
    strengths = ensemble.strengths[..., mode]
    columns = _columns(strengths, each, ensemble)
    target = experiment.task.singular_values[mode]
    law = _law(experiment, mode, ensemble, strengths, target)
    name = f"{len(strengths)} seeds"
    runs = [Run(name=name, columns=columns, stroke="thin")]
    if law is not None:
        runs.append(Run(name=LAW, columns=law, stroke="thin"))
    main = whole.runs[0].name
    lines = {
        "strengths": _strength_lines(name, strengths, mode, each, law is not None),
        "sharing": _share_lines(name, len(strengths), each, law is not None),
    }
    said = f"median and {BAND[0]} to {BAND[1]} % of" if not each else "each of"
    panels = [
        replace(
            panel,
            title=f"{panel.title}, {said} {name}",
            lines=[*lines[panel.key], *(line for line in panel.lines if line.run != main)],
        )
        if isinstance(panel, SeriesPanel) and panel.key in lines
        else panel
        for panel in whole.panels
    ]
    lost = int(ensemble.lost)
    notes = [whole.note, f"{lost} of {lost + len(strengths)} seeds diverged." if lost else ""]
    return replace(
        whole,
        runs=(*whole.runs, *runs),
        panels=tuple(panels),
        note=" ".join(filter(None, notes)),
    )


def _columns(strengths: np.ndarray, each: bool, ensemble: Ensemble) -> dict[str, np.ndarray]:
    """Of strengths (N, K, H)."""
    columns = {"step": ensemble.steps, "t": ensemble.time}
    share = theory.shares(strengths).max(axis=2)
    named = {f"s{h}": strengths[..., h] for h in range(strengths.shape[2])} | {"share": share}
    for name, values in named.items():
        low, median, high = ensemble.band(values)
        columns |= {name: median, f"{name}_low": low, f"{name}_high": high}
        if each:
            columns |= {f"{name}_{n}": run for n, run in enumerate(values)}
    return columns


def _law(
    experiment: Experiment, mode: int, ensemble: Ensemble, strengths: np.ndarray, target: float
) -> dict[str, np.ndarray] | None:
    arrived = np.median(strengths.sum(axis=2), axis=0) >= ARRIVED * target
    if not (target > 0 and arrived.any()):
        return None
    begin = float(ensemble.steps[arrived.argmax()])
    found = drift.law(experiment, mode, ensemble.steps, begin)
    if found is None:
        return None
    share = np.where(np.isfinite(found[:, 0]), theory.shares(found).max(axis=1), np.nan)
    columns = {f"s{h}": found[:, h] for h in range(found.shape[1])}
    return {"step": ensemble.steps, "t": ensemble.time, "share": share} | columns


def _strength_lines(
    name: str, strengths: np.ndarray, mode: int, each: bool, law: bool
) -> Sequence[Line]:
    found = []
    for h in range(strengths.shape[2]):
        found += _lines(name, len(strengths), f"s{h}", style.strength_label(h, mode), h, each)
    if law:
        found += [
            scene.Line(LAW, f"s{h}", LAW if h == 0 else "", colour="theory", theory=True)
            for h in range(strengths.shape[2])
        ]
    return found


def _share_lines(name: str, count: int, each: bool, law: bool) -> Sequence[Line]:
    found = _lines(name, count, "share", name, "ink", each)
    return [*found, scene.Line(LAW, "share", LAW, colour="theory", theory=True)] if law else found


def _lines(
    name: str, count: int, column: str, label: str, colour: style.Colour, each: bool
) -> list[Line]:
    if each:
        return [
            scene.Line(name, f"{column}_{n}", label if n == 0 else "", colour=colour)
            for n in range(count)
        ]
    return [
        scene.Line(name, column, label, colour=colour, low=f"{column}_low", high=f"{column}_high")
    ]
