"""In a container: another user, a package that cannot be written to, no HOME, a spoilt cache.

A copy of the project is run once where no file may grow large, as on a disk that is full, without
the compiled kernels of the module MODES; what that leaves of them is damaged; then all is made
read-only and used by another user.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from commands import PATIENCE, ROOT, bring_compiled_kernels
from served import free_port

CONTENTS = ("simcore", "pages", "tests", ".streamlit", "app.py", "pyproject.toml")
NOBODY = 65534
READS_ANYTHING = "dac_read_search"  # of the capabilities of Linux
MODES = "modes"
ROOM = 50_000  # bytes: a short run fits, and about half of the kernels that it compiles
CORE = (
    *("tests/test_files.py", "tests/test_presets.py", "tests/test_command_line.py"),
    "-k=files and not device or medium or fills_its_store or wrong_sweep",
)


def give_up(reason: str) -> None:
    """Skip; the suite's summary says why."""
    pytest.skip(f"a test as another user needs {reason}")


@pytest.fixture(scope="module")
def nobody() -> list[str]:
    """What to put before a command for another user to run it, without any rights of root.

    Where only root can reach this Python, in /root for instance, that user may read anything.
    """
    if sys.platform != "linux" or os.getuid() != 0:
        give_up("root on Linux, to become somebody else; run the suite in a container")
    if shutil.which("setpriv") is None:
        give_up("setpriv; apt-get install util-linux")
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    sets = ("--inh-caps", "--ambient-caps", "--bounding-set")
    plain = [*user, *(f"{name}=-all" for name in sets)]
    reader = [*user, *(f"{name}=-all,+{READS_ANYTHING}" for name in sets)]
    probe = f"import sys, numba, streamlit; assert sys.version == {sys.version!r}"
    for prefix in (plain, reader):
        command = [*prefix, sys.executable, "-c", probe]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return prefix
    give_up(f"a Python that other users can run, {sys.executable} is none")
    raise AssertionError


@pytest.fixture(scope="module")
def container() -> Iterator[Path]:
    """The project, sealed, with a spoilt cache in it; beside it a folder that may be written to."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to other users
        place = Path(folder)
        place.chmod(0o755)
        project, scratch = place / "project", place / "scratch"
        project.mkdir()
        scratch.mkdir()
        os.chown(scratch, NOBODY, NOBODY)
        for name in CONTENTS:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, project / name, **ignoring(copy))
        bring_compiled_kernels(project / "simcore", without=MODES)
        run_on_a_full_disk(project, scratch)
        for path in project.rglob(f"{MODES}.*.nb?"):
            path.write_bytes(path.read_bytes()[:-100])
        for path in (project, *project.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield place


def ignoring(copy: object) -> dict:
    if copy is not shutil.copytree:
        return {}
    return {"ignore": shutil.ignore_patterns("__pycache__")}


def run_on_a_full_disk(project: Path, scratch: Path) -> None:
    """The command, whose cache gets some kernels and lacks others."""
    out = scratch / "medium.npz"
    subprocess.run(
        [sys.executable, "-m", "simcore", "run", "medium", "--out", str(out)],
        cwd=project,
        # Python itself trips over its own .pyc, if the disk had room for a part of it only
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM)),
        capture_output=True,
        check=True,
    )
    assert out.stat().st_size > 10_000
    written = {path.name.split("-")[0] for path in project.rglob(f"{MODES}.*.nbc")}
    known = {path.name.split("-")[0] for path in project.rglob(f"{MODES}.*.nbi")}
    assert written
    assert known - written


def environment(container: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "TMPDIR": str(container / "scratch")}


def files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_the_core_of_the_suite_as_another_user_on_a_read_only_tree(nobody, container):
    before = files(container / "project")
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    result = subprocess.run(
        [*nobody, sys.executable, "-m", "pytest", *options, *CORE],
        cwd=container / "project",
        env=environment(container),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^\d\d passed", result.stdout, re.MULTILINE), result.stdout
    assert "skipped" not in result.stdout
    assert files(container / "project") == before


def test_the_app_starts_for_another_user_on_a_read_only_tree(nobody, container):
    port = free_port()
    command = [*nobody, sys.executable, "-m", "streamlit", "run", "app.py"]
    address = ["--server.address=127.0.0.1", f"--server.port={port}", "--server.headless=true"]
    server = subprocess.Popen(
        [*command, *address],
        cwd=container / "project",
        env=environment(container),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until = time.monotonic() + PATIENCE
        while not healthy(port):
            assert server.poll() is None, server.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.1)
    finally:
        server.terminate()
        said = server.communicate(timeout=PATIENCE)[0]
    assert "Traceback" not in said


def healthy(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
            return answer.read() == b"ok"
    except (URLError, OSError):
        return False
