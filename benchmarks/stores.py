"""What a store survives, and what ten thousand runs cost.

python benchmarks/stores.py kill     # kill -9 at 20 random moments of a sweep of 2,000 runs
python benchmarks/stores.py many     # 10,000 runs of the matrices engine on the command line
python benchmarks/stores.py batch    # what it costs to put a batch of rows into the file
python benchmarks/stores.py hostile  # 500 files that pretend to be stores
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import hostile
from strategies import check_refusal

from simcore import Descent, Experiment, Gaussian, Network, Record, Spectrum, grid
from simcore.studies import stored_maps
from simcore.studies.store import Store

MOST_MB, MOST_SECONDS = 200, 60  # to read one file, beyond what a program takes at rest
NETWORK = Experiment(
    task=Spectrum(singular_values=(1.0, 0.6, 0.3)),
    network=Network(depths=(3, 3), width=8),
    start=Gaussian(std=0.3),
    dynamics=Descent(step_size=0.1, steps=200),
    record=Record(frames=2),
)


def start(folder: Path, axes: dict, store: Path, *options: str) -> subprocess.Popen:
    """The sweep on the command line."""
    file = folder / "sweep.json"
    file.write_text(json.dumps({"base": NETWORK.to_dict(), "axes": axes}))
    command = [sys.executable, "-m", "simcore", "sweep", str(file), "--store", str(store)]
    return subprocess.Popen([*command, *options], cwd=ROOT, stderr=subprocess.DEVNULL)


def rows_in(store: Path) -> int:
    """How many rows are committed."""
    if not store.exists():
        return 0
    with sqlite3.connect(store, timeout=30) as file:
        count = file.execute("SELECT count(*) FROM runs").fetchone()[0]
    file.close()
    return count


def resident(pid: int) -> float:
    """Memory of a process now, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def kill(folder: Path) -> None:
    axes = {"start.seed": list(range(1000)), "dynamics.step_size": [0.1, 0.2]}
    cells = grid(NETWORK, axes)
    undisturbed, store = folder / "undisturbed.sqlite", folder / "killed.sqlite"
    begin = time.monotonic()
    assert start(folder, axes, undisturbed).wait() == 0
    print(f"undisturbed: {time.monotonic() - begin:.1f} s")

    moments, kept, kills = random.Random(20), 0, 0
    while kills < 20:
        process = start(folder, axes, store)
        goal = kept + moments.randrange(len(cells) // 22)
        until, reported = None, kept
        while until is None or time.monotonic() < until:
            assert process.poll() is None
            reported = rows_in(store)
            if until is None and reported > goal:
                until = time.monotonic() + moments.uniform(0, 0.1)
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        # a copy of the file alone, before anybody takes back the batch that was being written
        bare = Path(shutil.copy(store, folder / "bare.sqlite"))
        with Store(bare, only_read=True) as copy:
            assert len(copy) == len(list(copy.items())) >= reported, "a reported row was lost"
            copied = len(copy)
        kept, kills = rows_in(store), kills + 1
        assert kept >= reported, "a reported row was lost"
        print(f"kill {kills:2d}: {reported} rows were reported, {copied} are in a copy")
    assert start(folder, axes, store).wait() == 0

    with Store(undisturbed) as a, Store(store) as b:
        expected, found = dict(a.items()), dict(b.items())
        assert len(b) == len(found) == len(cells), "a row is missing or twice"
    for cell in cells:
        one, other = expected[cell], found[cell]
        assert all(repr(one[name]) == repr(other[name]) for name in one if name != "seconds")
    print(f"{len(cells)} rows after {kills} kills: the same as undisturbed, none lost, none twice")


def batch(folder: Path) -> None:
    """Rows are made, not run: what is timed is the file."""
    cells = grid(NETWORK, {"start.seed": list(range(8000))})
    for size in (16, 1000):
        with Store(folder / f"{size}.sqlite") as store:
            seconds = []
            for first in range(0, 8 * size, size):
                part = cells[first : first + size]
                begin = time.perf_counter()
                store.put(part, [hostile.ROW] * size)
                seconds.append(time.perf_counter() - begin)
        print(
            f"{size} rows: median {statistics.median(seconds) * 1e3:.1f} ms, "
            f"slowest of {len(seconds)} {max(seconds) * 1e3:.1f} ms"
        )


def pretended(folder: Path, files: int) -> None:
    """Each file is read as the page and the command line do, in a process of its own."""
    with_nothing = in_a_child(lambda: None)[1]
    worst: dict[str, list[float]] = {}
    outcomes: Counter[str] = Counter()
    for number in range(files):
        path = folder / f"{number}.sqlite"
        kind = hostile.KINDS[number % len(hostile.KINDS)].__name__
        in_a_child(lambda path=path, number=number: hostile.make(number, path))
        before = path.read_bytes()
        outcome, memory, seconds, wall = in_a_child(lambda path=path: asked(path))
        assert path.read_bytes() == before, f"file {number} ({kind}) was changed"
        memory -= with_nothing
        assert memory < MOST_MB, f"file {number} ({kind}): {memory:.0f} MB"
        assert wall < MOST_SECONDS, f"file {number} ({kind}): {wall:.0f} s"
        outcomes[outcome] += 1
        others = worst.get(kind, [0.0, 0.0])
        worst[kind] = [max(memory, others[0]), max(seconds, others[1])]
        path.unlink()
    for kind, (memory, seconds) in sorted(worst.items(), key=lambda item: -item[1][1]):
        print(f"{kind:20s} at most {memory:4.0f} MB and {seconds:5.2f} s of a core")
    print(f"{files} files: " + ", ".join(f"{n} {outcome}" for outcome, n in outcomes.items()))


def asked(path: Path) -> int:
    """What is asked of a store by the page and the command line; the exit code says how it went."""
    try:
        stored_maps.read(path, 4800, "this file")
        with Store(path, only_read=True) as store:
            found = dict(store.items())
            store.versions(list(found))
    except ValueError as error:
        check_refusal(error)
        return 1
    return 0


def in_a_child(work: Callable[[], object]) -> tuple[str, float, float, float]:
    """How it ended there ("read", "refused"), the most memory in MB, seconds of a core and on the
    clock."""
    begin = time.monotonic()
    pid = os.fork()
    if not pid:
        code = 2
        try:
            signal.alarm(120)
            code = int(work() == 1)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status, usage = os.wait4(pid, 0)
    assert status in (0, 256), f"a file was neither read nor refused in a sentence ({status})"
    outcome = "refused" if status else "read"
    wall = time.monotonic() - begin
    return outcome, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime, wall


def many(folder: Path, runs: int, options: list[str]) -> None:
    axes = {"start.seed": list(range(runs // 2)), "dynamics.step_size": [0.1, 0.2]}
    store = folder / "rows.sqlite"
    begin = time.monotonic()
    process = start(folder, axes, store, *options)
    quarters = [1, *(runs * part // 4 for part in (1, 2, 3))]
    while quarters:
        if rows_in(store) >= quarters[0]:
            print(f"{quarters.pop(0):6d} rows: {resident(process.pid):.0f} MB")
        time.sleep(0.05)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    wall = time.monotonic() - begin
    assert rows_in(store) == runs
    size = sum(file.stat().st_size for file in folder.glob("rows.sqlite*"))
    print(
        f"{runs} runs: {wall:.1f} s ({wall / runs * 1e3:.2f} ms each), at most "
        f"{usage.ru_maxrss / 1024:.0f} MB, {size / 1e6:.1f} MB on disk"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("what", choices=["kill", "many", "batch", "hostile"])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=500)
    options, others = parser.parse_known_args()  # the others go to the command line: --jobs 2
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "kill":
            kill(Path(folder))
        elif options.what == "batch":
            batch(Path(folder))
        elif options.what == "hostile":
            pretended(Path(folder), options.files)
        else:
            many(Path(folder), options.runs, others)


if __name__ == "__main__":
    main()
