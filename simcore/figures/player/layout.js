/* The layout: canvases, the places of panels on them, and their two layers. S is a picture.
 *
 * A still layer (axes, legends) and a data layer (the whole run) are drawn on resize, new data and
 * new colours; a frame copies them, cut at the cursor, so its cost does not grow with the run. A
 * picture that the next frame replaces is drawn at once instead, without layers (`glance`).
 */

import { zoomOf } from "../browser/numbers.js";
import { staged } from "../browser/staged.js";
import { drawTitle, SMALLEST_PLOT } from "./frame.js";
import { clipped, copy } from "./ink.js";
import { series } from "./series.js";
import { css } from "./theme.js";
import { timeline } from "./timeline.js";

const NARROW = 640; // below this width panels stand in one column
const FOOT_OF_PAGE = 10; // below the panels, where they fill the window
const LEAST_PLOT = 80; // to have more panels in view
const LARGEST = 1.5; // times the usual height, where there is room
const LEFT_OVER = 44; // of the window before panels grow: words above them come and go
export const LASTING = 300; // ms for which there is more or less before they follow
export const GAP = 22;

/** Panels side by side in a width. */
export const columnsIn = (S, W) => (W >= NARROW ? Math.min(S.scene.columns, S.visible.length) : 1);

export const context = () => document.createElement("canvas").getContext("2d");

/** The canvases of a page, as wide as their place. */
export class Screen {
  constructor(root) {
    this.root = root;
    this.panels = root.querySelector(".panels").getContext("2d");
    this.track = root.querySelector(".timeline canvas").getContext("2d");
  }

  get width() {
    return Math.floor(this.root.clientWidth);
  }

  get dpr() {
    return (window.devicePixelRatio || 1) * zoomOf(this.root);
  }

  /** From the top of the panels to the foot of the window, when nothing is scrolled. */
  get room() {
    const { canvas } = this.panels,
      zoom = zoomOf(this.root),
      top = canvas.getBoundingClientRect().top + scrolledBy(canvas);
    const room = Math.floor((window.innerHeight - top) / zoom) - FOOT_OF_PAGE;
    const other = !(room >= this.kept && room < this.kept + LEFT_OVER);
    if (this.isToStay(other) && other) Object.assign(this, { kept: room, since: undefined });
    return this.kept;
  }

  /** Whether another room has been there for a while, or since a page or window began: words above are
   * replaced by others, and for a frame there are none, or both. */
  isToStay(other) {
    const now = performance.now(),
      frame = [window.innerHeight, staged()].join();
    if (frame !== this.frame) Object.assign(this, { frame, begun: now });
    this.since = other ? (this.since ?? now) : undefined;
    return now < this.begun + LASTING || now >= this.since + LASTING;
  }
}

/** How far all that holds an element is scrolled down. */
function scrolledBy(element) {
  let sum = 0;
  for (let n = element; n; n = n.parentNode ?? n.host) sum += n.scrollTop || 0;
  return sum;
}

export class Layout {
  constructor(S, canvases) {
    Object.assign(this, { S, canvases, ctx: canvases.panels, trackCtx: canvases.track });
    this.layers = { still: null, data: null };
    this.ribbons = [];
    this.leastPlot = SMALLEST_PLOT;
    this.glancing = false; // whether the layers are older than what is on show
  }

  resize() {
    this.glancing = false;
    if (this.S.theme) this.layOut(this.canvases.width);
  }

  /** New data at the end of the clock, for this frame only; the next `paint` draws it in full. */
  glance() {
    this.glancing = true;
    this.layOut(this.width); // to ask the page for it takes a while
  }

  layOut(W) {
    const { S } = this;
    if (!W) return;
    if (!this.glancing) this.measure();
    this.arrange(W);
    if (!this.glancing) this.makeLayers();
    for (const p of S.visible) p.kind.place(S, p, p.left, p.right);
    this.fitCanvas(this.ctx, this.width, this.height);
    timeline.place(S, W);
    this.fitCanvas(this.trackCtx, W, timeline.height(S));
    if (this.glancing) this.drawAtOnce();
    else this.redraw();
  }

  drawAtOnce() {
    const { S } = this;
    this.ground(this.ctx);
    for (const p of S.visible) p.kind.frame(this.ctx, S, p);
    timeline.draw(this.trackCtx, S, this.width);
    S.painted(false);
  }

  /** The same after something has moved or changed its size. */
  refit() {
    if (this.measures() !== this.fitted) this.resize();
  }

  /** What the page gives, which takes a while to ask for. */
  measure() {
    const { dpr, room } = this.canvases;
    Object.assign(this, { dpr, room, fitted: this.measures() });
  }

  measures() {
    const { width, dpr, room } = this.canvases;
    return [width, dpr, room, staged()].join();
  }

