"""A real cluster: a scheduler and two workers, each a process of its own, over TCP on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cases import CASES, PAPER, descending, flowing, results
from strategies import refused

from simcore import Record, grid, scheduler, sweep
from simcore.__main__ import main
from simcore.studies.store import Store
from simcore.version import VERSION

distributed = pytest.importorskip("distributed")

ROOT = Path(__file__).parent.parent
NOWHERE = ""  # the scheduler passes on what it cannot read
PATIENCE = 60  # seconds until a process of the cluster is there


class Cluster:
    """`dask scheduler` and `dask worker` as a user starts them."""

    def __init__(self, folder, workers=2):
        self.file = folder / "scheduler.json"
        self.log = folder / "log"
        self.processes = []
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0")
        wait_for(self.written)
        self.workers = [self.work() for _ in range(workers)]
        self.address = json.loads(self.file.read_text())["address"]

    def written(self):
        """Whether the scheduler has written its file to the end."""
        try:
            return "address" in json.loads(self.file.read_text())
        except (OSError, ValueError):
            return False

    def start(self, role, *arguments, package=NOWHERE):
        command = [sys.executable, "-m", f"distributed.cli.dask_{role}", "--no-dashboard"]
        with open(self.log, "a") as log:
            process = subprocess.Popen(
                [*command, "--scheduler-file", str(self.file), *arguments],
                cwd=self.file.parent,
                env=os.environ | {"PYTHONPATH": str(package)},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def work(self, package=ROOT):
        options = ("--host", "127.0.0.1", "--no-nanny", "--nthreads", "1")
        return self.start("worker", *options, package=package)

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


def wait_for(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster.address, timeout=PATIENCE, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        yield client


@pytest.fixture(scope="module")
def cells():
    """Batches of descents, single runs of both engines and a flow; some diverge."""
    maps = grid(
        descending(PAPER, 0.1, 500, record=Record(frames=50)),
        {"network.depths": [(20, 20), (3, 5)], "dynamics.step_size": [0.05, 0.15, 0.25, 0.9, 9.0]},
    )
    random = grid(
        descending(CASES["bottleneck"], 0.1, 100, record=Record(frames=5)),
        {"start.seed": list(range(100)), "dynamics.step_size": [0.05, 5.0]},
    )
    return [*maps, *random, flowing(CASES["deep"], 5.0)]


def timeless(rows):
    return [repr(results(row)) for row in rows]


@pytest.fixture(scope="module")
def local(cells):
    return timeless(sweep(cells))


def test_a_client_and_its_executor_give_the_local_rows(client, cells, local):
    assert timeless(sweep(cells, executor=client)) == local
    assert timeless(sweep(cells, executor=client.get_executor())) == local


def test_the_command_line_uses_the_cluster(client, cluster, cells, local, tmp_path):
    file, store = tmp_path / "sweep.json", tmp_path / "rows.sqlite"
    axes = {"dynamics.step_size": [cell.dynamics.step_size for cell in cells[:5]]}
    file.write_text(json.dumps({"base": cells[0].to_dict(), "axes": axes}))
    assert main(["sweep", str(file), "--store", str(store), "--scheduler", cluster.address]) == 0
    with Store(store) as rows:
        found = dict(rows.items())
    assert timeless(found[cell] for cell in cells[:5]) == local[:5]


def test_a_cancelled_sweep_leaves_the_cluster_idle(client, cells):
    rows = sweep(cells, executor=client, on_done=lambda *_: False)
    assert any(row["outcome"] == "CANCELLED" for row in rows)
    wait_for(lambda: not any(client.processing().values()))


def test_a_killed_worker_loses_nothing(client, cluster, cells, local, tmp_path):
    pids = {pid: address for address, pid in client.run(os.getpid).items()}
    lost = []

    def kill_a_worker(done, total, row):
        if not lost:
            victim = cluster.workers.pop()
            lost.extend(client.processing()[pids[victim.pid]])
            victim.send_signal(signal.SIGKILL)
            assert victim.wait() == -signal.SIGKILL

    with Store(tmp_path / "rows.sqlite") as store:
        rows = sweep(cells, executor=client, store=store, on_done=kill_a_worker)
        cluster.workers.append(cluster.work())
        assert lost  # it was working on these
        assert timeless(rows) == local
        assert len(store) == len(cells)
        assert timeless(store.rows(cells).values()) == local


# --- Workers that are none ---------------------------------------------------------------------


def changed(folder):
    """A checkout in which one line of one source is another."""
    shutil.copytree(ROOT / "simcore", folder / "simcore", ignore=shutil.ignore_patterns("__py*"))
    with open(folder / "simcore" / "theory.py", "a") as source:
        source.write("CHANGED = True\n")
    return folder


def before_versions(folder):
    """A checkout of the time when programs did not say their version."""
    changed(folder)
    (folder / "simcore" / "version.py").unlink()
    for name in ("__init__.py", "studies/cluster.py"):
        (folder / "simcore" / name).write_text("")
    return folder


@pytest.mark.parametrize(
    ("package", "words"),
    [
        (lambda folder: NOWHERE, ["can import simcore", "No module named 'simcore'"]),
        (changed, ["workers of version", VERSION, "has version"]),
        (before_versions, ["can import simcore", "simcore.version"]),
    ],
    ids=["none", "another version", "no version"],
)
def test_a_worker_that_is_none_is_refused_with_its_reason(
    client, cluster, cells, tmp_path, package, words
):
    """It would take batch after batch and fail, so the sweep ends."""
    others = set(client.scheduler_info(n_workers=-1)["workers"])
    worker = cluster.work(package(tmp_path))
    try:
        client.wait_for_workers(len(others) + 1, timeout=PATIENCE)
        (address,) = set(client.scheduler_info(n_workers=-1)["workers"]) - others
        with refused(address, *words):
            sweep(cells, executor=client)
        assert worker.poll() is None
    finally:
        cluster.processes.remove(worker)
        worker.kill()
        worker.wait()
    wait_for(lambda: set(client.scheduler_info(n_workers=-1)["workers"]) == others)


def test_a_lost_scheduler_is_one_sentence(tmp_path, capsys, monkeypatch):
    lone = Cluster(tmp_path, workers=0)
    monkeypatch.setattr(scheduler, "WITHIN", 3)  # the client tries to come back for so long
    monkeypatch.setattr(
        "simcore.command.sweeps.say", lambda _: lone.stop()
    )  # "waiting for workers"
    file, store = tmp_path / "sweep.json", tmp_path / "rows.sqlite"
    file.write_text(json.dumps({"base": PAPER.to_dict(), "axes": {}}))
    assert main(["sweep", str(file), "--store", str(store), "--scheduler", lone.address]) == 1
    assert capsys.readouterr().err == (
        f"simcore: the scheduler is lost; 0 of 1 runs are in {store}, "
        "the same command goes on from there\n"
    )


def test_a_worker_is_no_scheduler(client, tmp_path, capsys):
    address = next(iter(client.scheduler_info(n_workers=-1)["workers"]))
    file, store = tmp_path / "sweep.json", tmp_path / "rows.sqlite"
    file.write_text(json.dumps({"base": PAPER.to_dict(), "axes": {}}))
    assert main(["sweep", str(file), "--store", str(store), "--scheduler", address]) == 2
    assert f"{address}, but what listens there is none" in capsys.readouterr().err
