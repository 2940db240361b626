"""The player's scenes: what is refused, what thinning keeps, what is packed."""

from __future__ import annotations

import base64
import dataclasses
import json
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore import regimes
from simcore.caption import Caption
from simcore.figures import style
from simcore.figures.player import MAX_MAP_VALUES, component, payload, standalone
from simcore.figures.scene import (
    MAX_RECORDS,
    Change,
    Curve,
    HeatPanel,
    Level,
    Line,
    Mark,
    Notice,
    PlanePanel,
    Run,
    Scene,
    SeriesPanel,
    Trail,
    kept_records,
    merge_ranges,
    odd_stride,
    thin,
)


def descent(records: int = 9, eta: float = 0.1, **more: np.ndarray) -> Run:
    step = np.arange(records)
    x = 0.5 + 0.4 * (-1.0) ** step
    return Run(name="GD", columns={"step": step, "t": eta * step, "x": x} | more)


def strengths(**changes: object) -> SeriesPanel:
    return dataclasses.replace(
        SeriesPanel(title="Strengths", lines=(Line("GD", "x", "σ₁₁", 0),)), **changes
    )


def scene(run: Run | None = None, *panels: object, **more: object) -> Scene:
    return Scene(runs=(run or descent(),), panels=panels or (strengths(),), **more)


# --- what is refused ------------------------------------------------------------------------


REFUSED = {
    "no run": (lambda: Scene(runs=(), panels=(strengths(),)), "at least one run"),
    "no panel": (lambda: Scene(runs=(descent(),), panels=()), "at least one panel"),
    "same name twice": (
        lambda: Scene(runs=(descent(), descent()), panels=(strengths(),)),
        "different names",
    ),
    "no clock": (
        lambda: Run(name="GD", columns={"step": np.arange(3)}),
        "needs a column 't'",
    ),
    "no records": (lambda: descent(0), "at least one record"),
    "ragged": (lambda: descent(5, y=np.zeros(4)), r"'y' of run 'GD' needs shape \(5,\)"),
    "time runs backwards": (
        lambda: Run(name="GF", stroke="thin", columns={"step": [0, 1], "t": [1.0, 0.0]}),
        "must not decrease",
    ),
    "unknown stroke": (
        lambda: Run(name="GD", stroke="wavy", columns={"step": [0], "t": [0.0]}),
        r"stroke of run 'GD' must be one of \('points', 'thin', 'dotted'\)",
    ),
    "negative eta": (lambda: descent(eta=-0.1), "'t' of run 'GD' must be finite and must not"),
    "unknown run": (
        lambda: scene(None, strengths(lines=(Line("SGD", "x", "x"),))),
        r"names run 'SGD', but the runs are \['GD'\]",
    ),
    "unknown column": (
        lambda: scene(None, strengths(lines=(Line("GD", "y", "y"),))),
        "names 'y', but the columns of run 'GD'",
    ),
    "half a band": (
        lambda: scene(None, strengths(lines=(Line("GD", "x", "x", low="x"),))),
        "both low and high",
    ),
    "no line": (lambda: scene(None, strengths(lines=())), "at least one line"),
    "unknown scale": (lambda: scene(None, strengths(scale="cubic")), "'linear', 'log'"),
    "unknown colour": (
        lambda: scene(None, strengths(levels=(Level(1.0, "one", "pink"),))),
        "pathway index >= 0 or one of",
    ),
    "limits reversed": (lambda: scene(None, strengths(limits=(1.0, 0.0))), "two increasing"),
    "mark without x": (
        lambda: scene(
            None,
            PlanePanel(
                title="Plane", trails=(Trail("GD", "x", "x", "GD"),), marks=(Mark(None, 1, "m"),)
            ),
        ),
        "needs an x in a plane",
    ),
    "curve of triples": (
        lambda: scene(
            None,
            PlanePanel(
                title="Plane",
                trails=(Trail("GD", "x", "x", "GD"),),
                curves=(Curve([(1, 2, 3)], "c"),),
            ),
        ),
        r"shape \(N, 2\)",
    ),
    "flat maps": (
        lambda: dataclasses.replace(descent(4), maps={"maps": np.zeros((4, 2, 2))}),
        r"need shape \(4, M, rows, cols\)",
    ),
    "titles for other maps": (
        lambda: scene(
            dataclasses.replace(descent(4), maps={"maps": np.zeros((4, 2, 3, 3))}),
            HeatPanel(title="Maps", run="GD", maps="maps", titles=("one",)),
        ),
        "needs 2 titles",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_in_a_sentence(case: str) -> None:
    build, words = REFUSED[case]
    with pytest.raises(ValueError, match=words) as refusal:
        build()
    assert "\n" not in str(refusal.value)


# --- thinning -------------------------------------------------------------------------------


@given(count=st.integers(1, 100_000), limit=st.integers(2, 3000))
def test_stride_is_the_smallest_odd_one_that_fits(count: int, limit: int) -> None:
    stride = odd_stride(count, limit)
    kept = kept_records(count, stride)
    assert stride % 2 == 1
    assert len(kept) <= limit
    assert kept[0] == 0
    assert kept[-1] == count - 1
    assert stride == 1 or len(kept_records(count, stride - 2)) > limit


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), limit=st.integers(2, 50))
def test_merged_ranges_cover_every_record_once(values: list[float], limit: int) -> None:
    series = np.array(values)
    kept = kept_records(len(series), odd_stride(len(series), limit))
    low, high = merge_ranges(series, series, kept)
    starts = np.append(0, kept[:-1] + 1)
    for k, (first, last) in enumerate(zip(starts, kept, strict=True)):
        assert low[k] == series[first : last + 1].min()
        assert high[k] == series[first : last + 1].max()


