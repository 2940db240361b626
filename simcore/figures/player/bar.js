/* The ruler on paper: zones of the step size in their colours, marks, and the step size of the
 * picture. S is a picture; a bar is what `barOf` makes, with its `eta`. */

import { drawMark, segment, text, width } from "./ink.js";
import { DECADES } from "./pace.js";
import { css, mix, rgb } from "./theme.js";
import { scale } from "./ticks.js";

const LABELS = 15; // CSS pixels, as all measures: a row of labels above the bar and one below
const BAR = 12;
const LABELS_APART = 6; // between two labels
const PALE = 0.7; // how far the colour of a zone is mixed with the paper, and of that of the picture
const STRONG = 0.35;
export const HEIGHT_OF_BAR = 2 * LABELS + BAR;

export function drawBar(ctx, S, { range, zones, ticks, eta }, x, y, w) {
  const at = scale(...range, x, x + w, DECADES),
    top = y + LABELS,
    here = zones.find(({ end }) => eta <= end);
  for (const zone of zones) {
    const colour = rgb(zone.colour[S.theme.dark ? 1 : 0]);
    ctx.fillStyle = css(mix(colour, S.theme.bg, zone === here ? STRONG : PALE));
    ctx.fillRect(at(zone.start), top, at(zone.end) - at(zone.start), BAR);
  }
  ctx.setLineDash([]);
  ctx.lineWidth = 1;
  ctx.strokeStyle = css(S.theme.ink);
  for (const { value } of ticks) segment(ctx, at(value), top, at(value), top + BAR);
  drawLabels(ctx, S, ticks, at, [top - 4, top + BAR + 11]);
  drawMark(ctx, S, { shape: "diamond", colour: "ink", hollow: false }, at(eta), top + BAR / 2, 5.5);
}

/** In the first row where there is room; a mark without any is a line alone. */
function drawLabels(ctx, S, ticks, at, rows) {
  const free = rows.map(() => -Infinity);
  for (const { value, symbol, sub, close } of ticks) {
    const parts = [
      [symbol, 11, 0],
      [sub, 8, 2.5],
      [close, 11, 0],
    ].filter(([string]) => string);
    const long = parts.reduce((sum, [string, size]) => sum + width(S, string, size), 0),
      row = free.findIndex((from) => at(value) - long / 2 >= from);
    if (row < 0) continue;
    let x = at(value) - long / 2;
    for (const [string, size, lower] of parts) {
      text(ctx, S, string, x, rows[row] + lower, { size });
      x += width(S, string, size);
    }
    free[row] = x + LABELS_APART;
  }
}
