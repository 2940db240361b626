/* How values and times are laid out: evenly, by decades, or by decades from one unit on. Each is a
 * map to a length and back. */

export const EVEN = { to: (v) => v, back: (u) => u };
export const DECADES = { to: Math.log10, back: (u) => 10 ** u };

/** From zero on: nearly even up to one unit, and by decades beyond. */
export const growing = (unit) => ({
  to: (t) => Math.log1p(Math.max(0, t) / unit),
  back: (u) => unit * Math.expm1(u),
});
