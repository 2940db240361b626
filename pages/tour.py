"""The paper's argument in seven parts, each with a guess before its answer."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages import _prose, _reached, _runs, _state, _take, _ui, _widgets
from pages._tour_steps import DESCENT, OPEN, STEPS, TRAPPED, TourStep, questions, unbroken
from simcore import Experiment, live, prospects, regimes, scenes, variations
from simcore.figures import charts
from simcore.figures import tour as pictures
from simcore.figures.clock import Span, whole
from simcore.figures.scene import Axis, Level
from simcore.figures.tables import Named
from simcore.trajectory import Trajectory

_ui.open_page()
_ui.complaints()
number = _state.view().step
current = STEPS[number - 1]
state = st.session_state
guesses: dict[int, float] = state.setdefault("guesses", {})  # by the number of the step
told: set[int] = state.setdefault("told", set())  # steps whose answer was asked for
tried: dict[int, float] = state.setdefault("tried", {})  # what is dragged after the answer


def found(experiment: Experiment) -> Trajectory:
    """Its run; the progress has a place of its own, so that what follows does not move."""
    with st.container():
        return _runs.run(experiment)


def go(step: int) -> None:
    _state.look(step=step)


def guessed(step: int) -> float:
    return guesses.get(step, STEPS[step - 1].guess.begin)


def walk() -> None:
    """Where the reader is, and the way to every other step."""
    _widgets.choice(
        st.segmented_control,
        "Part of the tour",
        "step",
        list(range(1, len(STEPS) + 1)),
        number,
        go,
        required=True,
        label_visibility="collapsed",
    )


def ask() -> None:
    """The slider and the key that gives the answer."""
    guess = current.guess
    _widgets.control(
        st.slider,
        guess.label,
        f"guess_{number}",
        guessed(number),
        lambda value: guesses.update({number: value}),
        min_value=guess.low,
        max_value=guess.high,
        step=guess.step,
        format=f"%.{guess.digits}f",
    )
    _widgets.button("**That is my guess**", "tour_tell", tell)


def tell() -> None:
    guesses[number] = guessed(number)
    told.add(number)


def answer(run: Trajectory) -> None:
    compared = current.compared(guesses.get(number), run)
    _prose.say(unbroken(f"{compared} {current.words(run)}"), "answer")
    if number == len(STEPS):
        _prose.say("Below: what is open, and what you can say now.")


def drag(label: str, low: float, high: float, step: float, begin: float) -> float:
    """Something to move after the answer."""
    value = tried.get(number, begin)
    _widgets.control(
        st.slider,
        label,
        f"try_{number}",
        value,
        lambda value: tried.update({number: value}),
        min_value=low,
        max_value=high,
        step=step,
    )
    return value


# --- Pictures ----------------------------------------------------------------------------------


def strength_curve(run: Trajectory, known: bool) -> None:
    depth, strength = run.experiment.network.depths[0], float(run.strengths[0, 0, 0])
    drawn = pictures.strength_curve(depth, strength, guessed(number), known)
    _ui.chart(drawn, "Strength of a pathway", run.experiment)


def splits(run: Trajectory, known: bool) -> None:
    share = drag("Strength of pathway 1", 0.0, 1.0, 0.01, 0.9) if known else 0.5
    target, (first, second) = run.experiment.task.singular_values[0], run.experiment.network.depths
    drawn = pictures.splits(target, (first, second), guessed(number), known, share)
    _ui.chart(drawn, "Sharpness of the solutions", run.experiment)


def valley(run: Trajectory, known: bool) -> None:
    guess, eta = current.guess, run.experiment.dynamics.eta or 0.0
    sharpness = guessed(number)
    if known:
        sharpness = drag("Sharpness λ of the valley", guess.low, guess.high, guess.step, sharpness)
    drawn = pictures.valley(eta, sharpness, guess.high, known)
    _ui.chart(drawn, "Descent in a valley", run.experiment)


def named(run: Trajectory) -> Named:
    """The run, called by the full name of its dynamics."""
    return scenes.named(run, run.experiment.dynamics.title)


def played(run: Trajectory, known: bool) -> None:
    """The run; before the answer its beginning, on the axes of the whole."""
    guess = guesses.get(number, None if known else guessed(number))
    levels = [] if guess is None else [Level(guess, pictures.YOURS)]
    scene = pictures.scene([named(run)], current.panels, levels)
    if known:
        _ui.play_here(scene, run, f"player_{number}")
        return
    assert current.before is not None
    begin = found(current.before)
    shown = pictures.scene([named(begin)], current.panels, levels)
    axis: Axis = "step" if run.experiment.dynamics.iterated else "time"
    span = Span(0.0, whole(scene.runs, axis, "linear").last)
    drawn = charts.still(
        pictures.beginning(shown, scene), 0, axis=axis, span=span, height=pictures.HEIGHT
    )
    _ui.chart(drawn, "How it begins", begin.experiment)


_OF = {field: mark.name for field, mark in prospects.MARKS.items()}
MARKS = (
    "The marks of the bar are step sizes. Above "
    f"{_OF['flow_edge']} the solution that gradient flow ends in is too sharp for descent, above "
    f"{_OF['single_path']} one pathway alone, above {_OF['balanced']} even two halves; from "
    f"{_OF['trap']} on a run may be trapped, and from {_OF['wcr']} on a jump can reach zero."
)


def ruler(run: Trajectory, known: bool) -> None:
    """Before the answer, the run of the step before; then any step size."""
    experiment = run.experiment
    if known:
        experiment = variations.with_step_size(experiment, tried.get(number, TRAPPED))
        _ui.ruler_of(experiment, "tour_ruler", lambda eta: tried.update({number: eta}), "tour")
        run = found(experiment)
    scene = pictures.scene([named(run)], current.panels)
    if known:
        system = live.system(experiment)
        assert system is not None
        scene = replace(scene, live=system | {"network": None}, plays=False)  # eta alone moves
    _ui.play_here(scene, run, f"player_{number}")
    if not known:
        eta = experiment.dynamics.eta
        _prose.say(f"The run of part 5, with η = {eta:.4f}: see how low its jumps fall.", "small")
    if known:
        _prose.say(
            f"**{regimes.headline(run).capitalize()}.** {regimes.said(run)}", "small-verdict"
        )
        _prose.say(MARKS, "small-marks")
        _reached.later(experiment)


PICTURES = {
    "strength_curve": strength_curve,
    "splits": splits,
    "valley": valley,
    "run": played,
    "ruler": ruler,
}


# --- The page ----------------------------------------------------------------------------------


def farewell() -> None:
    """What can be answered now, what was guessed on the way, and where to go."""
    _prose.say(OPEN)
    _prose.say("### Now you can say", "title")
    run = found(DESCENT)
    _prose.say("\n".join(f"* **{asked}** {answered}" for asked, answered in questions(run)))
    seen = [k for k in range(1, len(STEPS) + 1) if k in told]
    _prose.table(
        {
            "part": [STEPS[k - 1].title for k in seen],
            "you said": [said(k) for k in seen],
            "answer": [right(STEPS[k - 1]) for k in seen],
        }
    )
    _ui.link("simulator", "Open the run of part 5 in the Simulator", DESCENT, icon="▶️")


def said(part: int) -> str:
    return STEPS[part - 1].guess.written(guesses[part]) if part in guesses else "–"


def right(other: TourStep) -> str:
    return f"{other.right(found(other.experiment)):.{other.guess.digits + 1}f}"


walk()
run, known = found(current.experiment), number in told
words, picture = st.columns([2, 3], gap="medium")
with words:
    _prose.say(f"## {number} of {len(STEPS)}. {current.title}", "title")
    _prose.say(unbroken(current.text))
    _prose.say(unbroken(f"**{current.guess.question}**"))
    if known:
        answer(run)
    else:
        ask()
    with st.container(horizontal=True):
        if known:
            again = "Guess again" if number in guesses else "Guess after all"
            _widgets.button(again, "tour_again", lambda: told.discard(number))
        if number > 1:
            _widgets.button("Back", "tour_back", lambda: go(number - 1))
        if number < len(STEPS):
            _widgets.button("**Next**" if known else "Skip", "tour_next", lambda: go(number + 1))
        elif not known:
            _widgets.button("Skip", "tour_next", lambda: told.add(number))
with picture:
    PICTURES[current.picture](run, known)
if known and number == len(STEPS):
    farewell()
_take.of_charts()
_ui.to_top(number, known)
