"""What to run: the nouns of an experiment, as plain frozen data.

A spec holds numbers, strings and tuples only, so `==`, `hash`, `repr`, JSON, pickle and
`dataclasses.replace` work, and one object is the argument, the cache key, the sweep point, the
link and the caption. Whatever is wrong with one is said when it is built, in one sentence.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simcore import checks, limits
from simcore.checks import require
from simcore.spec import Spec
from simcore.tasks import Task

# --- Architecture ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Network(Spec):
    """Parallel linear pathways, M = sum_h W_{h,L_h} ... W_{h,1}: one depth L_h per pathway.

    `width` is that of every hidden layer; None means as wide as max(n_in, n_out). A pathway of
    depth 1 is a single matrix without hidden layer.
    """

    depths: tuple[int, ...]
    width: int | None = None

    def __post_init__(self) -> None:
        most = limits.current()
        depths = checks.sequence("depths", self.depths, "(20, 20)")
        require(
            len(depths) <= most.pathways,
            f"there may be at most {most.pathways} pathways here, got {len(depths)}",
        )
        depths = tuple(checks.count(f"depths[{h}]", d, 1, most.depth) for h, d in enumerate(depths))
        width = None if self.width is None else checks.count("width", self.width, 1, most.size)
        self._set(depths=depths, width=width)

    @property
    def pathways(self) -> int:
        """H."""
        return len(self.depths)

    def weights(self, task: Task) -> int:
        """How many numbers all layers hold together."""
        hidden = self.hidden_width(task)
        return sum(
            task.n_in * task.n_out
            if depth == 1
            else hidden * (task.n_in + (depth - 2) * hidden + task.n_out)
            for depth in self.depths
        )

    def shapes(self, task: Task) -> list[tuple[int, int]]:
        """(rows, cols) of every layer, pathway after pathway, from input to output."""
        hidden = self.hidden_width(task)
        return [
            (task.n_out if last else hidden, task.n_in if first else hidden)
            for depth in self.depths
            for first, last in ((layer == 0, layer == depth - 1) for layer in range(depth))
        ]

    def hidden_width(self, task: Task) -> int:
        return max(task.n_in, task.n_out) if self.width is None else self.width


# --- Starting points -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Balanced(Spec):
    """Every layer of pathway h carries alpha_h^{1/L_h} on each mode, aligned with the target.

    `scales` are the alpha_h >= 0: the strength of every mode in pathway h at the start.
    """

    scales: tuple[float, ...]

    def __post_init__(self) -> None:
        self._set(
            scales=checks.numbers("scales", self.scales, "(0.002, 0.0017)", checks.not_negative)
        )

    def layer_scales(self, depths: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
        """The scale of each layer of each pathway, from input to output."""
        return tuple(
            (scale ** (1 / depth),) * depth
            for scale, depth in zip(self.scales, depths, strict=True)
        )

    def strengths(self) -> tuple[float, ...]:
        """sigma_{h,i} at the start, the same for every mode i, shape (H,)."""
        return self.scales

    @property
    def balanced(self) -> bool:
        """Whether the layers of each pathway are equal."""
        return True


@dataclass(frozen=True, kw_only=True)
class LayerScales(Spec):
    """Aligned with the target, each layer with a scale of its own: one tuple per pathway, from
    input to output; zero is allowed."""

    scales: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        example = "((0.1, 0.2), (0.1, 0.3))"
        rows = checks.sequence("scales", self.scales, example)
        scales = tuple(
            checks.numbers(f"scales[{h}]", row, "(0.1, 0.2)") for h, row in enumerate(rows)
        )
        self._set(scales=scales)

    def layer_scales(self, depths: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
        """The scale of each layer of each pathway, from input to output."""
        return self.scales

    def strengths(self) -> tuple[float, ...]:
        """sigma_{h,i} at the start, the same for every mode i, shape (H,)."""
        return tuple(math.prod(row) for row in self.scales)

    @property
    def balanced(self) -> bool:
        """Whether the layers of each pathway are equal."""
        return all(len(set(row)) == 1 for row in self.scales)


@dataclass(frozen=True, kw_only=True)
class Gaussian(Spec):
    """Every weight drawn from N(0, std^2), reproducibly from `seed`."""

    std: float
    seed: int = 0

    def __post_init__(self) -> None:
        self._set(
            std=checks.positive("std", self.std), seed=checks.count("seed", self.seed, 0, 2**32 - 1)
        )


Start = Balanced | LayerScales | Gaussian


# --- Dynamics --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Descent(Spec):
    """Gradient descent, theta <- theta - eta grad L(theta), for a number of steps."""

    step_size: float  # eta
    steps: int

    def __post_init__(self) -> None:
        self._set(
            step_size=checks.positive("step_size", self.step_size),
            steps=checks.count("steps", self.steps, 1, limits.current().steps),
        )

    @property
    def duration(self) -> float:
        """t = eta * steps, the clock it shares with gradient flow."""
        return self.step_size * self.steps


@dataclass(frozen=True, kw_only=True)
class Flow(Spec):
    """Gradient flow, d theta/dt = - grad L(theta), integrated to relative tolerance `rtol`."""

    duration: float
    rtol: float = 1e-8

    def __post_init__(self) -> None:
        duration, rtol = (
            checks.positive("duration", self.duration),
            checks.positive("rtol", self.rtol),
        )
        longest = limits.current().duration
        require(duration <= longest, f"duration may be at most {longest:g} here, got {duration:g}")
        require(
            1e-13 <= rtol <= 1e-2,
            f"rtol must be between 1e-13 and 1e-2 (double precision holds no more), got {rtol:g}",
        )
        self._set(duration=duration, rtol=rtol)


Dynamics = Descent | Flow


# --- The whole -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Record(Spec):
    """What a run keeps.

    Descent records every `every`-th step, or else at most `frames` records at an odd stride (an
    even one would hide a period-2 oscillation). Flow records at `frames` equal times, or at every
    `every`-th step of its integrator. The start and the end are always kept. `eigenvalues` is
    how many of the Hessian's largest are computed at each record (none if not `sharpness`), and
    `maps` keeps the pathway maps Omega_h.
    """

    frames: int = 600
    every: int | None = None
    sharpness: bool = True
    eigenvalues: int = 1
    maps: bool = False

    def __post_init__(self) -> None:
        most = limits.current()
        self._set(
            frames=checks.count("frames", self.frames, 2, most.records),
            every=None if self.every is None else checks.count("every", self.every, 1, most.steps),
            sharpness=checks.flag("sharpness", self.sharpness),
            eigenvalues=checks.count("eigenvalues", self.eigenvalues, 1, most.eigenvalues),
            maps=checks.flag("maps", self.maps),
        )

    def stride(self, last: int) -> int:
        """Steps from record to record in a descent of `last` steps."""
        if self.every is not None:
            return self.every
        stride = math.ceil(last / (self.frames - 1))
        return stride + 1 - stride % 2

    def steps(self, last: int) -> np.ndarray:
        """The recorded steps of a descent of `last` steps, shape (K,)."""
        return np.append(np.arange(0, last, self.stride(last)), last)


ENGINES = ("auto", "modes", "matrices")


@dataclass(frozen=True, kw_only=True)
class Experiment(Spec):
    """Everything that determines a run; `simulate` turns it into a `Trajectory`.

    `engine`: "modes" is the exact reduction for aligned starts and whitened inputs, "matrices"
    the full weights; "auto" takes the modes wherever they are exact.
    """

    task: Task
    network: Network
    start: Start
    dynamics: Dynamics
    record: Record = Record()
    engine: str = "auto"

    def __post_init__(self) -> None:
        for name, kinds, example in (
            ("task", Task, "Spectrum(singular_values=(1.0,))"),
            ("network", Network, "Network(depths=(20, 20))"),
            ("start", Start, "Balanced(scales=(0.002, 0.0017))"),
            ("dynamics", Dynamics, "Descent(step_size=0.1, steps=1000)"),
            ("record", Record, "Record(frames=600)"),
        ):
            value = getattr(self, name)
            require(isinstance(value, kinds), f"{name} must be a spec like {example}", value)
        known = isinstance(self.engine, str) and self.engine in ENGINES
        require(known, f"engine must be one of {', '.join(ENGINES)}", self.engine)
        self._set(engine=str(self.engine))  # text of numpy is text, too
        self._check_start()
        require(
            self.engine != "modes" or self._modes_are_exact,
            'engine "modes" needs an aligned start (Balanced or LayerScales) and whitened inputs; '
            'use engine "auto" or "matrices"',
        )
        self._check_size()

    def _check_start(self) -> None:
        depths, start = self.network.depths, self.start
        if isinstance(start, Gaussian):
            return
        require(
            len(start.scales) == len(depths),
            f"scales needs one entry per pathway: {len(depths)} pathways, "
            f"{len(start.scales)} entries",
        )
        if isinstance(start, LayerScales):
            for h, (row, depth) in enumerate(zip(start.scales, depths, strict=True)):
                require(
                    len(row) == depth,
                    f"scales[{h}] needs one entry per layer: {depth} layers, {len(row)} entries",
                )
        width, modes = self.network.hidden_width(self.task), len(self.task.singular_values)
        require(
            width >= modes or max(depths) == 1,
            f"an aligned start needs a width of at least {modes}, one per mode, got {width}",
        )

    def _check_size(self) -> None:
        most = limits.current()
        if self.resolved_engine == "modes":
            size = sum(self.network.depths) * len(self.task.singular_values)
        else:
            size = self.network.weights(self.task)
        require(
            size <= most.parameters,
            f"a network may have at most {most.parameters} weights here, this one has {size}; "
            "make it narrower, shallower or give it fewer pathways",
        )
        records, most_records = self.record.frames, self.most_records
        if isinstance(self.dynamics, Descent):
            steps = self.dynamics.steps
            records = 1 + math.ceil(steps / self.record.stride(steps))
        elif self.record.every is not None:
            records = 2  # at least: only the integrator knows how many steps it will take
        require(
            records <= most_records,
            f"a run of this size may keep at most {most_records} records here, this one would "
            f"keep {records}; record less often",
        )

    @property
    def most_records(self) -> int:
        """How many records a run may keep here, by their number and by their size."""
        most, modes = limits.current(), len(self.task.singular_values)
        per_record = 5 + 2 * self.record.eigenvalues  # step, time, loss and its range; eigenpairs
        per_record += self.network.pathways * 3 * modes
        if self.record.maps:
            per_record += self.network.pathways * self.task.n_in * self.task.n_out
        return min(most.records, most.numbers // per_record)

    @property
    def _modes_are_exact(self) -> bool:
        return not isinstance(self.start, Gaussian) and self.task.whitened

    @property
    def resolved_engine(self) -> str:
        """The engine that runs it: "modes" or "matrices"."""
        if self.engine == "auto":
            return "modes" if self._modes_are_exact else "matrices"
        return self.engine

    @property
    def edge(self) -> float | None:
        """2/eta, the largest sharpness at which gradient descent is stable; None for a flow."""
        return 2 / self.dynamics.step_size if isinstance(self.dynamics, Descent) else None

    @cached_property
    def key(self) -> str:
        """A short hash, the same in every process and version of Python."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
