/* What stands on a sheet of paper round a picture: what it is above, what leads back to it below.
 * S = {theme: {bg, ink, muted, font}, lettering}, as a picture has them. */

import { escaped } from "../browser/svg.js";
import { text, width } from "./ink.js";

export const MARGIN = 20; // CSS pixels, as all measures
/** Letters stand where they would at any size; a screen's own are moved to its pixels. */
export const LETTERING = "geometricPrecision";
export const SPACE = 10; // between what stands above each other
const LEADING = 1.35; // of the size of a text
const MOST_LINES = 4; // of one text

export const PAPERS = {
  light: { paper: "#ffffff", text: "#31333f" },
  dark: { paper: "#171614", text: "#fafafa" },
};

/** A string as lines that fit the room, broken at spaces where there are any; what is cut ends in "…". */
function wrapped(S, string, room, size, weight) {
  const lines = [];
  let rest = string.trim();
  while (rest && lines.length < MOST_LINES) {
    let n = rest.length;
    while (n > 1 && width(S, rest.slice(0, n), size, weight) > room) n -= 1;
    const space = n < rest.length ? rest.lastIndexOf(" ", n) : n;
    if (space > n / 2) n = space;
    lines.push(rest.slice(0, n).trim());
    rest = rest.slice(n).trim();
  }
  if (rest) lines[lines.length - 1] = `${lines.at(-1).slice(0, -1)}…`;
  return lines;
}

/** Paragraphs [string, size, weight, colour] as lines that know their place, and their height. */
function block(S, paragraphs, room) {
  let y = 0;
  const lines = paragraphs.flatMap(([string, size, weight, colour]) =>
    wrapped(S, string, room, size, weight).map((line) => {
      y += LEADING * size;
      return { string: line, y, size, weight, colour };
    }),
  );
  return { lines, height: y };
}

/** Title, parameters and verdict. */
export function headOf(S, { title, parameters, verdict }, room) {
  const { ink, muted } = S.theme;
  const paragraphs = [
    [title, 17, 600, ink],
    [parameters, 12, 400, muted],
    [verdict, 13, 400, ink],
  ];
  return block(S, paragraphs, room);
}

/** A note, and the small print. */
export function footOf(S, { small }, note, room) {
  const { muted } = S.theme;
  const paragraphs = [
    [note, 10, 400, muted],
    [small, 9, 400, muted],
  ];
  return block(S, paragraphs, room);
}

export function writeBlock(ctx, S, { lines }, y) {
  for (const { string, size, weight, colour, ...line } of lines)
    text(ctx, S, string, MARGIN, y + line.y, { size, weight, colour });
}

/** An SVG document of `content`, W x H CSS pixels large. */
export function svgDocument({ caption, format, scale, font }, W, H, content) {
  const size = (v) =>
    format.dpi ? `${((v * scale) / format.dpi).toFixed(3)}in` : Math.round(v * scale);
  const about = [caption.parameters, caption.verdict, caption.small].filter(Boolean).join("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size(W)}" height="${size(H)}" \
viewBox="0 0 ${W.toFixed(2)} ${H.toFixed(2)}" font-family="${escaped(font)}">
<title>${escaped(caption.title)}</title>
<desc>${escaped(about)}</desc>
${content}
</svg>
`;
}
