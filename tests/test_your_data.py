"""Your data through Streamlit's own test harness: what is brought becomes the session's run."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages import _reached, _runs
from simcore import Dataset, Experiment, Target, Tree, links, suggest
from simcore.simulate import simulate

CSV = "x;y;*class* [a](b)\n" + "".join(
    f"{k % 7},5;{(k * k) % 11};{'red' if (k * k) % 11 > 4 else 'blue'}\n" for k in range(40)
)


def open_page(**query):
    app = AppTest.from_file("../app.py", default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page("pages/your_data.py").run()


def the_experiment(app) -> Experiment:
    assert not app.exception
    return app.session_state["experiment"]


def said(app):
    return " ".join(part.value for part in [*app.markdown, *app.warning, *app.info])


def choose(app, source):
    return next(c for c in app.segmented_control if c.key == "data_source").set_value(source).run()


def paste(app, text):
    return app.text_area(key="pasted_data").set_value(text).run()


def drop(app, content):
    app.file_uploader[0].set_value(("mine.csv", content, "text/csv"))
    return app.run()


def test_real_sets_are_looked_at_and_run():
    app = open_page(**links.to_query(suggest(Tree())))
    assert "modes 3 and 4; 5 to 8" in said(app)
    assert said(app).count("Mode 1 is half learned after about") == 3
    assert said(app).count("not when the run ends") + said(app).count("every other mode") == 3
    app.selectbox(key="data_set").set_value("iris").run()
    run = the_experiment(app)
    assert run.task.singular_values == pytest.approx((0.568587, 0.272046, 0), abs=1e-6)
    assert links.to_query(run)["task"] == "data:iris:samples:5::classes,centre,standardise,whiten"
    assert "0.134684, 40% of the loss" in str([table.value for table in app.table])
    for flag in ("standardise", "whiten"):
        app.toggle(key=f"data_{flag}").set_value(False).run()
    raw = the_experiment(app).task
    assert not raw.whitened
    assert "About past the edge of one pathway" in said(app)
    app.multiselect(key="data_targets").set_value([]).run()
    assert the_experiment(app).task == raw
    assert "expected a column that is to be learned" in said(app)
    other = open_page(**links.to_query(the_experiment(app)))  # every copy has this set
    assert the_experiment(other).task == raw


def test_a_pasted_matrix_is_a_target_that_a_link_holds():
    app = choose(open_page(), "paste")
    paste(app, "[[2 1]\n [0 1]]")
    run = the_experiment(app)
    assert isinstance(run.task, Target)
    assert links.to_query(run)["task"] == "target:2.0,1.0;0.0,1.0"
    paste(app, "2 1\n0")
    assert the_experiment(app) == run
    assert "every row needs as many" in said(app)
    assert app.text_area(key="pasted_data").value == "2 1\n0"  # to be mended
    paste(app, "0 0\n0 0")
    assert "must not be zero" in said(app)
    assert the_experiment(app) == run


def test_a_file_stays_with_its_session_and_a_link_asks_for_it(monkeypatch):
    monkeypatch.setattr(_reached, "LONGEST", 0.0)  # no strip under the ruler
    app = choose(open_page(), "file")
    drop(app, CSV.encode("utf-8-sig"))
    run = the_experiment(app)
    assert isinstance(run.task, Dataset)
    assert (run.task.n_in, run.task.n_out) == (2, 2)
    assert "“*class* [a](b)” has 2 classes, a column each.`" in said(app)  # code: as it is
    app.switch_page("pages/simulator.py").run()
    assert the_experiment(app) == run
    assert all(not getattr(key, "private", False) for key in _runs.CACHE.results)
    assert run in app.session_state["own_results"].results
    monkeypatch.setattr(_runs, "momentary", lambda _: False)  # the eigenvalues come second
    app.switch_page("pages/matrices.py").run()
    assert "eigenvalues" not in said(app)
    app.switch_page("pages/simulator.py").run()
    query = links.to_query(run)
    assert query["task"].startswith(f"data:{run.task.source}")
    other = open_page(**query)
    assert the_experiment(other).task != run.task
    assert "open the file on the page Your data" in said(other)
    choose(other, "file")
    drop(other, b"1,2\n3")
    assert "row 2 has 1 cells" in said(other)
    drop(other, CSV.replace("\n", "\r\n").encode())
    assert the_experiment(other) == run


def test_what_is_made_of_own_data_goes_with_it():
    rng = np.random.default_rng(0)
    inputs, outputs = rng.normal(size=(9, 2)), rng.normal(size=(9, 1))
    task = Dataset(inputs=inputs, outputs=outputs, source="a1")
    public = Dataset(inputs=inputs, outputs=outputs)
    assert task.private
    assert not public.private
    assert np.array_equal(task.singular_values, public.singular_values)
    run = suggest(task)
    assert run.private
    assert simulate(run).loss[-1] == simulate(suggest(public)).loss[-1]
