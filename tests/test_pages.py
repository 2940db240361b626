"""Pages through Streamlit's own test harness: what they say and which run they show."""

import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.testing.v1 import AppTest

from pages import _controls, _reached, _runs, _stage, _state, _ui
from pages._names import PAGES
from pages._words import WORDS
from simcore import (
    Balanced,
    CentralFlow,
    Descent,
    Experiment,
    Freeze,
    Network,
    Ramp,
    Spectrum,
    StepSize,
    links,
    presets,
    regimes,
    theory,
    variations,
)
from simcore.figures import style
from simcore.lesson import PARTS, Lesson
from simcore.view import View


def open_app(**query):
    app = AppTest.from_file("../app.py", default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def words(app):
    return " ".join(element.value for element in app.markdown)


def the_experiment(app):
    return app.session_state["experiment"]


def the_view(app):
    return app.session_state["view"]


def scenes_of(monkeypatch):
    """What the pages give the player, newest last."""
    shown = []
    monkeypatch.setattr(_ui, "play", lambda scene, *of_run: shown.append(scene))
    return shown


def test_the_front_page_opens_on_the_finished_medium_run():
    app = open_app()
    assert not app.exception
    assert the_experiment(app) == presets.MEDIUM.experiment
    assert "Partly re-balanced" in words(app)
    assert "0.740 : 0.260" in words(app)


def test_a_picture_that_is_there_at_once_comes_before_the_controls(monkeypatch):
    open_app()  # kernels are there
    order, play, sidebar = [], _ui.play, _controls.sidebar
    monkeypatch.setattr(_ui, "play", lambda *of: order.append("picture") or play(*of))
    monkeypatch.setattr(_controls, "sidebar", lambda e: order.append("controls") or sidebar(e))
    open_app()
    assert order == ["picture", "controls"]
    order.clear()
    monkeypatch.setattr(_runs, "CACHE", _runs.Cache(10**8))
    monkeypatch.setattr(_runs, "PATIENCE", 0.0)  # so that every run shows its progress
    open_app()
    assert order == ["controls", "picture"]


@pytest.mark.parametrize(
    "preset", [presets.SMALL, presets.LARGE, presets.RANK_ONE], ids=lambda p: p.name
)
def test_a_link_opens_its_experiment(preset):
    app = open_app(**links.to_query(preset.experiment))
    assert not app.exception
    assert the_experiment(app).key == preset.experiment.key


def test_noise_is_drawn_anew_and_shown_as_an_ensemble_and_momentum_gets_a_warm_up(monkeypatch):
    shown = scenes_of(monkeypatch)
    monkeypatch.setattr(_reached, "LONGEST", 0.0)  # no strip, which has tests of its own
    noisy = presets.BY_NAME["label-noise"].experiment
    short = replace(noisy, dynamics=replace(noisy.dynamics, steps=400))
    app = open_app(**links.to_query(short) | links.view_to_query(View(ensemble="band")))
    assert not app.exception
    assert "shares the signal out slowly" in words(app)
    assert "16 seeds" in [run.name for run in shown[-1].runs]
    app.button(key="noise_seed").click().run()
    assert the_experiment(app) == replace(short, dynamics=replace(short.dynamics, seed=1))
    app.session_state["drive_fold"] = True  # open
    app.run().text_input(key="momentum").set_value("0.5").run()
    app.button(key="drive_warm_up").click().run()
    assert not app.exception
    dynamics = the_experiment(app).dynamics
    assert (dynamics.momentum, dynamics.label_noise, dynamics.steps) == (0.5, 0.1, 8000)
    assert dynamics.warms_up_for == 2000


def test_a_broken_link_gets_a_sentence_and_the_default():
    app = open_app(eta="fast", depths="none")
    assert not app.exception
    assert the_experiment(app) == presets.MEDIUM.experiment
    said = " ".join(warning.value for warning in app.warning)
    assert "eta='fast'" in said
    assert "depths='none'" in said


def test_moving_the_step_size_changes_the_run_and_the_link():
    app = open_app()
    app.text_input(key="eta").set_value("0.05").run()
    assert not app.exception
    assert the_experiment(app).dynamics.step_size == pytest.approx(0.05)
    assert "Winner takes all" in words(app)
    assert float(app.query_params["eta"]) == the_experiment(app).dynamics.step_size


def test_a_preset_is_chosen_and_then_left():
    app = open_app()
    app.selectbox(key="preset").set_value("large").run()
    assert the_experiment(app) == presets.LARGE.experiment
    app.text_input(key="pathways").set_value("3").run()
    assert not app.exception
    assert the_experiment(app).network.depths == (20, 20, 20)
    assert app.selectbox(key="preset").value is None


def test_what_a_browser_still_shows_is_no_input_beside_what_the_visitor_does():
    """It sends the old text of a field until it has the new one; alone, the same text is typed."""
    app = open_app()
    app.text_input(key="eta").set_value("0.12").run()
    app.selectbox(key="preset").set_value("large").run()
    app.text_input(key="eta").set_value("0.12")
    app.button(key="pin").click().run()
    assert the_experiment(app) == presets.LARGE.experiment
    assert the_view(app).pins == (presets.LARGE.experiment,)
    app.text_input(key="eta").set_value("0.12").run()
    assert the_experiment(app).dynamics.step_size == 0.12


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
        ("pathways", "0", "the number of pathways must be between 1 and"),
        ("pathways", "-1", "the number of pathways must be between 1 and"),
        ("pathways", "2.5", "expected a whole number"),
        ("depth", "0", "depth of pathway 1 must be between 1 and"),
        ("eta", "0", "the step size must be positive"),
        ("eta", "-0.1", "the step size must be positive"),
        ("eta", "", "the field is empty"),
        ("eta", "0,1", "write decimals with a point"),
        ("steps", "0", "the number of steps must be between 1 and"),
        ("steps", "1e12", "the number of steps must be between 1 and"),
        ("steps", "many", "expected a whole number"),
        ("every", "0", "from record to record must be between 1 and"),
        ("singular_values", "1; 2", "separated by commas or spaces"),
        ("singular_values", "1, -2", "singular value 2 must not be negative"),
        ("start_balanced", "0.1 x", "expected a number"),
        ("start_balanced", "0.1", "one entry per pathway"),
        ("depths", "20, x", "expected a whole number"),
        ("depths", "20, 0", "the depth of pathway 2 must be between 1 and"),
    ],
)
def test_a_number_out_of_range_gets_a_sentence_and_loses_nothing(key, value, words):
    app = open_app()
    before = the_experiment(app)
    app.text_input(key=key).set_value(value).run()
    assert not app.exception
    assert the_experiment(app) == before
    said = app.warning[0].value
    assert words in said
    assert not set("[]_") & set(said)  # no path into the code
    app.run()  # a player's report reruns the page
    assert app.text_input(key=key).value == value
    assert app.warning[0].value == said
    app.text_input(key="steps").set_value("600").run()
    assert the_experiment(app).dynamics.steps == 600
    assert not app.warning


