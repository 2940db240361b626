/* Axes: round ticks, and the map from values to pixels. */

import { clamp, minus, scientific, superscript } from "../browser/numbers.js";

export function linearTicks(lo, hi, count) {
  const raw = (hi - lo) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((m) => m * power >= raw * (1 - 1e-9)) * power;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const plain = Math.max(Math.abs(lo), Math.abs(hi)) < 1e6 && decimals <= 5;
  const ticks = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + 1e-9 * step; k++) {
    const v = k * step;
    ticks.push({
      v,
      text: plain
        ? minus(v.toFixed(decimals))
        : k === 0
          ? "0"
          : scientific(Number(v.toPrecision(12))),
    });
  }
  return ticks;
}

export function logTicks(lo, hi, count) {
  const first = Math.ceil(Math.log10(lo) - 1e-9),
    last = Math.floor(Math.log10(hi) + 1e-9);
  if (last - first < 1) {
    const ticks = linearTicks(lo, hi, count).filter((tick) => tick.v > 0);
    return ticks.length > 1 ? ticks : [lo, hi].map((v) => ({ v, text: scientific(v, 1) }));
  }
  const every = Math.max(1, Math.ceil((last - first) / Math.max(1, count)));
  const ticks = [];
  for (let k = first; k <= last; k++) {
    const show = (k - first) % every === 0;
    if (show || every === 1)
      ticks.push({ v: 10 ** k, text: show ? (k === 0 ? "1" : "10" + superscript(k)) : "" });
  }
  return ticks;
}

/** A map from [lo, hi] to pixels [a, b]; far outside stays near, canvas paths dislike 1e30. */
export function scale(lo, hi, a, b, log = false) {
  const f = log ? Math.log10 : (v) => v;
  const f0 = f(lo),
    k = (b - a) / (f(hi) - f0);
  const map = (v) => clamp(a + (f(v) - f0) * k, -1e5, 1e5);
  map.invert = (px) => {
    const u = f0 + (px - a) / k;
    return log ? 10 ** u : u;
  };
  return map;
}
