"""The command line: what it writes, its exit codes, and the one sentence on what is wrong."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cases import PAPER, descending, results

from simcore import Outcome, Record, Trajectory, grid, presets, scheduler, simulate, sweep
from simcore.__main__ import main
from simcore.studies.store import Store
from simcore.version import VERSION

ROOT = Path(__file__).parent.parent
BASE = descending(PAPER, 0.1, 400, record=Record(frames=50))
AXES = {"network.depths": [[20, 20], [5, 5]], "dynamics.step_size": [0.05, 0.1, 0.9]}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps({"base": BASE.to_dict(), "axes": AXES}))
    return path


def timeless(rows):
    return [repr(results(row)) for row in rows]


def run(*arguments):
    """The exit code of a command in this process."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as exit:  # argparse
        return exit.code


# --- Sweeps ------------------------------------------------------------------------------------


def test_a_sweep_fills_its_store_and_a_table(file, tmp_path, capsys):
    store, out = tmp_path / "rows.sqlite", tmp_path / "rows.csv"
    assert run("sweep", file, "--store", store, "--out", out) == 0
    expected = grid(BASE, AXES)
    with Store(store) as rows:
        found = dict(rows.items())
        assert list(rows.plans()) == [json.loads(file.read_text())]
    assert timeless(found[e] for e in expected) == timeless(sweep(expected))
    assert [line.split(",")[0] for line in out.read_text().splitlines()[1:]] == [
        e.key for e in expected
    ]
    said = capsys.readouterr()
    assert said.out.startswith("6 runs: ")
    assert "100%" in said.err
    assert "6 of 6" in said.err


def test_a_second_time_runs_nothing_and_says_the_same(file, tmp_path, capsys):
    outs = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    for out in outs:
        assert run("sweep", file, "--store", tmp_path / "rows.sqlite", "--out", out) == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()  # times included


def test_rows_of_another_version_are_counted(file, tmp_path, capsys):
    store, out = tmp_path / "rows.sqlite", tmp_path / "rows.csv"
    assert run("sweep", file, "--store", store) == 0
    assert "another version" not in capsys.readouterr().out
    with sqlite3.connect(store) as rows:
        rows.execute("UPDATE runs SET version = '0.0+before' WHERE rowid < 3")
        rows.execute("UPDATE runs SET version = NULL WHERE rowid = 3")
    rows.close()
    assert run("sweep", file, "--store", store, "--out", out) == 0
    said = capsys.readouterr().out
    assert "made by another version of this program: 3 (0.0+before, one that is not noted)" in said
    with open(out, encoding="utf-8", newline="") as table:
        versions = [line["version"] for line in csv.DictReader(table)]
    assert Counter(versions) == {"0.0+before": 2, "": 1, VERSION: 3}


def test_processes_write_the_same_rows(file, tmp_path):
    store = tmp_path / "rows.sqlite"
    assert run("sweep", file, "--store", store, "--jobs", 2) == 0
    expected = grid(BASE, AXES)
    with Store(store) as rows:
        found = dict(rows.items())
    assert timeless(found[e] for e in expected) == timeless(sweep(expected))


# --- One run -----------------------------------------------------------------------------------


def test_a_preset_runs_into_a_file(tmp_path, capsys):
    out = tmp_path / "medium.npz"
    assert run("run", "medium", "--out", out) == 0
    saved, expected = Trajectory.load(out), simulate(presets.MEDIUM.experiment)
    assert saved.experiment == expected.experiment
    assert (saved.strengths == expected.strengths).all()
    assert "shared 0.740 : 0.260" in capsys.readouterr().out
    assert os.listdir(tmp_path) == ["medium.npz"]


def test_an_experiment_runs_into_a_file(tmp_path):
    source, out = tmp_path / "one.json", tmp_path / "one.npz"
    source.write_text(json.dumps(BASE.to_dict()))
    assert run("run", source, "--out", out) == 0
    assert Trajectory.load(out).experiment == BASE


def test_a_diverged_run_is_a_run(tmp_path, capsys):
    source, out = tmp_path / "one.json", tmp_path / "one.npz"
    source.write_text(json.dumps(descending(PAPER, 20.0, 400).to_dict()))
    assert run("run", source, "--out", out) == 0
    assert Trajectory.load(out).outcome is Outcome.DIVERGED
    assert "smaller step size" in capsys.readouterr().out


