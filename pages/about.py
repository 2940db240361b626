"""The model, its equations, conventions and sources."""

from functools import partial

import streamlit as st

from pages import _lessons, _prose, _ui, _words
from simcore import checks, export, presets, prospects, scenes, typed, zone_words
from simcore.experiment import Experiment

_ui.open_page()
_ui.complaints()

CONVENTIONS = [
    # who, the loss they minimise, and how often it is ours: eta here per unit of their rate
    ("Kim and Lee (the paper), this app", "½‖M − M*‖²", 1.0),
    ("Shi, Shea-Brown, Buice", "‖M − M*‖²", 2.0),
    ("Kleinman, Achille, Soatto; Ghosh et al.", "½‖M − M*‖²", 1.0),
]


def _pocket(experiment: Experiment) -> str:
    """The run as a page that plays offline; made when it is asked for."""
    return scenes.page(scenes.of(experiment), experiment)


def step_sizes() -> list[tuple[str, str, str]]:
    """Where each zone of the step size begins, for equal depths, its name and what it says."""
    return [
        (
            f"above ${prospects.MARKS[mark].tex}$" if mark else "smaller",
            name,
            zone_words.SENTENCES[name],
        )
        for mark, name in zone_words.STORY
    ]


_prose.say(
    r"""
## The model

A target map $M^* = U^* \mathrm{diag}(\sigma^*_i) V^{*\top}$ is learned by $H$ parallel linear
pathways, $M = \sum_h \Omega_h$ with $\Omega_h = W_{h,L_h} \cdots W_{h,1}$, under the loss
$\tfrac12 \lVert M - M^* \rVert_F^2$ (whitened inputs), or $\tfrac1{2N} \sum \lVert y - M x \rVert^2$
for data. How much of mode $i$ pathway $h$ carries is its *strength*
$\sigma_{h,i} = u_i^{*\top} \Omega_h v^*_i$.

**Gradient flow** $\dot\theta = -\nabla L$ makes one pathway win each mode: for depth above 2 the rich
get richer. **Gradient descent** $\theta \leftarrow \theta - \eta \nabla L$ with a large step size
first does the same, but then meets the *edge of stability*: where the sharpness (the Hessian's
largest eigenvalue $\lambda$) exceeds $2/\eta$, iterates oscillate. The oscillation moves signal out of
the pathway whose sharpness rises fastest, and so towards the flattest solution, the one that all
pathways share.

**Pathways with tanh or ReLU** send every sample $x_n$ through their layers, $z_l = \phi(W_l z_{l-1})$,
and learn $y_n$; a target without samples is shown one input at a time. No closed form holds for
them, so none is drawn. Their strength is $u_i^{*\top} F_h X^+ v^*_i$, with $F_h$ the outputs of the
pathway for all samples $X$: that of the linear map which comes nearest to it there.

| what | formula |
|---|---|
| sharpness of one pathway alone | $S_i = L\, \sigma_i^{*\,2-2/L}$ |
| sharpness of a split | $\Lambda_{ii} = \sum_h L_h\, \sigma_{h,i}^{2-2/L_h}$ |
| all other eigenvalues at a minimum | $\Lambda_{ij} = \sum_h \sum_l \sigma_{h,i}^{2(L_h-l)/L_h} \sigma_{h,j}^{2(l-1)/L_h}$ |
| the flattest split, equal depths | $\lambda^{\min}_i = L\, H^{2/L-1} \sigma_i^{*\,2-2/L}$; nothing gained at $L = 2$ |
| one mode, balanced | $w_h \leftarrow w_h - \eta\, w_h^{L_h-1} \big(\sum_g w_g^{L_g} - \sigma^*\big)$, $\sigma_h = w_h^{L_h}$ |
| kept by gradient flow | $W_{l+1}^\top W_{l+1} - W_l W_l^\top$; for one mode $\varphi_{L_h}(w_h) - \varphi_{L_g}(w_g)$, $\varphi_L = -w^{2-L}/(L-2)$ |
| what descent adds to it | $\eta^2 \big(G_{l+1}^\top G_{l+1} - G_l G_l^\top\big)$ per step, exactly |

## Words and symbols
"""
)
_prose.say(_words.listed())
_prose.say(
    r"""
## Step sizes

| step size $\eta$ | what happens |
|---|---|
"""
    + "\n".join(f"| {begin} | {zone}: {sentence} |" for begin, zone, sentence in step_sizes())
    + r"""

## Central flow

The smooth curve about which descent oscillates: gradient flow that is kept where
$\lambda_{\max} \le 2/\eta$, with $\Sigma$ the covariance of the oscillation,

$$
\begin{gathered}
\dot\theta = -\nabla L - \tfrac12 \nabla \langle \Sigma, H(\theta) \rangle, \\
0 \preceq \Sigma \perp \tfrac{2}{\eta} I - H \succeq 0 .
\end{gathered}
$$

Descent then has on average the loss $L + \operatorname{tr}\Sigma/\eta$. Right are the end of two
pathways to about a hundredth and the loss summed over time; not shown are the first overshoots after
the edge is met, period doubling, chaos and the trap. With three pathways or more the two leaders
become equal before the third is fed, which descent does not do; beyond $2/\lambda_{\min}$ it stops
short of the target; for depth 2 it keeps the ratio of the pathways, as descent does.

## Momentum, weight decay, label noise

| descent with | update | stable while |
|---|---|---|
| heavy ball | $v \leftarrow \beta v - \eta \nabla L$, $\theta \leftarrow \theta + v$ | $\lambda \le (2 + 2\beta)/\eta$ |
| Nesterov's | the same $v$, $\theta \leftarrow \theta + \beta v - \eta \nabla L$ | $\lambda \le (2 + 2\beta)/((1 + 2\beta)\eta)$ |
| weight decay | $\nabla L + \mu \theta$ for $\nabla L$ | $\lambda + \mu \le 2/\eta$ |
| label noise | $\sigma^*_i + \delta \xi_i$ for $\sigma^*_i$, $\xi_i \sim N(0, 1)$ anew at each update | $\lambda \le 2/\eta$ |

These edges are those of small oscillations. From a small start momentum overshoots at the end of the
plateau, where the step that counts is $\eta/(1-\beta)$, and that decides before the edge does unless
the step size warms up for long. Weight decay penalises a pathway by $\tfrac{\mu}{2} L \sigma^{2/L}$,
which is concave for $L > 2$ and favours a single pathway; at $L = 2$ it favours none. A balanced run
leaves the plateau only where $\sigma^* \alpha^{1-2/L} > \mu$, about. Label noise moves the means of
$\varphi_p - \varphi_q$ by $-\tfrac14 \eta^2 V (\partial\lambda/\partial\sigma_p -
\partial\lambda/\partial\sigma_q)$ per step, $V = 2\delta^2/(2 - \eta\lambda)$, and so shares the
signal out at any step size, slowly. Noise that is independent in every entry of the gradient is not
offered: it has no such direction, it shakes the layers of a pathway apart until pathways wander and
change sign, and no symmetry comes back.

## Conventions

The same "learning rate" is another $\eta$ in other people's loss.
"""
)
typed_rate = st.text_input("A learning rate in their convention", value="0.01", key="rate")
try:
    rate = checks.positive("a learning rate", typed.number(typed_rate))
