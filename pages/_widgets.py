"""Widgets that show a part of the session's state and change it, also where a session begins in
the middle of a visit (see `_state.met`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import _prose, _state


def control(
    widget: Callable[..., Any],
    label: str,
    key: str,
    value: Any,
    change: Callable[[Any], None],
    *,
    begin: Mapping[str, Any] | None = None,
    words: DeltaGenerator | None = None,
    **options: Any,
) -> None:
    """A widget that shows `value` and gives `change` the visitor's own.

    It keeps an input that was refused, with the reason under it or in `words`, until something else
    is accepted. `begin` is the widget's own option for a first value, `value=` unless given.
    """
    told = st.session_state.setdefault("told_by_browser", {})

    def changed() -> None:
        value = st.session_state[key]
        if key in told and value == told[key]:
            _deferred().append(partial(change, value))
        else:
            _acting(change)(value)

    refused = _state.refused(key)
    new = not _state.met(key)
    if not new and key in st.session_state:
        told[key] = st.session_state[key]
    if new:
        options |= {"value": value} if begin is None else begin
        _owed().add(key)
    elif refused is None and not _shows(key, value):
        _owed().add(key)
        st.session_state[key] = value
    found = widget(label, key=key, on_change=changed, **options)
    _state.meet(key)
    if new and found != value:
        _state.find(changed)
    if refused is not None:
        with words or st.container():
            _prose.warn(refused)


def _shows(key: str, value: Any) -> bool:
    """Whether the browser has this value already. To send it again would put it in the place of
    what a visitor drags, or enters in the same moment."""
    state = st.session_state
    return key in state and key not in _owed() and bool(state[key] == value)


def _owed() -> set[str]:
    """The widgets whose values may not have come to the browser: a run that does not end well takes
    along what it has sent last."""
    return st.session_state.setdefault("owed", set())


def sent() -> None:
    """A whole page has run to its end."""
    _owed().clear()


def settle() -> None:
    """Make the changes of which it was not clear whether a visitor made them, before a page or a
    part of it runs.

    A browser that has not yet got the new value of a widget sends the old one along with whatever
    the visitor does meanwhile, and Streamlit takes that for an input. The visitor does one thing at
    a time: what the browser has told before counts only where nothing else was done.
    """
    waiting, acted = _deferred().copy(), st.session_state.pop("acted", False)
    _deferred().clear()
    for change in waiting if not acted else ():
        change()


def _deferred() -> list[Callable[[], None]]:
    return st.session_state.setdefault("deferred", [])


def _acting(act: Callable[..., None]) -> Callable[..., None]:
    """`act` as something that the visitor did."""

    def acted(*values: Any) -> None:
        st.session_state.acted = True
        act(*values)

    return acted


def choice(
    widget: Callable[..., Any],
    label: str,
    key: str,
    options: Sequence[Any],
    value: Any,
    change: Callable[[Any], None],
    **others: Any,
) -> None:
    """A `control` over `options`, of which `value` is chosen, or none of them."""
    index = options.index(value) if value in options else None
    begin = {"index": index} if widget is st.selectbox else {"default": value}
    control(widget, label, key, value, change, begin=begin, options=options, **others)


def button(label: str, key: str, act: Callable[[], None], **options: Any) -> None:
    """A button whose press calls `act`."""
    pressed = st.button(label, key=key, on_click=_acting(act), **options)
    _heard(key, act if pressed else None)


def selectable(picture: Any, key: str, act: Callable[[], None], modes: Sequence[str]) -> None:
    """An Altair chart whose selections call `act`, the last of a page's controls: its selection
    outlives what was made of it, so a new session can only tell it from the browser's other
    changes after those."""
    found: Any = st.altair_chart(
        picture, width="stretch", key=key, on_select=_acting(act), selection_mode=modes
    )
    _heard(key, act if any(found.selection.values()) else None)


def component(
    mount: Callable[..., Any], key: str, said: str, act: Callable[[Any], None], data: Any
) -> None:
    """A component that tells under the name `said` what the visitor does there."""
    telling(mount, key, {said: act}, data)


def telling(
    mount: Callable[..., Any], key: str, acts: Mapping[str, Callable[[Any], None]], data: Any
) -> None:
    """A component that tells under several names what the visitor does there."""

    def of(said: str) -> Callable[[], None]:
        return lambda: _acting(acts[said])(st.session_state[key][said])

    heard = {said: of(said) for said in acts}
    found = mount(key=key, data=data, **{f"on_{said}_change": act for said, act in heard.items()})
    _heard(key, next((act for said, act in heard.items() if found.get(said) is not None), None))


def _heard(key: str, act: Callable[[], None] | None) -> None:
    new = not _state.met(key)
    _state.meet(key)
    if new and act is not None:
        _state.find(act)


def field(
    label: str,
    key: str,
    text: str,
    change: Callable[[str], None],
    **options: Any,
) -> None:
    """A line of text, as `simcore.typed` reads and writes numbers, that shows `text` and gives
    `change` the visitor's own; what `change` refuses is said under it and not lost."""
    control(st.text_input, label, key, text, partial(attempt, change, key=key), **options)


def attempt(change: Callable[..., None], *values: Any, key: str | None = None) -> None:
    """Make a change; one that is refused changes nothing and is said in a sentence, under the
    widget `key` that keeps its input, or on the page."""
    try:
        change(*values)
    except ValueError as error:
        sentence = f"{error}. What is shown stays as it was."
        if key is None:
            _state.complain(sentence)
        else:
            _state.refuse(key, sentence)
