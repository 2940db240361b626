/* The timeline above the panels: phases, time, thumb. S is the player. */

import { dot, segment, width } from "./ink.js";
import { timeGradient } from "./legend.js";
import { drawRibbon, heightOf, layRibbons } from "./ribbon.js";
import { css } from "./theme.js";
import { scale } from "./ticks.js";

export const timeline = {
  height: (S) => heightOf(S.layout.ribbons) + 18,
  /** The run whose ribbon, with the names above it, is at this height. */
  runAt: (S, y) => S.layout.ribbons.find(({ from, to }) => from <= y && y < to)?.run,

  place(S, w) {
    const gutter = S.ribbons.length
      ? Math.min(Math.max(...S.ribbons.map((run) => width(S, run.label, 11, 600))) + 14, 0.3 * w)
      : 9;
    S.layout.track = scale(S.clock.start, S.clock.end, gutter, w - 9, S.clock.pace);
    Object.assign(S.layout.track, { left: gutter, right: w - 9 });
    S.layout.ribbons = layRibbons(S, S.layout.track);
  },

  draw(ctx, S, w) {
    const { theme } = S,
      { track } = S.layout,
      h = this.height(S),
      x = track(S.clock.t);
    ctx.clearRect(0, 0, w, h);
    for (const ribbon of S.layout.ribbons) drawRibbon(ctx, S, ribbon, track.left);
    const y = h - 11;
    ctx.fillStyle = timeGradient(ctx, S, track.left, track.right);
    ctx.fillRect(track.left, y, x - track.left, 5);
    ctx.globalAlpha = 0.28;
    ctx.fillRect(x, y, track.right - x, 5);
    ctx.globalAlpha = 1;
    if (S.zoom.zoomed) {
      ctx.setLineDash([]);
      ctx.lineWidth = 1.5;
      ctx.strokeStyle = css(theme.ink);
      ctx.strokeRect(track(S.zoom.from), y - 2.5, track(S.zoom.to) - track(S.zoom.from), 10);
    }
    ctx.strokeStyle = css(theme.ink);
    ctx.lineWidth = 1.5;
    if (S.hover !== null) {
      ctx.setLineDash([3, 3]);
      segment(ctx, track(S.hover), 0, track(S.hover), h - 4);
    }
    ctx.setLineDash([]);
    if (S.ribbons.length) segment(ctx, x, 0, x, h - 4);
    dot(ctx, S, x, y + 2.5, theme.ink, 6.5);
  },
};
