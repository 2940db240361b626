"""What a visitor reaches in two or three actions must not break: combinations on the pages."""

import pytest
from streamlit.testing.v1 import AppTest

from simcore import links, presets


def open_app(**query):
    app = AppTest.from_file("../app.py", default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def pin(app):
    return app.button(key="pin").click().run()


def test_a_pin_with_more_pathways_than_the_run():
    app = pin(open_app())
    app.text_input(key="pathways").set_value("1").run()
    assert not app.exception


def test_a_pin_without_the_mode_on_show():
    app = pin(open_app())
    app.text_input(key="singular_values").set_value("1, 0.7").run()
    app.selectbox(key="mode").set_value(1).run()
    assert not app.exception


@pytest.mark.parametrize("panels", ["eigenvalues", "plane", "0"])
def test_panels_that_do_not_apply(panels):
    app = open_app(depths="3", start="balanced:0.1", steps="50", panels=panels)
    assert not app.exception
    assert not app.warning


@pytest.mark.parametrize(
    "query",
    [
        {"eta": "1000", "steps": "20000"},
        {"task": "1.0:60:60", "record": "frames:300,every:100000,maps:1", "depths": "3,3"},
        {"task": "target:1,2;3,4", "eta": "0.01", "steps": "50", "depths": "2,2"},
        {"task": "0.0", "steps": "50"},
        {"depths": "1,1", "eta": "0.05", "steps": "50"},
        {"duration": "20", "rtol": "1e-6"},
        {"start": "layers:1e200,1,1;1,1,1", "depths": "3,3", "steps": "20"},
        {"start": "balanced:0,0", "steps": "20"},
        {"task": "1.0:300:300", "depths": "50,50", "steps": "20", "eta": "0.01"},  # too large
    ],
    ids=str,
)
def test_odd_links_on_every_page(query):
    app = open_app(**query)
    assert not app.exception
    for name in ("why_flat", "step_size", "matrices"):
        app.switch_page(f"pages/{name}.py").run()
        assert not app.exception, name


def test_rectangular_targets_keep_their_sizes():
    app = open_app(task="1.0,0.5:4:3", depths="2,2", eta="0.1", steps="50")
    app.text_input(key="singular_values").set_value("1, 0.6").run()
    task = app.session_state["experiment"].task
    assert (task.n_in, task.n_out) == (4, 3)


def test_every_preset_opens_on_a_hosted_simulator(monkeypatch):
    monkeypatch.setenv("SIMCORE_HOSTED", "1")
    for preset in presets.ALL:
        if preset.experiment.resolved_engine == "modes":
            app = open_app(**links.to_query(preset.experiment))
            assert not app.exception, preset.name
            assert not app.warning, preset.name
