/* Panels while the first run is one that the twin made: without what only Python knows, and with the
 * limits that `figures/panels.py` would give them. S is the player. */

import { marksInPlane, marksOfStrengths } from "./livemarks.js";

const FAR = 3; // times sigma*, where the panels of a run that diverged are cut,
const FAR_ABOVE = 4; // times the edge, where its sharpness is,
const DECADES_OF_LOSS = 33; // and below the start, where every loss is

const greatestOf = (columns) => {
  let greatest = -Infinity;
  for (const values of columns) for (const v of values) if (v > greatest) greatest = v;
  return greatest;
};

export const fourDigits = (v) => String(Number(v.toPrecision(4)));
const threeDigits = (v) => String(Number(v.toPrecision(3)));
const edgeOf = (line, { edge }) => ({ ...line, label: `2/η = ${fourDigits(edge[0])}` });

const diverged = (S, made) => S.runs[0].step.at(-1) < made.system.recorded.at(-1);

/** The strengths of all pathways in a run, or their ranges' ends, as far as there are columns. */
function strengthsOf(run, made, end) {
  const pathways = made.system.first.length - 1;
  return Array.from({ length: pathways }, (_, h) => run.column(`s${h}${end}`)).filter(Boolean);
}

/** A panel as it is of another network, which may have more pathways or fewer. */
function rebuilt(spec, { live, place, tables }) {
  const { depths } = place.network,
    H = depths.length;
  if (spec.key === "strengths") {
    const others = spec.lines.filter(({ run }) => !(run in tables));
    const ours = Object.keys(tables).flatMap((run) => {
      const pattern = spec.lines.find((line) => line.run === Number(run)),
        name = pattern.label.slice(live.words.labels[0].length);
      return depths.map((_, h) => ({
        ...pattern,
        column: `s${h}`,
        low: `s${h}_low`,
        high: `s${h}_high`,
        colour: h,
        label: live.words.labels[h] + name,
      }));
    });
    return { ...spec, lines: [...ours, ...others] };
  }
  if (spec.key === "sharing")
    return { ...spec, levels: spec.levels.map((level) => ({ ...level, value: 1 / H })) };
  if (spec.key === "participation") return { ...spec, limits: [0.9, H + 0.1] };
  if (spec.kind !== "plane") return spec;
  const [minima, ...curves] = spec.curves,
    label = H === 2 ? "minima" : "minima of these two alone";
  const behind = { ground: null, streams: null }; // those of Python's network
  return { ...spec, ...behind, curves: [{ ...minima, label }, ...curves] };
}

/** Ends that theory predicts; without a theory those that go with the step size keep their place in
 * the legend only. */
function marked(spec, { live, place }) {
  if (!live.network)
    return spec.marks.map((mark) => (mark.of_step_size ? { ...mark, x: NaN, y: NaN } : mark));
  if (spec.key === "strengths") return marksOfStrengths(live, place);
  if (spec.kind !== "plane") return spec.marks;
  const [{ x, y }] = spec.trails;
  return marksInPlane(
    live,
    place,
    [x, y].map((column) => Number(column.slice(1))),
  );
}

/** A panel without what only Python knows of the runs made here. */
function seen(spec, made) {
  const { tables } = made,
    marks = spec.marks && marked(spec, made);
  if (spec.kind !== "series") return { ...spec, marks };
  const lines = spec.lines
    .filter(({ run, column }) => !(run in tables) || column in tables[run])
    .map((line) => (line.run in tables ? banded(line, made) : line))
    .map((line) => (line.run === 0 && line.column === "edge" ? edgeOf(line, tables[0]) : line));
  const label = lines.length < spec.lines.length ? "follows when η rests" : spec.label;
  return { ...spec, lines, marks, label };
}

/** A line with the range between records, where the twin has seen that and there is something between;
 * a picture of fewer records has it under a name of its own. */
function banded(line, { tables }) {
  const columns = tables[line.run];
  if (line.run === 0 && columns.step.length > columns.step.at(-1))
    return { ...line, low: null, high: null };
  const [low, high] = [`${line.column}_low`, `${line.column}_high`];
  return low in columns && line.low ? { ...line, low, high } : { ...line, low: null, high: null };
}

