/* The regime ruler: the step size as a handle on a bar of regimes, on a log scale.
 *
 * Streamlit calls the default export at every rerun with data as ruler.py packs it. A move of the
 * handle is painted here, at most once a frame; Python hears of it as the state value "eta".
 */

const THROTTLE = 150; // ms between two reports of a drag
const QUIET = 1000; // ms after a move in which a rerun is taken for its echo,
const SLOW = 4000; // and a step size reported just before, from a busy server
const SAME = 1e-9; // relative: marks that differ by rounding only
const OVERHANG = 10; // pixels that labels may stand out on either side

const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
const same = (a, b) => Math.abs(a / b - 1) < SAME;

/** Four significant digits: 0.1538, 13.00, 2.5·10⁻⁷. */
function digits(v) {
  if (v >= 1e-4 && v < 999.95) return v.toPrecision(4);
  if (v >= 1 && v < 1e6) return String(Math.round(v));
  const [mantissa, exponent] = v.toExponential(3).split("e");
  const raised = [...exponent.replace("+", "")].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
  return `${Number(mantissa)}·10${raised.join("")}`;
}

const short = (v) => (v >= 1e-4 && v < 1e6 ? String(Number(v.toPrecision(4))) : digits(v));

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/* ---- labels */

/** Rows (0 above the bar, 1 below) and left ends for labels of width w at xs, the neatest way in
 * which none overlaps; null if there is no way. */
function arrange(labels, width) {
  let best = null;
  const apart = (a, b) => a.row !== b.row || a.left + a.w <= b.left || b.left + b.w <= a.left;
  const extend = (placed, cost) => {
    if (best && cost >= best.cost) return;
    const label = labels[placed.length];
    if (!label) return (best = { placed, cost });
    const [first, last] = [label.xs[0], label.xs[label.xs.length - 1]];
    const wishes = [(first + last - label.w) / 2, last - label.w, first]; // centred, or a flag
    for (const row of [0, 1])
      for (const wish of wishes) {
        const left = clamp(wish, -OVERHANG, Math.max(0, width + OVERHANG - label.w)),
          spot = { ...label, row, left };
        if (placed.every((other) => apart(other, spot)))
          extend([...placed, spot], cost + row + (wish === wishes[0] ? 0 : 0.6));
      }
  };
  extend([], 0);
  return best?.placed;
}

/** Ticks by label: at first those that differ by rounding only share one. */
function grouped(ticks) {
  const groups = [];
  for (const tick of ticks) {
    const last = groups[groups.length - 1];
    if (last && same(tick.value, last[0].value)) last.push(tick);
    else groups.push([tick]);
  }
  return groups;
}

/** The two neighbours that are closest become one. */
function merged(groups) {
  const gap = (k) => groups[k + 1][0].value / groups[k][groups[k].length - 1].value;
  let k = 0;
  for (let j = 1; j < groups.length - 1; j++) if (gap(j) < gap(k)) k = j;
  return [...groups.slice(0, k), [...groups[k], ...groups[k + 1]], ...groups.slice(k + 2)];
}

/* ---- the ruler */

