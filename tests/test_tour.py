"""The tour says what is true: every answer by another way, and none before it is asked for."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from pages._tour_steps import (
    DESCENT,
    OPEN,
    SHALLOW,
    STEPS,
    TRAPPED,
    highest,
    questions,
    two_jumps,
    unbroken,
)
from simcore import Trajectory, regimes, simulate, theory, variations, view
from simcore.figures import ruler
from simcore.figures import tour as pictures
from simcore.figures.tables import Named
from simcore.studies import reached
from simcore.verdicts import Regime

NUMBERS = range(1, len(STEPS) + 1)


@pytest.fixture(scope="module")
def runs() -> dict[int, Trajectory]:
    """By the number of the step."""
    return {k: simulate(STEPS[k - 1].experiment) for k in NUMBERS}


# --- The answers, by another way ---------------------------------------------------------------


def descend(experiment) -> np.ndarray:
    """Strengths (steps + 1, H) of one mode, written down as the tour tells it."""
    depth, eta = experiment.network.depths[0], experiment.dynamics.step_size
    w = np.array(experiment.start.strengths(0)) ** (1 / depth)
    strengths = [w**depth]
    for _ in range(experiment.dynamics.steps):
        w = w - eta * w ** (depth - 1) * ((w**depth).sum() - 1.0)
        strengths.append(w**depth)
    return np.array(strengths)


def flow_end(depth: int, first: float, second: float) -> float:
    """Strength of pathway 2 where sigma^{-(1 - 2/L)} differ as at the start, and the sum is 1."""
    power = -(1 - 2 / depth)
    gap, low, high = second**power - first**power, 1e-9, 0.5
    for _ in range(200):
        middle = (low + high) / 2
        wide = middle**power - (1 - middle) ** power > gap
        low, high = (middle, high) if wide else (low, middle)
    return low


def curvature_at_the_even_split(depth: int) -> float:
    """Largest eigenvalue of second differences of the loss in all weights."""
    at, h = np.full(2 * depth, 0.5 ** (1 / depth)), 1e-4

    def loss(w):
        return 0.5 * (w[:depth].prod() + w[depth:].prod() - 1) ** 2

    units = h * np.eye(2 * depth)
    hessian = [
        [
            (loss(at + a + b) - loss(at + a - b) - loss(at - a + b) + loss(at - a - b))
            / (4 * h * h)
            for a in units
        ]
        for b in units
    ]
    return float(np.linalg.eigvalsh(hessian)[-1])


def largest_sharpness_at_rest(eta: float) -> float:
    """By bisection over valleys in which a hundred thousand steps lead to the bottom or not."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        rests = 100_000 * np.log(abs(1 - eta * middle)) < np.log(0.5)
        low, high = (middle, high) if rests else (low, middle)
    return low


def first_step_size_from_which_one_jump_is_lost() -> float:
    """Of one pathway in gamma = eta S_1: the worst jump, then the way back, step by step."""
    depth, steps = DESCENT.network.depths[0], DESCENT.dynamics.steps
    x = np.linspace(0, 1, 20_001)
    low, high = 2.0, 5.0
    for _ in range(30):
        gamma = (low + high) / 2
        highest = (x - gamma / depth * x ** (depth - 1) * (x**depth - 1)).max()
        w, count = highest - gamma / depth * highest ** (depth - 1) * (highest**depth - 1), 0
        while 0 < w < 0.9 and count <= steps:
            w, count = w - gamma / depth * w ** (depth - 1) * (w**depth - 1), count + 1
        lost = w <= 0 or count > steps
        low, high = (low, gamma) if lost else (gamma, high)
    return high / theory.single_path_sharpness(1.0, depth)


OTHERWISE = (
    (lambda: np.exp(np.log(0.002) / 20), 1e-12),
    (lambda: flow_end(20, 0.002, 0.0017), 1e-7),
    (lambda: curvature_at_the_even_split(20), 1e-3),
    (lambda: largest_sharpness_at_rest(2 / 13), 1e-3),
    (lambda: descend(DESCENT)[-1, 1], 2e-4),
    (first_step_size_from_which_one_jump_is_lost, 1e-3),
    (lambda: descend(SHALLOW)[-1, 0] / descend(SHALLOW)[-1].sum(), 1e-12),
)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_answer_is_found_by_another_way(number, runs):
    found, tolerance = OTHERWISE[number - 1]
    assert STEPS[number - 1].right(runs[number]) == pytest.approx(found(), abs=tolerance)


