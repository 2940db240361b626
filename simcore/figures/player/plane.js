/* Panel: the plane of two strengths. S is the player, p the panel. */

import { decimalsFor, digitless, fixed, least } from "../browser/numbers.js";
import { drawGround, drawStreams, groundSwatch, readGround, streamStyle } from "./ground.js";
import { drawAxes, FOOT, HEAD, ROW } from "./frame.js";
import { clipped, dot, drawMark, drawMarker, pen, text, width } from "./ink.js";
import {
  drawLegend,
  drawValues,
  flowLegend,
  lineSwatch,
  markSwatch,
  timeSwatch,
  trailSwatch,
} from "./legend.js";
import { position, read, snapped } from "./runs.js";
import { css } from "./theme.js";
import { linearTicks, scale } from "./ticks.js";
import { timeText } from "./timeaxis.js";

const LETTERS = 12; // at most on a trail
const LETTERS_APART = 30; // pixels

export const plane = {
  prepare(S, p) {
    p.trails = p.spec.trails.map((trail) => {
      const run = S.runs[trail.run];
      return { ...trail, run, xs: run.column(trail.x), ys: run.column(trail.y) };
    });
    const curveStyle = (c) => ({
      colour: S.theme.colour(c.role),
      width: S.theme.style.width[c.role === "muted" ? "guide" : "theory"],
      dash: c.role === "muted" ? [] : S.theme.style.dash.theory,
    });
    p.curves = p.spec.curves.map((c) => ({ ...c, style: curveStyle(c) }));
    const { streams } = p.spec;
    p.ground = readGround(S, p);
    if (streams?.divide.length)
      p.curves.push({
        points: streams.divide,
        label: streams.divide_label,
        style: curveStyle({ role: "theory" }),
      });
    const pair = (trail) => (t) =>
      `(${p.format(read(trail.run, trail.xs, t))}, ${p.format(read(trail.run, trail.ys, t))})`;
    p.entries = [
      ...p.trails.map((trail) => ({
        label: trail.label,
        swatch: trailSwatch(S, trail.run),
        value: pair(trail),
      })),
      {
        label: `time: ${timeText(S, S.clock.start)} to ${timeText(S, S.clock.end).replace(/^.* /, "")}`,
        swatch: timeSwatch(S),
      },
      ...p.curves.map((c) => ({ label: c.label, swatch: lineSwatch(S, c.style) })),
      ...(streams ? [{ label: streams.label, swatch: lineSwatch(S, streamStyle(S)) }] : []),
      ...(p.ground ? [{ label: p.ground.label, swatch: groundSwatch(S) }] : []),
      ...p.spec.marks.map((mark) => ({ label: mark.label, swatch: markSwatch(S, mark) })),
    ].filter((e) => e.label);
  },

  fit(S, p) {
    const ends = () => ({ lo: Infinity, hi: -Infinity });
    const [x, y] = [ends(), ends()];
    const see = (axis, v) => {
      if (v !== null && Number.isFinite(v)) {
        axis.lo = Math.min(axis.lo, v);
        axis.hi = Math.max(axis.hi, v);
      }
    };
    for (const { xs, ys } of p.trails) {
      xs.forEach((v) => see(x, v));
      ys.forEach((v) => see(y, v));
    }
    for (const [u, v] of [
      ...p.spec.curves.flatMap((c) => c.points),
      ...p.spec.marks.map((m) => [m.x, m.y]),
    ]) {
      see(x, u);
      see(y, v);
    }
    const size = Math.max(x.hi - x.lo, y.hi - y.lo),
      d = decimalsFor(
        Math.max(...[x.lo, x.hi, y.lo, y.hi].map(Math.abs).filter(Number.isFinite), 0),
      );
    p.format = (v) => fixed(v, d);
    [p.xs, p.ys] = [x, y].map(({ lo, hi }) => {
      if (p.spec.limits) return p.spec.limits;
      if (lo > hi) return [0, 1];
      const pad = 0.05 * size || 0.5,
        floor = lo >= 0 && lo < 0.25 * size;
      return [floor ? 0 : lo - pad, Math.max(hi, lo + size / 4) + pad];
    });
  },

  /** Plot size in pixels inside a room: one unit is as long on both axes. */
  size(p, w, h) {
    const [dx, dy] = [p.xs[1] - p.xs[0], p.ys[1] - p.ys[0]],
      unit = Math.min(w / dx, h / dy);
    return [Math.round(unit * dx), Math.round(unit * dy)];
  },

  need(S, p, w) {
    const numbers = [...p.xs, ...p.ys, ...p.trails.flatMap((t) => [least(t.xs), least(t.ys)])];
    const widest = Math.max(...numbers.map((v) => width(S, digitless(p.format(v)))));
    for (const e of p.entries) if (e.value) e.slot = 2 * widest + width(S, "(, )");
    p.beside = w >= 430;
    p.rows = p.beside ? 0 : flowLegend(S, p.entries, w);
    const beside = Math.max(S.layout.leastPlot, p.entries.length * ROW - FOOT + 20);
    const plot = p.beside
      ? beside
      : S.layout.across > 1
        ? 1.2 * S.layout.leastPlot
        : this.size(p, w - 60, 340)[1];
    return HEAD + p.rows * ROW + plot + FOOT;
  },

  margins(S, p) {
    const { x, y, w, h } = p.rect,
      top = y + HEAD + p.rows * ROW + 6;
    const left =
      Math.max(...linearTicks(...p.ys, 5).map((tick) => width(S, tick.text, 11)), 12) + 10;
    const column = p.beside
      ? Math.max(...p.entries.map((e) => 24 + width(S, e.label) + (e.slot ? e.slot + 6 : 0))) + 30
      : 14;
    const [pw, ph] = this.size(p, Math.max(w - left - column, 0.4 * w), y + h - FOOT - top);
    p.plot = { x: Math.round(x + left), y: Math.round(top), w: pw, h: ph };
    p.xTicks = linearTicks(...p.xs, Math.max(2, Math.round(pw / 55)));
    p.yTicks = linearTicks(...p.ys, Math.max(2, Math.round(ph / 45)));
    p.legend = p.beside ? { x: p.plot.x + pw + 22, y: top - 4 } : { x, y: y + HEAD };
    if (p.beside) {
      flowLegend(S, p.entries, w - left - pw - 22);
      p.entries.forEach((e, k) => Object.assign(e, { x: 0, row: k }));
    }
    return { left: 0, right: 0 };
  },

  place(S, p) {
    const { x, y, w, h } = p.plot;
    p.x = scale(...p.xs, x, x + w);
    p.y = scale(...p.ys, y + h, y);
    p.drawn = null;
  },

  still(ctx, S, p) {
    if (p.ground) clipped(ctx, p.plot, () => drawGround(ctx, S, p));
    drawAxes(ctx, S, p, p.xTicks, p.spec.x_label);
    if (p.spec.y_label)
      text(ctx, S, p.spec.y_label, p.plot.x + 6, p.plot.y + 12, {
        size: 11,
        colour: S.theme.muted,
        halo: true,
      });
    drawLegend(ctx, S, p);
    clipped(ctx, p.plot, () => {
      if (p.spec.streams) drawStreams(ctx, S, p);
      for (const { points, style } of p.curves) {
        pen(ctx, style);
        ctx.beginPath();
        for (const [x, y] of points) if (x !== null && y !== null) ctx.lineTo(p.x(x), p.y(y));
        ctx.stroke();
      }
    });
  },

  data(ctx, S, p) {
    clipped(ctx, p.plot, () => {
      for (const trail of p.trails) this.trail(ctx, S, p, trail, 0, trail.run.pick.length - 1);
      const taken = [];
      for (const trail of p.trails) if (trail.run.sign) this.signs(ctx, S, p, trail, taken);
    });
  },

  /** The letter of a run here and there on its trail, clear of each other. */
  signs(ctx, S, p, { run, xs, ys }, taken) {
    const { pick } = run,
      every = Math.max(1, Math.floor(pick.length / LETTERS));
    for (let j = every >> 1; j < pick.length; j += every) {
      const [x, y] = [p.x(xs[pick[j]]), p.y(ys[pick[j]])];
      if (!Number.isFinite(x + y)) continue;
      if (taken.some(([u, v]) => Math.hypot(x - u, y - v) < LETTERS_APART)) continue;
      taken.push([x, y]);
      drawMarker(ctx, S, { colour: S.theme.ink, sign: run.sign, width: 1 }, x, y);
    }
  },

  /** Segments from place `from` to place `to`, one path per shade of time. */
  trail(ctx, S, p, { run, xs, ys }, from, to) {
    const shade = (i) => Math.round(63 * S.clock.part(run.t[i]));
    for (let j = from; j <= to;) {
      const s = shade(run.pick[j]),
        colour = S.theme.time(s / 63),
        first = j;
      pen(
        ctx,
        {
          colour,
          width: run.smooth ? 1.6 : 1,
          dash: run.stroke === "dotted" ? S.theme.style.dash.dotted : [],
        },
        run.smooth ? 1 : 0.5,
      );
      ctx.beginPath();
      for (
        let k = Math.max(0, j - 1);
        k <= to && (k <= first || shade(run.pick[k]) === s);
        k++, j = k
      ) {
        const i = run.pick[k];
        if (Number.isFinite(xs[i] + ys[i])) ctx.lineTo(p.x(xs[i]), p.y(ys[i]));
      }
      ctx.stroke();
      if (run.smooth) continue;
      ctx.fillStyle = css(colour);
      for (let k = first; k < j; k++) {
        const i = run.pick[k];
        if (Number.isFinite(xs[i] + ys[i]))
          ctx.fillRect(p.x(xs[i]) - 1.4, p.y(ys[i]) - 1.4, 2.8, 2.8);
      }
    }
  },

  frame(ctx, S, p) {
    const { x, y, w, h } = p.plot,
      whole = S.clock.t >= S.clock.end;
    S.layout.reveal(ctx, p, x - 1, y - 1, w + 2, h + 2, whole ? 1 : S.theme.ghost);
    if (!whole) S.layout.revealTrails(ctx, p, x - 1, y - 1, w + 2, h + 2);
    clipped(ctx, { x: x - 6, y: y - 6, w: w + 12, h: h + 12 }, () => {
      for (const mark of p.spec.marks) drawMark(ctx, S, mark, p.x(mark.x), p.y(mark.y));
      const taken = [];
      for (const trail of p.trails) this.head(ctx, S, p, trail, taken);
    });
    drawValues(ctx, S, p);
  },

  /** The trail layer, brought to the cursor: appended, or begun anew when time went back. */
  advance(S, p) {
    const now = this.reached(S, p);
    if (!p.drawn || now.some((j, k) => j < p.drawn[k])) {
      p.trailLayer = S.layout.makeLayer(p.trailLayer);
      p.drawn = now.map(() => -1);
    }
    this.trails(p.trailLayer, S, p, p.drawn, now);
    p.drawn = now;
    return p.trailLayer;
  },

  /** Places in run.pick of what the cursor has reached, by trail. */
  reached: (S, p) => p.trails.map((trail) => position(trail.run, S.clock.t)),

  /** Every trail from behind one place to another. */
  trails(ctx, S, p, drawn, now) {
    clipped(ctx, p.plot, () =>
      p.trails.forEach((trail, k) => {
        if (now[k] > drawn[k]) this.trail(ctx, S, p, trail, drawn[k] + 1, now[k]);
      }),
    );
  },

  /** A dot per run and its name, at the first of four places that no other name has taken. */
  head(ctx, S, p, trail, taken) {
    const x = p.x(read(trail.run, trail.xs, S.at)),
      y = p.y(read(trail.run, trail.ys, S.at));
    if (!Number.isFinite(x + y)) return;
    const u = S.clock.part(snapped(trail.run, S.at));
    dot(ctx, S, x, y, S.theme.time(u), 5);
    const label = trail.run.sign || trail.run.label,
      w = width(S, label, 11, 600),
      { plot } = p;
    const places = [
      [9, -8],
      [-9 - w, -8],
      [9, 16],
      [-9 - w, 16],
    ].map(([dx, dy]) => ({ x: x + dx, y: y + dy }));
    const free = places.find(
      (q) =>
        q.x > plot.x &&
        q.x + w < plot.x + plot.w &&
        q.y - 10 > plot.y &&
        q.y < plot.y + plot.h &&
        !taken.some((o) => q.x < o.x + o.w && o.x < q.x + w && Math.abs(q.y - o.y) < 12),
    );
    if (!free) return;
    taken.push({ ...free, w });
    text(ctx, S, label, free.x, free.y, { size: 11, weight: 600, halo: true });
  },

  time(S, p, x, y) {
    let best = 20 ** 2,
      found = null;
    for (const { run, xs, ys } of p.trails) {
      for (const i of run.pick) {
        const d = (p.x(xs[i]) - x) ** 2 + (p.y(ys[i]) - y) ** 2;
        if (d < best) [best, found] = [d, run.t[i]];
      }
    }
    return found;
  },
  describe: (S, p) =>
    p.entries
      .filter((e) => e.value)
      .map((e) => `${e.label} ${e.value(S.at)}`)
      .join(", "),
};
