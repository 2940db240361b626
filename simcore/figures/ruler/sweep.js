/* The phase transitions as a film: the handle goes through all step sizes by itself, and whoever
 * follows it at once goes along. R is the ruler. */

import { SECONDS_PER_STILL } from "../browser/motion.js";
import { clamp } from "../browser/numbers.js";

const SECONDS = 14; // from one end of the bar to the other
const LONGEST_FRAME = 0.1; // of seconds that count, so that a hidden page does not jump

export class Sweep {
  constructor(R, button) {
    Object.assign(this, { R, button });
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    button.addEventListener("click", () => (this.request ? this.stop() : this.start()), R.off);
  }

  /** Shown only where a picture follows at once: elsewhere each step size would be a run. */
  offer(heard) {
    this.button.hidden = !heard;
    if (!heard) this.stop();
  }

  start() {
    const [low, high] = this.R.data.range;
    if (this.R.eta >= high) this.R.move(low);
    this.owed = 0;
    this.last = undefined;
    this.go();
  }

  go() {
    this.request = requestAnimationFrame((now) => {
      this.owed += Math.min(LONGEST_FRAME, (now - (this.last ?? now)) / 1000);
      this.last = now;
      if (!this.calm.matches || this.owed >= SECONDS_PER_STILL) this.advance();
      if (this.R.eta < this.R.data.range[1]) this.go();
      else this.stop();
    });
    this.button.setAttribute("aria-pressed", true);
  }

  advance() {
    const { R } = this;
    R.move(R.etaOf(clamp(R.partOf(R.eta) + this.owed / SECONDS, 0, 1)));
    this.owed = 0;
  }

  /** Where the handle stands then counts, as after a drag. */
  stop() {
    if (!this.request) return;
    cancelAnimationFrame(this.request);
    this.request = undefined;
    this.button.setAttribute("aria-pressed", false);
    this.R.move(this.R.etaAt(this.R.x(this.R.eta)));
    this.R.report();
  }
}
