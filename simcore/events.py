"""What happens in a run while it lasts: another step size, a pathway that sleeps or is kicked.

Times are counted in updates for a descent and in t for a flow. An event at k acts before update k,
the one that makes iterate k + 1 from iterate k. So a record at k shows the weights before it,
and the next record what came of it. Pathways count from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np

from simcore import checks
from simcore.checks import require, shown
from simcore.spec import Spec

Clock = Callable[[str, object], float]  # checks a time, and gives it as the dynamics count it


def told(number: float, exactly: bool = False) -> str:
    """A number in words: whole ones in full, others in four digits unless `exactly`."""
    if isinstance(number, int):
        return f"{number:,}"
    return repr(number) if exactly else f"{number:.4g}"


class Event(Spec):
    """A change of the rules while a run lasts; a subclass says which."""

    name: ClassVar[str]  # in menus
    clocked: ClassVar[tuple[str, ...]]  # fields that are times
    of_step_size: ClassVar[bool] = False  # changes the step size, which a flow has not

    @property
    def first(self) -> float:
        """When it acts for the first time."""
        return self.times[0]

    @property
    def times(self) -> tuple[float, ...]:
        """When the rules change, in order."""
        return tuple(t for t in (getattr(self, name) for name in self.clocked) if t is not None)

    @property
    def of_pathway(self) -> int | None:
        """The pathway (from 0) that it is about, if it is about one."""
        return getattr(self, "pathway", None)

    @property
    def leads_to(self) -> float | None:
        """The step size that it changes to, if it changes that."""
        return getattr(self, "value", None)

    def step_sizes(self, before: np.ndarray) -> None:
        """Change the step sizes eta_k (K,) of the updates from `first` on, in place."""

    def words(self, unit: str, exactly: bool = False) -> str:
        """What happens and when, e.g. "step size 0.05 from update 650 on", with "update " as the
        `unit` of time or "t = "; numbers as `told`."""
        raise NotImplementedError

    @property
    def labels(self) -> tuple[str, ...]:
        """What happens at each of its `times`, in as few words as a mark has room for."""
        raise NotImplementedError

    def leads_with(self, step_size: float | None) -> bool:
        """Whether it belongs to the run's own step size, as a warm-up does that leads to it."""
        return False

    def led_to(self, old: float, new: float) -> Self:
        """The same in a run whose own step size is `new` instead of `old`."""
        return self

    def on(self, clock: Clock) -> Self:
        """The same with its times as the dynamics count them."""
        event = copy(self)
        for name in self.clocked:
            time = getattr(self, name)
            event._set(**{name: None if time is None else clock("the time of an event", time)})
        return event


def _pathway(value: object) -> int:
    return checks.count("the pathway of an event, counted from 0,", value, 0, 10**6)


@dataclass(frozen=True, kw_only=True)
class StepSize(Event):
    """Another step size from update `at` on."""

    name = "Step size"
    clocked = ("at",)
    of_step_size = True

    at: float
    value: float

    def __post_init__(self) -> None:
        self._set(
            at=checks.not_negative("the time of an event", self.at),
            value=checks.positive("the new step size", self.value),
        )

    def step_sizes(self, before: np.ndarray) -> None:
        before[int(self.at) :] = self.value

    def words(self, unit: str, exactly: bool = False) -> str:
        return f"step size {told(self.value, exactly)} from {unit}{told(self.at, exactly)} on"

    @property
    def labels(self) -> tuple[str, ...]:
        return (f"η = {told(self.value)}",)


