"""What a `Jitter` adds to the weights: the same chance in both engines.

Drawn is N(0, std^2) for every weight, in the order of theta and in the task's coordinates. The
modes engine has of it what falls on its layer scales, the diagonal in the singular bases; an
orthogonal change of coordinates leaves that N(0, std^2) too.
"""

from __future__ import annotations

import numpy as np

from simcore.events import Jitter
from simcore.experiment import Experiment


def of_weights(experiment: Experiment, jitter: Jitter) -> np.ndarray:
    """Added to theta, (N,)."""
    size = experiment.network.weights(experiment.task)
    return jitter.std * np.random.default_rng(jitter.seed).standard_normal(size)


def of_scales(experiment: Experiment, jitter: Jitter) -> np.ndarray:
    """Added to the layer scales of every mode, (T, R)."""
    left, right = experiment.task.bases()
    modes, network = np.arange(left.shape[1]), experiment.network
    ends = np.cumsum(network.depths)
    opens, closes = {0, *ends[:-1].tolist()}, set((ends - 1).tolist())
    rng = np.random.default_rng(jitter.seed)
    scales = []
    for layer, shape in enumerate(network.shapes(experiment.task)):  # one at a time: they are large
        noise = rng.standard_normal(shape)
        if layer in opens:
            noise = noise @ right
        if layer in closes:
            noise = left.T @ noise
        scales.append(noise[modes, modes])
    return jitter.std * np.array(scales)
