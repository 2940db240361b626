/* The buttons round the panels: what they do, and what they show. S is the player. */

import { takeAsBefore } from "./take.js";

const SPEEDS = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4];

const ACTIONS = {
  play: (S) => (S.clock.playing ? S.pause() : S.play()),
  home: (S) => S.seek(S.clock.start),
  end: (S) => S.seek(S.clock.end),
  back: (S) => S.step(-1),
  forward: (S) => S.step(1),
  back10: (S) => S.step(-10),
  forward10: (S) => S.step(10),
  loop: (S) => {
    S.clock.loop = !S.clock.loop;
  },
  logtime: (S) => S.toggleLogTime(),
  in: (S) => S.zoomBy(0.5),
  out: (S) => S.zoomBy(2),
  whole: (S) => S.zoomBy(Infinity),
  picture: (S) => takeAsBefore(S, "png"),
  film: (S) => takeAsBefore(S, "mp4"),
};

export function act(S, name) {
  ACTIONS[name]?.(S);
  showControls(S);
}

export function listenToControls(S) {
  S.on(S.root, "click", (event) => {
    const { do: name, strobe, axis } = event.target.closest("button")?.dataset ?? {};
    if (name) act(S, name);
    if (strobe) S.setStrobe(strobe);
    if (axis) S.setAxis(axis);
  });
  S.on(S.parts.speed, "change", () => {
    S.clock.speed = Number(S.parts.speed.value);
  });
}

export function fillSpeeds(S) {
  const { clock, steps, scene } = S,
    count = steps?.counts && !S.logTime ? steps.at(clock.end) - steps.at(clock.start) : 0;
  const name = (s) => (s < 1 ? `1/${1 / s}×` : `${s}×`);
  const rate = (s) =>
    count ? ` · ${Number(((s * count) / scene.seconds).toPrecision(2))} steps/s` : "";
  const names = SPEEDS.map((s) => name(s) + rate(s)),
    known = [...S.parts.speed.options].map((option) => option.text);
  if (names.join() === known.join()) return;
  S.parts.speed.replaceChildren(
    ...SPEEDS.map((s, k) => new Option(names[k], s, false, s === clock.speed)),
  );
}

export function showControls(S) {
  const find = (selector) => S.root.querySelector(selector),
    all = (selector) => S.root.querySelectorAll(selector);
  const { playing, loop } = S.clock;
  Object.assign(S.root.dataset, { hash: S.hash, playing, strobe: S.strobe, axis: S.axis });
  S.root.dataset.time = S.logTime ? "log" : "linear";
  find("[data-do=play]").setAttribute("aria-label", playing ? "Pause" : "Play");
  find("[data-do=loop]").setAttribute("aria-pressed", loop);
  for (const b of all("[data-strobe]")) {
    b.setAttribute("aria-pressed", b.dataset.strobe === S.strobe);
    b.disabled = !S.runs.some((run) => run.strobes);
  }
  for (const b of all("[data-axis]")) b.setAttribute("aria-pressed", b.dataset.axis === S.axis);
  for (const b of all("[data-axis]")) b.style.display = S.steps?.counts && S.shared ? "" : "none";
  find("[data-do=logtime]").setAttribute("aria-pressed", S.logTime);
  S.parts.clock.toggleAttribute("data-many", S.ribbons.length > 2); // a line of its own
  find("[data-do=out]").disabled = !S.zoom.zoomed;
}
