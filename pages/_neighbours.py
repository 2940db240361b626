"""The figures of the paper's neighbours, as `simcore.neighbours` lists them."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages import _prose, _runs, _ui
from simcore import neighbour_presets, scenes
from simcore.figures import charts, full_weights, gaps, panels
from simcore.neighbours import Figure, Picture
from simcore.preset import Preset
from simcore.trajectory import Trajectory

WIDTH = 372  # of a column

Numbers = Callable[[Preset, Trajectory], None]


def show(figure: Figure, numbers: Numbers) -> None:
    """What is seen, how the authors count, and each run with its pictures and `numbers`."""
    _prose.say(_starred(figure.seen))
    _prose.say(_starred(figure.convention.sentence))
    runs = [_runs.run(preset.experiment, preset.title) for preset in figure.runs]
    if figure.together:
        _together(runs)
    with st.container(horizontal=True, gap="medium"):
        places = [st.container(width=WIDTH if len(runs) > 1 else "stretch") for _ in runs]
    for place, preset, run in zip(places, figure.runs, runs, strict=True):
        with place:
            _prose.say(f"**{preset.title}**")
            with st.container(horizontal=len(runs) == 1, gap="medium"):
                for picture in figure.pictures:
                    with st.container(width=WIDTH):
                        _hang(picture, run)
            numbers(preset, run)
            _ui.link("simulator", "Open in the Simulator", preset.experiment, icon="▶️")
    if figure.past:
        _prose.note(f"Now past the edge. {_starred(figure.past)}")
    _prose.say(
        "Numbers marked exact are those of closed forms, those with ≥ are bounds; the others come "
        "from independent code in double precision."
    )


def _starred(words: str) -> str:
    """As Markdown in which the star of a target is a star."""
    return words.replace("*", r"\*")


def _hang(picture: Picture, run: Trajectory) -> None:
    """A panel of a run."""
    if picture.panel == "maps":
        scene, wide = full_weights.matrices(scenes.named(run)), "stretch"
    else:
        view = panels.View(mode=picture.mode, layers=picture.layers)
        scene = panels.simulator([scenes.named(run)], [picture.panel], view)
        wide = "content" if picture.panel == "plane" else "stretch"
    height = 290 if picture.panel == "plane" else None
    title = panels.PANELS[picture.panel].title if picture.panel != "maps" else "Maps"
    if picture.mode:
        title = f"{title}, mode {picture.mode + 1}"
    _ui.chart_of_run(charts.still(scene, picture.panel, height=height), title, run, wide)


def _together(runs: list[Trajectory]) -> None:
    """The balancing gaps of all runs."""
    drawn = gaps.balancing_gaps(
        [
            (f"η = {run.experiment.dynamics.eta:g}", run.steps, neighbour_presets.gaps(run))
            for run in runs
        ]
    )
    _ui.chart_of_run(charts.still(drawn, "gap", axis="step"), "balancing gap", runs[-1])
