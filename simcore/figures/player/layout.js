/* The layout: canvases, the places of panels on them, and their two layers. S is a picture.
 *
 * A still layer (axes, legends) and a data layer (the whole run) are drawn on resize, new data and
 * new colours; a frame copies them, cut at the cursor, so its cost does not grow with the run. A
 * picture that the next frame replaces is drawn at once instead, without layers (`glance`).
 */

import { drawTitle } from "./frame.js";
import { clipped, copy } from "./ink.js";
import { series } from "./series.js";
import { css } from "./theme.js";
import { timeline } from "./timeline.js";

const NARROW = 720; // below this width panels stand in one column
export const GAP = 22;

/** Panels side by side in a width. */
export const columnsIn = (S, W) => (W >= NARROW ? Math.min(S.scene.columns, S.panels.length) : 1);

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
    return window.devicePixelRatio || 1;
  }
}

export class Layout {
  constructor(S, canvases) {
    Object.assign(this, { S, canvases, ctx: canvases.panels, trackCtx: canvases.track });
    this.layers = { still: null, data: null };
    this.ribbons = [];
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
    this.dpr = this.canvases.dpr;
    this.arrange(W);
    if (!this.glancing) this.makeLayers();
    for (const p of S.panels) p.kind.place(S, p, p.left, p.right);
    this.fitCanvas(this.ctx, this.width, this.height);
    timeline.place(S, W);
    this.fitCanvas(this.trackCtx, W, timeline.height(S));
    if (this.glancing) this.drawAtOnce();
    else this.redraw();
  }

  drawAtOnce() {
    const { S } = this;
    this.ground(this.ctx);
    for (const p of S.panels) p.kind.frame(this.ctx, S, p);
    timeline.draw(this.trackCtx, S, this.width);
    S.painted(false);
  }

  arrange(W) {
    const { S } = this,
      { panels } = S;
    const across = (this.across = columnsIn(S, W));
    let y = 0;
    for (let first = 0; first < panels.length; first += across)
      y += this.arrangeRow(panels.slice(first, first + across), W, y) + GAP;
    [this.width, this.height] = [W, y - GAP];
    for (const p of panels) Object.assign(p, p.kind.margins(S, p));
    this.align(panels.filter((p) => p.kind === series));
    for (const p of panels) p.moveButton?.();
  }

  /** One row of panels side by side at height y; returns how high it is. */
  arrangeRow(row, W, y) {
    const { S } = this,
      w = Math.floor((W - GAP * (row.length - 1)) / row.length);
    for (const p of row) p.kind.fit(S, p);
    const h = Math.ceil(Math.max(S.scene.height, ...row.map((p) => p.kind.need(S, p, w))));
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
    for (const p of S.panels) {
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
    for (const p of S.panels) {
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
    for (const p of S.panels) p.kind.frame(this.ctx, S, p);
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
