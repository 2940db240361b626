/* The run player: one canvas, one clock, panels chosen by the caller.
 *
 * Streamlit mounts the default export with data = {scene, run0: Arrow table, ...} as player.py
 * packs it; a stand-alone page hands over the same data through unpack(). A still layer (axes,
 * legends) and a data layer (the whole run) are drawn once; a frame copies them, cut at the cursor,
 * so its cost does not grow with the run. Nothing is sent to Python while playing.
 */

class Player {
  constructor(root) {
    this.root = root;
    const find = (selector) => root.querySelector(selector);
    this.slider = find(".timeline");
    this.ctx = find(".panels").getContext("2d");
    this.track_ctx = find(".timeline canvas").getContext("2d");
    this.parts = {
      clock: find(".clock"),
      note: find(".note"),
      state: find(".state"),
      stage: find(".stage"),
      speed: find("select"),
    };
    Object.assign(this, {
      playing: false,
      speed: 1,
      loop: false,
      strobe: "all",
      axis: "step",
      hover: null,
      pointed: null,
      logs: {},
      runs: [],
    });
    this.layers = { still: null, data: null };
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.onStyle = () => this.hash && this.restyle();
    this.life = new AbortController(); // its end takes every listener along
    this.on(this.scheme, "change", this.onStyle);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(root);
    this.listen();
    if (!window.MediaRecorder || !HTMLCanvasElement.prototype.captureStream)
      find("[data-do=film]").remove();
    this.on(document.fonts, "loadingdone", this.onStyle); // web fonts have other widths
  }

  /** Called by Streamlit at every rerun and theme change; only a new hash is a new run. */
  update({ data, setStateValue }) {
    this.send = setStateValue;
    const fresh = data.scene.hash !== this.hash,
      theme = readTheme(this.root, data.scene.style);
    if (fresh) this.load(data);
    if (fresh || theme.key !== this.theme.key) this.restyle(theme);
  }

  load(data) {
    const fresh = this.hash === undefined,
      ended = !fresh && this.t >= this.end,
      before = [this.start, this.end];
    this.scene = data.scene;
    this.hash = data.scene.hash;
    this.runs = readRuns(data);
    this.ribbons = this.runs.filter((run) => run.phases.length);
    this.reference =
      this.runs.find((run) => run.dynamics === "descent") ??
      this.runs.find((run) => run.step_size) ??
      null;
    this.start = Math.min(...this.runs.map((run) => run.t[0]));
    this.end = Math.max(...this.runs.map((run) => run.t[run.t.length - 1]));
    if (this.end <= this.start) this.end = this.start + 1;
    this.t = fresh || ended ? this.end : clamp(this.t, this.start, this.end);
    if (fresh || before[0] !== this.start || before[1] !== this.end)
      this.view = [this.start, this.end];
    if (!this.reference) this.axis = "t";
    if (!this.runs.some((run) => run.strobes)) this.strobe = "all";
    this.hover = this.pointed = null;
    for (const run of this.runs) run.pick = run.picks[this.strobe];
    this.panels?.forEach((p) => p.button?.remove());
    this.panels = data.scene.panels.map((spec) => this.makePanel(spec));
    this.parts.note.textContent = data.scene.note;
    this.fillSpeeds();
    this.showControls();
  }

  makePanel(spec) {
    const p = { spec, kind: KINDS[spec.kind], entries: [] };
    if (spec.kind !== "series") return p;
    p.log = this.logs[spec.title] ?? spec.scale === "log";
    const columns = spec.lines.map((line) =>
      this.runs[line.run].column(line.column).filter(Number.isFinite),
    );
    const [lo, hi] = columns.reduce(
      ([a, b], c) => [c.reduce((u, v) => Math.min(u, v), a), c.reduce((u, v) => Math.max(u, v), b)],
      [0, 0],
    );
    if (hi <= 0 || lo < -0.1 * hi) {
      p.log = false;
      return p;
    } // mostly signed: a log axis would hide it
    p.button = document.createElement("button");
    Object.assign(p.button, { type: "button", textContent: "log", title: "Logarithmic axis" });
    p.button.setAttribute("aria-label", `Logarithmic axis: ${spec.title}`);
    p.button.setAttribute("aria-pressed", p.log);
    p.button.onclick = () => {
      p.log = this.logs[spec.title] = !p.log;
      p.button.setAttribute("aria-pressed", p.log);
      this.resize();
    };
    this.parts.stage.append(p.button);
    return p;
  }

