"""Wide networks: the Hessian's own coordinates, and several eigenvalues at once."""

from dataclasses import replace
from itertools import product

import naive
import numpy as np
import pytest
from cases import CASES

from simcore import Balanced, Descent, Experiment, Gaussian, Network, Spectrum, curvature, lanczos
from simcore.davidson import Davidson
from simcore.kernels import frames, matrices
from simcore.kernels import lanczos as kernels
from simcore.matrices_engine import ALONG_RUN
from simcore.places import Accuracy, Place

EXACT = Accuracy(residual=1e-9)
WIDE = Network(depths=(3, 2), width=24)
# Repeated singular values: repeated eigenvalues at the minimum, and pairs that cross on the way.
ONES = Spectrum(singular_values=(1.5, 1.0, 1.0))
ALMOST = Spectrum(singular_values=(1.5, 1.0 + 1e-7, 1.0))
CORRELATED = CASES["data"].task


def network(task):
    return Experiment(
        task=task,
        network=WIDE,
        start=Gaussian(std=0.05, seed=3),
        dynamics=Descent(step_size=0.1, steps=1),
        engine="matrices",
    )


class Along:
    """One solver, taken from weights to weights."""

    def __init__(self, experiment, k, accuracy=EXACT):
        self.experiment, self.solver = experiment, curvature.EigenSolver(experiment, k)
        self.accuracy = accuracy
        self.problem = curvature.problem(experiment)

    def place(self, theta):
        solver, self.full = self.solver, curvature.pad(self.experiment, theta)
        there = Place(self.full, solver.whole, self.problem, solver.work, solver.gradient)
        return there.at(self.full)

    def solve(self, theta):
        self.full = curvature.pad(self.experiment, theta)
        return self.solver.solve(self.full, self.problem, self.accuracy)

    def spectrum(self):
        """All eigenvalues where the last call was, largest first."""
        rows = []
        for unit in np.eye(self.solver.layout.size):
            direction = curvature.pad(self.experiment, unit)
            row = np.zeros_like(direction)
            here = self.full, self.solver.whole, self.problem, self.solver.work
            matrices.hessian_vector(*here, self.solver.tangent, direction, row)
            rows.append(curvature.unpad(self.experiment, row))
        return np.linalg.eigvalsh(np.array(rows))[::-1]


def weights_on_the_way(experiment):
    """Plateau, descent, minimum and then what no run does: a jump, no weights at all, and back."""
    theta, kept = curvature.initial(experiment), []
    for step in range(1201):
        if step in (0, 80, 120, 1200):
            kept.append(theta)
        theta = theta - 0.1 * curvature.gradient(experiment, theta)
    jump = np.random.default_rng(0).standard_normal(theta.size) * 0.3
    return [*kept, jump, np.zeros_like(theta), kept[-1]]


@pytest.mark.parametrize("task", [ONES, CORRELATED], ids=["repeated", "correlated"])
def test_eigenvalues_along_a_run_are_those_of_the_dense_hessian(task):
    experiment = network(task)
    along = Along(experiment, 4)
    assert isinstance(along.solver.method, Davidson)
    on_the_way = weights_on_the_way(experiment)
    assert np.isnan(along.solve(np.full_like(on_the_way[0], np.nan))).all()  # is forgotten
    for theta in on_the_way:
        values, residuals = along.solve(theta)
        spectrum = along.spectrum()
        scale = np.abs(spectrum).max()
        assert np.abs(values - spectrum[:4]).max() <= 1e-8 * scale
        assert (residuals <= 2e-9 * scale).all()
        vectors = np.array([curvature.unpad(experiment, v) for v in along.solver.vectors])
        true = [curvature.hessian_vector(experiment, theta, v) for v in vectors]
        if scale > 0:  # else any vectors are eigenvectors
            assert np.abs(vectors @ vectors.T - np.eye(4)).max() <= 1e-8
            assert np.linalg.norm(true - values[:, None] * vectors, axis=1).max() <= 1e-8 * scale
    assert along.solver.method.grown > 0