def test_ctrl_c_keeps_the_records_of_a_run(tmp_path, capsys, monkeypatch):
    long = descending(replace(PAPER, engine="matrices"), 1e-6, 20_000_000, record=Record())
    source, out = tmp_path / "one.json", tmp_path / "one.npz"
    source.write_text(json.dumps(long.to_dict()))
    monkeypatch.setattr(
        "simcore.command.bar.Bar.show", lambda *_: signal.raise_signal(signal.SIGINT)
    )
    assert run("run", source, "--out", out) == 130
    assert Trajectory.load(out).outcome is Outcome.CANCELLED
    assert str(out) in capsys.readouterr().err


# --- What is wrong, in a sentence --------------------------------------------------------------


def complaint(capsys, *arguments):
    """The one sentence on stderr of a command that must be refused."""
    assert run(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("simcore: ")
    assert said.err.count("\n") == 1
    assert len(said.err) < 600
    assert not re.search(r"Traceback|Error\b|__\w+__|File \"", said.err)
    return said.err


def broken(file, **changes):
    data = json.loads(file.read_text())
    file.write_text(json.dumps(data | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base": None}, "expected a saved Experiment"),
        ({"base": BASE.to_dict() | {"network": 5}}, "network must be a spec"),
        ({"base": BASE.to_dict() | {"color": 5}}, "no field"),
        ({"base": BASE.dynamics.to_dict()}, "expected a saved Experiment"),
        ({"axes": {"dynamics.eta": [1]}}, "step_size, steps"),
        ({"axes": {"dynamics.step_size": [0]}}, "the step size must be"),
        ({"axes": {"dynamics.step_size": 0.1}}, "a list of values"),
        ({"axes": []}, "axes must be"),
        ({"more": 1}, "must hold"),
    ],
)
def test_a_wrong_sweep_is_refused(file, tmp_path, capsys, changes, words):
    broken(file, **changes)
    assert words in complaint(capsys, "sweep", file, "--store", tmp_path / "rows.sqlite")
    assert os.listdir(tmp_path) == [file.name]


@pytest.mark.parametrize("content", ["", "{", "[1, 2", "[" * 100_000, "\x00", '{"base": 1e999}'])
def test_a_sweep_that_is_no_json_is_refused(file, tmp_path, capsys, content):
    file.write_text(content)
    assert str(file) in complaint(capsys, "sweep", file, "--store", tmp_path / "rows.sqlite")


def test_bytes_that_are_no_text_are_refused(file, tmp_path, capsys):
    file.write_bytes(b"\xff\xfe{}")
    assert str(file) in complaint(capsys, "sweep", file, "--store", tmp_path / "rows.sqlite")


def test_missing_files_are_named(tmp_path, capsys):
    missing = tmp_path / "missing.json"
    assert str(missing) in complaint(capsys, "sweep", missing, "--store", tmp_path / "a.sqlite")
    assert "presets are medium" in complaint(capsys, "run", missing, "--out", tmp_path / "a.npz")
    assert str(tmp_path) in complaint(capsys, "sweep", tmp_path, "--store", tmp_path / "a.sqlite")


@pytest.mark.parametrize("kind", ["pipe", "endless", "folder"])
@pytest.mark.parametrize("command", ["sweep", "run", "store"])
def test_what_cannot_be_read_to_an_end_is_refused(file, tmp_path, capsys, kind, command):
    """A pipe without a writer blocks who opens it; the file of a terabyte has no blocks on disk."""
    path = tmp_path / "odd"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        with open(path, "wb") as endless:
            endless.truncate(2**40)
    arguments = {
        "sweep": ["sweep", path, "--store", tmp_path / "rows.sqlite"],
        "run": ["run", path, "--out", tmp_path / "run.npz"],
        "store": ["sweep", file, "--store", path],
    }[command]
    assert str(path) in complaint(capsys, *arguments)
    assert sorted(os.listdir(tmp_path)) == ["odd", file.name]


def test_a_file_of_another_kind_is_not_overwritten(file, tmp_path, capsys):
    before = file.read_bytes()
    assert "another kind" in complaint(capsys, "sweep", file, "--store", file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("out", ["rows.txt", "nowhere/rows.csv", "."])
def test_a_table_that_cannot_be_written_is_refused_before_anything_runs(
    file, tmp_path, capsys, out
):
    store = tmp_path / "rows.sqlite"
    complaint(capsys, "sweep", file, "--store", store, "--out", tmp_path / out)
    assert not store.exists()


def test_a_run_that_cannot_be_written_is_refused(tmp_path, capsys):
    assert "nowhere" in complaint(capsys, "run", "medium", "--out", tmp_path / "nowhere" / "a.npz")
    assert str(tmp_path) in complaint(capsys, "run", "medium", "--out", tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["sweep"],
        ["sweep", "a.json"],
        ["sweep", "a.json", "--store", "a.sqlite", "--jobs", "0"],
        ["sweep", "a.json", "--store", "a.sqlite", "--jobs", "two"],
        ["sweep", "a.json", "--store", "a.sqlite", "--jobs", "2", "--scheduler", "tcp://x:1"],
        ["run"],
        ["plan", "medium", "--out", "a.json"],
        ["run", "medium", "--out", "a.npz", "--fast"],
    ],
)
def test_wrong_arguments_are_refused(capsys, arguments):
    assert "--help" in complaint(capsys, *arguments)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nonsense",
        "tcp://",
        "tcp://[::1",
        "tcp://host:99999",
        "ftp://127.0.0.1:9",
        "tcp://ü..ü:1",
    ],
)
def test_an_address_that_is_none_is_refused(file, tmp_path, capsys, address):
    pytest.importorskip("distributed")
    arguments = ["sweep", file, "--store", tmp_path / "rows.sqlite", "--scheduler", address]
    assert address in complaint(capsys, *arguments)
    assert os.listdir(tmp_path) == [file.name]


