"""Stills of scenes and charts of theory: valid specs, honest data, one encoding, and words where
there is nothing to draw."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pytest
from altair.utils import schemapi
from cases import CASES

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Freeze,
    Gaussian,
    Network,
    Outcome,
    Record,
    Spectrum,
    StepSize,
    Trajectory,
    Tree,
    simulate,
    theory,
    variations,
)
from simcore.figures import charts, full_weights, panels, style
from simcore.figures.panels import Named
from simcore.figures.parts import LINE_ROWS
from simcore.figures.scene import HeatPanel, Line, Run, Scene, SeriesPanel, Trail


def experiment(
    step_size: float = 2 / 13,
    steps: int = 650,
    depths: tuple[int, ...] = (20, 20),
    scales: tuple[float, ...] = (0.002, 0.0017),
    values: tuple[float, ...] = (1.0,),
    **record: Any,
) -> Experiment:
    """The paper's main figure (SCIENCE 4, case 1), or a variation of it."""
    return Experiment(
        task=Spectrum(singular_values=values),
        network=Network(depths=depths),
        start=Balanced(scales=scales),
        dynamics=Descent(step_size=step_size, steps=steps),
        record=Record(**({"every": 1} | record)),
    )


EXPERIMENTS = {
    "paper": experiment(maps=True),
    "flow": replace(experiment(), dynamics=Flow(duration=100.0), record=Record(frames=300)),
    "long": experiment(0.12, 9_000, (3, 3), (0.02, 0.017)),
    "oscillating": experiment(0.85, 6_000, (3, 3), (0.02, 0.017), sharpness=False),
    "coarse": experiment(every=None, frames=130),
    "single pathway": experiment(0.11, 300, (20,), (0.002,), every=7, maps=True),
    "three pathways": experiment(0.15, 400, (20,) * 3, (0.002, 0.0017, 0.0019), every=7, maps=True),
    "eight pathways": experiment(0.1, 90, (8,) * 8, tuple(np.linspace(0.01, 0.02, 8)), maps=True),
    "several modes": experiment(
        2 / 13, 900, values=(1.0, 0.7, 0.4), every=9, eigenvalues=5, maps=True
    ),
    "diverged": experiment(0.5, 2000, maps=True),
    "no sharpness": experiment(every=9, sharpness=False, maps=True),
    "random": replace(
        CASES["narrow hidden"],
        task=Tree(levels=2),
        network=Network(depths=(3, 3), width=8),
        start=Gaussian(std=0.3, seed=1),
        record=Record(every=3, eigenvalues=4, maps=True),
    ),
}
KINDS = (*list(EXPERIMENTS)[5:], "one record")  # on which every panel is tried


@cache
def run(name: str) -> Trajectory:
    return first_record(run("paper")) if name == "one record" else simulate(EXPERIMENTS[name])


def first_record(result: Trajectory) -> Trajectory:
    """As of a run that diverged in its first step."""
    arrays = ("steps", "time", "loss", "strengths", "eigenvalues", "residuals", "maps")
    cut = {name: getattr(result, name)[:1] for name in (*arrays, "loss_range", "strengths_range")}
    return replace(result, outcome=Outcome.DIVERGED, **cut)


def named(result: Trajectory) -> Named:
    return Named(result.experiment.dynamics.short, result)


@pytest.fixture(autouse=True)
def parts_are_validated_with_the_whole() -> Iterator[None]:
    """By `to_dict`, and not each of them once more as it is made."""
    with schemapi.debug_mode(False):
        yield


def drawn(runs: Trajectory | list[Named], panel: str, mode: int = 0, **options: Any) -> dict:
    """The spec of one panel of the Simulator, validated against the schema of Vega-Lite."""
    runs = [named(runs)] if isinstance(runs, Trajectory) else runs
    scene = panels.simulator(runs, [panel], panels.View(mode=mode))
    return charts.still(scene, panel, **options).to_dict()


def maps_of(result: Trajectory, record: int = -1) -> dict:
    return charts.still(full_weights.matrices(named(result)), "maps", record=record).to_dict()


PANELS = (*panels.PANELS, "linear loss", "sharpness with GFS", "maps", "blocks")


OF_THEORY = {
    "minima": lambda: charts.minima_curve(1.0, (20, 20), 2 / 13, (0.7, 0.3), (0.98, 0.02)),
    "minima out of reach": lambda: charts.minima_curve(1.0, (20, 20), 0.3),
    "minima of nothing": lambda: charts.minima_curve(0.0, (3, 5), 0.3),
    "gain": lambda: charts.gain(here=(20, 2)),
}


@cache
def spec_of(panel: str, name: str) -> dict[str, Any]:
    """The spec, validated against the schema of Vega-Lite."""
    if panel == "linear loss":
        return drawn(run(name), "loss", scale="linear")
    if panel == "sharpness with GFS":
        return charts.still(panels.sharpness_and_gfs([named(run(name))]), "sharpness").to_dict()
    if panel in ("maps", "blocks"):
        return charts.still(full_weights.matrices(named(run(name))), panel).to_dict()
    return drawn(run(name), panel)


@cache
def spec_of_theory(chart: str) -> dict[str, Any]:
    return OF_THEORY[chart]().to_dict()


def every_spec() -> Iterator[tuple[str, dict[str, Any]]]:
    for chart, name in itertools.product(PANELS, KINDS):
        yield f"{chart} of {name}", spec_of(chart, name)
    for chart in OF_THEORY:
        yield chart, spec_of_theory(chart)


