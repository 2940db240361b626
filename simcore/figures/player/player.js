/* The run player: one clock, panels chosen by the caller, and whoever moves the one or draws the
 * others. Data = {scene, run0: Arrow table or plain arrays, ...} as player/__init__.py packs it.
 * Nothing is sent to Python while playing.
 */

import { Clock } from "./clock.js";
import { fillSpeeds, listenToControls, showControls } from "./controls.js";
import { canFilm, Film } from "./film.js";
import { width } from "./ink.js";
import { listenToKeys } from "./keys.js";
import { Layout } from "./layout.js";
import { EVEN, growing } from "./pace.js";
import { makePanel } from "./panels.js";
import { listenToPointer } from "./pointer.js";
import { position, readRuns } from "./runs.js";
import { Steps } from "./steps.js";
import { readTheme } from "./theme.js";
import { View } from "./view.js";
import { tell } from "./words.js";
import { Zoom } from "./zoom.js";

const TELL_EVERY = 500; // ms between two words to screen readers while playing
const CLOSEST_ZOOM = 4; // steps

export class Player {
  constructor(root) {
    this.root = root;
    const find = (selector) => root.querySelector(selector);
    this.parts = {
      slider: find(".timeline"),
      clock: find(".clock"),
      note: find(".note"),
      state: find(".state"),
      stage: find(".stage"),
      speed: find("select"),
    };
    Object.assign(this, { strobe: "all", axis: "step", logs: {}, hover: null, pointed: null });
    this.time = null; // how it is laid out, where the visitor has chosen that
    Object.assign(this, { runs: [], panels: [], told: 0 });
    this.clock = new Clock();
    this.zoom = new Zoom();
    this.layout = new Layout(this);
    this.view = new View(this);
    this.life = new AbortController(); // its end takes every listener along
    this.listen();
    if (!canFilm()) find("[data-do=film]").remove();
  }

  listen() {
    const redress = () => this.hash && this.restyle();
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.on(this.scheme, "change", redress);
    this.on(document.fonts, "loadingdone", redress); // web fonts have other widths
    this.observer = new ResizeObserver(() => this.layout.resize());
    this.observer.observe(this.root);
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
    this.observer.disconnect();
    this.life.abort();
    this.film?.discard();
  }

  /* ---- what Python says */

  /** Called by Streamlit at every rerun and theme change; only a new hash is a new run. */
  update({ data, setTriggerValue }) {
    this.send = setTriggerValue; // an event: a state would outlive it, into another session
    const fresh = data.scene.hash !== this.hash,
      theme = readTheme(this.root, data.scene.style);
    if (fresh) this.load(data);
    const moved = this.view.receive(data.scene.view);
    if (fresh || moved) showControls(this);
    if (fresh || moved || theme.key !== this.theme.key) this.restyle(theme);
    if (moved) this.pause();
  }

  load(data) {
    this.scene = data.scene;
    this.hash = data.scene.hash;
    this.runs = readRuns(data);
    this.ribbons = this.runs.filter((run) => run.phases.length);
    this.reference = this.runs.find((run) => !run.smooth) ?? null; // its steps are counted
    this.steps = this.reference && new Steps(this.reference);
    this.clock.load(this.runs);
    this.zoom.load(this.clock);
    this.layOut(this.time);
    this.pick(this.strobe);
    this.hover = this.pointed = null;
    for (const p of this.panels) p.button?.remove();
    this.panels = data.scene.panels.map((spec) => makePanel(this, spec));
    this.parts.note.textContent = data.scene.note;
  }

  restyle(theme = readTheme(this.root, this.scene.style)) {
    this.theme = theme;
    const digits = [..."0123456789"].map((d) => width(this, d)),
      widest = Math.max(...digits);
    this.cell = { width: widest, equal: widest - Math.min(...digits) < 0.05 };
    for (const p of this.panels) p.kind.prepare(this, p);
    this.layout.resize();
  }

  /* ---- time */

  /** The moment on show. */
  get at() {
    return this.hover ?? this.clock.t;
  }

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
      once: Boolean(this.film),
      stills: this.calm.matches && !this.film,
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
    this.film?.stop();
    this.film = null;
    showControls(this);
    this.changed();
  }

  seek(t) {
    this.clock.seek(t);
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

  follow() {
    if (this.zoom.follow(this.clock.t)) this.layout.resize();
  }

  changed() {
    tell(this);
    this.view.report();
  }

  /** Plays once from the start and saves what was seen; again ends it early. */
  record() {
    if (this.film) return this.pause();
    this.film = new Film(this);
    this.clock.seek(this.clock.start);
    this.play();
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

  /** Records of one parity, or all; all where no run has both. */
  pick(strobe) {
    this.strobe = this.runs.some((run) => run.strobes && strobe in run.picks) ? strobe : "all";
    for (const run of this.runs) run.pick = run.picks[this.strobe];
  }

  setStrobe(strobe) {
    this.pick(strobe);
    showControls(this);
    this.layout.redraw();
    this.view.report();
  }

  get logTime() {
    return (this.time ?? this.scene?.time) === "log";
  }

  /** Time evenly ("linear") or by decades ("log"), or as the scene wants it (null). */
  layOut(time) {
    this.time = time === this.scene.time ? null : time;
    const pace = this.logTime ? growing(this.firstStep()) : EVEN;
    this.clock.pace = this.zoom.pace = pace;
    fillSpeeds(this);
  }

  /** How long the first step lasts, or the first record of runs without steps. */
  firstStep() {
    if (this.steps?.counts) return this.steps.time(1) - this.steps.time(0);
    const firsts = this.runs.map((run) => run.t[1]).filter((t) => t > 0);
    return firsts.length ? Math.min(...firsts) : this.clock.end;
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
