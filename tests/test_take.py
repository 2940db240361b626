"""What pages offer to take along: which files, how they are called, and what a map's table has."""

import csv
import io
import re

import pytest
import segno
from streamlit.testing.v1 import AppTest

from pages import _take
from pages._names import PAGES
from simcore import captions, grid, links, presets, sweep, typed
from simcore.figures import charts, paper, style
from simcore.studies import map_table

SMALL = presets.SMALL.experiment

OFFERED = {  # by page: its charts, and its files
    "simulator": ((), ("Offline page", "Data (CSV)", "Data (NPZ)")),
    "matrices": ((), ("Offline page", "Data (CSV)", "Data (NPZ)")),
    "why_flat": (("Sharpness along the minima", "What sharing gains at every depth"), ()),
    "step_size": (
        (
            "Where descent ends, by step size",
            "Lyapunov exponent, by step size",
            "The chain of one pathway",
        ),
        (),
    ),
    "phase_diagram": (("Phase diagram: regime",), ("Cells (CSV)",)),
    "paper_figures": ((f"{presets.SHALLOW.title}: plane",), ()),
    "tour": (("Strength of a pathway",), ()),
    "your_data": ((), ()),
    "about": ((), tuple(p.title for p in (presets.SMALL, presets.MEDIUM, presets.LARGE))),
}


QUICK = {
    "phase_diagram": {"map_x": "eta:3", "map_y": "depth:3", "map_steps": "20"},
    "matrices": links.to_query(presets.BY_NAME["tree-4"].experiment) | {"steps": "5"},
}


def test_every_page_is_asked():
    assert set(OFFERED) == set(PAGES)


@pytest.mark.parametrize("page", OFFERED)
def test_the_menu_of_a_page_offers_its_pictures_and_files(page):
    charts_, files = OFFERED[page]
    app = AppTest.from_file("../app.py", default_timeout=60)
    for name, value in ({"figure": "depth2"} | QUICK.get(page, {})).items():
        app.query_params[name] = value
    app.session_state["take_menu"] = True
    app.session_state["sheet"] = {"width": 300, "height": 200, "dark": True}
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    assert tuple(file.proto.label for file in app.get("download_button")) == files
    chosen = [box.options for box in app.selectbox if box.key == "take_which"]
    assert chosen == ([list(charts_)] if charts_ else [])
    link, python, bibtex = [code.value for code in app.code][:3]
    shown = app.session_state["experiment"]
    assert links.from_query(dict(re.findall(r"([\w.]+)=([^&]*)", link)), SMALL)[0] == shown
    assert "run = simulate(experiment)" in python
    assert "@inproceedings{" in bibtex


def test_a_closed_menu_makes_nothing():
    app = AppTest.from_file("../app.py", default_timeout=60).run()
    assert not app.get("download_button")
    assert not app.code


def test_a_browser_may_ask_for_any_sheet_and_gets_sensible_ones(monkeypatch):
    state = {}
    monkeypatch.setattr(_take.st, "session_state", _Attributes(state))
    good = {"width": 640, "height": None, "dark": True}
    _take._choose_sheet(good)
    assert state["sheet"] == good
    for bad in ({"width": 1e9}, {"width": "9"}, {"height": -1}, {"height": float("nan")}):
        _take._choose_sheet(good | bad)
    for other in (None, 5, [], {}, {"width": 640}):
        _take._choose_sheet(other)
    assert state["sheet"] == good


class _Attributes:
    def __init__(self, values):
        self.__dict__["values"] = values

    def __setattr__(self, name, value):
        self.values[name] = value


def test_a_code_holds_its_link():
    link = "https://example.org/?depths=20,20&eta=0.2"
    assert _take.qr(link) == segno.make(link, error="l", micro=False).svg_data_uri(
        border=4, light="#fff"
    )
    assert _take.qr(link) != _take.qr(link + "1")


def test_charts_have_captions_and_names_of_their_own():
    caption = captions.of_chart("σ: a/b \\ c?", SMALL, "http://here/?a=1")
    assert caption.title == "σ: a/b \\ c?"
    assert caption.verdict == ""
    assert caption.small.endswith("http://here/?a=1")
    assert caption.stem == f"σ-a-b-c-{captions.stem(SMALL)}"


@pytest.mark.parametrize("dark", [False, True])
def test_a_chart_on_paper_has_its_own_size_and_colours(dark):
    chart = charts.gain(here=(3, 3), singular_value=1.0)
    before = chart.to_dict()
    spec = paper.on_paper(chart, 900, 500, dark).to_dict()
    assert chart.to_dict() == before
    assert (spec["width"], spec["height"]) == (900, 500)
    assert spec["usermeta"]["embedOptions"]["renderer"] == "svg"
    assert spec["config"]["background"] == (style.PAGE.dark if dark else style.PAGE.light)
    square = chart.properties(width=200, height=200)
    spec = paper.on_paper(square, 900, 500, dark).to_dict()
    assert (spec["width"], spec["height"]) == (200, 200)
    assert paper.on_paper(chart, 900, None, dark).to_dict()["height"] == before["height"]


def test_the_table_of_a_map_has_a_column_for_each_field_in_words():
    cells = grid(SMALL, {"dynamics.step_size": [0.05, 0.1], "network.depths": [(3, 3), (4, 4)]})
    rows = sweep(cells)
    text = map_table.text(list(zip(cells, rows, strict=True)))
    assert "{" not in text
    assert "[" not in text
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(lines) == 4
    for line, cell, row in zip(lines, cells, rows, strict=True):
        assert line["key"] == cell.key
        assert float(line["step size"]) == cell.dynamics.step_size
        assert typed.wholes(line["depths"]) == cell.network.depths
        assert typed.numbers(line["scales"]) == cell.start.scales
        assert int(line["steps"]) == cell.dynamics.steps
        assert {name: str(value) for name, value in row.items()}.items() <= line.items()
    assert {"task", "start", "dynamics", "inputs", "outputs"} <= set(lines[0])


def test_cells_of_several_kinds_share_a_table():
    cells = [SMALL, presets.FLOW.experiment, presets.BY_NAME["tree-4"].experiment]
    row = {"regime": "trapped"}
    lines = list(csv.DictReader(io.StringIO(map_table.text([(cell, row) for cell in cells]))))
    assert [line["regime"] for line in lines] == ["trapped"] * 3
    assert [bool(line["duration"]) for line in lines] == [False, True, False]
    assert lines[2]["std of weights"]
