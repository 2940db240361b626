/* The timeline above the panels: phases, time, thumb. S is the player. */

import { dot, segment, shorten, text, width } from "./ink.js";
import { timeGradient } from "./legend.js";
import { css } from "./theme.js";
import { scale } from "./ticks.js";

export const timeline = {
  height: (S) => S.ribbons.length * 20 + 18,
  row: (y) => Math.floor(y / 20), // of the ribbons

  place(S, w) {
    const gutter = S.ribbons.length
      ? Math.max(...S.ribbons.map((run) => width(S, run.label, 11, 600))) + 14
      : 9;
    S.layout.track = scale(S.clock.start, S.clock.end, gutter, w - 9, S.clock.pace);
    Object.assign(S.layout.track, { left: gutter, right: w - 9 });
  },

  draw(ctx, S, w) {
    const { theme } = S,
      { track } = S.layout,
      h = this.height(S),
      x = track(S.clock.t);
    ctx.clearRect(0, 0, w, h);
    S.ribbons.forEach((run, row) => {
      text(ctx, S, run.label, 4, row * 20 + 13, { size: 11, weight: 600 });
      run.phases.forEach((phase, k) => this.phase(ctx, S, run, phase, k, row * 20));
      for (const notice of run.notices) this.notice(ctx, S, notice, row * 20);
    });
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

  /** A flag where it begins, and a line for as long as it holds. */
  notice(ctx, S, { t0, t1 }, y) {
    const a = S.layout.track(t0),
      b = Math.max(a + 1, S.layout.track(t1));
    ctx.fillStyle = css(S.theme.ink, 0.75);
    ctx.fillRect(a, y + 15, b - a, 2);
    ctx.beginPath();
    ctx.moveTo(a, y);
    ctx.lineTo(a + 7, y + 3.5);
    ctx.lineTo(a + 1.5, y + 7);
    ctx.lineTo(a + 1.5, y + 17);
    ctx.lineTo(a, y + 17);
    ctx.fill();
  },

  phase(ctx, S, run, phase, k, y) {
    const a = S.layout.track(phase.t0),
      b = S.layout.track(run.phases[k + 1]?.t0 ?? phase.t1);
    ctx.fillStyle = css(S.theme.phase(phase.name, k));
    ctx.fillRect(a, y, Math.max(1, b - a - 1), 17);
    const label = shorten(S, phase.name, b - a - 8, 11);
    if (label === phase.name || (label.length > 4 && b - a > 40))
      text(ctx, S, label, a + 5, y + 12.5, { size: 11 });
  },
};
