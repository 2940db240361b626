/* Mouse, touch and wheel: hovering reads, dragging scrubs. S is the player. */

import { clamp, zoomOf } from "../browser/numbers.js";
import { act } from "./controls.js";
import { heat } from "./heat.js";
import { series } from "./series.js";
import { noticeWords, tell, timelineWords } from "./words.js";

const REACH = 8; // CSS pixels round a plot that still belong to it

function panelAt(S, x, y) {
  return S.visible.find(
    ({ plot }) =>
      plot &&
      x >= plot.x - REACH &&
      x <= plot.x + plot.w + REACH &&
      y >= plot.y - REACH &&
      y <= plot.y + plot.h + REACH,
  );
}

function timeAt(S, x, y) {
  const p = panelAt(S, x, y);
  return p ? p.kind.time(S, p, x, y) : null;
}

export function listenToPointer(S) {
  const { slider } = S.parts,
    { canvas } = S.layout.ctx;
  const timeOnTrack = (x) => clamp(S.layout.track.invert(x), S.clock.start, S.clock.end);
  drag(S, slider, {
    timeOf: timeOnTrack,
    grasp: () => timeOnTrack,
    look: (x, y) => {
      slider.title = timelineWords(S, x, y);
    },
  });
  drag(S, canvas, {
    timeOf: (x, y) => timeAt(S, x, y),
    grasp: (x, y) => {
      const p = panelAt(S, x, y);
      return (u, v) => p.kind.time(S, p, u, v);
    },
    look: (x, y) => {
      const p = panelAt(S, x, y);
      S.pointed = p?.kind === heat ? heat.cellAt(p, x, y) : null;
      canvas.title = p?.kind === series ? noticeWords(S, x, p.x) : "";
    },
  });
  S.on(canvas, "dblclick", () => act(S, "whole"));
  const wheel = (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const factor = Math.exp(clamp(event.deltaY, -60, 60) / 120);
    S.zoomBy(factor, timeAt(S, event.offsetX, event.offsetY) ?? S.clock.t);
  };
  S.on(canvas, "wheel", wheel, { passive: false });
}

/** Hover and drag on an element. `timeOf` gives the time under a point, or null; `grasp` the same
 * for a drag that begins there, as it stays with its panel also outside the borders; `look` does
 * what else a hovering pointer asks for. */
function drag(S, element, { timeOf, grasp, look }) {
  let resume = false,
    held = null;
  const point = (event) => {
    const box = element.getBoundingClientRect(),
      zoom = zoomOf(element);
    return [(event.clientX - box.left) / zoom, (event.clientY - box.top) / zoom];
  };
  const hover = (t) => {
    S.hover = t;
    tell(S);
    S.wake();
  };
  S.on(element, "pointermove", (event) => {
    const [x, y] = point(event);
    if (held === null) {
      look(x, y);
      return hover(event.pointerType === "touch" ? null : S.snap(timeOf(x, y)));
    }
    const t = held(x, y);
    if (t !== null) S.seek(S.snap(t));
  });
  S.on(element, "pointerdown", (event) => {
    const [x, y] = point(event),
      t = timeOf(x, y);
    if (event.button !== 0) return;
    S.parts.slider.focus({ preventScroll: true });
    event.preventDefault();
    if (t === null) return;
    held = grasp(x, y);
    resume = S.clock.playing;
    S.pause();
    S.hover = null;
    element.setPointerCapture(event.pointerId);
    S.seek(S.snap(t));
  });
  const release = () => {
    if (held === null) return;
    held = null;
    if (resume) S.play();
  };
  S.on(element, "pointerup", release);
  S.on(element, "pointercancel", release);
  S.on(element, "pointerleave", () => {
    if (held !== null || (S.hover === null && !S.pointed)) return;
    S.pointed = null;
    hover(null);
  });
}
