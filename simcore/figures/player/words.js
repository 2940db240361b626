/* The moment in words: the clock line, and all panels for screen readers. S is the player. */

import { changesOf, noticesOf, phaseAt, position } from "./runs.js";
import { timeNumber } from "./timeaxis.js";
import { timeline } from "./timeline.js";

const NEAR = 7; // CSS pixels

/** The moment of the run that is counted, as it is shown: the step and the t of one record. */
function momentText(S, t) {
  const time = `t = ${timeNumber(S, t)}`;
  if (!S.steps) return time;
  if (!S.shared) return [...stepsOfAll(S, t), time].join(" · ");
  const { last } = S.steps;
  if (t > S.reference.t.at(-1) + 1e-9 * Math.abs(t))
    return `${time} · ${S.reference.label} ended at step ${last}`; // other runs go on
  const step = `step ${S.steps.done(t)} / ${last}`;
  return S.scene.only_plays ? step : `${step} · ${time}`;
}

/** Each descent counts steps of its own where step sizes differ. */
function stepsOfAll(S, t) {
  return S.runs
    .filter((run) => !run.smooth)
    .map((run) => {
      const at = run.pick[Math.max(0, position(run, t))];
      return `${run.sign || run.label}: step ${run.step[at]} / ${run.step.at(-1)}`;
    });
}

/** What is noted of the run that is counted, and what changes its rules. */
const marksOf = (S) => [
  ...noticesOf(S),
  ...changesOf(S).map((each) => ({ ...each, t0: each.t, t1: each.t })),
];

const close = (t) => 1e-9 * (1 + t);

const marksAt = (S, t) =>
  marksOf(S).filter(({ t0, t1 }) => t >= t0 - close(t0) && t <= t1 + close(t1));

function phasesText(S, t) {
  return S.ribbons
    .map((run) => [run.sign || run.label, phaseAt(run, t)])
    .filter(([, name]) => name)
    .map((pair) => pair.join(": "))
    .concat(marksAt(S, t).map((mark) => mark.label))
    .join(" · ");
}

/** What the mark at pixel x of an axis says, "" where there is none. */
export function noticeWords(S, x, axis) {
  const near = marksOf(S).filter(({ t0 }) => Math.abs(axis(t0) - x) <= NEAR);
  return [...new Set(near.map(({ words }) => words))].join("; ");
}

const sentence = (S, t, joint) => [momentText(S, t), phasesText(S, t)].filter(Boolean).join(joint);

/** What the mark or the phase under a point of the timeline is. */
export function timelineWords(S, x, y) {
  const t = S.layout.track.invert(x),
    run = timeline.runAt(S, y),
    noted = noticeWords(S, x, S.layout.track);
  if (noted) return noted;
  const name = run && phaseAt(run, t),
    words = S.scene.words[name];
  return words ? `${name}: ${words}` : "";
}

/** The moment on show, in one line. */
export const clockWords = (S) => sentence(S, S.at, " · ");

export function showClock(S) {
  const words = clockWords(S);
  if (S.parts.clock.textContent !== words) S.parts.clock.textContent = words;
  Object.assign(S.root.dataset, { cursor: S.clock.t, hover: S.hover ?? "" });
}

/** For screen readers: where the slider is, and all panels in words. */
export function tell(S) {
  const { slider, state } = S.parts,
    { start, end, t } = S.clock;
  const values = { min: start, max: end, now: t, text: sentence(S, S.shown(t), ", ") };
  for (const [name, value] of Object.entries(values))
    slider.setAttribute(`aria-value${name}`, value);
  state.textContent = [
    momentText(S, S.at),
    ...marksAt(S, S.at).map(({ words }) => words.replace(/\.$/, "")),
    ...S.visible.map((p) => `${p.spec.title}: ${p.kind.describe(S, p)}`),
  ].join(". ");
}
