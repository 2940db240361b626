/* Ink: strings, strokes, marks and copies of layers on a canvas. S is the player. */

import { css } from "./theme.js";

const measure = document.createElement("canvas").getContext("2d");

export function text(
  ctx,
  S,
  string,
  x,
  y,
  {
    size = 12,
    weight = 400,
    colour = S.theme.ink,
    align = "left",
    halo = false,
    base = "alphabetic",
  } = {},
) {
  ctx.font = `${weight} ${size}px ${S.theme.font}`;
  ctx.textAlign = align;
  ctx.textBaseline = base;
  if (halo) {
    ctx.lineWidth = 3;
    ctx.lineJoin = "round";
    ctx.strokeStyle = css(S.theme.bg, 0.85);
    ctx.strokeText(string, x, y);
  }
  ctx.fillStyle = css(colour);
  ctx.fillText(string, x, y);
}

const widths = new Map(); // by font and string: the same few are asked for at every frame
const MOST_WIDTHS = 5000;
document.fonts.addEventListener("loadingdone", () => widths.clear());

export function width(S, string, size = 12, weight = 400) {
  const font = `${weight} ${size}px ${S.theme.font}`,
    key = `${S.lettering} ${font} ${string}`;
  let found = widths.get(key);
  if (found === undefined) {
    if (widths.size > MOST_WIDTHS) widths.clear();
    measure.textRendering = S.lettering;
    measure.font = font;
    widths.set(key, (found = measure.measureText(string).width));
  }
  return found;
}

export function shorten(S, string, room, size = 12) {
  if (width(S, string, size) <= room) return string;
  let n = string.length;
  while (n > 1 && width(S, string.slice(0, n) + "…", size) > room) n--;
  return string.slice(0, n) + "…";
}

/** Digits in cells of one width, ending at x: canvas fonts have no tabular figures. */
export function figures(ctx, S, string, x, y, options) {
  const cell = S.cell;
  if (cell.equal) return text(ctx, S, string, x, y, { ...options, align: "right" });
  for (const char of [...string].reverse()) {
    const digit = char >= "0" && char <= "9",
      w = digit ? cell.width : width(S, char);
    text(ctx, S, char, digit ? x - w / 2 : x - w, y, {
      ...options,
      align: digit ? "center" : "left",
    });
    x -= w;
  }
}

export function segment(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

export function clipped(ctx, { x, y, w, h }, draw) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x - 1, y - 1, w + 2, h + 2);
  ctx.clip();
  draw();
  ctx.restore();
}

function polygon(ctx, points, x, y, r) {
  for (const [u, v] of points) ctx.lineTo(x + r * u, y + r * v);
  ctx.closePath();
}

const UP = [
  [0, -1.15],
  [1.1, 0.8],
  [-1.1, 0.8],
];
const ARM = 0.4;
const CROSS = [
  [1.15, -ARM],
  [1.15, ARM],
  [ARM, ARM],
  [ARM, 1.15],
  [-ARM, 1.15],
  [-ARM, ARM],
  [-1.15, ARM],
  [-1.15, -ARM],
  [-ARM, -ARM],
  [-ARM, -1.15],
  [ARM, -1.15],
  [ARM, -ARM],
];

function markPath(ctx, shape, x, y, r) {
  ctx.beginPath();
  if (shape === "circle") return ctx.arc(x, y, r, 0, 2 * Math.PI);
  if (shape === "triangle-up") return polygon(ctx, UP, x, y, r);
  if (shape === "triangle-down") return polygon(ctx, UP, x, y, -r);
  if (shape === "cross") return polygon(ctx, CROSS, x, y, r);
  const n = { square: 4, diamond: 4, star: 10 }[shape],
    turn = shape === "square" ? Math.PI / 4 : 0;
  for (let k = 0; k < n; k++) {
    const a = -Math.PI / 2 + turn + (2 * Math.PI * k) / n,
      q = shape === "star" ? (k % 2 ? 0.55 : 1.35) * r : 1.15 * r;
    ctx.lineTo(x + q * Math.cos(a), y + q * Math.sin(a));
  }
  ctx.closePath();
}

export function drawMark(ctx, S, mark, x, y, r = 5) {
  const colour = S.theme.colour(mark.colour);
  markPath(ctx, mark.shape, x, y, r);
  ctx.setLineDash([]);
  ctx.fillStyle = css(mark.hollow ? S.theme.bg : colour);
  ctx.fill();
  ctx.lineWidth = 1.6;
  ctx.lineJoin = "round";
  ctx.strokeStyle = css(mark.hollow ? colour : S.theme.bg);
  ctx.stroke();
}

/** Where the rules change, on an axis of time above or below it. */
export const drawChange = (ctx, S, x, y, shape) =>
  drawMark(ctx, S, { shape, colour: "ink", hollow: false }, x, y, 4);

/** What tells a line apart without colours: the shape of its pathway, the letter of its run. */
export function drawMarker(ctx, S, { colour, marker, sign, width: w }, x, y) {
  const r = w > 1.5 ? 3.4 : 2.8;
  ctx.setLineDash([]);
  ctx.lineJoin = "round";
  ctx.lineWidth = 1;
  if (marker) {
    markPath(ctx, marker, x, y, r);
    ctx.fillStyle = css(colour);
    ctx.fill();
    ctx.strokeStyle = css(S.theme.bg);
    ctx.stroke();
  }
  if (sign) {
    const at = marker ? [x + 4, y - 4] : [x - 3.5, y + 3.5];
    text(ctx, S, sign, ...at, { size: 10, weight: 700, colour, halo: true });
  }
}

export function dot(ctx, S, x, y, colour, r = 3.5) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fillStyle = css(colour);
  ctx.fill();
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = css(S.theme.bg);
  ctx.stroke();
}

/** Copies a piece of a layer, on device pixels so that nothing is resampled. */
export function copy(ctx, S, layer, x, y, w, h, alpha = 1) {
  const [a, b, c, d] = [x, y, x + w, y + h].map((v) => Math.round(v * S.layout.dpr));
  const [u, v] = [Math.min(c, layer.width) - a, Math.min(d, layer.height) - b];
  if (u <= 0 || v <= 0) return;
  ctx.save();
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.globalAlpha = alpha;
  ctx.drawImage(layer, a, b, u, v, a, b, u, v);
  ctx.restore();
}

/** Simulation solid, theory dashed, flow thin, central flow dotted. Further descents are paler
 * (points cannot be dashed), further flows and pathways past the hues have a dash of their own. */
export function lineStyle(S, line) {
  const run = S.runs[line.pen ?? line.run],
    { style } = S.theme;
  const round = typeof line.colour === "number" ? Math.floor(line.colour / style.hues.length) : 0;
  const dash = line.theory
    ? style.dash.theory
    : run.stroke === "dotted"
      ? style.dash.dotted
      : style.dashes[(round + (run.smooth ? run.rank : 0)) % style.dashes.length];
  const fade = line.mode + (run.smooth ? 0 : run.rank);
  return {
    colour: S.theme.colour(line.colour, fade),
    width: style.width[line.theory ? "theory" : run.stroke],
    dash,
    points: !run.smooth && !dash.length,
    sign: line.theory ? "" : run.sign,
  };
}

/** The shape that a pathway's lines have. */
export const markerOf = (S, pathway) =>
  S.theme.style.markers[pathway % S.theme.style.markers.length];

export function pen(ctx, { colour, width: w, dash = [] }, alpha = 1) {
  ctx.strokeStyle = css(colour, alpha);
  ctx.lineWidth = w;
  ctx.lineJoin = "round";
  ctx.setLineDash(dash);
}
