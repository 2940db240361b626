/* The stretch of the clock that the time axes show. It is moved and sized by the `pace` at which time
 * is laid out. */

import { clamp } from "../browser/numbers.js";
import { EVEN } from "./pace.js";

const SMALLEST = 1 / 5000; // of the clock

export class Zoom {
  constructor() {
    this.pace = EVEN;
  }

  /** A clock of other ends is shown whole. */
  load({ start, end }) {
    if (start === this.start && end === this.end) return;
    Object.assign(this, { start, end, from: start, to: end });
  }

  get zoomed() {
    return this.from > this.start || this.to < this.end;
  }

  /** Where the stretch and the clock begin and end, as lengths. */
  get lengths() {
    return [this.from, this.to, this.start, this.end].map(this.pace.to);
  }

  /** Shows [from, to], as much of it as there is; null is the whole clock. */
  set(stretch) {
    const [from, to] = (stretch ?? []).map((t) => clamp(t, this.start, this.end));
    [this.from, this.to] = from < to ? [from, to] : [this.start, this.end];
    const [a, b, start, end] = this.lengths,
      smallest = (end - start) * SMALLEST;
    if (b - a < smallest) this.show(a, smallest);
  }

  /** Shows `factor` times as much around a time, but not less than `smallest` there. */
  by(factor, around, smallest) {
    const { to } = this.pace,
      [a, b, start, end] = this.lengths,
      near = to(around + smallest / 2) - to(around - smallest / 2);
    const whole = end - start,
      size = clamp((b - a) * factor, Math.min(Math.max(whole * SMALLEST, near), whole), whole);
    const centre = clamp(to(around), a, b);
    this.show(centre - ((centre - a) / (b - a)) * size, size);
  }

  /** Turns the page when time t has left it; returns whether it had. */
  follow(t) {
    if (!this.zoomed || (t >= this.from && t <= this.to)) return false;
    const [a, b] = this.lengths;
    this.show(this.pace.to(t) - (t > this.to ? 0.05 : 0.95) * (b - a), b - a);
    return true;
  }

  /** A stretch of this size that begins at the length `from`, inside the clock. */
  show(from, size) {
    const [, , start, end] = this.lengths,
      a = clamp(from, start, end - size),
      b = a + size;
    this.from = a <= start ? this.start : this.pace.back(a);
    this.to = b >= end ? this.end : this.pace.back(b);
  }
}
