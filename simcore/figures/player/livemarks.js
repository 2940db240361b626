/* What theory says of a network that Python has not seen, as a picture and the ruler show it: ends,
 * marks and zones, with the words that came with the scene (`figures/live_words.py`). */

import {
  edgeEnd,
  flattestSplit,
  flowEnd,
  stepSizeMarks,
  sharpnessOfMinimum,
  zonesOf,
} from "../twin/closed.js";
import { networkAt } from "../twin/system.js";

/** The predicted ends of a mode, by name, each a strength for every pathway. */
function endsAt(live, place) {
  const { depths, scales } = networkAt(live, place),
    target = live.target[live.mode];
  if (!(target > 0)) return {};
  const flow = flowEnd(scales, depths, target),
    flattest = flattestSplit(target, depths),
    edge = edgeEnd(flow, flattest, depths, target, place.eta);
  return { flow, flattest, ...(edge && { edge }) };
}

/** Marks of the ends in the plane of two pathways. */
export function marksInPlane(live, place, [p, q]) {
  const { depths } = networkAt(live, place);
  return Object.entries(endsAt(live, place)).map(([end, split]) => ({
    ...markOf(live, end),
    x: split[p],
    y: split[q],
    colour: "ink",
    hollow: end !== "flattest",
    note: `λ = ${Number(sharpnessOfMinimum(split, depths).toPrecision(5))}`,
  }));
}

/** Marks of the end that each strength will come to: at the edge if it gets there, else the flow's. */
export function marksOfStrengths(live, place) {
  const ends = endsAt(live, place),
    end = "edge" in ends ? "edge" : "flow";
  return (ends[end] ?? []).map((y, h) => {
    const mark = markOf(live, end);
    return {
      ...mark,
      label: `${live.words.labels[h]}, ${mark.label}`,
      x: null,
      y,
      colour: h,
      hollow: true,
      note: "",
    };
  });
}

function markOf({ words }, end) {
  const [label, shape] = words.ends[end];
  return { label, shape, of_step_size: end === "edge" };
}

/** What the ruler draws of another network, as `ruler.data` has it. */
export function barOf(live, { eta, steps, network }) {
  const { words } = live,
    named = { ...network, target: live.target[0], steps };
  const ticks = Object.entries(stepSizeMarks(named))
    .filter(([, value]) => value > 0 && Number.isFinite(value))
    .map(([field, value]) => ({ value, ...words.marks[field] }))
    .toSorted((a, b) => a.value - b.value);
  const range = [
    Math.min(eta, ticks[0].value / words.margins[0]),
    Math.max(eta, ticks.at(-1).value * words.margins[1]),
  ];
  const keys = Object.fromEntries(Object.keys(words.zones).map((key) => [key, key]));
  const zones = zonesOf(named, keys)
    .filter(({ start, end }) => start < range[1] && end > range[0])
    .map(({ name, start, end }) => ({
      ...words.zones[name],
      start: Math.max(start, range[0]),
      end: Math.min(end, range[1]),
    }));
  const sharpness = 2 / stepSizeMarks(named).single_path;
  return { range, ticks, zones, sharpness, reached: [] };
}
