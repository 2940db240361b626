"""The coordinates in which eigenvectors of the Hessian are sought; see `kernels.frames`."""

from __future__ import annotations

import numpy as np

from simcore.kernels import frames as kernels
from simcore.kernels import matrices
from simcore.kernels.simd import padded, zeros

WORTH = 0.7  # of the weights: with so few coordinates their products cost less


class Coordinates:
    """Narrow ones where layers are wide, else the weights themselves, padded as `layout` says."""

    def __init__(
        self, layout: matrices.Layout, tangent: matrices.Tangent, shape: tuple[int, int], k: int
    ) -> None:
        """For k eigenvectors: a frame leaves out eigenvalues of 0, so it must have room for many
        more. `shape`: (n_out, n_in) of the whole map, nothing padded."""
        self.layout, self.tangent = layout, tangent
        outputs, inputs = shape
        # of a map, padded and flat; the others have eigenvalues that the network has not
        self.entries = (layout.n_in * np.arange(outputs)[:, None] + np.arange(inputs)).ravel()
        first = np.isin(np.arange(len(layout.rows)), layout.first[:-1])
        sizes = np.where(first, layout.rows, layout.rows + layout.cols) * layout.n_in
        weights, count = int((layout.rows * layout.cols).sum()), int(sizes.sum())
        wide = min(layout.rows.min(), layout.cols.min(), padded(outputs)) >= layout.n_in
        narrow = bool(wide and count <= WORTH * weights and 8 * k <= count)
        chain, layers = int(layout.chain[-1]) if narrow else 0, len(sizes) if narrow else 0
        square = layout.n_in**2
        self.size = count if narrow else int(layout.start[-1])
        self.dimensions = count if narrow else layout.size
        self.frame = kernels.Frame(
            narrow,
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            below=zeros(chain),
            below_turned=zeros(chain),
            above=zeros(chain),
            above_turned=zeros(chain),
            r=zeros(layers, square),
            r_turned=zeros(layers, square),
            s=zeros(layers, square),
            s_turned=zeros(layers, square),
            small=zeros(2, square if narrow else 0),
        )

    def move_to(self, work: matrices.Workspace) -> None:
        """Take the frame of where `work` holds `evaluate` and `backpropagate` of scale 1."""
        if self.frame.narrow:
            kernels.lay(self.layout, work, self.frame)

    def kept(self, work: matrices.Workspace, vectors: np.ndarray, out: np.ndarray) -> np.ndarray:
        """What were coordinates before `move_to` made such here, in `out` if they change. They are
        those of other vectors then, but no worse as guesses: the frame turns as the eigenvectors
        do."""
        if not self.frame.narrow:
            return vectors
        out[:] = vectors
        kernels.take_out(self.layout, work, self.frame, out)
        return out

    def inside(self, work: matrices.Workspace, vectors: np.ndarray) -> np.ndarray:
        """The coordinates of full vectors, as far as the frame spans them."""
        if not self.frame.narrow:
            return vectors
        out = zeros(len(vectors), self.size)
        kernels.enter(self.layout, work, self.frame, vectors, out)
        return out

    def outside(self, work: matrices.Workspace, vectors: np.ndarray) -> np.ndarray:
        """The full vectors of coordinates."""
        if not self.frame.narrow:
            return vectors
        out = zeros(len(vectors), int(self.layout.start[-1]))
        kernels.leave(self.layout, work, self.tangent, self.frame, vectors, out)
        return out
