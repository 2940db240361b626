/* The menu: a size, colours, letters, and a button per kind of file. */

import { choose, chosen, formatOf } from "../browser/format.js";
import { WANTED } from "../browser/wanted.js";
import { isDark, pageColours } from "../player/theme.js";
import { hideFromReaders, isDrawnFor, sheetFor, takeChart } from "./chart.js";

const SENT_AFTER = 250; // ms without another key

const NAMES = { png: "picture", svg: "picture", mp4: "film" };

export class Menu {
  constructor(root) {
    this.root = root;
    this.said = root.querySelector(".said");
    this.fields = [...root.querySelectorAll("select, input")];
    this.buttons = [...root.querySelectorAll("button")];
    const choice = chosen();
    for (const field of this.fields) field.value = choice[field.name];
    this.life = new AbortController();
    const { signal } = this.life;
    root.addEventListener("input", () => this.changed(), { signal });
    root.addEventListener("click", (event) => this.pressed(event.target.closest("button")), {
      signal,
    });
    this.show();
  }

  stop() {
    clearTimeout(this.timer);
    this.life.abort();
  }

  /** What Python says: {chart: null, or {caption, place, sheet, muted}}. */
  update({ data, setTriggerValue }) {
    this.send = setTriggerValue;
    this.chart = data.chart;
    this.root.querySelector("[data-kind=mp4]").hidden = Boolean(this.chart);
    this.ask();
  }

  get choice() {
    return Object.fromEntries(this.fields.map(({ name, value }) => [name, value]));
  }

  format(dark = isDark(pageColours(this.root).paper)) {
    return formatOf(this.choice, dark);
  }

  changed() {
    choose(this.choice);
    this.show();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), SENT_AFTER);
  }

  show() {
    for (const each of this.root.querySelectorAll(".of-inches"))
      each.hidden = this.choice.size !== "inches";
  }

  /** Asks Python for a chart of the size that is chosen, where it has another one. */
  ask() {
    if (!this.chart) return;
    let format;
    try {
      format = this.format();
    } catch {
      return; // what is wrong with the numbers is said when a button is pressed
    }
    hideFromReaders(() => this.chart, format).catch(() => {}); // another size may be asked for first
    const wanted = sheetFor(this.chart, format);
    const now = JSON.stringify(wanted);
    if (isDrawnFor(this.chart, wanted) || now === this.asked) return;
    this.asked = now;
    this.send("sheet", wanted);
  }

  async pressed(button) {
    if (!button) return;
    const { kind } = button.dataset;
    for (const each of this.buttons) each.disabled = true;
    this.said.textContent = `Drawing the ${NAMES[kind]} …`;
    try {
      await (this.chart ? takeChart(() => this.chart, kind, this.format()) : this.ofPlayer(kind));
      this.said.textContent = `The ${NAMES[kind]} is among your downloads.`;
    } catch (error) {
      this.said.textContent = error.name === "AbortError" ? "The film was ended." : error.message;
    } finally {
      for (const each of this.buttons) each.disabled = false;
    }
  }

  ofPlayer(kind) {
    const tell = (part) => {
      this.said.textContent = `Drawing the ${NAMES[kind]}: ${Math.round(100 * part)} %`;
    };
    const detail = { kind, format: (dark) => this.format(dark), tell };
    document.dispatchEvent(new CustomEvent(WANTED, { detail }));
    if (!detail.promise)
      throw new Error("There is no picture on this page yet; wait until its run has ended.");
    return detail.promise;
  }
}
