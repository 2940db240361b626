"""What to run: the nouns of an experiment, as plain frozen data.

A spec holds numbers, strings and tuples only, so `==`, `hash`, `repr`, JSON, pickle and
`dataclasses.replace` work, and one object is the argument, the cache key, the sweep point, the
link and the caption. Whatever is wrong with one is said when it is built, in one sentence.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from simcore import checks, limits
from simcore.checks import require
from simcore.dynamics import CentralFlow, Descent, Dynamics, Flow
from simcore.record import Record
from simcore.spec import Spec
from simcore.starts import Balanced, Gaussian, LayerScales, Start
from simcore.tasks import Task

__all__ = [  # all nouns of an experiment but the tasks, wherever each is at home
    "Balanced",
    "CentralFlow",
    "Descent",
    "Dynamics",
    "Experiment",
    "Flow",
    "Gaussian",
    "LayerScales",
    "Network",
    "Record",
    "Start",
]

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
        depths = tuple(
            checks.count(f"the depth of pathway {h}", depth, 1, most.depth)
            for h, depth in enumerate(depths, start=1)
        )
        require(
            sum(depths) <= most.layers,
            f"the pathways may have at most {most.layers} layers together here, got {sum(depths)}; "
            "take fewer or shallower ones",
        )
        width = (
            None
            if self.width is None
            else checks.count("the hidden width", self.width, 1, most.size)
        )
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


# --- The whole -------------------------------------------------------------------------------


ENGINES = ("auto", "modes", "matrices")
DEFAULT_RECORD = Record()


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
    record: Record = DEFAULT_RECORD
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
        depths, modes = self.network.depths, len(self.task.singular_values)
        self.start.check_fits(depths, modes)
        self.dynamics.check_network(len(depths))
        width = self.network.hidden_width(self.task)
        require(
            not self.start.aligned or width >= modes or max(depths) == 1,
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
        records, most_records = self.dynamics.records(self.record), self.most_records
        require(
            records <= most_records,
            f"a run of this size may keep at most {most_records} records here, this one would "
            f"keep {records}; record less often",
        )

    # What the checks look at together: where others have passed with the same parts, an experiment
    # need not be checked.
    ASPECTS: ClassVar = (
        ("task", "network", "start", "engine"),
        ("task", "network", "dynamics", "record"),
    )

    @classmethod
    def of_checked(cls, parts: dict[str, Any]) -> Experiment:
        """Of all its fields, whose `ASPECTS` have passed: in a tenth of the time of a check."""
        made = object.__new__(cls)
        made.__dict__.update(parts)
        return made

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
        return self.start.aligned and self.task.whitened

    @property
    def resolved_engine(self) -> str:
        """The engine that runs it: "modes" or "matrices"."""
        if self.engine == "auto":
            return "modes" if self._modes_are_exact else "matrices"
        return self.engine

    @property
    def private(self) -> bool:
        """Whether it holds a visitor's own data (`Task.private`)."""
        return self.task.private

    @property
    def edge(self) -> float | None:
        """2/eta, the largest sharpness at which gradient descent is stable; None for a flow."""
        return self.dynamics.edge

    @cached_property
    def key(self) -> str:
        """A short hash, the same in every process and version of Python."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
