"""The figures of the paper and of its neighbours, run again when opened, beside the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import streamlit as st

from pages import _controls, _runs, _ui
from simcore import presets, regimes, theory, variations
from simcore.figures import charts, panels
from simcore.presets import Preset
from simcore.trajectory import Trajectory

_ui.open_page()
_ui.complaints()


def numbers(preset: Preset, run: Trajectory) -> None:
    """Published beside measured, with the deviation, ticked where it is within the tolerance."""
    rows = [(expected, float(expected.measure(run))) for expected in preset.expected]
    if rows:
        st.table(
            {
                "number": [expected.label for expected, _ in rows],
                "published": [
                    f"{'≥ ' if expected.at_least else ''}{expected.value:.8g}"
                    for expected, _ in rows
                ],
                "here": [f"{value:.8g}" for _, value in rows],
                "deviation": [
                    f"{value - expected.value:+.1e}\N{NO-BREAK SPACE}"
                    + ("✓" if expected.holds(run) else f"(not within {expected.tolerance:.0e})")
                    for expected, value in rows
                ],
            }
        )
    notes = dict.fromkeys(expected.note for expected, _ in rows if expected.note)
    st.markdown(". ".join([f"Source: {preset.source}", *map(str.capitalize, notes)]) + ".")


def picture(run: Trajectory, panel: str, mode: int = 0, **options: Any) -> alt.LayerChart:
    """One panel of a run by itself."""
    scene = panels.simulator([named(run)], [panel], panels.View(mode=mode))
    return charts.still(scene, panel, **options)


def named(run: Trajectory) -> panels.Named:
    """The run, called after its dynamics."""
    return panels.Named(run.experiment.dynamics.short, run)


def opener(preset: Preset) -> None:
    """A link that opens the run in the Simulator."""
    _ui.link("simulator", "Open in the Simulator", preset.experiment, icon="▶️")


def side_by_side(shown: Sequence[Preset]) -> None:
    """Planes and numbers of several runs, one column each."""
    for column, preset in zip(st.columns(len(shown)), shown, strict=True):
        with column:
            run = _runs.run(preset.experiment, preset.title)
            st.markdown(f"**{preset.title}**  \n{regimes.classify(run).sentence}")
            _ui.chart(picture(run, "plane", height=340))
            numbers(preset, run)
            opener(preset)


def main_figure() -> None:
    side_by_side((presets.SMALL, presets.MEDIUM, presets.LARGE))
    st.markdown(f"**{presets.FLOW.title}**")
    numbers(presets.FLOW, _runs.run(presets.FLOW.experiment))


def curves() -> None:
    preset = presets.MEDIUM
    run = _runs.run(preset.experiment)
    flow = _runs.run(variations.matching_flow(preset.experiment))
    runs = [named(run), named(flow)]
    both = panels.simulator(runs, ("loss", "strengths"))
    pictures = (
        charts.still(both, "loss"),
        charts.still(panels.sharpness_and_gfs(runs)),
        charts.still(both, "strengths"),
    )
    for column, still in zip(st.columns(3), pictures, strict=True):
        with column:
            _ui.chart(still)
    numbers(preset, run)
    opener(preset)


def sharpness_curve() -> None:
    experiment = presets.MEDIUM.experiment
    depths, eta = experiment.network.depths, experiment.dynamics.eta
    assert eta is not None
    run = _runs.run(experiment)
    end = run.strengths[-1, :, 0]
    flow_end = theory.flow_end_split(run.strengths[0, :, 0], depths, 1.0)
    _ui.chart(charts.minima_curve(1.0, depths, eta, split=end, flow_end=flow_end))
    st.markdown(
        f"Gradient descent stopped at sharpness **{run.sharpness[-1]:.4f}**, just below "
        f"2/η = {2 / eta:.4g}; gradient flow ends at "
        f"**{theory.mode_sharpness(flow_end, depths):.4f}**."
    )
    numbers(presets.MEDIUM, run)
    opener(presets.MEDIUM)


def unequal_grid() -> None:
    st.markdown(
        r"Every pair of depths starts at α = (0.002, 0.002) and runs at $\eta = 2/\lambda_{\min}$; "
        "the star is the flattest split. Numbers are published for depths 3 and 5."
    )
    for first in presets.UNEQUAL_DEPTHS:
        for column, second in zip(st.columns(3), presets.UNEQUAL_DEPTHS, strict=True):
            with column:
                experiment = presets.unequal_depths((first, second), 452)
                run = _runs.run(experiment)
                share = theory.flattest_split(1.0, (first, second))[0]
                st.markdown(
                    f"**L = ({first}, {second})**: flattest share {share:.4f}, "
                    f"ends at {theory.shares(run.strengths[-1, :, 0])[0]:.4f}"
                )
                _ui.chart(picture(run, "plane", height=280))
    numbers(presets.UNEQUAL, _runs.run(presets.UNEQUAL.experiment))
    opener(presets.UNEQUAL)


def return_threshold() -> None:
    st.markdown(
        rf"Below $\eta_{{WCR}} = \gamma_{{WCR}}/S_1$ = {theory.wcr_gamma(5) / 5:.4f} at depth 5, "
        "the step back from an overshoot never crosses zero; above, it may, and the run may be "
        "trapped there."
    )
    for column, preset in zip(
        st.columns(2), (presets.RETURN_BELOW, presets.RETURN_ABOVE), strict=True
    ):
        with column:
            run = _runs.run(preset.experiment)
            st.markdown(f"**{preset.title}**  \n{regimes.classify(run).sentence}")
            _ui.chart(picture(run, "strengths", axis="step"))
            numbers(preset, run)
            opener(preset)


def rank_balancing() -> None:
    preset = presets.RANK_ONE
    run = _runs.run(preset.experiment)
    for mode, column in enumerate(st.columns(3)):
        with column:
            _ui.chart(picture(run, "strengths", mode=mode))
    numbers(preset, run)
    opener(preset)


def spectrum() -> None:
    preset = presets.SPECTRUM
    run = _runs.run(preset.experiment)
    _ui.chart(picture(run, "eigenvalues"))
    numbers(preset, run)


def depth_two() -> None:
    side_by_side((presets.SHALLOW,))


FIGURES = {  # by the name that a link has
    "main": ("Main figure", main_figure),
    "curves": ("Loss, sharpness, strengths", curves),
    "sharpness": ("Sharpness curve", sharpness_curve),
    "unequal": ("Unequal depths", unequal_grid),
    "return": ("Return threshold", return_threshold),
    "rank": ("Rank-p balancing", rank_balancing),
    "spectrum": ("Hessian spectrum", spectrum),
    "depth2": ("Depth 2", depth_two),
}

chosen = _controls.segments(
    "Figure", "figure", {name: title for name, (title, _) in FIGURES.items()}
)
FIGURES[chosen][1]()
