/* The keyboard. S is the player. Streamlit keeps r, c and Esc. */

import { isTyped, presses, staged } from "../browser/staged.js";
import { act } from "./controls.js";

const KEYS = {
  " ": "play",
  ArrowLeft: "back",
  ArrowRight: "forward",
  ArrowDown: "back",
  ArrowUp: "forward",
  PageDown: "back10",
  PageUp: "forward10",
  Home: "home",
  End: "end",
  "+": "in",
  "=": "in",
  "-": "out",
  0: "whole",
};

function press(S, event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("select, input"))
    return;
  if (event.key === " " && event.target.matches("button, summary")) return;
  const name = KEYS[event.key];
  if (!name) return;
  event.preventDefault();
  event.stopPropagation();
  act(S, event.shiftKey && event.key.startsWith("Arrow") ? `${name}10` : name);
}

/** Space plays wherever nothing is typed or pressed. The other keys move a clock that was started so
 * where nothing has the focus, as they scroll the page else; on stage they always do. */
function pressElsewhere(S, event) {
  const [at] = event.composedPath(),
    pressing = presses(event);
  if (isTyped(event) || (pressing && [" ", "Enter"].includes(event.key))) return;
  const plays = event.key === " " && !pressing;
  if (!plays && !staged() && !(at === document.body && S.keyed)) return;
  S.keyed ||= plays;
  press(S, event);
}

/** Escape gives the other panels back, before anybody else hears of it. */
function escape(S, event) {
  if (event.key !== "Escape" || !S.enlarged) return;
  event.preventDefault();
  S.enlarge(null);
}

export function listenToKeys(S) {
  S.on(S.root, "keydown", (event) => press(S, event));
  S.on(document, "keydown", (event) => pressElsewhere(S, event));
  S.on(document, "keydown", (event) => escape(S, event), { capture: true });
}
