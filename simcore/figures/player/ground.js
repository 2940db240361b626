/* What stands behind the trails of a plane: a quantity at every point, and lines along which
 * something flows. S is a picture, p the panel. */

import { clamp } from "../browser/numbers.js";
import { pen } from "./ink.js";
import { column } from "./runs.js";
import { css } from "./theme.js";

const SHADES_OF_GROUND = 127; // to either side of the level
const PIXELS_OF_GROUND = 240; // of its image, at most, along a side
const ARROW = 5; // pixels
const BARB = 2.6; // radians from the way of an arrow

export function readGround(S, p) {
  const { ground } = p.spec;
  if (!ground) return null;
  return { ...ground, values: column(S.data[`ground${p.spec.place}`], "values") };
}

/** Where a value is between 0 and twice the level, from -1 to 1. */
const besides = (v, level) => clamp(v / level - 1, -1, 1);

const colourOf = (S, u) => {
  const { bg, diverging, style } = S.theme;
  return diverging(u).map((v, k) => bg[k] + (v - bg[k]) * style.behind);
};

/** The value at a point, between those of the four nodes around it; NaN outside. */
function valueAt({ values, count, low, high }, x, y) {
  const unit = (count - 1) / (high - low),
    u = (x - low) * unit,
    v = (y - low) * unit;
  if (!(u >= 0 && v >= 0 && u <= count - 1 && v <= count - 1)) return NaN;
  const i = Math.min(count - 2, Math.floor(u)),
    j = Math.min(count - 2, Math.floor(v)),
    [a, b] = [u - i, v - j],
    at = j * count + i;
  return (
    (1 - b) * ((1 - a) * values[at] + a * values[at + 1]) +
    b * ((1 - a) * values[at + count] + a * values[at + count + 1])
  );
}

export function drawGround(ctx, S, p) {
  const { x, y, w, h } = p.plot,
    across = Math.min(w, PIXELS_OF_GROUND),
    down = Math.min(h, PIXELS_OF_GROUND);
  const palette = Array.from({ length: 2 * SHADES_OF_GROUND + 1 }, (_, k) =>
    colourOf(S, k / SHADES_OF_GROUND - 1).map(Math.round),
  );
  const tile = document.createElement("canvas");
  Object.assign(tile, { width: across, height: down });
  const pixels = tile.getContext("2d"),
    image = pixels.createImageData(across, down),
    [x0, x1] = p.xs,
    [y0, y1] = p.ys;
  for (let row = 0; row < down; row++)
    for (let col = 0; col < across; col++) {
      const value = valueAt(
        p.ground,
        x0 + ((col + 0.5) * (x1 - x0)) / across,
        y1 - ((row + 0.5) * (y1 - y0)) / down,
      );
      if (Number.isNaN(value)) continue;
      const shade = Math.round(besides(value, p.ground.level) * SHADES_OF_GROUND);
      image.data.set([...palette[shade + SHADES_OF_GROUND], 255], 4 * (row * across + col));
    }
  pixels.putImageData(image, 0, 0);
  ctx.imageSmoothingEnabled = true;
  ctx.drawImage(tile, x, y, w, h);
}

export const streamStyle = (S) => ({ colour: S.theme.muted, width: 0.9, dash: [] });

export function drawStreams(ctx, S, p) {
  const { lines, arrows } = p.spec.streams;
  pen(ctx, streamStyle(S), 0.8);
  for (const points of lines) {
    ctx.beginPath();
    for (const [u, v] of points) ctx.lineTo(p.x(u), p.y(v));
    ctx.stroke();
  }
  for (const [u, v, way] of arrows) {
    const [x, y] = [p.x(u), p.y(v)];
    ctx.beginPath();
    for (const turn of [-BARB, 0, BARB]) {
      const from = turn ? ARROW : 0; // the tip, between the ends of its barbs
      ctx.lineTo(x + from * Math.cos(way + turn), y - from * Math.sin(way + turn));
    }
    ctx.stroke();
  }
}

export const groundSwatch = (S) => (ctx, x, y) => {
  for (let k = 0; k < 18; k++) {
    ctx.fillStyle = css(colourOf(S, (2 * k) / 17 - 1));
    ctx.fillRect(x + k, y - 4, 1.3, 8);
  }
};
