"""A run as it is kept: its arrays, its sentences, and its way to disk and back."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy_format
from strategies import check_refusal, experiments, refused

from simcore import archive
from simcore.experiment import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Record,
)
from simcore.simulate import simulate
from simcore.tasks import Dataset, Spectrum, Target
from simcore.trajectory import Outcome, Trajectory

usual = settings(max_examples=40, deadline=None)

DATA = Dataset(
    inputs=np.random.default_rng(0).normal(size=(20, 3)) + 0.5,
    outputs=np.random.default_rng(1).normal(size=(20, 2)),
    whiten=False,
)
FULL = Record(frames=9, maps=True, eigenvalues=2)

CASES = {
    "modes": Experiment(
        task=Spectrum(singular_values=(1.0, 0.5), n_out=3),
        network=Network(depths=(3, 4)),
        start=Balanced(scales=(0.2, 0.1)),
        dynamics=Descent(step_size=0.1, steps=40),
        record=FULL,
    ),
    "modes, flow": Experiment(
        task=Target(rows=[[1.0, 0.3], [0.2, -0.5], [0.1, 0.4]]),
        network=Network(depths=(2, 3)),
        start=LayerScales(scales=((0.5, 0.1), (0.3, 0.0, 0.6))),
        dynamics=Flow(duration=6.0),
        record=FULL,
    ),
    "matrices": Experiment(
        task=DATA,
        network=Network(depths=(1, 3), width=4),
        start=Gaussian(std=0.3, seed=5),
        dynamics=Descent(step_size=0.05, steps=41),
        record=FULL,
    ),
    "matrices, flow": Experiment(
        task=DATA,
        network=Network(depths=(2,), width=4),
        start=Gaussian(std=0.3, seed=5),
        dynamics=Flow(duration=3.0),
        record=Record(every=2),
    ),
    "without sharpness": Experiment(
        task=DATA,
        network=Network(depths=(2, 2)),
        start=Gaussian(std=0.3),
        dynamics=Descent(step_size=0.05, steps=20),
        record=Record(frames=5, sharpness=False, eigenvalues=3),
    ),
    "diverging": Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=(3, 3)),
        start=Balanced(scales=(0.5, 0.1)),
        dynamics=Descent(step_size=30.0, steps=100),
        record=FULL,
    ),
}


@pytest.fixture(scope="module")
def runs():
    return {name: simulate(case) for name, case in CASES.items()}


@pytest.fixture(params=CASES)
def run(request, runs):
    return runs[request.param]


def arrays_of(run):
    values = {f.name: getattr(run, f.name) for f in dataclasses.fields(run)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def assert_same(one, other):
    """Equal to the last bit, nan included."""
    assert other.experiment == one.experiment
    assert other.outcome is one.outcome
    assert other.seconds == one.seconds
    assert (one.maps is None, one.theta is None) == (other.maps is None, other.theta is None)
    assert arrays_of(one).keys() == arrays_of(other).keys()
    for name, array in arrays_of(one).items():
        twin = arrays_of(other)[name]
        assert (twin.dtype, twin.shape) == (array.dtype, array.shape), name
        assert twin.tobytes() == array.tobytes(), name


def assert_sealed(run):
    for name, array in arrays_of(run).items():
        assert array.dtype == (np.int64 if name == "steps" else np.float64), name
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


# --- Arrays ------------------------------------------------------------------------------------


@usual
@given(experiment=experiments())
def test_the_arrays_have_the_documented_shapes(experiment):
    run = simulate(experiment)
    task, network, record = experiment.task, experiment.network, experiment.record
    records, pathways, modes = len(run.steps), network.pathways, len(task.singular_values)
    weights = sum(rows * columns for rows, columns in network.shapes(task))
    expected = {
        "steps": (records,),
        "time": (records,),
        "loss": (records,),
        "strengths": (records, pathways, modes),
        "eigenvalues": (records, record.eigenvalues),
        "residuals": (records, record.eigenvalues),
        "loss_range": (records, 2),
        "strengths_range": (records, 2, pathways, modes),
    }
    if record.maps:
        expected["maps"] = (records, pathways, task.n_out, task.n_in)
    if experiment.resolved_engine != "modes":
        expected["theta"] = (weights,)
        if experiment.dynamics.momentum and run.outcome is Outcome.FINISHED:
            expected["velocity"] = (weights,)
    if experiment.dynamics.freezes:
        expected["moving_sharpness"] = (records,)
    assert {name: array.shape for name, array in arrays_of(run).items()} == expected
    assert run.sharpness.shape == (records,)
    assert_sealed(run)
    edge = experiment.edge
    if edge is None:
        assert run.edge is None
    elif run.outcome is Outcome.FINISHED:  # others may end before the step size changes
        assert run.edge[-1] == edge
    assert run.seconds > 0


@usual
@given(experiment=experiments())
def test_records_run_from_the_start_to_the_end(experiment):
    run = simulate(experiment)
    dynamics = experiment.dynamics
    assert (run.steps[0], run.time[0]) == (0, 0.0)
    assert (np.diff(run.time) > 0).all()
    assert (np.diff(run.steps) >= 0).all()
    if isinstance(dynamics, Descent):
        wanted = dynamics.recorded(experiment.record)
        np.testing.assert_array_equal(run.steps, wanted[: len(run.steps)])
        np.testing.assert_array_equal(run.time, dynamics.times(run.steps))
    if run.outcome is Outcome.FINISHED:
        assert run.time[-1] == dynamics.duration
        for values, spans in ((run.loss, run.loss_range), (run.strengths, run.strengths_range)):
            assert (spans[:, 0] <= values).all()
            assert (values <= spans[:, 1]).all()


@usual
@given(experiment=experiments())
def test_eigenvalues_are_there_when_asked_for(experiment):
    run = simulate(experiment)
    if not experiment.record.sharpness:
        assert np.isnan(run.eigenvalues).all()
        assert np.isnan(run.residuals).all()
    elif run.outcome is Outcome.FINISHED:
        assert np.isfinite(run.sharpness).all()
        spread = 1e-9 * (1 + np.abs(run.sharpness))[:, None]
        assert not (np.diff(run.eigenvalues, axis=1) > spread).any()  # largest first


def test_maps_are_kept_only_when_asked_for(runs):
    assert runs["matrices, flow"].maps is None
    assert runs["modes"].maps is not None


def moment_loss(task, linear_map):
    s_xx, s_yx, s_yy = task.moments()
    return ((linear_map @ s_xx) * linear_map).sum() / 2 - (linear_map * s_yx).sum() + s_yy / 2


with_maps = st.builds(Record, frames=st.integers(2, 6), maps=st.just(True))
gentle = st.builds(Descent, step_size=st.floats(1e-3, 5e-3), steps=st.integers(1, 20))


@usual
@given(experiment=experiments(record=with_maps, dynamics=gentle))
def test_the_maps_add_up_to_the_map_whose_loss_and_strengths_are_recorded(experiment):
    run, task = simulate(experiment), experiment.task
    (left, right), scale = task.bases(), 1 + task.moments()[2]
    for maps, loss, strengths in zip(run.maps, run.loss, run.strengths, strict=True):
        recorded = pytest.approx(loss, rel=1e-10, abs=1e-11 * scale)
        assert moment_loss(task, maps.sum(axis=0)) == recorded
        projected = np.einsum("or,hoi,ir->hr", left, maps, right)
        np.testing.assert_allclose(projected, strengths, rtol=1e-10, atol=1e-12)


whitened = experiments(aligned=True, record=with_maps, dynamics=gentle).filter(
    lambda experiment: experiment.task.whitened
)


@usual
@given(experiment=whitened)
def test_both_engines_give_the_same_maps(experiment):
    one, other = (
        simulate(dataclasses.replace(experiment, engine=engine)) for engine in ("modes", "matrices")
    )
    assert one.theta is None
    assert other.theta is not None
    np.testing.assert_allclose(one.maps, other.maps, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(one.strengths, other.strengths, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(one.loss, other.loss, rtol=1e-10, atol=1e-10)


# --- How it ended ------------------------------------------------------------------------------


def test_outcomes_are_sentences():
    assert Outcome.FINISHED == ""
    for outcome in set(Outcome) - {Outcome.FINISHED}:
        assert str(outcome) == outcome.value
        assert 20 < len(outcome) < 300
        assert outcome[0].isupper()
        assert outcome.endswith(".")
        assert "\n" not in outcome


def test_how_a_run_ended_is_its_outcome(runs):
    diverged = runs["diverging"]
    assert diverged.outcome is Outcome.DIVERGED
    assert len(diverged.steps) < len(CASES["diverging"].record.steps(100))
    for name in set(CASES) - {"diverging"}:
        assert runs[name].outcome is Outcome.FINISHED
    cancelled = simulate(CASES["modes"], on_progress=lambda fraction: False)
    assert cancelled.outcome is Outcome.CANCELLED
    assert cancelled.steps.tolist() == [0]


# --- To disk and back --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["text", "Path"])
@pytest.mark.parametrize("name", ["run.npz", "run", "run.of.mine", "Lauf ä.npz"])
def test_a_file_holds_the_run_to_the_last_bit(runs, tmp_path, kind, name):
    path = kind(tmp_path / name)
    for run in runs.values():
        run.save(path)
        assert [file.name for file in tmp_path.iterdir()] == [name]
        assert_same(run, Trajectory.load(path))
        assert_sealed(Trajectory.load(path))


def test_a_file_object_holds_the_run_to_the_last_bit(run, tmp_path):
    memory = io.BytesIO()
    run.save(memory)
    memory.seek(0)
    assert_same(run, Trajectory.load(memory))
    with open(tmp_path / "run.npz", "wb") as file:
        run.save(file)
    with open(tmp_path / "run.npz", "rb") as file:
        assert_same(run, Trajectory.load(file))


@usual
@given(experiment=experiments())
def test_any_run_can_be_saved(experiment):
    run, memory = simulate(experiment), io.BytesIO()
    run.save(memory)
    assert_same(run, Trajectory.load(io.BytesIO(memory.getvalue())))


def test_a_file_is_plain_numbers_and_json(run, tmp_path):
    run.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz", allow_pickle=False) as file:
        header = json.loads(str(file["header"]))
        assert all(file[name].dtype.kind in "fi" for name in file.files if name != "header")
    assert header["experiment"] == run.experiment.to_dict()
    assert header["outcome"] == run.outcome.name


@pytest.mark.parametrize("travel", [lambda run: pickle.loads(pickle.dumps(run)), copy.deepcopy])
def test_a_pickled_run_is_the_same_and_still_read_only(run, travel):
    other = travel(run)
    assert_same(run, other)
    assert_sealed(other)


def test_a_run_does_not_share_the_arrays_it_was_built_from(runs):
    parts = {f.name: getattr(runs["modes"], f.name) for f in dataclasses.fields(Trajectory)}
    mine = np.array(parts["loss"])
    run = Trajectory(**parts | {"loss": mine})
    mine[:] = -1
    np.testing.assert_array_equal(run.loss, runs["modes"].loss)


# --- Files that are none -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(runs):
    """The bytes of a saved run, and its parts: header and arrays."""
    memory = io.BytesIO()
    runs["modes"].save(memory)
    with np.load(io.BytesIO(memory.getvalue())) as file:
        parts = {name: file[name] for name in file.files}
    return memory.getvalue(), json.loads(str(parts.pop("header"))), parts


def npz(**arrays):
    memory = io.BytesIO()
    np.savez_compressed(memory, **arrays)
    return memory.getvalue()


def npy(array):
    memory = io.BytesIO()
    np.save(memory, array)
    return memory.getvalue()


def zipped(**entries):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return memory.getvalue()


FOREIGN = {
    "nothing": b"",
    "text": b"step,loss\n0,1.0\n",
    "json": b'{"format": 1}',
    "noise": np.random.default_rng(0).bytes(500),
    "start of a zip": b"PK\x03\x04",
    "empty zip": zipped(),
    "zip of text": zipped(header="{}", loss="1"),
    "pickle": pickle.dumps({"loss": 1}),
    "array": npy(np.zeros(3)),
    "array of objects": npy(np.array([{}], dtype=object)),
    "other arrays": npz(x=np.zeros(3)),
    "objects": npz(header=np.array({}, dtype=object)),
    "header of numbers": npz(header=np.zeros(3)),
    "header of lists": npz(header=np.array("[]")),
    "header of text": npz(header=np.array("format 1")),
    "header of nothing": npz(header=np.array("")),
    "header too deep": npz(header=np.array("[" * 100_000)),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_is_refused(name, tmp_path):
    path = tmp_path / "run.npz"
    path.write_bytes(FOREIGN[name])
    with refused("saved by this program", path.name):
        Trajectory.load(path)
    with refused("saved by this program"):
        Trajectory.load(io.BytesIO(FOREIGN[name]))


def test_a_truncated_file_is_refused(saved):
    content = saved[0]
    whole = len(content.rstrip(b"\0"))  # zeros end the file, as many as its size leaves
    for length in range(0, whole, 97):
        for rest in (b"", bytes(len(content) - length)):  # cut off, or never written
            with refused("saved by this program"):
                Trajectory.load(io.BytesIO(content[:length] + rest))


def test_a_damaged_file_is_refused_or_gives_the_run(runs, saved):
    content, rng = saved[0], np.random.default_rng(0)
    for place in rng.integers(0, len(content), 400):
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.integers(8)
        try:
            other = Trajectory.load(io.BytesIO(bytes(damaged)))
        except ValueError as error:
            check_refusal(error)
        else:
            assert_same(runs["modes"], other)


BAD_HEADERS = {
    "no format": lambda h: h.pop("format"),
    "another format": lambda h: h.update(format=99),
    "no outcome": lambda h: h.pop("outcome"),
    "unknown outcome": lambda h: h.update(outcome="EXPLODED"),
    "list as outcome": lambda h: h.update(outcome=[]),
    "no experiment": lambda h: h.pop("experiment"),
    "another spec": lambda h: h.update(experiment=Network(depths=(1,)).to_dict()),
    "a spoiled experiment": lambda h: h["experiment"]["dynamics"].update(step_size=-1),
    "text as seconds": lambda h: h.update(seconds="long"),
    "endless seconds": lambda h: h.update(seconds=float("inf")),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_a_spoiled_header_is_refused(name, saved):
    _, header, arrays = saved
    header = copy.deepcopy(header)
    BAD_HEADERS[name](header)
    with refused():
        Trajectory.load(io.BytesIO(npz(header=np.array(json.dumps(header)), **arrays)))


BAD_ARRAYS = {
    "one too many": lambda a: a.update(momentum=np.zeros(3)),
    "one missing": lambda a: a.pop("loss"),
    "no maps where asked for": lambda a: a.pop("maps"),
    "a record too few": lambda a: a.update(loss=a["loss"][:-1]),
    "a pathway too many": lambda a: a.update(strengths=np.repeat(a["strengths"], 2, axis=1)),
    "an eigenvalue too many": lambda a: a.update(eigenvalues=np.zeros((len(a["loss"]), 3))),
    "flat maps": lambda a: a.update(maps=a["maps"].reshape(len(a["loss"]), -1)),
    "a single number": lambda a: a.update(time=np.array(1.0)),
    "no records": lambda a: a.update({name: array[:0] for name, array in a.items()}),
    "text": lambda a: a.update(loss=a["loss"].astype(str)),
    "complex numbers": lambda a: a.update(loss=a["loss"] + 1j),
    "dates": lambda a: a.update(time=a["steps"].astype("datetime64[s]")),
    "broken steps": lambda a: a.update(steps=a["steps"] + 0.5),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_spoiled_arrays_are_refused(name, saved):
    _, header, arrays = saved
    arrays = dict(arrays)
    BAD_ARRAYS[name](arrays)
    with refused("saved by this program"):
        Trajectory.load(io.BytesIO(npz(header=np.array(json.dumps(header)), **arrays)))


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        Trajectory.load(tmp_path / "none.npz")


# --- Files that say something else -------------------------------------------------------------


def repacked(saved, change, *, resigned):
    """The saved run with something changed; `resigned`: its checksum fits again, or is left out."""
    _, header, arrays = saved
    header, arrays = copy.deepcopy(header), dict(arrays)
    change(header, arrays)
    if resigned is None:
        header.pop("checksum")
    elif resigned:
        header["checksum"] = archive.checksum(
            {name: value for name, value in header.items() if name != "checksum"}, arrays
        )
    return io.BytesIO(npz(header=np.array(json.dumps(header)), **arrays))


LIES = {
    "steps reversed": lambda h, a: a.update(steps=a["steps"][::-1]),
    "time in other units": lambda h, a: a.update(time=a["time"] * 7),
    "another step size": lambda h, a: h["experiment"]["dynamics"].update(step_size=0.123),
    "another stride": lambda h, a: h["experiment"]["record"].update(every=3),
    "more steps": lambda h, a: h["experiment"]["dynamics"].update(steps=10**6),
}


@pytest.mark.parametrize("resigned", [False, True, None])
@pytest.mark.parametrize("lie", LIES)
def test_a_clock_of_another_run_is_refused(saved, lie, resigned):
    """Even where the checksum was made to fit, or left out as in files of before."""
    with refused("saved by this program"):
        Trajectory.load(repacked(saved, LIES[lie], resigned=resigned))


@pytest.mark.parametrize("name", ["loss", "strengths", "eigenvalues", "time"])
def test_a_number_that_was_changed_is_noticed(saved, name):
    def change(header, arrays):
        arrays[name] = arrays[name] * (1 + 1e-15) + 1e-300

    with refused("saved by this program"):
        Trajectory.load(repacked(saved, change, resigned=False))


def test_a_file_of_before_has_no_checksum_and_loads(runs, saved):
    assert_same(runs["modes"], Trajectory.load(repacked(saved, lambda *_: None, resigned=None)))


@pytest.mark.parametrize("name", ["loss", "maps", "other"])
def test_a_bomb_is_not_unpacked(saved, name):
    """Two million bytes that unpack to two thousand million."""
    _, header, arrays = saved
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as packed:
        for key, array in {"header": np.array(json.dumps(header)), **arrays}.items():
            if key != name:
                packed.writestr(f"{key}.npy", npy(array))
        with packed.open(f"{name}.npy", "w", force_zip64=True) as member:
            shape = (250_000_000,)
            npy_format.write_array_header_1_0(
                member, {"descr": "<f8", "fortran_order": False, "shape": shape}
            )
            for _ in range(20):
                member.write(bytes(10_000_000))
    tracemalloc.start()
    with refused("saved by this program"):
        Trajectory.load(memory)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_hostile_files_are_refused_or_give_the_run(runs, saved):
    """500 files, each the saved run with bytes, entries, headers or arrays spoiled at random."""
    content, header, arrays = saved
    draw = np.random.default_rng(11)

    def spoiled():
        kind = draw.integers(4)
        if kind == 0:
            damaged = bytearray(content)
            for place in draw.integers(0, len(content), int(draw.integers(1, 20))):
                damaged[place] = draw.integers(256)
            return bytes(damaged)
        lines, parts = copy.deepcopy(header), dict(arrays)
        name = str(draw.choice(list(parts)))
        if kind == 1:
            field = draw.choice(["format", "experiment", "outcome", "seconds", "checksum"])
            lines[str(field)] = [None, 7, "x", [], {}, -1.5, 10**400][draw.integers(7)]
        elif kind == 2:
            parts[name] = [
                np.zeros((int(draw.integers(1, 9)),) * int(draw.integers(1, 4))),
                parts[name].astype("<f4"),
                np.asfortranarray(parts[name]),
                np.array("text"),
                parts[name][:0],
            ][draw.integers(5)]
        else:
            parts[f"extra{draw.integers(99)}"] = np.zeros(3)
        return npz(header=np.array(json.dumps(lines)), **parts)

    for _ in range(500):
        try:
            other = Trajectory.load(io.BytesIO(spoiled()))
        except ValueError as error:
            check_refusal(error)
        else:
            assert_same(runs["modes"], other)
