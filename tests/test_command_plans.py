"""Plans, forecasts, and what commands say: tables for people, lines of JSON for programs."""

from __future__ import annotations

import argparse
import csv
import json
import os
import shlex
import sys
from dataclasses import replace
from urllib.parse import urlencode

import numpy as np
import pyarrow.parquet
import pytest
from cases import PAPER, descending, flowing, results
from hypothesis import given
from hypothesis import strategies as st
from strategies import refused

from simcore import Record, grid, links, presets, run_table, simulate, summary, sweep
from simcore.__main__ import _parser, main
from simcore.command import tables
from simcore.command.axes import axes_of
from simcore.studies.grids import from_plain
from simcore.studies.store import Store
from simcore.version import VERSION

BASE = descending(PAPER, 0.1, 50, record=Record(frames=5))


@pytest.fixture
def base(tmp_path):
    path = tmp_path / "base.json"
    path.write_text(json.dumps(BASE.to_dict()))
    return path


def said(capsys, *arguments, code=0):
    assert main([str(argument) for argument in arguments]) == code
    return capsys.readouterr().out


def read_json(line):
    """A line of JSON as every program reads it, in which there is no NaN."""

    def never(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(line, parse_constant=never)


# --- Help ------------------------------------------------------------------------------------


def commands():
    (found,) = (a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction))
    return found.choices


@pytest.mark.parametrize("name", commands())
def test_the_help_of_a_command_has_examples_that_are_read(name):
    command = commands()[name]
    assert len(command.description) > 40
    examples = command.epilog.splitlines()[1:]
    assert examples
    for example in examples:
        arguments = shlex.split(example.partition("simcore ")[2])
        options = _parser().parse_args(arguments)
        assert options.command is command.get_default("command")


def test_every_preset_is_listed(capsys):
    listed = said(capsys, "presets")
    for preset in presets.ALL:
        assert f"{preset.name} " in listed
        assert preset.title in listed


# --- Plans -----------------------------------------------------------------------------------


def test_a_plan_is_what_a_sweep_takes(base, tmp_path, capsys):
    out = tmp_path / "sweep.json"
    axes = ["--axis", "network.depths=3,3; 5,5", "--axis", "dynamics.step_size=0.05:0.2:4"]
    assert "8 runs: less than" in said(capsys, "plan", base, *axes, "--out", out)
    axes = {
        "network.depths": [(3, 3), (5, 5)],
        "dynamics.step_size": np.linspace(0.05, 0.2, 4).tolist(),
    }
    assert from_plain(json.loads(out.read_text()), "it") == grid(BASE, axes)
    assert main(["sweep", str(out), "--store", str(tmp_path / "rows.sqlite")]) == 0


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("dynamics.step_size=2/13", [2 / 13]),
        ("dynamics.step_size = 1e-1, 0.05", [0.1, 0.05]),
        ("dynamics.steps=1e2", [100]),
        ("dynamics.steps=10:13:99", [10, 11, 12, 13]),
        ("dynamics.steps=100:400:4", [100, 200, 300, 400]),
        ("network.depths=3 3;5,5", [(3, 3), (5, 5)]),
        ("start.scales=[0.1, 0.2]", [(0.1, 0.2)]),
        ("network.width=2,4", [2, 4]),
        ("engine=modes,matrices", ["modes", "matrices"]),
    ],
)
def test_an_axis_is_typed_like_any_number(text, values):
    (found,) = axes_of(BASE, [text]).values()
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


