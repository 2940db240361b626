/* A control that plays: a key goes through all its values by itself, and whoever follows the control
 * at once goes along. A control = {seconds: from its first value to its last, over(): whether it is
 * at the last, rewind(): to the first, advance(part): by so much of the way, rest(): here it stays}.
 */

import { SECONDS_PER_STILL } from "./motion.js";

export const SWEEP_SECONDS = 14; // through a whole control, on the page as in a film
const LONGEST_FRAME = 0.1; // of seconds that count, so that a hidden page does not jump
const ICON = `<svg viewBox="0 0 16 16" aria-hidden="true"><path class="still" d="M4 2.5v11l9-5.5z"/>
  <path class="moving" d="M4 3h3v10H4zM9 3h3v10H9z"/></svg>`;

export class Sweep {
  constructor(button, control, options) {
    Object.assign(this, { button, control });
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    button.innerHTML = ICON;
    button.addEventListener("click", () => (this.request ? this.stop() : this.start()), options);
  }

  start() {
    if (this.control.over()) this.control.rewind();
    this.owed = 0;
    this.last = undefined;
    this.go();
  }

  go() {
    this.request = requestAnimationFrame((now) => {
      this.owed += Math.min(LONGEST_FRAME, (now - (this.last ?? now)) / 1000);
      this.last = now;
      if (!this.calm.matches || this.owed >= SECONDS_PER_STILL) {
        this.control.advance(this.owed / this.control.seconds);
        this.owed = 0;
      }
      if (this.control.over()) this.stop();
      else this.go();
    });
    this.button.setAttribute("aria-pressed", true);
  }

  /** Where the control stands then counts, as after a drag. */
  stop() {
    if (!this.request) return;
    this.halt();
    this.control.rest();
  }

  /** The same where somebody else has taken the control. */
  halt() {
    cancelAnimationFrame(this.request);
    this.request = undefined;
    this.button.setAttribute("aria-pressed", false);
  }
}
