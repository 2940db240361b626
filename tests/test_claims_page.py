"""Claims and neighbours on Paper figures, through Streamlit's own test harness."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from pages import _runs
from simcore.studies import claims


def opened(figure):
    app = AppTest.from_file("../app.py", default_timeout=60).run()
    app.query_params["figure"] = figure
    return app.switch_page("pages/paper_figures.py").run()


def words(app):
    return " ".join(element.value for element in app.markdown)


def tables(app):
    return [table.value.iloc[0].tolist() for table in app.table]


def test_a_claim_is_tried_on_demand_goes_on_and_lists_its_failures(monkeypatch):
    shallow = claims.BY_NAME["depth-two"]
    false = replace(shallow, name="false", check=lambda experiment: 0.5)
    monkeypatch.setattr(claims, "CLAIMS", (shallow, false))
    monkeypatch.setattr(_runs, "CACHE", _runs.Cache(10**6))
    app = opened("claims")
    assert not app.exception
    assert tables(app) == []
    app.button(key="claim-depth-two").click().run()
    assert tables(app)[0][:2] == ["20", "0"]
    app.button(key="claim-depth-two").click().run()
    assert tables(app)[0][:2] == ["40", "0"]
    assert _runs.known_of(shallow, 60, 5) == 40
    app.button(key="claim-false").click().run()
    assert tables(app)[1] == ["20", "20", "0.5", "1e-09"]
    assert not app.exception


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        ("ghosh-gap", "rates, sharpness and times are as here"),
        ("kleinman-past", "those with ≥ are bounds"),
    ],
)
def test_a_figure_of_a_neighbour_says_how_the_authors_count(figure, said):
    app = opened(figure)
    assert not app.exception
    assert said in words(app)
    assert not any("not within" in str(table.value) for table in app.table)
