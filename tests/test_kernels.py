"""Each kernel against its naive twin, each naive twin against the one before it.

The chain of trust: loss (by inspection) -> its complex step -> naive gradient -> its complex step,
the naive Hessian -> the compiled kernels. Then what makes kernels trustworthy in use: one compiled
version each, and the same numbers when they run as ordinary Python.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import naive
import numpy as np
import pytest
from cases import (
    ALIGNED,
    CASES,
    FEW,
    INPUTS,
    OUTPUTS,
    RUNS,
    SAMPLED,
    descending,
    driven,
    flowing,
    random_weights,
)

from simcore import (
    Balanced,
    CentralFlow,
    Gaussian,
    Network,
    Record,
    Spectrum,
    curvature,
    horizon,
    looks,
    regimes,
    simulate,
    sweep,
    theory,
)
from simcore.kernels import matrices
from simcore.matrices_engine import MatricesEngine

every_case = pytest.mark.parametrize("experiment", CASES.values(), ids=CASES)
every_run = pytest.mark.parametrize(
    "experiment", [replace(CASES[n], engine=e) for n, e in RUNS], ids=[f"{n}-{e}" for n, e in RUNS]
)

# A dataset, and samples whose plain mean square its loss must be.
CENTRED = INPUTS - INPUTS.mean(axis=0), OUTPUTS - OUTPUTS.mean(axis=0)
SAMPLES = {
    "data": (INPUTS, OUTPUTS),
    "aligned data": (INPUTS, OUTPUTS),
    "centred data": CENTRED,
    "whitened data": (INPUTS, OUTPUTS),
    "centred whitened data": CENTRED,
    "few samples": (FEW, OUTPUTS[:2]),
}


def close(actual, expected, tolerance):
    """Whether two arrays agree relative to the largest entry of what is expected."""
    scale = np.abs(expected).max()
    return np.abs(actual - expected).max() <= tolerance * scale


# --- The twins -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_loss_is_the_mean_square_over_samples(name):
    experiment = CASES[name]
    inputs, outputs = SAMPLES[name]
    if experiment.task.whitened:  # Sigma_xx^{-1/2} x, with the symmetric root
        values, vectors = np.linalg.eigh(inputs.T @ inputs / len(inputs))
        inputs = inputs @ (vectors / np.sqrt(values)) @ vectors.T
    theta = random_weights(experiment)
    expected = naive.sample_loss(naive.maps(experiment, theta).sum(axis=0), inputs, outputs)
    assert naive.loss(experiment, theta) == pytest.approx(expected, rel=1e-12)


@every_case
def test_loss_of_a_whitened_task_is_half_the_squared_distance_to_the_target(experiment):
    task, theta = experiment.task, random_weights(experiment)
    (left, right), sigma = task.bases(), np.array(task.singular_values)
    misfit = naive.maps(experiment, theta).sum(axis=0) - left * sigma @ right.T
    s_xx, _, _ = task.moments()
    expected = 0.5 * np.trace(misfit @ s_xx @ misfit.T)
    assert naive.loss(experiment, theta) == pytest.approx(expected + task.floor(), rel=1e-12)


@every_case
def test_naive_gradient_is_the_complex_step_of_the_loss(experiment):
    theta = random_weights(experiment)
    slopes = [naive.along(naive.loss, experiment, theta, unit) for unit in np.eye(len(theta))]
    assert close(naive.gradient(experiment, theta), np.array(slopes), 1e-13)


@every_case
def test_naive_hessian_is_symmetric(experiment):
    dense = naive.hessian(experiment, random_weights(experiment))
    assert close(dense, dense.T, 1e-13)


# --- Loss, gradient and Hessian-vector product -----------------------------------------------


@every_case
def test_layers_are_views_of_theta(experiment):
    theta = random_weights(experiment)
    views = curvature.layers(experiment, theta)
    for ours, expected in zip(views, naive.layers(experiment, theta), strict=True):
        assert [w.tolist() for w in ours] == [w.tolist() for w in expected]
    views[-1][-1][:] = 0.0
    assert (naive.layers(experiment, theta)[-1][-1] == 0.0).all()


@every_case
def test_loss_equals_its_naive_twin(experiment):
    theta = random_weights(experiment)
    expected = naive.loss(experiment, theta)
    assert curvature.loss(experiment, theta) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("width", [63, 64, 68, 111, 112, 121])
@pytest.mark.parametrize("n_in", [3, 70, 114])
def test_long_rows_are_multiplied_in_parts(width, n_in):
    """The product has a way of its own for rows of 64 numbers on, and another from 112 on."""
    experiment = replace(
        CASES["target"],
        task=Spectrum(singular_values=(1.0, 0.5), n_in=n_in, n_out=5),
        network=Network(depths=(3, 2), width=width),
    )
    theta, v = random_weights(experiment), random_weights(experiment, 1)
    expected = naive.gradient(experiment, theta)
    assert close(curvature.gradient(experiment, theta), expected, 1e-12)
    expected = naive.hessian_vector(experiment, theta, v)
    assert close(curvature.hessian_vector(experiment, theta, v), expected, 1e-10)


@every_case
@pytest.mark.parametrize("seed", range(2))
def test_gradient_equals_its_naive_twin(experiment, seed):
    theta = random_weights(experiment, seed)
    expected = naive.gradient(experiment, theta)
    assert close(curvature.gradient(experiment, theta), expected, 1e-10)


@every_case
@pytest.mark.parametrize("seed", range(2))
def test_hessian_vector_equals_its_naive_twin(experiment, seed):
    theta, v = random_weights(experiment, seed), random_weights(experiment, seed + 100)
    expected = naive.hessian_vector(experiment, theta, v)
    assert close(curvature.hessian_vector(experiment, theta, v), expected, 1e-10)


# --- Starts and dynamics ---------------------------------------------------------------------


@every_case
def test_initial_weights_are_those_of_the_start(experiment):
    theta = curvature.initial(experiment)
    start, depths = experiment.start, experiment.network.depths
    if hasattr(start, "std"):
        noise = np.random.default_rng(start.seed).standard_normal(len(theta))
        assert (theta == start.std * noise).all()
        return
    modes = len(experiment.task.singular_values)
    scales = [
        np.tile(np.array(row)[:, None], modes) for row in start.layer_scales(depths)
    ]  # the same scale on every mode
    assert np.abs(theta - naive.aligned(experiment, scales)).max() <= 1e-15
    alphas = np.array(start.strengths())[:, None]
    assert np.abs(naive.strengths(experiment, theta) - alphas).max() <= 1e-14


@every_run
def test_descent_equals_naive_descent(experiment):
    eta, steps = experiment.dynamics.step_size, experiment.dynamics.steps
    run = simulate(replace(experiment, record=Record(every=1, maps=True)))
    walk = list(naive.descent(experiment, curvature.initial(experiment), eta, steps))
    assert len(run.steps) == len(walk) == steps + 1
    assert close(run.loss, np.array([naive.loss(experiment, w) for w in walk]), 1e-12)
    assert close(run.strengths, np.array([naive.strengths(experiment, w) for w in walk]), 1e-12)
    assert close(run.maps, np.array([naive.maps(experiment, w) for w in walk]), 1e-12)
    if run.theta is not None:
        assert close(run.theta, walk[-1], 1e-12)


# --- Compiled and not ------------------------------------------------------------------------

HERE = Path(__file__).parent
ODD = ("few samples", "layers at zero", "unequal depths")  # between them, every branch
ODD_SAMPLED = ("tanh of data", "relu to the last")


def child(code: str, **environment: str) -> object:
    """What `code`, run by a new Python beside this file, prints as JSON."""
    paths = os.pathsep.join([str(HERE), str(HERE.parent)])
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": paths} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def kernels() -> dict[str, object]:
    """Every kernel of every module in simcore/kernels, by the name of the module it stands in."""
    import importlib
    import pkgutil

    from simcore import kernels

    found = {}
    for module in pkgutil.iter_modules(kernels.__path__, "simcore.kernels."):
        for name, kernel in vars(importlib.import_module(module.name)).items():
            if hasattr(kernel, "signatures") and kernel.py_func.__module__ == module.name:
                found[f"{module.name}.{name}"] = kernel
    return found


def several_eigenvalues_of_a_wide_network():
    """Near a minimum."""
    return replace(
        descending(CASES["two pathways"], 0.01, 4),
        network=Network(depths=(4, 4), width=24),
        start=Balanced(scales=(0.8, 0.8)),
        engine="matrices",
        record=Record(frames=3, eigenvalues=2),
    )


def central_flows_at_their_edge():
    """With several critical directions: of two modes, and of full weights from a random start."""
    for engine, start, edge in (
        ("modes", Balanced(scales=(0.02, 0.008)), 3.1),
        ("matrices", Gaussian(std=0.3, seed=2), 3.6),
    ):
        yield replace(
            CASES["two pathways"],
            task=Spectrum(singular_values=(1.0, 0.95)),
            start=start,
            engine=engine,
            dynamics=CentralFlow(step_size=2 / edge, duration=15.0),
            record=Record(frames=4),
        )


def exercise(*engines: str) -> None:
    """Run every case on engines, and so call all their kernels. `make test` does so first: else
    each of the processes that the tests of a fresh clone begin with would compile them."""
    for engine in engines:
        run_every_case(engine)


def run_every_case(engine: str) -> None:
    from simcore.studies import bifurcation

    if engine == "samples":  # the loops are those of the matrices
        for experiment in SAMPLED.values():
            run = simulate(replace(experiment, record=Record(frames=3)))
            curvature.hessian_vector(experiment, run.theta, run.theta)
        return
    for name in CASES if engine == "matrices" else ALIGNED:
        experiment = replace(CASES[name], engine=engine, record=Record(frames=3, eigenvalues=2))
        run = simulate(descending(experiment, 0.01, 4))
        simulate(flowing(experiment, 0.1))
        noisy = driven(experiment, 0.01)
        simulate(noisy)
        regimes.classify(simulate(replace(noisy, dynamics=replace(noisy.dynamics, label_noise=0))))
        past_the_edge = 1.5 * theory.unit_step_size(experiment)
        sweep([descending(experiment, eta, 4) for eta in (0.01, past_the_edge)])
        for end in (run, simulate(descending(experiment, past_the_edge, 4))):
            regimes.classify(end)
            horizon.horizon(end)
        if run.theta is not None:
            curvature.hessian_vector(
                experiment, run.theta, curvature.gradient(experiment, run.theta)
            )
            curvature.sharpness(experiment, run.theta, k=2)
        if isinstance(experiment.start, Balanced) and experiment.task.whitened:
            bifurcation.orbits(experiment, np.array([0.01, 0.02]), budget=3, kept=2)
    if engine == "matrices":
        wide = several_eigenvalues_of_a_wide_network()
        simulate(wide)
        solving = MatricesEngine(wide)
        solving.observe()
        solving.eigenvalues(looks.none)
        assert solving.solver.vectors.shape[1] == len(solving.weights)
        stiff = replace(CASES["two pathways"], engine="matrices", record=Record(frames=3))
        simulate(flowing(stiff, 60.0))
        MatricesEngine(stiff).assist(0.1, np.full(matrices.SIGNS, matrices.OVER))
    else:
        for experiment in central_flows_at_their_edge():
            simulate(experiment)


def versions() -> dict[str, int]:
    """How many compiled versions of each kernel there are, in the cache of all who ran these
    sources, after every case ran on its engines."""
    exercise("modes", "matrices", "samples")
    return {name: count_versions(kernel) for name, kernel in kernels().items()}


def count_versions(kernel) -> int:
    """By the cache's index: a kernel that comes from the cache hides the versions it calls."""
    file = getattr(kernel._cache, "_cache_file", None)
    if file is None:  # nowhere to keep it, so all were compiled here and now
        return len(kernel.signatures)
    return len({signature for signature, *_ in file._load_index()})


