"""Charts: valid specs, honest data, one encoding, and words where there is nothing to draw."""

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
from cases import CASES

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    Network,
    Outcome,
    Record,
    Spectrum,
    Trajectory,
    Tree,
    simulate,
    theory,
)
from simcore.figures import charts, style
from simcore.figures.parts import LINE_ROWS


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
KINDS = (*list(EXPERIMENTS)[5:], "one record")  # on which every chart is tried


@cache
def run(name: str) -> Trajectory:
    return first_record(run("paper")) if name == "one record" else simulate(EXPERIMENTS[name])


def first_record(result: Trajectory) -> Trajectory:
    """As of a run that diverged in its first step."""
    arrays = ("steps", "time", "loss", "strengths", "eigenvalues", "residuals", "maps")
    cut = {name: getattr(result, name)[:1] for name in (*arrays, "loss_range", "strengths_range")}
    return replace(result, outcome=Outcome.DIVERGED, **cut)


OF_A_RUN = {
    "strengths": lambda r: charts.strengths(r, total=True),
    "plane": charts.plane,
    "loss": charts.loss,
    "linear loss": lambda r: charts.loss(r, scale="linear"),
    "sharpness": charts.sharpness,
    "top sharpness": lambda r: charts.sharpness(r, top=3),
    "sharing": charts.sharing,
    "eigenvalues": charts.eigenvalues,
    "invariants": charts.invariants,
    "maps": charts.maps,
}
MARKS = theory.step_size_marks(EXPERIMENTS["paper"])
OF_THEORY = {
    "minima": lambda: charts.minima_curve(1.0, (20, 20), 2 / 13, (0.7, 0.3), (0.98, 0.02)),
    "minima out of reach": lambda: charts.minima_curve(1.0, (20, 20), 0.3),
    "minima of nothing": lambda: charts.minima_curve(0.0, (3, 5), 0.3),
    "gain": lambda: charts.gain(here=(20, 2)),
}


@cache
def spec_of(chart: str, name: str) -> dict[str, Any]:
    """The spec, validated against the schema of Vega-Lite."""
    return OF_A_RUN[chart](run(name)).to_dict()


@cache
def spec_of_theory(chart: str) -> dict[str, Any]:
    return OF_THEORY[chart]().to_dict()


def every_spec() -> Iterator[tuple[str, dict[str, Any]]]:
    for chart, name in itertools.product(OF_A_RUN, KINDS):
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
        assert "width" not in spec, name  # the page gives it
        assert spec["description"].endswith("."), name


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
        assert sum(map(len, spec["datasets"].values())) <= charts.MAX_ROWS, name


@pytest.mark.parametrize(
    "draw", [charts.strengths, charts.plane, charts.loss, charts.sharpness, charts.sharing]
)
def test_many_long_runs_share_the_rows(draw: Any):
    runs = [(f"{k}", run("long")) for k in range(5)]
    spec = draw(runs).to_dict()
    assert sum(map(len, spec["datasets"].values())) <= charts.MAX_ROWS


def test_a_line_has_at_most_2000_points():
    loss = rows(spec_of("loss", "long"), "line", "value")
    assert 1000 < len(loss) <= charts.MAX_POINTS


ODD = ("depth 1 beside 3", "zero modes", "equal modes", "layer scales", "layers at zero")


@pytest.mark.parametrize("name", [*ODD, "negative scales"])
def test_odd_architectures_can_be_drawn(name: str):
    result = simulate(replace(CASES[name], record=Record(every=5, eigenvalues=2, maps=True)))
    for chart in ("strengths", "plane", "sharpness", "sharing", "eigenvalues", "invariants"):
        assert OF_A_RUN[chart](result).to_dict()["layer"], chart


# --- Honest data -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["paper", "flow", "eight pathways", "long", "diverged"])
@pytest.mark.parametrize("axis", ["time", "step"])
def test_strengths_are_those_of_the_run(name: str, axis: str):
    result = run(name)
    place = {float(t): k for k, t in enumerate(result.time)}
    drawn = rows(charts.strengths(result, axis=axis).to_dict(), "line", "pathway")
    assert {row["pathway"] for row in drawn} == set(range(1, result.strengths.shape[1] + 1))
    for row in drawn:
        k = place[row["time"]]
        assert row["value"] == result.strengths[k, row["pathway"] - 1, 0]
        assert row["x"] == (result.time if axis == "time" else result.steps)[k]
        assert row["step"] == result.steps[k]


