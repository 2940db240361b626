/* Ink for the run player: numbers, colours, runs on one clock, strokes, legends and axes.
 * First of three files that player.py joins into one module: player_ink, player_panels, player.
 */

const PHASES = {
  plateau: "#8a8f98",
  "symmetry breaking": "#8f6bc4",
  "edge of stability": "#d2a21c",
  "re-balancing": "#2fa39b",
  settled: "#84a04f",
};
const SPEEDS = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4];
const NARROW = 720; // below this width panels stand in one column
const HEAD = 24,
  FOOT = 38,
  ROW = 18,
  GAP = 22,
  SMALLEST_PLOT = 150;

/* ---- numbers and ticks */

const clamp = (v, lo, hi) => Math.min(hi, Math.max(lo, v));
const minus = (text) => text.replace("-", "−");
const superscript = (n) => String(n).replace(/./g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻");

function scientific(v, digits) {
  const [mantissa, exponent] = v.toExponential(digits).split("e");
  const power = "10" + superscript(Number(exponent));
  return minus(digits === undefined && Number(mantissa) === 1 ? power : `${mantissa}·${power}`);
}

function fixed(v, decimals) {
  if (!Number.isFinite(v)) return "–";
  const size = Math.abs(v);
  if (size >= 1e6 || (v !== 0 && size < 0.5 * 10 ** -decimals)) return scientific(v, 2);
  return minus(v.toFixed(decimals));
}

/** The value closest to zero but not zero: `fixed` may have to write it with a power of ten. */
const least = (values) =>
  values.reduce((a, v) => (v && (!a || Math.abs(v) < Math.abs(a)) ? v : a), 0);

/** Three figures of any magnitude, for logarithmic axes. */
function significant(v) {
  const plain = Math.abs(v) >= 1e-3 && Math.abs(v) < 1e4;
  return plain ? minus(v.toPrecision(3)) : Number.isFinite(v) ? scientific(v, 2) : "–";
}

/** Decimals that show about four significant figures of numbers up to `size`. */
const decimalsFor = (size) => (size > 0 ? clamp(3 - Math.floor(Math.log10(size / 2)), 0, 8) : 4);

function linearTicks(lo, hi, count) {
  const raw = (hi - lo) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((m) => m * power >= raw * (1 - 1e-9)) * power;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const plain = Math.max(Math.abs(lo), Math.abs(hi)) < 1e6 && decimals <= 5;
  const ticks = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + 1e-9 * step; k++) {
    const v = k * step;
    ticks.push({
      v,
      text: plain
        ? minus(v.toFixed(decimals))
        : k === 0
          ? "0"
          : scientific(Number(v.toPrecision(12))),
    });
  }
  return ticks;
}

function logTicks(lo, hi, count) {
  const first = Math.ceil(Math.log10(lo) - 1e-9),
    last = Math.floor(Math.log10(hi) + 1e-9);
  if (last - first < 1) {
    const ticks = linearTicks(lo, hi, count).filter((tick) => tick.v > 0);
    return ticks.length > 1 ? ticks : [lo, hi].map((v) => ({ v, text: scientific(v, 1) }));
  }
  const every = Math.max(1, Math.ceil((last - first) / Math.max(1, count)));
  const ticks = [];
  for (let k = first; k <= last; k++) {
    const show = (k - first) % every === 0;
    if (show || every === 1)
      ticks.push({ v: 10 ** k, text: show ? (k === 0 ? "1" : "10" + superscript(k)) : "" });
  }
  return ticks;
}

/** A map from [lo, hi] to pixels [a, b]; far outside stays near, canvas paths dislike 1e30. */
function scale(lo, hi, a, b, log = false) {
  const f = log ? Math.log10 : (v) => v;
  const f0 = f(lo),
    k = (b - a) / (f(hi) - f0);
  const map = (v) => clamp(a + (f(v) - f0) * k, -1e5, 1e5);
  map.invert = (px) => {
    const u = f0 + (px - a) / k;
    return log ? 10 ** u : u;
  };
  return map;
}

/* ---- colour */

const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

