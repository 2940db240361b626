"""Pages through Streamlit's own test harness: what they say and which run they show."""

import pytest
from streamlit.testing.v1 import AppTest

from pages import _ui
from pages._names import PAGES
from pages._words import WORDS
from simcore import links, presets, regimes


def open_app(**query):
    app = AppTest.from_file("../app.py", default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def words(app):
    return " ".join(element.value for element in app.markdown)


def the_experiment(app):
    return app.session_state["experiment"]


def test_the_front_page_opens_on_the_finished_medium_run():
    app = open_app()
    assert not app.exception
    assert the_experiment(app) == presets.MEDIUM.experiment
    assert "Partly re-balanced" in words(app)
    assert "0.740 : 0.260" in words(app)


@pytest.mark.parametrize(
    "preset", [presets.SMALL, presets.LARGE, presets.RANK_ONE], ids=lambda p: p.name
)
def test_a_link_opens_its_experiment(preset):
    app = open_app(**links.to_query(preset.experiment))
    assert not app.exception
    assert the_experiment(app).key == preset.experiment.key


def test_a_broken_link_gets_a_sentence_and_the_default():
    app = open_app(eta="fast", depths="none")
    assert not app.exception
    assert the_experiment(app) == presets.MEDIUM.experiment
    said = " ".join(warning.value for warning in app.warning)
    assert "eta='fast'" in said
    assert "depths='none'" in said


def test_moving_the_step_size_changes_the_run_and_the_link():
    app = open_app()
    app.number_input(key="eta").set_value(0.05).run()
    assert not app.exception
    assert the_experiment(app).dynamics.step_size == pytest.approx(0.05)
    assert "Winner takes all" in words(app)
    assert float(app.query_params["eta"]) == the_experiment(app).dynamics.step_size


def test_a_preset_is_chosen_and_then_left():
    app = open_app()
    app.selectbox(key="preset").set_value("large").run()
    assert the_experiment(app) == presets.LARGE.experiment
    app.number_input(key="pathways").set_value(3).run()
    assert not app.exception
    assert the_experiment(app).network.depths == (20, 20, 20)
    assert app.selectbox(key="preset").value is None


def test_bad_input_gets_a_sentence_and_loses_nothing():
    app = open_app()
    before = the_experiment(app)
    app.text_input(key="depths").set_value("20, x").run()
    assert not app.exception
    assert the_experiment(app) == before
    assert "whole number" in app.warning[0].value
    assert app.text_input(key="depths").value == "20, x"
    app.text_input(key="depths").set_value("20, 10").run()
    assert the_experiment(app).network.depths == (20, 10)
    assert not app.warning


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("pathways", 0, "pathways must be between 1 and"),
        ("pathways", -1, "pathways must be between 1 and"),
        ("depth", 0, "depths[0] must be between 1 and"),
        ("eta", 0.0, "step_size must be positive"),
        ("eta", -0.1, "step_size must be positive"),
        ("steps", 0, "steps must be between 1 and"),
        ("steps", 10**12, "steps must be between 1 and"),
        ("every", 0, "every must be between 1 and"),
    ],
)
def test_a_number_out_of_range_gets_a_sentence_and_loses_nothing(key, value, words):
    app = open_app()
    before = the_experiment(app)
    app.number_input(key=key).set_value(value).run()
    assert not app.exception
    assert the_experiment(app) == before
    assert words in app.warning[0].value
    assert "got" in app.warning[0].value
    assert app.number_input(key=key).value == value
    app.number_input(key="steps").set_value(600).run()
    assert the_experiment(app).dynamics.steps == 600
    assert not app.warning


def test_a_learning_rate_that_is_none_gets_a_sentence():
    app = open_app()
    app.switch_page("pages/about.py").run()
    app.number_input(key="rate").set_value(0.0).run()
    assert "must be positive" in app.warning[0].value
    app.number_input(key="rate").set_value(0.01).run()
    assert not app.warning


def test_every_phase_and_every_symbol_of_the_ruler_is_explained():
    assert set(regimes.PHASES) <= set(WORDS)
    symbols = " ".join(WORDS)
    for name in ("S_1", r"\gamma", r"\lambda_{GF}", r"\lambda_{\min}", r"\eta_{WCR}", "GFS"):
        assert name in symbols
    app = open_app()
    assert "settled" in words(app)


def test_flow_beside_a_diverged_run_ends_with_it(monkeypatch):
    scenes_shown = []
    monkeypatch.setattr(_ui, "play", lambda scene, key: scenes_shown.append(scene))
    app = open_app(eta="0.5", steps="650")
    assert not app.exception
    descent, flow = scenes_shown[-1].runs
    assert descent.columns["step"][-1] < 100
    assert flow.columns["t"][-1] == pytest.approx(descent.columns["t"][-1])


@pytest.mark.parametrize(
    ("key", "value"), [("start", "layers"), ("start", "gaussian"), ("task", "tree")]
)
def test_every_kind_of_start_and_target_runs(key, value):
    app = open_app(steps="60", depths="3,3")
    app.selectbox(key=key).set_value(value).run()
    assert not app.exception
    assert not app.warning


def test_every_page_opens_by_itself():
    for name in PAGES:
        app = open_app()
        app.switch_page(f"pages/{name}.py").run()
        assert not app.exception, name


def test_the_step_size_page_follows_the_experiment():
    app = open_app(depths="2,2", eta="1.1", start="balanced:0.02,0.01")
    app.switch_page("pages/step_size.py").run()
    assert "γ = ηS₁ = 2.2;" in words(app)
    app.selectbox(key="start").set_value("gaussian").run()
    assert not app.exception
    assert "balanced start" in app.info[0].value


def test_visitors_at_the_same_time_have_pages_of_their_own():
    """Streamlit notes in a page whether it may run: two visitors must not share that note."""
    first, second = (AppTest.from_file("../app.py", default_timeout=60) for _ in range(2))
    first.run()
    second.run()
    own, others = (dict(visitor.session_state["pages"]) for visitor in (first, second))
    assert own.keys() == others.keys() == PAGES.keys()
    assert all(own[name] is not others[name] for name in own)
