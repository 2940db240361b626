"""Twenty of each signal at random moments of one sweep, in threads and in processes.

python benchmarks/signals.py
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from commands import SIGNALS, kill_at_random

RUNS = 2_000

for where, options in {"threads": [], "processes": ["--jobs", 2]}.items():
    numbers = [*SIGNALS] * 20
    random.Random(1).shuffle(numbers)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        kept = kill_at_random(Path(folder), numbers, RUNS, *options, seed=1)
    seconds = time.monotonic() - begin
    print(
        f"{where}: {len(numbers)} signals in {seconds:.0f} s, each one sentence and its code; rows "
        f"after each: {kept}; the store whole each time, no row lost, a sample as undisturbed, "
        "no process left"
    )