def test_one_more_and_one_less():
    app = open_app()
    app.button(key="pathways_more").click().run()
    assert the_experiment(app).network.depths == (20, 20, 20)
    app.button(key="depth_less").click().run()
    assert the_experiment(app).network.depths == (19, 19, 19)
    assert app.text_input(key="depth").value == "19"
    for _ in range(3):
        app.button(key="pathways_less").click().run()
    assert "between 1 and" in app.warning[0].value
    assert the_experiment(app).network.depths == (19,)


def test_a_learning_rate_that_is_none_gets_a_sentence():
    app = open_app()
    app.switch_page("pages/about.py").run()
    app.text_input(key="rate").set_value("0").run()
    assert "must be positive" in app.warning[0].value
    app.text_input(key="rate").set_value("1/100").run()
    assert not app.warning


def test_every_phase_and_every_symbol_of_the_ruler_is_explained():
    assert set(regimes.PHASES) <= set(WORDS)
    symbols = " ".join(WORDS)
    for name in ("S_1", r"\gamma", r"\lambda_{GF}", r"\lambda_{\min}", r"\eta_{WCR}", "GFS"):
        assert name in symbols
    app = open_app()
    assert "settled" in words(app)


def test_a_link_for_a_lesson_is_made_and_shown_as_it_is_made():
    assert set(_stage.HIDES) == set(PARTS)
    app = open_app()
    app.switch_page("pages/about.py").run()
    app.selectbox(key="lesson_run").set_value("small")
    app.multiselect(key="lesson_hide").set_value(["result", "ruler"])
    app.text_input(key="lesson_question").set_value("Who wins, 1 & 2?")
    app.toggle(key="lesson_stage").set_value(True).run()
    assert not app.exception
    (link,) = [code.value for code in app.code if "hide=" in code.value]
    query = dict(parse_qsl(urlsplit(link).query))
    lesson, said = links.lesson_from_query(query)
    assert lesson == Lesson(stage=True, hide=("ruler", "result"), question="Who wins, 1 & 2?")
    assert links.from_query(query, the_experiment(app)) == (presets.SMALL.experiment, said)


