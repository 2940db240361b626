"""Why a shared solution is flatter: sharpness along the line of minima."""

import streamlit as st

from pages import _controls, _part, _prose, _state, _take, _ui, _widgets
from simcore import curvature, prospects, theory, variations
from simcore.figures import charts

experiment = _ui.open_page()
with st.sidebar:
    _controls.architecture(experiment)
    _controls.depths(experiment)
    _controls.singular_values(experiment)
    _controls.clock(experiment)
_ui.complaints()

if not experiment.network.linear:
    _prose.note(
        "All of this is about linear pathways of these depths; those of the run have "
        f"{experiment.network.phi}."
    )
mode = theory.sharpest_mode(experiment)
target = experiment.task.singular_values[mode]
depths = experiment.network.depths
best = theory.flattest_split(target, depths)
lowest = theory.balanced_sharpness(target, depths)
alone = max(theory.single_path_sharpness(target, depth) for depth in depths)
edge, symbol = experiment.edge, experiment.dynamics.edge_symbol


def the_split() -> list[float]:
    """Strengths on the minima line: pathway 1 as the slider says, the others share the rest."""
    share = _state.view().share
    _widgets.control(
        st.slider,
        "Share of pathway 1",
        "share",
        share,
        lambda share: _state.look(share=share),
        min_value=0.0,
        max_value=1.0,
        step=0.01,
        help="The other pathways share the rest equally; all these splits have zero loss.",
    )
    if len(depths) == 1:
        return [target]
    rest = (1 - share) * target / (len(depths) - 1)
    return [share * target, *[rest] * (len(depths) - 1)]


def measured(split: list[float]) -> float:
    """The same sharpness from the full weights, by Lanczos on Hessian-vector products."""
    minimum = variations.at_minimum(target, depths, split)
    return float(curvature.sharpness(minimum, curvature.initial(minimum))[0][0])


def minima() -> None:
    """A split of the signal, its sharpness, and where it lies among all splits."""
    left, right = st.columns(2)
    with left:
        split = the_split()
        closed = float(theory.mode_sharpness(split, depths))
        by_lanczos = measured(split)
        _prose.table(
            {
                "sharpness of this minimum": [
                    "closed form Λ₁₁",
                    "Lanczos on the Hessian",
                    "difference",
                ],
                "λ": [f"{closed:.9f}", f"{by_lanczos:.9f}", f"{abs(closed - by_lanczos):.1e}"],
            }
        )
        if len(depths) == 2 and experiment.dynamics.eta is not None:
            flow_end = prospects.ends(experiment, mode)["flow"]
            _ui.chart(
                charts.minima_curve(
                    target,
                    depths,
                    experiment.dynamics.eta,
                    split=split,
                    flow_end=flow_end,
                    edge=edge,
                    symbol=symbol,
                ),
                "Sharpness along the minima",
                experiment,
            )
        elif len(depths) != 2:
            _prose.note(
                "The curve along the minima needs two pathways; the numbers above hold for any."
            )
    with right:
        words = " : ".join(f"{value / target:.3f}" for value in best) if target else "–"
        _prose.say(
            f"One pathway alone has sharpness $S_1$ = **{alone:.4g}**; the flattest split, "
            rf"**{words}**, has $\lambda_{{\min}}$ = **{lowest:.4g}**, a factor "
            f"**{lowest / alone:.4f}** of it."
            if alone
            else "A target of zero has no sharpness to share."
        )
        if set(depths) == {2}:
            _prose.say(
                "With depth 2 every split is equally sharp, Λ₁₁ = 2σ*: **nothing is gained** by "
                "sharing, and gradient descent has no reason to re-balance."
            )
        elif set(depths) == {1}:
            _prose.say("With depth 1 every split is equally sharp, Λ₁₁ = H: **nothing is gained**.")
        elif len(set(depths)) > 1:
            _prose.say(
                "With unequal depths the flattest split is off the diagonal: the optimum has "
                r"$(L_h - 1)\, \sigma_h^{1-2/L_h}$ equal in all pathways that carry signal."
            )
        if edge is not None:
            verdict = "stable" if closed < edge else "unstable"
            changes = any(event.leads_to for event in experiment.dynamics.events)
            when = " at the end of the run" if changes else ""
            _prose.say(
                f"The edge is {symbol} = **{edge:.4g}**{when}, so a minimum as sharp as this split "
                f"is **{verdict}** for descent."
            )
            if experiment.dynamics.weight_decay:
                _prose.say(
                    "The line is that of the loss alone: weight decay moves the minima off it, "
                    "towards zero."
                )
        gain = charts.gain(here=depths, singular_value=target)
        _ui.chart(gain, "What sharing gains at every depth", experiment)


_part.alone(minima)
_take.of_charts()
