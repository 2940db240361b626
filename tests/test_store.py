"""The store: nothing is lost, nothing is twice, and no file of another kind is ever touched."""

from __future__ import annotations

import csv
import errno
import itertools
import json
import math
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import hostile
import numpy as np
import pyarrow.parquet
import pytest
from cases import CASES, PAPER, descending, results
from hostile import append, old
from strategies import check_refusal, refused

from simcore import Gaussian, Record, grid, simulate, summary, sweep
from simcore.studies import store_files, stored_maps
from simcore.studies.grids import from_plain
from simcore.studies.store import Store, export
from simcore.studies.store_files import VERSION, beside
from simcore.version import VERSION as PROGRAM

ROOT = Path(__file__).parent.parent
TINY = descending(CASES["bottleneck"], 0.1, 200, record=Record(frames=3))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rows.sqlite"


@pytest.fixture(scope="module")
def cells():
    return grid(TINY, {"start.seed": [0, 1, 2], "dynamics.step_size": [0.05, 5.0]})


@pytest.fixture(scope="module")
def rows(cells):
    return sweep(cells)


def timeless(row):
    return repr(results(row))


# --- Rows in and out ---------------------------------------------------------------------------


def test_rows_come_back_as_they_were(path, cells, rows):
    with Store(path) as store:
        store.put(cells[:4], rows[:4])
        store.put(cells[3:], rows[3:])
    with Store(path) as store:
        assert len(store) == len(cells)
        assert repr(store.rows(cells)) == repr(dict(zip(cells, rows, strict=True)))
        assert store.rows([PAPER]) == {}
        assert [experiment for experiment, _ in store.items()] == cells


def test_numbers_keep_every_bit(path):
    row = {"a": 0.1 + 0.2, "b": math.nan, "c": -math.inf, "d": 5e-324, "e": 3, "f": "x", "g": None}
    with Store(path) as store:
        store.put([PAPER], [row], "numbers")
        assert repr(store.rows([PAPER], "numbers")[PAPER]) == repr(row)


def test_rows_say_which_program_made_them(path, tmp_path, cells, rows):
    old(path, 2, list(zip(cells[:1], rows, strict=False)))
    with Store(path) as store:
        store.put(cells[:2], rows[:2])
        assert store.versions(cells) == {cells[0]: None, cells[1]: PROGRAM}
        store.export(tmp_path / "rows.csv")
    assert [line["version"] for line in read(tmp_path / "rows.csv")] == ["", PROGRAM]


def test_a_sweep_runs_only_what_is_not_there(path, cells, rows):
    ran, reports = [], []

    def note(run):
        ran.append(run.experiment)
        return summary(run)

    first = sweep(cells[:2], note, store=path)
    everything = sweep(cells, note, store=path, on_done=lambda *report: reports.append(report))
    assert [timeless(row) for row in everything] == [timeless(row) for row in rows]
    assert [row["seconds"] for row in everything[:2]] == [row["seconds"] for row in first]
    assert sorted(e.key for e in ran) == sorted(e.key for e in cells)
    assert [done for done, _, _ in reports] == list(range(1, len(cells) + 1))


def test_each_measure_has_rows_of_its_own(path, cells):
    def steps(run):
        return {"steps": int(run.steps[-1])}

    sweep(cells[:1], store=path)
    assert sweep(cells[:1], steps, store=path) == [steps(simulate(cells[0]))]
    with Store(path) as store:
        assert len(store) == 2
        assert len(list(store.items())) == 1


def test_cancelled_runs_are_not_kept(path, cells):
    sweep(cells * 2, store=path, on_done=lambda *_: False)
    sweep([replace(TINY, start=Gaussian(std=0.3))], store=path, on_done=lambda *_: False)
    with Store(path) as store:
        assert all(row["outcome"] != "CANCELLED" for _, row in store.items())


