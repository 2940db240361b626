"""What is on the screen beside the experiment: one noun, which the link of a page holds.

Every member has a default that means "what suits the page", and a view at its defaults adds
nothing to a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from simcore import checks, limits
from simcore.checks import require, shown
from simcore.experiment import Experiment
from simcore.wording import listed

MOST_PINS = 4
MOST_NAMES = 40  # of panels
STEPS = 7  # of the tour
STROBES = ("all", "even", "odd")
AXES = ("step", "t")
TIMES = ("linear", "log")
DIAGRAMS = ("sum", "each")
LAYERS = ("flow", "sharpness")  # of the plane, behind its runs
PLAYED = ("axis", "time", "strobe", "logs", "zoom", "cursor")  # what the player itself can change

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class View:
    """What a page shows of its runs.

    mode, pathways: the singular direction and the two pathways of the plane, from 0.
    layers: what the plane shows behind the runs, of "flow" and "sharpness".
    panels: names, in order; None is the page's own choice. flow, central: gradient
    flow and central flow beside the run.
    strobe, axis, time, logs, zoom, cursor: of the player. `time` says whether time is laid out
    evenly or by decades; None is what suits the records of the run. `logs` says by panel whether
    its axis is logarithmic, `zoom` is the part (t0, t1) of the clock on show, a cursor of None is
    at the end.
    pins: experiments kept beside the one at hand, at most four.
    share: of pathway 1 on the line of minima. figure: of the paper. colour: of the map.
    step_sizes: the range of eta that the bifurcation diagram shows, and diagram what of it: the
    sum of the strengths or each. ensemble: of a run with label noise, the band of many seeds or
    each of them; None is the run alone. step: of the tour, from 1. ValueError for what does not fit
    this description.
    """

    mode: int = 0
    pathways: tuple[int, int] = (0, 1)
    layers: tuple[str, ...] = ()
    panels: tuple[str, ...] | None = None
    flow: bool | None = None
    central: bool = False
    strobe: str = "all"
    axis: str = "step"
    time: str | None = None
    logs: tuple[tuple[str, bool], ...] = ()
    zoom: tuple[float, float] | None = None
    cursor: float | None = None
    pins: tuple[Experiment, ...] = ()
    share: float = 0.9
    figure: str | None = None
    colour: str | None = None
    step_sizes: tuple[float, float] | None = None
    diagram: str = "sum"
    ensemble: str | None = None
    step: int = 1

    def __post_init__(self) -> None:
        checked = {
            "mode": checks.count("mode", self.mode, 0, limits.current().size - 1),
            "pathways": _pair_of_pathways(self.pathways),
            "layers": _layers(self.layers),
            "panels": _or_none(_names, "panels", self.panels),
            "flow": _or_none(checks.flag, "flow", self.flow),
            "central": checks.flag("central", self.central),
            "strobe": _one_of("strobe", self.strobe, STROBES),
            "axis": _one_of("axis", self.axis, AXES),
            "time": _or_none(lambda name, value: _one_of(name, value, TIMES), "time", self.time),
            "logs": _logs(self.logs),
            "zoom": _or_none(_range, "zoom", self.zoom),
            "cursor": _or_none(checks.not_negative, "cursor", self.cursor),
            "pins": _pins(self.pins),
            "share": checks.number("share", self.share),
            "figure": _or_none(_name, "figure", self.figure),
            "colour": _or_none(_name, "colour", self.colour),
            "step_sizes": _or_none(_range, "step_sizes", self.step_sizes),
            "diagram": _one_of("diagram", self.diagram, DIAGRAMS),
            "ensemble": _or_none(_name, "ensemble", self.ensemble),
            "step": checks.count("step of the tour", self.step, 1, STEPS),
        }
        require(0 <= checked["share"] <= 1, "share must be between 0 and 1", self.share)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def fitted(self, experiment: Experiment) -> tuple[View, tuple[str, ...]]:
        """The view as far as `experiment` can be shown so, and a sentence for each member that
        was put back to its default."""
        view, said = self, []
        modes, pathways = len(experiment.task.singular_values), experiment.network.pathways
        if self.mode >= modes:
            view = replace(view, mode=DEFAULT.mode)
            said.append(f"mode {self.mode + 1} is not shown, as the target has {modes}")
        if max(self.pathways) >= pathways and self.pathways != DEFAULT.pathways:
            view = replace(view, pathways=DEFAULT.pathways)
            pair = listed(str(h + 1) for h in self.pathways)
            said.append(f"pathways {pair} are not shown, as the network has {pathways}")
        return view, tuple(said)

    def after(self, old: Experiment, new: Experiment) -> View:
        """What remains of the view of `old` when `new` takes its place: the zoom as long as the
        clock is the same, and the range of step sizes as long as only the dynamics change."""
        view, _ = self.fitted(new)
        if new.dynamics.duration != old.dynamics.duration:
            view = replace(view, zoom=None)
        if replace(new, dynamics=old.dynamics, record=old.record) != old:
            view = replace(view, step_sizes=None)
        return view

    def of_player(self) -> dict[str, Any]:
        """The members that the player knows, as JSON has them; those at their defaults left out."""
        plain = {"logs": dict(self.logs), "zoom": self.zoom and list(self.zoom)}
        return {
            name: plain.get(name, getattr(self, name))
            for name in PLAYED
            if getattr(self, name) != getattr(DEFAULT, name)
        }

    def played(self, report: Any) -> View:
        """The view after the player's `report`, a mapping as `of_player` gives it; members that it
        leaves out are at their defaults. ValueError for anything else."""
        require(isinstance(report, Mapping), "the player must report a mapping", report)
        known = {name: report[name] for name in PLAYED if report.get(name) is not None}
        return replace(self, **{name: known.get(name, getattr(DEFAULT, name)) for name in PLAYED})


def _or_none(check: Callable[[str, Any], Any], name: str, value: Any) -> Any:
    return None if value is None else check(name, value)


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    expected = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
    require(isinstance(value, str) and value in allowed, f"{name} must be {expected}", value)
    return value


def _name(name: str, value: Any) -> str:
    fits = isinstance(value, str) and _NAME.fullmatch(value)
    require(
        bool(fits), f"{name} must be a name: a letter, and at most 39 more, digits, _ or -", value
    )
    return value


def _names(name: str, value: Any) -> tuple[str, ...]:
    require(isinstance(value, (tuple, list)), f"{name} must be a sequence of names", value)
    require(len(value) <= MOST_NAMES, f"{name} may hold at most {MOST_NAMES} names", len(value))
    names = tuple(_name(name, entry) for entry in value)
    require(len(set(names)) == len(names), f"{name} must name each once", value)
    return names


def _layers(value: Any) -> tuple[str, ...]:
    """In the order of `LAYERS`."""
    names = tuple(_one_of("layers", name, LAYERS) for name in _names("layers", value))
    return tuple(name for name in LAYERS if name in names)


def _logs(value: Any) -> tuple[tuple[str, bool], ...]:
    """Pairs (panel, whether its axis is logarithmic), or a mapping, in the order of the names."""
    pairs = tuple(value.items()) if isinstance(value, Mapping) else value
    paired = isinstance(pairs, (tuple, list)) and all(
        isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs
    )
    require(paired, "logs must be pairs of a panel and True or False", value)
    names = _names("logs", [name for name, _ in pairs])
    flags = [checks.flag(f"logs of {name}", flag) for name, flag in pairs]
    return tuple(sorted(zip(names, flags, strict=True)))


def _range(name: str, value: Any) -> tuple[float, float]:
    ends = checks.numbers(name, value, "(0, 10)", checks.not_negative)
    require(
        len(ends) == 2 and ends[0] < ends[1],
        f"{name} must be two different numbers, the smaller first",
        value,
    )
    return ends[0], ends[1]


def _pair_of_pathways(value: Any) -> tuple[int, int]:
    pair = checks.sequence("pathways", value, "(0, 1)")
    require(len(pair) == 2, "pathways must be two, e.g. (0, 1)", value)
    most = max(limits.current().pathways - 1, 1)
    first, second = (checks.count("pathways", h, 0, most) for h in pair)
    require(first < second, "pathways must be two different ones, the smaller first", value)
    return first, second


def _pins(value: Any) -> tuple[Experiment, ...]:
    listed = isinstance(value, (tuple, list)) and all(isinstance(e, Experiment) for e in value)
    require(listed, f"pins must be experiments, got {shown(value)}")
    require(len(value) <= MOST_PINS, f"there may be at most {MOST_PINS} pins", len(value))
    require(len(set(value)) == len(value), "pins must be different runs, each once", len(value))
    return tuple(value)


DEFAULT = View()
