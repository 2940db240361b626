/* The moment in words: the clock line, and all panels for screen readers. S is the player. */

import { phaseAt } from "./runs.js";
import { timeNumber } from "./timeaxis.js";
import { timeline } from "./timeline.js";

function momentText(S, t) {
  const time = `t = ${timeNumber(S, t)}`;
  if (!S.steps) return time;
  const { last } = S.steps; // a diverged run ends early, and other runs go on
  return `step ${Math.min(S.steps.done(t), last)} / ${last} · ${time}`;
}

function phasesText(S, t) {
  return S.ribbons
    .map((run) => [run.label, phaseAt(run, t)])
    .filter(([, name]) => name)
    .map((pair) => pair.join(": "))
    .join(" · ");
}

const sentence = (S, t, joint) => [momentText(S, t), phasesText(S, t)].filter(Boolean).join(joint);

/** What the phase under a point of the timeline is. */
export function phaseWords(S, t, y) {
  const run = S.ribbons[timeline.row(y)],
    name = run && phaseAt(run, t),
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
    ...S.panels.map((p) => `${p.spec.title}: ${p.kind.describe(S, p)}`),
  ].join(". ");
}
