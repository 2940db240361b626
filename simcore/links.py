"""An experiment, the map around it and the view of both, as the query of a link, and back.

The link is readable and exact: `v=1&task=1.0&depths=20,20&start=balanced:0.002,0.0017&eta=0.15&
steps=650` gives the same `Experiment.key`, and `map_x=eta:60:0.05:0.3&map_y=depth:29` the same map
over it: axes with their points and, where it is not the usual one, their range.
`panels=plane,loss&cursor=12.5&log=loss:1` is what is shown: members of `View` that are not at their
defaults; modes and pathways are counted from 1, as on the pages. `stage=1&hide=ruler,result&ask=Who
wins?` is how it is presented: members of `Lesson`. Whatever a link gets wrong is
answered with a sentence and the value of the fallback, never with an exception.

The version `v` is that of the whole link. A new name with a default needs no new version, because
an older app says in a sentence which names it does not know (`unknown`); a name that changes its
meaning does, and `from_query` says so once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from simcore import limits, plans, typed
from simcore import link_values as values
from simcore.checks import count, require, shown
from simcore.experiment import (
    Balanced,
    Descent,
    Dynamics,
    Experiment,
    Network,
)
from simcore.lesson import PARTS, PLAIN, Lesson
from simcore.plans import Plan, Wanted
from simcore.spec import written
from simcore.tasks import Spectrum, Task
from simcore.view import DEFAULT as DEFAULT_VIEW
from simcore.view import PLAYED, View
from simcore.wording import listed

VERSION = "1"
CLOCKS = tuple(next(iter(moves.parameters)) for moves in values.DYNAMICS)  # one tells the dynamics
LONGEST = 4000  # characters of one value; browsers and proxies cut longer links


def to_query(experiment: Experiment) -> dict[str, str]:
    """Every value of the experiment, as query parameters; ValueError for a Dataset without a
    source that could be named."""
    record = experiment.record
    return {
        "v": VERSION,
        "task": values.write_task(experiment.task),
        "depths": ",".join(map(str, experiment.network.depths)),
        "width": "auto" if experiment.network.width is None else str(experiment.network.width),
        **_activation_query(experiment.network),
        "start": values.start_text(experiment.start),
        **_dynamics_query(experiment.dynamics),
        "record": values.record_text(record),
        "engine": experiment.engine,
    }


def from_query(
    query: Mapping[str, str],
    fallback: Experiment,
    find: Callable[[str], Task] = values.not_here,
) -> tuple[Experiment, tuple[str, ...]]:
    """The experiment of a link, and a sentence for each value that `fallback` had to replace.

    Values the link leaves out are the fallback's; unknown names are for the caller. `find` gives
    the task of data that the link names (`data:` and their source), or raises ValueError.
    """
    query = plain(query)
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
        "task": read("task", lambda text: values.read_task(text, find), fallback.task),
        "network": read(
            "depths", lambda text: replace(network, depths=typed.wholes(text)), network
        ),
        "start": read("start", values.parse_start, fallback.start),
        "dynamics": _dynamics(query, read, fallback.dynamics),
        "record": read("record", lambda text: values.read_record(text, record), record),
        "engine": read("engine", str, fallback.engine),
    }
    parts["network"] = read(
        "width",
        lambda text: replace(parts["network"], width=values.read_width(text)),
        parts["network"],
    )
    parts["network"] = read(
        "activation",
        lambda text: replace(parts["network"], **values.read_activation(text)),
        parts["network"],
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
        query |= {
            "map_x": values.side_text(wanted.plan.x),
            "map_y": values.side_text(wanted.plan.y),
        }
    if wanted.steps is not None:
        query["map_steps"] = str(wanted.steps)
    return query


def map_from_query(query: Mapping[str, str]) -> tuple[Wanted, tuple[str, ...]]:
    """What a link asks of a map, and a sentence for each value that was left out."""
    read = _Reader(plain(query))
    x, y = read("map_x", values.read_side, None), read("map_y", values.read_side, None)
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
    steps = read("map_steps", lambda text: count("map_steps", typed.whole(text), 1, most), None)
    return Wanted(plan, steps), tuple(read.complaints)


def view_to_query(view: View) -> dict[str, str]:
    """What is shown, as query parameters; nothing for members at their defaults.

    ValueError for a pin that is too long for a link.
    """
    query = {
        member.name: member.write(getattr(view, member.field))
        for member in MEMBERS
        if getattr(view, member.field) != getattr(DEFAULT_VIEW, member.field)
    }
    return query | dict(zip(PINS, map(_pin_text, view.pins), strict=False))


def view_from_query(query: Mapping[str, str]) -> tuple[View, tuple[str, ...]]:
    """What a link shows, and a sentence for each value that was left out."""
    read, view = _Reader(plain(query)), DEFAULT_VIEW
    for member in MEMBERS:
        view = read(member.name, partial(_with_field, view, member.field, member.read), view)
    pins = (read(name, _pin, None) for name in PINS)
    view = replace(view, pins=tuple(dict.fromkeys(pin for pin in pins if pin is not None)))
    return view, tuple(read.complaints)


def lesson_to_query(lesson: Lesson) -> dict[str, str]:
    """How a page is presented, as query parameters; nothing for what is usual."""
    return {
        member.name: member.write(getattr(lesson, member.field))
        for member in OF_LESSON
        if getattr(lesson, member.field) != getattr(PLAIN, member.field)
    }


def lesson_from_query(query: Mapping[str, str]) -> tuple[Lesson, tuple[str, ...]]:
    """How a link presents a page, and a sentence for each value, and for all names of parts that
    nobody knows, that was left out."""
    read, lesson = _Reader(plain(query)), PLAIN
    names = read.query.get("hide", "").split(",")
    unknown = [name for name in names if name and name not in PARTS]
    if unknown:
        told = listed(map(shown, unknown), most=3)
        read.complaints.append(
            f"the link also hides {told}, which this app does not know; it can hide {listed(PARTS)}"
        )
        read.query["hide"] = ",".join(name for name in names if name in PARTS)
    for member in OF_LESSON:
        lesson = read(member.name, partial(_with_field, lesson, member.field, member.read), lesson)
    return lesson, tuple(read.complaints)


def plain(query: Mapping[str, str]) -> dict[str, str]:
    """The query with `amp;name` read as `name`: mail and chat programs escape the & of links."""
    escaped = {ESCAPED.sub("", name): text for name, text in query.items() if ESCAPED.match(name)}
    return escaped | {name: text for name, text in query.items() if not ESCAPED.match(name)}


def unknown(query: Mapping[str, str]) -> str | None:
    """One sentence for all names of a link that nobody knows, None if there are none.

    What advertisers and Streamlit add to links is passed over.
    """
    names = [
        name for name in plain(query) if name not in KNOWN and not name.startswith(FROM_OTHERS)
    ]
    if not names:
        return None
    told = listed(map(shown, names), most=3)
    return f"the link also says {told}, which this app does not know; it was left out"


class _Reader:
    """Reads the values of a query, and keeps a sentence for each that it does not understand."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self.query = dict(query)
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


