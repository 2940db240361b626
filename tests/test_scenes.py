"""Scenes hold the trajectory's own numbers, and fit every kind of run."""

from dataclasses import replace

import numpy as np
import pytest

from simcore import (
    Balanced,
    Descent,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Record,
    Spectrum,
    presets,
    regimes,
    simulate,
    theory,
)
from simcore.figures import panels as scenes
from simcore.figures import player

MEDIUM = presets.MEDIUM.experiment


def named(experiment, name="GD"):
    run = simulate(experiment)
    return scenes.Named(name, run, regimes.phases(run))


@pytest.fixture(scope="module")
def medium():
    return [named(MEDIUM), named(presets.matching_flow(MEDIUM), "GF")]


CASES = {
    "one pathway": replace(MEDIUM, network=Network(depths=(20,)), start=Balanced(scales=(0.002,))),
    "three pathways": replace(
        MEDIUM, network=Network(depths=(3, 4, 5)), start=Balanced(scales=(0.01, 0.02, 0.03))
    ),
    "three modes": presets.RANK_ONE.experiment,
    "zero target": replace(MEDIUM, task=Spectrum(singular_values=(0.0,))),
    "diverged": replace(MEDIUM, dynamics=Descent(step_size=5.0, steps=50)),
    "no sharpness": replace(MEDIUM, record=Record(sharpness=False)),
    "one record": replace(
        MEDIUM, dynamics=Descent(step_size=1e6, steps=1), start=Balanced(scales=(5.0, 5.0))
    ),
    "flow": replace(MEDIUM, dynamics=Flow(duration=5.0)),
    "layer scales": replace(
        MEDIUM,
        network=Network(depths=(2, 2)),
        start=LayerScales(scales=((0.0, 0.1), (0.2, 0.3))),
        dynamics=Descent(step_size=0.1, steps=100),
    ),
    "random": replace(
        MEDIUM,
        network=Network(depths=(3, 2), width=4),
        start=Gaussian(std=0.3),
        dynamics=Descent(step_size=0.1, steps=60),
        record=Record(eigenvalues=3),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_panel_fits_every_run(name):
    scene = scenes.simulator([named(CASES[name])], list(scenes.PANELS))
    packed = player.payload(scene)
    assert packed["scene"]["panels"]


def test_columns_are_the_trajectory(medium):
    scene = scenes.simulator(medium, scenes.FIRST_PANELS)
    for shown, source in zip(scene.runs, medium, strict=True):
        run = source.run
        assert np.array_equal(shown.columns["s1"], run.strengths[:, 1, 0])
        assert np.array_equal(shown.columns["s0_high"], run.strengths_range[:, 1, 0, 0])
        assert np.array_equal(shown.columns["lambda0"], run.sharpness)
        assert np.array_equal(shown.columns["loss"], run.loss)


def test_ghosts_are_the_theory(medium):
    ghosts = dict(scenes.ghosts(medium, scenes.View()))
    assert ghosts["flattest"] == pytest.approx([0.5, 0.5])
    assert ghosts["GF end"] == pytest.approx(medium[1].run.strengths[-1, :, 0], abs=1e-5)
    edge = ghosts["λ = 2/η"]
    assert theory.mode_sharpness(edge, (20, 20)) == pytest.approx(13.0)
    assert edge[0] > edge[1]  # on the winner's side


def test_no_edge_ghost_where_descent_follows_flow():
    ghosts = dict(scenes.ghosts([named(presets.SMALL.experiment)], scenes.View()))
    assert "λ = 2/η" not in ghosts


def test_gfs_sharpness_falls(medium):
    values = scenes.gfs(medium[0].run)
    assert (np.diff(values) <= 1e-9).all()
    assert values[-1] < 13.0


def test_invariants_are_constant_under_flow(medium):
    exact = named(presets.FLOW.experiment, "GF")
    scene = scenes.simulator([medium[0], exact], ["invariants"])
    descent, flow = (run.columns["invariant1"] for run in scene.runs)
    assert np.abs(flow).max() < 1e-6
    assert np.abs(descent).max() > 0.1


def test_maps_in_singular_bases():
    experiment = replace(
        presets.BY_NAME["tree-2"].experiment,
        dynamics=Descent(step_size=0.02, steps=50),
        record=Record(frames=10, maps=True, eigenvalues=2),
    )
    one = named(experiment)
    maps = scenes.singular_maps(one.run)
    assert np.diagonal(maps, axis1=2, axis2=3) == pytest.approx(one.run.strengths, abs=1e-12)
    assert [len(block) for block in scenes.blocks(one.run)] == [1, 1, 2, 4]
    assert player.payload(scenes.matrices(one))["run0.maps"].num_columns == 1


def test_flow_is_overlaid_on_every_curve_of_the_matrices():
    experiment = replace(
        presets.BY_NAME["tree-2"].experiment,
        dynamics=Descent(step_size=0.02, steps=50),
        record=Record(frames=10, maps=True, eigenvalues=2),
    )
    both = [named(experiment), named(presets.matching_flow(experiment), "GF")]
    scene = scenes.matrices(both[0], both[1:])
    for panel in scene.panels[1:]:
        assert {line.run for line in panel.lines} == {"GD", "GF"}, panel.title
    maps = scenes.singular_maps(both[1].run)
    assert scene.runs[1].columns["block1_0"] == pytest.approx(np.abs(maps[:, 1, 0, 0]))
    assert player.payload(scene)["scene"]["panels"]


def test_every_phase_has_its_words():
    assert set(scenes.PHASE_WORDS) == set(regimes.PHASES)


def test_refusals():
    one = named(MEDIUM)
    with pytest.raises(ValueError, match="panels must be some of"):
        scenes.simulator([one], ["speed"])
    with pytest.raises(ValueError, match=r"Record\(maps=True\)"):
        scenes.singular_maps(one.run)
