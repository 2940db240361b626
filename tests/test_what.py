"""What is given to be run: presets, files and links, and everything that is none of them."""

from __future__ import annotations

import io
import json
import zipfile
from urllib.parse import urlencode

import numpy as np
import pytest
from cases import PAPER, descending
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import check_refusal, experiments, refused

from simcore import Trajectory, limits, links, presets, simulate, what
from simcore.tasks import Dataset

SHORT = descending(PAPER, 0.1, 20)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "short.npz"
    simulate(SHORT).save(path)
    return path


def test_every_preset_is_found_by_its_name():
    assert all(what.of(name).experiment == p.experiment for name, p in presets.BY_NAME.items())


def test_a_run_comes_with_its_experiment(saved):
    for found in (what.of(str(saved)), what.of_bytes(saved.read_bytes(), "short.npz")):
        assert found.experiment == SHORT
        assert (found.run.loss == simulate(SHORT).loss).all()


@settings(max_examples=50)
@given(experiments())
def test_an_experiment_as_text_and_as_a_link_is_that_experiment(experiment):
    assert what.of_text(json.dumps(experiment.to_dict(), indent=1)).experiment == experiment
    if not isinstance(experiment.task, Dataset):
        query = urlencode(links.to_query(experiment))
        for link in (
            query,
            f"?{query}",
            f"http://host:1/page?{query}#top",
            query.replace("&", "&amp;"),
        ):
            assert what.of_text(link).experiment == experiment
            assert what.of_bytes(link.encode(), "link.txt").experiment == experiment


def test_a_link_keeps_its_view():
    query = links.to_query(SHORT) | {"cursor": "1.5", "pin_a": "task=1.0&depths=1&start=balanced:1"}
    assert what.of_text(f"?{urlencode(query)}").query == query


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"eta": "fast"}, "eta='fast'"),
        ({"depths": "3,3,3"}, "do not fit together"),
        ({"v": "2"}, "version"),
        ({"mass": "0.9"}, "mass"),
        ({"start": None}, "lacks start"),
        ({"eta": None}, "lacks central or duration or eta"),
    ],
)
def test_a_link_that_would_show_another_run_is_refused(changes, words):
    query = links.to_query(SHORT) | changes
    link = urlencode({name: text for name, text in query.items() if text is not None})
    with refused(words):
        what.of_text(f"http://host/?{link}")


@pytest.mark.parametrize(
    "text",
    ["", "fly", "http://host/", "?", "[" * 10_000, "{", '{"a": 1e999}', "{}", "[1]", "{" * 99,
     '{"base": {}, "axes": {}}', '{"type": "Flow", "duration": 1}', "\x00", "?" + "a=1&" * 999],
)  # fmt: skip
def test_other_text_is_refused_in_a_sentence(text):
    with refused():
        what.of_text(text)


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK", b"PK\x03\x04", b"{"]))
def test_any_bytes_are_a_sentence(content, begin):
    try:
        what.of_bytes(begin + content, "a file")
    except ValueError as error:
        check_refusal(error)


def test_what_is_too_long_is_not_read(monkeypatch):
    monkeypatch.setattr(limits, "most_text", lambda: 100)
    for read in (what.of_text, lambda text: what.of_bytes(text.encode(), "one.json")):
        with refused("at most 100 characters"):
            read(json.dumps(SHORT.to_dict()))


# --- Small files that would fill the memory --------------------------------------------------


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return file.getvalue()


def test_a_directory_of_many_files_is_not_even_listed(monkeypatch, saved):
    """Each entry would cost a kilobyte, of 50 bytes in the file."""
    content = zipped((f"{number}.npy", b"") for number in range(1000))
    monkeypatch.setattr(zipfile, "ZipFile", None)  # what lists it
    with refused("saved by this program"):
        Trajectory.load(io.BytesIO(content))


def test_the_type_of_an_array_takes_no_gigabyte():
    """Version 2 of the format has four bytes for the length of the type's description."""
    long = b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little") + b" " * 1_000_000
    with refused("saved by this program"):
        what.of_bytes(zipped([("header.npy", long)]), "run.npz")


def test_a_header_is_as_long_as_an_experiment_may_be(monkeypatch, saved):
    monkeypatch.setattr(limits, "most_text", lambda: 100)
    with refused("saved by this program"):
        Trajectory.load(saved)
    content = io.BytesIO()
    np.savez(content, header=np.array("{}"))
    with refused("saved by this program"):
        what.of_bytes(content.getvalue(), "run.npz")
