/* What theory says of one mode of an aligned, balanced network before it is run: the closed forms of
 * `simcore.theory` that move with depths, scales and steps, and the zones that `simcore.prospects`
 * makes of them. Strengths are end-to-end, one for each pathway; sharpness as `theory` has it.
 */

const TINY = 2.2250738585072014e-308;
const TIE = 1e-9; // relative: step sizes so close are one

const sum = (values) => values.reduce((total, v) => total + v, 0);
const float = new Float64Array(1);
const bits = new BigInt64Array(float.buffer);

/** Place of a number among all floats, zero at zero, and back. */
function rankOf(v) {
  float[0] = Math.abs(v);
  return v < 0 ? -bits[0] : bits[0];
}

function ofRank(rank) {
  bits[0] = rank < 0n ? -rank : rank;
  return rank < 0n ? -float[0] : float[0];
}

/** Where `below` turns from true to false between two numbers, to the last bit. */
function bisected(below, low, high) {
  let [floor, ceiling] = [rankOf(low), rankOf(high)];
  for (let k = 0; k < 64; k++) {
    const middle = (floor + ceiling) >> 1n;
    if (below(ofRank(middle))) floor = middle;
    else ceiling = middle;
  }
  return ofRank(ceiling);
}

/** sum_h L_h sigma_h^(2 - 2/L_h). */
export const sharpnessOfMinimum = (strengths, depths) =>
  sum(depths.map((L, h) => L * Math.abs(strengths[h]) ** (2 - 2 / L)));

/** The minimum with the smallest sharpness; see `theory.flattest_split`. */
export function flattestSplit(target, depths) {
  const shared = (amount, takes) => {
    const takers = depths.filter(takes).length;
    return depths.map((L) => (takes(L) ? amount / takers : 0));
  };
  if (depths.includes(1)) return shared(target, (L) => L === 1);
  const deep = depths.filter((L) => L > 2);
  if (!deep.length) return shared(target, (L) => L === 2);
  const atSlope = (slope) =>
    depths.map((L) => (L > 2 ? (slope / (L - 1)) ** (1 / (1 - 2 / L)) : 0));
  if (deep.length < depths.length) {
    const carried = atSlope(1),
      rest = shared(target - sum(carried), (L) => L === 2);
    if (sum(carried) <= target) return carried.map((v, h) => v + rest[h]);
  }
  const steepest = Math.min(...deep.map((L) => (L - 1) * target ** (1 - 2 / L)));
  const split = atSlope(bisected((slope) => sum(atSlope(slope)) < target, 0, steepest)),
    whole = sum(split);
  return target > 0 ? split.map((v) => v * (target / whole)) : split;
}

/** Where gradient flow ends that starts at these strengths; see `theory.flow_end_split`. */
export function flowEnd(start, depths, target) {
  const { first, lag } = blowUp(start, depths),
    half = first / 2;
  const strengths = (tau, left) =>
    depths.map((L, h) => {
      if (L === 1) return start[h] + tau;
      if (L === 2) return start[h] > 0 ? (Math.sqrt(start[h]) * Math.exp(tau)) ** 2 : 0;
      return ((L - 2) * (lag[h] + left)) ** (-L / (L - 2));
    });
  // close to the blow-up the time left to it is the unknown: tau itself would lose digits
  const late = Number.isFinite(first) && sum(strengths(half, half)) < target;
  const at = (x) => (late ? strengths(first + x, -x) : strengths(x, first - x));
  const most = Math.min(half, Number.MAX_VALUE);
  return at(
    bisected((x) => sum(at(x)) < target, late ? -half : -Number.MAX_VALUE, late ? 0 : most),
  );
}

/** When the first of the deep pathways blows up, and how much later each does. */
function blowUp(start, depths) {
  const alive = (h) => depths[h] > 2 && start[h] >= TINY,
    living = depths.map((_, h) => h).filter(alive);
  if (!living.length) return { first: Infinity, lag: depths.map(() => Infinity) };
  const power = (h) => 1 - 2 / depths[h],
    rate = (h) => depths[h] - 2;
  const logRatio = (leader) => (h) => {
    const [s, ahead] = [start[h], start[leader]],
      change = (s - ahead) / ahead;
    const grown = change > -0.5 ? Math.log1p(change) : Math.log(s / ahead);
    const across = (power(h) - power(leader)) * Math.log(ahead) + Math.log(rate(h) / rate(leader));
    return -power(h) * grown - across;
  };
  const least = (value) => living.reduce((best, h) => (value(h) < value(best) ? h : best));
  let leader = least((h) => -power(h) * Math.log(start[h]) - Math.log(rate(h)));
  leader = least(logRatio(leader)); // rounded logarithms may tie where strengths do not
  const first = start[leader] ** -power(leader) / rate(leader),
    behind = logRatio(leader);
  const lag = depths.map((_, h) =>
    alive(h) ? first * Math.expm1(Math.max(behind(h), 0)) : Infinity,
  );
  return { first, lag };
}

/** The minimum of two pathways on gradient flow's side at which the sharpness is 2/eta; null where
 * there is none; see `prospects.ends`. */
