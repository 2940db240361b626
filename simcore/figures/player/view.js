/* The view: what the visitor chose to see, as members that differ from the defaults,
 *
 *   {axis: "t", time: "linear" | "log", strobe: "even" | "odd", logs: {panel key: bool}, zoom: [t0, t1], cursor: t}
 *
 * Python sets one with the scene and hears of every other one, 250 ms after the last change and
 * never while the clock runs.
 */

const REST = 250; // ms
const DIGITS = 10; // finer than the tolerance with which a record counts as reached

const rounded = (t) => Number(t.toPrecision(DIGITS));

/** Equal for equal views, in whatever order Python returns the members. */
const written = (view) =>
  JSON.stringify(view, (_, value) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

export function viewOf(S) {
  const view = {};
  if (S.axis !== "step") view.axis = S.axis;
  if (S.time) view.time = S.time;
  if (S.strobe !== "all") view.strobe = S.strobe;
  if (Object.keys(S.logs).length) view.logs = { ...S.logs };
  if (S.zoom.zoomed) view.zoom = [S.zoom.from, S.zoom.to].map(rounded);
  if (!S.clock.over) view.cursor = rounded(S.clock.t);
  return view;
}

/** Makes a picture show a view. */
export function show(S, { axis = "step", time, strobe = "all", logs = {}, zoom, cursor }) {
  S.axis = axis === "t" ? "t" : "step";
  S.layOut(time ?? null);
  S.logs = { ...logs };
  for (const p of S.panels) p.setLog?.(logs[p.key]);
  S.pick(strobe);
  S.zoom.set(zoom);
  S.clock.seek(cursor ?? S.clock.end);
  S.rest();
}

export class View {
  constructor(S) {
    this.S = S;
    this.sent = new Set(); // since Python last agreed
    this.received = written({});
    this.known = this.received; // to both sides
  }

  /** Takes a view from Python, unless it is the one from before or an echo of what it was told.
   * Returns whether the picture has changed. */
  receive(view = {}) {
    const now = written(view);
    if (now === this.received) return false;
    this.received = now;
    const echo = this.sent.has(now);
    if (now === this.known) this.sent.clear();
    if (echo || now === this.known) return false; // an early echo is older than the picture
    this.sent.clear();
    this.stop();
    this.known = now;
    show(this.S, view);
    return true;
  }

  /** After a change: Python hears of it when nothing more happens. */
  report() {
    this.stop();
    if (!this.S.scene.report) return;
    this.timer = setTimeout(() => {
      const view = viewOf(this.S),
        now = written(view);
      if (this.S.clock.playing || now === this.known) return;
      this.known = now;
      this.sent.add(now);
      this.S.send?.("view", view);
    }, REST);
  }

  stop() {
    clearTimeout(this.timer);
  }
}
