"""Where words stand on a sheet, whatever the runs did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
import pytest

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Gaussian,
    LayerScales,
    Network,
    Spectrum,
    scenes,
)
from simcore.export import sheet
from simcore.figures.scene import Level, Line, PlanePanel, Run, Scene, SeriesPanel, Trail

SIZE = (1280, 720)
_MOVE = re.compile(r"translate\(([^,)]+),([^)]+)\)")


def words(laid: sheet.Sheet) -> Iterator[tuple[str, float, float]]:
    """What stands where: texts with the place of their first letter or their middle."""

    def walk(parent: ElementTree.Element, x: float, y: float) -> Iterator[tuple[str, float, float]]:
        for child in parent:
            moves = _MOVE.findall(child.get("transform", ""))[:1]
            left = x + sum(float(a) for a, _ in moves) + float(child.get("x", 0))
            top = y + sum(float(b) for _, b in moves) + float(child.get("y", 0))
            if child.tag.endswith("}text"):
                yield "".join(child.itertext()), left, top
            else:
                yield from walk(child, left, top)

    return walk(ElementTree.fromstring(laid.picture()), 0.0, 0.0)


def outside(laid: sheet.Sheet) -> list[tuple[str, float, float]]:
    wide, high = SIZE[0] / laid.scale, SIZE[1] / laid.scale
    return [(text, x, y) for text, x, y in words(laid) if not (0 <= x <= wide and 0 <= y <= high)]


def diverging(rng: np.random.Generator) -> Experiment:
    """Of one mode or several, from balanced or random layers, some far beyond the target."""
    modes, pathways = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    depths = tuple(rng.integers(2, 6, pathways).tolist())
    starts = (
        Balanced(scales=tuple((10 ** rng.uniform(-2, 1, pathways)).tolist())),
        Gaussian(std=float(rng.uniform(0.2, 0.6)), seed=int(rng.integers(99))),
        LayerScales(scales=tuple(tuple(rng.uniform(0.5, 1.5, depth)) for depth in depths)),
    )
    return Experiment(
        task=Spectrum(singular_values=tuple(np.sort(rng.uniform(0.3, 2, modes))[::-1].tolist())),
        network=Network(depths=depths),
        start=starts[rng.integers(3)],
        dynamics=Descent(step_size=float(rng.uniform(1, 3)), steps=300),
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_words_of_a_diverging_run_are_on_its_sheet(seed):
    experiment = diverging(np.random.default_rng(seed))
    keys = ("eigenvalues", "loss")
    if experiment.start.aligned:
        keys = ("plane", "strengths", *keys) if experiment.network.pathways > 1 else keys
    laid = sheet.lay(scenes.of(experiment, keys), SIZE)
    assert len(laid.views) == len(keys)
    assert outside(laid) == []


@pytest.mark.parametrize("step_size", [1e7, 1e9])
def test_beside_a_run_that_ended_where_it_began_the_other_is_drawn(step_size):
    experiment = Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=(3, 3)),
        start=Balanced(scales=(6.0, 0.2)),
        dynamics=Descent(step_size=step_size, steps=50),
    )
    laid = sheet.lay(scenes.of(experiment, ("strengths", "loss")), SIZE)
    assert len(laid.scene.runs[0]) == 1
    assert outside(laid) == []
    assert "nan" not in laid.picture()
    for row in laid.around:
        if row.tag.endswith("}rect"):
            assert float(row.get("x")) >= laid.strip.left - 1
    said = [text for text, _, _ in words(laid)]
    assert said.count("time t = η · step") == 2


def of_columns(panel: SeriesPanel | PlanePanel, **columns: np.ndarray) -> sheet.Sheet:
    step = np.arange(len(next(iter(columns.values()))))
    runs = [Run(name=name, columns={"step": step, "t": step, **columns}) for name in ("A", "B")]
    return sheet.lay(Scene(runs=runs, panels=[panel]), SIZE)


def numbers(laid: sheet.Sheet) -> list[float]:
    """Those along the vertical axis, from the bottom."""
    (view,) = laid.views
    found = [
        (float(text), -y)
        for text, x, y in words(laid)
        if x <= view.plot.left and re.fullmatch(r"[\d.]+e[+-]\d+", text)
    ]
    return [value for value, _ in sorted(found, key=lambda pair: pair[1])]


@pytest.mark.parametrize("seed", range(30))
def test_no_two_numbers_of_an_axis_by_decades_are_the_same(seed):
    """However narrow a part of them it shows; and each stands where it says."""
    rng = np.random.default_rng(seed)
    low = 10.0 ** rng.uniform(-9, 9)
    high = low * (1 + 10.0 ** rng.uniform(-3, 1.5))
    panel = SeriesPanel(title="p", lines=[Line("A", "a", "a")], scale="log", key="p")
    laid = of_columns(panel, a=np.geomspace(low, high, 20))
    found = numbers(laid)
    assert len(found) >= 2
    assert (np.diff(found) > 0).all()
    heights = [-y for text, x, y in words(laid) if re.fullmatch(r"[\d.]+e[+-]\d+", text)]
    even = np.diff(np.sort(heights)) / np.diff(np.log10(found))
    assert even == pytest.approx(even.mean(), rel=0.05)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("height", [0.0, 0.03, 0.5, 1.0])
def test_the_name_of_a_level_is_within_the_plot(log, height):
    """Under its line, where the numbers of the axis are not."""
    low, high = (0.01, 10.0) if log else (2.0, 3.0)
    value = low * (high / low) ** height if log else low + height * (high - low)
    panel = SeriesPanel(
        title="p",
        lines=[Line("A", "a", "a")],
        scale="log" if log else "linear",
        levels=[Level(value, "level")],
        limits=(low, high),
        key="p",
    )
    laid = of_columns(panel, a=np.linspace(low, high, 20))
    (view,) = laid.views
    (name, *_) = [y for text, _, y in words(laid) if text == "level"]
    assert view.plot.top <= name - 8  # of letters
    assert name <= view.plot.top + view.plot.height


def test_levels_at_one_height_are_named_together():
    levels = [Level(0.5, "one"), Level(0.5005, "two"), Level(0.8, "three")]
    panel = SeriesPanel(title="p", lines=[Line("A", "a", "a")], levels=levels, key="p")
    said = [text for text, _, _ in words(of_columns(panel, a=np.linspace(0, 1, 20)))]
    assert "one, two" in said
    assert "three" in said


def test_a_run_that_leaves_the_plane_is_named_where_it_does():
    columns = {
        "a": np.linspace(0, 1e6, 100),
        "b": np.linspace(0, 1, 100),
        "c": np.full(100, np.nan),
    }
    panel = PlanePanel(
        title="p",
        trails=[Trail("A", "b", "b", "first"), Trail("B", "a", "b", "second")],
        limits=(-0.1, 2e4),
        key="p",
    )
    laid = of_columns(panel, **columns)
    assert outside(laid) == []
    (view,) = laid.views
    places = {text: x for text, x, _ in words(laid) if text in ("first", "second")}
    assert set(places) == {"first", "second"}
    for x in places.values():
        assert view.plot.left <= x <= view.plot.left + view.plot.width
