"""The full weights of an experiment: loss, gradient, Hessian-vector products and sharpness.

These serve the engines of full weights and whoever wants to check a run: theta is one flat vector
with the layers of pathway 1 from input to output, then those of pathway 2, and so on, row by row.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from simcore import looks
from simcore.checks import require
from simcore.cost import product_seconds
from simcore.davidson import Davidson
from simcore.experiment import Experiment, Network
from simcore.frames import Coordinates
from simcore.kernels import activations
from simcore.kernels import matrices as kernels
from simcore.kernels.samples import Samples
from simcore.kernels.simd import padded, zeros
from simcore.lanczos import Lanczos, iteration, room
from simcore.looks import Look
from simcore.memory import remembered
from simcore.places import Accuracy, Pairs, Place
from simcore.tasks import Task

NOISE_SEED = 20260605
# Seconds to diagonalise a matrix of that size^3, and the products that are saved by it.
DIAGONALISED, SAVED = 8e-10, 40


def layout(experiment: Experiment) -> kernels.Layout:
    """Where each layer lives in the kernels' theta and chains, with every width padded."""
    return _layout(experiment.network, experiment.task, experiment.sees_samples)


@remembered(32)
def _layout(network: Network, task: Task, sampled: bool) -> kernels.Layout:
    shapes = np.array(network.shapes(task), dtype=np.int64)
    rows, cols = (np.array([padded(n) for n in sizes]) for sizes in shapes.T.tolist())
    n_in = padded(task.sample_count if sampled else task.n_in)
    return kernels.Layout(
        start=_offsets(rows * cols),
        rows=rows,
        cols=cols,
        chain=_offsets(rows * n_in),
        first=_offsets(np.array(network.depths)),
        n_in=n_in,
        size=int(shapes.prod(axis=1).sum()),
    )


