"""Where runs end, side by side, and how far each one's end is from the first one's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simcore import last_steps, regimes
from simcore.trajectory import Trajectory
from simcore.wording import part


@dataclass(frozen=True)
class End:
    """The last records of one mode of a run, those by which it is judged."""

    run: Trajectory
    low: np.ndarray  # (H,) the smallest strength of each pathway over them
    high: np.ndarray  # (H,)
    mean: np.ndarray  # (H,)

    @classmethod
    def of(cls, run: Trajectory, mode: int) -> End:
        tail = last_steps.tail(len(run.steps))
        bands = run.strengths_range[tail, :, :, mode]
        shown = run.strengths[tail, :, mode]
        return cls(
            run,
            np.minimum(bands[1:, 0].min(axis=0, initial=np.inf), shown.min(axis=0)),
            np.maximum(bands[1:, 1].max(axis=0, initial=-np.inf), shown.max(axis=0)),
            shown.mean(axis=0),
        )

    def strengths(self) -> str:
        """One number per pathway, or the band in which it swings, if it can be read."""
        return " · ".join(map(_band, self.low, self.high, self.mean))


def _band(low: float, high: float, mean: float) -> str:
    ends = part(low), part(high)
    return f"{mean:.4f}" if ends[0] == ends[1] else " to ".join(ends)


def table(runs: Mapping[str, Trajectory], mode: int = 0) -> dict[str, list[str]]:
    """Columns of text, a row for each run that has the mode; the first run is the one from which
    the others differ.

    The difference is max_h |mean sigma_h - mean sigma_h of the first| over the last records, for
    runs with as many pathways.
    """
    ends = {name: End.of(run, mode) for name, run in runs.items() if run.strengths.shape[2] > mode}
    first = next(iter(ends.values()))
    return {
        "run": list(ends),
        "what happened": [regimes.headline(end.run) for end in ends.values()],
        "length": [_length(end.run) for end in ends.values()],
        "strengths at the end": [end.strengths() for end in ends.values()],
        "sharpness": [_number(end.run.sharpness[-1]) for end in ends.values()],
        f"edge {_edge_symbol(runs)}".strip(): [
            "none" if end.run.edge is None else _number(end.run.edge[-1]) for end in ends.values()
        ],
        "loss": [f"{end.run.loss[-1]:.2g}" for end in ends.values()],
        f"difference to {next(iter(ends))}": [_difference(end, first) for end in ends.values()],
    }


def _edge_symbol(runs: Mapping[str, Trajectory]) -> str:
    """That of all runs that have one; nothing where they differ."""
    dynamics = [run.experiment.dynamics for run in runs.values()]
    symbols = {each.edge_symbol for each in dynamics if each.eta is not None}
    return symbols.pop() if len(symbols) == 1 else ""


def _length(run: Trajectory) -> str:
    if run.experiment.dynamics.iterated:
        return f"{run.steps[-1]:,} steps"
    return f"t = {run.time[-1]:.4g}"


def _number(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else "–"


def _difference(end: End, first: End) -> str:
    if end is first:
        return "–"
    if end.mean.shape != first.mean.shape:
        return f"H = {len(end.mean)}"
    return _number(float(np.abs(end.mean - first.mean).max()))
