/* Steps and times of the run that is counted: its columns `step` and `t`. A step size may change
 * along the run, so one goes through the records: straight between two, and on beyond both ends. */

export class Steps {
  constructor({ step, t }) {
    const kept = []; // where both grow: a map and its inverse
    for (let i = 0; i < step.length; i++) {
      const k = kept.at(-1);
      if (k === undefined || (step[i] > step[k] && t[i] > t[k])) kept.push(i);
    }
    this.step = Float64Array.from(kept, (i) => step[i]);
    this.t = Float64Array.from(kept, (i) => t[i]);
    this.last = step[step.length - 1];
    /** Whether there are two moments to count between. */
    this.counts = kept.length > 1;
    this.finest = this.shortest();
    /** Whether all of them last as long. */
    this.even = this.t.every(
      (time, i) =>
        Math.abs(time * this.last - this.step[i] * this.t.at(-1)) <=
        1e-6 * this.last * this.t.at(-1),
    );
  }

  /** The step at time t, a fraction between two. */
  at = (t) => through(this.t, this.step, t);

  /** Updates done at time t. */
  done = (t) => Math.floor(this.at(t) + 1e-6);

  time = (step) => through(this.step, this.t, step);

  /** Whether another run has its steps at the same times. */
  isThatOf({ step, t }) {
    return step.every((s, i) => Math.abs(this.at(t[i]) - s) < 1e-6 * (1 + s));
  }

  /** How long `count` steps around time t last. */
  lasting(count, t) {
    const middle = this.at(t);
    return this.time(middle + count / 2) - this.time(middle - count / 2);
  }

  /** Length of the shortest step; nine digits, as differences of times are no better. */
  shortest() {
    let least = Infinity;
    for (let i = 1; i < this.t.length; i++)
      least = Math.min(least, (this.t[i] - this.t[i - 1]) / (this.step[i] - this.step[i - 1]));
    return Number(least.toPrecision(9));
  }
}

/** y at x on the polyline through increasing xs; its end pieces go on. */
function through(xs, ys, x) {
  if (xs.length < 2) return ys[0];
  let lo = 0,
    hi = xs.length - 2;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (xs[mid] <= x) lo = mid;
    else hi = mid - 1;
  }
  return ys[lo] + ((x - xs[lo]) * (ys[lo + 1] - ys[lo])) / (xs[lo + 1] - xs[lo]);
}
