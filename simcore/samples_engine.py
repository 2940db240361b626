"""The engine of pathways that are not linear: full weights, seen sample by sample."""

from __future__ import annotations

import numpy as np

from simcore import curvature
from simcore.kernels.matrices import Problem
from simcore.matrices_engine import MatricesEngine


class SamplesEngine(MatricesEngine):
    """Full weights in the task's own coordinates; see `kernels.samples`.

    The strength of pathway h in mode i is u_i^T F_h X^+ v_i with F_h (n_out, N) its outputs for all
    samples: that of the linear map which comes nearest to what it does to them.
    """

    def _goal(self) -> Problem:
        return curvature.problem(self.experiment)

    def enter(self, theta: np.ndarray) -> np.ndarray:
        return curvature.pad(self.experiment, theta)

    def _leave(self, full: np.ndarray) -> np.ndarray:
        return curvature.unpad(self.experiment, full)

    def _floor(self) -> float:
        return 0.0  # the loss of samples holds it

    def maps(self) -> np.ndarray:
        """F_h X^+, (H, n_out, n_in)."""
        inputs, outputs, _ = self.experiment.task.samples()
        columns, count = self.layout.n_in, inputs.shape[1]
        ends = self.layout.chain[self.layout.first[1:] - 1]
        size = self.problem.target.size
        given = [
            self.seen.forward[end : end + size].reshape(-1, columns)[: len(outputs), :count]
            for end in ends
        ]
        return np.array(given) @ np.linalg.pinv(inputs)
