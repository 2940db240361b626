/* The back button goes to the run before, and not through every rest of the player on the way.
 *
 * Streamlit adds an entry to the browser's history whenever it writes the link. Where the new link
 * differs from the present one only in what the player shows or in the stage (PASSING, the names of
 * these parameters), the entry is replaced. A server that has just started calls the front page FRONT
 * for a moment, which makes no entry either. Each entry notes how many changes lead to it on its page,
 * and the window hears "entered".
 */

if (!Object.hasOwn(history, "pushState")) {
  const page = (url) => url.pathname.replace(new RegExp(`/${FRONT}$`), "/");
  const others = (url) => [...url.searchParams].filter(([name]) => !PASSING.includes(name)).sort();
  const write = (method, state, to, changes) => {
    History.prototype[method].call(history, { ...state, changes }, "", to);
    window.dispatchEvent(new CustomEvent("entered"));
  };
  const here = () => history.state?.changes ?? 0;
  history.replaceState = (state, unused, to) => write("replaceState", state, to, here());
  history.pushState = (state, unused, to) => {
    const [old, next] = [new URL(location.href), new URL(to ?? "", location.href)];
    const changed = JSON.stringify(others(old)) !== JSON.stringify(others(next));
    if (page(old) !== page(next)) write("pushState", state, to, 0);
    else if (changed) write("pushState", state, to, here() + 1);
    else write("replaceState", state, to, here());
  };
}
