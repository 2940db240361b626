"""Results that are kept for whoever asks again; what is made of a visitor's own data is kept no
longer than the data."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

P = ParamSpec("P")
P1 = TypeVar("P1")
R = TypeVar("R")


def remembered(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """As `lru_cache(most)`, but results of an argument that is `private` go with that argument.

    Such a result must not hold the argument itself.
    """

    def of(function: Callable[P, R]) -> Callable[P, R]:
        shared = lru_cache(maxsize=most)(function)
        own: WeakKeyDictionary[Any, dict[Any, R]] = WeakKeyDictionary()

        @wraps(function)
        def asked(*args: P.args, **options: P.kwargs) -> R:
            place = next((k for k, arg in enumerate(args) if getattr(arg, "private", False)), None)
            if place is None:
                return shared(*args, **options)  # type: ignore[arg-type]
            found = own.setdefault(args[place], {})
            others = args[:place] + args[place + 1 :], tuple(sorted(options.items()))
            if others not in found:
                found[others] = function(*args, **options)
            return found[others]

        return asked

    return of


def once(function: Callable[[P1], R]) -> Callable[[P1], R]:
    """What a function says of one thing, kept for as long as the thing itself.

    The thing is known by what it is, not by what it holds, so it must never change; and what is
    said of it must not hold it.
    """
    known: WeakKeyDictionary[Any, R] = WeakKeyDictionary()

    @wraps(function)
    def asked(thing: P1) -> R:
        if thing not in known:
            known[thing] = function(thing)
        return known[thing]

    return asked
