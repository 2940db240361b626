"""The numbers of a run, in sentences: how its sharpest mode ends shared, how sharp it was, and what
makes them doubtful."""

from __future__ import annotations

import numpy as np

from simcore import alignment, horizon, last_steps, theory
from simcore.courses import has_target, sharpest
from simcore.judged import judge
from simcore.trajectory import Outcome, Trajectory
from simcore.verdicts import (
    CLOSE,
    FLAT_ENOUGH,
    LEARNED,
    STILL,
    Ahead,
    Judged,
    Regime,
    goes_both_ways,
)
from simcore.wording import part, split


def sentences(run: Trajectory) -> list[str]:
    """All that there are."""
    judged = judge(run)
    return [*_shared(run, judged), *_sharpness(run), *_warnings(run, judged)]


def _shared(run: Trajectory, judged: Judged) -> list[str]:
    """How the mode is shared, and how its sum moves; nothing where there is nothing, or
    nothing that it is a part of."""
    end = sharpest(run).strengths[-1]
    if judged.regime is Regime.DIVERGED or not (has_target(run) and np.isfinite(end).all()):
        return []
    if (end < -STILL).any():
        return [f"{_whose(run)}'s strengths end at {split(end, ', ')} of its target."]
    jumps = judged.regime in (Regime.CYCLE, Regime.CHAOS)  # so one record may well be near zero
    if not jumps and end.sum() < LEARNED:
        return []
    ahead = _seen(judged)
    if ahead is not None and (swings(run, judged) or run.experiment.dynamics.label_noise):
        end = ahead.strengths[0, :, 0]
    words = []
    if len(end) > 1:
        mean = " on average" if run.experiment.dynamics.label_noise else ""
        words.append(f"{_whose(run)} ends shared {split(theory.shares(end))}{mean}.")
    return words if ahead is None else [*words, *_of_the_sum(run, judged, ahead)]


def _seen(judged: Judged) -> Ahead | None:
    """What is seen of its end, if that is finite."""
    seen = judged.seen
    return None if seen is None or not np.isfinite(seen.ahead.strengths[0]).all() else seen.ahead


def swings(run: Trajectory, judged: Judged) -> bool:
    """Whether the sum rises and falls at the end, as steps alone can make it."""
    ahead, iterated = _seen(judged), run.experiment.dynamics.iterated
    return ahead is not None and iterated and bool(goes_both_ways(ahead)[0])


def _of_the_sum(run: Trajectory, judged: Judged, ahead: Ahead) -> list[str]:
    """The band in which it swings, or where a sum that drifts has come."""
    low, high, swing = ahead.low[:, 0], ahead.high[:, 0], ahead.swing[:, 0]
    if swings(run, judged):
        if high[0] - low[0] <= STILL:
            return []
        return [f"Its sum swings between {part(low[0])} and {part(high[0])} of the target."]
    total = sharpest(run).total
    before, now = total[-2:]
    way = np.sign(np.diff(ahead.totals[:2, 0]))[0]
    goes_on = max((way * (ahead.totals[:, 0] - now)).max(), (high - low)[-1])
    # a wider swing is of steps between the records, which may go both ways
    one_way = way != 0 and np.sign(now - before) == way
    if not one_way or goes_on <= STILL or (swing > high - low).any():
        return []
    return [
        f"Its sum ends at {part(now)} of the target and still {'rises' if way > 0 else 'falls'}."
    ]


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
