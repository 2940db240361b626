"""What came out: one run as read-only arrays."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from simcore.checks import require
from simcore.experiment import Experiment

FORMAT = 1  # of the saved file


class Outcome(StrEnum):
    """How a run ended; the value is the sentence to show (empty when all went well)."""

    FINISHED = ""
    DIVERGED = "The loss grew without bound, so the run stopped; take a smaller step size."
    STALLED = (
        "The integrator needed too small a step to go on at this tolerance, so the run stopped; "
        "take a larger rtol or a shorter duration."
    )
    CANCELLED = "The run was cancelled; what was done until then is kept."


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """A run of `experiment`: K records, the first of them the start, all arrays read-only.

    `steps` counts updates of descent, or accepted steps of the flow's integrator, and
    time = eta * steps for descent. At the records: `loss`; `strengths` sigma_{h,i};
    `eigenvalues`, the k largest (algebraic) of the Hessian, and their `residuals`
    ||Hv - lambda v|| (0 where a block was solved directly; both nan if not asked for); `maps`
    Omega_h. `loss_range` and `strengths_range` hold the smallest and largest value over all steps
    since the previous record. `theta` are the last weights of the matrices engine, layer by layer.
    """

    experiment: Experiment
    outcome: Outcome
    steps: np.ndarray  # (K,) int64
    time: np.ndarray  # (K,)
    loss: np.ndarray  # (K,)
    strengths: np.ndarray  # (K, H, R)
    eigenvalues: np.ndarray  # (K, k)
    residuals: np.ndarray  # (K, k)
    loss_range: np.ndarray  # (K, 2)
    strengths_range: np.ndarray  # (K, 2, H, R)
    maps: np.ndarray | None = None  # (K, H, n_out, n_in)
    theta: np.ndarray | None = None  # (N,)
    seconds: float = 0.0  # the computation took

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                dtype = np.int64 if f.name == "steps" else np.float64
                value = np.ascontiguousarray(value, dtype=dtype)
                value = value.copy() if value.flags.writeable else value
                value.setflags(write=False)
                object.__setattr__(self, f.name, value)

    @property
    def sharpness(self) -> np.ndarray:
        """lambda_max at every record, shape (K,)."""
        return self.eigenvalues[:, 0]

    @property
    def edge(self) -> float | None:
        """2/eta, or None for a flow."""
        return self.experiment.edge

    def save(self, path: str | Path | IO[bytes]) -> None:
        """Write the run as .npz: arrays by name and the experiment as JSON (no pickle)."""
        header = {
            "format": FORMAT,
            "experiment": self.experiment.to_dict(),
            "outcome": self.outcome.name,
            "seconds": self.seconds,
        }
        arrays: dict[str, Any] = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if isinstance(getattr(self, f.name), np.ndarray)
        }
        if isinstance(path, (str, Path)):  # numpy would add .npz to other names
            with open(path, "wb") as file:
                np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)
        else:
            np.savez_compressed(path, header=np.array(json.dumps(header)), **arrays)

    @classmethod
    def load(cls, path: str | Path | IO[bytes]) -> Self:
        """The run that `save` wrote; ValueError with a sentence for any other file."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            header = json.loads(str(arrays.pop("header")))
            outcome, version = Outcome[header["outcome"]], header["format"]
            specification, seconds = header["experiment"], float(header["seconds"])
        except (KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile):
            raise ValueError(
                f"expected a run saved by Trajectory.save, got {path}; save the run again"
            ) from None
        require(
            version == FORMAT,
            f"expected a run in format {FORMAT}, {path} has {version}; save the run again",
        )
        expected = {f.name for f in fields(cls)} - {"experiment", "outcome", "seconds"}
        missing = expected - set(arrays) - {"maps", "theta"}
        require(
            set(arrays) <= expected and not missing,
            f"expected a run saved by Trajectory.save, {path} lacks {sorted(missing)}; "
            "save the run again",
        )
        experiment = Experiment.from_dict(specification)
        return cls(experiment=experiment, outcome=outcome, seconds=seconds, **arrays)
