"""What is said of runs with events, and maps over them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cases import results

from simcore import (
    Descent,
    Flow,
    Freeze,
    Jitter,
    Kick,
    Ramp,
    Record,
    StepSize,
    grid,
    presets,
    regimes,
    simulate,
    summary,
    sweep,
)
from simcore.preset import two_pathways
from simcore.regimes import Regime
from simcore.studies import grids

MEDIUM = 2 / 13


def under(dynamics, **record):
    return replace(two_pathways(dynamics), record=Record(**record or {"every": 1}))


def late(step_size):
    """Raised after the small run has settled, and not kicked."""
    return Descent(step_size=0.05, steps=4000, events=(StepSize(at=2000, value=step_size),))


def slept(step_size, start, stop, pathway=0, steps=2000):
    freeze = Freeze(pathway=pathway, start=start, stop=stop)
    return Descent(step_size=step_size, steps=steps, events=(freeze,))


BALANCED_THEN = (StepSize(at=3000, value=0.05),)
SHORT = (StepSize(at=250, value=0.05),)
TO_A_THIRD = (Kick(at=100.0, pathway=1, factor=19.1),)

SAID = {
    "settled above": (late(2 / 19), Regime.WINNER_TAKES_ALL, "It rests above the edge"),
    "below its edge": (late(2 / 19.45), Regime.WINNER_TAKES_ALL, "the edge 2/η is 19.45 at the"),
    "raised": (late(MEDIUM), Regime.PARTLY_REBALANCED, "more evenly than"),
    "balanced, then lowered": (
        Descent(step_size=2 / 10.5, steps=4000, events=BALANCED_THEN),
        Regime.BALANCED,
        "0.500 : 0.500",
    ),
    "lowered on the way": (
        Descent(step_size=MEDIUM, steps=300, events=SHORT),
        Regime.PARTLY_REBALANCED,
        "more evenly than",
    ),
    "winner asleep": (
        slept(0.05, 0, 250),
        Regime.WINNER_TAKES_ALL,
        "Pathway 2 ends with the largest share",
    ),
    "asleep for good": (slept(MEDIUM, 100, None, pathway=1), Regime.CHAOS, "keeps jumping"),
    "asleep for good, flat enough": (
        slept(0.05, 100, None, pathway=1),
        Regime.WINNER_TAKES_ALL,
        "Pathway 1 ends with the largest share",
    ),
    "a flow, kicked": (
        Flow(duration=200.0, events=TO_A_THIRD),
        Regime.PARTLY_REBALANCED,
        "more evenly than",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_said_of_a_run_with_events_is_true(name):
    dynamics, regime, words = SAID[name]
    run = simulate(under(dynamics))
    assert regimes.classify(run) is regime
    assert words in regimes.describe(run)
    resting = "rests above" in regimes.describe(run)
    assert resting == (name == "settled above")


def test_a_verdict_does_not_depend_on_how_often_a_run_with_events_is_recorded():
    """As without: it is judged on what follows its end."""
    for name in ("raised", "balanced, then lowered", "lowered on the way"):
        dynamics, regime, _ = SAID[name]
        sparse = simulate(under(dynamics, frames=3))
        assert regimes.classify(sparse) is regime
        longer = simulate(under(replace(dynamics, steps=dynamics.steps + 700), frames=9))
        assert regimes.classify(longer) is regime


def test_phases_follow_the_edge_in_force():
    """The small run meets no edge until its step size is raised."""
    run = simulate(presets.BY_NAME["late-raise"].experiment)
    phases = {phase.name: phase for phase in regimes.phases(run)}
    assert phases["edge of stability"].first_step == 2000
    assert phases["re-balancing"].first_step > 2000
    assert phases["settled"].last_step == 2600


def test_a_pathway_at_zero_that_a_jitter_moves_is_not_said_to_stay_there():
    shaken = replace(
        two_pathways(Descent(step_size=0.05, steps=9), depths=(2, 2), scales=(0.1, 0.0)),
        dynamics=Descent(step_size=0.05, steps=9, events=(Jitter(at=3, std=0.1),)),
    )
    run = simulate(shaken)
    assert (run.strengths[-1] != 0).all()
    assert "starts at zero" not in regimes.describe(run)


# --- Maps over events ------------------------------------------------------------------------


EVENTS = [
    (),
    (StepSize(at=40, value=0.2),),
    (Ramp(start=0, stop=50, value=0.3, begin=0.0), Kick(at=60, pathway=1, factor=2.0)),
    (Freeze(pathway=0, start=5, stop=30),),
]


def test_events_are_an_axis_of_a_map():
    """Rows are those of single runs, plain descents among them run in a batch; the plan survives
    JSON, and a column tells the events in words."""
    base = under(Descent(step_size=0.1, steps=90))
    cells = grid(base, {"dynamics.events": EVENTS, "dynamics.step_size": [0.05, 0.1]})
    rows = sweep(cells)
    for cell, row in zip(cells, rows, strict=True):
        assert results(row) == pytest.approx(results(summary(simulate(cell))), nan_ok=True)
    told = [row["dynamics.events"] for row in rows]
    assert told[0] == told[1] == ""
    assert "0.2 from update 40" in told[2]
    assert "frozen" in told[-1]
    again = grids.from_plain(json.loads(cells.to_json()), "a plan")
    assert list(again) == list(cells)
    edges = [cell.edge for cell in cells]
    ratios = [row["sharpness"] / edge for row, edge in zip(rows, edges, strict=True)]
    assert [row["edge_ratio"] for row in rows] == pytest.approx(ratios)


def test_a_stored_map_over_events_resumes(tmp_path):
    """What is in the store is not run again: its row has the seconds of then."""
    cells = grid(under(Descent(step_size=0.1, steps=70)), {"dynamics.events": EVENTS})
    path = tmp_path / "map.sqlite"
    first = sweep(cells[:2], store=path)
    every = sweep(cells, store=path)
    assert [row["seconds"] for row in every[:2]] == [row["seconds"] for row in first]
    assert [results(row) for row in every] == [results(row) for row in sweep(cells)]


def test_a_run_with_events_survives_being_made_shorter_or_is_refused_in_words():
    dynamics = Descent(step_size=0.1, steps=90, events=(Kick(at=40, pathway=0, factor=2.0),))
    assert dynamics.with_steps(41).events == dynamics.events
    with pytest.raises(ValueError, match="an event must come before the end of the run at 40"):
        dynamics.with_steps(40)
