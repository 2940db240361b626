"""Tasks against their definitions: M* = U diag(sigma*) V^T, and the loss over samples."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import datasets, matrices, refused, samples, targets, tasks

from simcore.experiment import Balanced, Descent, Experiment, Network
from simcore.simulate import simulate
from simcore.tasks import Dataset, Spectrum, Tree

pytestmark = pytest.mark.filterwarnings("error")

usual = settings(max_examples=60, deadline=None)


def sample_loss(outputs, inputs, linear_map):
    """1/(2N) sum ||y - M x||^2."""
    return ((outputs - inputs @ linear_map.T) ** 2).sum() / (2 * len(inputs))


def moment_loss(task, linear_map):
    """1/2 tr[M S_xx M^T] - tr[M S_xy] + 1/2 tr S_yy."""
    s_xx, s_yx, s_yy = task.moments()
    return ((linear_map @ s_xx) * linear_map).sum() / 2 - (linear_map * s_yx).sum() + s_yy / 2


def inverse_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors / np.sqrt(values) @ vectors.T


# --- Every task --------------------------------------------------------------------------------


@usual
@given(task=tasks())
def test_the_map_is_its_singular_value_decomposition(task):
    (left, right), values = task.bases(), np.array(task.singular_values)
    modes = min(task.n_in, task.n_out)
    assert values.shape == (modes,)
    assert left.shape == (task.n_out, modes)
    assert right.shape == (task.n_in, modes)
    assert task.target_map().shape == (task.n_out, task.n_in)
    assert (values >= 0).all()
    assert (np.diff(values) <= 1e-12 * (1 + values[0])).all()
    scale = 1 + values[0]
    np.testing.assert_allclose(left * values @ right.T, task.target_map(), atol=1e-13 * scale)
    for basis in (left, right):
        np.testing.assert_allclose(basis.T @ basis, np.eye(modes), atol=1e-13)
    np.testing.assert_allclose(
        values, np.linalg.svd(task.target_map(), compute_uv=False), atol=1e-13 * scale
    )


@usual
@given(task=tasks(), data=st.data())
def test_the_loss_from_the_moments_is_least_at_the_target_map(task, data):
    s_xx, s_yx, s_yy = task.moments()
    target = task.target_map()
    np.testing.assert_allclose(target @ s_xx, s_yx, atol=1e-9 * (1 + np.abs(s_yx).max()))
    assert task.floor() >= 0
    assert moment_loss(task, target) == pytest.approx(task.floor(), rel=1e-10, abs=1e-12 * s_yy)
    other = data.draw(matrices(st.just(task.n_out), st.just(task.n_in)))
    away = other - target
    assert moment_loss(task, other) == pytest.approx(
        task.floor() + ((away @ s_xx) * away).sum() / 2, rel=1e-9, abs=1e-9 * s_yy
    )
    if task.whitened:
        np.testing.assert_array_equal(s_xx, np.eye(task.n_in))


@usual
@given(task=tasks())
def test_nobody_can_change_what_a_task_shares(task):
    for shared in (task.target_map(), *task.bases()):
        with pytest.raises(ValueError, match="read-only"):
            shared[0, 0] = 1.0


# --- Spectrum, Target, Tree --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ({}, (2, 2)),
        ({"n_in": 3}, (2, 3)),
        ({"n_out": 4}, (4, 2)),
        ({"n_in": 3, "n_out": 4}, (4, 3)),
    ],
)
def test_a_spectrum_is_a_diagonal_map_padded_with_zeros(sizes, shape):
    task = Spectrum(singular_values=(2.0, 0.5), **sizes)
    expected = np.zeros(shape)
    expected[[0, 1], [0, 1]] = 2.0, 0.5
    np.testing.assert_array_equal(task.target_map(), expected)
    assert task.singular_values == (2.0, 0.5) + (0.0,) * (min(shape) - 2)
    assert task.moments()[2] == 4.25
    assert task.floor() == 0


@usual
@given(task=targets())
def test_a_target_is_its_rows(task):
    np.testing.assert_array_equal(task.target_map(), np.array(task.rows))
    left, _ = task.bases()
    largest = left[np.abs(left).argmax(axis=0), np.arange(left.shape[1])]
    assert (largest > 0).all()  # so that the bases are the same on every machine
    assert task.floor() == 0


def test_the_tree_has_the_published_spectrum():
    """SCIENCE 4, case 9: 15 x 8 with singular values sqrt15, sqrt7, sqrt3 twice, 1 four times."""
    task = Tree()
    assert (task.n_out, task.n_in) == (15, 8)
    expected = [math.sqrt(n) for n in (15, 7, 3, 3, 1, 1, 1, 1)]
    np.testing.assert_allclose(task.singular_values, expected, rtol=1e-14)


@pytest.mark.parametrize("levels", range(1, 6))
def test_a_tree_has_one_feature_per_node_and_one_item_per_leaf(levels):
    task = Tree(levels=levels)
    nodes = task.target_map()
    assert nodes.shape == (2 ** (levels + 1) - 1, 2**levels)
    assert set(np.unique(nodes)) == {0.0, 1.0}
    level_of = np.repeat(np.arange(levels + 1), 2 ** np.arange(levels + 1))
    np.testing.assert_array_equal(nodes.sum(axis=1), 2.0 ** (levels - level_of))
    for level in range(levels + 1):  # every item has one ancestor at every level
        np.testing.assert_array_equal(nodes[level_of == level].sum(axis=0), 1.0)
    shared = nodes.T @ nodes  # ancestors two items share: the depth of their nearest one, plus 1
    items = np.arange(2**levels)
    nearest = levels - np.array(
        [[int(a ^ b).bit_length() for b in items.tolist()] for a in items.tolist()]
    )
    np.testing.assert_array_equal(shared, nearest + 1)


@pytest.mark.parametrize("engine", ["modes", "matrices"])
@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_the_largest_and_the_smallest_targets_still_run(scale, engine):
    """With L = 2, eta / s and strengths * s are the same run for a target s times as large."""

    def run(s):
        return simulate(
            Experiment(
                task=Spectrum(singular_values=(s, 0.5 * s)),
                network=Network(depths=(2, 2)),
                start=Balanced(scales=(0.1 * s, 0.05 * s)),
                dynamics=Descent(step_size=0.1 / s, steps=50),
                engine=engine,
            )
        )

    one, other = run(1.0), run(scale)
    np.testing.assert_allclose(other.strengths / scale, one.strengths, rtol=1e-12)
    np.testing.assert_allclose(other.sharpness / scale, one.sharpness, rtol=1e-6)
    with refused("1e-100 and 1e100", "rescale"):
        run(scale**1.01)


# --- Dataset -----------------------------------------------------------------------------------


def centred(x, y):
    return x - x.mean(axis=0), y - y.mean(axis=0)


@usual
@given(data=samples(), whiten=st.booleans(), center=st.booleans(), seed=st.integers(0, 99))
def test_a_dataset_has_the_loss_of_its_samples(data, whiten, center, seed):
    x, y = data
    task = Dataset(inputs=x, outputs=y, whiten=whiten, center=center)
    if center:
        x, y = centred(x, y)
    if whiten:
        x = x @ inverse_root(x.T @ x / len(x))
    scale = (y**2).sum() / len(y)
    best = np.linalg.lstsq(x, y, rcond=None)[0].T
    np.testing.assert_allclose(
        task.target_map(), best, rtol=1e-7, atol=1e-8 * (1 + abs(best).max())
    )
    assert task.floor() == pytest.approx(sample_loss(y, x, best), rel=1e-8, abs=1e-10 * scale)
    other = best + np.random.default_rng(seed).normal(size=best.shape)
    assert moment_loss(task, other) == pytest.approx(sample_loss(y, x, other), rel=1e-8)
    s_xx, s_yx, s_yy = task.moments()
    np.testing.assert_allclose(s_xx, x.T @ x / len(x), atol=1e-8 * (1 + abs(s_xx).max()))
    np.testing.assert_allclose(s_yx, y.T @ x / len(x), atol=1e-8 * (1 + abs(s_yx).max()))
    assert s_yy == pytest.approx(scale)
    assert task.whitened is whiten


def test_whitening_makes_the_map_the_correlation():
    """whiten: M* = Sigma_yx of the whitened inputs, so rotations of x only rotate M*."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(40, 3)) + 1, rng.normal(size=(40, 2))
    mixed = x @ rng.normal(size=(3, 3))
    one, other = (Dataset(inputs=inputs, outputs=y) for inputs in (x, mixed))
    np.testing.assert_allclose(one.singular_values, other.singular_values, rtol=1e-10)
    np.testing.assert_array_equal(one.moments()[1], one.target_map())


