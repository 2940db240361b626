"""What a visitor reaches in two or three actions must not break: combinations on the pages."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages import _runs
from simcore import Experiment, limits, links, plans, presets, simulate, variations
from simcore.studies import reached
from simcore.view import View


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
        {
            "task": "1.0:60:60",
            "record": "frames:30,every:100000,maps:1",
            "depths": "3,3",
            "steps": "40",
        },
        {"task": "target:1,2;3,4", "eta": "0.01", "steps": "50", "depths": "2,2"},
        {"task": "0.0", "steps": "50"},
        {"depths": "1,1", "eta": "0.05", "steps": "50"},
        {"duration": "20", "rtol": "1e-6"},
        {"start": "layers:1e200,1,1;1,1,1", "depths": "3,3", "steps": "20"},
        {"start": "balanced:0,0", "steps": "20"},
        {"task": "1.0:460:460", "depths": "10,10", "steps": "20", "eta": "0.01"},  # too large
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
    """With a strip of four runs under the ruler, which has tests of its own."""
    monkeypatch.setenv("SIMCORE_HOSTED", "1")
    monkeypatch.setattr(reached, "CELLS", 4)
    monkeypatch.setattr(reached, "FEWEST", 4)
    for preset in presets.ALL:
        if preset.experiment.resolved_engine == "modes":
            app = open_app(**links.to_query(preset.experiment))
            assert not app.exception, preset.name
            assert not app.warning, preset.name


def test_every_page_of_the_hosted_app_opens(monkeypatch):
    """Limits are lower there: what a page runs of itself must keep to them, too."""
    monkeypatch.setenv("SIMCORE_HOSTED", "1")
    app = open_app()
    for path in sorted(Path(_runs.__file__).parent.glob("[a-z]*.py")):
        app.switch_page(f"pages/{path.name}").run()
        assert not app.exception, path.name
        assert not app.warning, path.name


# --- Bounds ------------------------------------------------------------------------------------

DEAR = {  # 8 pathways, 30 modes and the Hessian at every third step
    "task": ",".join(str(1 - k / 100) for k in range(30)),
    "depths": ",".join(["20"] * 8),
    "start": "balanced:" + ",".join(["0.9"] * 8),
    "eta": "0.001",
    "steps": "5000",
    "record": "frames:5000",
}


def warnings(app):
    return [warning.value for warning in app.warning]


def test_more_steps_than_the_hosted_app_takes_are_left_out(monkeypatch):
    monkeypatch.setenv("SIMCORE_HOSTED", "1")
    app = open_app(steps="900000")
    assert not app.exception
    (said,) = warnings(app)
    assert "must be between 1 and 50000" in said


def test_a_run_that_takes_too_much_is_refused_on_the_page_and_can_be_lowered(monkeypatch):
    monkeypatch.setenv("SIMCORE_HOSTED", "1")
    app = open_app(**DEAR)
    assert not app.exception
    (said,) = warnings(app)
    assert said.startswith("`The run would take about ")
    assert f"may take {limits.HOSTED.seconds:g} here" in said
    assert "record less often" in said
    assert app.text_input(key="singular_values").value.startswith("1, 0.99, 0.98")
    app.text_input(key="singular_values").set_value("1").run()
    assert not app.exception
    assert not app.warning


def test_a_pin_or_a_flow_that_takes_too_much_is_left_out(monkeypatch):
    monkeypatch.setenv("SIMCORE_HOSTED", "1")
    pin, complaints = links.from_query(DEAR, presets.MEDIUM.experiment)
    assert not complaints
    base = variations.with_step_size(presets.MEDIUM.experiment, 0.149)
    query = links.to_query(base) | links.view_to_query(View(pins=(pin,)))
    monkeypatch.setattr(limits, "HOSTED", limits.HOSTED._replace(seconds=5.0))
    app = open_app(**query)
    assert not app.exception
    (said,) = warnings(app)
    assert "Pinned run A" in said
    assert "seconds of a core" in said


@pytest.mark.parametrize("engine", ["modes", "matrices"])
def test_a_run_past_its_time_is_ended_and_shown(monkeypatch, engine):
    monkeypatch.setenv("SIMCORE_HOSTED", "1")
    monkeypatch.setattr(limits, "HOSTED", limits.HOSTED._replace(wall=0.0))
    app = open_app(depths="3,3", eta="0.1234", steps="500", flow="0", engine=engine)
    assert not app.exception
    (said,) = warnings(app)
    assert "ended after 0 seconds" in said
    assert "Unfinished" in " ".join(element.value for element in app.markdown)


def test_a_map_too_large_is_refused_before_its_cells_are_built(monkeypatch):
    built = []
    cells = plans.Plan.cells

    def counted(plan, base):
        found = cells(plan, base)
        built.append(len(found))
        return found

    monkeypatch.setattr(plans.Plan, "cells", counted)
    app = open_app(map_x="eta:400", map_y="start_ratio:400", depths="3,3", steps="20")
    app.switch_page("pages/phase_diagram.py").run()
    assert not app.exception
    (said,) = warnings(app)
    assert "take fewer points" in said
    assert max(built) == 4


def test_honest_text_is_shown_as_typed():
    app = open_app(eta="*a* _b_ $c$", task="1.0,0.5:100:100", depths="2,2", steps="3")
    (said,) = warnings(app)
    assert said.startswith("`eta='*a* _b_ $c$' in the link")
    assert said.endswith("`")
    app = pin(app)
    app.text_input(key="singular_values").set_value("2").run()
    (name,) = (words.value for words in app.markdown if words.value.startswith("`A: "))
    assert name == "`A: σ* = 1, 0.5`"


def test_the_cache_of_runs_keeps_its_bound():
    cache = _runs.Cache(most_bytes=200_000)
    base: Experiment = presets.MEDIUM.experiment
    for step_size in np.linspace(0.01, 0.1, 20).tolist():
        run = simulate(variations.with_step_size(base, step_size))
        for _ in "as two visitors do":
            cache.put(run.experiment, run)
        held = [_runs._bytes(result) for result in cache.results.values()]
        assert cache.held == sum(held) <= 200_000
        assert cache.get(run.experiment) is run
    assert 1 < len(cache.results) < 20
