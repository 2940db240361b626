"""The layers of the plane: where they are exact, what says why not, one scene for two renderers."""

from dataclasses import replace
from urllib.parse import parse_qsl

import numpy as np
import pytest

from simcore import (
    Balanced,
    CentralFlow,
    Freeze,
    LayerScales,
    landscape,
    links,
    presets,
    prospects,
    scenes,
    simulate,
)
from simcore.figures import charts, panels, player
from simcore.figures.stills import backgrounds
from simcore.view import View

BOTH = View(layers=("sharpness", "flow"))


@pytest.fixture(scope="module")
def medium():
    return scenes.named(simulate(presets.MEDIUM.experiment))


def plane_of(named, view=BOTH):
    scene = panels.simulator([named], ["plane"], view)
    return scene, scene.panels[0]


def test_a_plane_has_the_layers_that_are_asked_for(medium):
    scene, panel = plane_of(medium)
    assert scene.note == ""
    assert panel.ground.level == 13.0
    assert "2/η = 13" in panel.ground.label
    top = medium.run.strengths.max()
    assert panel.ground.low < 0
    assert panel.ground.high > top
    assert panel.streams.divide
    assert len(panel.streams.arrows) == len(panel.streams.lines)
    _, bare = plane_of(medium, View())
    assert bare.ground is None
    assert bare.streams is None


MEDIUM = presets.MEDIUM.experiment
REASONS = {
    "several modes": (presets.RANK_ONE.experiment, "depends on the other modes", 1),
    "flow": (presets.FLOW.experiment, "no edge to compare", 1),
    "frozen": (
        replace(
            MEDIUM,
            dynamics=MEDIUM.dynamics.with_events((Freeze(pathway=0, start=0, stop=9),)),
        ),
        "is frozen",
        1,
    ),
    "layers apart": (
        replace(
            MEDIUM,
            network=replace(MEDIUM.network, depths=(2, 2)),
            start=LayerScales(scales=((0.1, 0.2), (0.1, 0.1))),
        ),
        "two strengths say where the weights are only of",
        2,
    ),
    "three pathways": (
        replace(
            MEDIUM,
            network=replace(MEDIUM.network, depths=(5, 5, 5)),
            start=Balanced(scales=(0.03, 0.02, 0.01)),
        ),
        "3 pathways move",
        2,
    ),
}


def test_gradient_flow_has_its_lines_where_layers_are_apart_and_no_sharpness():
    flow = replace(presets.FLOW.experiment.dynamics, duration=2.0)
    apart = replace(REASONS["layers apart"][0], dynamics=flow)
    scene, panel = plane_of(scenes.named(simulate(apart)))
    assert panel.ground is None
    assert scene.note.count("only of balanced") == 1
    gaps = [[0.0, 0.03], [0.0, 0.0]]
    np.testing.assert_allclose(prospects.kept_gaps(apart), gaps, atol=1e-15)
    central = replace(apart, dynamics=CentralFlow(step_size=0.1, duration=2.0))
    assert prospects.kept_gaps(central) is None  # what swings wears the gaps off
    bent = landscape.streams(2.0, 17, (2, 2), 1.0, gaps)
    assert panel.streams.lines[0][0] == pytest.approx(tuple(bent[0][0][0]), abs=1e-4)


@pytest.mark.parametrize("name", REASONS)
def test_where_a_layer_is_not_exact_a_sentence_says_why(name):
    experiment, words, times = REASONS[name]
    dynamics = experiment.dynamics
    lasts = dynamics.with_steps(12) if dynamics.iterated else dynamics.with_duration(2.0)
    short = replace(experiment, dynamics=lasts)
    scene, panel = plane_of(scenes.named(simulate(short)))
    assert scene.note.count("is not drawn behind the plane") == times
    assert words in scene.note
    assert panel.ground is None
    assert (panel.streams is None) == (times == 2)


def test_a_link_keeps_the_layers():
    query = links.view_to_query(BOTH)
    assert query == {"layers": "flow,sharpness"}
    assert links.view_from_query(query) == (BOTH, ())
    assert links.view_from_query(dict(parse_qsl("layers=loss")))[1]


def test_player_and_still_draw_the_same_scene(medium):
    scene, panel = plane_of(medium)
    packed = player.payload(scene)
    sent = packed["scene"]["panels"][0]
    count, values = sent["ground"]["count"], packed["ground0"]["values"].to_numpy()
    np.testing.assert_allclose(
        values.reshape(count, count), panel.ground.values, rtol=1e-6, equal_nan=True
    )
    assert sent["ground"]["values"] is None
    assert sent["ground"]["level"] == panel.ground.level
    assert sent["streams"]["arrows"] == [list(arrow) for arrow in panel.streams.arrows]

    spec = charts.still(scene, "plane", height=300).to_dict()
    rows = [row for rows in spec["datasets"].values() for row in rows]
    assert any(row.get("text") == panel.ground.label for row in rows)
    cells = [row for row in rows if "light" in row]
    assert 2000 < len(cells) <= backgrounds.CELLS**2
    palest = [row for row in cells if row["light"] == "#ffffff"]
    middle = [(0.5 * (r["x"] + r["end"]), 0.5 * (r["value"] + r["top"])) for r in palest]
    depths = medium.run.experiment.network.depths
    assert palest
    assert landscape.sharpness(middle, depths, 1.0) == pytest.approx(13.0, rel=0.03)


def test_between_its_nodes_the_ground_is_linear_and_outside_it_is_nothing(medium):
    _, panel = plane_of(medium)
    nodes = np.linspace(panel.ground.low, panel.ground.high, len(panel.ground.values))
    np.testing.assert_allclose(
        backgrounds.between(panel.ground, nodes[40:80]), panel.ground.values[40:80, 40:80]
    )
    beyond = np.array([panel.ground.low - 0.1, panel.ground.high + 0.1])
    assert np.isnan(backgrounds.between(panel.ground, beyond)).all()
    places = np.linspace(0.05, 1.2, 40)
    first, second = np.meshgrid(places, places)
    exact = landscape.sharpness(np.stack([first, second], axis=-1), (20, 20), 1.0)
    np.testing.assert_allclose(backgrounds.between(panel.ground, places), exact, atol=0.05)
