"""While a server wakes up another process compiles; nobody waits for ever, whatever comes of it."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from altair.utils import schemapi
from commands import ROOT

from pages import _waking
from simcore import presets
from simcore.figures.parts import Picture
from simcore.studies import warm

PIPE = subprocess.PIPE


@pytest.fixture(autouse=True)
def charts_stay_checked(monkeypatch):
    """A server leaves that to the tests."""
    monkeypatch.setattr(schemapi, "DEBUG_MODE", True)
    monkeypatch.setattr(Picture, "trusted", False)


def child(code):
    return subprocess.Popen([sys.executable, "-c", code], stdin=PIPE, stdout=PIPE, text=True)


def fails():
    raise MemoryError


@pytest.mark.parametrize(
    "compilers",
    [
        list,
        lambda: [(("descent", "flow"), child("print('descent'); print('flow')"))],
        lambda: [(("descent",), child("raise SystemExit(1)")), (("flow",), child("print('flow')"))],
        fails,
    ],
    ids=["nothing to do", "done", "one ended early", "no memory"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_whatever_becomes_of_the_compilers_nobody_waits_for_ever(compilers, monkeypatch):
    events = {name: _waking.threading.Event() for name in ("front", "whole")}
    for name, event in events.items():
        monkeypatch.setattr(_waking, name, event)
    monkeypatch.setattr(_waking, "_compilers", compilers)
    thread = _waking.threading.Thread(target=_waking._wake)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert all(event.is_set() for event in events.values())
    assert Picture.trusted is not schemapi.DEBUG_MODE is (compilers is fails)


def test_the_front_page_waits_for_its_own_kernels_alone(monkeypatch):
    front, whole = _waking.threading.Event(), _waking.threading.Event()
    monkeypatch.setattr(_waking, "front", front)
    monkeypatch.setattr(_waking, "whole", whole)
    asked = []

    def meanwhile():
        asked.append(whole.is_set())
        if len(asked) == 2:
            compiling.stdin.close()  # so it goes on

    compiling = child("import sys; sys.stdin.read(); print('descent', flush=True); sys.exit()")
    other = child("import sys; sys.stdin.read()")  # still at work when the page goes on
    shares = [(("descent", "rest"), compiling), (("flow",), child("print('flow')"))]
    monkeypatch.setattr(_waking, "_compilers", lambda: [*shares, (("more",), other)])
    monkeypatch.setattr(_waking, "LOOK", 0.01)
    thread = _waking.threading.Thread(target=_waking._wake)
    thread.start()
    _waking.wait(meanwhile)
    assert asked[:2] == [False, False]
    assert not whole.is_set()
    other.stdin.close()
    thread.join(30)
    assert whole.is_set()


def test_the_compiler_ends_with_whoever_started_it():
    command = [sys.executable, "-m", warm.__name__, *warm.STAGES]
    compiling = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=PIPE, check=False, timeout=60
    )
    assert (compiling.returncode, compiling.stdout) == (0, b"")


def test_a_compiler_that_has_done_its_stages_ends_well():
    """Also while whoever started it listens."""
    compiling = subprocess.Popen(
        [sys.executable, "-m", warm.__name__, "descent"],
        **{"cwd": ROOT, "stdin": PIPE, "stdout": PIPE, "stderr": PIPE, "text": True},
    )
    assert compiling.stdout.read() == "descent\n"
    assert compiling.wait(60) == 0
    assert compiling.stderr.read() == ""
    compiling.communicate()


def test_a_cache_is_filled_once(tmp_path, monkeypatch):
    for mark, wanted in ((None, False), (tmp_path / "whole", True)):
        monkeypatch.setattr(warm, "_mark", lambda mark=mark: mark)
        assert warm.wanted() is wanted
    (tmp_path / "whole").touch()
    assert not warm.wanted()


def test_garbage_is_collected_when_nobody_waits_or_somebody_always_does(monkeypatch):
    monkeypatch.setattr(_waking, "ran", [])
    moments = [0.0, 1.0, 2.0]
    assert not _waking.is_time_to_collect(10.0)
    for now in moments:
        _waking.run_begins(now)
        assert not _waking.is_time_to_collect(now + 1.0)
    assert _waking.is_time_to_collect(2.0 + 1.1 * _waking.IDLE)
    _waking.run_begins(1.1 * _waking.BUSY)
    assert _waking.is_time_to_collect(1.1 * _waking.BUSY)


def test_a_hash_is_kept_and_stays_at_home():
    """Text has another hash in another process."""
    one = presets.MEDIUM.experiment
    assert hash(one) == hash(pickle.loads(pickle.dumps(one)))
    assert b"_hash" not in pickle.dumps(one)
