"""The largest eigenvalues of a Hessian by Lanczos iteration."""

from __future__ import annotations

import numpy as np

from simcore.frames import Coordinates
from simcore.kernels import lanczos as kernels
from simcore.kernels import matrices
from simcore.kernels.frames import framed_product
from simcore.kernels.simd import zeros
from simcore.looks import Look
from simcore.places import REST, Accuracy, Method, Pairs, Place

KRYLOV = 120  # vectors kept before a restart, fewer where they would take more than
KRYLOV_NUMBERS = 60_000_000  # numbers, half a gigabyte
TOGETHER = 1000  # numbers of a vector from which on products take longer than Python and eigh
FIRST, LONGER = 8, 0.25  # Krylov vectors between two looks at the Ritz values: at least, and of all


def room(layout: matrices.Layout) -> int:
    """How many vectors are kept."""
    return min(KRYLOV, layout.size, max(20, KRYLOV_NUMBERS // int(layout.start[-1])))


class Lanczos(Method):
    """What both ways to the k largest eigenvalues have, warm-started from the eigenvectors of the
    call before."""

    def __init__(self, coordinates: Coordinates, noise: np.ndarray, per_call: int) -> None:
        """`noise`: a random vector of weights (k, N) for each eigenvalue; `per_call`: products
        between two looks."""
        super().__init__(coordinates, noise.shape[1])
        self.noise, self.per_call = noise, per_call
        most, numbers = room(coordinates.layout), (len(noise), coordinates.size)
        self.scratch = kernels.Lanczos(
            zeros(most + 1, coordinates.size),
            np.zeros(most),
            np.zeros(most),
            np.zeros(most),
            np.zeros((2, most + 1)),
            np.zeros(1, np.int64),
        )
        self.known = kernels.Known(
            self.state,
            zeros(*numbers),
            zeros(*numbers),
            zeros(*numbers),
            np.full(len(noise), np.nan),
            np.full(len(noise), np.nan),
            np.ones(1),  # nothing known yet: start from noise
        )
        self.entered = False  # whether `known.noise` is the noise
        self.products = 0

    @property
    def vectors(self) -> np.ndarray:
        """Eigenvectors of the call before, in coordinates (k, n)."""
        return self.known.vectors

    def begin_from(self, vectors: np.ndarray) -> None:
        """Take these, in coordinates, for the eigenvectors of the call before."""
        self.vectors[: len(vectors)] = vectors
        self.known.mix[:] = kernels.MIX

    def noise_at(self, place: Place, count: int) -> np.ndarray:
        """So many rows of noise in the coordinates there."""
        if not self.entered:
            self.enter(place)
        here, known = self.coordinates, self.known
        return here.kept(place.work, known.noise[:count], known.noise_here[:count])

    def enter(self, place: Place) -> None:
        """Bring the noise into the coordinates there, if its numbers are finite."""
        inside = self.coordinates.inside(place.work, self.noise)
        self.entered = bool(np.isfinite(inside).all())
        if self.entered:
            self.known.noise[:] = inside


class InTurn(Lanczos):
    """Eigenvalues one after the other, each in the complement of those before: where one is wanted,
    or products take less time than Python."""

    def along(self, states: np.ndarray, place: Place, accuracy: Accuracy, look: Look) -> Pairs:
        values, residuals = np.full((2, len(states), len(self.noise)), np.nan)
        for theta in states:  # until the numbers of one are finite
            if self.entered:
                break
            there = place.at(theta)
            self.coordinates.move_to(there.work)
            self.enter(there)
        here, search = self.coordinates, kernels.Search(np.zeros(4, np.int64), np.zeros(3))
        while search.place[kernels.STATE] < len(states):
            look()
            self.products += kernels.along(
                states,
                place.layout.start,
                REST,
                place.layout,
                here.layout,
                place.problem,
                place.work,
                place.gradient,
                here.tangent,
                here.frame,
                self.scratch,
                self.known,
                accuracy.residual,
                search,
                self.per_call,
                values,
                residuals,
            )
        return values, residuals

    def solve(self, place: Place, accuracy: Accuracy, look: Look) -> Pairs:
        self.forget_state()  # whoever asks has found that it is another
        values, residuals = self.along(place.theta[None], place, accuracy, look)
        return values[0], residuals[0]


class OneSpace(Lanczos):
    """All from one Krylov space, with half of the products.

    It gives all that are wanted, but of each repeated eigenvalue one. So the complement of those
    found is searched from other noise, until nothing there lies above the smallest of them.
    """

    def __init__(self, coordinates: Coordinates, noise: np.ndarray, per_call: int) -> None:
        super().__init__(coordinates, noise, per_call)
        self.found = zeros(2 * len(noise), coordinates.size)

    def solve(self, place: Place, accuracy: Accuracy, look: Look) -> Pairs:
        here, vectors = self.coordinates, self.vectors
        here.move_to(place.work)
        here.kept(place.work, vectors, vectors)
        values, residuals = self._from(place, self.noise_at(place, len(vectors)), accuracy, look)
        finite, self.known.mix[:] = np.isfinite(residuals), kernels.MIX
        if not finite.all():
            self.known.mix[:], vectors[:] = 1.0, 0.0
            values[~finite] = np.nan
        return values, residuals

    def _from(self, place: Place, noise: np.ndarray, accuracy: Accuracy, look: Look) -> Pairs:
        """Values and residuals; `vectors`, on entry the guesses, are the eigenvectors."""
        vectors = self.vectors
        k, searches, values = len(vectors), 0, np.zeros(0)
        start = vectors.sum(axis=0) + self.known.mix * noise[0]
        while True:
            more = self._search(place, start, values, accuracy.residual, look)
            if more is None:
                break
            count = len(values)
            self.found[count : count + len(more[0])] = more[1]
            values = np.append(values, more[0])
            order = np.argsort(-values, kind="stable")[:k]
            values = values[order]
            self.found[: len(order)] = self.found[order]
            searches += 1
            start = noise[searches % k]
        if len(values) < k:  # numbers have overflowed
            self.found[:] = np.nan
        return self._settled(place, vectors)

    def _settled(self, place: Place, vectors: np.ndarray) -> Pairs:
        """Ritz values of those found, and residuals: the complement hid how far H v leans on the
        vectors before, of which two may share two eigenvalues that are almost the same."""
        found, images = self.found[: len(vectors)], zeros(*vectors.shape)
        for vector, image in zip(found, images, strict=True):
            framed_product(*self.here(place), vector, image)
        self.products += len(found)
        overlaps = found @ images.T
        if not np.isfinite(overlaps).all():
            vectors[:] = np.nan
            values, residuals = np.full((2, len(found)), np.nan)
            return values, residuals
        values, axes = np.linalg.eigh(overlaps)
        values, turns = values[::-1].copy(), axes.T[::-1]
        vectors[:] = turns @ found
        return values, np.linalg.norm(turns @ images - values[:, None] * vectors, axis=1)

    def _search(
        self,
        place: Place,
        start: np.ndarray,
        known: np.ndarray,
        tol: float,
        look: Look,
    ) -> Pairs | None:
        """The eigenpairs that are missing, or as many as one Krylov space gives, in the complement
        of those found, whose values are `known`. If none is missing, one above the smallest; None
        if there is none."""
        count, k = len(known), len(self.noise)
        dimensions = self.coordinates.dimensions - count
        wanted, least = max(1, k - count), known[-1] if count == k else -np.inf
        most = min(len(self.scratch.alpha), dimensions)
        self.scratch.basis[0] = start
        for restart in range(kernels.RESTARTS if dimensions > 0 else 0):
            made, stop = 0, min(most, wanted * FIRST, self.per_call)
            while made < stop:
                look()
                before, made = made, self._lengthen(place, made, stop, count)
                self.products += made - before
                ritz = self._ritz(made)
                if ritz is None:
                    return None
                values, turns = ritz
                left = self.scratch.beta[made - 1] * np.abs(turns[:wanted, -1])
                little = tol * np.abs(values).max()
                if values[0] + left[0] <= least + little:
                    return None
                enough = left <= little
                ended = made < stop or made == dimensions
                if ended or (made >= wanted and enough.all()):
                    break
                stop = min(most, made + min(max(FIRST, int(LONGER * made)), self.per_call))
            exact = int(np.append(~enough, True).argmax())
            if restart == kernels.RESTARTS - 1:  # the products have run out
                exact = max(1, exact)
            good = len(enough) if ended else exact
            if good:
                return values[:good], turns[:good] @ self.scratch.basis[:made]
            self.scratch.basis[0] = turns[0] @ self.scratch.basis[:made]
            wanted = 1
        return None

    def _lengthen(self, place: Place, made: int, stop: int, count: int) -> int:
        return int(kernels.lengthen(*self.here(place), self.scratch, made, stop, self.found, count))

    def _ritz(self, count: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Eigenvalues, largest first, and eigenvectors, rows, of the tridiagonal matrix of so many
        Krylov vectors; None if its numbers have overflowed."""
        alpha, beta = self.scratch.alpha[:count], self.scratch.beta[: count - 1]
        if not np.isfinite(self.scratch.beta[:count] + alpha).all():
            return None
        values, axes = np.linalg.eigh(np.diag(alpha) + np.diag(beta, 1) + np.diag(beta, -1))
        return values[::-1], np.ascontiguousarray(axes.T[::-1])


def iteration(coordinates: Coordinates, noise: np.ndarray, per_call: int) -> Lanczos:
    """The faster one of the two for as many eigenvalues as there are rows of noise."""
    several = len(noise) > 1 and coordinates.size >= TOGETHER
    return (OneSpace if several else InTurn)(coordinates, noise, per_call)
