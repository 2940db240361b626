"""Phase maps: axes, borders, memory, files, pictures, and the page that shows them."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace

import hostile
import numpy as np
import pytest
from cases import results
from strategies import refused
from streamlit.testing.v1 import AppTest

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Spectrum,
    Tree,
    grid,
    plans,
    presets,
    simulate,
    summary,
    sweep,
    theory,
    variations,
)
from simcore.figures import phase_maps as pictures
from simcore.figures import style
from simcore.figures.parts import LINE_ROWS
from simcore.plans import Plan, Side
from simcore.regimes import Regime
from simcore.rows import Summary
from simcore.studies import batch, phase_maps, stored_maps
from simcore.studies.phase_maps import Memory
from simcore.studies.store import Store

PAPER = phase_maps.base_of(presets.MEDIUM.experiment)
SMALL = replace(PAPER, dynamics=Descent(step_size=0.1, steps=30))
RANDOM = Experiment(
    task=Spectrum(singular_values=(1.0,)),
    network=Network(depths=(3, 3), width=4),
    start=Gaussian(std=0.2),
    dynamics=Descent(step_size=0.3, steps=20),
)


# --- The paper's phase diagram ---------------------------------------------------------------


def test_the_largest_share_falls_from_the_winner_s_to_half_between_theory_s_borders():
    plan = Plan(Side("eta", 60, (0.05, 0.30)), Side("start_ratio", 3, (0.8, 0.9)))
    assert PAPER.start.scales == (0.002, 0.0017)
    etas = np.array(plan.x.values(PAPER))
    rows = sweep(plan.cells(PAPER))
    shares = np.array([row["largest_share"] for row in rows]).reshape(3, 60)
    borders, cell = plan.borders(PAPER), etas[1] - etas[0]
    for line, ratio in enumerate(plan.y.values(PAPER)):
        winner = theory.flow_end_split((0.002, 0.002 * ratio), (20, 20), 1.0)[0]
        kept = np.flatnonzero(np.abs(shares[line] - winner) > 5e-3)[0] - 1  # last that follows GF
        assert abs(etas[kept] - borders["flow_edge"][line]) <= cell
        equal = np.flatnonzero(shares[line] < 0.505)
        assert abs(etas[equal[0]] - borders["balanced"][line]) <= cell
        between = shares[line, kept : equal[0] + 1]
        assert (np.diff(between) < 0).all()
    assert shares[1, 0] == pytest.approx(0.984, abs=1e-3)  # SCIENCE 4, case 1: ratio 0.85


# --- Axes ------------------------------------------------------------------------------------


def test_cells_are_row_by_row():
    cells = plans.cells(SMALL, "eta", (0.1, 0.2, 0.3), "start_ratio", (0.5, 0.9))
    assert [cell.dynamics.step_size for cell in cells] == [0.1, 0.2, 0.3] * 2
    assert [cell.start.scales for cell in cells[::3]] == [
        (0.002, 0.002 * 0.5),
        (0.002, 0.002 * 0.9),
    ]


@pytest.mark.parametrize(
    ("y", "ys"), [("start_ratio", (0.5, 0.9)), ("depth", (3, 20)), ("pathways", (1, 3))]
)
def test_cells_are_what_each_gives_by_itself(y, ys):
    """Those that differ in their starts alone share what was checked once."""
    step, other = variations.AXES["eta"].put, variations.AXES[y].put
    cells = plans.cells(SMALL, "eta", (0.1, 0.3), y, ys)
    assert cells == [step(other(SMALL, value), eta) for value in ys for eta in (0.1, 0.3)]
    assert len({id(cell.dynamics) for cell in cells}) == (2 if y == "start_ratio" else 4)
    with pytest.raises(ValueError, match="step size"):
        plans.cells(SMALL, "eta", (0.1, -0.3), y, ys)


@pytest.mark.parametrize("turned", [False, True])
def test_a_step_size_in_units_is_that_of_the_cell_s_own_depth(turned):
    axes = ("ratio", (0.5, 2.0)), ("depth", (3, 10, 20))
    (x, xs), (y, ys) = reversed(axes) if turned else axes
    for cell in plans.cells(SMALL, x, xs, y, ys):
        units = cell.dynamics.step_size / theory.unit_step_size(cell)
        assert units == pytest.approx(0.5, rel=1e-12) or units == pytest.approx(2.0, rel=1e-12)
    assert len({cell.network.depths for cell in plans.cells(SMALL, x, xs, y, ys)}) == 3


def test_starts_are_stretched_to_new_pathways_before_their_ratio_is_set():
    cell = plans.cells(SMALL, "start_ratio", (0.5,), "pathways", (3,))[0]
    assert cell.start.scales == pytest.approx((0.002, 0.001, 0.0017 * 0.85))
    assert cell == plans.cells(SMALL, "pathways", (3,), "start_ratio", (0.5,))[0]
    layered = replace(SMALL, start=LayerScales(scales=((0.1,) * 20, (0.2,) * 20)))
    longer = variations.with_depths(layered, (22, 20, 20))
    assert [len(row) for row in longer.start.scales] == [22, 20, 20]


def test_the_ratio_of_singular_values_keeps_the_first_and_adds_a_second():
    cell = variations.AXES["value_ratio"].put(SMALL, 0.25)
    assert cell.task.singular_values == (1.0, 0.25)
    three = replace(SMALL, task=Spectrum(singular_values=(2.0, 1.5, 0.5)))
    assert variations.AXES["value_ratio"].put(three, 0.5).task.singular_values == (2.0, 1.0, 0.5)


def test_values_of_whole_axes_are_whole_and_once():
    assert plans.values("seed", 0, 3, 40) == (0, 1, 2, 3)
    assert plans.values("eta", 0.1, 0.2, 3) == pytest.approx((0.1, 0.15, 0.2))


@pytest.mark.parametrize(
    ("base", "x", "xs", "y", "ys", "words"),
    [
        (SMALL, "width", (1,), "depth", (3,), "expected an axis out of"),
        (SMALL, "eta", (0.1,), "eta", (0.1,), "two different axes"),
        (SMALL, "eta", (0.1,), "ratio", (1.0,), "two different axes"),
        (SMALL, "eta", (), "depth", (3,), "at least one value"),
        (SMALL, "eta", (0.1,), "seed", (0,), "seeds need a random start"),
        (SMALL, "eta", (0.1,), "depth", (2.5,), "depth must be a whole number"),
        (SMALL, "eta", (0.1,), "pathways", (10_000,), "pathways must be between 1 and"),
        (SMALL, "eta", (-0.1,), "depth", (3,), "the step size must be positive"),
        (RANDOM, "eta", (0.1,), "start_ratio", (0.5,), "needs a balanced start"),
        (replace(SMALL, task=Tree()), "eta", (0.1,), "value_ratio", (0.5,), "a target given by"),
        (replace(SMALL, dynamics=Flow(duration=1.0)), "eta", (0.1,), "depth", (3,), "descent"),
    ],
)
def test_what_makes_no_map_is_refused_in_words(base, x, xs, y, ys, words):
    with pytest.raises(ValueError, match=words) as caught:
        plans.cells(base, x, xs, y, ys)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments", [(2.0, 1.0, 5), (1.0, 1.0, 5), (0.0, 1.0, 0), (0.0, 1.0, 401)]
)
def test_ranges_are_checked(arguments):
    with pytest.raises(ValueError, match=r"range of step size|from 1 to 400 points"):
        plans.values("eta", *arguments)


def test_available_axes_are_those_that_fit():
    assert set(plans.available(PAPER)) == set(variations.AXES) - {"seed"}
    assert set(plans.available(RANDOM)) == set(variations.AXES) - {"start_ratio"}
    for base in (PAPER, RANDOM):
        for x, y in itertools.permutations(plans.available(base), 2):
            if {x, y} != set(variations.STEP_AXES):
                assert len(Plan(Side(x, 2), Side(y, 2)).cells(base)) == 4


# --- Borders ---------------------------------------------------------------------------------


def test_borders_are_theory_s_marks_in_the_units_of_the_axis():
    depths = (3, 20)
    plain = plans.borders(PAPER, "eta", "depth", depths)
    units = plans.borders(PAPER, "ratio", "depth", depths)
    for k, depth in enumerate(depths):
        marks = theory.step_size_marks(variations.with_depths(PAPER, (depth, depth)))
        for name, value in marks._asdict().items():
            assert plain[name][k] == value
            assert units[name][k] == pytest.approx(value / marks.single_path, rel=1e-12)
    assert np.isnan(plans.borders(RANDOM, "eta", "seed", (0, 1))["flow_edge"]).all()


def test_borders_need_one_step_axis():
    with pytest.raises(ValueError, match="the first axis must be"):
        plans.borders(PAPER, "depth", "eta", (0.1,))
    with pytest.raises(ValueError, match="must not be a step size, too"):
        plans.borders(PAPER, "eta", "ratio", (1.0,))
    assert Plan(Side("depth", 2), Side("pathways", 2)).borders(PAPER) == {}


# --- Plans and memory ------------------------------------------------------------------------


def test_a_zoom_lies_within_what_was_dragged():
    assert Side("eta", 60).within(0.1, 0.2).values(PAPER)[::59] == pytest.approx((0.1, 0.2))
    assert Side("depth", 60).within(3.4, 6.2).values(PAPER) == (4, 5, 6)
    assert Side("depth", 60).within(3.4, 3.6).values(PAPER) == (4,)


def test_a_plan_beyond_the_budget_gets_fewer_points_and_keeps_its_shape():
    plan = plans.usual_plan(PAPER)
    assert phase_maps.within_budget(plan, PAPER, 240.0) == plan
    each = max(map(batch.seconds, plan.cells(PAPER)))
    smaller = phase_maps.within_budget(plan, PAPER, each * 600)
    assert (smaller.x.points, smaller.y.points) == (30, 20)
    assert phase_maps.affordable(60, 40, 1.0, 1e-9) == (1, 1)


def test_a_map_runs_a_descent_that_settles_with_few_records():
    flow = replace(PAPER, dynamics=Flow(duration=10.0))
    base = phase_maps.base_of(flow)
    assert isinstance(base.dynamics, Descent)
    assert base.dynamics.steps == phase_maps.SETTLED
    assert phase_maps.base_of(RANDOM).dynamics.steps == 20
    assert phase_maps.base_of(PAPER, 77).dynamics.steps == 77
    with pytest.raises(ValueError, match="steps must be"):
        phase_maps.base_of(PAPER, 0)


class Interrupted(BaseException):
    """What Streamlit raises in the middle of a script that is not wanted any more."""


def test_a_cancelled_map_keeps_its_rows_and_goes_on_from_there():
    cells = Plan(Side("eta", 40), Side("depth", 4)).cells(SMALL)
    memory, reached = Memory(1000), 0

    def stop(done, total, row):
        nonlocal reached
        reached = done
        raise Interrupted

    with pytest.raises(Interrupted):
        sweep(cells, store=memory, on_done=stop)
    kept = len(memory)
    assert 0 < reached <= kept < len(cells)
    before = memory.rows(cells)
    rows = sweep(cells, store=memory)
    pairs = zip(memory.rows(cells).values(), rows, strict=True)
    assert all(remembered.items() <= row.items() for remembered, row in pairs)
    assert all(memory.rows([cell])[cell] is row for cell, row in before.items())  # none run twice
    np.testing.assert_equal(list(map(results, rows)), list(map(results, sweep(cells))))


def test_memory_forgets_what_was_not_asked_for_the_longest():
    cells = Plan(Side("eta", 4), Side("depth", 1, (3, 3))).cells(SMALL)
    memory = Memory(3)
    memory.put(cells[:3], [{"n": n} for n in range(3)])
    memory.rows(cells[:1])
    memory.put(cells[3:], [{"n": 3}])
    assert list(memory.rows(cells)) == [cells[0], cells[2], cells[3]]
    with pytest.raises(ValueError, match="at least one row"):
        Memory(0)


# --- Files from the command line -------------------------------------------------------------

STEP_SIZES = {"dynamics.step_size": [0.1, 0.2, 0.3]}


def numbered(experiments):
    """A row for each experiment, without running it."""
    return [row_of(n) for n in range(len(experiments))]


def row_of(n):
    """A row that can be told from others."""
    numbers = dict.fromkeys(("sharpness", "edge_ratio", "largest_share", "participation"), 1.0)
    return Summary(loss=float(n), **numbers).row()


def shuffled(experiments):
    return [experiments[k] for k in np.random.default_rng(0).permutation(len(experiments))]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "runs.sqlite"


def stored(file, experiments, plans=()):
    """A file with these runs and plans, and the map in it."""
    with Store(file) as store:
        for plan in plans:
            store.put_plan(plan.to_json())
        store.put(experiments, numbered(experiments))
    return stored_maps.read(file, LINE_ROWS)[:2]


TWO_AXES = [
    ({"start.scales": [(0.002, 0.001), (0.002, 0.0015)]}, "α₂", (0.001, 0.0015)),
    (
        {"network.depths, start.scales": [((3, 3), (0.1, 0.1)), ((9, 9), (0.1, 0.09))]},
        "depth L",
        (3, 9),
    ),
    ({"task.singular_values": [(1.0,), (2.0,)]}, "task.singular_values", (1.0, 2.0)),
    ({"dynamics.steps": [10, 20]}, "steps", (10, 20)),
]


@pytest.mark.parametrize(("other", "title", "points"), TWO_AXES)
@pytest.mark.parametrize("how", ["by its plan", "by what differs"])
def test_the_two_numbers_of_a_sweep_are_found(file, how, other, title, points):
    experiments = grid(SMALL, other | STEP_SIZES)
    plans = [experiments] if how == "by its plan" else []
    found, runs = stored(file, shuffled(experiments), plans)
    assert found.titles == ("step size η", title)
    assert (found.xs, found.ys) == ((0.1, 0.2, 0.3), points)
    assert found.cells == experiments
    assert runs == len(experiments)


@pytest.mark.parametrize(("other", "title", "points"), TWO_AXES)
def test_a_plan_s_cells_keep_their_place_with_any_of_its_runs(file, other, title, points):
    experiments = grid(SMALL, STEP_SIZES | other)  # the step size is the slow axis, and goes right
    found, runs = stored(file, experiments[3:4], [experiments])
    assert found.titles == ("step size η", title)
    assert (found.xs, found.ys) == ((0.1, 0.2, 0.3), points)
    assert found.cells == [experiments[k] for k in (0, 2, 4, 1, 3, 5)]
    assert found.rows == [None, None, None, None, row_of(0), None]
    assert runs == 1


def test_equal_depths_are_one_number_and_lengths_count_pathways():
    experiments = plans.cells(SMALL, "depth", (3, 4, 5), "pathways", (1, 2, 3))
    found = stored_maps.arrange(experiments, numbered(experiments))
    assert set(found.titles) == {"depth L", "pathways H"}


THREE_AXES = {
    "dynamics.step_size": [0.1, 0.2],
    "dynamics.steps": [5, 6],
    "start.scales": [(0.1, 0.2), (0.1, 0.3)],
}


@pytest.mark.parametrize("planned", [True, False])
@pytest.mark.parametrize(
    "experiments",
    [
        grid(SMALL, {}),
        grid(SMALL, {"dynamics.step_size": [0.1, 0.2]}),
        grid(SMALL, THREE_AXES),
    ],
)
def test_other_sweeps_get_a_sentence(file, experiments, planned):
    with pytest.raises(ValueError, match="expected runs that differ in two numbers"):
        stored(file, experiments, [experiments] if planned else [])


def test_runs_that_differ_in_words_are_a_map_by_their_plan_alone(tmp_path):
    experiments = grid(SMALL, {"engine": ["matrices", "modes"]} | STEP_SIZES)
    with pytest.raises(ValueError, match="expected runs that differ in two numbers"):
        stored(tmp_path / "free.sqlite", experiments)
    found, _ = stored(tmp_path / "planned.sqlite", experiments, [experiments])
    assert (found.titles, found.ys) == (("step size η", "engine"), (0, 1))
    assert found.cells == experiments


def test_an_axis_may_hold_whole_specs_and_stand_still(file):
    starts = [Balanced(scales=(0.002, 0.001)), Balanced(scales=(0.002, 0.0015))]
    one = {"dynamics.steps": [7]}
    found, _ = stored(file, [SMALL], [grid(SMALL, one | {"start": starts} | STEP_SIZES)])
    assert found.titles == ("step size η", "α₂")
    assert {cell.dynamics.steps for cell in found.cells} == {7}
    found, _ = stored(file, [SMALL], [grid(SMALL, one | STEP_SIZES)])
    assert (found.titles, found.ys) == (("step size η", "steps"), (7,))


def test_the_map_of_a_file_is_its_last_plan_with_the_runs_of_all(file):
    first = grid(SMALL, {"dynamics.steps": [5, 6]} | STEP_SIZES)
    second = grid(SMALL, {"dynamics.steps": [6, 7]} | STEP_SIZES)
    line = grid(SMALL, {"dynamics.steps": [8, 9]})
    found, runs = stored(file, first, [first, second, line])
    assert found.cells == second  # a line is no map
    assert found.rows == [row_of(3), row_of(4), row_of(5), None, None, None]
    assert runs == 6
    assert stored(file, [], [first])[0].cells == first  # swept once more


def test_a_store_is_read_and_an_empty_one_refused(file, tmp_path):
    experiments = grid(SMALL, {"dynamics.steps": [5, 6], "dynamics.step_size": [0.1, 0.2]})
    Store(tmp_path / "empty.sqlite").close()
    with refused("this file has none"):
        stored_maps.read(tmp_path / "empty.sqlite", LINE_ROWS, "this file")
    rows = sweep(experiments, store=file)
    found, runs, may_lack_rows = stored_maps.read(file, LINE_ROWS)
    assert (found.cells, runs, may_lack_rows) == (experiments, 4, False)
    np.testing.assert_equal(list(map(results, found.rows)), list(map(results, rows)))
    borders = found.borders()
    assert borders["flow_edge"] == pytest.approx([theory.step_size_marks(SMALL).flow_edge] * 2)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ("5", "must hold"),
        ('{"base": 5, "axes": {}}', "expected a saved Experiment"),
        ('{"base": BASE, "axes": [1]}', "needs lists of values"),
        ('{"base": BASE, "axes": {"dynamics.steps": 5}}', "needs lists of values"),
        ('{"base": BASE, "axes": {"a": [1, 2], "dynamics.steps": [1, 2]}}', "got 'a'"),
        ('{"base": BASE, "axes": {"dynamics.step_size": [1, 0], "dynamics.steps": [1]}}', "posi"),
    ],
)
def test_a_plan_that_is_none_gets_a_sentence(file, plan, words):
    with Store(file) as store:
        store.put_plan(plan.replace("BASE", json.dumps(SMALL.to_dict())))
        store.put([SMALL], numbered([SMALL]))
    with pytest.raises(ValueError, match=words) as caught:
        stored_maps.read(file, LINE_ROWS)
    assert "\n" not in str(caught.value)


def test_large_maps_are_thinned_in_proportion(file):
    across, down = stored_maps.strides(200, 100, LINE_ROWS)
    assert len(range(0, 200, across)) * len(range(0, 100, down)) <= LINE_ROWS
    assert (across, down) in [(2, 2), (3, 2)]
    axes = {"dynamics.steps": [*range(1, 6)], "dynamics.step_size": [0.1, 0.2, 0.3, 0.4]}
    whole = grid(SMALL, axes)
    for plans_of_it in ([whole], []):
        stored(file, whole, plans_of_it)
        found, runs, _ = stored_maps.read(file, 6)
        assert (found.xs, found.ys, runs) == ((0.1, 0.3), (1, 3, 5), 20)
        assert found.cells == [whole[k] for k in (0, 2, 8, 10, 16, 18)]
        assert [row["loss"] for row in found.rows] == [0, 2, 8, 10, 16, 18]


def test_a_plan_of_many_cells_is_opened_without_building_them(file):
    """A file of some kilobytes may plan more cells than a server could hold."""
    many = json.loads(grid(SMALL, STEP_SIZES).to_json())
    many["axes"] = {
        "dynamics.steps": [*range(1, 3001)],
        "dynamics.step_size": [0.1 + k * 1e-4 for k in range(3000)],
    }
    with Store(file) as store:
        store.put_plan(json.dumps(many))
        store.put([SMALL], numbered([SMALL]))
    found = stored_maps.read(file, 100).map
    assert 50 < len(found.cells) <= 100


@pytest.mark.parametrize("planned", [True, False])
@pytest.mark.parametrize(
    "changes",
    [{"regime": "won"}, {"regime": None}, {"outcome": ""}, {"loss": 10**400}, {"loss": "0.5"}],
)
def test_rows_that_no_map_can_show_get_a_sentence(file, planned, changes):
    experiments = grid(SMALL, {"dynamics.steps": [5, 6]} | STEP_SIZES)
    rows = numbered(experiments)
    rows[2] |= changes
    with Store(file) as store:
        if planned:
            store.put_plan(experiments.to_json())
        store.put(experiments, rows)
    with refused("this file", *changes, "must be"):
        stored_maps.read(file, LINE_ROWS, "this file")


def test_runs_without_a_plan_are_compared_up_to_a_number(file, monkeypatch):
    experiments = grid(SMALL, {"dynamics.steps": [5, 6]} | STEP_SIZES)
    monkeypatch.setattr(stored_maps, "MOST_UNPLANNED", 6)
    assert stored(file, experiments)[1] == 6
    with refused("at most 6 runs", "7 runs"):
        stored(file, grid(SMALL, {"dynamics.steps": [7]}))


def test_runs_that_fill_no_grid_get_a_sentence(monkeypatch):
    cross = [
        replace(SMALL, dynamics=Descent(step_size=0.1 + n / 100, steps=steps))
        for n in range(5)
        for steps in (5 + n, 9 - n)
    ]
    assert len(stored_maps.arrange(cross, numbered(cross)).cells) == 25
    monkeypatch.setattr(stored_maps, "MOST_CELLS", 24)
    with refused("fill a grid", "5 values"):
        stored_maps.arrange(cross, numbered(cross))


def test_a_large_base_is_thinned_for_its_keys(file, monkeypatch):
    experiments = grid(SMALL, {"dynamics.steps": [5, 6]} | STEP_SIZES)
    monkeypatch.setattr(stored_maps, "MOST_KEYED", 5 * len(json.dumps(SMALL.to_dict())))
    assert len(stored(file, experiments, [experiments])[0].cells) == 4


# --- Pictures --------------------------------------------------------------------------------


def drawn(measure, rows, **options):
    return pictures.phase_map((0.1, 0.2), (1.0, 2.0, 3.0), rows, measure, **options)


def some_rows(count):
    cells = plans.cells(SMALL, "eta", (0.1, 0.2), "start_ratio", (0.5, 0.7, 0.9))
    return sweep(cells)[:count] + [None] * (6 - count)


@pytest.mark.parametrize("measure", pictures.MEASURES)
@pytest.mark.parametrize("step_on", ["x", "y"])
def test_a_map_has_a_cell_per_known_row_and_listens(measure, step_on):
    marks = plans.borders(PAPER, "eta", "depth", (10, 15, 20) if step_on == "x" else (10, 20))
    chart = drawn(measure, some_rows(4), borders=marks, step_on=step_on)
    spec = chart.to_dict()
    assert {p["name"] for p in spec["params"]} == {"cell", "zoom"}
    table = chart.layer[1].data
    assert table["cell"].to_pylist() == [0, 1, 2, 3]
    assert table["left"].to_pylist() == pytest.approx([0.05, 0.15] * 2)
    assert table["top"].to_pylist() == pytest.approx([1.5, 1.5, 2.5, 2.5])


def test_the_edge_has_the_colour_of_the_page():
    spec = drawn("edge_ratio", some_rows(6)).to_dict()
    scale = spec["layer"][1]["encoding"]["color"]["scale"]
    middle = len(scale["domain"]) // 2
    assert scale["domain"][middle] == pytest.approx(1.0)
    assert scale["range"][middle]["expr"] == style.PAGE.expression


def test_a_border_outside_the_map_is_left_out():
    outside = {"wcr": np.array([5.0, 5.0, np.nan])}
    assert len(drawn("regime", some_rows(6), borders=outside).layer) == 2
    inside = {"wcr": np.array([5.0, 0.15, np.nan])}
    assert len(drawn("regime", some_rows(6), borders=inside).layer) == 6


@pytest.mark.parametrize("step_on", ["x", "y"])
def test_across_depths_theory_goes_in_steps(step_on):
    depths, marks = (2.0, 3.0, 4.0), np.array([0.12, 0.15, 0.18])
    axes = ((0.1, 0.2), depths) if step_on == "x" else (depths, (0.1, 0.2))
    rows = [{"regime": "cycle"}] * 6
    chart = pictures.phase_map(*axes, rows, borders={"wcr": marks}, step_on=step_on)
    (line,) = [layer.data for layer in chart.layer if "theory" in layer.data.column_names][:1]
    step, other = ("left", "bottom") if step_on == "x" else ("bottom", "left")
    assert line[step].to_pylist() == [0.12, 0.12, 0.15, 0.15, 0.18, 0.18]
    assert line[other].to_pylist() == [1.5, 2.5, 2.5, 3.5, 3.5, 4.5]


def test_every_regime_has_its_colour():
    assert set(style.ENDS) == {regime.value for regime in Regime}


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="measure must be one of"):
        drawn("loss", some_rows(6))
    with pytest.raises(ValueError, match="needs as many rows"):
        drawn("regime", some_rows(6)[:5])
    with pytest.raises(ValueError, match="draw fewer"):
        pictures.phase_map(range(100), range(100), [None] * 10_000)
    drawn("regime", [None] * 6).to_dict()  # a message


def test_seeds_become_a_median_with_its_band_and_counts():
    rng = np.random.default_rng(1)
    shares = rng.uniform(0.5, 1.0, (11, 2))
    names = rng.choice(["cycle", "chaos", "trapped"], (11, 2))
    rows = [
        {"largest_share": s, "regime": n}
        for s, n in zip(shares.ravel(), names.ravel(), strict=True)
    ]
    rows[3] = None  # seed 1 at the second x
    band, bars = pictures.ensemble((0.1, 0.2), rows, "regime", x_title="step size η")
    table = band.layer[1].data.to_pydict()
    known = [np.sort(shares[:, 0]), np.sort(np.delete(shares[:, 1], 1))]
    assert table["value"] == pytest.approx([np.median(values) for values in known])
    assert table["low"][0] == pytest.approx(known[0][1])
    assert table["high"][0] == pytest.approx(known[0][9])
    assert table["seeds"] == [11, 10]
    counts = bars.layer[1].data.to_pydict()
    assert sum(counts["count"]) == 21
    assert max(counts["above"]) == 11
    band.to_dict(), bars.to_dict()
    pictures.ensemble((0.1,), [None, None])[0].to_dict()


# Machado, Oliveira, Fernandes 2009: what full protanopia and deuteranopia make of linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def lab(colour, sight):
    """CIE L*a*b* of a hex colour as seen with `sight`."""
    rgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(BLINDNESS[sight] @ linear, 0, 1)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = to_xyz @ linear / to_xyz.sum(axis=1)
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", BLINDNESS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_regimes_are_told_apart(sight, scheme):
    seen = {name: lab(getattr(s, scheme), sight) for name, s in style.ENDS.items()}
    seen["page"] = lab(getattr(style.PAGE, scheme), sight)
    for (one, a), (other, b) in itertools.combinations(seen.items(), 2):
        least = 6 if "page" in (one, other) else 12  # a just noticeable difference is about 2.3
        assert np.linalg.norm(a - b) > least, (one, other)


# --- The page --------------------------------------------------------------------------------


@pytest.fixture
def page():
    return AppTest.from_file("../app.py", default_timeout=120).run()


def opened(app):
    return app.switch_page("pages/phase_diagram.py").run()


def said(app):
    return " ".join(element.value for element in app.markdown)


def test_the_page_opens_on_the_map_of_the_paper(page):
    app = opened(page)
    assert not app.exception
    assert not app.warning
    assert "**60 × 40 cells** of 2000 steps" in said(app)
    assert app.session_state["map_of"][1].x.ends(PAPER) == pytest.approx((0.05, 0.30))


def test_axes_ranges_and_colour_change_and_bad_ones_get_a_sentence(page):
    page.query_params["depths"] = "3,3"
    app = opened(page)
    app.text_input(key="map_run_steps").set_value("50").run()
    app.text_input(key="map_x_count").set_value("7").run()
    app.text_input(key="map_y_count").set_value("5").run()
    assert "**7 × 5 cells** of 50 steps" in said(app)
    for x, y in (("ratio", "depth"), ("value_ratio", "pathways"), ("start_ratio", "eta")):
        app.selectbox(key="map_y").set_value("depth").run()
        app.selectbox(key="map_x").set_value(x).run()
        app.selectbox(key="map_y").set_value(y).run()
        assert not app.exception, (x, y)
        assert not app.warning, (x, y)
    app.text_input(key="map_y_low").set_value("9.0").run()
    assert not app.exception
    assert "the smaller first" in app.warning[0].value


def test_a_map_that_was_stopped_offers_to_go_on(page):
    app = opened(page)
    app.text_input(key="map_run_steps").set_value("41").run()
    base, plan = app.session_state["map_of"]
    assert len(plan.cells(base)) == 2400
    plan = plan._replace(x=plan.x._replace(points=13))
    app.session_state["map"] = app.session_state["map"]._replace(plan=plan)
    app.session_state["map_of"] = (base, plan)
    app.session_state["map_paused"] = True  # what Cancel does
    app.run()
    assert not app.exception
    assert "of 13 × 40 cells" in said(app)
    app.button(key="map_continue").click().run()
    assert "**13 × 40 cells**" in said(app)
    assert "map_continue" not in {button.key for button in app.button}


def test_the_link_holds_the_map_on_every_page(page):
    app = opened(page)
    app.text_input(key="map_run_steps").set_value("50").run()
    app.selectbox(key="map_y").set_value("depth").run()
    app.text_input(key="map_x_count").set_value("7").run()
    app.text_input(key="map_x_high").set_value("0.25").run()
    shown = app.session_state["map_of"]
    assert (len(shown[1].x.values(shown[0])), shown[0].dynamics.steps) == (7, 50)
    query = dict(app.query_params)
    assert query["map_x"].startswith("eta:7:")
    app.session_state["take_menu"] = True  # open
    app.run()
    assert all(part in app.code[0].value for part in ("map_x=eta:7:", "map_steps=50"))
    app.switch_page("pages/simulator.py").run()
    app.session_state["take_menu"] = True
    assert "map_x=eta:7:" in app.run().code[0].value
    another = AppTest.from_file("../app.py", default_timeout=120)
    for name, value in query.items():
        another.query_params[name] = value
    another = opened(another.run())
    assert not another.warning
    assert another.session_state["map_of"] == shown
    assert said(another) == said(opened(app))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"map_x": "eta:60", "map_y": "seed:5"}, "does not vary along seed"),
        ({"map_x": "eta:60", "map_y": "eta:5"}, "two different axes"),
        ({"map_x": "eta:400", "map_y": "start_ratio:400"}, "take fewer points"),
        ({"map_x": "eta:5:-2:-1", "map_y": "depth:5"}, "the step size must be positive"),
        ({"map_x": "depth:5:-1e9:1e9", "map_y": "eta:5"}, "must be between 1 and"),
        ({"map_steps": "many"}, "expected a whole number"),
    ],
)
def test_a_link_to_no_map_gets_one_sentence(page, query, words):
    for name, value in ({"depths": "3,3", "steps": "20"} | query).items():
        page.query_params[name] = value
    page.session_state["map_paused"] = True
    app = page.switch_page("pages/phase_diagram.py").run()
    assert not app.exception
    (warning,) = app.warning
    assert words in warning.value


def test_an_uploaded_store_is_drawn_as_its_plan(page, file):
    cells = grid(SMALL, {"dynamics.steps": [5, 6]} | STEP_SIZES)
    sweep(cells[:4], store=file)
    with Store(file) as store:
        store.put_plan(cells.to_json())
    app = opened(page)
    app.file_uploader(key="map_file").set_value(("runs.sqlite", file.read_bytes(), "")).run()
    assert not app.exception
    assert not app.warning
    assert "**4 runs** of the file, 3 × 2 cells drawn" in said(app)
    assert not app.info
    for words in ("The plan of this file", "step size η from", "steps from 5 to 6, 2 values"):
        assert words in said(app)
    assert not {"map_x", "map_run_steps"} & {w.key for w in (*app.selectbox, *app.text_input)}
    app.session_state["take_menu"] = True
    (csv,) = app.run().get("download_button")
    assert csv.proto.label == "Cells (CSV)"
    assert not csv.proto.disabled


def test_an_uploaded_store_of_before_says_that_rows_may_be_missing(page, tmp_path):
    cells = grid(SMALL, {"dynamics.steps": [5, 6]} | STEP_SIZES)
    file = tmp_path / "old.sqlite"
    hostile.old(file, 2, list(zip(cells, numbered(cells), strict=True)))
    app = opened(page)
    app.file_uploader(key="map_file").set_value(("runs.sqlite", file.read_bytes(), "")).run()
    assert not app.exception
    assert "**6 runs** of the file" in said(app)
    (info,) = app.info
    assert "rows are missing" in info.value


@pytest.mark.parametrize("kind", [hostile.view, hostile.summaries])
def test_an_uploaded_file_that_is_no_store_gets_one_sentence(page, file, kind):
    kind(random.Random(1), file)
    app = opened(page)
    app.file_uploader(key="map_file").set_value(("runs.sqlite", file.read_bytes(), "")).run()
    assert not app.exception
    (warning,) = app.warning
    assert "this file" in warning.value


def test_random_starts_offer_seeds(page):
    page.query_params["start"] = "gaussian:0.3,0"
    page.query_params["depths"] = "2,2"
    page.query_params["width"] = "3"
    page.query_params["steps"] = "5"
    app = opened(page)
    app.text_input(key="map_x_count").set_value("3").run()
    assert not app.exception
    assert "**3 × 10 cells** of 5 steps" in said(app)
    assert app.selectbox(key="map_y").value == "seed"


def test_rows_of_the_page_are_those_of_simulate():
    cell = plans.usual_plan(SMALL).cells(SMALL)[30]
    row, alone = sweep([cell], store=Memory(2))[0], summary(simulate(cell))
    assert {**row, "seconds": 0} == {**alone, "seconds": 0}
    assert isinstance(cell.start, Balanced)
