"""The largest eigenvalues of the Hessian of full weights, by Lanczos iteration."""

from typing import NamedTuple

import numpy as np

from simcore.kernels.frames import framed_product, lay, take_out
from simcore.kernels.matrices import backpropagate, evaluate, rests
from simcore.kernels.products import add_scaled, dot, set_scaled
from simcore.kernels.simd import add_up, at, copy, fma, load, splat, store
from simcore.kernels.stamp import inner_kernel, kernel, shared_kernel

NONE = np.int64(0)  # NumPy's, because Numba would compile a function anew for each literal


RESTARTS = 60
MIX = 0.02  # share of noise in a warm start, so that an overtaking eigenvector is never missed
ROUNDING = 1e-14  # of the largest number: a Krylov space ends there
ROUNDED = 1e-15  # what rounding makes of <q_j, q_i> in a step
LEANING = 1e-10  # of <q_j, q_i> at most, far below what an eigenvector's residual may be
PAIR, RESTART, STEP, STATE = range(4)  # of Search.place
VALUE, RESIDUAL, SCALE = range(3)  # of Search.best


class Search(NamedTuple):
    """How far an eigenvalue iteration has come, so that another call can go on with it."""

    place: np.ndarray  # (4,) int64: eigenpairs found; restarts and Krylov steps of the next one;
    # states that are done
    best: np.ndarray  # (3,) its Ritz value, residual and scale


class Known(NamedTuple):
    """What is kept from state to state."""

    theta: np.ndarray  # (N,) of the state before, nan where that is of no use
    vectors: np.ndarray  # (k, n) its eigenvectors in coordinates: the guesses
    noise: np.ndarray  # (k, n) in coordinates, of where it was first needed
    noise_here: np.ndarray  # (k, n) in those of the state before
    values: np.ndarray  # (k,)
    residuals: np.ndarray  # (k,)
    mix: np.ndarray  # (1,) the share of noise in a start


class Lanczos(NamedTuple):
    """Scratch of the eigenvalue iteration."""

    basis: np.ndarray  # (m + 1, N) Krylov vectors
    alpha: np.ndarray  # (m,)
    beta: np.ndarray  # (m,)
    ritz: np.ndarray  # (m,)
    leanings: np.ndarray  # (2, m + 1) estimates of <q_j, q_i>; see `_leaning`
    due: np.ndarray  # (1,) int64, whether all vectors have to be taken out of the next


@kernel
def remove(basis, count, vector):
    """vector -= its part in the span of the first `count` orthonormal rows, four at a time."""
    size, rest = vector.size, at(vector, 0)
    whole = count & ~3
    for j in range(0, whole, 4):
        a, b, c, d = at(basis[j], 0), at(basis[j + 1], 0), at(basis[j + 2], 0), at(basis[j + 3], 0)
        p = q = r = s = splat(0.0)
        for n in range(0, size, 4):
            v = load(rest, n)
            p, q = fma(load(a, n), v, p), fma(load(b, n), v, q)
            r, s = fma(load(c, n), v, r), fma(load(d, n), v, s)
        p, q, r, s = splat(-add_up(p)), splat(-add_up(q)), splat(-add_up(r)), splat(-add_up(s))
        for n in range(0, size, 4):
            v = fma(p, load(a, n), fma(q, load(b, n), load(rest, n)))
            store(rest, n, fma(r, load(c, n), fma(s, load(d, n), v)))
    for j in range(whole, count):
        direction = at(basis[j], 0)
        add_scaled(-dot(direction, rest, size), direction, rest, size)


@kernel
def norm(vector):
    return np.sqrt(dot(at(vector, 0), at(vector, 0), vector.size))


@inner_kernel
def purge(vectors, p, basis, m, image, before):
    """Make image orthogonal to the first p vectors and m rows of the basis; return what is left.

    `before` is the length of what should be orthogonal but for rounding errors, or 0. A removal
    leaves errors in proportion to what it removed, so it is done again where that was not little.
    """
    after = 0.0
    for _ in range(3):
        remove(vectors, p, image)
        remove(basis, m, image)
        after = norm(image)
        if before > 0.0 and after > 0.5 * before:
            break
        before = after
    return after