@dataclass(frozen=True, kw_only=True)
class Ramp(Event):
    """The step size goes to `value` in equal steps: with a the one that update `start` would have
    (or `begin`), eta_k = a + (value - a) (k - start + 1) / (stop - start) for start <= k < stop,
    and `value` from then on. A warm-up has start = 0 and begin = 0.
    """

    name = "Ramp"
    clocked = ("start", "stop")
    of_step_size = True

    start: float
    stop: float
    value: float
    begin: float | None = None

    def __post_init__(self) -> None:
        self._set(
            start=checks.not_negative("the start of a ramp", self.start),
            stop=checks.not_negative("the end of a ramp", self.stop),
            value=checks.positive("the step size at the end of a ramp", self.value),
            begin=None
            if self.begin is None
            else checks.not_negative("the step size at the start of a ramp", self.begin),
        )
        require(
            self.start < self.stop,
            f"a ramp must end after it starts, got {self.start:g} to {self.stop:g}",
        )

    def step_sizes(self, before: np.ndarray) -> None:
        start, stop = int(self.start), int(self.stop)
        begin = before[start] if self.begin is None else self.begin
        count = np.arange(1, stop - start + 1)
        ramp = begin + (self.value - begin) * count / (stop - start)
        before[start:stop] = ramp[: len(before) - start]
        before[stop:] = self.value

    def words(self, unit: str, exactly: bool = False) -> str:
        begin = "" if self.begin is None else f" from {told(self.begin, exactly)}"
        span = f"from {unit}{told(self.start, exactly)} to {told(self.stop, exactly)}"
        return f"step size{begin} to {told(self.value, exactly)} in equal steps, {span}"

    @property
    def labels(self) -> tuple[str, ...]:
        return (f"η goes to {told(self.value)}", f"η = {told(self.value)}")

    @classmethod
    def warm_up(cls, updates: int, step_size: float) -> Self:
        """From nothing to a step size over the first updates."""
        return cls(start=0, stop=updates, value=step_size, begin=0)

    def led_to(self, old: float, new: float) -> Self:
        """A warm-up goes on leading to the run's own step size."""
        return replace(self, value=new) if self.leads_with(old) else self

    def leads_with(self, step_size: float | None) -> bool:
        return self.begin is not None and self.value == step_size


@dataclass(frozen=True, kw_only=True)
class Freeze(Event):
    """A pathway keeps its weights from `start` until `stop` (None: for good).

    It still counts in M = sum_h M_h, and so in the gradient of all others. Neither gradient nor
    weight decay moves it, and it wakes without velocity; kicks and jitters move it all the same.
    """

    name = "Freeze"
    clocked = ("start", "stop")

    pathway: int
    start: float
    stop: float | None = None

    def __post_init__(self) -> None:
        self._set(
            pathway=_pathway(self.pathway),
            start=checks.not_negative("the start of a freeze", self.start),
            stop=None
            if self.stop is None
            else checks.not_negative("the end of a freeze", self.stop),
        )
        require(
            self.stop is None or self.start < self.stop,
            f"a freeze must end after it starts, got {self.start:g} to {self.stop}",
        )

    def words(self, unit: str, exactly: bool = False) -> str:
        until = "on" if self.stop is None else f"until {told(self.stop, exactly)}"
        return f"pathway {self.pathway + 1} frozen from {unit}{told(self.start, exactly)} {until}"

    def holds(self, time: Any) -> Any:
        """Whether the pathway keeps its weights from these times on, one or an array of them."""
        return (self.start <= time) & (time < (np.inf if self.stop is None else self.stop))

    @property
    def labels(self) -> tuple[str, ...]:
        return (f"pathway {self.pathway + 1} frozen", f"pathway {self.pathway + 1} released")[
            : len(self.times)
        ]