@pytest.mark.parametrize("name", ["paper", "flow", "long"])
def test_loss_sharpness_and_shares_are_those_of_the_run(name: str):
    result = run(name)
    place = {float(t): k for k, t in enumerate(result.time)}
    for row in rows(spec_of("linear loss", name), "line", "low"):
        assert row["value"] == result.loss[place[row["time"]]]
    for row in rows(spec_of("sharpness", name), "line", "low"):
        assert row["value"] == result.sharpness[place[row["time"]]]
    for row in rows(spec_of("sharing", name), "line", "low"):
        sigma = result.strengths[place[row["time"]], :, 0]
        assert row["value"] == pytest.approx(sigma.max() / sigma.sum(), rel=1e-12)


@pytest.mark.parametrize("name", ["long", "oscillating", "coarse"])
def test_bands_hold_everything_between_the_points(name: str):
    result = run(name)
    place = {float(t): k for k, t in enumerate(result.time)}
    drawn = rows(spec_of("strengths", name), "area", "low")
    for h in range(2):
        last = -1
        for row in (row for row in drawn if row["pathway"] == h + 1):
            k = place[row["time"]]
            since = result.strengths_range[last + 1 : k + 1, :, h, 0]
            assert (row["low"], row["high"]) == (since[:, 0].min(), since[:, 1].max())
            last = k
        assert last == len(result.steps) - 1


def test_a_two_cycle_is_drawn_as_one():
    result = run("oscillating")
    low, high = np.sort(result.strengths[-2:, 0, 0])
    assert high - low > 0.05  # it is one
    drawn = rows(spec_of("strengths", "oscillating"), "line", "pathway")
    tail = [row["value"] for row in drawn if row["pathway"] == 1][-20:]
    assert len(drawn) < 2 * len(result.steps)  # thinned
    assert min(tail) == pytest.approx(low, abs=1e-6)
    assert max(tail) == pytest.approx(high, abs=1e-6)


def test_an_axis_that_is_cut_says_so():
    assert run("diverged").outcome is Outcome.DIVERGED
    (y,) = {json.dumps(e) for e in encodings(spec_of("strengths", "diverged"), "y") if "scale" in e}
    assert "cut at 3" in json.loads(y)["title"]
    assert json.loads(y)["scale"]["domain"] == [0, 3]
    assert "cut" not in json.dumps(spec_of("strengths", "paper"))


def test_a_log_scale_leaves_out_zeros_and_cuts_below_16_decades():
    result = run("paper")
    zeroed = replace(result, loss=np.where(np.arange(651) % 7 == 3, 0.0, result.loss))
    drawn = rows(charts.loss(zeroed).to_dict(), "line", "value")
    assert [row["value"] is None for row in drawn] == list(zeroed.loss == 0)
    tiny = replace(result, loss=result.loss * 10.0 ** -np.arange(651))
    y = encodings(charts.loss(tiny).to_dict(), "y")[0]
    assert y["scale"]["domain"][0] == pytest.approx(result.loss_range.max() * 1e-16)
    assert "cut" in y["title"]


def test_what_is_not_finite_breaks_the_line():
    result = run("paper")
    holed = result.eigenvalues.copy()
    holed[10], holed[20] = np.nan, np.inf
    drawn = rows(charts.sharpness(replace(result, eigenvalues=holed)).to_dict(), "line", "low")
    assert [k for k, row in enumerate(drawn) if row["value"] is None] == [10, 20]


def test_a_single_record_is_seen():
    assert len(run("one record").steps) == 1
    for chart in ("strengths", "loss", "sharpness"):
        marks = [view["mark"] for view in views(spec_of(chart, "one record"))]
        assert any(mark.get("point", {}).get("opacity") == 1 for mark in marks), chart


# --- One encoding ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["paper", "three pathways", "several modes", "eight pathways"])
def test_a_pathway_keeps_its_colour_in_every_chart(name: str):
    result = run(name)
    pathways = result.strengths.shape[1]
    specs = [charts.strengths(result, mode=m) for m in range(result.strengths.shape[2])]
    specs += [charts.strengths(result, total=True), charts.invariants(result)]
    for chart in specs:
        scales = [e["scale"] for e in encodings(chart.to_dict(), "color") if "scale" in e]
        assert scales
        for scale in scales:
            assert scale["domain"] == list(range(1, pathways + 1))
            assert scale["range"] == [style.HUES[h % 6] for h in range(pathways)]
    heads = rows(charts.maps(result).to_dict(), "rule", "hue")
    assert [row["hue"] for row in heads] == [style.HUES[h % 6] for h in range(pathways)]