def test_thinning_never_hides_a_period_two_oscillation() -> None:
    thinned = thin(scene(descent(MAX_RECORDS * 7 + 3)))
    steps = thinned.runs[0].columns["step"]
    assert len(steps) <= MAX_RECORDS
    assert set(np.diff(steps[:-1]) % 2) == {1}
    x = thinned.runs[0].columns["x"]
    assert np.all(np.diff(x[:-1]) != 0)


def test_thinning_gives_each_line_a_band_of_what_was_dropped() -> None:
    spike = np.zeros(10 * MAX_RECORDS)
    spike[12_346] = 9.0
    thinned = thin(scene(descent(len(spike), y=spike), strengths(lines=(Line("GD", "y", "y"),))))
    (line,) = thinned.panels[0].lines
    assert thinned.runs[0].columns["y"].max() == 0.0
    assert thinned.runs[0].columns[line.high].max() == 9.0
    assert thinned.runs[0].columns[line.low].max() == 0.0


def test_thinning_merges_the_ranges_a_line_already_has() -> None:
    records = 3 * MAX_RECORDS
    wide = descent(records, low=np.full(records, -1.0), high=np.full(records, 2.0))
    line = Line("GD", "x", "x", low="low", high="high")
    thinned = thin(scene(wide, strengths(lines=(line,))))
    (line,) = thinned.panels[0].lines
    assert set(thinned.runs[0].columns[line.low]) == {-1.0}
    assert set(thinned.runs[0].columns[line.high]) == {2.0}


def test_a_thinned_scene_names_its_thinning_and_a_small_one_is_left_alone() -> None:
    small = scene()
    assert thin(small) is small
    note = thin(scene(descent(5001), note="Paper, figure 1.")).note
    assert note.startswith("Paper, figure 1. ")
    assert "every 3rd of 5,001 records" in note


# --- packing --------------------------------------------------------------------------------


def test_payload_holds_json_and_one_table_per_run() -> None:
    unused = np.ones(9)
    packed = payload(scene(descent(9, unused=unused)))
    json.dumps(packed["scene"], allow_nan=False)
    table = packed["run0"]
    assert isinstance(table, pa.Table)
    assert table.column_names == ["step", "t", "x"]
    assert [str(kind) for kind in table.schema.types] == ["double", "double", "float"]
    np.testing.assert_array_equal(table["step"], np.arange(9))
    np.testing.assert_allclose(table["x"], descent().columns["x"], rtol=1e-7)


def test_references_to_runs_become_numbers_and_phases_keep_their_times() -> None:
    flow = Run(name="GF", stroke="thin", columns={"step": [0, 4], "t": [0.0, 2.0], "x": [0.0, 1.0]})
    gd = dataclasses.replace(descent(9), phases=[("plateau", 0, 0.5), ("settled", 0.5, 0.8)])
    both = Scene(
        runs=(gd, flow),
        panels=(
            strengths(lines=(Line("GF", "x", "x"),)),
            PlanePanel(title="Plane", trails=(Trail("GF", "x", "x", "GF"),)),
        ),
    )
    description = payload(both)["scene"]
    assert [panel["kind"] for panel in description["panels"]] == ["series", "plane"]
    assert description["panels"][0]["lines"][0]["run"] == 1
    assert description["panels"][1]["trails"][0]["run"] == 1
    plateau, settled = description["runs"][0]["phases"]
    assert (plateau["name"], plateau["t0"], settled["t0"]) == ("plateau", 0.0, 0.5)
    assert settled["t1"] == pytest.approx(0.8)


