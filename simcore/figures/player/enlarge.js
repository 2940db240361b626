/* A panel alone: its title is a button, which gives it the room of all of them and takes it back. S is
 * the player, p a panel.
 */

export const MOST_ON_STAGE = 2;

export function addTitleButton(S, p) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "title";
  button.onclick = () => S.enlarge(S.enlarged === p.key ? null : p.key);
  p.titleButton = button;
  S.parts.stage.append(button);
}

/** Buttons of panels on show only, and what they do. */
export function showVisible(S) {
  const { visible } = S;
  for (const p of S.panels) {
    const alone = S.enlarged === p.key,
      words = alone ? "Show all panels (Esc)" : "Enlarge";
    for (const b of [p.button, p.titleButton]) if (b) b.hidden = !visible.includes(p);
    p.titleButton.hidden ||= S.panels.length === 1;
    p.titleButton.title = words;
    p.titleButton.setAttribute("aria-label", `${words}: ${p.spec.title}`);
    p.titleButton.setAttribute("aria-pressed", alone);
  }
}

/** The button stands on the title that the canvas shows. */
export function placeTitle({ titleButton, rect }, width) {
  if (titleButton)
    Object.assign(titleButton.style, {
      left: `${rect.x - 4}px`,
      top: `${rect.y - 2}px`,
      width: `${width + 8}px`,
    });
}
