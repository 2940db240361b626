"""The strip under the ruler: which regimes runs of this network really reach.

It does not depend on the step size, so moving that finds it here. What is quick is found before the
ruler is drawn; what is not, or must wait for a compiler, after the run, in slices that a visitor's
next move ends.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import streamlit as st

from pages import _runs
from pages._turns import Turn
from simcore.experiment import Experiment
from simcore.figures import ruler
from simcore.studies import batch, reached

QUICK, LONGEST = 0.1, 3.0  # seconds that it may take at once, and at all
MOST = 256  # that are kept


class _Known:
    """The most recent ones of all visitors."""

    def __init__(self) -> None:
        self.parts: OrderedDict[Experiment, tuple[reached.Reached, ...]] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, origin: Experiment) -> tuple[reached.Reached, ...] | None:
        with self.lock:
            if origin in self.parts:
                self.parts.move_to_end(origin)
            return self.parts.get(origin)

    def put(self, origin: Experiment, parts: tuple[reached.Reached, ...]) -> None:
        with self.lock:
            self.parts[origin] = parts
            while len(self.parts) > MOST:
                self.parts.popitem(last=False)


@st.cache_resource
def _shared() -> _Known:
    return _Known()


def _known(experiment: Experiment) -> _Known:
    """Where its parts are kept: those of a visitor's own data in the session."""
    if not experiment.private:
        return _shared()
    return st.session_state.setdefault("own_reached", _Known())


def now(experiment: Experiment) -> tuple[reached.Reached, ...]:
    """The parts of the strip, if they are known or quickly found; else nothing."""
    origin, span = reached.origin(experiment), ruler.span(experiment)
    if origin is None or span is None:
        return ()
    parts = _known(experiment).get(origin)
    if parts is None and batch.compiled() and reached.seconds(origin) <= QUICK:
        parts = reached.regimes(origin, *span, QUICK)
        _known(experiment).put(origin, parts)
    return parts or ()


def later(experiment: Experiment) -> None:
    """Last line of a page with a ruler: find what was not quick, and show it."""
    origin, span = reached.origin(experiment), ruler.span(experiment)
    if origin is None or span is None or _known(experiment).get(origin) is not None:
        return
    if reached.seconds(origin) <= LONGEST:
        place = st.empty()
        turn = Turn(_runs.TURNS, lambda before: place.empty())

        def look() -> None:
            place.empty()  # a call to Streamlit is where a script can be stopped
            turn.give_way()

        with turn:
            parts = reached.regimes(origin, *span, LONGEST, look)
        _known(experiment).put(origin, parts)
        st.rerun()
