"""How long each file of a run takes and how large it is: `python benchmarks/files.py [PRESET]`."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from simcore import Experiment, export, presets

FILES: dict[str, Callable[[Experiment, str], None]] = {
    ".html": export.page,
    ".svg": export.figure,
    ".pdf": export.figure,
    ".png": export.figure,
    ".gif": export.film,
    ".mp4": export.film,
}


def main(name: str) -> None:
    experiment = presets.BY_NAME[name].experiment
    print(f"{name}, 1920 x 1080, films of 8 s; load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as folder:
        export.figure(experiment, f"{folder}/first.svg")  # imports, kernels, Vega
        for kind, make in FILES.items():
            path = Path(folder, f"{name}{kind}")
            begin, used = time.perf_counter(), time.process_time()
            make(experiment, str(path))
            wall, core = time.perf_counter() - begin, time.process_time() - used
            size = path.stat().st_size / 1000
            print(f"{kind:6} {size:7.0f} kB  {wall:5.1f} s, {core:5.1f} s of this process")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"at most {peak:.0f} MB of memory")


main(*sys.argv[1:] or ["medium"])
