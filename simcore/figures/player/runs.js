/* Runs on one clock: at time t a run of points shows its last record at or before t; smooth runs
 * are interpolated. */

import { clamp } from "../browser/numbers.js";

/** A column of an Arrow table, or of a plain object of typed arrays (stand-alone page). */
export const column = (table, name) =>
  table.getChild ? table.getChild(name)?.toArray() : table[name];

export function readRuns(data) {
  const rank = {};
  return data.scene.runs.map((spec, k) => {
    const table = data[`run${k}`],
      step = column(table, "step"),
      recorded = column(table, "t");
    const smooth = spec.stroke !== "points";
    const run = {
      ...spec,
      table,
      step,
      columns: {},
      smooth,
      rank: (rank[spec.stroke] ??= 0), // among the runs drawn alike
    };
    rank[spec.stroke] += 1;
    run.t = recorded;
    const all = Uint32Array.from(step, (_, i) => i);
    const even = all.filter((i) => Math.abs(step[i] % 2) < 0.5),
      odd = all.filter((i) => Math.abs(step[i] % 2) > 0.5);
    // A run recorded at steps of one parity only cannot be strobed: it shows all it has.
    run.strobes = !smooth && even.length > 2 && odd.length > 2;
    run.picks = run.strobes ? { all, even, odd } : { all, even: all, odd: all };
    run.pick = all;
    run.column = (name) => (run.columns[name] ??= name === "t" ? run.t : column(table, name));
    run.frames = (name) => (run.columns[`maps ${name}`] ??= column(data[`run${k}.maps`], name));
    return run;
  });
}

/** Up to where a time reaches: times that differ by rounding are one, however early. */
const until = (t) => t + 1e-9 * (Math.abs(t) + 1e-9);

/** Place in run.pick of the last shown record at or before t; -1 before the first. */
export function position(run, t) {
  let lo = 0,
    hi = run.pick.length;
  const limit = until(t);
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (run.t[run.pick[mid]] <= limit) lo = mid + 1;
    else hi = mid;
  }
  return lo - 1;
}

/** Value of a column at clock time t; the time it belongs to is snapped(run, t). */
export function read(run, values, t) {
  const j = position(run, t);
  if (j < 0) return NaN;
  const i = run.pick[j],
    next = run.pick[j + 1];
  if (!run.smooth || next === undefined || !(run.t[next] > run.t[i])) return values[i];
  return (
    values[i] + (values[next] - values[i]) * clamp((t - run.t[i]) / (run.t[next] - run.t[i]), 0, 1)
  );
}

export function snapped(run, t) {
  const last = run.t[run.pick[run.pick.length - 1]];
  return run.smooth ? Math.min(t, last) : run.t[run.pick[Math.max(0, position(run, t))]];
}

/** What is noted of the run whose steps are counted. */
export const noticesOf = (S) => (S.reference ?? S.runs[0]).notices;

/** What changes its rules. */
export const changesOf = (S) => (S.reference ?? S.runs[0]).changes;

export const phaseAt = (run, t) => run.phases.findLast((phase) => phase.t0 <= until(t))?.name;