def test_notices_keep_their_times() -> None:
    noted = dataclasses.replace(descent(9), notices=(Notice("label", "Words.", 0.2, 0.7),))
    (found,) = payload(scene(noted))["scene"]["runs"][0]["notices"]
    assert (found["label"], found["words"]) == ("label", "Words.")
    assert (found["t0"], found["t1"]) == pytest.approx((0.2, 0.7))


def test_changes_keep_their_times() -> None:
    changed = dataclasses.replace(descent(9), changes=(Change("η = 0.05", "In words.", 0.35),))
    found = payload(scene(changed))["scene"]["runs"][0]["changes"]
    assert found == [{"label": "η = 0.05", "words": "In words.", "t": 0.35}]


def test_what_is_not_finite_becomes_a_gap() -> None:
    x = np.array([1.0, np.nan, np.inf, 1e300])
    curve = Curve([(0.0, np.nan), (1.0, 1.0)], "curve")
    run = descent(4, y=x)
    plane = PlanePanel(title="Plane", trails=(Trail("GD", "y", "y", "GD"),), curves=(curve,))
    packed = payload(scene(run, plane))
    assert packed["scene"]["panels"][0]["curves"][0]["points"] == [[0.0, None], [1.0, 1.0]]
    assert not np.isfinite(packed["run0"]["y"].to_numpy()[1:]).any()


def test_maps_are_thinned_to_what_a_browser_holds() -> None:
    records, size = 900, 2 * 30 * 30
    maps = np.zeros((records, 2, 30, 30), dtype=np.float32)
    maps[:, 0, 0, 0] = np.arange(records)
    run = dataclasses.replace(descent(records), maps={"maps": maps})
    packed = payload(scene(run, HeatPanel(title="Maps", run="GD", maps="maps")))
    described = packed["scene"]["runs"][0]["maps"]["maps"]
    kept = np.array(described["records"])
    flat = packed["run0.maps"]["maps"].to_numpy()
    assert described["shape"] == [2, 30, 30]
    assert len(flat) == len(kept) * size <= MAX_MAP_VALUES
    assert set(np.diff(kept[:-1]) % 2) == {1}
    assert kept[-1] == records - 1
    np.testing.assert_array_equal(flat.reshape(-1, size)[:, 0], kept)


def test_the_hash_changes_with_the_data_and_only_then() -> None:
    first = payload(scene())["scene"]["hash"]
    assert payload(scene())["scene"]["hash"] == first
    changed = descent(9, x=np.arange(9) / 9)
    assert payload(scene(changed))["scene"]["hash"] != first
    assert payload(scene(seconds=3.0))["scene"]["hash"] != first


def test_a_view_travels_with_the_scene_and_is_no_new_run() -> None:
    view = {"axis": "t", "zoom": (0.1, np.float64(0.5)), "logs": {"loss": True}, "cursor": np.inf}
    packed = payload(scene(view=view))["scene"]
    assert packed["view"] == {
        "axis": "t",
        "zoom": [0.1, 0.5],
        "logs": {"loss": True},
        "cursor": None,
    }
    unseen = payload(scene())["scene"]
    assert unseen["view"] == {}
    assert unseen["hash"] == packed["hash"]


def test_the_encoding_travels_with_the_scene() -> None:
    described = payload(scene(None, strengths(key="strengths")))["scene"]
    assert described["panels"][0]["key"] == "strengths"
    assert described["runs"][0]["stroke"] == "points"
    assert described["style"]["width"].keys() == {*style.WIDTHS, "theory", "guide"}
    assert described["style"]["phases"] == {name: [*pair] for name, pair in style.PHASES.items()}


def test_every_phase_has_a_colour() -> None:
    assert tuple(style.PHASES) == regimes.PHASES


def test_standalone_is_one_file_that_asks_for_nothing() -> None:
    page = standalone(dataclasses.replace(scene(), caption=Caption(title="GD & GF </title>")))
    named = 'xmlns="http://www.w3.org/2000/svg"'  # of the SVG it writes: a name, asked of nobody
    asks = r"https?://|@import|\bsrc=|\burl\((?!#)|<link"
    assert re.findall(asks, page.replace(named, "")) == []
    assert "GD &amp; GF &lt;/title&gt;" in page
    for part in component("page.js").values():
        assert part in page


def test_standalone_holds_the_same_numbers_as_the_payload() -> None:
    page = standalone(scene(None, strengths(title="</script><b>")))
    held = re.search(r'<script type="application/json" id="run-data">(.*?)</script>', page)[1]
    data = json.loads(held)
    packed = payload(scene(None, strengths(title="</script><b>")))
    assert data["scene"] == packed["scene"]
    for name, kind in (("step", "<f8"), ("t", "<f8"), ("x", "<f4")):
        values = np.frombuffer(base64.b64decode(data["run0"][name][1:]), dtype=kind)
        np.testing.assert_array_equal(values, packed["run0"][name].to_numpy())
