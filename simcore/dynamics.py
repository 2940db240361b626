"""How the weights move: gradient descent, gradient flow and central flow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import numpy as np

from simcore import checks, events, limits
from simcore.checks import require, shown
from simcore.events import Event, Events, Ramp
from simcore.record import Record
from simcore.schedules import Schedule, schedule
from simcore.spec import Spec, later


class Dynamics(Spec):
    """How the weights move; a subclass says what is peculiar to it, nobody asks which one it is."""

    short: ClassVar[str]  # "GD": in legends
    title: ClassVar[str]  # "gradient descent": in sentences
    iterated: ClassVar[bool]  # made of updates: counted in steps and drawn as points
    stroke: ClassVar[Literal["points", "thin", "dotted"]]  # the pen of `figures.style`

    averages: ClassVar[bool] = False  # whether it is the mean of an oscillation that it knows of
    parts_layers: ClassVar[bool] = False  # whether equal layers of several modes may part
    meaning: ClassVar[str] = ""  # in a sentence
    unit: ClassVar[str] = "t = "  # of the times of events, in sentences
    more: ClassVar[str] = "a longer duration"  # what lets a run go on, in sentences
    takes: ClassVar[tuple[type[Event], ...]] = ()  # kinds of events that it can have

    duration: float  # t at the end of the run
    steps: int  # updates, of iterated dynamics
    step_size: float | None = None  # the one that is set; events may change it on the way
    events: Events = ()  # what changes while it lasts
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    label_noise: float = 0.0
    seed: int = 0
    driven: bool = False  # whether more than the gradient moves the weights at every update

    @property
    def eta(self) -> float | None:
        """The step size in force at the end, None for dynamics without one."""
        return None

    @property
    def end(self) -> float:
        """When it ends, as the times of events are counted."""
        return self.steps if self.iterated else self.duration

    @property
    def edge(self) -> float | None:
        """2/eta at the end, the largest sharpness that is stable at a minimum; None without."""
        return None if self.eta is None else 2 / self.eta

    def edges(self, steps: np.ndarray) -> np.ndarray | None:
        """The edge in force at each of these steps, shape (K,); None where there is none."""
        return None if self.edge is None else np.full(len(steps), self.edge)

    @property
    def edge_symbol(self) -> str:
        """The edge as a formula of eta, in plain text."""
        return "2/η"

    def at_edge_symbol(self, sharpness: str) -> str:
        """`at_edge` as a formula of that symbol, in plain text."""
        return f"2/{sharpness}"

    @property
    def reach(self) -> float:
        """eta times the largest stable curvature, weight decay included."""
        return 2.0

    def at_edge(self, sharpness: float) -> float:
        """The step size that has its edge at this sharpness: where a minimum so sharp becomes
        unstable."""
        return self.reach / (sharpness + self.weight_decay)

    @property
    def warms_up_for(self) -> float:
        """How many updates the step size takes to grow from zero; 0 if it does not."""
        ramps = (e for e in self.events if isinstance(e, Ramp) and e.start == 0 and e.begin == 0)
        return max((ramp.stop for ramp in ramps), default=0)

    @property
    def changes(self) -> list[float]:
        """The times at which the rules change while it lasts, in order."""
        return sorted({t for e in self.events for t in e.times if t < self.end})

    @property
    def plain(self) -> bool:
        """Whether it does one thing from the start to the end, without noise, memory or penalty,
        so that theory and the true tail speak of it."""
        return not self.events

    @property
    def beside_gradient(self) -> tuple[str, ...]:
        """What else moves the weights, by name; nothing in a plain descent or flow."""
        return ("events",) if self.events else ()

    @property
    def freezes(self) -> bool:
        """Whether a pathway sleeps at some time."""
        return any(isinstance(event, events.Freeze) for event in self.events)

    @property
    def jitters(self) -> bool:
        """Whether all weights are shaken at some time."""
        return any(isinstance(event, events.Jitter) for event in self.events)

    @property
    def by_chance(self) -> bool:
        """Whether random numbers move the weights, each mode by itself."""
        return self.jitters

    def moving(self, pathways: int, time: float | None = None) -> tuple[bool, ...]:
        """Which of so many pathways move from `time` on (as its events count it), or from the
        end on, (H,)."""
        return events.moving(self.events, pathways, self.end if time is None else time)

    def in_words(self, events: Events, *, exactly: bool = False) -> list[str]:
        """Events of such dynamics in words, numbers in four digits unless `exactly`."""
        return [event.words(self.unit, exactly) for event in events]

    def check_network(self, pathways: int) -> None:
        """ValueError unless a network of so many pathways has what its events are about."""
        events.check_pathways(self.events, pathways)

    def time(self, steps: int) -> float:
        """t after so many updates, of dynamics that are made of them."""
        raise NotImplementedError

    def records(self, record: Record) -> int:
        """How many records the run will keep, or at least how many if only running it can tell."""
        raise NotImplementedError

    def check_clock(
        self, record: Record, steps: np.ndarray, time: np.ndarray, finished: bool
    ) -> None:
        """ValueError unless a run can have these steps (K,) and times (K,) at its records."""
        raise NotImplementedError

    def with_step_size(self, step_size: float) -> Dynamics:
        """With that step size, as far as it goes; a flow becomes a descent that lasts as long."""
        steps = max(1, round(self.duration / step_size))
        return Descent(step_size=step_size, steps=steps)

    def with_steps(self, steps: int) -> Self:
        """Another number of updates; ValueError where there are none."""
        raise ValueError(f"a number of steps needs gradient descent, got {shown(self)}")

    def with_events(self, events: Events) -> Self:
        """Other events; ValueError where there are none."""
        raise ValueError(f"events need gradient descent or flow, got {shown(self)}; choose one")

    def with_duration(self, duration: float) -> Self:
        """Another t at the end; ValueError where steps decide."""
        raise ValueError(f"a duration needs gradient flow, got {shown(self)}; set its steps")


@dataclass(frozen=True, kw_only=True)
class Descent(Dynamics):
    """Gradient descent, theta <- theta - eta grad L(theta), for a number of steps.

    `events` change the rules on the way. With `momentum` beta a velocity has memory,
    v <- beta v - eta g, theta <- theta + v (heavy ball), or theta <- theta + beta v - eta g
    (`nesterov`: g where the velocity leads); with `weight_decay` mu, g = grad L + mu theta; with
    `label_noise` delta each update sees the target sigma*_i + delta xi_i with xi_i from N(0, 1),
    drawn from `seed`.
    """

    short = "GD"
    title = "gradient descent"
    iterated = True
    more = "more steps"
    stroke = "points"
    unit = "update "
    takes = events.KINDS

    step_size: float  # eta at the start
    steps: int
    events: tuple[Event, ...] = later(())
    momentum: float = later(0.0)
    nesterov: bool = later(False)
    weight_decay: float = later(0.0)
    label_noise: float = later(0.0)
    seed: int = later(0)

    def __post_init__(self) -> None:
        steps = checks.count("the number of steps", self.steps, 1, limits.current().steps)
        momentum = checks.not_negative("the momentum", self.momentum)
        require(momentum < 1, "the momentum must be below 1", momentum)
        self._set(
            step_size=checks.positive("the step size", self.step_size),
            steps=steps,
            events=events.checked(self.events, _update, steps),
            momentum=momentum,
            nesterov=checks.flag("nesterov", self.nesterov),
            weight_decay=checks.not_negative("the weight decay", self.weight_decay),
            label_noise=checks.not_negative("the label noise", self.label_noise),
            seed=checks.count("the seed", self.seed, 0, 2**32 - 1),
        )

    @property
    def duration(self) -> float:  # type: ignore[override]
        """t at the end, the sum of all step sizes: the clock it shares with gradient flow."""
        return self.time(self.steps)

    @property
    def plain(self) -> bool:
        return not (self.events or self.driven)

    @property
    def beside_gradient(self) -> tuple[str, ...]:
        parts = {
            "momentum": self.momentum,
            "weight decay": self.weight_decay,
            "label noise": self.label_noise,
        }
        return (*(name for name, there in parts.items() if there), *super().beside_gradient)

    @property
    def by_chance(self) -> bool:
        return self.label_noise > 0 or super().by_chance

    @property
    def driven(self) -> bool:  # type: ignore[override]
        """Whether more than the gradient moves the weights at every update."""
        return bool(self.momentum or self.weight_decay or self.label_noise)

    @property
    def eta(self) -> float:
        return float(self.schedule.step_size[-1]) if self.events else self.step_size

    @property
    def schedule(self) -> Schedule:
        """The step sizes, stretch by stretch."""
        changes = tuple(e for e in self.events if e.of_step_size)
        return schedule(self.step_size, self.steps, changes)

    @property
    def edge(self) -> float:
        return float(self._edge_of(self.schedule.step_size[-1]))

    def edges(self, steps: np.ndarray) -> np.ndarray:
        return self._edge_of(self.schedule.step_sizes(steps))

    def _edge_of(self, step_size: np.ndarray) -> np.ndarray:
        """(2 + 2 beta)/eta - mu, or (2 + 2 beta)/((1 + 2 beta) eta) - mu of Nesterov's."""
        return self.reach / step_size - self.weight_decay

    @property
    def edge_symbol(self) -> str:
        return self._reach_over("η") + (" − μ" if self.weight_decay else "")

    def at_edge_symbol(self, sharpness: str) -> str:
        return self._reach_over(f"({sharpness}+μ)" if self.weight_decay else sharpness)

    def _reach_over(self, symbol: str) -> str:
        if not self.momentum:
            return f"2/{symbol}"
        return f"(2+2β)/((1+2β){symbol})" if self.nesterov else f"(2+2β)/{symbol}"

    @property
    def reach(self) -> float:
        lead = 1 + 2 * self.momentum if self.nesterov else 1.0
        return 2 * (1 + self.momentum) / lead

    def time(self, steps: int) -> float:
        return float(self.times(np.asarray(steps)))

    def times(self, steps: np.ndarray) -> np.ndarray:
        """t after so many updates."""
        return self.schedule.times(steps)

    def recorded(self, record: Record) -> np.ndarray:
        """The steps of records (K,): those of `record`, and each at which an event acts with the
        one after it."""
        steps = record.steps(self.steps)
        if not self.events:
            return steps
        of_events = np.array(self.changes, dtype=np.int64)
        return np.union1d(steps, np.concatenate([of_events, of_events + 1]))

    def records(self, record: Record) -> int:
        return record.count(self.steps) if not self.events else len(self.recorded(record))

    def check_clock(
        self, record: Record, steps: np.ndarray, time: np.ndarray, finished: bool
    ) -> None:
        recorded = self.recorded(record)
        kept = recorded if finished else recorded[: len(steps)]
        require(np.array_equal(steps, kept), "steps must be those that were to be recorded")
        require(np.array_equal(time, self.times(steps)), "time must be the sum of step sizes")

    def with_step_size(self, step_size: float) -> Self:
        """The same number of steps of another size, to which a warm-up leads, too."""
        led = tuple(e.led_to(self.step_size, step_size) for e in self.events)
        return replace(self, step_size=step_size, events=led)

    def with_steps(self, steps: int) -> Self:
        return replace(self, steps=steps)

    def with_events(self, events: Events) -> Self:
        return replace(self, events=events)


