/* An MP4 file of one film: its frames as they were encoded, at a constant rate, the index in front so
 * that it plays while it is still being loaded (ISO/IEC 14496-12; the entries of H.264 in 14496-15).
 */

const bytes = (size, values) => {
  const view = new DataView(new ArrayBuffer(size * values.length));
  const set = { 1: "setUint8", 2: "setUint16", 4: "setUint32" }[size];
  values.forEach((value, k) => view[set](k * size, value));
  return new Uint8Array(view.buffer);
};
const u8 = (...values) => bytes(1, values);
const u16 = (...values) => bytes(2, values);
const u32 = (...values) => bytes(4, values);
const ascii = (string) => new TextEncoder().encode(string);

function concatenated(parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function box(kind, ...parts) {
  const content = concatenated(parts);
  return concatenated([u32(8 + content.length), ascii(kind), content]);
}

/** A box with a version and flags. */
const fullBox = (kind, version, flags, ...parts) =>
  box(kind, u32((version << 24) | flags), ...parts);

const UNITY = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
const DPI_72 = u32(0x480000, 0x480000);

/** How the frames are encoded, from what the encoder says of them. */
function sampleEntry({ codec, description, codedWidth, codedHeight, colorSpace }) {
  const [kind, profile, level, depth] = codec.split(".");
  const sampling = (Number(depth) << 4) | 2 | Number(Boolean(colorSpace?.fullRange)), // 4:2:0
    bt709 = [1, 1, 1]; // primaries, transfer and matrix
  const settings =
    kind === "avc1"
      ? box("avcC", new Uint8Array(description))
      : fullBox("vpcC", 1, 0, u8(Number(profile), Number(level), sampling, ...bt709, 0, 0));
  return box(
    kind,
    u8(0, 0, 0, 0, 0, 0, 0, 1),
    u32(0, 0, 0, 0),
    u16(codedWidth, codedHeight),
    DPI_72,
    u32(0),
    u16(1),
    new Uint8Array(32),
    u16(24, 0xffff),
    settings,
  );
}

function sampleTable(config, frames, offset) {
  const count = frames.length;
  const keys = frames.flatMap((frame, k) => (frame.key ? [k + 1] : []));
  return box(
    "stbl",
    fullBox("stsd", 0, 0, u32(1), sampleEntry(config)),
    fullBox("stts", 0, 0, u32(1, count, 1)),
    fullBox("stss", 0, 0, u32(keys.length, ...keys)),
    fullBox("stsc", 0, 0, u32(1, 1, count, 1)),
    fullBox("stsz", 0, 0, u32(0, count, ...frames.map((frame) => frame.data.length))),
    fullBox("stco", 0, 0, u32(1, offset)),
  );
}

function movie(config, frames, rate, offset) {
  const { codedWidth, codedHeight } = config,
    length = frames.length;
  const media = box(
    "mdia",
    fullBox("mdhd", 0, 0, u32(0, 0, rate, length), u16(0x55c4, 0)), // no language
    fullBox("hdlr", 0, 0, u32(0), ascii("vide"), u32(0, 0, 0), ascii("film\0")),
    box(
      "minf",
      fullBox("vmhd", 0, 1, u32(0, 0)),
      box("dinf", fullBox("dref", 0, 0, u32(1), fullBox("url ", 0, 1))),
      sampleTable(config, frames, offset),
    ),
  );
  const track = box(
    "trak",
    fullBox(
      "tkhd",
      0,
      3, // it is enabled, and in the film
      u32(0, 0, 1, 0, length, 0, 0, 0, 0),
      UNITY,
      u32(codedWidth << 16, codedHeight << 16),
    ),
    media,
  );
  const head = fullBox(
    "mvhd",
    0,
    0,
    u32(0, 0, rate, length, 0x10000),
    u16(0x100, 0),
    u32(0, 0),
    UNITY,
    u32(0, 0, 0, 0, 0, 0, 2),
  );
  return box("moov", head, track);
}

/** frames: [{data, key}] in the order in which they are shown, `rate` of them a second; config: the
 * decoderConfig of an H.264 ("avc1") or VP9 ("vp09") encoder. */
export function mp4(config, frames, rate) {
  const kind = box("ftyp", ascii("isom"), u32(0x200), ascii("isomiso2mp41")),
    size = kind.length + movie(config, frames, rate, 0).length;
  const index = movie(config, frames, rate, size + 8);
  const data = box("mdat", ...frames.map((frame) => frame.data));
  return new Blob([kind, index, data], { type: "video/mp4" });
}
