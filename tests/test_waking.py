"""While a server wakes up another process compiles; nobody waits for ever, whatever comes of it."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from commands import ROOT

from pages import _waking
from simcore import presets
from simcore.studies import warm

PIPE = subprocess.PIPE


def child(code):
    return subprocess.Popen([sys.executable, "-c", code], stdin=PIPE, stdout=PIPE, text=True)


def fails():
    raise MemoryError


@pytest.mark.parametrize(
    "compiler",
    [
        lambda: None,
        lambda: child("print('front')"),
        lambda: child("raise SystemExit(1)"),
        fails,
    ],
    ids=["nothing to do", "done", "ended early", "no memory"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_whatever_becomes_of_the_compiler_nobody_waits_for_ever(compiler, monkeypatch):
    events = {name: _waking.threading.Event() for name in ("front", "whole")}
    for name, event in events.items():
        monkeypatch.setattr(_waking, name, event)
    monkeypatch.setattr(_waking, "_compiler", compiler)
    thread = _waking.threading.Thread(target=_waking._wake)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert all(event.is_set() for event in events.values())


def test_the_front_page_waits_for_its_own_kernels_alone(monkeypatch):
    front, whole = _waking.threading.Event(), _waking.threading.Event()
    monkeypatch.setattr(_waking, "front", front)
    monkeypatch.setattr(_waking, "whole", whole)
    asked = []

    def meanwhile():
        asked.append(whole.is_set())
        if len(asked) == 2:
            compiling.stdin.close()  # so it goes on

    compiling = child("import sys; sys.stdin.read(); print('front', flush=True); sys.exit()")
    monkeypatch.setattr(_waking, "_compiler", lambda: compiling)
    monkeypatch.setattr(_waking, "LOOK", 0.01)
    thread = _waking.threading.Thread(target=_waking._wake)
    thread.start()
    _waking.wait(meanwhile)
    thread.join(30)
    assert asked[:2] == [False, False]


def test_the_compiler_ends_with_whoever_started_it():
    command = [sys.executable, "-m", warm.__name__]
    compiling = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=PIPE, check=False, timeout=60
    )
    assert (compiling.returncode, compiling.stdout) == (0, b"")


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
