/** Whether the page is on the stage of a lecture; the window hears "staged" when that changes. */
export const staged = () => document.documentElement.hasAttribute("data-stage");

const TYPED_IN = "input, textarea, select, [contenteditable=true]";
const PRESSED = "button, a, summary, [role=button], [role=tab], [role=option], [role=radio]";

/** Whether a key is meant for what is typed in. */
export const isTyped = (event) => Boolean(event.composedPath()[0].matches?.(TYPED_IN));

/** Whether a key may press what has the focus. */
export const presses = (event) => Boolean(event.composedPath()[0].matches?.(PRESSED));
