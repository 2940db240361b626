"""Pictures over the step size show every long-run value, and name marks side by side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore import presets, prospects, theory
from simcore.figures import orbits, parts, style
from simcore.theory import StepSizeMarks
from simcore.variations import with_depths

NAN = float("nan")


def marks_of(depths):
    return theory.step_size_marks(with_depths(presets.MEDIUM.experiment, depths))


def whole_range(marks):
    known = [mark for mark in marks if np.isfinite(mark)]
    return [0.5 * min(known), 1.15 * max(known)]


@pytest.mark.parametrize(
    "marks",
    [
        *(marks_of((depth,) * count) for depth in (2, 3, 5, 20, 50) for count in (1, 2, 4, 6)),
        marks_of((3, 5)),
        marks_of((20, 2, 7)),
        StepSizeMarks(0.5, 0.5, 0.5, 0.5),
    ],
    ids=str,
)
@pytest.mark.parametrize("part", [1.0, 0.3, 0.03])
def test_names_of_marks_are_apart_and_clear_of_other_lines(marks, part):
    low, high = whole_range(marks)
    domain = [low, low + part * (high - low)]
    names = orbits.flags(marks, domain)
    assert len(names) == sum(domain[0] <= mark <= domain[1] for mark in marks)
    spans = [flag.span(domain) for flag in names]
    for one, (left, right) in enumerate(spans):
        assert right <= orbits.PHONE + 5
        for two, other in enumerate(spans):
            if one != two and names[one].row == names[two].row:
                assert right <= other[0] or other[1] <= left


def crossed(names, domain):
    """The names that the line of another runs through, which goes up to the row of its own; by the
    places on a phone, where they are longest beside the plot."""
    return [
        (one.text, two.text)
        for one in names
        for two in names
        if one.row < two.row
        and one.span(domain)[0] + 1
        < orbits.PHONE * (two.value - domain[0]) / (domain[1] - domain[0])
        < one.span(domain)[1] - 1
    ]


def test_no_name_of_a_mark_is_crossed_by_the_line_of_another():
    rng, several = np.random.default_rng(3), 0
    for _ in range(300):
        depth, count = int(rng.integers(2, 31)), int(rng.integers(1, 7))
        marks = marks_of(
            (depth,) * count if rng.random() < 0.7 else tuple(rng.integers(2, 12, 2).tolist())
        )
        low, high = whole_range(marks)
        if rng.random() < 0.5:
            low, high = np.sort(rng.uniform(low, high, 2)).tolist()
        names = orbits.flags(marks, [low, high])
        assert crossed(names, [low, high]) == [], marks
        several += len(names) > 3
    assert several > 50


@given(st.lists(st.floats(0, 1), min_size=2, max_size=4, unique=True))
def test_names_of_up_to_four_marks_anywhere_are_not_crossed(values):
    marks = StepSizeMarks(*values, *[NAN] * (5 - len(values)))
    assert crossed(orbits.flags(marks, [0.0, 1.0]), [0.0, 1.0]) == []


def test_no_rows_are_spent_where_names_are_far_apart():
    marks = StepSizeMarks(NAN, 0.1, NAN, 0.9)
    assert [flag.row for flag in orbits.flags(marks, [0.0, 1.0])] == [0, 0]


def test_no_underscore_in_a_name():
    assert [prospects.MARKS[field].name for field in StepSizeMarks._fields] == [
        "2/λ(GF)",
        "2/S₁",
        "2/λ(min)",
        "η(WCR)",
        "η(trap)",
    ]


def test_bars_are_the_values():
    step_sizes = np.array([0.1, 0.2, 0.3])
    cycle = np.resize([0.4, 0.9], 100)
    series = np.stack([np.full(100, 0.7), cycle, np.full(100, NAN)])[:, :, None]
    bars = orbits.bars(step_sizes, series)
    assert bars["eta"].tolist() == [0.1, 0.2, 0.2]
    assert (bars["value"] + bars["top"]) / 2 == pytest.approx([0.7, 0.4, 0.9])
    assert bars["top"] - bars["value"] == pytest.approx(0.5 / orbits.FINEST[0])


@pytest.mark.parametrize("pathways", [1, 3])
def test_bars_hold_every_value_and_are_few(pathways):
    rng = np.random.default_rng(1)
    step_sizes = np.linspace(0.1, 0.9, 480)
    series = rng.random((480, 400, pathways)) * np.linspace(0, 1, 480)[:, None, None]
    series[rng.random(480) < 0.1, 200:] = NAN
    bars = orbits.bars(step_sizes, series)
    assert 0 < len(bars["eta"]) <= parts.LINE_ROWS
    for k in (0, 7, 200, 479):
        for h in range(pathways):
            of = (bars["eta"] == step_sizes[k]) & (bars["name"] == style.strength_label(h, 0))
            low, high = bars["value"][of], bars["top"][of]
            values = series[k, :, h]
            values = values[np.isfinite(values)]
            assert ((low <= values[:, None]) & (values[:, None] <= high)).any(axis=1).all()
            assert (low[1:] > high[:-1]).all()


def test_where_everything_diverges_the_diagram_says_so():
    nothing = np.full((5, 10, 2), NAN)
    marks = StepSizeMarks(NAN, NAN, NAN, NAN)
    chart = orbits.bifurcation(np.linspace(1, 2, 5), nothing, marks, 1.5)
    assert "diverges" in str(chart.to_dict())


@pytest.mark.parametrize(("depth", "gamma"), [(20, 40 / 13), (3, 1.2), (2, 3.0), (5, 4.35)])
def test_a_cobweb_fills_its_frame_and_its_table_is_the_orbit(depth, gamma):
    start = 0.1 ** (1 / depth)
    spec = orbits.cobweb(depth, gamma, start).to_dict()
    table = next(iter(spec["datasets"].values()))
    x = [row["x"] for row in table]
    assert x[0] == start
    assert x[1:] == pytest.approx([float(theory.chain(v, depth, gamma)) for v in x[:-1]])
    assert [row["next x"] for row in table] == [*x[1:], None]
    low, high = spec["layer"][-1]["encoding"]["x"]["scale"]["domain"]
    assert max(*x, 1) - min(*x, 1) > 0.6 * (high - low)
    assert low < min(x) <= max(x) < high


def test_line_joins_are_round():
    marks, step_sizes = StepSizeMarks(NAN, 0.1, NAN, 0.9), np.array([0.1, 0.2])
    charts = (
        orbits.lyapunov(step_sizes, np.array([-0.5, 0.1]), marks, 0.1),
        orbits.cobweb(3, 1.2, 0.3),
    )
    lines = [
        layer["mark"]
        for chart in charts
        for layer in chart.to_dict()["layer"]
        if layer["mark"]["type"] == "line"
    ]
    assert [line["strokeJoin"] for line in lines] == ["round"] * 5
