"""Phase maps: what one may cost, how its cells are run, and what is known of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from simcore import cost, theory
from simcore.checks import require, shown
from simcore.experiment import Descent, Experiment, Record
from simcore.plans import Plan, Side
from simcore.rows import Row
from simcore.studies import batch

SETTLED = 2000  # steps in which the paper's runs come to their end
FEW_RECORDS = 100  # of full weights, where a sharpness costs many steps


def affordable(columns: int, rows: int, each: float, budget: float) -> tuple[int, int]:
    """As many columns and rows as `budget` seconds allow at `each` per cell, in proportion."""
    shrink = min(1.0, (budget / (columns * rows * each)) ** 0.5)
    if shrink == 1.0:
        return columns, rows
    return max(1, int(columns * shrink)), max(1, int(rows * shrink))


def within_budget(plan: Plan, base: Experiment, budget: float) -> Plan:
    """The same with fewer points, if it would take more core seconds than `budget`.

    ValueError if a single run would take more than it may.
    """
    ends = [Side(s.name, 2, s.ends(base)) for s in (plan.x, plan.y)]
    dearest = max(Plan(*ends).cells(base), key=batch.seconds)
    cost.check(dearest, together=batch.kind(dearest) is not None)
    each = batch.seconds(dearest)
    counts = len(plan.x.values(base)), len(plan.y.values(base))
    across, down = affordable(*counts, each, budget)
    if (across, down) == counts:
        return plan
    return Plan(plan.x._replace(points=across), plan.y._replace(points=down))


def base_of(experiment: Experiment, steps: int | None = None) -> Experiment:
    """The experiment as a map runs it: a descent, by default long enough to settle, with as few
    records as its end needs.

    ValueError for a number of steps that no run may have.
    """
    dynamics, aligned = experiment.dynamics, experiment.resolved_engine == "modes"
    if not isinstance(dynamics, Descent):
        dynamics = Descent(step_size=theory.unit_step_size(experiment), steps=SETTLED)
    if steps is None:
        steps = max(dynamics.steps, SETTLED) if aligned else dynamics.steps
    return replace(
        experiment,
        dynamics=replace(dynamics, steps=steps),
        record=Record() if aligned else Record(frames=FEW_RECORDS),
    )


# --- What is known ---------------------------------------------------------------------------


class Memory:
    """Rows by experiment, the most recent `most` of them; a store for `sweep` that is no file."""

    def __init__(self, most: int) -> None:
        require(most > 0, f"a memory needs room for at least one row, got {shown(most)}")
        self.most = most
        self._rows: OrderedDict[tuple[str, Experiment], Row] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def rows(
        self, experiments: Sequence[Experiment], measure: str = "summary"
    ) -> dict[Experiment, Row]:
        """The rows that are there, of these experiments."""
        with self._lock:
            found = {}
            for experiment in experiments:
                row = self._rows.get((measure, experiment))
                if row is not None:
                    self._rows.move_to_end((measure, experiment))
                    found[experiment] = row
            return found

    def put(
        self, experiments: Sequence[Experiment], rows: Sequence[Row], measure: str = "summary"
    ) -> None:
        """Remember finished runs, and forget those that nobody asked for the longest."""
        with self._lock:
            for experiment, row in zip(experiments, rows, strict=True):
                self._rows[measure, experiment] = row
            while len(self._rows) > self.most:
                self._rows.popitem(last=False)
