/* A drawing context that writes SVG: of CanvasRenderingContext2D the part that the pictures use. */

const FARTHEST = 1e6; // CSS pixels; what is beyond is beyond any sheet

const fine = (v) => Math.round(Math.min(FARTHEST, Math.max(-FARTHEST, v)) * 100) / 100;
const UNWRITABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Like a canvas, it does not draw what is nowhere. */
const somewhere = (...values) => values.every(Number.isFinite);

/** Text as XML holds it. */
export const escaped = (text) =>
  String(text)
    .replace(UNWRITABLE, "")
    .replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

const attributes = (values) =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
    .join("");

/** A colour as "#rrggbb" and its opacity: not every program that reads SVG knows rgba(). */
function paint(name, style, opacity = `${name}-opacity`) {
  if (style.id) return { [name]: `url(#${style.id})` }; // a gradient
  const [r, g, b, alpha] = style.match(/[\d.]+/g).map(Number);
  const hex = [r, g, b].map((v) => v.toString(16).padStart(2, "0")).join("");
  return { [name]: `#${hex}`, [opacity]: alpha < 1 ? fine(alpha) : undefined };
}

class Gradient {
  constructor(id, ends) {
    Object.assign(this, { id, ends, stops: [] });
  }

  addColorStop(offset, colour) {
    const look = paint("stop-color", colour, "stop-opacity");
    this.stops.push(`<stop${attributes({ offset: fine(offset), ...look })}/>`);
  }

  get element() {
    const [x1, y1, x2, y2] = this.ends.map(fine);
    const own = { id: this.id, gradientUnits: "userSpaceOnUse", x1, y1, x2, y2 };
    return `<linearGradient${attributes(own)}>${this.stops.join("")}</linearGradient>`;
  }
}

const ANCHOR = { center: "middle", right: "end" };
const LOWER = { middle: 0.35 }; // of the size, from a baseline to that of letters

export class SvgContext {
  /** `ids` counts the names of one document, {last}. */
  constructor(ids) {
    Object.assign(this, { ids, parts: [], states: [], path: "", begun: "" });
    Object.assign(this, { fillStyle: "rgba(0,0,0,1)", strokeStyle: "rgba(0,0,0,1)" });
    Object.assign(this, { lineWidth: 1, lineJoin: "miter", dash: [], transform: "", groups: 0 });
    Object.assign(this, { font: "400 12px sans-serif", textAlign: "left" });
    Object.assign(this, { textBaseline: "alphabetic", globalAlpha: 1 });
    this.imageSmoothingEnabled = true;
  }

  get content() {
    return this.parts.map((part) => (part.d ? `${part.open}${part.d}"/>` : part)).join("\n");
  }

  name(kind) {
    this.ids.last += 1;
    return `${kind}${this.ids.last}`;
  }

  clearRect() {
    this.parts = []; // whoever clears clears all
  }

  /* ---- state */

  save() {
    const { fillStyle, strokeStyle, lineWidth, lineJoin, dash, transform, font } = this;
    const { textAlign, textBaseline, globalAlpha, groups } = this;
    this.states.push({ fillStyle, strokeStyle, lineWidth, lineJoin, dash, transform, font });
    Object.assign(this.states.at(-1), { textAlign, textBaseline, globalAlpha, groups });
    this.groups = 0;
  }

