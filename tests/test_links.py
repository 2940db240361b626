"""A link holds every value of a run, and no link can break the app."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import experiments

from simcore import links, presets
from simcore.tasks import Dataset

FALLBACK = presets.MEDIUM.experiment
NAMES = [*links.to_query(FALLBACK), "duration", "rtol", "unknown"]


@settings(max_examples=500, deadline=None)
@given(experiments())
def test_links_round_trip(experiment):
    if isinstance(experiment.task, Dataset):
        return
    query = links.to_query(experiment)
    opened, complaints = links.from_query(query, FALLBACK)
    assert opened == experiment
    assert opened.key == experiment.key
    assert complaints == ()


hostile = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="0123456789.,:;-+einfa ", max_size=40),
    st.sampled_from(
        [
            "",
            "nan",
            "inf",
            "-1",
            "1e999",
            "9" * 400,
            "," * 50,
            "tree:99",
            "target:1,2;3",
            "<script>alert(1)</script>",
            "balanced:",
            "layers:;;",
            "gaussian:1,-1",
            "../../etc",
            "frames:0",
            "every:1,every:x",
            "sharpness:7",
            "\x00",
            "١٢",
        ]
    ),
)


@settings(max_examples=2000, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), hostile, max_size=8))
def test_hostile_links_get_sentences(query):
    opened, complaints = links.from_query(query, FALLBACK)
    opened.to_dict()
    for sentence in complaints:
        assert "\n" not in sentence
        assert "Traceback" not in sentence
        assert len(sentence) < 400
    # what was taken from the link is in the link that is written back
    again, no_complaints = links.from_query(links.to_query(opened), FALLBACK)
    assert again == opened
    assert no_complaints == ()


def test_a_broken_value_leaves_the_others():
    opened, complaints = links.from_query({"eta": "fast", "steps": "700"}, FALLBACK)
    assert opened.dynamics.step_size == FALLBACK.dynamics.step_size
    assert opened.dynamics.steps == 700
    (sentence,) = complaints
    assert "eta" in sentence
    assert "fast" in sentence


def test_values_that_do_not_fit_together_are_said():
    opened, complaints = links.from_query({"depths": "3"}, FALLBACK)
    assert opened == FALLBACK
    assert "do not fit together" in complaints[0]


def test_another_version_is_said():
    _, complaints = links.from_query({"v": "2"}, FALLBACK)
    assert "version" in complaints[0]


def test_links_are_readable():
    text = "".join(links.to_query(FALLBACK).values())
    assert set(text) <= set(string.ascii_letters + string.digits + ".,:;-+")
