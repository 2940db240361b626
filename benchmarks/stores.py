"""What a store survives, and what ten thousand runs cost.

python benchmarks/stores.py kill    # kill -9 at 20 random moments of a sweep of 2,000 runs
python benchmarks/stores.py many    # 10,000 runs of the matrices engine on the command line
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from simcore import Descent, Experiment, Gaussian, Network, Record, Spectrum, grid
from simcore.studies.store import Store

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
        while rows_in(store) <= goal:
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert rows_in(store) >= kept, "a row was lost"
        kept, kills = rows_in(store), kills + 1
        print(f"kill {kills:2d}: {kept} rows")
    assert start(folder, axes, store).wait() == 0

    with Store(undisturbed) as a, Store(store) as b:
        expected, found = dict(a.items()), dict(b.items())
        assert len(b) == len(found) == len(cells), "a row is missing or twice"
    for cell in cells:
        one, other = expected[cell], found[cell]
        assert all(repr(one[name]) == repr(other[name]) for name in one if name != "seconds")
    print(f"{len(cells)} rows after {kills} kills: the same as undisturbed, none lost, none twice")


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
    parser.add_argument("what", choices=["kill", "many"])
    parser.add_argument("--runs", type=int, default=10_000)
    options, others = parser.parse_known_args()  # the others go to the command line: --jobs 2
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "kill":
            kill(Path(folder))
        else:
            many(Path(folder), options.runs, others)


if __name__ == "__main__":
    main()
