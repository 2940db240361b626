/* After a move to another part of the tour: the page is shown from its top, and read from there. After
 * its answer was asked for by a key that is gone now, it is read from the answer.
 */

let seen;

const focus = (selector) => {
  const found = document.querySelector(`[data-testid=stMain] ${selector}`);
  if (!found) return;
  found.tabIndex = -1;
  found.style.outline = "none"; // nothing can be done with it: it is only where reading goes on
  found.focus({ preventScroll: true });
};

export default ({ data: { step, known } }) => {
  const before = seen;
  seen = { step, known };
  if (!before) return;
  if (before.step !== step) {
    document.querySelector("[data-testid=stMain]").scrollTo(0, 0);
    focus("h2");
  } else if (known && !before.known) focus("[class*=st-key-answer-]");
};
