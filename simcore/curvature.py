"""The full weights of an experiment: loss, gradient, Hessian-vector products and sharpness.

These serve the matrices engine and whoever wants to check a run: theta is one flat vector with
the layers of pathway 1 from input to output, then those of pathway 2, and so on, row by row.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import scipy.linalg

from simcore import matrix_kernels as kernels
from simcore.checks import require
from simcore.experiment import Experiment, Gaussian, Network
from simcore.tasks import Task

KRYLOV = 120  # vectors kept before Lanczos restarts, fewer where they would take more than
KRYLOV_NUMBERS = 60_000_000  # numbers, half a gigabyte
NOISE_SEED = 20260605
MIX = 0.02  # share of noise in a warm start, so that an overtaking eigenvector is never missed


@lru_cache(maxsize=32)
def layout(network: Network, task: Task) -> kernels.Layout:
    """Where each layer lives in theta and in the chains."""
    shapes = np.array(network.shapes(task), dtype=np.int64)
    rows, cols = np.ascontiguousarray(shapes[:, 0]), np.ascontiguousarray(shapes[:, 1])
    return kernels.Layout(
        start=_offsets(rows * cols),
        rows=rows,
        cols=cols,
        chain=_offsets(rows * task.n_in),
        first=_offsets(np.array(network.depths)),
    )


def _offsets(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def problem(task: Task) -> kernels.Problem:
    """The loss in the task's own coordinates."""
    return kernels.Problem(
        target=np.array(task.target_map()),
        covariance=np.array(task.moments()[0]),
        whitened=task.whitened,
    )


def workspace(experiment: Experiment) -> kernels.Workspace:
    task, where = experiment.task, layout(experiment.network, experiment.task)
    size = int(where.chain[-1])
    return kernels.Workspace(
        forward=np.zeros(size),
        backward=np.zeros(size),
        turned=np.zeros(size),
        misfit=np.zeros((task.n_out, task.n_in)),
        slope=np.zeros((task.n_out, task.n_in)),
        strengths=np.zeros((experiment.network.pathways, len(task.singular_values))),
    )


