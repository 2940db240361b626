/* The run as it is at another step size, while a handle moves: made here by the twin of the kernels,
 * until Python's takes its place. S is the player.
 *
 * The event "step-size" of the window says where the handle is, {eta, heard}; whoever shows that at
 * once sets `heard`, also where only that is asked (without `eta`). The event "followed" says that
 * the answer may be another now.
 */

import { columnsOf } from "./livecolumns.js";
import { following, fourDigits } from "./livepanels.js";
import { readRuns } from "./runs.js";

const REST_OF_HANDLE = 120; // ms

export class Live {
  constructor(S) {
    this.S = S;
    this.eta = null; // of the run made here, if that is on show
    S.on(window, "step-size", ({ detail }) => {
      if (!S.scene?.live) return;
      detail.heard = true;
      if (detail.eta !== undefined) this.show(detail.eta);
    });
  }

  /** Python's last word on a run. Whether it is about another step size than the one on show. */
  tooLate(data) {
    if (Boolean(data.scene.live) !== Boolean(this.latest?.scene.live))
      setTimeout(() => window.dispatchEvent(new CustomEvent("followed")));
    this.latest = data;
    if (this.eta !== null && data.scene.live && data.scene.live.eta !== this.eta) return true;
    this.eta = null;
    return false;
  }

  show(eta) {
    const { S, latest } = this;
    if (eta === (this.eta ?? latest.scene.live.eta)) return;
    S.pause();
    if (eta === latest.scene.live.eta) {
      this.eta = null;
      S.load(latest);
    } else {
      this.eta = eta;
      this.make(eta);
    }
    S.dress(S.theme); // to ask the page for its colours takes as long as a run
    this.draw();
  }

  /** At once, and in full when the handle rests. */
  draw() {
    const { S } = this;
    clearTimeout(this.settling);
    if (!S.clock.over || S.hover !== null) return S.layout.resize();
    S.layout.glance();
    this.settling = setTimeout(() => S.wake(), REST_OF_HANDLE);
  }

  make(eta) {
    const { S } = this,
      { scene } = S,
      columns = columnsOf(scene.live, eta);
    const phases = [{ name: "", t0: 0, t1: columns.t.at(-1), colour: scene.style.muted }];
    const [run] = readRuns({
      scene: { runs: [{ ...scene.runs[0], phases, notices: [] }] },
      run0: columns,
    });
    S.hash = null; // what Python sends next is new, whatever it is
    S.take([run, ...S.runs.slice(1)]);
    scene.panels.forEach((spec, k) => {
      S.panels[k].spec = following(S, spec, columns);
    });
    const note = S.send
      ? "The picture follows η at once; the words follow when it rests."
      : `The picture follows η; the words above are those of η = ${fourDigits(scene.live.eta)}.`;
    if (S.parts.note.textContent !== note) S.parts.note.textContent = note;
  }
}
