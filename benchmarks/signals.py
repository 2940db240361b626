"""Twenty of each signal at random moments of one sweep.

python benchmarks/signals.py threads
python benchmarks/signals.py processes
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
OPTIONS = {"threads": [], "processes": ["--jobs", 2]}

where = sys.argv[1]
numbers = [*SIGNALS] * 20
random.Random(1).shuffle(numbers)
begin = time.monotonic()
with tempfile.TemporaryDirectory() as folder:
    kept = kill_at_random(Path(folder), numbers, RUNS, *OPTIONS[where], seed=1)
print(f"{where}: {len(numbers)} signals in {time.monotonic() - begin:.0f} s, each one sentence and")
print("its code; the store whole each time, no row lost, a sample as undisturbed, no process left;")
print(f"rows after each: {kept}")
