"""The two engines against each other, and the modes engine's curvature against dense Hessians.

The modes engine is an exact reduction: wherever it applies, it must give what full weights give.
"""

from __future__ import annotations

import importlib
from dataclasses import replace

import naive
import numpy as np
import pytest
from cases import ALIGNED, CASES, PAPER, PAPER_STEP_SIZES, descending, flowing

from simcore import (
    Balanced,
    Experiment,
    Flow,
    LayerScales,
    Network,
    Record,
    Spectrum,
    curvature,
    simulate,
)

TWO_MODES = CASES["two pathways"]  # sigma* = (1, .6), L = 4, alpha = (.02, .017)


def both(experiment):
    """The same run by modes and by matrices."""
    return [simulate(replace(experiment, engine=engine)) for engine in ("modes", "matrices")]


def worst(actual, expected):
    """Largest deviation relative to the largest entry; nan must meet nan."""
    assert actual.shape == expected.shape
    assert (np.isnan(actual) == np.isnan(expected)).all()
    return np.nanmax(np.abs(actual - expected)) / np.nanmax(np.abs(expected))


def assert_agree(modes, matrices):
    for quantity in ("loss", "strengths", "loss_range", "strengths_range"):
        assert worst(getattr(modes, quantity), getattr(matrices, quantity)) <= 1e-10, quantity
    assert worst(modes.eigenvalues, matrices.eigenvalues) <= 1e-8
    assert (modes.steps == matrices.steps).all()
    assert (modes.time == matrices.time).all()
    assert modes.theta is None
    assert matrices.theta is not None


# --- Modes and matrices ----------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 6])
@pytest.mark.parametrize("step_size", PAPER_STEP_SIZES.values(), ids=PAPER_STEP_SIZES)
def test_engines_agree_over_80_steps_of_the_main_figure(step_size, k):
    modes, matrices = both(descending(PAPER, step_size, 80, record=Record(every=1, eigenvalues=k)))
    assert_agree(modes, matrices)
    assert worst(modes.sharpness, matrices.sharpness) <= 1e-8


# Step sizes that carry each case well away from its start within 80 steps.
STEP_SIZES = {"deep": 2 / 13, "tree": 0.01, "whitened data": 0.03, "centred whitened data": 0.03}


@pytest.mark.parametrize("k", [1, 6])
@pytest.mark.parametrize("name", ALIGNED)
def test_engines_agree_under_descent(name, k):
    experiment = descending(
        CASES[name],
        STEP_SIZES.get(name, 0.15),
        80,
        record=Record(every=8, eigenvalues=k, maps=True),
    )
    modes, matrices = both(experiment)
    assert_agree(modes, matrices)
    assert worst(modes.maps, matrices.maps) <= 1e-10


def test_an_eigenvalue_that_overtakes_is_not_missed():
    """In 915 weights the noise of a warm start holds little of any one eigenvector."""
    tree = replace(CASES["tree"], network=Network(depths=(2, 3)))
    modes, matrices = both(descending(tree, 0.01, 80, record=Record(every=8, eigenvalues=6)))
    assert_agree(modes, matrices)


@pytest.mark.parametrize("name", ALIGNED)
def test_engines_agree_under_flow(name):
    """Integrators with other error norms: both solutions only to their tolerance."""
    modes, matrices = both(flowing(CASES[name], 3.0, rtol=1e-12, record=Record(frames=9)))
    for quantity in ("loss", "strengths"):
        assert worst(getattr(modes, quantity), getattr(matrices, quantity)) <= 1e-10, quantity
    assert worst(modes.eigenvalues, matrices.eigenvalues) <= 1e-8
    assert (modes.time == matrices.time).all()


def test_auto_takes_the_modes_wherever_they_are_exact():
    for name, experiment in CASES.items():
        assert (simulate(experiment).theta is None) == (name in ALIGNED)


# --- The modes engine's curvature ------------------------------------------------------------


def weights_of(run, record):
    """The full weights of a balanced modes run: every layer carries sigma_{h,i}^{1/L_h}."""
    scales = [
        np.tile(strengths ** (1 / depth), (depth, 1))
        for strengths, depth in zip(
            run.strengths[record], run.experiment.network.depths, strict=True
        )
    ]
    return naive.aligned(run.experiment, scales)


def test_every_eigenvalue_from_the_plateau_past_the_edge():
    """All N = 32 eigenvalues of a two-mode run, at every step."""
    experiment = descending(
        TWO_MODES, 2 / 2.9, 200, engine="modes", record=Record(every=1, eigenvalues=32)
    )
    run = simulate(experiment)
    assert run.loss[0] > 0.6  # the plateau
    assert (run.sharpness > run.edge).sum() > 50  # the edge
    assert (run.strengths > 0).all()  # so that layer scales are roots of strengths
    for record, values in enumerate(run.eigenvalues):
        expected = naive.spectrum(experiment, weights_of(run, record))
        assert np.abs(values - expected).max() <= 1e-8 * expected[0]


