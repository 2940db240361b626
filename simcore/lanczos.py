"""The largest eigenvalues of a Hessian by Lanczos iteration."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simcore.frames import Coordinates
from simcore.kernels import lanczos as kernels
from simcore.kernels import matrices
from simcore.kernels.frames import framed_product
from simcore.kernels.simd import zeros
from simcore.looks import Look

KRYLOV = 120  # vectors kept before a restart, fewer where they would take more than
KRYLOV_NUMBERS = 60_000_000  # numbers, half a gigabyte
MIX = 0.02  # share of noise in a warm start, so that an overtaking eigenvector is never missed
TOGETHER = 1000  # numbers of a vector from which on products take longer than Python and eigh
FIRST, LONGER = 8, 0.25  # Krylov vectors between two looks at the Ritz values: at least, and of all

Pairs = tuple[np.ndarray, np.ndarray]  # values, vectors


def room(layout: matrices.Layout) -> int:
    """How many vectors are kept."""
    return min(KRYLOV, layout.size, max(20, KRYLOV_NUMBERS // int(layout.start[-1])))


class Accuracy(NamedTuple):
    """When an eigenpair is exact enough; both in units of the largest |Ritz value|, either will do.

    A Ritz value with residual r is wrong by at most r, and by r^2 / gap, the gap being that to all
    that its companions do not span (C.-K. Li and R.-C. Li, Linear Algebra Appl. 395, 2005). Lanczos
    asks for the residual alone: to one Krylov space a cluster looks like one eigenvalue, and the
    gap like that to the next cluster.
    """

    residual: float  # ||Hv - lambda v||
    error: float = 0.0  # of the value

    def serves(self, other: Accuracy) -> bool:
        """Whether what is exact enough by this one is so by the other."""
        return self.residual <= other.residual and self.error <= other.error

    def allowed(self, ritz: np.ndarray, count: int, below: float) -> np.ndarray:
        """Residuals with which the first `count` of these Ritz values are exact enough, if
        eigenvalues that their vectors do not span are at most `below`."""
        scale = np.abs(ritz).max()
        gaps = np.maximum(ritz[:count] - max(below, -scale), 0.0)
        return np.maximum(self.residual * scale, np.sqrt(self.error * scale * gaps))


class Lanczos:
    """The k largest eigenvalues, warm-started from the eigenvectors of the call before."""

    def __init__(
        self,
        coordinates: Coordinates,
        noise: np.ndarray,
        per_call: int,
    ) -> None:
        """`noise`: a random vector for each eigenvalue; `per_call`: products between two looks."""
        self.coordinates, self.noise, self.per_call = coordinates, noise, per_call
        most = room(coordinates.layout)
        self.scratch = kernels.Lanczos(
            zeros(most + 1, coordinates.size),
            np.zeros(most),
            np.zeros(most),
            np.zeros(most),
            np.zeros((2, most + 1)),
            np.zeros(1, np.int64),
        )
        self.together = len(noise) > 1 and coordinates.size >= TOGETHER
        self.found = zeros(2 * len(noise) if self.together else 0, coordinates.size)
        self.vectors, self.noise_here = zeros(2, len(noise), coordinates.size)
        self.entered = False  # whether `noise` is in coordinates
        self.mix = 1.0  # nothing known yet: start from noise
        self.products = 0

    def begin_from(self, vectors: np.ndarray) -> None:
        """Take these, in coordinates, for the eigenvectors of the call before."""
        self.vectors[: len(vectors)] = vectors
        self.mix = MIX

    def solve(
        self, place: matrices.Place, accuracy: Accuracy, look: Look
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values, largest first, and residuals; see `curvature.EigenSolver`."""
        here = self.coordinates
        here.move_to(place.work)
        here.kept(place.work, self.vectors, self.vectors)
        noise = self.noise_at(place, len(self.vectors))
        solve = self._several if self.together else self._in_turn
        values, residuals = solve(place, self.vectors, noise, accuracy, look)
        finite, self.mix = np.isfinite(residuals), MIX
        if not finite.all():
            self.mix, self.vectors[:] = 1.0, 0.0
            values[~finite] = np.nan
        return values, residuals

    def noise_at(self, place: matrices.Place, count: int) -> np.ndarray:
        """So many rows of noise in the coordinates there."""
        if not self.entered:
            inside = self.coordinates.inside(place.work, self.noise)
            if not np.isfinite(inside).all():
                return inside[:count]
            self.noise, self.entered = inside, True
        return self.coordinates.kept(place.work, self.noise[:count], self.noise_here[:count])

    def _here(self, place: matrices.Place) -> tuple[Any, ...]:
        """Where the Hessian is taken, as the kernels want it."""
        here = self.coordinates
        return place.theta, here.layout, place.problem, place.work, here.tangent, here.frame

    def _in_turn(
        self,
        place: matrices.Place,
        vectors: np.ndarray,
        noise: np.ndarray,
        accuracy: Accuracy,
        look: Look,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values and residuals, each in the complement of those before; `vectors`, on entry the
        guesses, are the eigenvectors."""
        values, residuals = np.full((2, len(noise)), np.nan)
        search = kernels.Search(np.zeros(3, np.int64), np.zeros(3))
        while search.place[kernels.PAIR] < len(values):
            look()
            self.products += kernels.top_eigenpairs(
                *self._here(place),
                self.scratch,
                noise,
                self.mix,
                vectors,
                values,
                residuals,
                accuracy.residual,
                search,
                self.per_call,
            )
        if len(values) > 1:
            order = np.argsort(-values, kind="stable")
            vectors[:], values, residuals = vectors[order], values[order], residuals[order]
        return values, residuals

    # --- All from one Krylov space -----------------------------------------------------------

    def _several(
        self,
        place: matrices.Place,
        vectors: np.ndarray,
        noise: np.ndarray,
        accuracy: Accuracy,
        look: Look,
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `_in_turn`, with half of the products.

        One Krylov space gives all that are wanted, but of each repeated eigenvalue one. So the
        complement of those found is searched from other noise, until nothing there lies above the
        smallest of them.
        """
        k, searches, values = len(vectors), 0, np.zeros(0)
        start = vectors.sum(axis=0) + self.mix * noise[0]
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

    def _settled(self, place: matrices.Place, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ritz values of those found, and residuals: the complement hid how far H v leans on the
        vectors before, of which two may share two eigenvalues that are almost the same."""
        found, images = self.found[: len(vectors)], zeros(*vectors.shape)
        for vector, image in zip(found, images, strict=True):
            framed_product(*self._here(place), vector, image)
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
        place: matrices.Place,
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

    def _lengthen(self, place: matrices.Place, made: int, stop: int, count: int) -> int:
        return int(
            kernels.lengthen(*self._here(place), self.scratch, made, stop, self.found, count)
        )

    def _ritz(self, count: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Eigenvalues, largest first, and eigenvectors, rows, of the tridiagonal matrix of so many
        Krylov vectors; None if its numbers have overflowed."""
        alpha, beta = self.scratch.alpha[:count], self.scratch.beta[: count - 1]
        if not np.isfinite(self.scratch.beta[:count] + alpha).all():
            return None
        values, axes = np.linalg.eigh(np.diag(alpha) + np.diag(beta, 1) + np.diag(beta, -1))
        return values[::-1], np.ascontiguousarray(axes.T[::-1])
