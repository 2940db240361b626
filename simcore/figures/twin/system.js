/* The system of a run at a place that Python has not seen: another step size, or another network that
 * starts balanced, as `simcore.mode_starts` lays it out.
 *
 * A place = {eta, steps, network: {depths, scales} or null for that of the picture}.
 */

const BLOW_UP = 1e12; // as `mode_starts` has it
const SMALLEST_LOSS = 1e-200;

const equals = (a, b) => a.length === b.length && a.every((v, k) => v === b[k]);

/** Where the run of a picture is; `live` is what its scene says. */
export const placeOf = (live) => ({ eta: live.eta, steps: live.recorded.at(-1), network: null });

export const isSame = (live, { depths, scales }) =>
  equals(depths, live.network.depths) && equals(scales, live.network.scales);

/** The network at a place; null where the picture's is none of these. */
export const networkAt = (live, { network }) => network ?? live.network;

/** What `records` takes: the system, and the steps to record; where those are a part of Python's, it
 * has one `every` so many steps. */
export function systemAt(live, place) {
  const { recorded, every } =
    place.steps === live.recorded.at(-1) ? live : recordedOf(live, place.steps);
  return { ...live, ...(place.network && balanced(live.target, place.network)), recorded, every };
}

function balanced(target, { depths, scales }) {
  const first = [0, ...depths.map((_, h) => h + 1)],
    total = scales.reduce((sum, scale) => sum + scale, 0);
  const half = (values) => values.reduce((sum, v) => sum + 0.5 * v * v, 0);
  const natural = Math.max(half(target), half(target.map((value) => total - value)));
  return {
    first,
    power: depths,
    x: depths.map((L, h) => target.map(() => scales[h] ** (1 / L))),
    limit: BLOW_UP * Math.max(natural, SMALLEST_LOSS),
  };
}

/** The steps at which a picture has records: those of `Record.steps`, as far as it has room. */
function recordedOf({ network: { every, frames }, most }, steps) {
  const gap = Math.ceil(steps / (frames - 1)),
    stride = every ?? gap + 1 - (gap % 2);
  const all = [];
  for (let step = 0; step < steps; step += stride) all.push(step);
  all.push(steps);
  const recorded = thinned(all, most);
  return { recorded, every: recorded.length < all.length ? stride : null };
}

/** Every odd-th of some steps and the last, so many at most: an even gap would hide an oscillation. */
export function thinned(steps, most) {
  const count = steps.length,
    kept = (stride) => Math.ceil((count - 1) / stride) + 1;
  let stride = 1;
  while (kept(stride) > most) stride = Math.max(stride + 2, Math.floor(count / most) | 1);
  return stride === 1 ? steps : steps.filter((_, k) => k % stride === 0 || k === count - 1);
}