def _update(name: str, value: object) -> int:
    """A time in updates."""
    return checks.count(name, value, 0, limits.current().steps)


@dataclass(frozen=True, kw_only=True)
class Flow(Dynamics):
    """Gradient flow, d theta/dt = - grad L(theta), integrated to relative tolerance `rtol`."""

    short = "GF"
    title = "gradient flow"
    meaning = "Gradient flow is descent in the limit of small steps."
    iterated = False
    stroke = "thin"
    takes = tuple(kind for kind in events.KINDS if not kind.of_step_size)

    duration: float
    rtol: float = 1e-8
    events: tuple[Event, ...] = later(())

    def __post_init__(self) -> None:
        duration, rtol = (
            checks.positive("the duration", self.duration),
            checks.positive("the tolerance rtol", self.rtol),
        )
        _check_longest(duration)
        require(
            1e-13 <= rtol <= 1e-2,
            "the tolerance rtol must be between 1e-13 and 1e-2 "
            f"(double precision holds no more), got {rtol:g}",
        )
        timed = events.checked(self.events, checks.not_negative, duration)
        require(
            not any(e.of_step_size for e in timed),
            "an event that changes the step size needs gradient descent, got gradient flow; take "
            "descent, or another event",
        )
        self._set(duration=duration, rtol=rtol, events=timed)

    def check_clock(
        self, record: Record, steps: np.ndarray, time: np.ndarray, finished: bool
    ) -> None:
        require(steps[0] == 0 and bool((np.diff(steps) >= 0).all()), "steps must not decrease")
        if record.every is None:
            recorded = self.recorded(record)
            require(np.array_equal(time, recorded[: len(time)]), "times must be those of records")
        require(
            time[0] == 0 and bool((np.diff(time) > 0).all()) and time[-1] <= self.duration,
            "time must grow from 0 to at most the duration",
        )
        require(not finished or time[-1] == self.duration, "time must end at the duration")

    def with_duration(self, duration: float) -> Self:
        return replace(self, duration=duration)

    def with_events(self, events: Events) -> Self:
        return replace(self, events=events)

    def recorded(self, record: Record) -> np.ndarray:
        """The times of records (K,): those of `record`, and those of events."""
        times = record.times(self.duration)
        return np.union1d(times, self.changes) if self.events else times

    def records(self, record: Record) -> int:
        # with `every` at least two: only the integrator knows how many steps it will take
        return len(self.recorded(record)) if record.every is None else 2


