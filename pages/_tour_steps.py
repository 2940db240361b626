"""The steps of the tour: their words and guesses, and the truth that these are compared with.

Plain data and functions of a run, without Streamlit. No result is typed: numbers come from `theory`,
`prospects` and the run of the step's experiment.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simcore import presets, prospects, theory, variations
from simcore.experiment import Experiment
from simcore.trajectory import Trajectory

DESCENT = presets.MEDIUM.experiment
FLOW = variations.with_duration(presets.FLOW.experiment, 30.0)  # at rest long before
SHALLOW = variations.with_steps(presets.SHALLOW.experiment, 200)


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What is asked, and the slider that answers: its range, its steps, where it begins, how many
    digits after the point are said."""

    question: str
    label: str
    low: float
    high: float
    step: float
    begin: float
    digits: int

    def written(self, value: float) -> str:
        return f"{value:.{self.digits}f}"


@dataclass(frozen=True, kw_only=True)
class TourStep:
    """A step of the tour.

    picture: which one, see `pages/tour.py`. right: the answer, and words: what is said of it, both
    of a run of the experiment. before: as much of the experiment as may be seen without the answer.
    """

    title: str
    text: str
    guess: Guess
    picture: str
    panels: tuple[str, ...] = ()
    experiment: Experiment
    before: Experiment | None = None
    right: Callable[[Trajectory], float]
    is_: str = "it is"
    words: Callable[[Trajectory], str]

    def compared(self, guessed: float | None, run: Trajectory) -> str:
        """The guess, if there is one, beside the answer, in one sentence."""
        right = self.right(run)
        answer = f"**{right:.{self.guess.digits + 1}f}**"
        if guessed is None:
            return f"{self.is_.capitalize()} {answer}."
        said = f"You said {self.guess.written(guessed)}"
        if abs(guessed - right) <= self.guess.step / 2:
            return f"{said}, and that is right: {answer}."
        return f"{said}; {self.is_} {answer}."


DEPTH = DESCENT.network.depths[0]
WEAK = 0.7  # a weight that looks like zero in the curve of a pathway's strength
TRAPPED = 0.27  # a step size at which one jump is lost for longer than the run
TARGET = DESCENT.task.singular_values[0]
FIRST, SECOND = DESCENT.start.strengths(0)
ETA = DESCENT.dynamics.step_size or 0.0
EDGE = 2 / ETA
ALONE = theory.single_path_sharpness(TARGET, DEPTH)
SHARED = theory.balanced_sharpness(TARGET, (DEPTH, DEPTH))
FLOW_END = prospects.ends(DESCENT)["flow"]
MARKS = theory.step_size_marks(DESCENT)


def raised(power: int) -> str:
    """A power as a superscript."""
    return str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def unbroken(words: str) -> str:
    """Words in which no formula is broken at the end of a line."""
    for sign in "=−×+":
        words = words.replace(f" {sign} ", f"\N{NO-BREAK SPACE}{sign}\N{NO-BREAK SPACE}")
    return words


def _slope(strength: float, depth: int = DEPTH) -> float:
    """Of a pathway's strength in one of its numbers w: w^(L - 1)."""
    return strength ** (1 - 1 / depth)


def _above(value: float) -> str:
    """The power of ten above a value."""
    return f"{10.0 ** math.ceil(math.log10(value)):g}"


def _even(depth: int) -> float:
    """The sharpness where two pathways of this depth share evenly."""
    return theory.balanced_sharpness(TARGET, (depth, depth))


def highest(run: Trajectory) -> int:
    """The record from which descent jumps down the farthest, the next being the next step."""
    return int(run.strengths[:-2].sum(axis=1)[:, 0].argmax())


def two_jumps(run: Trajectory) -> str:
    """Why a jump down and one back hand signal over, with the numbers of the highest two."""
    k = highest(run)
    sums = run.strengths[k : k + 2].sum(axis=1)[:, 0] / TARGET
    taken, given = np.diff(run.strengths[k : k + 3, :, 0], axis=0)
    return (
        f"Look at two jumps. At step {run.steps[k]:.0f} the sum is {sums[0]:.2f}, and the jump down "
        f"takes {-taken[0]:.3f} from pathway 1 and {-taken[1]:.5f} from pathway 2. It lands at "
        f"{sums[1]:.2f}, and the jump up gives them {given[0]:.3f} and {given[1]:.5f}. Pathway 1 "
        "jumps down from where its curve is steep and up from where it is flatter, and so the sum "
        "misses the target by more below than above. Pathway 2 is nearly as steep before as after, "
        "so that it gets more than it gave."
    )


