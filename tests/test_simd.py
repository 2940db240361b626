"""What the compiled vector operations do, against what their Python bodies say."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from simcore.kernels.simd import (
    WIDE_LANES,
    add_in_turn,
    add_up,
    at,
    fma,
    larger,
    load,
    load_like,
    load_wide,
    padded,
    smaller,
    splat,
    splat_like,
    store,
    turn,
    where_at_most,
)
from simcore.kernels.stamp import BARE

ODD = [0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, 1e308, 5e-324]


def arithmetic(x, out):
    a, b, c = load(at(x, 0), 0), load(at(x, 0), 4), load(at(at(x, 3), 5), 0)
    place = at(out, 0)
    store(place, 0, a + b)
    store(place, 4, a - b)
    store(place, 8, a * b)
    store(place, 12, smaller(a, b))
    store(place, 16, larger(a, b))
    store(place, 20, where_at_most(a, b, c, splat(7.0)))
    store(place, 24, splat(x[2]))
    out[28] = add_up(a)
    out[29] = add_in_turn(x[9], b)


def wide_arithmetic(x, out):
    a, b = load_wide(at(x, 0), 0), load_wide(at(x, 0), 8)
    c, seven = load_like(a, at(x, 3), 5), splat_like(a, 7.0)
    place = at(out, 0)
    store(place, 0, a + b)
    store(place, 8, a - b)
    store(place, 16, a * b)
    store(place, 24, smaller(a, b))
    store(place, 32, larger(a, b))
    store(place, 40, where_at_most(a, b, c, seven))
    store(place, 48, splat_like(load(at(x, 0), 0), x[2]))
    store(place, 52, load_like(load(at(x, 0), 0), at(x, 0), 5))


compiled_arithmetic = njit(**BARE)(arithmetic)
compiled_wide_arithmetic = njit(**BARE)(wide_arithmetic)


def products(x, out):
    a, b, c, d = (load(at(x, 0), 4 * n) for n in range(4))
    store(at(out, 0), 0, fma(a, b, c))
    for n, column in enumerate(turn(a, b, c, d)):
        store(at(out, 4), 4 * n, column)


@njit(**BARE)
def compiled_products(x, out):
    p = at(x, 0)
    a, b, c, d = load(p, 0), load(p, 4), load(p, 8), load(p, 12)
    store(at(out, 0), 0, fma(a, b, c))
    r0, r1, r2, r3 = turn(a, b, c, d)
    q = at(out, 4)
    store(q, 0, r0)
    store(q, 4, r1)
    store(q, 8, r2)
    store(q, 12, r3)


def numbers(seed):
    rng = np.random.default_rng(seed)
    odd = rng.random(16) < (0.5 if seed else 0.0)
    return np.where(odd, rng.choice(ODD, 16), rng.standard_normal(16))


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize(
    ("plain", "compiled", "size"),
    [(arithmetic, compiled_arithmetic, 30), (wide_arithmetic, compiled_wide_arithmetic, 56)],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bits_of_plain_arithmetic(seed, plain, compiled, size):
    x = numbers(seed)
    expected, actual = np.zeros(size), np.zeros(size)
    plain(x, expected)
    compiled(x, actual)
    same = (expected == actual) & (np.signbit(expected) == np.signbit(actual))
    assert (same | (np.isnan(expected) & np.isnan(actual))).all()


@pytest.mark.parametrize("seed", range(10))
def test_products_rounded_once_at_best(seed):
    x = np.random.default_rng(seed).standard_normal(16)
    expected, actual = np.zeros(20), np.zeros(20)
    products(x, expected)
    compiled_products(x, actual)
    assert actual[:4] == pytest.approx(expected[:4], abs=4e-16 * np.abs(x).max() ** 2)
    assert (actual[4:] == expected[4:]).all()
    assert (actual[4:].reshape(4, 4) == x.reshape(4, 4).T).all()


@pytest.mark.parametrize(("n", "wanted"), [(1, 4), (4, 4), (5, 8), (8, 8), (0, 0)])
def test_padding(n, wanted):
    assert padded(n) == wanted
    assert padded(2 * n, WIDE_LANES) == 2 * wanted
