"""Frozen data that JSON can hold: the base of everything an experiment is made of."""

from __future__ import annotations

import difflib
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Self

from simcore.checks import require, shown
from simcore.wording import listed


def later(default: Any) -> Any:
    """A field that came after keys and links were out in the world.

    At its default it is left out of what is written, so that they mean what they always meant.
    """
    return field(default=default, metadata={"later": True})


def written(spec: Spec) -> list[Field[Any]]:
    """The fields that keys, files and links of a spec hold: all but the `later` ones at their
    defaults."""
    return [
        f for f in fields(spec) if not f.metadata.get("later") or getattr(spec, f.name) != f.default
    ]


def _plain(value: Any) -> Any:
    """A spec's field as JSON has it: lists for tuples, tagged dicts for specs."""
    if isinstance(value, Spec):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return value


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A frozen piece of an experiment, that JSON can hold and give back."""

    def _set(self, **values: Any) -> None:
        """Store normalised field values while the spec is being built."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data: the fields as `written`, and the class under "type"."""
        return {"type": type(self).__name__} | {
            f.name: _plain(getattr(self, f.name)) for f in written(self)
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The spec that `to_dict` wrote; ValueError with a sentence for anything else."""
        try:
            spec = _from_plain(data)
        except RecursionError:
            raise ValueError(
                f"expected a saved {cls.__name__}, got data nested too deeply"
            ) from None
        require(
            isinstance(spec, cls),
            f"expected a saved {cls.__name__}, got {shown(spec)}",
        )
        return spec


def _kinds(base: type[Spec]) -> list[type[Spec]]:
    """Every spec class that has fields of its own, in the order of definition."""
    found = []
    for kind in base.__subclasses__():
        found += ([kind] if "__dataclass_fields__" in vars(kind) else []) + _kinds(kind)
    return found


def _from_plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_from_plain(entry) for entry in value)
    if not isinstance(value, dict):
        return value
    name = value.get("type")
    kinds = {kind.__name__: kind for kind in _kinds(Spec)}
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        near = difflib.get_close_matches(str(name)[:60], kinds, n=3) or ["Spectrum", "Descent"]
        raise ValueError(
            f'"type" must name a part of an experiment such as {listed(near, "or")}; '
            f"got {shown(name)}"
        )
    known = {f.name for f in fields(kind)}
    unknown = sorted(str(key) for key in set(value) - known - {"type"})
    require(not unknown, f"{name} has no field {shown(unknown)}; it has {sorted(known)}")
    missing = [f.name for f in fields(kind) if f.default is MISSING and f.name not in value]
    require(not missing, f"a saved {name} needs {listed(missing)}, which it lacks; save it again")
    return kind(**{key: _from_plain(entry) for key, entry in value.items() if key != "type"})
