"""Full weights from random starts: pathway maps, eigenvalues, layer imbalance."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages import _controls, _prose, _runs, _ui
from simcore import Outcome, curvature, presets, scenes, variations
from simcore.figures import full_weights
from simcore.wording import listed

experiment = _ui.open_page(presets.BY_NAME["tree-4"].experiment, presets.TREE)
with st.sidebar:
    _controls.preset(experiment, presets.RANDOM)
    _controls.architecture(experiment)
    _controls.clock(experiment)
    with st.expander(_controls.EXPERTS, key="experts"):
        _controls.experts(experiment)
    _controls.flow_beside(usual=False)
_ui.complaints()

if experiment.start.aligned:
    _prose.note(
        "This start is aligned with the target, so the maps stay diagonal; choose a preset, or a "
        f"random start under “{_controls.EXPERTS}”, to see full matrices."
    )
try:
    full = variations.with_full_weights(experiment, scenes.OF_FULL_WEIGHTS)
except ValueError as error:
    _prose.warn(f"This run is too large for full weights: {error}.")
    st.stop()
at_once = _runs.known(full) or _runs.momentary(full)
run = _runs.run(full if at_once else variations.without_curvature(full), "Full weights")
named = scenes.named(run)
companions = []
if _controls.with_flow(usual=False) and run.experiment.dynamics.iterated:
    flow = _runs.flow_beside(run)
    if flow is not None:
        companions = [scenes.named_flow(flow, run)]
if at_once:
    _ui.verdict(run)
_ui.play(full_weights.matrices(named, companions), run, experiment, "matrices_player")
if not at_once:  # the picture is there; its eigenvalues take longer than the run
    _prose.note("The eigenvalues are still being computed, and then the result is said.")
    _runs.run(full, "Eigenvalues")
    st.rerun()

theta = run.theta
assert theta is not None  # full weights keep their last state
if run.outcome is Outcome.DIVERGED:
    st.stop()
if not full.network.linear:
    said = (
        f"No closed form holds for pathways with {full.network.phi}, and the layer imbalance is "
        "kept under gradient flow by linear ones alone."
    )
    if full.network.activation == "tanh":
        said += (
            " tanh is flatter: on the tree, at depth 4, width 48 and η = 0.02, the preset with it "
            "ends at λ = 24.7 where linear pathways end at 27.6, so the edge takes a larger step "
            "size. Nor does a larger one always share more: the first mode ends 2.32 : 1.55 at "
            "η = 0.1 and 3.25 : 0.62 at η = 0.14."
        )
    _prose.say(said)
    st.stop()
start = curvature.imbalance(full, curvature.initial(full))
end = curvature.imbalance(full, theta)
others = full.dynamics.beside_gradient
if full.dynamics.averages:
    others = ("the edge", *others)
added = r"descent adds exactly $\eta^2 (G_{l+1}^\top G_{l+1} - G_l G_l^\top)$ per step"
if others:
    added = f"plain {added}. What else moves the weights here changes it too: {listed(others)}"
_prose.say(
    r"**Layer imbalance** $D_l = W_{l+1}^\top W_{l+1} - W_l W_l^\top$ (norms below): gradient flow "
    f"keeps it, {added}."
)
st.dataframe(
    [
        {
            "pathway": h + 1,
            "layers": f"{layer + 1}, {layer + 2}",
            "at the start": float(np.linalg.norm(old)),
            "at the end": float(np.linalg.norm(new)),
            "change": float(np.linalg.norm(new - old)),
        }
        for h, (olds, news) in enumerate(zip(start, end, strict=True))
        for layer, (old, new) in enumerate(zip(olds, news, strict=True))
    ],
    hide_index=True,
)
if full.dynamics.eta is not None and not others:
    deviation = curvature.imbalance_identity(full, theta, full.dynamics.eta)
    _prose.say(
        f"One more step agrees with the identity to **{deviation:.1e}** of the largest entry."
    )