@pytest.mark.parametrize("name", ALIGNED)
@pytest.mark.parametrize("steps", [7, 40])
def test_whole_spectrum_after_some_steps(name, steps):
    """Every eigenvalue (64 at most), with weights from a run of the matrices engine."""
    eta = STEP_SIZES.get(name, 0.15)
    record = Record(every=steps, eigenvalues=64)
    matrices = simulate(
        descending(CASES[name], eta, steps, engine="matrices", record=Record(sharpness=False))
    )
    modes = simulate(descending(CASES[name], eta, steps, engine="modes", record=record))
    spectrum = naive.spectrum(matrices.experiment, matrices.theta)
    expected = np.full(64, np.nan)
    expected[: len(spectrum)] = spectrum[:64]
    scale = np.abs(spectrum).max()
    values = modes.eigenvalues[-1]
    assert (np.isnan(values) == np.isnan(expected)).all()
    assert np.nanmax(np.abs(values - expected)) <= 1e-8 * scale


@pytest.mark.parametrize("name", ALIGNED)
def test_whole_spectrum_at_the_start(name):
    experiment = replace(CASES[name], record=Record(every=20, eigenvalues=64), engine="modes")
    spectrum = naive.spectrum(experiment, curvature.initial(experiment))
    values, count = simulate(experiment).eigenvalues[0], min(64, len(spectrum))
    assert np.abs(values[:count] - spectrum[:count]).max() <= 1e-8 * np.abs(spectrum).max()
    assert np.isnan(values[count:]).all()


@pytest.mark.parametrize(
    ("n_in", "n_out", "width"), [(2, 2, 5), (5, 2, 3), (3, 5, 4), (4, 3, 3), (6, 6, 6), (2, 7, 9)]
)
@pytest.mark.parametrize("depths", [(1,), (1, 2), (2, 2), (3, 4)])
def test_whole_spectrum_with_idle_units(n_in, n_out, width, depths):
    """Inputs, outputs and hidden units that no mode uses, in every order of their numbers."""
    experiment = Experiment(
        task=Spectrum(singular_values=(1.0, 0.6), n_in=n_in, n_out=n_out),
        network=Network(depths=depths, width=max(width, min(n_in, n_out))),
        start=LayerScales(scales=tuple(tuple(0.9 - 0.1 * j for j in range(d)) for d in depths)),
        dynamics=TWO_MODES.dynamics,
        record=Record(every=20, eigenvalues=64),
        engine="modes",
    )
    spectrum = naive.spectrum(experiment, curvature.initial(experiment))
    values, count = simulate(experiment).eigenvalues[0], min(64, len(spectrum))
    assert np.abs(values[:count] - spectrum[:count]).max() <= 1e-8 * np.abs(spectrum).max()
    assert np.isnan(values[count:]).all()


def test_sharpness_at_the_start_is_held_by_a_pair_of_modes():
    """SCIENCE 3.3: 0.354 for the whole Hessian where single modes have 0.136."""
    run = simulate(descending(TWO_MODES, 0.1, 1, engine="modes"))
    assert run.sharpness[0] == pytest.approx(0.354, abs=5e-4)
    theta = curvature.initial(TWO_MODES)
    dense = naive.hessian(TWO_MODES, theta)
    marked = [[np.eye(2) for _ in range(4)] for _ in range(2)]  # the diagonal weights
    diagonal = naive.flat(marked) > 0
    single = np.linalg.eigvalsh(dense[np.ix_(diagonal, diagonal)])[-1]
    assert single == pytest.approx(0.136, abs=5e-4)
    assert run.sharpness[0] == pytest.approx(naive.spectrum(TWO_MODES, theta)[0], rel=1e-10)


def test_sharpness_does_not_depend_on_how_many_eigenvalues_are_asked_for():
    record = Record(every=1, eigenvalues=6)
    six = simulate(descending(TWO_MODES, 2 / 3.2, 60, record=record))
    one = simulate(descending(TWO_MODES, 2 / 3.2, 60, record=Record(every=1)))
    assert (six.sharpness == one.sharpness).all()
    assert (np.diff(six.eigenvalues, axis=1) <= 0).all()


def test_unwanted_sharpness_is_nan():
    for run in both(descending(TWO_MODES, 0.1, 3, record=Record(sharpness=False, eigenvalues=2))):
        assert run.eigenvalues.shape == run.residuals.shape == (4, 2)
        assert np.isnan(run.eigenvalues).all()
        assert np.isnan(run.residuals).all()


def test_residuals_along_a_run():
    """Zero where blocks are solved directly; Lanczos says how far it is."""
    for name in ("two pathways", "unequal depths", "wide hidden"):
        modes, matrices = both(
            descending(CASES[name], 0.15, 40, record=Record(every=1, eigenvalues=3))
        )
        assert (modes.residuals == 0).all()
        error = np.abs(modes.eigenvalues - matrices.eigenvalues)
        assert (error <= matrices.residuals + 1e-12).all()


def test_engines_agree_on_a_start_at_the_minimum():
    experiment = descending(TWO_MODES, 0.1, 5, start=Balanced(scales=(0.5, 0.5)))
    experiment = replace(experiment, task=Spectrum(singular_values=(1.0, 1.0)))
    modes, matrices = both(replace(experiment, record=Record(every=1, eigenvalues=20)))
    assert worst(modes.eigenvalues, matrices.eigenvalues) <= 1e-8
    assert modes.loss.max() <= 1e-30


def test_dynamics_that_no_engine_knows_fail_loudly(monkeypatch):
    walks = importlib.import_module("simcore.simulate").WALKS
    monkeypatch.delitem(walks, Flow)
    with pytest.raises(TypeError, match="no engine can run Flow; there are walks for Descent"):
        simulate(flowing(CASES["deep"], 1.0))
