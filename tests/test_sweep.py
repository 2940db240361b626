"""Sweeps: the same rows however they are run, and a map's facts.

What makes maps fast must not be visible in them: a cell of a batch has the bits of a run alone,
through chaos, divergence and any mixture of architectures.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from cases import ALIGNED, CASES, PAPER, descending, flowing, results
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import descents, experiments, refused

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Gaussian,
    LayerScales,
    Network,
    Outcome,
    Record,
    Spectrum,
    grid,
    mode_starts,
    sharing,
    simulate,
    summary,
    sweep,
    theory,
    true_tail,
)
from simcore.kernels import mode_cells
from simcore.regimes import Regime
from simcore.rows import TITLES, Summary
from simcore.studies import batch

COLUMNS = [
    "outcome",
    "regime",
    "loss",
    "sharpness",
    "edge_ratio",
    "largest_share",
    "participation",
    "seconds",
]


def settled(rows):
    """Results as text, so that nan equals nan and nothing is rounded."""
    return [repr(results(row)) for row in rows]


def two_pathways(step_size, depth=20, scales=(0.002, 0.0017), steps=2000, **record):
    return Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=(depth, depth)),
        start=Balanced(scales=scales),
        dynamics=Descent(step_size=step_size, steps=steps),
        record=Record(**record),
    )


# --- Grids -------------------------------------------------------------------------------------


def test_a_grid_is_the_product_with_the_last_axis_fastest():
    cells = grid(PAPER, {"dynamics.step_size": [0.1, 0.2], "network.depths": [(2, 2), [3, 4]]})
    assert [(e.dynamics.step_size, e.network.depths) for e in cells] == [
        (0.1, (2, 2)),
        (0.1, (3, 4)),
        (0.2, (2, 2)),
        (0.2, (3, 4)),
    ]
    unchanged = replace(cells[0], dynamics=PAPER.dynamics, network=PAPER.network)
    assert unchanged == PAPER


def test_an_axis_may_be_an_array_a_whole_spec_or_several_paths():
    assert len(grid(PAPER, {"dynamics.step_size": np.linspace(0.1, 0.2, 3)})) == 3
    starts = [Balanced(scales=(0.1, 0.2)), LayerScales(scales=((0.1,) * 20, (0.2,) * 20)).to_dict()]
    assert [type(e.start) for e in grid(PAPER, {"start": starts})] == [Balanced, LayerScales]
    together = {"network.depths, start.scales": [[(2,), (0.1,)], [(2, 2, 2), (0.1, 0.2, 0.3)]]}
    assert [e.network.pathways for e in grid(PAPER, together)] == [1, 3]


def test_cells_that_are_not_checked_again_are_those_that_are():
    axes = {
        "start.scales": [(0.1, 0.2), (0.2, 0.3)],
        "dynamics.step_size": np.array([0.1, 0.2]),
        "engine": np.array(["auto", "matrices"]),
    }
    cells = grid(PAPER, axes)
    assert cells == [replace(cell) for cell in cells]
    assert {cell.key for cell in cells} == {replace(cell).key for cell in cells}
    assert {type(cell.engine) for cell in cells} == {str}


def test_a_grid_without_axes_is_its_base():
    assert grid(PAPER, {}) == [PAPER]


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"dynamics.stepsize": [1]}, ["dynamics.stepsize", "step_size"]),
        ({"dynamics.step_size.x": [1]}, ["a value has no fields"]),
        ({"": [1]}, ["task"]),
        ({"dynamics.step_size": 0.1}, ["a list of values"]),
        ({"dynamics.step_size": "0.1"}, ["a list of values"]),
        ({"dynamics.step_size": []}, ["at least one value"]),
        ({"dynamics.step_size": [0.1, -1]}, ["the step size must be"]),
        ({"dynamics.step_size": ["fast"]}, ["the step size must be"]),
        ({"dynamics.step_size": [math.nan]}, ["the step size must be"]),
        ({"network.depths": [(2, 2, 2)]}, ["the start needs one entry per pathway"]),
        ({"start": [{"type": "Balanced"}]}, ["scales"]),
        ({"start": [{"type": "Nothing"}]}, ["type"]),
        ({"network.depths,start.scales": [(2, 2)]}, ["depths must be"]),
        ({"network.depths,start.scales": [5]}, ["2 values at each point"]),
        ({"dynamics.steps": [1], "dynamics.steps ": [2]}, ["given once"]),
        ({"dynamics.steps": range(1, 2000), "dynamics.step_size": [0.1] * 1000}, ["cells"]),
        ([("dynamics.steps", [1])], ["axes must be"]),
        # Values that all fit somewhere, in a combination that comes last.
        (
            {"network.depths": [(3, 3), (2, 2, 2)], "start.scales": [(0.1, 0.2), (0.1, 0.2, 0.3)]},
            ["the start needs one entry per pathway"],
        ),
        (
            {"start": [Gaussian(std=0.1), PAPER.start], "engine": ["matrices", "modes"]},
            ['engine "modes" needs an aligned start'],
        ),
        (
            {"record": [Record(every=100), Record(every=1)], "dynamics.steps": [10, 1_000_000]},
            ["records here"],
        ),
    ],
)
def test_what_is_no_axis_is_refused_in_a_sentence(axes, words):
    with refused(*words):
        grid(PAPER, axes)


def test_a_sweep_needs_experiments():
    with refused("list of experiments"):
        sweep([PAPER, "medium"])


# --- A cell of a batch has the bits of a run alone ---------------------------------------------


def check_against_single_runs(cells):
    assert settled(sweep(cells)) == settled(summary(simulate(cell)) for cell in cells)


@pytest.mark.parametrize("name", ALIGNED)
def test_batches_of_every_aligned_case(name):
    record = Record(frames=40, eigenvalues=2)
    base = descending(ALIGNED[name], 0.05, 300, record=record)
    check_against_single_runs(grid(base, {"dynamics.step_size": [0.01, 0.1, 0.3, 0.7, 1.5]}))


def test_a_batch_through_every_regime():
    cells = [
        *grid(two_pathways(0.1), {"dynamics.step_size": [0.05, 0.14, 0.195, 0.232, 0.245, 0.6]}),
        *grid(two_pathways(0.1, 2, (0.02, 0.01)), {"dynamics.step_size": [1.1, 1.9, 2.2]}),
        *grid(two_pathways(0.1, 5), {"dynamics.step_size": [0.8, 0.87, 1.3, 1.6]}),
        *grid(two_pathways(0.1, 3, (0.3, 0.2)), {"dynamics.step_size": [0.9, 1.1, 1.4]}),
        two_pathways(0.05, scales=(0.002, 0.002)),
        *(two_pathways(0.12, scales=scales) for scales in ((0.5, 0), (0, 0.1), (0, 0))),
        two_pathways(0.05, steps=100),
        two_pathways(0.05, scales=(1e200, 1.0)),  # diverges before its first step
    ]
    rows = sweep(cells)
    assert {row["regime"] for row in rows} == {regime.value for regime in Regime}
    assert settled(rows) == settled(summary(simulate(cell)) for cell in cells)


def random_cells(seed, count):
    """Cells of few kinds in any order: depths, pathways, targets, layer scales and records."""
    rng = np.random.default_rng(seed)
    kinds = [
        Network(depths=tuple(rng.choice([1, 2, 3, 4, 7, 12], size=pathways).tolist()))
        for pathways in (1, 2, 2, 3, 9)
    ]
    cells = []
    for _ in range(count):
        network = kinds[rng.integers(len(kinds))]
        values = [(1.0,), (1.0, 1.0), (1.0, rng.uniform()), (2.0, 0.7)][rng.integers(4)]
        if rng.uniform() < 0.7:
            start = Balanced(scales=tuple(10 ** rng.uniform(-3, 0, network.pathways)))
        else:
            layers = [tuple(rng.choice([0.3, 0.6, -0.8], size=depth)) for depth in network.depths]
            start = LayerScales(scales=tuple(layers))
        sharpest = max(theory.single_path_sharpness(values[0], d) for d in network.depths)
        dynamics = Descent(step_size=10 ** rng.uniform(-0.7, 0.7) / sharpest, steps=400)
        record = Record(frames=80) if rng.uniform() < 0.8 else Record(every=1, sharpness=False)
        task = Spectrum(singular_values=values, n_in=len(values) + int(rng.integers(2)))
        cells.append(
            Experiment(task=task, network=network, start=start, dynamics=dynamics, record=record)
        )
    return cells


@pytest.mark.parametrize("seed", range(3))
def test_batches_of_random_cells(seed):
    check_against_single_runs(random_cells(seed, 60))


def test_batches_of_more_cells_than_go_together(monkeypatch):
    """Neither the last block, which fills no vector, nor pieces of what is watched can be seen."""
    step_sizes = np.linspace(0.05, 6.0, 2 * int(mode_cells.BLOCK) + 5).tolist()
    cells = grid(two_pathways(0.1, 5, steps=200), {"dynamics.step_size": step_sizes})
    whole = batch.run_together(cells)
    monkeypatch.setattr(true_tail, "TOTALS", 3 * true_tail.LONGER)
    parts = batch.run_together(cells)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)
    assert {Outcome.FINISHED, Outcome.DIVERGED} == set(whole.outcomes)
    some = [0, int(mode_cells.BLOCK) - 1, int(mode_cells.BLOCK), len(cells) - 2, len(cells) - 1]
    rows = sweep(cells)
    assert settled(rows[n] for n in some) == settled(summary(simulate(cells[n])) for n in some)


@pytest.mark.parametrize("count", [1, 3, 20])
def test_cells_that_take_longer_than_a_batch_may_go_one_by_one(monkeypatch, count):
    cells = grid(PAPER, {"dynamics.step_size": np.linspace(0.05, 0.2, count).tolist()})
    expected = settled(sweep(cells))
    monkeypatch.setattr("simcore.studies.sweep.SECONDS_PER_BATCH", 1e-9)
    assert settled(sweep(cells)) == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)), max_size=30))
def test_combinations_are_counted_as_they_first_come(combinations):
    columns = np.array(combinations, np.int64).reshape(-1, 3).T
    firsts, numbers = sharing.together(columns)
    known = {}
    assert numbers.tolist() == [known.setdefault(each, len(known)) for each in combinations]
    assert firsts.tolist() == [combinations.index(each) for each in known]


def test_parts_are_known_by_the_object_and_alike_by_their_value():
    base = two_pathways(0.1)
    again = replace(base, start=replace(base.start))
    other = replace(base, start=Balanced(scales=(0.3, 0.2)))
    of = sharing.parts([base, other, again, base])
    assert of["start"].number.tolist() == [0, 1, 2, 0]
    assert of["start"].by(lambda start: start).tolist() == [0, 1, 0, 0]
    assert of["task"].different == [base.task]
    assert not of["task"].number.any()


@pytest.mark.parametrize("name", ALIGNED)
def test_starts_side_by_side_have_the_bits_of_each_alone(name):
    """Columns n R to n R + R - 1 of many are those of run n."""
    base = ALIGNED[name]
    experiments = [base, replace(base, start=_stretched(base.start)), base]
    together, modes = mode_starts.begin(experiments), len(base.task.singular_values)
    for n, experiment in enumerate(experiments):
        alone, mine = mode_starts.begin([experiment]), slice(n * modes, (n + 1) * modes)
        for many, one in (
            (together.x, alone.x),
            (together.system.target, alone.system.target),
            *zip(together.state, alone.state, strict=True),
        ):
            np.testing.assert_array_equal(many[..., mine], one[..., :modes])
        for field in ("loss", "limit", "floor"):
            assert getattr(together, field)[n] == getattr(alone, field)[0]


def _stretched(start):
    """Another start with the same layers equal."""
    scales = [np.multiply(1.5, row).tolist() for row in start.scales]
    return replace(start, scales=tuple(map(tuple, scales)) if np.ndim(scales[0]) else tuple(scales))


def test_starts_of_equal_layers_run_together_whatever_they_are_called():
    balanced = two_pathways(0.1, 3, (0.3, 0.2))
    layers = LayerScales(scales=balanced.start.layer_scales((3, 3)))
    assert batch.kind(balanced) == batch.kind(replace(balanced, start=layers))
    others = ((0.3, 0.3, 0.2), (0.1, 0.1, 0.1))
    assert batch.kind(balanced) != batch.kind(replace(balanced, start=LayerScales(scales=others)))
    assert batch.kind(flowing(balanced, 1.0)) is None
    check_against_single_runs([balanced, replace(balanced, start=layers)])


def seven_rows():
    """Rows of two kinds of batches, as plain numbers."""
    base = descending(CASES["two pathways"], 0.1, 200, record=Record(frames=20))
    layers = descending(CASES["layer scales"], 0.1, 200, record=Record(frames=20))
    cells = grid(base, {"dynamics.step_size": [0.1, 0.3, 0.7, 3.0]})
    return settled(sweep(cells + grid(layers, {"dynamics.step_size": [0.05, 0.5, 0.9]})))


def test_batches_have_the_same_bits_uncompiled():
    """Every operation is rounded as it is written, so no processor can make a difference."""
    code = "import json, test_sweep; print(json.dumps(test_sweep.seven_rows()))"
    here = Path(__file__).parent
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == seven_rows()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_batches_of_any_aligned_experiments(data):
    one = data.draw(experiments(aligned=True, dynamics=descents()))
    other = replace(one, dynamics=replace(one.dynamics, step_size=2 * one.dynamics.step_size))
    check_against_single_runs([one, other])


# --- The same rows on every executor -----------------------------------------------------------


@pytest.fixture(scope="module")
def mixture():
    """Aligned descents, flows and random starts, each engine, some of them diverging."""
    aligned = grid(two_pathways(0.1, frames=50), {"dynamics.step_size": [0.1, 0.23, 0.7, 20.0]})
    random = grid(
        descending(CASES["bottleneck"], 0.1, 60, record=Record(frames=10)),
        {"start.seed": [0, 1, 2], "dynamics.step_size": [0.05, 5.0]},
    )
    flows = [flowing(CASES[name], 3.0) for name in ("deep", "data")]
    return [cell for cells in zip(aligned, random, strict=False) for cell in cells] + flows


@pytest.fixture(scope="module")
def alone(mixture):
    """The rows of the mixture, one after the other."""
    return settled(summary(simulate(cell)) for cell in mixture)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_give_the_rows_of_single_runs(mixture, alone, threads):
    with ThreadPoolExecutor(threads) as pool:
        assert settled(sweep(mixture, executor=pool)) == alone
        assert pool.submit(int).result() == 0  # the caller's pool is left open


def test_processes_give_the_rows_of_single_runs(mixture, alone):
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        assert settled(sweep(mixture, executor=pool)) == alone


def test_rows_come_in_the_order_given(mixture, alone):
    order = np.random.default_rng(0).permutation(len(mixture))
    rows = sweep([mixture[index] for index in order])
    assert settled(rows) == [alone[index] for index in order]


def test_a_row_has_these_columns_in_plain_types(mixture):
    for row in sweep(mixture):
        assert list(row)[-len(COLUMNS) :] == COLUMNS
        assert type(row["outcome"]) is str
        assert row["outcome"] in Outcome.__members__
        assert type(row["regime"]) is str
        assert Regime(row["regime"]).sentence
        assert all(type(row[name]) is float for name in COLUMNS[2:])


def test_the_schema_of_a_row_stands_once():
    assert [f.name for f in fields(Summary)] == list(TITLES) == COLUMNS
    assert Summary().regime == Regime.UNFINISHED.value
    assert {f.name: f.type for f in fields(Summary)} == {
        name: type(value).__name__ for name, value in summary(simulate(PAPER)).items()
    }
    columns = {name: [name, name] for name in COLUMNS}
    assert Summary.rows(**columns) == [{name: name for name in COLUMNS}] * 2
    with pytest.raises(TypeError, match="expected the columns"):
        Summary.rows(**columns, more=[1, 2])
    with pytest.raises(ValueError, match="shorter"):
        Summary.rows(**columns | {"loss": [1.0]})


def final_total(run):
    return {"total": run.strengths[-1].sum()}


def test_any_measure_of_a_run(mixture):
    rows = sweep(mixture, final_total)
    assert [row["total"] for row in rows] == [final_total(simulate(c))["total"] for c in mixture]


def test_equal_experiments_are_run_once(mixture):
    seen = []

    def note(run):
        seen.append(run.experiment)
        return {"key": run.experiment.key}

    rows = sweep([*mixture, *mixture[::-1]], note)
    assert [row["key"] for row in rows] == [e.key for e in [*mixture, *mixture[::-1]]]
    assert len(seen) == len(mixture)
    rows[0]["key"] = "changed"
    assert rows[-1]["key"] == mixture[0].key


def test_an_error_of_a_measure_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        sweep([PAPER], lambda run: 1 / 0)


# --- Progress and cancelling -------------------------------------------------------------------


def test_progress_counts_every_row_in_the_callers_thread(mixture):
    calls = []
    rows = sweep(
        [*mixture, mixture[0]],
        on_done=lambda *report: calls.append((*report, threading.get_ident())),
    )
    assert [done for done, *_ in calls] == list(range(1, len(rows) + 1))
    assert {total for _, total, *_ in calls} == {len(rows)}
    assert sorted(settled(row for _, _, row, _ in calls)) == sorted(settled(rows))
    assert {thread for *_, thread in calls} == {threading.get_ident()}


@pytest.mark.parametrize("measure", [summary, final_total])
def test_cancelled_runs_are_rows(measure):
    cells = grid(two_pathways(0.1), {"dynamics.step_size": np.linspace(0.05, 0.3, 1500)})
    if measure is final_total:
        cells = [replace(cell, record=Record(frames=2, sharpness=False)) for cell in cells[:200]]
    rows = sweep(cells, measure, on_done=lambda done, total, row: done < 5)
    cancelled = [row["outcome"] == "CANCELLED" if "outcome" in row else False for row in rows]
    assert 0 < sum(cancelled) < len(rows) - 4
    first = cancelled.index(True)
    assert "total" not in rows[first]
    if measure is summary:
        assert list(rows[first]) == ["dynamics.step_size", *COLUMNS]
        assert rows[first]["regime"] == Regime.UNFINISHED.value
        assert math.isnan(rows[first]["loss"])
    done = cancelled.index(False)
    assert settled([rows[done]]) == settled([measure(simulate(cells[done]))])


def test_a_long_run_is_stopped_when_another_cancels():
    long = two_pathways(1e-6, steps=20_000_000, frames=20_000, sharpness=False)
    slow = replace(long, engine="matrices")
    rows = sweep([slow, two_pathways(0.1)], on_done=lambda *_: False)
    assert [row["outcome"] for row in rows] == ["CANCELLED", "FINISHED"]


def test_an_exception_in_a_callback_leaves_nothing_running(mixture):
    def leave(done, total, row):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        sweep(mixture, on_done=leave)
    assert threading.active_count() == before


# --- The science -------------------------------------------------------------------------------


def period(run):
    """After how many records the sum of the pathways repeats itself, up to 8; else 0."""
    total = run.strengths[-64:, :, 0].sum(axis=1)
    repeats = (p for p in range(1, 9) if np.abs(total[p:] - total[:-p]).max() < 1e-6)
    return {"period": next(repeats, 0)}


@pytest.mark.parametrize(("onset", "before", "after"), [(1.0, 1, 2), (math.sqrt(5) - 1, 2, 4)])
def test_depth_two_doubles_its_period_where_theory_says(onset, before, after):
    """SCIENCE 3.9, to 1e-3; the records' odd stride keeps periods that are powers of two."""
    base = two_pathways(1.0, 2, (0.02, 0.01), steps=599 * 67, frames=600, sharpness=False)
    near = [onset - 2e-3, onset - 1e-3, onset + 1e-3, onset + 2e-3]
    rows = sweep(grid(base, {"dynamics.step_size": near}), period)
    assert [row["period"] for row in rows] == [before, before, after, after]


