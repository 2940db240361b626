"""Pages through Streamlit's own test harness: what they say and which run they show."""

import pytest
from streamlit.testing.v1 import AppTest

from pages._names import PAGES
from simcore import links, presets


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
