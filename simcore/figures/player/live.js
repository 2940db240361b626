/* The run as it is at another place, while a handle moves: another step size, network or number of
 * steps. Made here by the twin of the kernels, until Python's takes its place. S is the player.
 *
 * The event "step-size" of the window says where the ruler's handle is, {eta, adopted, range, heard}:
 * adopted where Python has put it, whose run is then on its way. Whoever shows at once where a hand
 * puts it sets `heard`, also where only that is asked (without `eta`). The event "followed" says that
 * the answer may be another now, and "network" what the bar is for the network on show: {bar}, null
 * for Python's own.
 */

import { isSame, placeOf } from "../twin/system.js";
import { NetworkControls } from "./livecontrols.js";
import { awaited, dataAt, filled } from "./livedata.js";
import { fourDigits } from "./livepanels.js";
import { barOf } from "./livemarks.js";

const REST_OF_HANDLE = 120; // ms after a move, after which the run is drawn in full, and where
const REST_WITH_PYTHON = 500; // Python's own is on its way
const LATE = 4000; // ms after a move in which Python may still answer what came before

export class Live {
  constructor(S) {
    this.S = S;
    this.place = null; // of the run made here, if that is on show
    this.moved = -Infinity;
    this.controls = new NetworkControls(S, this);
    S.on(window, "step-size", ({ detail }) => {
      if (!S.scene?.live) return;
      detail.heard = true;
      this.range = detail.range;
      if (detail.eta === undefined) return;
      if (!detail.adopted) this.go({ ...this.here, eta: detail.eta });
      else if (this.place && this.place.eta !== detail.eta) this.own();
    });
  }

  /** Where the run on show is. */
  get here() {
    return this.place ?? placeOf(this.latest.scene.live);
  }

  /** Python's last word on a run, with the columns that it leaves to the browser; null where that is
   * about another place than the one on show. */
  receive(sent) {
    const data = sent.scene.live?.awaited ? awaited(this.S, sent) : filled(sent),
      { live } = data.scene;
    if (Boolean(live) !== Boolean(this.latest?.scene.live))
      setTimeout(() => window.dispatchEvent(new CustomEvent("followed")));
    this.latest = data;
    if (this.place !== null && live && !this.isAt(live)) return null;
    this.leave();
    this.controls.show(live);
    return data;
  }

  /** Whether a run of Python's is the one that was asked for. */
  isAt(live) {
    const { eta, steps, network } = this.place,
      sent = placeOf(live);
    if (eta !== sent.eta) return false;
    const same = steps === sent.steps && (!network || (live.network && isSame(live, network)));
    return same || (this.S.send && performance.now() > this.moved + LATE);
  }

  leave() {
    clearTimeout(this.settling);
    this.S.root.removeAttribute("data-passing");
    if (this.place) this.tellRuler(null);
    this.place = null;
  }

  /** Shows the run of a place at once, and in full when the handle rests. */
  go(wanted) {
    const { S, latest } = this,
      { live } = latest.scene,
      own = placeOf(live),
      network = wanted.network && !isSame(live, wanted.network) ? wanted.network : null,
      place = { ...wanted, network };
    if (JSON.stringify(place) === JSON.stringify(this.here)) return;
    S.pause();
    this.moved = performance.now();
    if (JSON.stringify(place) === JSON.stringify(own)) return this.own();
    const renewed = this.place?.network || network || place.steps !== this.here.steps;
    this.place = place;
    if (renewed && live.network) this.tellRuler(place);
    const quick = S.clock.over && S.hover === null;
    this.make(quick);
    clearTimeout(this.settling);
    if (!quick) return S.layout.resize();
    S.layout.glance();
    S.root.setAttribute("data-passing", "");
    const rest = S.send ? REST_WITH_PYTHON : REST_OF_HANDLE;
    this.settling = setTimeout(() => this.settle(), rest);
  }

  /** Shows Python's last word again. */
  own() {
    const { S, latest } = this;
    this.leave();
    this.controls.show(latest.scene.live);
    S.load(latest);
    S.restyle(S.theme);
  }

  /** All records, on layers. */
  settle() {
    this.make(false);
    this.S.layout.resize();
    this.S.root.removeAttribute("data-passing");
  }

  make(quick) {
    const { S } = this;
    S.hash = null; // what Python sends next is new, whatever it is
    S.become(dataAt(S, this.latest, this.place, quick));
    S.dress(S.theme); // to ask the page for its colours takes as long as a run
    const note = S.send
      ? "The picture follows at once; the words follow when it rests."
      : `The picture follows; the words above are those of ${this.ofOrigin()}.`;
    if (S.parts.note.textContent !== note) S.parts.note.textContent = note;
  }

  ofOrigin() {
    const { eta, steps } = placeOf(this.latest.scene.live),
      { network } = this.latest.scene.live;
    const parts = network ? `, L = ${network.depths.join(", ")}` : "";
    return `η = ${fourDigits(eta)}${parts}, ${steps.toLocaleString("en")} steps`;
  }

  tellRuler(place) {
    const { live } = this.latest.scene,
      whole = place && { ...place, network: place.network ?? live.network };
    const detail = { bar: whole && barOf(live, whole) };
    window.dispatchEvent(new CustomEvent("network", { detail }));
  }

  /** A network or number of steps was let go of: Python makes that run. */
  report() {
    const { network, steps } = this.here,
      { live } = this.latest.scene;
    if (this.place) this.S.send?.("network", { steps, ...(network ?? live.network) });
  }

  stop() {
    clearTimeout(this.settling);
    this.controls.stop();
  }
}
