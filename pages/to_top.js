/* After a move to another step of the tour: the page is shown from its top, and read from there. */

let seen;

export default ({ data: step }) => {
  const moved = seen !== undefined && seen !== step;
  seen = step;
  if (!moved) return;
  document.querySelector("[data-testid=stMain]").scrollTo(0, 0);
  const title = document.querySelector("[data-testid=stMain] h2");
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
};
