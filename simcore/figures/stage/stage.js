/* What a page does as a whole: undo, the stage of a lecture, presets by their number, full screen.
 *
 * Data are as stage/__init__.py packs them. Undo goes back in the browser's history, of whose
 * entries `history.state.changes` says how many changes lead there on this page.
 */

import { isTyped, staged } from "../browser/staged.js";
import { Laser } from "./laser.js";

export class Stage {
  constructor(root) {
    this.root = root;
    this.life = new AbortController(); // its end takes every listener along
    const on = (target, type, act) => target.addEventListener(type, act, this.life);
    on(root, "click", (event) => this.act(event.target.closest("button")?.dataset.do));
    on(document, "keydown", (event) => this.press(event));
    on(document, "fullscreenchange", () => this.show());
    for (const type of ["entered", "popstate"]) on(window, type, () => this.show());
    this.laser = new Laser(root.querySelector(".laser"), (type, act) => on(document, type, act));
  }

  stop() {
    this.life.abort();
  }

  /* ---- what Python says */

  update({ data, setTriggerValue }) {
    this.send = setTriggerValue; // an event: a state would outlive it, into another session
    this.data = data;
    if (data.stage !== this.asked) this.stage(data.stage);
    this.asked = data.stage;
    this.show();
  }

  stage(on) {
    if (on === staged()) return;
    document.documentElement.toggleAttribute("data-stage", on);
    window.dispatchEvent(new CustomEvent("staged"));
  }

  show() {
    const button = (name) => this.root.querySelector(`[data-do=${name}]`);
    button("undo").disabled = !history.state?.changes;
    button("stage").hidden = staged();
    button("fill").hidden = button("leave").hidden = !staged();
    button("fill").setAttribute("aria-pressed", Boolean(document.fullscreenElement));
    this.laser.show();
  }

  /* ---- what the visitor does */

  act(name) {
    if (name === "undo" && history.state?.changes) history.back();
    if (name === "stage" || name === "leave") this.present(name === "stage");
    if (name === "fill") this.fill();
  }

  /** At once here; the link follows. */
  present(on) {
    if (!on && document.fullscreenElement) document.exitFullscreen();
    this.stage(on);
    this.show();
    this.send("asked", { stage: on });
  }

  /** On the full screen or back from it; a browser may refuse. */
  fill() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.().catch(() => {});
  }

  press(event) {
    if (isTyped(event) || event.altKey || event.defaultPrevented) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" || event.shiftKey) return;
      event.preventDefault();
      this.act("undo");
    } else if (key === "f") {
      this.fill();
      if (!staged()) this.present(true);
    } else if (staged()) this.pressOnStage(key);
  }

  pressOnStage(key) {
    if (key === "escape") this.present(false);
    const preset = "123456789".indexOf(key);
    if (preset >= 0 && preset < this.data.presets) this.send("asked", { preset });
  }
}
