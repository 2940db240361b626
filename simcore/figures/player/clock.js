/* The clock: the time on show, how it runs, and the records it stops at. It draws nothing. */

import { clamp } from "../browser/numbers.js";
import { position } from "./runs.js";

const SECONDS_PER_STILL = 0.5; // where the visitor wants no motion

export class Clock {
  constructor() {
    Object.assign(this, { start: 0, end: 1, t: undefined, playing: false, speed: 1, loop: false });
  }

  /** Takes new runs; the time stays, and stays at the end if it was there. */
  load(runs) {
    const ended = this.t === undefined || this.t >= this.end;
    this.start = Math.min(...runs.map((run) => run.t[0]));
    this.end = Math.max(...runs.map((run) => run.t[run.t.length - 1]));
    if (this.end <= this.start) this.end = this.start + 1;
    this.seek(ended ? this.end : this.t);
  }

  get length() {
    return this.end - this.start;
  }

  get over() {
    return this.t >= this.end;
  }

  seek(t) {
    this.t = clamp(t, this.start, this.end);
  }

  play() {
    if (this.over) this.t = this.start;
    Object.assign(this, { playing: true, last: undefined, owed: 0 });
  }

  /** Moves on by what passed since the last frame; the whole run takes `seconds` at speed 1.
   * `once` does not loop, `stills` moves twice a second only. Returns whether it moved. */
  advance(now, { seconds, once, stills }) {
    this.owed += Math.min(0.1, (now - (this.last ?? now)) / 1000);
    this.last = now;
    if (stills && this.owed < SECONDS_PER_STILL) return false;
    this.t += (this.owed * this.speed * this.length) / seconds;
    this.owed = 0;
    if (this.over && this.loop && !once)
      this.t = this.start + ((this.t - this.start) % this.length);
    else if (this.over) this.t = this.end;
    return true;
  }

  /** The time n records of `run` on; a five-hundredth of the clock where there are none to stop at.
   * Beyond its last record the run goes on at the pace of its last ones. */
  stepped(n, run) {
    const pick = run?.pick;
    if (!run || run.smooth || pick.length < 2) return this.t + (n * this.length) / 500;
    const last = pick.length - 1,
      j = position(run, this.t),
      beyond = this.t - run.t[pick[Math.max(0, j)]];
    const between = n < 0 && beyond > 1e-9 * this.end ? 1 : 0,
      target = j + n + between;
    const size = run.t[pick[last]] - run.t[pick[last - 1]];
    if (j === last && (n > 0 || beyond > size)) return this.t + n * size;
    return target < 0 ? this.start : run.t[pick[Math.min(last, target)]];
  }
}
