/* The button of a panel that can be logarithmic. S is the player, p a panel. */

export function addLogButton(S, p) {
  if (!p.setLog) return;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: "log", title: "Logarithmic axis" });
  button.setAttribute("aria-label", `Logarithmic axis: ${p.spec.title}`);
  button.onclick = () => {
    p.setLog(!p.log);
    if (p.log === p.usual) delete S.logs[p.key];
    else S.logs[p.key] = p.log;
    S.layout.resize();
    S.view.report();
  };
  p.button = button;
  p.moveButton = () => {
    button.style.left = `${p.rect.x + p.rect.w - 42}px`;
    button.style.top = `${p.rect.y}px`;
  };
  p.setLog(p.log);
  S.parts.stage.append(button);
}