def _end(pathway: int) -> Callable[[Trajectory], float]:
    return lambda run: float(run.strengths[-1, pathway, 0])


def _share(run: Trajectory) -> float:
    """Of pathway 1 at the end."""
    return float(theory.shares(run.strengths[-1, :, 0])[0])


# --- 1 -----------------------------------------------------------------------------------------

TWO_PATHWAYS = TourStep(
    title="Two pathways and a target",
    text=(
        f"A **pathway** is a chain of {DEPTH} **layers**, each of which multiplies what comes in by a "
        "number, its **weight**; here all weights of a pathway equal one w, and their product "
        f"σ = w{raised(DEPTH)} is the pathway's **strength**. "
        "Two pathways get the same input and their outputs are added, so that their strengths add "
        f"up, and training has to bring the sum, the **signal**, to the target {TARGET:g}."
    ),
    guess=Guess(
        question=f"Pathway 1 starts with strength {FIRST:g}. How large is each of its {DEPTH} "
        "weights?",
        label="Each weight w",
        low=0.0,
        high=1.0,
        step=0.01,
        begin=0.1,
        digits=2,
    ),
    picture="strength_curve",
    experiment=FLOW,
    right=lambda run: float(run.strengths[0, 0, 0] ** (1 / DEPTH)),
    words=lambda run: (
        f"The product of {DEPTH} of them is {FIRST:g}. The curve is flat where a pathway is weak: "
        f"weights up to {WEAK:g} all give less than {_above(WEAK**DEPTH)}. It is steep where a "
        f"pathway is strong, with slope {DEPTH} at w = 1. And note that *every* pair of strengths "
        f"with the sum {TARGET:g} hits the target, so the target alone does not say which pathway "
        "will carry it. (Such a network is called linear. In the paper that this tour follows each "
        "weight is a matrix, which from a start like this one makes no difference.)"
    ),
)

# --- 2 -----------------------------------------------------------------------------------------

WHO_WINS = TourStep(
    title="Gradient flow: training in tiny steps",
    text=(
        f"Training lowers the **loss** ½(σ₁ + σ₂ − {TARGET:g})²: over and over it changes each of "
        f"the {2 * DEPTH} weights a little, against the derivative of the loss with respect to it; "
        "with infinitely small changes this is called **gradient flow**. "
        f"The two pathways start almost alike, with strengths {FIRST:g} and {SECOND:g}."
    ),
    guess=Guess(
        question="With which strength does pathway 2 end?",
        label="Strength of pathway 2 at the end",
        low=0.0,
        high=1.0,
        step=0.01,
        begin=0.5,
        digits=2,
    ),
    picture="run",
    panels=("strengths", "plane"),
    experiment=FLOW,
    before=variations.with_duration(FLOW, 8.0),
    right=_end(1),
    is_="it ends with",
    words=lambda run: (
        f"Pathway 1 takes {_end(0)(run):.3f}. A pathway grows at a speed that goes with the square "
        "of its slope in part 1, once because the slope says how fast its weights move, and once "
        "because it says what that does to its strength. So the one ahead grows faster: at the "
        "start already "
        f"{(_slope(FIRST) / _slope(SECOND)) ** 2:.2f} times as fast, later many times. When the sum "
        "reaches the target everything stops, and pathway 2 is still where the curve is flat."
    ),
)

# --- 3 -----------------------------------------------------------------------------------------

SHARP = TourStep(
    title="How sharp is a solution?",
    text=(
        "At a solution the loss is zero, and around it the loss rises as in a valley: by ½λx² if "
        "all weights together move a distance x in the steepest direction, and λ, the second "
        "derivative there, is called the **sharpness** of the solution. "
        f"Where one pathway carries everything the sharpness is {ALONE:g}."
    ),
    guess=Guess(
        question="How sharp is the solution in which each pathway carries one half?",
        label="Sharpness λ of the even split",
        low=0.0,
        high=2 * ALONE,
        step=0.5,
        begin=ALONE,
        digits=1,
    ),
    picture="splits",
    experiment=FLOW,
    right=lambda run: SHARED,
    words=lambda run: (
        f"A small change of one weight changes the sum by w{raised(DEPTH - 1)} times as much, and "
        "the loss is ½ times the square of what all changes add up to. The steepest direction "
        "changes each weight in proportion to its slope, and then λ is the sum of the squares of "
        f"all slopes. For one pathway alone, with w = {TARGET ** (1 / DEPTH):g}, that is {DEPTH} × "
        f"{_slope(TARGET):g}² = {ALONE:g}; for two halves, with w = {(TARGET / 2) ** (1 / DEPTH):.4f}"
        f", {2 * DEPTH} × {_slope(TARGET / 2):.4f}² = {SHARED:.2f}. Twice as many weights count, but "
        f"each slope is only {_slope(TARGET / 2) / _slope(TARGET):.2f} of what it was, and its "
        f"square {(_slope(TARGET / 2) / _slope(TARGET)) ** 2:.2f}. Drag the split to see the "
        "sharpness of all the others."
    ),
)