  on(target, type, listener, options) {
    target.addEventListener(type, listener, { ...options, signal: this.life.signal });
  }

  stop() {
    cancelAnimationFrame(this.request);
    clearTimeout(this.timer);
    this.observer.disconnect();
    this.life.abort();
    this.film?.discard();
  }

  /* ---- layout: everything here happens on resize, new data, new colours; never while playing */

  restyle(theme = readTheme(this.root, this.scene.style)) {
    this.theme = theme;
    const digits = [..."0123456789"].map((d) => width(this, d));
    this.cell = {
      width: Math.max(...digits),
      equal: Math.max(...digits) - Math.min(...digits) < 0.05,
    };
    for (const p of this.panels) p.kind.prepare(this, p);
    this.resize();
  }

  resize() {
    const W = Math.floor(this.root.clientWidth);
    if (!W || !this.theme) return;
    this.dpr = window.devicePixelRatio || 1;
    this.arrange(W);
    for (const name of ["still", "data"])
      this.layers[name] = this.makeLayer(this.layers[name]?.getContext("2d")).canvas;
    for (const p of this.panels) p.kind.place(this, p, p.left, p.right);
    this.fitCanvas(this.ctx, this.width, this.height);
    this.fitCanvas(this.track_ctx, W, timeline.height(this));
    timeline.place(this, W);
    this.redraw();
  }

  arrange(W) {
    const across = (this.across =
      W >= NARROW ? Math.min(this.scene.columns, this.panels.length) : 1);
    const w = Math.floor((W - GAP * (across - 1)) / across);
    let y = 0;
    for (let first = 0; first < this.panels.length; first += across) {
      const row = this.panels.slice(first, first + across);
      const each = row.length < across ? Math.floor((W - GAP * (row.length - 1)) / row.length) : w;
      for (const p of row) p.kind.fit(this, p);
      const h = Math.ceil(
        Math.max(this.scene.height, ...row.map((p) => p.kind.need(this, p, each))),
      );
      row.forEach((p, k) => {
        p.rect = { x: k * (each + GAP), y, w: each, h };
      });
      y += h + GAP;
    }
    [this.width, this.height] = [W, y - GAP];
    // Time axes in one column of panels start and end at the same pixel.
    for (const p of this.panels) Object.assign(p, p.kind.margins(this, p));
    for (const p of this.panels) {
      if (p.kind !== series) continue;
      const peers = this.panels.filter(
        (q) => q.kind === series && q.rect.x === p.rect.x && q.rect.w === p.rect.w,
      );
      p.shared = {
        left: Math.max(...peers.map((q) => q.left)),
        right: Math.max(...peers.map((q) => q.right)),
      };
      p.button?.style.setProperty("left", `${p.rect.x + p.rect.w - 42}px`);
      p.button?.style.setProperty("top", `${p.rect.y}px`);
    }
    for (const p of this.panels) Object.assign(p, p.shared);
  }

  fitCanvas(ctx, w, h) {
    const { canvas } = ctx;
    Object.assign(canvas, { width: Math.round(w * this.dpr), height: Math.round(h * this.dpr) });
    Object.assign(canvas.style, { width: `${w}px`, height: `${h}px` });
    ctx.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
  }

  makeLayer(old) {
    const ctx = old ?? document.createElement("canvas").getContext("2d");
    this.fitCanvas(ctx, this.width, this.height);
    return ctx;
  }

  /** Draws both layers, then a frame. */
  redraw() {
    const [still, data] = [this.layers.still.getContext("2d"), this.layers.data.getContext("2d")];
    still.fillStyle = css(this.theme.bg);
    still.fillRect(0, 0, this.width, this.height);
    data.clearRect(0, 0, this.width, this.height);
    for (const p of this.panels) {
      drawTitle(still, this, p);
      p.kind.still(still, this, p);
      p.kind.data(data, this, p);
      p.drawn = null;
    }
    this.paint();
    this.tell();
  }

