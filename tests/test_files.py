"""What is written takes its place whole, and nothing else is ever replaced."""

from __future__ import annotations

import os
import stat
import threading

import pytest
from strategies import refused

from simcore.files import check_writable, writing


def put(path, text="new"):
    with writing(path) as part:
        part.write_text(text)


def test_a_new_file_and_one_over_another(tmp_path):
    path = tmp_path / "a.txt"
    put(path, "old")
    path.chmod(0o640)
    put(path)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_fails_half_way_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def stumble():
        with writing(path) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stumble()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    put(link)
    assert link.is_symlink()
    assert real.read_text() == "new"
    dangling = tmp_path / "dangling.txt"
    dangling.symlink_to(tmp_path / "elsewhere" / "later.txt")
    put(dangling)
    assert dangling.is_symlink()
    assert (tmp_path / "elsewhere" / "later.txt").read_text() == "new"


def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path):
    path, read = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_text()))
    reader.start()
    put(path)
    reader.join(timeout=30)
    assert read == ["new"]
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_device_is_written_into_and_stays_a_device(tmp_path):
    path = tmp_path / "null"
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        path.write_bytes(b"")
    except OSError as error:
        pytest.skip(f"a device of one's own needs rights that are not there: {error}")
    put(path)
    assert stat.S_ISCHR(path.stat().st_mode)
    assert os.listdir(tmp_path) == ["null"]


@pytest.mark.parametrize("kind", ["protected", "folder", "no folder", "circle", "below a file"])
def test_what_cannot_be_written_is_refused_and_stays(tmp_path, kind):
    path = tmp_path / "a.txt"
    if kind == "protected":
        path.write_text("old")
        path.chmod(0o444)
    elif kind == "folder":
        path.mkdir()
    elif kind == "no folder":
        path = tmp_path / "none" / "a.txt"
    elif kind == "circle":
        path.symlink_to(path)
    else:
        path.write_text("old")
        path = path / "b.txt"
    before = sorted(os.listdir(tmp_path))
    named = {"no folder": "none", "below a file": "a.txt"}.get(kind, path.name)
    with refused(named):
        put(path)
    with refused():
        check_writable(path)
    assert sorted(os.listdir(tmp_path)) == before
    if kind == "protected":
        assert path.read_text() == "old"


def test_a_file_in_a_folder_that_may_not_be_written_is_written_in_place(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "a.txt"
    path.write_text("a longer old text")
    folder.chmod(0o555)
    try:
        put(path)  # root may write there all the same, and then renames
        assert path.read_text() == "new"
        assert os.listdir(folder) == ["a.txt"]
    finally:
        folder.chmod(0o755)
