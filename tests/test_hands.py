"""A second thread for one run: the same bits, however late it comes and whether it comes at all."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcore import Descent, Experiment, Gaussian, Network, Record, Spectrum, Target, hands, sweep
from simcore.kernels import matrices
from simcore.kernels.records import where_it_is
from simcore.matrices_engine import MatricesEngine
from simcore.samples_engine import SamplesEngine


def experiment(depths=(3, 3), n=12, step_size=0.05, steps=400, seed=0):
    target = np.eye(n) + 0.2 * np.random.default_rng(seed).standard_normal((n, n))
    return Experiment(
        task=Target(rows=tuple(map(tuple, target.tolist()))),
        network=Network(depths=depths, width=n + 3),
        start=Gaussian(std=0.5 / np.sqrt(n), seed=seed),
        dynamics=Descent(step_size=step_size, steps=steps),
        record=Record(frames=2, sharpness=False),
        engine="matrices",
    )


def engine(of, two):
    """One that always works in two threads, or never."""
    made = MatricesEngine(of)
    made.worth_two = 1.0 if two else np.inf
    made.pace._two = lambda: True
    return made


def state(of, taken):
    return taken, of.weights, of.work.strengths, of.work.misfit, *of.ranges


def lead(one, steps, signs):
    """So many steps while another thread may have these signs."""
    here = where_it_is(one.weights, one.work.strengths, one.ranges)
    return one._lead(np.array([steps]), 1e-3, here, signs)


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def asked(monkeypatch):
    """How often a second thread was asked for; there is one on a machine with one core, too."""
    calls = []
    ask = hands._ask
    monkeypatch.setattr(hands, "cores", lambda: 2)
    monkeypatch.setattr(hands, "_ask", lambda task: (calls.append(task), ask(task)))
    return calls


@settings(max_examples=25, deadline=None)
@given(
    depths=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    n=st.integers(1, 13),
    step_size=st.floats(0.001, 0.5),  # the largest diverge
    pieces=st.lists(st.integers(1, 300), min_size=1, max_size=4),
)
def test_two_threads_give_the_bits_of_one(depths, n, step_size, pieces):
    of = experiment(tuple(depths), n, step_size)
    alone, helped = engine(of, two=False), engine(of, two=True)
    for steps in pieces:
        taken = alone.descend(steps, step_size)
        assert_same(state(alone, taken), state(helped, helped.descend(steps, step_size)))
        if taken < steps:
            break


def test_another_thread_does_take_part(asked):
    """In a descent so long that it comes in time."""
    helped, steps = engine(experiment(n=40), two=True), 20_000
    moved = []
    helped.assist = lambda step_size, signs: (
        matrices.assist(
            helped.weights, helped.layout, step_size, helped.beside, signs, helped.share
        ),
        moved.append(signs[matrices.DONE]),
    )
    helped.descend(steps, 1e-4)
    for _ in range(100):
        if moved:
            break
        time.sleep(0.05)
    assert len(asked) == 1
    assert 0 < moved[0] <= steps


def test_an_interrupt_right_after_it_was_asked_lets_it_go_too(monkeypatch):
    helped, left = engine(experiment(n=30), two=True), threading.Event()
    assist = helped.assist

    def come(step_size, signs):
        assist(step_size, signs)
        left.set()

    def ask(task):
        threading.Thread(target=task, daemon=True).start()
        raise KeyboardInterrupt

    monkeypatch.setattr(helped, "assist", come)
    monkeypatch.setattr(hands, "cores", lambda: 2)
    monkeypatch.setattr(hands, "_ask", ask)
    with pytest.raises(KeyboardInterrupt):
        helped.descend(100, 1e-3)
    assert left.wait(60)


@pytest.mark.parametrize("late", [0.0, 0.005, 0.5])
def test_it_may_come_at_any_time_or_after_the_end(late):
    of, signs = experiment(n=30, steps=1), np.zeros(matrices.SIGNS)
    alone, helped = engine(of, two=False), engine(of, two=False)

    def come():
        time.sleep(late)
        helped.assist(1e-3, signs)

    other = threading.Thread(target=come, daemon=True)
    other.start()
    taken = lead(helped, 3_000, signs)
    other.join(60)
    assert not other.is_alive()
    assert_same(state(alone, alone.descend(3_000, 1e-3)), state(helped, taken))


def test_one_that_is_late_is_called_no_more():
    """As where its core is another's: the run does not wait for it a second time."""
    of, signs = experiment(n=30), np.zeros(matrices.SIGNS)
    alone, helped = engine(of, two=False), engine(of, two=False)
    signs[matrices.PRESENT] = 1.0
    results = []
    leader = threading.Thread(target=lambda: results.append(lead(helped, 500, signs)), daemon=True)
    leader.start()
    while signs[matrices.CALLED] != 1.0:
        time.sleep(0.001)
    time.sleep(0.5)
    one_step = np.zeros(matrices.SIGNS)
    one_step[matrices.CALLED] = 1.0
    mover = threading.Thread(target=helped.assist, args=(1e-3, one_step), daemon=True)
    mover.start()
    while one_step[matrices.DONE] != 1.0:
        time.sleep(0.001)
    one_step[matrices.CALLED] = matrices.OVER
    mover.join(60)
    signs[matrices.DONE] = 1.0  # and is gone
    leader.join(60)
    assert not leader.is_alive()
    assert signs[matrices.CALLED] == matrices.OVER
    assert_same(state(alone, alone.descend(500, 1e-3)), state(helped, results[0]))


