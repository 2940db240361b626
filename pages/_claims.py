"""What the paper claims, checked on random networks while one watches."""

from __future__ import annotations

import streamlit as st

from pages import _prose, _runs, _ui, _widgets
from simcore.studies import claims
from simcore.studies.claims import Claim, Finding

CHUNK = 5  # networks between two looks: what is done of them is kept
MORE = 20  # networks that a press of the button adds
SHOWN = 20  # failures with a link


def show() -> None:
    """Each claim with what has been tried of it, and a button for more."""
    _prose.say(
        "Each sentence is a check that can fail. Networks are drawn at random, from numbers that "
        f"are the same everywhere (seed {claims.SEED}); what has been tried is kept."
    )
    wanted: dict[str, int] = st.session_state.setdefault("claims", {})
    for claim in claims.CLAIMS:
        with st.container(border=True):
            _one(claim, wanted)


def _one(claim: Claim, wanted: dict[str, int]) -> None:
    _prose.say(f"**{claim.sentence}**")
    tried = f"Tried on: {claim.networks}. Measured: {claim.measure}."
    _prose.say(tried.replace("*", r"\*"), f"small-{claim.name}")
    asked = wanted.get(claim.name, 0)

    def more() -> None:
        wanted[claim.name] = asked + MORE

    label = f"Try {MORE} more networks" if asked else f"Try {MORE} networks"
    _widgets.button(label, f"claim-{claim.name}", more)
    if not asked:
        return
    place = st.empty()
    if _runs.known_of(claim, asked, CHUNK) < asked:

        def stop() -> None:
            wanted[claim.name] = _runs.known_of(claim, asked, CHUNK)

        with place:
            _widgets.button("Stop", f"stop-{claim.name}", stop)
    found = _runs.tried(claim, asked, CHUNK)
    place.empty()
    if found:
        _report(claim, found)


def _report(claim: Claim, found: list[Finding]) -> None:
    failed = [each for each in found if not each.holds]
    worst = max(each.deviation for each in found)
    _prose.table(
        {
            "networks tried": [f"{len(found)}"],
            "failures": [f"{len(failed)}"],
            "worst deviation": [f"{worst:.2g}".replace("-", "−")],
            "allowed": [f"{claim.tolerance:g}"],
        }
    )
    for each in failed[:SHOWN]:
        words = f"Network {each.number}: {each.deviation:.2g} is more than {claim.tolerance:g}"
        _ui.link("simulator", words.replace("-", "−"), each.experiment, icon="▶️")
    if len(failed) > SHOWN:
        _prose.say(f"And {len(failed) - SHOWN} more.")
