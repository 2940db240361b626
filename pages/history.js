/* The back button goes to the run before, and not through every rest of the player on the way.
 *
 * Streamlit adds an entry to the browser's history whenever it writes the link. Where the new link
 * differs from the present one only in what the player shows (PLAYED, the names of these
 * parameters), the entry is replaced. Whoever goes on with pushState hears nothing of it.
 */

if (!Object.hasOwn(history, "pushState")) {
  const others = (url) =>
    JSON.stringify([url.pathname, [...url.searchParams].filter(([k]) => !PLAYED.includes(k)).sort()]);
  history.pushState = (state, unused, to) => {
    const moved = to != null && others(new URL(to, location.href)) !== others(new URL(location.href));
    const method = moved ? "pushState" : "replaceState";
    History.prototype[method].call(history, state, unused, to);
  };
}