@given(st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=5))
def test_a_list_of_numbers_is_those_numbers(numbers):
    axes = axes_of(BASE, ["dynamics.step_size=" + ",".join(map(repr, numbers))])
    assert axes == {"dynamics.step_size": numbers}


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.integers(2, 50))
def test_a_range_has_both_ends_and_even_steps(low, length, points):
    (values,) = axes_of(BASE, [f"dynamics.step_size={low!r}:{low + length!r}:{points}"]).values()
    assert (values[0], values[-1], len(values)) == (low, low + length, points)
    steps = np.diff(values)
    assert steps == pytest.approx([length / (points - 1)] * len(steps), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        ("", "dynamics.step_size=0.05:0.3:60"),
        ("0.1,0.2", "dynamics.step_size=0.05:0.3:60"),
        ("dynamics.eta=0.1", "step_size, steps"),
        ("dynamics=0.1", "go into it, e.g. dynamics.step_size"),
        ("dynamics.step_size=fast", "got 'fast'"),
        ("dynamics.step_size=", "values"),
        ("dynamics.step_size=0.1:0.2", "from:to:points"),
        ("dynamics.step_size=0.2:0.1:3", "smaller end"),
        ("dynamics.step_size=0.1:0.2:1", "from 2 to"),
        ("dynamics.step_size=0.1:0.2:1e9", "from 2 to"),
        ("dynamics.steps=1:1e300:3", "15 digits"),
        ("dynamics.steps=0.5", "whole number"),
        ("network.depths=3,3;", "there are none"),
        ("record.maps=1", "write its values into the file"),
        ("dynamics.step_size=0.1,,0.2", "one between any two commas"),
    ],
)
def test_a_wrong_axis_is_refused(axis, words):
    with refused(words):
        axes_of(BASE, [axis])


def test_an_axis_twice_and_a_plan_that_is_no_experiment_are_refused(base, tmp_path, capsys):
    with refused("dynamics.steps twice"):
        axes_of(BASE, ["dynamics.steps=5", "dynamics.steps=6"])
    plan = ["plan", str(base), "--out", str(tmp_path / "sweep.json"), "--axis"]
    for axis in ("dynamics.step_size=-1", "network.depths=3,3,3", "dynamics.step_size=0:1:2000000"):
        assert main([*plan, axis]) == 2
        assert capsys.readouterr().err.startswith("simcore: ")
    assert os.listdir(tmp_path) == [base.name]


# --- Dry runs --------------------------------------------------------------------------------


def test_a_dry_run_runs_nothing(base, tmp_path, capsys, monkeypatch):
    out, store = tmp_path / "sweep.json", tmp_path / "rows.sqlite"
    plan = [f"--axis=dynamics.step_size=0.05:0.2:{points}" for points in (3, 5)]
    said(capsys, "plan", base, plan[0], "--out", out)
    command = ["sweep", out, "--store", store, "--dry-run"]
    with monkeypatch.context() as patched:
        patched.setattr("simcore.command.sweeps.sweep", None)
        patched.setattr("simcore.command.runs.simulate", None)
        assert "3 runs: less than" in said(capsys, *command)
        assert not store.exists()
        run = said(capsys, "run", base, "--dry-run", "--out", tmp_path / "run.npz")
        assert run.startswith("1 run: less than")
    said(capsys, "sweep", out, "--store", store)
    assert said(capsys, *command) == "3 runs, all in the store already: nothing is left to run\n"
    said(capsys, "plan", base, plan[1], "--out", out)  # three of its five are the same
    assert "5 runs, 3 of them in the store already" in said(capsys, *command)


@pytest.mark.parametrize(
    ("each", "words"),
    [
        (0.001, "2 runs: less than 0.1 s of one core"),
        (1.234, "2 runs: about 2.5 s of one core, about 1.2 s on 2"),
        (100.0, "2 runs: about 3.3 minutes of one core, about 100 s on 2"),
        (10_000.0, "2 runs: about 5.6 hours of one core, about 2.8 hours on 2"),
        (1e6, "2 runs: about 23 days of one core, about 12 days on 2"),
    ],
)
def test_a_forecast_is_said_in_a_unit_that_fits(monkeypatch, each, words):
    monkeypatch.setattr(tables.batch, "seconds", lambda experiment: each)
    monkeypatch.setattr(tables, "cores", lambda: 2)
    two = grid(BASE, {"dynamics.steps": [50, 60]})
    assert tables.forecast(two, two) == words


# --- What is said ----------------------------------------------------------------------------


def test_a_run_says_its_end_in_a_table_and_a_sentence(capsys, tmp_path):
    told = said(capsys, "run", "flow")
    row = summary(simulate(presets.FLOW.experiment))
    assert f"{row['sharpness']:.4g}" in told
    assert row["regime"] in told
    assert "nan" not in told
    assert "gradient flow · t up to 100" in told


