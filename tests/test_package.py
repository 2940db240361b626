"""The wheel: what it carries, what it asks for, and that it works where there is no checkout."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import distributed
import numba
import pytest
import vl_convert
from commands import bring_compiled_kernels

from simcore import serve
from simcore.version import NUMBER

ROOT = Path(__file__).parent.parent
PATIENCE = 90  # seconds until a process is surely stuck
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(path: str) -> set[str]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / path).read_text().splitlines())
    return {line for line in lines if line}


def test_the_hosted_demo_needs_what_the_app_needs():
    needed = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["app"]
    assert requirements("requirements.txt") == set(needed)
    tested = requirements("requirements-dev.txt")
    for extra in ("cluster", "notebook"):
        assert set(PROJECT["optional-dependencies"][extra]) <= tested


def test_the_citation_names_this_version():
    assert f'version: "{NUMBER}"' in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    place = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", place, ROOT]
    subprocess.run(pip, check=True)
    (made,) = place.glob("*.whl")
    return made


def test_the_wheel_carries_the_app_and_no_tests(wheel):
    assert wheel.name.startswith(f"symmetry_at_the_edge-{NUMBER}-py3-none-any")
    with zipfile.ZipFile(wheel) as packed:
        inside = set(packed.namelist())
    here = {
        path.relative_to(ROOT).as_posix()
        for folder in ("simcore", "pages")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".js", ".css", ".html", ".typed")
    }
    there = {f"simcore/_page/{name}" if name.startswith("pages/") else name for name in here}
    assert there | {"simcore/_page/app.py", "simcore/_page/.streamlit/config.toml"} <= inside
    assert not [name for name in inside if name.split("/")[0] in ("tests", "benchmarks", "pages")]


def test_the_wheel_may_be_published(wheel):
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", wheel], check=True)


# --- The README, as printed, where there is no checkout ----------------------------------------


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """How a shell of a user is set up: the wheel in a fresh environment, and, to spare the network,
    this one's other packages."""
    fresh = tmp_path_factory.mktemp("fresh")
    python = fresh / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", fresh], check=True)
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--quiet"]
    subprocess.run([*pip, "--no-compile", wheel], check=True)
    (packages,) = fresh.glob("lib/python*/site-packages")
    bring_compiled_kernels(packages / "simcore")
    others = dict.fromkeys(
        str(Path(m.__file__).parent.parent) for m in (numba, distributed, vl_convert)
    )
    (packages / "others.pth").write_text("\n".join(others))
    dask = fresh / "bin" / "dask"
    guarded = "if __name__ == '__main__':\n    main()\n"  # its workers import it again
    dask.write_text(f"#!{python}\nfrom dask.__main__ import main\n{guarded}")
    dask.chmod(0o755)
    without = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return without | {"PATH": f"{fresh / 'bin'}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    return tmp_path_factory.mktemp("elsewhere")


def blocks(language):
    """The blocks of the README in a language, as printed."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


SETS_UP = ("make ", "python3 -m venv ", ".venv/bin/")  # a checkout, as `make` does before each test


def test_what_sets_up_a_checkout_is_there():
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    targets = [line.split()[1] for line in lines if line.startswith("make ")]
    assert targets
    assert all(f"\n{target}:" in (ROOT / "Makefile").read_text() for target in targets)
    files = [word for line in lines for word in re.findall(r"-r (\S+)", line)]
    assert files
    assert all((ROOT / name).exists() for name in files)


def command_blocks():
    return [block for block in blocks("sh") if not block.startswith(SETS_UP)]


def test_the_commands_of_the_readme_run_as_printed(installed, elsewhere):
    """Line by line as a user types them; what serves others goes on until the end of its block."""
    assert len(command_blocks()) >= 2
    said = []
    for block in command_blocks():
        with contextlib.ExitStack() as ends:
            variables = ""
            for line in filter(None, block.splitlines()):
                if re.match(r"\w+=", line):
                    variables += f"{line}\n"
                elif line.startswith("dask "):
                    ends.enter_context(serving(f"{variables}{line}", installed, elsewhere))
                else:
                    said.append(typed(f"{variables}{line}", installed, elsewhere))
    assert any("One pathway won first" in words for words in said)
    assert said[-1].startswith("60 runs: ")  # the cluster's
    with (elsewhere / "rows.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert len({(row["network.depths"], row["dynamics.step_size"]) for row in rows}) == 60


def typed(line, environment, folder):
    """What a command says that ends well."""
    result = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
    return result.stdout


@contextlib.contextmanager
def serving(line, environment, folder):
    """A command that does not end, from when it says that it is there."""
    log = folder / "serving.log"
    with open(log, "w") as file:
        process = subprocess.Popen(
            ["sh", "-c", line],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + PATIENCE
        while not re.search(r"Scheduler at:|Start worker at:", log.read_text()):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=PATIENCE)


def test_the_python_of_the_readme_runs_as_printed(installed, elsewhere):
    (program,) = blocks("python")
    result = subprocess.run(
        ["python", "-c", program], cwd=elsewhere, env=installed, capture_output=True, text=True
    )
    assert result.stderr == ""
    (promised,) = re.findall(r"# (\(0.*)$", program, re.MULTILINE)
    numbers, verdict = result.stdout.split("\n", 1)
    printed, wanted = (re.findall(r"[\d.]+", text) for text in (numbers, promised))
    assert [f"{float(p):.4g}" for p in printed] == wanted
    assert "the edge 2/η is 13" in verdict


def test_the_installed_app_is_that_of_the_wheel(installed, elsewhere):
    ask = 'python -c "import simcore, simcore.serve as s; print(simcore.__file__, s.folder())"'
    package, app = typed(ask, installed, elsewhere).split()
    assert not Path(package).is_relative_to(ROOT)
    assert Path(app) == Path(package).parent / "_page"
    assert (Path(app) / "app.py").exists()


def test_the_app_of_a_checkout_is_that_of_the_checkout():
    assert serve.folder() == ROOT
