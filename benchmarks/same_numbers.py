"""Are the numbers of this checkout those of another commit, to the last bit?

    .venv/bin/python benchmarks/same_numbers.py COMMIT

Runs both (the other from a worktree in a temporary folder, with a kernel cache of its own) on the
rows of a map of 60 x 40 cells, every preset and 200 random experiments, and compares digests of all
arrays, outcomes and regimes. Uses the public names of `simcore` alone, so both commits have them.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).parent.parent
RANDOM = 200


def digests() -> dict[str, str]:
    """A digest for each run and each row of the map, by name."""
    import numpy as np

    from simcore import presets, regimes, simulate

    def of_run(run) -> str:
        digest = hashlib.sha256()
        for f in fields(run):
            value = getattr(run, f.name)
            if isinstance(value, np.ndarray):
                digest.update(f"{f.name}{value.shape}{value.dtype}".encode())
                # nan has many bit patterns, and which one says nothing
                digest.update(np.where(np.isnan(value), np.nan, value).tobytes())
        return f"{digest.hexdigest()[:24]} {run.outcome.name} {regimes.classify(run).name}"

    found = {f"preset {p.name}": of_run(simulate(p.experiment)) for p in presets.ALL}
    for number, experiment in enumerate(_random_experiments(RANDOM)):
        found[f"random {number} {experiment.key}"] = of_run(simulate(experiment))
    return found | _map_rows()


def _map_rows() -> dict[str, str]:
    import numpy as np

    from simcore import grid, presets, sweep

    base = presets.BY_NAME["medium"].experiment
    scales = [[0.002, 0.002 * ratio] for ratio in np.linspace(0.5, 0.99, 40)]
    axes = {"start.scales": scales, "dynamics.step_size": np.linspace(0.05, 0.3, 60).tolist()}
    cells = grid(base, axes)
    rows = sweep(cells)
    return {
        f"cell {cell.key}": json.dumps({k: repr(v) for k, v in row.items() if k != "seconds"})
        for cell, row in zip(cells, rows, strict=True)
    }


def _random_experiments(count: int):
    import numpy as np

    from simcore import (
        Balanced,
        Descent,
        Experiment,
        Flow,
        Gaussian,
        LayerScales,
        Network,
        Record,
        Spectrum,
        theory,
    )

    draw = np.random.default_rng(9)
    for _ in range(count):
        pathways, modes = int(draw.integers(1, 5)), int(draw.integers(1, 5))
        kind = draw.choice(["balanced", "layers", "gaussian"], p=[0.5, 0.2, 0.3])
        deepest = 6 if kind == "gaussian" else 21
        depths = tuple(int(d) for d in draw.integers(1, deepest, pathways))
        if draw.random() < 0.5:
            depths = depths[:1] * pathways
        values = np.sort(draw.uniform(0.1, 2.0, modes))[::-1].tolist()
        scales = draw.uniform(0.001, 0.3, pathways).tolist()
        start = {
            "balanced": lambda scales=scales: Balanced(scales=tuple(scales)),
            "layers": lambda depths=depths: LayerScales(
                scales=tuple(tuple(draw.choice([0.4, 0.6, 0.9], d).tolist()) for d in depths)
            ),
            "gaussian": lambda: Gaussian(std=float(draw.uniform(0.05, 0.5)), seed=3),
        }[str(kind)]()
        network = Network(depths=depths, width=modes + 2 if kind == "gaussian" else None)
        unit = 2 / max(theory.single_path_sharpness(values[0], d) for d in depths)
        eta, steps = float(unit * draw.uniform(0.2, 3.0)), int(draw.integers(50, 900))
        flows = draw.random() < 0.25
        engine = "matrices" if draw.random() < 0.2 else "auto"
        yield Experiment(
            task=Spectrum(singular_values=tuple(values)),
            network=network,
            start=start,
            dynamics=Flow(duration=eta * steps) if flows else Descent(step_size=eta, steps=steps),
            record=Record(frames=120, eigenvalues=int(draw.integers(1, 4))),
            engine=engine,
        )


def _digests_of(root: Path, cache: Path) -> dict[str, str]:
    program = (
        f"import sys, json; sys.path[:0] = [{str(root)!r}, {str(ROOT / 'benchmarks')!r}];"
        "import same_numbers; print(json.dumps(same_numbers.digests()))"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=environment, check=True, capture_output=True
    )
    return json.loads(done.stdout)


def main(commit: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        tree, cache = Path(folder, "tree"), Path(folder, "cache")
        subprocess.run(
            ["git", "worktree", "add", "-q", "--detach", tree, commit], cwd=ROOT, check=True
        )
        try:
            theirs = _digests_of(tree, cache)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)
        ours = _digests_of(ROOT, Path(folder, "own"))
    other = [name for name in theirs if ours.get(name) != theirs[name]]
    for name in other[:20]:
        print(f"differs: {name}\n  {commit}: {theirs[name]}\n  here: {ours.get(name)}")
    print(f"{len(theirs)} runs and rows compared with {commit}, {len(other)} differ")
    return int(bool(other) or ours.keys() != theirs.keys())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