@usual
@given(data=samples(), whiten=st.booleans(), center=st.booleans())
def test_replace_equals_building_it_so(data, whiten, center):
    x, y = data
    task = dataclasses.replace(Dataset(inputs=x, outputs=y), whiten=whiten, center=center)
    assert task == Dataset(inputs=x, outputs=y, whiten=whiten, center=center)
    assert dataclasses.replace(task, inputs=x, outputs=y) == task


def test_a_dataset_keeps_moments_and_no_samples():
    rng = np.random.default_rng(1)
    sizes = []
    for n in (10, 10_000):
        x, y = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
        task = Dataset(inputs=x, outputs=y)
        assert set(vars(task)) == {"whiten", "center", "statistics", "kept", "source"}
        assert task.kept is None
        sizes.append(len(np.concatenate([np.ravel(part) for part in task.statistics])))
        x[:] = y[:] = 0  # the samples are no longer looked at
        assert task.singular_values[0] > 0
    assert sizes == [3 * 3 + 2 * 3 + 3 + 2 + 1] * 2


def test_a_dataset_does_not_depend_on_the_order_of_its_samples():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
    order = rng.permutation(30)
    one, other = Dataset(inputs=x, outputs=y), Dataset(inputs=x[order], outputs=y[order])
    np.testing.assert_allclose(one.target_map(), other.target_map(), rtol=1e-10)


