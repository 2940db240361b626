"""The numbers of a run, in sentences: how its sharpest mode ends shared, how sharp it was, and what
makes them doubtful."""

from __future__ import annotations

import numpy as np

from simcore import alignment, horizon, last_steps, theory
from simcore.courses import sharpest
from simcore.judged import judge
from simcore.trajectory import Outcome, Trajectory
from simcore.verdicts import CLOSE, FLAT_ENOUGH, LEARNED, STILL, Judged, Reason, Regime
from simcore.wording import split


def sentences(run: Trajectory) -> list[str]:
    """All that there are."""
    judged = judge(run)
    return [*_shared(run, judged), *_sharpness(run), *_warnings(run, judged)]


def _shared(run: Trajectory, judged: Judged) -> list[str]:
    """How the mode is shared, and the band of a sum that swings; nothing where there is nothing."""
    mode, seen = sharpest(run), judged.seen
    end, low, high = mode.strengths[-1], 0.0, 0.0
    if judged.regime is Regime.DIVERGED or not np.isfinite(end).all():
        return []
    if (end < -STILL).any():
        return [f"{_whose(run)}'s strengths end at {split(end, ', ')} of its target."]
    jumps = judged.regime in (Regime.CYCLE, Regime.CHAOS)  # so one record may well be near zero
    if not jumps and end.sum() < LEARNED:
        return []
    if seen is not None and np.isfinite(seen.ahead.strengths[0]).all():
        end, low, high = seen.ahead.strengths[0, :, 0], seen.ahead.low[0, 0], seen.ahead.high[0, 0]
    words = []
    if len(end) > 1:
        mean = " on average" if run.experiment.dynamics.label_noise else ""
        words.append(f"{_whose(run)} ends shared {split(theory.shares(end))}{mean}.")
    if high - low > STILL and judged.reason is not Reason.EARLY:
        words.append(f"Its sum swings between {low:.3f} and {high:.3f} of the target.")
    return words


def _whose(run: Trajectory) -> str:
    mode = theory.sharpest_mode(run.experiment)
    if not run.experiment.network.linear:
        return f"Mode {mode + 1}"
    return f"Mode {mode + 1}, the sharpest," if mode else "The sharpest mode"


def _sharpness(run: Trajectory) -> list[str]:
    last = run.sharpness[-1]
    if not np.isfinite(last):
        return []
    if run.edge is None:
        return [f"Sharpness ends at {last:.4g}."]
    peak, now = np.nanmax(run.sharpness), " at the end" if np.ptp(run.edge) > 0 else ""
    where = " among the recorded steps" if np.diff(run.steps).max(initial=1) > 1 else ""
    said = [
        f"Sharpness went up to {peak:.4g}{where} and ends at {last:.4g}; "
        f"the edge {run.experiment.dynamics.edge_symbol} is {run.edge[-1]:.4g}{now}."
    ]
    felt = last_steps.felt(run)[-1]
    if f"{felt:.4g}" != f"{last:.4g}":
        said.append(f"It is about the weights that still move, whose sharpness is {felt:.4g}.")
    return said


def _warnings(run: Trajectory, judged: Judged) -> list[str]:
    words = []
    seen = judged.seen
    if seen is not None and run.edge is not None and seen.ahead.rests[0]:
        near = abs(seen.ahead.totals[-1, 0] - 1) <= CLOSE
        if near and judged.sharpness > run.edge[-1] * FLAT_ENOUGH:
            words.append(
                "It rests above the edge: no weight changes by a bit any more, though the minimum "
                "is too sharp to be stable; a small kick would set it off."
            )
    if run.outcome is Outcome.FINISHED and alignment.mixes(run.experiment):
        words.append(
            "Alignment is unstable here: modes of nearly equal size mix; use the matrices engine."
        )
    beyond = horizon.horizon(run)
    return words if beyond is None else [*words, beyond.sentence]
