"""An experiment, and the map around it, as the query of a link, and back.

The link is readable and exact: `v=1&task=1.0&depths=20,20&start=balanced:0.002,0.0017&eta=0.15&
steps=650` gives the same `Experiment.key`, and `map_x=eta:60:0.05:0.3&map_y=depth:29` the same map
over it: axes with their points and, where it is not the usual one, their range. Whatever a link
gets wrong is answered with a sentence and the value of the fallback, never with an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any, NamedTuple

from simcore import limits, plans, variations
from simcore.checks import count, require, shown
from simcore.experiment import (
    Balanced,
    Descent,
    Dynamics,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Record,
    Start,
)
from simcore.plans import Plan, Side, Wanted
from simcore.tasks import Spectrum, Target, Tree

VERSION = "1"
LONGEST = 4000  # characters of one value; browsers and proxies cut longer links


def to_query(experiment: Experiment) -> dict[str, str]:
    """Every value of the experiment, as query parameters; ValueError for a Dataset."""
    record = experiment.record
    return {
        "v": VERSION,
        "task": _written(TASKS, experiment.task),
        "depths": ",".join(map(str, experiment.network.depths)),
        "width": "auto" if experiment.network.width is None else str(experiment.network.width),
        "start": start_text(experiment.start),
        **_dynamics_query(experiment.dynamics),
        "record": _record_text(record),
        "engine": experiment.engine,
    }


def from_query(
    query: Mapping[str, str], fallback: Experiment
) -> tuple[Experiment, tuple[str, ...]]:
    """The experiment of a link, and a sentence for each value that `fallback` had to replace.

    Values the link leaves out are the fallback's; unknown names are for the caller.
    """
    read = _Reader(query)
    complaints = read.complaints
    version = query.get("v", VERSION)
    if version != VERSION:
        complaints.append(
            f"the link has version {shown(version)}, this app reads version {VERSION}; "
            "what it understands is used"
        )
    network, record = fallback.network, fallback.record
    parts = {
        "task": read("task", lambda text: _read(TASKS, text), fallback.task),
        "network": read(
            "depths", lambda text: replace(network, depths=parse_depths(text)), network
        ),
        "start": read("start", parse_start, fallback.start),
        "dynamics": _dynamics(query, read, fallback.dynamics),
        "record": read("record", lambda text: _record(text, record), record),
        "engine": read("engine", str, fallback.engine),
    }
    parts["network"] = read(
        "width", lambda text: replace(parts["network"], width=_width(text)), parts["network"]
    )
    try:
        experiment = Experiment(**parts)
    except ValueError as error:
        complaints.append(f"the link's values do not fit together: {error}")
        experiment = fallback
    return experiment, tuple(complaints)


def map_to_query(wanted: Wanted) -> dict[str, str]:
    """What was asked of a map, as query parameters; nothing for what suits the experiment."""
    query: dict[str, str] = {}
    if wanted.plan is not None:
        query |= {"map_x": _side_text(wanted.plan.x), "map_y": _side_text(wanted.plan.y)}
    if wanted.steps is not None:
        query["map_steps"] = str(wanted.steps)
    return query


def map_from_query(query: Mapping[str, str]) -> tuple[Wanted, tuple[str, ...]]:
    """What a link asks of a map, and a sentence for each value that was left out."""
    read = _Reader(query)
    x, y = read("map_x", _side, None), read("map_y", _side, None)
    plan = None
    if x is not None and y is not None:
        try:
            plans.check_axes(x.name, y.name)
            plan = Plan(x, y)
        except ValueError as error:
            read.complaints.append(f"the axes of the link's map were left out: {error}")
    elif (x is None) != (y is None) and not read.complaints:
        read.complaints.append("the link's map needs both map_x and map_y; the usual one is shown")
    most = limits.current().steps
    steps = read("map_steps", lambda text: count("map_steps", _int(text), 1, most), None)
    return Wanted(plan, steps), tuple(read.complaints)


class _Reader:
    """Reads the values of a query, and keeps a sentence for each that it does not understand."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self.query = query
        self.complaints: list[str] = []

    def __call__(self, name: str, parse: Callable[[str], Any], default: Any) -> Any:
        text = self.query.get(name)
        if text is None:
            return default
        try:
            require(len(text) <= LONGEST, f"it has more than {LONGEST} characters")
            return parse(text)
        except (ValueError, OverflowError, RecursionError) as error:
            self.complaints.append(f"{name}={shown(text)} in the link was left out: {error}")
            return default