@pytest.mark.parametrize("answer", [None, b"", b"HTTP/1.0 400 Bad Request\r\n\r\n" * 9])
def test_a_scheduler_that_is_none_is_named(file, tmp_path, capsys, monkeypatch, answer):
    """Nobody listens there, or somebody who says nothing, or something else."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(scheduler, "WITHIN", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        if answer is None:
            server.close()
        else:
            threading.Thread(target=answer_all, args=(server, answer), daemon=True).start()
        arguments = ["sweep", file, "--store", tmp_path / "rows.sqlite", "--scheduler", address]
        assert address in complaint(capsys, *arguments)


def answer_all(server, answer):
    held = []
    with contextlib.suppress(OSError):  # the test is over
        while True:
            held.append(server.accept()[0])
            held[-1].sendall(answer)


def test_a_cluster_needs_its_package(file, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    arguments = ["sweep", file, "--store", tmp_path / "rows.sqlite", "--scheduler", "tcp://x:1"]
    assert "pip install 'symmetry-at-the-edge[cluster]'" in complaint(capsys, *arguments)


def test_the_command_line_does_without_the_app():
    code = (
        "import sys, simcore.__main__; "
        "sys.exit(str({'streamlit', 'altair', 'pyarrow', 'pandas', 'distributed'}"
        " & set(sys.modules) or ''))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.stderr.strip() == ""


@pytest.mark.parametrize("kind", ["link", "protected", "pipe"])
def test_an_output_that_is_no_ordinary_file_is_never_replaced(tmp_path, kind):
    """A link keeps pointing where it points, a protected file stays, a pipe is written into."""
    out, real = tmp_path / "out.npz", tmp_path / "real.npz"
    if kind == "link":
        out.symlink_to(real)
        assert main(["run", "flow", "--out", str(out)]) == 0
        assert out.is_symlink()
        assert Trajectory.load(real).experiment == presets.FLOW.experiment
    elif kind == "protected":
        out.write_bytes(b"precious")
        out.chmod(0o444)
        assert main(["run", "flow", "--out", str(out)]) == 2
        assert out.read_bytes() == b"precious"
    else:
        os.mkfifo(out)
        with ThreadPoolExecutor(1) as pool:
            content = pool.submit(out.read_bytes)
            assert main(["run", "flow", "--out", str(out)]) == 0
            assert Trajectory.load(io.BytesIO(content.result())).outcome is Outcome.FINISHED
        assert out.is_fifo()