def test_inputs_far_from_zero_keep_their_precision():
    """Moments are taken about the mean, where a sum of squares would lose 12 digits."""
    rng = np.random.default_rng(3)
    x, noise = rng.normal(size=(50, 2)), rng.normal(size=(50, 1))
    near = Dataset(inputs=x, outputs=x @ [[2.0], [1.0]] + noise, whiten=False, center=True)
    far = Dataset(inputs=x + 1e6, outputs=x @ [[2.0], [1.0]] + noise, whiten=False, center=True)
    np.testing.assert_allclose(near.target_map(), far.target_map(), rtol=1e-8)


RANK_DEFICIENT = {
    "a constant column": ([[1.0, 3.0], [2.0, 3.0], [4.0, 3.0]], True, "these span 1"),
    "a doubled column": ([[1.0, 2.0], [2.0, 4.0], [5.0, 10.0]], False, "these span 1"),
    "fewer samples than columns": (np.eye(2, 4) + 1, False, "these span 2"),
    "one sample about its mean": ([[1.0, 2.0]], True, "these span 0"),
    "nothing": ([[0.0], [0.0]], False, "these span 0"),
}


@pytest.mark.parametrize("name", RANK_DEFICIENT)
def test_whitening_what_does_not_span_all_directions_is_refused(name):
    inputs, center, words = RANK_DEFICIENT[name]
    outputs = np.arange(1.0, len(inputs) + 1)[:, None]
    raw = Dataset(inputs=inputs, outputs=outputs, whiten=False, center=center)
    with refused("whitening", f"all {len(inputs[0])} directions", words, "whiten=False"):
        Dataset(inputs=inputs, outputs=outputs, center=center)
    with refused("whiten=False"):
        dataclasses.replace(raw, whiten=True)
    x, y = np.array(inputs), outputs
    if center:
        x, y = centred(x, y)
    shortest = (np.linalg.pinv(x) @ y).T  # of all least-squares maps
    np.testing.assert_allclose(raw.target_map(), shortest, atol=1e-12)
    assert raw.floor() == pytest.approx(sample_loss(y, x, shortest), abs=1e-12)


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        ([[1.0], [2.0]], [[1.0]], ["one row per sample", "2 and 1"]),
        ([[1.0], [math.nan]], [[1.0], [2.0]], ["number 1 of row 2 of inputs", "finite", "nan"]),
        (
            [[1.0], [2.0]],
            np.array([[1.0], [math.inf]]),
            ["number 1 of row 2 of outputs", "finite", "inf"],
        ),
        ([[1.0], ["two"]], [[1.0], [2.0]], ["number 1 of row 2 of inputs", "'two'"]),
        (
            np.array([["1"], ["2"]]),
            [[1.0], [2.0]],
            ["number 1 of row 1 of inputs", "must be a number"],
        ),
        ([[1.0, 2.0], [2.0]], [[1.0], [2.0]], ["inputs", "row 1 has 2", "row 2 has 1"]),
        ([1.0, 2.0], [[1.0], [2.0]], ["row 1 of inputs", "sequence"]),
        ([], [], ["inputs", "at least one"]),
        (None, [[1.0]], ["inputs is missing"]),
        ([[1.0]], None, ["outputs is missing"]),
        (None, None, ["inputs is missing"]),
    ],
)
def test_samples_that_are_none_are_refused_by_name_and_place(inputs, outputs, words):
    with refused(*words):
        Dataset(inputs=inputs, outputs=outputs)


