/* Colours: the page's from Streamlit's CSS variables, the run's from style.py. */

import { clamp } from "../browser/numbers.js";

const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

const pixels = new Map(); // to read a pixel takes a while, and colours are few

export function rgb(colour) {
  if (!pixels.has(colour)) pixels.set(colour, pixelOf(colour));
  return pixels.get(colour);
}

function pixelOf(colour) {
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  return Array.from(probe.getImageData(0, 0, 1, 1).data.slice(0, 3)); // mixed, so no bytes
}

export const css = ([r, g, b], alpha = 1) =>
  `rgba(${Math.round(r)},${Math.round(g)},${Math.round(b)},${alpha})`;
export const mix = (a, b, f) => a.map((v, k) => v + (b[k] - v) * f);
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

export const isDark = (colour) => luminance(rgb(colour)) < 0.3;

/** What the page looks like, from Streamlit's CSS variables. */
export function pageColours(root) {
  const variables = getComputedStyle(root);
  const get = (name, fallback) => variables.getPropertyValue(`--st-${name}`).trim() || fallback;
  return {
    paper: get("background-color", "#ffffff"),
    text: get("text-color", "#31333f"),
    font: get("font", "system-ui, sans-serif"),
  };
}

/** Colours of the run from style.py, on paper of a colour. */
export function themed({ paper, text, font }, style) {
  const bg = rgb(paper),
    ink = rgb(text);
  const dark = isDark(paper),
    white = [255, 255, 255];
  const shade = (pair) => rgb(pair[dark ? 1 : 0]);
  const hues = style.hues.map(shade);
  const roles = {
    ink,
    muted: shade(style.muted),
    edge: shade(style.edge),
    theory: shade(style.theory),
  };
  const phases = Object.fromEntries(
    Object.entries(style.phases).map(([name, pair]) => [name, shade(pair)]),
  );
  const plasma = style.plasma.map(shade),
    around = style.diverging.map(shade);
  around[2] = dark ? bg : white;
  return {
    bg,
    ink,
    dark,
    style,
    key: [bg, ink, font].join(),
    ghost: dark ? 0.26 : 0.18, // alpha of what is still to come
    muted: roles.muted,
    grid: mix(bg, ink, dark ? 0.13 : 0.09),
    frame: mix(bg, ink, 0.35),
    font,
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
    /** Number k of a run; one without a colour of its own takes a pathway's. */
    phase: ({ name, colour }, k) =>
      mix(bg, colour ? shade(colour) : (phases[name] ?? hues[k % hues.length]), dark ? 0.42 : 0.36),
    diverging: (u) => ramp(around, (u + 1) / 2),
  };
}
