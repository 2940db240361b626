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
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("select")) return;
  if (event.key === " " && event.target.matches("button")) return;
  const name = KEYS[event.key];
  if (!name) return;
  event.preventDefault();
  event.stopPropagation();
  act(S, event.shiftKey && event.key.startsWith("Arrow") ? `${name}10` : name);
}

export function listenToKeys(S) {
  S.on(S.root, "keydown", (event) => press(S, event));
  // a page that was just opened has its focus nowhere: space plays there too
  S.on(document, "keydown", (event) => {
    if (event.key === " " && event.target === document.body) press(S, event);
  });
}
