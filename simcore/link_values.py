"""How a link writes and reads single values: numbers, specs, axes of maps, members of views.

Each reader answers what it does not understand with a ValueError, in one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple

from simcore import plans, typed, variations
from simcore.checks import require, shown
from simcore.events import Event, Events, Freeze, Jitter, Kick, Ramp, StepSize
from simcore.experiment import (
    Balanced,
    CentralFlow,
    Descent,
    Dynamics,
    Flow,
    Gaussian,
    LayerScales,
    Record,
    Start,
)
from simcore.plans import Side
from simcore.spec import written
from simcore.tasks import Spectrum, Target, Task, Tree

SMALL = 1500  # characters of a matrix that a link holds


def numbers_text(values: tuple[float, ...]) -> str:
    return ",".join(map(repr, values))


def rows_text(listed: tuple[tuple[float, ...], ...]) -> str:
    return ";".join(map(numbers_text, listed))


class Row(NamedTuple):
    """How a link holds one class of specs: `prefix:` and what `write` makes of one."""

    kind: type[Any]
    prefix: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


def _sized_spectrum(text: str) -> Spectrum:
    values, *sizes = text.split(":")
    require(len(sizes) in (0, 2), "expected singular values, or values:inputs:outputs", text)
    named = dict(zip(("n_in", "n_out"), map(typed.whole, sizes), strict=False))
    return Spectrum(singular_values=typed.numbers(values), **named)


def _gaussian(text: str) -> Gaussian:
    std, *seed = typed.parts(text, "a standard deviation and a seed", "0.05, 0")
    require(len(seed) <= 1, "expected a standard deviation and a seed, e.g. 0.05, 0", text)
    return Gaussian(std=typed.number(std), seed=typed.whole(*seed or ("0",)))


def _balanced_text(start: Balanced) -> str:
    """A number per pathway; or pathways with ; between, each a number for all modes or one per mode
    (with a comma after a single one)."""
    if start.uniform:
        return numbers_text(start.strengths())
    texts = [
        numbers_text(scale) + "," * (len(scale) == 1) if isinstance(scale, tuple) else repr(scale)
        for scale in start.scales
    ]
    return ";".join(texts) + ";" * (len(texts) == 1)


def _balanced(text: str) -> Balanced:
    if ";" not in text:
        rows = typed.rows(text)  # brackets may part them, too
        return Balanced(scales=rows[0] if len(rows) == 1 else rows)
    parts = text.strip().removesuffix(";").split(";")
    return Balanced(scales=tuple(map(_scale, parts)))


def _scale(text: str) -> float | tuple[float, ...]:
    found = typed.numbers(text)
    return found if len(found) > 1 or text.rstrip().endswith(",") else found[0]


def start_field(start: Start) -> str:
    """The numbers of a start as a person would type them."""
    _, _, numbers = start_text(start).partition(":")
    rows = [[n and typed.text(float(n)) for n in row.split(",")] for row in numbers.split(";")]
    return "; ".join(", ".join(row) for row in rows).strip()


STARTS = (
    Row(
        Balanced,
        "balanced",
        _balanced_text,
        _balanced,
    ),
    Row(
        LayerScales,
        "layers",
        lambda start: rows_text(start.scales),
        lambda text: LayerScales(scales=typed.rows(text)),
    ),
    Row(Gaussian, "gaussian", lambda start: f"{start.std!r},{start.seed}", _gaussian),
)
TASKS = (
    Row(Tree, "tree", lambda task: str(task.levels), lambda t: Tree(levels=typed.whole(t or "3"))),
    Row(Target, "target", lambda task: rows_text(task.rows), lambda t: Target(rows=typed.rows(t))),
    Row(
        Spectrum,
        "",  # its numbers stand alone
        lambda task: f"{numbers_text(task.singular_values)}:{task.n_in}:{task.n_out}",
        _sized_spectrum,
    ),
)


OF_DATA = "data:"  # how a task begins that a link only names


def write_task(task: Task) -> str:
    """What `task=` holds: a small task whole, data by the name of their source; ValueError for
    data without one."""
    if not task.source:
        return write_spec(TASKS, task)
    if isinstance(task, Target) and len(text := write_spec(TASKS, task)) <= SMALL:
        return text
    return OF_DATA + task.source


def read_task(text: str, find: Callable[[str], Task]) -> Task:
    """What `task=` holds; data are found by their name."""
    if text.startswith(OF_DATA):
        return find(text.removeprefix(OF_DATA))
    return read_spec(TASKS, text)


def not_here(source: str) -> Task:
    """Where nobody has brought data: ValueError in a sentence."""
    raise ValueError(
        "it names data that the link does not hold; open their file on the page Your data of the "
        "app"
    )


def write_spec(rows: Sequence[Row], spec: Any) -> str:
    for row in rows:
        if isinstance(spec, row.kind):
            return f"{row.prefix}:{row.write(spec)}" if row.prefix else row.write(spec)
    raise ValueError(
        f"a link cannot hold a {type(spec).__name__.lower()}; save the experiment as a file instead"
    )


def read_spec(rows: Sequence[Row], text: str) -> Any:
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
    return read_spec(STARTS, text)


def start_text(start: Start) -> str:
    """The start as `start=` holds it."""
    return write_spec(STARTS, start)


def read_flag(text: str) -> bool:
    require(text in ("0", "1"), "expected 0 or 1", text)
    return text == "1"


# Events as `freeze:1:0:250`: the word, then these fields, pathways counted from 1; the last may be
# left out where it is usual.
EVENTS: dict[str, tuple[type[Event], tuple[str, ...]]] = {
    "step": (StepSize, ("at", "value")),
    "ramp": (Ramp, ("start", "stop", "value", "begin")),
    "freeze": (Freeze, ("pathway", "start", "stop")),
    "kick": (Kick, ("pathway", "at", "factor")),
    "jitter": (Jitter, ("at", "std", "seed")),
}


def events_text(listed: Events) -> str:
    """What `events=` holds: events with ; between."""
    return ";".join(map(_event_text, listed))


def _event_text(event: Event) -> str:
    word, fields = next((w, f) for w, (kind, f) in EVENTS.items() if kind is type(event))
    values = [getattr(event, field) + (field == "pathway") for field in fields[:-1]]
    last = getattr(event, fields[-1])
    return ":".join([word, *map(repr, values), *([] if last is None else [repr(last)])])


def read_events(text: str) -> Events:
    return tuple(map(_read_event, text.split(";"))) if text else ()


def _read_event(text: str) -> Event:
    word, *numbers = text.split(":")
    require(word in EVENTS, f"expected an event out of {', '.join(EVENTS)}", word)
    kind, fields = EVENTS[word]
    require(
        len(fields) - 1 <= len(numbers) <= len(fields),
        f"expected {word}:{':'.join(fields)}",
        text,
    )
    values = dict(zip(fields, map(typed.number, numbers), strict=False))
    if "pathway" in values:
        values["pathway"] -= 1
    return kind(**values)


class Moves(NamedTuple):
    """How a link holds one class of dynamics: the field and the reader of each of its parameters,
    of which the first tells that it is this class."""

    kind: type[Dynamics]
    parameters: dict[str, tuple[str, Callable[[str], Any]]]
    after: Callable[[Dynamics], Dynamics]  # one to start from, where the fallback is of another


DYNAMICS = (
    Moves(
        CentralFlow,
        {
            "central": ("step_size", typed.number),
            "duration": ("duration", typed.number),
            "substeps": ("substeps", typed.whole),
        },
        lambda other: CentralFlow(step_size=other.eta or 0.1, duration=other.duration),
    ),
    Moves(
        Flow,
        {
            "duration": ("duration", typed.number),
            "rtol": ("rtol", typed.number),
            "events": ("events", read_events),
        },
        lambda other: Flow(duration=other.duration),
    ),
    Moves(
        Descent,
        {
            "eta": ("step_size", typed.number),
            "steps": ("steps", typed.whole),
            "events": ("events", read_events),
            "momentum": ("momentum", typed.number),
            "nesterov": ("nesterov", read_flag),
            "decay": ("weight_decay", typed.number),
            "noise": ("label_noise", typed.number),
            "seed": ("seed", typed.whole),
        },
        lambda other: Descent(step_size=0.1, steps=1000),
    ),
)


def field_text(value: Any) -> str:
    """A field of dynamics: a number, a flag as 0 or 1, or events."""
    if isinstance(value, tuple):
        return events_text(value)
    return repr(int(value) if isinstance(value, bool) else value)


def side_text(side: Side) -> str:
    ends = "" if side.range is None else ":{!r}:{!r}".format(*side.range)
    return f"{side.name}:{side.points}{ends}"


def read_side(text: str) -> Side:
    name, *numbers = text.split(":")
    variations.axis(name)
    require(len(numbers) in (1, 3), "expected axis:points or axis:points:from:to", text)
    points = typed.whole(numbers[0])
    plans.check_points(points)
    if len(numbers) == 1:
        return Side(name, points)
    low, high = map(typed.number, numbers[1:])
    plans.values(name, low, high, points)
    return Side(name, points, (low, high))


def read_activation(text: str) -> dict[str, Any]:
    """Fields of a network: its activation, and `:last` if that comes after the last layer, too."""
    name, colon, where = text.strip().partition(":")
    require(not colon or where == "last", "expected an activation such as tanh or tanh:last", text)
    return {"activation": name, "activate_last": bool(colon)}


def read_width(text: str) -> int | None:
    return None if text == "auto" else typed.whole(text)


def record_text(record: Record) -> str:
    """Fields as `name:number`, or as a word; those that are `later` only if they are not usual."""
    values = [(f.name, getattr(record, f.name)) for f in written(record)]
    return ",".join(
        f"{name}:{value if isinstance(value, str) else int(value)}"
        for name, value in values
        if value is not None
    )


def read_record(text: str, record: Record) -> Record:
    kinds = {f.name: str(f.type) for f in fields(record)}
    read = {"bool": _zero_or_one, "str": lambda name, value: value}
    values: dict[str, Any] = {"every": None, "spacing": "even"}  # as a link that leaves them out
    for part in text.split(","):
        name, _, value = part.partition(":")
        require(name in kinds, f"expected some of {', '.join(kinds)}, got {shown(part)}")
        values[name] = read.get(kinds[name], lambda name, value: typed.whole(value))(name, value)
    return replace(record, **values)


def _zero_or_one(name: str, text: str) -> bool:
    number = typed.whole(text)
    require(number in (0, 1), f"{name} must be 0 or 1, got {number}")
    return bool(number)


def from_one(text: str) -> int:
    number = typed.whole(text)
    require(number >= 1, "expected a number from 1 on", number)
    return number - 1


def read_pair(text: str) -> tuple[int, ...]:
    pair = tuple(map(from_one, text.split(",")))
    require(len(pair) == 2 and pair[0] < pair[1], "expected two pathways, the first one first")
    return pair


def read_logs(text: str) -> tuple[tuple[str, bool], ...]:
    pairs = [part.partition(":") for part in text.split(",")]
    require(all(colon for _, colon, _ in pairs), "expected panels such as loss:1 or loss:0")
    return tuple((name, read_flag(flag)) for name, _, flag in pairs)