@pytest.mark.parametrize("seed", range(24))
def test_sizes_that_no_vector_fills_have_no_eigenvalues_of_their_own(seed):
    """Widths, inputs and outputs are padded to multiples of four in the kernels."""
    rng = np.random.default_rng(seed)
    inputs, k, depth = rng.integers(1, 4), rng.integers(2, 7), rng.integers(3, 5)
    experiment = Experiment(
        task=Spectrum(singular_values=(1.0,) * inputs),
        network=Network(depths=(int(depth),), width=int(rng.choice([9, 13, 17, 21]))),
        start=Gaussian(std=0.3),
        dynamics=Descent(step_size=0.1, steps=1),
        engine="matrices",
    )
    along = Along(experiment, int(k))
    for _ in range(4):
        size = 10 ** rng.uniform(-2, 0)
        values, _ = along.solve(size * rng.standard_normal(along.solver.layout.size))
        expected = along.spectrum()
        assert np.abs(values - expected[:k]).max() <= 1e-8 * np.abs(expected).max()


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("task", [ONES, CORRELATED], ids=["repeated", "correlated"])
def test_one_krylov_space_gives_them_all_after_any_jump(monkeypatch, task, k):
    """Of repeated eigenvalues too, of which it holds one: the complement gives the others."""
    monkeypatch.setattr(lanczos, "TOGETHER", 0)
    experiment = replace(network(task), network=Network(depths=(3, 2), width=8))
    aligned = curvature.initial(replace(experiment, start=Balanced(scales=(0.5, 0.5))))
    rng = np.random.default_rng(k)
    places = [scale * rng.standard_normal(aligned.size) for scale in (1e-3, 0.05, 0.4)]
    places += [aligned, np.zeros_like(aligned), np.full_like(aligned, np.nan), places[1]]
    along = Along(experiment, k)
    from_one_krylov_space(along)
    for theta in places:
        values, residuals = along.solve(theta)
        if np.isnan(theta).any():
            assert np.isnan(values).all()
            continue
        spectrum = along.spectrum()
        scale = np.abs(spectrum).max()
        assert np.abs(values - spectrum[:k]).max() <= 1e-8 * scale
        assert (residuals <= 1e-8 * scale).all()


@pytest.mark.parametrize("k", [2, 4, 6, 8, 12])
def test_no_eigenvalue_is_missed_where_clusters_end_between_two_of_them(k):
    """On the plateau of a small start, between what is asked for and what is not."""
    for seed, std in product(range(2), (1e-3, 1e-2)):
        experiment = Experiment(
            task=Spectrum(singular_values=tuple(np.linspace(1.0, 0.5, 16).tolist())),
            network=Network(depths=(2, 2), width=16),
            start=Gaussian(std=std, seed=seed),
            dynamics=Descent(step_size=0.1, steps=1),
            engine="matrices",
        )
        along, theta = Along(experiment, k, ALONG_RUN), curvature.initial(experiment)
        assert isinstance(along.solver.method, lanczos.OneSpace)
        for _ in range(4):
            values, _ = along.solve(theta)
            spectrum = along.spectrum()
            assert np.abs(values - spectrum[:k]).max() <= 1e-9 * np.abs(spectrum).max()
            for _ in range(10):
                theta = theta - 0.1 * curvature.gradient(experiment, theta)


def from_one_krylov_space(along):
    along.solver.method = getattr(along.solver.method, "lanczos", along.solver.method)
    assert isinstance(along.solver.method, lanczos.OneSpace)


TASKS = pytest.mark.parametrize(
    "task", [ONES, ALMOST, CORRELATED], ids=["repeated", "almost", "correlated"]
)


@TASKS
@pytest.mark.parametrize("error", [1e-6, 1e-9])
@pytest.mark.parametrize("davidson", [True, False])
def test_values_are_as_exact_as_asked_for_with_fewer_products(monkeypatch, task, error, davidson):
    """Also those that almost coincide, which residuals alone do not tell apart."""
    monkeypatch.setattr(lanczos, "TOGETHER", 0)
    experiment, products = network(task), []
    for accuracy in (Accuracy(1e-10), Accuracy(1e-10, error)):
        along = Along(experiment, 4, accuracy)
        if not davidson:
            from_one_krylov_space(along)
        for theta in weights_on_the_way(experiment):
            values, _ = along.solve(theta)
            spectrum = along.spectrum()
            assert np.abs(values - spectrum[:4]).max() <= error * np.abs(spectrum).max()
        products.append(along.solver.products)
    # where the space has to grow by many vectors between two looks it may be none
    assert products[1] <= (0.9 if davidson else 1.0) * products[0]


@pytest.mark.parametrize("task", [ONES, CORRELATED], ids=["repeated", "correlated"])
def test_krylov_vectors_stay_orthogonal_however_long_they_go_on(task):
    """Where an eigenvector has been found rounding would bring it back, were it not taken out."""
    experiment = network(task)
    along = Along(experiment, 1)
    method = along.solver.method
    method = lanczos.OneSpace(method.coordinates, method.noise, 1000)
    theta = 0.2 * np.random.default_rng(3).standard_normal(along.solver.layout.size)
    place = along.place(theta)
    method.coordinates.move_to(place.work)
    method.scratch.basis[0] = method.coordinates.inside(place.work, method.noise)[0]
    made = method._lengthen(place, 0, 100, 0)
    assert made == 100
    basis = method.scratch.basis[:made]
    assert np.abs(basis @ basis.T - np.eye(made)).max() <= 10 * kernels.LEANING
    values, _ = method._ritz(made)
    assert values[0] == pytest.approx(along.spectrum()[0], rel=1e-12)
    assert values[1] == pytest.approx(along.spectrum()[1], rel=1e-9)


