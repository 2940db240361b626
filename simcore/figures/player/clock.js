/* The clock: the time on show, how it runs, and the records it stops at. It draws nothing. */

import { SECONDS_PER_STILL } from "../browser/motion.js";
import { clamp } from "../browser/numbers.js";
import { EVEN } from "./pace.js";
import { position } from "./runs.js";

export class Clock {
  constructor() {
    Object.assign(this, { start: 0, end: 1, t: undefined, playing: false, speed: 1, loop: false });
    this.pace = EVEN; // at which time is laid out and played
  }

  /** Takes new runs; the time stays, and stays at the end if it was there. */
  load(runs) {
    const ended = this.t === undefined || this.t >= this.end;
    this.start = Math.min(...runs.map((run) => run.t[0]));
    this.end = Math.max(...runs.map((run) => run.t[run.t.length - 1]));
    if (this.end <= this.start) this.end = this.start + 1;
    this.seek(ended ? this.end : this.t);
  }

  /** Which part of the clock has passed at time t, as it is laid out. */
  part(t) {
    const { to } = this.pace,
      begin = to(this.start);
    return (to(t) - begin) / (to(this.end) - begin);
  }

  /** The time at which that part has passed. */
  at(part) {
    const { to, back } = this.pace,
      begin = to(this.start);
    return part >= 1 ? this.end : back(begin + part * (to(this.end) - begin));
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
   * `stills` moves twice a second only. Returns whether it moved. */
  advance(now, { seconds, stills }) {
    this.owed += Math.min(0.1, (now - (this.last ?? now)) / 1000);
    this.last = now;
    if (stills && this.owed < SECONDS_PER_STILL) return false;
    let part = this.part(this.t) + (this.owed * this.speed) / seconds;
    if (part >= 1 && this.loop) part %= 1;
    this.t = this.at(part);
    this.owed = 0;
    return true;
  }

  /** The time n records of `run` on; a five-hundredth of the clock where there are none to stop at.
   * Beyond its last record the run goes on at the pace of its last ones. */
  stepped(n, run) {
    const pick = run?.pick;
    if (!run || run.smooth || pick.length < 2)
      return this.at(Math.max(0, this.part(this.t) + n / 500));
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