def test_past_six_pathways_the_dash_tells_them_apart():
    encoded = encodings(spec_of("strengths", "eight pathways"), "strokeDash")[0]
    dashes = encoded["scale"]["range"]
    assert encoded["field"] == "pathway"
    looks = {(style.HUES[h % 6], tuple(dash)) for h, dash in enumerate(dashes)}
    assert len(looks) == 8


def test_descent_is_thick_flow_thin_and_both_solid():
    spec = charts.strengths([("GD", run("paper")), ("GF", run("flow"))]).to_dict()
    (width,) = {json.dumps(e["scale"]) for e in encodings(spec, "strokeWidth")}
    (dash,) = {json.dumps(e["scale"]) for e in encodings(spec, "strokeDash")}
    assert json.loads(width)["domain"] == ["GD", "GF"]
    thick, thin = json.loads(width)["range"]
    assert thick > thin
    assert json.loads(dash)["range"] == [list(style.SOLID)] * 2


def test_runs_of_one_kind_are_told_apart_by_dash():
    runs = [(name, run("paper")) for name in ("a", "b", "c")]
    dashes = encodings(charts.loss(runs).to_dict(), "strokeDash")[0]["scale"]["range"]
    assert len({tuple(dash) for dash in dashes}) == 3


def test_a_flow_beside_a_descent_shares_its_steps():
    spec = charts.loss([("GD", run("paper")), ("GF", run("flow"))], axis="step").to_dict()
    drawn = [row for row in rows(spec, "line", "value") if row["line"] == "GF"]
    assert [row["x"] for row in drawn] == pytest.approx([row["time"] * 13 / 2 for row in drawn])


@pytest.mark.parametrize("page", ["#ffffff", "#171614", "#0e1117"])
def test_marks_stand_out_from_the_page(page: str):
    light = luminance(page) > 0.5
    shades = [style.INK, style.MUTED, style.EDGE, style.THEORY, *style.PLASMA, *style.REGIMES]
    colours = [*style.HUES, *((shade.light if light else shade.dark) for shade in shades)]
    for colour in colours:
        assert contrast(colour, page) >= 3, colour


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


# --- What theory adds --------------------------------------------------------------------------


def test_the_edge_and_the_target_are_labelled_directly():
    assert "2/η = 13" in texts(spec_of("sharpness", "paper"))
    assert "σ*₁ = 1" in texts(spec_of("strengths", "paper"))
    assert not any("2/η" in text for text in texts(spec_of("sharpness", "flow")))


def test_an_edge_far_above_does_not_flatten_the_curve():
    spec = charts.sharpness(simulate(experiment(0.005, 50))).to_dict()
    assert "↑ 2/η = 400" in texts(spec)
    levels = [r["value"] for v in views(spec) if mark_of(v) == "rule" for r in rows_of(spec, v)]
    assert 400 not in levels


def test_gfs_sharpness_falls_to_the_sharpness_at_rest():
    spec = spec_of("sharpness", "paper")
    gfs = [r for v in views(spec) if mark_of(v) == "line" for r in rows_of(spec, v)]
    gfs = [row["value"] for row in gfs if row["line"] == "GFS sharpness"]
    assert gfs[0] == pytest.approx(19.4338, abs=1e-4)  # SCIENCE 4, case 3
    assert gfs[-1] == pytest.approx(run("paper").sharpness[-1], rel=1e-3)
    assert "GFS sharpness" not in set(strings(spec_of("sharpness", "random")))
    without = charts.sharpness(run("paper"), gfs=False).to_dict()
    assert "GFS sharpness" not in set(strings(without))