# --- Datasets that come back from JSON ---------------------------------------------------------


@usual
@given(task=datasets())
def test_a_saved_dataset_is_the_same_to_the_last_bit(task):
    other = Dataset.from_dict(json.loads(json.dumps(task.to_dict())))
    for one, two in zip(task.moments(), other.moments(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert other.singular_values == task.singular_values
    assert other.floor() == task.floor()


ROUGH = {  # inputs whose moments are hard to tell from impossible ones
    "constant": np.full((9, 2), 0.1),
    "tiny and huge": np.random.default_rng(0).normal(size=(9, 2)) * [1e-90, 1e90],
    "nearly dependent": np.random.default_rng(0).normal(size=(9, 1)) * [1, 1 + 1e-13],
    "proportional": np.arange(9.0)[:, None],
}


@pytest.mark.parametrize("name", ROUGH)
@pytest.mark.parametrize("center", [False, True])
def test_a_rough_dataset_can_be_saved(name, center):
    x = ROUGH[name]
    task = Dataset(inputs=x, outputs=3 * x, whiten=False, center=center)
    assert Dataset.from_dict(json.loads(json.dumps(task.to_dict()))) == task


@pytest.mark.parametrize(
    ("place", "wrong", "words"),
    [
        (0, [[1.0, 2.0], [0.0, 1.0]], "symmetric"),
        (0, [[1.0, 2.0], [2.0, 1.0]], "not negative"),
        (0, [[-1.0, 0.0], [0.0, 1.0]], "not negative"),
        (0, [[1.0]], "fit each other"),
        (1, [[1.0, 1.0, 1.0]], "fit each other"),
        (1, [[1e6, 1.0]], "vary"),
        (2, [0.0], "fit each other"),
        (2, [0.0, 1e200], "1e100"),
        (3, [0.0, 0.0], "fit each other"),
        (4, [-1.0], "negative"),
        (4, [1.0, 1.0], "fit each other"),
        (4, 1.0, "sequence"),
        (0, [[1.0, math.nan], [0.0, 1.0]], "finite"),
        (None, [], "5 statistics"),
        (None, 5, "5 statistics"),
        (None, None, "inputs is missing"),
    ],
)
def test_statistics_that_no_samples_have_are_refused(place, wrong, words):
    x = np.random.default_rng(4).normal(size=(9, 2))
    plain = Dataset(inputs=x, outputs=x[:, :1] ** 2).to_dict()
    assert Dataset.from_dict(plain).n_in == 2
    if place is None:
        plain["statistics"] = wrong
    else:
        plain["statistics"][place] = wrong
    with refused(words):
        Dataset.from_dict(plain)


# --- Columns in any unit -----------------------------------------------------------------------

UNITS = (
    ((1e6, 0.0), (-1e6, 0.0), (0.0, 0.5), (0.0, -0.5)),
    ((1.0,), (-1.0,), (1.0,), (-1.0,)),
)


@pytest.mark.parametrize("whiten", [True, False])
def test_a_large_unit_beside_a_small_one_hides_nothing(whiten):
    task = Dataset(inputs=UNITS[0], outputs=UNITS[1], whiten=whiten)
    assert task.floor() == pytest.approx(0, abs=1e-12)
    if whiten:
        assert task.singular_values[0] == pytest.approx(1)
    else:
        np.testing.assert_allclose(task.target_map(), [[1e-6, 2.0]], rtol=1e-12)
        assert task.singular_values[0] == pytest.approx(2)


@given(samples(), st.lists(st.floats(-8, 8), min_size=4, max_size=4), st.booleans())
def test_nothing_depends_on_the_units_of_a_column(pair, powers, center):
    """x -> x D: the whitened values and the floor stay, the least-squares map becomes M* D^-1."""
    x, y = pair
    scale = 10.0 ** np.array(powers[: x.shape[1]])
    plain, scaled = (Dataset(inputs=inputs, outputs=y, center=center) for inputs in (x, x * scale))
    size = 1 + plain.moments()[2]
    np.testing.assert_allclose(
        scaled.singular_values, plain.singular_values, rtol=1e-7, atol=1e-7 * size
    )
    assert scaled.floor() == pytest.approx(plain.floor(), rel=1e-7, abs=1e-9 * size)
    plain, scaled = (
        Dataset(inputs=inputs, outputs=y, whiten=False, center=center) for inputs in (x, x * scale)
    )
    np.testing.assert_allclose(
        scaled.target_map() * scale, plain.target_map(), rtol=1e-6, atol=1e-7 * size
    )
    assert scaled.floor() == pytest.approx(plain.floor(), rel=1e-7, abs=1e-9 * size)


def test_the_rank_does_not_depend_on_units_either():
    x = np.random.default_rng(3).normal(size=(30, 3))
    dependent = np.column_stack([x, x @ [1.0, 2.0, -1.0]]) * [1.0, 1e7, 1e-6, 1e3]
    y = x @ [[1.0], [0.5], [2.0]]
    with refused("span all 4 directions, these span 3"):
        Dataset(inputs=dependent, outputs=y)
    task = Dataset(inputs=dependent, outputs=y, whiten=False)
    assert task.floor() == pytest.approx(0, abs=1e-10)
    np.testing.assert_allclose(dependent @ task.target_map().T, y, atol=1e-8)
    smallest = np.linalg.lstsq(dependent, y, rcond=1e-12)[0].T
    assert np.linalg.norm(task.target_map()) == pytest.approx(np.linalg.norm(smallest), rel=1e-6)


def test_a_constant_column_is_no_direction():
    x = np.column_stack([np.arange(6.0), np.full(6, 4.0)])
    with refused("span all 2 directions, these span 1"):
        Dataset(inputs=x, outputs=np.arange(6.0)[:, None], center=True)
