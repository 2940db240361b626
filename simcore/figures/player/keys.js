/* The keyboard. S is the player. Streamlit keeps r, c and Esc. */

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

const TYPED_IN = "input, textarea, select, [contenteditable=true]";
const PRESSED = "button, a, summary, [role=button], [role=tab], [role=option], [role=radio]";

/** Space plays wherever nothing is typed or pressed; where nothing has the focus the other keys move
 * a clock that was started so, as they scroll the page else. */
function pressElsewhere(S, event) {
  const [at] = event.composedPath();
  const free = at === document.body,
    plays = event.key === " " && !at.matches?.(`${TYPED_IN}, ${PRESSED}`);
  if (!plays && !(free && S.keyed)) return;
  S.keyed ||= plays;
  press(S, event);
}

export function listenToKeys(S) {
  S.on(S.root, "keydown", (event) => press(S, event));
  S.on(document, "keydown", (event) => pressElsewhere(S, event));
}
