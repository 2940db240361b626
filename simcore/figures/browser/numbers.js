/* Numbers in words, shared by the player and the ruler. */

export const clamp = (v, lo, hi) => Math.min(hi, Math.max(lo, v));
export const minus = (text) => text.replace("-", "−");
export const superscript = (n) => String(n).replace(/./g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻");

export function scientific(v, digits) {
  const [mantissa, exponent] = v.toExponential(digits).split("e");
  const power = "10" + superscript(Number(exponent));
  return minus(digits === undefined && Number(mantissa) === 1 ? power : `${mantissa}·${power}`);
}

export function fixed(v, decimals) {
  if (!Number.isFinite(v)) return "–";
  const size = Math.abs(v);
  if (size >= 1e6 || (v !== 0 && size < 0.5 * 10 ** -decimals)) return scientific(v, 2);
  return minus(v.toFixed(decimals));
}

/** The value closest to zero but not zero: `fixed` may have to write it with a power of ten. */
export const least = (values) =>
  values.reduce((a, v) => (v && (!a || Math.abs(v) < Math.abs(a)) ? v : a), 0);

/** Three figures of any magnitude, for logarithmic axes. */
export function significant(v) {
  const plain = Math.abs(v) >= 1e-3 && Math.abs(v) < 999.5; // from there on JavaScript writes 1e+3
  return plain ? minus(v.toPrecision(3)) : Number.isFinite(v) ? scientific(v, 2) : "–";
}

/** Decimals that show about four significant figures of numbers up to `size`. */
export const decimalsFor = (size) =>
  size > 0 ? clamp(3 - Math.floor(Math.log10(size / 2)), 0, 8) : 4;

/** A number with every digit made "0", whose width is that of all such numbers. */
export const digitless = (string) => string.replace(/\d/g, "0");

/** How much larger than itself an element is shown, by its own zoom and that of what holds it. */
export const zoomOf = (element) => element.currentCSSZoom ?? 1;