@kernel
def _less_with_overlaps(scale, a, image, b, size):
    """image -= scale a; return its length, <image, a> and <image, b>."""
    factor, whole = splat(-scale), size & ~7
    l0 = l1 = a0 = a1 = b0 = b1 = splat(0.0)
    for n in range(0, whole, 8):  # two sums of each, because each waits for its last addition
        x, y = load(a, n), load(a, n + 4)
        v, w = fma(factor, x, load(image, n)), fma(factor, y, load(image, n + 4))
        store(image, n, v)
        store(image, n + 4, w)
        l0, l1, a0, a1 = fma(v, v, l0), fma(w, w, l1), fma(v, x, a0), fma(w, y, a1)
        b0, b1 = fma(v, load(b, n), b0), fma(w, load(b, n + 4), b1)
    for n in range(whole, size, 4):
        x = load(a, n)
        v = fma(factor, x, load(image, n))
        store(image, n, v)
        l0, a0, b0 = fma(v, v, l0), fma(v, x, a0), fma(v, load(b, n), b0)
    length = np.sqrt(add_up(l0) + add_up(l1))
    return length, add_up(a0) + add_up(a1), add_up(b0) + add_up(b1)


@kernel
def _less_two(scale, a, other, b, image, size):
    """image -= scale a + other b; return its length."""
    f, g, whole = splat(-scale), splat(-other), size & ~7
    l0 = l1 = splat(0.0)
    for n in range(0, whole, 8):
        v = fma(g, load(b, n), fma(f, load(a, n), load(image, n)))
        w = fma(g, load(b, n + 4), fma(f, load(a, n + 4), load(image, n + 4)))
        store(image, n, v)
        store(image, n + 4, w)
        l0, l1 = fma(v, v, l0), fma(w, w, l1)
    for n in range(whole, size, 4):
        v = fma(g, load(b, n), fma(f, load(a, n), load(image, n)))
        store(image, n, v)
        l0 = fma(v, v, l0)
    return np.sqrt(add_up(l0) + add_up(l1))


@kernel
def _above(value, coupling, corner):
    """Largest eigenvalue of the 2 x 2 matrix (value, coupling; coupling, corner)."""
    half = 0.5 * (corner - value)
    root = np.hypot(half, coupling)  # their squares may underflow
    if half > 0.0:
        return value + half + root
    return value + (coupling / (root - half) * coupling if coupling > 0.0 else 0.0)


@kernel
def _top_ritz(alpha, beta, m, below, residual, scale, ritz):
    """Largest eigenvalue of the m x m tridiagonal matrix (alpha; beta); its eigenvector to ritz.

    Newton's method on the last pivot of elimination from the bottom up, f_m = alpha_m - x and
    f_j = alpha_j - x - beta_j^2 / f_{j+1}: the largest root of f_1 is the eigenvalue, the
    eigenvector has s_{j+1} = -s_j beta_j / f_{j+1} and s_1^2 = -1 / f_1'. The smaller s_1, the
    closer the other pivots come to 0 and the less exact is the vector; every start leans on the
    eigenvector by the share of noise in it, which is enough.

    `below` and `residual` are what came out for m - 1. The eigenvalue is at least that of the 2 x 2
    matrix that stands for the last Ritz vector and the new direction, and at most that of the one
    that lets the new direction couple to `below` in full.
    """
    ritz[0] = 1.0
    if m == 1:
        return alpha[0]
    low, high = _above(below, residual, alpha[m - 1]), _above(below, beta[m - 2], alpha[m - 1])
    x = low
    for _ in range(200):
        f, slope, j = alpha[m - 1] - x, -1.0, m - 2
        while j >= 0 and f < 0.0:
            ratio = beta[j] / f
            slope = ratio * ratio * slope - 1.0
            f = alpha[j] - x - beta[j] * ratio
            j -= 1
        if j < 0 and f <= 0.0:
            high = x
        else:
            low = x
        y = x - f / slope if j < 0 else low
        if j < 0 and abs(y - x) <= 1e-13 * scale:  # Newton's next step would be below rounding
            x = max(y, below)
            break
        if not low < y < high:
            y = 0.5 * (low + high)
            if not low < y < high:
                x = high
                break
        x = y
    f, total = alpha[m - 1] - x, 1.0
    for j in range(m - 2, -1, -1):
        if not f < 0.0:
            f = -1e-17 * scale
        ritz[j + 1] = -beta[j] / f
        f = alpha[j] - x + beta[j] * ritz[j + 1]
    for j in range(1, m):
        ritz[j] *= ritz[j - 1]
        total += ritz[j] * ritz[j]
    for j in range(m):
        ritz[j] /= np.sqrt(total)
    return x


