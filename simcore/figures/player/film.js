/* Pictures and films of the run, as files. S is the player. */

import { css } from "./theme.js";

const MARGIN = 12; // CSS pixels
const TYPES = ["video/mp4;codecs=avc1.640028", "video/mp4", "video/webm;codecs=vp9", "video/webm"];

export const canFilm = () =>
  Boolean(window.MediaRecorder && HTMLCanvasElement.prototype.captureStream);

/** Timeline and panels on one canvas. */
function sheet(S, canvas = document.createElement("canvas")) {
  const { trackCtx, ctx: panelsCtx, dpr } = S.layout,
    parts = [trackCtx.canvas, panelsCtx.canvas],
    margin = Math.round(MARGIN * dpr);
  const even = (v) => 2 * Math.ceil(v / 2); // H.264 takes even sizes only
  const w = even(parts[1].width + 2 * margin),
    h = even(parts[0].height + parts[1].height + 3 * margin);
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const ctx = canvas.getContext("2d");
  ctx.fillStyle = css(S.theme.bg);
  ctx.fillRect(0, 0, w, h);
  ctx.drawImage(parts[0], margin, margin);
  ctx.drawImage(parts[1], margin, parts[0].height + 2 * margin);
  return canvas;
}

function download(blob, extension) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `run.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export function savePicture(S) {
  sheet(S).toBlob((blob) => download(blob, "png"));
}

/** What is painted from now on, saved when it is stopped and lost when it is discarded. */
export class Film {
  constructor(S) {
    this.S = S;
    this.sheet = sheet(S);
    const type = TYPES.find((each) => MediaRecorder.isTypeSupported(each)),
      chunks = [];
    this.recorder = new MediaRecorder(this.sheet.captureStream(60), {
      mimeType: type,
      videoBitsPerSecond: 12e6,
    });
    this.recorder.ondataavailable = (event) => chunks.push(event.data);
    this.recorder.onstop = () =>
      download(new Blob(chunks, { type }), type.includes("mp4") ? "mp4" : "webm");
    this.recorder.start();
  }

  frame() {
    sheet(this.S, this.sheet);
  }

  stop() {
    setTimeout(() => this.frame(), 60); // the last picture, held for a moment
    setTimeout(() => this.recorder.state !== "inactive" && this.recorder.stop(), 400);
  }

  discard() {
    this.recorder.onstop = null;
    this.recorder.stop();
  }
}