# --- 4 -----------------------------------------------------------------------------------------

EDGE_OF_DESCENT = TourStep(
    title="Steps of finite size",
    text=(
        "A computer cannot take infinitely small steps: **gradient descent** changes each weight by "
        "−η times the derivative, and η is called the **step size**. "
        "In a valley of sharpness λ the derivative at distance x from the bottom is λx, so that "
        "one step leads from x to (1 − ηλ)x."
    ),
    guess=Guess(
        question=f"Let η be {ETA:.4f}. Up to which sharpness does descent come to rest at the "
        "bottom of the valley?",
        label="Largest sharpness λ",
        low=0.0,
        high=2 * ALONE,
        step=0.5,
        begin=ALONE,
        digits=1,
    ),
    picture="valley",
    experiment=DESCENT,
    right=lambda run: run.experiment.edge or 0.0,
    words=lambda run: (
        f"At λ = 2/η = {EDGE:g} the factor 1 − ηλ is −{ETA * EDGE - 1:.0f}, and descent jumps from "
        "one side to the other and back for ever; in a sharper valley every jump is longer than "
        f"the one before. So 2/η is called the **edge**. One pathway alone has sharpness {ALONE:g}, "
        f"beyond this edge, two halves have {SHARED:.2f}, within it. Drag the sharpness to see "
        "what descent does in other valleys."
    ),
)

# --- 5 -----------------------------------------------------------------------------------------

HANDS_BACK = TourStep(
    title="A large step makes the pathways share",
    text=(
        f"Now both pathways are trained by descent with this step size, from the same start as in "
        f"part 2, and at first pathway 1 runs ahead as it did there. "
        f"But the solution that gradient flow ended in, {FLOW_END[0]:.3f} and {FLOW_END[1]:.3f}, "
        f"has sharpness {theory.mode_sharpness(FLOW_END, DESCENT.network.depths):.1f}, beyond the "
        f"edge {EDGE:g}, so that descent cannot come to rest there."
    ),
    guess=Guess(
        question=f"Descent can rest only where the curve of part 3 is not above {EDGE:g}. With "
        "which strength does pathway 2 end now?",
        label="Strength of pathway 2 at the end",
        low=0.0,
        high=1.0,
        step=0.01,
        begin=0.5,
        digits=2,
    ),
    picture="run",
    panels=("strengths", "sharpness", "plane"),
    experiment=DESCENT,
    before=variations.with_steps(DESCENT, 60),
    right=_end(1),
    is_="it ends with",
    words=lambda run: (
        f"Pathway 1 keeps {_end(0)(run):.3f}.\n\n{two_jumps(run)} So it gains with every such pair, and "
        "pathway 1 has to make room, until the valley is flat enough: the "
        f"sharpness is then {run.sharpness[-1]:.2f}, just within the edge {EDGE:g}, and nothing more "
        "is handed over.\n\nThe jumps do not grow without end as in part 4, because this valley is "
        "flatter on the side below the target. The panel of the sharpness shows it wherever "
        "descent is at that step, also on the slopes; that of a solution it is only at rest."
    ),
)

# --- 6 -----------------------------------------------------------------------------------------

HOW_FAR = TourStep(
    title="How far: the bar and the trap",
    text=(
        "The larger the step size, the lower the edge 2/η, and the more evenly the signal has to "
        f"be shared; above η = {MARKS.balanced:.4f} even two halves are too sharp, and then the "
        "pathways become equal while their sum goes on jumping around the target. "
        "But a jump that is too long throws both pathways back to near zero, where the curve of "
        "part 1 is flat and next to nothing is learned for a long time."
    ),
    guess=Guess(
        question=f"From which step size on may a run be thrown so low that it does not come back "
        f"within its {DESCENT.dynamics.steps} steps?",
        label="Step size η",
        low=0.05,
        high=0.4,
        step=0.005,
        begin=0.15,
        digits=3,
    ),
    picture="ruler",
    panels=("strengths", "sharpness"),
    experiment=DESCENT,
    right=lambda run: theory.step_size_marks(run.experiment).trap,
    words=lambda run: (
        "From there on, by theory, one jump can land so close to zero that the way back takes "
        f"longer than the run: a **trap**. The picture shows this at η = {TRAPPED:g}. Not every run "
        "is caught, as it may never land that low. Drag the handle of the bar, and the picture "
        "follows; the sentence under it says what became of the run. The bar has the zones that "
        "theory expects, the thin strip under it what becomes of such runs in fact."
    ),
)