def test_what_is_said_of_the_ways_is_true_of_them(runs):
    descent, shallow = runs[5], runs[7]
    assert descent.sharpness[-1] < 13 < descent.sharpness[descent.sharpness > 0].max()
    way = descend(DESCENT)[105:]
    jumps = np.sign(np.diff(way[:60, 0]))
    assert (jumps[1:] != jumps[:-1]).mean() > 0.8  # from one side to the other
    sums = way.sum(axis=1)
    pairs = np.flatnonzero((sums[:-2] > 1.05) & (sums[1:-1] < 1) & (sums[2:] > sums[1:-1]))
    below, above = 1 - sums[pairs + 1], sums[pairs] - 1
    assert len(pairs) > 40
    assert (below > above).all()  # down from where it is steep, up from where it is flatter
    assert (way[pairs + 2, 1] > way[pairs, 1]).all()  # and pathway 2 gets more than it gave
    early, late = way[:20].mean(axis=0), way[-20:].mean(axis=0)
    assert late[0] < early[0] - 0.05  # and signal leaves pathway 1
    assert late[1] > early[1] + 0.2  # for the other
    drift = np.ptp(shallow.strengths[:, 0, 0] / shallow.strengths[:, :, 0].sum(axis=1))
    assert drift < 1e-12
    ends = shallow.strengths[-6:, :, 0].sum(axis=1)
    assert ends[::2] == pytest.approx(ends[0], abs=1e-9)
    assert abs(ends[0] - ends[1]) > 0.5


def test_the_two_jumps_are_those_of_the_run(runs):
    k, way = highest(runs[5]), descend(DESCENT)
    assert k == way.sum(axis=1).argmax()
    taken, given = way[k] - way[k + 1], way[k + 2] - way[k + 1]
    assert taken[1] < given[1]
    for value, digits in ((taken[0], 3), (given[0], 3), (taken[1], 5), (given[1], 5)):
        assert f"{value:.{digits}f}" in two_jumps(runs[5])


def test_the_trap_that_is_shown_is_one():
    """The way back takes longer than the run, which is longer than what is seen before."""
    trapped, steps = variations.with_step_size(DESCENT, TRAPPED), DESCENT.dynamics.steps
    assert regimes.classify(simulate(trapped)) is Regime.TRAPPED
    assert theory.step_size_marks(DESCENT).trap < TRAPPED
    there = np.flatnonzero(descend(variations.with_steps(trapped, 5 * steps)).sum(axis=1) > 0.1)
    before, after = there[there <= steps].max(), there[there > steps].min()
    assert after - before > steps > 4 * before
    assert f"η = {TRAPPED:g}" in STEPS[5].words(simulate(DESCENT))


def test_some_runs_get_away_from_the_trap_and_none_is_lost_before_it():
    marks = theory.step_size_marks(DESCENT)
    found = reached.regimes(reached.origin(DESCENT), *ruler.span(DESCENT), 3.0)
    lost = [part for part in found if part.regime is Regime.TRAPPED]
    within = {part.regime for part in found if marks.trap < part.low < part.high < marks.wcr}
    assert min(part.low for part in lost) > 0.99 * marks.trap
    assert Regime.TRAPPED in within
    assert within - {Regime.TRAPPED, Regime.UNFINISHED}
    equal = [part.regime for part in found if marks.balanced * 1.01 < part.low < marks.trap]
    assert not equal or set(equal) <= {Regime.CYCLE, Regime.CHAOS, Regime.UNFINISHED}


# --- What is said ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
def test_a_guess_is_compared_and_not_judged(number, runs):
    step, run = STEPS[number - 1], runs[number]
    guess, right = step.guess, step.right(run)
    assert guess.low < right < guess.high
    for guessed in np.arange(guess.low, guess.high + guess.step / 2, guess.step).tolist():
        said = step.compared(guessed, run)
        assert said.startswith(f"You said {guess.written(guessed)}")
        (bold,) = re.findall(r"\*\*([\d.]+)\*\*", said)
        assert float(bold) == pytest.approx(right, abs=0.5 * 10.0 ** -(guess.digits + 1) * 1.01)
        assert ("that is right" in said) == (abs(guessed - right) <= guess.step / 2)
        assert said.replace(bold, "").replace(guess.written(guessed), "").count(".") == 1
    assert abs(guess.begin - right) > 2 * guess.step  # it begins at no answer
    unasked = step.compared(None, run)
    assert "You said" not in unasked
    assert unasked.endswith(said[said.index("**") :])


