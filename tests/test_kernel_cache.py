"""Compiled code that is kept between runs: never that of other sources, never a reason to fail.

Each test copies sources to a folder of its own and runs them in a Python that knows none of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import forks
import pytest

ROOT = Path(__file__).parent.parent
KERNELS = ROOT / "simcore" / "kernels"
NOWHERE = "/proc/nowhere"  # where not even root makes a folder

# A kernel in one file, what it is made of in another: a constant, a function, a tuple's fields.
BASE = """
from typing import NamedTuple
from simcore.kernels.stamp import kernel as shared

FACTOR = 3.0

class Pair(NamedTuple):
    one: float
    two: float

@shared
def scaled(x):
    return FACTOR * x
"""
USER = """
from simcore.kernels.base import Pair, scaled
from simcore.kernels.stamp import kernel

@kernel
def difference(pair):
    return scaled(pair.one) - pair.two
"""
# The same, called where it lies.
CALLED = BASE.replace("import kernel as", "import inner_kernel as")
DIFFERENCE = """
import json
from simcore.kernels.user import Pair, difference
value = difference(Pair(one=5.0, two=1.0))
hits = sum(getattr(difference, "_cache_hits", {}).values())
print(json.dumps([value, hits]))
"""
RESULT = 14.0

# y' = -y by the integrator of the flow, from a file of its own.
DECAY = """
from simcore.kernels.dormand_prince import (
    ACCEPTED, NOW, STAGES, judge, next_step, propose, row_of
)
from simcore.kernels.stamp import kernel

@kernel
def decay(integrator, duration):
    stages, trial = integrator.stages, integrator.trial
    while integrator.clock[NOW] < duration:
        h = next_step(integrator, duration)
        for stage in range(1, STAGES):
            propose(integrator, stage, h)
            for a in range(trial.size):
                stages[row_of(stage), a] = -trial[a]
        judge(integrator, h, 1e-10, 0.0)
    return integrator.counts[ACCEPTED]
"""
DECAYING = """
import json
import numpy as np
from simcore.kernels.decay import decay
from simcore.kernels.dormand_prince import END, STAGES, Integrator, begin

def numbers(*shape):
    return np.zeros(shape)

integrator = Integrator(
    clock=numbers(6), seen=np.zeros(1, bool), counts=np.zeros(2, np.int64), old=numbers(4),
    new=numbers(4) + 1.0, trial=numbers(4), stages=numbers(7, 4), stiff=numbers(8),
    weights=4, moving=np.ones(1, bool),
)
integrator.clock[END] = np.inf
integrator.stages[STAGES - 1] = -integrator.new
begin(integrator, 0.0, 9.0)
accepted = int(decay(integrator, 9.0))
print(json.dumps([accepted, integrator.new.tolist(), sum(decay._cache_hits.values())]))
"""


def environment(**changes: str) -> dict[str, str]:
    """Where Numba finds no folder of its own choice but the project's."""
    hidden = ("NUMBA_", "XDG_CACHE_HOME", "PYTHONPATH", "HOME")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return kept | {"HOME": NOWHERE} | changes


@pytest.fixture(scope="module")
def python() -> Iterator[forks.Ancestor]:
    with forks.ancestor() as process:
        yield process


@pytest.fixture(scope="module")
def run(python: forks.Ancestor) -> Callable[..., list]:
    """What a program prints as JSON; it prints nothing else and complains of nothing."""

    def run(folder: Path, program: str, **changes: str) -> list:
        (ended,) = python.run(folder, program, environment(**changes))
        assert (ended.code, ended.err) == (0, "")
        return json.loads(ended.out)

    return run