class Ruler {
  constructor(root) {
    this.root = root;
    const find = (selector) => root.querySelector(selector);
    this.parts = {
      eta: find(".eta"),
      gamma: find(".gamma"),
      edge: find(".edge > span"),
      regime: find(".regime"),
      labels: find(".labels"),
      zones: find(".zones"),
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
    this.listen();
  }

  stop() {
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
    const { token, eta, ...layout } = data,
      key = JSON.stringify(layout);
    const other = token && token !== this.data?.token && !released, // 0: a session just began
      quiet = this.changed + (this.echoes.has(eta) ? SLOW : QUIET) - performance.now();
    const redraw = key !== this.layout;
    [this.data, this.layout] = [data, key];
    clearTimeout(this.doubt);
    if (eta === this.eta || other || quiet <= 0) this.adopt(eta);
    // Python may also have refused a step size: then its word counts once the echoes are over.
    else this.doubt = setTimeout(() => this.held || this.take(this.data), quiet);
    if (redraw) this.draw();
    this.colour(); // a new theme comes as a call, too
  }

  adopt(eta) {
    this.eta = this.sent = eta;
    this.echoes.clear();
  }

  /* ---- what the visitor does */

  move(eta) {
    const [low, high] = this.data.range;
    this.eta = clamp(eta, low, high);
    this.changed = performance.now();
    clearTimeout(this.doubt);
    this.wake();
    this.timer ??= setTimeout(
      () => this.report(),
      Math.max(0, this.reported + THROTTLE - this.changed),
    );
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

  listen() {
    const { track, handle } = this.parts;
    const on = (target, type, act) => target.addEventListener(type, act, this.off);
    const at = (event) => event.clientX - track.getBoundingClientRect().left;
    on(track, "pointerdown", (event) => {
      if (event.button !== 0 || this.held) return;
      event.preventDefault();
      handle.focus({ preventScroll: true });
      const onHandle = event.target === handle;
      this.held = { from: this.eta, grip: onHandle ? at(event) - this.x(this.eta) : 0 };
      this.root.dataset.held = "";
      track.setPointerCapture(event.pointerId);
      if (!onHandle) this.move(this.etaAt(at(event)));
    });
    on(track, "pointermove", (event) => {
      if (this.held) this.move(this.etaAt(at(event) - this.held.grip));
    });
    const release = (event) => {
      if (!this.held) return;
      const { from } = this.held;
      this.held = null;
      this.changed = performance.now();
      delete this.root.dataset.held;
      if (event.type === "pointercancel") this.move(from); // the finger was scrolling the page
      this.report();
      if (this.waiting) this.take(this.waiting, true);
      this.waiting = null;
    };
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"])
      on(track, type, release);
    on(handle, "keydown", (event) => this.key(event));
    on(handle, "keyup", () => this.held || this.report());
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || this.held) return;
    const [low, high] = this.data.range,
      step = event.shiftKey ? 1.1 : 1.01;
    const eta = {
      ArrowRight: this.eta * step,
      ArrowUp: this.eta * step,
      ArrowLeft: this.eta / step,
      ArrowDown: this.eta / step,
      PageUp: this.eta * 1.1,
      PageDown: this.eta / 1.1,
      Home: low,
      End: high,
    }[event.key];
    if (eta === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.move(eta);
  }

  /* ---- the scale */

  x(eta) {
    const [low, high] = this.data.range.map(Math.log);
    return this.width * clamp((Math.log(eta) - low) / (high - low), 0, 1);
  }

  /** Four digits: finer than a pixel, and short in a link. */
  etaAt(x) {
    const [low, high] = this.data.range,
      share = clamp(x / this.width, 0, 1);
    if (share === 0 || share === 1) return share ? high : low;
    return Number((low ** (1 - share) * high ** share).toPrecision(4));
  }

  /* ---- layout: on new data and on resize, never while the handle moves */

  draw() {
    const { zones, gamma } = this.parts;
    gamma.hidden = !this.data.sharpness;
    this.zones = this.data.zones.map((zone) => {
      const box = element("div", "zone", element("span", "", zone.name));
      box.title = `${zone.name}: η from ${short(zone.start)} to ${short(zone.end)}`;
      return { ...zone, box };
    });
    zones.replaceChildren(...this.zones.map((zone) => zone.box));
    this.place();
  }

  colour() {
    const [r, g, b] = (getComputedStyle(this.root).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
    this.dark = 0.2126 * r + 0.7152 * g + 0.0722 * b > 128 ? 1 : 0; // light ink: a dark page
    for (const zone of this.zones) zone.box.style.setProperty("--hue", zone.colour[this.dark]);
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
    this.label();
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

  /** Labels with values where they fit, else as symbols alone, and then the closest as one. */
  label() {
    let groups = grouped(this.data.ticks);
    let spots = this.arrangeAs(groups, false) ?? this.arrangeAs(groups, true);
    while (!spots) spots = this.arrangeAs((groups = merged(groups)), true);
    const poles = spots.flatMap(({ xs, row, left, w, box }) => {
      box.style.left = `${left}px`;
      box.dataset.row = row;
      return xs.map((x) => {
        const pole = element("div", "pole");
        pole.style.left = `${x}px`;
        pole.dataset.row = row;
        pole.toggleAttribute("data-flag", x < left + 3 || x > left + w - 3); // beside its label
        return pole;
      });
    });
    this.parts.poles.replaceChildren(...poles);
  }

  arrangeAs(groups, compact) {
    const { labels } = this.parts;
    const boxes = groups.map((ticks) => this.labelOf(ticks));
    labels.classList.toggle("compact", compact);
    labels.replaceChildren(...boxes);
    return arrange(
      groups.map((ticks, k) => ({
        box: boxes[k],
        xs: ticks.map((tick) => this.x(tick.value)),
        w: Math.ceil(boxes[k].getBoundingClientRect().width),
      })),
      this.width,
    );
  }

  labelOf(ticks) {
    const box = element("div", "label");
    ticks.forEach((tick, k) => {
      const next = ticks[k + 1],
        equal = next && same(next.value, tick.value);
      const button = element("button", "", element("b", "", tick.symbol));
      button.type = "button";
      if (tick.sub) button.firstChild.append(element("sub", "", tick.sub));
      if (tick.meaning && !equal) button.append(element("span", "", short(tick.value)));
      const name = `Set η to ${tick.name}` + (tick.meaning ? ` = ${short(tick.value)}` : "");
      button.setAttribute("aria-label", name);
      button.title = tick.meaning ? `${name}, ${tick.meaning}` : name;
      button.onclick = () => {
        this.move(tick.value);
        this.report();
      };
      box.append(button);
      if (next) box.append(equal ? "=" : ",");
    });
    return box;
  }

  /* ---- painting: all that moves with the handle */

  wake() {
    this.request ??= requestAnimationFrame(() => {
      this.request = undefined;
      if (this.width) this.paint();
    });
  }

  paint() {
    const { eta, data, parts } = this;
    const zone = this.zones.find(({ end }) => eta <= end);
    parts.handle.style.transform = `translateX(${this.x(eta)}px)`;
    parts.eta.textContent = `η = ${digits(eta)}`;
    parts.edge.textContent = digits(2 / eta);
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

/* ---- mounting */

const rulers = new WeakMap();

export default function ruler(component) {
  const { parentElement } = component,
    root = parentElement.querySelector(".regime-ruler");
  let current = rulers.get(parentElement);
  if (current?.root !== root) {
    current?.stop();
    current = new Ruler(root);
    rulers.set(parentElement, current);
  }
  current.update(component);
  return () => {
    current.stop();
    rulers.delete(parentElement);
  };
}