  paint() {
    if (this.dpr !== (window.devicePixelRatio || 1)) return this.resize();
    this.at = this.hover ?? this.t;
    copy(this.ctx, this, this.layers.still, 0, 0, this.width, this.height);
    for (const p of this.panels) p.kind.frame(this.ctx, this, p);
    timeline.draw(this.track_ctx, this, this.width);
    this.film?.frame();
    this.showClock();
  }

  /* ---- the clock */

  wake() {
    this.request ??= requestAnimationFrame((now) => {
      this.request = undefined;
      if (this.playing) this.advance(now);
      this.paint();
      if (this.playing) this.wake();
    });
  }

  advance(now) {
    const passed = Math.min(0.1, (now - (this.last ?? now)) / 1000);
    this.last = now;
    this.owed = (this.owed ?? 0) + passed;
    if (this.calm.matches && !this.film && this.owed < 0.5) return; // stills instead of motion
    this.t += (this.owed * this.speed * (this.end - this.start)) / this.scene.seconds;
    this.owed = 0;
    if (this.t >= this.end) {
      if (this.loop && !this.film)
        this.t = this.start + ((this.t - this.start) % (this.end - this.start));
      else {
        this.t = this.end;
        this.pause();
      }
    }
    this.follow();
    if (now - (this.told ?? 0) > 500) {
      this.told = now;
      this.tell();
    }
  }

  play() {
    if (this.t >= this.end) this.t = this.start;
    Object.assign(this, { playing: true, last: undefined, owed: 0, hover: null });
    this.follow();
    this.showControls();
    this.wake();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.film?.stop();
    this.showControls();
    this.settle();
  }

  seek(t) {
    this.t = clamp(t, this.start, this.end);
    this.follow();
    this.settle();
    this.wake();
  }

  /** One record of the reference run, or a five-hundredth of the clock where there is none. */
  step(n) {
    this.pause();
    this.hover = null;
    const run = this.reference,
      pick = run?.pick;
    if (!run || run.smooth || pick.length < 2)
      return this.seek(this.t + (n * (this.end - this.start)) / 500);
    const last = pick.length - 1,
      j = position(run, this.t),
      beyond = this.t - run.t[pick[Math.max(0, j)]];
    const between = n < 0 && beyond > 1e-9 * this.end ? 1 : 0,
      target = j + n + between;
    const size = run.t[pick[1]] - run.t[pick[0]];
    if (j === last && (n > 0 || beyond > size)) return this.seek(this.t + n * size);
    this.seek(target < 0 ? this.start : run.t[pick[Math.min(last, target)]]);
  }

  /** Nearest record of the reference run, so that a drag lands on iterates. */
  snap(t) {
    const run = this.reference;
    if (!run || run.smooth || t > run.t[run.t.length - 1] || t === null) return t;
    const j = Math.max(0, position(run, t)),
      a = run.t[run.pick[j]],
      b = run.t[run.pick[j + 1]] ?? a;
    return t - a <= b - t ? a : b;
  }