def test_flow_beside_a_diverged_run_ends_with_it(monkeypatch):
    scenes = scenes_of(monkeypatch)
    app = open_app(eta="0.5", steps="650")
    assert not app.exception
    descent, flow = scenes[-1].runs
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


# --- The view ----------------------------------------------------------------------------------


def test_a_link_opens_its_view(monkeypatch):
    scenes = scenes_of(monkeypatch)
    view = View(
        mode=2,
        pathways=(0, 2),
        panels=("loss", "sharing"),
        flow=False,
        pins=(presets.MEDIUM.experiment,),
    )
    three = variations.with_pathways(presets.RANK_ONE.experiment, 3)
    app = open_app(**links.to_query(three), **links.view_to_query(view))
    assert not app.exception
    assert not app.warning
    assert the_view(app) == view
    assert [panel.title for panel in scenes[-1].panels] == ["Loss", "Largest share"]
    assert len(scenes[-1].runs) == 1  # no flow, and the pin has no third mode
    assert app.selectbox(key="mode").value == 2
    assert app.selectbox(key="plane_pathways").value == (0, 2)
    assert app.button(key="unpin0")
    assert links.view_to_query(view).items() <= app.query_params.items()


def test_what_does_not_fit_is_said_and_the_default_is_shown():
    app = open_app(mode="5", pair="1,3", panels="loss,colours", strobe="third", etta="1")
    assert not app.exception
    assert the_view(app) == View(panels=("loss",))
    said = [warning.value for warning in app.warning]
    assert len(said) == 5
    for words in ("mode 5", "pathways 1 and 3", "no panel colours", "strobe='third'", "'etta'"):
        assert sum(words in sentence for sentence in said) == 1


def test_the_view_is_changed_by_its_widgets_and_is_in_the_link():
    app = open_app()
    app.button_group(key="panels").set_value(["loss", "gfs"]).run()
    assert the_view(app).panels == ("loss", "gfs")
    assert app.query_params["panels"] == "loss,gfs"
    app.toggle(key="flow_beside").set_value(False).run()
    assert app.query_params["flow"] == "0"
    app.toggle(key="flow_beside").set_value(True).run()
    assert "flow" not in app.query_params
    app.button_group(key="panels").set_value([]).run()
    assert app.query_params["panels"] == "0"
    app.button_group(key="panels").set_value(["loss", "strengths", "plane", "sharpness"]).run()
    assert the_view(app) == View()
    assert not app.exception


def test_panels_and_pins_survive_a_page_switch():
    app = open_app()
    app.button(key="pin").click().run()
    app.button_group(key="panels").set_value(["loss"]).run()
    view = the_view(app)
    for name in ("step_size", "simulator"):
        app.switch_page(f"pages/{name}.py").run()
        assert the_view(app) == view
    assert app.button_group(key="panels").value == ["loss"]
    assert app.button(key="unpin0")


def test_pins_are_dropped_one_by_one():
    app = open_app(
        **links.view_to_query(View(pins=(presets.SMALL.experiment, presets.LARGE.experiment)))
    )
    assert "A: η = 0.05, 2,000 steps" in words(app)
    (ends,) = [table.value for table in app.table]
    assert list(ends["run"]) == ["GD", "GF", "A: η = 0.05, 2,000 steps", "B: η = 0.1869, 534 steps"]
    assert next(iter(ends["difference to GD"])) == "–"
    app.button(key="unpin0").click().run()
    assert the_view(app).pins == (presets.LARGE.experiment,)
    assert list(app.query_params) == [*links.to_query(presets.MEDIUM.experiment), "pin_a"]


