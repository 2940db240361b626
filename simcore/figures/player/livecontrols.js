/* Controls of the network that the picture follows at once: how many pathways, how deep, where they
 * start, for how many steps; and films of what is swept through. S is the player. */

import { clamp } from "../browser/numbers.js";
import { Sweep } from "../browser/sweep.js";
import { element } from "../ruler/element.js";
import { networkAt } from "../twin/system.js";
import { FilmKeys } from "./sweepfilm.js";
import { secondsOf, withDepth, withPathways } from "./sweeps.js";

const SCALES = { from: 1e-4, to: 0.9 }; // of sigma*
const FEWEST_STEPS = 10;
const PARTS = 400; // of a slider with a logarithmic scale

const geometric = (from, to) => ({
  to: (v) => Math.round((PARTS * Math.log(v / from)) / Math.log(to / from)),
  back: (part) => from * (to / from) ** (part / PARTS),
});

export class NetworkControls {
  constructor(S, live) {
    Object.assign(this, { S, live });
    this.root = S.root.querySelector(".network");
    this.place = this.root.querySelector(".sliders");
    this.reset = this.root.querySelector(".reset");
    this.sweeps = [];
    this.films = new FilmKeys(S, live, this.root.querySelector(".films"));
    S.on(this.reset, "click", () => {
      live.go({ ...live.here, network: null, steps: live.latest.scene.live.recorded.at(-1) });
      this.show(live.latest.scene.live);
      live.report();
    });
  }

  /** The controls for a picture of Python's. */
  show(told) {
    this.root.hidden = !told;
    this.told = told;
    const kind = told && JSON.stringify([told.network?.longest, told.target, told.mode]);
    if (told && kind !== this.kind) this.build();
    else if (told?.network) this.refresh(); // whoever holds a slider keeps it
    this.kind = kind;
    if (told) this.films.offer(Boolean(told.network));
  }

  get network() {
    return networkAt(this.told, this.live.here);
  }

  /** How many pathways the panels need at least. */
  get fewest() {
    const planes = this.S.scene?.panels.filter(({ kind }) => kind === "plane") ?? [];
    const shown = planes.flatMap(({ trails: [{ x, y }] }) => [x, y]);
    const shared = ["sharing", "participation"],
      pair = this.S.scene?.panels.some(({ key }) => shared.includes(key));
    return Math.max(pair ? 2 : 1, ...shown.map((column) => Number(column.slice(1)) + 1));
  }

  build() {
    this.stop();
    this.rows = [];
    this.sweeps = [];
    const { told } = this;
    if (!told.network) return this.place.replaceChildren();
    const { most } = told.words,
      { longest } = told.network,
      steps = geometric(FEWEST_STEPS, longest);
    const all = [
      this.row("Pathways H", {
        min: 1,
        max: most.pathways,
        plays: true,
        read: () => this.network.depths.length,
        write: (count) => withPathways(this.network, Math.max(this.fewest, count)),
      }),
      this.row("Depth L of all", {
        min: 1,
        max: most.depth,
        plays: true,
        read: () => Math.max(...this.network.depths),
        write: (depth) => withDepth(this.network, depth),
        text: () => [...new Set(this.network.depths)].join(", "),
      }),
      this.row("Steps", {
        min: 0,
        max: PARTS,
        read: () => steps.to(this.live.here.steps),
        write: (part) => ({ steps: Math.round(steps.back(part)) }),
        text: () => this.live.here.steps.toLocaleString("en"),
      }),
    ];
    this.each = element("div", "each");
    this.place.replaceChildren(...all, this.each);
    this.buildEach();
    this.refresh();
  }

  /** Depth and scale of each pathway. */
  buildEach() {
    const target = this.told.target[this.told.mode],
      scale = geometric(SCALES.from * target, SCALES.to * target),
      count = this.network.depths.length;
    this.rows = this.rows.filter((row) => !row.each);
    const changed = (name, h, value) => ({
      ...this.network,
      [name]: this.network[name].map((old, k) => (k === h ? value : old)),
    });
    const rows = this.network.depths.flatMap((_, h) => [
      this.row(`L of pathway ${h + 1}`, {
        each: true,
        min: 1,
        max: this.told.words.most.depth,
        read: () => this.network.depths[h],
        write: (depth) => changed("depths", h, depth),
      }),
      this.row(`α of pathway ${h + 1}`, {
        each: true,
        min: 0,
        max: PARTS,
        read: () => scale.to(this.network.scales[h]),
        write: (part) => changed("scales", h, Number(scale.back(part).toPrecision(3))),
        text: () => String(Number(this.network.scales[h].toPrecision(3))),
      }),
    ]);
    this.eachCount = count;
    this.each.replaceChildren(...rows);
  }

  row(name, { min, max, read, write, text = () => String(read()), plays = false, each = false }) {
    const input = element("input"),
      output = element("output"),
      label = element("label", "", element("span", "", name), input, output);
    Object.assign(input, { type: "range", min, max, step: 1 });
    const row = { input, output, read, text, each };
    this.rows.push(row);
    const move = (value) => {
      const { steps, ...network } = write(value),
        { here } = this.live;
      this.live.go(steps ? { ...here, steps } : { ...here, network });
      this.refresh();
    };
    input.addEventListener("input", () => {
      this.stop();
      move(Number(input.value));
    });
    input.addEventListener("change", () => this.live.report());
    const box = element("div", "control", label);
    if (plays) box.prepend(this.playKey(name, input, move));
    return box;
  }

  refresh() {
    if (this.network.depths.length !== this.eachCount) this.buildEach();
    for (const { input, output, read, text } of this.rows) {
      input.value = read();
      output.textContent = text();
      input.setAttribute("aria-valuetext", text());
    }
    this.reset.hidden = !this.live.place;
  }

  /** Plays through the whole numbers of a slider. */
  playKey(name, input, move) {
    const key = element("button", "sweep"),
      [first, last] = [Number(input.min), Number(input.max)];
    key.type = "button";
    key.title = `Play through: ${name}`;
    key.setAttribute("aria-label", key.title);
    key.setAttribute("aria-pressed", false);
    let passed = 0; // of the way to the next number
    const control = {
      seconds: secondsOf(last - first + 1),
      over: () => Number(input.value) >= last,
      rewind: () => move(first),
      advance: (part) => {
        passed += part * (last - first + 1);
        const whole = Math.floor(passed);
        passed -= whole;
        if (whole) move(clamp(Number(input.value) + whole, first, last));
      },
      rest: () => this.live.report(),
    };
    this.sweeps.push(new Sweep(key, control));
    return key;
  }

  stop() {
    for (const sweep of this.sweeps) sweep.halt();
  }
}
