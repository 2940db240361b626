/* A picture of runs: one clock, panels, and what of them is chosen to be seen. It knows of no page;
 * the player shows one on a screen, a print is one on paper. In the drawing code S is a picture.
 */

import { Clock } from "./clock.js";
import { width } from "./ink.js";
import { EVEN, growing } from "./pace.js";
import { makePanel } from "./panels.js";
import { readRuns, snapped } from "./runs.js";
import { Steps } from "./steps.js";
import { Zoom } from "./zoom.js";

export class Picture {
  constructor() {
    Object.assign(this, { strobe: "all", axis: "step", logs: {}, hover: null, pointed: null });
    this.time = null; // how it is laid out, where the visitor has chosen that
    Object.assign(this, { runs: [], panels: [] });
    this.lettering = "auto"; // as a canvas calls it
    this.clock = new Clock();
    this.zoom = new Zoom();
  }

  /** Takes new runs and panels, {scene, run0: Arrow table or plain arrays, ...}. */
  load(data) {
    this.data = data;
    this.scene = data.scene;
    this.hash = data.scene.hash;
    this.caption = data.scene.caption;
    this.take(readRuns(data));
    this.hover = this.pointed = null;
    this.panels = data.scene.panels.map((spec) => makePanel(this, spec));
  }

  /** Takes a picture with as many panels of the same kinds: other runs, and what is said of them. */
  become(data) {
    Object.assign(this, { data, scene: data.scene, caption: data.scene.caption });
    this.take(readRuns(data));
    data.scene.panels.forEach((spec, k) => {
      this.panels[k].spec = spec;
    });
  }

  /** Takes runs for those there were; the panels must name none that is not there. */
  take(runs) {
    this.runs = runs;
    this.ribbons = this.runs.filter((run) => run.phases.length);
    this.reference = this.runs.find((run) => !run.smooth) ?? null; // its steps are counted
    this.steps = this.reference && new Steps(this.reference);
    for (const run of this.runs) run.even = run.smooth || new Steps(run).even;
    this.shared = this.runs.every((run) => run.smooth || this.steps.isThatOf(run));
    this.clock.load(this.runs);
    this.zoom.load(this.clock);
    this.layOut(this.time);
    this.pick(this.strobe);
  }

  /** Takes colours and a font. */
  dress(theme) {
    this.theme = theme;
    const digits = [..."0123456789"].map((d) => width(this, d)),
      widest = Math.max(...digits);
    this.cell = { width: widest, equal: widest - Math.min(...digits) < 0.05 };
    for (const p of this.panels) p.kind.prepare(this, p);
  }

  /** The panels on show, of all there are. */
  get visible() {
    return this.panels;
  }

  /** Called after each painting, `anew` if all of it was drawn again. */
  painted(_anew) {}

  /* ---- time */

  /** The moment on show. */
  get at() {
    return this.shown(this.hover ?? this.clock.t);
  }

  /** The time of the record that is on show at clock time t, so that step, t and values belong
   * together; t itself where no run is counted, or the one that is has ended. */
  shown(t) {
    const run = this.reference;
    return run && t <= run.t.at(-1) ? snapped(run, t) : t;
  }

  /** The cursor stands on the record that it shows; at the end it stays at the end. */
  rest() {
    if (!this.clock.over) this.clock.seek(this.shown(this.clock.t));
  }

  follow() {
    if (this.zoom.follow(this.clock.t)) this.layout.resize();
  }

  /* ---- what is shown */

  /** Records of one parity, or all; all where no run has both. */
  pick(strobe) {
    this.strobe = this.runs.some((run) => run.strobes && strobe in run.picks) ? strobe : "all";
    for (const run of this.runs) run.pick = run.picks[this.strobe];
  }

  get logTime() {
    return (this.time ?? this.scene?.time) === "log";
  }

  /** Time evenly ("linear") or by decades ("log"), or as the scene wants it (null). */
  layOut(time) {
    this.time = time === this.scene.time ? null : time;
    const pace = this.logTime ? growing(this.firstStep()) : EVEN;
    this.clock.pace = this.zoom.pace = pace;
  }

  /** How long the first step lasts, or the first record of runs without steps. */
  firstStep() {
    if (this.steps?.counts) return this.steps.time(1) - this.steps.time(0);
    const firsts = this.runs.map((run) => run.t[1]).filter((t) => t > 0);
    return firsts.length ? Math.min(...firsts) : this.clock.end;
  }
}
