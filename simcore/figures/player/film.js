/* A film of a run: the frames of a print, each drawn and encoded in its own time, so that the rate is
 * constant whatever the machine can do. */

import { mp4 } from "./mp4.js";

const RATE = 30; // frames a second
const HELD = 1; // seconds of the last picture
const BITS = 0.08; // for each pixel of a frame, at most
const KEY_EVERY = 150; // frames
const QUEUE = 4; // frames on their way through the encoder
const LARGE = 1920 * 1088; // pixels: more need a higher level

export const WHY_NO_FILM =
  "This browser encodes no films here: it takes Chrome, Edge, Firefox or Safari of 2024 or later, and " +
  "a page that is on this machine or comes encrypted (https).";

export const canFilm = () => Boolean(window.VideoEncoder);

/** H.264 where the browser has it, as everything plays that; else VP9. */
async function configuration(width, height) {
  const large = width * height > LARGE;
  for (const codec of large ? ["avc1.640033", "vp09.00.51.08"] : ["avc1.640028", "vp09.00.40.08"]) {
    const config = { codec, width, height, framerate: RATE, latencyMode: "realtime" };
    config.bitrate = Math.round(BITS * width * height * RATE);
    if (codec.startsWith("avc1")) config.avc = { format: "avc" };
    if ((await VideoEncoder.isConfigSupported(config)).supported) return config;
  }
  throw new Error(`This browser encodes no film of ${width} × ${height}; choose a smaller size.`);
}

/** Lets the page live between two frames; a timer would be slow in a tab that is not seen. */
function breath() {
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", () => {
      port1.close();
      done();
    });
    port1.start();
    port2.postMessage(null);
  });
}

/** A film of `seconds` as an MP4 file; `turn` brings the print to each part of it, 0 to 1. `tell` hears
 * which part of it is done; the signal ends it with an AbortError. */
export async function filmOf(print, turn, seconds, tell, signal) {
  const count = Math.round(seconds * RATE),
    frames = [];
  turn(print, 0);
  const first = print.draw(),
    config = await configuration(first.width, first.height);
  let trouble = null,
    described = null;
  const encoder = new VideoEncoder({
    output(chunk, { decoderConfig }) {
      described ??= decoderConfig;
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      frames.push({ data, key: chunk.type === "key", at: chunk.timestamp });
    },
    error(error) {
      trouble = error;
    },
  });
  encoder.configure(config);
  try {
    for (let k = 0; k < count + HELD * RATE; k++) {
      if (k < count) turn(print, k / (count - 1));
      const frame = new VideoFrame(print.draw(), { timestamp: Math.round((1e6 * k) / RATE) });
      encoder.encode(frame, { keyFrame: k % KEY_EVERY === 0 });
      frame.close();
      do await breath();
      while (encoder.encodeQueueSize > QUEUE && !trouble);
      signal.throwIfAborted();
      if (trouble) throw trouble;
      tell(k / (count + HELD * RATE));
    }
    await encoder.flush();
  } finally {
    if (encoder.state !== "closed") encoder.close();
  }
  return mp4(described, frames, RATE);
}
