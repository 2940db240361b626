"""Another course of a run from one of its moments on: what happens there is an event of it.

Moments are counted as its dynamics count: in updates, or in t. Whatever cannot happen is refused in
one sentence, as a ValueError.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simcore import driven, variations
from simcore.events import Event, Events, Freeze, Jitter, Kick, Ramp, StepSize
from simcore.experiment import Descent, Experiment
from simcore.trajectory import Trajectory

NEXT_TO = 1e-9  # relative: a time written in ten digits is the record next to it


def moment(run: Trajectory, time: float | None) -> float:
    """The moment of the run that is on show at time t: that of its last record up to then, or of
    its last one where t is None."""
    last = len(run.time) - 1
    if time is not None:
        until = np.searchsorted(run.time, time + NEXT_TO * (time + NEXT_TO), side="right")
        last = max(0, int(until) - 1)
    if run.experiment.dynamics.iterated:
        return int(run.steps[last])
    return float(run.time[-1] if time is None else min(time, run.time[-1]))


def goes_on(experiment: Experiment, at: float) -> Experiment:
    """The same, for twice as long where it has ended by `at`, so that something can happen then."""
    dynamics = experiment.dynamics
    if at < dynamics.end:
        return experiment
    if dynamics.iterated:
        return variations.with_steps(experiment, 2 * dynamics.steps)
    return variations.with_duration(experiment, 2 * dynamics.duration)


def with_event(experiment: Experiment, new: Event, old: Event | None = None) -> Experiment:
    """With a new event, in the place of an old one if that is given."""
    kept = experiment if old is None else without_event(experiment, old)
    return _with(experiment, (*kept.dynamics.events, new))


def edited(experiment: Experiment, new: Event, old: Event) -> Experiment:
    """With an event in another form; a run and its warm-up go on leading to one step size."""
    dynamics = experiment.dynamics
    if dynamics.step_size is not None and new.leads_to is not None:
        led = old.led_to(dynamics.step_size, new.leads_to)
        if led == new != old:
            return variations.with_step_size(experiment, new.leads_to)
    return with_event(experiment, new, old)


def without_event(experiment: Experiment, old: Event) -> Experiment:
    """Without one of its events, of equal ones the first."""
    listed = experiment.dynamics.events
    place = listed.index(old)
    return _with(experiment, listed[:place] + listed[place + 1 :])


def _with(experiment: Experiment, listed: Events) -> Experiment:
    return variations.with_dynamics(experiment, experiment.dynamics.with_events(listed))


# --- From a moment on ------------------------------------------------------------------------


def step_size(experiment: Experiment, at: float) -> float | None:
    """The step size of the update at that moment; None without one."""
    dynamics = experiment.dynamics
    if not isinstance(dynamics, Descent):  # no others have a schedule
        return None
    return float(dynamics.schedule.step_sizes(np.array(min(at, dynamics.steps - 1))))


def with_step_size(experiment: Experiment, at: float, value: float) -> Experiment:
    """Another step size from there on, until the next event that changes it."""
    return _happens(experiment, StepSize(at=at, value=value))


def frozen(experiment: Experiment, at: float, pathway: int) -> bool:
    """Whether the pathway keeps its weights at that moment."""
    return _freeze(experiment, at, pathway) is not None


def with_freeze(experiment: Experiment, at: float, pathway: int) -> Experiment:
    """The pathway keeps its weights from there on, for good or until it is frozen already."""
    later = [
        event.start
        for event in experiment.dynamics.events
        if isinstance(event, Freeze) and event.pathway == pathway and event.start > at
    ]
    return _happens(experiment, Freeze(pathway=pathway, start=at, stop=min(later, default=None)))


def with_release(experiment: Experiment, at: float, pathway: int) -> Experiment:
    """A pathway that is frozen at that moment moves from there on."""
    freeze = _freeze(experiment, at, pathway)
    if freeze is None:
        return experiment
    longer = goes_on(experiment, at)
    if freeze.start == at:
        return without_event(longer, freeze)
    return with_event(longer, replace(freeze, stop=at), freeze)


def _freeze(experiment: Experiment, at: float, pathway: int) -> Freeze | None:
    """The freeze that holds the pathway at that moment."""
    held = (
        event
        for event in experiment.dynamics.events
        if isinstance(event, Freeze) and event.pathway == pathway and event.holds(at)
    )
    return next(held, None)


def with_kick(experiment: Experiment, at: float, pathway: int, factor: float) -> Experiment:
    """The strengths of the pathway times a factor there."""
    return _happens(experiment, Kick(at=at, pathway=pathway, factor=factor))


def with_jitter(experiment: Experiment, at: float, std: float) -> Experiment:
    """Noise on every weight there."""
    return _happens(experiment, Jitter(at=at, std=std))


def _happens(experiment: Experiment, new: Event) -> Experiment:
    """With this event instead of one of its kind at its moment, of its pathway if it has one."""
    longer = goes_on(experiment, new.first)
    same = (
        event
        for event in longer.dynamics.events
        if (type(event), event.first, event.of_pathway) == (type(new), new.first, new.of_pathway)
    )
    return with_event(longer, new, next(same, None))


# --- Usual events ----------------------------------------------------------------------------


def warm_up(experiment: Experiment) -> Ramp | None:
    """The event by which the step size grows from nothing at the start, over at most a third of the
    run; None without one."""
    dynamics = experiment.dynamics
    if dynamics.step_size is None or Ramp not in dynamics.takes:
        return None
    updates = max(1, min(driven.WARM_UP, dynamics.steps // 3))
    return Ramp.warm_up(updates, dynamics.step_size)


def usual(kind: type[Event], experiment: Experiment) -> Event:
    """An event to begin with, about half way through the run."""
    dynamics = experiment.dynamics
    half, third = dynamics.end / 2, dynamics.end / 3
    if dynamics.iterated:
        half, third = int(half), max(1, int(third))
    if kind is Freeze:
        return Freeze(pathway=0, start=0, stop=third)
    if kind is Kick:
        return Kick(at=half, pathway=0, factor=1.1)
    if kind is Jitter:
        return Jitter(at=half, std=1e-3)
    now = step_size(experiment, half)
    if now is None:
        raise ValueError(f"{dynamics.title} has no step size to change; choose another event")
    if kind is Ramp:
        return Ramp(start=half, stop=half + third, value=now / 2)
    return StepSize(at=half, value=now / 2)
