"""The largest eigenvalues of the Hessian against eigvalsh of the naive dense one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import naive
import numpy as np
import pytest
from cases import CASES, random_weights

from simcore import Balanced, Network, Spectrum, curvature
from simcore.places import Accuracy


def minimum(experiment):
    """Weights with M = M*: every mode shared over the pathways as 1 : 2 : 3 ..., balanced."""
    depths, sigma = experiment.network.depths, np.array(experiment.task.singular_values)
    shares = np.arange(1, len(depths) + 1) / np.arange(1, len(depths) + 1).sum()
    scales = [
        np.tile((share * sigma) ** (1 / depth), (depth, 1))
        for share, depth in zip(shares, depths, strict=True)
    ]
    return naive.aligned(experiment, scales)


POINTS = {
    "random": random_weights,
    "start": curvature.initial,
    "zero": lambda experiment: np.zeros(naive.size(experiment)),
    "near zero": lambda experiment: 1e-3 * random_weights(experiment),
    "minimum": minimum,
}
PLACES = [
    (name, point)
    for name, experiment in CASES.items()
    for point in POINTS
    if point != "minimum"
    or experiment.network.hidden_width(experiment.task) >= len(experiment.task.singular_values)
]
every_place = pytest.mark.parametrize(
    ("name", "point"), PLACES, ids=[f"{name}-{point}" for name, point in PLACES]
)


@cache
def place(name, point):
    """Experiment, weights and all eigenvalues there, largest first."""
    experiment = CASES[name]
    theta = POINTS[point](experiment)
    return experiment, theta, naive.spectrum(experiment, theta)


def padded(spectrum, k):
    """The k largest eigenvalues, nan beyond the number of weights."""
    return np.concatenate([spectrum[:k], np.full(max(0, k - len(spectrum)), np.nan)])


def assert_eigenvalues(values, expected, scale, tolerance=1e-8):
    """Equal to `tolerance` relative to the Hessian's norm, nan where nan is expected."""
    assert values.shape == expected.shape
    assert (np.isnan(values) == np.isnan(expected)).all()
    known = ~np.isnan(expected)
    assert np.abs(values[known] - expected[known]).max() <= tolerance * scale


@every_place
@pytest.mark.parametrize("k", [1, 5])
def test_sharpness_equals_the_dense_hessians(name, point, k):
    experiment, theta, spectrum = place(name, point)
    tol = 1e-12 if point == "near zero" else 1e-8  # clusters of eigenvalues 1e-7 apart
    values, residuals = curvature.sharpness(experiment, theta, k=k, tol=tol)
    scale = np.abs(spectrum).max()
    assert_eigenvalues(values, padded(spectrum, k), scale)
    assert (np.isnan(residuals) == np.isnan(values)).all()
    assert np.nanmax(residuals) <= np.sqrt(k) * tol * scale


SMALL = [name for name, experiment in CASES.items() if naive.size(experiment) < 100]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("point", ["random", "start", "zero"])
@pytest.mark.parametrize("beyond", [-1, 0, 3])
def test_as_many_eigenvalues_as_weights(name, point, beyond):
    experiment, theta, spectrum = place(name, point)
    k = max(1, len(theta) + beyond)
    values, _ = curvature.sharpness(experiment, theta, k=k)
    assert_eigenvalues(values, padded(spectrum, k), np.abs(spectrum).max())


def test_published_spectrum_of_a_minimum():
    """SCIENCE 4, case 4, with every eigenvalue as often as it is there."""
    experiment = replace(
        CASES["one pathway"],
        task=Spectrum(singular_values=(2.0, 1.1, 0.6)),
        network=Network(depths=(4,)),
    )
    published = [11.313708, 7.63537, 7.63537, 5.69091, 5.69091, 4.61476, 3.09979, 3.09979, 1.85903]
    values, _ = curvature.sharpness(experiment, minimum(experiment), k=36)
    assert values[:9] == pytest.approx(published, abs=6e-6)
    assert np.abs(values[9:]).max() <= 1e-8 * values[0]


def test_saddle_at_zero_has_the_singular_values_as_curvature():
    """L = 2 at zero: each mode couples W_1 and W_2 by sigma*, once per pathway and hidden unit."""
    experiment, theta, _ = place("three pathways", "zero")
    values, residuals = curvature.sharpness(experiment, theta, k=20)
    expected = np.repeat([1.0, 0.6, 0.2], 3 * 3)[:20]
    assert values == pytest.approx(expected, rel=1e-8)
    assert residuals.max() <= 1e-8


