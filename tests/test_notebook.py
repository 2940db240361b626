"""Notebooks: the one that the package carries, and what a run is there."""

from __future__ import annotations

import html
import json
import os
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from cases import CASES, PAPER, descending, flowing
from nbclient import NotebookClient
from strategies import refused

from simcore import Experiment, Outcome, Record, Trajectory, grid, presets, simulate, sweep

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "simcore" / "examples" / "first_run.ipynb"


@pytest.fixture(scope="module")
def outputs():
    """What the cells of the notebook show, executed in a kernel of its own."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)  # it is carried without
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def test_the_example_notebook_runs_and_shows_what_it_promises(outputs):
    pages = [o.data["text/html"] for o in outputs if "text/html" in o.get("data", {})]
    assert pages[0].startswith("<iframe srcdoc=")
    assert "Dataset" in str(pages[1]) or "DataArray" in pages[1]
    printed = "".join(o.text for o in outputs if o.get("name") == "stdout")
    assert "<Trajectory: gradient descent, eta = 0.1538, finished after 650 updates" in printed
    assert "One pathway won first" in printed
    cells = re.findall(r"<td>(.*?)</td>", pages[-1])
    assert list(map(float, cells[::5])) == pytest.approx([0.05, 0.1, 2 / 13, 0.187, 0.25], rel=1e-4)
    assert cells[1::5][:3] == ["winner takes all", "winner takes all", "partly re-balanced"]
    assert not [o for o in outputs if o.output_type == "error"]


def test_the_sweep_of_the_notebook_shows_a_bar(outputs):
    widgets = [
        o for o in outputs if "application/vnd.jupyter.widget-view+json" in o.get("data", {})
    ]
    assert len(widgets) == 1


@pytest.mark.parametrize("name", ["one pathway", "bottleneck", "deep"])
def test_a_run_in_short_says_how_it_ended(name):
    for run in (
        simulate(descending(CASES[name], 0.02, 9)),
        simulate(flowing(CASES[name], 0.3)),
        simulate(descending(CASES[name], 0.02, 9), on_progress=lambda _: False),
    ):
        words = repr(run)
        assert len(words) < 250
        assert run.outcome.name.lower() in words
        assert f"{len(run.steps)} records" in words


def test_the_page_of_a_run_is_whole_and_stays_in_its_frame():
    run = simulate(presets.MEDIUM.experiment)
    shown = run._repr_html_()
    assert len(shown) < 300_000
    (page, attributes) = re.fullmatch(
        r'<iframe srcdoc="([^"]*)" ([^<>]*)></iframe>', shown
    ).groups()
    assert "allow-same-origin" not in attributes  # it is no part of the notebook
    page = html.unescape(page)
    assert page.lstrip().lower().startswith("<!doctype html>")
    (packed,) = re.findall(r'<script type="application/json" id="run-data">(.*?)</script>', page)
    assert "η = 0.1538 · 650 steps" in json.loads(packed)["scene"]["caption"]["parameters"]
    assert 'src="' not in page  # it asks for nothing


def test_a_dataset_has_every_array_under_its_name():
    for case, record in (
        ("bottleneck", Record(frames=4, maps=True, eigenvalues=2)),
        ("deep", Record()),
    ):
        for run in (
            simulate(descending(CASES[case], 0.02, 9, record=record)),
            simulate(flowing(CASES[case], 0.5, record=record)),
        ):
            data = run.to_xarray()
            arrays = {n: v for n, v in vars(run).items() if isinstance(v, np.ndarray)}
            named = {"steps": "step", "time": "t"}
            for name, array in arrays.items():
                np.testing.assert_array_equal(data[named.get(name, name)].values, array)
            assert ("edge" in data) == (run.edge is not None)
            assert data.strengths.dims == ("record", "pathway", "mode")
            assert Experiment.from_dict(json.loads(data.attrs["experiment"])) == run.experiment


def test_what_is_not_installed_is_one_sentence(monkeypatch):
    run = simulate(descending(PAPER, 0.1, 5))
    for package, use in (
        ("xarray", run.to_xarray),
        ("tqdm", lambda: simulate(run.experiment, progress=True)),
        ("tqdm", lambda: sweep([run.experiment], progress=True)),
    ):
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, package, None)
            with refused(package, "pip install 'symmetry-at-the-edge[notebook]'"):
                use()


def test_a_bar_counts_and_may_end_what_it_counts(capsys):
    cells = grid(descending(PAPER, 0.1, 5), {"dynamics.step_size": [0.1, 0.2, 0.3]})
    assert len(sweep(cells, progress=True)) == 3
    assert "3/3" in capsys.readouterr().err
    parts = []
    run = simulate(cells[0], progress=True, on_progress=parts.append)
    assert isinstance(run, Trajectory)
    assert parts[-1] == 1.0
    assert "100%" in capsys.readouterr().err
    run = simulate(cells[0], progress=True, on_progress=lambda _: False)
    assert run.outcome is Outcome.CANCELLED
