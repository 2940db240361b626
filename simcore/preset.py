"""What a preset is: a named experiment, its source, and the numbers it must reproduce.

Beside it what is measured of runs, and the setting that most presets share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simcore import theory
from simcore.experiment import Balanced, Dynamics, Experiment, Network, Record
from simcore.tasks import Spectrum
from simcore.trajectory import Trajectory

PAPER = "Kim and Lee, ICML 2026 (arXiv 2606.05219)"


@dataclass(frozen=True)
class Expected:
    """A published or exact number of a run: `measure(run)` must be within `tolerance` of `value`.

    With `at_least`, the measure must be above `value` instead. `note` says where a tolerance that
    is wider than the digits comes from; `exact` numbers are those of a closed form.
    """

    label: str
    value: float
    tolerance: float
    measure: Callable[[Trajectory], float]
    at_least: bool = False
    note: str = ""
    exact: bool = False

    def holds(self, run: Trajectory) -> bool:
        """Whether the run reproduces the number."""
        measured = float(self.measure(run))
        if self.at_least:
            return measured >= self.value
        return abs(measured - self.value) <= self.tolerance


@dataclass(frozen=True)
class Preset:
    """A named experiment, where it comes from, and what must come out."""

    name: str
    title: str
    source: str
    experiment: Experiment
    expected: tuple[Expected, ...] = ()


# --- What is measured ------------------------------------------------------------------------


def strength(h: int, mode: int = 0) -> Callable[[Trajectory], float]:
    """sigma_{h,i} at the end, pathway h and mode i from 0."""
    return lambda run: run.strengths[-1, h, mode]


def at_step(step: int, h: int) -> Callable[[Trajectory], float]:
    """The strength of the first mode after so many steps, which must be recorded."""
    return lambda run: run.strengths[np.flatnonzero(run.steps == step)[0], h, 0]


def sharpness(run: Trajectory) -> float:
    """At the end."""
    return run.sharpness[-1]


def of_last_two(
    value: Callable[[Trajectory, int], float], pick: Callable[..., float]
) -> Callable[[Trajectory], float]:
    """min or max of a value over the last two records, the two points of a 2-cycle."""
    return lambda run: pick(value(run, -1), value(run, -2))


def total(run: Trajectory, record: int) -> float:
    """sum_h sigma_h of the first mode."""
    return run.strengths[record, :, 0].sum()


def largest_share(mode: int) -> Callable[[Trajectory], float]:
    """max_h q_h of a mode at the end."""
    return lambda run: theory.shares(run.strengths[-1, :, mode]).max()


def ratio_drift(run: Trajectory) -> float:
    """Largest relative change of sigma_1 / sigma_2 since the start."""
    ratio = run.strengths[:, 0, 0] / run.strengths[:, 1, 0]
    return float(np.abs(ratio / ratio[0] - 1).max())


def two_pathways(
    dynamics: Dynamics,
    depths: tuple[int, int] = (20, 20),
    scales: tuple[float, float] = (0.002, 0.0017),
    singular_values: tuple[float, ...] = (1.0,),
) -> Experiment:
    """The paper's setting: two pathways from a balanced start, every step recorded."""
    return Experiment(
        task=Spectrum(singular_values=singular_values),
        network=Network(depths=depths),
        start=Balanced(scales=scales),
        dynamics=dynamics,
        record=Record(every=1),
    )
