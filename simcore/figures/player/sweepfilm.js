/* A film of step sizes: the whole picture from one end of the ruler to the other. S is the player. */

import { dataAt } from "./livedata.js";
import { takeFilm } from "./take.js";

const SWEEP_SECONDS = 14;

/** Saves it; a second press ends it. */
export function sweepFilm(S, live) {
  const [low, high] = live.range,
    { latest, here } = live;
  return takeFilm(S, `step-sizes-${latest.scene.caption.stem}`, SWEEP_SECONDS, (print, part) =>
    print.become(dataAt(print, latest, { ...here, eta: low ** (1 - part) * high ** part }, false)),
  );
}
