"""What sets one experiment apart from another, in the words of a visitor."""

from __future__ import annotations

from collections.abc import Iterator

from simcore.experiment import Balanced, Experiment, Gaussian, LayerScales, Start
from simcore.tasks import Spectrum, Task, Tree


def difference(experiment: Experiment, reference: Experiment) -> str:
    """What `experiment` has that `reference` has not, e.g. "η = 0.05, 2,000 steps"; empty if they
    are the same run. How often it is recorded is said only where nothing else is different."""
    return ", ".join(_parts(experiment, reference))


def _parts(one: Experiment, two: Experiment) -> Iterator[str]:
    said = [*_dynamics(one, two), *_network(one, two)]
    if one.start != two.start:
        said.append(_start(one.start, two.start))
    if one.task != two.task:
        said.append(_task(one.task, two.task))
    if one.resolved_engine != two.resolved_engine:
        said.append({"modes": "modes alone", "matrices": "full weights"}[one.resolved_engine])
    yield from said
    if not said and one != two:
        yield "other records"


def _dynamics(one: Experiment, two: Experiment) -> Iterator[str]:
    mine, theirs = one.dynamics, two.dynamics
    if mine.short != theirs.short:
        yield mine.title
    if mine.eta is not None and mine.eta != theirs.eta:
        yield f"η = {_apart(mine.eta, theirs.eta)}"
    if mine.iterated:
        if not theirs.iterated or mine.steps != theirs.steps:
            yield f"{mine.steps:,} steps"
    elif mine.duration != theirs.duration:
        yield f"t up to {_apart(mine.duration, theirs.duration)}"
    fine, coarse = (getattr(d, "rtol", None) for d in (mine, theirs))
    if mine.short == theirs.short and fine != coarse:
        yield f"tolerance {fine:g}"


def _network(one: Experiment, two: Experiment) -> Iterator[str]:
    mine, theirs = one.network.depths, two.network.depths
    if len(mine) != len(theirs):
        yield f"H = {len(mine)}"
    if set(mine) != set(theirs) or (len(mine) == len(theirs) and mine != theirs):
        yield f"L = {mine[0]}" if len(set(mine)) == 1 else f"L = {', '.join(map(str, mine))}"
    wide = [e.network.hidden_width(e.task) for e in (one, two)]
    if wide[0] != wide[1] and not one.start.aligned:
        yield f"width {wide[0]}"


def _start(mine: Start, theirs: Start) -> str:
    if isinstance(mine, Balanced):
        others = theirs.scales if isinstance(theirs, Balanced) else ()
        return f"start {_listed(mine.scales, others)}"
    if isinstance(mine, LayerScales):
        return "start " + "; ".join(_listed(scales, ()) for scales in mine.scales)
    if isinstance(mine, Gaussian):
        spread = theirs.std if isinstance(theirs, Gaussian) else None
        drawn = [] if spread == mine.std else [f"random start of std {_apart(mine.std, spread)}"]
        seed = theirs.seed if isinstance(theirs, Gaussian) else None
        return ", ".join([*drawn, *([] if seed == mine.seed else [f"seed {mine.seed}"])])
    return "another start"


def _task(mine: Task, theirs: Task) -> str:
    if isinstance(mine, Spectrum):
        values = tuple(filter(None, mine.singular_values)) or (0.0,)
        others = theirs.singular_values if isinstance(theirs, Spectrum) else ()
        others = tuple(filter(None, others)) or (0.0,)
        if values != others or not isinstance(theirs, Spectrum):
            return f"σ* = {_listed(values, others)}"
        return f"{mine.n_in} inputs, {mine.n_out} outputs"
    return f"tree of {mine.levels} levels" if isinstance(mine, Tree) else "another target"


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
