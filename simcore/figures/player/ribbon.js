/* The ribbons of the timeline: a run's phases, each with its name inside where there is room, else
 * above with a tick, and over them what changes its rules. S is the player.
 *
 * There is always room for names above: panels below must not move when a run's phases are known. */

import { drawChange, segment, shorten, text, width } from "./ink.js";
import { css } from "./theme.js";

const BAR_HEIGHT = 17; // CSS pixels
const RIBBON = 20;
const NAMES_ABOVE = 15; // of names above
const CHANGES = 16; // of changes over those

/** Where everything stands on a track: one row per run, its phases from left to right. */
export function layRibbons(S, track) {
  let y = 0;
  return S.ribbons.map((run) => {
    const phases = run.phases.map((phase, k) => {
      const a = track(phase.t0),
        b = track(run.phases[k + 1]?.t0 ?? phase.t1);
      return { phase, k, a, b, inside: width(S, phase.name, 11) <= b - a - 8 };
    });
    const flags = flagged(S, phases, track.right),
      from = y,
      changes = labelled(S, run.changes, track),
      top = y + (changes.length ? CHANGES : 0) + NAMES_ABOVE;
    y = top + RIBBON;
    return { run, phases, flags, changes, from, top, to: y };
  });
}

export const heightOf = (ribbons) => ribbons.at(-1)?.to ?? 0;

/** Names of the phases without room, none over another: before their tick, or behind it. */
function flagged(S, phases, right) {
  let free = 0;
  return phases
    .filter(({ inside }) => !inside)
    .flatMap((each) => {
      const w = width(S, each.phase.name, 11),
        at = Math.round((each.a + each.b) / 2) + 0.5;
      const before = at - w - 4,
        left = before >= free ? before : Math.max(free, at + 4);
      if (left + w > right + 9) return [];
      free = left + w + 10;
      return [{ name: each.phase.name, at, left }];
    });
}

/** Changes with their labels behind their marks, or before them; those without room have none. */
function labelled(S, changes, track) {
  let free = track.left - 9;
  return changes.map(({ t, label }, k) => {
    const at = track(t),
      w = width(S, label, 11),
      next = k + 1 < changes.length ? track(changes[k + 1].t) - 6 : track.right + 9;
    const lefts = [at + 8, at - 8 - w].filter((left, before) =>
      before ? left >= free : left + w <= next,
    );
    free = Math.max(at + 8, (lefts[0] ?? at) + w + 6);
    return { at, label, left: lefts[0] };
  });
}

export function drawRibbon(ctx, S, { run, phases, flags, changes, from, top }, gutter) {
  text(ctx, S, shorten(S, run.label, gutter - 10, 11), 4, top + 13, { size: 11, weight: 600 });
  for (const { phase, k, a, b, inside } of phases) {
    ctx.fillStyle = css(S.theme.phase(phase, k));
    ctx.fillRect(a, top, Math.max(1, b - a - 1), BAR_HEIGHT);
    if (inside) text(ctx, S, phase.name, a + 5, top + 12.5, { size: 11 });
  }
  for (const notice of run.notices) drawNotice(ctx, S, notice, top);
  ctx.setLineDash([]);
  ctx.lineWidth = 1;
  ctx.strokeStyle = css(S.theme.ink);
  for (const { at, label, left } of changes) {
    ctx.strokeStyle = css(S.theme.ink);
    ctx.lineWidth = 1;
    segment(ctx, at, top - 2, at, top + 4);
    drawChange(ctx, S, at, from + 7, "triangle-down");
    if (left !== undefined) text(ctx, S, label, left, from + 11, { size: 11 });
  }
  ctx.lineWidth = 1;
  ctx.strokeStyle = css(S.theme.ink);
  for (const { name, at, left } of flags) {
    const pushed = left > at + 4; // on, by the name before
    segment(ctx, at, pushed ? top - 1.5 : top - 11, at, top + 5);
    if (pushed) segment(ctx, at, top - 1.5, left + 12, top - 1.5);
    text(ctx, S, name, left, top - 4, { size: 11 });
  }
}

/** A flag where it begins, and a line for as long as it holds. */
function drawNotice(ctx, S, { t0, t1 }, y) {
  const a = S.layout.track(t0),
    b = Math.max(a + 1, S.layout.track(t1));
  ctx.fillStyle = css(S.theme.ink, 0.75);
  ctx.fillRect(a, y + 15, b - a, 2);
  ctx.beginPath();
  ctx.moveTo(a, y);
  ctx.lineTo(a + 7, y + 3.5);
  ctx.lineTo(a + 1.5, y + 7);
  ctx.lineTo(a + 1.5, y + 17);
  ctx.lineTo(a, y + 17);
  ctx.fill();
}
