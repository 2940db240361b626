"""What a view is, what of it an experiment can be shown with, and what the player says of it."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import experiments, refused, views

from simcore import presets, variations
from simcore.view import DEFAULT, PLAYED, View

MEDIUM, RANK_ONE = presets.MEDIUM.experiment, presets.RANK_ONE.experiment


@pytest.mark.parametrize(
    ("member", "value", "words"),
    [
        ("mode", -1, "mode must be between 0 and"),
        ("mode", 1.5, "mode must be a whole number"),
        ("pathways", (1, 0), "two different ones, the smaller first"),
        ("pathways", (0, 0), "two different ones"),
        ("pathways", (0, 1, 2), "must be two"),
        ("layers", "flow", "must be a sequence of names"),
        ("layers", ("loss",), "must be flow or sharpness"),
        ("panels", "loss", "must be a sequence of names"),
        ("panels", ("loss", "loss"), "must name each once"),
        ("panels", ("<b>",), "must be a name"),
        ("panels", tuple(f"p{i}" for i in range(41)), "at most 40"),
        ("flow", 1, "must be True or False"),
        ("central", None, "must be True or False"),
        ("strobe", "third", "must be all, even or odd"),
        ("axis", None, "must be step or t"),
        ("time", "even", "must be linear or log"),
        ("logs", {"loss": 1}, "must be True or False"),
        ("logs", ("loss",), "must be pairs"),
        ("zoom", (2.0, 1.0), "the smaller first"),
        ("zoom", (0.0, float("inf")), "must be a finite number"),
        ("cursor", -1.0, "must not be negative"),
        ("cursor", float("nan"), "must be a finite number"),
        ("pins", (MEDIUM,) * 2, "different runs"),
        ("pins", [p.experiment for p in presets.ALL[:5]], "at most 4"),
        ("pins", ("v=1",), "must be experiments"),
        ("share", 1.01, "between 0 and 1"),
        ("figure", "two words", "must be a name"),
        ("colour", "", "must be a name"),
        ("step_sizes", (0.1,), "must be two different numbers"),
        ("diagram", "all", "must be sum or each"),
        ("ensemble", "two words", "must be a name"),
        ("step", 8, "step of the tour must be between 1 and 7"),
    ],
)
def test_what_is_no_view_is_refused_in_words(member, value, words):
    with refused(words):
        View(**{member: value})


def test_every_member_is_refused_something():
    listed = test_what_is_no_view_is_refused_in_words.pytestmark[0].args[1]
    assert {member for member, _, _ in listed} == {field.name for field in fields(View)}


def test_logs_are_in_the_order_of_their_names_however_they_are_given():
    pairs = (("sharpness", False), ("loss", True))
    assert View(logs=dict(pairs)) == View(logs=pairs) == View(logs=pairs[::-1])


def test_a_view_of_what_an_experiment_lacks_is_put_back_and_said():
    view, said = View(mode=4, pathways=(0, 2), panels=("loss",)).fitted(MEDIUM)
    assert view == View(panels=("loss",))
    assert said == (
        "mode 5 is not shown, as the target has 1",
        "pathways 1 and 3 are not shown, as the network has 2",
    )
    assert View(mode=2).fitted(RANK_ONE) == (View(mode=2), ())
    assert DEFAULT.fitted(variations.with_pathways(MEDIUM, 1)) == (DEFAULT, ())


@given(views(), experiments())
def test_a_fitted_view_fits(view, experiment):
    fitted, said = view.fitted(experiment)
    assert fitted.fitted(experiment) == (fitted, ())
    assert bool(said) == (fitted != view)
    assert fitted.mode < len(experiment.task.singular_values)


def test_a_change_keeps_of_the_view_what_still_means_the_same():
    view = View(panels=("loss",), zoom=(1, 2), cursor=3, step_sizes=(0.1, 0.2), pins=(RANK_ONE,))
    faster = variations.with_step_size(MEDIUM, 0.1)
    assert view.after(MEDIUM, MEDIUM) == view
    assert view.after(MEDIUM, faster) == replace(view, zoom=None)
    deeper = variations.with_depth(MEDIUM, 9)
    assert view.after(MEDIUM, deeper) == replace(view, step_sizes=None)
    assert replace(view, mode=2).after(RANK_ONE, MEDIUM).mode == 0


@given(views())
def test_the_player_s_report_is_the_view_it_shows(view):
    others = replace(view, **{name: getattr(DEFAULT, name) for name in PLAYED})
    assert others.played(view.of_player()) == view
    assert view.played({}) == others
    assert DEFAULT.of_player() == {}


@pytest.mark.parametrize(
    "report",
    [None, [], "cursor", {"cursor": "x"}, {"zoom": [1]}, {"logs": {"loss": "yes"}}, {"axis": 3}],
    ids=str,
)
def test_a_report_that_is_no_view_is_refused(report):
    with refused():
        DEFAULT.played(report)


@given(
    st.dictionaries(
        st.sampled_from([*PLAYED, "mode"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
        ),
    )
)
def test_any_report_is_a_view_or_refused_and_touches_nothing_else(report):
    try:
        view = View(mode=1).played(report)
    except ValueError:
        return
    assert replace(view, **{name: getattr(DEFAULT, name) for name in PLAYED}) == View(mode=1)
