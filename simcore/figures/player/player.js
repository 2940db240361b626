/* The run player: a picture on a screen, and whoever moves its clock or chooses what it shows. Data =
 * {scene, run0: Arrow table or plain arrays, ...} as player/__init__.py packs it. Nothing is sent to
 * Python while playing.
 */

import { staged } from "../browser/staged.js";
import { fillSpeeds, listenToControls, showControls } from "./controls.js";
import { listenToKeys } from "./keys.js";
import { Layout, Screen } from "./layout.js";
import { Live } from "./live.js";
import { MOST_ON_STAGE, showVisible, titleButton } from "./enlarge.js";
import { addLogButton } from "./logbutton.js";
import { Picture } from "./picture.js";
import { listenToPointer } from "./pointer.js";
import { position } from "./runs.js";
import { listenToTakers } from "./take.js";
import { pageColours, themed } from "./theme.js";
import { View } from "./view.js";
import { showClock, tell } from "./words.js";

const TELL_EVERY = 500; // ms between two words to screen readers while playing
const CLOSEST_ZOOM = 4; // steps

export class Player extends Picture {
  constructor(root) {
    super();
    this.root = root;
    const find = (selector) => root.querySelector(selector);
    this.parts = {
      slider: find(".timeline"),
      clock: find(".clock"),
      note: find(".note"),
      state: find(".state"),
      stage: find(".stage"),
      speed: find("select"),
      film: find("[data-do=film]"),
    };
    this.told = 0;
    this.layout = new Layout(this, new Screen(root));
    this.view = new View(this);
    this.life = new AbortController(); // its end takes every listener along
    this.listen();
    this.live = new Live(this);
    listenToTakers(this);
  }

  listen() {
    const redress = () => this.redress();
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.on(this.scheme, "change", redress);
    this.on(document.fonts, "loadingdone", redress); // web fonts have other widths
    this.observer = new ResizeObserver(() => this.layout.refit());
    // what stands above the panels moves them, and then all that holds them has another size
    for (let n = this.root; n; n = n.parentNode ?? n.host)
      if (n.nodeType === 1) this.observer.observe(n);
    this.on(window, "staged", () => this.redress());
    listenToControls(this);
    listenToKeys(this);
    listenToPointer(this);
  }

  on(target, type, listener, options) {
    target.addEventListener(type, listener, { ...options, signal: this.life.signal });
  }

  stop() {
    cancelAnimationFrame(this.request);
    this.view.stop();
    this.live.stop();
    this.observer.disconnect();
    this.life.abort();
    this.film?.abort();
  }

  /* ---- what Python says */

  /** Called by Streamlit at every rerun and theme change; only a new hash is a new run. */
  update({ data, setTriggerValue }) {
    this.send = setTriggerValue; // an event: a state would outlive it, into another session
    const whole = this.live.receive(data);
    if (!whole) return;
    this.caption = data.scene.caption; // it holds the view, so it changes with that
    const fresh = data.scene.hash !== this.hash,
      theme = this.pageTheme(data.scene.style);
    this.root.toggleAttribute("data-stage", staged());
    if (fresh) this.load(whole);
    const moved = this.view.receive(data.scene.view);
    if (fresh || moved) showControls(this);
    if (fresh || moved || theme.key !== this.theme.key) this.restyle(theme);
    if (moved) this.pause();
    if (fresh && data.scene.plays && !this.calm.matches) this.play();
  }

  load(data) {
    const titles = new Map(this.panels.map((p) => [p.key, p.titleButton]));
    for (const p of this.panels) p.button?.remove();
    super.load(data);
    for (const p of this.panels) {
      p.titleButton = titles.get(p.key) ?? titleButton(this, p.key); // it may have the focus
      titles.delete(p.key);
      addLogButton(this, p);
    }
    for (const button of titles.values()) button.remove();
    showVisible(this);
    this.parts.note.textContent = data.scene.note;
  }

  pageTheme(style = this.scene.style) {
    return themed(pageColours(this.root), style);
  }

  restyle(theme = this.pageTheme()) {
    this.dress(theme);
    this.layout.resize();
  }

  /** The same on another ground: colours, fonts, the stage. */
  redress() {
    if (!this.hash) return;
    this.root.toggleAttribute("data-stage", staged());
    showVisible(this);
    this.restyle();
  }

  /** One panel alone, if it is enlarged; on stage the first ones. */
  get visible() {
    const one = this.panels.find((p) => p.key === this.enlarged);
    if (one) return [one];
    return staged() ? this.panels.slice(0, MOST_ON_STAGE) : this.panels;
  }

  enlarge(key) {
    this.enlarged = key;
    showVisible(this);
    this.layout.resize();
  }

  painted(anew) {
    showClock(this);
    if (anew) tell(this);
  }

  /* ---- time */

  /** Paints at the next frame, and at every one while the clock runs. */
  wake() {
    this.request ??= requestAnimationFrame((now) => {
      this.request = undefined;
      if (this.clock.playing) this.advance(now);
      this.layout.paint();
      if (this.clock.playing) this.wake();
    });
  }

  advance(now) {
    const moved = this.clock.advance(now, {
      seconds: this.scene.seconds,
      stills: this.calm.matches,
    });
    if (!moved) return;
    if (this.clock.over) this.pause();
    this.follow();
    if (now - this.told > TELL_EVERY) {
      this.told = now;
      tell(this);
    }
  }

  play() {
    this.clock.play();
    this.hover = null;
    this.follow();
    showControls(this);
    this.wake();
  }

  pause() {
    if (!this.clock.playing) return;
    this.clock.playing = false;
    this.rest();
    showControls(this);
    this.changed();
    this.wake();
  }

  seek(t) {
    this.clock.seek(t);
    this.rest();
    this.follow();
    this.changed();
    this.wake();
  }

  step(n) {
    this.pause();
    this.hover = null;
    this.seek(this.clock.stepped(n, this.reference));
  }

  /** Nearest record of the reference run, so that a drag lands on iterates. */
  snap(t) {
    const run = this.reference;
    if (!run || t === null || t > run.t[run.t.length - 1]) return t;
    const j = Math.max(0, position(run, t)),
      a = run.t[run.pick[j]],
      b = run.t[run.pick[j + 1]] ?? a;
    const [u, v, w] = [a, t, b].map(this.clock.pace.to); // nearest to the eye
    return v - u <= w - v ? a : b;
  }

  changed() {
    tell(this);
    this.view.report();
  }

  /* ---- what is shown */

  zoomBy(factor, around = this.clock.t) {
    const steps = this.steps?.counts ? this.steps.lasting(CLOSEST_ZOOM, around) : 0;
    this.zoom.by(factor, around, steps);
    this.follow();
    showControls(this);
    this.layout.resize();
    this.view.report();
  }

  setStrobe(strobe) {
    this.pick(strobe);
    this.rest();
    showControls(this);
    this.layout.redraw();
    this.view.report();
  }

  layOut(time) {
    super.layOut(time);
    fillSpeeds(this);
  }

  toggleLogTime() {
    this.layOut(this.logTime ? "linear" : "log");
    this.restyle();
    this.view.report();
  }

  setAxis(axis) {
    this.axis = axis;
    showControls(this);
    this.restyle();
    this.view.report();
  }
}
