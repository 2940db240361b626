/* The back button goes to the run before, and not through every rest of the player on the way.
 *
 * Streamlit adds an entry to the browser's history whenever it writes the link. Where the new link
 * differs from the present one only in what the player shows (PLAYED, the names of these
 * parameters), the entry is replaced. A server that has just started calls the front page FRONT for
 * a moment, which makes no entry either.
 */

if (!Object.hasOwn(history, "pushState")) {
  const page = (url) => url.pathname.replace(new RegExp(`/${FRONT}$`), "/");
  const others = (url) => [...url.searchParams].filter(([name]) => !PLAYED.includes(name)).sort();
  const rest = (url) => JSON.stringify([page(url), others(url)]);
  history.pushState = (state, unused, to) => {
    const moved = Boolean(to) && rest(new URL(to, location.href)) !== rest(new URL(location.href));
    const method = moved ? "pushState" : "replaceState";
    History.prototype[method].call(history, state, unused, to);
  };
}
