"""Signals, and the death of a parent: rows are kept, one sentence, its exit code, no orphans.

Every process that a command starts holds its stderr, so `communicate` returns when the last of
them has ended: that there are no orphans needs no look at processes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from concurrent.futures.process import BrokenProcessPool

import pytest
from cases import CASES, descending
from commands import (
    PATIENCE,
    ROOT,
    SIGNALS,
    complaints,
    kill_at_random,
    rows_in,
    start,
    wait_for,
    wait_until_ours,
)

from simcore import Record, sweep
from simcore.studies import workers
from simcore.studies.store import Store

QUICK = descending(CASES["bottleneck"], 0.1, 50, record=Record(frames=2))
LONG = descending(CASES["bottleneck"], 1e-6, 10_000_000, record=Record(frames=2))  # hours

needs_proc = pytest.mark.skipif(
    sys.platform != "linux", reason="when a process catches a signal is read from Linux's /proc"
)


@pytest.fixture
def endless(tmp_path):
    """A sweep of 80 runs, every second of which takes hours."""
    axes = {
        "start.seed": list(range(40)),
        "dynamics": [QUICK.dynamics.to_dict(), LONG.dynamics.to_dict()],
    }
    file, store = tmp_path / "sweep.json", tmp_path / "rows.sqlite"
    file.write_text(json.dumps({"base": QUICK.to_dict(), "axes": axes}))
    return "sweep", file, "--store", store


def started(sweep_command, *options, **more):
    """The sweep, once its first rows are there."""
    process, store = start(*sweep_command, *options, **more), sweep_command[-1]
    wait_for(lambda: store.exists() and rows_in(store), process)
    return process


@pytest.mark.parametrize(
    ("number", "options"),
    [(signal.SIGINT, []), (signal.SIGHUP, ["--jobs", 2])],
    ids=["threads", "processes"],
)
def test_a_signal_to_the_whole_group_keeps_what_is_done(endless, number, options):
    process = started(endless, *options)
    os.killpg(process.pid, number)
    said, errors = process.communicate(timeout=PATIENCE)
    word, code = SIGNALS[number]
    store = endless[-1]
    assert (process.returncode, said) == (code, ""), errors
    assert complaints(errors) == [
        f"simcore: {word}; {rows_in(store)} of 80 runs are in {store}, "
        "the same command goes on from there"
    ]
    with Store(store) as rows:
        assert {row["outcome"] for _, row in rows.items()} == {"FINISHED"}


def test_workers_end_when_their_parent_is_killed(endless):
    process = started(endless, "--jobs", 1)
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL


def test_what_is_ignored_at_the_start_stays_ignored(endless):
    """As under nohup, and as a shell starts what it puts in the background."""
    process = started(endless, ignoring=(signal.SIGHUP, signal.SIGINT))
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    (sentence,) = complaints(errors)
    assert sentence.startswith("simcore: terminated; ")


def test_a_second_signal_does_not_wait(endless):
    process = started(endless)
    for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
        os.killpg(process.pid, number)  # stopped, so that both are there when it goes on
    _, errors = process.communicate(timeout=PATIENCE)
    # either may come second, as the kernel gives each to any thread
    again = {143: "terminated", 130: "interrupted"}[process.returncode]
    assert complaints(errors) == [f"simcore: {again} again, so what was under way is lost"]
    assert rows_in(endless[-1])


@needs_proc
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_during_the_imports_is_one_sentence(endless, number):
    process = start(*endless)
    wait_until_ours(process)
    os.killpg(process.pid, number)
    said, errors = process.communicate(timeout=PATIENCE)
    word, code = SIGNALS[number]
    assert (process.returncode, said, errors) == (code, "", f"simcore: {word}\n")
    assert not endless[-1].exists()


@needs_proc
def test_the_installed_command_hears_signals_as_early(endless, tmp_path):
    script = tmp_path / "simcore"  # as pip writes it
    script.write_text("from simcore.__main__ import program\n\nprogram()\n")
    process = start(*endless, program=[script], env=os.environ | {"PYTHONPATH": str(ROOT)})
    wait_until_ours(process)
    os.killpg(process.pid, signal.SIGINT)
    said, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said, errors) == (130, "", "simcore: interrupted\n")


@needs_proc
def test_signals_at_random_moments(tmp_path):
    """`python benchmarks/signals.py` sends twenty of each."""
    kept = kill_at_random(tmp_path, [*SIGNALS] * 2, 200)
    assert kept[-1] > 0


# --- Workers -----------------------------------------------------------------------------------


def test_a_worker_leaves_signals_to_its_parent_and_dies_with_its_pool():
    with workers.pool(2) as pool:
        pid = pool.submit(os.getpid).result()
        for number in SIGNALS:
            os.kill(pid, number)
        asked = iter([False, True, True])
        (row,) = sweep([LONG], executor=pool, stopped=lambda: next(asked))
        assert row["outcome"] == "CANCELLED"
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(BrokenProcessPool):
            use(pool)


def use(pool):
    while True:
        pool.submit(time.sleep, 0.01).result()