@pytest.mark.parametrize("kind", ["json", "npz", "link"])
def test_a_run_takes_files_and_links(base, tmp_path, capsys, kind):
    given = {
        "json": base,
        "npz": tmp_path / "run.npz",
        "link": f"?{urlencode(links.to_query(BASE))}",
    }
    simulate(BASE).save(given["npz"])
    line = read_json(said(capsys, "run", given[kind], "--json"))
    assert line["key"] == BASE.key
    assert line["dynamics.step_size"] == 0.1
    assert line["network.depths"] == list(BASE.network.depths)
    assert line["loss"] == summary(simulate(BASE))["loss"]


def test_lines_of_json_are_the_rows_in_the_order_of_the_plan(tmp_path, capsys):
    out, store = tmp_path / "sweep.json", tmp_path / "rows.sqlite"
    cells = grid(
        flowing(PAPER, 1.0, record=Record(frames=3)), {"start.scales": [(0.5, 0.4), (0.3, 0.2)]}
    )
    out.write_text(cells.to_json())
    lines = said(capsys, "sweep", out, "--store", store, "--json").splitlines()
    read = list(map(read_json, lines))
    assert [line["key"] for line in read] == [cell.key for cell in cells]
    assert [line["start.scales"] for line in read] == [[0.5, 0.4], [0.3, 0.2]]
    assert [line["edge_ratio"] for line in read] == [None, None]  # a flow has no edge
    assert [line["loss"] for line in read] == [row["loss"] for row in sweep(cells)]
    assert {line["version"] for line in read} == {VERSION}


def test_a_table_of_rows_counts_regimes_and_names_where_they_are():
    base = descending(PAPER, 0.1, 400, record=Record(frames=50))
    axes = {"dynamics.step_size": [0.05, 0.1, 30.0], "network.depths": [(20, 20)]}
    rows = sweep(grid(base, axes))
    head, first, second = tables.of_rows(rows).splitlines()
    assert head.split()[:3] == ["regime", "runs", "dynamics.step_size"]
    assert "network.depths" not in head  # it is one and the same
    assert "2     0.05 to 0.1" in first
    assert second.startswith("diverged")
    assert " 30 " in second


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_run_is_kept_as_a_table(base, tmp_path, capsys, ending):
    out = tmp_path / f"run{ending}"
    said(capsys, "run", base, "--out", out)
    expected = {n: column.tolist() for n, column in run_table.columns(simulate(BASE)).items()}
    if ending == ".parquet":
        assert pyarrow.parquet.read_table(out).to_pydict() == expected
    else:
        with open(out, encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        assert {n: [float(line[n]) for line in lines] for n in expected} == expected


def test_what_cannot_be_written_is_said_before_anything_runs(base, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("simcore.command.runs.simulate", None)
    assert main(["run", str(base), "--out", str(tmp_path / "run.txt")]) == 2
    assert ".npz, .csv or .parquet" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["run", str(base), "--out", str(tmp_path / "run.parquet")]) == 2
    assert "pip install 'symmetry-at-the-edge[app]'" in capsys.readouterr().err


# --- Rows and their inputs -------------------------------------------------------------------


def test_rows_say_what_was_varied_and_stores_of_before_do_too(tmp_path):
    cells = grid(BASE, {"dynamics.step_size": [0.05, 0.1], "start.scales": [(0.5, 0.4)]})
    rows = sweep(cells, store=tmp_path / "rows.sqlite")
    inputs = [{"dynamics.step_size": eta, "start.scales": (0.5, 0.4)} for eta in (0.05, 0.1)]
    with Store(tmp_path / "rows.sqlite") as store:
        kept = store.rows(cells)
        assert not any(input_ in row for row in kept.values() for input_ in inputs[0])
    assert [{n: row[n] for n in inputs[0]} for row in rows] == inputs
    assert sweep(cells, store=tmp_path / "rows.sqlite") == rows


def test_a_list_of_experiments_says_what_differs():
    rows = sweep([BASE, replace(BASE, network=replace(BASE.network, depths=(3, 2)))])
    assert [row["network.depths"] for row in rows] == [BASE.network.depths, (3, 2)]
    assert {n for row in rows for n in row} == {"network.depths", "seconds", *results(rows[0])}
    mixed = sweep([BASE, flowing(PAPER, 1.0)], on_done=lambda *_: False)
    assert [row["dynamics.type"] for row in mixed] == ["Descent", "Flow"]
    assert [row["dynamics.duration"] for row in mixed] == [None, 1.0]
