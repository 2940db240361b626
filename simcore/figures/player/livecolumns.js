/* The columns of a run that the twin makes: those that `figures/tables.py` makes of a trajectory. */

import { sharpness } from "../twin/curvature.js";
import { records } from "../twin/descent.js";

/** Columns of a descent with step size `eta`; `live` is what the scene says of it. */
export function columnsOf(live, eta) {
  const curves = [],
    look = live.curved ? (run) => curves.push(sharpness(run)) : undefined;
  const { count, loss, lossRange, strengths, ranges } = records(
    live,
    eta,
    live.recorded,
    live.mode,
    look,
  );
  const step = Float64Array.from(live.recorded.slice(0, count)),
    whole = (values) => values.map((v) => v + live.floor);
  const columns = { step, t: step.map((k) => k * eta), edge: step.map(() => 2 / eta) };
  [columns.loss, columns.loss_low, columns.loss_high] = [loss, ...lossRange].map(whole);
  strengths.forEach((values, h) => {
    [columns[`s${h}`], columns[`s${h}_low`], columns[`s${h}_high`]] = [
      values,
      ranges[0][h],
      ranges[1][h],
    ];
  });
  const shares = step.map((_, k) => sharesAt(strengths, k, (q) => Math.max(...q)));
  columns.share = shares;
  columns.participation = step.map((_, k) =>
    sharesAt(strengths, k, (q) => 1 / q.reduce((sum, each) => sum + each * each, 0)),
  );
  if (live.curved) columns.lambda0 = Float64Array.from(curves);
  return columns;
}

/** What `make` makes of the shares q_h = |sigma_h| / sum_g |sigma_g| at record k. */
function sharesAt(strengths, k, make) {
  const sizes = strengths.map((values) => Math.abs(values[k])),
    total = sizes.reduce((sum, size) => sum + size, 0);
  return make(sizes.map((size) => (total > 0 ? size / total : 1 / sizes.length)));
}
