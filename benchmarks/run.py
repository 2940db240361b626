"""Our kernels against JAX, PyTorch, NumPy, SciPy and diffrax: `make bench`.

First all must compute the same numbers; then they run in turn, round after round, and the median
over rounds of peer time / our time is what counts. The table goes to benchmarks/README.md.

    .venv-bench/bin/python benchmarks/run.py [--rounds 7] [--only descent,flow]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import product
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from simcore import (
    Balanced,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    Network,
    Record,
    Spectrum,
    Target,
    Tree,
    curvature,
    presets,
)
from simcore.kernels import matrices as matrix_kernels
from simcore.matrices_engine import ALONG_RUN, MatricesEngine
from simcore.modes_engine import ModesEngine
from simcore.places import Accuracy
from simcore.samples_engine import SamplesEngine

Run = Callable[[], object]
WARM_UPS = 8  # after which whoever learns how to run has learned it
TURN = 0.02  # seconds, at least, of a turn
PAUSE = 0.4  # seconds: the threads of others look for work for a while after they have had some
SIZES = [(2, 3, 8), (4, 4, 8), (4, 4, 16), (4, 4, 32), (2, 3, 64), (2, 3, 128)]  # H, L, n
GOALS = {8: 4.0, 16: 3.0, 32: 1.5, 64: 1.5, 128: 1.2}  # against JAX, and all others:
BEHIND = {128: 1.2}  # else 1.5
FLOWS, RECORDS = [(2, 3, 8), (4, 4, 8), (4, 4, 16)], 100
WIDTHS = (16, 48, 64)  # of the tree's layers
FIRST_RECORDS = 40  # of the tree's run, every fourth: plateau, descent, minimum
MODES = [(2, 1), (4, 4), (8, 8)]  # H, R
DEPTH = 20
MARKS = "<!-- table -->", "<!-- end of table -->"


# --- Taking turns ----------------------------------------------------------------------------


def take_turns(contenders: dict[str, Run], rounds: int) -> dict[str, list[float]]:
    """Seconds of each contender in each round; before the clock counts everybody runs a few times,
    and threads of whoever ran before have gone to sleep. A turn is as many runs, for everybody, as
    take the fastest a while, because what follows a sleep is cold."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    quickest = np.inf
    for run in contenders.values():
        time.sleep(PAUSE)
        for _ in range(WARM_UPS):
            quickest = min(quickest, _seconds(run, 1))
    runs = max(1, round(TURN / quickest))
    for _ in range(rounds):
        for name, run in contenders.items():
            time.sleep(PAUSE)
            times[name].append(_seconds(run, runs))
    return times


def _seconds(run: Run, runs: int) -> float:
    """Of one of so many runs."""
    begin = time.perf_counter()
    for _ in range(runs):
        run()
    return (time.perf_counter() - begin) / runs


def fastest(variants: dict[str, Run]) -> Run:
    """The variant with the best median of seven."""
    times = take_turns(variants, 7)
    return variants[min(times, key=lambda name: statistics.median(times[name]))]


def ratios(times: dict[str, list[float]]) -> dict[str, float]:
    """Median over rounds of peer time / our time."""
    ours = times["ours"]
    return {
        name: statistics.median(a / b for a, b in zip(mine, ours, strict=True))
        for name, mine in times.items()
        if name != "ours"
    }


