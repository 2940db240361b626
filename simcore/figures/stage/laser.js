/* The dot of a laser pointer: while the key L is held, or the pointer where a press does nothing. */

import { isTyped, staged } from "../browser/staged.js";

const TAKEN = "button, a, input, textarea, select, summary, canvas, [role], [tabindex]";

export class Laser {
  constructor(dot, on) {
    this.dot = dot;
    this.at = null; // where the pointer is
    this.key = this.press = false; // what is held
    on("pointermove", (event) => this.move(event));
    on("pointerdown", (event) => {
      this.press = event.button === 0 && !event.composedPath().some((e) => e.matches?.(TAKEN));
      this.move(event);
    });
    for (const type of ["pointerup", "pointercancel"]) on(type, () => this.hold({ press: false }));
    on("keydown", (event) => {
      if (event.key.toLowerCase() === "l" && !isTyped(event)) this.hold({ key: true });
    });
    on("keyup", (event) => event.key.toLowerCase() === "l" && this.hold({ key: false }));
    on("visibilitychange", () => this.hold({ key: false, press: false }));
  }

  move({ clientX, clientY }) {
    this.at = [clientX, clientY];
    this.show();
  }

  hold(held) {
    Object.assign(this, held);
    this.show();
  }

  show() {
    this.dot.hidden = !(staged() && this.at && (this.key || this.press));
    if (this.at) Object.assign(this.dot.style, { left: `${this.at[0]}px`, top: `${this.at[1]}px` });
  }
}
