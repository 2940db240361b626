/* The handle: what pointer and keys do to the step size. R is the ruler. */

import { zoomOf } from "../browser/numbers.js";
import { staged } from "../browser/staged.js";

export function listen(R) {
  const { track, handle } = R.parts;
  const on = (target, type, act) => target.addEventListener(type, act, R.off);
  const at = (event) => (event.clientX - track.getBoundingClientRect().left) / zoomOf(track);
  on(track, "pointerdown", (event) => {
    if (event.button !== 0 || R.held) return;
    event.preventDefault();
    handle.focus({ preventScroll: true });
    const onHandle = event.target === handle;
    R.sweep.stop();
    R.announce();
    R.held = { from: R.eta, grip: onHandle ? at(event) - R.x(R.eta) : 0 };
    R.root.dataset.held = "";
    track.setPointerCapture(event.pointerId);
    if (!onHandle) R.move(R.etaAt(at(event)));
  });
  on(track, "pointermove", (event) => {
    if (R.held) R.move(R.etaAt(at(event) - R.held.grip));
  });
  const release = (event) => {
    if (!R.held) return;
    const { from } = R.held;
    R.held = null;
    R.changed = performance.now();
    delete R.root.dataset.held;
    if (event.type === "pointercancel") R.move(from); // the finger was scrolling the page
    R.report();
    if (R.waiting) R.take(R.waiting, true);
    R.waiting = null;
    if (staged()) handle.blur(); // arrows are for the clock again
  };
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) on(track, type, release);
  on(handle, "keydown", (event) => key(R, event));
  on(handle, "keyup", () => R.held || R.report());
}

function key(R, event) {
  if (event.altKey || event.ctrlKey || event.metaKey || R.held) return;
  const [low, high] = R.data.range,
    step = event.shiftKey ? 1.1 : 1.01;
  const eta = {
    ArrowRight: R.eta * step,
    ArrowUp: R.eta * step,
    ArrowLeft: R.eta / step,
    ArrowDown: R.eta / step,
    PageUp: R.eta * 1.1,
    PageDown: R.eta / 1.1,
    Home: low,
    End: high,
  }[event.key];
  if (eta === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  R.sweep.stop();
  R.move(eta);
}
