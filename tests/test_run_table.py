"""The table of a run: every number of its records, and what depends on rounding."""

import csv
import io
from dataclasses import replace

import numpy as np
from strategies import refused

from simcore import Flow, Record, Spectrum, horizon, presets, run_table, simulate
from simcore.__main__ import main

MEDIUM = presets.MEDIUM.experiment


def read(text):
    first, *rows = csv.reader(io.StringIO(text, newline=""))
    return dict(zip(first, np.array(rows, dtype=float).T, strict=True))


def test_it_holds_the_numbers_of_every_record():
    run = simulate(
        replace(MEDIUM, task=Spectrum(singular_values=(1.0, 0.5)), record=Record(eigenvalues=2))
    )
    table = read(run_table.text(run))
    np.testing.assert_array_equal(table["step"], run.steps)
    np.testing.assert_array_equal(table["t"], run.time)
    np.testing.assert_array_equal(table["loss_high"], run.loss_range[:, 1])
    np.testing.assert_array_equal(table["eigenvalue_2"], run.eigenvalues[:, 1])
    np.testing.assert_array_equal(table["edge"], run.edge)
    np.testing.assert_array_equal(table["strength_2_1"], run.strengths[:, 1, 0])
    np.testing.assert_array_equal(table["strength_1_2_low"], run.strengths_range[:, 0, 0, 1])
    assert len(table) == 3 + 2 + 2 + 1 + 3 * 4 + 1


def test_it_says_which_records_depend_on_rounding():
    run = simulate(MEDIUM)
    found = horizon.horizon(run)
    marked = read(run_table.text(run))["depends_on_rounding"]
    assert np.flatnonzero(marked)[[0, -1]].tolist() == [found.first, found.last]
    assert set(marked) == {0.0, 1.0}


def test_a_flow_has_no_edge():
    flow = simulate(replace(MEDIUM, dynamics=Flow(duration=9.0), record=Record(frames=5)))
    table = run_table.columns(flow)
    assert "edge" not in table
    assert not table["depends_on_rounding"].any()


def test_the_command_line_writes_it(tmp_path):
    out = tmp_path / "run.csv"
    assert main(["run", "medium", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == run_table.text(simulate(MEDIUM)).replace("\r\n", "\n")
    with refused("is a folder"):
        run_table.write(simulate(MEDIUM), tmp_path)
