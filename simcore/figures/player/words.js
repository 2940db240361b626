/* The moment in words: the clock line, and all panels for screen readers. S is the player. */

import { noticesOf, phaseAt } from "./runs.js";
import { timeNumber } from "./timeaxis.js";
import { timeline } from "./timeline.js";

const NEAR = 7; // CSS pixels

function momentText(S, t) {
  const time = `t = ${timeNumber(S, t)}`;
  if (!S.steps) return time;
  const { last } = S.steps; // a diverged run ends early, and other runs go on
  return `step ${Math.min(S.steps.done(t), last)} / ${last} · ${time}`;
}

const noticesAt = (S, t) => noticesOf(S).filter(({ t0, t1 }) => t >= t0 - 1e-9 && t <= t1 + 1e-9);

function phasesText(S, t) {
  return S.ribbons
    .map((run) => [run.label, phaseAt(run, t)])
    .filter(([, name]) => name)
    .map((pair) => pair.join(": "))
    .concat(noticesAt(S, t).map((notice) => notice.label))
    .join(" · ");
}

/** What the mark at pixel x of an axis says, "" where there is none. */
export function noticeWords(S, x, axis) {
  return noticesOf(S).find(({ t0 }) => Math.abs(axis(t0) - x) <= NEAR)?.words ?? "";
}

const sentence = (S, t, joint) => [momentText(S, t), phasesText(S, t)].filter(Boolean).join(joint);

/** What the mark or the phase under a point of the timeline is. */
export function timelineWords(S, x, y) {
  const t = S.layout.track.invert(x),
    run = S.ribbons[timeline.row(y)],
    noted = noticeWords(S, x, S.layout.track);
  if (noted) return noted;
  const name = run && phaseAt(run, t),
    words = S.scene.words[name];
  return words ? `${name}: ${words}` : "";
}

export function showClock(S) {
  const words = sentence(S, S.at, " · ");
  if (S.parts.clock.textContent !== words) S.parts.clock.textContent = words;
  Object.assign(S.root.dataset, { cursor: S.clock.t, hover: S.hover ?? "" });
}

/** For screen readers: where the slider is, and all panels in words. */
export function tell(S) {
  const { slider, state } = S.parts,
    { start, end, t } = S.clock;
  const values = { min: start, max: end, now: t, text: sentence(S, t, ", ") };
  for (const [name, value] of Object.entries(values))
    slider.setAttribute(`aria-value${name}`, value);
  state.textContent = [
    momentText(S, S.at),
    ...noticesAt(S, S.at).map(({ words }) => words.replace(/\.$/, "")),
    ...S.panels.map((p) => `${p.spec.title}: ${p.kind.describe(S, p)}`),
  ].join(". ");
}
