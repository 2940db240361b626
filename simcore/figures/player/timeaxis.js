/* Time on the axes, in steps of the run that is counted or in t. S is the player. */

import { clamp, decimalsFor } from "../browser/numbers.js";
import { growingTicks, linearTicks } from "./ticks.js";

/** Steps are at the same times in all descents, or there is no axis of them. */
const inSteps = (S) => S.axis === "step" && Boolean(S.steps?.counts && S.shared);

/** Enough decimals to tell neighbouring steps apart. */
export function timeNumber(S, t) {
  const step = S.steps?.counts && S.steps.finest,
    coarse = Math.max(0, decimalsFor(S.clock.end) - 1);
  return t.toFixed(step ? clamp(1 - Math.floor(Math.log10(step)), 0, 8) : coarse);
}

export function timeTitle(S) {
  const log = S.logTime ? ", log" : "";
  if (!inSteps(S)) {
    const sum = S.runs.every((run) => run.even) ? "t = η · step" : "t = Σ η";
    return (!S.steps ? "t" : S.shared ? sum : `${sum}, each its η`) + log;
  }
  return (S.runs.length > 1 ? `step of ${S.reference.label}` : "step") + log;
}

export function timeText(S, t) {
  return inSteps(S) ? `step ${S.steps.done(t)}` : `t = ${timeNumber(S, t)}`;
}

/** At round numbers of steps or of t; as wide as the plot. */
export function timeTicks(S, w) {
  const count = Math.round(w / 70),
    { from, to } = S.zoom;
  const ticks = (a, b, unit) =>
    S.logTime ? growingTicks(a, b, unit, count) : linearTicks(a, b, count);
  if (!inSteps(S)) return ticks(from, to, S.firstStep());
  return ticks(S.steps.at(from), S.steps.at(to), 1).map((tick) => ({
    ...tick,
    v: S.steps.time(tick.v),
  }));
}
