/* Panel: matrices as heat maps. S is the player, p the panel. */

import { clamp, decimalsFor, fixed, minus } from "../browser/numbers.js";
import { HEAD, ROW } from "./frame.js";
import { shorten, text } from "./ink.js";
import { position } from "./runs.js";
import { css } from "./theme.js";
import { timeText } from "./timeaxis.js";

export const heat = {
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
    return `${timeText(S, S.at)}: largest entry ${p.format(largest)}`;
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
