/* The regime ruler: the step size as a handle on a bar of regimes, on a log scale.
 *
 * Data are as ruler/__init__.py packs them. A move of the handle is painted here, at most once a
 * frame; Python hears of it as the state value "eta".
 */

import { clamp } from "../browser/numbers.js";
import { Sweep, SWEEP_SECONDS } from "../browser/sweep.js";
import { element } from "./element.js";
import { listen } from "./handle.js";
import { placeLabels } from "./labels.js";
import { digits, same, short } from "./words.js";

const THROTTLE = 150; // ms between two reports of a drag
const QUIET = 1000; // ms after a move in which a rerun is taken for its echo,
const STILL = 300; // ms without a move after which a drag that is shown at once is reported
const SLOW = 4000; // and a step size reported just before, or a session that just began
const MOST_NAMED = 3; // of later step sizes

export class Ruler {
  constructor(root) {
    this.root = root;
    const find = (selector) => root.querySelector(selector);
    this.parts = {
      eta: find(".eta"),
      next: find(".next"),
      gamma: find(".gamma"),
      symbol: find(".edge > i"),
      edge: find(".edge > span"),
      regime: find(".regime"),
      labels: find(".labels"),
      zones: find(".zones"),
      reached: find(".reached"),
      later: find(".later"),
      poles: find(".poles"),
      track: find(".track"),
      handle: find(".handle"),
    };
    this.dark = 0;
    this.changed = -Infinity; // when the visitor last moved the handle
    this.reported = -Infinity;
    this.echoes = new Set(); // what was reported since Python last agreed
    this.off = new AbortController();
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", () => this.data && this.colour(), this.off);
    this.observer = new ResizeObserver(() => this.data && this.place());
    this.observer.observe(this.parts.track);
    const onFonts = () => this.data && this.place(); // web fonts have other widths
    document.fonts.addEventListener("loadingdone", onFonts, this.off);
    this.sweep = new Sweep(find(".sweep"), this.swept(), this.off);
    window.addEventListener("followed", () => this.ask(), this.off);
    window.addEventListener("network", ({ detail }) => this.borrow(detail.bar), this.off);
    listen(this);
  }

  stop() {
    this.sweep.stop();
    document.documentElement.removeAttribute("data-words-follow");
    clearTimeout(this.timer);
    clearTimeout(this.doubt);
    cancelAnimationFrame(this.request);
    this.observer.disconnect();
    this.off.abort();
  }

  /* ---- what Python says */

  update({ data, setTriggerValue }) {
    this.send = setTriggerValue; // an event: a state would outlive it, into another session
    if (this.held) this.waiting = data;
    else this.take(data);
  }

  /** New marks at once, but the step size only if it is no echo of what was moved just now. */
  take(data, released = false) {
    const { token, begun, eta, ...layout } = data,
      key = JSON.stringify(layout);
    const other = !begun && token !== this.data?.token && !released,
      late = begun || this.echoes.has(eta),
      quiet = this.changed + (late ? SLOW : QUIET) - performance.now();
    const redraw = key !== this.layout || this.borrowed;
    [this.data, this.layout, this.own] = [data, key, data];
    this.borrowed = false;
    clearTimeout(this.doubt);
    if (eta === this.eta || other || quiet <= 0) this.adopt(eta);
    // Python may also have refused a step size: then its word counts once the echoes are over.
    else this.doubt = setTimeout(() => this.held || this.take(this.data), quiet);
    if (redraw) this.draw();
    this.colour(); // a new theme comes as a call, too
  }

  /** The bar of a network that Python has not seen; null for its own again. */
  borrow(bar) {
    if (!this.own || (!bar && !this.borrowed)) return;
    this.data = { ...this.own, ...bar };
    this.borrowed = Boolean(bar);
    this.draw();
    this.colour();
  }

  adopt(eta) {
    this.eta = this.sent = eta;
    this.adopted = true;
    this.echoes.clear();
  }

  /* ---- what the visitor does */

