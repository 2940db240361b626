/* Panel: columns against time. S is the player, p the panel. */

import { clamp, digitless, least } from "../browser/numbers.js";
import { drawAxes, FOOT, HEAD, ROW } from "./frame.js";
import {
  clipped,
  dot,
  drawChange,
  drawMark,
  drawMarker,
  lineStyle,
  markerOf,
  pen,
  segment,
  text,
  width,
} from "./ink.js";
import { drawLegend, drawValues, flowLegend, lineSwatch, markSwatch } from "./legend.js";
import { DECADES, EVEN } from "./pace.js";
import { isBound, numberFormat, padded, rangeInView, widened } from "./ranges.js";
import { changesOf, noticesOf, position, read, snapped } from "./runs.js";
import { css } from "./theme.js";
import { linearTicks, logTicks, scale } from "./ticks.js";
import { timeText, timeTicks, timeTitle } from "./timeaxis.js";

const APART = 110; // pixels between two markers of a line

const greatest = (values) => values.reduce((a, v) => (v > a ? v : a), -Infinity);

/** Where a line stands; an arrow says that it is outside the plot. */
function valueText(p, line, t) {
  const v = read(line.run, line.values, t),
    off = !isBound(line) ? "" : v > p.hi ? " ↑" : v < p.lo ? " ↓" : "";
  return p.format(v) + off;
}

