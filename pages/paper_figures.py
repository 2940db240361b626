"""The figures of the paper and of its neighbours, run again when opened, beside the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import altair as alt
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import _claims, _controls, _neighbours, _prose, _runs, _take, _ui
from simcore import neighbours, presets, regimes, theory, variations
from simcore.figures import charts, panels
from simcore.presets import Preset
from simcore.trajectory import Trajectory

_ui.open_page()
_ui.complaints()


def numbers(preset: Preset, run: Trajectory) -> None:
    """Expected beside measured, with the deviation, ticked where it is within the tolerance."""
    rows = [(expected, float(expected.measure(run))) for expected in preset.expected]
    if rows:
        _prose.table(
            {
                "number": [expected.label for expected, _ in rows],
                "expected": [
                    f"{'≥ ' if expected.at_least else ''}{expected.value:.8g}"
                    f"{' exact' if expected.exact else ''}"
                    for expected, _ in rows
                ],
                "here": [f"{value:.8g}" for _, value in rows],
                "deviation": [
                    f"{value - expected.value:+.1e}\N{NO-BREAK SPACE}".replace("-", "−")
                    + ("✓" if expected.holds(run) else f"(not within {expected.tolerance:.0e})")
                    for expected, value in rows
                ],
            }
        )
    notes = dict.fromkeys(expected.note for expected, _ in rows if expected.note)
    _prose.say(". ".join([f"Source: {preset.source}", *map(str.capitalize, notes)]) + ".")


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


def planes(runs: Sequence[Trajectory], side: int) -> list[alt.LayerChart]:
    """The planes of several runs, square and on one scale."""
    return charts.planes([panels.simulator([named(run)], ["plane"]) for run in runs], side)


def beside(count: int, width: int) -> list[DeltaGenerator]:
    """Places of one width, as many in a row as there is room for."""
    with st.container(horizontal=True, gap="medium"):
        return [st.container(width=width) for _ in range(count)]


def side_by_side(shown: Sequence[Preset]) -> None:
    """Planes and numbers of several runs, one column each."""
    runs = [_runs.run(preset.experiment, preset.title) for preset in shown]
    columns = beside(len(shown), 372)
    for column, preset, run, drawn in zip(columns, shown, runs, planes(runs, 290), strict=True):
        with column:
            _prose.say(f"**{preset.title}**")
            _ui.chart_of_run(drawn, "plane", run, "content")
            _prose.say(regimes.said(run))
            numbers(preset, run)
            opener(preset)


def main_figure() -> None:
    side_by_side((presets.SMALL, presets.MEDIUM, presets.LARGE))
    _prose.say(f"**{presets.FLOW.title}**")
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
    titles = "loss", "sharpness", "strengths"
    for column, title, still in zip(st.columns(3), titles, pictures, strict=True):
        with column:
            _ui.chart_of_run(still, title, run)
    numbers(preset, run)
    opener(preset)


def sharpness_curve() -> None:
    experiment = presets.MEDIUM.experiment
    depths, eta = experiment.network.depths, experiment.dynamics.eta
    assert eta is not None
    run = _runs.run(experiment)
    end = run.strengths[-1, :, 0]
    flow_end = theory.flow_end_split(run.strengths[0, :, 0], depths, 1.0)
    curve = charts.minima_curve(1.0, depths, eta, split=end, flow_end=flow_end)
    _ui.chart_of_run(curve, "sharpness along the minima", run)
    _prose.say(
        f"Gradient descent stopped at sharpness **{run.sharpness[-1]:.4f}**, just below "
        f"2/η = {2 / eta:.4g}; gradient flow ends at "
        f"**{theory.mode_sharpness(flow_end, depths):.4f}**."
    )
    numbers(presets.MEDIUM, run)
    opener(presets.MEDIUM)


def unequal_grid() -> None:
    _prose.say(
        r"Every pair of depths starts at α = (0.002, 0.002) and runs at $\eta = 2/\lambda_{\min}$; "
        "the star is the flattest split. Numbers are published for depths 3 and 5."
    )
    depths = [(one, two) for one in presets.UNEQUAL_DEPTHS for two in presets.UNEQUAL_DEPTHS]
    runs = [_runs.run(presets.unequal_depths(pair, 452)) for pair in depths]
    drawn = planes(runs, 230)
    across = len(presets.UNEQUAL_DEPTHS)
    for first in range(0, len(depths), across):
        row = slice(first, first + across)
        cells = zip(beside(across, 372), depths[row], runs[row], drawn[row], strict=True)
        for column, pair, run, plane in cells:
            with column:
                share = theory.flattest_split(1.0, pair)[0]
                _prose.say(
                    f"**L = ({pair[0]}, {pair[1]})**: flattest share {share:.4f}, "
                    f"ends at {theory.shares(run.strengths[-1, :, 0])[0]:.4f}"
                )
                _ui.chart_of_run(plane, "plane", run, "content")
    numbers(presets.UNEQUAL, _runs.run(presets.UNEQUAL.experiment))
    opener(presets.UNEQUAL)


def return_threshold() -> None:
    _prose.say(
        rf"Below $\eta_{{WCR}} = \gamma_{{WCR}}/S_1$ = {theory.wcr_gamma(5) / 5:.4f} at depth 5, "
        "the step back from an overshoot never crosses zero; above, it may, and the run may be "
        "trapped there."
    )
    for column, preset in zip(
        st.columns(2), (presets.RETURN_BELOW, presets.RETURN_ABOVE), strict=True
    ):
        with column:
            run = _runs.run(preset.experiment)
            _prose.say(f"**{preset.title}**  \n{regimes.said(run)}")
            _ui.chart_of_run(picture(run, "strengths", axis="step"), "strengths", run)
            numbers(preset, run)
            opener(preset)


def rank_balancing() -> None:
    preset = presets.RANK_ONE
    run = _runs.run(preset.experiment)
    for mode, column in enumerate(st.columns(3)):
        with column:
            title = f"strengths of mode {mode + 1}"
            _ui.chart_of_run(picture(run, "strengths", mode=mode), title, run)
    numbers(preset, run)
    opener(preset)


def spectrum() -> None:
    preset = presets.SPECTRUM
    run = _runs.run(preset.experiment)
    _ui.chart_of_run(picture(run, "eigenvalues"), "eigenvalues of the Hessian", run)
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
    "claims": ("Claims", _claims.show),
} | {
    figure.name: (figure.title, partial(_neighbours.show, figure, numbers))
    for figure in neighbours.ALL
}

chosen = _controls.segments(
    "Figure", "figure", {name: title for name, (title, _) in FIGURES.items()}
)
FIGURES[chosen][1]()
if chosen != "claims" and chosen not in neighbours.BY_NAME:
    _prose.say(
        "Numbers marked exact are those of closed forms; the others were read off published "
        "figures and run again in double precision by independent code."
    )
_take.of_charts()