function rgb(colour) {
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

const css = (c, alpha = 1) => `rgba(${c.map(Math.round).join(",")},${alpha})`;
const mix = (a, b, f) => a.map((v, k) => v + (b[k] - v) * f);
const ramp = (stops, u) => {
  const x = clamp(u, 0, 1) * (stops.length - 1),
    k = Math.min(stops.length - 2, Math.floor(x));
  return mix(stops[k], stops[k + 1], x - k);
};

function luminance(c) {
  const [r, g, b] = c.map((v) =>
    v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [hi, lo] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (hi + 0.05) / (lo + 0.05);
}

/** Colours of the page from Streamlit's CSS variables, colours of the run from style.py. */
function readTheme(root, style) {
  const variables = getComputedStyle(root);
  const get = (name, fallback) => variables.getPropertyValue(`--st-${name}`).trim() || fallback;
  const bg = rgb(get("background-color", "#ffffff")),
    ink = rgb(get("text-color", "#31333f"));
  const dark = luminance(bg) < 0.3,
    white = [255, 255, 255];
  const shade = (pair) => rgb(pair[dark ? 1 : 0]);
  const legible = (c) => {
    while (dark && contrast(c, bg) < 3) c = mix(c, white, 0.1);
    return c;
  };
  const hues = style.hues.map((hue) => legible(rgb(hue)));
  const roles = {
    ink,
    muted: shade(style.muted),
    edge: shade(style.edge),
    theory: shade(style.theory),
  };
  const plasma = style.plasma.map(shade),
    around = style.diverging.map(shade);
  around[2] = dark ? bg : white;
  return {
    bg,
    ink,
    dark,
    style,
    key: [bg, ink, get("font", "")].join(),
    ghost: dark ? 0.26 : 0.18, // alpha of what is still to come
    muted: roles.muted,
    grid: mix(bg, ink, dark ? 0.13 : 0.09),
    frame: mix(bg, ink, 0.35),
    font: get("font", "system-ui, sans-serif"),
    /** Pathway index or role; paler for modes and further runs. */
    colour: (c, fade = 0) => {
      const hue = typeof c === "number",
        pale = hue && dark ? white : bg;
      return mix(
        hue ? hues[c % hues.length] : roles[c],
        pale,
        [0, 0.35, 0.52, 0.62][Math.min(3, fade)],
      );
    },
    time: (u) => ramp(plasma, u),
    phase: (name, k) => mix(bg, rgb(PHASES[name] ?? style.hues[k % 6]), dark ? 0.42 : 0.36),
    diverging: (u) => ramp(around, (u + 1) / 2),
  };
}

/* ---- runs on one clock */

/** A column of an Arrow table, or of a plain object of typed arrays (stand-alone page). */
const column = (table, name) => (table.getChild ? table.getChild(name)?.toArray() : table[name]);

function readRuns(data) {
  const rank = {};
  return data.scene.runs.map((spec, k) => {
    const table = data[`run${k}`],
      step = column(table, "step"),
      recorded = column(table, "t");
    const descent = spec.dynamics === "descent";
    const run = {
      ...spec,
      table,
      step,
      columns: {},
      smooth: !descent,
      rank: (rank[spec.dynamics] ??= 0),
    };
    rank[spec.dynamics] += 1;
    run.t = recorded;
    const all = Uint32Array.from(step, (_, i) => i);
    const even = all.filter((i) => Math.abs(step[i] % 2) < 0.5),
      odd = all.filter((i) => Math.abs(step[i] % 2) > 0.5);
    // A run recorded at steps of one parity only cannot be strobed: it shows all it has.
    run.strobes = descent && even.length > 2 && odd.length > 2;
    run.picks = run.strobes ? { all, even, odd } : { all, even: all, odd: all };
    run.pick = all;
    run.column = (name) => (run.columns[name] ??= name === "t" ? run.t : column(table, name));
    run.frames = (name) => (run.columns[`maps ${name}`] ??= column(data[`run${k}.maps`], name));
    return run;
  });
}

/** Place in run.pick of the last shown record at or before t; -1 before the first. */
function position(run, t) {
  let lo = 0,
    hi = run.pick.length;
  const limit = t + 1e-9 * (Math.abs(t) + 1e-9);
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (run.t[run.pick[mid]] <= limit) lo = mid + 1;
    else hi = mid;
  }
  return lo - 1;
}

/** Value of a column at clock time t; the time it belongs to is snapped(run, t). */
function read(run, values, t) {
  const j = position(run, t);
  if (j < 0) return NaN;
  const i = run.pick[j],
    next = run.pick[j + 1];
  if (!run.smooth || next === undefined || !(run.t[next] > run.t[i])) return values[i];
  return (
    values[i] + (values[next] - values[i]) * clamp((t - run.t[i]) / (run.t[next] - run.t[i]), 0, 1)
  );
}

function snapped(run, t) {
  const last = run.t[run.pick[run.pick.length - 1]];
  return run.smooth ? Math.min(t, last) : run.t[run.pick[Math.max(0, position(run, t))]];
}

const phaseAt = (run, t) => run.phases.findLast((phase) => phase.t0 <= t + 1e-9)?.name;

/* ---- drawing helpers */

function text(
  ctx,
  S,
  string,
  x,
  y,
  {
    size = 12,
    weight = 400,
    colour = S.theme.ink,
    align = "left",
    halo = false,
    base = "alphabetic",
  } = {},
) {
  ctx.font = `${weight} ${size}px ${S.theme.font}`;
  ctx.textAlign = align;
  ctx.textBaseline = base;
  if (halo) {
    ctx.lineWidth = 3;
    ctx.lineJoin = "round";
    ctx.strokeStyle = css(S.theme.bg, 0.85);
    ctx.strokeText(string, x, y);
  }
  ctx.fillStyle = css(colour);
  ctx.fillText(string, x, y);
}

function width(S, string, size = 12, weight = 400) {
  probe.font = `${weight} ${size}px ${S.theme.font}`;
  return probe.measureText(string).width;
}

function shorten(S, string, room, size = 12) {
  if (width(S, string, size) <= room) return string;
  let n = string.length;
  while (n > 1 && width(S, string.slice(0, n) + "…", size) > room) n--;
  return string.slice(0, n) + "…";
}

/** Digits in cells of one width, ending at x: canvas fonts have no tabular figures. */
function figures(ctx, S, string, x, y, options) {
  const cell = S.cell;
  if (cell.equal) return text(ctx, S, string, x, y, { ...options, align: "right" });
  for (const char of [...string].reverse()) {
    const digit = char >= "0" && char <= "9",
      w = digit ? cell.width : width(S, char);
    text(ctx, S, char, digit ? x - w / 2 : x - w, y, {
      ...options,
      align: digit ? "center" : "left",
    });
    x -= w;
  }
}

function segment(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

function clipped(ctx, { x, y, w, h }, draw) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x - 1, y - 1, w + 2, h + 2);
  ctx.clip();
  draw();
  ctx.restore();
}

