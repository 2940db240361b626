/* Labels of the marks above and below the bar, and poles down to them. R is the ruler. */

import { clamp, zoomOf } from "../browser/numbers.js";
import { element } from "./element.js";
import { same, short } from "./words.js";

const OVERHANG = 10; // pixels that labels may stand out on either side

/** Rows (0 above the bar, 1 below) and left ends for labels of width w at xs, the neatest way in
 * which none overlaps; null if there is no way. */
function arrange(labels, width) {
  let best = null;
  const apart = (a, b) => a.row !== b.row || a.left + a.w <= b.left || b.left + b.w <= a.left;
  const extend = (placed, cost) => {
    if (best && cost >= best.cost) return;
    const label = labels[placed.length];
    if (!label) return (best = { placed, cost });
    const [first, last] = [label.xs[0], label.xs[label.xs.length - 1]];
    const wishes = [(first + last - label.w) / 2, last - label.w, first]; // centred, or a flag
    for (const row of [0, 1])
      for (const wish of wishes) {
        const left = clamp(wish, -OVERHANG, Math.max(0, width + OVERHANG - label.w)),
          spot = { ...label, row, left };
        if (placed.every((other) => apart(other, spot)))
          extend([...placed, spot], cost + row + (wish === wishes[0] ? 0 : 0.6));
      }
  };
  extend([], 0);
  return best?.placed;
}

/** Ticks by label: at first those that differ by rounding only share one. */
function grouped(ticks) {
  const groups = [];
  for (const tick of ticks) {
    const last = groups[groups.length - 1];
    if (last && same(tick.value, last[0].value)) last.push(tick);
    else groups.push([tick]);
  }
  return groups;
}

/** The two neighbours that are closest become one. */
function merged(groups) {
  const gap = (k) => groups[k + 1][0].value / groups[k][groups[k].length - 1].value;
  let k = 0;
  for (let j = 1; j < groups.length - 1; j++) if (gap(j) < gap(k)) k = j;
  return [...groups.slice(0, k), [...groups[k], ...groups[k + 1]], ...groups.slice(k + 2)];
}

/** Labels with values where they fit, else as symbols alone, and then the closest as one. */
export function placeLabels(R) {
  let groups = grouped(R.data.ticks);
  let spots = arrangeAs(R, groups, false) ?? arrangeAs(R, groups, true);
  while (!spots) spots = arrangeAs(R, (groups = merged(groups)), true);
  const poles = spots.flatMap(({ xs, row, left, w, box }) => {
    box.style.left = `${left}px`;
    box.dataset.row = row;
    return xs.map((x) => {
      const pole = element("div", "pole");
      pole.style.left = `${x}px`;
      pole.dataset.row = row;
      pole.toggleAttribute("data-flag", x < left + 3 || x > left + w - 3); // beside its label
      return pole;
    });
  });
  R.parts.poles.replaceChildren(...poles);
}

function arrangeAs(R, groups, compact) {
  const { labels } = R.parts;
  const boxes = groups.map((ticks) => labelOf(R, ticks));
  labels.classList.toggle("compact", compact);
  labels.replaceChildren(...boxes);
  return arrange(
    groups.map((ticks, k) => ({
      box: boxes[k],
      xs: ticks.map((tick) => R.x(tick.value)),
      w: Math.ceil(boxes[k].getBoundingClientRect().width / zoomOf(boxes[k])),
    })),
    R.width,
  );
}

function labelOf(R, ticks) {
  const box = element("div", "label");
  ticks.forEach((tick, k) => {
    const next = ticks[k + 1],
      equal = next && same(next.value, tick.value);
    const button = element("button", "", element("b", "", tick.symbol));
    button.type = "button";
    if (tick.sub) button.firstChild.append(element("sub", "", tick.sub), tick.close);
    if (tick.meaning && !equal) button.append(element("span", "", short(tick.value)));
    const name = `Set η to ${tick.name}` + (tick.meaning ? ` = ${short(tick.value)}` : "");
    button.setAttribute("aria-label", name);
    button.title = tick.meaning ? `${name}, ${tick.meaning}` : name;
    button.onclick = () => {
      R.move(tick.value);
      R.report();
    };
    box.append(button);
    if (next) box.append(equal ? "=" : ",");
  });
  return box;
}
