"""What the paper's abstract says, as checks on random networks: each claim can fail.

A `Claim` draws networks, one for each whole number, and measures how far each is from what the
sentence says. Network number n is the same on every machine and in every session, so that "the
next ones" go on where the last ended, and a failure can be opened as a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from simcore import curvature, theory
from simcore.experiment import Balanced, Descent, Experiment, Network, Record
from simcore.simulate import simulate
from simcore.tasks import Spectrum, Target
from simcore.trajectory import Trajectory

SEED = 20260605  # of every draw, with the number of the network
SPLITS = 6  # random minima that the one of a single pathway is held against

Draw = Callable[[np.random.Generator], Experiment]


@dataclass(frozen=True)
class Finding:
    """One network tried: its number, the experiment, how far it is from the claim."""

    number: int
    experiment: Experiment
    deviation: float
    holds: bool


@dataclass(frozen=True)
class Findings:
    """Some of a claim's."""

    each: tuple[Finding, ...]


@dataclass(frozen=True)
class Claim:
    """A sentence, and how it is tried: `draw` makes a network, `check` measures how far that is
    from the sentence. It holds for a network where that is at most `tolerance`.

    networks: what is drawn. measure: what the deviation is, in words.
    """

    name: str
    sentence: str
    networks: str
    measure: str
    tolerance: float
    draw: Draw
    check: Callable[[Experiment], float]

    def findings(self, first: int, count: int) -> Iterator[Finding]:
        """Of networks `first`, `first` + 1, ..., one at a time as they are done."""
        for number in range(first, first + count):
            experiment = self.draw(np.random.default_rng([SEED, number]))
            deviation = self.check(experiment)
            # not finite is no deviation to be small: it fails
            yield Finding(number, experiment, deviation, deviation <= self.tolerance)


# --- Networks --------------------------------------------------------------------------------


def _orthogonal(rng: np.random.Generator, size: int) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return q * np.sign(np.diag(r))


def _minimum(rng: np.random.Generator, deepest: int = 8) -> Experiment:
    """A target in random directions, each mode of it in one of several pathways at a minimum."""
    pathways, depth = int(rng.integers(2, 5)), int(rng.integers(2, deepest + 1))
    modes = int(rng.integers(1, 4))
    values = np.sort(rng.uniform(0.3, 1.5, modes))[::-1]
    matrix = _orthogonal(rng, modes) @ np.diag(values) @ _orthogonal(rng, modes).T
    target = Target(rows=tuple(map(tuple, matrix.tolist())))
    split = np.zeros((pathways, modes))
    split[rng.integers(0, pathways, modes), np.arange(modes)] = target.singular_values
    return _at(
        Experiment(
            task=target,
            network=Network(depths=(depth,) * pathways, width=modes + int(rng.integers(0, 3))),
            start=Balanced(scales=(0.0,) * pathways),
            dynamics=Descent(step_size=1e-2, steps=200),
        ),
        split,
    )


def _deep_minimum(rng: np.random.Generator) -> Experiment:
    """The same, deep enough that sharing has something to gain."""
    while True:
        experiment = _minimum(rng)
        if experiment.network.depths[0] > 2:
            return experiment


def _small_start(rng: np.random.Generator, depth: int, pathways: int) -> Experiment:
    """One mode, pathways that begin small and apart."""
    scale = 10.0 ** rng.uniform(-2.7, -1.7)
    behind = np.cumprod(np.append(1.0, rng.uniform(0.4, 0.9, pathways - 1)))
    order = rng.permutation(pathways)
    return Experiment(
        task=Spectrum(singular_values=(float(rng.uniform(0.5, 1.5)),)),
        network=Network(depths=(depth,) * pathways),
        start=Balanced(scales=tuple((scale * behind)[order].tolist())),
        dynamics=Descent(step_size=1.0, steps=1),
        record=Record(every=1),
    )


