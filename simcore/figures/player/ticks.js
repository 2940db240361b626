/* Axes: round ticks, and the map from values to pixels. */

import { clamp, minus, scientific, superscript } from "../browser/numbers.js";
import { EVEN } from "./pace.js";

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

/** Zero and the decades from one unit on; between them 2 and 5, if there is room. */
export function growingTicks(lo, hi, unit, count) {
  const first = Math.ceil(Math.log10(unit) - 1e-9),
    last = Math.floor(Math.log10(hi) + 1e-9);
  const digits = 3 * (last - first + 1) <= 2 * count ? [1, 2, 5] : [1];
  const values = [0];
  for (let k = first; k <= last; k++) for (const digit of digits) values.push(digit * 10 ** k);
  const ticks = values.filter((v) => v >= lo && v <= hi * (1 + 1e-9));
  if (ticks.length < 3) return linearTicks(lo, hi, count);
  return ticks.map((v) => ({ v, text: v < 1e4 ? String(Number(v.toPrecision(1))) : powerText(v) }));
}

function powerText(v) {
  const [digit, exponent] = v.toExponential(0).split("e");
  return (digit === "1" ? "" : `${digit}·`) + "10" + superscript(Number(exponent));
}

/** A map from [lo, hi] to pixels [a, b] at a pace; far outside stays near, canvas paths dislike
 * 1e30. */
export function scale(lo, hi, a, b, { to, back } = EVEN) {
  const u0 = to(lo),
    k = (b - a) / (to(hi) - u0);
  const map = (v) => clamp(a + (to(v) - u0) * k, -1e5, 1e5);
  map.invert = (px) => back(u0 + (px - a) / k);
  return map;
}
