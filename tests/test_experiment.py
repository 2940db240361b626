"""Specs are plain data that survive every journey, and nothing wrong gets into one."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import SPECS, check_refusal, experiments, records, refused

import simcore
from simcore import spec
from simcore.checks import require
from simcore.events import Freeze, Jitter, Kick, Ramp, StepSize
from simcore.experiment import (
    Balanced,
    CentralFlow,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Record,
)
from simcore.tasks import Dataset, Spectrum, Target, Tree

pytestmark = pytest.mark.filterwarnings("error")  # numpy's warnings are no way to refuse

few = settings(max_examples=40, deadline=None)
many = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

PAPER = {
    "task": Spectrum(singular_values=(1.0,)),
    "network": Network(depths=(20, 20)),
    "start": Balanced(scales=(0.002, 0.0017)),
    "dynamics": Descent(step_size=2 / 13, steps=650),
    "record": Record(every=1),
}
RANDOM = {
    "task": Tree(),
    "network": Network(depths=(2, 3), width=16),
    "start": Gaussian(std=0.05, seed=7),
    "dynamics": Flow(duration=40.0),
}
KNOWN_KEYS = ((PAPER, "a186d00aded1b0ed"), (RANDOM, "f5d000aeb0a32f98"))


@pytest.fixture(scope="module", params=SPECS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


# --- Round trips -------------------------------------------------------------------------------


def test_every_spec_has_a_strategy():
    ours = {kind for kind in spec._kinds(spec.Spec) if kind.__module__.startswith("simcore.")}
    assert ours == set(SPECS), "give the new spec a strategy in tests/strategies.py"


@few
@given(data=st.data())
def test_a_spec_survives_every_journey(kind, data):
    one = data.draw(SPECS[kind])
    plain = one.to_dict()
    journeys = {
        "dict": spec.Spec.from_dict(plain),
        "own class": kind.from_dict(plain),
        "JSON": kind.from_dict(json.loads(json.dumps(plain, allow_nan=False))),
        "pickle": pickle.loads(pickle.dumps(one)),
        "deep copy": copy.deepcopy(one),
        "replace": dataclasses.replace(one),
    }
    if "Dataset" not in repr(one):  # which keeps its moments to itself
        journeys["repr"] = eval(repr(one), vars(simcore))
    for name, other in journeys.items():
        assert type(other) is kind, name
        assert other == one, name
        assert hash(other) == hash(one), name
        assert other.to_dict() == plain, name
        assert repr(other) == repr(one), name


@few
@given(data=st.data())
def test_a_spec_is_numbers_strings_and_tuples_that_nobody_changes(kind, data):
    one = data.draw(SPECS[kind])

    def leaves(value):
        assert not isinstance(value, list)
        if isinstance(value, tuple):
            for entry in value:
                yield from leaves(entry)
        else:
            yield value

    for field in dataclasses.fields(one):
        value = getattr(one, field.name)
        kinds = {type(leaf) for leaf in leaves(value)}
        assert kinds <= {int, float, bool, str, type(None), *SPECS}
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, field.name, value)


@few
@given(one=experiments(), other=experiments())
def test_equal_experiments_are_those_with_equal_keys(one, other):
    assert (one == other) == (one.key == other.key)
    assert re.fullmatch("[0-9a-f]{16}", one.key)
    for clone in (Experiment.from_dict(one.to_dict()), pickle.loads(pickle.dumps(one))):
        assert clone.key == one.key


@few
@given(one=experiments(), record=records())
def test_replace_changes_one_field_and_the_key(one, record):
    other = dataclasses.replace(one, record=record)
    assert (other.task, other.network, other.start) == (one.task, one.network, one.start)
    assert other.record == record
    assert (other.key == one.key) == (record == one.record)


# --- Keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("parts", "key"), KNOWN_KEYS, ids=["paper", "random"])
def test_keys_of_saved_links_stay_valid(parts, key):
    assert Experiment(**parts).key == key


def test_keys_are_the_same_in_every_process():
    program = (
        "import json, sys; from simcore.experiment import Experiment\n"
        "for data in json.load(sys.stdin): print(Experiment.from_dict(data).key)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([Experiment(**parts).to_dict() for parts, _ in KNOWN_KEYS]),
        env=os.environ | {"PYTHONHASHSEED": "4242"},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == [key for _, key in KNOWN_KEYS]


matrix = np.array([[1.0, -0.0, 2.0], [0.5, 3.0, -1.0]])
samples = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)

SAME = [
    [
        Network(depths=d, width=w)
        for d, w in [
            ((2, 3), 4),
            ([2.0, 3], 4.0),
            (np.array([2, 3]), np.int8(4)),
            ((np.float32(2), np.uint8(3)), np.float64(4)),
        ]
    ],
    [
        Balanced(scales=s)
        for s in [(1, 0), [1.0, -0.0], np.array([1, 0]), (np.float32(1), False + 0)]
    ],
    [
        LayerScales(scales=s)
        for s in [((1, 2), (3,)), [[1.0, 2.0], [3]], [np.array([1, 2]), (3.0,)]]
    ],
    [Gaussian(std=s, seed=n) for s, n in [(1, 3), (1.0, 3.0), (np.float16(1), np.int64(3))]],
    [Descent(step_size=e, steps=n) for e, n in [(1, 5), (1.0, 5.0), (np.int64(1), np.float32(5))]],
    [Flow(duration=t) for t in [2, 2.0, np.float32(2), np.uint16(2)]],
    [Record(every=n, maps=m) for n, m in [(2, True), (2.0, np.bool_(True)), (np.int64(2), True)]],
    [
        Spectrum(singular_values=s, n_in=n)
        for s, n in [
            ((2, 1), 3),
            ([2.0, 1.0], 3.0),
            (np.array([2, 1]), np.int64(3)),
            ((2, 1, 0), 3),
        ]
    ][:3],
    [
        Target(rows=m)
        for m in [
            matrix,
            matrix.tolist(),
            matrix + 0.0,
            np.asfortranarray(matrix),
            matrix.astype(np.float32),
            list(matrix),
            tuple(map(tuple, matrix)),
            np.repeat(matrix, 2, axis=1)[:, ::2],
            matrix.astype(object),
            matrix.astype(np.longdouble),
        ]
    ],
    [
        Dataset(inputs=x, outputs=x[::-1], whiten=w)
        for x, w in [
            (samples, True),
            (samples.astype(float), np.bool_(True)),
            (samples.tolist(), True),
            (np.asfortranarray(samples), True),
        ]
    ],
]


@pytest.mark.parametrize("same", SAME, ids=lambda same: type(same[0]).__name__)
def test_one_value_is_one_spec_however_it_is_written(same):
    first = same[0]
    for other in same[1:]:
        assert other == first
        assert hash(other) == hash(first)
        assert json.dumps(other.to_dict()) == json.dumps(first.to_dict())  # so is the key
        assert repr(other) == repr(first)


def test_the_text_of_an_engine_may_be_numpys():
    assert repr(Experiment(**PAPER, engine=np.str_("auto"))) == repr(Experiment(**PAPER))


# --- Wrong values ------------------------------------------------------------------------------

WHOLE = Experiment(**PAPER)

BOTTOMLESS: list = []
for _ in range(5000):
    BOTTOMLESS = [BOTTOMLESS]

NOT_A_NUMBER = [
    math.nan, math.inf, -math.inf, True, np.bool_(True), "1", "", b"1", None, 1j, {}, [], [1.0],
    10**400, 10**5000, -(10**5000), np.float64("nan"), np.array(1.0), np.array([1.0]), object,
    np.ma.masked, np.longdouble("1e400"), BOTTOMLESS, Tree(), "x" * 1000,
]  # fmt: skip
NOT_POSITIVE = [*NOT_A_NUMBER, 0, 0.0, -0.0, -1, -1e-300]
NEGATIVE = [*NOT_A_NUMBER, -1, -1e-300]
NOT_A_COUNT = [*NOT_POSITIVE, 1.5, 1e300, 10**12, np.float64(0.5)]
NOT_A_SEQUENCE = [
    (), [], "", "12", b"12", 1, 1.0, None, {1, 2}, {1: 2}, iter([1]), range(3), np.array(3),
    np.array([]), True, Tree(),
]  # fmt: skip
NOT_A_SEED = [*NOT_A_NUMBER, -1, 1.5, 2**32, 1e300]
NOT_AN_INDEX = [*NOT_A_NUMBER, -1, 1.5, 10**9]
NOT_A_SOURCE = [None, 1, (), "A", "../x", "a b", "<b>", "x" * 2001, "\n"]
NOT_A_FLAG = [0, 1, 1.0, "True", "", None, [], np.int64(1), math.nan]


def sequences_of(wrong, good):
    """Sequences that are none, or hold one wrong entry at the front, in the middle, at the end."""
    return NOT_A_SEQUENCE + [
        [*[good] * before, entry, *[good] * after]
        for entry in wrong
        for before, after in ((0, 0), (0, 1), (1, 1), (2, 0))
    ]


NOT_A_TABLE = [
    [(1, 2), (3,)], [(1,), (2, 3)], [(1,), ()], [(1,), 2], [1, 2], [[[1]]], ["12", "34"],
    np.zeros(3), np.zeros((0, 3)), np.zeros((3, 0)), np.zeros((2, 2, 2)), np.zeros((1, 2)) * 1j,
    np.array([["a", "b"]]), np.array([[True, False]]), np.array([[1.0, math.nan]]),
    np.array([[1, math.inf]], dtype=np.float32), np.array([[1.0, None]], dtype=object),
    np.ma.array([[1.0, 2.0]], mask=[[False, True]]), np.ones((1, 1025)),
    np.array([["2020-01-01"]], dtype="datetime64[D]"), np.array([[np.longdouble("1e400")]]),
    np.array([[1e200]]), np.array([[1e-200]]),
    *([row] for row in sequences_of(NOT_A_NUMBER, 1.0)),
]  # fmt: skip
LARGE = list(range(300, 0, -1))

WARM_UP = Ramp(start=0, stop=3, value=0.1, begin=0)
LATE = Jitter(at=5, std=0.1)
ASLEEP = Freeze(pathway=1, start=0, stop=3)
NOT_EVENTS = [
    1, "", "kick", b"1", None, {}, iter([]), {WARM_UP}, Kick(at=0, pathway=0, factor=2.0), WARM_UP,
    [None], ("kick",), (Tree(),), (Kick,), [[WARM_UP]], (WARM_UP.to_dict(),), BOTTOMLESS,
    (ASLEEP, Freeze(pathway=1, start=2)), (Freeze(pathway=1, start=0), ASLEEP),
]  # fmt: skip

WRONG = {
    Network: {
        "depths": [*sequences_of(NOT_A_COUNT, 2), (201,), (1,) * 65, [[1, 2]], ((1,), (2,))],
        "width": [width for width in NOT_A_COUNT if width is not None] + [1025],
        "activation": [
            *["", "Tanh", "sigmoid", "linear", None, 1, True, ["tanh"], ("relu",), b"tanh"],
            *[BOTTOMLESS, Tree(), "x" * 1000],
        ],
        "activate_last": NOT_A_FLAG,
    },
    Balanced: {
        "scales": [
            *sequences_of([n for n in NEGATIVE if type(n) not in (list, np.ndarray)], 0.1),
            *([0.1, row] for row in sequences_of(NEGATIVE, 0.1)[len(NOT_A_SEQUENCE) :]),
            *[[*LARGE, -1], [[[0.1]], [0.1]], [0.1, ()], [0.1, np.array(1.0)], [BOTTOMLESS]],
        ]
    },
    LayerScales: {
        "scales": NOT_A_SEQUENCE
        + [[row] for row in sequences_of(NOT_A_NUMBER, 0.1)]
        + [(0.1, 0.2), ((0.1,), 0.2), ((0.1,), ())]
    },
    Gaussian: {"std": NOT_POSITIVE, "seed": NOT_A_SEED},
    Descent: {
        "step_size": NOT_POSITIVE,
        "steps": [*NOT_A_COUNT, 20_000_001],
        "events": [*NOT_EVENTS, (LATE,), (Kick(at=0.5, pathway=0, factor=2.0),)],
        "momentum": [*NEGATIVE, 1, 1.5],
        "nesterov": NOT_A_FLAG,
        "weight_decay": NEGATIVE,
        "label_noise": NEGATIVE,
        "seed": NOT_A_SEED,
    },
    Flow: {
        "duration": [*NOT_POSITIVE, 1.1e7, 1e300],
        "rtol": [*NOT_POSITIVE, 1e-14, 0.1, 1],
        "events": [*NOT_EVENTS, (LATE,), (StepSize(at=0, value=0.1),), (WARM_UP,)],
    },
    CentralFlow: {
        "step_size": NOT_POSITIVE,
        "duration": [*NOT_POSITIVE, 1.1e7, 1e300],
        "substeps": [*NOT_A_COUNT, 1001],
    },
    StepSize: {"at": NEGATIVE, "value": NOT_POSITIVE},
    Ramp: {
        "start": [*NEGATIVE, 3, 9],
        "stop": [*NOT_POSITIVE, 1],
        "value": NOT_POSITIVE,
        "begin": [begin for begin in NEGATIVE if begin is not None],
    },
    Freeze: {
        "pathway": NOT_AN_INDEX,
        "start": [*NEGATIVE, 3, 9],
        "stop": [stop for stop in NOT_POSITIVE if stop is not None] + [1],
    },
    Kick: {"at": NEGATIVE, "pathway": NOT_AN_INDEX, "factor": NOT_POSITIVE},
    Jitter: {"at": NEGATIVE, "std": NOT_POSITIVE, "seed": NOT_A_SEED},
    Record: {
        "frames": [*NOT_A_COUNT, 1, 200_001],
        "every": [every for every in NOT_A_COUNT if every is not None],
        "sharpness": NOT_A_FLAG,
        "eigenvalues": [*NOT_A_COUNT, 65],
        "maps": NOT_A_FLAG,
        "spacing": ["", "Log", "linear", None, 1, True, ["log"], b"log", BOTTOMLESS, Tree()],
    },
    Spectrum: {
        "singular_values": [
            *sequences_of(NEGATIVE, 1.0),
            *[(1, 2), (0, 1), (1,) * 1025, LARGE[::-1], [*LARGE, -1], [1e200], [1e-200]],
        ],
        "n_in": [n for n in NOT_A_COUNT if n is not None] + [1, 1025],
        "n_out": [n for n in NOT_A_COUNT if n is not None] + [1, 1025],
    },
    Tree: {"levels": [*NOT_A_COUNT, 6]},
    Target: {"rows": NOT_A_SEQUENCE + NOT_A_TABLE, "source": NOT_A_SOURCE},
    Dataset: {
        "inputs": NOT_A_SEQUENCE + NOT_A_TABLE + [[[1.0]], [[1.0]] * 3, [[0.0], [0.0]]],
        "outputs": NOT_A_SEQUENCE + NOT_A_TABLE + [[[1.0]], [[1.0]] * 3],
        "whiten": NOT_A_FLAG,
        "center": NOT_A_FLAG,
        "source": NOT_A_SOURCE,
        "keep": NOT_A_FLAG,
    },
    Experiment: {
        slot: [None, 1, "", "x" * 1000, [], {}, BOTTOMLESS, Tree, Tree().to_dict(), WHOLE]
        + [other for name, other in PAPER.items() if name != slot]
        for slot in PAPER
    }
    | {
        "engine": [
            *[None, "", "Modes", "mode", 1, True, ["auto"], ("auto",), b"auto", BOTTOMLESS],
            *[np.array(["auto"]), np.array(["auto", "modes"]), Tree()],
        ]
    },
}

VALID = {
    Network: {"depths": (2, 2), "width": None, "activation": "tanh", "activate_last": True},
    Balanced: {"scales": (0.1,)},
    LayerScales: {"scales": ((0.1,),)},
    Gaussian: {"std": 0.1, "seed": 0},
    Descent: {
        "step_size": 0.1,
        "steps": 5,
        "events": (WARM_UP, ASLEEP, Kick(at=4, pathway=0, factor=2.0)),
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": 0.1,
        "label_noise": 0.1,
        "seed": 3,
    },
    Flow: {"duration": 1.0, "rtol": 1e-6, "events": (Jitter(at=0.5, std=0.1),)},
    CentralFlow: {"step_size": 0.1, "duration": 1.0, "substeps": 4},
    StepSize: {"at": 1, "value": 0.1},
    Ramp: {"start": 1, "stop": 3, "value": 0.1, "begin": None},
    Freeze: {"pathway": 0, "start": 1, "stop": 3},
    Kick: {"at": 0, "pathway": 1, "factor": 2.0},
    Jitter: {"at": 0, "std": 0.1, "seed": 3},
    Record: {
        "frames": 9,
        "every": None,
        "sharpness": True,
        "eigenvalues": 1,
        "maps": False,
        "spacing": "log",
    },
    Spectrum: {"singular_values": (1.0, 0.5), "n_in": None, "n_out": None},
    Tree: {"levels": 2},
    Target: {"rows": ((1.0, 2.0),), "source": "1a2b:matrix:::centre"},
    Dataset: {
        "inputs": [[1.0], [2.0]],
        "outputs": [[1.0], [0.0]],
        "whiten": True,
        "center": False,
        "source": "iris:samples:5::whiten",
        "keep": True,
    },
    Experiment: PAPER | {"engine": "auto"},
}

FIELDS = [(kind, name) for kind, values in VALID.items() for name in values]


def test_every_field_has_wrong_values():
    assert set(WRONG) == set(SPECS)
    for kind, values in VALID.items():
        kind(**values)
        assert set(WRONG[kind]) == set(values)
        assert {f.name for f in dataclasses.fields(kind)} - {"statistics", "kept"} <= set(values)


@pytest.mark.parametrize(
    ("kind", "name"), FIELDS, ids=[f"{kind.__name__}-{name}" for kind, name in FIELDS]
)
def test_a_wrong_value_is_refused_in_a_sentence(kind, name):
    for place, wrong in enumerate(WRONG[kind][name]):
        try:
            with refused():
                kind(**VALID[kind] | {name: wrong})
        except (AssertionError, pytest.fail.Exception) as error:
            pytest.fail(f"{kind.__name__}: {name} number {place}, a {type(wrong)}: {error}")


DESCENT = Descent(step_size=0.1, steps=9)


def with_parts(**parts):
    return lambda: Experiment(**PAPER | parts)


two_modes = Spectrum(singular_values=(1.0, 0.5))
raw_data = Dataset(inputs=[[1.0], [2.0]], outputs=[[1.0], [0.0]], whiten=False)

MISFITS = {
    "more scales than pathways": (
        with_parts(start=Balanced(scales=(0.1, 0.1, 0.1))),
        ["2 pathways", "3 entries"],
    ),
    "fewer scales than pathways": (
        with_parts(start=LayerScales(scales=((0.1,) * 20,))),
        ["2 pathways", "1 entries"],
    ),
    "more scales than layers": (
        with_parts(start=LayerScales(scales=((0.1,) * 20, (0.1,) * 21))),
        ["pathway 2", "20 layers", "21 scales"],
    ),
    "fewer scales than layers": (
        with_parts(start=LayerScales(scales=((0.1,), (0.1,) * 20))),
        ["pathway 1", "20 layers", "1 scales"],
    ),
    "narrower than the modes": (
        with_parts(task=two_modes, network=Network(depths=(20, 20), width=1)),
        ["at least 2", "got 1"],
    ),
    "modes of a random start": (
        with_parts(start=Gaussian(std=0.1), engine="modes"),
        ["aligned", "matrices"],
    ),
    "modes of raw data": (with_parts(task=raw_data, engine="modes"), ["whitened", "matrices"]),
    "an event of a pathway that is not there": (
        with_parts(dynamics=DESCENT.with_events((Kick(at=3, pathway=2, factor=2.0),))),
        ["2 pathways", "pathway 3"],
    ),
    "all frozen for good": (
        with_parts(
            dynamics=DESCENT.with_events(tuple(Freeze(pathway=h, start=3 * h) for h in range(2)))
        ),
        ["all pathways", "frozen for good"],
    ),
    "too many weights": (
        with_parts(network=Network(depths=(20, 20), width=1000), engine="matrices"),
        ["4000000 weights", "36004000"],
    ),
    "too many records": (
        with_parts(dynamics=Descent(step_size=0.1, steps=200_000)),
        ["200000 records", "200001"],
    ),
    "too many numbers": (
        with_parts(
            task=Tree(levels=5),
            dynamics=Descent(step_size=0.1, steps=20_000),
            record=Record(every=1, maps=True),
        ),
        [f"{50_000_000 // (7 + 2 * (3 * 32 + 63 * 32))} records", "20001"],
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_parts_that_do_not_fit_are_refused(name):
    build, words = MISFITS[name]
    with refused(*words):
        build()


def test_what_just_fits_is_not_refused():
    with_parts(network=Network(depths=(1, 1), width=1), task=two_modes)()  # has no hidden layer
    with_parts(network=Network(depths=(20, 20), width=1), start=Gaussian(std=0.1))()
    with_parts(dynamics=Descent(step_size=0.1, steps=199_999))()


# --- What an experiment says of itself ---------------------------------------------------------


@many
@given(
    last=st.integers(1, 10**7), frames=st.integers(2, 5000), every=st.none() | st.integers(1, 999)
)
def test_records_start_at_zero_end_at_the_last_step_and_keep_their_stride(last, frames, every):
    record = Record(frames=frames, every=every)
    steps = record.steps(last)
    strides = np.diff(steps)
    assert (steps[0], steps[-1]) == (0, last)
    assert len(steps) == 1 + math.ceil(last / record.stride(last))
    assert (strides[:-1] == record.stride(last)).all()
    assert 0 < strides[-1] <= record.stride(last)
    if every is None:
        assert len(steps) <= frames
        assert record.stride(last) % 2 == 1  # an even one would hide a period-2 oscillation
    else:
        assert record.stride(last) == every


@many
@given(last=st.integers(1, 10**7), frames=st.integers(2, 3000))
def test_records_that_grow_sparser_begin_with_every_step_and_keep_odd_gaps(last, frames):
    record = Record(frames=frames, spacing="log")
    steps = record.steps(last)
    gaps = np.diff(steps)
    assert (steps[0], steps[-1]) == (0, last)
    assert len(steps) == record.count(last) <= frames
    assert (gaps[:-1] % 2 == 1).all()
    assert (np.diff(gaps[:-1]) >= 0).all()
    assert gaps[-1] > 0
    if last < frames:
        assert (gaps == 1).all()
    # gap number k is the odd number in [r^k - 1, r^k + 1]: some ratio r fits all of them
    power = np.arange(1, len(gaps))
    least = np.maximum(gaps[:-1] - 1, 1) ** (1 / power)
    most = (gaps[:-1] + 1) ** (1 / power)
    assert least.max(initial=1) <= most.min(initial=np.inf)


def test_a_long_run_keeps_its_early_events():
    steps = Record(spacing="log").steps(1_000_000)
    assert len(steps) == 600
    assert (steps[:40] == np.arange(40)).all()
    early = steps[(steps > 100) & (steps < 500)]
    assert len(early) > 50
    assert (np.diff(early) < 0.03 * early[:-1]).all()


def test_flow_times_that_grow_sparser():
    times = Record(frames=300, spacing="log").times(50.0)
    gaps = np.diff(times)
    assert (len(times), times[0], times[-1]) == (300, 0.0, 50.0)
    assert gaps[0] == pytest.approx(50e-6, rel=1e-6)
    assert gaps[1:] / gaps[:-1] == pytest.approx(gaps[1] / gaps[0], rel=1e-6)


def test_so_many_steps_between_records_and_growing_gaps_exclude_each_other():
    with refused("every so many steps needs even spacing"):
        Record(every=2, spacing="log")


def test_a_later_field_is_written_only_where_it_is_not_usual():
    assert "spacing" not in Record().to_dict()
    sparse = Record(spacing="log")
    assert sparse.to_dict() == Record().to_dict() | {"spacing": "log"}
    assert Record.from_dict(Record().to_dict() | {"spacing": "even"}) == Record()


class Loud:
    """Something whose description must not be asked for."""

    def __repr__(self):
        raise AssertionError("described without need")


def test_what_came_is_described_in_a_refusal_only():
    require(True, "this needs nothing", Loud())
    with refused("this needs more, got 'a', got 2"):
        require(False, "this needs more", "a", 2)


@few
@given(one=experiments())
def test_the_engine_edge_and_shapes_follow_from_the_parts(one):
    aligned = not isinstance(one.start, Gaussian)
    exact = aligned and one.task.whitened
    full = "matrices" if one.network.activation == "linear" else "samples"
    assert one.resolved_engine == (
        one.engine if one.engine != "auto" else "modes" if exact else full
    )
    if isinstance(one.dynamics, Flow):
        assert one.edge is None
    elif one.dynamics.plain:
        assert one.edge == 2 / one.dynamics.step_size
    shapes = iter(one.network.shapes(one.task))
    for depth in one.network.depths:
        rows = one.task.n_in
        for _ in range(depth):
            following, columns = next(shapes)
            assert columns == rows
            rows = following
        assert rows == one.task.n_out
    assert next(shapes, None) is None
    sizes = (rows * columns for rows, columns in one.network.shapes(one.task))
    assert one.network.weights(one.task) == sum(sizes)


@few
@given(one=experiments(aligned=True))
def test_aligned_starts_multiply_to_their_strengths(one):
    depths, start = one.network.depths, one.start
    scales = start.layer_scales(depths)
    assert tuple(map(len, scales)) == depths
    products = [math.prod(row) for row in scales]
    assert start.strengths() == pytest.approx(products, rel=1e-12, abs=1e-300)
    assert start.balanced == all(len(set(row)) == 1 for row in scales)


# --- JSON that was tampered with ---------------------------------------------------------------

tags = st.sampled_from([kind.__name__ for kind in SPECS] + ["Spec", "Task", "type", "object", ""])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, 1e308, -1e308, 5e-324, 2**63, 0, 1])
    | st.text(max_size=5)
    | tags
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.just("type"), inner, max_size=3)
        | st.fixed_dictionaries({"type": tags}, optional={"depths": inner, "scales": inner})
    ),
    max_leaves=8,
)


def places(plain):
    """(holder, key) of everything in plain JSON data, not looking deeper than a spec goes."""
    waiting, found = [(plain, 0)], []
    while waiting:
        holder, depth = waiting.pop()
        keys = range(len(holder)) if isinstance(holder, list) else list(holder)
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], (list, dict)) and depth < 8:
                waiting.append((holder[key], depth + 1))
    return found


def spoil(draw, plain):
    """One change of plain JSON data, in place."""
    holder, key = draw(st.sampled_from(places(plain)))
    value = holder[key]
    change = draw(st.sampled_from(["drop", "replace", "extra", "tag", "repeat", "nest"]))
    if change == "drop":
        del holder[key]
    elif change == "extra" and isinstance(value, dict):
        value[draw(st.text(max_size=5) | st.sampled_from(["inputs", "depths", "key"]))] = 1
    elif change == "tag" and isinstance(value, dict):
        value["type"] = draw(tags | json_values)
    elif change == "repeat" and isinstance(value, list):
        holder[key] = value * draw(st.sampled_from([0, 2, 500]))
    elif change == "nest":
        for _ in range(draw(st.sampled_from([1, 2, 300, 5000]))):
            value = [value]
        holder[key] = value
    else:
        holder[key] = draw(json_values)


@st.composite
def spoiled(draw):
    plain = json.loads(json.dumps(draw(experiments()).to_dict()))
    for _ in range(draw(st.integers(1, 3))):
        if plain:
            spoil(draw, plain)
    return plain


def check_reading(kind, data):
    """Reading gives a sound spec or one sentence; what was read can be written and read again."""
    try:
        one = kind.from_dict(data)
    except ValueError as error:
        check_refusal(error)
    else:
        assert isinstance(one, kind)
        assert kind.from_dict(json.loads(json.dumps(one.to_dict(), allow_nan=False))) == one


@many
@given(data=spoiled())
def test_a_spoiled_experiment_is_read_soundly_or_refused(data):
    check_reading(Experiment, data)


@many
@given(kind=st.sampled_from(list(SPECS)), data=json_values)
def test_any_json_is_read_soundly_or_refused(kind, data):
    check_reading(kind, data)


@many
@given(kind=st.sampled_from(list(SPECS)), data=st.data())
def test_a_known_type_with_any_fields_is_read_soundly_or_refused(kind, data):
    names = [f.name for f in dataclasses.fields(kind)]
    values = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, json_values)))
    check_reading(kind, {"type": kind.__name__} | values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("task"), ["Experiment", "task"]),
        (lambda d: (d.pop("task"), d.pop("start")), ["task and start"]),
        (lambda d: d["dynamics"].pop("steps"), ["Descent", "steps"]),
        (lambda d: d.update(steps=3), ["Experiment", "steps", "dynamics"]),
        (lambda d: d["task"].update(type="Forest"), ["Forest", "Spectrum"]),
        (lambda d: d["task"].pop("type"), ["type", "None"]),
        (lambda d: d.update(type="Network", task=0), ["Network has no field", "task"]),
    ],
)
def test_what_is_wrong_with_saved_data_is_named(change, words):
    plain = Experiment(**PAPER).to_dict()
    change(plain)
    with refused(*words):
        Experiment.from_dict(plain)


def test_a_saved_spec_of_another_class_is_refused():
    with refused("Experiment", "Network"):
        Experiment.from_dict(Network(depths=(1,)).to_dict())


@pytest.mark.parametrize("depth", [2, 900, 5000])
def test_bottomless_data_is_refused(depth):
    nested = []
    for _ in range(depth):
        nested = [nested]
    for data in (nested, {"type": "Network", "depths": nested}):
        with refused():
            Network.from_dict(data)