def _descent(experiment: Experiment, step_size: float, times: float) -> Experiment:
    """With this step size, for so many times as long as a pathway takes to half of its target."""
    target, scale = experiment.task.singular_values[0], max(experiment.start.strengths())
    plateau = _plateau(target, experiment.network.depths[0], scale)
    steps = int(np.clip(times * plateau / step_size, 200, 20_000))
    record = Record(every=max(1, steps // 4000))
    return replace(experiment, dynamics=Descent(step_size=step_size, steps=steps), record=record)


def _plateau(target: float, depth: int, scale: float) -> float:
    """int dsigma / (L sigma^{2-2/L} sigma*) from the start on: the leading term of the time that a
    pathway needs from there to half of its target."""
    if depth == 2:
        return float(np.log(target / scale)) / (2 * target)
    return scale ** (2 / depth - 1) / ((depth - 2) * target)


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Even in the logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _past_the_edge(rng: np.random.Generator) -> Experiment:
    """A step size from above 2/lambda_GF to just below where a run may be trapped."""
    while True:
        start = _small_start(rng, int(rng.integers(3, 13)), int(rng.integers(2, 4)))
        marks = theory.step_size_marks(_descent(start, 0.1, 8))
        high = min(0.95 * marks.trap, 1.2 * marks.balanced)
        low = 1.1 * marks.flow_edge
        if low < high:
            return _descent(start, _between(rng, low, high), 8)


def _below_the_edge(rng: np.random.Generator) -> Experiment:
    """A step size with which gradient flow's own end is stable."""
    start = _small_start(rng, int(rng.integers(3, 13)), int(rng.integers(2, 4)))
    edge = theory.step_size_marks(_descent(start, 0.1, 8)).flow_edge
    return _descent(start, _between(rng, 0.4 * edge, 0.97 * edge), 8)


def _shallow(rng: np.random.Generator) -> Experiment:
    """Depth 2, at any step size that does not diverge."""
    start = _small_start(rng, 2, int(rng.integers(2, 5)))
    step_size = float(rng.uniform(0.2, 1.9)) / start.task.singular_values[0]
    return _descent(start, step_size, 8)


# --- Checks ----------------------------------------------------------------------------------


def _at(experiment: Experiment, split: np.ndarray) -> Experiment:
    """With strengths (H, R) at the start."""
    return replace(experiment, start=Balanced(scales=tuple(map(tuple, split.tolist()))))


def _split(experiment: Experiment) -> np.ndarray:
    """The strengths (H, R) at the start."""
    modes = range(len(experiment.task.singular_values))
    return np.transpose([experiment.start.strengths(mode) for mode in modes])


def _measured(experiment: Experiment) -> float:
    """The largest eigenvalue of the whole Hessian at the start, by Lanczos."""
    return float(curvature.sharpness(experiment, curvature.initial(experiment))[0][0])


def single_is_sharpest(experiment: Experiment) -> float:
    """How far the measured sharpness is from L sigma*^{2-2/L}, or how far below that of a random
    minimum, relative to it; the larger of the two."""
    values = experiment.task.singular_values
    depth, pathways = experiment.network.depths[0], experiment.network.pathways
    known = theory.single_path_sharpness(values[0], depth)
    found = _measured(experiment)
    rng = np.random.default_rng([int(1e9 * value) for value in values])
    others = [
        _measured(_at(experiment, rng.dirichlet(np.ones(pathways), len(values)).T * values))
        for _ in range(SPLITS)
    ]
    return max(abs(found / known - 1), max(others) / found - 1)


def sharing_gains(experiment: Experiment) -> float:
    """How far the measured gain of sharing is from H^{2/L-1}, relative to it; inf if one more
    pathway or one more layer gains no more."""
    depth, pathways = experiment.network.depths[0], experiment.network.pathways
    found = _gain(experiment, depth, pathways)
    more = _gain(experiment, depth, pathways + 1), _gain(experiment, depth + 1, pathways)
    if not max(more) < found:
        return np.inf
    return abs(found / pathways ** (2 / depth - 1) - 1)


def _gain(experiment: Experiment, depth: int, pathways: int) -> float:
    """Sharpness where all pathways share equally, over that of a single one."""
    values = np.array(experiment.task.singular_values)
    network = replace(experiment.network, depths=(depth,) * pathways)
    bare = replace(experiment, network=network, start=Balanced(scales=(0.0,) * pathways))
    single = np.zeros((pathways, len(values)))
    single[0] = values
    shared = np.tile(values / pathways, (pathways, 1))
    return _measured(_at(bare, shared)) / _measured(_at(bare, single))


def drift_before_the_edge(experiment: Experiment) -> float:
    """How far the largest share that gradient flow would reach from here has moved from the one it
    reaches from the start, at most until the sharpness first passes the edge."""
    run = simulate(experiment)
    assert run.edge is not None
    past = np.flatnonzero(run.sharpness > run.edge)
    last = past[0] if len(past) else len(run.steps) - 1
    return float(np.abs(_ahead(run)[: last + 1] - _ahead(run)[0]).max())


def _ahead(run: Trajectory) -> np.ndarray:
    """The largest share that gradient flow would reach from each record, (K,)."""
    depths = run.experiment.network.depths
    end = theory.flow_end_split(
        run.strengths[:, :, 0], depths, run.experiment.task.singular_values[0]
    )
    return theory.shares(end).max(axis=-1)


def share_gained(experiment: Experiment) -> float:
    """The largest share at the end less the one of gradient flow: negative where it fell."""
    run = simulate(experiment)
    return float(theory.shares(run.strengths[-1, :, 0]).max() - _ahead(run)[0])


def share_moved(experiment: Experiment) -> float:
    """How far the largest share at the end is from the one of gradient flow."""
    return abs(share_gained(experiment))


def shallow_shares_move(experiment: Experiment) -> float:
    """The largest relative change of the ratio of two strengths along the run."""
    run = simulate(experiment)
    ratios = run.strengths[:, 1:, 0] / run.strengths[:, :1, 0]
    return float(np.abs(ratios / ratios[0] - 1).max())


MINIMA = (
    "targets of one to three modes in random directions, 2 to 4 pathways of one depth, hidden "
    "width up to two more than the modes"
)
STARTS = "one mode, 2 or 3 pathways of depth 3 to 12 that begin balanced, small and apart"
WINDOW = "step sizes from 1.1 × 2/λ(GF) on, up to 1.2 × 2/λ(min) or the trap"

CLAIMS = (
    Claim(
        "single",
        "Minima in which a single pathway carries a feature are the sharpest.",
        f"{MINIMA}; each mode in one pathway, against {SPLITS} random minima of the same network",
        "largest eigenvalue of the whole Hessian (Lanczos) from L σ*^(2−2/L), or below that of "
        "another minimum, relative",
        1e-6,
        _minimum,
        single_is_sharpest,
    ),
    Claim(
        "sharing",
        "Sharing a feature over all H pathways lowers the sharpness by H^(2/L−1): more with more "
        "pathways, and more with depth.",
        f"{MINIMA}, depth 3 to 8; the same network with one pathway more, and with one layer more",
        "measured gain (Lanczos on the whole Hessian) from H^(2/L−1), relative",
        1e-6,
        _deep_minimum,
        sharing_gains,
    ),
    Claim(
        "early",
        "At first descent with a large step size breaks the symmetry as gradient flow does.",
        f"{STARTS}; {WINDOW}",
        "change of the largest share to which gradient flow would lead, until the sharpness first "
        "passes 2/η; a first-order effect of η",
        0.1,
        _past_the_edge,
        drift_before_the_edge,
    ),
    Claim(
        "late",
        "Past the edge the largest share falls.",
        f"{STARTS}; {WINDOW}",
        "largest share at the end less that of gradient flow: negative where it fell",
        0.0,
        _past_the_edge,
        share_gained,
    ),
    Claim(
        "small",
        "With a small step size it does not: the end is that of gradient flow.",
        f"{STARTS}; step sizes from 0.4 to 0.97 × 2/λ(GF)",
        "distance of the largest share at the end from that of gradient flow, a first-order "
        "effect of η",
        0.1,
        _below_the_edge,
        share_moved,
    ),
    Claim(
        "depth-two",
        "Depth 2 is the exception: there is nothing to gain, and shares stay as they are.",
        "one mode, 2 to 4 pathways of depth 2, step sizes up to 1.9/σ*, chaos included",
        "relative change of the ratios of strengths along the run",
        1e-9,
        _shallow,
        shallow_shares_move,
    ),
)

BY_NAME = {claim.name: claim for claim in CLAIMS}
