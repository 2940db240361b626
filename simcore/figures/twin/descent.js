/* Gradient descent of aligned networks, as `kernels.modes` has it: the same operations in the same
 * order, so that the browser and the server get the same bits.
 *
 * A system is {first: (H+1), power: (G), target: (R), x: G rows of R} as `live.system` packs it; here
 * arrays of groups and of pathways are flat, mode after mode within each.
 */

/** base^exponent by squaring. */
function raised(base, exponent) {
  if (exponent === 0) return 1;
  for (; (exponent & 1) === 0; exponent >>= 1) base *= base;
  let result = base;
  for (exponent >>= 1; exponent > 0; exponent >>= 1) {
    base *= base;
    if (exponent & 1) result *= base;
  }
  return result;
}

export class Descent {
  constructor({ first, power, target, x, limit }) {
    Object.assign(this, { first, power, target, limit });
    this.modes = target.length;
    this.x = Float64Array.from(x.flat());
    this.pull = new Float64Array(this.x.length);
    this.strengths = new Float64Array((first.length - 1) * this.modes);
    this.residual = new Float64Array(this.modes);
    this.loss = this.step(0);
  }

  /** x <- x - eta r pull, then what is known at the new x; returns the loss 1/2 sum_i r_i^2. */
  step(eta) {
    const { modes, residual } = this,
      back = 0 - eta;
    let loss = 0;
    for (let i = 0; i < modes; i++) {
      const r = (residual[i] = this.stepOf(i, residual[i], back));
      loss += 0.5 * (r * r);
    }
    return (this.loss = loss);
  }

  /** The same of one mode, with step size -`back`, none for 0; returns its new residual. */
  stepOf(i, r, back) {
    const { first, power, modes, x, pull, strengths } = this;
    let total = 0 - this.target[i];
    for (let h = 0; h + 1 < first.length; h++) {
      // leave-one-out products: `before` from the left, `after` from the right
      let [before, after] = [1, 1];
      for (let g = first[h]; g < first[h + 1]; g++) {
        const n = g * modes + i;
        if (back !== 0) x[n] += r * (back * pull[n]);
        const inner = raised(x[n], power[g] - 1);
        pull[n] = before * inner;
        before *= inner * x[n];
      }
      for (let g = first[h + 1] - 1; g > first[h]; g--) {
        const n = g * modes + i;
        pull[n] *= after;
        after *= raised(x[n], power[g]);
      }
      pull[first[h] * modes + i] *= after;
      strengths[h * modes + i] = before;
      total += before;
    }
    return total;
  }
}

const nothing = () => {};

/** Records of a descent at the steps `recorded`, up to the last one whose loss is within the limit:
 * the loss, the strengths of one mode, and the smallest and largest of each since the record before;
 * `look` is called with the state at each, `pass` with the state at every step and its number. */
export function records(system, eta, recorded, mode, look = nothing, pass = nothing) {
  const run = new Descent(system),
    pathways = system.first.length - 1,
    count = recorded.length;
  const room = () => new Float64Array(count);
  const rows = () => Array.from({ length: pathways }, room);
  const kept = { loss: room(), low: room(), high: room() },
    strengths = { now: rows(), low: rows(), high: rows() };
  let done = 0;
  for (let k = 0; k < count; k++) {
    let [low, high] = [Infinity, -Infinity];
    const lows = new Float64Array(pathways).fill(Infinity),
      highs = new Float64Array(pathways).fill(-Infinity);
    do {
      if (k > 0 && !(run.step(eta) <= run.limit)) return cut({ kept, strengths }, k);
      done += k > 0;
      low = Math.min(low, run.loss);
      high = Math.max(high, run.loss);
      for (let h = 0; h < pathways; h++) {
        const value = run.strengths[h * run.modes + mode];
        if (value < lows[h]) lows[h] = value;
        if (value > highs[h]) highs[h] = value;
      }
      pass(run, done);
    } while (done < recorded[k]);
    [kept.loss[k], kept.low[k], kept.high[k]] = [run.loss, low, high];
    for (let h = 0; h < pathways; h++) {
      strengths.now[h][k] = run.strengths[h * run.modes + mode];
      [strengths.low[h][k], strengths.high[h][k]] = [lows[h], highs[h]];
    }
    look(run, k);
  }
  return cut({ kept, strengths }, count);
}

function cut({ kept, strengths }, count) {
  const whole = (values) => values.subarray(0, count);
  return {
    count,
    loss: whole(kept.loss),
    lossRange: [whole(kept.low), whole(kept.high)],
    strengths: strengths.now.map(whole),
    ranges: [strengths.low.map(whole), strengths.high.map(whole)],
  };
}
