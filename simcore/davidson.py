"""Several eigenvalues of a Hessian at once: the block Davidson method."""

from __future__ import annotations

import numpy as np

from simcore.frames import Coordinates
from simcore.kernels import davidson as kernels
from simcore.kernels.simd import padded, zeros
from simcore.lanczos import Lanczos
from simcore.looks import Look
from simcore.places import Accuracy, Method, Pairs, Place

GUARD = 1  # eigenvectors followed beyond those asked for, lest one overtakes unseen
CHAIN = 3  # Krylov vectors of noise that join in for the same reason; corrections would ignore them
MOST = 14  # times that the basis may grow before Lanczos takes over
NEAR = 1e-3  # of an eigenvalue: nearer ones of K count as so far away
MOVED = 1e-4  # relative change of K from which its eigenvectors join in
STALE = 0.1  # relative change from which it is diagonalised anew
SHARE = 0.5  # of the Hessian's largest eigenvalue that K's must have for the two to be alike


class Davidson(Method):
    """The k largest eigenvalues of the Hessian, warm-started from the call before.

    The basis grows by the residuals r = H v - lambda v of all pairs not yet exact, each corrected
    by the inverse of what the Hessian is at a minimum, J^T J with J v = dM Sigma_xx^{1/2}:

        lambda (J^T J - lambda)^{-1} r = -r + J^T (K - lambda)^{-1} J r

    K = J J^T, (n_out n_in)^2 numbers, is sum_l B_l B_l^T (x) Sigma_xx^{1/2} A^T A Sigma_xx^{1/2}
    over the layers, A = A_{l-1} and B_l the maps below and above. At the start, on a plateau and
    wherever else the Hessian is not like that it is left to Lanczos.
    """

    def __init__(self, lanczos: Lanczos) -> None:
        """For as many eigenvalues as `lanczos` finds, in its coordinates and with its noise."""
        super().__init__(lanczos.coordinates, lanczos.noise.shape[1])
        self.lanczos = lanczos
        self.k = len(lanczos.noise)
        coordinates, rows = self.coordinates, padded(self.k + GUARD + 1)
        room = (MOST + 2) * rows
        self.basis, self.images = zeros(2, room, coordinates.size)
        self.fresh, self.found = zeros(2, rows, coordinates.size)
        self.left = zeros(self.k + padded(GUARD), coordinates.size)
        self.overlaps, self.lengths = np.zeros((room, room)), np.zeros(rows)
        self.numbers = zeros(4 * room)
        self.vectors = zeros(self.k + GUARD, coordinates.size)
        self.largest = np.inf  # eigenvalue of the call before
        self.inverse = _GaussNewton(coordinates)
        self.grown = 0

    @property
    def products(self) -> int:
        """Hessian-vector products so far."""
        return self.grown + self.lanczos.products

    def begin_from(self, vectors: np.ndarray) -> None:
        """Take these, in coordinates, for the eigenvectors of the call before."""
        self.vectors[: len(vectors)] = vectors

    def solve(self, place: Place, accuracy: Accuracy, look: Look) -> Pairs:
        self.coordinates.move_to(place.work)
        pairs = None
        if self.inverse.move_to(place, SHARE * self.largest):
            pairs = self._grow(place, accuracy, look)
        if pairs is None:
            self.lanczos.vectors[:] = self.vectors[: self.k]
            pairs = self.lanczos.solve(place, accuracy, look)
            self.vectors[: self.k] = self.lanczos.vectors
        self.largest = float(pairs[0][0])
        return pairs

    def _grow(self, place: Place, accuracy: Accuracy, look: Look) -> Pairs | None:
        """Values and residuals by Davidson's method, None if that would take too long."""
        count, pairs = self._begin(place), None
        for _ in range(MOST):
            look()
            overlaps = self.overlaps[:count, :count]
            if count == 0 or not np.isfinite(overlaps).all():  # numbers have overflowed
                return None
            ritz, turns = np.linalg.eigh(overlaps)
            ritz, turns = ritz[::-1], np.ascontiguousarray(turns.T[::-1])
            still, residuals = self._inexact(ritz, turns, accuracy)
            if len(still) == 0:
                pairs = ritz[: self.k].copy(), residuals
                break
            new = self.fresh[: len(still)]
            new[:] = self.left[still]
            self.inverse.correct(place, ritz[still], new)
            start, count = count, self._extend(count, len(still))
            if count == start:
                break
            self._apply(place, start, count)
        kernels.combine(self._first(turns, len(self.found)), self.basis, self.found)
        self.vectors[:] = self.found[: len(self.vectors)]
        return pairs

    def _begin(self, place: Place) -> int:
        """A Krylov space of noise, the vectors of the call before and, unless they are its, those
        that the inverse would have if the weights were a minimum; how many they are."""
        k = len(self.vectors)
        self.coordinates.kept(place.work, self.vectors, self.vectors)
        self.basis[0], self.fresh[:k] = self.lanczos.noise_at(place, 1)[0], self.vectors
        begun = int(
            kernels.chain(
                *self.here(place), self.basis, self.images, CHAIN, self.overlaps, self.numbers
            )
        )
        self.grown += begun
        count = self._extend(begun, k)
        if self.inverse.moved:
            self.fresh[:k] = self.inverse.top(place, k)
            count = self._extend(count, k)
        return self._apply(place, begun, count)

    def _extend(self, start: int, wanted: int) -> int:
        return int(
            kernels.extend(
                self.basis, start, self.fresh[: padded(wanted)], wanted, self.lengths, self.numbers
            )
        )

    def _apply(self, place: Place, start: int, stop: int) -> int:
        kernels.apply(
            *self.here(place), self.basis, self.images, start, stop, self.overlaps, self.numbers
        )
        self.grown += stop - start
        return stop

    def _inexact(
        self, ritz: np.ndarray, turns: np.ndarray, accuracy: Accuracy
    ) -> tuple[np.ndarray, np.ndarray]:
        """Which pairs are not exact enough, their residuals in self.left, and ||r|| of the k.

        What lies below them begins at the next Ritz value, but where that is not exact itself at
        most by its residual above: then it has to be corrected too.
        """
        k = self.k
        residuals = self._residuals(ritz, turns, 0, k)
        below = ritz[k] if len(ritz) > k else -np.inf
        still = np.flatnonzero(residuals > accuracy.allowed(ritz, k, below))
        if len(still) == 0 and len(ritz) > k:
            (beyond,) = self._residuals(ritz, turns, k, 1)
            still = np.flatnonzero(residuals > accuracy.allowed(ritz, k, below + beyond))
            if len(still):
                still = np.append(still, k)
        return still, residuals

    def _residuals(self, ritz: np.ndarray, turns: np.ndarray, start: int, count: int) -> np.ndarray:
        """||r|| of so many pairs; the rows of self.left from `start` on hold r."""
        left = self.left[start : start + padded(count)]
        some, values, norms = self._first(turns[start:], len(left)), *np.zeros((2, len(left)))
        given = ritz[start : start + len(left)]
        values[: len(given)] = given
        kernels.residuals(some, values, self.basis, self.images, np.empty_like(some), left, norms)
        return norms[:count]

    @staticmethod
    def _first(turns: np.ndarray, rows: int) -> np.ndarray:
        """As many rows of turns, of zeros where there are no more."""
        some = np.zeros((rows, turns.shape[1]))
        some[: len(turns)] = turns[:rows]
        return some


