/* Gradient flow of aligned networks, as `kernels.modes` and `kernels.dormand_prince` have it: the
 * embedded pair 5(4) of Dormand and Prince with its interpolant, and the same step control. The
 * kernels fuse some multiplications and additions, so the last bits differ.
 */

import { Descent } from "./descent.js";

const STAGE_WEIGHTS = [
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
const DEFECT = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];
const BETWEEN = [
  [1, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432],
  [0, 0, 0, 0],
  [0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799],
  [0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072],
  [0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632],
  [0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844],
  [0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423],
];
const SAFETY = 0.9;
const MEMORY = 0.04;
const SHRINK = 0.2;
const GROW = 10;
const EXPONENT = 0.2 - 0.75 * MEMORY;

class Flow {
  /** From the start of a system, to no more than `longest` in one step. */
  constructor(system, { rtol, longest }) {
    this.run = new Descent(system);
    this.size = this.run.x.length;
    Object.assign(this, { rtol, longest, before: 0, now: 0, error: 1e-4, taken: 0 });
    this.old = new Float64Array(this.size);
    this.new = this.run.x.slice();
    this.slopes = Array.from({ length: 7 }, () => new Float64Array(this.size));
    this.velocity(this.slopes[6]);
    const largest = (values, least) => values.reduce((a, v) => Math.max(a, Math.abs(v)), least);
    const speed = largest(this.slopes[6], 0);
    this.h = Math.min(speed > 0 ? (0.01 * largest(this.new, 1e-3)) / speed : longest, longest);
  }

  /** -grad at the weights of `run`. */
  velocity(out) {
    const { run } = this,
      { modes } = run;
    run.step(0);
    for (let n = 0; n < this.size; n++) out[n] = -run.residual[n % modes] * run.pull[n];
  }

  /** Takes one step; false where it would no longer move the clock. */
  advance() {
    for (;;) {
      const h = Math.min(this.h, this.longest);
      if (!(h > 1e-15 * this.now)) return false;
      this.propose(h);
      if (this.accept(h)) return true;
    }
  }

  /** The stages of a step of h; the last is its end. */
  propose(h) {
    const { run, slopes, size } = this;
    STAGE_WEIGHTS.forEach((weights, s) => {
      for (let n = 0; n < size; n++) {
        let total = weights[0] * slopes[6][n];
        for (let j = 1; j <= s; j++) total += weights[j] * slopes[j][n];
        run.x[n] = this.new[n] + h * total;
      }
      this.velocity(slopes[(s + 1) % 6]); // that of the end waits in the first place
    });
  }

  accept(h) {
    const { run, slopes, size } = this;
    let total = 0;
    for (let n = 0; n < size; n++) {
      let defect = DEFECT[0] * slopes[6][n] + DEFECT[6] * slopes[0][n];
      for (let j = 1; j < 6; j++) defect += DEFECT[j] * slopes[j][n];
      const scale = this.rtol * (1e-3 + Math.max(Math.abs(this.new[n]), Math.abs(run.x[n])));
      total += ((h * defect) / scale) ** 2;
    }
    const error = Math.sqrt(total / size);
    if (!(error <= 1)) {
      this.h = h * Math.max(SHRINK, error < Infinity ? SAFETY * error ** -EXPONENT : 0);
      return false;
    }
    const grown = SAFETY * Math.max(error, 1e-10) ** -EXPONENT * this.error ** MEMORY;
    Object.assign(this, { before: this.now, now: this.now + h, error: Math.max(error, 1e-4) });
    this.h = h * Math.min(GROW, Math.max(SHRINK, grown));
    this.old.set(this.new);
    this.new.set(run.x);
    [slopes[0], slopes[6]] = [slopes[6], slopes[0]];
    this.taken += 1;
    return true;
  }

  /** Makes `run` the state at a time of the last step. */
  moveTo(time) {
    const { run, slopes } = this,
      h = this.now - this.before,
      theta = h > 0 ? (time - this.before) / h : 1;
    run.x.set(theta >= 1 ? this.new : this.old);
    if (theta < 1)
      slopes.forEach((slope, j) => {
        const weight = BETWEEN[j].reduceRight((total, p) => (total + p) * theta, 0);
        for (let n = 0; n < this.size; n++) run.x[n] += h * weight * slope[n];
      });
    run.step(0);
  }
}

/** Records of the flow of a system at `times`, as `records` of a descent has them, with the steps
 * taken by each. */
export function flowRecords(system, options, times, mode, look = () => {}) {
  const flow = new Flow(system, options),
    { run } = flow,
    pathways = system.first.length - 1;
  const columns = () => Array.from({ length: pathways }, () => new Float64Array(times.length)),
    loss = new Float64Array(times.length);
  const found = {
    count: times.length,
    loss,
    lossRange: [loss.slice(), loss.slice()],
    strengths: columns(),
    ranges: [columns(), columns()],
    taken: loss.slice(),
  };
  const state = () => [
    run.loss,
    ...found.strengths.map((_, h) => run.strengths[h * run.modes + mode]),
  ];
  let late = null; // the end of a step beyond the last record
  times.forEach((time, k) => {
    const [low, high] = [[], []];
    const widen = (values) =>
      values.forEach((v, c) => {
        low[c] = Math.min(low[c] ?? Infinity, v);
        high[c] = Math.max(high[c] ?? -Infinity, v);
      });
    if (late && flow.now <= time) {
      widen(late);
      late = null;
    }
    while (flow.now < time && flow.advance()) {
      if (flow.now <= time) widen(state());
      else late = state();
    }
    flow.moveTo(time);
    const values = state();
    widen(values);
    [loss[k], found.lossRange[0][k], found.lossRange[1][k]] = [values[0], low[0], high[0]];
    found.strengths.forEach((strengths, h) => {
      strengths[k] = values[h + 1];
      [found.ranges[0][h][k], found.ranges[1][h][k]] = [low[h + 1], high[h + 1]];
    });
    found.taken[k] = flow.taken;
    look(run, k);
  });
  return found;
}
