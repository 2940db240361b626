"""The architectures that every property is tested on: a new one is one line of CASES."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simcore import (
    Balanced,
    Dataset,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Record,
    Spectrum,
    Target,
    Tree,
    run_inputs,
)
from simcore.events import Freeze, Jitter, Kick, Ramp, StepSize
from simcore.experiment import Start
from simcore.tasks import Task

_noise = np.random.default_rng(8).standard_normal

INPUTS = _noise((12, 3)) @ np.array([[1.0, 0.4, 0.0], [0.0, 0.8, -0.3], [0.0, 0.0, 0.6]]) + 0.5
OUTPUTS = INPUTS @ _noise((3, 2)) + 0.2 * _noise((12, 2)) - 0.3
FEW = INPUTS[:2]  # fewer samples than inputs: Sigma_xx is singular
TABLE = ((0.9, -0.4, 0.2), (0.1, 0.7, -0.6))


def _case(
    task: Task, depths: tuple[int, ...], start: Start, width: int | None = None
) -> Experiment:
    return Experiment(
        task=task,
        network=Network(depths=depths, width=width),
        start=start,
        dynamics=Descent(step_size=0.05, steps=20),
        record=Record(every=1),
    )


def _values(*values: float, **sizes: int) -> Spectrum:
    return Spectrum(singular_values=values, **sizes)


CASES = {
    "one pathway": _case(_values(1, 0.6), (3,), Balanced(scales=(0.2,))),
    "two pathways": _case(_values(1, 0.6), (4, 4), Balanced(scales=(0.02, 0.017))),
    "three pathways": _case(_values(1, 0.6, 0.2), (2, 2, 2), Balanced(scales=(0.3, 0.2, 0.1))),
    "unequal depths": _case(_values(1, 0.6), (2, 3, 5), Balanced(scales=(0.2, 0.2, 0.1))),
    "depth 1": _case(_values(1, 0.6, n_in=3), (1,), Balanced(scales=(0.1,))),
    "depth 1 beside 3": _case(_values(1, 0.6), (1, 3), Balanced(scales=(0.1, 0.3))),
    "two of depth 1": _case(_values(1, 0.6, n_out=3), (1, 2, 1), Balanced(scales=(0.1, 0.2, 0.3))),
    "deep": _case(_values(1), (20, 20), Balanced(scales=(0.002, 0.0017))),
    "single weight": _case(_values(1), (1,), Balanced(scales=(0.1,))),
    "wide rectangle": _case(_values(1, 0.6, n_in=5), (3, 2), Balanced(scales=(0.1, 0.2))),
    "tall rectangle": _case(_values(1, 0.6, n_out=4), (2, 3), Balanced(scales=(0.1, 0.2))),
    "narrow hidden": _case(_values(1, 0.6, n_in=4, n_out=3), (3, 2), Gaussian(std=0.5), 3),
    "aligned narrow": _case(_values(1, n_in=3), (3, 2), Balanced(scales=(0.1, 0.2)), 1),
    "bottleneck": _case(_values(2, 1.1, 0.6), (2, 3), Gaussian(std=0.5, seed=1), 2),
    "wide hidden": _case(_values(1, 0.6), (3, 3), Balanced(scales=(0.1, 0.2)), 7),
    "zero modes": _case(_values(1, 0, 0), (2, 3), Balanced(scales=(0.1, 0.2))),
    "equal modes": _case(_values(1, 1, 0.5), (3, 3), Balanced(scales=(0.1, 0.2))),
    "target": _case(Target(rows=TABLE), (2, 3), Balanced(scales=(0.1, 0.2))),
    "tree": _case(Tree(), (2, 3), Balanced(scales=(0.1, 0.2)), 8),
    "layer scales": _case(
        _values(1, 0.6), (3, 4), LayerScales(scales=((0.5, 0.7, 0.5), (0.9, 0.2, 0.6, 0.4)))
    ),
    "layers at zero": _case(
        _values(1, 0.6, n_in=3),
        (2, 3, 2),
        LayerScales(scales=((0.0, 0.5), (0.0, 0.7, 0.0), (0.4, 0.3))),
    ),
    "negative scales": _case(
        _values(1, 0.6), (2, 3), LayerScales(scales=((-0.5, 0.4), (0.3, -0.7, -0.6)))
    ),
    "data": _case(
        Dataset(inputs=INPUTS, outputs=OUTPUTS, whiten=False), (3, 2), Gaussian(std=0.5, seed=2)
    ),
    "aligned data": _case(
        Dataset(inputs=INPUTS, outputs=OUTPUTS, whiten=False), (2, 3), Balanced(scales=(0.1, 0.2))
    ),
    "centred data": _case(
        Dataset(inputs=INPUTS, outputs=OUTPUTS, whiten=False, center=True),
        (1, 3),
        Gaussian(std=0.5, seed=3),
    ),
    "whitened data": _case(
        Dataset(inputs=INPUTS, outputs=OUTPUTS), (2, 3), Balanced(scales=(0.1, 0.2))
    ),
    "centred whitened data": _case(
        Dataset(inputs=INPUTS, outputs=OUTPUTS, center=True), (3, 3), Balanced(scales=(0.1, 0.2))
    ),
    "few samples": _case(
        Dataset(inputs=FEW, outputs=OUTPUTS[:2], whiten=False), (2, 2), Gaussian(std=0.5, seed=4)
    ),
}


def _sampled(
    task: Task, depths: tuple[int, ...], activation: str, last: bool = False, width: int = 5
) -> Experiment:
    network = Network(depths=depths, width=width, activation=activation, activate_last=last)
    case = _case(task, (1,), Gaussian(std=0.5, seed=7))
    return replace(case, network=network, engine="samples")


# Pathways that are seen sample by sample.
SAMPLED = {
    "tanh": _sampled(_values(1, 0.6, n_in=3), (2, 3), "tanh"),
    "tanh to the last": _sampled(_values(1, 0.6, n_out=4), (2, 3), "tanh", True),
    "relu": _sampled(_values(1, 0.6, 0.2), (3, 2, 2), "relu", width=6),
    "relu to the last": _sampled(_values(1, 0.6, n_in=5), (3, 2), "relu", True),
    "tanh tree": _sampled(Tree(), (2, 2), "tanh", width=3),
    "tanh of depth 1": _sampled(Target(rows=TABLE), (1, 2), "tanh", True),
    "tanh of data": _sampled(
        Dataset(inputs=INPUTS, outputs=OUTPUTS, whiten=False, keep=True), (3, 2), "tanh"
    ),
    "relu of whitened data": _sampled(
        Dataset(inputs=INPUTS, outputs=OUTPUTS, center=True, keep=True), (2, 2), "relu"
    ),
    "linear": _sampled(_values(1, 0.6, n_in=3), (2, 3), "linear"),
    "linear tree": _sampled(Tree(), (1, 3), "linear"),
    "linear data": _sampled(
        Dataset(inputs=INPUTS, outputs=OUTPUTS, whiten=False, keep=True), (3, 2), "linear"
    ),
    "linear whitened data": _sampled(
        Dataset(inputs=INPUTS, outputs=OUTPUTS, center=True, keep=True), (2, 2), "linear"
    ),
}

ALIGNED = {name: case for name, case in CASES.items() if case.resolved_engine == "modes"}
RUNS = [(name, "matrices") for name in CASES] + [(name, "modes") for name in ALIGNED]

PAPER = CASES["deep"]  # the paper's main figure, SCIENCE 4, case 1
PAPER_STEP_SIZES = {"small": 0.05, "medium": 2 / 13, "large": 2 / 10.7}


def descending(experiment: Experiment, step_size: float, steps: int, **options: Any) -> Experiment:
    """`experiment` under gradient descent; options are other fields to replace."""
    dynamics = Descent(step_size=step_size, steps=steps)
    return replace(experiment, dynamics=dynamics, **options)


def flowing(
    experiment: Experiment, duration: float, rtol: float = 1e-8, **options: Any
) -> Experiment:
    """`experiment` under gradient flow; options are other fields to replace."""
    return replace(experiment, dynamics=Flow(duration=duration, rtol=rtol), **options)


def driven(experiment: Experiment, step_size: float) -> Experiment:
    """`experiment` under ten updates with everything that can drive them, events of every kind
    included."""
    last = experiment.network.pathways - 1
    events = (
        StepSize(at=1, value=0.7 * step_size),
        Ramp(start=2, stop=8, value=step_size),
        Kick(at=3, pathway=last, factor=1.5),
        Jitter(at=4, std=1e-7, seed=3),
        Freeze(pathway=last, start=5, stop=7),
    )
    dynamics = Descent(
        step_size=step_size,
        steps=10,
        events=events,
        momentum=0.5,
        nesterov=True,
        weight_decay=1e-2,
        label_noise=0.1,
        seed=5,
    )
    return replace(experiment, dynamics=dynamics)


def random_weights(experiment: Experiment, seed: int = 0) -> np.ndarray:
    """Weights of order one, in no way aligned or balanced; shape (N,)."""
    shapes = experiment.network.shapes(experiment.task)
    noise = np.random.default_rng(seed)
    return np.concatenate(
        [noise.standard_normal(rows * cols) * 1.2 / np.sqrt(cols) for rows, cols in shapes]
    )


def results(row):
    """What a row says of its run: without its inputs and the time it took."""
    apart = {"seconds", *run_inputs.names([row])}
    return {name: value for name, value in row.items() if name not in apart}