function markPath(ctx, shape, x, y, r) {
  ctx.beginPath();
  if (shape === "circle") return ctx.arc(x, y, r, 0, 2 * Math.PI);
  const n = { square: 4, diamond: 4, star: 10 }[shape],
    turn = shape === "square" ? Math.PI / 4 : 0;
  for (let k = 0; k < n; k++) {
    const a = -Math.PI / 2 + turn + (2 * Math.PI * k) / n,
      q = shape === "star" ? (k % 2 ? 0.55 : 1.35) * r : 1.15 * r;
    ctx.lineTo(x + q * Math.cos(a), y + q * Math.sin(a));
  }
  ctx.closePath();
}

function drawMark(ctx, S, mark, x, y, r = 5) {
  const colour = S.theme.colour(mark.colour);
  markPath(ctx, mark.shape, x, y, r);
  ctx.setLineDash([]);
  ctx.fillStyle = css(mark.hollow ? S.theme.bg : colour);
  ctx.fill();
  ctx.lineWidth = 1.6;
  ctx.strokeStyle = css(mark.hollow ? colour : S.theme.bg);
  ctx.stroke();
}

function dot(ctx, S, x, y, colour, r = 3.5) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fillStyle = css(colour);
  ctx.fill();
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = css(S.theme.bg);
  ctx.stroke();
}

/** Copies a piece of a layer, on device pixels so that nothing is resampled. */
function copy(ctx, S, layer, x, y, w, h, alpha = 1) {
  const [a, b, c, d] = [x, y, x + w, y + h].map((v) => Math.round(v * S.dpr));
  const [u, v] = [Math.min(c, layer.width) - a, Math.min(d, layer.height) - b];
  if (u <= 0 || v <= 0) return;
  ctx.save();
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.globalAlpha = alpha;
  ctx.drawImage(layer, a, b, u, v, a, b, u, v);
  ctx.restore();
}

/** Simulation solid, theory dashed, flow thin, central flow dotted. Further descents are paler
 * (points cannot be dashed), further flows and pathways past the hues have a dash of their own. */
function lineStyle(S, line) {
  const run = S.runs[line.run],
    { style } = S.theme;
  const round = typeof line.colour === "number" ? Math.floor(line.colour / style.hues.length) : 0;
  const dash = line.theory
    ? style.dash.theory
    : run.dynamics === "central"
      ? style.dash.central
      : style.dashes[(round + (run.smooth ? run.rank : 0)) % style.dashes.length];
  const fade = line.mode + (run.smooth ? 0 : run.rank);
  const width = line.theory ? style.width.theory : style.width[run.dynamics];
  return { colour: S.theme.colour(line.colour, fade), width, dash };
}