def views(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The layers, those of layers too, each with its data."""
    for layer in spec.get("layer", ()):
        yield from views({"data": spec.get("data")} | layer)
    if "layer" not in spec:
        yield spec


def rows_of(spec: dict[str, Any], view: dict[str, Any]) -> list[dict[str, Any]]:
    return spec["datasets"][view["data"]["name"]]


def mark_of(view: dict[str, Any]) -> str:
    return view["mark"] if isinstance(view["mark"], str) else view["mark"]["type"]


def line_rows(spec: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    """The rows of the lines with these names, or of all lines."""
    found = rows(spec, "line", "kind")
    return [row for row in found if not names or row["line"] in names]


def names(spec: dict[str, Any]) -> list[str]:
    """Of the lines, in order."""
    return list(dict.fromkeys(row["line"] for row in line_rows(spec)))


def look(spec: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Colour, width and dash of each line."""
    scales = []
    for channel in ("color", "strokeWidth", "strokeDash"):
        found = [e["scale"] for e in encodings(spec, channel) if e.get("field") == "line"]
        assert all(scale == found[0] for scale in found)
        scales.append(found[0])
    assert all(scale["domain"] == scales[0]["domain"] for scale in scales)
    ranges = [[str(value) for value in scale["range"]] for scale in scales]
    return dict(zip(scales[0]["domain"], zip(*ranges, strict=True), strict=True))


def rows(spec: dict[str, Any], mark: str, *fields: str) -> list[dict[str, Any]]:
    """The rows of the first layer with this mark whose rows have all these fields."""
    return next(
        found
        for view in views(spec)
        if mark_of(view) == mark and set(fields) <= set((found := rows_of(spec, view))[0])
    )


def texts(spec: dict[str, Any]) -> set[str]:
    return {
        row["text"]
        for view in views(spec)
        if mark_of(view) == "text"
        for row in rows_of(spec, view)
    }


def encodings(spec: dict[str, Any], channel: str) -> list[dict[str, Any]]:
    found = [view["encoding"][channel] for view in views(spec) if channel in view["encoding"]]
    return [encoding for encoding in found if isinstance(encoding, dict)]


# --- Every chart -------------------------------------------------------------------------------


def test_every_spec_is_one_layered_view_that_streamlit_can_show():
    for name, spec in every_spec():
        json.dumps(spec, allow_nan=False)  # a browser knows no nan
        assert "layer" in spec, name
        assert not {"hconcat", "vconcat", "concat", "facet"} & set(spec), name
        assert spec["usermeta"]["embedOptions"]["renderer"] == "canvas", name
        assert spec["height"] > 100, name
        if "width" in spec:  # else the page gives it
            assert name.startswith("plane of"), name
            assert spec["width"] == spec["height"], name
        assert spec["description"].endswith("."), name


def test_line_joins_are_round():
    for name, spec in every_spec():
        for view in views(spec):
            if mark_of(view) == "line":
                assert view["mark"]["strokeJoin"] == "round", name


def test_every_axis_has_a_title_or_is_hidden():
    for name, spec in every_spec():
        for channel in ("x", "y"):
            for encoding in encodings(spec, channel):
                if "field" in encoding and "scale" in encoding:
                    assert encoding.get("axis", {}) is None or encoding["title"], (name, encoding)
        shown = [e for c in ("x", "y") for e in encodings(spec, c) if e.get("title")]
        assert shown or texts(spec), name


def test_every_param_has_a_name_that_a_page_can_rely_on():
    found = {p["name"] for _, spec in every_spec() for p in spec.get("params", ())}
    assert found == {"hover", "zoom"}


def test_text_and_lines_follow_the_theme():
    for name, spec in every_spec():
        assert not {"black", "white", "#000", "#fff", "#000000", "#ffffff"} & set(strings(spec)), (
            name
        )
        for view in views(spec):
            if mark_of(view) == "text":
                assert "background" in view["mark"]["color"]["expr"], name


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


def test_no_chart_has_more_rows_than_altair_takes():
    for name, spec in every_spec():
        assert max(map(len, spec["datasets"].values())) <= charts.MAX_ROWS, name


@pytest.mark.parametrize("panel", ["strengths", "plane", "loss", "sharpness", "sharing"])
def test_many_long_runs_share_the_rows(panel: str):
    spec = drawn([Named(f"{k}", run("long")) for k in range(5)], panel)
    assert max(map(len, spec["datasets"].values())) <= charts.MAX_ROWS


def test_a_line_has_at_most_2000_points():
    loss = line_rows(spec_of("loss", "long"))
    assert 1000 < len(loss) <= charts.MAX_POINTS


ODD = ("depth 1 beside 3", "zero modes", "equal modes", "layer scales", "layers at zero")


@pytest.mark.parametrize("name", [*ODD, "negative scales"])
def test_odd_architectures_can_be_drawn(name: str):
    result = simulate(replace(CASES[name], record=Record(every=5, eigenvalues=2, maps=True)))
    for panel in panels.PANELS:
        assert drawn(result, panel)["layer"], panel


# --- To read and to save -----------------------------------------------------------------------


def subject(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """What Streamlit offers under "Show data" and as CSV: the first of the tables."""
    return next(iter(spec["datasets"].values()))


def test_the_first_table_is_what_is_shown_with_names_to_read():
    result = run("paper")
    table = subject(spec_of("strengths", "paper"))
    assert [*table[0]] == ["run", "step", "t", "σ₁₁", "σ₂₁"]
    assert [row["step"] for row in table] == list(result.steps)
    assert [row["σ₂₁"] for row in table] == list(result.strengths[:, 1, 0])
    assert [*subject(spec_of("sharpness", "paper"))[0]] == ["run", "step", "t", "Sharpness", "2/η"]
    assert [*subject(spec_of("loss", "paper"))[0]] == ["run", "step", "t", "Loss"]
    plane = subject(spec_of("plane", "paper"))
    assert [*plane[0]] == ["run", "step", "t", "strength σ₁₁", "strength σ₂₁"]
    assert len(plane) == len(result.steps)
    assert [*subject(spec_of("maps", "paper"))[0]] == ["map", "mode out", "mode in", "entry"]
    assert [*subject(spec_of_theory("minima"))[0]] == ["σ₁", "σ₂", "λ", "λ ≤ 2/η"]
    assert [*subject(spec_of_theory("gain"))[0]] == ["pathways H", "depth L", "λ(min) / S"]


def test_several_runs_are_one_table_under_one_another():
    spec = drawn([Named("GD", run("paper")), Named("GF", run("flow"))], "strengths")
    table = subject(spec)
    assert [*table[0]] == ["run", "step", "t", "σ₁₁", "σ₂₁"]
    counts = {name: sum(row["run"] == name for row in table) for name in ("GD", "GF")}
    assert counts == {"GD": 651, "GF": 300}


def test_every_chart_that_shows_something_has_its_table_first():
    for name, spec in every_spec():
        first = next(iter(views(spec)))
        empty = {mark_of(view) for view in views(spec)} == {"text"}
        assert empty or rows_of(spec, first) is subject(spec), name
        assert empty or first["transform"] == [{"filter": "false"}], name  # it draws nothing


def test_the_dot_under_the_pointer_goes_with_the_pointer():
    for name, spec in every_spec():
        for param in spec.get("params", ()):
            if param["name"] == "hover":
                assert param["select"]["clear"] == "pointerout", name


# --- Honest data -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["paper", "flow", "eight pathways", "long", "diverged"])
@pytest.mark.parametrize("axis", ["time", "step"])
def test_strengths_are_those_of_the_run(name: str, axis: str):
    result = run(name)
    place = {float(t): k for k, t in enumerate(result.time)}
    spec = drawn(result, "strengths", axis=axis)
    pathway = {style.strength_label(h, 0): h for h in range(result.strengths.shape[1])}
    assert names(spec) == list(pathway)
    for row in line_rows(spec):
        k = place[row["time"]]
        assert row["value"] == result.strengths[k, pathway[row["line"]], 0]
        assert row["x"] == (result.time if axis == "time" else result.steps)[k]
        assert row["step"] == result.steps[k]


@pytest.mark.parametrize("name", ["paper", "flow", "long"])
def test_loss_sharpness_and_shares_are_those_of_the_run(name: str):
    result = run(name)
    place = {float(t): k for k, t in enumerate(result.time)}
    noise = 0.0 if name != "flow" else 0.5 * (100 * 1e-8) ** 2  # of an integrator with rtol 1e-8
    for row in line_rows(spec_of("linear loss", name)):
        loss = result.loss[place[row["time"]]]
        assert row["value"] == (loss if loss >= noise else None)
    for row in line_rows(spec_of("sharpness", name), "GD", "GF"):
        assert row["value"] == result.sharpness[place[row["time"]]]
    for row in line_rows(spec_of("sharing", name)):
        sigma = result.strengths[place[row["time"]], :, 0]
        assert row["value"] == pytest.approx(sigma.max() / sigma.sum(), rel=1e-12)


@pytest.mark.parametrize("name", ["long", "oscillating", "coarse"])
def test_bands_hold_everything_between_the_points(name: str):
    result = run(name)
    place = {float(t): k for k, t in enumerate(result.time)}
    banded = rows(spec_of("strengths", name), "area", "low")
    for h in range(2):
        last = -1
        for row in (row for row in banded if row["line"] == style.strength_label(h, 0)):
            k = place[row["time"]]
            since = result.strengths_range[last + 1 : k + 1, :, h, 0]
            assert (row["low"], row["high"]) == (since[:, 0].min(), since[:, 1].max())
            last = k
        assert last == len(result.steps) - 1


def test_a_two_cycle_is_drawn_as_one():
    result = run("oscillating")
    low, high = np.sort(result.strengths[-2:, 0, 0])
    assert high - low > 0.05  # it is one
    shown = line_rows(spec_of("strengths", "oscillating"), "σ₁₁")
    tail = [row["value"] for row in shown][-20:]
    assert len(shown) < len(result.steps)  # thinned
    assert "every 5th of 6,001 records" in spec_of("strengths", "oscillating")["description"]
    assert min(tail) == pytest.approx(low, abs=1e-6)
    assert max(tail) == pytest.approx(high, abs=1e-6)


def test_an_axis_that_is_cut_says_so():
    assert run("diverged").outcome is Outcome.DIVERGED
    y = encodings(spec_of("strengths", "diverged"), "y")[0]
    assert "cut at 3" in " ".join(y["title"])
    assert y["scale"]["domain"] == [0, 3]
    assert "cut" not in json.dumps(spec_of("strengths", "paper"))


def test_a_log_scale_leaves_out_zeros_and_what_rounding_makes():
    result = run("paper")
    zeroed = replace(result, loss=np.where(np.arange(651) % 7 == 3, 0.0, result.loss))
    shown = line_rows(drawn(zeroed, "loss"))
    assert [row["value"] is None for row in shown] == list(zeroed.loss == 0)
    fall = 10.0 ** -np.arange(651)
    tiny = replace(result, loss=result.loss * fall, loss_range=result.loss_range * fall[:, None])
    y = encodings(drawn(tiny, "loss"), "y")[0]
    assert y["scale"]["domain"][0] == pytest.approx(result.loss[0] / 10**panels.LOG_DECADES)
    assert "(cut)" in " ".join(y["title"])


def test_a_loss_of_zero_is_said():
    zero = replace(run("one record"), loss=np.zeros(1), loss_range=np.zeros((1, 2)))
    (text,) = texts(drawn(zero, "loss"))
    assert text.replace("\n", " ") == "Loss: nothing is above zero, and a log scale cannot show it."


def test_what_is_not_finite_breaks_the_line():
    result = run("paper")
    holed = result.eigenvalues.copy()
    holed[10], holed[20] = np.nan, np.inf
    shown = line_rows(drawn(replace(result, eigenvalues=holed), "sharpness"))
    assert [k for k, row in enumerate(shown) if row["value"] is None] == [10, 20]


def test_a_single_record_is_seen():
    assert len(run("one record").steps) == 1
    for panel in ("strengths", "loss", "sharpness"):
        assert {row["kind"] for row in line_rows(spec_of(panel, "one record"))} == {"points"}
    flow = Run(name="GF", stroke="thin", columns={"step": [0], "t": [0.0], "x": [1.0]})
    panel = SeriesPanel(title="Line", lines=(Line("GF", "x", "x"),))
    spec = charts.still(Scene(runs=(flow,), panels=(panel,))).to_dict()
    assert line_rows(spec)[0]["kind"] == "points"


# --- One encoding ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["paper", "three pathways", "several modes", "eight pathways"])
def test_a_pathway_keeps_its_colour_in_every_panel(name: str):
    result = run(name)
    pathways = result.strengths.shape[1]
    found: dict[int, set[str]] = {h: set() for h in range(pathways)}
    for mode in range(result.strengths.shape[2]):
        looks = look(drawn(result, "strengths", mode=mode))
        for h in range(pathways):
            found[h].add(looks[style.strength_label(h, mode)][0])
    looks = look(drawn(result, "invariants"))
    for h in range(1, pathways):
        found[h].add(looks[f"φ{style.subscript(h + 1)} − φ₁"][0])
    for h, colours in found.items():
        (colour,) = colours
        assert style.HUES[h % 6].lower() in colour
    heads = [v["mark"]["color"]["expr"] for v in views(maps_of(result)) if mark_of(v) == "rule"]
    assert heads == [style.shade(h).expression for h in range(pathways)] + [style.MUTED.expression]


def shapes(spec: dict[str, Any]) -> dict[str, str]:
    """The marker of each line."""
    found = [view for view in views(spec) if mark_of(view) == "point" and "shape" in view["mark"]]
    return {
        line: view["mark"]["shape"]
        for view in found
        for line in view["transform"][0]["filter"]["oneOf"]
    }


def test_without_colours_a_pathway_is_told_by_its_marker():
    spec = drawn([Named("GD", run("paper")), Named("GF", run("flow"))], "strengths")
    assert shapes(spec) == {
        "σ₁₁": "circle",
        "σ₂₁": "triangle-up",
        "σ₁₁ GF": "circle",
        "σ₂₁ GF": "triangle-up",
    }
    legend = encodings(spec, "color")[0]["legend"]
    assert '"σ₂₁": "▲ σ₂₁"' in legend["labelExpr"]
    assert shapes(spec_of("strengths", "single pathway")) == {}  # there is nothing to tell apart
    assert shapes(spec_of("loss", "paper")) == {}
    eight = shapes(spec_of("strengths", "eight pathways"))
    looks = look(spec_of("strengths", "eight pathways"))
    assert len({(eight[name], *looks[name]) for name in looks}) == 8


def test_markers_stand_on_records():
    result = run("paper")
    marked = rows(drawn(result, "strengths"), "point", "line")
    known = set(zip(result.time.tolist(), result.strengths[:, 0, 0].tolist(), strict=True))
    first = [(row["x"], row["value"]) for row in marked if row["line"] == "σ₁₁"]
    assert len(first) >= 3
    assert set(first) <= known


def test_past_six_pathways_the_dash_tells_them_apart():
    looks = look(spec_of("strengths", "eight pathways"))
    assert len(looks) == len(set(looks.values())) == 8


def test_descent_is_points_and_flow_a_thin_line_both_solid():
    spec = drawn([Named("GD", run("paper")), Named("GF", run("flow"))], "loss")
    looks = look(spec)
    assert float(looks["GD"][1]) == style.WIDTHS["points"] > style.WIDTHS["thin"]
    assert float(looks["GF"][1]) == style.WIDTHS["thin"]
    assert looks["GD"][2] == looks["GF"][2] == str(list(style.SOLID))
    assert {row["kind"] for row in line_rows(spec, "GD")} == {"points"}
    assert {row["kind"] for row in line_rows(spec, "GF")} == {"line"}


def test_the_width_of_each_line_is_its_own():
    # Vega-Lite spaces the widths of a nominal scale evenly from the first to the last
    spec = charts.still(
        panels.sharpness_and_gfs([Named("GD", run("paper")), Named("GF", run("flow"))])
    ).to_dict()
    scale = next(e["scale"] for e in encodings(spec, "strokeWidth") if "scale" in e)
    assert scale["type"] == "ordinal"
    widths = dict(zip(scale["domain"], scale["range"], strict=True))
    assert widths == {"GD": 1.6, "GF": 1.2, "GFS sharpness": 1.3}


def test_central_flow_is_dotted():
    t = np.linspace(0.0, 4.0, 200)
    columns = {"step": np.arange(200), "t": t, "x": t, "y": t}
    central = Run(name="CF", stroke="dotted", columns=columns)
    lines = SeriesPanel(title="Line", lines=(Line("CF", "x", "x"),))
    plane = panels.scene.PlanePanel(title="Plane", trails=(Trail("CF", "x", "y", "CF"),))
    scene = Scene(runs=(central,), panels=(lines, plane))
    assert look(charts.still(scene, 0).to_dict())["x"][2] == str(list(style.DOTS))
    trail = rows(charts.still(scene, 1).to_dict(), "rule", "x_before")
    gaps = np.mean([row["x_before"] is None for row in trail])
    assert gaps == pytest.approx(style.DOTS[1] / sum(style.DOTS), abs=0.05)


def test_the_same_line_has_one_pen_on_canvas_and_in_a_still():
    # ink.js, lineStyle: hue by pathway, dash by further hues and smooth runs, paler descents
    assert style.pen(7, "points").dash == style.DASHES[1]
    assert style.pen(0, "thin", 2).dash == style.DASHES[2]
    assert style.pen(0, "points", 2).dash == style.SOLID
    assert style.pen(0, "points", 2).shade == style.shade(0, 2) != style.shade(0)
    assert style.pen("edge", "points", theory=True)[:2] == (1.3, style.THEORY_DASH)
    assert style.shade("edge", 9) == style.shade("edge", 3)


@pytest.mark.parametrize(("name", "differ"), [("flow", 2), ("paper", 0)])
def test_runs_of_one_kind_are_told_apart(name: str, differ: int):
    """Smooth ones by dash, descents by how pale they are: points cannot be dashed."""
    looks = look(drawn([Named(each, run(name)) for each in ("a", "b", "c")], "loss"))
    assert len({seen[differ] for seen in looks.values()}) == 3


def test_a_flow_beside_a_descent_shares_its_steps():
    spec = drawn([Named("GD", run("paper")), Named("GF", run("flow"))], "loss", axis="step")
    flow = line_rows(spec, "GF")
    assert [row["x"] for row in flow] == pytest.approx([row["time"] * 13 / 2 for row in flow])
    assert encodings(spec, "x")[0]["title"] == "step of GD"


def ramp(records: int = 21) -> Run:
    """A descent whose step size falls on the way: t is no multiple of the step."""
    step = np.arange(records)
    columns = {"step": step, "t": np.sqrt(step), "x": step, "edge": 2.0 + step}
    return Run(name="GD", columns=columns)


def beside(counted: Run, times: list[float]) -> list[float]:
    """Where a still places a flow on the steps of a descent."""
    t = np.array(times)
    flow = Run(name="GF", stroke="thin", columns={"step": np.arange(len(t)), "t": t, "x": t})
    lines = (Line("GF", "x", "flow"), Line("GD", "x", "descent"))
    scene = Scene(runs=(flow, counted), panels=(SeriesPanel(title="Line", lines=lines),))
    return [row["x"] for row in line_rows(charts.still(scene, axis="step").to_dict(), "flow")]


def test_steps_come_from_the_records_and_not_from_a_step_size():
    assert beside(ramp(), [0.0, 1.0, 2.0, 4.0]) == pytest.approx([0.0, 1.0, 4.0, 16.0])
    last = np.sqrt(20.0) - np.sqrt(19.0)  # beyond its end, at the rate of its last step
    assert beside(ramp(), [0.0, np.sqrt(20.0) + last]) == pytest.approx([0.0, 21.0])
    assert beside(ramp(1), [0.0, 1.0]) == [0.0, 1.0]  # one record has no rate: over time


def test_an_edge_that_changes_is_a_dashed_line():
    lines = (Line("GD", "x", "x"), Line("GD", "edge", "2/η", "edge", theory=True))
    scene = Scene(runs=(ramp(),), panels=(SeriesPanel(title="Sharpness", lines=lines),))
    spec = charts.still(scene).to_dict()
    assert [row["value"] for row in line_rows(spec, "2/η")] == list(ramp().columns["edge"])
    assert look(spec)["2/η"] == (
        str({"expr": style.EDGE.expression}),
        str(style.THEORY_WIDTH),
        str(list(style.THEORY_DASH)),
    )


@pytest.mark.parametrize("page", ["#ffffff", "#171614", "#0e1117"])
def test_marks_stand_out_from_the_page(page: str):
    light = luminance(page) > 0.5
    hues = [style.shade(h) for h in range(len(style.HUES))]
    shades = [style.INK, style.MUTED, style.EDGE, style.THEORY, *style.PLASMA, *hues]
    for shade in shades:
        colour = shade.light if light else shade.dark
        assert contrast(colour, page) >= 3, colour
    if not light:  # where thin lines are faint
        assert min(contrast(hue.dark, page) for hue in hues) > 5


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    dim, bright = sorted(luminance(colour) for colour in (one, other))
    return (bright + 0.05) / (dim + 0.05)


def test_labels():
    assert style.strength_label(0, 0) == "σ₁₁"
    assert style.strength_label(1, 2) == "σ₂₃"
    assert style.strength_label(9, 1) == "σ₁₀,₂"
    assert style.target_label(0) == "σ*₁"
    assert style.short(2 / 13) == "0.154"
    assert style.short(13.0) == "13"


def test_step_sizes_that_differ_share_no_axis_of_steps():
    small = simulate(experiment(0.05, 60))
    runs = [Named("GD", run("paper")), Named("A", small)]
    spec = drawn(runs, "loss", axis="step")
    assert encodings(spec, "x")[0]["title"] == "time t = η · step"
    longer = Named("longer", simulate(experiment(steps=900)))
    spec = drawn([runs[0], longer], "loss", axis="step")  # one step size: one axis counts both
    assert encodings(spec, "x")[0]["title"] == "step of GD"
    assert max(row["x"] for row in line_rows(spec, "longer")) == 900


def test_changes_of_the_rules_stand_on_the_axis_and_the_edge_is_a_staircase():
    changed = experiment(2 / 13, 150, every=7)
    events = StepSize(at=110, value=0.05), Freeze(pathway=1, start=120, stop=140)
    changed = replace(changed, dynamics=replace(changed.dynamics, events=events))
    run_ = simulate(changed)
    scene = panels.simulator([Named("GD", run_)], ["sharpness"])
    assert [change.label for change in scene.runs[0].changes] == [
        "η = 0.05",
        "pathway 2 frozen",
        "pathway 2 released",
    ]
    times = [110 * 2 / 13 + after * 0.05 for after in (0, 10, 30)]
    for axis, places, title in (
        ("time", times, "time t = Σ η"),
        ("step", [110, 120, 140], "step"),
    ):
        spec = drawn([Named("GD", run_)], "sharpness", axis=axis)
        stood = [view for view in views(spec) if "change" in rows_of(spec, view)[0]]
        assert [mark_of(view) for view in stood] == ["rule", "point"]
        for view in stood:
            assert [row["x"] for row in rows_of(spec, view)] == pytest.approx(places)
            assert rows_of(spec, view)[0]["change"] == "step size 0.05 from update 110 on"
        assert encodings(spec, "x")[0]["title"] == title
        steps = [view["mark"].get("interpolate") for view in views(spec)]
        assert steps.count("step-after") == 1


def test_planes_on_one_scale_are_square_and_hold_every_run():
    scenes = [
        panels.simulator([Named("GD", result)], ["plane"])
        for result in (run("paper"), simulate(experiment(2 / 10.7, 200)))
    ]
    specs = [chart.to_dict() for chart in charts.planes(scenes, 200)]
    domains = {
        json.dumps(e["scale"]["domain"]) for s in specs for c in "xy" for e in encodings(s, c)
    }
    assert len(domains) == 1
    low, high = json.loads(domains.pop())
    largest = max(scene.runs[0].columns["s0"].max() for scene in scenes)
    assert low < 0
    assert high > largest
    assert {(spec["width"], spec["height"]) for spec in specs} == {(200, 200)}


# --- What theory adds --------------------------------------------------------------------------


def test_the_edge_and_the_target_are_labelled_directly():
    assert "2/η = 13" in texts(spec_of("sharpness", "paper"))
    assert "σ*₁ = 1" in texts(spec_of("strengths", "paper"))
    assert not any("2/η" in text for text in texts(spec_of("sharpness", "flow")))


def test_an_edge_far_above_does_not_flatten_the_curve():
    spec = drawn(simulate(experiment(0.005, 50)), "sharpness")
    assert "↑ 2/η = 400" in texts(spec)
    levels = [r["value"] for v in views(spec) if mark_of(v) == "rule" for r in rows_of(spec, v)]
    assert 400 not in levels


def test_gfs_sharpness_falls_to_the_sharpness_at_rest():
    gfs = line_rows(spec_of("sharpness with GFS", "paper"), "GFS sharpness")
    assert gfs[0]["value"] == pytest.approx(19.4338, abs=1e-4)  # SCIENCE 4, case 3
    assert gfs[-1]["value"] == pytest.approx(run("paper").sharpness[-1], rel=1e-3)
    assert {row["kind"] for row in gfs} == {"theory"}
    assert "GFS sharpness" not in set(strings(spec_of("sharpness with GFS", "random")))
    assert "GFS sharpness" not in set(strings(spec_of("sharpness", "paper")))


@pytest.mark.parametrize(
    ("eta", "names"),
    [(0.05, {"GD, GF": "right"}), (2 / 10.5, {"GD": "left", "GF": "left"})],
    ids=["end together at the edge of the plot", "end apart"],
)
def test_names_of_runs_in_a_plane_can_be_read(eta, names):
    descent = simulate(experiment(eta, 700))
    flow = simulate(variations.matching_flow(descent.experiment))
    spec = drawn([named(descent), named(flow)], "plane")
    found = {
        row["text"]: view["mark"]["align"]
        for view in views(spec)
        if mark_of(view) == "text"
        for row in rows_of(spec, view)
        if "G" in row["text"]
    }
    assert found == names


def test_the_plane_is_square_and_marks_the_predicted_ends():
    spec = drawn([Named("GD", run("paper")), Named("GF", run("flow"))], "plane")
    domains = {json.dumps(e["scale"]["domain"]) for c in "xy" for e in encodings(spec, c)}
    assert len(domains) == 1
    marks = {row["mark"]: row for row in rows(spec, "point", "mark")}
    assert marks.keys() == {"flattest", "GF end", "λ = 2/η"}
    assert (marks["flattest"]["x"], marks["flattest"]["value"]) == (0.5, 0.5)
    ends = (marks["GF end"]["x"], marks["GF end"]["value"])
    assert ends == pytest.approx((0.984812, 0.015188), abs=1e-6)
    split = (marks["λ = 2/η"]["x"], marks["λ = 2/η"]["value"])
    assert theory.mode_sharpness(split, (20, 20)) == pytest.approx(13)
    assert marks["λ = 2/η"]["note"] == "λ = 13"
    low, high = json.loads(domains.pop())
    assert low < 0  # no mark at the border, where half of it would be cut
    assert high > run("paper").strengths.max()
    assert {"GD", "GF"} <= texts(spec)


def test_ghosts_are_hollow_in_the_colour_of_their_pathway():
    spec = drawn(run("paper"), "strengths")
    marks = rows(spec, "point", "mark")
    assert [row["mark"] for row in marks] == ["σ₁₁, λ = 2/η", "σ₂₁, λ = 2/η"]
    assert {row["x"] for row in marks} == {run("paper").time[-1]}
    (stroke,) = [e["scale"] for e in encodings(spec, "stroke")]
    assert stroke["range"] == [{"expr": style.shade(h).expression} for h in range(2)]
    (fill,) = [e["scale"] for e in encodings(spec, "fill")]
    assert fill["range"] == [{"expr": "'transparent'"}] * 2


def test_the_trail_is_the_run_coloured_by_time():
    result = run("paper")
    drawn = rows(spec_of("plane", "paper"), "point", "value_before")
    trail = np.array([[row["x"], row["value"]] for row in drawn])
    before = np.array([[row["x_before"], row["value_before"]] for row in drawn])
    np.testing.assert_array_equal(trail, result.strengths[:, :, 0])
    np.testing.assert_array_equal(before[1:], trail[:-1])
    color = encodings(spec_of("plane", "paper"), "color")[0]
    assert color["field"] == "time"
    assert color["scale"]["domain"][-1] == result.time[-1]


def test_several_closed_forms_are_named_at_their_ends():
    spec = spec_of("eigenvalues", "several modes")
    assert {"Λ₁₁", "Λ₁₂", "Λ₂₂", "Λ₁₃"} <= texts(spec)
    legends = [e["legend"]["values"] for e in encodings(spec, "color") if e.get("legend")]
    assert legends[0] == [f"λ{style.subscript(k)}" for k in range(1, 6)]


def test_flow_keeps_the_invariants_and_descent_moves_them():
    flow = [row["value"] for row in line_rows(spec_of("invariants", "flow"))]
    assert np.abs(flow).max() < 1e-4  # of an integrator with rtol 1e-8
    descent = [row["value"] for row in line_rows(spec_of("invariants", "paper"))]
    assert descent[0] == 0
    assert descent[-1] > 2
    (equal,) = [row["value"] for row in rows(spec_of("invariants", "paper"), "rule", "text")]
    phi = theory.flow_invariants((0.002, 0.0017), (20, 20))
    assert equal == pytest.approx(phi[0] - phi[1])
    assert descent[-1] < equal  # partly re-balanced
    assert "σ₂ = σ₁" in texts(spec_of("invariants", "paper"))


def test_shares_run_from_one_to_h():
    for panel, domain in (("sharing", [0, 1.02]), ("participation", [0.9, 3.1])):
        y = encodings(spec_of(panel, "three pathways"), "y")[0]
        assert y["scale"]["domain"] == domain


@pytest.mark.parametrize("name", ["several modes", "random", "three pathways"])
def test_maps_are_those_of_the_run_in_the_bases_of_the_target(name: str):
    result = run(name)
    left, right = result.experiment.task.bases()
    for record in (-1, 0, 2):
        spec = maps_of(result, record)
        cells = rows(spec, "rect", "entry")
        inner = left.T @ result.maps @ right
        whole = np.concatenate([inner, inner.sum(axis=1, keepdims=True)], axis=1)
        titles = [f"pathway {h + 1}" for h in range(inner.shape[1])] + ["sum"]
        assert len(cells) == whole[record].size
        for row in cells:
            place = titles.index(row["map"]), row["row"] - 1, row["column"] - 1
            assert row["entry"] == whole[record][place]
        domain = encodings(spec, "color")[0]["scale"]["domain"]
        assert domain == [-x for x in reversed(domain)]
        assert domain[-1] >= np.abs(whole).max()


def test_large_maps_show_their_first_rows_and_columns():
    stack = np.arange(2 * 60 * 70.0).reshape(1, 2, 60, 70)
    large = Run(name="GD", columns={"step": [0], "t": [0.0]}, maps={"maps": stack})
    panel = HeatPanel(title="Maps", run="GD", maps="maps", row_label="out", col_label="in")
    spec = charts.still(Scene(runs=(large,), panels=(panel,))).to_dict()
    cells = rows(spec, "rect", "entry")
    shown = max(row["row"] for row in cells)
    assert len(cells) == 2 * shown**2 <= LINE_ROWS < 2 * (shown + 1) ** 2
    assert f"in (first {shown} of 70)" in encodings(spec, "x")[0]["title"]
    assert f"out (first {shown} of 60)" in encodings(spec, "y")[0]["title"]
    for row in cells[:: len(cells) // 7]:
        place = int(row["map"][-1]) - 1, row["row"] - 1, row["column"] - 1
        assert row["entry"] == stack[0][place]


def test_the_minima_within_reach_are_those_flatter_than_the_edge():
    spec = spec_of_theory("minima")
    reach = [row for row in rows(spec, "area", "rest") if row["x"] is not None]
    assert all(row["value"] <= 13 * (1 + 1e-9) for row in reach)
    ends = reach[0]["x"], reach[-1]["x"]
    borders = theory.edge_splits(1.0, (20, 20), 2 / 13)
    assert ends == pytest.approx((borders[0][0], borders[-1][0]))
    for row in rows(spec, "line", "rest"):
        assert row["x"] + row["rest"] == pytest.approx(1)
        assert row["value"] == theory.mode_sharpness((row["x"], row["rest"]), (20, 20))
    kinds = [row["mark"] for row in rows(spec, "point", "mark")]
    assert sorted(kinds) == ["GF end", "flattest", "this split", "λ = 2/η", "λ = 2/η"]


def test_no_minimum_within_reach_is_shaded():
    spec = spec_of_theory("minima out of reach")
    assert "area" not in {mark_of(view) for view in views(spec)}


def test_gain_is_the_closed_form():
    drawn = rows(charts.gain().to_dict(), "line", "pathways")
    assert {row["pathways"] for row in drawn} == {1, 2, 3, 4, 8}
    for row in drawn:
        assert row["value"] == pytest.approx(row["pathways"] ** (2 / row["x"] - 1), rel=1e-9)


@pytest.mark.parametrize(
    ("depths", "text"), [((20, 20), "L = 20"), ((3, 5), "L = 3, 5"), ((5, 3, 3), "L = 5, 3, 3")]
)
def test_the_ring_is_what_these_depths_gain(depths: tuple[int, ...], text: str):
    spec = charts.gain(here=depths, singular_value=2.0).to_dict()
    (ring,) = rows(spec, "point", "text")
    alone = max(theory.single_path_sharpness(2.0, depth) for depth in depths)
    assert ring["value"] == pytest.approx(theory.balanced_sharpness(2.0, depths) / alone)
    assert (ring["x"], ring["text"]) == (max(depths), text)


# --- Words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chart", "name", "words"),
    [
        ("sharpness", "no sharpness", "No sharpness was recorded"),
        ("eigenvalues", "no sharpness", "No eigenvalues beyond the largest were recorded"),
        ("eigenvalues", "paper", "No eigenvalues beyond the largest were recorded"),
        ("gfs", "random", "Only aligned, balanced starts"),
        ("sharing", "single pathway", "A share needs two pathways"),
        ("participation", "single pathway", "The participation ratio needs two pathways"),
        ("plane", "single pathway", "The plane needs two pathways"),
        ("invariants", "single pathway", "An invariant compares two pathways"),
        ("invariants", "random", "Only aligned, balanced starts"),
    ],
)
def test_nothing_to_show_is_said(chart: str, name: str, words: str):
    (text,) = texts(spec_of(chart, name))
    assert text.replace("\n", " ").startswith(words)


def loss() -> Scene:
    return panels.simulator([named(run("paper"))], ["loss"])


REFUSED = {
    'scale must be "log" or "linear"': lambda: charts.still(loss(), scale="cubic"),
    'axis must be "time" or "step"': lambda: charts.still(loss(), axis="epoch"),
    r"panel must be one of \['loss'\]": lambda: charts.still(loss(), "speed"),
    "a number below 1, got 1": lambda: charts.still(loss(), 1),
    "record must be from -1 to 0": lambda: maps_of(run("one record"), record=1),
    "two pathways for the minima line": lambda: charts.minima_curve(1.0, (3, 3, 3), 0.1),
    "draw fewer runs": lambda: drawn(
        [Named(str(k), run("single pathway")) for k in range(2500)], "loss"
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_bad_input_is_refused_in_a_sentence(words: str):
    with pytest.raises(ValueError, match=words):
        REFUSED[words]()


def test_charts_leave_the_theme_to_the_page():
    assert charts.still(loss()).config is alt.Undefined


def test_charts_leave_altair_as_they_found_it():
    before = alt.data_transformers.active, alt.data_transformers.options, alt.theme.active
    charts.still(loss()).to_dict()
    assert (alt.data_transformers.active, alt.data_transformers.options, alt.theme.active) == before


@pytest.mark.parametrize(
    "dynamics",
    [
        Descent(step_size=0.15, steps=9, momentum=0.9),
        Descent(step_size=0.15, steps=9, momentum=0.9, nesterov=True),
        Descent(step_size=0.15, steps=9, weight_decay=2.0),
        Descent(step_size=2.0, steps=9, weight_decay=2.0),  # nothing is stable
    ],
    ids=["momentum", "nesterov", "decay", "much decay"],
)
def test_the_minima_within_reach_are_those_of_the_dynamics_edge(dynamics):
    edge, symbol = dynamics.edge, dynamics.edge_symbol
    curve = charts.minima_curve(1.0, (20, 20), dynamics.eta, edge=edge, symbol=symbol)
    spec = curve.to_dict()
    for row in rows(spec, "line", "rest"):
        assert row["value"] == theory.mode_sharpness((row["x"], row["rest"]), (20, 20))
    areas = [rows_of(spec, view) for view in views(spec) if mark_of(view) == "area"]
    inside = [row for area in areas for row in area if row["x"] is not None]
    assert all(row["value"] <= edge * (1 + 1e-9) for row in inside)
    assert bool(inside) == (edge > theory.balanced_sharpness(1.0, (20, 20)))
    words = json.dumps(spec, ensure_ascii=False)
    assert f"{symbol} = {style.short(edge)}" in words
    assert "2/η =" not in words or symbol.startswith("2/η")
