/* One button that stands for the cell where the keyboard is. Data are as cells/__init__.py packs them;
 * cells are numbered from the lower left to the right, and then up.
 */

const MOVES = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
  Home: [-Infinity, 0],
  End: [Infinity, 0],
  PageUp: [0, Infinity],
  PageDown: [0, -Infinity],
};
const HELP = "Cells by keyboard: arrows move, Enter opens the run";

export class Cells {
  constructor(root) {
    [this.button, this.said] = [root.querySelector("button"), root.querySelector(".said")];
    this.life = new AbortController();
    const on = (type, act) => this.button.addEventListener(type, act, this.life);
    on("keydown", (event) => this.press(event));
    on("click", () => this.open());
    on("blur", () => this.mark(""));
    on("focus", () => this.at && this.show());
  }

  stop() {
    this.life.abort();
  }

  update({ data, setTriggerValue }) {
    this.send = setTriggerValue;
    const axes = JSON.stringify([data.xs, data.ys, data.titles]);
    if (axes !== this.axes) this.at = null; // another map
    [this.data, this.axes] = [data, axes];
    this.button.textContent = this.at ? this.words() : HELP;
  }

  press(event) {
    const move = MOVES[event.key];
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const { xs, ys } = this.data,
      within = (k, list) => Math.max(0, Math.min(list.length - 1, k));
    if (this.at) this.at = [within(this.at[0] + move[0], xs), within(this.at[1] + move[1], ys)];
    if (this.at) this.show();
    else this.begin();
  }

  /** In the middle. */
  begin() {
    this.at = [this.data.xs.length >> 1, this.data.ys.length >> 1];
    this.show();
  }

  get number() {
    return this.at[1] * this.data.xs.length + this.at[0];
  }

  words() {
    const { xs, ys, titles, says } = this.data,
      [i, j] = this.at;
    return `${titles[0]} = ${xs[i]}, ${titles[1]} = ${ys[j]}: ${says[this.number] ?? "not known yet"}`;
  }

  show() {
    this.button.textContent = this.said.textContent = this.words();
    this.mark(this.number);
  }

  /** The map draws a frame round the cell. */
  mark(number) {
    const field = document.querySelector(`.${this.data.place} .vega-bindings input`);
    if (!field) return;
    field.value = number;
    field.dispatchEvent(new CustomEvent("input"));
  }

  open() {
    if (!this.at) this.begin();
    else if (this.data.says[this.number] !== null) this.send("opened", this.number);
  }
}