def project(folder: Path, names: tuple[str, ...] = (), **sources: str) -> Path:
    """A package `simcore` with the cache, the modules of these names and these sources."""
    kernels = folder / "simcore" / "kernels"
    kernels.mkdir(parents=True)
    (folder / "simcore" / "__init__.py").touch()
    for name in ("__init__", "stamp", "cache", *names):
        shutil.copy(KERNELS / f"{name}.py", kernels)
    for name, source in sources.items():
        (kernels / f"{name}.py").write_text(source)
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project that never ran."""
    return project(tmp_path / "project", base=BASE, user=USER)


@pytest.fixture(scope="module", params=[BASE, CALLED], ids=["linked", "called"])
def base(request: pytest.FixtureRequest) -> str:
    """The source of what another kernel calls."""
    return request.param


@pytest.fixture(scope="module")
def ran(run: Callable[..., list], base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project(tmp_path_factory.mktemp("ran") / "project", base=base, user=USER)
    assert run(folder, DIFFERENCE) == [RESULT, 0]
    assert len(kept(folder)) == 4  # an index and code for each of two kernels
    return folder


@pytest.fixture
def warm(ran: Path, tmp_path: Path) -> Path:
    """A project that ran once."""
    return shutil.copytree(ran, tmp_path / "warm")


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / "simcore" / "kernels" / f"{name}.py"
    source = path.read_text()
    assert source.count(old) == 1
    path.write_text(source.replace(old, new))


def kept(folder: Path, ending: str = "") -> list[Path]:
    return sorted(folder.rglob(f"*.nb{ending or '?'}"))


# --- Edits -----------------------------------------------------------------------------------


def test_a_second_run_compiles_nothing(run, warm):
    files = {path: path.stat().st_mtime_ns for path in kept(warm)}
    assert run(warm, DIFFERENCE) == [RESULT, 1]
    assert files == {path: path.stat().st_mtime_ns for path in kept(warm)}


def test_a_copy_of_sources_and_cache_compiles_nothing(run, warm, tmp_path):
    """As in a container that was built elsewhere, or a checkout whose files all look new."""
    moved = shutil.copytree(warm, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    assert run(moved, DIFFERENCE) == [RESULT, 1]


def test_an_edit_in_another_file_is_seen(run, base, warm):
    """Numba alone returns 14 again and again, and with the fields swapped 3 * 1 - 5."""
    constant = "FACTOR = 3.0", "FACTOR = 2.0"
    function = "FACTOR * x", "FACTOR * x + 1.0"
    fields = "    one: float\n    two: float\n", "    two: float\n    one: float\n"
    edit(warm, "base", *constant)
    assert run(warm, DIFFERENCE) == [9.0, 0]
    edit(warm, "base", *function)
    assert run(warm, DIFFERENCE) == [10.0, 0]
    edit(warm, "base", *fields)
    assert run(warm, DIFFERENCE) == [10.0, 0]
    (warm / "simcore/kernels/base.py").write_text(base)  # as with a branch that is left again
    assert run(warm, DIFFERENCE) == [RESULT, 0]
    assert run(warm, DIFFERENCE) == [RESULT, 1]


def test_an_edit_of_the_integrator_reaches_the_flow(run, tmp_path):
    """Of its step control, with a warm cache."""
    folder = project(tmp_path / "project", ("simd", "dormand_prince"), decay=DECAY)
    accepted, weights, hits = run(folder, DECAYING)
    assert hits == 0
    assert run(folder, DECAYING) == [accepted, weights, 1]

    edit(folder, "dormand_prince", "SAFETY = 0.9", "SAFETY = 0.5")
    changed, _, hits = run(folder, DECAYING)
    assert changed > 1.3 * accepted
    assert hits == 0


def test_code_of_another_numba_is_neither_read_nor_written(run, small):
    """What the cache leans on is not public: where it may have changed, everything is compiled."""
    other = """
import numba, numba.core.caching
numba.__version__ = "0.69.0"
del numba.core.caching.CompileResultCacheImpl
"""
    assert run(small, other + DIFFERENCE) == [RESULT, 0]
    assert kept(small) == []


def test_the_numba_that_is_known_is_the_one_that_is_required():
    from simcore.kernels.stamp import KNOWN_NUMBA

    major, minor = map(int, KNOWN_NUMBA.rstrip(".").split("."))
    wanted = f"numba>={major}.{minor},<{major}.{minor + 1}"
    assert re.search(f"^{wanted}$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)


# --- Nowhere to write ------------------------------------------------------------------------


@pytest.fixture
def sealed(run: Callable[..., list], tmp_path: Path) -> Iterator[Path]:
    """A project and an empty folder, neither of which can be written to."""
    project(tmp_path / "project", base=BASE, user=USER)
    (tmp_path / "folder").mkdir()
    with sealing(run, tmp_path):
        yield tmp_path


@contextlib.contextmanager
def sealing(run: Callable[..., list], folder: Path) -> Iterator[None]:
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(0o555)
    try:
        attempt = f"import json; open({str(folder / 'file')!r}, 'w'); print(json.dumps([]))"
        with contextlib.suppress(AssertionError):
            run(Path("/"), attempt)
            pytest.skip("this user may write to what is read-only")
        yield
    finally:
        for path in everything:
            path.chmod(0o755)


@pytest.mark.parametrize(
    ("home", "chosen"),
    [("missing", "none"), ("sealed", "none"), ("missing", "missing"), ("sealed", "sealed")],
)
def test_kernels_run_where_nothing_can_be_written(run, sealed, home, chosen):
    places = {"missing": NOWHERE, "sealed": str(sealed / "folder")}
    changes = {} if chosen == "none" else {"NUMBA_CACHE_DIR": places[chosen]}
    assert run(sealed / "project", DIFFERENCE, HOME=places[home], **changes) == [RESULT, 0]
    assert kept(sealed) == []


def test_importing_simcore_is_enough_where_nothing_can_be_written(run, tmp_path):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "simcore", tmp_path / "simcore", ignore=ignored)
    program = "import json, simcore.engines; print(json.dumps([]))"
    with sealing(run, tmp_path):
        assert run(tmp_path, program) == []
    assert kept(tmp_path) == []


LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))\n"


def test_kernels_run_on_a_full_disk(run, small):
    assert run(small, LIMITED.replace("ROOM", "0") + DIFFERENCE) == [RESULT, 0]
    assert kept(small) == []


def test_a_disk_that_fills_up_after_an_edit_leaves_no_old_code(run, warm):
    """There is room for the new index, but not for the code that it names."""
    room = 500 + max(path.stat().st_size for path in kept(warm, "i"))
    assert room < min(path.stat().st_size for path in kept(warm, "c"))
    edit(warm, "base", "FACTOR = 3.0", "FACTOR = 2.0")
    edit(warm, "user", "- pair.two", "- pair.two - 1.0")  # so that its index is out of date
    assert run(warm, LIMITED.replace("ROOM", str(room)) + DIFFERENCE) == [8.0, 0]
    assert run(warm, DIFFERENCE) == [8.0, 0]


# --- Damage ----------------------------------------------------------------------------------


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def blank(path: Path) -> None:
    """A block of zeros in the middle, as a crash leaves it: still a pickle, no longer the code."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 512] = bytes(512)
    path.write_bytes(data)