def _check_longest(duration: float) -> None:
    longest = limits.current().duration
    require(duration <= longest, f"the duration may be at most {longest:g} here, got {duration:g}")


@dataclass(frozen=True, kw_only=True)
class CentralFlow(Dynamics):
    """The smooth curve behind the oscillation of gradient descent with this step size: gradient
    flow that is kept where the sharpness is at most 2/eta (Cohen et al. 2025, arXiv 2410.24206).

    d theta/dt = -grad L - 1/2 sum_ab X_ab grad(u_a^T H u_b) over the eigenvectors u_a of the
    Hessian at the edge, with 0 <= X and 0 <= 2/eta - U^T H U complementary. Each eta of time at the
    edge is made of `substeps` steps.
    """

    short = "CF"
    title = "central flow"
    meaning = "Central flow is the smooth curve about which descent with this step size oscillates."
    iterated = False
    stroke = "dotted"
    averages = True
    parts_layers = True  # what keeps the block of two modes at the edge pulls at single layers

    step_size: float  # eta, only in the edge 2/eta
    duration: float
    substeps: int = 8

    def __post_init__(self) -> None:
        duration = checks.positive("the duration", self.duration)
        _check_longest(duration)
        self._set(
            step_size=checks.positive("the step size", self.step_size),
            duration=duration,
            substeps=checks.count("the number of substeps", self.substeps, 1, 1000),
        )

    @property
    def eta(self) -> float:
        return self.step_size

    @property
    def plain(self) -> bool:
        return False

    def recorded(self, record: Record) -> np.ndarray:
        """The times of records (K,)."""
        if record.every is not None:
            return np.append(
                np.arange(0.0, self.duration, record.every * self.step_size), self.duration
            )
        return record.times(self.duration)

    def records(self, record: Record) -> int:
        return len(self.recorded(record))

    def check_clock(
        self, record: Record, steps: np.ndarray, time: np.ndarray, finished: bool
    ) -> None:
        recorded = self.recorded(record)
        kept = recorded if finished else recorded[: len(time)]
        require(np.array_equal(time, kept), "times must be those of records")
        counted = np.rint(time / self.step_size).astype(np.int64)
        require(np.array_equal(steps, counted), "steps must be times in units of the step size")

    def with_step_size(self, step_size: float) -> Self:
        return replace(self, step_size=step_size)

    def with_duration(self, duration: float) -> Self:
        return replace(self, duration=duration)
