/* Panels while the first run is one that the twin made: without what only Python knows, and with the
 * limits that `figures/panels.py` would give them. S is the player. */

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

const diverged = (S) => S.runs[0].step.length < S.scene.live.recorded.length;

/** The strengths of all pathways in a run, as far as there are columns of them. */
function strengthsOf(S, run) {
  const pathways = S.scene.live.first.length - 1;
  return Array.from({ length: pathways }, (_, h) => run.column(`s${h}`)).filter(Boolean);
}

/** A panel without what only Python knows of the run; marks that go with the step size keep their
 * place in the legend. */
function seen(spec, columns) {
  const known = (part, ...names) => part.run !== 0 || names.every((name) => name in columns);
  const marks = spec.marks.map((mark) => (mark.of_step_size ? { ...mark, x: NaN, y: NaN } : mark));
  if (spec.kind !== "series") return { ...spec, marks };
  const lines = spec.lines
    .filter((line) => known(line, line.column))
    .map((line) => (known(line, line.low, line.high) ? line : { ...line, low: null, high: null }))
    .map((line) => (line.run === 0 && line.column === "edge" ? edgeOf(line, columns) : line));
  const label = lines.length < spec.lines.length ? "follows when η rests" : spec.label;
  return { ...spec, lines, marks, label };
}

const valuesIn = (S, spec) => spec.lines.map((line) => S.runs[line.run].column(line.column));
const edgeIn = (S) => Math.max(1, ...S.runs.map((run) => run.column("edge")?.[0] ?? 0));

/** A panel with the limits that `figures/panels.py` gives it. */
function fitted(S, spec, live) {
  if (spec.kind === "plane") return fittedPlane(S, spec, live.target[live.mode]);
  if (spec.key === "loss") return { ...spec, limits: limitsOfLoss(S, spec) };
  const far = { strengths: FAR * live.target[live.mode], sharpness: FAR_ABOVE * edgeIn(S) };
  return far[spec.key] ? cutFar(S, spec, "label", far[spec.key], valuesIn(S, spec)) : spec;
}

/** Up to +-`far`, and saying so in its title or label, where a run that diverged goes beyond. */
function cutFar(S, spec, told, far, columns) {
  let [low, high] = [0, 0];
  for (const values of columns)
    for (const v of values) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
  const plain = { ...spec, limits: null, [told]: spec[told].replace(/, cut at .*/, "") };
  if (!diverged(S) || Math.max(-low, high) <= far) return plain;
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

function fittedPlane(S, spec, target) {
  const trails = spec.trails.flatMap(({ run, x, y }) => [x, y].map((n) => S.runs[run].column(n)));
  const panel = cutFar(S, spec, "title", FAR * target, [[target], ...trails]);
  if (panel.limits) {
    const [low, high] = panel.limits,
      pad = 0.04 * (high - low);
    panel.limits = [low - pad, high + pad];
  }
  const all = S.runs.flatMap((run) => strengthsOf(S, run)),
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

function limitsOfLoss(S, spec) {
  let [smallest, largest] = [Infinity, 0];
  const own = S.runs[0].column("loss");
  for (const v of own) if (v > 0 && v < smallest) smallest = v;
  for (const { run, high } of spec.lines)
    for (const v of S.runs[run].column(high)) if (v > largest && Number.isFinite(v)) largest = v;
  const floor = Math.max(smallest / 3, own[0] / 10 ** DECADES_OF_LOSS);
  return floor < largest ? [floor, 3 * largest] : null;
}

/** The panel of a scene, with the columns of the run that the twin made. */
export const following = (S, spec, columns) => fitted(S, seen(spec, columns), S.scene.live);