@kernel
def _leaning(alpha, beta, j, leanings):
    """The largest estimate of <q_{j+1}, q_i> over i <= j; write them all to leanings[1], where
    those of q_j are, and those to leanings[0], where those of q_{j-1} are.

    H times both vectors, each by its own recurrence (H. Simon, Linear Algebra Appl. 61, 1984):

        beta_j <q_{j+1}, q_i> = beta_i <q_j, q_{i+1}> + (alpha_i - alpha_j) <q_j, q_i>
                                + beta_{i-1} <q_j, q_{i-1}> - beta_{j-1} <q_{j-1}, q_i>
    """
    before, now = leanings[0], leanings[1]
    scale = left = 0.0  # left = <q_j, q_{i-1}>
    for i in range(j + 1):
        scale = max(scale, abs(alpha[i]) + beta[i])
    largest = error = ROUNDED * scale / beta[j]
    for i in range(j):
        x = beta[i] * now[i + 1] + (alpha[i] - alpha[j]) * now[i] - beta[j - 1] * before[i]
        if i > 0:
            x += beta[i - 1] * left
        left = before[i] = now[i]
        now[i] = x / beta[j] + (error if x > 0.0 else -error)
        largest = max(largest, abs(now[i]))
    before[j], now[j], now[j + 1] = 1.0, error, 1.0
    return largest


@kernel
def begin(lanczos, vectors, p, length):
    """Make the first Krylov vector a unit vector orthogonal to the first p vectors. `length`: its
    own, or 0 where it is not orthogonal to them yet."""
    basis, leanings = lanczos.basis, lanczos.leanings
    if length == 0.0:
        length = purge(vectors, p, basis, NONE, basis[0], 0.0)
    set_scaled(1.0 / length, at(basis[0], 0), at(basis[0], 0), basis.shape[1])
    leanings[:] = 0.0
    leanings[1, 0], lanczos.due[0] = 1.0, 0


@inner_kernel
def step(theta, layout, problem, work, tangent, frame, lanczos, m, vectors, p):
    """The m-th Krylov vector times the Hessian, made orthogonal to the m there are and to the first
    p vectors; write it behind them, alpha and beta. Return its length.

    The recurrence keeps it so but for rounding, which grows as an eigenvector is found. All vectors
    are taken out where what they may have of each other is more than LEANING, in the step after
    it, which leans on two, and where little is left of the image.
    """
    basis, alpha, beta, n = lanczos.basis, lanczos.alpha, lanczos.beta, vectors.shape[1]
    image, last, before_last = at(basis[m], 0), at(basis[m - 1], 0), at(basis[max(0, m - 2)], 0)
    coupling = beta[m - 2] if m > 1 else 0.0
    framed_product(theta, layout, problem, work, tangent, frame, basis[m - 1], basis[m])
    _, _, alpha[m - 1] = _less_with_overlaps(coupling, before_last, image, last, n)
    before, of_last, of_other = _less_with_overlaps(alpha[m - 1], last, image, before_last, n)
    remove(vectors, p, basis[m])
    beta[m - 1] = left = _less_two(of_last, last, of_other if m > 1 else 0.0, before_last, image, n)
    leans = not _leaning(alpha, beta, m - 1, lanczos.leanings) <= LEANING
    if leans or lanczos.due[0] > 0 or not left > 0.5 * before:
        lanczos.due[0] = 1 if leans and lanczos.due[0] == 0 else 0
        beta[m - 1] = purge(vectors, p, basis, m, basis[m], left)
        for i in range(m):
            lanczos.leanings[1, i] = ROUNDED
    return beta[m - 1]


