/* Legends whose values live with the cursor. S is the player, p a panel. */

import { ROW } from "./frame.js";
import { drawMark, drawMarker, figures, pen, segment, shorten, text, width } from "./ink.js";
import { css } from "./theme.js";

/** Places entries {label, swatch, slot} in rows of `room` pixels; returns the number of rows. */
export function flowLegend(S, entries, room) {
  let x = 0,
    row = 0;
  for (const e of entries) {
    const key = e.swatch ? 24 : 0;
    e.shown = shorten(S, e.label, room - key - (e.slot ? e.slot + 6 : 0) - 4);
    e.w = key + width(S, e.shown) + (e.slot ? e.slot + 6 : 0);
    if (x > 0 && x + e.w > room) {
      x = 0;
      row++;
    }
    Object.assign(e, { x, row });
    x += e.w + 16;
  }
  return entries.length ? row + 1 : 0;
}

export function drawLegend(ctx, S, p) {
  for (const e of p.entries) {
    const x = p.legend.x + e.x,
      y = p.legend.y + e.row * ROW + 13;
    if (e.swatch) e.swatch(ctx, x, y - 4);
    text(ctx, S, e.shown, x + (e.swatch ? 24 : 0), y);
  }
}

export function drawValues(ctx, S, p) {
  for (const e of p.entries) {
    if (!e.slot) continue;
    const y = p.legend.y + e.row * ROW + 13;
    figures(ctx, S, e.value(S.at), p.legend.x + e.x + e.w, y);
  }
}

export const lineSwatch = (S, style) => (ctx, x, y) => {
  pen(ctx, style, style.points ? 0.5 : 1);
  if (style.points) ctx.lineWidth = 1;
  segment(ctx, x, y, x + 18, y);
  ctx.fillStyle = css(style.colour);
  if (style.points)
    for (const dx of [0, 4.5, 9, 13.5, 18]) ctx.fillRect(x + dx - 1.3, y - 1.3, 2.6, 2.6);
  drawMarker(ctx, S, style, x + 9, y);
};

/** A trail: dots or a line in the colours of time, and the letter of its run. */
export const trailSwatch = (S, run) => (ctx, x, y) => {
  ctx.fillStyle = timeGradient(ctx, S, x, x + 18);
  if (run.stroke === "thin") ctx.fillRect(x, y - 0.8, 18, 1.6);
  else
    for (let k = 0; k < 5; k++)
      ctx.fillRect(x + 4 * k - 0.4, y - 1.4 + (run.smooth ? 0 : k % 2 ? 2 : -2), 2.8, 2.8);
  if (run.sign) drawMarker(ctx, S, { colour: S.theme.ink, sign: run.sign, width: 1 }, x + 9, y);
};
export const markSwatch = (S, mark) => (ctx, x, y) => drawMark(ctx, S, mark, x + 9, y, 4.5);

export function timeGradient(ctx, S, a, b) {
  const gradient = ctx.createLinearGradient(a, 0, b, 0);
  for (let k = 0; k <= 16; k++) gradient.addColorStop(k / 16, css(S.theme.time(k / 16)));
  return gradient;
}

export function timeSwatch(S) {
  return (ctx, x, y) => {
    ctx.fillStyle = timeGradient(ctx, S, x, x + 18);
    ctx.fillRect(x, y - 3, 18, 6);
  };
}