except ValueError as error:
    _prose.warn(f"{error}.")
else:
    _prose.table(
        {
            "convention": [name for name, _, _ in CONVENTIONS],
            "their loss": [loss for _, loss, _ in CONVENTIONS],
            "η here": [f"{rate * factor:.6g}" for _, _, factor in CONVENTIONS],
            "their sharpness": [
                "ours" if factor == 1 else f"{factor:g} × ours" for _, _, factor in CONVENTIONS
            ],
        }
    )
_lessons.builder()
_prose.say(
    r"""
How exact is it? Aligned starts on whitened inputs run in the *modes* engine, an exact reduction to a
few scalars; every other start runs with full weights. Gradient flow is integrated by an embedded
Runge-Kutta method of order 5 with error control; curvature is that of the whole Hessian, by blocks
or by Lanczos. Between the onset of the edge of stability and the end, iterates are chaotic: end
states, invariants and the first steps are reproducible, single iterates in between are not.

## To carry along

The paper's three runs, a file each. It opens in any browser, needs no server and asks for nothing:
ruler, pathways, depths, starts and steps stay live, with gradient flow and theory's marks.
"""
)
with st.container(horizontal=True, gap="small"):
    for preset in (presets.SMALL, presets.MEDIUM, presets.LARGE):
        st.download_button(
            preset.title,
            data=partial(_pocket, preset.experiment),
            file_name=f"{preset.name}.html",
            mime="text/html",
            key=f"pocket_{preset.name}",
            on_click="ignore",
        )
_prose.say(
    r"""
## Sources

* H.-S. Kim, S. Lee. *Gradient Descent with Large Step Size Restores Symmetry in Deep Linear Networks
  with Multi-Pathway*. ICML 2026, arXiv 2606.05219.
* J. Shi, E. Shea-Brown, M. Buice. Multi-pathway networks under gradient flow. NeurIPS 2022.
* A. Ghosh et al. Single pathways at the edge of stability. ICLR 2025, arXiv 2502.20531.
* M. Kleinman, A. Achille, S. Soatto. Critical periods. ICLR 2024.
* A. Saxe, J. McClelland, S. Ganguli. Deep linear networks, 2014; semantic development, 2019.
* J. Cohen et al. Edge of stability, 2021; central flows, 2025, arXiv 2410.24206.
* I. Kreisler et al. Gradient-flow-solution sharpness, 2023. A. Damian et al., 2023.
  A. Lewkowycz et al. Catapults, 2020. Y. Wang et al., 2022. L. Chen et al. The cubic map, 2024.

## Cite
"""
)
st.code(export.citation(), language="bibtex", wrap_lines=True)
