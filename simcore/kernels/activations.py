"""What a layer does to its outputs one by one: phi, and its first and second derivatives.

Both functions here have derivatives that their value tells: with z = phi(a), tanh has
phi' = 1 - z^2 and phi'' = -2 z phi', ReLU has phi' = 1 where z > 0, else 0, and phi'' = 0. So z
alone is kept.
"""

import numpy as np

from simcore.kernels.simd import (
    WHOLE,
    fma,
    larger,
    load,
    power_of_two,
    smaller,
    splat,
    store,
    where_at_most,
)
from simcore.kernels.stamp import inlined_kernel, kernel

LINEAR, TANH, RELU = np.int64(0), np.int64(1), np.int64(2)

FULL = 20.0  # from here on tanh rounds to 1
LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.693145751953125, 1.4286068203094172e-06  # together ln 2, n LN2_HIGH exact
# (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, Taylor's series to beyond the last bit.
SERIES = (
    1 / 6227020800,
    1 / 479001600,
    1 / 39916800,
    1 / 3628800,
    1 / 362880,
    1 / 40320,
    1 / 5040,
    1 / 720,
    1 / 120,
    1 / 24,
    1 / 6,
    1 / 2,
)


@inlined_kernel
def tanh(x):
    """tanh of four numbers, (e^{2x} - 1) / (e^{2x} + 1), within 4e-16 of each; odd to the last bit.

    With 2|x| = n ln 2 + r, e^{2|x|} - 1 = 2^n (e^r - 1) + (2^n - 1), which cancels nothing.
    """
    size = larger(x, splat(0.0) - x)
    y = smaller(splat(FULL), size)  # in this order nan stays nan
    y = y + y
    shifted = fma(y, splat(LOG2_E), splat(WHOLE))
    n = shifted - splat(WHOLE)
    r = fma(n, splat(-LN2_LOW), fma(n, splat(-LN2_HIGH), y))
    tail = splat(SERIES[0])
    for k in range(1, 12):
        tail = fma(tail, r, splat(SERIES[k]))
    power = power_of_two(shifted)
    less = fma(power, fma(r * r, tail, r), power - splat(1.0))
    value = less / (less + splat(2.0))
    return where_at_most(x, splat(0.0), splat(0.0) - value, value)


@kernel
def activate(activation, values, size):
    """values = phi(values), for `size` numbers, a multiple of four."""
    if activation == TANH:
        for n in range(0, size, 4):
            store(values, n, tanh(load(values, n)))
    elif activation == RELU:
        nothing = splat(0.0)
        for n in range(0, size, 4):
            store(values, n, larger(load(values, n), nothing))


@kernel
def times_slope(activation, values, pulls, size):
    """pulls *= phi', of the activations `values`."""
    if activation == TANH:
        one = splat(1.0)
        for n in range(0, size, 4):
            z = load(values, n)
            store(pulls, n, load(pulls, n) * (one - z * z))
    elif activation == RELU:
        nothing = splat(0.0)
        for n in range(0, size, 4):
            pull = load(pulls, n)
            store(pulls, n, where_at_most(load(values, n), nothing, nothing, pull))


@kernel
def add_bend(activation, values, pulls, moves, out, size):
    """out += phi'' d Ra, from the activations `values`, the `pulls` d phi' and the `moves` Ra."""
    if activation == TANH:
        for n in range(0, size, 4):
            twice = splat(-2.0) * load(values, n) * load(pulls, n)
            store(out, n, fma(twice, load(moves, n), load(out, n)))
