"""The words and symbols of the pages, one clause each; About has the equations."""

from simcore.figures.panels import PHASE_WORDS

WORDS = {
    "mode $i$, signal": "a singular direction of the target map, and how much of its size "
    "$\\sigma^*_i$ the network has learned",
    r"strength $\sigma_{h,i}$": "how much of mode $i$ of the target pathway $h$ carries",
    r"sharpness $\lambda$": "the largest eigenvalue of the loss's Hessian",
    r"edge $2/\eta$": "the largest sharpness at which descent with step size $\\eta$ is stable; "
    "momentum and weight decay move it",
    r"$S_1$, $\gamma = \eta S_1$": "the sharpness where one pathway carries the sharpest mode "
    "alone (mode 1, unless modes start differently); its step size in units in which that edge is "
    "at 2",
    r"$\lambda_{GF}$, $\lambda_{\min}$": "the sharpness where gradient flow (GF) ends, and that of "
    "the flattest split of that mode over the pathways",
    r"$\eta_{WCR}$": "the step size from which an overshoot can cross zero (WCR: worst-case "
    "return)",
    "GFS sharpness": "that of the minimum which gradient flow would reach from here (GFS: gradient "
    "flow solution)",
    "sharing": r"the largest share $q_h = \sigma_h / \sum \sigma$, or the participation "
    r"$1/\sum q^2$, from 1 to the number of pathways",
    "event": "a change of the rules in a run: another step size or a ramp to one, a pathway frozen "
    "or kicked (its strengths times a factor), noise on every weight (jitter)",
    **PHASE_WORDS,
}


def listed() -> str:
    """All of them as a Markdown list."""
    return "\n".join(f"* **{word}**: {meaning}" for word, meaning in WORDS.items())
