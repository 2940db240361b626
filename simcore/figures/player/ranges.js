/* The range of y that a series panel shows, and how it writes numbers of that range. S is the player,
 * p the panel. */

import { decimalsFor, fixed, significant } from "../browser/numbers.js";

/** A bound in force, such as the edge 2/eta: it holds from one record to the next, and where it is
 * far off it does not squash the run. */
export const isBound = (line) => line.theory && line.colour === "edge";

export function numberFormat(log, size) {
  if (log) return significant;
  const decimals = decimalsFor(size);
  return (v) => fixed(v, decimals);
}

/** Values of a column at the records in view, of all parities: strobing does not move the axis. */
function* inView(S, run, values) {
  const { from, to } = S.zoom;
  for (const i of run.picks.all) if (run.t[i] >= from && run.t[i] <= to) yield values[i];
}

/** Range of what the runs did, in view. */
export function rangeInView(S, p) {
  let lo = Infinity,
    hi = -Infinity;
  for (const line of p.lines) {
    if (isBound(line)) continue;
    for (const values of [line.values, line.low, line.high].filter(Boolean))
      for (const v of inView(S, line.run, values))
        if (Number.isFinite(v) && (!p.log || v > 0)) {
          lo = Math.min(lo, v);
          hi = Math.max(hi, v);
        }
  }
  if (lo <= hi) return { lo, hi };
  return p.log ? { lo: 0.1, hi: 1 } : { lo: 0, hi: 1 };
}

/** The range with the bounds, levels and marks that are near: farther ones are named at the border,
 * and do not squash the run. */
export function widened(S, p, lo, hi) {
  const { log } = p,
    reach = log ? Math.max(1, Math.log10(hi / lo)) : hi - lo;
  const near = (v, a, b) =>
    (log ? Math.max(Math.log10(v / b), Math.log10(a / v)) : Math.max(v - b, a - v)) <= reach;
  const see = (v) => {
    if (Number.isFinite(v) && (!log || v > 0)) [lo, hi] = [Math.min(lo, v), Math.max(hi, v)];
  };
  const [a, b] = [lo, hi];
  for (const line of p.lines.filter(isBound))
    for (const v of inView(S, line.run, line.values)) if (near(v, a, b)) see(v);
  for (const v of [...p.spec.levels.map((l) => l.value), ...p.spec.marks.map((m) => m.y)])
    if (near(v, lo, hi)) see(v);
  return [lo, hi];
}

/** With room around it; what differs by less than `least` is drawn as the flat line that it is. */
export function padded([lo, hi], log, least = 0) {
  if (log) {
    const pad = Math.max(10 ** (0.04 * Math.log10(hi / lo)), 1.05);
    return [lo / pad, hi * pad];
  }
  if (hi - lo < least) [lo, hi] = [(lo + hi - least) / 2, (lo + hi + least) / 2];
  if (hi - lo < 1e-12 * Math.max(1e-300, Math.abs(hi))) {
    const d = Math.abs(hi) * 0.05 || 0.5;
    [lo, hi] = [lo - d, hi + d];
  }
  const fromZero = lo >= 0 && lo < 0.35 * hi,
    pad = 0.05 * (hi - lo);
  return [fromZero ? 0 : lo - pad, hi + pad];
}
