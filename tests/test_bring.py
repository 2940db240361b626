"""Runs that come back to the page: dropped files, pasted links, and what is wrong with others."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from urllib.parse import urlencode

import numpy as np
import pytest
from cases import PAPER, descending
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from pages import _runs
from simcore import Flow, Outcome, links, presets, simulate

KEPT = "What is shown stays as it was."
OWN = descending(PAPER, 0.05, 300)


@pytest.fixture(scope="module")
def own():
    return simulate(OWN)


@pytest.fixture
def app():
    return AppTest.from_file("../app.py", default_timeout=60).run()


def saved(run):
    content = io.BytesIO()
    run.save(content)
    return content.getvalue()


def drop(app, name, content):
    app.file_uploader[0].set_value((name, content, "application/octet-stream"))
    return app.run()


def paste(app, text):
    return app.text_input(key="opened_text").set_value(text).run()


def experiment(app):
    assert not app.exception
    return app.session_state["experiment"]


def said(app):
    return " ".join(element.value for element in [*app.markdown, *app.warning])


def test_a_dropped_run_is_shown_as_it_is(app, own, monkeypatch):
    monkeypatch.setattr(_runs, "simulate", None)  # nothing is run again
    monkeypatch.setattr(_runs, "CACHE", _runs.Cache(10**8))
    monkeypatch.setattr(_runs, "flow_beside", lambda run: None)
    drop(app, "mine.npz", saved(own))
    assert experiment(app) == OWN
    assert "it was not run again" in said(app)
    assert OWN not in _runs.CACHE.results  # nobody else is shown it


@pytest.mark.parametrize("kind", ["hosted", "cancelled", "no numbers of a run"])
def test_a_run_that_nobody_vouches_for_is_run_again(app, own, monkeypatch, kind):
    """A file may say anything; where others visit, or half a run is missing, it is not shown."""
    forged = replace(own, loss=own.loss + 1.0)
    if kind == "hosted":
        monkeypatch.setenv("SIMCORE_HOSTED", "1")
    elif kind == "cancelled":
        forged = replace(forged, outcome=Outcome.CANCELLED)
    else:
        forged = replace(forged, loss_range=np.full_like(own.loss_range, 1e308))
    drop(app, "mine.npz", saved(forged))
    assert experiment(app) == OWN
    assert "not run again" not in said(app)
    assert _runs.CACHE.get(OWN).loss[-1] == own.loss[-1]


def test_a_dropped_file_leaves_the_memory(app, own, monkeypatch):
    """Its widget goes as well, so that nothing asks for the file again."""
    removed, forget = [], MemoryUploadedFileManager.remove_file

    def remove(manager, session, file):
        removed.append(manager.get_files(session, [file]))
        forget(manager, session, file)

    monkeypatch.setattr(MemoryUploadedFileManager, "remove_file", remove)
    before = app.file_uploader[0].key
    for content in (saved(own), b"neither"):
        drop(app, "mine.npz", content)
    assert [[file.data for file in files] for files in removed] == [[saved(own)], [b"neither"]]
    assert app.file_uploader[0].value is None
    assert app.file_uploader[0].key != before


def test_text_and_links_become_the_experiment(app):
    paste(app, json.dumps(OWN.to_dict()))
    assert experiment(app) == OWN
    assert app.text_input(key="opened_text").value == ""
    query = links.to_query(presets.LARGE.experiment) | {"panels": "loss"}
    paste(app, f"http://elsewhere:8501/simulator?{urlencode(query)}")
    assert experiment(app) == presets.LARGE.experiment
    assert app.session_state["view"].panels == ("loss",)
    assert app.query_params["panels"] == "loss"
    drop(app, "flow.json", json.dumps(presets.FLOW.experiment.to_dict()).encode())
    assert isinstance(experiment(app).dynamics, Flow)
    drop(app, "link.txt", urlencode(links.to_query(OWN)).encode())
    assert experiment(app) == OWN


def test_what_is_none_changes_nothing_and_is_said(app):
    before = experiment(app)
    for content in (b"", b"\xff\xfe", b"PK\x03\x04", b"{}", b'{"type": "Flow"}', b"# *hi* <b>"):
        drop(app, "other *file*.npz", content)
        assert experiment(app) == before
        assert KEPT in said(app)
    for text in ("fly", "?eta=0.1", "{", urlencode(links.to_query(OWN) | {"eta": "no"})):
        paste(app, text)
        assert experiment(app) == before
        assert KEPT in said(app)
        assert app.text_input(key="opened_text").value == text  # to be mended