export function edgeEnd(flow, flattest, depths, target, eta) {
  const edge = 2 / eta;
  const flat = depths.length !== 2 || (depths[0] === depths[1] && depths[0] <= 2);
  if (flat || !(sharpnessOfMinimum(flow, depths) > edge * (1 + TIE))) return null;
  const lowest = sharpnessOfMinimum(flattest, depths);
  if (lowest >= edge * (1 - TIE)) return lowest <= edge * (1 + TIE) ? flattest : null;
  const loser = flow[0] > flattest[0] ? 1 : 0,
    split = (v) => (loser === 0 ? [v, target - v] : [target - v, v]);
  if (sharpnessOfMinimum(split(0), depths) < edge) return null;
  return split(bisected((v) => sharpnessOfMinimum(split(v), depths) > edge, 0, flattest[loser]));
}

/* ---- step sizes */

// The one-pathway chain with its maximum at x: L/gamma, the maximum, and the smallest such x.
const overGamma = (L, x) => (2 * L - 1) * x ** (2 * L - 2) - (L - 1) * x ** (L - 2);
const peakOf = (L, x) => x + (x ** (L - 1) * (1 - x ** L)) / overGamma(L, x);
const steepestTop = (L) => ((L - 1) / (2 * L - 1)) ** (1 / L);

/** gamma from which an overshoot can reach zero; see `theory.wcr_gamma`. */
function wcrGamma(L) {
  const top = bisected(
    (x) => peakOf(L, x) ** (L - 2) * (peakOf(L, x) ** L - 1) > overGamma(L, x),
    steepestTop(L),
    1,
  );
  return L / overGamma(L, top);
}

/** gamma from which an overshoot may take more than so many steps to return; see
 * `theory.trap_gamma`. */
function trapGamma(L, steps) {
  const stays = (x) => {
    const [peak, rest] = [peakOf(L, x), overGamma(L, x)],
      low = peak - (peak ** (L - 1) * (peak ** L - 1)) / rest;
    return !((rest * Math.max(low, 0) ** (2 - L)) / (L - 2) <= steps);
  };
  return L / overGamma(L, bisected(stays, steepestTop(L), 1));
}

/** The marks of a network all of whose pathways move, by the fields of `theory.StepSizeMarks`; NaN
 * where not defined. */
export function stepSizeMarks({ depths, scales, target, steps }) {
  const alone = (L) => L * target ** (2 - 2 / L),
    single = Math.max(...depths.map(alone)),
    [L] = depths,
    equal = L > 1 && depths.every((each) => each === L);
  return {
    flow_edge: 2 / sharpnessOfMinimum(flowEnd(scales, depths, target), depths),
    single_path: 2 / single,
    balanced: 2 / sharpnessOfMinimum(flattestSplit(target, depths), depths),
    trap: equal && L > 2 ? trapGamma(L, steps) / single : NaN,
    wcr: equal ? wcrGamma(L) / single : NaN,
  };
}

/** The step size whose edge is the sharpness of the start; see `landscape.sharpness`: of the block
 * a a^T + diag(d) it is the largest root of sum a^2/(x - d) = 1. */
function startEdge({ depths, scales, target }) {
  const residual = sum(scales) - target,
    w = depths.map((L, h) => scales[h] ** (1 / L)),
    squares = depths.map((L, h) => L * w[h] ** (2 * L - 2)),
    bends = depths.map((L, h) => (L > 1 ? residual * w[h] ** (L - 2) : 0)),
    stretch = bends.map((bend, h) => (depths[h] - 1) * bend),
    least = Math.max(...stretch);
  const together = bisected(
    (x) => sum(squares.map((a, h) => (a > 0 ? a / (x - stretch[h]) : 0))) > 1,
    least,
    least + sum(squares),
  );
  return 2 / Math.max(together, ...bends.map((bend, h) => (depths[h] > 1 ? -bend : -Infinity)));
}

/** Zones of eta, each {name, start, end}, from 0 to infinity and without empty ones; `names` are
 * those of `prospects`. */
export function zonesOf(network, names) {
  const { depths, target, steps } = network,
    marks = stepSizeMarks(network);
  let { wcr, trap } = marks;
  if (!depths.every((L) => L === depths[0]) && !depths.includes(1)) {
    const least = (gamma, some) =>
      Math.min(...some.map((L) => gamma(L) / (L * target ** (2 - 2 / L))));
    wcr = Math.max(marks.flow_edge, least(wcrGamma, depths));
    trap = least(
      (L) => trapGamma(L, steps),
      depths.filter((L) => L > 2),
    );
  }
  const crosses = Number.isNaN(wcr) ? Infinity : wcr,
    lost = Math.min(crosses, Number.isNaN(trap) ? Infinity : trap);
  const begins = startEdge(network),
    sharp = begins < marks.flow_edge * (1 - TIE),
    flow = Math.min(marks.flow_edge, marks.balanced, crosses),
    part = Math.min(marks.balanced, lost);
  let low = 0;
  return [
    [names.flow, sharp ? Math.min(begins, Math.max(flow, part)) : flow],
    [sharp ? names.sharp : names.part, sharp ? Math.max(flow, part) : part],
    [names[above(depths)], lost],
    [names.trap, crosses],
    [names.zero, Infinity],
  ].flatMap(([name, border]) => {
    const [start, end] = [low, border * (1 + TIE)];
    if (!(start < end * (1 - TIE))) return [];
    low = end;
    return [{ name, start, end }];
  });
}

/** What happens above 2/lambda_min. */
function above(depths) {
  if (depths.includes(1)) return "diverges";
  if (depths.length === 1 || Math.max(...depths) === 2) return "gains";
  return depths.every((L) => L === depths[0]) ? "equal" : "flattest";
}