NAMES = {"eta": "η", "depths": "L", "start": "start", "task": "target"}


def difference(experiment: Experiment, reference: Experiment) -> str:
    """What sets two experiments apart, in the words of a link: "η = 0.05, steps = 2000"."""
    mine, theirs = to_query(experiment), to_query(reference)
    order = [*NAMES, *(name for name in mine if name not in NAMES)]
    return ", ".join(
        f"{NAMES.get(name, name)} = {_short(mine[name])}"
        for name in order
        if name in mine and theirs.get(name) != mine[name]
    )


def _short(text: str) -> str:
    """Four digits for a lone number."""
    try:
        return f"{float(text):.4g}"
    except ValueError:
        return text


# --- The values ------------------------------------------------------------------------------


def parse_numbers(text: str) -> tuple[float, ...]:
    """Numbers separated by commas."""
    require(bool(text.strip()), "expected numbers separated by commas, e.g. 1,0.5")
    return tuple(_float(part) for part in text.split(","))


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected a number, got {shown(text)}") from None


def parse_depths(text: str) -> tuple[int, ...]:
    return tuple(_int(part) for part in text.split(","))


def _int(text: str) -> int:
    require(len(text) <= 20, "expected a whole number of at most 20 digits")
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"expected a whole number, got {shown(text)}") from None


def _rows(text: str) -> tuple[tuple[float, ...], ...]:
    return tuple(parse_numbers(row) for row in text.split(";"))


def _text(numbers: tuple[float, ...]) -> str:
    return ",".join(map(repr, numbers))


def _row_text(rows: tuple[tuple[float, ...], ...]) -> str:
    return ";".join(_text(row) for row in rows)


class Row(NamedTuple):
    """How a link holds one class of specs: `prefix:` and what `write` makes of one."""

    kind: type[Any]
    prefix: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


def _sized_spectrum(text: str) -> Spectrum:
    values, *sizes = text.split(":")
    require(len(sizes) in (0, 2), "expected singular values, or values:inputs:outputs", text)
    named = dict(zip(("n_in", "n_out"), map(_int, sizes), strict=False))
    return Spectrum(singular_values=parse_numbers(values), **named)


def _gaussian(text: str) -> Gaussian:
    std, _, seed = text.partition(",")
    return Gaussian(std=_float(std), seed=_int(seed or "0"))


STARTS = (
    Row(
        Balanced,
        "balanced",
        lambda start: _text(start.scales),
        lambda text: Balanced(scales=parse_numbers(text)),
    ),
    Row(
        LayerScales,
        "layers",
        lambda start: _row_text(start.scales),
        lambda text: LayerScales(scales=_rows(text)),
    ),
    Row(Gaussian, "gaussian", lambda start: f"{start.std!r},{start.seed}", _gaussian),
)
TASKS = (
    Row(Tree, "tree", lambda task: str(task.levels), lambda t: Tree(levels=_int(t or "3"))),
    Row(Target, "target", lambda task: _row_text(task.rows), lambda t: Target(rows=_rows(t))),
    Row(
        Spectrum,
        "",  # its numbers stand alone
        lambda task: f"{_text(task.singular_values)}:{task.n_in}:{task.n_out}",
        _sized_spectrum,
    ),
)