  move(eta) {
    const [low, high] = this.data.range;
    this.eta = clamp(eta, low, high);
    this.adopted = false;
    this.changed = performance.now();
    clearTimeout(this.doubt);
    this.wake();
    if (this.heard) clearTimeout(this.timer);
    const wait = this.heard ? STILL : Math.max(0, this.reported + THROTTLE - this.changed);
    if (this.heard || this.timer === undefined) this.timer = setTimeout(() => this.report(), wait);
  }

  /** Tells the page where the handle is, and learns whether somebody shows it at once; until Python
   * says the same, the words of the page are those of another step size. */
  announce() {
    this.ask(this.eta);
    const others = this.borrowed || this.eta !== this.data.eta;
    document.documentElement.toggleAttribute("data-words-follow", others);
  }

  /** Learns whether somebody shows at once what the handle does, and tells where it is. */
  ask(eta) {
    const detail = { eta, adopted: this.adopted, range: this.data.range, heard: false };
    window.dispatchEvent(new CustomEvent("step-size", { detail }));
    this.heard = detail.heard;
    this.sweep.button.hidden = !this.heard; // elsewhere each step size would be a run of Python's
    if (!this.heard) this.sweep.stop();
  }

  /** The bar as a control that plays. */
  swept() {
    return {
      seconds: SWEEP_SECONDS,
      over: () => this.eta >= this.data.range[1],
      rewind: () => this.move(this.data.range[0]),
      advance: (part) => this.move(this.etaOf(clamp(this.partOf(this.eta) + part, 0, 1))),
      rest: () => {
        this.move(this.etaAt(this.x(this.eta)));
        this.report();
      },
    };
  }