def test_depth_two_keeps_its_ratio_through_chaos():
    base = two_pathways(1.0, 2, (0.02, 0.01), steps=4000)
    rows = sweep(grid(base, {"dynamics.step_size": np.linspace(1.7, 1.99, 100)}))
    assert sum(row["regime"] == Regime.CHAOS.value for row in rows) > 50
    # exact but for rounding, which a step that lands next to zero amplifies
    assert max(abs(row["largest_share"] - 2 / 3) for row in rows) < 1e-9
    assert max(abs(row["participation"] - 1.8) for row in rows) < 1e-9


@pytest.mark.parametrize("steps", [1400, 1700, 1799, 2000, 2399])
def test_a_cycle_is_one_whatever_the_last_record(steps):
    """The last record may come an even number of steps after the one before."""
    assert sweep([two_pathways(2 / 10.7, steps=steps)])[0]["regime"] == Regime.CYCLE.value


def test_the_phase_diagram_has_the_borders_of_theory():
    """The largest share leaves GF's .98 at 2/lambda_GF and is .5 from 2/lambda_min on."""
    step_sizes = np.linspace(0.05, 0.23, 180)
    base = two_pathways(0.1, steps=4000)
    rows = sweep(grid(base, {"dynamics.step_size": step_sizes}))
    shares = np.array([row["largest_share"] for row in rows])
    marks, cell = theory.step_size_marks(base), step_sizes[1] - step_sizes[0]
    leaves = step_sizes[shares < shares[0] - 1e-3][0]
    shared = step_sizes[shares < 0.505][0]
    assert shares[0] > 0.98
    assert abs(leaves - marks.flow_edge) <= 2 * cell
    assert abs(shared - marks.balanced) <= cell
    assert shares[step_sizes > marks.balanced + cell].max() < 0.501
    edge_ratios = np.array([row["edge_ratio"] for row in rows])
    between = (step_sizes > 0.12) & (step_sizes < marks.balanced)
    assert (edge_ratios[between] < 1).all()
    assert (edge_ratios[between] > 0.98).all()