  settle() {
    this.tell();
    if (!this.scene.report || this.playing) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => this.send?.("cursor", { t: this.t, step: this.stepOf(this.t) }),
      250,
    );
  }

  /* ---- zoom of the time axis */

  zoomed() {
    return this.view[0] > this.start || this.view[1] < this.end;
  }

  zoom(factor, around = this.t) {
    const whole = this.end - this.start,
      [a, b] = this.view;
    const smallest = Math.max(whole / 5000, this.reference ? 4 * this.reference.step_size : 0);
    const size = clamp((b - a) * factor, Math.min(smallest, whole), whole);
    const centre = clamp(around, a, b),
      from = clamp(centre - ((centre - a) / (b - a)) * size, this.start, this.end - size);
    this.view = [from, from + size];
    this.follow();
    this.showControls();
    this.resize();
  }

  /** Turns the page when the cursor leaves the view. */
  follow() {
    const [a, b] = this.view,
      size = b - a;
    if (!this.zoomed() || (this.t >= a && this.t <= b)) return;
    const from = clamp(this.t - (this.t > b ? 0.05 : 0.95) * size, this.start, this.end - size);
    this.view = [from, from + size];
    this.resize();
  }

  /* ---- words */

  stepOf(t) {
    return this.reference?.step_size ? Math.floor(t / this.reference.step_size + 1e-6) : null;
  }

  /** Of the run that is counted, up to its last record: a diverged run ends early. */
  lastStep() {
    const { t } = this.reference;
    return this.stepOf(t[t.length - 1]);
  }

  inSteps() {
    return this.axis === "step" && this.reference?.step_size;
  }

  /** Enough decimals to tell neighbouring steps apart. */
  timeNumber(t) {
    const eta = this.reference?.step_size,
      coarse = Math.max(0, decimalsFor(this.end) - 1);
    return t.toFixed(eta ? clamp(1 - Math.floor(Math.log10(eta)), 0, 8) : coarse);
  }

  timeTitle() {
    if (!this.inSteps()) return this.reference?.step_size ? "t = η · step" : "t";
    return this.runs.length > 1 ? `step of ${this.reference.label}` : "step";
  }

  timeText(t) {
    if (this.inSteps()) return `step ${this.stepOf(t)}`;
    return `t = ${this.timeNumber(t)}`;
  }

  timeTicks(w) {
    const unit = this.inSteps() || 1;
    const eta = unit === 1 && !this.inSteps() ? 1 : this.reference.step_size;
    return linearTicks(this.view[0] / eta, this.view[1] / eta, Math.round(w / 70)).map(
      ({ v, text: label }) => ({ v: v * eta, text: label }),
    );
  }

  phasesText(t) {
    return this.ribbons
      .map((run) => [run.label, phaseAt(run, t)])
      .filter(([, name]) => name)
      .map((pair) => pair.join(": "))
      .join(" · ");
  }

  /** What the phase under a point of the timeline is. */
  phaseWords(t, y) {
    const run = this.ribbons[timeline.row(y)],
      name = run && phaseAt(run, t),
      words = this.scene.words[name];
    return words ? `${name}: ${words}` : "";
  }

  momentText(t) {
    const step = this.stepOf(t),
      time = `t = ${this.timeNumber(t)}`;
    if (step === null) return time;
    const last = this.lastStep(); // other runs may go on when the steps are over
    return `step ${Math.min(step, last)} / ${last} · ${time}`;
  }

  showClock() {
    const words = [this.momentText(this.at), this.phasesText(this.at)].filter(Boolean).join(" · ");
    if (this.parts.clock.textContent !== words) this.parts.clock.textContent = words;
    Object.assign(this.root.dataset, { cursor: this.t, hover: this.hover ?? "" });
  }

  /** For screen readers: where the slider is, and all panels in words. */
  tell() {
    const set = (name, value) => this.slider.setAttribute(name, value);
    set("aria-valuemin", this.start);
    set("aria-valuemax", this.end);
    set("aria-valuenow", this.t);
    set(
      "aria-valuetext",
      [this.momentText(this.t), this.phasesText(this.t)].filter(Boolean).join(", "),
    );
    this.at = this.hover ?? this.t;
    this.parts.state.textContent = [
      this.momentText(this.at),
      ...this.panels.map((p) => `${p.spec.title}: ${p.kind.describe(this, p)}`),
    ].join(". ");
  }

  /* ---- controls */

  fillSpeeds() {
    const base = this.reference?.step_size
      ? (this.end - this.start) / this.reference.step_size / this.scene.seconds
      : 0;
    const name = (s) => (s < 1 ? `1/${1 / s}×` : `${s}×`);
    const rate = (s) => (base ? ` · ${Number((s * base).toPrecision(2))} steps/s` : "");
    this.parts.speed.replaceChildren(
      ...SPEEDS.map((s) => new Option(name(s) + rate(s), s, false, s === this.speed)),
    );
  }

  showControls() {
    const find = (selector) => this.root.querySelector(selector),
      all = (selector) => this.root.querySelectorAll(selector);
    Object.assign(this.root.dataset, {
      hash: this.hash,
      playing: this.playing,
      strobe: this.strobe,
      axis: this.axis,
    });
    find("[data-do=play]").setAttribute("aria-label", this.playing ? "Pause" : "Play");
    find("[data-do=loop]").setAttribute("aria-pressed", this.loop);
    find("[data-do=film]")?.setAttribute("aria-pressed", Boolean(this.film));
    for (const b of all("[data-strobe]")) {
      b.setAttribute("aria-pressed", b.dataset.strobe === this.strobe);
      b.disabled = !this.runs.some((run) => run.strobes);
    }
    for (const b of all("[data-axis]"))
      b.setAttribute("aria-pressed", b.dataset.axis === this.axis);
    find(".group.axis").style.display = this.reference?.step_size ? "" : "none";
    find("[data-do=out]").disabled = !this.zoomed();
  }

  act(name) {
    const actions = {
      play: () => (this.playing ? this.pause() : this.play()),
      home: () => this.seek(this.start),
      end: () => this.seek(this.end),
      back: () => this.step(-1),
      forward: () => this.step(1),
      back10: () => this.step(-10),
      forward10: () => this.step(10),
      loop: () => {
        this.loop = !this.loop;
      },
      in: () => this.zoom(0.5),
      out: () => this.zoom(2),
      whole: () => this.zoom(Infinity),
      picture: () => this.sheet().toBlob((blob) => this.download(blob, "png")),
      film: () => this.record(),
    };
    actions[name]?.();
    this.showControls();
  }

  setStrobe(strobe) {
    this.strobe = strobe;
    for (const run of this.runs) run.pick = run.picks[strobe];
    this.showControls();
    this.redraw();
  }

  setAxis(axis) {
    this.axis = axis;
    this.showControls();
    this.restyle();
  }

  listen() {
    const { root, slider } = this,
      canvas = this.ctx.canvas;
    this.on(root, "click", (event) => {
      const button = event.target.closest("button");
      if (button?.dataset.do) this.act(button.dataset.do);
      if (button?.dataset.strobe) this.setStrobe(button.dataset.strobe);
      if (button?.dataset.axis) this.setAxis(button.dataset.axis);
    });
    this.on(this.parts.speed, "change", () => {
      this.speed = Number(this.parts.speed.value);
    });
    this.on(root, "keydown", (event) => this.key(event));
    // a page that was just opened has its focus nowhere: space plays there too
    this.on(document, "keydown", (event) => {
      if (event.key === " " && event.target === document.body) this.key(event);
    });
    this.drag(slider, (x) => clamp(this.track.invert(x), this.start, this.end));
    this.drag(canvas, (x, y) => this.timeAt(x, y));
    this.on(canvas, "dblclick", () => this.act("whole"));
    this.on(
      canvas,
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        this.zoom(
          Math.exp(clamp(event.deltaY, -60, 60) / 120),
          this.timeAt(event.offsetX, event.offsetY) ?? this.t,
        );
      },
      { passive: false },
    );
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("select")) return;
    if (event.key === " " && event.target.matches("button")) return;
    const name = {
      " ": "play",
      ArrowLeft: "back",
      ArrowRight: "forward",
      ArrowDown: "back",
      ArrowUp: "forward",
      PageDown: "back10",
      PageUp: "forward10",
      Home: "home",
      End: "end",
      "+": "in",
      "=": "in",
      "-": "out",
      0: "whole",
    }[event.key];
    if (!name) return;
    event.preventDefault();
    event.stopPropagation();
    this.act(event.shiftKey && event.key.startsWith("Arrow") ? `${name}10` : name);
  }

  /** Panel under a point; series answer only over their plot. */
  panelAt(x, y) {
    return this.panels.find(
      ({ plot }) =>
        plot &&
        x >= plot.x - 8 &&
        x <= plot.x + plot.w + 8 &&
        y >= plot.y - 8 &&
        y <= plot.y + plot.h + 8,
    );
  }

  timeAt(x, y) {
    const p = this.panelAt(x, y);
    return p ? p.kind.time(this, p, x, y) : null;
  }

  /** Hover and drag on an element; timeOf gives the clock time under a point, or null. */
  drag(element, timeOf) {
    let resume = false,
      held = null;
    const point = (event) => {
      const box = element.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const look = (event) => {
      const [x, y] = point(event),
        p = element === this.ctx.canvas && this.panelAt(x, y);
      this.pointed = p && p.kind === heat ? heat.cellAt(p, x, y) : null;
      this.hover = event.pointerType === "touch" ? null : this.snap(timeOf(x, y));
      if (element === this.slider) element.title = this.phaseWords(timeOf(x, y), y);
      this.tell();
      this.wake();
    };
    this.on(element, "pointermove", (event) => {
      if (held === null) return look(event);
      const [x, y] = point(event),
        t = held.time(x, y);
      if (t !== null) this.seek(this.snap(t));
    });
    this.on(element, "pointerdown", (event) => {
      const [x, y] = point(event),
        t = timeOf(x, y),
        p = this.panelAt(x, y);
      if (event.button !== 0) return;
      this.slider.focus({ preventScroll: true });
      event.preventDefault();
      if (t === null) return;
      // A drag stays with the panel where it began, also outside its borders.
      held = { time: element === this.slider ? timeOf : (u, v) => p.kind.time(this, p, u, v) };
      resume = this.playing;
      this.pause();
      this.hover = null;
      element.setPointerCapture(event.pointerId);
      this.seek(this.snap(t));
    });
    const release = () => {
      if (held === null) return;
      held = null;
      if (resume) this.play();
    };
    this.on(element, "pointerup", release);
    this.on(element, "pointercancel", release);
    this.on(element, "pointerleave", () => {
      if (held !== null || (this.hover === null && !this.pointed)) return;
      this.hover = this.pointed = null;
      this.tell();
      this.wake();
    });
  }

  /* ---- export */

  /** Timeline and panels on one canvas. */
  sheet(canvas = document.createElement("canvas")) {
    const parts = [this.track_ctx.canvas, this.ctx.canvas],
      margin = Math.round(12 * this.dpr);
    const even = (v) => 2 * Math.ceil(v / 2); // H.264 takes even sizes only
    const w = even(parts[1].width + 2 * margin),
      h = even(parts[0].height + parts[1].height + 3 * margin);
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    const ctx = canvas.getContext("2d");
    ctx.fillStyle = css(this.theme.bg);
    ctx.fillRect(0, 0, w, h);
    ctx.drawImage(parts[0], margin, margin);
    ctx.drawImage(parts[1], margin, parts[0].height + 2 * margin);
    return canvas;
  }

  download(blob, extension) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `run.${extension}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /** Plays once from the start and saves what was seen; pressing again ends it early. */
  record() {
    if (this.film) return this.pause();
    const type = [
      "video/mp4;codecs=avc1.640028",
      "video/mp4",
      "video/webm;codecs=vp9",
      "video/webm",
    ].find((t) => MediaRecorder.isTypeSupported(t));
    const sheet = this.sheet(),
      recorder = new MediaRecorder(sheet.captureStream(60), {
        mimeType: type,
        videoBitsPerSecond: 12e6,
      });
    const chunks = [];
    recorder.ondataavailable = (event) => chunks.push(event.data);
    recorder.onstop = () =>
      this.download(new Blob(chunks, { type }), type.includes("mp4") ? "mp4" : "webm");
    this.film = {
      frame: () => this.sheet(sheet),
      stop: () => {
        this.film = null;
        setTimeout(() => this.sheet(sheet), 60); // the last picture, held for a moment
        setTimeout(() => recorder.state !== "inactive" && recorder.stop(), 400);
      },
      discard: () => {
        recorder.onstop = null;
        recorder.stop();
      },
    };
    this.t = this.start;
    recorder.start();
    this.play();
  }
}

/* ---- mounting */

const players = new WeakMap();

export default function player(component) {
  const { parentElement } = component,
    root = parentElement.querySelector(".run-player");
  let current = players.get(parentElement);
  if (current?.root !== root) {
    current?.stop();
    current = new Player(root);
    players.set(parentElement, current);
  }
  current.update(component);
  return () => {
    current.stop();
    players.delete(parentElement);
  };
}

/** Tables of a stand-alone page: base64 columns, "d" (float64) or "f" (float32) in front. */
function unpack({ scene, ...tables }) {
  const decode = (packed) => {
    const bytes = Uint8Array.from(atob(packed.slice(1)), (c) => c.charCodeAt(0));
    return new (packed[0] === "d" ? Float64Array : Float32Array)(bytes.buffer);
  };
  for (const name of Object.keys(tables))
    tables[name] = Object.fromEntries(Object.entries(tables[name]).map(([c, v]) => [c, decode(v)]));
  return { scene, ...tables };
}