function pen(ctx, { colour, width: w, dash = [] }, alpha = 1) {
  ctx.strokeStyle = css(colour, alpha);
  ctx.lineWidth = w;
  ctx.lineJoin = "round";
  ctx.setLineDash(dash);
}

/* ---- legends with live values */

/** Places entries {label, swatch, slot} in rows of `room` pixels; returns the number of rows. */
function flowLegend(S, entries, room) {
  let x = 0,
    row = 0;
  for (const e of entries) {
    const key = e.swatch ? 24 : 0;
    e.shown = shorten(S, e.label, room - key - (e.slot ? e.slot + 6 : 0) - 4);
    e.w = key + width(S, e.shown) + (e.slot ? e.slot + 6 : 0);
    if (x > 0 && x + e.w > room) {
      x = 0;
      row++;
    }
    Object.assign(e, { x, row });
    x += e.w + 16;
  }
  return entries.length ? row + 1 : 0;
}

function drawLegend(ctx, S, p) {
  for (const e of p.entries) {
    const x = p.legend.x + e.x,
      y = p.legend.y + e.row * ROW + 13;
    if (e.swatch) e.swatch(ctx, x, y - 4);
    text(ctx, S, e.shown, x + (e.swatch ? 24 : 0), y);
  }
}

function drawValues(ctx, S, p) {
  for (const e of p.entries) {
    if (!e.slot) continue;
    const y = p.legend.y + e.row * ROW + 13;
    figures(ctx, S, e.value(S.at), p.legend.x + e.x + e.w, y);
  }
}

/** A number with every digit made "0", whose width is that of all such numbers. */
const digitless = (string) => string.replace(/\d/g, "0");

const lineSwatch = (style) => (ctx, x, y) => {
  pen(ctx, style);
  segment(ctx, x, y, x + 18, y);
};
const markSwatch = (S, mark) => (ctx, x, y) => drawMark(ctx, S, mark, x + 9, y, 4.5);

function timeGradient(ctx, S, a, b) {
  const gradient = ctx.createLinearGradient(a, 0, b, 0);
  for (let k = 0; k <= 16; k++) gradient.addColorStop(k / 16, css(S.theme.time(k / 16)));
  return gradient;
}

function timeSwatch(S) {
  return (ctx, x, y) => {
    ctx.fillStyle = timeGradient(ctx, S, x, x + 18);
    ctx.fillRect(x, y - 3, 18, 6);
  };
}

/* ---- axes */

function drawAxes(ctx, S, p, xTicks, xTitle) {
  const { x, y, w, h } = p.plot,
    bottom = y + h;
  ctx.setLineDash([]);
  ctx.lineWidth = 1;
  ctx.strokeStyle = css(S.theme.grid);
  const crisp = (v) => Math.round(v) + 0.5;
  for (const tick of p.yTicks) segment(ctx, x, crisp(p.y(tick.v)), x + w, crisp(p.y(tick.v)));
  for (const tick of xTicks) segment(ctx, crisp(p.x(tick.v)), y, crisp(p.x(tick.v)), bottom);
  ctx.strokeStyle = css(S.theme.frame);
  segment(ctx, x, crisp(bottom), x + w, crisp(bottom));
  segment(ctx, crisp(x), y, crisp(x), bottom + 0.5);
  const soft = { size: 11, colour: S.theme.muted };
  for (const tick of p.yTicks)
    text(ctx, S, tick.text, x - 6, p.y(tick.v), { ...soft, align: "right", base: "middle" });
  let free = -Infinity;
  for (const tick of xTicks) {
    const half = width(S, tick.text, 11) / 2,
      at = clamp(p.x(tick.v), x + half - 4, p.rect.x + p.rect.w - half);
    if (at - half < free) continue;
    text(ctx, S, tick.text, at, bottom + 17, { ...soft, align: "center" });
    free = at + half + 8;
  }
  text(ctx, S, xTitle, x + w, bottom + 32, { ...soft, align: "right" });
}

function drawTitle(ctx, S, p) {
  const { x, y, w } = p.rect,
    room = w - (p.button ? 44 : 0);
  const title = shorten(S, p.spec.title, room - 8, 13.5);
  text(ctx, S, title, x, y + 15, { size: 13, weight: 600 });
  const after = width(S, title, 13, 600) + 8;
  const label = p.spec.label ?? "";
  if (label && after + width(S, label) <= room)
    text(ctx, S, label, x + after, y + 15, { colour: S.theme.muted });
}
