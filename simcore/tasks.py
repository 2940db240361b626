"""What is to be learned: targets and data, reduced to the moments that the loss needs."""

from __future__ import annotations

import math
import re
from dataclasses import InitVar, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from simcore import checks, limits
from simcore.checks import require
from simcore.memory import remembered
from simcore.spec import Spec, later

Moments = tuple[np.ndarray, np.ndarray, float]


class Task(Spec):
    """A target map M* (n_out, n_in) behind inputs with second moment Sigma_xx.

    Loss of a map M: 1/2 tr[(M - M*) Sigma_xx (M - M*)^T] + floor, which for whitened inputs
    (Sigma_xx = I) and no noise is 1/2 ||M - M*||_F^2. M* = U diag(sigma*) V^T has
    R = min(n_in, n_out) modes, zero singular values included.
    """

    n_in: int
    n_out: int
    singular_values: tuple[float, ...]  # sigma*_1 >= ... >= sigma*_R
    source: str = ""  # what a link calls the data that it was made of; empty where it holds them

    @property
    def whitened(self) -> bool:
        """Whether Sigma_xx is the identity, so that modes of aligned starts decouple."""
        return True

    @property
    def private(self) -> bool:
        """Whether it is made of a visitor's own data, of which no shared cache keeps anything."""
        return bool(self.source)

    def target_map(self) -> np.ndarray:
        """M*, shape (n_out, n_in)."""
        return _facts(self).map

    def bases(self) -> tuple[np.ndarray, np.ndarray]:
        """U (n_out, R) and V (n_in, R), the singular bases of M*."""
        facts = _facts(self)
        return facts.left, facts.right

    def moments(self) -> Moments:
        """Sigma_xx (n_in, n_in), Sigma_yx (n_out, n_in), tr Sigma_yy."""
        target = self.target_map()
        return np.eye(self.n_in), target, float((target**2).sum())

    def floor(self) -> float:
        """The part of the loss that no linear map removes, 1/2 (tr Sigma_yy - tr M* Sigma_xy)."""
        return 0.0

    @property
    def sample_count(self) -> int:
        """N."""
        return self.n_in

    def samples(self) -> tuple[np.ndarray, np.ndarray, float]:
        """X (n_in, N), Y (n_out, N) and c of the loss c/2 sum_n ||f(x_n) - y_n||^2.

        Where a task has only its map: one input at a time, X = 1, Y = M* and c = 1, which is the
        loss above for a linear f.
        """
        return np.eye(self.n_in), np.array(self.target_map()), 1.0

    def check_samples(self) -> None:
        """ValueError unless it has `samples`."""

    def _decompose(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """M*, U, sigma*, V."""
        raise NotImplementedError


class _DerivedTask(Task):
    """A task whose sizes and singular values follow from its map."""

    @property
    def n_in(self) -> int:  # type: ignore[override]
        return _facts(self).map.shape[1]

    @property
    def n_out(self) -> int:  # type: ignore[override]
        return _facts(self).map.shape[0]

    @property
    def singular_values(self) -> tuple[float, ...]:  # type: ignore[override]
        return tuple(_facts(self).singular_values.tolist())


class _Facts:
    """Read-only arrays derived from a task, computed once per task."""

    def __init__(self, task: Task) -> None:
        self.map, self.left, self.singular_values, self.right = task._decompose()
        for array in vars(self).values():
            array.setflags(write=False)


@remembered(64)
def _facts(task: Task) -> _Facts:
    return _Facts(task)


def _svd(target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """M*, U, sigma*, V; the largest entry of each left vector is positive, as signs vary."""
    left, values, right = np.linalg.svd(target, full_matrices=False)
    modes = np.arange(len(values))
    signs = np.where(left[np.abs(left).argmax(axis=0), modes] < 0, -1.0, 1.0)
    return target, left * signs, values, right.T * signs


def _check_scale(name: str, values: Any) -> None:
    """Refuse numbers whose squares, of which the loss is made, would overflow or vanish."""
    largest = float(np.abs(values).max())
    require(
        largest == 0 or 1e-100 <= largest <= 1e100,
        f"{name} must be between 1e-100 and 1e100 in size, the largest is {largest:.3g}; "
        "rescale them",
    )


def _checked_source(source: Any) -> str:
    fits = isinstance(source, str) and re.fullmatch(r"[0-9a-z:,]{0,2000}", source)
    require(
        bool(fits),
        "the name of a task's data may have small letters, digits, commas and colons only, at most "
        "2000",
        source,
    )
    return str(source)


@dataclass(frozen=True, kw_only=True)
class Spectrum(Task):
    """Whitened inputs and a diagonal target with the given singular values, largest first.

    Sizes default to the number of values; larger ones add zero singular values.
    """

    singular_values: tuple[float, ...]
    n_in: int = None  # type: ignore[assignment]  # an int once built
    n_out: int = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        largest = limits.current().size
        values = checks.numbers(
            "the singular values",
            self.singular_values,
            "(1.0, 0.6)",
            checks.not_negative,
            each="singular value {}",
        )
        require(
            all(a >= b for a, b in pairwise(values)),
            "the singular values must be sorted from the largest to the smallest, "
            f"got {checks.shown(values)}",
        )
        _check_scale("the singular values", values)
        n = len(values)
        require(n <= largest, f"there may be at most {largest} singular values here, got {n}")
        n_in = checks.count(
            "the number of inputs", n if self.n_in is None else self.n_in, n, largest
        )
        n_out = checks.count(
            "the number of outputs", n if self.n_out is None else self.n_out, n, largest
        )
        padded = values + (0.0,) * (min(n_in, n_out) - n)
        self._set(singular_values=padded, n_in=n_in, n_out=n_out)

    def _decompose(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        values = np.array(self.singular_values)
        left, right = np.eye(self.n_out, len(values)), np.eye(self.n_in, len(values))
        return left * values @ right.T, left, values, right


@dataclass(frozen=True, kw_only=True)
class Tree(_DerivedTask):
    """The semantic tree of Saxe et al. (2019): items are the leaves of a binary tree, features
    its nodes, and an item has the features on its way to the root.

    `levels` branchings give 2^levels items and 2^(levels+1) - 1 features (3: 15 x 8, singular
    values sqrt 15, sqrt 7, sqrt 3 twice, 1 four times). The right singular vectors are the Haar
    wavelets on the leaves: which split of the tree a mode tells apart.
    """

    levels: int = 3

    def __post_init__(self) -> None:
        self._set(levels=checks.count("the number of levels", self.levels, 1, 5))

    def _decompose(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        items = 2**self.levels
        nodes = [np.ones(items)]
        wavelets = [np.ones(items) / math.sqrt(items)]
        for level in range(self.levels):
            for branch in np.split(np.arange(items), 2**level):
                halves = np.split(branch, 2)
                sides = [np.isin(np.arange(items), half).astype(float) for half in halves]
                nodes += sides
                wavelets.append((sides[0] - sides[1]) / math.sqrt(len(branch)))
        target, right = np.array(nodes), np.array(wavelets).T
        images = target @ right
        values = np.linalg.norm(images, axis=0)
        return target, images / values, values, right


@dataclass(frozen=True, kw_only=True)
class Target(_DerivedTask):
    """Whitened inputs and any target matrix M*, given by its rows."""

    rows: tuple[tuple[float, ...], ...]
    source: str = later("")

    def __post_init__(self) -> None:
        largest = limits.current().size
        self._set(source=_checked_source(self.source))
        rows = checks.table("rows", self.rows, largest, largest)
        _check_scale("the entries of rows", rows)
        self._set(rows=checks.tuples(rows))

    def _decompose(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        return _svd(np.array(self.rows))


@dataclass(frozen=True, kw_only=True)
class Dataset(_DerivedTask):
    """Samples by rows: loss 1/(2N) sum ||y - M x||^2. Linear pathways need no more than the
    moments.

    `whiten` replaces x by Sigma_xx^{-1/2} x, so that Sigma_xx = I and M* = Sigma_yx;
    otherwise M* is the least-squares map Sigma_yx Sigma_xx^+. `center` subtracts the means.
    `statistics` is made from `inputs` (N, n_in) and `outputs` (N, n_out) and is what is stored:
    the central second moments of x with x and of y with x, the two means, and the central
    tr Sigma_yy. `keep` stores the samples themselves beside them, as `kept` (x, y), which pathways
    that are not linear need.
    """

    inputs: InitVar[Any] = None
    outputs: InitVar[Any] = None
    keep: InitVar[bool] = False
    whiten: bool = True
    center: bool = False
    statistics: tuple[Any, ...] = field(default=None, repr=False)  # type: ignore[arg-type]
    kept: tuple[Any, ...] | None = field(default=None, repr=False, metadata={"later": True})
    source: str = later("")

    def __post_init__(self, inputs: Any, outputs: Any, keep: bool) -> None:
        self._set(
            whiten=checks.flag("whiten", self.whiten),
            center=checks.flag("center", self.center),
            source=_checked_source(self.source),
        )
        if inputs is not None or outputs is not None or self.statistics is None:
            x, y = _sample_tables(inputs, outputs)
            self._set(statistics=_sample_statistics(x, y))
            if checks.flag("keep", keep):
                self._set(kept=(checks.tuples(x), checks.tuples(y)))
        else:
            self._set(statistics=_checked_statistics(self.statistics))
            if self.kept is not None:
                self._set(kept=_checked_samples(self.kept, self.statistics))
        if self.whiten:
            covariance = self._raw_moments()[0]
            rank = len(_whitener(covariance, 1e-10))
            require(
                rank == len(covariance),
                f"whitening needs inputs that span all {len(covariance)} directions, these span "
                f"{rank}; add samples, drop dependent columns or set whiten=False",
            )

    def _raw_moments(self) -> Moments:
        s_xx, s_yx, mean_x, mean_y, (s_yy,) = (np.array(entry) for entry in self.statistics)
        if self.center:
            return s_xx, s_yx, float(s_yy)
        return (
            s_xx + np.outer(mean_x, mean_x),
            s_yx + np.outer(mean_y, mean_x),
            float(s_yy + mean_y @ mean_y),
        )

    @property
    def whitened(self) -> bool:
        return self.whiten

    def moments(self) -> Moments:
        s_xx, s_yx, s_yy = self._raw_moments()
        if not self.whiten:
            return s_xx, s_yx, s_yy
        return np.eye(len(s_xx)), np.array(_facts(self).map), s_yy

    @property
    def sample_count(self) -> int:
        self.check_samples()
        assert self.kept is not None
        return len(self.kept[0])

    def samples(self) -> tuple[np.ndarray, np.ndarray, float]:
        self.check_samples()
        x, y = (np.array(rows) for rows in self.kept or ())
        if self.center:
            x, y = x - x.mean(axis=0), y - y.mean(axis=0)
        if self.whiten:
            x = x @ _root_whitener(self._raw_moments()[0])
        return x.T, y.T, 1 / len(x)

    def check_samples(self) -> None:
        require(
            self.kept is not None,
            "pathways that are not linear need the samples themselves, and this data set has kept "
            "only its moments; build it with keep=True",
        )

    def floor(self) -> float:
        s_xx, s_yx, s_yy = self._raw_moments()
        explained = float(((s_yx @ _whitener(s_xx).T) ** 2).sum())
        return max(0.0, 0.5 * (s_yy - explained))

    def _decompose(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        s_xx, s_yx, _ = self._raw_moments()
        if self.whiten:
            return _svd(s_yx @ _root_whitener(s_xx))
        white = _whitener(s_xx)
        least = s_yx @ white.T @ white
        if len(white) < len(s_xx):  # of all least-squares maps the smallest
            span = np.linalg.qr(s_xx @ white.T)[0]
            least = least @ span @ span.T
        return _svd(least)


def _whitener(s_xx: np.ndarray, smallest: float = 1e-12) -> np.ndarray:
    """B (rank, n_in) with B Sigma_xx B^T = I.

    The rank counts directions whose variance is at least `smallest` of the largest once every
    column has variance 1, so it does not depend on the columns' units.
    """
    spread = np.sqrt(np.maximum(s_xx.diagonal(), 0.0))
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    values, vectors = np.linalg.eigh(scale[:, None] * s_xx * scale)
    kept = values > smallest * max(values[-1], 0.0)
    return (vectors[:, kept] / np.sqrt(values[kept])).T * scale


def _root_whitener(s_xx: np.ndarray) -> np.ndarray:
    """Sigma_xx^{-1/2} = (B^T B)^{1/2} = B^T Q, with Q the polar factor of B."""
    white = _whitener(s_xx)
    left, _, right = np.linalg.svd(white)
    return white.T @ (left @ right)


def _sample_tables(inputs: Any, outputs: Any) -> tuple[np.ndarray, np.ndarray]:
    """x (N, n_in) and y (N, n_out), checked."""
    for name, value in (("inputs", inputs), ("outputs", outputs)):
        require(value is not None, f"a Dataset needs inputs and outputs; {name} is missing")
    most = limits.current()
    x = checks.table("inputs", inputs, most.samples, most.size)
    y = checks.table("outputs", outputs, most.samples, most.size)
    require(
        len(x) == len(y),
        f"inputs and outputs need one row per sample each; got {len(x)} and {len(y)} rows",
    )
    _check_scale("inputs", x)
    _check_scale("outputs", y)
    return x, y


def _sample_statistics(x: np.ndarray, y: np.ndarray) -> tuple[Any, ...]:
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    x, y, n = x - mean_x, y - mean_y, len(x)
    s_xx, s_yx, s_yy = x.T @ x / n, y.T @ x / n, (y**2).sum() / n
    means = (tuple(mean_x.tolist()), tuple(mean_y.tolist()))
    return (checks.tuples(s_xx), checks.tuples(s_yx), *means, (float(s_yy),))


def _checked_samples(kept: Any, statistics: tuple[Any, ...]) -> tuple[Any, ...]:
    """Samples as they come back from JSON, refused if the statistics are not theirs."""
    both = isinstance(kept, tuple) and len(kept) == 2
    require(both, "a saved Dataset's samples must be inputs and outputs; save it again")
    x, y = _sample_tables(*kept)
    for ours, theirs in zip(_sample_statistics(x, y), statistics, strict=True):
        one, other = np.array(ours), np.array(theirs)
        alike = one.shape == other.shape and bool(
            np.allclose(one, other, rtol=1e-9, atol=1e-9 * np.abs(other).max(initial=0.0))
        )
        require(alike, "a saved Dataset's statistics must be those of its samples; save it again")
    return checks.tuples(x), checks.tuples(y)


def _checked_statistics(statistics: Any) -> tuple[Any, ...]:
    """Statistics as they come back from JSON, refused if no samples can have them."""
    require(
        isinstance(statistics, tuple) and len(statistics) == 5,
        "a saved Dataset needs 5 statistics (xx, yx, mean x, mean y, yy); save it again",
    )
    most = limits.current().size
    s_xx = checks.table("statistics xx", statistics[0], most, most)
    s_yx = checks.table("statistics yx", statistics[1], most, most)
    mean_x = checks.numbers("statistics mean x", statistics[2], "(0.0,)")
    mean_y = checks.numbers("statistics mean y", statistics[3], "(0.0,)")
    s_yy = checks.numbers("statistics yy", statistics[4], "(1.0,)", checks.not_negative)
    n_in, n_out = len(mean_x), len(mean_y)
    fits = s_xx.shape == (n_in, n_in) and s_yx.shape == (n_out, n_in) and len(s_yy) == 1
    require(fits, "a saved Dataset's statistics must fit each other in size; save it again")
    spread_x, spread_y = np.sqrt(np.abs(s_xx)), math.sqrt(s_yy[0])
    _check_scale("a saved Dataset's inputs", np.append(spread_x, mean_x))
    _check_scale("a saved Dataset's outputs", [spread_y, *mean_y])
    scale = np.abs(s_xx).max()
    require(
        bool(np.allclose(s_xx, s_xx.T, rtol=0, atol=1e-12 * scale))
        and float(np.linalg.eigvalsh(s_xx)[0]) >= -1e-10 * scale,
        "a saved Dataset's second moments must be symmetric and not negative; save it again",
    )
    largest = spread_y * spread_x.diagonal()  # Cauchy and Schwarz
    require(
        bool((np.abs(s_yx) <= largest + 1e-9 * largest.max()).all()),
        "a saved Dataset's outputs must not vary with its inputs more than they vary at all; "
        "save it again",
    )
    return (checks.tuples(s_xx), checks.tuples(s_yx), mean_x, mean_y, s_yy)
