"""A link holds every value of a run, and no link can break the app."""

import string
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import experiments, lessons, views

from simcore import links, plans, presets, variations
from simcore.lesson import PLAIN, Lesson
from simcore.plans import Plan, Side, Wanted
from simcore.studies import phase_maps as maps
from simcore.tasks import Dataset
from simcore.view import DEFAULT, View

FALLBACK = presets.MEDIUM.experiment
NAMES = [*links.to_query(FALLBACK), "duration", "rtol", "unknown"]
MAP_NAMES = ["map_x", "map_y", "map_steps"]


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


# --- Maps --------------------------------------------------------------------------------------


@st.composite
def sides(draw, names=tuple(variations.AXES)):
    name, points = draw(st.sampled_from(names)), draw(st.integers(1, plans.MOST_POINTS))
    if draw(st.booleans()):
        return Side(name, points)
    ends = st.floats(-1e300, 1e300)
    if variations.AXES[name].whole:
        ends = st.integers(-(2**53), 2**53).map(float)
    return Side(
        name, points, tuple(sorted(draw(st.lists(ends, min_size=2, max_size=2, unique=True))))
    )


@st.composite
def wanted_maps(draw):
    steps = draw(st.none() | st.integers(1, 20_000_000))
    if draw(st.booleans()):
        return Wanted(None, steps)
    x = draw(sides())
    others = [
        n for n in variations.AXES if n != x.name and {n, x.name} != set(variations.STEP_AXES)
    ]
    return Wanted(Plan(x, draw(sides(others))), steps)


@given(wanted_maps(), st.sampled_from(presets.ALL))
def test_maps_round_trip_beside_their_experiment(wanted, preset):
    query = links.to_query(preset.experiment) | links.map_to_query(wanted)
    assert links.map_from_query(query) == (wanted, ())
    assert links.from_query(query, FALLBACK) == (preset.experiment, ())


def test_a_copied_link_gives_the_cells_of_the_map():
    base = maps.base_of(FALLBACK, 77)
    wanted = Wanted(Plan(Side("ratio", 7, (0.3, 2.9)), Side("depth", 5, (3, 9))), 77)
    (opened, _), (again, _) = (
        links.from_query(links.to_query(FALLBACK), presets.SMALL.experiment),
        links.map_from_query(links.map_to_query(wanted)),
    )
    cells = again.plan.cells(maps.base_of(opened, again.steps))
    assert cells == wanted.plan.cells(base)
    assert len(cells) == 35


hostile_maps = st.one_of(
    hostile,
    st.sampled_from(
        [
            "eta",
            "eta:",
            "eta:0",
            "eta:401",
            "eta:5:1",
            "eta:5:2:1",
            "eta:5:nan:1",
            "eta:5:-inf:inf",
            "eta:5:1:1",
            "eta:5:0:1:2",
            "depth:5:0:1e300",
            "seed:9:-1e16:4",
            "width:5",
            "ETA:5",
            ":::",
            "0",
            "1e3",
        ]
    ),
    st.builds("{}:{}:{}:{}".format, st.sampled_from(list(variations.AXES)), *[st.floats()] * 3),
)


@given(st.dictionaries(st.sampled_from([*MAP_NAMES, "v"]), hostile_maps, max_size=4))
def test_hostile_maps_get_sentences(query):
    wanted, complaints = links.map_from_query(query)
    for sentence in complaints:
        assert "\n" not in sentence
        assert "Traceback" not in sentence
        assert len(sentence) < 400
    # what was taken from the link can be drawn, and is in the link that is written back
    if wanted.plan is not None:
        for side in wanted.plan:
            assert 1 <= len(side.values(FALLBACK)) <= plans.MOST_POINTS
            assert np.isfinite(side.values(FALLBACK)).all()
    assert links.map_from_query(links.map_to_query(wanted)) == (wanted, ())


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"map_x": "eta:60"}, "needs both map_x and map_y"),
        ({"map_x": "eta:60", "map_y": "ratio:40"}, "two different axes"),
        ({"map_x": "eta:60", "map_y": "colour:40"}, "expected an axis out of"),
        ({"map_x": "eta:0", "map_y": "depth:40"}, "from 1 to 400 points, got 0"),
        ({"map_x": "eta:5:2:1", "map_y": "depth:40"}, "the smaller first"),
        ({"map_x": "eta", "map_y": "depth:40"}, "expected axis:points"),
        ({"map_x": "seed:4:0:1e17", "map_y": "eta:40"}, "at most 2^53"),
        ({"map_steps": "0"}, "must be between 1 and"),
    ],
)
def test_what_a_map_s_link_gets_wrong_is_said_once(query, words):
    wanted, (sentence,) = links.map_from_query(query)
    assert wanted == Wanted()
    assert words in sentence