# --- 7 -----------------------------------------------------------------------------------------

SHALLOW_DEPTH = SHALLOW.network.depths[0]
SHALLOW_STARTS = SHALLOW.start.strengths(0)
SHALLOW_SHARPNESS = theory.single_path_sharpness(TARGET, SHALLOW_DEPTH)

NEVER = TourStep(
    title="Two layers, and what is open",
    text=(
        f"With only {SHALLOW_DEPTH} layers a pathway's strength is w², and the squares of the "
        f"slopes of part 3 add up to 2σ₁ + 2σ₂, which is {SHALLOW_SHARPNESS:g} for every solution. "
        f"Descent with η = {SHALLOW.dynamics.step_size:g} has its edge at {SHALLOW.edge:.2f}, so "
        f"that it can rest in none of them; the run starts from strengths {SHALLOW_STARTS[0]:g} "
        f"and {SHALLOW_STARTS[1]:g}."
    ),
    guess=Guess(
        question=f"Pathway 1 starts with {theory.shares(SHALLOW_STARTS)[0]:.3f} of the sum. Which "
        "share of it does it have in the end?",
        label="Share of pathway 1 at the end",
        low=0.0,
        high=1.0,
        step=0.01,
        begin=0.5,
        digits=2,
    ),
    picture="run",
    panels=("sharing", "strengths"),
    experiment=SHALLOW,
    before=variations.with_steps(SHALLOW, 1),
    right=_share,
    words=lambda run: (
        "The share has not changed at all: each step multiplies all weights by the same number, "
        f"1 − η(σ₁ + σ₂ − {TARGET:g}). Gradient flow keeps the shares there, too. The sum jumps between "
        f"{run.strengths[-2:].sum(axis=1).min():.3f} and "
        f"{run.strengths[-2:].sum(axis=1).max():.3f} to the end of the run, but no split is flatter "
        "than another, so that jumping hands nothing over. From three layers on the even split is "
        f"flatter than one pathway alone: {_even(3):.2f} against 3 with three, {SHARED:.2f} against "
        f"{ALONE:g} with {DEPTH}."
    ),
)

STEPS = (TWO_PATHWAYS, WHO_WINS, SHARP, EDGE_OF_DESCENT, HANDS_BACK, HOW_FAR, NEVER)

OPEN = (
    "**What is open.** Where two pathways come to share, theory predicts their strengths to about "
    "0.01, because the target for their sum and the edge for their sharpness fix both; for three or "
    "more there is no such formula, and the end depends on the way there. How long it takes to hand "
    "the signal over is not known in a formula either. And the networks in use are not linear, and "
    "learn from noisy samples: there the argument of this tour is a guide, not a proof."
)


def questions(run: Trajectory) -> tuple[tuple[str, str], ...]:
    """What the reader can answer now, of a run of `DESCENT`."""
    return (
        (
            "Which pathway carries the signal after training with tiny steps?",
            f"With {DEPTH} layers, from this start, the one that starts ahead, nearly alone: "
            f"{FLOW_END[0]:.3f} of {TARGET:g}.",
        ),
        (
            "Why does a large step size share it out again?",
            f"Alone the pathway is too sharp for the edge ({ALONE:g} against {EDGE:g}), evenly "
            f"shared the signal is not ({SHARED:.2f}); and of two jumps, down and up again, the "
            "weak pathway gets more than it gave.",
        ),
        (
            "How evenly?",
            f"Until the sharpness is within 2/η: {_end(0)(run):.2f} and {_end(1)(run):.2f} at η = "
            f"{ETA:.4f}, equal shares above η = {MARKS.balanced:.4f}, and from {MARKS.trap:.4f} on "
            "the run may be lost.",
        ),
        (
            "When does it never do so?",
            "With two layers: no split is flatter than another, and the shares stay what they were.",
        ),
    )
