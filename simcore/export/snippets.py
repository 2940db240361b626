"""Python that makes the same run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from simcore.experiment import Experiment
from simcore.spec import Spec

WIDTH = 88  # of a line


def snippet(experiment: Experiment) -> str:
    """Lines of Python that build the experiment, run it, and say what happened."""
    specs = {type(spec).__name__ for spec in _specs(experiment)}
    names = ", ".join([*sorted(specs), "regimes", "simulate"])
    line = f"from simcore import {names}"
    if len(line) > WIDTH:
        line = f"from simcore import (\n{_filled(names + ',', 4)}\n)"
    built = _code(experiment, "experiment = ", 0)
    return f"{line}\n\n{built}\nrun = simulate(experiment)\nprint(regimes.describe(run))\n"


def _specs(spec: Spec) -> Iterator[Spec]:
    yield spec
    for _, value in _told(spec):
        for entry in value if isinstance(value, tuple) else (value,):
            if isinstance(entry, Spec):
                yield from _specs(entry)


def _told(spec: Spec) -> list[tuple[str, Any]]:
    """The fields without those that come back by themselves."""
    told = {f.name: getattr(spec, f.name) for f in fields(spec)}
    for name in list(told):
        fewer = {other: value for other, value in told.items() if other != name}
        if _same(spec, fewer):
            told = fewer
    return list(told.items())


def _same(spec: Spec, values: dict[str, Any]) -> bool:
    try:
        return type(spec)(**values) == spec
    except (TypeError, ValueError):  # a field that must be given, or does not fit the others
        return False


def _code(value: Any, before: str, indent: int, after: str = "") -> str:
    """`before`, the value and `after`: on one line, or with one part of it on each."""
    line = " " * indent + before + _inline(value) + after
    if len(line) <= WIDTH or not isinstance(value, (Spec, tuple)):
        return line
    start, inner = " " * indent + before, indent + 4
    if isinstance(value, Spec):
        parts = [_code(each, f"{name}=", inner, ",") for name, each in _told(value)]
        return "\n".join([f"{start}{type(value).__name__}(", *parts, " " * indent + f"){after}"])
    if any(isinstance(each, (Spec, tuple)) for each in value):
        body = "\n".join(_code(each, "", inner, ",") for each in value)
    else:
        body = _filled(", ".join(map(repr, value)) + ",", inner)
    return f"{start}(\n{body}\n{' ' * indent}){after}"


def _inline(value: Any) -> str:
    if isinstance(value, Spec):
        parts = ", ".join(f"{name}={_inline(each)}" for name, each in _told(value))
        return f"{type(value).__name__}({parts})"
    if isinstance(value, tuple):
        inside = ", ".join(map(_inline, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value)


def _filled(text: str, indent: int) -> str:
    margin = " " * indent
    return textwrap.fill(
        text, WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
    )
