/* Films of what a picture can be swept through: the whole picture at every step size, depth or number
 * of pathways. S is the player. */

import { dataAt } from "./livedata.js";
import { sweepsFrom } from "./sweeps.js";
import { takeFilm } from "./take.js";

const TRIED = [0, 0.5, 1]; // parts of a sweep for whose words there must be room from the start

/** Brings a print to each part of a sweep. */
function turning(latest, { at }) {
  let shown = null;
  const show = (print, place) => {
    if (JSON.stringify(place) === shown) return;
    print.become(dataAt(print, latest, place, false));
    shown = JSON.stringify(place);
  };
  return (print, part) => {
    if (shown === null) for (const tried of TRIED) show(print, at(tried));
    show(print, at(part));
  };
}

/** The keys that save them; a second press ends it. */
export class FilmKeys {
  constructor(S, live, root) {
    Object.assign(this, { S, live });
    this.keys = [...root.querySelectorAll("[data-sweep]")];
    for (const key of this.keys) S.on(key, "click", () => this.take(key));
  }

  /** Those of the network are there where it can be another. */
  offer(ofNetwork) {
    for (const key of this.keys) key.hidden = key.dataset.sweep !== "step-sizes" && !ofNetwork;
  }

  async take(key) {
    const { S, live } = this,
      { latest, here, range, controls } = live,
      { network, words } = latest.scene.live,
      { sweep: kind } = key.dataset;
    const bounds = { range, fewest: controls.fewest, most: words?.most },
      sweep = sweepsFrom(here, network && controls.network, bounds)[kind];
    const name = key.textContent,
      tell = (part) => {
        key.textContent = `${name}: ${Math.round(100 * part)} %`;
      };
    key.setAttribute("aria-pressed", true);
    await takeFilm(S, `${kind}-${latest.scene.caption.stem}`, sweep.seconds, {
      turn: turning(latest, sweep),
      tell,
    });
    key.textContent = name;
    key.setAttribute("aria-pressed", false);
  }
}
