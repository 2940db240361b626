/* A part of the page has run ahead of the rest, which may follow when the part has been on show for a
 * moment; a handle that has moved on by then brings another part first.
 */

const MOMENT = 200; // ms
const root = document.documentElement;
let waiting;

const wait = (send) => {
  clearTimeout(waiting);
  root.toggleAttribute("data-ahead", Boolean(send));
  if (send) waiting = setTimeout(send, MOMENT);
};

window.addEventListener("step-size", ({ detail }) => {
  if (detail.eta !== undefined) clearTimeout(waiting);
});

export default ({ data, setTriggerValue }) => {
  wait(data.ahead ? () => setTriggerValue("drawn", true) : null);
  return () => wait(null);
};
