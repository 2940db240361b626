/* The frame of a panel: its measures, title and axes. S is the player, p a panel. */

import { clamp } from "../browser/numbers.js";
import { placeTitle } from "./enlarge.js";
import { segment, shorten, text, width } from "./ink.js";
import { css } from "./theme.js";

export const HEAD = 24; // CSS pixels, as all measures
export const FOOT = 38;
export const ROW = 18; // of a legend
export const SMALLEST_PLOT = 150;

export function drawAxes(ctx, S, p, xTicks, xTitle) {
  const { x, y, w, h } = p.plot,
    bottom = y + h;
  ctx.setLineDash([]);
  ctx.lineWidth = 1;
  ctx.strokeStyle = css(S.theme.grid);
  const crisp = (v) => Math.round(v) + 0.5;
  for (const tick of p.yTicks) segment(ctx, x, crisp(p.y(tick.v)), x + w, crisp(p.y(tick.v)));
  for (const tick of xTicks) segment(ctx, crisp(p.x(tick.v)), y, crisp(p.x(tick.v)), bottom);
  ctx.strokeStyle = css(S.theme.frame);
  segment(ctx, x, crisp(bottom), x + w, crisp(bottom));
  segment(ctx, crisp(x), y, crisp(x), bottom + 0.5);
  const soft = { size: 11, colour: S.theme.muted };
  for (const tick of p.yTicks)
    text(ctx, S, tick.text, x - 6, p.y(tick.v), { ...soft, align: "right", base: "middle" });
  let free = -Infinity;
  for (const tick of xTicks) {
    const half = width(S, tick.text, 11) / 2,
      at = clamp(p.x(tick.v), x + half - 4, p.rect.x + p.rect.w - half);
    if (at - half < free) continue;
    text(ctx, S, tick.text, at, bottom + 17, { ...soft, align: "center" });
    free = at + half + 8;
  }
  text(ctx, S, xTitle, x + w, bottom + 32, { ...soft, align: "right" });
}

export function drawTitle(ctx, S, p) {
  const { x, y, w } = p.rect,
    room = w - (p.button ? 44 : 0);
  const title = shorten(S, p.spec.title, room - 8, 13.5);
  text(ctx, S, title, x, y + 15, { size: 13, weight: 600 });
  placeTitle(p, width(S, title, 13, 600));
  const after = width(S, title, 13, 600) + 8;
  const label = p.spec.label ?? "";
  if (label && after + width(S, label) <= room)
    text(ctx, S, label, x + after, y + 15, { colour: S.theme.muted });
}
