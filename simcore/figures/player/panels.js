/* Panels. Each kind answers the same calls: prepare (data and colours), fit (ranges), need
 * (height), margins and place (layout), still and data (the two layers, drawn once), frame (the cut
 * at the cursor), time (of a point under the pointer) and describe (in words).
 */

import { heat } from "./heat.js";
import { plane } from "./plane.js";
import { series } from "./series.js";

const KINDS = { series, plane, heat };
const SIGNED = 0.1; // of the largest value: with such a dip below zero a log axis would hide much

export function makePanel(S, spec) {
  const p = { spec, key: spec.key || spec.title, kind: KINDS[spec.kind], entries: [] };
  if (p.kind === series) addLogSwitch(S, p);
  return p;
}

/** A panel that can be logarithmic gets `setLog` (undefined: as its scene wants it). */
function addLogSwitch(S, p) {
  const [lo, hi] = extent(p.spec.lines.map((line) => S.runs[line.run].column(line.column)));
  p.log = false;
  if (hi <= 0 || lo < -SIGNED * hi) return;
  p.usual = p.spec.scale === "log";
  p.setLog = (log = p.usual) => {
    p.log = log;
    p.button?.setAttribute("aria-pressed", log);
  };
  p.setLog(S.logs[p.key]);
}

/** Smallest and largest of zero and all finite values. */
function extent(columns) {
  let [lo, hi] = [0, 0];
  for (const values of columns)
    for (const v of values)
      if (Number.isFinite(v)) {
        lo = Math.min(lo, v);
        hi = Math.max(hi, v);
      }
  return [lo, hi];
}