def spoken(number: int, run: Trajectory) -> str:
    step = STEPS[number - 1]
    parts = step.text, step.guess.question, step.guess.label, step.words(run)
    return " ".join(parts)


def test_no_word_is_used_before_it_is_explained(runs):
    said = {k: spoken(k, runs[k]) for k in NUMBERS}
    new = {k: set(re.findall(r"\*\*([a-z ]+)\*\*", said[k])) for k in NUMBERS}
    assert {"pathway", "strength", "sharpness", "step size", "edge", "trap"} <= set().union(
        *new.values()
    )
    for number, terms in new.items():
        for term in terms:
            plain = said[number].replace(f"**{term}**", "", 1)
            before = " ".join(said[k] for k in NUMBERS if k < number)
            before += said[number][: said[number].index(f"**{term}**")]
            assert not re.search(rf"\b{term}", before), (term, number)
            assert f"**{term}**" not in plain, "explained once"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_a_step_is_two_sentences_and_a_question(step):
    assert len(re.findall(r"\.(?= [A-Z]|$)", step.text)) == 2
    assert step.guess.question.rstrip().endswith("?")


def test_every_step_has_its_number_in_the_link():
    assert len(STEPS) == view.STEPS


def test_the_answers_to_the_questions_hold_the_numbers_of_the_steps(runs):
    said = " ".join(answer for _, answer in questions(runs[5]))
    for number, digits in ((3, 2), (5, 2), (6, 4)):
        assert f"{STEPS[number - 1].right(runs[number]):.{digits}f}" in said
    assert f"{runs[2].strengths[-1, 0, 0]:.3f}" in said
    assert "  " not in unbroken(OPEN)


# --- Pictures ----------------------------------------------------------------------------------


def held(chart) -> list[float]:
    """Every number in the data of a chart."""
    whole = json.dumps(chart.to_dict()["datasets"])
    return [float(n) for n in re.findall(r"-?\d+\.?\d*(?:[eE][-+]?\d+)?", whole)]


def drawn(number: int, run: Trajectory, guessed: float, told: bool):
    if number == 1:
        return pictures.strength_curve(20, 0.002, guessed, told)
    return pictures.splits(1.0, (20, 20), guessed, told)


@pytest.mark.parametrize("number", [1, 3])
def test_a_chart_holds_the_guess_and_the_answer_only_when_told(number, runs):
    right, guessed = STEPS[number - 1].right(runs[number]), 0.5

    def close(told, value):
        found = held(drawn(number, runs[number], guessed, told))
        return any(abs(n - value) < 0.02 * value for n in found)

    assert not close(False, right)
    assert close(True, right)
    assert close(False, guessed)


def test_descent_in_a_valley_is_drawn_only_when_told():
    before, after = (
        pictures.valley(2 / 13, 12.0, 40.0, told).to_dict()["datasets"] for told in (False, True)
    )
    steps = [
        max(row["step"] for data in of.values() for row in data if "step" in row)
        for of in (before, after)
    ]
    assert steps == [0, pictures.JUMPS]


@pytest.mark.parametrize("number", [2, 5, 7])
def test_the_beginning_of_a_run_is_its_beginning_and_no_more(number, runs):
    step, run = STEPS[number - 1], runs[number]
    begin = simulate(step.before)
    last = np.searchsorted(run.time, begin.time[-1])
    assert begin.strengths[-1] == pytest.approx(run.strengths[last], abs=2e-4)
    assert begin.strengths.max() < 0.1  # still near zero
    scenes = [pictures.scene([Named("run", r)], step.panels) for r in (begin, run)]
    shown = pictures.beginning(*scenes)
    assert len(shown.panels) == 1
    assert not shown.panels[0].marks
    assert shown.panels[0].limits[1] >= max(run.strengths[:, 0, 0].max(), 1.0)
    words = [line.label for panel in scenes[1].panels for line in getattr(panel, "lines", ())]
    assert not any("₁₁" in label for label in words)