def agree(name: str, actual: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    deviation = np.abs(actual - expected).max() / np.abs(expected).max()
    if not deviation <= tolerance:
        raise SystemExit(f"{name} computes something else: off by {deviation:.1e}")


def row(what: str, peer: str, ours: float, theirs: float, ratio: float, goal: float) -> list[str]:
    """One line of the table: times in their natural unit."""
    verdict = "yes" if ratio >= goal else "no"
    line = [what, peer, _time(ours), _time(theirs), f"{ratio:.2f}", f"{goal:g}", verdict]
    print("  ".join(line), flush=True)
    return line


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def rows(what: str, times: dict[str, list[float]], per: int, goals: dict[str, float]) -> list:
    ours = statistics.median(times["ours"]) / per
    return [
        row(what, peer, ours, statistics.median(times[peer]) / per, ratio, goals[peer])
        for peer, ratio in ratios(times).items()
    ]


# --- What is run -----------------------------------------------------------------------------


def full_weights(pathways: int, depth: int, n: int, dynamics: Descent | Flow) -> Experiment:
    """H pathways of L layers of n x n, none aligned with the target."""
    noise = np.random.default_rng(n).standard_normal((n, n))
    target = np.eye(n) + 0.3 / np.sqrt(n) * noise
    return Experiment(
        task=Target(rows=tuple(map(tuple, target.tolist()))),
        network=Network(depths=(depth,) * pathways, width=n),
        start=Gaussian(std=0.7 / np.sqrt(n)),
        dynamics=dynamics,
        record=Record(frames=2, sharpness=False),
        engine="matrices",
    )


def stacked(experiment: Experiment, theta: np.ndarray) -> np.ndarray:
    """theta as W (H, L, n, n)."""
    depths, n = experiment.network.depths, experiment.task.n_in
    return theta.reshape(len(depths), depths[0], n, n).copy()


def descent(rounds: int) -> list:
    import peers_descent as peers

    table = []
    for pathways, depth, n in SIZES:
        steps = int(np.clip(1.5e9 / (pathways * depth * n**3), 120, 5000))
        eta = 1e-3
        experiment = full_weights(pathways, depth, n, Descent(step_size=eta, steps=steps))
        target = experiment.task.target_map()
        w = stacked(experiment, curvature.initial(experiment))
        kinds = {
            "JAX": peers.with_jax,
            "PyTorch": peers.with_torch,
            "NumPy": peers.with_numpy,
        }
        engine = MatricesEngine(experiment)
        engine.descend(steps, eta)
        engine.observe()
        engine.keep()
        theta = engine.theta()
        assert theta is not None
        contenders: dict[str, Run] = {"ours": lambda e=engine, s=steps, x=eta: e.descend(s, x)}
        for name, kind in kinds.items():
            variants = kind(w, target, eta, steps)
            for variant, run in variants.items():
                agree(f"{name} ({variant})", run(), stacked(experiment, theta), 1e-11)
            contenders[name] = fastest(variants)
            if peers.USUAL in variants:
                contenders[f"{name}, {peers.USUAL}"] = variants[peers.USUAL]
        goals = {
            name: GOALS[n] if name.startswith("JAX") else BEHIND.get(n, 1.5) for name in contenders
        }
        what = f"descent step, H, L, n = {pathways}, {depth}, {n}"
        table += rows(what, take_turns(contenders, rounds), steps, goals)
    return table


def samples(rounds: int) -> list:
    """Two pathways of depth 4 with tanh on the semantic tree."""
    import peers_samples as peers

    table, eta = [], 0.02
    for width in WIDTHS:
        steps = 100
        experiment = Experiment(
            task=Tree(),
            network=Network(depths=(4, 4), width=width, activation="tanh"),
            start=Gaussian(std=0.45 / np.sqrt(width)),
            dynamics=Descent(step_size=eta, steps=steps),
            record=Record(frames=2, sharpness=False),
        )
        target, start = experiment.task.target_map(), curvature.initial(experiment)
        weights = curvature.layers(experiment, start)
        engine = SamplesEngine(experiment)
        engine.descend(steps, eta)
        engine.observe()
        engine.keep()
        theta = engine.theta()
        assert theta is not None
        contenders: dict[str, Run] = {"ours": lambda e=engine, s=steps: e.descend(s, eta)}
        for name, kind in {"JAX": peers.with_jax, "PyTorch": peers.with_torch}.items():
            variants = kind(weights, target, eta, steps)
            for variant, run in variants.items():
                agree(f"{name} ({variant})", run(), theta, 1e-9)
            contenders[name] = fastest(variants)
        what = f"descent step with tanh, tree, L = 4, 4, width {width}"
        goals = dict.fromkeys(contenders, 1.0)
        table += rows(what, take_turns(contenders, rounds), steps, goals)
    return table


def modes(rounds: int) -> list:
    import peers_descent as peers

    table, steps, eta = [], 20_000, 0.01
    for pathways, count in MODES:
        sigma = np.linspace(1.0, 0.5, count)
        alphas = np.linspace(0.3, 0.2, pathways)
        experiment = Experiment(
            task=Spectrum(singular_values=tuple(sigma.tolist())),
            network=Network(depths=(DEPTH,) * pathways),
            start=Balanced(scales=tuple(alphas.tolist())),
            dynamics=Descent(step_size=eta, steps=steps),
            record=Record(frames=2, sharpness=False),
        )
        engine = ModesEngine(experiment)
        peer = peers.modes_with_jax(engine.x[:, :count].T.copy(), DEPTH, sigma, eta, steps)
        engine.descend(steps, eta)
        agree("JAX (modes)", peer(), engine.x[:, :count].T, 1e-9)
        times = take_turns({"ours": lambda e=engine: e.descend(steps, eta), "JAX": peer}, rounds)
        table += rows(f"modes step, H, R = {pathways}, {count}", times, steps, {"JAX": 1.0})
    return table


class Hessian:
    """The Hessian at some weights as SciPy wants it: our own product, for everybody.

    Weights are as the kernels have them: where there are none in a padded width, a vector that
    begins with zeros keeps them.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.layout = curvature.layout(experiment)
        self.problem = curvature.problem(experiment)
        self.work = curvature.workspace(experiment)
        self.tangent = curvature.EigenSolver(experiment, 1).tangent
        self.theta = curvature.pad(experiment, curvature.initial(experiment))
        self.products = 0
        n = len(self.theta)
        self.operator = LinearOperator((n, n), matvec=self.times, dtype=float)

    def move_to(self, theta: np.ndarray) -> None:
        self.theta = theta
        matrix_kernels.evaluate(theta, self.layout, self.problem, self.work)
        out = np.zeros_like(theta)
        matrix_kernels.backpropagate(theta, self.layout, self.problem, self.work, 1.0, out)

    def times(self, v: np.ndarray) -> np.ndarray:
        out = np.empty_like(self.theta)
        self.products += 1
        v = np.array(v, dtype=float).reshape(-1)
        matrix_kernels.hessian_vector(
            self.theta, self.layout, self.problem, self.work, self.tangent, v, out
        )
        return out


def sharpness(rounds: int) -> list:
    """At every record of a run to the edge of stability, k = 1; and of the semantic tree's."""
    table = []
    for pathways, depth, n, eta in ((2, 3, 8, 0.3), (4, 4, 8, 0.18)):
        experiment = full_weights(pathways, depth, n, Descent(step_size=eta, steps=1))
        engine, states = MatricesEngine(experiment), []
        for _ in range(40):
            engine.observe()
            engine.keep()
            theta = engine.theta()
            assert theta is not None
            states.append(curvature.pad(experiment, theta))
            engine.descend(5, eta)
        hessian = Hessian(experiment)
        dense = []
        for theta in states:
            hessian.move_to(theta)
            matrix = np.array([hessian.times(unit) for unit in np.eye(len(theta))])
            dense.append(np.linalg.eigvalsh(matrix)[-1:])
        what = f"sharpness at a record, H, L, n = {pathways}, {depth}, {n}"
        table += _against_eigsh(what, experiment, states, np.array(dense), 10.0, rounds)
    experiment = presets.BY_NAME["tree-4"].experiment
    engine, states = MatricesEngine(experiment), [curvature.initial(experiment)]
    dynamics = experiment.dynamics
    for gap in np.diff(dynamics.recorded(experiment.record)).tolist():
        engine.descend(gap, dynamics.step_size)
        engine.observe()
        engine.keep()
        states.append(engine.theta())
    # as they differ most on the way to the minimum, and no more than ARPACK has done in a minute
    states = [curvature.pad(experiment, theta) for theta in states[:FIRST_RECORDS:4]]
    for k, goal in ((1, 10.0), (4, 8.0)):
        expected, _ = _along(experiment, states, k, Accuracy(1e-12))
        what = f"{k} eigenvalue{'s' * (k > 1)} at a record, tree-4"
        table += _against_eigsh(what, experiment, states, expected, goal, rounds)
    return table


def _along(
    experiment: Experiment, states: list, k: int, accuracy: Accuracy
) -> tuple[np.ndarray, float]:
    """The k largest eigenvalues at each of the states, (K, k), and the products per record."""
    solver, loss = curvature.EigenSolver(experiment, k), curvature.problem(experiment)
    values, _ = solver.along(np.array(states), loss, accuracy)
    return values, solver.products / len(states)


def _against_eigsh(
    what: str,
    experiment: Experiment,
    states: list,
    expected: np.ndarray,
    goal: float,
    rounds: int,
) -> list:
    hessian, k = Hessian(experiment), expected.shape[1]
    edge = f"edge 2/eta = {experiment.edge:.2f}"
    print(f"{edge}, sharpness {expected[0, 0]:.2f} -> {expected[-1, 0]:.2f}")

    def arpack(warm: bool, tol: float) -> np.ndarray:
        size = curvature.layout(experiment).size
        noise = np.random.default_rng(0).standard_normal(size)
        values, v0 = [], curvature.pad(experiment, noise)
        hessian.products = 0
        for theta in states:
            hessian.move_to(theta)
            found, vectors = eigsh(hessian.operator, k=k, which="LA", tol=tol, v0=v0)
            values.append(found[::-1])
            v0 = vectors.sum(axis=1) if warm else v0
        return np.array(values)

    def ours() -> tuple[np.ndarray, float]:
        return _along(experiment, states, k, ALONG_RUN)

    values, products = ours()
    agree("our solver", values, expected, 1e-8)
    print(f"ours: {products:.1f} products a record")
    contenders: dict[str, Run] = {"ours": ours}
    for name, warm in (("eigsh cold", False), ("eigsh warm", True)):
        for tol in 10.0 ** np.arange(-3, -13, -1):  # the loosest that is accurate enough
            error = np.abs(arpack(warm, tol) - expected).max() / np.abs(expected).max()
            if error <= 1e-8:
                break
        else:
            raise SystemExit(f"{name} does not reach 1e-8")
        contenders[name] = lambda warm=warm, tol=tol: arpack(warm, tol)
        print(f"{name}: {hessian.products / len(states):.1f} products a record")
    goals = {"eigsh cold": goal, "eigsh warm": 1.0}
    return rows(what, take_turns(contenders, rounds), len(states), goals)


def flow(rounds: int) -> list:
    """One run at rtol 1e-8, to its end alone and with a hundred records on the way; peers with the
    loosest tolerance that is no less exact there."""
    import peers_flow as peers

    table = []
    for (pathways, depth, n), records in product(FLOWS, (1, RECORDS)):
        duration = 5.0
        times = np.linspace(0.0, duration, records + 1)[1:]
        experiment = full_weights(pathways, depth, n, Flow(duration=duration))
        w = stacked(experiment, curvature.initial(experiment))
        target = experiment.task.target_map()
        # its steps end where a state is asked for, as what it interpolates is less exact
        exact = np.array([w])
        for step in np.diff(times, prepend=0.0):
            run = peers.with_scipy(exact[-1], target, np.array([step]), "DOP853", 1e-13)
            exact = np.concatenate([exact, run()])

        def ours(experiment=experiment, times=times) -> tuple[MatricesEngine, list[np.ndarray]]:
            engine, states = MatricesEngine(experiment), []
            engine.start_flow(experiment.dynamics.duration, 0.0, np.inf)
            while len(states) < len(times):
                goals = times[len(states) : len(states) + engine.together]
                engine.flow_through(goals, 1_000_000, experiment.dynamics.rtol)
                states += [*engine.passed.copy()]
                engine.keep()
            return engine, states

        engine, states = ours()
        found = []
        for engine.weights in states:
            engine.observe()
            engine.keep()
            found.append(stacked(experiment, engine.theta()))
        error = np.abs(np.array(found) - exact[1:]).max()
        print(f"error {error:.1e}")
        contenders: dict[str, Run] = {"ours": ours}
        goals = {}
        for kind, method, goal in (
            (peers.with_scipy, "DOP853", 5.0),
            (peers.with_scipy, "RK45", 10.0),
            (peers.with_diffrax, "Tsit5", 2.0),
            (peers.with_diffrax, "Dopri5", 2.0),
        ):
            for rtol in 10.0 ** np.arange(-6, -14, -0.25):
                run = kind(w, target, times, method, float(rtol))
                if np.abs(run() - exact[1:]).max() <= error:
                    break
            else:
                raise SystemExit(f"{method} is never as exact as {error:.1e}")
            contenders[method], goals[method] = run, goal
        what = f"flow run, H, L, n = {pathways}, {depth}, {n}"
        what += f", {records} records" if records > 1 else ""
        table += rows(what, take_turns(contenders, rounds), 1, goals)
    return table


# --- Starting up -----------------------------------------------------------------------------

FIRST_RUNS = """
import time; begin = time.perf_counter()
from dataclasses import replace
import simcore as s
imported = time.perf_counter() - begin
base = s.Experiment(
    task=s.Spectrum(singular_values=(1.0, 0.6)), network=s.Network(depths=(3, 3)),
    start=s.Balanced(scales=(0.1, 0.2)), dynamics=s.Descent(step_size=0.1, steps=9),
)
begin = time.perf_counter()
s.simulate(base)
front = time.perf_counter() - begin
begin = time.perf_counter()
for engine in ("modes", "matrices"):
    for dynamics in (base.dynamics, s.Flow(duration=1.0)):
        s.simulate(replace(base, engine=engine, dynamics=dynamics))
print(imported, front, front + time.perf_counter() - begin)
"""


def start(rounds: int) -> list:
    """Import, the first modes run and every dynamics of both engines, in fresh processes."""
    table = []
    seconds: dict[str, list[list[float]]] = {"empty": [], "filled": []}
    for _ in range(min(rounds, 3)):
        with tempfile.TemporaryDirectory() as cache:
            for name in seconds:
                result = subprocess.run(
                    [sys.executable, "-c", FIRST_RUNS],
                    env=os.environ | {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(HERE.parent)},
                    capture_output=True,
                    text=True,
                    check=True,
                )
                seconds[name].append([float(x) for x in result.stdout.split()])
    goals = {"empty": (0.6, 20.0, 20.0), "filled": (0.6, 1.0, 1.0)}
    for name, runs in seconds.items():
        names = ("import simcore", "first modes run", "first run of every dynamics and engine")
        for what, column, goal in zip(names, zip(*runs, strict=True), goals[name], strict=True):
            took = statistics.median(column)
            verdict = "yes" if took <= goal else "no"
            line = [f"{what}, {name} kernel cache", "", _time(took), "", "", f"{goal:g} s", verdict]
            print("  ".join(line), flush=True)
            table.append(line)
    return table


# --- The table -------------------------------------------------------------------------------


def machine() -> str:
    names = ("numba", "numpy", "scipy", "jax", "torch", "diffrax")
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        cpu = models[0].split(":")[1].strip() if models else cpu
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    load = f"load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}; {load}"


def write(table: list[list[str]], where: str, rounds: int) -> None:
    """Replace what stands between the marks of benchmarks/README.md."""
    path = HERE / "README.md"
    text = path.read_text()
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    head = ["what", "peer", "ours", "peer's", "peer / ours", "goal", "met"]
    lines = ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *table]]
    body = f"\n{where}. Medians of {rounds} rounds in turn.\n\n" + "\n".join(lines) + "\n"
    path.write_text(before + MARKS[0] + "\n" + body + "\n" + MARKS[1] + after)


def main() -> None:
    parts = {
        "descent": descent,
        "samples": samples,
        "modes": modes,
        "sharpness": sharpness,
        "flow": flow,
        "start": start,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default=",".join(parts))
    options = parser.parse_args()
    where = machine()
    print(where)
    chosen = options.only.split(",")
    table = [line for name in chosen for line in parts[name](options.rounds)]
    if chosen == list(parts):
        write(table, where, options.rounds)


if __name__ == "__main__":
    main()
