"""An experiment in the words of a visitor: whole, or what sets it apart from another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simcore.experiment import (
    Balanced,
    Dynamics,
    Experiment,
    Gaussian,
    LayerScales,
    Network,
    Start,
)
from simcore.starts import Scale
from simcore.tasks import Spectrum, Task, Tree


def in_words(experiment: Experiment) -> str:
    """All of it but the records, e.g. "gradient descent · η = 0.05 · 650 steps · H = 2 · L = 20 ·
    start 0.002, 0.0017 · σ* = 1"."""
    return " · ".join(_parts(experiment, None))


def difference(experiment: Experiment, reference: Experiment) -> str:
    """What `experiment` has that `reference` has not, e.g. "η = 0.05, 2,000 steps"; empty if they
    are the same run. How often it is recorded is said only where nothing else is different."""
    said = [*_parts(experiment, reference)]
    return ", ".join(said or ["other records"]) if experiment != reference else ""


def _parts(one: Experiment, two: Experiment | None) -> Iterator[str]:
    yield from _dynamics(one.dynamics, two.dynamics if two else None)
    yield from _network(one.network, two.network if two else None)
    width = one.network.hidden_width(one.task)
    if not one.start.aligned and (two is None or width != two.network.hidden_width(two.task)):
        yield f"width {width}"
    if two is None or one.start != two.start:
        yield _start(one.start, two.start if two else None)
    if two is None or one.task != two.task:
        yield _task(one.task, two.task if two else None)
    linear = one.network.linear  # else the activation says so
    if two is not None and linear and one.resolved_engine != two.resolved_engine:
        yield _ENGINES[one.resolved_engine]


_ENGINES = {"modes": "modes alone", "matrices": "full weights", "samples": "sample by sample"}


def _dynamics(mine: Dynamics, theirs: Dynamics | None) -> Iterator[str]:
    like = theirs if theirs is not None and theirs.short == mine.short else None
    if like is None:
        yield mine.title
    other = theirs.step_size if theirs is not None else None
    if mine.step_size is not None and mine.step_size != other:
        yield f"η = {_apart(mine.step_size, other)}"
    if mine.iterated:
        if theirs is None or not theirs.iterated or mine.steps != theirs.steps:
            yield f"{mine.steps:,} steps"
    elif theirs is None or mine.duration != theirs.duration:
        yield f"t up to {_apart(mine.duration, theirs.duration if theirs else None)}"
    fine, coarse = (getattr(d, "rtol", None) for d in (mine, like))
    if like is not None and fine != coarse:
        yield f"tolerance {fine:g}"
    yield from _driven(mine, theirs)
    yield from _events(mine, theirs)


_DRIVES = {
    "momentum": "momentum β",
    "weight_decay": "weight decay μ",
    "label_noise": "label noise δ",
}


def _driven(mine: Dynamics, theirs: Dynamics | None) -> Iterator[str]:
    """What moves the weights beside the gradient, where it differs; nothing where it is off."""
    for field, name in _DRIVES.items():
        value, other = getattr(mine, field), getattr(theirs, field, 0.0)
        if value != other:
            yield f"{name} = {_apart(value, other)}" if value else f"no {name}"
    if mine.momentum and mine.nesterov != (theirs is not None and theirs.nesterov):
        yield "Nesterov's" if mine.nesterov else "heavy ball"
    if mine.label_noise and (theirs is None or mine.seed != theirs.seed):
        yield f"noise seed {mine.seed}"


def _events(mine: Dynamics, theirs: Dynamics | None) -> Iterator[str]:
    """The events that the others have not, and which of theirs are missing."""
    others = theirs.events if theirs is not None else ()
    new = tuple(event for event in mine.events if event not in others)
    gone = tuple(event for event in others if event not in mine.events)
    new_words = mine.in_words(new)
    if theirs is not None and set(new_words) & set(theirs.in_words(gone)):
        new_words = mine.in_words(new, exactly=True)
    yield from new_words
    if gone and not new:
        missing = "without " + ", ".join(event.labels[0] for event in gone)
        yield missing if mine.events else "no events"


def _network(mine: Network, theirs: Network | None) -> Iterator[str]:
    depths, others = mine.depths, theirs.depths if theirs is not None else ()
    if len(depths) != len(others):
        yield f"H = {len(depths)}"
    if set(depths) != set(others) or (len(depths) == len(others) and depths != others):
        yield f"L = {depths[0]}" if len(set(depths)) == 1 else f"L = {', '.join(map(str, depths))}"
    if _bend(mine) != (_bend(theirs) if theirs is not None else "linear"):
        yield _bend(mine)


def _bend(network: Network) -> str:
    return network.phi + (" after every layer" if network.activate_last else "")


def _start(mine: Start, theirs: Start | None) -> str:
    return _STARTS[type(mine)](mine, theirs if type(theirs) is type(mine) else None)


def _balanced(mine: Balanced, like: Balanced | None) -> str:
    if not mine.uniform:
        return "start " + "; ".join(_listed(_modes(scale), ()) for scale in mine.scales)
    others = like.strengths() if like is not None and like.uniform else ()
    return f"start {_listed(mine.strengths(), others)}"


def _layer_scales(mine: LayerScales, like: LayerScales | None) -> str:
    return "start " + "; ".join(_listed(scales, ()) for scales in mine.scales)


def _drawn(mine: Gaussian, like: Gaussian | None) -> str:
    spread, seed = (like.std, like.seed) if like is not None else (None, None)
    drawn = [] if spread == mine.std else [f"random start of std {_apart(mine.std, spread)}"]
    return ", ".join([*drawn, *([] if seed == mine.seed else [f"seed {mine.seed}"])])


# what is said of a start, beside another of its kind if there is one
_STARTS: dict[type[Start], Callable[..., str]] = {
    Balanced: _balanced,
    LayerScales: _layer_scales,
    Gaussian: _drawn,
}


def _modes(scale: Scale) -> tuple[float, ...]:
    return scale if isinstance(scale, tuple) else (scale,)


def _task(mine: Task, theirs: Task | None) -> str:
    if isinstance(mine, Spectrum):
        values = tuple(filter(None, mine.singular_values)) or (0.0,)
        others = theirs.singular_values if isinstance(theirs, Spectrum) else ()
        others = tuple(filter(None, others)) or (0.0,)
        if values != others or not isinstance(theirs, Spectrum):
            return f"σ* = {_listed(values, others)}"
        return f"{mine.n_in} inputs, {mine.n_out} outputs"
    if isinstance(mine, Tree):
        return f"tree of {mine.levels} levels"
    return "another target" if theirs is not None else f"a target of {mine.n_out} x {mine.n_in}"


def _listed(mine: tuple[float, ...], theirs: tuple[float, ...]) -> str:
    padded = [*theirs[: len(mine)], *[None] * (len(mine) - len(theirs))]
    return ", ".join(_apart(a, b) for a, b in zip(mine, padded, strict=True))


def _apart(value: float, other: float | None) -> str:
    """In four digits, or as many more as tell it from the other."""
    for digits in range(4, 17):
        text = f"{value:.{digits}g}"
        if other is None or value == other or text != f"{other:.{digits}g}":
            return text
    return repr(value)