# --- Views -------------------------------------------------------------------------------------


@given(views(), lessons(), wanted_maps(), st.sampled_from(presets.ALL))
def test_views_and_lessons_round_trip_beside_experiment_and_map(view, lesson, wanted, preset):
    query = links.to_query(preset.experiment) | links.map_to_query(wanted)
    query |= links.view_to_query(view) | links.lesson_to_query(lesson)
    address = urlencode(query)  # as in a browser
    query = dict(parse_qsl(address, keep_blank_values=True))
    assert links.view_from_query(query) == (view, ())
    assert links.lesson_from_query(query) == (lesson, ())
    assert links.map_from_query(query) == (wanted, ())
    assert links.from_query(query, FALLBACK) == (preset.experiment, ())
    assert links.unknown(query) is None


def test_a_view_at_its_defaults_adds_nothing():
    assert links.view_to_query(DEFAULT) == links.lesson_to_query(PLAIN) == {}


def test_views_are_readable():
    view = View(
        mode=1, pathways=(0, 2), panels=("plane", "loss"), logs={"loss": True}, zoom=(0, 12.5)
    )
    assert links.view_to_query(view) == {
        "mode": "2",
        "pair": "1,3",
        "panels": "plane,loss",
        "log": "loss:1",
        "zoom": "0.0,12.5",
    }
    assert links.view_to_query(View(panels=())) == {"panels": "0"}


def test_a_pin_is_a_short_query_of_its_own():
    (text,) = links.view_to_query(View(pins=(presets.MEDIUM.experiment,))).values()
    assert text.startswith("task=1.0:1:1&depths=20,20&start=balanced:0.002,0.0017&eta=0.1538")
    assert len(text) < 160


def test_a_pin_that_is_too_long_is_refused():
    values = tuple(1 / k for k in range(1, 100))
    run = variations.with_singular_values(presets.RANK_ONE.experiment, values)
    with pytest.raises(ValueError, match="may take 1000 characters of a link, this one takes"):
        links.view_to_query(View(pins=(run,)))


VIEW_NAMES = [*(member.name for member in (*links.MEMBERS, *links.OF_LESSON)), *links.PINS]
hostile_views = st.one_of(
    hostile,
    st.sampled_from(
        [
            "0",
            "1,2",
            "2,1",
            "1,1,1",
            "loss:1,loss:1",
            "loss:1,plane:2",
            "5,4",
            "nan,inf",
            "plane,plane",
            ",",
            "task=1&depths=1&start=balanced:0.1",
            "task=1&depths=1,1&start=balanced:0.1",
            "task=1&depths=1&start=balanced:0.1&pin_a=task%3D1",
            "&".join(["a=b"] * 500),
            "%" * 50,
        ]
    ),
)