  /** Panels in rows; where they stand in a window, as many rows of it in view as can be. */
  arrange(W) {
    const { S } = this,
      { visible } = S,
      across = (this.across = columnsIn(S, W)),
      { room } = this;
    this.rows = [];
    for (let k = 0; k < visible.length; k += across) this.rows.push(visible.slice(k, k + across));
    if (room === undefined) this.stack(W, S.scene.height, SMALLEST_PLOT);
    else {
      for (let seen = this.rows.length; seen > 0; seen--) {
        const most = seen === this.rows.length ? LARGEST * S.scene.height : S.scene.height,
          each = Math.floor((room + GAP) / seen) - GAP,
          tall = staged() ? each : Math.min(most, each);
        const over = this.stack(W, tall, LEAST_PLOT, seen) - room;
        if (over <= 0 || this.stack(W, tall - over, LEAST_PLOT, seen) <= room) break;
        if (seen === 1) this.stack(W, S.scene.height, SMALLEST_PLOT);
      }
    }
    for (const p of visible) Object.assign(p, p.kind.margins(S, p));
    this.align(visible.filter((p) => p.kind === series));
    for (const p of visible) p.moveButton?.();
  }

  /** Rows one below the other, each so `tall` or as it needs for plots of `leastPlot`; returns how
   * high the first of them are. */
  stack(W, tall, leastPlot, seen) {
    Object.assign(this, { tall, leastPlot });
    let y = 0;
    const feet = this.rows.map((row) => (y += this.arrangeRow(row, W, y) + GAP) - GAP);
    [this.width, this.height] = [W, feet.at(-1) ?? 0];
    return feet[(seen ?? feet.length) - 1] ?? 0;
  }

  /** One row of panels side by side at height y; returns how high it is. */
  arrangeRow(row, W, y) {
    const { S } = this,
      w = Math.floor((W - GAP * (row.length - 1)) / row.length);
    for (const p of row) p.kind.fit(S, p);
    const h = Math.ceil(Math.max(this.tall, ...row.map((p) => p.kind.need(S, p, w))));
    row.forEach((p, k) => {
      p.rect = { x: k * (w + GAP), y, w, h };
    });
    return h;
  }

  /** Time axes in one column of panels start and end at the same pixel. */
  align(panels) {
    const shared = panels.map(({ rect }) => {
      const peers = panels.filter((q) => q.rect.x === rect.x && q.rect.w === rect.w);
      return {
        left: Math.max(...peers.map((q) => q.left)),
        right: Math.max(...peers.map((q) => q.right)),
      };
    });
    panels.forEach((p, k) => Object.assign(p, shared[k]));
  }

  fitCanvas(ctx, w, h) {
    const { canvas } = ctx,
      size = { width: Math.round(w * this.dpr), height: Math.round(h * this.dpr) };
    // a size that is set again makes a new canvas, which takes a while; either way all begins anew
    if (ctx.reset && canvas.width === size.width && canvas.height === size.height) ctx.reset();
    else Object.assign(canvas, size);
    Object.assign(canvas.style, { width: `${w}px`, height: `${h}px` });
    ctx.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
    ctx.textRendering = this.S.lettering;
  }

  makeLayers() {
    for (const name of ["still", "data"]) this.layers[name] = this.makeLayer(this.layers[name]);
  }

  makeLayer(old) {
    const ctx = old ?? context();
    this.fitCanvas(ctx, this.width, this.height);
    return ctx;
  }

  /** Draws both layers, then a frame. */
  redraw() {
    const { S } = this,
      { still, data } = this.layers;
    this.ground(still);
    data.clearRect(0, 0, this.width, this.height);
    for (const p of S.visible) {
      p.kind.data(data, S, p);
      p.drawn = null;
    }
    this.paintFrame();
    S.painted(true);
  }

  /** Paper, titles, axes, legends. */
  ground(ctx) {
    const { S } = this;
    ctx.fillStyle = css(S.theme.bg);
    ctx.fillRect(0, 0, this.width, this.height);
    for (const p of S.visible) {
      drawTitle(ctx, S, p);
      p.kind.still(ctx, S, p);
    }
  }

  paint() {
    if (this.glancing || this.dpr !== this.canvases.dpr) return this.resize();
    this.paintFrame();
    this.S.painted(false);
  }

  paintFrame() {
    const { S } = this;
    copy(this.ctx, S, this.layers.still.canvas, 0, 0, this.width, this.height);
    for (const p of S.visible) p.kind.frame(this.ctx, S, p);
    timeline.draw(this.trackCtx, S, this.canvases.width);
  }

  /** The whole run of a panel, as much of it as is in a rectangle. */
  reveal(ctx, p, x, y, w, h, alpha = 1) {
    if (this.glancing)
      return w > 1.5 && clipped(ctx, { x, y, w, h }, () => p.kind.data(ctx, this.S, p));
    copy(ctx, this.S, this.layers.data.canvas, x, y, w, h, alpha);
  }

  /** The trails of a plane up to the cursor, as much of them as is in a rectangle. */
  revealTrails(ctx, p, x, y, w, h) {
    copy(ctx, this.S, p.kind.advance(this.S, p).canvas, x, y, w, h);
  }
}
