"""Where Hessians are taken, and how whoever finds eigenvalues goes from state to state."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simcore.frames import Coordinates
from simcore.kernels import matrices as kernels
from simcore.looks import Look

Pairs = tuple[np.ndarray, np.ndarray]  # eigenvalues, with vectors or residuals

REST = 1e-13  # of a layer's largest weight: by as much a run at rest still moves


class Place(NamedTuple):
    """Weights, and what the kernels know of the loss there."""

    theta: np.ndarray  # (N,) padded
    layout: kernels.Layout  # of the whole network
    problem: kernels.Problem
    work: kernels.Workspace  # `evaluate` and `backpropagate` of scale 1 at theta
    gradient: np.ndarray  # (N,)

    def at(self, theta: np.ndarray) -> Place:
        """The same at theta, which overwrites what this one holds."""
        there = self._replace(theta=theta)
        kernels.evaluate(theta, self.layout, self.problem, self.work)
        self.gradient[:] = 0.0
        kernels.backpropagate(theta, self.layout, self.problem, self.work, 1.0, self.gradient)
        return there


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


class Method:
    """What finds the k largest eigenvalues, and at weights that rest does not look again."""

    def __init__(self, coordinates: Coordinates, weights: int) -> None:
        """In these coordinates; `weights`: as many numbers as a state has."""
        self.coordinates = coordinates
        self.state = np.full(weights, np.nan)  # where it looked last
        self.pairs: Pairs

    def forget_state(self) -> None:
        """Look again, wherever that was last."""
        self.state[:] = np.nan

    def here(self, place: Place) -> tuple[Any, ...]:
        """Where the Hessian is taken, as the kernels want it."""
        here = self.coordinates
        return place.theta, here.layout, place.problem, place.work, here.tangent, here.frame

    def solve(self, place: Place, accuracy: Accuracy, look: Look) -> Pairs:
        """Values, largest first, and residuals (k,); nan where numbers have overflowed."""
        raise NotImplementedError

    def along(self, states: np.ndarray, place: Place, accuracy: Accuracy, look: Look) -> Pairs:
        """The same (K, k) at each of the states (K, N) in turn; `place` is overwritten."""
        found = []
        for theta in states:
            if not kernels.rests(theta, self.state, place.layout.start, REST):
                self.pairs = self.solve(place.at(theta), accuracy, look)
                self.state[:] = theta
            found.append(self.pairs)
        values, residuals = np.array(found).swapaxes(0, 1)
        return values, residuals
