"""Streams that are closed, have no reader, are full or know no Greek: the work and its exit code
stay what they are, and nothing is written where it does not belong."""

from __future__ import annotations

import errno
import io
import os
import sys

import pytest
from commands import PATIENCE, start

from simcore import Trajectory, presets, streams
from simcore.__main__ import main


@pytest.fixture
def unread():
    """The writing end of a pipe whose reader has gone, as after `| head -c 0`."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def test_closed_streams_take_nothing_with_them(tmp_path):
    """`<&- >&- 2>&-`: the next file to be opened must not become stdout."""
    out = tmp_path / "medium.npz"
    process = start("run", "medium", "--out", out, closed=(0, 1, 2))
    assert process.wait(timeout=PATIENCE) == 0
    assert Trajectory.load(out).experiment == presets.MEDIUM.experiment


def test_a_closed_stderr_keeps_complaints_out_of_stdout():
    process = start("run", closed=(2,))
    assert process.communicate(timeout=PATIENCE)[0] == ""
    assert process.returncode == 2


def test_a_result_without_a_reader_says_what_is_kept(tmp_path, unread):
    out = tmp_path / "medium.npz"
    process = start("run", "medium", "--out", out, stdout=unread)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 141
    assert errors.splitlines()[1:] == [
        f"simcore: the output has no reader any more; the run is in {out}"
    ]
    assert Trajectory.load(out).experiment == presets.MEDIUM.experiment


def test_bars_without_a_reader_stop_nothing_and_eta_is_spelled_in_ascii(tmp_path, unread):
    process = start(
        *("run", "medium", "--out", tmp_path / "medium.npz"),
        stderr=unread,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "the edge 2/eta is 13. " in said


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_each_stream_shows_what_it_can(monkeypatch, encoding):
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding=encoding, newline="\n"))
    streams.mend()
    assert streams.tell("2/η · S₁") == 0
    known = {"ascii": "2/eta * S1", "utf-8": "2/η · S₁"}
    assert content.getvalue().decode(encoding) == known.get(encoding, "2/eta · S1") + "\n"


def test_every_character_can_be_spelled():
    assert streams.spelled("Δλ ≤ 2/η, σ*ᵢ: ½ naïve → ∞ ☃ 10⁻³") == (
        "Deltalambda <= 2/eta, sigma*i: \\xbd naive -> inf \\u2603 10\\u207b\\xb3"
    )
    everything = "".join(map(chr, [*range(0x3000), *range(0x3000, sys.maxunicode, 97)]))
    assert streams.spelled(everything).isascii()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sweep", "--help"], ["presets"]])
def test_what_the_parser_says_may_have_no_reader(monkeypatch, capsys, arguments):
    class Unread(io.StringIO):
        def flush(self):
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    monkeypatch.setattr(sys, "stdout", Unread())
    assert main(arguments) == 141
    assert capsys.readouterr().err == "simcore: the output has no reader any more\n"


def test_a_full_disk_is_a_sentence(monkeypatch, capsys):
    class Full(io.StringIO):
        def flush(self):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sys, "stdout", Full())
    assert streams.tell("3 runs", "the rows are in rows.sqlite") == 1
    assert capsys.readouterr().err == (
        "simcore: the output cannot be written: No space left on device; "
        "the rows are in rows.sqlite\n"
    )
