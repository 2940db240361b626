"""What to run: the nouns of an experiment, as plain frozen data.

A spec holds numbers, strings and tuples only, so `==`, `hash`, `repr`, JSON, pickle and
`dataclasses.replace` work, and one object is the argument, the cache key, the sweep point, the
link and the caption. Whatever is wrong with one is said when it is built, in one sentence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

from simcore import limits
from simcore.checks import require
from simcore.dynamics import CentralFlow, Descent, Dynamics, Flow
from simcore.events import Kick
from simcore.network import Network
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

# --- The whole -------------------------------------------------------------------------------


ENGINES = ("auto", "modes", "matrices", "samples")
DEFAULT_RECORD = Record()


@dataclass(frozen=True, kw_only=True)
class Experiment(Spec):
    """Everything that determines a run; `simulate` turns it into a `Trajectory`.

    `engine`: "modes" is the exact reduction for aligned starts and whitened inputs, "matrices"
    the full weights, "samples" the full weights seen sample by sample, which pathways that are not
    linear need; "auto" takes the modes wherever they are exact.
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
            'engine "modes" needs an aligned start (Balanced or LayerScales), whitened inputs and '
            'linear pathways; use engine "auto"' + ' or "matrices"' * self.network.linear,
        )
        require(
            self.engine != "matrices" or self.network.linear,
            'engine "matrices" needs linear pathways, whose layers it multiplies; with '
            f'{self.network.phi} use engine "auto"',
        )
        if self.sees_samples:
            self._check_samples()
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

    def _check_samples(self) -> None:
        """What pathways that are seen sample by sample cannot have."""
        network, dynamics = self.network, self.dynamics
        self.task.check_samples()
        require(
            network.linear or not self.start.aligned,
            f"a start with {network.phi} must be drawn at random, as a balanced one is that "
            "of linear pathways; choose Gaussian",
        )
        require(
            network.linear or not dynamics.averages,
            f"central flow needs linear pathways, and these have {network.phi}; "
            "choose gradient descent or gradient flow",
        )
        require(
            network.scales or not any(isinstance(event, Kick) for event in dynamics.events),
            "a kick needs pathways whose strengths it can multiply, and tanh does not let it; "
            "use a jitter",
        )
        require(
            not dynamics.label_noise,
            "label noise needs a map to be learned, whose singular values it shakes, and here "
            "samples are learned one by one; leave it out",
        )
        numbers, most = network.outputs(self.task) * self.task.sample_count, limits.current()
        require(
            numbers <= most.numbers,
            f"all layers may give at most {most.numbers} numbers for all samples together here, "
            f"these give {numbers}; take fewer samples or narrower layers",
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
    def of_checked(cls, parts: Iterable[Any]) -> Experiment:
        """Of all its `PARTS` in turn, whose `ASPECTS` have passed: in a tenth of the time of a
        check."""
        made, put = object.__new__(cls), object.__setattr__
        for name, part in zip(PARTS, parts, strict=True):  # one object; with a dict it were two
            put(made, name, part)
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
        return self.start.aligned and self.task.whitened and self.network.linear

    @property
    def resolved_engine(self) -> str:
        """The engine that runs it: "modes", "matrices" or "samples"."""
        if self.engine == "auto":
            if not self.network.linear:
                return "samples"
            return "modes" if self._modes_are_exact else "matrices"
        return self.engine

    @property
    def private(self) -> bool:
        """Whether it holds a visitor's own data (`Task.private`)."""
        return self.task.private

    @property
    def sees_samples(self) -> bool:
        """Whether each sample is sent through the network, where maps alone would not do."""
        return self.resolved_engine == "samples"

    @property
    def floor(self) -> float:
        """The part of the loss that no weights remove, 0 where that is not known."""
        return self.task.floor() if self.network.linear else 0.0

    @property
    def edge(self) -> float | None:
        """2/eta, the largest sharpness at which gradient descent is stable; None for a flow."""
        return self.dynamics.edge

    def __hash__(self) -> int:
        known = self.__dict__.get("_hash")
        if known is None:  # maps ask several times, and each time it would take longer than a run
            known = hash(tuple(getattr(self, name) for name in PARTS))
            self._set(_hash=known)
        return known

    def __getstate__(self) -> dict[str, Any]:
        """Without its hash, which is another one in another process."""
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}

    @cached_property
    def key(self) -> str:
        """A short hash, the same in every process and version of Python."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


PARTS = tuple(f.name for f in fields(Experiment))