def test_a_run_that_is_too_long_for_a_link_is_not_pinned():
    layers = ",".join(str(1 / k) for k in range(41, 101))
    app = open_app(steps="3", depths="60", start=f"layers:{layers}")
    app.button(key="pin").click().run()
    assert not app.exception
    assert "may take 1000 characters of a link" in app.warning[0].value
    assert the_view(app).pins == ()


def test_a_rerun_that_carries_a_link_from_before_our_changes_undoes_none(monkeypatch):
    """A browser hears of them late; what it sends meanwhile is not what its visitor wants."""
    app = open_app(eta="0.19")
    app.text_input(key="eta").set_value("0.2").run()
    late = dict(app.query_params)
    app.text_input(key="eta").set_value("0.21").run()
    for query in (late, {"eta": "0.19"}):
        app.query_params.clear()
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert app.session_state["experiment"].dynamics.eta == 0.21
    monkeypatch.setattr(_state, "STALE", 0.0)  # so much later it is what the visitor wants
    app.run()
    assert app.session_state["experiment"].dynamics.eta == 0.19


@pytest.mark.parametrize(
    "query", [{}, {"momentum": "0.9"}, {"momentum": "0.9", "nesterov": "1"}, {"decay": "2"}]
)
def test_why_flat_names_the_edge_of_the_dynamics_in_words_and_picture(query, monkeypatch):
    drawn = []
    monkeypatch.setattr(_ui, "chart", lambda chart, *_: drawn.append(chart))
    app = open_app(**query)
    dynamics = app.session_state["experiment"].dynamics
    assert (dynamics.momentum, dynamics.weight_decay) != (0, 0) or not query
    app.switch_page("pages/why_flat.py").run()
    edge, symbol = dynamics.edge, dynamics.edge_symbol
    assert f"{symbol} = **{edge:.4g}**" in words(app)
    assert f"{symbol} = {style.short(edge)}" in json.dumps(drawn[0].to_dict(), ensure_ascii=False)


def test_why_flat_is_about_the_sharpest_mode_throughout(monkeypatch):
    drawn = []
    monkeypatch.setattr(_ui, "chart", lambda chart, *_: drawn.append(chart))
    experiment = Experiment(
        task=Spectrum(singular_values=(1.0, 0.8)),
        network=Network(depths=(4, 4)),
        start=Balanced(scales=((0.2, 0.01), (0.2, 0.0001))),
        dynamics=Descent(step_size=0.2, steps=100),
    )
    mode = theory.sharpest_mode(experiment)
    assert mode == 1
    app = open_app(**links.to_query(experiment))
    app.switch_page("pages/why_flat.py").run()
    data = [row for rows in drawn[0].to_dict()["datasets"].values() for row in rows]
    (end,) = [row for row in data if row.get("mark") == "GF end"]
    target = experiment.task.singular_values[mode]
    expected = theory.flow_end_split(experiment.start.strengths(mode), (4, 4), target)
    assert end["x"] == pytest.approx(expected[0], rel=1e-6)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({}, ""),
        ({"momentum": "0.9", "decay": "0.01"}, "momentum and weight decay"),
        ({"noise": "0.1"}, "label noise"),
        ({"central": "0.1", "duration": "3"}, "the edge"),
        ({"duration": "3"}, ""),
    ],
)
def test_the_identity_of_plain_descent_is_told_of_no_other(query, named):
    usual = {"depths": "3,3", "start": "gaussian:0.3,1", "width": "4"}
    clock = {} if "duration" in query else {"eta": "0.1", "steps": "30"}
    app = open_app(**usual, **clock, **query)
    app.switch_page("pages/matrices.py").run()
    said = words(app)
    assert "Layer imbalance" in said
    assert ("One more step agrees" in said) == (not query)
    assert ("What else moves the weights here changes it too" in said) == bool(named)
    assert named in said


def test_other_pages_show_and_change_the_view():
    app = open_app(share="0.25", figure="return", colour="participation", show="each")
    app.switch_page("pages/why_flat.py").run()
    assert app.slider(key="share").value == 0.25
    app.slider(key="share").set_value(0.5).run()
    assert app.query_params["share"] == "0.5"
    app.switch_page("pages/paper_figures.py").run()
    assert app.button_group(key="figure").value == "return"
    app.button_group(key="figure").set_value("main").run()
    assert "figure" not in app.query_params
    app.switch_page("pages/step_size.py").run()
    assert app.button_group(key="diagram").value == "each"
    assert not app.exception
    assert the_view(app) == View(share=0.5, colour="participation", diagram="each")


