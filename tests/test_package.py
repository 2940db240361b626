"""The wheel: what it carries, what it asks for, and that it works where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numba
import pytest

from simcore import serve
from simcore.version import NUMBER

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(path: str) -> set[str]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / path).read_text().splitlines())
    return {line for line in lines if line}


def test_the_hosted_demo_needs_what_the_app_needs():
    needed = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["app"]
    assert requirements("requirements.txt") == set(needed)
    assert set(PROJECT["optional-dependencies"]["cluster"]) <= requirements("requirements-dev.txt")


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


def test_the_wheel_runs_where_there_is_no_checkout(wheel, tmp_path):
    """A fresh environment with the wheel and, to spare the network, this one's other packages."""
    fresh = tmp_path / "fresh"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", fresh], check=True)
    packages = fresh / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    into = ["--no-deps", "--no-compile", "--quiet", "--target", packages, wheel]
    subprocess.run([sys.executable, "-m", "pip", "install", *into], check=True)
    others = Path(numba.__file__).parent.parent
    (packages / "others.pth").write_text(str(others))
    script = packages / "bin" / "simcore"
    here = tmp_path / "elsewhere"
    here.mkdir()
    environment = os.environ | {"PYTHONPATH": str(packages)}
    said = subprocess.run(
        [fresh / "bin" / "python", script, "run", "medium", "--out", "medium.npz"],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "One pathway won first" in said
    assert (here / "medium.npz").stat().st_size > 10_000
    ask = "import simcore, simcore.serve as s; print(simcore.__file__, s.folder())"
    places = subprocess.run(
        [fresh / "bin" / "python", "-c", ask], cwd=here, capture_output=True, text=True, check=True
    ).stdout.split()
    assert all(place.startswith(str(packages)) for place in places)
    assert (packages / "simcore" / "_page" / "app.py").exists()


def test_the_app_of_a_checkout_is_that_of_the_checkout():
    assert serve.folder() == ROOT
