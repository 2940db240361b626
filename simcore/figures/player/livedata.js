/* What Python would send of a run that the twin makes: {scene, run0: columns, ...}. */

import { networkAt, placeOf, systemAt, thinned } from "../twin/system.js";
import { columnsOf, flowColumnsOf } from "./livecolumns.js";
import { barOf } from "./livemarks.js";
import { following, fourDigits } from "./livepanels.js";
import { readRuns } from "./runs.js";

const QUICK = 700; // records of a picture that the next frame replaces,
const QUICK_FLOW = 301; // and of its flow, a smooth line
const QUICK_LOOKS = 4000; // steps times groups up to which it has the sharpness between records, too

/** A picture of fewer records calls ranges "loss|low" for "loss_low". */
const underEveryName = (table) => ({
  ...table,
  ...Object.fromEntries(
    Object.entries(table).map(([name, values]) => [name.replace(/_(low|high)$/, "|$1"), values]),
  ),
});

/** Columns that came with a picture, by name. */
const given = (table) =>
  table?.getChild
    ? Object.fromEntries(
        table.schema.fields.map(({ name }) => [name, table.getChild(name).toArray()]),
      )
    : table;

/** A run whose phases nobody knows yet. */
const bare = (run, { t }, { style, only_plays: plain }) => ({
  ...run,
  phases: plain ? [] : [{ name: "", t0: 0, t1: t.at(-1), colour: style.muted }],
  notices: [],
});

/** Columns of the descent and, if it is there, of its gradient flow, by the number of the run. */
function tablesAt(live, place, system) {
  const descent = columnsOf(system, place.eta);
  if (!live.flow) return { 0: descent };
  const lasted = descent.t.at(-1) || place.eta; // that of a run that diverged at once is one step
  return { 0: descent, [live.flow.run]: flowColumnsOf(system, lasted) };
}

/** A picture from Python, with the columns of runs that it leaves to the browser. */
export function filled(data) {
  const { live } = data.scene;
  if (!live?.made) return data;
  const place = placeOf(live),
    made = tablesAt(live, place, systemAt(live, place));
  const whole = Object.entries(made).map(([run, table]) => [
    `run${run}`,
    { ...underEveryName(table), ...given(data[`run${run}`]) },
  ]);
  return { ...data, ...Object.fromEntries(whole) };
}

function hurry(system) {
  system.recorded = thinned(system.recorded, QUICK);
  if (system.recorded.at(-1) * system.power.length > QUICK_LOOKS) system.every = null;
  if (system.flow)
    system.flow = { ...system.flow, frames: Math.min(QUICK_FLOW, system.flow.frames) };
}

/** The picture `latest` as it is at another place; S is what shows it. */
export function dataAt(S, latest, place, quick) {
  const { scene } = latest,
    { live } = scene,
    system = systemAt(live, place);
  if (quick) hurry(system);
  const tables = tablesAt(live, place, system),
    made = { live, place, system, tables };
  const runs = scene.runs.map((run, k) => (k in tables ? bare(run, tables[k], scene) : run));
  const named = Object.entries(tables).map(([run, table]) => [`run${run}`, table]);
  const data = {
    ...latest,
    ...Object.fromEntries(named),
    scene: { ...scene, runs, hash: null, note: "", caption: captionAt(scene, place) },
  };
  S.runs = readRuns(data);
  data.scene.panels = scene.panels.map((spec) => following(S, spec, made));
  return data;
}

/** The picture of a run that Python has not made yet, {scene} alone. */
export function awaited(S, sent) {
  const { hash, note, caption, live } = sent.scene,
    data = dataAt(S, sent, placeOf(live), false);
  return { ...data, scene: { ...data.scene, hash, note, caption } };
}

/** What stands on paper beside a picture; found when it is asked for, as most frames are not saved. */
function captionAt({ live, caption }, place) {
  const { eta } = place,
    network = networkAt(live, place),
    count = network?.depths.length ?? live.first.length - 1;
  return {
    ...caption,
    get bar() {
      return network && { ...barOf(live, { ...place, network }), eta };
    },
    get verdict() {
      const zone = this.bar?.zones.find(({ end }) => eta <= end);
      return zone ? `Theory: ${zone.name}` : "";
    },
    get parameters() {
      return parametersOf(live, { ...place, network }, count);
    },
    title: `Gradient descent of ${count === 1 ? "one pathway" : `${count} pathways`}`,
    small: "computed by the browser",
    stem: `eta${fourDigits(eta)}-of-${caption.stem}`,
  };
}

function parametersOf(live, { eta, steps, network }, count) {
  const depths =
    network && new Set(network.depths).size === 1 ? [network.depths[0]] : network?.depths;
  const parts = [
    "gradient descent",
    `η = ${fourDigits(eta)}`,
    `${steps.toLocaleString("en")} steps`,
    `H = ${count}`,
    network && `L = ${depths.join(", ")}`,
    network && `start ${network.scales.map(fourDigits).join(", ")}`,
    `σ* = ${live.target.map(fourDigits).join(", ")}`,
  ];
  return parts.filter(Boolean).join(" · ");
}