@shared_kernel
def lengthen(theta, layout, problem, work, tangent, frame, lanczos, start, stop, vectors, p):
    """Go on from `start` to `stop` Krylov vectors, orthogonal to the first p vectors; return how
    many there are, fewer where the space ends. With start 0, row 0 of the basis is the first, of
    any length."""
    basis, scale = lanczos.basis, 0.0
    if start == 0:
        begin(lanczos, vectors, p, 0.0)
    for m in range(1, stop + 1):
        if m > start:
            step(theta, layout, problem, work, tangent, frame, lanczos, m, vectors, p)
        length = lanczos.beta[m - 1]
        scale = max(scale, abs(lanczos.alpha[m - 1]), length)
        if not length > ROUNDING * scale:
            return m
        if m > start:
            set_scaled(1.0 / length, at(basis[m], 0), at(basis[m], 0), basis.shape[1])
    return stop


@inner_kernel
def top_eigenpairs(
    theta,
    layout,
    problem,
    work,
    tangent,
    frame,
    lanczos,
    known,
    tol,
    search,
    most,
):
    """The k largest (algebraic) eigenvalues of the Hessian, each in the complement of those before.

    Lanczos with reorthogonalisation, restarted from the Ritz vector. Reads theta (work must
    hold evaluate and backpropagate there) and the vectors known, the guesses, of which each start
    mixes `mix` parts of the row of noise so that no eigenvector is missing from it; writes
    vectors, values and residuals = ||Hv - lambda v||, within the complement at most `tol` times the
    largest |Ritz value| unless the products run out. Return the number of products: after about
    `most` of them it leaves off, to be called again with the same scratch and `search`, until
    search.place[PAIR] is k.

    The complement makes repeated eigenvalues come out as often as they are there.
    """
    vectors, values, residuals = known.vectors, known.values, known.residuals
    n = vectors.shape[1]
    size = n if frame.narrow else layout.size
    basis, alpha, beta, ritz = lanczos.basis, lanczos.alpha, lanczos.beta, lanczos.ritz
    start = at(basis[0], 0)
    p, restart, m = search.place[PAIR], search.place[RESTART], search.place[STEP]
    value, residual, scale = search.best[VALUE], search.best[RESIDUAL], search.best[SCALE]
    products = 0
    while p < values.size:
        room = min(alpha.size, size - p)
        vector, length = at(vectors[p], 0), 1.0
        if m == 0:
            set_scaled(1.0, vector, start, n)
            add_scaled(known.mix[0], at(known.noise_here[p], 0), start, n)
            length = 0.0
        while restart < RESTARTS:
            if m == 0:
                begin(lanczos, vectors, p, length)
                value, residual, scale = 0.0, 0.0, 0.0
            while m < room:
                m += 1
                length = step(theta, layout, problem, work, tangent, frame, lanczos, m, vectors, p)
                products += 1
                scale = max(scale, abs(alpha[m - 1]), length)
                value = _top_ritz(alpha, beta, m, value, residual, scale, ritz)
                residual = length * abs(ritz[m - 1])
                if residual <= tol * scale or not length > ROUNDING * scale:
                    break
                set_scaled(1.0 / length, at(basis[m], 0), at(basis[m], 0), n)
                if products >= most:
                    search.place[PAIR], search.place[RESTART], search.place[STEP] = p, restart, m
                    search.best[VALUE], search.best[RESIDUAL] = value, residual
                    search.best[SCALE] = scale
                    return products
            set_scaled(ritz[0], start, vector, n)
            for j in range(1, m):
                add_scaled(ritz[j], at(basis[j], 0), vector, n)
            length = norm(vectors[p])
            set_scaled(1.0 / length, vector, vector, n)
            if not residual > tol * scale or m == size - p:
                break
            set_scaled(1.0, vector, start, n)
            length, m = 1.0, 0
            restart += 1
        if p > 0:  # the complement hid how far H v leans on the eigenvectors before
            image = basis[0]
            framed_product(theta, layout, problem, work, tangent, frame, vectors[p], image)
            products += 1
            add_scaled(-value, vector, at(image, 0), n)
            residual = norm(image)
        values[p], residuals[p] = value, residual
        p += 1
        restart = m = 0
    search.place[PAIR] = p
    return products