def _activation_query(network: Network) -> dict[str, str]:
    """Nothing for linear pathways, so that their links are what they always were."""
    if network.linear:
        return {}
    return {"activation": network.activation + ":last" * network.activate_last}


def _dynamics_query(dynamics: Dynamics) -> dict[str, str]:
    moves = next(m for m in values.DYNAMICS if m.kind is type(dynamics))
    held = {f.name for f in written(dynamics)}
    return {
        name: values.field_text(getattr(dynamics, field))
        for name, (field, _) in moves.parameters.items()
        if field in held
    }


def _dynamics(query: Mapping[str, str], read: _Reader, fallback: Dynamics) -> Dynamics:
    own = next(m for m in values.DYNAMICS if m.kind is type(fallback))
    given = (m for m, name in zip(values.DYNAMICS, CLOCKS, strict=True) if name in query)
    moves = next(given, own)
    dynamics = fallback if moves is own else moves.after(fallback)
    for name, (field, parse) in moves.parameters.items():
        dynamics = read(name, partial(_with_field, dynamics, field, parse), dynamics)
    return dynamics


def _with_field(spec: Any, field: str, parse: Callable[[str], Any], text: str) -> Any:
    return replace(spec, **{field: parse(text)})


# --- The view --------------------------------------------------------------------------------