@given(st.dictionaries(st.sampled_from([*VIEW_NAMES, "v"]), hostile_views, max_size=6))
def test_hostile_views_get_sentences(query):
    view, complaints = links.view_from_query(query)
    lesson, of_lesson = links.lesson_from_query(query)
    for sentence in complaints + of_lesson:
        assert "\n" not in sentence
        assert "Traceback" not in sentence
        assert len(sentence) < 500
    # what was taken from the link is in the link that is written back
    assert links.view_from_query(links.view_to_query(view)) == (view, ())
    assert links.lesson_from_query(links.lesson_to_query(lesson)) == (lesson, ())


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("mode", "0", "expected a number from 1 on"),
        ("pair", "2,1", "expected two pathways, the first one first"),
        ("panels", "plane,plane", "must name each once"),
        ("flow", "yes", "expected 0 or 1"),
        ("log", "loss", "expected panels such as loss:1"),
        ("zoom", "3", "two different numbers"),
        ("cursor", "end", "expected a number"),
        ("axis", "log", "must be step or t"),
        ("share", "2", "between 0 and 1"),
        ("pin_a", "eta=1", "a pinned run needs task, depths and start"),
        ("pin_b", "task=1&depths=0&start=balanced:1", "depths='0' in the link was left out"),
    ],
)
def test_what_a_view_s_link_gets_wrong_is_said_once(name, text, words):
    view, (sentence,) = links.view_from_query({name: text, "strobe": "odd"})
    assert view == View(strobe="odd")
    assert words in sentence


@pytest.mark.parametrize(
    ("query", "lesson", "words"),
    [
        ({"stage": "on"}, Lesson(), "stage='on' in the link was left out: expected 0 or 1"),
        ({"hide": "ruler,door,pins"}, Lesson(hide=("ruler", "pins")), "also hides 'door', which"),
        ({"hide": "a,b,c,d"}, Lesson(), "and 1 other,"),
        ({"ask": "x" * 301}, Lesson(), "a question may have 300 characters"),
        ({"ask": "Who\u202e\nwins?", "hide": ""}, Lesson(question="Who wins?"), None),
    ],
)
def test_what_a_lesson_s_link_gets_wrong_is_said_once(query, lesson, words):
    found, said = links.lesson_from_query(query)
    assert found == lesson
    assert [words in sentence for sentence in said] == ([True] if words else [])


# --- Links on their way ------------------------------------------------------------------------


@pytest.mark.parametrize("escape", ["amp;", "amp%3B", "AMP;", "amp;amp;", "amp%3bamp;"])
def test_an_escaped_link_is_read_as_it_was_meant(escape):
    view, wanted = View(cursor=2.5), Wanted(None, 77)
    query = links.to_query(presets.LARGE.experiment) | links.map_to_query(wanted)
    query |= links.view_to_query(view)
    first, *others = query
    escaped = {first: query[first]} | {escape + name: query[name] for name in others}
    assert links.from_query(escaped, FALLBACK) == (presets.LARGE.experiment, ())
    assert links.map_from_query(escaped) == (wanted, ())
    assert links.view_from_query(escaped) == (view, ())
    assert links.unknown(escaped) is None


def test_a_name_that_is_also_there_unescaped_wins():
    opened, _ = links.from_query({"amp;steps": "7", "steps": "9", "amp;amp;steps": "8"}, FALLBACK)
    assert opened.dynamics.steps == 9


def test_names_that_nobody_knows_get_one_sentence():
    query = {"eta": "0.1", "etta": "", "amp;x": "1", "utm_source": "mail", "embed": "true"}
    query |= {"fbclid": "1", "gclid": "2", "embed_options": "dark_theme"}
    sentence = links.unknown(query)
    assert "'x' and 'etta', which this app does not know" in sentence
    assert "other" not in sentence
    assert links.unknown({"eta": "0.1", "utm_campaign": "x"}) is None
    assert "and 3 others" in links.unknown(dict.fromkeys("abcdef", ""))


@given(st.dictionaries(st.text(max_size=300), st.text(max_size=3), max_size=9))
def test_any_names_get_one_sentence_at_most(query):
    sentence = links.unknown(query)
    assert sentence is None or ("\n" not in sentence and len(sentence) < 300)


@given(experiments())
def test_every_name_that_is_written_is_known(experiment):
    if not isinstance(experiment.task, Dataset):
        assert links.unknown(links.to_query(experiment)) is None


# --- Words -------------------------------------------------------------------------------------


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
