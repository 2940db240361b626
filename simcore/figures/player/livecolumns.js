/* The columns of runs that the twin makes: those that `figures/tables.py` makes of a trajectory. */

import { sharpness } from "../twin/curvature.js";
import { records } from "../twin/descent.js";
import { flowRecords } from "../twin/flow.js";
import { thinned } from "../twin/system.js";

const DIGITS_LOST = 100; // of a flow's rtol: below that its loss is what its integrator leaves

/** Columns of a descent with step size `eta`; `system` is as `systemAt` gives it. */
export function columnsOf(system, eta) {
  const { look, pass, lambda0 } = curves(system, system.every),
    found = records(system, eta, system.recorded, system.mode, look, pass);
  if (system.every && found.count < system.recorded.length && !system.ended)
    return columnsOf(ended(system, eta, found.count), eta);
  const step = Float64Array.from(system.recorded.slice(0, found.count));
  return {
    step,
    t: step.map((k) => k * eta),
    edge: step.map(() => 2 / eta),
    ...columns(found, system.floor, -Infinity),
    ...lambda0(),
  };
}

/** A run that diverged has few records, and more of them are drawn. */
function ended(system, eta, count) {
  const { every, recorded, mode, most } = system,
    all = [];
  for (let step = 0; step < recorded[count]; step += every) all.push(step);
  const seen = all.slice(0, records(system, eta, all, mode).count);
  return { ...system, recorded: thinned(seen, most), ended: true };
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

const floats = (lists) =>
  Object.fromEntries(
    Object.entries(lists).map(([name, values]) => [name, Float64Array.from(values)]),
  );

/** Notes the sharpness at every record, where one block of the Hessian holds it; of records of which
 * not all are drawn, one `every` so many steps, also its range over those between. */
function curves(system, every) {
  if (!system.curved) return { look: undefined, lambda0: () => ({}) };
  const lambda0 = [],
    look = (run) => lambda0.push(sharpness(run));
  if (!every) return { look, lambda0: () => floats({ lambda0 }) };
  const [lambda0_low, lambda0_high] = [[], []];
  let [low, high] = [Infinity, -Infinity];
  const widen = (value) => {
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  return {
    look: (run) => {
      look(run);
      widen(lambda0.at(-1));
      lambda0_low.push(low);
      lambda0_high.push(high);
      [low, high] = [Infinity, -Infinity];
    },
    pass: (run, step) => step % every === 0 && widen(sharpness(run)),
    lambda0: () => floats({ lambda0, lambda0_low, lambda0_high }),
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