  restore() {
    for (let k = 0; k < this.groups; k++) this.parts.push("</g>");
    Object.assign(this, this.states.pop());
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  translate(x, y) {
    this.transform += `translate(${fine(x)} ${fine(y)})`;
  }

  rotate(angle) {
    this.transform += `rotate(${fine((angle * 180) / Math.PI)})`;
  }

  clip() {
    const id = this.name("clip");
    this.parts.push(`<clipPath id="${id}"><path d="${this.path}"/></clipPath>`);
    this.group({ "clip-path": `url(#${id})` });
  }

  /** What follows, up to the restore, is in a group. */
  group(values) {
    this.parts.push(`<g${attributes(values)}>`);
    this.groups += 1;
  }

  createLinearGradient(...ends) {
    return new Gradient(this.name("shade"), ends);
  }

  /* ---- paths */

  beginPath() {
    this.path = this.begun = "";
  }

  /** A move is written with what is drawn from there. */
  moveTo(x, y) {
    if (!somewhere(x, y)) return;
    this.begun = `M${fine(x)} ${fine(y)}`;
  }

  lineTo(x, y) {
    if (!somewhere(x, y)) return;
    if (!this.path && !this.begun) return this.moveTo(x, y);
    this.draw(`L${fine(x)} ${fine(y)}`);
  }

  draw(more) {
    this.path += this.begun + more;
    this.begun = "";
  }

  rect(x, y, w, h) {
    if (!somewhere(x, y, w, h)) return;
    this.moveTo(x, y);
    this.draw(`h${fine(w)}v${fine(h)}h${fine(-w)}z`);
  }

  /** A whole circle. */
  arc(x, y, radius) {
    if (!somewhere(x, y)) return;
    const [r, d] = [radius, 2 * radius].map(fine);
    this.moveTo(x + radius, y);
    this.draw(`a${r} ${r} 0 1 1 ${-d} 0a${r} ${r} 0 1 1 ${d} 0z`);
  }

  roundRect(x, y, w, h, radius) {
    const r = fine(radius),
      [across, down] = [w - 2 * radius, h - 2 * radius].map(fine);
    this.moveTo(x + radius, y);
    this.draw(`h${across}a${r} ${r} 0 0 1 ${r} ${r}v${down}a${r} ${r} 0 0 1 ${-r} ${r}`);
    this.draw(`h${-across}a${r} ${r} 0 0 1 ${-r} ${-r}v${-down}a${r} ${r} 0 0 1 ${r} ${-r}z`);
  }

  closePath() {
    if (this.path) this.draw("Z");
  }

  fill() {
    this.shape(this.path, this.paintOf("fill", this.fillStyle));
  }

  stroke() {
    const dash = this.dash.join(" ");
    this.shape(this.path, {
      fill: "none",
      ...this.paintOf("stroke", this.strokeStyle),
      "stroke-width": fine(this.lineWidth),
      "stroke-linejoin": this.lineJoin === "miter" ? "" : this.lineJoin,
      "stroke-dasharray": dash,
    });
  }

  fillRect(x, y, w, h) {
    this.drawn(() => this.rect(x, y, w, h), "fill");
  }

  strokeRect(x, y, w, h) {
    this.drawn(() => this.rect(x, y, w, h), "stroke");
  }

  /** A shape beside the path that is being made. */
  drawn(make, how) {
    const { path, begun } = this;
    this.beginPath();
    make();
    this[how]();
    Object.assign(this, { path, begun });
  }

  /** A gradient stands before what it fills. */
  paintOf(name, style) {
    if (style.id && !style.written) {
      style.written = true;
      this.parts.push(style.element);
    }
    return paint(name, style);
  }

  get placed() {
    const opacity = this.globalAlpha < 1 ? this.globalAlpha : undefined;
    return { opacity, transform: this.transform };
  }

  /** Opaque fills of one look are one path: they may lie over each other. */
  shape(d, look) {
    if (!d) return;
    const open = `<path${attributes({ ...look, ...this.placed })} d="`,
      last = this.parts.at(-1);
    const solid = !look.stroke && !look["fill-opacity"] && this.globalAlpha === 1;
    if (solid && last?.open === open) last.d += d;
    else this.parts.push({ open, d });
  }

  /* ---- text and pictures */

  fillText(string, x, y) {
    this.words(string, x, y, this.paintOf("fill", this.fillStyle));
  }

  /** The halo of a text, which is no text for readers. */
  strokeText(string, x, y) {
    this.words(string, x, y, {
      fill: "none",
      ...this.paintOf("stroke", this.strokeStyle),
      "stroke-width": fine(this.lineWidth),
      "stroke-linejoin": this.lineJoin,
      "aria-hidden": "true",
    });
  }

  words(string, x, y, look) {
    if (!somewhere(x, y)) return;
    const [, weight, size] = this.font.match(/^(\d+) ([\d.]+)px/);
    const place = {
      x: fine(x),
      y: fine(y + (LOWER[this.textBaseline] ?? 0) * size),
      "font-size": size,
      "font-weight": weight === "400" ? "" : weight,
      "text-anchor": ANCHOR[this.textAlign],
    };
    const all = { ...place, ...look, ...this.placed };
    this.parts.push(`<text${attributes(all)}>${escaped(string)}</text>`);
  }

  /** A canvas, enlarged to cells that stay sharp where a program smooths what it enlarges. */
  drawImage(canvas, x, y, width, height) {
    const large = document.createElement("canvas").getContext("2d");
    const [w, h] = [width, height].map((v) => Math.max(1, Math.round(2 * v)));
    Object.assign(large.canvas, { width: w, height: h });
    large.imageSmoothingEnabled = this.imageSmoothingEnabled;
    large.drawImage(canvas, 0, 0, w, h);
    const place = { x: fine(x), y: fine(y), width: fine(width), height: fine(height) };
    const href = large.canvas.toDataURL("image/png");
    this.parts.push(`<image${attributes({ ...place, preserveAspectRatio: "none", href })}/>`);
  }
}