def test_the_plane_is_square_and_marks_the_predicted_ends():
    spec = charts.plane([("GD", run("paper")), ("GF", run("flow"))]).to_dict()
    domains = {json.dumps(e["scale"]["domain"]) for c in "xy" for e in encodings(spec, c)}
    assert len(domains) == 1
    marks: dict[str, list[tuple[float, float]]] = {}
    for row in rows(spec, "point", "mark"):
        marks.setdefault(row["mark"], []).append((row["value"], row["other"]))
    assert marks.keys() == {"flattest split", "GF end", "λ = 2/η"}
    assert marks["flattest split"] == [(0.5, 0.5)]
    assert marks["GF end"][0] == pytest.approx((0.984812, 0.015188), abs=1e-6)
    for split in marks["λ = 2/η"]:
        assert theory.mode_sharpness(split, (20, 20)) == pytest.approx(13)
    low, high = json.loads(domains.pop())
    assert low < 0  # no mark at the border, where half of it would be cut
    assert high > run("paper").strengths.max()


def test_the_trail_is_the_run_coloured_by_time():
    result = run("paper")
    drawn = rows(spec_of("plane", "paper"), "point", "other_before")
    trail = np.array([[row["value"], row["other"]] for row in drawn])
    before = np.array([[row["value_before"], row["other_before"]] for row in drawn])
    np.testing.assert_array_equal(trail, result.strengths[:, :, 0])
    np.testing.assert_array_equal(before[1:], trail[:-1])
    color = encodings(spec_of("plane", "paper"), "color")[0]
    assert color["field"] == "time"
    assert color["scale"]["domain"][-1] == result.time[-1]


def test_random_starts_have_no_ghosts_of_flow():
    kinds = {row["mark"] for row in rows(spec_of("plane", "random"), "point", "mark")}
    assert kinds == {"flattest split"}


def test_at_rest_the_closed_forms_meet_the_eigenvalues():
    spec = spec_of("eigenvalues", "several modes")
    measured = rows(spec, "line", "low")
    closed = next(
        found
        for view in views(spec)
        if mark_of(view) == "line" and "low" not in (found := rows_of(spec, view))[0]
    )
    last = max(row["step"] for row in measured)
    ends = sorted(row["value"] for row in measured if row["step"] == last)
    predicted = {row["what"]: row["value"] for row in closed if row["step"] == last}
    assert predicted.keys() == {"Λ₁₁", "Λ₁₂", "Λ₂₂", "Λ₁₃"}
    twice = [predicted[name] for name in ("Λ₁₁", "Λ₁₂", "Λ₁₂", "Λ₂₂", "Λ₁₃")]
    np.testing.assert_allclose(ends, sorted(twice), rtol=2e-3)


def test_flow_keeps_the_invariants_and_descent_moves_them():
    flow = [row["value"] for row in rows(spec_of("invariants", "flow"), "line", "low")]
    assert np.abs(flow).max() < 1e-4  # of an integrator with rtol 1e-8
    descent = [row["value"] for row in rows(spec_of("invariants", "paper"), "line", "low")]
    assert descent[0] == 0
    assert descent[-1] > 2
    equal = [row["value"] for row in rows(spec_of("invariants", "paper"), "rule", "pathway")]
    phi = theory.flow_invariants((0.002, 0.0017), (20, 20))
    assert equal == pytest.approx([phi[0] - phi[1]])
    assert descent[-1] < equal[0]  # partly re-balanced


def test_shares_run_from_one_to_h():
    spec = spec_of("sharing", "three pathways")
    domains = {json.dumps(e["scale"]["domain"]) for e in encodings(spec, "y") if "scale" in e}
    assert domains == {"[0, 1]", "[0, 3]"}
    assert spec["resolve"]["scale"]["y"] == "independent"


@pytest.mark.parametrize("name", ["several modes", "random", "three pathways"])
def test_maps_are_those_of_the_run_in_the_bases_of_the_target(name: str):
    result = run(name)
    left, right = result.experiment.task.bases()
    for record in (-1, 0, 2):
        spec = charts.maps(result, record).to_dict()
        drawn = rows(spec, "rect", "entry")
        inner = left.T @ result.maps[record] @ right
        assert len(drawn) == inner.size
        for row in drawn:
            entry = inner[row["pathway"] - 1, row["output"] - 1, row["input"] - 1]
            assert row["entry"] == entry
        domain = encodings(spec, "color")[0]["scale"]["domain"]
        assert domain == [-x for x in reversed(domain)]
        assert domain[-1] >= np.abs(inner).max()


