/* A picture on paper: off the screen, of a size of its own, with what is shown above it and what leads
 * back to it below. A format = {width, height, scale, dark, dpi}: width and height in pixels of the
 * file (height null: as much as is needed), scale the pixels for each CSS pixel of the player.
 */

import { SvgContext } from "../browser/svg.js";
import { drawBar, HEIGHT_OF_BAR } from "./bar.js";
import { clipped, shorten, text } from "./ink.js";
import { columnsIn, context, GAP, Layout } from "./layout.js";
import { Picture } from "./picture.js";
import { noticesOf } from "./runs.js";
import {
  footOf,
  headOf,
  LETTERING,
  MARGIN,
  PAPERS,
  SPACE,
  svgDocument,
  writeBlock,
} from "./sheet.js";
import { css, themed } from "./theme.js";
import { timeline } from "./timeline.js";
import { show, viewOf } from "./view.js";
import { clockWords } from "./words.js";

const CLOCK = 22; // CSS pixels, as all measures: the line that names the moment on show
const LOWEST = 120; // of a panel that must share a given height
const LEAST_SCALE = 0.35; // of the one that was asked for

class Print extends Picture {
  /** Of what the picture `shown` shows now. */
  constructor(shown, format) {
    super();
    this.format = format;
    this.lettering = LETTERING;
    this.load(shown.data);
    this.caption = shown.caption;
    show(this, viewOf(shown));
    const { font, style } = shown.theme;
    this.dress(themed({ ...PAPERS[format.dark ? "dark" : "light"], font }, style));
    this.canvases = this.makeCanvases();
    this.layout = this.makeLayout();
    this.fit(format.scale);
  }

  load(data) {
    super.load(data);
    this.scene = { ...data.scene }; // whose height is this print's own
  }

  /** A ribbon without names, that of a run whose phases nobody knows, is left out. */
  take(runs) {
    super.take(runs);
    this.ribbons = this.ribbons.filter((run) => run.phases.some(({ name }) => name));
  }

  /** Another picture on the same sheet. */
  become(data) {
    super.become({ ...data, scene: { ...data.scene, height: this.scene.height } });
    this.dress(this.theme);
    this.fit(this.scale);
  }

  /** With so many pixels for each of the player, or as many fewer as it takes to have room. */
  fit(scale) {
    while (!this.fits(scale) && scale > LEAST_SCALE * this.format.scale) scale *= 0.96;
    this.layout.resize();
  }

  /** Arranges everything with so many pixels for each of the player; whether there is room for it. */
  fits(scale) {
    const W = this.format.width / scale,
      room = W - 2 * MARGIN;
    this.scale = scale;
    this.head = headOf(this, this.caption, room);
    this.bar = this.caption.bar;
    this.foot = footOf(this, this.caption, this.noted, room);
    Object.assign(this.canvases, { width: Math.floor(room), dpr: scale });
    timeline.place(this, this.canvases.width);
    this.top = MARGIN + this.head.height + SPACE + (this.bar ? HEIGHT_OF_BAR + SPACE : 0);
    const above = this.top + CLOCK + timeline.height(this) + SPACE,
      below = SPACE + this.foot.height + MARGIN;
    const rows = Math.ceil(this.panels.length / columnsIn(this, this.canvases.width)),
      free = this.format.height / scale - above - below - GAP * (rows - 1);
    if (this.format.height) this.scene.height = Math.max(LOWEST, Math.floor(free / rows));
    this.layout.arrange(this.canvases.width);
    Object.assign(this, { above, height: above + this.layout.height + below });
    return !this.format.height || this.height <= this.format.height / scale + 1;
  }

  /** What the page says below the panels, and of its marks under the pointer. */
  get noted() {
    const { label: who } = this.reference ?? this.runs[0];
    const ofMarks = noticesOf(this).map(
      ({ label, words }) => `At the flag ${who} ${label}. ${words}`,
    );
    return [this.scene.note, ...ofMarks].filter(Boolean).join(" ");
  }

