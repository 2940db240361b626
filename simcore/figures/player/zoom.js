/* The stretch of the clock that the time axes show. */

import { clamp } from "../browser/numbers.js";

const SMALLEST = 1 / 5000; // of the clock

export class Zoom {
  /** A clock of other ends is shown whole. */
  load({ start, end }) {
    if (start === this.start && end === this.end) return;
    Object.assign(this, { start, end, from: start, to: end });
  }

  get size() {
    return this.to - this.from;
  }

  get zoomed() {
    return this.from > this.start || this.to < this.end;
  }

  get whole() {
    return this.end - this.start;
  }

  /** Shows [from, to], as much of it as there is; null is the whole clock. */
  set(stretch) {
    const [from, to] = (stretch ?? []).map((t) => clamp(t, this.start, this.end));
    [this.from, this.to] = from < to ? [from, to] : [this.start, this.end];
    if (this.size < this.whole * SMALLEST) this.show(this.from, this.whole * SMALLEST);
  }

  /** Shows `factor` times as much around a time, but not less than `smallest`. */
  by(factor, around, smallest) {
    const { whole } = this,
      floor = Math.min(Math.max(whole * SMALLEST, smallest), whole);
    const size = clamp(this.size * factor, floor, whole);
    const centre = clamp(around, this.from, this.to);
    this.show(centre - ((centre - this.from) / this.size) * size, size);
  }

  /** Turns the page when time t has left it; returns whether it had. */
  follow(t) {
    if (!this.zoomed || (t >= this.from && t <= this.to)) return false;
    this.show(t - (t > this.to ? 0.05 : 0.95) * this.size, this.size);
    return true;
  }

  show(from, size) {
    this.from = clamp(from, this.start, this.end - size);
    this.to = this.from + size;
  }
}