  report() {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.eta === this.sent) return;
    this.sent = this.eta;
    this.echoes.add(this.eta);
    this.reported = this.changed = performance.now();
    this.send?.("eta", this.eta);
  }

  /* ---- the scale */

  x(eta) {
    return this.width * clamp(this.partOf(eta), 0, 1);
  }

  /** Which part of the bar is below a step size. */
  partOf(eta) {
    const [low, high] = this.data.range.map(Math.log);
    return (Math.log(eta) - low) / (high - low);
  }

  etaOf(part) {
    const [low, high] = this.data.range;
    return part <= 0 ? low : part >= 1 ? high : low ** (1 - part) * high ** part;
  }

  /** Four digits: finer than a pixel, and short in a link. */
  etaAt(x) {
    const eta = this.etaOf(x / this.width);
    return this.data.range.includes(eta) ? eta : Number(eta.toPrecision(4));
  }

  /* ---- layout: on new data and on resize, never while the handle moves */

  draw() {
    const { zones, gamma, symbol } = this.parts;
    symbol.textContent = this.data.edge.symbol;
    gamma.hidden = !this.data.sharpness;
    this.zones = this.data.zones.map((zone) => {
      const box = element("div", "zone", element("span", "", zone.name));
      box.title = `${zone.name}: η from ${short(zone.start)} to ${short(zone.end)}`;
      return { ...zone, box };
    });
    zones.replaceChildren(...this.zones.map((zone) => zone.box));
    this.drawReached();
    this.drawLater();
    this.place();
  }

  /** What runs of this network really do, under what theory expects. */
  drawReached() {
    const parts = this.data.reached;
    this.reached = parts.map((part) => {
      const box = element("div", "part");
      box.title = part.words;
      box.setAttribute("role", "listitem");
      box.setAttribute("aria-label", part.words);
      return { ...part, box };
    });
    this.parts.reached.replaceChildren(...this.reached.map(({ box }) => box));
    this.root.toggleAttribute("data-reached", parts.length > 0);
  }

  /** To which step sizes events of the run lead: marks on the bar, and words beside that of the start. */
  drawLater() {
    const { later } = this.data,
      { next } = this.parts;
    this.later = later.map(({ value, words }) => {
      const box = element("i", "mark");
      box.title = words;
      box.setAttribute("role", "listitem");
      box.setAttribute("aria-label", words);
      return { value, box };
    });
    this.parts.later.replaceChildren(...this.later.map(({ box }) => box));
    next.hidden = !later.length;
    next.textContent = `then ${later
      .slice(0, MOST_NAMED)
      .map(({ value }) => short(value))
      .join(", ")}`;
    if (later.length > MOST_NAMED) next.textContent += ", …";
    next.title = later.map(({ words }) => words).join("; ");
  }

  colour() {
    const [r, g, b] = (getComputedStyle(this.root).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
    this.dark = 0.2126 * r + 0.7152 * g + 0.0722 * b > 128 ? 1 : 0; // light ink: a dark page
    for (const { box, colour } of [...this.zones, ...this.reached])
      box.style.setProperty("--hue", colour[this.dark]);
    this.wake();
  }

  place() {
    this.width = this.parts.track.clientWidth;
    if (!this.width) return;
    const cuts = this.data.ticks.map((tick) => this.x(tick.value));
    for (const { box, start, end } of this.zones) {
      const [left, right] = [this.x(start), this.x(end)];
      Object.assign(box.style, { left: `${left}px`, width: `${right - left}px` });
      this.inscribe(box.firstChild, [left, ...cuts.filter((x) => x > left && x < right), right]);
    }
    for (const { box, start, end } of this.reached) {
      const left = this.x(start);
      Object.assign(box.style, { left: `${left}px`, width: `${this.x(end) - left}px` });
    }
    for (const { value, box } of this.later) box.style.left = `${this.x(value)}px`;
    placeLabels(this);
    this.paint();
  }

  /** The name of a zone in the widest of its pieces between poles, if there is room. */
  inscribe(name, cuts) {
    let k = 1;
    for (let j = 2; j < cuts.length; j++) if (cuts[j] - cuts[j - 1] > cuts[k] - cuts[k - 1]) k = j;
    name.hidden = false;
    name.style.left = `${(cuts[k] + cuts[k - 1]) / 2 - cuts[0] - name.offsetWidth / 2}px`;
    name.hidden = name.offsetWidth + 12 > cuts[k] - cuts[k - 1];
  }

  /* ---- painting: all that moves with the handle */

  wake() {
    this.request ??= requestAnimationFrame(() => {
      this.request = undefined;
      if (this.width) this.paint();
      this.announce();
    });
  }

  paint() {
    const { eta, data, parts } = this;
    const zone = this.zones.find(({ end }) => eta <= end);
    parts.handle.style.transform = `translateX(${this.x(eta)}px)`;
    parts.eta.textContent = `η = ${digits(eta)}`;
    parts.edge.textContent = digits(data.edge.reach / eta - data.edge.decay);
    if (data.sharpness) parts.gamma.lastChild.textContent = digits(eta * data.sharpness);
    for (const each of this.zones) each.box.toggleAttribute("data-on", each === zone);
    parts.regime.hidden = !zone;
    parts.regime.lastChild.textContent = zone?.name ?? "";
    parts.regime.style.setProperty("--hue", zone?.colour[this.dark]);
    const set = (name, value) => parts.handle.setAttribute(name, value);
    set("aria-valuemin", data.range[0]);
    set("aria-valuemax", data.range[1]);
    set("aria-valuenow", eta);
    const words = [`η = ${digits(eta)}`, this.where(eta), zone?.name];
    set("aria-valuetext", words.filter(Boolean).join(", "));
  }

  /** Among the marks, in words. */
  where(eta) {
    const marks = this.data.ticks.filter((tick) => tick.meaning);
    const at = marks.find((mark) => same(mark.value, eta));
    if (at) return `at ${at.name}`;
    const above = marks.findIndex((mark) => mark.value > eta);
    const [lower, upper] = [marks.at(above < 0 ? -1 : above - 1), marks[above]];
    if (above > 0) return `between ${lower.name} and ${upper.name}`;
    return upper ? `below ${upper.name}` : lower && `above ${lower.name}`;
  }
}
