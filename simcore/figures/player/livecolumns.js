/* The columns of runs that the twin makes: those that `figures/tables.py` makes of a trajectory. */

import { sharpness } from "../twin/curvature.js";
import { records } from "../twin/descent.js";
import { flowRecords } from "../twin/flow.js";

const DIGITS_LOST = 100; // of a flow's rtol: below that its loss is what its integrator leaves

/** Columns of a descent with step size `eta`; `system` is as `systemAt` gives it. */
export function columnsOf(system, eta) {
  const { look, lambda0 } = curves(system),
    found = records(system, eta, system.recorded, system.mode, look);
  const step = Float64Array.from(system.recorded.slice(0, found.count));
  return {
    step,
    t: step.map((k) => k * eta),
    edge: step.map(() => 2 / eta),
    ...columns(found, system.floor, -Infinity),
    ...lambda0(),
  };
}

/** Columns of its gradient flow for a time `lasting`. */
export function flowColumnsOf(system, lasting) {
  const { rtol, frames, longest } = system.flow,
    duration = Math.min(lasting, longest),
    gap = duration / (frames - 1);
  const t = Float64Array.from({ length: frames }, (_, k) => k * gap);
  t[frames - 1] = duration;
  const { look, lambda0 } = curves(system),
    found = flowRecords(system, { rtol, longest: duration }, [...t], system.mode, look);
  const error = DIGITS_LOST * rtol * Math.hypot(...system.target),
    noise = system.floor + 0.5 * error * error;
  return { step: found.taken, t, ...columns(found, system.floor, noise), ...lambda0() };
}

/** Notes the sharpness at every record, where one block of the Hessian holds it. */
function curves(system) {
  if (!system.curved) return { look: undefined, lambda0: () => ({}) };
  const noted = [];
  return {
    look: (run) => noted.push(sharpness(run)),
    lambda0: () => ({ lambda0: Float64Array.from(noted) }),
  };
}

/** Loss, strengths, their ranges and shares. A loss below the noise is none. */
function columns({ loss, lossRange, strengths, ranges }, floor, noise) {
  const told = (values) => values.map((v, k) => (loss[k] + floor >= noise ? v + floor : NaN));
  const made = {
    loss: told(loss),
    loss_low: told(lossRange[0]),
    loss_high: told(lossRange[1]),
    share: new Float64Array(loss.length),
    participation: new Float64Array(loss.length),
  };
  strengths.forEach((values, h) => {
    [made[`s${h}`], made[`s${h}_low`], made[`s${h}_high`]] = [values, ranges[0][h], ranges[1][h]];
  });
  share(strengths, made);
  return made;
}

/** The largest of the shares q_h = |sigma_h| / sum_g |sigma_g|, and 1 / sum_h q_h^2. */
function share(strengths, made) {
  const pathways = strengths.length;
  for (let k = 0; k < made.share.length; k++) {
    let [total, largest, squares] = [0, 0, 0];
    for (const values of strengths) total += Math.abs(values[k]);
    for (const values of strengths) {
      const q = total > 0 ? Math.abs(values[k]) / total : 1 / pathways;
      largest = Math.max(largest, q);
      squares += q * q;
    }
    made.share[k] = largest;
    made.participation[k] = 1 / squares;
  }
}
