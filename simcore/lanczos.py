"""The largest eigenvalues of a Hessian one after the other: Lanczos iteration."""

from __future__ import annotations

import numpy as np

from simcore.frames import Coordinates
from simcore.kernels import lanczos as kernels
from simcore.kernels import matrices
from simcore.kernels.simd import zeros
from simcore.looks import Look

KRYLOV = 120  # vectors kept before a restart, fewer where they would take more than
KRYLOV_NUMBERS = 60_000_000  # numbers, half a gigabyte
MIX = 0.02  # share of noise in a warm start, so that an overtaking eigenvector is never missed


def room(layout: matrices.Layout) -> int:
    """How many vectors are kept."""
    return min(KRYLOV, layout.size, max(20, KRYLOV_NUMBERS // int(layout.start[-1])))


class Lanczos:
    """The k largest eigenvalues, each in the complement of those before and warm-started from the
    eigenvector of the call before."""

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
            zeros(most + 1, coordinates.size), np.zeros(most), np.zeros(most), np.zeros(most)
        )
        self.vectors = np.zeros_like(noise)
        self.mix = 1.0  # nothing known yet: start from noise
        self.products = 0

    def begin_from(self, vectors: np.ndarray) -> None:
        """Take these for the eigenvectors of the call before."""
        self.vectors[: len(vectors)] = vectors
        self.mix = MIX

    def solve(self, place: matrices.Place, tol: float, look: Look) -> tuple[np.ndarray, np.ndarray]:
        """Values, largest first, and residuals; see `curvature.EigenSolver`."""
        values, residuals = np.full((2, len(self.noise)), np.nan)
        here = self.coordinates
        here.move_to(place.work)
        vectors, noise = (here.inside(place.work, v) for v in (self.vectors, self.noise))
        search = kernels.Search(np.zeros(3, np.int64), np.zeros(3))
        while search.place[kernels.PAIR] < len(values):
            look()
            self.products += kernels.top_eigenpairs(
                place.theta,
                here.layout,
                place.problem,
                place.work,
                here.tangent,
                here.frame,
                self.scratch,
                noise,
                self.mix,
                vectors,
                values,
                residuals,
                tol,
                search,
                self.per_call,
            )
        self.vectors[:] = here.outside(place.work, vectors)
        known = bool(np.isfinite(self.vectors).all())
        self.mix = MIX if known else 1.0
        if not known:
            self.vectors[:] = 0.0
        values[~np.isfinite(residuals)] = np.nan
        if len(values) > 1:
            order = np.argsort(-values, kind="stable")
            self.vectors[:] = self.vectors[order]
            values[:], residuals[:] = values[order], residuals[order]
        return values, residuals