const valuesIn = (S, spec) => spec.lines.map((line) => S.runs[line.run].column(line.column));
const edgeIn = (S) => Math.max(1, ...S.runs.map((run) => run.column("edge")?.[0] ?? 0));

/** A panel with the limits that `figures/panels.py` gives it. */
function fitted(S, spec, made) {
  const { live } = made;
  if (spec.kind === "plane") return fittedPlane(S, spec, made);
  if (spec.key === "loss") return fittedLoss(S, spec);
  const far = { strengths: FAR * live.target[live.mode], sharpness: FAR_ABOVE * edgeIn(S) };
  return far[spec.key] ? cutFar(S, spec, made, "label", far[spec.key], valuesIn(S, spec)) : spec;
}

/** Up to +-`least`, or to where the columns start, and saying so in its title or label, where a run
 * that diverged goes beyond. */
function cutFar(S, spec, made, told, least, columns) {
  let [low, high, far] = [0, 0, least];
  for (const [start] of columns) if (Number.isFinite(start)) far = Math.max(far, Math.abs(start));
  for (const values of columns)
    for (const v of values) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
  const plain = { ...spec, limits: null, [told]: spec[told].replace(/, cut at .*/, "") };
  if (!diverged(S, made) || Math.max(-low, high) <= far) return plain;
  const words = `${plain[told]}, cut at ${threeDigits(far)}`;
  return { ...plain, limits: [Math.max(-far, low), Math.min(far, high)], [told]: words };
}

/** The ground keeps its values: only where it is pale goes with the edge. */
const groundAt = (ground, level) =>
  ground && {
    ...ground,
    level,
    label: ground.label.replace(/= .*/, `= ${fourDigits(level)}`),
  };

function fittedPlane(S, spec, made) {
  const target = made.live.target[made.live.mode];
  const trails = spec.trails.flatMap(({ run, x, y }) => [x, y].map((n) => S.runs[run].column(n)));
  const panel = cutFar(S, spec, made, "title", FAR * target, [[target], ...trails]);
  if (panel.limits) {
    const [low, high] = panel.limits,
      pad = 0.04 * (high - low);
    panel.limits = [low - pad, high + pad];
  }
  const all = S.runs.flatMap((run) => strengthsOf(run, made, made.system.every ? "_high" : "")),
    top = Math.max(1.05 * target, panel.limits?.[1] ?? greatestOf(all));
  const to = (curve) =>
    curve.role === "muted"
      ? {
          ...curve,
          points: [
            [0, 0],
            [top, top],
          ],
        }
      : curve;
  return { ...panel, curves: panel.curves.map(to), ground: groundAt(panel.ground, edgeIn(S)) };
}

const CUT = " (cut)";
const ABOVE_ERROR = ", flow above its own error";

/** Its label says whether losses go on below, and whether those of a flow that are noise are left out. */
function fittedLoss(S, spec) {
  const limits = limitsOfLoss(S, spec),
    all = spec.lines.flatMap(({ run, column, low }) =>
      [column, low].filter(Boolean).map((name) => S.runs[run].column(name)),
    );
  const some = (test) => all.some((values) => values.some(test)),
    cut = limits && some((v) => v > 0 && v < limits[0]),
    left = some(Number.isNaN);
  const label = spec.label.replace(CUT, "").replace(ABOVE_ERROR, "");
  return { ...spec, limits, label: label + (cut ? CUT : "") + (left ? ABOVE_ERROR : "") };
}

function limitsOfLoss(S, spec) {
  let [smallest, largest] = [Infinity, 0];
  const own = S.runs[0].column("loss");
  for (const v of own) if (v > 0 && v < smallest) smallest = v;
  for (const { run, column, high } of spec.lines)
    for (const v of S.runs[run].column(high ?? column))
      if (v > largest && Number.isFinite(v)) largest = v;
  const floor = Math.max(smallest / 3, own[0] / 10 ** DECADES_OF_LOSS);
  return floor < largest ? [floor, 3 * largest] : null;
}

/** The panel of a scene with runs made here: {live, place, system, tables}, the tables by the number
 * of their run. */
export const following = (S, spec, made) =>
  fitted(S, seen(made.place.network ? rebuilt(spec, made) : spec, made), made);