BOTH_WIDTHS = ["simcore.kernels.modes._powers", "simcore.kernels.modes.update"]


def test_every_kernel_is_compiled_for_one_signature():
    """One, and not none: a new kernel must be reached by the case table, or whoever ran before; two
    of those for runs alone, four numbers wide, and for the cells of a map."""
    counts = child(
        "import json, test_kernels; print(json.dumps(test_kernels.versions()))",
        NUMBA_DISABLE_JIT="0",
    )
    others = {name: count for name, count in counts.items() if count != 1}
    assert others == dict.fromkeys(BOTH_WIDTHS, 2)
    decorators = sum(
        len(re.findall(r"^@(?:\w+_)?kernel$", path.read_text(), re.MULTILINE))
        for path in (HERE.parent / "simcore" / "kernels").glob("*.py")
    )
    assert len(counts) == decorators > 50


def test_only_the_stamp_compiles():
    """Whoever calls Numba's njit himself gets a cache that does not see edits in other files."""
    folder = HERE.parent / "simcore" / "kernels"
    compiling = {path.name for path in folder.glob("*.py") if "njit" in path.read_text()}
    assert compiling == {"stamp.py"}


def tiny_runs() -> dict[str, list]:
    """A few steps of each dynamics on each engine, as plain numbers."""
    result = {}
    for name in ODD:
        for engine in ("modes", "matrices") if name in ALIGNED else ("matrices",):
            base = replace(CASES[name], engine=engine, record=Record(frames=4, eigenvalues=2))
            kinds = {
                "descent": descending(base, 0.1, 7),
                "driven": driven(base, 0.1),
                "flow": flowing(base, 0.7),
            }
            for kind, experiment in kinds.items():
                run = simulate(experiment)
                quantities = ["loss", "strengths", "eigenvalues"]
                if kind != "flow":  # a flow's ranges are at times that hang on rounding errors
                    quantities += ["loss_range", "strengths_range"]
                for quantity in quantities:
                    result[f"{name} {engine} {kind} {quantity}"] = getattr(run, quantity).tolist()
    for name in ODD_SAMPLED:
        run = simulate(replace(SAMPLED[name], record=Record(frames=4)))
        for quantity in ("loss", "strengths", "eigenvalues", "loss_range", "strengths_range"):
            result[f"{name} {quantity}"] = getattr(run, quantity).tolist()
    return result


def test_kernels_give_the_same_numbers_uncompiled():
    code = "import json, test_kernels; print(json.dumps(test_kernels.tiny_runs()))"
    plain, compiled = child(code, NUMBA_DISABLE_JIT="1"), child(code, NUMBA_DISABLE_JIT="0")
    assert plain.keys() == compiled.keys()
    # engines of each name, quantities of each dynamics
    assert len(plain) == (1 + 2 + 2) * (5 + 5 + 3) + 5 * len(ODD_SAMPLED)
    for key in plain:
        assert np.isfinite(plain[key]).all(), key
        assert close(np.array(plain[key]), np.array(compiled[key]), 1e-12), key