NO_PANELS = "0"
PINS = ("pin_a", "pin_b", "pin_c", "pin_d")  # the letters of the pages
LONGEST_PIN = 1000  # characters
PIN_BASE = Experiment(  # what the link of a pin leaves out: the defaults of the specs
    task=Spectrum(singular_values=(1.0,)),
    network=Network(depths=(1,)),
    start=Balanced(scales=(1.0,)),
    dynamics=Descent(step_size=1.0, steps=1),
)


def _pin_text(pin: Experiment) -> str:
    """A pin as a query of its own."""
    usual = {k: to_query(PIN_BASE)[k] for k in ("v", "width", "record", "engine")}
    query = {name: text for name, text in to_query(pin).items() if usual.get(name) != text}
    text = urlencode(query, safe=",:;")
    require(
        len(text) <= LONGEST_PIN,
        f"a pinned run may take {LONGEST_PIN} characters of a link, this one takes {len(text)}",
    )
    return text


def _pin(text: str) -> Experiment:
    query = dict(parse_qsl(text, keep_blank_values=True))
    whole = {"task", "depths", "start"} <= query.keys()
    require(whole, "a pinned run needs task, depths and start")
    pin, complaints = from_query(query, PIN_BASE)
    require(not complaints, "".join(complaints[:1]))
    return pin


class Member(NamedTuple):
    """How a link holds a member of a view."""

    name: str
    field: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


MEMBERS = (
    Member("mode", "mode", lambda mode: str(mode + 1), values.from_one),
    Member(
        "pair",
        "pathways",
        lambda pair: ",".join(str(h + 1) for h in pair),
        values.read_pair,
    ),
    Member(
        "panels",
        "panels",
        lambda names: ",".join(names) or NO_PANELS,
        lambda text: () if text == NO_PANELS else tuple(text.split(",")),
    ),
    Member("layers", "layers", ",".join, lambda text: tuple(text.split(","))),
    Member("flow", "flow", lambda flow: str(int(flow)), values.read_flag),
    Member("cf", "central", lambda central: str(int(central)), values.read_flag),
    Member("strobe", "strobe", str, str),
    Member("axis", "axis", str, str),
    Member("time", "time", str, str),
    Member(
        "log", "logs", lambda logs: ",".join(f"{k}:{int(log)}" for k, log in logs), values.read_logs
    ),
    Member("zoom", "zoom", values.numbers_text, typed.numbers),
    Member("cursor", "cursor", repr, typed.number),
    Member("share", "share", repr, typed.number),
    Member("figure", "figure", str, str),
    Member("colour", "colour", str, str),
    Member("etas", "step_sizes", values.numbers_text, typed.numbers),
    Member("show", "diagram", str, str),
    Member("seeds", "ensemble", str, str),
    Member("step", "step", str, typed.whole),
)
OF_LESSON = (
    Member("stage", "stage", lambda stage: str(int(stage)), values.read_flag),
    Member("hide", "hide", ",".join, lambda text: tuple(filter(None, text.split(",")))),
    Member("ask", "question", str, str),
)
OF_PLAYER = tuple(member.name for member in MEMBERS if member.field in PLAYED)

ESCAPED = re.compile(r"^(?:amp(?:;|%3B))+", re.IGNORECASE)
FROM_OTHERS = ("utm_", "fbclid", "gclid", "embed")  # advertisers, and Streamlit itself
KNOWN = {
    *(
        "v",
        "task",
        "depths",
        "width",
        "activation",
        "start",
        "record",
        "engine",
        "map_x",
        "map_y",
        "map_steps",
    ),
    *(name for moves in values.DYNAMICS for name in moves.parameters),
    *(member.name for member in (*MEMBERS, *OF_LESSON)),
    *PINS,
}
