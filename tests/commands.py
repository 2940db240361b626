"""Commands in processes of their own, and what signals do to them."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from cases import CASES, descending

from simcore import Record, grid, simulate, summary
from simcore.kernels import modes
from simcore.studies.store import Store

ROOT = Path(__file__).parent.parent
PATIENCE = 120  # seconds until a process is surely stuck
SIGNALS = {
    signal.SIGINT: ("interrupted", 130),
    signal.SIGTERM: ("terminated", 143),
    signal.SIGHUP: ("hung up", 129),
}


def start(
    *arguments: object,
    ignoring: Iterable[int] = (),
    closed: Iterable[int] = (),
    program: Iterable[object] = ("-m", "simcore"),
    **options: object,
) -> subprocess.Popen[str]:
    """A command as a shell starts it on a terminal: it leads a group, which gets the signals, and
    ignores none but those asked for, whatever this process ignores. Streams may be closed."""

    def dispose() -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN if number in ignoring else signal.SIG_DFL)
        for number in closed:
            os.close(number)

    return subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        **{
            "cwd": ROOT,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "start_new_session": True,
            "preexec_fn": dispose,
            **options,
        },
    )


def bring_compiled_kernels(package: Path, without: str = "") -> None:
    """To a copy of simcore, apart from those of one module; what is missing is compiled there."""
    kept = package / "kernels" / "__pycache__"
    kept.mkdir(exist_ok=True)
    for file in Path(modes.evaluate.stats.cache_path).glob("*.nb[ic]"):
        if not without or not file.name.startswith(f"{without}."):
            shutil.copy(file, kept)


def wait_for(condition, process: subprocess.Popen) -> None:
    """Until something is true of a process that runs."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


def wait_until_ours(process: subprocess.Popen) -> None:
    """Until our first line has run: Python itself does not catch SIGTERM. Linux only."""

    def caught() -> bool:
        status = Path(f"/proc/{process.pid}/status").read_text()
        mask = int(status.split("SigCgt:")[1].split()[0], 16)
        return bool(mask >> (signal.SIGTERM - 1) & 1)

    wait_for(caught, process)


def rows_in(store: Path) -> int:
    """How many rows are there for whoever looks, and that the file is whole."""
    if not store.exists() or store.stat().st_size == 0:  # a store begins as an empty file
        return 0
    with sqlite3.connect(store, timeout=30) as file:
        assert file.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        count = file.execute("SELECT count(*) FROM runs").fetchone()[0]
    file.close()
    return count


def complaints(errors: str) -> list[str]:
    """What a command said was wrong; nothing else but bars may stand on its stderr."""
    lines = errors.splitlines()
    others = [line for line in lines if line and not line.startswith(("simcore: ", "["))]
    assert not others, errors
    return [line for line in lines if line.startswith("simcore: ")]


def kill_at_random(
    folder: Path, numbers: Iterable[int], runs: int, *options: object, seed: int = 0
) -> list[int]:
    """Send these signals to one sweep at random moments, going on each time; rows after each.

    Each ends with its code and one sentence, whose count is that of the store, or had nothing left
    to stop; no row is lost, and a sample of the rows is that of an undisturbed run.
    """
    base = descending(CASES["bottleneck"], 0.1, 300, record=Record(frames=2))
    axes = {"start.seed": list(range(runs))}
    file, store = folder / "sweep.json", folder / "rows.sqlite"
    file.write_text(json.dumps({"base": base.to_dict(), "axes": axes}))
    moments, kept = random.Random(seed), [0]
    for i, number in enumerate(numbers):
        process = start("sweep", file, "--store", store, *options)
        wait_until_ours(process)
        while i % 2 and rows_in(store) == kept[-1] and process.poll() is None:
            time.sleep(0.02)  # every second one hits the runs, however long imports take
        time.sleep(moments.uniform(0, 0.5))
        if process.poll() is None:
            os.killpg(process.pid, number)
        said, errors = process.communicate(timeout=PATIENCE)
        kept.append(rows_in(store))
        assert kept[-1] >= kept[-2]
        check_end(number, process.returncode, said, complaints(errors), kept[-1], runs)
    with Store(store) as rows:
        found = rows.rows(moments.sample(grid(base, axes), 20))
    for experiment, row in found.items():
        fresh = summary(simulate(experiment))
        assert repr({**row, "seconds": 0}) == repr({**fresh, "seconds": 0})
    return kept[1:]


def check_end(
    number: int, code: int, said: str, sentences: list[str], kept: int, runs: int
) -> None:
    """That a sweep ended as this signal asks for."""
    word, expected = SIGNALS[number]
    if code == expected and sentences:
        assert len(sentences) == 1
        assert sentences[0].startswith(f"simcore: {word}")
        if ";" in sentences[0]:
            assert f"; {kept} of {runs} runs are in " in sentences[0]
    else:  # the signal came when all was done; in the last moments Python itself dies of it
        assert code in (0, -number)
        assert sentences == []
        assert said.startswith(f"{runs} runs: ")
        assert kept == runs