def _written(rows: Sequence[Row], spec: Any) -> str:
    for row in rows:
        if isinstance(spec, row.kind):
            return f"{row.prefix}:{row.write(spec)}" if row.prefix else row.write(spec)
    raise ValueError(
        f"a link cannot hold a {type(spec).__name__.lower()}; save the experiment as a file instead"
    )


def _read(rows: Sequence[Row], text: str) -> Any:
    prefix, _, rest = text.partition(":")
    for row in rows:
        if row.prefix == prefix:
            return row.read(rest)
        if not row.prefix:
            return row.read(text)
    names = [f"{row.prefix}:" for row in rows]
    expected = f"{', '.join(names[:-1])} or {names[-1]}"
    raise ValueError(f"expected {expected} first, got {shown(prefix)}")


def parse_start(text: str) -> Start:
    """What `start=` holds."""
    return _read(STARTS, text)


def start_text(start: Start) -> str:
    """The start as `start=` holds it."""
    return _written(STARTS, start)


class Moves(NamedTuple):
    """How a link holds one class of dynamics: the field and the reader of each of its parameters,
    of which the first tells that it is this class."""

    kind: type[Dynamics]
    parameters: dict[str, tuple[str, Callable[[str], Any]]]
    after: Callable[[Dynamics], Dynamics]  # one to start from, where the fallback is of another


DYNAMICS = (
    Moves(
        Flow,
        {"duration": ("duration", _float), "rtol": ("rtol", _float)},
        lambda other: Flow(duration=other.duration),
    ),
    Moves(
        Descent,
        {"eta": ("step_size", _float), "steps": ("steps", _int)},
        lambda other: Descent(step_size=0.1, steps=1000),
    ),
)


def _dynamics_query(dynamics: Dynamics) -> dict[str, str]:
    moves = next(m for m in DYNAMICS if m.kind is type(dynamics))
    return {name: repr(getattr(dynamics, field)) for name, (field, _) in moves.parameters.items()}


def _dynamics(query: Mapping[str, str], read: _Reader, fallback: Dynamics) -> Dynamics:
    own = next(m for m in DYNAMICS if m.kind is type(fallback))
    moves = next((m for m in DYNAMICS if next(iter(m.parameters)) in query), own)
    dynamics = fallback if moves is own else moves.after(fallback)
    for name, (field, parse) in moves.parameters.items():
        dynamics = read(name, partial(_with_field, dynamics, field, parse), dynamics)
    return dynamics


def _with_field(spec: Any, field: str, parse: Callable[[str], Any], text: str) -> Any:
    return replace(spec, **{field: parse(text)})


def _side_text(side: Side) -> str:
    ends = "" if side.range is None else ":{!r}:{!r}".format(*side.range)
    return f"{side.name}:{side.points}{ends}"


def _side(text: str) -> Side:
    name, *numbers = text.split(":")
    variations.axis(name)
    require(len(numbers) in (1, 3), "expected axis:points or axis:points:from:to", text)
    points = _int(numbers[0])
    plans.check_points(points)
    if len(numbers) == 1:
        return Side(name, points)
    low, high = map(_float, numbers[1:])
    plans.values(name, low, high, points)
    return Side(name, points, (low, high))


def _width(text: str) -> int | None:
    return None if text == "auto" else _int(text)


def _record_text(record: Record) -> str:
    values = [(f.name, getattr(record, f.name)) for f in fields(record)]
    return ",".join(f"{name}:{int(value)}" for name, value in values if value is not None)


def _record(text: str, record: Record) -> Record:
    names = {f.name: f.type for f in fields(record)}
    values: dict[str, Any] = {}
    for part in text.split(","):
        name, _, value = part.partition(":")
        require(name in names, f"expected some of {', '.join(names)}, got {shown(part)}")
        number = _int(value)
        if names[name] == "bool":
            require(number in (0, 1), f"{name} must be 0 or 1, got {number}")
            values[name] = bool(number)
        else:
            values[name] = number
    return replace(record, **{"every": None, **values})