class _GaussNewton:
    """J^T J at the current weights, and what corrects a residual by its inverse."""

    def __init__(self, coordinates: Coordinates) -> None:
        self.coordinates, where = coordinates, coordinates.layout
        self.matrix = self.diagonalised = np.zeros((0, 0))
        self.pulls = zeros(2, int(where.rows.max() * where.rows[-1]))

    def move_to(self, place: Place, least: float) -> bool:
        """Bring K's eigenvalues and eigenvectors up to date; whether its largest eigenvalue is
        larger than `least`."""
        n_in, covariance = self.coordinates.layout.n_in, place.problem.covariance
        self.root = None if place.problem.whitened else _root(covariance.reshape(n_in, n_in))
        matrix = self._matrix(place)
        size = float(np.linalg.norm(matrix))
        if not least < size < np.inf:  # and no eigenvalue is larger than that
            return False
        self.moved = not _alike(matrix, self.matrix, MOVED * size)
        self.matrix = matrix
        if not _alike(matrix, self.diagonalised, STALE * size):
            self.diagonalised = matrix
            self.values, self.axes = np.linalg.eigh(matrix)
        return bool(self.values[-1] > least)

    def correct(self, place: Place, values: np.ndarray, left: np.ndarray) -> None:
        """left (b, N) = -left + J^T (K - lambda)^{-1} J left."""
        here = self.coordinates
        maps = zeros(len(left), place.problem.target.size)
        kernels.maps_along(
            place.theta, here.layout, place.work, here.tangent, here.frame, left, maps
        )
        apart = self.values - values[:, None]
        least = NEAR * np.abs(values)[:, None] + np.finfo(float).tiny
        apart = np.where(np.abs(apart) < least, np.copysign(least, apart), apart)
        found = self._times_root(maps)[:, self.coordinates.entries]
        left *= -1.0
        self._add_pulls(place, found @ self.axes / apart @ self.axes.T, left)

    def top(self, place: Place, count: int) -> np.ndarray:
        """J^T u for the eigenvectors u of K's largest eigenvalues, (count, N): the eigenvectors of
        J^T J; zeros where K has fewer."""
        out = zeros(count, self.coordinates.size)
        axes = self.axes.T[::-1][:count]
        self._add_pulls(place, axes, out[: len(axes)])
        return out

    def _add_pulls(self, place: Place, images: np.ndarray, out: np.ndarray) -> None:
        """out += J^T of the images, each a row of all entries."""
        here, slopes = self.coordinates, zeros(len(images), place.problem.target.size)
        slopes[:, self.coordinates.entries] = images
        slopes[:] = self._times_root(slopes)
        kernels.add_pulls(
            place.theta, here.layout, place.work, here.tangent, here.frame, slopes, out
        )

    def _times_root(self, maps: np.ndarray) -> np.ndarray:
        """Every map, a row, times Sigma_xx^{1/2}."""
        if self.root is None:
            return maps
        return (maps.reshape(-1, len(self.root)) @ self.root).reshape(maps.shape)

    def _matrix(self, place: Place) -> np.ndarray:
        """K, a row and a column for each entry of a map."""
        where, n_in = self.coordinates.layout, self.coordinates.layout.n_in
        n_out, layers = place.problem.target.size // n_in, len(where.rows)
        above, below = np.empty((layers, n_out**2)), np.empty((layers, n_in**2))
        kernels.factors(place.theta, where, place.work, self.pulls, above, below)
        if self.root is not None:
            below = (self.root @ below.reshape(-1, n_in, n_in) @ self.root).reshape(below.shape)
        pairs = (above.T @ below).reshape(n_out, n_out, n_in, n_in)
        whole = pairs.transpose(0, 2, 1, 3).reshape(n_out * n_in, n_out * n_in)
        return whole[np.ix_(self.coordinates.entries, self.coordinates.entries)]


def _alike(a: np.ndarray, b: np.ndarray, most: float) -> bool:
    """Whether two matrices differ by so much at most."""
    return a.shape == b.shape and bool(np.linalg.norm(a - b) <= most)


def _root(covariance: np.ndarray) -> np.ndarray:
    """Sigma_xx^{1/2}, symmetric."""
    values, axes = np.linalg.eigh(covariance)
    return (axes * np.sqrt(np.maximum(values, 0.0))) @ axes.T