def test_a_batch_goes_in_whole_or_not_at_all(path, cells, rows):
    with Store(path) as store:
        with pytest.raises(AttributeError):
            store.put(cells[:2], [rows[0], {"x": object()}])
        store._file.execute(
            "CREATE TEMP TRIGGER full BEFORE INSERT ON runs WHEN NEW.key = "
            f"'{cells[2].key}' BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        with pytest.raises(sqlite3.Error, match="disk full"):
            store.put(cells, rows)
        assert len(store) == 0
        store.put(cells[:2], rows[:2])
        assert len(store) == 2


def test_two_writers_keep_one_of_each(path, cells, rows):
    def write(_):
        with Store(path) as store:
            for cell, row in zip(cells, rows, strict=True):
                store.put([cell], [row])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with Store(path) as store:
        assert len(store) == len(cells)
        assert not list(path.parent.glob(".*"))


# --- Plans -------------------------------------------------------------------------------------


def plan_of(cells):
    return json.loads(cells.to_json())


def contents(path):
    """What a file consists of, and its version."""
    with sqlite3.connect(path) as file:
        tables = file.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        (version,) = file.execute("PRAGMA user_version").fetchone()
    file.close()
    return tables, version


def test_a_sweep_of_a_grid_leaves_its_plan(path, cells):
    sweep(cells[:2], store=path)  # a list like any other
    with Store(path) as store:
        assert not list(store.plans())
    sweep(cells, store=path)
    with Store(path) as store:
        assert list(store.plans()) == [plan_of(cells)]
        assert not list(store.plans("another measure"))
        (plan,) = store.plans()
    assert plan["base"] == TINY.to_dict()
    assert plan["axes"] == {"start.seed": [0, 1, 2], "dynamics.step_size": [0.05, 5.0]}
    assert from_plain(plan, "the plan") == cells


def test_plans_hold_any_values(path):
    axes = {
        "start": [Gaussian(std=0.5), {"type": "Gaussian", "std": 0.1 + 0.2}],
        "network.depths": [(2, 3), [4, 1]],
        "dynamics.step_size": np.linspace(0.1, 0.3, 3),
        "dynamics.steps": list(np.arange(1, 3)),
    }
    cells = grid(TINY, axes)
    with Store(path) as store:
        store.put_plan(cells.to_json())
        (plan,) = store.plans()
    again = from_plain(plan, "the plan")
    assert again == cells
    assert again.to_json() == cells.to_json()


def test_a_sweep_may_go_on_with_another_plan(path, cells, rows):
    sweep(cells, store=path)
    other = grid(TINY, {"start.seed": [1, 7], "dynamics.step_size": [0.05]})
    sweep(other, store=path)
    with Store(path) as store:
        assert list(store.plans()) == [plan_of(other), plan_of(cells)]  # the last sweep's first
        assert len(store) == len(cells) + 1
    again = sweep(cells, store=path)
    assert [timeless(row) for row in again] == [timeless(row) for row in rows]
    with Store(path) as store:
        assert list(store.plans()) == [plan_of(cells), plan_of(other)]


def test_a_plan_is_there_before_the_first_run(path, cells):
    def leave(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(cells, store=path, on_done=leave)
    with Store(path) as store:
        assert list(store.plans()) == [plan_of(cells)]


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_of_an_older_version_is_read_as_it_is_and_written_to_as_one_of_today(
    path, tmp_path, cells, rows, version
):
    old(path, version, list(zip(cells[:2], rows, strict=False)))
    before = folder(path)
    with Store(path, only_read=True) as store:
        assert repr(list(store.items())) == repr(list(zip(cells[:2], rows[:2], strict=True)))
        assert store.versions(cells[:1]) == {cells[0]: None}
        assert not list(store.plans())
    assert folder(path) == before
    sweep(cells, store=path)
    new = tmp_path / "new.sqlite"
    Store(new).close()
    assert contents(path) == contents(new)
    assert contents(new)[1] == VERSION
    with Store(path) as store:
        assert list(store.plans()) == [plan_of(cells)]
        assert [experiment for experiment, _ in store.items()][:2] == cells[:2]
        assert repr(list(store.rows(cells[:2]).values())) == repr(rows[:2])


def test_a_plan_that_cannot_be_kept_changes_nothing(path):
    Store(path).close()
    before = folder(path)
    with Store(path) as store, pytest.raises(sqlite3.Error):
        store.put_plan(object())
    assert folder(path) == before


# --- Stores at rest are whole ------------------------------------------------------------------


def bare(path, tmp_path):
    """A copy of the file alone, whatever lies beside it."""
    copy = tmp_path / "copies" / "bare.sqlite"
    copy.parent.mkdir(exist_ok=True)
    return Path(shutil.copy(path, copy))


def test_what_is_reported_as_done_is_in_the_file_itself(path, tmp_path, cells):
    cells = [
        replace(cell, start=Gaussian(std=0.5, seed=n)) for n in range(40) for cell in cells[:1]
    ]
    reports = []

    def look(done, total, row):
        with Store(bare(path, tmp_path), only_read=True) as copy:
            reports.append((done, len(copy)))
        assert not copy.may_lack_rows

    sweep(cells, store=path, on_done=look)
    assert all(kept >= done for done, kept in reports)
    assert reports[-1] == (len(cells), len(cells))
    assert set(os.listdir(path.parent)) == {"copies", path.name}


def test_a_copy_without_the_log_of_before_says_that_rows_may_be_missing(
    path, tmp_path, cells, rows
):
    old(path, 2, list(zip(cells[:1], rows, strict=False)))
    file = sqlite3.connect(path, isolation_level=None)
    append(file, cells[1], rows[1])  # goes to the log
    copy = bare(path, tmp_path)
    with Store(path, only_read=True) as store:
        assert (len(store), store.may_lack_rows) == (2, False)
    with Store(copy, only_read=True) as store:
        assert (len(store), store.may_lack_rows) == (1, True)
    with refused("no other program has open", str(path)):
        Store(path)  # a sweep of that version still writes
    file.close()
    with Store(path) as store:
        assert (len(store), store.may_lack_rows) == (2, False)
    with Store(bare(path, tmp_path), only_read=True) as store:
        assert (len(store), store.may_lack_rows) == (2, False)


def test_a_log_that_is_left_over_is_taken_in(path, tmp_path, cells, rows):
    """What a killed sweep of an older version leaves: the file and its log."""
    old(path, 2)
    copy = tmp_path / "copy.sqlite"
    file = sqlite3.connect(path, isolation_level=None)
    append(file, cells[0], rows[0])
    for end in ("", "-wal"):
        shutil.copy(f"{path}{end}", f"{copy}{end}")
    file.close()
    with Store(copy) as store:
        assert len(store) == 1
    assert not beside(copy, "wal").exists()


def test_a_copy_that_is_torn_is_refused_and_not_short_of_rows(path, tmp_path, cells, rows):
    """Every mixture of the pages before and after a batch is all of before, all of after, or
    damaged."""
    with Store(path) as store:
        store.put(cells[:3], rows[:3])
        before = path.read_bytes()
        store.put(cells[3:], rows[3:])
    after, copy, seen = path.read_bytes(), tmp_path / "copy.sqlite", set()
    places = range(0, len(after), 4096)
    changed = [p for p in places if before[p : p + 4096] != after[p : p + 4096]]
    assert len(changed) > 3
    for written in itertools.product([False, True], repeat=len(changed)):
        content = bytearray(before.ljust(len(after), b"\0"))
        for place in itertools.compress(changed, written):
            content[place : place + 4096] = after[place : place + 4096]
        end = max(itertools.compress(changed, written), default=0) + 4096
        copy.write_bytes(content[: max(end, len(before))])
        try:
            with Store(copy, only_read=True) as store:
                seen.add(len(list(store.items())))
        except ValueError as error:
            check_refusal(error, "damaged")
    assert seen == {3, len(cells)}


def test_a_batch_that_was_being_written_is_taken_back(path, cells, rows):
    """A process killed in the middle of a commit leaves a half-written file and its journal."""
    Store(path).close()
    program = (
        "import os, sqlite3, sys\n"
        "file = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "file.execute('PRAGMA cache_size = 1')\n"
        "file.execute('BEGIN IMMEDIATE')\n"
        "for n in range(200):\n"
        "    file.execute('INSERT INTO runs VALUES (?, 0, ?, 0, 0)', [n, 'b' * 500])\n"
        "os.kill(os.getpid(), 9)\n"
    )
    before = path.stat().st_size
    subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert path.stat().st_size > before
    with refused("at rest", str(path)):
        Store(path, only_read=True)
    with Store(path) as store:
        assert len(store) == 0
        store.put(cells, rows)
        assert len(store) == len(cells)


@pytest.mark.parametrize("reason", [errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP])
def test_a_store_is_made_where_there_are_no_links(path, monkeypatch, cells, reason):
    def none(*_, **__):
        raise OSError(reason, os.strerror(reason))

    for name in ("link", "symlink"):
        monkeypatch.setattr(os, name, none)
    sweep(cells[:1], store=path)
    with Store(path) as store:
        assert len(store) == 1


def test_an_empty_file_becomes_a_store(path):
    """It holds nothing; and a store that could not be finished leaves one."""
    path.touch()
    with Store(path) as store:
        assert len(store) == 0


def test_many_that_make_one_store_make_it_once(path, cells, rows):
    def write(n):
        with Store(path) as store:
            store.put(cells[n : n + 1], rows[n : n + 1])

    with ThreadPoolExecutor(len(cells)) as pool:
        list(pool.map(write, range(len(cells))))
    with Store(path) as store:
        assert len(store) == len(cells)


# --- Files that are refused --------------------------------------------------------------------


def folder(path):
    """Every file beside `path`, with its bytes."""
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


def refuse(path, *words):
    """The file is refused, by the class and by a sweep, and nothing in the folder changes."""
    before = folder(path)
    with refused(str(path), *words):
        Store(path)
    with refused(str(path), *words):
        sweep([TINY], store=path)
    assert folder(path) == before


@pytest.fixture
def whole(path, cells, rows):
    """A store large enough to have several pages."""
    with Store(path) as store:
        for batch in range(20):
            others = [replace(cell, start=Gaussian(std=0.5, seed=batch)) for cell in cells[:1]]
            store.put(others, rows[:1])
    return path


@pytest.mark.parametrize("content", [b"step,loss\n1,2\n", b"SQLite format 3\0", os.urandom(9000)])
def test_a_file_of_another_kind_is_refused(path, content):
    path.write_bytes(content)
    refuse(path, "another kind")


def test_a_database_of_another_program_is_refused(path):
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE runs (key, measure, experiment, row)")
    file.close()
    refuse(path, "another kind")


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_half_written_store_is_refused(whole, part):
    content = whole.read_bytes()
    whole.write_bytes(content[: int(len(content) * part)])
    refuse(whole, "damaged")


def test_a_spoilt_store_is_refused(whole):
    content = bytearray(whole.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    whole.write_bytes(content)
    refuse(whole, "damaged")


def test_a_store_of_a_newer_version_is_refused(whole):
    content = bytearray(whole.read_bytes())
    content[60:64] = (VERSION + 1).to_bytes(4, "big")
    whole.write_bytes(content)
    refuse(whole, f"version {VERSION + 1}")


def test_a_version_that_only_the_log_knows_is_seen(path, tmp_path):
    """A newer program may have been killed before it wrote to the file itself."""
    old(path, 2)
    copy = tmp_path / "copy" / "rows.sqlite"
    copy.parent.mkdir()
    file = sqlite3.connect(path, isolation_level=None)
    file.execute(f"PRAGMA user_version = {VERSION + 1}")
    for end in ("", "-wal"):
        shutil.copy(f"{path}{end}", f"{copy}{end}")
    file.close()
    with refused(str(copy), f"version {VERSION + 1}"):
        Store(copy)


def test_a_version_that_never_was_is_refused(whole):
    content = bytearray(whole.read_bytes())
    content[60:64] = bytes(4)
    whole.write_bytes(content)
    refuse(whole, "damaged", "version 0")


def test_the_log_of_a_lost_store_is_not_taken_over(path):
    path.with_name(path.name + "-wal").write_bytes(b"frames")
    before = folder(path)
    with refused("-wal"):
        Store(path)
    assert folder(path) == before


def test_a_place_without_files_is_refused(path, tmp_path):
    with refused(str(tmp_path)):
        Store(tmp_path)
    with refused("nowhere"):
        Store(tmp_path / "nowhere" / "rows.sqlite")
    assert not list(tmp_path.iterdir())
    os.mkfifo(path)  # nobody will ever write into it
    with refused(str(path)):
        Store(path)


@pytest.mark.parametrize("name", [":memory:", "file:rows?mode=memory", "sqlite:///rows.sqlite"])
def test_what_sqlite_keeps_nowhere_is_no_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with refused("a file's name", name):
        sweep([TINY], store=name)
    assert not os.listdir(tmp_path)


# --- Files of strangers ------------------------------------------------------------------------


def use(path):
    """Everything that is asked of a store."""
    stored_maps.read(path, 100, "this file")
    with Store(path, only_read=True, name="this file") as store:
        for measure in ("summary", "another"):
            list(store.items(measure))
            list(store.plans(measure))
            store.rows(hostile.CELLS, measure)
            store.versions(hostile.CELLS, measure)


@pytest.mark.parametrize("number", range(2 * len(hostile.KINDS)))
def test_a_file_that_pretends_to_be_a_store_is_read_or_refused_in_a_sentence(path, number):
    """`benchmarks/stores.py hostile` reads 500 of them and bounds time and memory of each."""
    kind = hostile.make(number, path)
    before, sentence = path.read_bytes(), ""
    try:
        use(path)
    except ValueError as error:
        check_refusal(error)
        sentence = str(error)
    assert path.read_bytes() == before
    assert kind not in hostile.PROGRAMS or sentence
    assert not sentence or "this file" in sentence


def test_an_honest_store_is_among_them(path):
    hostile.honest(path)
    use(path)


def test_a_program_in_a_file_is_refused_before_it_runs(path, monkeypatch):
    """The deadline is for what nobody thought of; nothing comes near it."""
    monkeypatch.setattr(store_files, "MOST_SECONDS", 0.0)
    monkeypatch.setattr(store_files, "MOST_SECONDS_PER_MB", 0.0)
    hostile.honest(path, 0)
    with sqlite3.connect(path) as file:
        file.executemany("INSERT INTO plans VALUES (?, 'x')", [(str(n),) for n in range(5000)])
    file.close()
    with refused("takes longer", str(path)):
        Store(path)


# --- Killed sweeps -----------------------------------------------------------------------------


def rows_in(path):
    """How many rows another process has committed so far."""
    if not path.exists():
        return 0
    with sqlite3.connect(path, timeout=30) as file:
        begun = file.execute("SELECT * FROM sqlite_master WHERE name = 'runs'").fetchone()
        count = file.execute("SELECT count(*) FROM runs").fetchone()[0] if begun else 0
    file.close()
    return count


def test_a_sweep_killed_again_and_again_loses_nothing(path, tmp_path):
    """Not even in a copy of the file alone, without what the kill left beside it."""
    axes = {"start.seed": list(range(80)), "dynamics.step_size": [0.05, 0.1]}
    data = tmp_path / "sweep.json"
    data.write_text(json.dumps({"base": TINY.to_dict(), "axes": axes}))
    command = [sys.executable, "-m", "simcore", "sweep", str(data), "--store", str(path)]
    moments, before = random.Random(4), 0
    for goal in (1, 30, 70):
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        while rows_in(path) < goal:
            assert process.poll() is None
            time.sleep(0.03)
        time.sleep(moments.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert rows_in(bare(path, tmp_path)) >= max(before, goal)
        assert rows_in(path) >= max(before, goal)  # what was there is still there
        before = rows_in(path)
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0
    expected = grid(TINY, axes)
    with Store(path) as store:
        found = dict(store.items())
        assert len(store) == len(found) == len(expected)
    assert [timeless(found[e]) for e in expected] == [timeless(row) for row in sweep(expected)]


# --- Tables ------------------------------------------------------------------------------------


def read(path):
    """The rows of a table as dicts; a .csv has text only."""
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_holds_what_varies_and_every_row(tmp_path, cells, rows, suffix):
    path = tmp_path / f"rows{suffix}"
    export(path, cells, rows)
    lines = read(path)
    assert list(lines[0]) == ["key", *rows[0], "experiment"]
    for line, cell, row in zip(lines, cells, rows, strict=True):
        assert line["key"] == cell.key
        assert int(line["start.seed"]) == cell.start.seed
        assert float(line["dynamics.step_size"]) == cell.dynamics.step_size
        assert type(cell).from_dict(json.loads(line["experiment"])) == cell
        for name, value in row.items():
            shown = type(value)(line[name])
            assert repr(shown) == repr(value)
    assert os.listdir(tmp_path) == [path.name]


def test_a_table_of_several_kinds_of_experiment(tmp_path, cells, rows):
    mixed = [PAPER, cells[0]]
    for suffix in (".csv", ".parquet"):
        path = tmp_path / f"rows{suffix}"
        export(path, mixed, [{"a": 1, "b": "x"}, {"a": 2.5}])
        first, second = read(path)
        assert (float(first["a"]), float(second["a"])) == (1.0, 2.5)
        assert first["start.type"] == "Balanced"
        assert json.loads(first["start.scales"]) == list(PAPER.start.scales)
        assert not second["start.scales"]
        assert not second["b"]


def test_a_store_exports_itself(path, tmp_path, cells, rows):
    with Store(path) as store:
        store.put(cells, rows)
        store.export(tmp_path / "rows.csv")
    assert [line["key"] for line in read(tmp_path / "rows.csv")] == [cell.key for cell in cells]


@pytest.mark.parametrize("name", ["rows.txt", "rows", "nowhere/rows.csv", "folder.csv"])
def test_a_table_needs_a_name_and_a_place(tmp_path, cells, rows, name):
    (tmp_path / "folder.csv").mkdir()
    with refused(name):
        export(tmp_path / name, cells, rows)
    assert os.listdir(tmp_path) == ["folder.csv"]