def test_an_unknown_figure_or_colour_is_said():
    app = open_app(figure="seventh")
    app.switch_page("pages/paper_figures.py").run()
    assert "no figure seventh" in app.warning[0].value
    assert the_view(app).figure is None


def test_an_escaped_link_opens_its_run():
    query = links.to_query(presets.LARGE.experiment)
    app = open_app(
        **{("amp;" * bool(k)) + name: text for k, (name, text) in enumerate(query.items())}
    )
    assert the_experiment(app) == presets.LARGE.experiment
    assert not app.warning


# --- A server that was restarted ---------------------------------------------------------------


def after_restart(app, act=lambda app: None):
    """Do something on a page whose server has forgotten the session: the new one knows only what
    the browser sends along, the link and its values of the widgets."""
    act(app)
    sent = app._tree.get_widget_states()
    app._session_state = SafeSessionState(SessionState(), lambda: None)
    app.session_state = type(app.session_state)(app._session_state)
    return app._run(sent)


@pytest.mark.parametrize(
    ("kind", "key", "value", "change"),
    [
        ("text_input", "eta", "0.21", lambda e: variations.with_step_size(e, 0.21)),
        ("text_input", "pathways", "3", lambda e: variations.with_pathways(e, 3)),
        ("text_input", "depth", "7", lambda e: variations.with_depth(e, 7)),
        ("text_input", "depths", "9, 5", lambda e: variations.with_depths(e, (9, 5))),
        (
            "text_input",
            "singular_values",
            "2",
            lambda e: variations.with_singular_values(e, (2.0,)),
        ),
        ("text_input", "every", "3", lambda e: variations.with_every(e, 3)),
        ("selectbox", "spacing", "log", lambda e: variations.with_spacing(e, "log")),
        ("text_input", "steps", "2e4", lambda e: variations.with_steps(e, 20_000)),
        ("selectbox", "preset", "small", lambda e: presets.SMALL.experiment),
    ],
)
def test_the_first_change_after_a_restart_takes_effect(kind, key, value, change):
    base = variations.with_step_size(presets.MEDIUM.experiment, 0.2)
    view = View(pins=(presets.SMALL.experiment,), panels=("loss",))
    app = open_app(**links.to_query(base), **links.view_to_query(view))
    after_restart(app, lambda app: getattr(app, kind)(key=key).set_value(value))
    assert not app.exception
    assert the_experiment(app) == change(base)
    assert the_view(app) == view
    assert links.from_query(app.query_params, base)[0] == change(base)
    app.text_input(key="steps").set_value("300").run()  # and so does the next
    assert the_experiment(app) == variations.with_steps(change(base), 300)


@pytest.mark.parametrize(
    ("act", "changed"),
    [
        (lambda app: app.button_group(key="panels").set_value(["gfs"]), {"panels": ("gfs",)}),
        (lambda app: app.toggle(key="flow_beside").set_value(False), {"flow": False}),
        (lambda app: app.selectbox(key="mode").set_value(0), {"mode": 0}),
        (lambda app: app.button(key="unpin0").click(), {"pins": ()}),
        (
            lambda app: app.button(key="pin").click(),
            {"pins": (presets.SMALL.experiment, presets.RANK_ONE.experiment)},
        ),
    ],
    ids=["panels", "flow", "mode", "unpin", "pin"],
)
def test_the_first_change_of_the_view_after_a_restart_takes_effect(act, changed):
    view = View(mode=1, pins=(presets.SMALL.experiment,))
    app = open_app(**links.to_query(presets.RANK_ONE.experiment), **links.view_to_query(view))
    after_restart(app, act)
    assert not app.exception
    assert the_view(app) == replace(view, **changed)
    assert the_experiment(app) == presets.RANK_ONE.experiment


def test_a_first_change_that_is_refused_is_said_and_kept_in_its_field():
    app = open_app()
    after_restart(app, lambda app: app.text_input(key="depths").set_value("20, x"))
    assert the_experiment(app) == presets.MEDIUM.experiment
    assert "whole number" in app.warning[0].value
    assert app.text_input(key="depths").value == "20, x"