export const series = {
  prepare(S, p) {
    p.lines = p.spec.lines.map((line) => {
      const run = S.runs[line.run];
      return {
        ...line,
        run,
        values: run.column(line.column),
        style: lineStyle(S, line),
        low: line.low && run.column(line.low),
        high: line.high && run.column(line.high),
      };
    });
    const isPathway = (line) => typeof line.colour === "number",
      pathways = new Set(p.lines.filter(isPathway).map((line) => line.colour));
    for (const line of p.lines)
      line.style.marker = pathways.size > 1 && isPathway(line) ? markerOf(S, line.colour) : null;
    p.labelled = p.lines.filter((line) => line.label);
    p.entries = p.labelled.map((line) => ({
      label: line.label,
      swatch: lineSwatch(S, line.style),
      value: (t) => valueText(p, line, t),
    }));
    for (const mark of p.spec.marks)
      if (mark.label) p.entries.push({ label: mark.label, swatch: markSwatch(S, mark) });
  },

  fit(S, p) {
    const { lo, hi } = rangeInView(S, p),
      { limits } = p.spec;
    p.format = numberFormat(p.log, Math.max(Math.abs(lo), Math.abs(hi)));
    const range = padded(widened(S, p, lo, hi), p.log, p.spec.least);
    [p.lo, p.hi] = limits && !(p.log && limits[0] <= 0) ? limits : range;
  },

  slot(S, p) {
    const room = (texts) => Math.max(...texts.map((s) => width(S, digitless(s)))) + 2;
    p.labelled.forEach((line, k) => {
      const numbers = [p.lo, p.hi, p.lo + 0.38 * (p.hi - p.lo), least(line.values)];
      const texts = p.log ? ["8.88·10⁻⁸⁸"] : numbers.map(p.format);
      if (isBound(line)) texts.push(`${p.format(greatest(line.values))} ↑`);
      p.entries[k].slot = room(texts);
    });
  },

  need(S, p, w) {
    this.slot(S, p);
    p.rows = flowLegend(S, p.entries, w);
    return HEAD + p.rows * ROW + S.layout.leastPlot + FOOT;
  },

  margins(S, p) {
    const { y, h } = p.rect;
    p.legend = { x: p.rect.x, y: y + HEAD };
    const top = y + HEAD + p.rows * ROW + 8;
    p.plot = { y: top, h: y + h - FOOT - top };
    p.yTicks = (p.log ? logTicks : linearTicks)(p.lo, p.hi, Math.round(p.plot.h / 32));
    return {
      left: Math.max(...p.yTicks.map((tick) => width(S, tick.text, 11)), 12) + 10,
      right: Math.max(8, ...p.spec.levels.map((level) => width(S, level.label, 11) + 20)),
    };
  },

  place(S, p, left, right) {
    Object.assign(p.plot, {
      x: Math.round(p.rect.x + left),
      w: Math.round(p.rect.w - left - right),
    });
    const { x, y, w, h } = p.plot;
    p.x = scale(S.zoom.from, S.zoom.to, x, x + w, S.clock.pace);
    p.y = scale(p.lo, p.hi, y + h, y, p.log ? DECADES : EVEN);
    p.xTicks = timeTicks(S, w);
  },

  still(ctx, S, p) {
    drawAxes(ctx, S, p, p.xTicks, timeTitle(S));
    drawLegend(ctx, S, p);
    this.levels(ctx, S, p);
    this.ribbon(ctx, S, p);
    this.notices(ctx, S, p);
    this.changes(ctx, S, p);
    for (const mark of p.spec.marks) {
      const x = mark.x === null ? p.plot.x + p.plot.w : p.x(mark.x);
      if (mark.y >= p.lo && mark.y <= p.hi) drawMark(ctx, S, mark, x, p.y(mark.y));
    }
  },

  levels(ctx, S, p) {
    const { x, y, w, h } = p.plot;
    const placed = p.spec.levels
      .map((level) => {
        const above = level.value > p.hi,
          below = level.value < p.lo;
        return {
          ...level,
          off: above ? " ↑" : below ? " ↓" : "",
          at: above ? y + 4 : below ? y + h - 4 : p.y(level.value),
        };
      })
      .sort((a, b) => a.at - b.at);
    placed.forEach((level, k) => {
      level.label_y = k ? Math.max(level.at, placed[k - 1].label_y + 13) : level.at;
    });
    for (const level of placed) {
      const colour = S.theme.colour(level.role);
      pen(ctx, { colour, width: S.theme.style.width.theory, dash: S.theme.style.dash.theory });
      if (!level.off) segment(ctx, x, level.at, x + w, level.at);
      text(ctx, S, level.label + level.off, x + w + 6, level.label_y, {
        size: 11,
        colour,
        base: "middle",
      });
    }
  },

  /** Phases of the reference run, along the axis; their names are on the timeline above. */
  ribbon(ctx, S, p) {
    const run = S.reference ?? S.runs[0],
      { x, y, w, h } = p.plot;
    run.phases.forEach((phase, k) => {
      const a = clamp(p.x(phase.t0), x, x + w),
        b = clamp(p.x(run.phases[k + 1]?.t0 ?? phase.t1), x, x + w);
      ctx.fillStyle = css(S.theme.phase(phase, k));
      ctx.fillRect(a, y + h + 1, b - a, 4);
    });
  },

  /** Where what is noted of the reference run begins: a dotted line, whose words the pointer tells. */
  notices(ctx, S, p) {
    const { x, y, w, h } = p.plot;
    pen(ctx, { colour: S.theme.muted, width: 1.3, dash: S.theme.style.dash.dotted });
    for (const { t0 } of noticesOf(S)) {
      const at = p.x(t0);
      if (at >= x && at <= x + w) segment(ctx, at, y, at, y + h);
    }
  },

  /** When the rules of the reference run change: a mark on the axis and a line up from it. */
  changes(ctx, S, p) {
    const { x, y, w, h } = p.plot;
    for (const { t } of changesOf(S)) {
      const at = p.x(t);
      if (at < x || at > x + w) continue;
      pen(ctx, { colour: S.theme.muted, width: 1, dash: S.theme.style.dash.theory });
      segment(ctx, at, y, at, y + h);
      drawChange(ctx, S, at, y + h, "triangle-up");
    }
  },

  data(ctx, S, p) {
    clipped(ctx, p.plot, () => {
      if (S.strobe === "all") for (const line of p.lines) if (line.low) this.band(ctx, S, p, line);
      for (const line of p.lines) this.line(ctx, S, p, line);
      this.markers(ctx, S, p);
    });
  },

  /** Every line's own, on its records, apart from those of the others. */
  markers(ctx, S, p) {
    const lines = p.lines.filter(({ style }) => style.marker || style.sign);
    lines.forEach(({ run, values, style }, k) => {
      let before = -1;
      for (let x = (APART * (k + 0.5)) / lines.length; x < p.plot.w; x += APART) {
        const i = run.pick[position(run, p.x.invert(p.plot.x + x))];
        if (i === undefined || i === before || !this.shown(p, values[i])) continue;
        before = i;
        const at = p.x(run.t[i]);
        if (at > p.plot.x) drawMarker(ctx, S, style, at, p.y(values[i]));
      }
    });
  },

  /** First and last place in run.pick that touch the view. */
  window(S, run) {
    return [
      Math.max(0, position(run, S.zoom.from)),
      Math.min(run.pick.length - 1, position(run, S.zoom.to) + 1),
    ];
  },

  /** Flows are lines. Iterates are points, joined faintly, so that an orbit shows its branches. */
  line(ctx, S, p, line) {
    const { run, style } = line,
      [from, to] = this.window(S, run),
      spacing = p.plot.w / (to - from + 1);
    const { points } = style;
    pen(ctx, style, points ? clamp(0.35 * spacing, 0.06, 0.6) : 1); // dense joins must not add up
    if (points) ctx.lineWidth = 1;
    this.join(ctx, p, line, from, to);
    if (points) this.points(ctx, p, line, from, to, clamp(spacing / 2.5, 1, 2.4));
  },

  shown: (p, v) => Number.isFinite(v) && !(p.log && v <= 0),

  join(ctx, p, line, from, to) {
    const { run, values } = line,
      held = isBound(line) && !run.smooth;
    let before = null;
    ctx.beginPath();
    for (let j = from; j <= to; j++) {
      const i = run.pick[j],
        x = p.x(run.t[i]),
        y = p.y(values[i]);
      if (!this.shown(p, values[i])) {
        before = null;
        continue;
      }
      if (before === null) ctx.moveTo(x, y);
      else {
        if (held && before !== y) ctx.lineTo(x, before);
        ctx.lineTo(x, y);
      }
      before = y;
    }
    ctx.stroke();
  },

  points(ctx, p, { run, values, style }, from, to, r) {
    ctx.fillStyle = css(style.colour);
    ctx.beginPath();
    for (let j = from; j <= to; j++) {
      const i = run.pick[j],
        x = p.x(run.t[i]),
        y = p.y(values[i]);
      if (!this.shown(p, values[i])) continue;
      if (r > 1.5) {
        ctx.moveTo(x + r, y);
        ctx.arc(x, y, r, 0, 2 * Math.PI);
      } else ctx.rect(x - r, y - r, 2 * r, 2 * r);
    }
    ctx.fill();
  },

  band(ctx, S, p, { run, low, high, style }) {
    const [from, to] = this.window(S, run);
    const bottom = (v) => (p.log && v <= 0 ? p.plot.y + p.plot.h : p.y(v));
    ctx.fillStyle = css(style.colour, 0.22);
    let start = from;
    for (let j = from; j <= to + 1; j++) {
      const i = run.pick[j];
      if (j <= to && Number.isFinite(low[i]) && Number.isFinite(high[i]) && (!p.log || high[i] > 0))
        continue;
      if (j - start > 1) {
        ctx.beginPath();
        for (let k = start; k < j; k++) ctx.lineTo(p.x(run.t[run.pick[k]]), p.y(high[run.pick[k]]));
        for (let k = j - 1; k >= start; k--)
          ctx.lineTo(p.x(run.t[run.pick[k]]), bottom(low[run.pick[k]]));
        ctx.fill();
      }
      start = j + 1;
    }
  },

  frame(ctx, S, p) {
    const { x, y, w, h } = p.plot,
      cut = clamp(p.x(S.clock.t), x, x + w);
    S.layout.reveal(ctx, p, x - 1, y - 1, cut - x + 1, h + 2);
    S.layout.reveal(ctx, p, cut, y - 1, x + w - cut + 1, h + 2, S.theme.ghost);
    ctx.setLineDash([]);
    ctx.lineWidth = 1;
    ctx.strokeStyle = css(S.theme.ink, 0.55);
    if (S.clock.t >= S.zoom.from && S.clock.t < S.zoom.to) segment(ctx, cut, y, cut, y + h);
    if (S.hover !== null && S.hover >= S.zoom.from && S.hover <= S.zoom.to)
      this.hoverLine(ctx, S, p);
    if (S.at >= S.zoom.from && S.at <= S.zoom.to) {
      clipped(ctx, { x: x - 4, y, w: w + 8, h }, () => {
        for (const { run, values, style } of p.lines) {
          const v = read(run, values, S.at),
            t = snapped(run, S.at);
          if (Number.isFinite(v) && (!p.log || v > 0) && t >= S.zoom.from)
            dot(ctx, S, p.x(t), p.y(v), style.colour, style.width > 1.5 ? 3.6 : 2.8);
        }
      });
    }
    drawValues(ctx, S, p);
  },

  hoverLine(ctx, S, p) {
    const { x, y, w, h } = p.plot,
      at = p.x(S.hover),
      label = timeText(S, S.hover);
    ctx.setLineDash([3, 3]);
    segment(ctx, at, y, at, y + h);
    ctx.setLineDash([]);
    const half = width(S, label, 11) / 2 + 5,
      centre = clamp(at, x + half, x + w - half);
    ctx.fillStyle = css(S.theme.bg);
    ctx.strokeStyle = css(S.theme.frame);
    ctx.beginPath();
    ctx.roundRect(centre - half, y + h + 21.5, 2 * half, 16, 4);
    ctx.fill();
    ctx.stroke();
    text(ctx, S, label, centre, y + h + 33.5, { size: 11, align: "center" });
  },

  time: (S, p, x) => clamp(p.x.invert(x), S.zoom.from, S.zoom.to),
  describe: (S, p) =>
    p.labelled.map((line) => `${line.label} ${valueText(p, line, S.at)}`).join(", "),
};
