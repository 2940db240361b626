"""A version names the sources that can change a row, and nothing else."""

from __future__ import annotations

import re

import pytest

from simcore.version import VERSION, hash_of_sources


@pytest.fixture
def sources(tmp_path):
    (tmp_path / "figures").mkdir()
    for name in ("a.py", "b.py", "figures/c.py"):
        (tmp_path / name).write_bytes(b"x = 1\ny = 2\n")
    return tmp_path


def test_a_version_is_a_number_and_a_hash():
    assert re.fullmatch(r"\d+(\.\d+)*\+[0-9a-f]{12}", VERSION)


@pytest.mark.parametrize(
    ("name", "content", "same"),
    [
        ("a.py", b"x = 1\ny = 3\n", False),
        ("new.py", b"", False),
        ("deep/new.py", b"", False),
        ("a.py", b"x = 1\r\ny = 2\r\n", True),
        ("figures/c.py", b"", True),
        ("_page/app.py", b"", True),
        ("a.js", b"", True),
    ],
)
def test_what_changes_it(sources, name, content, same):
    before = hash_of_sources(sources)
    (sources / name).parent.mkdir(exist_ok=True)
    (sources / name).write_bytes(content)
    assert (hash_of_sources(sources) == before) is same


def test_files_that_change_places_change_it(sources):
    (sources / "b.py").write_bytes(b"z = 3\n")
    before = hash_of_sources(sources)
    (sources / "a.py").rename(sources / "t")
    (sources / "b.py").rename(sources / "a.py")
    (sources / "t").rename(sources / "b.py")
    assert hash_of_sources(sources) != before