@dataclass(frozen=True, kw_only=True)
class Kick(Event):
    """All strengths of a pathway times `factor` at once: each of its layers times
    factor^{1/L_h}."""

    name = "Kick"
    clocked = ("at",)

    at: float
    pathway: int
    factor: float

    def __post_init__(self) -> None:
        factor = checks.number("the factor of a kick", self.factor)
        require(
            factor > 0,
            f"the factor of a kick must be positive, got {shown(factor)}; for a pathway at zero or "
            "below take another start",
        )
        self._set(
            at=checks.not_negative("the time of an event", self.at),
            pathway=_pathway(self.pathway),
            factor=factor,
        )

    def words(self, unit: str, exactly: bool = False) -> str:
        factor, at = repr(self.factor) if exactly else self._told, told(self.at, exactly)
        return f"strengths of pathway {self.pathway + 1} times {factor} at {unit}{at}"

    @property
    def labels(self) -> tuple[str, ...]:
        return (f"pathway {self.pathway + 1} × {self._told}",)

    @property
    def _told(self) -> str:
        """The factor in four digits, or in full where that would say that nothing happens."""
        return told(self.factor, exactly=told(self.factor) == "1")


@dataclass(frozen=True, kw_only=True)
class Jitter(Event):
    """N(0, std^2) added to every weight at once, asleep or not, from `seed`. The modes engine takes
    of the same numbers what falls on the layer scales of every mode, which then are no longer
    equal within a pathway."""

    name = "Jitter"
    clocked = ("at",)

    at: float
    std: float
    seed: int = 0

    def __post_init__(self) -> None:
        self._set(
            at=checks.not_negative("the time of an event", self.at),
            std=checks.positive("the standard deviation of a jitter", self.std),
            seed=checks.count("the seed", self.seed, 0, 2**32 - 1),
        )

    def words(self, unit: str, exactly: bool = False) -> str:
        std, at = told(self.std, exactly), told(self.at, exactly)
        return f"noise of std {std} on every weight at {unit}{at}, seed {self.seed}"

    @property
    def labels(self) -> tuple[str, ...]:
        return (f"noise of std {told(self.std)}",)


Events = tuple[Event, ...]

KINDS: tuple[type[Event], ...] = (StepSize, Ramp, Freeze, Kick, Jitter)


def checked(events: object, clock: Clock, end: float) -> Events:
    """Events of a run that ends at `end`, with times as its clock counts them and in the order of
    their first ones; ValueError for what cannot be."""
    listed = isinstance(events, (tuple, list)) and all(isinstance(e, Event) for e in events)
    require(listed, "events must be a sequence such as (StepSize(at=650, value=0.05),)", events)
    assert isinstance(events, (tuple, list))
    timed = tuple(sorted((e.on(clock) for e in events), key=lambda e: e.first))
    for event in timed:
        require(
            event.first < end,
            f"an event must come before the end of the run at {end:g}, got "
            f"{event.name.lower()} at {event.first:g}; move it, or let the run go on for longer",
        )
    _check_freezes(timed)
    return timed


def _check_freezes(events: Events) -> None:
    """Those of one pathway must not overlap."""
    freezes = [e for e in events if isinstance(e, Freeze)]
    for pathway in {e.pathway for e in freezes}:
        for one, other in pairwise(e for e in freezes if e.pathway == pathway):
            require(
                one.stop is not None and one.stop <= other.start,
                f"a pathway must move again before it is frozen anew: pathway {pathway + 1} still "
                f"is at {other.start:g}; let its first freeze end before that, or make it one",
            )


def check_pathways(events: Events, pathways: int) -> None:
    """ValueError where an event is about a pathway that is not there, or where all are frozen for
    good."""
    for event in events:
        require(
            event.of_pathway is None or event.of_pathway < pathways,
            f"an event must be about one of the {pathways} pathways, got pathway "
            f"{(event.of_pathway or 0) + 1}; remove the event, or add the pathway",
        )
    asleep = {e.pathway for e in events if isinstance(e, Freeze) and e.stop is None}
    require(
        len(asleep) < pathways,
        "one of the pathways must move in the end, but all pathways are frozen for good; give one "
        "of these freezes an end",
    )


def moving(events: Sequence[Event], pathways: int, time: float) -> tuple[bool, ...]:
    """Which pathways may move from `time` on, shape (H,)."""
    asleep = {e.pathway for e in events if isinstance(e, Freeze) and e.holds(time)}
    return tuple(h not in asleep for h in range(pathways))
