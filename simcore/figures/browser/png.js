/* What a PNG file says of itself: texts, and how large it is meant to be. */

const SIGNATURE_AND_HEADER = 33; // bytes: the chunk IHDR is always the first

const CHECKS = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function checkOf(bytes) {
  let check = 0xffffffff;
  for (const byte of bytes) check = CHECKS[(check ^ byte) & 255] ^ (check >>> 8);
  return ~check >>> 0;
}

function chunk(kind, content) {
  const bytes = new Uint8Array(12 + content.length),
    view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, checkOf(bytes.subarray(4, 8 + content.length)));
  return bytes;
}

/** A text in UTF-8: keyword, no compression, no language. */
const textChunk = (keyword, text) =>
  chunk("iTXt", new TextEncoder().encode(`${keyword}\0\0\0\0\0${text}`));

function sizeChunk(dpi) {
  const content = new Uint8Array(9),
    view = new DataView(content.buffer),
    perMetre = Math.round(dpi / 0.0254);
  view.setUint32(0, perMetre);
  view.setUint32(4, perMetre);
  content[8] = 1; // the unit is the metre
  return chunk("pHYs", content);
}

/** The PNG of a canvas with texts by keyword, and dots per inch where it is meant for paper. */
export async function pngOf(canvas, texts, dpi) {
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  if (!blob)
    throw new Error("This browser cannot draw a picture that large; choose a smaller one.");
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const extra = Object.entries(texts)
    .filter(([, text]) => text)
    .map(([keyword, text]) => textChunk(keyword, text));
  if (dpi) extra.unshift(sizeChunk(dpi));
  const parts = [bytes.subarray(0, SIGNATURE_AND_HEADER), ...extra];
  return new Blob([...parts, bytes.subarray(SIGNATURE_AND_HEADER)], { type: "image/png" });
}