@kernel
def _largest_first(known):
    """Sort the eigenpairs, by exchanges of neighbours."""
    values, residuals, vectors = known.values, known.residuals, known.vectors
    for end in range(values.size - 1, 0, -1):
        for p in range(end):
            if values[p] < values[p + 1]:
                values[p], values[p + 1] = values[p + 1], values[p]
                residuals[p], residuals[p + 1] = residuals[p + 1], residuals[p]
                one, other = at(vectors[p], 0), at(vectors[p + 1], 0)
                for n in range(0, vectors.shape[1], 4):
                    kept = load(one, n)
                    store(one, n, load(other, n))
                    store(other, n, kept)


@inner_kernel
def _arrive(theta, whole, layout, problem, work, slope, frame, known):
    """Make work, frame and guesses those of theta."""
    evaluate(theta, whole, problem, work)
    set_scaled(0.0, at(theta, 0), at(slope, 0), theta.size)
    backpropagate(theta, whole, problem, work, 1.0, slope)
    copy(at(theta, 0), at(known.theta, 0), theta.size)
    copy(at(known.noise, 0), at(known.noise_here, 0), known.noise.size)
    if frame.narrow:
        lay(layout, work, frame)
        take_out(layout, work, frame, known.vectors)
        take_out(layout, work, frame, known.noise_here)


@kernel
def along(
    states,
    starts,
    rest,
    whole,
    layout,
    problem,
    work,
    slope,
    tangent,
    frame,
    lanczos,
    known,
    tol,
    search,
    most,
    values,
    residuals,
):
    """`top_eigenpairs` at each of the states (K, N) in turn, from the eigenvectors of the one
    before; values and residuals (K, k) largest first, nan where numbers have overflowed.

    Where no weight of a layer, from starts[l] to starts[l + 1], is farther from what it was than
    `rest` of its largest, nothing is solved again. The loss is that of the `whole` layout, the
    Hessian that of the weights of `layout`. `slope` (N,) is scratch. Return the number of products:
    after about `most` of them it leaves off, to be called again with the same scratch, until
    search.place[STATE] is K.
    """
    place, products, k = search.place, 0, known.values.size
    while place[STATE] < states.shape[0] and products < most:
        state = place[STATE]
        theta, begun = states[state], place[PAIR] + place[RESTART] + place[STEP] > 0
        if begun or not rests(theta, known.theta, starts, rest):
            if not begun:
                _arrive(theta, whole, layout, problem, work, slope, frame, known)
            left = most - products
            products += top_eigenpairs(
                theta, layout, problem, work, tangent, frame, lanczos, known, tol, search, left
            )
            if place[PAIR] < k:
                break
            place[PAIR] = place[RESTART] = place[STEP] = 0
            known.mix[0] = MIX
            for p in range(k):
                if not np.isfinite(known.residuals[p]):
                    known.mix[0], known.values[p] = 1.0, np.nan
            if known.mix[0] == 1.0:  # begin anew
                first = at(known.vectors, 0)
                set_scaled(0.0, at(known.noise, 0), first, known.vectors.size)
            _largest_first(known)
        copy(at(known.values, 0), at(values, state * k), k)
        copy(at(known.residuals, 0), at(residuals, state * k), k)
        place[STATE] = state + 1
    return products