def test_largest_means_largest_algebraic():
    """Near the saddle the most negative eigenvalue is the largest in magnitude."""
    experiment = replace(CASES["deep"], start=Balanced(scales=(0.01, 0.01)))
    theta = curvature.initial(experiment)
    spectrum = naive.spectrum(experiment, theta)
    assert -spectrum[-1] > spectrum[0] > 0
    values, _ = curvature.sharpness(experiment, theta)
    assert values[0] == pytest.approx(spectrum[0], rel=1e-8)


def test_flat_saddle_has_no_curvature():
    experiment, theta, spectrum = place("one pathway", "zero")
    assert (spectrum == 0).all()
    values, residuals = curvature.sharpness(experiment, theta, k=5)
    assert (values == 0).all()
    assert (residuals == 0).all()


def test_single_weight():
    experiment, theta, _ = place("single weight", "random")
    values, residuals = curvature.sharpness(experiment, theta, k=2)
    assert values[0] == pytest.approx(1.0, rel=1e-14)
    assert np.isnan(values[1])
    assert np.isnan(residuals[1])


# --- Residuals -------------------------------------------------------------------------------

COARSE = [1e-1, 1e-3, 1e-5, 1e-7]


def solve(solver, experiment, theta, tol):
    """Values, residuals and eigenvectors (k, N) of one call of an EigenSolver."""
    loss, padded = curvature.problem(experiment), curvature.pad(experiment, theta)
    values, residuals = solver.solve(padded, loss, Accuracy(tol))
    return values, residuals, np.array([curvature.unpad(experiment, v) for v in solver.vectors])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("tol", COARSE)
def test_residual_bounds_the_error_of_the_eigenvalue(name, tol):
    experiment, theta, spectrum = place(name, "random")
    values, residuals = curvature.sharpness(experiment, theta, tol=tol)
    distance = np.abs(spectrum - values[0]).min()
    assert distance <= residuals[0] + 1e-13 * np.abs(spectrum).max()
    assert residuals[0] <= tol * np.abs(spectrum).max() * (1 + 1e-12)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("tol", COARSE)
def test_residuals_are_those_of_the_eigenvectors(name, tol):
    """||Hv - lambda v|| with the naive Hessian, for every one of the k vectors."""
    experiment, theta, spectrum = place(name, "random")
    solver = curvature.EigenSolver(experiment, min(4, len(theta)))
    values, residuals, vectors = solve(solver, experiment, theta, tol)
    true = [
        np.linalg.norm(naive.hessian_vector(experiment, theta, v) - value * v)
        for value, v in zip(values, vectors, strict=True)
    ]
    assert residuals == pytest.approx(true, rel=1e-6, abs=1e-12 * np.abs(spectrum).max())


@pytest.mark.parametrize("name", CASES)
def test_eigenvectors_are_orthonormal(name):
    experiment, theta, _ = place(name, "random")
    k = min(5, len(theta))
    _, _, vectors = solve(curvature.EigenSolver(experiment, k), experiment, theta, 1e-8)
    assert np.abs(vectors @ vectors.T - np.eye(k)).max() <= 1e-12


# --- Warm starts -----------------------------------------------------------------------------


def test_warm_start_follows_an_eigenvector_that_overtakes():
    """Two modes of one pathway whose curvatures cross: the solver must change over at once."""
    experiment = CASES["two pathways"]
    solver = curvature.EigenSolver(experiment, 1)
    for share in np.linspace(0, 1, 21):
        scales = [np.tile([0.9 - share * 0.4, 0.5 + share * 0.4], (4, 1))] * 2
        theta = naive.aligned(experiment, scales)
        values, _, _ = solve(solver, experiment, theta, 1e-8)
        assert values[0] == pytest.approx(naive.spectrum(experiment, theta)[0], rel=1e-8)


# --- Bad input -------------------------------------------------------------------------------


def test_bad_weights_are_refused_in_words():
    experiment, theta, _ = place("one pathway", "random")
    with pytest.raises(ValueError, match=r"expected 12 weights, got an array \(3,\)"):
        curvature.gradient(experiment, np.zeros(3))
    with pytest.raises(ValueError, match="expected finite weights, got inf or nan"):
        curvature.sharpness(experiment, np.full(12, np.nan))
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        curvature.sharpness(experiment, theta, k=0)
    with pytest.raises(ValueError, match=r"expected 12 weights, got an array \(1,\)"):
        curvature.hessian_vector(experiment, theta, np.zeros(1))
