"""The same experiment, but with one thing changed: axes, controls and clicks all ask here.

Whatever cannot be changed so is refused in one sentence, as a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from simcore import checks, limits, theory
from simcore.checks import require, shown
from simcore.events import Ramp
from simcore.experiment import (
    Balanced,
    CentralFlow,
    Descent,
    Dynamics,
    Experiment,
    Flow,
    Gaussian,
    Network,
    Record,
)
from simcore.tasks import Spectrum, Task

LONG = 10_000  # steps of a descent, beyond which records grow sparser
LONGEST_AVERAGE = 5_000  # updates, by when central flow has mostly come to rest
LONGEST_FLOW = 200_000  # in units of 2/S_1, by when flow has long come to rest

# --- Architecture ----------------------------------------------------------------------------


def with_depths(experiment: Experiment, depths: Sequence[int]) -> Experiment:
    """Other depths, the start stretched or cut to fit them; see `Start.resized`."""
    depths = tuple(depths)
    return replace(
        experiment,
        network=replace(experiment.network, depths=depths),
        start=experiment.start.resized(depths),
    )


def with_depth(experiment: Experiment, depth: float) -> Experiment:
    """One depth for all pathways."""
    return with_depths(experiment, (_whole("depth", depth),) * experiment.network.pathways)


def with_pathways(experiment: Experiment, pathways: float) -> Experiment:
    """More pathways, as deep as the last one, or only the first of them."""
    depths, most = experiment.network.depths, limits.current().pathways
    count = checks.count("the number of pathways", pathways, 1, most)
    return with_depths(experiment, (depths + (depths[-1],) * count)[:count])


def with_width(experiment: Experiment, width: int) -> Experiment:
    """Another width of the hidden layers."""
    return replace(experiment, network=replace(experiment.network, width=width))


def with_activation(experiment: Experiment, activation: str, last: bool = False) -> Experiment:
    """Another activation, after the last layer, too, if `last`. Where the start is one of linear
    pathways, it is drawn at random; full weights that were asked for become free again."""
    network = replace(experiment.network, activation=activation, activate_last=last)
    start, engine = experiment.start, experiment.engine
    if not network.linear:
        start = Gaussian.usual(network.depths) if start.aligned else start
        engine = "auto"
    return replace(experiment, network=network, start=start, engine=engine)


# --- Target and start ------------------------------------------------------------------------


def with_singular_values(experiment: Experiment, values: Sequence[float]) -> Experiment:
    """Other singular values; a rectangular target keeps its sizes where the values fit in."""
    task, values = experiment.task, tuple(values)
    sizes: dict[str, int] = {}
    if task.n_in != task.n_out and len(values) <= min(task.n_in, task.n_out):
        sizes = {"n_in": task.n_in, "n_out": task.n_out}
    return with_task(experiment, Spectrum(singular_values=values, **sizes))


def with_task(experiment: Experiment, task: Task) -> Experiment:
    """Another target, the start stretched or cut to fit its modes."""
    start = experiment.start.with_modes(len(task.singular_values))
    return replace(experiment, task=task, start=start)


def with_value_ratio(experiment: Experiment, ratio: float) -> Experiment:
    """sigma*_2 = ratio sigma*_1."""
    task = experiment.task
    if not isinstance(task, Spectrum) or task.singular_values[0] == 0:
        raise ValueError(
            f"a ratio of singular values needs a target given by them, got {shown(task)}; choose "
            "Spectrum, or another axis"
        )
    first, *others = task.singular_values
    values = (first, first * float(ratio), *others[1:])
    sizes = {"n_in": max(2, task.n_in), "n_out": max(2, task.n_out)}
    return with_task(experiment, Spectrum(singular_values=values, **sizes))


def with_start_ratio(experiment: Experiment, ratio: float) -> Experiment:
    """alpha_2 = ratio alpha_1 of a balanced start."""
    return replace(experiment, start=experiment.start.with_ratio(float(ratio)))


def with_seed(experiment: Experiment, seed: float) -> Experiment:
    """Another draw of a random start."""
    return replace(experiment, start=experiment.start.with_seed(_whole("seed", seed)))


# --- Dynamics --------------------------------------------------------------------------------


def with_dynamics(experiment: Experiment, dynamics: Dynamics) -> Experiment:
    """Other dynamics from the same start."""
    return replace(experiment, dynamics=dynamics)


def with_step_size(experiment: Experiment, step_size: float) -> Experiment:
    """A descent with that step size; a flow becomes one that lasts as long."""
    return with_dynamics(experiment, experiment.dynamics.with_step_size(float(step_size)))


def without_events(experiment: Experiment) -> Experiment:
    """The same run with nothing that happens on the way."""
    dynamics = experiment.dynamics
    return with_dynamics(experiment, dynamics.with_events(())) if dynamics.events else experiment


def at_any_step_size(experiment: Experiment) -> Experiment:
    """The same run with nothing that happens on the way but a warm-up, as that leads to whatever
    the step size is; what is asked over a range of step sizes is asked of it."""
    dynamics = experiment.dynamics
    kept = tuple(e for e in dynamics.events if e.leads_with(dynamics.step_size))
    return (
        experiment
        if kept == dynamics.events
        else with_dynamics(experiment, dynamics.with_events(kept))
    )


def with_warm_up(experiment: Experiment, updates: int) -> Experiment:
    """The step size grows from zero over the first updates, of four times as many at least."""
    dynamics = experiment.dynamics
    if dynamics.step_size is None or not dynamics.iterated:
        raise ValueError(f"a warm-up needs gradient descent, got {shown(dynamics)}; choose it")
    ramp = Ramp.warm_up(updates, dynamics.step_size)
    others = tuple(e for e in dynamics.events if not (e.of_step_size and e.first == 0))
    longer = with_steps(experiment, max(dynamics.steps, 4 * updates))
    return with_dynamics(longer, longer.dynamics.with_events((ramp, *others)))


def with_units(experiment: Experiment, units: float) -> Experiment:
    """A descent with a step size in units of 2/S_1."""
    return with_step_size(experiment, float(units) * theory.unit_step_size(experiment))


def with_steps(experiment: Experiment, steps: int) -> Experiment:
    """Another number of steps.

    A run that becomes long (more than `LONG` steps, or more records than a run may keep) is
    recorded densely at first and then ever more sparsely (`Record.spacing`); one that is short
    again, at every step.
    """
    record, dynamics = experiment.record, experiment.dynamics.with_steps(steps)
    was_long, is_long = (each.steps > LONG for each in (experiment.dynamics, dynamics))
    too_many = record.count(dynamics.steps) > experiment.most_records
    if too_many or (is_long and not was_long):
        record = replace(record, every=None, spacing="log")
    elif was_long and not is_long and record.spacing == "log":
        record = replace(record, every=1, spacing="even")
    return replace(experiment, dynamics=dynamics, record=record)


def with_duration(experiment: Experiment, duration: float) -> Experiment:
    """Another duration of a flow."""
    return with_dynamics(experiment, experiment.dynamics.with_duration(duration))


def matching_flow(
    experiment: Experiment, rtol: float = 1e-8, duration: float | None = None
) -> Experiment:
    """Gradient flow from the same start for as long, or for `duration`, with equal-time records,
    as far as the limits allow and at most 200,000 times 2/S_1; a flow is its own."""
    if isinstance(experiment.dynamics, Flow):
        return experiment
    if duration is None:
        duration = experiment.dynamics.duration
    longest = min(limits.current().duration, LONGEST_FLOW * theory.unit_step_size(experiment))
    frames = min(experiment.record.frames, experiment.most_records)
    return replace(
        experiment,
        dynamics=Flow(duration=min(duration, longest), rtol=rtol),
        record=replace(experiment.record, every=None, frames=frames),
    )


def matching_average(experiment: Experiment, duration: float | None = None) -> Experiment:
    """Central flow at the step size of a descent, from the same start and as long, or for
    `duration`, but at most `LONGEST_AVERAGE` updates; one is its own. ValueError for dynamics that
    it says nothing about."""
    dynamics = experiment.dynamics
    if dynamics.averages:
        return experiment
    if dynamics.step_size is None or not dynamics.plain:
        raise ValueError(
            "central flow stands for gradient descent at one step size, without events, momentum, "
            f"decay or noise, got {shown(dynamics)}; take those away"
        )
    longest = LONGEST_AVERAGE * dynamics.step_size
    duration = min(longest, limits.current().duration, duration or dynamics.duration)
    return replace(
        experiment,
        dynamics=CentralFlow(step_size=dynamics.step_size, duration=duration),
        record=replace(
            experiment.record,
            every=None,
            frames=min(experiment.record.frames, experiment.most_records),
        ),
    )


# --- Whole experiments -----------------------------------------------------------------------


def with_every(experiment: Experiment, every: int) -> Experiment:
    """A record every so many steps."""
    return replace(experiment, record=replace(experiment.record, every=every, spacing="even"))


def with_spacing(experiment: Experiment, spacing: str) -> Experiment:
    """Records at equal gaps, or dense at first with gaps that grow."""
    return replace(experiment, record=replace(experiment.record, every=None, spacing=spacing))


def with_full_weights(experiment: Experiment, record: Record) -> Experiment:
    """The same run with full weights, and other records."""
    engine = "matrices" if experiment.network.linear else "samples"
    return replace(experiment, engine=engine, record=record)


def without_curvature(experiment: Experiment) -> Experiment:
    """The same run without the eigenvalues at its records."""
    return replace(experiment, record=replace(experiment.record, sharpness=False))


def at_minimum(
    singular_value: float, depths: tuple[int, ...], split: Sequence[float]
) -> Experiment:
    """One mode whose balanced start is the minimum with the strengths `split` (H,)."""
    return Experiment(
        task=Spectrum(singular_values=(singular_value,)),
        network=Network(depths=depths),
        start=Balanced(scales=tuple(split)),
        dynamics=Descent(step_size=1e-3, steps=1),
    )


def _whole(name: str, value: float) -> int:
    number = float(value)
    require(number.is_integer(), f"{name} must be a whole number, got {shown(value)}")
    return int(number)


# --- Axes ------------------------------------------------------------------------------------


class Axis(NamedTuple):
    """One way in which an experiment is varied by a number."""

    title: str
    put: Callable[[Experiment, float], Experiment]
    default: Callable[[Experiment], tuple[float, float]]  # a range that shows something
    whole: bool = False  # takes whole numbers only


def _usual_steps(experiment: Experiment) -> tuple[float, float]:
    unit = theory.unit_step_size(experiment)
    return 0.5 * unit, 3 * unit


def _usual_values(experiment: Experiment) -> tuple[float, float]:
    first, *others = experiment.task.singular_values
    least = others[1] / first if len(others) > 1 and first > 0 else 0.0
    return max(0.1, least), 0.95


def _stepped(put: Callable[[Experiment, float], Experiment]) -> Callable[..., Experiment]:
    def checked(experiment: Experiment, value: float) -> Experiment:
        dynamics = experiment.dynamics
        if dynamics.step_size is None:
            raise ValueError(
                f"an axis of step sizes needs gradient descent, got {shown(dynamics)}; "
                "choose Descent"
            )
        return put(experiment, value)

    return checked


# By name, in the order in which two of them are put into an experiment: the start ratio once the
# pathways are there, a step size in units of 2/S_1 once depth and target are known.
AXES = {
    "depth": Axis(
        "depth L", with_depth, lambda _: (2, min(30, limits.current().depth)), whole=True
    ),
    "pathways": Axis(
        "pathways H", with_pathways, lambda _: (2, min(6, limits.current().pathways)), whole=True
    ),
    "value_ratio": Axis("σ*₂ / σ*₁", with_value_ratio, _usual_values),
    "start_ratio": Axis("start ratio α₂ / α₁", with_start_ratio, lambda _: (0.5, 0.99)),
    "seed": Axis("seed", with_seed, lambda _: (0, 9), whole=True),
    "eta": Axis("step size η", _stepped(with_step_size), _usual_steps),
    "ratio": Axis("step size η in units of 2/S₁", _stepped(with_units), lambda _: (0.5, 3.0)),
}
STEP_AXES = ("eta", "ratio")


def axis(name: str) -> Axis:
    """One of `AXES` by name; ValueError for another."""
    require(
        isinstance(name, str) and name in AXES,
        f"expected an axis out of {', '.join(AXES)}, got {shown(name)}; choose one of them",
    )
    return AXES[name]
