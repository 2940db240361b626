/* The panels of the run player: time series, plane, heat maps, and the timeline above them.
 * Each kind answers the same calls: prepare (data and colours), fit (ranges), need (height),
 * margins and place (layout), still and data (the two layers, drawn once), frame (the cut at the
 * cursor), time (of a point under the pointer) and describe (in words).
 * S is the player, p a panel.
 */

/* ---- panel: time series */

const series = {
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
    p.labelled = p.lines.filter((line) => line.label);
    p.entries = p.labelled.map((line) => ({
      label: line.label,
      swatch: lineSwatch(line.style),
      value: (t) => p.format(read(line.run, line.values, t)),
    }));
    for (const mark of p.spec.marks)
      if (mark.label) p.entries.push({ label: mark.label, swatch: markSwatch(S, mark) });
  },

  /** Range of y over what is in view: all records, so that strobing does not move the axis. */
  fit(S, p) {
    const log = p.log,
      [a, b] = S.view;
    let lo = Infinity,
      hi = -Infinity;
    const see = (v) => {
      if (Number.isFinite(v) && (!log || v > 0)) {
        lo = Math.min(lo, v);
        hi = Math.max(hi, v);
      }
    };
    for (const { run, values, low, high } of p.lines) {
      for (const i of run.picks.all) {
        if (run.t[i] < a || run.t[i] > b) continue;
        see(values[i]);
        if (low) {
          see(low[i]);
          see(high[i]);
        }
      }
    }
    if (lo > hi) [lo, hi] = log ? [0.1, 1] : [0, 1];
    p.format = log
      ? significant
      : (
          (d) => (v) =>
            fixed(v, d)
        )(decimalsFor(Math.max(Math.abs(lo), Math.abs(hi))));
    const reach = log ? Math.max(1, Math.log10(hi / lo)) : hi - lo;
    for (const v of [...p.spec.levels.map((l) => l.value), ...p.spec.marks.map((m) => m.y)]) {
      const off = log ? Math.max(Math.log10(v / hi), Math.log10(lo / v)) : Math.max(v - hi, lo - v);
      if (off <= reach) see(v); // farther ones are named at the border, and do not squash the run
    }
    if (log) {
      const pad = Math.max(10 ** (0.04 * Math.log10(hi / lo)), 1.05);
      [lo, hi] = [lo / pad, hi * pad];
    } else {
      if (hi - lo < 1e-12 * Math.max(1e-300, Math.abs(hi))) {
        const d = Math.abs(hi) * 0.05 || 0.5;
        lo -= d;
        hi += d;
      }
      const floor = lo >= 0 && lo < 0.35 * hi,
        pad = 0.05 * (hi - lo);
      [lo, hi] = [floor ? 0 : lo - pad, hi + pad];
    }
    [p.lo, p.hi] = p.spec.limits && !(log && p.spec.limits[0] <= 0) ? p.spec.limits : [lo, hi];
  },

  slot(S, p) {
    const room = (texts) => Math.max(...texts.map((s) => width(S, digitless(s)))) + 2;
    p.labelled.forEach((line, k) => {
      const numbers = [p.lo, p.hi, p.lo + 0.38 * (p.hi - p.lo), least(line.values)];
      p.entries[k].slot = room(p.log ? ["8.88·10⁻⁸⁸"] : numbers.map(p.format));
    });
  },

  need(S, p, w) {
    this.slot(S, p);
    p.rows = flowLegend(S, p.entries, w);
    return HEAD + p.rows * ROW + SMALLEST_PLOT + FOOT;
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
    p.x = scale(...S.view, x, x + w);
    p.y = scale(p.lo, p.hi, y + h, y, p.log);
    p.xTicks = S.timeTicks(w);
  },

  still(ctx, S, p) {
    drawAxes(ctx, S, p, p.xTicks, S.timeTitle());
    drawLegend(ctx, S, p);
    this.levels(ctx, S, p);
    this.ribbon(ctx, S, p);
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
      ctx.fillStyle = css(S.theme.phase(phase.name, k));
      ctx.fillRect(a, y + h + 1, b - a, 4);
    });
  },

  data(ctx, S, p) {
    clipped(ctx, p.plot, () => {
      if (S.strobe === "all") for (const line of p.lines) if (line.low) this.band(ctx, S, p, line);
      for (const line of p.lines) this.line(ctx, S, p, line);
    });
  },

  /** First and last place in run.pick that touch the view. */
  window(S, run) {
    return [
      Math.max(0, position(run, S.view[0])),
      Math.min(run.pick.length - 1, position(run, S.view[1]) + 1),
    ];
  },

  /** Flows are lines. Iterates are points, joined faintly, so that an orbit shows its branches. */
  line(ctx, S, p, { run, values, style }) {
    const [from, to] = this.window(S, run),
      spacing = p.plot.w / (to - from + 1);
    const points = !run.smooth && !style.dash.length;
    const shown = (v) => Number.isFinite(v) && !(p.log && v <= 0);
    let down = false;
    pen(ctx, style, points ? clamp(0.35 * spacing, 0.06, 0.6) : 1); // dense joins must not add up
    if (points) ctx.lineWidth = 1;
    ctx.beginPath();
    for (let j = from; j <= to; j++) {
      const i = run.pick[j],
        y = p.y(values[i]);
      if (!shown(values[i])) {
        down = false;
        continue;
      }
      if (down) ctx.lineTo(p.x(run.t[i]), y);
      else ctx.moveTo(p.x(run.t[i]), y);
      down = true;
    }
    ctx.stroke();
    if (!points) return;
    const r = clamp(spacing / 2.5, 1, 2.4);
    ctx.fillStyle = css(style.colour);
    ctx.beginPath();
    for (let j = from; j <= to; j++) {
      const i = run.pick[j],
        x = p.x(run.t[i]),
        y = p.y(values[i]);
      if (!shown(values[i])) continue;
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
      cut = clamp(p.x(S.t), x, x + w);
    copy(ctx, S, S.layers.data, x - 1, y - 1, cut - x + 1, h + 2);
    copy(ctx, S, S.layers.data, cut, y - 1, x + w - cut + 1, h + 2, S.theme.ghost);
    ctx.setLineDash([]);
    ctx.lineWidth = 1;
    ctx.strokeStyle = css(S.theme.ink, 0.55);
    if (S.t >= S.view[0] && S.t < S.view[1]) segment(ctx, cut, y, cut, y + h);
    if (S.hover !== null && S.hover >= S.view[0] && S.hover <= S.view[1]) this.hoverLine(ctx, S, p);
    if (S.at >= S.view[0] && S.at <= S.view[1]) {
      clipped(ctx, { x: x - 4, y, w: w + 8, h }, () => {
        for (const { run, values, style } of p.lines) {
          const v = read(run, values, S.at),
            t = snapped(run, S.at);
          if (Number.isFinite(v) && (!p.log || v > 0) && t >= S.view[0])
            dot(ctx, S, p.x(t), p.y(v), style.colour, style.width > 1.5 ? 3.6 : 2.8);
        }
      });
    }
    drawValues(ctx, S, p);
  },

  hoverLine(ctx, S, p) {
    const { x, y, w, h } = p.plot,
      at = p.x(S.hover),
      label = S.timeText(S.hover);
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

  time: (S, p, x) => clamp(p.x.invert(x), ...S.view),
  describe: (S, p) =>
    p.labelled
      .map((line) => `${line.label} ${p.format(read(line.run, line.values, S.at))}`)
      .join(", "),
};

/* ---- panel: the plane of two strengths */

const plane = {
  prepare(S, p) {
    p.trails = p.spec.trails.map((trail) => {
      const run = S.runs[trail.run];
      return { ...trail, run, xs: run.column(trail.x), ys: run.column(trail.y) };
    });
    const curveStyle = (c) => ({
      colour: S.theme.colour(c.role),
      width: 1.3,
      dash: c.role === "muted" ? S.theme.style.dash.faint : S.theme.style.dash.theory,
    });
    p.curves = p.spec.curves.map((c) => ({ ...c, style: curveStyle(c) }));
    const pair = (trail) => (t) =>
      `(${p.format(read(trail.run, trail.xs, t))}, ${p.format(read(trail.run, trail.ys, t))})`;
    p.entries = [
      ...p.trails.map((trail) => ({
        label: trail.label,
        swatch: lineSwatch({ colour: S.theme.time(0.55), width: trail.run.smooth ? 1.1 : 3 }),
        value: pair(trail),
      })),
      {
        label: `time: ${S.timeText(S.start)} to ${S.timeText(S.end).replace(/^.* /, "")}`,
        swatch: timeSwatch(S),
      },
      ...p.curves.map((c) => ({ label: c.label, swatch: lineSwatch(c.style) })),
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
      ...p.curves.flatMap((c) => c.points),
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
    const beside = Math.max(SMALLEST_PLOT, p.entries.length * ROW - FOOT + 20);
    const plot = p.beside ? beside : S.across > 1 ? 180 : this.size(p, w - 60, 340)[1];
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
    p.trailLayer = S.makeLayer(p.trailLayer);
    p.drawn = null;
  },

  still(ctx, S, p) {
    drawAxes(ctx, S, p, p.xTicks, p.spec.x_label);
    if (p.spec.y_label)
      text(ctx, S, p.spec.y_label, p.plot.x + 6, p.plot.y + 12, {
        size: 11,
        colour: S.theme.muted,
        halo: true,
      });
    drawLegend(ctx, S, p);
    clipped(ctx, p.plot, () => {
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
    });
  },

  /** Segments from place `from` to place `to`, one path per shade of time. */
  trail(ctx, S, p, { run, xs, ys }, from, to) {
    const shade = (i) => Math.round((63 * (run.t[i] - S.start)) / (S.end - S.start || 1));
    for (let j = from; j <= to;) {
      const s = shade(run.pick[j]),
        colour = S.theme.time(s / 63),
        first = j;
      pen(
        ctx,
        {
          colour,
          width: run.smooth ? 1.6 : 1,
          dash: run.dynamics === "central" ? S.theme.style.dash.central : [],
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
      whole = S.t >= S.end;
    copy(ctx, S, S.layers.data, x - 1, y - 1, w + 2, h + 2, whole ? 1 : S.theme.ghost);
    if (!whole) {
      this.advance(S, p);
      copy(ctx, S, p.trailLayer.canvas, x - 1, y - 1, w + 2, h + 2);
    }
    clipped(ctx, { x: x - 6, y: y - 6, w: w + 12, h: h + 12 }, () => {
      for (const mark of p.spec.marks) drawMark(ctx, S, mark, p.x(mark.x), p.y(mark.y));
      const taken = [];
      for (const trail of p.trails) this.head(ctx, S, p, trail, taken);
    });
    drawValues(ctx, S, p);
  },

  /** Brings the trail layer to the cursor; appends, or starts anew when time went back. */
  advance(S, p) {
    const now = p.trails.map((trail) => position(trail.run, S.t)),
      ctx = p.trailLayer;
    if (!p.drawn || now.some((j, k) => j < p.drawn[k])) {
      ctx.clearRect(0, 0, S.width, S.height);
      p.drawn = now.map(() => -1);
    }
    clipped(ctx, p.plot, () =>
      p.trails.forEach((trail, k) => {
        if (now[k] > p.drawn[k]) this.trail(ctx, S, p, trail, p.drawn[k] + 1, now[k]);
      }),
    );
    p.drawn = now;
  },

  /** A dot per run and its name, at the first of four places that no other name has taken. */
  head(ctx, S, p, trail, taken) {
    const x = p.x(read(trail.run, trail.xs, S.at)),
      y = p.y(read(trail.run, trail.ys, S.at));
    if (!Number.isFinite(x + y)) return;
    const u = (snapped(trail.run, S.at) - S.start) / (S.end - S.start || 1);
    dot(ctx, S, x, y, S.theme.time(u), 5);
    const label = trail.run.label,
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

/* ---- panel: heat maps */

const heat = {
  prepare(S, p) {
    const run = S.runs[p.spec.run],
      { shape, records } = run.maps[p.spec.maps];
    const [count, rows, cols] = shape,
      values = run.frames(p.spec.maps),
      size = count * rows * cols;
    Object.assign(p, { run, count, rows, cols, records });
    p.at = (i) => {
      let k = records.length - 1;
      while (k > 0 && records[k] > i) k--;
      return values.subarray(k * size, (k + 1) * size);
    };
    p.limit = p.spec.limit;
    if (!p.limit)
      for (const v of values.subarray(0, records.length * size))
        if (Number.isFinite(v)) p.limit = Math.max(p.limit, Math.abs(v));
    p.limit ||= 1;
    p.tile = document.createElement("canvas");
    Object.assign(p.tile, { width: cols, height: rows });
    p.palette = Array.from({ length: 255 }, (_, k) =>
      S.theme.diverging((k - 127) / 127).map(Math.round),
    );
    p.entries = [];
    p.format = (v) => fixed(v, decimalsFor(p.limit));
  },

  fit() {},

  /** Rows and columns of maps that leave the largest cells; each map has a title and a gap. */
  grid(p, w, h) {
    const options = Array.from({ length: p.count }, (_, k) => {
      const across = k + 1,
        down = Math.ceil(p.count / across);
      return {
        across,
        cell: Math.min(((w - 62) / across - p.gap) / p.cols, (h / down - 40) / p.rows, 64),
      };
    });
    return options.reduce((a, b) => (b.cell > a.cell ? b : a));
  },

  need(S, p, w) {
    p.gap = p.spec.row_label ? 34 : 20;
    return HEAD + ROW + (w < 430 ? 250 : 190);
  },

  margins(S, p) {
    const { x, y, w, h } = p.rect,
      top = y + HEAD + ROW;
    const { across, cell } = this.grid(p, w, h - HEAD - ROW);
    p.cell = cell >= 3 ? Math.floor(cell) : cell;
    const size = { w: p.cols * p.cell, h: p.rows * p.cell };
    p.boxes = Array.from({ length: p.count }, (_, k) => ({
      x: Math.round(x + 1 + (p.spec.row_label ? 16 : 0) + (k % across) * (size.w + p.gap)),
      y: Math.round(top + 20 + Math.floor(k / across) * (size.h + 40)),
      ...size,
    }));
    const right = p.boxes[Math.min(across, p.count) - 1].x + size.w;
    p.bar = { x: right + 14, y: top + 20, h: Math.round(Math.min(Math.max(size.h, 60), 170)) };
    p.plot = { x, y: top, w, h: h - HEAD - ROW };
    return { left: 0, right: 0 };
  },

  place() {},

  still(ctx, S, p) {
    const soft = { size: 11, colour: S.theme.muted };
    p.boxes.forEach((box, k) => {
      text(
        ctx,
        S,
        shorten(S, p.spec.titles[k] ?? `map ${k + 1}`, box.w + p.gap - 8),
        box.x,
        box.y - 6,
      );
      ctx.lineWidth = 1;
      ctx.setLineDash([]);
      ctx.strokeStyle = css(S.theme.frame);
      ctx.strokeRect(box.x - 0.5, box.y - 0.5, box.w + 1, box.h + 1);
      if (p.spec.col_label)
        text(
          ctx,
          S,
          shorten(S, `${p.spec.col_label} →`, box.w + p.gap - 8, 11),
          box.x,
          box.y + box.h + 13,
          soft,
        );
      if (!p.spec.row_label) return;
      ctx.save();
      ctx.translate(box.x - 6, box.y + box.h);
      ctx.rotate(-Math.PI / 2);
      text(ctx, S, shorten(S, `← ${p.spec.row_label}`, box.h, 11), box.h, 0, {
        ...soft,
        align: "right",
      });
      ctx.restore();
    });
    const { x, y, h } = p.bar;
    for (let k = 0; k < h; k++) {
      ctx.fillStyle = css(S.theme.diverging(1 - (2 * k) / (h - 1)));
      ctx.fillRect(x, y + k, 10, 1.5);
    }
    ctx.strokeRect(x - 0.5, y - 0.5, 11, h + 1);
    const d = decimalsFor(p.limit);
    for (const f of [-1, 0, 1])
      text(ctx, S, minus((f * p.limit).toFixed(Math.min(d, 2))), x + 15, y + h * (0.5 - f / 2), {
        ...soft,
        base: "middle",
      });
  },

  data() {},

  frame(ctx, S, p) {
    const j = position(p.run, S.at),
      values = p.at(j < 0 ? 0 : p.run.pick[j]),
      size = p.rows * p.cols;
    const tile = p.tile.getContext("2d"),
      image = tile.createImageData(p.cols, p.rows);
    ctx.imageSmoothingEnabled = false;
    p.boxes.forEach((box, k) => {
      for (let c = 0; c < size; c++) {
        const v = values[k * size + c];
        const [r, g, b] = Number.isFinite(v)
          ? p.palette[Math.round(clamp(v / p.limit, -1, 1) * 127) + 127]
          : S.theme.muted;
        image.data.set([r, g, b, 255], 4 * c);
      }
      tile.putImageData(image, 0, 0);
      ctx.drawImage(p.tile, box.x, box.y, box.w, box.h);
      if (p.cell >= 38) this.numbers(ctx, S, p, box, values.subarray(k * size, (k + 1) * size));
    });
    const here = S.pointed?.panel === p ? S.pointed : null;
    if (here) {
      const box = p.boxes[here.map];
      ctx.lineWidth = 2;
      ctx.strokeStyle = css(S.theme.ink);
      ctx.strokeRect(box.x + here.col * p.cell, box.y + here.row * p.cell, p.cell, p.cell);
    }
    text(ctx, S, this.status(S, p, values, here), p.rect.x, p.rect.y + HEAD + 13, {
      colour: S.theme.muted,
    });
  },

  numbers(ctx, S, p, box, values) {
    const d = p.cell >= 52 ? 3 : 2;
    values.forEach((v, c) => {
      const x = box.x + ((c % p.cols) + 0.5) * p.cell,
        y = box.y + (Math.floor(c / p.cols) + 0.5) * p.cell;
      const strong = S.theme.dark ? Math.abs(v) > 0.62 * p.limit : Math.abs(v) > 0.7 * p.limit;
      const colour = strong ? (S.theme.dark ? [0, 0, 0] : [255, 255, 255]) : S.theme.ink;
      text(ctx, S, minus(v.toFixed(d)), x, y + 4, { size: 11, align: "center", colour });
    });
  },

  status(S, p, values, here) {
    if (here) {
      const v = values[(here.map * p.rows + here.row) * p.cols + here.col];
      const name = p.spec.titles[here.map] ?? `map ${here.map + 1}`;
      return `${name} [${here.row + 1}, ${here.col + 1}] = ${p.format(v)}`;
    }
    let largest = 0;
    for (const v of values) if (Number.isFinite(v)) largest = Math.max(largest, Math.abs(v));
    return `${S.timeText(S.at)}: largest entry ${p.format(largest)}`;
  },

  cellAt(p, x, y) {
    const map = p.boxes.findIndex((b) => x >= b.x && x < b.x + b.w && y >= b.y && y < b.y + b.h);
    if (map < 0) return null;
    const box = p.boxes[map];
    return {
      panel: p,
      map,
      row: Math.floor((y - box.y) / p.cell),
      col: Math.floor((x - box.x) / p.cell),
    };
  },

  time: () => null,
  describe(S, p) {
    const j = position(p.run, S.at);
    return this.status(
      S,
      p,
      p.at(j < 0 ? 0 : p.run.pick[j]),
      S.pointed?.panel === p ? S.pointed : null,
    );
  },
};

const KINDS = { series, plane, heat };

/* ---- the timeline: phases, time, thumb */

const timeline = {
  height: (S) => S.ribbons.length * 20 + 18,
  row: (y) => Math.floor(y / 20), // of the ribbons

  place(S, w) {
    const gutter = S.ribbons.length
      ? Math.max(...S.ribbons.map((run) => width(S, run.label, 11, 600))) + 14
      : 9;
    S.track = scale(S.start, S.end, gutter, w - 9);
    Object.assign(S.track, { left: gutter, right: w - 9 });
  },

  draw(ctx, S, w) {
    const { track, theme } = S,
      h = this.height(S),
      x = track(S.t);
    ctx.clearRect(0, 0, w, h);
    S.ribbons.forEach((run, row) => {
      text(ctx, S, run.label, 4, row * 20 + 13, { size: 11, weight: 600 });
      run.phases.forEach((phase, k) => this.phase(ctx, S, run, phase, k, row * 20));
    });
    const y = h - 11;
    ctx.fillStyle = timeGradient(ctx, S, track.left, track.right);
    ctx.fillRect(track.left, y, x - track.left, 5);
    ctx.globalAlpha = 0.28;
    ctx.fillRect(x, y, track.right - x, 5);
    ctx.globalAlpha = 1;
    if (S.zoomed()) {
      ctx.setLineDash([]);
      ctx.lineWidth = 1.5;
      ctx.strokeStyle = css(theme.ink);
      ctx.strokeRect(track(S.view[0]), y - 2.5, track(S.view[1]) - track(S.view[0]), 10);
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

  phase(ctx, S, run, phase, k, y) {
    const a = S.track(phase.t0),
      b = S.track(run.phases[k + 1]?.t0 ?? phase.t1);
    ctx.fillStyle = css(S.theme.phase(phase.name, k));
    ctx.fillRect(a, y, Math.max(1, b - a - 1), 17);
    const label = shorten(S, phase.name, b - a - 8, 11);
    if (label === phase.name || (label.length > 4 && b - a > 40))
      text(ctx, S, label, a + 5, y + 12.5, { size: 11 });
  },
};
