/* A chart on a sheet of paper. Vega has drawn it as SVG in the page, in the place that a chart names:
 * {caption, place, sheet, muted}.
 */

import { download, textsOf } from "../browser/files.js";
import { pngOf } from "../browser/png.js";
import { SvgContext } from "../browser/svg.js";
import {
  footOf,
  headOf,
  LETTERING,
  MARGIN,
  PAPERS,
  SPACE,
  svgDocument,
  writeBlock,
} from "../player/sheet.js";
import { css, rgb } from "../player/theme.js";

const FONT = "sans-serif"; // as Vega has measured; a picture that is a file has no web fonts
const PATIENCE = 20000; // ms until the chart of another size is there
const LOOK_EVERY = 50; // ms

const after = (ms) => new Promise((done) => setTimeout(done, ms));

/** A sheet before the chart is on it: S as sheet.js wants it, its measures and what is written. */
function emptySheet({ caption, muted }, format) {
  const { paper, text } = PAPERS[format.dark ? "dark" : "light"];
  const theme = { bg: rgb(paper), ink: rgb(text), muted: rgb(muted[format.dark ? 1 : 0]) };
  const S = { theme: { ...theme, font: FONT }, lettering: LETTERING },
    W = format.width / format.scale,
    H = format.height && format.height / format.scale,
    room = W - 2 * MARGIN;
  const head = headOf(S, caption, room),
    foot = footOf(S, caption, "", room),
    top = MARGIN + head.height + SPACE,
    below = SPACE + foot.height + MARGIN;
  return { S, W, H, head, foot, top, below, room };
}

/** How large the chart should be, as Python is told. */
export function sheetFor(chart, format) {
  const { H, top, below, room } = emptySheet(chart, format);
  return {
    width: Math.round(room),
    height: H && Math.max(100, Math.round(H - top - below)),
    dark: format.dark,
  };
}

/** Whether the chart is of that sheet. */
export const isDrawnFor = ({ sheet }, { width, height, dark }) =>
  sheet.width === width && sheet.height === height && sheet.dark === dark;

/** The chart, {chart, svg}, once Python and Vega have drawn it in the size that is wanted. */
async function drawn(latest, format) {
  for (let waited = 0; waited < PATIENCE; waited += LOOK_EVERY) {
    const chart = latest(),
      svg = document.querySelector(`.${chart.place} svg.marks`);
    if (svg && isDrawnFor(chart, sheetFor(chart, format))) return { chart, svg };
    await after(LOOK_EVERY);
  }
  throw new Error("The chart is not drawn yet; wait for it, and press again.");
}

/** Readers of the screen have the same chart on the page. */
export async function hideFromReaders(latest, format) {
  const { svg } = await drawn(latest, format);
  svg.setAttribute("aria-hidden", "true");
}

/** Vega names its gradients by the address of the page, which no file has. */
const withoutBase = (text) => text.replace(/url\((?:&quot;|["'])?[^)#]+#/g, "url(#");

/** The whole sheet: SVG text, how high it is in CSS pixels, and the caption. */
async function chartSheet(latest, format) {
  const found = await drawn(latest, format),
    { caption } = found.chart,
    svg = found.svg.cloneNode(true),
    { S, W, H, head, foot, top, below, room } = emptySheet(found.chart, format),
    [, , w, h] = svg.getAttribute("viewBox").split(" ").map(Number);
  const free = H ? H - top - below : (room * h) / w,
    high = H ?? top + free + below;
  const place = { x: MARGIN, y: top, width: room, height: free };
  for (const [name, value] of Object.entries(place)) svg.setAttribute(name, value.toFixed(2));
  svg.setAttribute("preserveAspectRatio", "xMidYMid meet");
  for (const name of ["style", "class", "aria-hidden"]) svg.removeAttribute(name);
  const ctx = new SvgContext({ last: 0 });
  ctx.fillStyle = css(S.theme.bg);
  ctx.fillRect(0, 0, W, high);
  writeBlock(ctx, S, head, MARGIN);
  ctx.parts.push(withoutBase(new XMLSerializer().serializeToString(svg)));
  writeBlock(ctx, S, foot, high - MARGIN - foot.height);
  const about = { caption, format, scale: format.scale, font: FONT };
  return { text: svgDocument(about, W, high, ctx.content), high, caption };
}

async function canvasOf(text, width, height) {
  const image = new Image(),
    url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    canvas.getContext("2d").drawImage(image, 0, 0, width, height);
    return canvas;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Makes a file of the chart, "png" or "svg", and gives it to the visitor; `latest` gives the chart as
 * Python described it last. */
export async function takeChart(latest, kind, format) {
  const { text, high, caption } = await chartSheet(latest, format),
    name = `${caption.stem}.${kind}`;
  if (kind === "svg") return download(new Blob([text], { type: "image/svg+xml" }), name);
  const height = format.height ?? Math.round(high * format.scale),
    canvas = await canvasOf(text, format.width, height);
  download(await pngOf(canvas, textsOf(caption), format.dpi), name);
}
