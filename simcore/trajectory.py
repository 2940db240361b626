"""What came out: one run as read-only arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from pkgutil import resolve_name
from typing import IO, Any, Self

import numpy as np

from simcore import archive, files
from simcore.checks import number, require, shown
from simcore.experiment import Experiment

FORMAT = 1  # of the saved file

# What a run offers though layers above make it: found when it is asked for, because a noun imports
# none of them, and `import simcore` no pictures.
TABLE, DATASET, PAGE = (
    "simcore.run_table:write",
    "simcore.notebook:dataset",
    "simcore.notebook:shown",
)


class Outcome(StrEnum):
    """How a run ended; the value is the sentence to show (empty when all went well)."""

    FINISHED = ""
    DIVERGED = "The loss grew without bound, so the run stopped; take a smaller step size."
    STALLED = (
        "The integrator needed too small a step to go on at this tolerance, so the run stopped; "
        "take a larger rtol or a shorter duration."
    )
    UNHELD = (
        "No weights nearby have a sharpness of at most 2/η, so central flow could not go on; take "
        "a smaller step size."
    )
    FULL = (
        "The run kept as many records as it may, so it stopped; record less often or choose a "
        "shorter duration."
    )
    CANCELLED = "The run was cancelled; what was done until then is kept."


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """A run of `experiment`: K records, the first of them the start, all arrays read-only.

    `steps` counts updates of descent, or accepted steps of the flow's integrator, and
    time is the sum of the step sizes for descent. At the records: `loss`; `strengths` sigma_{h,i};
    `eigenvalues`, the k largest (algebraic) of the Hessian, and their `residuals`
    ||Hv - lambda v|| (0 where a block was solved directly; both nan if not asked for); `maps`
    Omega_h. `loss_range` and `strengths_range` hold the smallest and largest value over all steps
    since the previous record. `theta` are the weights at the last record, layer by layer, where the
    matrices engine ran, and `velocity` is that of a finished run with momentum, in the same order.
    `moving_sharpness` is lambda_max of the weights that move at each record, where a pathway was
    ever frozen. Of a central flow: `variance` tr Sigma of the oscillation about it, and
    `predicted_loss`, loss + variance / eta, what descent has on average.
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
    velocity: np.ndarray | None = None  # (N,)
    moving_sharpness: np.ndarray | None = None  # (K,)
    variance: np.ndarray | None = None  # (K,)
    predicted_loss: np.ndarray | None = None  # (K,)
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

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # arrays leave a pickle writeable

    @property
    def sharpness(self) -> np.ndarray:
        """lambda_max at every record, shape (K,)."""
        return self.eigenvalues[:, 0]

    @property
    def edge(self) -> np.ndarray | None:
        """2/eta in force at every record, shape (K,); None for a flow."""
        return self.experiment.dynamics.edges(self.steps)

    def __repr__(self) -> str:
        dynamics = self.experiment.dynamics
        eta = "" if dynamics.eta is None else f", eta = {dynamics.eta:.4g}"
        unit = "updates" if dynamics.iterated else "steps"
        return (
            f"<Trajectory: {dynamics.title}{eta}, {self.outcome.name.lower()} after "
            f"{self.steps[-1]} {unit}; {len(self.steps)} records, at the last one loss "
            f"{self.loss[-1]:.4g}, sharpness {self.sharpness[-1]:.4g}>"
        )

    def _repr_html_(self) -> str:
        """The run as a page that plays, for notebooks."""
        return self._made(PAGE)

    def to_xarray(self) -> Any:
        """The run as an `xarray.Dataset` with named dimensions; see `notebook.dataset`."""
        return self._made(DATASET)

    def to_csv(self, path: str | Path) -> None:
        """Write a table with one line per record, whole or not at all; see `run_table.columns`."""
        self._made(TABLE, path)

    def _made(self, verb: str, *arguments: Any) -> Any:
        function: Callable[..., Any] = resolve_name(verb)
        return function(self, *arguments)

    def save(self, path: str | Path | IO[bytes]) -> None:
        """Write the run as .npz: arrays by name and the experiment as JSON (no pickle).

        A path is written whole or not at all; see `files.writing`.
        """
        if isinstance(path, (str, Path)):
            with files.writing(path) as part, open(part, "wb") as file:
                self.save(file)
            return
        header = {
            "format": FORMAT,
            "experiment": self.experiment.to_dict(),
            "outcome": self.outcome.name,
            "seconds": self.seconds,
        }
        arrays = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if isinstance(getattr(self, f.name), np.ndarray)
        }
        archive.write(path, header, arrays)

    @classmethod
    def load(cls, path: str | Path | IO[bytes], name: str | None = None) -> Self:
        """The run that `save` wrote; ValueError with a sentence, which calls the file `name`, for
        any other file."""
        if isinstance(path, (str, Path)):
            with open(path, "rb") as file:
                return cls.load(file, name or Path(path).name)
        return cls._read(path, "another file" if name is None else shown(name))

    @classmethod
    def _read(cls, file: IO[bytes], name: str) -> Self:
        refusal = f"expected a run saved by this program (.npz), got {name}; save the run again"
        with _refusing(refusal):
            packed = archive.Archive(file)
            version, plain = packed.header["format"], packed.header["experiment"]
        require(
            version == FORMAT,
            f"expected a run in format {FORMAT}, {name} has {shown(version)}; save the run again",
        )
        experiment = Experiment.from_dict(plain)
        with _refusing(refusal):
            (records,) = packed.claims["steps"][1]
            require(1 <= records <= experiment.most_records, "no records, or too many")
            contents = _contents(experiment, records)
            if "velocity" in packed.claims:  # files of before have none
                contents["velocity"] = contents["theta"]
            arrays = packed.arrays(contents)
            outcome = Outcome[packed.header["outcome"]]
            seconds = number("seconds", packed.header["seconds"])
            experiment.dynamics.check_clock(
                experiment.record, arrays["steps"], arrays["time"], outcome is Outcome.FINISHED
            )
        return cls(experiment=experiment, outcome=outcome, seconds=seconds, **arrays)


@contextmanager
def _refusing(sentence: str) -> Iterator[None]:
    """Whatever zip, zlib, numpy and json make of any bytes becomes one sentence."""
    try:
        yield
    except Exception:
        raise ValueError(sentence) from None


def _contents(experiment: Experiment, records: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of every array of a run with so many records."""
    task, network, record = experiment.task, experiment.network, experiment.record
    strengths = (network.pathways, len(task.singular_values))
    shapes: dict[str, tuple[int, ...]] = {
        "time": (),
        "loss": (),
        "strengths": strengths,
        "eigenvalues": (record.eigenvalues,),
        "residuals": (record.eigenvalues,),
        "loss_range": (2,),
        "strengths_range": (2, *strengths),
    }
    if experiment.dynamics.averages:
        shapes |= {"variance": (), "predicted_loss": ()}
    if experiment.dynamics.freezes:
        shapes["moving_sharpness"] = ()
    if record.maps:
        shapes["maps"] = (network.pathways, task.n_out, task.n_in)
    contents = {name: ("float64", (records, *shape)) for name, shape in shapes.items()}
    if experiment.resolved_engine != "modes":
        contents["theta"] = ("float64", (network.weights(task),))
    return contents | {"steps": ("int64", (records,))}