def test_a_run_that_is_interrupted_lets_the_other_thread_go(asked, monkeypatch):
    helped, there, left = engine(experiment(n=30), two=True), threading.Event(), threading.Event()
    assist = helped.assist

    def come(step_size, signs):
        there.set()
        assist(step_size, signs)
        left.set()

    def interrupted(*_):
        there.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(helped, "assist", come)
    monkeypatch.setattr(helped, "_lead", interrupted)
    with pytest.raises(KeyboardInterrupt):
        helped.descend(100, 1e-3)
    assert left.wait(60)


def test_the_second_thread_is_lent_once(asked):
    first, second = hands.Pace(), hands.Pace()
    for pace in (first, second):
        with pace.piece(1) as ask:
            assert ask is None  # how fast is one?
    with first.piece(1) as ask:
        assert ask is not None
        with second.piece(1) as other:
            assert other is None
    with second.piece(1) as ask:
        assert ask is not None


def test_many_runs_at_once_have_a_thread_each(asked, monkeypatch):
    monkeypatch.setattr(MatricesEngine, "_worth_two", lambda *_: 1.0)
    sweep([experiment(n=6, step_size=eta) for eta in (0.01, 0.02)])
    assert not asked
    alone = MatricesEngine(experiment(n=6))
    alone.descend(10, 0.01)
    alone.descend(10, 0.01)
    assert len(asked) == 1


@pytest.mark.parametrize(("hosted", "cores"), [("1", 2), ("0", 1)])
def test_visitors_who_share_a_server_and_single_cores_have_none(monkeypatch, hosted, cores):
    monkeypatch.setenv("SIMCORE_HOSTED", hosted)
    monkeypatch.setattr(hands, "cores", lambda: cores)
    with hands.Pace().piece(1) as ask:
        assert ask is None


def test_runs_that_cannot_be_shared_or_are_short_do_not_ask(asked):
    one_pathway = experiment(depths=(3,), n=40)
    bent = Experiment(
        task=Spectrum(singular_values=(1.0,), n_in=40, n_out=40),
        network=Network(depths=(3, 3), width=40, activation="tanh"),
        start=Gaussian(std=0.1),
        dynamics=Descent(step_size=1e-3, steps=9),
    )
    assert MatricesEngine(one_pathway).worth_two == np.inf
    assert SamplesEngine(bent).worth_two == np.inf
    MatricesEngine(experiment(n=40)).descend(1, 1e-3)
    assert not asked


@pytest.mark.parametrize(("two_take", "expected"), [(0.5, True), (2.0, False)])
def test_the_faster_way_is_taken_and_the_other_tried_now_and_then(
    monkeypatch, asked, two_take, expected
):
    """When that costs a twentieth of the time; and more often where something has changed."""
    now, times = [0.0], {True: two_take, False: 1.0}
    monkeypatch.setattr(hands.time, "perf_counter", lambda: now[0])
    pace = hands.Pace()

    def pieces(count):
        taken = []
        for _ in range(count):
            with pace.piece(1) as ask:
                taken.append(ask is not None)
                now[0] += times[taken[-1]]
        return taken

    assert pieces(2) == [False, True]
    begin, taken = now[0], pieces(200)
    tried = taken.count(not expected)
    assert 1 <= tried <= 10
    lost = tried * abs(two_take - 1.0)
    assert lost <= 1.2 * pace.SHARE * (now[0] - begin)
    times = {True: 1.0, False: two_take}  # as where the second core is taken, or free again
    pieces(100)
    assert pieces(100).count(expected) <= 10
