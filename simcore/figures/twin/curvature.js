/* The Hessian's largest eigenvalue where there is one mode and nothing beside it: its block over the
 * groups, and in each group of m equal layers the (m - 1)-fold eigenvalue; see `kernels.mode_blocks`.
 */

const SWEEPS = 30;

const diagonal = new Float64Array(64); // room for every pathway there may be
const border = new Float64Array(64);

/** prod of a pathway's groups from `start` to `stop`, without one layer of each group left out. */
function others(run, start, stop, ...left) {
  let product = 1;
  for (let g = start; g < stop; g++)
    product *= run.x[g] ** (run.power[g] - left.filter((each) => each === g).length);
  return product;
}

/** lambda_max at the state of a `Descent` of one mode. */
export function sharpness(run) {
  return run.power.length + 1 === run.first.length ? ofEqualLayers(run) : ofGroups(run);
}

/** Where all layers of each pathway are equal the block is diag(d) + v v^T. */
function ofEqualLayers({ x, power, pull, residual }) {
  const [r] = residual,
    count = power.length;
  let [top, pole, norm] = [-Infinity, -Infinity, 0];
  for (let h = 0; h < count; h++) {
    const m = power[h],
      between = m > 1 ? r * x[h] ** (m - 2) : 0;
    if (m > 1) top = Math.max(top, -between);
    diagonal[h] = (m - 1) * between;
    border[h] = m * pull[h] * pull[h];
    pole = Math.max(pole, diagonal[h] + border[h]);
    norm += border[h];
  }
  return Math.max(top, norm === 0 ? pole : beyond(pole, count));
}

/** The root of 1 = sum_h border_h / (lambda - diagonal_h) above all poles. From below it, where the
 * largest entry of the diagonal is, Newton's steps rise to it, as the sum is convex there. */
function beyond(lambda, count) {
  for (;;) {
    let [sum, slope] = [0, 0];
    for (let h = 0; h < count; h++) {
      if (border[h] === 0) continue;
      const part = border[h] / (lambda - diagonal[h]);
      sum += part;
      slope += part / (lambda - diagonal[h]);
    }
    const next = lambda + (sum - 1) / slope;
    if (!(next > lambda)) return lambda;
    lambda = next;
  }
}

function ofGroups(run) {
  const { first, power } = run,
    groups = power.length,
    r = run.residual[0];
  const block = Array.from({ length: groups }, (_, g) =>
    Float64Array.from(power, (m, f) => Math.sqrt(power[g] * m) * run.pull[g] * run.pull[f]),
  );
  let top = -Infinity;
  for (let h = 0; h + 1 < first.length; h++)
    for (let g = first[h]; g < first[h + 1]; g++)
      for (let f = first[h]; f < first[h + 1]; f++) {
        if (g === f && power[g] === 1) continue;
        const between = others(run, first[h], first[h + 1], g, f);
        block[g][f] += r * (g === f ? power[g] - 1 : Math.sqrt(power[g] * power[f])) * between;
        if (g === f) top = Math.max(top, -r * between);
      }
  return Math.max(top, largest(block));
}

/** The largest eigenvalue of a symmetric matrix (rows), by Jacobi's rotations; the matrix is spent. */
function largest(a) {
  const n = a.length;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let off = 0,
      all = 0;
    for (let p = 0; p < n; p++)
      for (let q = 0; q < n; q++) {
        all += a[p][q] ** 2;
        if (p !== q) off += a[p][q] ** 2;
      }
    if (!(off > 1e-30 * all)) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, p, q);
  }
  return Math.max(...a.map((row, k) => row[k]));
}

function rotate(a, p, q) {
  if (a[p][q] === 0) return;
  const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]),
    t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1)),
    c = 1 / Math.hypot(t, 1),
    s = t * c;
  for (let k = 0; k < a.length; k++) {
    const [u, v] = [a[k][p], a[k][q]];
    [a[k][p], a[k][q]] = [c * u - s * v, s * u + c * v];
  }
  for (let k = 0; k < a.length; k++) {
    const [u, v] = [a[p][k], a[q][k]];
    [a[p][k], a[q][k]] = [c * u - s * v, s * u + c * v];
  }
}
