"""Visitors take turns: never more runs than places, first come first served, no place is lost."""

from __future__ import annotations

import random
import threading
import time

import pytest

from pages._turns import Turn, Turns

DEADLINE = 30.0  # seconds; a hang, not a measurement


class Left(BaseException):
    """What Streamlit raises in a script that nobody waits for is no Exception either."""


def in_threads(works):
    """Do all works at once; their errors are the test's."""
    errors = []

    def guarded(work):
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive(), "somebody waits for ever"
    assert not errors


def until(condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.001)


def ignore(before):
    pass


@pytest.mark.parametrize("places", [1, 2, 3])
def test_never_more_at_once_than_places_and_no_place_is_lost(places, monkeypatch):
    """Runs that give way, fail, and leave the queue at random moments."""
    monkeypatch.setattr("pages._turns.LOOK", 0.001)
    turns, lock, running, most = Turns(places), threading.Lock(), [0], [0]

    def count(step):
        with lock:
            running[0] += step
            most[0] = max(most[0], running[0])

    def run(seed):
        source = random.Random(seed)

        def meanwhile(before):
            if source.random() < 0.1:
                raise Left

        try:
            with Turn(turns, meanwhile) as turn:
                for _ in range(5):
                    count(1)
                    time.sleep(0.0005)
                    count(-1)
                    turn.give_way()
                if source.random() < 0.2:
                    raise KeyError
        except (Left, KeyError):
            pass

    in_threads([lambda seed=seed: run(seed) for seed in range(40)])
    assert most[0] == places
    assert not turns.wanted
    for _ in range(places):  # all places are free again: nobody has to wait
        turns.take(lambda before: pytest.fail("a place was lost"))


def test_first_come_first_served_and_each_hears_how_many_are_before():
    turns, order, heard = Turns(1), [], {}
    turns.take(ignore)
    waiting = []
    for number in range(3):

        def run(number=number):
            def meanwhile(before):
                heard[number] = before

            with Turn(turns, meanwhile):
                order.append(number)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        until(lambda number=number: number in heard)
        waiting.append(thread)
    assert heard == {0: 0, 1: 1, 2: 2}
    turns.leave()
    for thread in waiting:
        thread.join(DEADLINE)
    assert order == [0, 1, 2]


def test_a_long_run_gives_way_and_goes_on():
    turns, order = Turns(1), []

    def short():
        with Turn(turns, ignore):
            order.append("short")

    with Turn(turns, ignore) as long:
        long.give_way()  # nobody waits: it keeps its place
        other = threading.Thread(target=short, daemon=True)
        other.start()
        until(lambda: turns.wanted)
        long.give_way()
        order.append("long")
    other.join(DEADLINE)
    assert order == ["short", "long"]


def test_a_long_run_that_is_stopped_while_it_waits_leaves_the_queue():
    turns = Turns(1)

    def stop(before):
        raise Left

    other = threading.Thread(target=lambda: turns.take(ignore), daemon=True)

    def run():
        with Turn(turns, stop) as long:
            other.start()
            until(lambda: turns.wanted)
            while True:  # until the other takes the place and keeps it
                long.give_way()

    with pytest.raises(Left):
        run()
    other.join(DEADLINE)
    turns.leave()  # the other's
    turns.take(lambda before: pytest.fail("the place was lost"))
