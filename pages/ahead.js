/* A part of the page has run ahead of the rest, which may follow when the part has been on show for a
 * moment. A handle that moves on meanwhile brings another part first, unless it comes back.
 */

const MOMENT = 200; // ms
const MOVED = 800; // ms: by then a handle has said where it is
const root = document.documentElement;
let follow = null; // asks for the rest
let waiting;

const after = (pause) => {
  clearTimeout(waiting);
  if (follow) waiting = setTimeout(follow, pause);
};

const owe = (rest) => {
  follow = rest;
  root.toggleAttribute("data-ahead", Boolean(rest));
  after(MOMENT);
};

window.addEventListener("step-size", ({ detail }) => {
  if (detail.eta !== undefined) after(MOVED);
});

export default ({ data, setTriggerValue }) => {
  owe(data.ahead ? () => setTriggerValue("drawn", true) : null);
  return () => owe(null);
};