def test_large_maps_show_their_first_modes():
    size = 60
    maps = np.zeros((1, 2, size, size))
    base = run("one record")
    task = Spectrum(singular_values=tuple(np.linspace(2, 1, size)))
    large = replace(base, experiment=replace(base.experiment, task=task), maps=maps)
    spec = charts.maps(large).to_dict()
    drawn = rows(spec, "rect", "entry")
    shown = max(row["output"] for row in drawn)
    assert len(drawn) == 2 * shown**2 <= LINE_ROWS < 2 * (shown + 1) ** 2
    assert f"(first {shown} of {size})" in encodings(spec, "x")[0]["title"]


def test_the_minima_within_reach_are_those_flatter_than_the_edge():
    spec = spec_of_theory("minima")
    reach = [row for row in rows(spec, "area", "rest") if row["value"] is not None]
    assert all(row["other"] <= 13 * (1 + 1e-9) for row in reach)
    ends = reach[0]["value"], reach[-1]["value"]
    borders = theory.edge_splits(1.0, (20, 20), 2 / 13)
    assert ends == pytest.approx((borders[0][0], borders[-1][0]))
    for row in rows(spec, "line", "rest"):
        assert row["value"] + row["rest"] == pytest.approx(1)
        assert row["other"] == theory.mode_sharpness((row["value"], row["rest"]), (20, 20))
    kinds = [row["mark"] for row in rows(spec, "point", "mark")]
    assert sorted(kinds) == ["GF end", "flattest split", "this split", "λ = 2/η", "λ = 2/η"]


def test_no_minimum_within_reach_is_shaded():
    spec = spec_of_theory("minima out of reach")
    assert "area" not in {mark_of(view) for view in views(spec)}


def test_gain_is_the_closed_form():
    drawn = rows(charts.gain().to_dict(), "line", "pathways")
    assert {row["pathways"] for row in drawn} == {1, 2, 3, 4, 8}
    for row in drawn:
        assert row["other"] == pytest.approx(row["pathways"] ** (2 / row["value"] - 1), rel=1e-9)


# --- Words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chart", "name", "words"),
    [
        ("sharpness", "no sharpness", "No sharpness was recorded"),
        ("eigenvalues", "no sharpness", "No eigenvalues were recorded"),
        ("plane", "single pathway", "The plane needs two pathways"),
        ("invariants", "single pathway", "An invariant compares two pathways"),
        ("invariants", "random", "Only aligned, balanced starts"),
    ],
)
def test_nothing_to_show_is_said(chart: str, name: str, words: str):
    (text,) = texts(spec_of(chart, name))
    assert text.replace("\n", " ").startswith(words)


REFUSED = {
    "a chart needs at least one run": lambda: charts.loss([]),
    "different names": lambda: charts.loss([("GD", run("paper")), ("GD", run("flow"))]),
    "mode must be from 0 to 0": lambda: charts.strengths(run("paper"), mode=1),
    "mode must be from 0 to 2": lambda: charts.plane(run("several modes"), mode=-1),
    "pathways must be two different ones": lambda: charts.plane(run("paper"), pathways=(0, 2)),
    "got \\(1, 1\\)": lambda: charts.plane(run("paper"), pathways=(1, 1)),
    'scale must be "log" or "linear"': lambda: charts.loss(run("paper"), scale="cubic"),
    'axis must be "time" or "step"': lambda: charts.loss(run("paper"), axis="epoch"),
    "top must be at least 1": lambda: charts.sharpness(run("paper"), top=0),
    "recorded with its maps": lambda: charts.maps(run("flow")),
    "record must be from -1 to 0": lambda: charts.maps(run("one record"), record=1),
    "two pathways for the minima line": lambda: charts.minima_curve(1.0, (3, 3, 3), 0.1),
    "at least one depth": lambda: charts.gain(depths=()),
    "draw fewer runs": lambda: charts.loss([(str(k), run("paper")) for k in range(2500)]),
}


@pytest.mark.parametrize("words", REFUSED)
def test_bad_input_is_refused_in_a_sentence(words: str):
    with pytest.raises(ValueError, match=words):
        REFUSED[words]()


def test_charts_leave_the_theme_to_the_page():
    assert charts.strengths(run("paper")).config is alt.Undefined


def test_charts_leave_altair_as_they_found_it():
    before = alt.data_transformers.active, alt.data_transformers.options, alt.theme.active
    charts.strengths(run("paper")).to_dict()
    assert (alt.data_transformers.active, alt.data_transformers.options, alt.theme.active) == before