class EigenSolver:
    """Lanczos on the Hessian, warm-started from the eigenvectors of the call before."""

    def __init__(self, experiment: Experiment, k: int) -> None:
        task, self.layout = experiment.task, layout(experiment.network, experiment.task)
        n, chain = int(self.layout.start[-1]), int(self.layout.chain[-1])
        self.count = min(k, n)
        room = min(KRYLOV, n, max(20, KRYLOV_NUMBERS // n))
        self.tangent = kernels.Tangent(
            np.zeros(chain),
            np.zeros(chain),
            np.zeros(chain),
            np.zeros((task.n_out, task.n_in)),
            np.zeros((task.n_out, task.n_in)),
        )
        self.scratch = kernels.Lanczos(
            np.zeros((room + 1, n)), np.zeros(room), np.zeros(room), np.zeros(room), np.zeros(room)
        )
        noise = np.random.default_rng(NOISE_SEED).standard_normal((self.count, n))
        self.noise = noise / np.linalg.norm(noise, axis=1, keepdims=True)
        self.vectors = np.zeros((self.count, n))
        self.values = np.zeros(k)
        self.residuals = np.zeros(k)
        self.products = 0

    def solve(
        self, theta: np.ndarray, loss: kernels.Problem, work: kernels.Workspace, tol: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k largest eigenvalues at theta and their residuals, nan beyond the N weights.

        `work` must hold `evaluate` and `backpropagate` at theta.
        """
        mix = MIX if self.vectors.any() else 1.0
        values, residuals = np.zeros(self.count), np.zeros(self.count)
        self.products += kernels.top_eigenpairs(
            theta,
            self.layout,
            loss,
            work,
            self.tangent,
            self.scratch,
            self.noise,
            mix,
            self.vectors,
            values,
            residuals,
            tol,
        )
        order = np.argsort(-values, kind="stable")
        self.vectors[:] = self.vectors[order]
        beyond = np.full(len(self.values) - self.count, np.nan)
        return (
            np.concatenate([values[order], beyond]),
            np.concatenate([residuals[order], beyond]),
        )


# --- Coordinates -----------------------------------------------------------------------------


@lru_cache(maxsize=32)
def full_bases(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Square orthogonal U (n_out, n_out) and V (n_in, n_in) that begin with the task's bases."""
    return tuple(
        np.concatenate([thin, scipy.linalg.null_space(thin.T)], axis=1) if thin.size else thin
        for thin in task.bases()
    )  # type: ignore[return-value]


def singular_problem(task: Task) -> kernels.Problem:
    """The loss in the singular bases, where strengths are diagonal entries."""
    _, right = full_bases(task)
    own = problem(task)
    target = np.zeros_like(own.target)
    np.fill_diagonal(target, task.singular_values)
    return kernels.Problem(target, right.T @ own.covariance @ right, own.whitened)


def turn(experiment: Experiment, theta: np.ndarray, back: bool = False) -> np.ndarray:
    """theta in the singular bases (W_1 V, U^T W_L per pathway), or `back` from there.

    An orthogonal change of the outer coordinates: descent, flow and curvature do not notice.
    """
    left, right = full_bases(experiment.task)
    if back:
        left, right = left.T, right.T
    turned = theta.copy()
    for pathway in layers(experiment, turned):
        pathway[0][:] = pathway[0] @ right
        pathway[-1][:] = left.T @ pathway[-1]
    return turned


# --- Public ----------------------------------------------------------------------------------


def layers(experiment: Experiment, theta: np.ndarray) -> list[list[np.ndarray]]:
    """Views of theta's layers, [pathway][layer] of shape (rows, cols), from input to output."""
    where = layout(experiment.network, experiment.task)
    views = [
        theta[start : start + rows * cols].reshape(rows, cols)
        for start, rows, cols in zip(where.start[:-1], where.rows, where.cols, strict=True)
    ]
    return [views[a:b] for a, b in zip(where.first[:-1], where.first[1:], strict=True)]


def initial(experiment: Experiment) -> np.ndarray:
    """The weights at the start, shape (N,).

    Aligned starts: first layer c V_R^T, hidden layers c on the first R diagonal entries, last
    layer U_R c, a single layer U_R c V_R^T. Gaussian: theta ~ N(0, std^2) from
    numpy.random.default_rng(seed), in the order of theta.
    """
    start, task = experiment.start, experiment.task
    size = int(layout(experiment.network, task).start[-1])
    if isinstance(start, Gaussian):
        return start.std * np.random.default_rng(start.seed).standard_normal(size)
    theta = np.zeros(size)
    left, right = task.bases()
    modes = np.arange(left.shape[1])
    scales = start.layer_scales(experiment.network.depths)
    for pathway, row in zip(layers(experiment, theta), scales, strict=True):
        if len(pathway) == 1:
            pathway[0][:] = row[0] * left @ right.T
            continue
        pathway[0][modes] = row[0] * right.T
        for weights, scale in zip(pathway[1:-1], row[1:-1], strict=True):
            weights[modes, modes] = scale
        pathway[-1][:, modes] = row[-1] * left
    return theta


def loss(experiment: Experiment, theta: np.ndarray) -> float:
    """1/2 tr[(M - M*) Sigma_xx (M - M*)^T] + floor; 1/(2N) sum ||y - M x||^2 for data."""
    return _linearised(experiment, _weights(experiment, theta))[0] + experiment.task.floor()


def gradient(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """grad L(theta), shape (N,): dL/dW_l = D_l A_{l-1}^T."""
    theta = _weights(experiment, theta)
    return _linearised(experiment, theta)[2]


def hessian_vector(experiment: Experiment, theta: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The Hessian at theta times v, shape (N,), in closed form (no finite differences)."""
    theta, v = _weights(experiment, theta), _weights(experiment, v)
    _, work, out = _linearised(experiment, theta)
    where = layout(experiment.network, experiment.task)
    tangent = EigenSolver(experiment, 1).tangent
    kernels.hessian_vector(theta, where, problem(experiment.task), work, tangent, v, out)
    return out


def sharpness(
    experiment: Experiment, theta: np.ndarray, k: int = 1, tol: float = 1e-8
) -> tuple[np.ndarray, np.ndarray]:
    """The k largest (algebraic) eigenvalues of the Hessian at theta, largest first, and their
    residuals ||Hv - lambda v|| (at most sqrt(k) `tol` times the largest |Ritz value|).

    Lanczos with full reorthogonalisation; repeated eigenvalues come as often as they are there.
    Eigenvalues almost as close as the residuals may stand in for each other: lower `tol` then.
    nan beyond the number of weights. ValueError for weights that are not finite.
    """
    theta = _weights(experiment, theta)
    require(k >= 1, f"k must be at least 1, got {k}")
    _, work, _ = _linearised(experiment, theta)
    return EigenSolver(experiment, k).solve(theta, problem(experiment.task), work, tol)


def _weights(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """theta as the kernels want it: contiguous, writable float64."""
    size = int(layout(experiment.network, experiment.task).start[-1])
    theta = np.array(theta, dtype=float)
    require(theta.shape == (size,), f"expected {size} weights, got an array {theta.shape}")
    require(bool(np.isfinite(theta).all()), "expected finite weights, got inf or nan among them")
    return theta


def _linearised(
    experiment: Experiment, theta: np.ndarray
) -> tuple[float, kernels.Workspace, np.ndarray]:
    """Loss without floor, the workspace with both chains, and the gradient."""
    work, out = workspace(experiment), np.zeros(len(theta))
    where = layout(experiment.network, experiment.task)
    value = kernels.evaluate(theta, where, problem(experiment.task), work)
    kernels.backpropagate(theta, where, work, 1.0, out)
    return float(value), work, out


# --- Layer imbalance -------------------------------------------------------------------------


def imbalance(experiment: Experiment, theta: np.ndarray) -> list[list[np.ndarray]]:
    """D_l = W_{l+1}^T W_{l+1} - W_l W_l^T for every pair of neighbouring layers, per pathway.

    Gradient flow keeps each of them. Empty for a pathway of depth 1.
    """
    return [
        [upper.T @ upper - lower @ lower.T for lower, upper in pairwise(pathway)]
        for pathway in layers(experiment, _weights(experiment, theta))
    ]


def imbalance_identity(experiment: Experiment, theta: np.ndarray, step_size: float) -> float:
    """How far one step of descent at theta is from its exact identity: the largest entry, in units
    of the largest entry of the D_l.

    D_l(t+1) - D_l(t) = eta^2 (G_{l+1}^T G_{l+1} - G_l G_l^T), G the gradients of the layers.
    """
    slope = gradient(experiment, theta)
    before = imbalance(experiment, theta)
    after = imbalance(experiment, theta - step_size * slope)
    driven = imbalance(experiment, step_size * slope)
    errors = [
        (float(np.abs(b - a - d).max()), float(np.abs(b).max()))
        for old, new, push in zip(before, after, driven, strict=True)
        for a, b, d in zip(old, new, push, strict=True)
    ]
    largest = max((error for error, _ in errors), default=0.0)
    scale = max((size for _, size in errors), default=0.0)
    return largest / scale if scale > 0 else 0.0
