/* A panel alone: its title is a button, which gives it the room of all of them and takes it back. S is
 * the player, p a panel.
 */

export const MOST_ON_STAGE = 2;

export function titleButton(S, key) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "title";
  button.onclick = () => S.enlarge(S.enlarged === key ? null : key);
  S.parts.stage.append(button);
  return button;
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
export function placeTitle({ titleButton: button, rect }, width) {
  if (button)
    Object.assign(button.style, {
      left: `${rect.x - 4}px`,
      top: `${rect.y - 2}px`,
      width: `${width + 8}px`,
    });
}