def outdate(path: Path) -> None:
    """An entry that names what is no longer there."""
    version = pickle.dumps(__import__("numba").__version__)
    path.write_bytes(version + b"csimcore.kernels.base\nGone\n.")


@pytest.mark.parametrize(
    ("ending", "damage"),
    [
        ("i", empty),
        ("i", cut),
        ("i", outdate),
        ("c", empty),
        ("c", cut),
        ("c", blank),
        ("c", Path.unlink),
    ],
    ids=lambda x: x if isinstance(x, str) else x.__name__,
)
def test_a_damaged_file_is_compiled_anew_and_overwritten(
    run, warm, ending: str, damage: Callable[[Path], None]
):
    whole = {path: path.stat().st_size for path in kept(warm)}
    for path in kept(warm, ending):
        damage(path)
    broken = {path: path.read_bytes() for path in kept(warm, ending)}
    assert run(warm, DIFFERENCE) == [RESULT, 0]
    assert kept(warm) == list(whole)
    for path, data in broken.items():
        assert path.read_bytes() != data
        assert path.stat().st_size == pytest.approx(whole[path], rel=0.1)


# What is called where it lies, and what calls it by itself and by way of another.
MIDDLE = """
from simcore.kernels.base import scaled
from simcore.kernels.stamp import kernel

@kernel
def twice(x):
    return 2.0 * scaled(x)
"""
TOP = """
from simcore.kernels.base import Pair, scaled
from simcore.kernels.middle import twice
from simcore.kernels.stamp import kernel

@kernel
def difference(pair):
    return twice(pair.one) - scaled(pair.two)
"""
# Numba numbers what it compiles, and a symbol has that number in it.
OTHERS = "from numba import njit\nfor _ in range(3): njit(lambda x: x * 2.0)(1.0)\n"


@pytest.mark.parametrize("change", ["lost", "another's"])
@pytest.mark.parametrize(("name", "hits"), [("base", 0), ("middle", 1), ("user", 0)])
def test_code_that_calls_what_has_another_symbol_is_compiled_anew(
    run, tmp_path, change: str, name: str, hits: int
):
    """Or it would jump to where nothing is: a crash, not an exception."""
    sources = {"base": CALLED, "middle": MIDDLE, "user": TOP}
    one, other = (project(tmp_path / name, **sources) for name in ("one", "other"))
    assert run(one, DIFFERENCE) == [27.0, 0]
    assert run(other, OTHERS + DIFFERENCE) == [27.0, 0]
    for path in kept(one):
        if path.name.startswith(f"{name}."):
            path.unlink()
    if change == "another's":
        for path in kept(other):
            if path.name.startswith(f"{name}."):
                shutil.copy(path, one / path.relative_to(other))
    assert run(one, OTHERS + DIFFERENCE) == [27.0, hits]
    assert run(one, DIFFERENCE) == [27.0, 1]


@pytest.mark.parametrize("damage", [Path.unlink, empty], ids=["empty cache", "emptied files"])
def test_two_processes_may_start_at_once(python, run, warm, damage):
    for path in kept(warm):
        damage(path)
    for ended in python.run(warm, DIFFERENCE, environment(), copies=2):
        assert (ended.code, ended.err) == (0, "")
        assert json.loads(ended.out)[0] == RESULT
    assert run(warm, DIFFERENCE) == [RESULT, 1]