def test_the_frame_holds_all_that_the_hessian_moves():
    experiment = network(CORRELATED)
    along = Along(experiment, 1)
    here = along.solver.method.coordinates
    rng = np.random.default_rng(1)
    for scale in (0.3, 1e-6, 0.0):
        theta = scale * rng.standard_normal(here.layout.size)
        full, _, problem, work, _ = along.place(theta)
        here.move_to(work)
        v = rng.standard_normal(theta.size)
        inside = here.inside(work, curvature.pad(experiment, v)[None])
        image = np.zeros_like(inside)
        frames.framed_product(
            full, here.layout, problem, work, here.tangent, here.frame, inside[0], image[0]
        )
        outside = curvature.unpad(experiment, here.outside(work, image)[0])
        expected = naive.hessian_vector(experiment, theta, v)
        assert np.abs(outside - expected).max() <= 1e-12 * np.abs(expected).max()
        moved = here.kept(work, rng.standard_normal(inside.shape), np.empty_like(inside))
        assert here.inside(work, here.outside(work, moved)) == pytest.approx(moved, abs=1e-13)
        back = here.inside(work, here.outside(work, inside))
        assert back == pytest.approx(inside, abs=1e-13)
        assert np.linalg.norm(here.outside(work, inside)) == pytest.approx(np.linalg.norm(inside))


def test_square_networks_keep_their_weights_as_coordinates():
    experiment = replace(network(ONES), network=Network(depths=(3, 3)))
    assert not curvature.EigenSolver(experiment, 1).method.coordinates.frame.narrow


@pytest.mark.parametrize("task", [ONES, CORRELATED], ids=["repeated", "correlated"])
def test_gauss_newton_matrix_is_that_of_the_maps_above_and_below_each_layer(task):
    experiment = network(task)
    along = Along(experiment, 4)
    theta = 0.2 * np.random.default_rng(2).standard_normal(along.solver.layout.size)
    place = along.place(theta)
    found = along.solver.method.inverse
    found.move_to(place, 0.0)
    values, axes = np.linalg.eigh(task.moments()[0])
    root = (axes * np.sqrt(values)) @ axes.T
    expected = 0.0
    for pathway in curvature.layers(experiment, theta):
        for layer in range(len(pathway)):
            above, below = np.eye(task.n_out), root
            for weights in pathway[:layer]:
                below = weights @ below
            for weights in pathway[:layer:-1]:
                above = above @ weights
            expected = expected + np.kron(above @ above.T, below.T @ below)
    assert np.abs(found.matrix - expected).max() <= 1e-12 * np.abs(expected).max()


def test_weights_at_rest_are_not_solved_again_and_those_that_move_are():
    experiment = network(ONES)
    along = Along(experiment, 4)
    theta = 0.3 * np.random.default_rng(0).standard_normal(along.solver.layout.size)
    first, products = along.solve(theta), along.solver.products
    again = along.solve(theta * (1 + 1e-15))
    assert along.solver.products == products
    assert np.array_equal(first, again)
    # a single weight of the smallest layer, by as little as changes an eigenvalue's tenth digit
    moved = theta.copy()
    moved[0] += 1e-10
    along.solve(moved)
    assert along.solver.products > products
    products = along.solver.products
    along.solver.solve(along.full, along.problem, Accuracy(1e-10))  # exacter than before
    assert along.solver.products > products
    nothing = np.full_like(along.full, np.nan)
    assert np.isnan(along.solver.solve(nothing, along.problem, Accuracy(1.0))[0][0])


# --- Many states in one call -----------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("width", [3, 8])
def test_states_in_one_call_have_the_bits_of_a_call_each_wherever_a_call_leaves_off(k, width):
    experiment = replace(network(CORRELATED), network=Network(depths=(3, 2), width=width))
    one, many, short = (Along(experiment, k) for _ in range(3))
    thetas = weights_on_the_way(experiment)
    thetas[2:2] = [np.full_like(thetas[0], np.nan), thetas[1], thetas[1]]  # rests afterwards
    states = np.array([curvature.pad(experiment, theta) for theta in thetas])
    short.solver.method.per_call = 3
    expected = np.array([one.solve(theta) for theta in thetas]).swapaxes(0, 1)
    for along in (many, short):
        assert isinstance(along.solver.method, lanczos.InTurn)
        found = along.solver.along(states, along.problem, along.accuracy)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(along.solver.vectors, one.solver.vectors)
        assert along.solver.products == one.solver.products


@pytest.mark.parametrize("size", [1e-3, 0.05])
def test_what_was_found_loosely_or_for_another_target_is_sought_again(size):
    """On a plateau, where Davidson's method leaves it to Lanczos."""
    experiment = network(ONES)
    along = Along(experiment, 4, Accuracy(0.3))
    theta = size * np.random.default_rng(0).standard_normal(along.solver.layout.size)
    along.solve(theta)
    along.accuracy = Accuracy(1e-12)
    values, residuals = along.solve(theta)
    assert values == pytest.approx(along.spectrum()[:4], rel=1e-9)
    assert residuals.max() <= 1e-10 * values[0]
    along.problem = curvature.problem(replace(experiment, task=ALMOST))
    values, _ = along.solve(theta)
    assert values == pytest.approx(along.spectrum()[:4], rel=1e-9)
