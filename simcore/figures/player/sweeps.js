/* What a picture that follows can be swept through: step sizes, depths, numbers of pathways. A place
 * is that of `twin/system.js`. */

import { SWEEP_SECONDS } from "../browser/sweep.js";

const NEXT = 0.85; // of the scale of the pathway before, for a pathway that is added: `starts.NEXT`
const LONGEST_DWELL = 1; // seconds on each of few numbers

/** Depths and scales of so many pathways: new ones are as deep as the last, and start behind it. */
export function withPathways({ depths, scales }, count) {
  const [deep, far] = [depths.slice(0, count), scales.slice(0, count)];
  while (deep.length < count) {
    deep.push(deep.at(-1));
    far.push(far.at(-1) * NEXT);
  }
  return { depths: deep, scales: far };
}

export const withDepth = (network, depth) => ({
  ...network,
  depths: network.depths.map(() => depth),
});

/** How long a sweep through so many numbers lasts. */
export const secondsOf = (count) => Math.min(SWEEP_SECONDS, LONGEST_DWELL * count);

/** A sweep through whole numbers, each for as long as the others. */
const throughNumbers = (first, last, placeOfNumber) => {
  const count = last - first + 1;
  return {
    seconds: secondsOf(count),
    at: (part) => placeOfNumber(Math.min(last, first + Math.floor(part * count))),
  };
};

/** Sweeps by name, each {seconds, at(part of it): the place}, from a place with a network or without
 * (null): `range` are the step sizes, `fewest` and `most` bound the pathways and depths. */
export function sweepsFrom(here, network, { range: [low, high], fewest, most }) {
  const stepSizes = {
    seconds: SWEEP_SECONDS,
    at: (part) => ({ ...here, eta: low ** (1 - part) * high ** part }),
  };
  if (!network) return { "step-sizes": stepSizes };
  const to = (changed) => ({ ...here, network: changed });
  return {
    "step-sizes": stepSizes,
    depths: throughNumbers(1, most.depth, (depth) => to(withDepth(network, depth))),
    pathways: throughNumbers(fewest, most.pathways, (count) => to(withPathways(network, count))),
  };
}
