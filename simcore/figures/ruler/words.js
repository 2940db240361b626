/* Step sizes in words. */

import { superscript } from "../browser/numbers.js";

const SAME = 1e-9; // relative: step sizes that differ by rounding only

export const same = (a, b) => Math.abs(a / b - 1) < SAME;

/** Four significant digits: 0.1538, 13.00, 2.5·10⁻⁷. */
export function digits(v) {
  if (v >= 1e-4 && v < 999.95) return v.toPrecision(4);
  if (v >= 1 && v < 1e6) return String(Math.round(v));
  const [mantissa, exponent] = v.toExponential(3).split("e");
  return `${Number(mantissa)}·10${superscript(Number(exponent))}`;
}

export const short = (v) => (v >= 1e-4 && v < 1e6 ? String(Number(v.toPrecision(4))) : digits(v));