def test_a_restart_without_a_change_shows_the_link():
    app = open_app(eta="0.2")
    after_restart(app)
    assert the_experiment(app) == variations.with_step_size(presets.MEDIUM.experiment, 0.2)
    assert not app.warning


# --- Events ------------------------------------------------------------------------------------


def test_a_run_is_changed_from_the_cursor_on_and_the_old_one_stays_as_a_pin(monkeypatch):
    shown = scenes_of(monkeypatch)
    app = open_app(**links.to_query(presets.MEDIUM.experiment), cursor="50")
    app.button(key="from_here_turn").click().run()
    app.text_input(key="here_eta").set_value("0.05").run()
    app.text_input(key="here_kick").set_value("0").run()
    assert "factor of a kick must be positive" in app.warning[0].value
    assert app.text_input(key="here_kick").value == "0"
    app.selectbox(key="here_pathway").set_value(1).run()
    app.button(key="here_freeze").click().run()
    assert not app.exception
    events = StepSize(at=325, value=0.05), Freeze(pathway=1, start=325)
    assert the_experiment(app).dynamics.events == events
    assert the_view(app).pins == (presets.MEDIUM.experiment,)  # not every step on the way
    assert app.query_params["events"] == "step:325:0.05;freeze:2:325"
    descent, flow, pin = shown[-1].runs
    assert [run.name for run in (descent, flow, pin)] == ["GD", "plain GF", "A: no events"]
    assert [change.label for change in descent.changes] == ["η = 0.05", "pathway 2 frozen"]
    assert pin.changes == []
    assert "**Theory, without the events:** η = 0.1538 is between" in words(app)
    app.query_params["cursor"] = "52"  # 40 updates later
    app.run()
    app.button(key="here_freeze").click().run()
    assert the_experiment(app).dynamics.events[1] == Freeze(pathway=1, start=325, stop=365)
    assert len(the_view(app).pins) == 2


def test_events_are_listed_edited_removed_and_added(monkeypatch):
    monkeypatch.setattr(_reached, "LONGEST", 0.0)  # seconds of a strip that nobody looks at here
    app = open_app(events="step:325:0.05")
    assert "Step size 0.05 from update 325 on" in words(app)
    app.text_input(key="event0_StepSize_at").set_value("650").run()
    assert "must come before the end of the run at 650" in app.warning[0].value
    app.text_input(key="event0_StepSize_at").set_value("400").run()
    assert "Step size 0.05 from update 400 on" in words(app)
    app.button(key="warm_up").click().run()
    app.selectbox(key="event_kind").set_value("Freeze").run()
    events = the_experiment(app).dynamics.events
    assert [type(event) for event in events] == [Ramp, Freeze, StepSize]
    assert app.button(key="warm_up").disabled
    app.selectbox(key="event_kind").set_value("Freeze").run()
    assert "pathway 1 still is" in app.warning[0].value
    app.text_input(key="event1_Freeze_pathway").set_value("0").run()
    assert "counted from 1" in app.warning[0].value
    app.text_input(key="event1_Freeze_stop").set_value("").run()
    app.button(key="event2_remove").click().run()
    assert the_experiment(app).dynamics.events == (events[0], Freeze(pathway=0, start=0))
    app.text_input(key="eta").set_value("0.1").run()
    assert the_experiment(app).dynamics.events[0].value == 0.1  # a warm-up leads there, too
    assert not app.exception
    assert not app.warning


def test_a_central_flow_offers_no_events():
    dynamics = CentralFlow(step_size=2 / 13, duration=1.0)
    assert dynamics.takes == ()
    with pytest.raises(ValueError, match="events need gradient descent or flow"):
        dynamics.with_events((StepSize(at=1, value=0.1),))


def test_central_flow_beside_a_descent_and_alone():
    beside = open_app(cf="1")
    assert any("meets the edge at t = 15" in text.value for text in beside.markdown)
    driven = open_app(cf="1", momentum="0.5")
    assert any("stands for gradient descent at one step size" in w.value for w in driven.warning)
    alone = open_app(central="0.1538461538", duration="100")
    assert any("kept at the edge" in text.value for text in alone.markdown)
    assert not any(app.exception for app in (beside, driven, alone))