def _offsets(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _some_of(
    whole: kernels.Layout, experiment: Experiment, moving: tuple[bool, ...]
) -> kernels.Layout:
    """The layers of the pathways that move, each where it is in theta and chains: with it a product
    with the Hessian takes the weights of the others as fixed."""
    depths = np.array(experiment.network.depths)
    layers = np.repeat(moving, depths)
    shapes = np.array(experiment.network.shapes(experiment.task))
    return whole._replace(
        start=np.append(whole.start[:-1][layers], whole.start[-1]),
        rows=whole.rows[layers],
        cols=whole.cols[layers],
        chain=np.append(whole.chain[:-1][layers], whole.chain[-1]),
        first=_offsets(depths[np.array(moving)]),
        size=int(shapes.prod(axis=1)[layers].sum()),
    )


@remembered(32)
def _places(network: Network, task: Task) -> np.ndarray:
    """Index (N,) of each weight in the kernels' theta."""
    where = _layout(network, task, False)  # samples change the chains alone
    return np.concatenate(
        [
            (start + cols * np.arange(shape[0])[:, None] + np.arange(shape[1])).ravel()
            for shape, start, cols in zip(
                network.shapes(task), where.start[:-1], where.cols, strict=True
            )
        ]
    )


def pad(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """theta (N,) as the kernels want it, with zeros for the weights that are not there."""
    full = zeros(int(layout(experiment).start[-1]))
    full[_places(experiment.network, experiment.task)] = theta
    return full


def unpad(experiment: Experiment, full: np.ndarray) -> np.ndarray:
    """The weights of the network, (N,), among those of the kernels."""
    return full[_places(experiment.network, experiment.task)]


def _padded_flat(matrix: np.ndarray) -> np.ndarray:
    rows, cols = matrix.shape
    return np.pad(matrix, ((0, padded(rows) - rows), (0, padded(cols) - cols))).ravel()


def problem(experiment: Experiment) -> kernels.Problem:
    """The loss in the task's own coordinates."""
    task = experiment.task
    if experiment.sees_samples:
        return _problem_of_samples(experiment.network, task)
    return _problem(task.target_map(), task.moments()[0], task.whitened)


def _problem(target: np.ndarray, covariance: np.ndarray, whitened: bool) -> kernels.Problem:
    nothing = np.zeros(0)
    unseen = Samples(False, 0, False, False, 1.0, nothing, nothing, nothing, nothing)
    return kernels.Problem(_padded_flat(target), _padded_flat(covariance), whitened, unseen)


_ACTIVATIONS = {
    "linear": activations.LINEAR,
    "tanh": activations.TANH,
    "relu": activations.RELU,
}


def _problem_of_samples(network: Network, task: Task) -> kernels.Problem:
    """The loss of the outputs for each sample."""
    inputs, outputs, share = task.samples()
    left, right = task.bases()
    samples = Samples(
        used=True,
        activation=int(_ACTIVATIONS[network.activation]),
        after_last=network.activate_last,
        units=inputs.shape[0] == inputs.shape[1] and bool((inputs == np.eye(len(inputs))).all()),
        share=share,
        inputs=_padded_flat(inputs),
        turned=_padded_flat(inputs.T),
        left=_padded_flat(left),
        right=_padded_flat(np.linalg.pinv(inputs) @ right),
    )
    return kernels.Problem(_padded_flat(outputs), np.zeros(0), share == 1.0, samples)


def workspace(experiment: Experiment) -> kernels.Workspace:
    task, where = experiment.task, layout(experiment)
    forward, backward, turned, misfit, slope = _chains(experiment)
    return kernels.Workspace(
        forward,
        backward,
        turned,
        misfit,
        slope,
        strengths=zeros(experiment.network.pathways, padded(len(task.singular_values))),
        panel=zeros(8 * int(max(where.n_in, *where.rows, *where.cols))),
    )


def _chains(experiment: Experiment) -> tuple[np.ndarray, ...]:
    """forward, backward, turned, misfit and slope of a Workspace or Tangent."""
    task, where = experiment.task, layout(experiment)
    chain, size = int(where.chain[-1]), padded(task.n_out) * where.n_in
    misfit = zeros(size)
    alike = task.samples()[2] == 1.0 if experiment.sees_samples else task.whitened
    slope = misfit if alike else zeros(size)
    return zeros(chain), zeros(chain), zeros(chain), misfit, slope


def _noise(experiment: Experiment, rows: int, moving: tuple[bool, ...] | None) -> np.ndarray:
    """Random unit vectors, the same at every call; only weights of pathways that move."""
    whole = layout(experiment)
    noise = np.random.default_rng(NOISE_SEED).standard_normal((rows, whole.size))
    noise = np.array([pad(experiment, row) for row in noise])
    for h in np.flatnonzero(~np.array(moving or (), dtype=bool)):
        noise[:, whole.start[whole.first[h]] : whole.start[whole.first[h + 1]]] = 0.0
    return noise / np.linalg.norm(noise, axis=1, keepdims=True)


def _corrections_pay(experiment: Experiment) -> bool:
    """Whether the products that Davidson's corrections save take longer than they do."""
    size = padded(experiment.task.n_out) * padded(experiment.task.n_in)
    return DIAGONALISED * size**3 < SAVED * product_seconds(experiment, SAVED)


class EigenSolver:
    """The Hessian's largest eigenvalues, warm-started from the eigenvectors of the state before: by
    the block Davidson method where it pays, else by Lanczos iteration. If only some pathways (H,)
    move, those of the Hessian of their weights."""

    def __init__(
        self, experiment: Experiment, k: int, moving: tuple[bool, ...] | None = None
    ) -> None:
        whole = layout(experiment)
        self.layout = whole if moving is None else _some_of(whole, experiment, moving)
        self.k, self.count = k, min(k, self.layout.size)
        self.asked: tuple[kernels.Problem | None, Accuracy] = None, Accuracy(np.inf)
        self.work, self.gradient = workspace(experiment), zeros(int(whole.start[-1]))
        self.whole, self.tangent = whole, kernels.Tangent(*_chains(experiment))
        task = experiment.task
        shape = (0, 0) if experiment.sees_samples else (task.n_out, task.n_in)
        here = Coordinates(self.layout, self.tangent, shape, self.count)
        # at worst, each product is made orthogonal twice, in coordinates that may be fewer
        vectors = 2 * room(self.layout) * here.size // int(whole.start[-1])
        per_call = looks.between(product_seconds(experiment, vectors))
        lanczos = iteration(here, _noise(experiment, self.count, moving), per_call)
        self.method: Davidson | Lanczos = lanczos
        if self.count > 1 and here.frame.narrow and _corrections_pay(experiment):
            self.method = Davidson(lanczos)

    @property
    def products(self) -> int:
        """Hessian-vector products so far."""
        return self.method.products

    @property
    def vectors(self) -> np.ndarray:
        """The eigenvectors that were found last, padded, (k, numbers)."""
        return self.method.coordinates.outside(self.work, self.method.vectors[: self.count])

    def grown(self, experiment: Experiment) -> EigenSolver:
        """A solver for one eigenpair more, which begins from what this one knows."""
        more = EigenSolver(experiment, self.k + 1)
        alike = more.method.coordinates.size == self.method.coordinates.size
        more.method.begin_from(self.method.vectors[: self.count] if alike else self.vectors)
        return more

    def solve(
        self, theta: np.ndarray, loss: kernels.Problem, accuracy: Accuracy, look: Look = looks.none
    ) -> Pairs:
        """The k largest eigenvalues at the padded theta (N,) and their residuals, nan beyond the
        weights that there are, and where numbers overflow. For `look` see `along`."""
        values, residuals = self.along(theta[None], loss, accuracy, look)
        return values[0], residuals[0]

    def along(
        self, states: np.ndarray, loss: kernels.Problem, accuracy: Accuracy, look: Look = looks.none
    ) -> Pairs:
        """The same (K, k) at each of the states (K, N) in turn.

        `look` is called between products; where it raises, the solver is of no further use.
        """
        before, found_to = self.asked
        if before is not loss or not found_to.serves(accuracy):
            self.method.forget_state()
        place = Place(states[0], self.whole, loss, self.work, self.gradient)
        pairs = np.full((2, len(states), self.k), np.nan)
        pairs[:, :, : self.count] = self.method.along(states, place, accuracy, look)
        self.asked = loss, accuracy
        values, residuals = pairs
        return values, residuals


# --- Coordinates -----------------------------------------------------------------------------


@remembered(32)
def full_bases(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Square orthogonal U (n_out, n_out) and V (n_in, n_in) that begin with the task's bases."""
    return tuple(
        np.concatenate([thin, np.linalg.qr(thin, "complete")[0][:, thin.shape[1] :]], axis=1)
        for thin in task.bases()
    )  # type: ignore[return-value]


def singular_problem(task: Task) -> kernels.Problem:
    """The loss in the singular bases, where strengths are diagonal entries."""
    _, right = full_bases(task)
    target = np.zeros((task.n_out, task.n_in))
    np.fill_diagonal(target, task.singular_values)
    return _problem(target, right.T @ task.moments()[0] @ right, task.whitened)


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
    network = experiment.network
    shapes = network.shapes(experiment.task)
    ends = np.cumsum([rows * cols for rows, cols in shapes])
    views = [
        theta[end - rows * cols : end].reshape(rows, cols)
        for end, (rows, cols) in zip(ends, shapes, strict=True)
    ]
    first = _offsets(np.array(network.depths))
    return [views[a:b] for a, b in pairwise(first)]


def initial(experiment: Experiment) -> np.ndarray:
    """The weights at the start, shape (N,).

    Aligned starts, c the scales of a layer on the R modes: first layer c V_R^T, hidden layers c on
    the first R diagonal entries, last layer U_R c, a single layer U_R c V_R^T. Other starts draw
    theta themselves.
    """
    start, task = experiment.start, experiment.task
    size = layout(experiment).size
    if not start.aligned:
        return start.weights(size)
    theta = np.zeros(size)
    left, right = task.bases()
    modes = np.arange(left.shape[1])
    depths = experiment.network.depths
    of_modes = [start.layer_scales(depths, 0 if start.uniform else mode) for mode in modes.tolist()]
    for h, pathway in enumerate(layers(experiment, theta)):
        row = np.array([scales[h] for scales in of_modes]).T  # (L_h, R)
        if len(pathway) == 1:
            pathway[0][:] = row[0] * left @ right.T
            continue
        pathway[0][modes] = row[0][:, None] * right.T
        for weights, scale in zip(pathway[1:-1], row[1:-1], strict=True):
            weights[modes, modes] = scale
        pathway[-1][:, modes] = row[-1] * left
    return theta


def loss(experiment: Experiment, theta: np.ndarray) -> float:
    """1/2 tr[(M - M*) Sigma_xx (M - M*)^T] + floor; 1/(2N) sum ||y - M x||^2 for data, with what
    the network makes of x for M x where it is not linear."""
    missing = 0.0 if experiment.sees_samples else experiment.task.floor()
    return _linearised(experiment, theta).loss + missing


def outputs(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """What each pathway gives for each sample, F_h, (H, n_out, N); of linear pathways that are not
    seen sample by sample their maps."""
    at, where = _linearised(experiment, theta), layout(experiment)
    size, task = at.problem.target.size, experiment.task
    columns = task.sample_count if experiment.sees_samples else task.n_in
    ends = where.chain[where.first[1:] - 1]
    given = [at.work.forward[end : end + size].reshape(-1, where.n_in) for end in ends]
    return np.array([each[: task.n_out, :columns] for each in given])


def gradient(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """grad L(theta), shape (N,): dL/dW_l = D_l A_{l-1}^T, with the outputs of the layer below for
    A_{l-1} where the network is not linear."""
    return unpad(experiment, _linearised(experiment, theta).gradient)


def hessian_vector(experiment: Experiment, theta: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The Hessian at theta times v, shape (N,), in closed form (no finite differences)."""
    at, direction = _linearised(experiment, theta), pad(experiment, _weights(experiment, v))
    tangent, out = EigenSolver(experiment, 1).tangent, np.zeros_like(direction)
    where = layout(experiment)
    kernels.hessian_vector(at.theta, where, at.problem, at.work, tangent, direction, out)
    return unpad(experiment, out)


def sharpness(
    experiment: Experiment, theta: np.ndarray, k: int = 1, tol: float = 1e-8
) -> tuple[np.ndarray, np.ndarray]:
    """The k largest (algebraic) eigenvalues of the Hessian at theta, largest first, and their
    residuals ||Hv - lambda v|| (at most sqrt(k) `tol` times the largest |Ritz value|, with a `tol`
    of 1e-12 or more).

    Lanczos with reorthogonalisation; repeated eigenvalues come as often as they are there.
    Eigenvalues almost as close as the residuals may stand in for each other: lower `tol` then.
    nan beyond the number of weights. ValueError for weights that are not finite.
    """
    require(k >= 1, f"k must be at least 1, got {k}")
    theta = pad(experiment, _weights(experiment, theta))
    return EigenSolver(experiment, k).solve(theta, problem(experiment), Accuracy(tol))


def _weights(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """A checked copy of theta."""
    size = layout(experiment).size
    theta = np.array(theta, dtype=float)
    require(theta.shape == (size,), f"expected {size} weights, got an array {theta.shape}")
    require(bool(np.isfinite(theta).all()), "expected finite weights, got inf or nan among them")
    return theta


class _Linearised(NamedTuple):
    """What the kernels know at some weights, padded: the loss is without its floor."""

    theta: np.ndarray
    problem: kernels.Problem
    work: kernels.Workspace
    loss: float
    gradient: np.ndarray


def _linearised(experiment: Experiment, theta: np.ndarray) -> _Linearised:
    theta = pad(experiment, _weights(experiment, theta))
    work, out = workspace(experiment), np.zeros_like(theta)
    where, goal = layout(experiment), problem(experiment)
    value = kernels.evaluate(theta, where, goal, work)
    kernels.backpropagate(theta, where, goal, work, 1.0, out)
    return _Linearised(theta, goal, work, float(value), out)


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
