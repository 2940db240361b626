/* Files of what the player shows: a picture in pixels or in lines, or a film. S is the player. */

import { download, textsOf } from "../browser/files.js";
import { chosen, formatOf } from "../browser/format.js";
import { pngOf } from "../browser/png.js";
import { WANTED } from "../browser/wanted.js";
import { canFilm, filmOf, WHY_NO_FILM } from "./film.js";
import { CanvasPrint, SvgPrint } from "./print.js";

const SHORTEST = 2; // seconds of a film
const LONGEST = 60;

const MAKERS = {
  png: async (S, format) =>
    pngOf(new CanvasPrint(S, format).draw(), textsOf(S.caption), format.dpi),
  svg: async (S, format) => new Blob([new SvgPrint(S, format).draw()], { type: "image/svg+xml" }),
  mp4: (S, format, tell) => film(S, format, tell),
};

/** Makes a file and gives it to the visitor; `tell` hears how far a film has come. */
async function take(S, kind, format, tell = () => {}) {
  await document.fonts.ready;
  const { stem } = S.caption, // of what is on show now
    blob = await MAKERS[kind](S, format, tell);
  download(blob, `${stem}.${kind}`);
}

/** The whole run, which lasts as long as playing at the chosen speed. */
function film(S, format, tell) {
  const seconds = Math.min(LONGEST, Math.max(SHORTEST, S.scene.seconds / S.clock.speed));
  return filmWith(S, format, seconds, (print, part) => print.seek(print.clock.at(part)), tell);
}

/** One at a time. */
async function filmWith(S, format, seconds, turn, tell) {
  if (!canFilm()) throw new Error(WHY_NO_FILM);
  S.film?.abort();
  const life = new AbortController();
  pressed(S, life);
  try {
    return await filmOf(new CanvasPrint(S, format), turn, seconds, tell, life.signal);
  } finally {
    if (S.film === life) pressed(S, null);
  }
}

function pressed(S, life) {
  S.film = life;
  S.parts.film.setAttribute("aria-pressed", Boolean(life));
}

/** The same in the size that was chosen last, for the buttons of the bar; a film is ended by a second
 * press. What goes wrong is said below the panels. */
export async function takeAsBefore(S, kind) {
  if (kind === "mp4" && S.film) return S.film.abort();
  await orSay(S, () => take(S, kind, formatOf(chosen(), S.theme.dark)));
}

async function orSay(S, act) {
  const { note } = S.parts,
    usual = note.textContent;
  try {
    await act();
  } catch (error) {
    if (error.name !== "AbortError") note.textContent = [error.message, usual].join(" ").trim();
  }
}

/** The same of a film called `name`, whose pictures `turn` makes of a print; `tell` hears how far it
 * has come. */
export async function takeFilm(S, name, seconds, { turn, tell }) {
  if (S.film) return S.film.abort();
  const format = formatOf(chosen(), S.theme.dark),
    height = format.height ?? Math.round((format.width * 9) / 16);
  await orSay(S, async () => {
    await document.fonts.ready;
    const blob = await filmWith(S, { ...format, height }, seconds, turn, tell);
    download(blob, `${name}.mp4`);
  });
}

/** The menu of the page asks the player for files. */
export function listenToTakers(S) {
  S.on(document, WANTED, ({ detail }) => {
    const { kind, format, tell } = detail;
    detail.promise = (async () => take(S, kind, format(S.theme.dark), tell))();
  });
}