  /** Goes to a time of the clock. */
  seek(t) {
    this.clock.seek(t);
    this.follow();
    this.layout.paint();
  }

  /** Everything on one sheet; `put` lays a part of it at a place. */
  compose(ctx, put) {
    const { theme, layout } = this,
      H = this.format.height ? this.format.height / this.scale : this.height;
    ctx.fillStyle = css(theme.bg);
    ctx.fillRect(0, 0, this.format.width / this.scale, H);
    writeBlock(ctx, this, this.head, MARGIN);
    if (this.bar)
      drawBar(ctx, this, this.bar, MARGIN, MARGIN + this.head.height + SPACE, this.canvases.width);
    const words = shorten(this, clockWords(this), this.canvases.width);
    text(ctx, this, words, MARGIN, this.top + 12, { size: 12 });
    put(layout.trackCtx, MARGIN, this.top + CLOCK);
    put(layout.ctx, MARGIN, this.above);
    writeBlock(ctx, this, this.foot, H - MARGIN - this.foot.height);
  }
}

/** In pixels. */
export class CanvasPrint extends Print {
  makeCanvases() {
    this.sheet = context();
    return { panels: context(), track: context() };
  }

  makeLayout() {
    return new Layout(this, this.canvases);
  }

  draw() {
    const { scale, format, sheet } = this,
      size = { width: format.width, height: format.height ?? Math.round(this.height * scale) };
    if (sheet.canvas.width !== size.width || sheet.canvas.height !== size.height)
      Object.assign(sheet.canvas, size);
    sheet.textRendering = LETTERING;
    sheet.setTransform(scale, 0, 0, scale, 0, 0);
    this.compose(sheet, (part, x, y) => {
      sheet.setTransform(1, 0, 0, 1, 0, 0); // on whole pixels nothing is resampled
      sheet.drawImage(part.canvas, Math.round(x * scale), Math.round(y * scale));
      sheet.setTransform(scale, 0, 0, scale, 0, 0);
    });
    return sheet.canvas;
  }
}

/** Draws what the canvases of a screen copy from their layers. */
class VectorLayout extends Layout {
  fitCanvas(ctx) {
    ctx.clearRect();
  }

  makeLayers() {}

  redraw() {
    this.paintFrame();
  }

  paintFrame() {
    const { S } = this;
    this.ctx.clearRect();
    this.ground(this.ctx);
    for (const p of S.panels) p.kind.frame(this.ctx, S, p);
    timeline.draw(this.trackCtx, S, this.canvases.width);
  }

  reveal(ctx, p, x, y, w, h, alpha = 1) {
    if (w < 1.5) return; // the hem that hides seams between layers
    clipped(ctx, { x: x + 1, y: y + 1, w: w - 2, h: h - 2 }, () => {
      if (alpha < 1) ctx.group({ opacity: alpha });
      p.kind.data(ctx, this.S, p);
    });
  }

  revealTrails(ctx, p) {
    const begin = p.trails.map(() => -1);
    p.kind.trails(ctx, this.S, p, begin, p.kind.reached(this.S, p));
  }
}

/** In lines and letters. */
export class SvgPrint extends Print {
  dress(theme) {
    super.dress(theme);
    this.cell.equal = true; // nothing moves, so a number is one text
  }

  makeCanvases() {
    const ids = { last: 0 };
    this.sheet = new SvgContext(ids);
    return { panels: new SvgContext(ids), track: new SvgContext(ids) };
  }

  makeLayout() {
    return new VectorLayout(this, this.canvases);
  }

  draw() {
    const { format, sheet, scale, theme } = this,
      W = format.width / scale,
      H = format.height ? format.height / scale : this.height;
    this.compose(sheet, (part, x, y) => {
      sheet.parts.push(`<g transform="translate(${x.toFixed(2)} ${y.toFixed(2)})">`);
      sheet.parts.push(part.content, "</g>");
    });
    return svgDocument({ ...this, font: theme.font }, W, H, sheet.content);
  }
}
